/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <openssl/err.h>
#include <string.h>

#include "dcv/dcv_alpncert.h"

static apr_pool_t *top;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    apr_pool_create(&top, NULL);
    return 0;
}

static int is_printable(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return 0;
    }
    return 1;
}

/* Whatever certificate a peer shows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *der = data;
    dcv_job_t job = {.domain = "a.test", .key_authorization = "t.thumb"};
    const char *hint, *name, *address;
    X509 *certificate = d2i_X509(NULL, &der, (long)size);

    if (certificate) {
        apr_pool_create(&job.pool, top);
        name = dcv_alpncert_judge(&hint, certificate, &job);
        job.domain = "192.0.2.1";
        address = dcv_alpncert_judge(&hint, certificate, &job);
        promise(name || address); /* it cannot be both's */
        promise(!name || (is_printable(name) && strlen(name) < 4096));
        apr_pool_destroy(job.pool);
    }
    X509_free(certificate);
    ERR_clear_error();
    return 0;
}
