/* What the store keeps beside the log: roster snapshot, epoch secrets, KEM keys, checkpoint notes, evidence. */
#include <string.h>

#include "core/state/sql.h"

/* ---- roster */

enum pv_err pv_store_roster_set(struct pv_store *store, uint64_t size, struct pv_bytes snapshot)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO roster (one, size, snapshot) VALUES (1, ?, ?)");
    pv_sql_bind_u64(&sql, size);
    pv_sql_bind_bytes(&sql, snapshot);
    return pv_sql_run(&sql);
}

enum pv_err pv_store_roster_get(struct pv_store *store, uint64_t *ret_size, struct pv_buf *ret_snapshot)
{
    uint64_t size = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT size, snapshot FROM roster");
    if (pv_sql_step(&sql)) {
        size = pv_sql_u64(&sql, 0);
        pv_sql_copy(&sql, 1, ret_snapshot);
    } else {
        pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    }
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_size = size;
    return err;
}

/* ---- epochs */

enum pv_err pv_store_epoch_set(struct pv_store *store, uint64_t epoch, const struct pv_epoch_secret *secret)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO epoch (epoch, secret) VALUES (?, ?)");
    pv_sql_bind_u64(&sql, epoch);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*secret));
    return pv_sql_run(&sql);
}

enum pv_err pv_store_epoch_get(struct pv_store *store, uint64_t epoch, struct pv_epoch_secret *ret_secret)
{
    struct pv_epoch_secret secret = {0};
    struct pv_sql sql = pv_sql_begin(store, "SELECT secret FROM epoch WHERE epoch = ?");
    pv_sql_bind_u64(&sql, epoch);
    if (pv_sql_step(&sql)) pv_sql_fixed(&sql, 0, secret.b, sizeof secret.b);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_secret = secret;
    pv_wipe(&secret, sizeof secret);
    return err;
}

enum pv_err pv_store_epoch_each(struct pv_store *store, pv_store_epoch_row *row, void *context)
{
    struct pv_epoch_secret secret = {0};
    struct pv_sql sql = pv_sql_begin(store, "SELECT epoch, secret FROM epoch ORDER BY epoch DESC");
    while (pv_sql_step(&sql)) {
        uint64_t epoch = pv_sql_u64(&sql, 0);
        pv_sql_fixed(&sql, 1, secret.b, sizeof secret.b);
        if (!sql.err) sql.err = row(context, epoch, &secret);
    }
    pv_wipe(&secret, sizeof secret);
    return pv_sql_end(&sql);
}

enum pv_err pv_store_epoch_has_before(struct pv_store *store, uint64_t cut, bool *ret_has)
{
    uint64_t has = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT EXISTS (SELECT 1 FROM epoch WHERE epoch < ?)");
    pv_sql_bind_u64(&sql, cut);
    enum pv_err err = pv_sql_run_u64(&sql, 0, &has);
    if (!err) *ret_has = has != 0;
    return err;
}

enum pv_err pv_store_epoch_erase_before(struct pv_store *store, uint64_t cut)
{
    bool own = false;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    /* Overwritten before it is deleted: a freed cell would keep the bytes. */
    struct pv_sql blank = pv_sql_begin(store, "UPDATE epoch SET secret = zeroblob(32) WHERE epoch < ?");
    pv_sql_bind_u64(&blank, cut);
    err = pv_sql_run(&blank);
    if (!err) {
        struct pv_sql drop = pv_sql_begin(store, "DELETE FROM epoch WHERE epoch < ?");
        pv_sql_bind_u64(&drop, cut);
        err = pv_sql_run(&drop);
    }
    return pv_sql_leave(store, own, err);
}

/* ---- KEM keys */

enum pv_err pv_store_kem_key_add(struct pv_store *store, const struct pv_kem_pk *pk)
{
    struct pv_hash hash;
    pv_kem_hash(pk, &hash);
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR IGNORE INTO kem_key (hash, pk) VALUES (?, ?)");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(hash));
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*pk));
    return pv_sql_run(&sql);
}

