/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv_bed.h"

#include <string.h>
#include <time.h>

#include <apr_strings.h>

#include "tap.h"

static void *loop_run(void *data)
{
    bed_t *bed = data;

    dcv_loop_run(bed->loop);
    return NULL;
}

void bed_host(bed_t *bed, const char *name, const char *address)
{
    dcv_host_t *row;
    int i;

    for (i = 0; i < bed->conf->hosts->nelts; i++) {
        row = APR_ARRAY_IDX(bed->conf->hosts, i, dcv_host_t *);
        if (!strcmp(row->name, name)) {
            APR_ARRAY_PUSH(row->addresses, const char *) = address;
            return;
        }
    }
    row = apr_pcalloc(bed->pool, sizeof(*row));
    row->name = name;
    row->addresses = apr_array_make(bed->pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(row->addresses, const char *) = address;
    APR_ARRAY_PUSH(bed->conf->hosts, dcv_host_t *) = row;
}

bed_t *bed_start(apr_pool_t *pool)
{
    bed_t *bed = apr_pcalloc(pool, sizeof(*bed));
    char name[] = "a.test";

    bed->pool = pool;
    bed->conf = dcv_conf_make(pool);
    bed->net = dcv_net_make(pool);
    ok(dcv_net_rule_add(bed->net, "127.0.0.0/8", 1, pool) == APR_SUCCESS);
    ok(dcv_net_rule_add(bed->net, "::1", 1, pool) == APR_SUCCESS);
    bed->conf->net = bed->net;
    bed->conf->hosts_file = "/nonexistent/hosts";
    bed->conf->resolv_conf = "/nonexistent/resolv.conf";
    for (; name[0] <= 'e'; name[0]++)
        bed_host(bed, apr_pstrdup(pool, name), "127.0.0.1");
    pthread_mutex_init(&bed->lock, NULL);
    pthread_cond_init(&bed->changed, NULL);
    ok(dcv_loop_create(&bed->loop, NULL, pool) == APR_SUCCESS);
    pthread_create(&bed->thread, NULL, loop_run, bed);
    return bed;
}

void bed_stop(bed_t *bed)
{
    dcv_loop_stop(bed->loop);
    pthread_join(bed->thread, NULL);
}

static void done(void *baton, dcv_job_t *job, dcv_result_t *result)
{
    probe_t *probe = baton;

    pthread_mutex_lock(&probe->bed->lock);
    probe->result = result;
    probe->calls++;
    pthread_cond_broadcast(&probe->bed->changed);
    pthread_mutex_unlock(&probe->bed->lock);
}

void bed_bind(bed_t *bed, const char *name, const char *networks)
{
    dcv_bound_t *bound = apr_pcalloc(bed->pool, sizeof(*bound));
    char *text = apr_pstrdup(bed->pool, networks), *state, *word;
    apr_array_header_t *list = apr_array_make(bed->pool, 2, sizeof(char *));

    for (word = apr_strtok(text, " ", &state); word;
         word = apr_strtok(NULL, " ", &state))
        APR_ARRAY_PUSH(list, const char *) = word;
    bound->name = name;
    bound->resolves_to = list;
    if (!bed->bounds)
        bed->bounds = apr_array_make(bed->pool, 2, sizeof(dcv_bound_t *));
    APR_ARRAY_PUSH(bed->bounds, dcv_bound_t *) = bound;
}

probe_t *bed_submit(bed_t *bed, const char *domain, const char *token,
                    const char *account)
{
    char key[256];

    apr_snprintf(key, sizeof(key), "%s.thumb", token);
    return bed_submit_key(bed, domain, token, key, account);
}

probe_t *bed_submit_key(bed_t *bed, const char *domain, const char *token,
                        const char *key_authorization, const char *account)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    dcv_job_t *job;
    probe_t *probe;

    apr_allocator_create(&allocator);
    apr_pool_create_unmanaged_ex(&pool, NULL, allocator);
    apr_allocator_owner_set(allocator, pool);
    probe = apr_pcalloc(pool, sizeof(*probe));
    probe->bed = bed;
    probe->pool = pool;
    job = apr_pcalloc(pool, sizeof(*job));
    job->method = bed->method;
    job->bounds = bed->bounds;
    job->caa = bed->caa;
    job->domain = apr_pstrdup(pool, domain);
    job->token = apr_pstrdup(pool, token);
    job->key_authorization = apr_pstrdup(pool, key_authorization);
    job->account = account;
    job->account_url = bed->account_url;
    job->issuers = bed->issuers;
    job->account_uris = bed->account_uris;
    job->hash_prefixes = bed->hash_prefixes;
    job->survey = bed->survey;
    job->pool = pool;
    if (dcv_loop_submit(bed->loop, bed->conf, job, done, probe) == APR_SUCCESS)
        return probe;
    apr_pool_destroy(pool);
    return NULL;
}

const dcv_result_t *bed_wait(probe_t *probe)
{
    struct timespec end;
    int rv = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 30;
    pthread_mutex_lock(&probe->bed->lock);
    while (!probe->calls && !rv)
        rv = pthread_cond_timedwait(&probe->bed->changed, &probe->bed->lock,
                                    &end);
    pthread_mutex_unlock(&probe->bed->lock);
    ok(probe->calls == 1, "done is called once, not %d times", probe->calls);
    return probe->result;
}

const dcv_result_t *bed_ask(bed_t *bed, const char *domain, const char *token)
{
    probe_t *probe = bed_submit(bed, domain, token, "account");
    const dcv_result_t *result;
    dcv_result_t *copy;

    if (!probe)
        return NULL;
    result = bed_wait(probe);
    if (!result)
        return NULL;
    copy = apr_pmemdup(bed->pool, result, sizeof(*result));
    copy->address = apr_pstrdup(bed->pool, result->address);
    if (result->problem) {
        copy->problem =
            apr_pmemdup(bed->pool, result->problem, sizeof(*result->problem));
        copy->problem->detail = apr_pstrdup(bed->pool, result->problem->detail);
    }
    bed_free(probe);
    return copy;
}

void bed_free(probe_t *probe)
{
    apr_pool_destroy(probe->pool);
}
