/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_dns01.h"

#include <apr_strings.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "dcv_bed.h"
#include "dcv_nameserver.h"
#include "tap.h"

/* SHA-256 of "token.thumb" in base64url, by openssl. */
#define DIGEST "lCdftpJCXapaZHkBGIZbcubeKW8RmA0jSG_aZN01zbU"

/*
 * The resolver (127.0.0.1) knows that x.test has the servers ns1 and ns2.x.test
 * (127.0.0.2 and 127.0.0.3), and TXT records of names that begin with
 * "known"; what 127.0.0.2 and 127.0.0.3 say depends on the name.
 */
/* With 1,024 descriptors, 256 of them at a time. */
#define HANGING 400
static bed_t *bed;
static nameserver_t resolver, first, second;
static atomic_int late_asks, slow_asks; /* for TXT of such names */

#define HAS(word)     (strstr(name, word) != NULL)
#define BEGINS(word)  (!strncmp(name, word, strlen(word)))
#define IS_ZONE(zone) (!strcmp(name, zone))

static void resolver_addresses(nameserver_reply_t *reply, const char *name,
                               int type)
{
    if (type != NAMESERVER_A)
        return;
    if (BEGINS("ns1.") || BEGINS("ns.child."))
        reply->addresses[0] = "127.0.0.2";
    else if (BEGINS("ns2."))
        reply->addresses[0] = "127.0.0.3";
    else if (BEGINS("link."))
        reply->addresses[0] = "169.254.1.1";
    else if (BEGINS("empty."))
        reply->addresses[0] = "127.0.0.4"; /* nobody listens */
    else
        reply->rcode = 3;
}

static void resolver_zones(nameserver_reply_t *reply, const char *name)
{
    if (IS_ZONE("x.test.")) {
        reply->ns[0] = "ns1.x.test.";
        reply->ns[1] = "ns2.x.test.";
    }
    else if (IS_ZONE("other.test.") || IS_ZONE("alias.x.test."))
        reply->ns[0] = "ns2.x.test.";
    else if (IS_ZONE("link.test."))
        reply->ns[0] = "link.x.test.";
    else if (IS_ZONE("empty.test.")) {
        reply->ns[0] = "empty.x.test.";
        reply->ns[1] = "nowhere.x.test.";
    }
    else if (IS_ZONE("www.x.test."))
        reply->cname = "other.test.", reply->ns[0] = "ns9.x.test.";
    else if (HAS("broken"))
        reply->rcode = 2;
    else if (HAS(".x.test.")) {
        reply->rcode = HAS("deep") ? 3 : 0;
        reply->zone = "x.test.";
    }
    else
        reply->rcode = 3;
}

static void resolver_script(nameserver_reply_t *reply, const char *name,
                            int type)
{
    if (type == NAMESERVER_NS)
        resolver_zones(reply, name);
    else if (type != NAMESERVER_TXT)
        resolver_addresses(reply, name, type);
    else if (HAS("known"))
        reply->txt[0] = DIGEST;
    else if (HAS("slow") && atomic_fetch_add(&slow_asks, 1))
        reply->txt[0] = DIGEST;
    else if (HAS("mute"))
        reply->is_silent = 1;
    else if (HAS("broken"))
        reply->rcode = 2;
    else
        reply->rcode = 3;
}

static void values(nameserver_reply_t *reply, const char *name)
{
    reply->txt[0] = "an older one";
    if (HAS("many"))
        reply->txt[1] = "\x01\xff\"quoted\"", reply->txt[2] = "third",
        reply->txt[3] = "fourth", reply->txt[4] = "fifth";
    else if (HAS("long"))
        reply->txt[0] = "0123456789012345678901234567890123456789"
                        "0123456789012345678901234567890123456789";
    else if (HAS("self"))
        reply->txt[0] = "token.thumb";
    else if (HAS("quotes"))
        reply->txt[0] = "\"" DIGEST "\"";
    else if (HAS("parts"))
        reply->txt[1] = "lCdftpJCXap|aZHkBGIZbcubeKW8RmA0jSG_||aZN01zbU";
    else if (!HAS("wrong"))
        reply->txt[1] = DIGEST;
    if (HAS("hundreds"))
        reply->txt_count = 500;
}

