/* The committer's rooms: a hash table with a least-recently-used list, bounded by weight; loading and checking. */
#include "server/room_cache.h"

#include <stdlib.h>
#include <string.h>

#include "core/log/checkpoint.h"
#include "server/log.h"
#include "server/metrics.h"

enum {
    BUCKETS = 1024,
    BUDGET_BYTES = 32 * 1024 * 1024,
    PROBES = 8,
    STATE_BYTES = 24 * 1024, /* a room with few members */
    DEVICE_BYTES = 768,     /* and what each device adds, its heads and listings included */
    DAMAGED_MAX = 256       /* rooms of which it is remembered that this was told */
};

#define ROSTER_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct pv_room_cache {
    struct pv_server *server;
    struct pv_room_state *buckets[BUCKETS];
    struct pv_room_state *newest, *oldest;
    size_t weight;
    struct pv_hash damaged[DAMAGED_MAX];
    size_t damaged_count;
};

enum pv_err pv_room_cache_new(struct pv_server *server, struct pv_room_cache **ret_cache)
{
    struct pv_room_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return PV_ERR_NOMEM;
    cache->server = server;
    *ret_cache = cache;
    return PV_OK;
}

static struct pv_room_state **bucket_of(struct pv_room_cache *cache, const struct pv_hash *room)
{
    uint64_t low;
    memcpy(&low, room->b, sizeof low);
    return &cache->buckets[low % BUCKETS];
}

/* ---- the list: newest first */

static void unlink_state(struct pv_room_cache *cache, struct pv_room_state *state)
{
    if (state->newer) state->newer->older = state->older;
    else cache->newest = state->older;
    if (state->older) state->older->newer = state->newer;
    else cache->oldest = state->newer;
    state->newer = state->older = NULL;
}

static void link_newest(struct pv_room_cache *cache, struct pv_room_state *state)
{
    state->older = cache->newest;
    state->newer = NULL;
    if (cache->newest) cache->newest->newer = state;
    else cache->oldest = state;
    cache->newest = state;
}

static void insert(struct pv_room_cache *cache, struct pv_room_state *state)
{
    struct pv_room_state **bucket = bucket_of(cache, &state->row.id);
    state->next = *bucket;
    *bucket = state;
    link_newest(cache, state);
    cache->weight += state->weight;
}

static void free_state(struct pv_room_state *state)
{
    pv_roster_free(state->roster);
    free(state);
}

void pv_room_cache_drop(struct pv_room_cache *cache, struct pv_room_state *state)
{
    struct pv_room_state **at = bucket_of(cache, &state->row.id);
    while (*at != state) at = &(*at)->next;
    *at = state->next;
    unlink_state(cache, state);
    cache->weight -= state->weight;
    free_state(state);
}

void pv_room_cache_weigh(struct pv_room_cache *cache, struct pv_room_state *state)
{
    size_t devices;
    pv_roster_devices(state->roster, &devices);
    cache->weight -= state->weight;
    state->weight = STATE_BYTES + devices * DEVICE_BYTES;
    cache->weight += state->weight;
}

void pv_room_cache_trim(struct pv_room_cache *cache)
{
    struct pv_room_state *state = cache->oldest, *newer;
    for (; cache->weight > BUDGET_BYTES && state != cache->newest; state = newer) {
        newer = state->newer;
        pv_room_cache_drop(cache, state);
    }
}

void pv_room_cache_free(struct pv_room_cache *cache)
{
    if (!cache) return;
    for (struct pv_room_state *state = cache->newest, *older; state; state = older) {
        older = state->older;
        free_state(state);
    }
    free(cache);
}

/* ---- loading */

struct replay {
    struct pv_roster *roster;
    uint64_t next;
};

static enum pv_err replay_entry(void *context, const struct pv_meta_entry *row)
{
    struct replay *replay = context;
    struct pv_log_item item = {.index = row->index, .body = row->body};
    enum pv_verdict verdict;
    enum pv_reason reason = PV_REASON_NONE;
    if (row->index != replay->next || pv_entry_read(row->entry, &item.entry)) return PV_ERR_CORRUPT;
    pv_entry_leaf(row->entry, &item.leaf);
    enum pv_err err = pv_roster_apply(replay->roster, &item, &verdict, &reason);
    if (err) return err;
    if ((unsigned)verdict != row->verdict || verdict > PV_REJECTED) return PV_ERR_CORRUPT;
    replay->next++;
    return PV_OK;
}

