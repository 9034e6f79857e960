/* Sessions just looked up: a table of fixed size, a newer one takes an older one's place. */
#include "server/session_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 };

struct slot {
    struct pv_hash token_hash;
    uint64_t until_ms;
    struct pv_meta_session session;
};

struct pv_session_cache {
    pthread_mutex_t lock;
    struct slot slots[SLOTS];
};

enum pv_err pv_session_cache_new(struct pv_session_cache **ret_cache)
{
    struct pv_session_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return PV_ERR_NOMEM;
    pthread_mutex_init(&cache->lock, NULL);
    *ret_cache = cache;
    return PV_OK;
}

void pv_session_cache_free(struct pv_session_cache *cache)
{
    if (!cache) return;
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct slot *slot_of(struct pv_session_cache *cache, const struct pv_hash *token_hash)
{
    uint64_t low;
    memcpy(&low, token_hash->b, sizeof low);
    return &cache->slots[low % SLOTS];
}

static bool look(struct pv_session_cache *cache, const struct pv_hash *token_hash, uint64_t now_ms,
                 struct pv_meta_session *ret_session)
{
    pthread_mutex_lock(&cache->lock);
    struct slot *slot = slot_of(cache, token_hash);
    bool found = now_ms < slot->until_ms && now_ms + PV_SESSION_CACHE_MS >= slot->until_ms &&
                 now_ms < slot->session.expires_ms && pv_hash_equal(&slot->token_hash, token_hash);
    if (found) *ret_session = slot->session;
    pthread_mutex_unlock(&cache->lock);
    return found;
}

enum pv_err pv_session_find(struct pv_session_cache *cache, struct pv_meta *meta, const struct pv_hash *token_hash,
                            uint64_t now_ms, struct pv_meta_session *ret_session)
{
    if (cache && look(cache, token_hash, now_ms, ret_session)) return PV_OK;
    enum pv_err err = meta->ops->session(meta, token_hash, now_ms, ret_session);
    if (err || !cache) return err;
    pthread_mutex_lock(&cache->lock);
    *slot_of(cache, token_hash) = (struct slot){*token_hash, now_ms + PV_SESSION_CACHE_MS, *ret_session};
    pthread_mutex_unlock(&cache->lock);
    return PV_OK;
}

void pv_session_cache_drop(struct pv_session_cache *cache, const struct pv_hash *token_hash)
{
    if (!cache) return;
    pthread_mutex_lock(&cache->lock);
    struct slot *slot = slot_of(cache, token_hash);
    if (pv_hash_equal(&slot->token_hash, token_hash)) slot->until_ms = 0;
    pthread_mutex_unlock(&cache->lock);
}
