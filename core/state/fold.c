/* The fold of sealed entries: which payload counts, and which feature takes it. */
#include "core/state/fold.h"

#include "core/state/feature.h"
#include "core/state/written.h"

static const struct {
    enum pv_payload_type type;
    pv_feature_fold *fold;
} features[] = {
    {PV_PAYLOAD_PROFILE, pv_profile_fold},         {PV_PAYLOAD_MESSAGE, pv_message_fold},
    {PV_PAYLOAD_FILE_PUT, pv_file_fold_put},       {PV_PAYLOAD_FILE_MOVE, pv_file_fold_move},
    {PV_PAYLOAD_FILE_REMOVE, pv_file_fold_remove}, {PV_PAYLOAD_CHUNKING, pv_chunking_fold},
    {PV_PAYLOAD_FILE_BLOBS, pv_file_fold_blobs},   {PV_PAYLOAD_KEYS, pv_keys_fold},
    {PV_PAYLOAD_ROOMS, pv_rooms_fold},             {PV_PAYLOAD_VERIFIED, pv_verified_fold},
};
enum { FEATURE_COUNT = sizeof features / sizeof *features };

/* Raised whenever stored rooms have to be folded anew: a rule changed, or a type is new. A room where none stands was
 * folded by the first. */
enum { FOLD_OUTDATED = 0, FOLD_VERSION_FIRST = 1, FOLD_VERSION = 2 };
static const char fold_version[] = "pv.fold";

enum pv_err pv_fold_unreadable(struct pv_store *store, uint64_t index, enum pv_err why)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO unreadable (idx, why) VALUES (?, ?)");
    pv_sql_bind_u64(&sql, index);
    pv_sql_bind_text(&sql, pv_bytes_of_string(pv_err_web_name(why)));
    return pv_sql_run(&sql);
}

enum pv_err pv_fold_no_key(struct pv_store *store, uint64_t index, uint64_t epoch)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO unreadable (idx, why, epoch) VALUES (?, ?, ?)");
    pv_sql_bind_u64(&sql, index);
    pv_sql_bind_text(&sql, pv_bytes_of_string(pv_err_web_name(PV_ERR_NO_KEY)));
    pv_sql_bind_u64(&sql, epoch);
    return pv_sql_run(&sql);
}

enum pv_err pv_fold_missing_bodies(struct pv_store *store, uint64_t from, size_t max, uint64_t *ret_indexes, size_t *ret_count)
{
    size_t count = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT idx FROM unreadable WHERE idx >= ? AND why = ? ORDER BY idx LIMIT ?");
    pv_sql_bind_u64(&sql, from);
    pv_sql_bind_text(&sql, pv_bytes_of_string(pv_err_web_name(PV_ERR_NOT_FOUND)));
    pv_sql_bind_u64(&sql, max);
    while (count < max && pv_sql_step(&sql)) ret_indexes[count++] = pv_sql_u64(&sql, 0);
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_count = count;
    return err;
}

enum pv_err pv_fold_key_came(struct pv_store *store, uint64_t epoch)
{
    uint64_t waiting = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT EXISTS (SELECT 1 FROM unreadable WHERE epoch = ?)");
    pv_sql_bind_u64(&sql, epoch);
    enum pv_err err = pv_sql_run_u64(&sql, 0, &waiting);
    return err || !waiting ? err : pv_fold_outdate(store);
}

static enum pv_err keep_unfolded(struct pv_store *store, uint64_t index, uint64_t type)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO unfolded (idx, type) VALUES (?, ?)");
    pv_sql_bind_u64(&sql, index);
    pv_sql_bind_u64(&sql, type > INT64_MAX ? INT64_MAX : type);
    return pv_sql_run(&sql);
}

static enum pv_err fold_feature(struct pv_store *store, const struct pv_folding *folding)
{
    size_t i = 0;
    while (i < FEATURE_COUNT - 1 && features[i].type != folding->payload->type) i++;
    return features[i].fold(store, folding);
}

/* What a payload is, as far as it counts: read, or why not. */
struct judged {
    uint64_t type;
    struct pv_id16 write_id;
    bool in_its_kind;
    enum pv_err unreadable; /* UNSUPPORTED: of an unknown type */
};

