/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_nonce.h"

#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#include <ap_provider.h>
#include <ap_slotmem.h>
#include <http_config.h>

#include "httpd/httpd_log.h"

#include "base/banned.h"

#define SEGMENT "acme-nonces"
/* In the process pool's user data: what outlives a configuration. */
#define KEPT "acme_server_nonces"

typedef struct {
    acme_nonce_t *nonces;
    int slots;
    apr_pool_t *pool; /* its own */
} kept_t;

/* Of this generation, set by the parent before it makes children. */
static void *region;
static apr_uint32_t region_slots;
static pid_t parent;

static kept_t *kept_get(apr_pool_t *process_pool)
{
    void *kept = NULL;

    apr_pool_userdata_get(&kept, KEPT, process_pool);
    return kept;
}

static kept_t *kept_make(apr_pool_t *process_pool, int slots)
{
    kept_t *kept = kept_get(process_pool);
    apr_pool_t *pool;

    if (kept && kept->slots == slots)
        return kept;
    if (kept)
        apr_pool_destroy(kept->pool);
    apr_pool_create(&pool, process_pool);
    kept = apr_palloc(pool, sizeof(*kept));
    kept->pool = pool;
    kept->slots = slots;
    kept->nonces = acme_nonce_attach(
        apr_pcalloc(pool, acme_nonce_size((apr_uint32_t)slots)),
        (apr_uint32_t)slots, pool);
    apr_pool_userdata_set(kept, KEPT, NULL, process_pool);
    return kept;
}

/* Cleanup of the configuration, before slotmem's. */
static apr_status_t nonces_keep(void *data)
{
    apr_pool_t *process_pool = data;
    kept_t *kept;

    if (getpid() != parent || !region)
        return APR_SUCCESS;
    kept = kept_make(process_pool, (int)region_slots);
    acme_nonce_move(kept->nonces,
                    acme_nonce_attach(region, region_slots, kept->pool));
    region = NULL;
    return APR_SUCCESS;
}

static void *slotmem_make(apr_size_t size, apr_pool_t *pconf)
{
    const ap_slotmem_provider_t *slotmem = ap_lookup_provider(
        AP_SLOTMEM_PROVIDER_GROUP, "shm", AP_SLOTMEM_PROVIDER_VERSION);
    ap_slotmem_instance_t *instance;
    void *memory;

    if (!slotmem ||
        slotmem->create(&instance, SEGMENT, size, 1, 0, pconf) != APR_SUCCESS ||
        slotmem->dptr(instance, 0, &memory) != APR_SUCCESS)
        return NULL;
    return memory;
}

typedef struct {
    void *memory;
    apr_size_t size;
} mapping_t;

static apr_status_t mapping_end(void *data)
{
    mapping_t *mapping = data;

    munmap(mapping->memory, mapping->size);
    return APR_SUCCESS;
}

static void *mapping_make(apr_size_t size, apr_pool_t *pconf)
{
    mapping_t *mapping = apr_palloc(pconf, sizeof(*mapping));

    mapping->size = size;
    mapping->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mapping->memory == MAP_FAILED)
        return NULL;
    apr_pool_cleanup_register(pconf, mapping, mapping_end,
                              apr_pool_cleanup_null);
    return mapping->memory;
}

apr_status_t httpd_nonce_create(int slots, apr_pool_t *pconf,
                                server_rec *main_server)
{
    apr_pool_t *process_pool = main_server->process->pool;
    apr_size_t size = acme_nonce_size((apr_uint32_t)slots);
    kept_t *kept = kept_get(process_pool);

    parent = getpid();
    region_slots = (apr_uint32_t)slots;
    region = slotmem_make(size, pconf);
    if (!region) {
        log_write(httpd_log_server(main_server, pconf), LOG_LEVEL_WARNING,
                  "AS0412", APR_SUCCESS,
                  "there is no slotmem segment for nonces, and they live in a "
                  "nameless one; is DefaultRuntimeDir a directory that may be "
                  "written to?");
        region = mapping_make(size, pconf);
    }
    if (!region)
        return APR_ENOMEM;
    if (kept)
        acme_nonce_move(acme_nonce_attach(region, region_slots, pconf),
                        kept->nonces);
    apr_pool_pre_cleanup_register(pconf, process_pool, nonces_keep);
    return APR_SUCCESS;
}

acme_nonce_t *httpd_nonce_attach(apr_pool_t *pool)
{
    return region ? acme_nonce_attach(region, region_slots, pool) : NULL;
}
