/* The outbox: writes, their sealed versions, this device's own head, and blobs to upload. */
#include <string.h>

#include "core/state/sql.h"

static const char own_head[] = "pv.head"; /* n as 8 bytes big-endian, then the leaf */
static const char drafts_from[] = "pv.drafts"; /* no write below this id is a draft */
enum { HEAD_BYTES = 8 + 32 };

/* ---- writes */

enum pv_err pv_store_write_add(struct pv_store *store, const struct pv_write *write, uint64_t *ret_id)
{
    uint64_t id = 0;
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO outbox (write_id, kind, type, payload, refs, beside, created)"
                                            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(write->write_id));
    pv_sql_bind_u64(&sql, write->kind);
    pv_sql_bind_u64(&sql, write->type);
    pv_sql_bind_bytes(&sql, write->payload);
    pv_sql_bind_bytes(&sql, write->refs);
    pv_sql_bind_bytes(&sql, write->beside);
    pv_sql_bind_u64(&sql, write->created_ms);
    if (pv_sql_step(&sql)) id = pv_sql_u64(&sql, 0);
    enum pv_err err = pv_sql_run(&sql);
    if (!err) *ret_id = id;
    return err;
}

enum pv_err pv_store_write_replace(struct pv_store *store, const struct pv_write *write)
{
    struct pv_sql sql = pv_sql_begin(store, "UPDATE outbox SET payload = ?, refs = ?, beside = ? WHERE id = ?"
                                            " RETURNING id");
    pv_sql_bind_bytes(&sql, write->payload);
    pv_sql_bind_bytes(&sql, write->refs);
    pv_sql_bind_bytes(&sql, write->beside);
    pv_sql_bind_u64(&sql, write->id);
    if (!pv_sql_step(&sql)) pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    return pv_sql_run(&sql);
}

/* Slices into `memory`: the row may go while the callback looks at it. */
static void read_write(struct pv_sql *sql, struct pv_buf *memory, struct pv_write *ret_write)
{
    struct pv_write write = {.id = pv_sql_u64(sql, 0), .kind = pv_sql_u64(sql, 2), .type = pv_sql_u64(sql, 3)};
    struct pv_bytes *slices[] = {&write.payload, &write.refs, &write.beside};
    pv_sql_fixed(sql, 1, write.write_id.b, sizeof write.write_id.b);
    pv_buf_clear(memory);
    for (int i = 0; i < 3; i++) {
        *slices[i] = pv_sql_bytes(sql, 4 + i);
        pv_buf_append(memory, slices[i]->p, slices[i]->n);
    }
    write.created_ms = pv_sql_u64(sql, 7);
    write.sealed_count = pv_sql_u64(sql, 8);
    if (memory->err) pv_sql_fail(sql, memory->err);
    if (sql->err) return;
    const uint8_t *at = memory->p;
    for (int i = 0; i < 3; i++) {
        slices[i]->p = at;
        at += slices[i]->n;
    }
    *ret_write = write;
}

#define WRITE_COLUMNS "SELECT id, write_id, kind, type, payload, refs, beside, created," \
                      " (SELECT count(*) FROM sealed WHERE write = outbox.id) FROM outbox"

static enum pv_err walk_writes(struct pv_sql *sql, pv_store_write_row *row, void *context)
{
    struct pv_write write = {0};
    struct pv_buf memory;
    pv_buf_init(&memory, SIZE_MAX);
    while (pv_sql_step(sql)) {
        read_write(sql, &memory, &write);
        if (!sql->err) sql->err = row(context, &write);
    }
    pv_buf_wipe(&memory);
    return pv_sql_end(sql);
}

enum pv_err pv_store_write_each(struct pv_store *store, pv_store_write_row *row, void *context)
{
    struct pv_sql sql = pv_sql_begin(store, WRITE_COLUMNS " ORDER BY id");
    return walk_writes(&sql, row, context);
}

enum pv_err pv_store_draft_each(struct pv_store *store, pv_store_write_row *row, void *context)
{
    uint64_t from = 0;
    enum pv_err err = pv_store_number_get(store, drafts_from, 0, &from);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(store, WRITE_COLUMNS " WHERE id >= ? AND NOT EXISTS"
                                            " (SELECT 1 FROM sealed WHERE write = outbox.id AND abandoned = 0) ORDER BY id");
    pv_sql_bind_u64(&sql, from);
    return walk_writes(&sql, row, context);
}

enum pv_err pv_store_drafts_done(struct pv_store *store, uint64_t first)
{
    uint64_t newest = 0;
    enum pv_err err = first ? PV_OK : pv_store_write_newest(store, &newest);
    return err ? err : pv_store_number_set(store, drafts_from, first ? first : newest + 1);
}

enum pv_err pv_store_write_newest(struct pv_store *store, uint64_t *ret_id)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT max(id) FROM outbox");
    return pv_sql_run_u64(&sql, 0, ret_id);
}

enum pv_err pv_store_write_oldest(struct pv_store *store, uint64_t *ret_id)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT min(id) FROM outbox");
    return pv_sql_run_u64(&sql, 0, ret_id);
}

