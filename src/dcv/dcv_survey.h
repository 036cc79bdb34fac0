/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_SURVEY_H
#define DCV_SURVEY_H

/* Where TXT records would be looked for, and whether the servers there are fit
 * for it (dcv_job_t, survey): for an operator who wants to know beforehand. */

#include "dcv/dcv_txt.h"

dcv_survey_t *dcv_survey_make(apr_pool_t *pool);

/* This one's part; the first word about a server counts. */
void dcv_survey_add(dcv_survey_t *survey, const dcv_seen_t *seen,
                    apr_pool_t *pool);

/* What somebody who knows said: the first one tells the zone. */
void dcv_survey_take(dcv_survey_t *survey, const dcv_txts_t *txts);

#endif
