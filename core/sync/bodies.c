/* Asking again for bodies that were kept back. One request a pull, and each begins behind the last one, so that a body that
 * is gone for good costs little and hides none that came back. */
#include "core/sync/bodies.h"

#include "core/base/cbor.h"
#include "core/state/fold.h"

enum { AT_ONCE = 256, ANSWER_MAX = PV_LIMIT_BATCH_BYTES };
static const char cursor_name[] = "pv.asked_bodies";

/* The first stretch of missing bodies at or after `from`. */
static enum pv_err find_stretch(struct pv_store *store, uint64_t from, uint64_t *ret_first, uint64_t *ret_count)
{
    uint64_t indexes[AT_ONCE], length = 1;
    size_t count = 0;
    enum pv_err err = pv_fold_missing_bodies(store, from, AT_ONCE, indexes, &count);
    if (!err && !count) err = PV_ERR_NOT_FOUND;
    if (err) return err;
    while (length < count && indexes[length] == indexes[0] + length) length++;
    *ret_first = indexes[0];
    *ret_count = length;
    return PV_OK;
}

static enum pv_err choose(struct pv_store *store, uint64_t *ret_first, uint64_t *ret_count)
{
    uint64_t from = 0;
    enum pv_err err = pv_store_number_get(store, cursor_name, 0, &from);
    if (!err) err = find_stretch(store, from, ret_first, ret_count);
    if (err == PV_ERR_NOT_FOUND && from) err = find_stretch(store, 0, ret_first, ret_count);
    return err;
}

/* One body, if it is the one that the entry names and is missing still. A wrong one is not worth an alarm: the entry is
 * what was signed, and another answer proves nothing. */
static enum pv_err take_body(struct pv_room *room, uint64_t index, struct pv_bytes body, bool *ret_took)
{
    struct pv_stored_entry stored;
    struct pv_entry entry;
    struct pv_buf memory;
    struct pv_hash hash;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_entry_get(room->store, index, &memory, &stored);
    if (!err && pv_entry_read(stored.entry, &entry)) err = PV_ERR_CORRUPT;
    if (!err && !stored.has_body && !pv_roster_is_forgotten(room->roster, index)) {
        pv_body_hash(body, &hash);
        *ret_took = pv_hash_equal(&hash, &entry.header.body_hash);
        if (*ret_took) err = pv_store_entry_set_body(room->store, index, body);
    }
    pv_buf_release(&memory);
    return err;
}

static enum pv_err take_all(struct pv_room *room, uint64_t from, struct pv_cbor *in, size_t count)
{
    bool any = false;
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < count && !err; i++) {
        bool took = false;
        if (pv_cbor_take_null(in)) continue;
        struct pv_bytes body = pv_cbor_get_bytes(in, PV_LIMIT_BODY_BYTES);
        if (in->err) break;
        if (from + i < pv_roster_size(room->roster)) err = take_body(room, from + i, body, &took);
        any |= took;
    }
    return err || !any ? err : pv_fold_outdate(room->store);
}

static enum pv_err bodies_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    struct pv_cbor in;
    if (response->status >= 400) return pull->after_bodies(pull); /* the next pull asks again */
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, 2);
    uint64_t from = pv_cbor_get_uint(&in, PV_LIMIT_N);
    size_t count = pv_cbor_get_array(&in, AT_ONCE);
    if (in.err || from != pull->bodies_from) return pull->after_bodies(pull);
    enum pv_err err = pv_room_begin(pull->room);
    if (err) return err;
    err = take_all(pull->room, from, &in, count);
    if (err) pv_room_rollback(pull->room);
    else err = pv_room_commit(pull->room);
    return err ? pv_pull_error(pull, err) : pull->after_bodies(pull);
}

enum pv_err pv_bodies_ask(struct pv_pull *pull, enum pv_err (*then)(struct pv_pull *pull))
{
    uint64_t first = 0, count = 0;
    if (pull->bodies_asked || pull->room->restored) return then(pull);
    pull->bodies_asked = true;
    enum pv_err err = choose(pull->room->store, &first, &count);
    if (err == PV_ERR_NOT_FOUND) return then(pull);
    if (!err) err = pv_store_number_set(pull->room->store, cursor_name, first + count);
    if (err) return err;
    pull->after_bodies = then;
    pull->bodies_from = first;
    err = pv_task_ask(&pull->task, PV_GET, pull->auth, ANSWER_MAX, bodies_answer, "/v1/rooms/%s/bodies?from=%llu&max=%llu",
                      pull->room_hex, (unsigned long long)first, (unsigned long long)count);
    pull->task.takes_problems = !err;
    return err;
}