/* Delegations and aliases; 0: none of these. */
static int leads_on(nameserver_reply_t *reply, const char *name)
{
    if (HAS(".child.x.test.") && !HAS("here")) {
        reply->zone = "child.x.test.";
        reply->ns[0] = "ns2.x.test.";
        reply->is_lame = 1;
    }
    else if (BEGINS("_acme-challenge.alias."))
        reply->cname = "good.other.test.";
    else if (BEGINS("_acme-challenge.near."))
        reply->cname = "good.x.test.";
    else if (BEGINS("_acme-challenge.circle.") || BEGINS("again."))
        reply->cname = BEGINS("again.") ? "_acme-challenge.circle.x.test."
                                        : "again.x.test.";
    else if (BEGINS("_acme-challenge.strange."))
        reply->cname = "a\x01 b.x.test.";
    else if (BEGINS("_acme-challenge.upwards.")) {
        reply->zone = "test.";
        reply->ns[0] = "ns2.x.test.";
        reply->is_lame = 1;
    }
    else
        return 0;
    return 1;
}

#define ACCOUNT "https://example.com/acme/acct/ExampleAccount"
#define HASHES  "https://ca.test/account-hash/sha-256/"
#define HASH    HASHES "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define THEIRS  HASHES "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"

static void persist_values(nameserver_reply_t *reply, const char *name)
{
    reply->txt[0] = "other.example; accounturi=" HASH;
    if (HAS("good"))
        reply->txt[1] = "ca.|test; accounturi=|" HASH;
    else if (HAS("theirs"))
        reply->txt[1] = "ca.test; accounturi=" THEIRS;
    else if (HAS("twice")) {
        reply->txt[1] = "ca.test; policy=x; policy=y; accounturi=" HASH;
        reply->txt[2] = "ca.test; accounturi=" THEIRS;
    }
}

static void script(nameserver_reply_t *reply, const char *name, int is_second)
{
    if (HAS("silent") || (HAS("half") && !is_second))
        reply->is_silent = 1;
    else if (HAS("servfail"))
        reply->rcode = 2;
    else if (HAS("refused"))
        reply->rcode = 5;
    else if (HAS("nothing"))
        return;
    else if (BEGINS("_validation-persist."))
        persist_values(reply, name);
    else if (BEGINS("_ujmmovf2vn55tgye._acme-challenge."))
        reply->txt[0] = DIGEST;
    else if (HAS("nxdomain") || HAS("known"))
        reply->rcode = 3;
    else if (HAS("late") && atomic_fetch_add(&late_asks, 1) < 2)
        reply->rcode = 3;
    else if (HAS("lagging") && !is_second)
        reply->rcode = 3;
    else {
        reply->is_lame = HAS("lame");
        reply->is_stray = HAS("stray");
        reply->is_cut = HAS("cut") || HAS("hundreds");
        reply->has_no_tcp = HAS("cut-off");
        if (HAS("liar"))
            reply->owner = "someone.else.test.";
        values(reply, name);
    }
}

static void first_script(nameserver_reply_t *reply, const char *name, int type)
{
    if (type != NAMESERVER_TXT)
        return;
    if (!leads_on(reply, name))
        script(reply, name, 0);
}

static void second_script(nameserver_reply_t *reply, const char *name, int type)
{
    if (!leads_on(reply, name) || HAS("child"))
        memset(reply, 0, sizeof(*reply)), script(reply, name, 1);
}

static void open_all(apr_pool_t *pool)
{
    dcv_resolver_t *row = apr_pcalloc(pool, sizeof(*row));

    ok(nameserver_start(&resolver, "127.0.0.1", 0, resolver_script));
    ok(nameserver_start(&first, "127.0.0.2", resolver.port, first_script));
    ok(nameserver_start(&second, "127.0.0.3", resolver.port, second_script));
    bed = bed_start(pool);
    bed->method = DCV_DNS01;
    bed->conf->dns01_port = resolver.port;
    bed->conf->timeout = apr_time_from_msec(1900); /* one try */
    row->servers = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(row->servers, const char *) =
        apr_psprintf(pool, "127.0.0.1@%d", resolver.port);
    APR_ARRAY_PUSH(bed->conf->resolvers, dcv_resolver_t *) = row;
    atomic_store(&late_asks, 0);
    atomic_store(&slow_asks, 0);
}

