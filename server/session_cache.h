/* Sessions just looked up, so that a busy device costs no query with each request.
 *
 * What another process or room changed about a session is seen a second later. */
#ifndef PV_SERVER_SESSION_CACHE_H
#define PV_SERVER_SESSION_CACHE_H

#include "server/meta/meta.h"

struct pv_session_cache;

enum { PV_SESSION_CACHE_MS = 1000 };

PV_MUST_USE enum pv_err pv_session_cache_new(struct pv_session_cache **ret_cache);
void pv_session_cache_free(struct pv_session_cache *cache);
/* The session behind a token's hash, from the cache (NULL: none) or the store. Errors: as the store's. */
PV_MUST_USE enum pv_err pv_session_find(struct pv_session_cache *cache, struct pv_meta *meta,
                                        const struct pv_hash *token_hash, uint64_t now_ms,
                                        struct pv_meta_session *ret_session);
/* The session has ended here. */
void pv_session_cache_drop(struct pv_session_cache *cache, const struct pv_hash *token_hash);

#endif
