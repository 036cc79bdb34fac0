/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_profile.h"

#include <apr_strings.h>

#include "base/clock.h"

#include "base/banned.h"

/* T50: seconds that a wished notBefore may lie in the past. */
#define WISH_PAST_MAX 3600

/* "90 d", "36 h", "1 h 1 s" would help nobody: the largest unit that divides
 * it. */
static const char *duration(apr_int64_t seconds, apr_pool_t *pool)
{
    if (seconds % 86400 == 0)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " days", seconds / 86400);
    if (seconds % 3600 == 0)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " hours", seconds / 3600);
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " seconds", seconds);
}

static problem_t *issuer_check(const ca_issuer_t *issuer, apr_int64_t now,
                               apr_pool_t *pool)
{
    if (now >= issuer->not_before && now < issuer->not_after)
        return NULL;
    return problem_internal(pool, APR_SUCCESS,
                            "issuer %s, generation %d, is valid from %s to %s, "
                            "and it is %s; renew it, or set the machine's "
                            "clock if that is wrong",
                            issuer->name, issuer->generation,
                            clock_rfc3339(issuer->not_before, pool),
                            clock_rfc3339(issuer->not_after, pool),
                            clock_rfc3339(now, pool));
}

/* First of all, so that no number below can overflow: an issuer's life is
 * within the years that a certificate can name. */
static problem_t *wish_check(const ca_issuer_t *issuer, apr_int64_t before,
                             apr_int64_t after, apr_int64_t now,
                             apr_pool_t *pool)
{
    if (before && before < now - WISH_PAST_MAX)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"notBefore\" lies more than an hour in the past; "
                            "it may be %s at the earliest, or left out",
                            clock_rfc3339(now - WISH_PAST_MAX, pool));
    if (before && before < issuer->not_before)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"notBefore\" lies before the issuer's own start, "
                            "%s",
                            clock_rfc3339(issuer->not_before, pool));
    if (before && before >= issuer->not_after)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"notBefore\" lies beyond the issuer's own end, "
                            "%s",
                            clock_rfc3339(issuer->not_after, pool));
    if (after && after > issuer->not_after)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"notAfter\" lies beyond the issuer's own end; it "
                            "may be %s at the latest, or left out",
                            clock_rfc3339(issuer->not_after, pool));
    if (after && after <= now)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"notAfter\" lies in the past; it is %s",
                            clock_rfc3339(now, pool));
    if (before && after && after <= before)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"notAfter\" is not later than \"notBefore\"");
    return NULL;
}

/* Backdated by the profile's wish, but not so far that a tenth of the life is
 * gone at birth. */
static apr_int64_t start_default(const ca_profile_t *profile,
                                 const ca_issuer_t *issuer, apr_int64_t life,
                                 apr_int64_t now)
{
    apr_int64_t backdate = profile->backdate;

    if (backdate > life / 10)
        backdate = life / 10;
    return now - backdate < issuer->not_before ? issuer->not_before
                                               : now - backdate;
}

static apr_int64_t end_default(const ca_profile_t *profile,
                               const ca_issuer_t *issuer, apr_int64_t start)
{
    if (profile->validity > issuer->not_after - start)
        return issuer->not_after;
    return start + profile->validity;
}

/* The start is ours where the client names the end only; it gives way to a wish
 * that uses max_validity up, counted from now. */
static apr_int64_t start_for_end(const ca_profile_t *profile,
                                 const ca_issuer_t *issuer, apr_int64_t end,
                                 apr_int64_t now)
{
    apr_int64_t start = start_default(profile, issuer, end - now, now);

    if (end - start > profile->max_validity &&
        end - now <= profile->max_validity)
        start = end - profile->max_validity;
    return start;
}

problem_t *ca_profile_validity(apr_int64_t *not_before, apr_int64_t *not_after,
                               const ca_profile_t *profile,
                               const ca_issuer_t *issuer,
                               apr_int64_t wish_before, apr_int64_t wish_after,
                               apr_int64_t now, apr_pool_t *pool)
{
    apr_int64_t start = wish_before, end = wish_after;
    problem_t *prob;

    prob = issuer_check(issuer, now, pool);
    if (prob)
        return prob;
    prob = wish_check(issuer, wish_before, wish_after, now, pool);
    if (prob)
        return prob;
    if (!start)
        start = end ? start_for_end(profile, issuer, end, now)
                    : start_default(profile, issuer, profile->validity, now);
    if (!end)
        end = end_default(profile, issuer, start);
    if (wish_after && end - start > profile->max_validity)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "\"notAfter\" asks for a longer life than the %s "
                            "that are allowed",
                            duration(profile->max_validity, pool));
    *not_before = start;
    *not_after = end;
    return NULL;
}