enum pv_err pv_store_words_wait(struct pv_store *store, bool *ret_wait)
{
    uint64_t there = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT EXISTS (SELECT 1 FROM outbox WHERE kind IN (2, 3))");
    enum pv_err err = pv_sql_run_u64(&sql, 0, &there);
    if (!err) *ret_wait = there != 0;
    return err;
}

enum pv_err pv_store_write_count(struct pv_store *store, uint64_t *ret_count)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT count(*) FROM outbox");
    return pv_sql_run_u64(&sql, 0, ret_count);
}

enum pv_err pv_store_write_drop(struct pv_store *store, uint64_t id)
{
    bool own = false;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    struct pv_sql versions = pv_sql_begin(store, "DELETE FROM sealed WHERE write = ?");
    pv_sql_bind_u64(&versions, id);
    err = pv_sql_run(&versions);
    if (!err) {
        struct pv_sql drop = pv_sql_begin(store, "DELETE FROM outbox WHERE id = ? RETURNING id");
        pv_sql_bind_u64(&drop, id);
        if (!pv_sql_step(&drop)) pv_sql_fail(&drop, PV_ERR_NOT_FOUND);
        err = pv_sql_run(&drop);
    }
    return pv_sql_leave(store, own, err);
}

/* ---- sealed versions and the own head */

enum pv_err pv_store_head_get(struct pv_store *store, struct pv_head *ret_head)
{
    uint8_t memory[HEAD_BYTES];
    struct pv_buf value;
    pv_buf_init_fixed(&value, memory, sizeof memory);
    enum pv_err err = pv_store_value_get(store, own_head, &value);
    if (err == PV_ERR_NOT_FOUND) {
        *ret_head = (struct pv_head){0};
        return PV_OK;
    }
    if (!err && value.n != HEAD_BYTES) err = PV_ERR_CORRUPT;
    if (err) return err == PV_ERR_LIMIT ? PV_ERR_CORRUPT : err;
    ret_head->n = 0;
    for (size_t i = 0; i < 8; i++) ret_head->n = ret_head->n << 8 | memory[i];
    memcpy(ret_head->leaf.b, memory + 8, sizeof ret_head->leaf.b);
    return PV_OK;
}

enum pv_err pv_store_head_set(struct pv_store *store, const struct pv_head *head)
{
    uint8_t memory[HEAD_BYTES];
    for (size_t i = 0; i < 8; i++) memory[i] = (uint8_t)(head->n >> (56 - 8 * i));
    memcpy(memory + 8, head->leaf.b, sizeof head->leaf.b);
    return pv_store_value_set(store, own_head, pv_bytes(memory, sizeof memory));
}

static enum pv_err insert_sealed(struct pv_store *store, const struct pv_sealed_write *sealed)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO sealed (n, write, prev, epoch, leaf, entry, refs, body,"
                                            " beside, abandoned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)");
    pv_sql_bind_u64(&sql, sealed->n);
    pv_sql_bind_u64(&sql, sealed->write);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(sealed->prev));
    pv_sql_bind_u64(&sql, sealed->epoch);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(sealed->leaf));
    pv_sql_bind_bytes(&sql, sealed->entry);
    pv_sql_bind_bytes(&sql, sealed->refs);
    pv_sql_bind_bytes(&sql, sealed->body);
    pv_sql_bind_bytes(&sql, sealed->beside);
    return pv_sql_run(&sql);
}

enum pv_err pv_store_sealed_add(struct pv_store *store, const struct pv_sealed_write *sealed)
{
    bool own = false;
    uint64_t write = 0;
    struct pv_head head = {0};
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    struct pv_sql find = pv_sql_begin(store, "SELECT id FROM outbox WHERE id = ?");
    pv_sql_bind_u64(&find, sealed->write);
    err = pv_sql_run_u64(&find, 0, &write);
    if (!err && write == 0) err = PV_ERR_NOT_FOUND;
    if (!err) err = pv_store_head_get(store, &head);
    if (!err && sealed->n <= head.n) err = PV_ERR_CONFLICT;
    if (!err) err = insert_sealed(store, sealed);
    if (!err) err = pv_store_head_set(store, &(struct pv_head){.n = sealed->n, .leaf = sealed->leaf});
    return pv_sql_leave(store, own, err);
}

#define SEALED_COLUMNS "SELECT n, write, prev, epoch, leaf, abandoned, entry, refs, body, beside FROM sealed"

static void read_sealed(struct pv_sql *sql, struct pv_buf *memory, struct pv_sealed_write *ret_sealed)
{
    struct pv_sealed_write sealed = {.n = pv_sql_u64(sql, 0), .write = pv_sql_u64(sql, 1), .epoch = pv_sql_u64(sql, 3),
                                     .abandoned = pv_sql_u64(sql, 5) != 0};
    struct pv_bytes *slices[] = {&sealed.entry, &sealed.refs, &sealed.body, &sealed.beside};
    pv_sql_fixed(sql, 2, sealed.prev.b, sizeof sealed.prev.b);
    pv_sql_fixed(sql, 4, sealed.leaf.b, sizeof sealed.leaf.b);
    pv_buf_clear(memory);
    for (int i = 0; i < 4; i++) {
        *slices[i] = pv_sql_bytes(sql, 6 + i);
        pv_buf_append(memory, slices[i]->p, slices[i]->n);
    }
    if (memory->err) pv_sql_fail(sql, memory->err);
    if (sql->err) return;
    const uint8_t *at = memory->p;
    for (int i = 0; i < 4; i++) {
        slices[i]->p = at;
        at += slices[i]->n;
    }
    *ret_sealed = sealed;
}