static void close_all(void)
{
    bed_stop(bed);
    nameserver_stop(&resolver);
    nameserver_stop(&first);
    nameserver_stop(&second);
}

static void is_proven(const dcv_result_t *result, const char *domain,
                      const char *by)
{
    need(result != NULL);
    ok(!result->problem, "%s: %s", domain,
       result->problem ? result->problem->detail : "");
    ok(result->address && strstr(result->address, by), "%s: %s", domain,
       result->address ? result->address : "nobody");
}

static void proven(const char *domain, const char *by)
{
    is_proven(bed_ask(bed, domain, "token"), domain, by);
}

/* words: what its detail must have, parted by "|". */
static void is_refuted(const dcv_result_t *result, const char *domain,
                       problem_type_e type, const char *words)
{
    char text[1024], *state, *word;

    need(result != NULL);
    ok(result->problem != NULL, "%s is proven", domain);
    if (!result->problem)
        return;
    is_str(problem_name(result->problem->type), problem_name(type));
    apr_snprintf(text, sizeof(text), "%s%s", words,
                 bed->bounds ? "" : "|_acme-challenge.|Hint: ");
    for (word = apr_strtok(text, "|", &state); word;
         word = apr_strtok(NULL, "|", &state))
        ok(strstr(result->problem->detail, word), "no \"%s\" in %s", word,
           result->problem->detail);
}

static void refuted(const char *domain, problem_type_e type, const char *words)
{
    is_refuted(bed_ask(bed, domain, "token"), domain, type, words);
}

static void right(apr_pool_t *pool)
{
    open_all(pool);
    proven("good.x.test", "ns1.x.test (127.0.0.2)");
    proven("x.test", "127.0.0.2");
    proven("parts.x.test", "127.0.0.2");
    proven("a.b.deep.x.test", "127.0.0.2");
    proven("known.x.test", "127.0.0.1@");
    proven("known.nowhere.example", "of ACMEResolver");
    proven("known-single", "of ACMEResolver");
    close_all();
}

static void ways(apr_pool_t *pool)
{
    open_all(pool);
    proven("alias.x.test", "ns2.x.test (127.0.0.3)");
    proven("near.x.test", "127.0.0.2");
    proven("good.child.x.test", "ns2.x.test (127.0.0.3)");
    proven("www.x.test", "127.0.0.2"); /* an alias itself: not its zone */
    proven("half.x.test", "ns2.x.test (127.0.0.3)");
    refuted("circle.x.test", PROBLEM_DNS, "CNAMEs lead on and on");
    refuted("strange.x.test", PROBLEM_DNS, "no host name");
    refuted("upwards.x.test", PROBLEM_DNS, "does not have the zone x.test");
    close_all();
}

static void truncated(apr_pool_t *pool)
{
    open_all(pool);
    proven("cut.x.test", "127.0.0.2");
    is_int(atomic_load(&first.tcp), 1);
    refuted("wrong-hundreds.x.test", PROBLEM_INCORRECT_RESPONSE,
            "an older one|and 497 more");
    refuted("cut-off.x.test", PROBLEM_DNS, "by TCP was lost|NXDOMAIN");
    close_all();
}