/* A snapshot saves folding anew what the log says; one that was altered would let in what must be refused. */
static enum pv_err load_snapshot(struct pv_meta *meta, uint64_t no, struct pv_roster **ret_roster, uint64_t *ret_size)
{
    struct pv_buf bytes;
    struct pv_hash check;
    uint64_t size = 0;
    pv_buf_init(&bytes, ROSTER_BYTES_MAX);
    enum pv_err err = meta->ops->roster(meta, no, &bytes, &size);
    if (!err && bytes.n < sizeof check) err = PV_ERR_CORRUPT;
    if (!err) {
        size_t n = bytes.n - sizeof check;
        pv_sha256(pv_bytes(bytes.p, n), &check);
        err = memcmp(bytes.p + n, check.b, sizeof check) ? PV_ERR_CORRUPT : pv_roster_decode(pv_bytes(bytes.p, n), ret_roster);
    }
    pv_buf_release(&bytes);
    if (!err && pv_roster_size(*ret_roster) != size) {
        pv_roster_free(*ret_roster);
        err = PV_ERR_CORRUPT;
    }
    if (!err) *ret_size = size;
    return err;
}

enum pv_err pv_room_load_roster(struct pv_server *server, const struct pv_meta_room *row,
                                struct pv_roster **ret_roster, uint64_t *ret_snapshot_size)
{
    struct pv_meta *meta = server->meta;
    struct replay replay = {0};
    uint64_t snapshot_size = 0;
    enum pv_err err = load_snapshot(meta, row->no, &replay.roster, &snapshot_size);
    if (err == PV_ERR_NOMEM || err == PV_ERR_IO || err == PV_ERR_BUSY) return err;
    if (err) {
        struct pv_log_id room = pv_log_id(row->id.b);
        PV_LOG(PV_LOG_WARN, "snapshot damaged, folding the room anew", PV_LOG_TEXT("room", room.text));
        err = pv_roster_new(&replay.roster);
        if (err) return err;
    }
    replay.next = snapshot_size;
    if (replay.next < row->size)
        err = meta->ops->entries(meta, row->no, replay.next, row->size - replay.next, false, replay_entry, &replay);
    if (!err && (replay.next != row->size || pv_roster_size(replay.roster) != row->size)) err = PV_ERR_CORRUPT;
    if (err) {
        pv_roster_free(replay.roster);
        return err;
    }
    *ret_roster = replay.roster;
    *ret_snapshot_size = snapshot_size;
    return PV_OK;
}

static enum pv_err read_tree(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    struct pv_tree_context *tree = context;
    return tree->meta->ops->hashes(tree->meta, tree->no, at, count, ret_hashes);
}

struct pv_merkle_reader pv_tree_reader(struct pv_meta *meta, uint64_t no, struct pv_tree_context *ret_context)
{
    *ret_context = (struct pv_tree_context){meta, no};
    return (struct pv_merkle_reader){read_tree, ret_context};
}

/* The stored tree must be the one that the stored checkpoint signed. */
static enum pv_err load_edge(struct pv_server *server, struct pv_room_state *state)
{
    struct pv_meta *meta = server->meta;
    struct pv_tree_context context;
    struct pv_merkle_reader reader = pv_tree_reader(meta, state->row.no, &context);
    struct pv_checkpoint checkpoint;
    struct pv_hash root;
    struct pv_buf note;
    uint64_t size;
    uint8_t memory[PV_LIMIT_NOTE_BYTES];
    pv_buf_init_fixed(&note, memory, sizeof memory);
    enum pv_err err = meta->ops->note(meta, state->row.no, &note, &size);
    if (!err) err = pv_merkle_edge_read(&reader, state->row.size, &state->edge);
    if (err) return err;
    pv_merkle_edge_root(&state->edge, &root);
    if (pv_checkpoint_peek(pv_buf_bytes(&note), &checkpoint)) return PV_ERR_CORRUPT;
    if (checkpoint.size != state->row.size || !pv_hash_equal(&checkpoint.root, &root)) return PV_ERR_CORRUPT;
    pv_room_state_add_root(state, state->row.size, &root);
    return PV_OK;
}

void pv_room_state_add_root(struct pv_room_state *state, uint64_t size, const struct pv_hash *root)
{
    state->roots[size % PV_ROOM_ROOTS].size = size;
    state->roots[size % PV_ROOM_ROOTS].root = *root;
}

bool pv_room_state_root(const struct pv_room_state *state, uint64_t size, struct pv_hash *ret_root)
{
    if (state->roots[size % PV_ROOM_ROOTS].size != size) return false;
    *ret_root = state->roots[size % PV_ROOM_ROOTS].root;
    return true;
}

