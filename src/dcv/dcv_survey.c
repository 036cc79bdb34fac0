/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_survey.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

dcv_survey_t *dcv_survey_make(apr_pool_t *pool)
{
    dcv_survey_t *survey = apr_pcalloc(pool, sizeof(*survey));

    survey->servers = apr_array_make(pool, 4, sizeof(dcv_seen_t *));
    return survey;
}

static int is_same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

void dcv_survey_add(dcv_survey_t *survey, const dcv_seen_t *seen,
                    apr_pool_t *pool)
{
    int i;

    for (i = 0; i < survey->servers->nelts; i++) {
        const dcv_seen_t *old =
            APR_ARRAY_IDX(survey->servers, i, const dcv_seen_t *);

        if (!strcmp(old->zone, seen->zone) && !strcmp(old->name, seen->name) &&
            is_same(old->address, seen->address))
            return;
    }
    APR_ARRAY_PUSH(survey->servers, dcv_seen_t *) =
        apr_pmemdup(pool, seen, sizeof(*seen));
}

void dcv_survey_take(dcv_survey_t *survey, const dcv_txts_t *txts)
{
    if (!txts->by || txts->outcome == DCV_TXT_FAILED)
        return;
    if (!survey->record || (!survey->zone && txts->zone)) {
        survey->record = txts->name;
        survey->zone = txts->zone;
    }
    survey->is_found |= txts->outcome == DCV_TXT_FOUND;
}