static void wrong(apr_pool_t *pool)
{
    open_all(pool);
    refuted("wrong.x.test", PROBLEM_INCORRECT_RESPONSE,
            "TXT record of _acme-challenge.wrong.x.test|"
            "ns1.x.test (127.0.0.2): \"an older one\"|"
            "Expected: \"" DIGEST "\"|resolver 127.0.0.1@|NXDOMAIN");
    refuted("wrong-many.x.test", PROBLEM_INCORRECT_RESPONSE,
            "\"an older one\", \"???quoted?\", \"third\" and 2 more");
    refuted("long-wrong.x.test", PROBLEM_INCORRECT_RESPONSE,
            "678901234567890123…\"");
    refuted("self.x.test", PROBLEM_INCORRECT_RESPONSE, "SHA-256 in base64url");
    refuted("quotes.x.test", PROBLEM_INCORRECT_RESPONSE, "part of the value");
    refuted("nothing.x.test", PROBLEM_UNAUTHORIZED, "there is no such record");
    refuted("nxdomain.x.test", PROBLEM_DNS, "NXDOMAIN");
    refuted("servfail.x.test", PROBLEM_DNS, "(127.0.0.2): SERVFAIL; ns2");
    refuted("refused.x.test", PROBLEM_DNS, "(127.0.0.3): REFUSED");
    refuted("broken.test", PROBLEM_DNS, "the resolver asked for|SERVFAIL");
    refuted("lame.x.test", PROBLEM_DNS, "does not have the zone");
    refuted("liar.x.test", PROBLEM_UNAUTHORIZED, "there is no such record");
    refuted("stray.x.test", PROBLEM_DNS, "(127.0.0.2): no answer|NXDOMAIN");
    refuted("unheard-of", PROBLEM_DNS, "the resolver knows of none|NXDOMAIN");
    close_all();
}

static void forbidden(apr_pool_t *pool)
{
    open_all(pool);
    refuted("a.link.test", PROBLEM_DNS,
            "link.x.test (169.254.1.1): denied by rule 169.254.0.0/16");
    proven("known.link.test", "127.0.0.1@");
    refuted("a.empty.test", PROBLEM_DNS,
            "empty.x.test (127.0.0.4): no name server there|"
            "nowhere.x.test: A: NXDOMAIN");
    bed->conf->authoritative = 0;
    refuted("good.x.test", PROBLEM_DNS, "resolver 127.0.0.1@|NXDOMAIN");
    proven("known.x.test", "127.0.0.1@");
    is_int(atomic_load(&first.questions), 0);
    close_all();
}

static int took(const dcv_result_t *result, int from, int to)
{
    int msec = result ? (int)apr_time_as_msec(result->took) : -1;

    return ok(msec >= from && msec < to, "took %d ms", msec);
}

static void again(apr_pool_t *pool)
{
    const dcv_result_t *late, *lagging, *nothing, *slow;
    probe_t *probes[4];
    int i;

    open_all(pool);
    bed->conf->timeout = apr_time_from_sec(8);
    probes[0] = bed_submit(bed, "late.x.test", "token", "account");
    probes[1] = bed_submit(bed, "lagging.x.test", "token", "account");
    probes[2] = bed_submit(bed, "nothing.x.test", "token", "account");
    probes[3] = bed_submit(bed, "slow-silent.x.test", "token", "account");
    late = bed_wait(probes[0]);
    lagging = bed_wait(probes[1]);
    nothing = bed_wait(probes[2]);
    is_proven(late, "late.x.test", "ns1.x.test (127.0.0.2)");
    took(late, 4900, 6000);
    is_proven(lagging, "lagging.x.test", "ns2.x.test (127.0.0.3)");
    took(lagging, 1900, 3500);
    is_refuted(nothing, "nothing.x.test", PROBLEM_UNAUTHORIZED,
               "no such record");
    took(nothing, 4900, 6500);
    is_int(atomic_load(&late_asks), 3);
    slow = bed_wait(probes[3]); /* silent servers do not keep it */
    is_proven(slow, "slow-silent.x.test", "127.0.0.1@");
    took(slow, 1900, 3500);
    for (i = 0; i < 4; i++)
        bed_free(probes[i]);
    close_all();
}

static void deadline(apr_pool_t *pool)
{
    open_all(pool);
    bed->conf->timeout = apr_time_from_msec(1000);
    proven("known-silent.x.test", "127.0.0.1@"); /* and does not wait long */
    refuted("mute-silent.x.test", PROBLEM_DNS,
            "no answer in time|ns1.x.test (127.0.0.2)|resolver 127.0.0.1@");
    close_all();
}

static void stopping(apr_pool_t *pool)
{
    probe_t *probes[20];
    int i;

    open_all(pool);
    bed->conf->timeout = apr_time_from_sec(8);
    for (i = 0; i < 20; i++)
        probes[i] = bed_submit(bed, i % 2 ? "mute-silent.x.test" : "wrong.test",
                               "token", "account");
    close_all();
    for (i = 0; i < 20; i++) {
        const dcv_result_t *result = bed_wait(probes[i]);

        ok(result && result->is_retryable);
        bed_free(probes[i]);
    }
}