static enum pv_err walk_sealed(struct pv_sql *sql, pv_store_sealed_row *row, void *context)
{
    struct pv_sealed_write sealed = {0};
    struct pv_buf memory;
    pv_buf_init(&memory, SIZE_MAX);
    while (pv_sql_step(sql)) {
        read_sealed(sql, &memory, &sealed);
        if (!sql->err) sql->err = row(context, &sealed);
    }
    pv_buf_release(&memory);
    return pv_sql_end(sql);
}

enum pv_err pv_store_sealed_each(struct pv_store *store, pv_store_sealed_row *row, void *context)
{
    return pv_store_sealed_from(store, 0, row, context);
}

enum pv_err pv_store_sealed_from(struct pv_store *store, uint64_t n, pv_store_sealed_row *row, void *context)
{
    struct pv_sql sql = pv_sql_begin(store, SEALED_COLUMNS " WHERE n >= ? AND abandoned = 0 ORDER BY n");
    pv_sql_bind_u64(&sql, n);
    return walk_sealed(&sql, row, context);
}

enum pv_err pv_store_sealed_each_ever(struct pv_store *store, pv_store_sealed_row *row, void *context)
{
    struct pv_sql sql = pv_sql_begin(store, SEALED_COLUMNS " ORDER BY n");
    return walk_sealed(&sql, row, context);
}

enum pv_err pv_store_sealed_abandon(struct pv_store *store, uint64_t n)
{
    bool own = false;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(store, "UPDATE sealed SET abandoned = 1 WHERE n >= ?");
    pv_sql_bind_u64(&sql, n);
    err = pv_sql_run(&sql);
    if (!err) err = pv_store_value_delete(store, drafts_from);
    return pv_sql_leave(store, own, err);
}

enum pv_err pv_store_sealed_body(struct pv_store *store, const struct pv_hash *leaf, struct pv_buf *ret_body)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT body FROM sealed WHERE leaf = ?");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*leaf));
    if (pv_sql_step(&sql)) pv_sql_copy(&sql, 0, ret_body);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    return pv_sql_end(&sql);
}

enum pv_err pv_store_sealed_accepted(struct pv_store *store, const struct pv_hash *leaf)
{
    uint64_t write = 0;
    struct pv_sql find = pv_sql_begin(store, "SELECT write FROM sealed WHERE leaf = ?");
    pv_sql_bind_bytes(&find, PV_BYTES_OF(*leaf));
    enum pv_err err = pv_sql_run_u64(&find, 0, &write);
    if (!err && write == 0) err = PV_ERR_NOT_FOUND;
    return err ? err : pv_store_write_drop(store, write);
}

/* ---- blobs */

enum pv_err pv_store_blob_add(struct pv_store *store, const struct pv_id16 *name, struct pv_bytes bytes)
{
    if (bytes.n > PV_LIMIT_BLOB_BYTES) return PV_ERR_LIMIT;
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO blob (name, size, bytes) VALUES (?, ?, ?)");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*name));
    pv_sql_bind_u64(&sql, bytes.n);
    pv_sql_bind_bytes(&sql, bytes);
    return pv_sql_run(&sql);
}

enum pv_err pv_store_blob_get(struct pv_store *store, const struct pv_id16 *name, struct pv_buf *ret_bytes)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT bytes FROM blob WHERE name = ?");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*name));
    if (pv_sql_step(&sql)) pv_sql_copy(&sql, 0, ret_bytes);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    return pv_sql_end(&sql);
}

enum pv_err pv_store_blob_acknowledged(struct pv_store *store, const struct pv_id16 *name)
{
    struct pv_sql sql = pv_sql_begin(store, "DELETE FROM blob WHERE name = ?");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*name));
    return pv_sql_run(&sql);
}

enum pv_err pv_store_blob_each(struct pv_store *store, pv_store_blob_row *row, void *context)
{
    struct pv_id16 name;
    struct pv_sql sql = pv_sql_begin(store, "SELECT name, size FROM blob ORDER BY id");
    while (pv_sql_step(&sql)) {
        uint64_t size = pv_sql_u64(&sql, 1);
        pv_sql_fixed(&sql, 0, name.b, sizeof name.b);
        if (!sql.err) sql.err = row(context, &name, size);
    }
    return pv_sql_end(&sql);
}

enum pv_err pv_store_blob_count(struct pv_store *store, uint64_t *ret_count)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT count(*) FROM blob");
    return pv_sql_run_u64(&sql, 0, ret_count);
}
