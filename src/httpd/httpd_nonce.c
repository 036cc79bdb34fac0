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
/* In the process pool's user data: what outlives a configuration, and this
 * module's own variables. */
#define KEPT "acme_server_nonces"

typedef struct {
    void *region;
    apr_uint32_t slots;
} region_t;

/* Of this generation, set by the parent before it makes children. */
static region_t segment; /* slotmem's; region NULL: none */
static region_t kept;    /* the parent's; region NULL: none */
static pid_t parent;

static acme_nonce_t *attach(const region_t *region, apr_pool_t *pool)
{
    return acme_nonce_attach(region->region, region->slots, pool);
}

static void *mapping_make(apr_size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

/* The mapping of the generation before, or a larger one with what was in it. */
static void kept_ensure(apr_uint32_t slots, apr_pool_t *process_pool,
                        apr_pool_t *ptemp)
{
    void *found = NULL;
    region_t *before, bigger;

    apr_pool_userdata_get(&found, KEPT, process_pool);
    before = found;
    if (!before) {
        before = apr_pcalloc(process_pool, sizeof(*before));
        apr_pool_userdata_set(before, KEPT, NULL, process_pool);
    }
    if (before->slots < slots) {
        bigger.slots = slots;
        bigger.region = mapping_make(acme_nonce_size(slots));
        if (bigger.region) {
            if (before->region) {
                acme_nonce_move(attach(&bigger, ptemp), attach(before, ptemp));
                munmap(before->region, acme_nonce_size(before->slots));
            }
            *before = bigger;
        }
    }
    kept = *before;
}

/* Cleanup of the configuration, before slotmem's. */
static apr_status_t nonces_keep(void *data)
{
    apr_pool_t *pconf = data;

    if (getpid() == parent && segment.region && kept.region)
        acme_nonce_move(attach(&kept, pconf), attach(&segment, pconf));
    segment.region = NULL;
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

apr_status_t httpd_nonce_create(int slots, apr_pool_t *pconf,
                                server_rec *main_server)
{
    const log_t *log = httpd_log_server(main_server, pconf);

    parent = getpid();
    kept_ensure((apr_uint32_t)slots * 2, main_server->process->pool, pconf);
    segment.slots = (apr_uint32_t)slots;
    segment.region = slotmem_make(acme_nonce_size(segment.slots), pconf);
    if (!segment.region)
        log_write(log, LOG_LEVEL_WARNING, "AS0412", APR_SUCCESS,
                  "there is no slotmem segment for nonces, and they live "
                  "elsewhere; is DefaultRuntimeDir a directory that may be "
                  "written to?");
    if (!segment.region && !kept.region)
        return APR_ENOMEM;
    apr_pool_pre_cleanup_register(pconf, pconf, nonces_keep);
    (void)httpd_nonce_attach(pconf);
    return APR_SUCCESS;
}

acme_nonce_t *httpd_nonce_attach(apr_pool_t *pool)
{
    acme_nonce_t *nonces;

    if (!segment.region)
        return kept.region ? attach(&kept, pool) : NULL;
    nonces = attach(&segment, pool);
    if (kept.region)
        acme_nonce_follow(nonces, attach(&kept, pool));
    return nonces;
}
