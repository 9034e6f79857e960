/* Keys that outlive the secrets of their epochs: what a `keys` entry gives, and erasing what no entry gives. */
#include "core/state/kept_keys.h"

#include "core/state/feature.h"

/* ---- folding: only a key that is the entry's own is kept */

static enum pv_err add_key(struct pv_store *store, uint64_t source, const struct pv_kept_key *kept)
{
    struct pv_stored_entry stored;
    struct pv_entry entry;
    struct pv_hash commit;
    struct pv_buf memory;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_entry_get(store, kept->index, &memory, &stored);
    if (!err && pv_entry_read(stored.entry, &entry)) err = PV_ERR_NOT_FOUND; /* of a later version */
    pv_buf_release(&memory);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_OK : err;
    pv_entry_key_commit(&kept->key, &commit);
    if (!pv_kind_is_sealed(entry.header.kind) || !pv_hash_equal(&commit, &entry.header.commit)) return PV_OK;
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO entry_key (idx, source, key) VALUES (?, ?, ?)");
    pv_sql_bind_u64(&sql, kept->index);
    pv_sql_bind_u64(&sql, source);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(kept->key));
    return pv_sql_run(&sql);
}

/* Which seed is an epoch's own is for the roster to say: who uses one asks it. */
static enum pv_err add_seed(struct pv_store *store, uint64_t source, const struct pv_kept_seed *kept)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO epoch_seed (epoch, source, seed) VALUES (?, ?, ?)");
    pv_sql_bind_u64(&sql, kept->epoch);
    pv_sql_bind_u64(&sql, source);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(kept->seed));
    return pv_sql_run(&sql);
}

enum pv_err pv_keys_fold(struct pv_store *store, const struct pv_folding *folding)
{
    struct pv_encoded_list keys = folding->payload->u.keys.keys, seeds = folding->payload->u.keys.seeds;
    struct pv_kept_key key;
    struct pv_kept_seed seed;
    enum pv_err err = PV_OK;
    while (!err && pv_kept_key_next(&keys, &key))
        if (key.index < folding->index) err = add_key(store, folding->index, &key);
    while (!err && pv_kept_seed_next(&seeds, &seed)) err = add_seed(store, folding->index, &seed);
    pv_wipe(&key, sizeof key);
    pv_wipe(&seed, sizeof seed);
    if (!err) err = pv_store_number_set(store, PV_KEYS_CAME, 1);
    return err;
}

/* ---- using them */

enum pv_err pv_kept_key_get(struct pv_store *store, uint64_t index, struct pv_entry_key *ret_key)
{
    struct pv_entry_key key = {{0}};
    struct pv_sql sql = pv_sql_begin(store, "SELECT key FROM entry_key WHERE idx = ?");
    pv_sql_bind_u64(&sql, index);
    if (pv_sql_step(&sql)) pv_sql_fixed(&sql, 0, key.b, sizeof key.b);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_key = key;
    pv_wipe(&key, sizeof key);
    return err;
}

enum pv_err pv_kept_key_source(struct pv_store *store, uint64_t index, uint64_t *ret_source)
{
    uint64_t source = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT source FROM entry_key WHERE idx = ?");
    pv_sql_bind_u64(&sql, index);
    if (pv_sql_step(&sql)) source = pv_sql_u64(&sql, 0);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_source = source;
    return err;
}

enum pv_err pv_kept_seed_get(struct pv_store *store, uint64_t epoch, const struct pv_hash *kem_hash, struct pv_kem_seed *ret_seed)
{
    struct pv_kem_seed seed = {{0}};
    bool found = false;
    struct pv_sql sql = pv_sql_begin(store, "SELECT seed FROM epoch_seed WHERE epoch = ?");
    pv_sql_bind_u64(&sql, epoch);
    while (!found && pv_sql_step(&sql)) {
        struct pv_kem_pk pk;
        struct pv_hash hash;
        pv_sql_fixed(&sql, 0, seed.b, sizeof seed.b);
        pv_kem_from_seed(&seed, &pk);
        pv_kem_hash(&pk, &hash);
        found = pv_hash_equal(&hash, kem_hash);
    }
    if (!found) pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_seed = seed;
    pv_wipe(&seed, sizeof seed);
    return err;
}

enum pv_err pv_kept_keys_waiting(struct pv_store *store, bool *ret_waiting)
{
    uint64_t waiting = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT EXISTS (SELECT 1 FROM unreadable u JOIN entry_key k ON k.idx = u.idx"
                                            " WHERE u.epoch IS NOT NULL)");
    enum pv_err err = pv_sql_run_u64(&sql, 0, &waiting);
    if (!err) *ret_waiting = waiting != 0;
    return err;
}

/* ---- erasing */

enum pv_err pv_kept_keys_erase(struct pv_store *store, const struct pv_kept_erasing *erasing)
{
    uint64_t index = 0;
    enum pv_err err = PV_OK;
    for (bool more = true; more && !err;) { /* one row after the other, so that each may go */
        uint64_t source = 0;
        struct pv_sql sql = pv_sql_begin(store, "SELECT idx, source FROM entry_key WHERE idx >= ? ORDER BY idx LIMIT 1");
        pv_sql_bind_u64(&sql, index);
        more = pv_sql_step(&sql);
        if (more) {
            index = pv_sql_u64(&sql, 0);
            source = pv_sql_u64(&sql, 1);
        }
        err = pv_sql_end(&sql);
        if (!err && more && erasing->goes(erasing->context, index, source)) {
            struct pv_sql drop = pv_sql_begin(store, "DELETE FROM entry_key WHERE idx = ?");
            pv_sql_bind_u64(&drop, index);
            err = pv_sql_run(&drop);
        }
        index++;
    }
    return err;
}

enum pv_err pv_store_erase_entry(struct pv_store *store, uint64_t index, bool *ret_was_here)
{
    uint64_t here = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT body IS NOT NULL OR refs <> x'f6' FROM entry WHERE idx = ?");
    pv_sql_bind_u64(&sql, index);
    enum pv_err err = pv_sql_run_u64(&sql, 0, &here);
    if (!err && here) {
        struct pv_sql drop = pv_sql_begin(store, "UPDATE entry SET body = NULL, refs = x'f6' WHERE idx = ?");
        pv_sql_bind_u64(&drop, index);
        err = pv_sql_run(&drop);
    }
    if (!err && here) *ret_was_here = true;
    return err;
}

enum pv_err pv_store_scrub(struct pv_store *store, bool *ret_clean)
{
    uint64_t busy = 1;
    if (pv_store_in_transaction(store)) return PV_ERR_USAGE;
    struct pv_sql sql = pv_sql_begin(store, "PRAGMA wal_checkpoint(TRUNCATE)");
    enum pv_err err = pv_sql_run_u64(&sql, 0, &busy);
    if (err == PV_ERR_BUSY) err = PV_OK;
    if (!err) *ret_clean = busy == 0;
    return err;
}
