/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_kept.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/store_file.h"

#include "base/banned.h"

#define SLOTS 512
#define LIMIT apr_time_from_sec(1)

typedef struct {
    store_kept_at_t at;
    store_account_t *account; /* one block of memory, texts behind it */
} slot_t;

struct store_kept_t {
    const char *path;
    pthread_mutex_t mutex; /* guards what follows, held for moments only */
    int fd;                /* -1: not open */
    apr_time_t opened_at;
    store_kept_at_t unblocked;
    slot_t slots[SLOTS];
};

static const apr_size_t texts[] = {
    offsetof(store_account_t, id),
    offsetof(store_account_t, realm),
    offsetof(store_account_t, directory),
    offsetof(store_account_t, thumbprint),
    offsetof(store_account_t, jwk),
    offsetof(store_account_t, status),
    offsetof(store_account_t, contact),
    offsetof(store_account_t, terms_url),
    offsetof(store_account_t, owner),
    offsetof(store_account_t, created_ip),
    offsetof(store_account_t, eab_kid),
    offsetof(store_account_t, prints),
    offsetof(store_account_t, eab_status),
};
#define TEXTS (sizeof(texts) / sizeof(*texts))

static const char **text_of(const store_account_t *account, apr_size_t i)
{
    return (const char **)((char *)account + texts[i]);
}

static apr_size_t account_size(const store_account_t *account)
{
    apr_size_t size = sizeof(*account), i;

    for (i = 0; i < TEXTS; i++)
        if (*text_of(account, i))
            size += strlen(*text_of(account, i)) + 1;
    return size;
}

/* to has room for account_size(from). */
static store_account_t *account_copy(void *to, const store_account_t *from)
{
    store_account_t *copy = to;
    char *end = (char *)(copy + 1);
    apr_size_t i, len;

    *copy = *from;
    for (i = 0; i < TEXTS; i++) {
        if (!*text_of(from, i))
            continue;
        len = strlen(*text_of(from, i)) + 1;
        memcpy(end, *text_of(from, i), len);
        *text_of(copy, i) = end;
        end += len;
    }
    return copy;
}

store_kept_t *store_kept_make(const char *path, apr_pool_t *pool)
{
    store_kept_t *kept = apr_pcalloc(pool, sizeof(*kept));

    kept->path = path;
    kept->fd = -1;
    pthread_mutex_init(&kept->mutex, NULL);
    return kept;
}

void store_kept_free(store_kept_t *kept)
{
    int i;

    for (i = 0; i < SLOTS; i++)
        free(kept->slots[i].account);
    store_mark_close(&kept->fd);
    pthread_mutex_destroy(&kept->mutex);
}

/* The file may be another one by now; the mutex is held. */
static void look(store_kept_at_t *at, store_kept_t *kept)
{
    apr_time_t now = clock_now(&clock_monotonic);

    if (now - kept->opened_at > LIMIT || now < kept->opened_at) {
        store_mark_close(&kept->fd);
        kept->opened_at = now;
    }
    at->at = store_mark_read(at->mark, &kept->fd, kept->path) ? now : 0;
}

static int holds(const store_kept_at_t *then, const store_kept_at_t *now)
{
    return then->at && now->at && now->at >= then->at &&
           now->at - then->at < LIMIT &&
           !memcmp(then->mark, now->mark, sizeof(now->mark));
}

/* Ids end in random letters (token.h). */
static slot_t *slot_of(store_kept_t *kept, const char *id)
{
    apr_size_t len = strlen(id), i;
    unsigned int hash = 0;

    for (i = len > 8 ? len - 8 : 0; i < len; i++)
        hash = hash * 67 + (unsigned char)id[i];
    return &kept->slots[hash % SLOTS];
}

store_account_t *store_kept_account(store_kept_at_t *at, store_kept_t *kept,
                                    const char *id, apr_pool_t *pool)
{
    store_account_t *account = NULL;
    const slot_t *slot;

    at->at = 0;
    if (!kept)
        return NULL;
    slot = slot_of(kept, id);
    pthread_mutex_lock(&kept->mutex);
    look(at, kept);
    if (slot->account && holds(&slot->at, at) && !strcmp(slot->account->id, id))
        account = account_copy(apr_palloc(pool, account_size(slot->account)),
                               slot->account);
    pthread_mutex_unlock(&kept->mutex);
    return account;
}

void store_kept_account_put(store_kept_t *kept, const store_kept_at_t *at,
                            const store_account_t *account)
{
    store_account_t *copy, *old;
    slot_t *slot;

    if (!at->at)
        return;
    copy = malloc(account_size(account));
    if (!copy)
        return;
    account_copy(copy, account);
    slot = slot_of(kept, account->id);
    pthread_mutex_lock(&kept->mutex);
    old = slot->account;
    slot->account = copy;
    slot->at = *at;
    pthread_mutex_unlock(&kept->mutex);
    free(old);
}

int store_kept_unblocked(store_kept_at_t *at, store_kept_t *kept)
{
    int is_known;

    at->at = 0;
    if (!kept)
        return 0;
    pthread_mutex_lock(&kept->mutex);
    look(at, kept);
    is_known = holds(&kept->unblocked, at);
    pthread_mutex_unlock(&kept->mutex);
    return is_known;
}

void store_kept_unblocked_put(store_kept_t *kept, const store_kept_at_t *at)
{
    if (!at->at)
        return;
    pthread_mutex_lock(&kept->mutex);
    kept->unblocked = *at;
    pthread_mutex_unlock(&kept->mutex);
}
