/* SPDX-License-Identifier: Apache-2.0 */
#include "base/regular.h"

#include "base/banned.h"

apr_status_t regular_open(apr_file_t **file, const char *path,
                          apr_int32_t flags, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_status_t rv =
        apr_file_open(file, path, flags | APR_FOPEN_READ | APR_FOPEN_NONBLOCK,
                      APR_FPROT_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return rv;
    rv = apr_file_info_get(&info, APR_FINFO_TYPE, *file);
    if (rv == APR_SUCCESS && info.filetype != APR_REG)
        rv = APR_EINVAL;
    if (rv != APR_SUCCESS)
        apr_file_close(*file);
    return rv;
}
