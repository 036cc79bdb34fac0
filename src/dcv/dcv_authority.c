/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_authority.h"

#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_ask.h"
#include "dcv/dcv_net.h"
#include "dcv/dcv_said.h"
#include "dcv/dcv_survey.h"

#include "base/banned.h"

/* Questions of one try, to whomever. */
#define STEPS_MAX   40
#define ALIASES_MAX 8
/* What is told of servers that did not help. */
#define NOTES_MAX 8

struct dcv_authority_t {
    dcv_run_t *run;
    apr_pool_t *pool;
    const dcv_want_t *want;
    dcv_authority_fn done;
    void *baton;
    const char *name;            /* whose records are wanted, CNAMEs followed */
    const char *candidate;       /* that may be a zone */
    const char *zone;            /* whose servers are asked */
    apr_array_header_t *servers; /* of const char *, their names */
    int server_at, servers_left; /* the next one of them */
    const char *server;          /* the one whose addresses these are */
    apr_array_header_t *addresses; /* of dcv_address_t *, allowed ones */
    int address_at;
    const dcv_address_t *address; /* that is asked */
    const char *notes;            /* who did not help, and why */
    int notes_count, steps, aliases, tries;
    dcv_ub_query_t records;
    dcv_dns_query_t *query; /* NULL unless we wait for it */
    dcv_ask_t *ask;         /* NULL unless we wait for it */
    /* Of a survey: what the first one said, until all have been asked. */
    const dcv_txts_t *held;
    const char *alias;
};

dcv_authority_t *dcv_authority_make(dcv_run_t *run, const dcv_want_t *want,
                                    dcv_authority_fn done, void *baton)
{
    apr_pool_t *pool = run->job->pool;
    dcv_authority_t *authority = apr_pcalloc(pool, sizeof(*authority));

    authority->run = run;
    authority->pool = pool;
    authority->want = want;
    authority->done = done;
    authority->baton = baton;
    return authority;
}

static void query_drop(dcv_authority_t *authority)
{
    if (authority->query)
        dcv_dns_cancel(authority->query);
    authority->query = NULL;
}

void dcv_authority_cancel(dcv_authority_t *authority)
{
    dcv_ub_cancel(&authority->records);
    query_drop(authority);
    if (authority->ask)
        dcv_ask_cancel(authority->ask);
    authority->ask = NULL;
}

const char *dcv_authority_where(const dcv_authority_t *authority)
{
    apr_pool_t *pool = authority->pool;
    const char *notes = authority->notes, *now = authority->candidate;

    if (authority->ask)
        now = apr_psprintf(pool, "%s (%s)", authority->server,
                           authority->address->text);
    else if (authority->query)
        now = apr_pstrcat(pool, "the address of ", authority->server, NULL);
    else
        now = apr_pstrcat(pool, "the servers of ", now, NULL);
    return apr_pstrcat(pool, notes, *notes ? "; " : "", now, NULL);
}

/* records: what it has of them, NULL: nothing. */
static const dcv_txts_t *txts_make(const dcv_authority_t *authority,
                                   dcv_txt_e outcome, const dcv_txts_t *records,
                                   const char *by, const char *why)
{
    dcv_txts_t *txts = apr_pcalloc(authority->pool, sizeof(*txts));

    if (records)
        *txts = *records;
    txts->outcome = outcome;
    txts->name = authority->name;
    txts->zone = authority->zone;
    txts->by = by;
    txts->why = why;
    return txts;
}

static void end(dcv_authority_t *authority, const dcv_txts_t *txts)
{
    query_drop(authority);
    authority->done(authority->baton, txts);
}

static void fail(dcv_authority_t *authority, const char *why)
{
    end(authority, authority->held ? authority->held
                                   : txts_make(authority, DCV_TXT_FAILED, NULL,
                                               "its own name servers", why));
}

const dcv_txts_t *dcv_authority_held(const dcv_authority_t *authority)
{
    return authority->held;
}

/* For a survey: what this server did (fault NULL: its part). */
static void seen_add(const dcv_authority_t *authority, const char *address,
                     const char *fault, int is_lame)
{
    const dcv_seen_t seen = {authority->zone, authority->server, address, fault,
                             is_lame};

    if (authority->run->job->survey)
        dcv_survey_add(authority->run->job->survey, &seen, authority->pool);
}

static void server_next(dcv_authority_t *authority);

static void answered(dcv_authority_t *authority, dcv_txt_e outcome,
                     const dcv_txts_t *records, const char *why)
{
    const dcv_txts_t *txts =
        txts_make(authority, outcome, records,
                  apr_psprintf(authority->pool, "%s (%s)", authority->server,
                               authority->address->text),
                  why);

    if (!authority->run->job->survey) {
        end(authority, txts);
        return;
    }
    if (!authority->held && !authority->alias)
        authority->held = txts;
    seen_add(authority, authority->address->text, NULL, 0);
    server_next(authority);
}

