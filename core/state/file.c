/* Files: each is a line of versions, at one path. A put that names the newest version of a file continues it; one
 * that comes too late founds a file of its own beside it, marked as having lost; so nothing is ever hidden. */
#include "core/state/feature.h"
#include "core/state/written.h"

/* A version that a payload names, and its file. */
struct named {
    bool known;
    uint64_t version, file, head;
    bool removed;
    bool at_path; /* of the path asked about */
};

static enum pv_err find_file(struct pv_store *store, uint64_t version, struct pv_bytes path, struct named *ret_named)
{
    struct named named = {.version = version};
    struct pv_sql sql = pv_sql_begin(store, "SELECT v.file, f.head, f.removed IS NOT NULL, f.path = ? FROM version v"
                                            " JOIN file f ON f.idx = v.file WHERE v.idx = ?");
    pv_sql_bind_bytes(&sql, path);
    pv_sql_bind_u64(&sql, version);
    named.known = pv_sql_step(&sql);
    if (named.known) {
        named.file = pv_sql_u64(&sql, 0);
        named.head = pv_sql_u64(&sql, 1);
        named.removed = pv_sql_u64(&sql, 2) != 0;
        named.at_path = pv_sql_u64(&sql, 3) != 0;
    }
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_named = named;
    return err;
}

/* Leaves `ret_named` alone when the version is not known. */
static enum pv_err find(struct pv_store *store, const struct pv_write_ref *ref, struct pv_bytes path,
                        struct named *ret_named)
{
    uint64_t index = 0;
    bool is_written = false;
    enum pv_err err = pv_written_find_by(store, &ref->write_id, &ref->author, &is_written, &index);
    return err || !is_written ? err : find_file(store, index, path, ret_named);
}

static enum pv_err add_version(struct pv_store *store, const struct pv_folding *folding, uint64_t file)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO version (idx, file, author, time, write_id, size, encoded)"
                                            " VALUES (?, ?, ?, ?, ?, ?, ?)");
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_u64(&sql, file);
    pv_sql_bind_u64(&sql, folding->author);
    pv_sql_bind_u64(&sql, folding->time_ms);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(folding->payload->write_id));
    pv_sql_bind_u64(&sql, folding->payload->u.file_put.file.size_bytes);
    pv_sql_bind_bytes(&sql, folding->payload->u.file_put.encoded);
    return pv_sql_run(&sql);
}

static enum pv_err found(struct pv_store *store, const struct pv_folding *folding, struct pv_bytes path,
                         const struct named *lost_to)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO file (idx, path, placed, head, lost_to)"
                                            " VALUES (?1, ?2, ?1, ?1, ?3)");
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_bytes(&sql, path);
    if (lost_to) pv_sql_bind_u64(&sql, lost_to->file);
    else pv_sql_bind_null(&sql);
    enum pv_err err = pv_sql_run(&sql);
    return err ? err : add_version(store, folding, folding->index);
}

static enum pv_err set_head(struct pv_store *store, uint64_t file, uint64_t head)
{
    struct pv_sql sql = pv_sql_begin(store, "UPDATE file SET head = ? WHERE idx = ?");
    pv_sql_bind_u64(&sql, head);
    pv_sql_bind_u64(&sql, file);
    return pv_sql_run(&sql);
}

/* A path as it stands in the table, in `memory`. */
static struct pv_bytes join_path(const struct pv_path *path, uint8_t memory[static PV_LIMIT_PATH_BYTES + PV_LIMIT_PATH_PARTS])
{
    struct pv_buf buf;
    pv_buf_init_fixed(&buf, memory, PV_LIMIT_PATH_BYTES + PV_LIMIT_PATH_PARTS);
    pv_path_put_text(&buf, path);
    return pv_buf_bytes(&buf);
}

enum pv_err pv_file_fold_put(struct pv_store *store, const struct pv_folding *folding)
{
    uint8_t memory[PV_LIMIT_PATH_BYTES + PV_LIMIT_PATH_PARTS];
    struct pv_bytes path = join_path(&folding->payload->u.file_put.file.path, memory);
    struct named old = {0};
    if (folding->payload->u.file_put.has_replaces) {
        enum pv_err err = find(store, &folding->payload->u.file_put.replaces, path, &old);
        if (err) return err;
    }
    bool stands = old.known && !old.removed;
    if (!stands || old.head != old.version) return found(store, folding, path, stands ? &old : NULL);
    enum pv_err err = add_version(store, folding, old.file);
    return err ? err : set_head(store, old.file, folding->index);
}

/* A move takes along what was put on top of the version that it names. To where the file is, it changes nothing. */
enum pv_err pv_file_fold_move(struct pv_store *store, const struct pv_folding *folding)
{
    uint8_t memory[PV_LIMIT_PATH_BYTES + PV_LIMIT_PATH_PARTS];
    struct pv_bytes path = join_path(&folding->payload->u.file_move.path, memory);
    struct named old = {0};
    enum pv_err err = find(store, &folding->payload->u.file_move.version, path, &old);
    if (err || !old.known || old.removed || old.at_path) return err;
    struct pv_sql sql = pv_sql_begin(store, "UPDATE file SET path = ?, placed = ?, lost_to = NULL WHERE idx = ?");
    pv_sql_bind_bytes(&sql, path);
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_u64(&sql, old.file);
    return pv_sql_run(&sql);
}

/* A removal that did not see the newest version loses against it. */
enum pv_err pv_file_fold_remove(struct pv_store *store, const struct pv_folding *folding)
{
    struct named old = {0};
    enum pv_err err = find(store, &folding->payload->u.file_remove, pv_bytes("", 0), &old);
    if (err || !old.known || old.removed || old.head != old.version) return err;
    struct pv_sql sql = pv_sql_begin(store, "UPDATE file SET removed = ? WHERE idx = ?");
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_u64(&sql, old.file);
    return pv_sql_run(&sql);
}

/* It is there for its refs. */
enum pv_err pv_file_fold_blobs(struct pv_store *store, const struct pv_folding *folding)
{
    (void)store;
    (void)folding;
    return PV_OK;
}
