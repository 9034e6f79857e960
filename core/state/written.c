/* Write ids in memory and in their table. */
#include "core/state/written.h"

#include <stdlib.h>
#include <string.h>

static const char settled_size[] = "pv.settled";

struct fresh {
    uint8_t write_id[16];
    uint64_t author;
    uint64_t index_plus_1; /* 0: the slot is empty */
};

/* Open addressing, at most half full. The hash is keyed, as its input is what others choose. */
struct pv_written {
    bool loaded;
    bool table_is_empty;
    uint64_t data_version; /* of the database when it was loaded: another process's commit raises it */
    uint64_t key[2];
    size_t count, cap; /* cap: a power of two, or 0 */
    struct fresh *slots;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    /* Multiply into twice the width and fold, by halves: wasm32 has no 128-bit product worth the name. */
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX), high = (a >> 32) * (b >> 32);
    uint64_t cross = (a >> 32) * (b & UINT32_MAX) ^ (a & UINT32_MAX) * (b >> 32);
    return low ^ high ^ (cross << 32 | cross >> 32);
}

static struct fresh *find_slot(const struct pv_written *w, const uint8_t write_id[static 16], uint64_t author)
{
    uint64_t halves[2];
    memcpy(halves, write_id, sizeof halves);
    uint64_t hash = mix(mix(halves[0] ^ w->key[0], halves[1] ^ w->key[1]) ^ w->key[1], author ^ w->key[0]);
    size_t at = (size_t)(hash ^ hash >> 32) & (w->cap - 1);
    while (w->slots[at].index_plus_1 &&
           (w->slots[at].author != author || memcmp(w->slots[at].write_id, write_id, 16) != 0))
        at = (at + 1) & (w->cap - 1);
    return &w->slots[at];
}

static enum pv_err grow(struct pv_written *w)
{
    struct fresh *old = w->slots;
    size_t old_cap = w->cap, cap = old_cap ? 2 * old_cap : 1024;
    struct fresh *slots = calloc(cap, sizeof *slots);
    if (!slots) return PV_ERR_NOMEM;
    w->slots = slots;
    w->cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].index_plus_1) *find_slot(w, old[i].write_id, old[i].author) = old[i];
    free(old);
    return PV_OK;
}

static enum pv_err insert(struct pv_written *w, const uint8_t write_id[static 16], uint64_t author, uint64_t index)
{
    if (2 * (w->count + 1) > w->cap) {
        enum pv_err err = grow(w);
        if (err) return err;
    }
    struct fresh *slot = find_slot(w, write_id, author);
    memcpy(slot->write_id, write_id, 16);
    slot->author = author;
    slot->index_plus_1 = index + 1;
    w->count++;
    return PV_OK;
}

static void clear(struct pv_written *w)
{
    if (w->count) memset(w->slots, 0, w->cap * sizeof *w->slots);
    w->count = 0;
}

enum pv_err pv_written_settled(struct pv_store *store, uint64_t *ret_from)
{
    return pv_store_number_get(store, settled_size, 0, ret_from);
}

/* Read what is not settled. */
static enum pv_err load_rows(struct pv_store *store, struct pv_written *w)
{
    uint8_t write_id[16] = {0};
    uint64_t from = 0, there = 0;
    enum pv_err err = pv_written_settled(store, &from);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(store, "SELECT idx, author, write_id FROM message WHERE idx >= ?1 UNION ALL"
                                            " SELECT idx, author, write_id FROM version WHERE idx >= ?1");
    pv_sql_bind_u64(&sql, from);
    while (pv_sql_step(&sql)) {
        uint64_t index = pv_sql_u64(&sql, 0), author = pv_sql_u64(&sql, 1);
        pv_sql_fixed(&sql, 2, write_id, sizeof write_id);
        if (!sql.err) sql.err = insert(w, write_id, author, index);
    }
    err = pv_sql_end(&sql);
    if (err) return err;
    struct pv_sql any = pv_sql_begin(store, "SELECT EXISTS (SELECT 1 FROM written)");
    err = pv_sql_run_u64(&any, 1, &there);
    w->table_is_empty = there == 0;
    return err;
}