/* Of three accounts; and one more of somebody else. */
static void hanging(apr_pool_t *pool)
{
    static probe_t *probes[HANGING];
    const dcv_result_t *result;
    int i, ended = 0;

    open_all(pool);
    bed->conf->timeout = apr_time_from_msec(2500);
    bed->conf->max_in_flight = HANGING;
    for (i = 0; i < HANGING; i++)
        probes[i] =
            bed_submit(bed, apr_psprintf(pool, "n%d.mute-silent.x.test", i),
                       "token", apr_psprintf(pool, "account %d", i % 3));
    usleep(1000000);
    result = bed_ask(bed, "good.x.test", "token");
    is_proven(result, "good.x.test", "127.0.0.2");
    took(result, 0, 2000);
    for (i = 0; i < HANGING; i++) {
        result = bed_wait(probes[i]);
        ended += result && result->problem && !result->is_retryable;
        bed_free(probes[i]);
    }
    is_int(ended, HANGING);
    close_all();
}

/* A proven name may still have to resolve somewhere. */
static void bound(apr_pool_t *pool)
{
    open_all(pool);
    bed_host(bed, "good.x.test", "10.9.1.1");
    bed_bind(bed, "good.x.test", "10.9.0.0/16");
    proven("good.x.test", "10.9.1.1");
    bed->bounds = NULL;
    bed_bind(bed, "good.x.test", "10.8.0.0/16");
    refuted("good.x.test", PROBLEM_REJECTED_IDENTIFIER, "10.8.0.0/16");
    close_all();
}

static void drafts(apr_pool_t *pool)
{
    open_all(pool);
    bed->account_url = ACCOUNT;
    bed->issuers = apr_array_make(pool, 1, sizeof(char *));
    APR_ARRAY_PUSH(bed->issuers, const char *) = "ca.test";
    bed->account_uris = apr_array_make(pool, 1, sizeof(char *));
    APR_ARRAY_PUSH(bed->account_uris, const char *) = HASH;
    bed->hash_prefixes = apr_array_make(pool, 1, sizeof(char *));
    APR_ARRAY_PUSH(bed->hash_prefixes, const char *) = HASHES;
    bed->method = DCV_DNS_ACCOUNT01;
    proven("a.x.test", "ns1.x.test (127.0.0.2)");
    bed->method = DCV_DNS_PERSIST01;
    proven("good.x.test", "ns1.x.test (127.0.0.2)");
    is_int(bed_ask(bed, "good.x.test", "token")->lifetime, 0);
    bed->bounds = apr_array_make(pool, 1, sizeof(dcv_bound_t *));
    refuted("theirs.x.test", PROBLEM_UNAUTHORIZED,
            "TXT record of _validation-persist.theirs.x.test|"
            "Expected: \"ca.test; accounturi=" HASH "\"|"
            "for this CA: its accounturi is another account's, " THEIRS);
    refuted("twice.x.test", PROBLEM_MALFORMED, "it has a parameter twice");
    refuted("x.x.test", PROBLEM_UNAUTHORIZED, "none of them begins with");
    refuted("nothing.x.test", PROBLEM_UNAUTHORIZED, "no such record");
    refuted("nxdomain.y.test", PROBLEM_DNS, "NXDOMAIN");
    close_all();
}

const tap_case_t tap_cases[] = {
    {"T80 one of several values, of several strings; whoever has it", right},
    {"T80 CNAME and NS are followed, but not in circles or upwards", ways},
    {"T80 what is truncated comes by TCP", truncated},
    {"T80 what is wrong: type, who says it, what was seen, hint", wrong},
    {"T79 name servers are dialled where that is allowed only", forbidden},
    {"T80 tries at 0, 2 and 5 seconds; nothing is remembered", again},
    {"R20 silence ends with the time, and delays the resolver little",
     deadline},
    {"H9 what hangs delays nobody else", hanging},
    {"all are handed back when the server stops", stopping},
    {"pki.md: a bound name must resolve to its networks", bound},
    {"dns-account-01 and dns-persist-01: name, records, problems", drafts},
    {NULL, NULL}};