static uint64_t *highest_of(struct pv_room_state *state, const struct pv_hash *author)
{
    size_t first = author->b[0] % PV_ROOM_AUTHORS, slot = first;
    for (size_t i = 0; i < PROBES; i++) {
        size_t at = (first + i) % PV_ROOM_AUTHORS;
        if (pv_hash_equal(&state->highest[at].author, author)) return &state->highest[at].n;
        if (state->highest[at].n < state->highest[slot].n) slot = at; /* who writes least makes room */
    }
    state->highest[slot].author = *author;
    state->highest[slot].n = 0;
    return &state->highest[slot].n;
}

enum pv_err pv_room_state_is_above(struct pv_room_state *state, struct pv_meta *meta, const struct pv_hash *author,
                                   uint64_t n, bool *ret_is)
{
    uint64_t *highest = highest_of(state, author), found_n, index;
    bool found;
    if (*highest == 0) {
        enum pv_err err = meta->ops->newest(meta, state->row.no, author, PV_REASON_STALE_CHAIN, &found_n, &found, &index);
        if (err) return err;
        *highest = found_n;
    }
    *ret_is = n > *highest;
    return PV_OK;
}

void pv_room_state_stored(struct pv_room_state *state, const struct pv_hash *author, uint64_t n)
{
    for (size_t i = 0; i < PROBES; i++) {
        size_t at = (author->b[0] + i) % PV_ROOM_AUTHORS;
        if (pv_hash_equal(&state->highest[at].author, author) && n > state->highest[at].n) state->highest[at].n = n;
    } /* who is not there is asked for when it is needed */
}

static struct pv_room_state *find(struct pv_room_cache *cache, const struct pv_hash *room)
{
    struct pv_room_state *state = *bucket_of(cache, room);
    while (state && !pv_hash_equal(&state->row.id, room)) state = state->next;
    return state;
}

/* Say it once, and once more when it is over, however often the room is asked for meanwhile. */
static void tell_damage(struct pv_room_cache *cache, const struct pv_hash *room, bool is_damaged)
{
    size_t i = 0;
    while (i < cache->damaged_count && !pv_hash_equal(&cache->damaged[i], room)) i++;
    if (is_damaged == (i < cache->damaged_count) || (is_damaged && i == DAMAGED_MAX)) return;
    if (is_damaged) cache->damaged[cache->damaged_count++] = *room;
    else cache->damaged[i] = cache->damaged[--cache->damaged_count];
    PV_METRIC_ADD(cache->server->metrics, rooms_damaged, is_damaged ? 1 : -1);
    PV_LOG(PV_LOG_WARN, is_damaged ? "room damaged" : "room whole again", PV_LOG_TEXT("room", pv_log_id(room->b).text));
}

enum pv_err pv_room_cache_get(struct pv_room_cache *cache, const struct pv_hash *room,
                              struct pv_room_state **ret_state)
{
    struct pv_meta *meta = cache->server->meta;
    struct pv_room_state *state = find(cache, room);
    if (state) {
        unlink_state(cache, state);
        link_newest(cache, state);
        *ret_state = state;
        return PV_OK;
    }
    struct pv_meta_room row;
    enum pv_err err = meta->ops->room(meta, room, &row);
    if (err) return err;
    state = calloc(1, sizeof *state);
    if (!state) return PV_ERR_NOMEM;
    state->row = row;
    state->weight = STATE_BYTES;
    err = pv_room_load_roster(cache->server, &row, &state->roster, &state->snapshot_size);
    if (!err) err = load_edge(cache->server, state);
    if (err) {
        pv_roster_free(state->roster);
        free(state);
        if (err == PV_ERR_NOT_FOUND) err = PV_ERR_CORRUPT;
        if (err == PV_ERR_CORRUPT) tell_damage(cache, room, true);
        return err;
    }
    tell_damage(cache, room, false);
    insert(cache, state);
    pv_room_cache_weigh(cache, state);
    *ret_state = state;
    return PV_OK;
}

enum pv_err pv_room_cache_found(struct pv_room_cache *cache, const struct pv_hash *room,
                                struct pv_room_state **ret_state)
{
    struct pv_room_state *state = calloc(1, sizeof *state);
    if (!state) return PV_ERR_NOMEM;
    state->row.id = *room;
    state->weight = STATE_BYTES;
    enum pv_err err = pv_roster_new(&state->roster);
    if (err) {
        free(state);
        return err;
    }
    insert(cache, state);
    *ret_state = state;
    return PV_OK;
}