/* Errors: that of a payload which is not well-formed, so that it uses up no write id. */
static enum pv_err judge(const struct pv_log_item *item, struct pv_bytes bytes, struct pv_payload *payload,
                         struct judged *ret_judged)
{
    struct judged judged = {.unreadable = pv_payload_read(bytes, payload)};
    enum pv_kind kind;
    if (judged.unreadable) {
        enum pv_err err = pv_payload_peek(bytes, &judged.type, &judged.write_id);
        if (err) return err;
    } else {
        judged.type = (uint64_t)payload->type;
        judged.write_id = payload->write_id;
    }
    judged.in_its_kind = !pv_payload_kind(judged.type, &kind) && item->entry.header.kind == (uint64_t)kind;
    *ret_judged = judged;
    return PV_OK;
}

/* The first accepted payload of an author with a write id counts, whatever its type: so a version that does not
 * know the type ignores the same ones as a version that does. */
static enum pv_err fold_payload(struct pv_store *store, const struct pv_log_item *item, struct pv_bytes bytes,
                                struct pv_payload *payload)
{
    struct pv_folding folding = {.index = item->index, .time_ms = item->entry.header.time_ms, .payload = payload};
    struct judged judged;
    uint64_t earlier;
    bool again = false;
    enum pv_err err = judge(item, bytes, payload, &judged);
    if (err) return pv_fold_unreadable(store, item->index, err);
    err = pv_sql_author(store, &item->entry.header.author, &folding.author);
    if (!err) err = pv_written_find(store, &judged.write_id, folding.author, &again, &earlier);
    if (err || again) return err;
    bool folds = judged.in_its_kind && !judged.unreadable;
    bool has_row = folds && (payload->type == PV_PAYLOAD_MESSAGE || payload->type == PV_PAYLOAD_FILE_PUT);
    err = pv_written_add(store, &judged.write_id, folding.author, item->index, has_row);
    if (err) return err;
    if (folds) return fold_feature(store, &folding);
    if (judged.unreadable == PV_ERR_UNSUPPORTED) return keep_unfolded(store, item->index, judged.type);
    return judged.in_its_kind ? pv_fold_unreadable(store, item->index, judged.unreadable) : PV_OK;
}

enum pv_err pv_fold_entry(struct pv_store *store, const struct pv_log_item *item, enum pv_verdict verdict,
                          struct pv_bytes payload)
{
    bool own = false;
    if (verdict != PV_ACCEPTED || !pv_kind_is_sealed(item->entry.header.kind)) return PV_OK;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    struct pv_payload read;
    err = fold_payload(store, item, payload, &read);
    pv_wipe(&read, sizeof read); /* it may hold keys */
    return pv_sql_leave(store, own, err);
}

enum pv_err pv_fold_has_write(struct pv_store *store, const struct pv_hash *author, const struct pv_id16 *write_id, bool *ret_has)
{
    uint64_t index;
    return pv_written_find_by(store, write_id, author, ret_has, &index);
}

enum pv_err pv_fold_outdate(struct pv_store *store)
{
    return pv_store_number_set(store, fold_version, FOLD_OUTDATED);
}

enum pv_err pv_fold_is_outdated(struct pv_store *store, bool *ret_outdated)
{
    uint64_t version = 0;
    enum pv_err err = pv_store_number_get(store, fold_version, FOLD_VERSION_FIRST, &version);
    if (!err) *ret_outdated = version != FOLD_VERSION;
    return err;
}

enum pv_err pv_fold_mark_new(struct pv_store *store)
{
    return pv_store_number_set(store, fold_version, FOLD_VERSION);
}

enum pv_err pv_fold_reset(struct pv_store *store)
{
    static const char clear[] = "DELETE FROM written; DELETE FROM unreadable; DELETE FROM unfolded;"
                                "DELETE FROM profile; DELETE FROM message; DELETE FROM file; DELETE FROM version;"
                                "DELETE FROM chunking; DELETE FROM room; DELETE FROM room_head; DELETE FROM verified;"
                                "INSERT INTO words (words) VALUES ('delete-all');"
                                "DELETE FROM value WHERE name IN ('pv.worded', 'pv.settled', '" PV_FOUNDER_NAME "');";
    bool own = false;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    pv_written_forget(store);
    err = pv_sql_exec(store, clear);
    if (!err) err = pv_fold_mark_new(store);
    if (!err) err = pv_store_set_folded_size(store, 0);
    return pv_sql_leave(store, own, err);
}
