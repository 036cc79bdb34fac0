/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_vhosts.h"

#include "acme/acme_crl.h"
#include "acme/acme_work.h"

#include "base/banned.h"

static httpd_conf_t *at(const apr_array_header_t *vhosts, int i)
{
    return APR_ARRAY_IDX(vhosts, i, httpd_conf_t *);
}

int httpd_vhosts_find(const apr_array_header_t *vhosts, const acme_t *acme)
{
    int i;

    for (i = 0; i < vhosts->nelts; i++)
        if (at(vhosts, i)->handle == acme)
            break;
    return i;
}

int httpd_vhosts_is_first(const apr_array_header_t *vhosts, int i)
{
    acme_t *acme = at(vhosts, i)->handle;
    int k;

    for (k = 0; acme && k < i; k++) {
        acme_t *before = at(vhosts, k)->handle;

        if (before && before->store == acme->store)
            return 0;
    }
    return acme != NULL;
}

acme_t *httpd_vhosts_for_job(const apr_array_header_t *vhosts, acme_t *any,
                             const store_job_t *job)
{
    int i;

    for (i = 0; i < vhosts->nelts; i++) {
        acme_t *acme = at(vhosts, i)->handle;

        if (acme && acme->store == any->store && acme_work_is_for(acme, job))
            return acme;
    }
    return any;
}

int httpd_vhosts_have_lists(const apr_array_header_t *vhosts)
{
    int i;

    for (i = 0; i < vhosts->nelts; i++)
        if (acme_crl_is_wanted(at(vhosts, i)->acme))
            return 1;
    return 0;
}