/* 0: there have been too many, and it has ended. */
static int may_step(dcv_authority_t *authority)
{
    if (authority->steps++ < STEPS_MAX)
        return 1;
    fail(authority, "delegations lead on and on");
    return 0;
}

static void note(dcv_authority_t *authority, const char *what, const char *why)
{
    if (authority->notes_count++ >= NOTES_MAX)
        return;
    authority->notes = apr_psprintf(
        authority->pool, "%s%s%s%s%s: %s", authority->notes,
        *authority->notes ? "; " : "", authority->server, what ? " " : "",
        what ? apr_pstrcat(authority->pool, "(", what, ")", NULL) : "", why);
}

static void climb(dcv_authority_t *authority, const char *candidate);

static const char *parent_of(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot ? dot + 1 : "";
}

/* Each try begins with another server, since one may be behind the others. */
static void servers_begin(dcv_authority_t *authority, const char *zone,
                          apr_array_header_t *servers)
{
    query_drop(authority);
    authority->zone = zone;
    authority->servers = servers;
    authority->servers_left = servers->nelts;
    authority->server_at =
        servers->nelts ? (authority->tries - 1) % servers->nelts : 0;
    authority->addresses =
        apr_array_make(authority->pool, 2, sizeof(dcv_address_t *));
    authority->address_at = 0;
    server_next(authority);
}

static void alias_take(dcv_authority_t *authority, const char *alias);

static void unhelpful(dcv_authority_t *authority, const char *why, int is_lame)
{
    seen_add(authority, authority->address->text, why, is_lame);
    note(authority, authority->address->text, why);
    server_next(authority);
}

static void reply_judge(dcv_authority_t *authority, dcv_message_t *reply)
{
    apr_pool_t *pool = authority->pool;
    dcv_said_t said;

    dcv_said_read(&said, reply, authority->name, authority->want, pool);
    if (reply->rcode && reply->rcode != DCV_WIRE_NXNAME)
        unhelpful(authority,
                  reply->rcode == 2 ? "SERVFAIL"
                  : reply->rcode == 5
                      ? "REFUSED"
                      : apr_psprintf(pool, "code %d", reply->rcode),
                  1);
    else if (!reply->is_authoritative && !reply->rcode &&
             dcv_said_is_referral(&said, authority->name, authority->zone))
        servers_begin(authority, said.zone, said.servers);
    else if (!reply->is_authoritative)
        unhelpful(authority,
                  apr_pstrcat(pool, "it does not have the zone ",
                              authority->zone, NULL),
                  1);
    else if (said.txts.count)
        answered(authority, DCV_TXT_FOUND, &said.txts, NULL);
    else if (said.alias)
        alias_take(authority, said.alias);
    else if (reply->rcode == DCV_WIRE_NXNAME)
        answered(authority, DCV_TXT_NO_NAME, NULL,
                 "NXDOMAIN, there is no such name");
    else
        answered(authority, DCV_TXT_NO_RECORD, NULL, "there is no such record");
}

static void asked(void *baton, dcv_message_t *reply, const char *failure)
{
    dcv_authority_t *authority = baton;

    authority->ask = NULL;
    if (reply)
        reply_judge(authority, reply);
    else
        unhelpful(authority, apr_pstrdup(authority->pool, failure), 0);
}

static void address_ask(dcv_authority_t *authority)
{
    dcv_run_t *run = authority->run;
    const char *failure;

    if (!may_step(authority))
        return;
    authority->ask = dcv_ask_start(&failure, run->asker, authority->address,
                                   run->conf->dns01_port, authority->name,
                                   DCV_WIRE_TXT, asked, authority);
    if (!authority->ask)
        unhelpful(authority, failure, 0);
}

/* What it is not about does not become its answer: the alias is asked for,
 * where it belongs. */
static void alias_follow(dcv_authority_t *authority, const char *alias)
{
    if (authority->aliases++ >= ALIASES_MAX || !*alias || strchr(alias, '\\')) {
        answered(authority, DCV_TXT_FAILED, NULL,
                 *alias && !strchr(alias, '\\')
                     ? "CNAMEs lead on and on"
                     : "a CNAME leads to what is no host name");
        return;
    }
    authority->name = alias;
    if (!dcv_wire_is_in_zone(alias, authority->zone))
        climb(authority, parent_of(alias));
    else if (authority->run->job->survey)
        servers_begin(authority, authority->zone, authority->servers);
    else
        address_ask(authority);
}

/* A survey asks the others before. */
static void alias_take(dcv_authority_t *authority, const char *alias)
{
    if (!authority->run->job->survey) {
        alias_follow(authority, alias);
        return;
    }
    if (!authority->held && !authority->alias)
        authority->alias = alias;
    seen_add(authority, authority->address->text, NULL, 0);
    server_next(authority);
}

/* T79: what DNS says may be dialled is looked at like any other address.  The
 * rest of a partial answer may come while an address is asked. */