/* Have the set in memory, as it is in this transaction. */
static enum pv_err load(struct pv_store *store, struct pv_written **ret_written)
{
    struct pv_written *w = store->written;
    uint64_t version = 0;
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w) return PV_ERR_NOMEM;
        sqlite3_randomness(sizeof w->key, w->key);
        store->written = w;
    }
    *ret_written = w;
    if (w->loaded && store->written_is_current) return PV_OK;
    enum pv_err err = pv_store_data_version(store, &version);
    if (err) return err;
    if (!w->loaded || w->data_version != version) {
        clear(w);
        w->loaded = false;
        err = load_rows(store, w);
        if (err) return err;
        w->loaded = true;
        w->data_version = version;
    }
    store->written_is_current = true;
    return PV_OK;
}

void pv_written_forget(struct pv_store *store)
{
    if (store->written) store->written->loaded = false;
    store->written_is_current = false;
}

void pv_written_free(struct pv_store *store)
{
    if (!store->written) return;
    free(store->written->slots);
    free(store->written);
    store->written = NULL;
}

enum pv_err pv_written_find(struct pv_store *store, const struct pv_id16 *write_id, uint64_t author, bool *ret_found,
                            uint64_t *ret_index)
{
    struct pv_written *w;
    enum pv_err err = load(store, &w);
    if (err) return err;
    uint64_t index_plus_1 = w->count ? find_slot(w, write_id->b, author)->index_plus_1 : 0;
    if (!index_plus_1 && !w->table_is_empty) {
        struct pv_sql sql = pv_sql_begin(store, "SELECT idx + 1 FROM written WHERE write_id = ? AND author = ?");
        pv_sql_bind_bytes(&sql, PV_BYTES_OF(*write_id));
        pv_sql_bind_u64(&sql, author);
        err = pv_sql_run_u64(&sql, 0, &index_plus_1);
        if (err) return err;
    }
    *ret_found = index_plus_1 != 0;
    if (index_plus_1) *ret_index = index_plus_1 - 1;
    return PV_OK;
}

enum pv_err pv_written_find_by(struct pv_store *store, const struct pv_id16 *write_id, const struct pv_hash *author,
                               bool *ret_found, uint64_t *ret_index)
{
    uint64_t no = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT no FROM author WHERE id = ?");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*author));
    enum pv_err err = pv_sql_run_u64(&sql, 0, &no);
    if (!err && no) return pv_written_find(store, write_id, no, ret_found, ret_index);
    if (!err) *ret_found = false;
    return err;
}

enum pv_err pv_written_add(struct pv_store *store, const struct pv_id16 *write_id, uint64_t author, uint64_t index,
                           bool has_row)
{
    struct pv_written *w;
    enum pv_err err = load(store, &w);
    if (err) return err;
    if (has_row) {
        if (w->count >= PV_WRITTEN_FRESH_MAX) err = pv_written_settle(store);
        return err ? err : insert(w, write_id->b, author, index);
    }
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO written (write_id, author, idx) VALUES (?, ?, ?)");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*write_id));
    pv_sql_bind_u64(&sql, author);
    pv_sql_bind_u64(&sql, index);
    w->table_is_empty = false;
    return pv_sql_run(&sql);
}

/* In the order of the table, so that each of its pages is touched once. */
static enum pv_err move_rows(struct pv_store *store, uint64_t from)
{
    uint64_t next = 0;
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO written (write_id, author, idx)"
                                            " SELECT write_id, author, idx FROM message WHERE idx >= ?1 UNION ALL"
                                            " SELECT write_id, author, idx FROM version WHERE idx >= ?1 ORDER BY 1, 2");
    pv_sql_bind_u64(&sql, from);
    enum pv_err err = pv_sql_run(&sql);
    if (err) return err;
    struct pv_sql last = pv_sql_begin(store, "SELECT max(ifnull((SELECT max(idx) FROM message), -1),"
                                             " ifnull((SELECT max(idx) FROM version), -1)) + 1");
    err = pv_sql_run_u64(&last, 0, &next);
    return err ? err : pv_store_number_set(store, settled_size, next);
}

enum pv_err pv_written_settle(struct pv_store *store)
{
    struct pv_written *w;
    uint64_t from = 0;
    bool own = false;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    err = load(store, &w);
    if (!err && w->count) {
        err = pv_written_settled(store, &from);
        if (!err) err = move_rows(store, from);
        clear(w);
        w->table_is_empty = false;
        if (err) pv_written_forget(store);
    }
    return pv_sql_leave(store, own, err);
}