enum pv_err pv_store_kem_key_get(struct pv_store *store, const struct pv_hash *hash, struct pv_kem_pk *ret_pk)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT pk FROM kem_key WHERE hash = ?");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*hash));
    if (pv_sql_step(&sql)) pv_sql_fixed(&sql, 0, ret_pk->b, sizeof ret_pk->b);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    return pv_sql_end(&sql);
}

/* ---- notes and evidence */

enum pv_err pv_store_note_add(struct pv_store *store, uint64_t size, uint64_t time_s, struct pv_bytes note)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO note (size, time, note) SELECT ?1, ?2, ?3 WHERE NOT EXISTS"
                                            " (SELECT 1 FROM note WHERE size = ?1 AND time = ?2 AND note = ?3)");
    pv_sql_bind_u64(&sql, size);
    pv_sql_bind_u64(&sql, time_s);
    pv_sql_bind_bytes(&sql, note);
    return pv_sql_run(&sql);
}

enum pv_err pv_store_note_newest(struct pv_store *store, uint64_t *ret_size, uint64_t *ret_time_s,
                                 struct pv_buf *ret_note)
{
    uint64_t size = 0, time_s = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT size, time, note FROM note ORDER BY size DESC, time DESC LIMIT 1");
    if (pv_sql_step(&sql)) {
        size = pv_sql_u64(&sql, 0);
        time_s = pv_sql_u64(&sql, 1);
        pv_sql_copy(&sql, 2, ret_note);
    } else {
        pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    }
    enum pv_err err = pv_sql_end(&sql);
    if (err) return err;
    *ret_size = size;
    *ret_time_s = time_s;
    return PV_OK;
}

enum pv_err pv_store_note_each(struct pv_store *store, pv_store_note_row *row, void *context)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT size, time, note FROM note ORDER BY id");
    while (pv_sql_step(&sql)) {
        uint64_t size = pv_sql_u64(&sql, 0), time_s = pv_sql_u64(&sql, 1);
        struct pv_bytes note = pv_sql_bytes(&sql, 2);
        if (!sql.err) sql.err = row(context, size, time_s, note);
    }
    return pv_sql_end(&sql);
}

enum pv_err pv_store_evidence_add(struct pv_store *store, const struct pv_evidence *evidence, uint64_t *ret_id)
{
    uint64_t id = 0;
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO evidence (time, idx, what, text, bytes)"
                                            " VALUES (?, ?, ?, ?, ?) RETURNING id");
    pv_sql_bind_u64(&sql, evidence->time_ms);
    pv_sql_bind_u64(&sql, evidence->index);
    pv_sql_bind_text(&sql, pv_bytes_of_string(pv_err_web_name(evidence->what)));
    pv_sql_bind_text(&sql, evidence->text);
    pv_sql_bind_bytes(&sql, evidence->bytes);
    if (pv_sql_step(&sql)) id = pv_sql_u64(&sql, 0);
    enum pv_err err = pv_sql_run(&sql);
    if (!err) *ret_id = id;
    return err;
}

/* The code of a stored name; MALFORMED for one that this version does not know. */
static enum pv_err err_of(struct pv_bytes name)
{
    char text[32];
    if (name.n >= sizeof text) return PV_ERR_MALFORMED;
    if (name.n) memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return pv_err_from_web_name(text);
}

enum pv_err pv_store_evidence_each(struct pv_store *store, pv_store_evidence_row *row, void *context)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT id, time, idx, what, text, bytes FROM evidence ORDER BY id");
    while (pv_sql_step(&sql)) {
        struct pv_evidence evidence = {.id = pv_sql_u64(&sql, 0), .time_ms = pv_sql_u64(&sql, 1),
                                       .index = pv_sql_u64(&sql, 2)};
        evidence.what = err_of(pv_sql_bytes(&sql, 3));
        evidence.text = pv_sql_bytes(&sql, 4);
        evidence.bytes = pv_sql_bytes(&sql, 5);
        if (!sql.err) sql.err = row(context, &evidence);
    }
    return pv_sql_end(&sql);
}
