/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_accept.h"

#include <string.h>

#include "tap.h"

#define PEM   "application/pem-certificate-chain"
#define DER   "application/pkix-cert"
#define PKCS7 "application/pkcs7-mime"

enum { NONE = -1, IS_PEM, IS_DER, IS_PKCS7 };

static const acme_accept_t offers[] = {
    {PEM, NULL}, {DER, NULL}, {PKCS7, "smime-type=certs-only"}};

typedef struct {
    const char *accept;
    int want;
} case_t;

static void all(const case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        int got = acme_accept_choose(cases[i].accept, offers, 3);

        ok(got == cases[i].want, "%s: %d",
           cases[i].accept ? cases[i].accept : "none", got);
    }
}

#define ALL(cases) all(cases, sizeof(cases) / sizeof((cases)[0]))

static void types(apr_pool_t *pool)
{
    static const case_t cases[] = {
        {NULL, IS_PEM},
        {"", IS_PEM},
        {"*/*", IS_PEM},
        {"application/*", IS_PEM},
        {PEM, IS_PEM},
        {DER, IS_DER},
        {PKCS7, IS_PKCS7},
        {"Application/PKIX-Cert", IS_DER},
        {PKCS7 ";smime-type=certs-only", IS_PKCS7},
        {PKCS7 " ; SMIME-Type=\"Certs-Only\"", IS_PKCS7},
        {PKCS7 "; smime-type=signed-data", NONE},
        {DER ";charset=utf-8", IS_DER},
        {"text/html", NONE},
        {"application/json", NONE},
        {"text/*, image/png", NONE},
        {"application/pkix-certificate", NONE},
        {"application/pkix-cer", NONE},
    };

    ALL(cases);
}

static void weights(apr_pool_t *pool)
{
    static const case_t cases[] = {
        {PEM "," DER, IS_PEM},
        {DER ", " PEM, IS_PEM},
        {PEM ";q=0.5, " DER, IS_DER},
        {PEM ";q=0.5," DER ";q=0.4", IS_PEM},
        {PEM ";q=0.499," DER ";q=0.5", IS_DER},
        {DER ", */*;q=0.1", IS_DER},
        {"*/*, " DER, IS_PEM},
        {"*/*;q=0.1, " DER ";q=0.2", IS_DER},
        {"*/*, " PEM ";q=0", IS_DER},
        {"application/*;q=0.3, " PEM ";q=0.2", IS_DER},
        {PEM ";q=0", NONE},
        {"*/*;q=0", NONE},
        {"*/*;q=0, " PKCS7 ";Q=1.000", IS_PKCS7},
        {PKCS7 ";smime-type=certs-only, " PKCS7 ";q=0", IS_PKCS7},
        {PKCS7 ";smime-type=certs-only;q=0, " PKCS7, NONE},
        {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", IS_PEM},
        {DER ";q=.3, " PEM ";q=.2", IS_DER},
        {"text/html, *;q=.2, */*;q=0.2", IS_PEM},
    };

    ALL(cases);
}

/* What cannot be read is passed over; a header of nothing else is none. */
static void garbage(apr_pool_t *pool)
{
    static const case_t cases[] = {
        {",,,", IS_PEM},
        {"*", IS_PEM},
        {"/", IS_PEM},
        {"application", IS_PEM},
        {"application/", IS_PEM},
        {"*/html", IS_PEM},
        {"\"", IS_PEM},
        {DER ";q=", IS_PEM},
        {DER ";q=2", IS_PEM},
        {DER ";q=1.5", IS_PEM},
        {DER ";q=0.1234", IS_PEM},
        {DER ";q=-1", IS_PEM},
        {DER ";; ;a=b;", IS_DER},
        {DER ";q=x", IS_PEM},
        {DER ";q=0.x", IS_PEM},
        {DER ";=b", IS_PEM},
        {DER " x", IS_PEM},
        {DER ";a=\"b", IS_PEM},
        {DER ";a=\"b\\", IS_PEM},
        {";;;, " DER, IS_DER},
        {DER ";a=\"x, " PEM ";\\\"\";q=1", IS_DER},
        {"\xff/\xfe, " DER, IS_DER},
    };

    ALL(cases);
}

const tap_case_t tap_cases[] = {
    {"media types, ranges, parameters", types},
    {"weights; the most particular range decides", weights},
    {"what cannot be read", garbage},
    {NULL, NULL}};