static void server_resolved(void *baton, const dcv_dns_answer_t *answer)
{
    dcv_authority_t *authority = baton;
    int i;

    if (!answer->is_partial)
        authority->query = NULL;
    if (answer->failure) {
        seen_add(authority, NULL, answer->failure, 0);
        note(authority, NULL, answer->failure);
    }
    for (i = 0; !answer->failure && i < answer->addresses->nelts; i++) {
        dcv_address_t *address =
            APR_ARRAY_IDX(answer->addresses, i, dcv_address_t *);
        const char *rule;

        if (dcv_net_is_allowed(authority->run->conf->net, &address->sock.any,
                               &rule)) {
            APR_ARRAY_PUSH(authority->addresses, dcv_address_t *) = address;
            continue;
        }
        rule = apr_pstrcat(authority->pool, "denied by rule ", rule, NULL);
        seen_add(authority, address->text, rule, 0);
        note(authority, address->text, rule);
    }
    if (!authority->ask)
        server_next(authority);
}

/* Nobody is left to be asked. */
static void servers_end(dcv_authority_t *authority)
{
    const char *alias = authority->alias;

    authority->alias = NULL;
    if (alias)
        alias_follow(authority, alias);
    else
        fail(authority, *authority->notes ? authority->notes
                                          : "it has none that has a name");
}

static void server_next(dcv_authority_t *authority)
{
    if (authority->address_at < authority->addresses->nelts) {
        authority->address = APR_ARRAY_IDX(
            authority->addresses, authority->address_at++, dcv_address_t *);
        address_ask(authority);
        return;
    }
    if (authority->query)
        return; /* for the rest of this one's */
    if (authority->servers_left <= 0) {
        servers_end(authority);
        return;
    }
    authority->servers_left--;
    if (!may_step(authority))
        return;
    authority->server =
        APR_ARRAY_IDX(authority->servers, authority->server_at, const char *);
    authority->server_at =
        (authority->server_at + 1) % authority->servers->nelts;
    dcv_dns_start(&authority->query, authority->run->dns, authority->run->conf,
                  authority->server, server_resolved, authority,
                  authority->pool);
}

/* Of the resolver's answer "no": the zone that says so, if it is above. */
static const char *zone_above(const dcv_authority_t *authority,
                              const dcv_ub_answer_t *answer)
{
    const char *next = parent_of(authority->candidate);
    const char *zone =
        dcv_said_zone(answer->packet, answer->packet_len, authority->pool);

    return zone && *zone && dcv_wire_is_in_zone(next, zone) ? zone : next;
}

/* Does the resolver's answer speak of name, not of an alias? */
static int is_about(const dcv_ub_answer_t *answer, const char *name)
{
    apr_size_t len = strlen(name);

    return answer->count && answer->owner &&
           !strncasecmp(answer->owner, name, len) &&
           (!answer->owner[len] || !strcmp(answer->owner + len, "."));
}

static apr_array_header_t *servers_of(const dcv_ub_answer_t *answer,
                                      apr_pool_t *pool)
{
    apr_array_header_t *servers = apr_array_make(pool, 4, sizeof(const char *));
    apr_pool_t *scratch;
    apr_size_t end_at;
    int i;

    apr_pool_create(&scratch, pool);
    for (i = 0; i < answer->count; i++) {
        dcv_said_server_add(
            servers,
            dcv_wire_name((const unsigned char *)answer->data[i],
                          (apr_size_t)answer->lens[i], 0, &end_at, scratch));
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return servers;
}

static void candidate_answered(void *baton, const dcv_ub_answer_t *answer)
{
    dcv_authority_t *authority = baton;

    if (answer->failure && !answer->is_no_name && !answer->is_no_record) {
        fail(authority, apr_psprintf(authority->pool,
                                     "not known, since the resolver asked for "
                                     "those of %s says: %s",
                                     authority->candidate, answer->failure));
        return;
    }
    if (!is_about(answer, authority->candidate)) {
        climb(authority, zone_above(authority, answer));
        return;
    }
    servers_begin(authority, authority->candidate,
                  servers_of(answer, authority->pool));
}

/* Is candidate a zone?  Else what is above it. */
static void climb(dcv_authority_t *authority, const char *candidate)
{
    const char *resolver;

    query_drop(authority);
    authority->candidate = candidate;
    if (!*candidate) {
        fail(authority, "the resolver knows of none");
        return;
    }
    if (!may_step(authority))
        return;
    authority->records.type = DCV_WIRE_NS;
    authority->records.done = candidate_answered;
    authority->records.baton = authority;
    authority->records.pool = authority->pool;
    if (dcv_dns_records(&authority->records, &resolver, authority->run->dns,
                        authority->run->conf, candidate) != APR_SUCCESS)
        fail(authority, "the resolver cannot be asked for them");
}

void dcv_authority_ask(dcv_authority_t *authority)
{
    authority->name = authority->want->name;
    authority->notes = "";
    authority->notes_count = 0;
    authority->steps = 0;
    authority->aliases = 0;
    authority->tries++;
    climb(authority, parent_of(authority->name));
}
