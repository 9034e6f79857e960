/* Rooms as the committer sees them: the roster's fold and the tree's edge, few of them at hand, the rest in the store.
 *
 * One thread's only. */
#ifndef PV_SERVER_ROOM_CACHE_H
#define PV_SERVER_ROOM_CACHE_H

#include "core/room/roster.h"
#include "server/server.h"

enum { PV_ROOM_ROOTS = 128, PV_ROOM_AUTHORS = 256 };

struct pv_room_state {
    struct pv_meta_room row;  /* as committed; no 0: not yet in the store */
    struct pv_roster *roster; /* may be ahead of the store during a batch */
    struct pv_merkle_edge edge; /* of the committed entries */
    uint64_t snapshot_size;   /* entries in the stored snapshot */
    struct {
        uint64_t size;
        struct pv_hash root;
    } roots[PV_ROOM_ROOTS];   /* of sizes that entries name, each in its slot */
    struct {
        struct pv_hash author;
        uint64_t n;               /* the highest of the author that is stored; 0: the slot is free */
    } highest[PV_ROOM_AUTHORS];
    /* the cache's own */
    struct pv_room_state *newer, *older, *next;
    size_t weight;
};

struct pv_room_cache;

PV_MUST_USE enum pv_err pv_room_cache_new(struct pv_server *server, struct pv_room_cache **ret_cache);
void pv_room_cache_free(struct pv_room_cache *cache);
/* The room, loaded and checked against its own signed tree when it is not at hand. It stays valid until the next
 * call that may evict: pv_room_cache_trim.
 * Errors: NOT_FOUND; CORRUPT: what is stored contradicts itself; the store's. */
PV_MUST_USE enum pv_err pv_room_cache_get(struct pv_room_cache *cache, const struct pv_hash *room,
                                          struct pv_room_state **ret_state);
/* A room that does not exist yet. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_room_cache_found(struct pv_room_cache *cache, const struct pv_hash *room,
                                            struct pv_room_state **ret_state);
/* What is at hand no longer matches the store. */
void pv_room_cache_drop(struct pv_room_cache *cache, struct pv_room_state *state);
/* The roster has changed its size. */
void pv_room_cache_weigh(struct pv_room_cache *cache, struct pv_room_state *state);
/* Between batches: keep to the budget. */
void pv_room_cache_trim(struct pv_room_cache *cache);
/* The roster of the room's committed entries, read anew. Errors: as get's. */
PV_MUST_USE enum pv_err pv_room_load_roster(struct pv_server *server, const struct pv_meta_room *row,
                                            struct pv_roster **ret_roster, uint64_t *ret_snapshot_size);
/* Is it known that no entry of the author has this number or a higher one? Asks the store at most once an author.
 * Errors: the store's. */
PV_MUST_USE enum pv_err pv_room_state_is_above(struct pv_room_state *state, struct pv_meta *meta,
                                               const struct pv_hash *author, uint64_t n, bool *ret_is);
/* An entry is stored. */
void pv_room_state_stored(struct pv_room_state *state, const struct pv_hash *author, uint64_t n);
void pv_room_state_add_root(struct pv_room_state *state, uint64_t size, const struct pv_hash *root);
bool pv_room_state_root(const struct pv_room_state *state, uint64_t size, struct pv_hash *ret_root);

/* A reader of the stored tree of a room. `context` is filled and must outlive it. */
struct pv_tree_context {
    struct pv_meta *meta;
    uint64_t no;
};
struct pv_merkle_reader pv_tree_reader(struct pv_meta *meta, uint64_t no, struct pv_tree_context *ret_context);

#endif
