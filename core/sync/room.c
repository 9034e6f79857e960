/* An open room: its memory follows its store, which several processes share. */
#include "core/sync/room.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sync/room_parts.h"

enum { SNAPSHOT_MAX = 64 * 1024 * 1024, SNAPSHOT_EVERY = 512, VIEW_EVERY = 128 };

static const char JUDGED[] = "sync.judged"; /* entries with a verdict */
static const char VIEW[] = "sync.view";     /* [judged entries, n and leaf of our newest in it, snapshot] */

const struct pv_hash *pv_room_my_principal(const struct pv_room *room)
{
    return room->person_room ? &room->me->person : &room->me->device;
}

void pv_room_changed(struct pv_room *room)
{
    pv_roster_free(room->view);
    room->view = NULL;
}

/* Judge again, without checks of the caller's, what came since the snapshot: talk and work, and of the rest what was
 * rejected, for an accepted one would have made a snapshot. */
struct replaying {
    struct pv_store *store;
    struct pv_roster *roster;
    struct pv_buf memory;
};

static enum pv_err replay(void *context, const struct pv_stored_entry *header)
{
    struct replaying *r = context;
    struct pv_stored_entry stored = *header;
    struct pv_log_item item = {.index = stored.index};
    enum pv_verdict verdict;
    enum pv_reason reason;
    enum pv_err err = pv_entry_read(stored.entry, &item.entry);
    if (err) return PV_ERR_CORRUPT;
    pv_entry_leaf(stored.entry, &item.leaf);
    if (!pv_kind_is_sealed(item.entry.header.kind)) {
        if (stored.verdict != PV_REJECTED) return PV_ERR_CORRUPT;
        err = pv_store_entry_get(r->store, item.index, &r->memory, &stored);
        if (err) return err == PV_ERR_NOT_FOUND || err == PV_ERR_LIMIT ? PV_ERR_CORRUPT : err;
        item.body = stored.body;
    }
    err = pv_roster_apply(r->roster, &item, &verdict, &reason);
    if (!err && verdict != stored.verdict) err = PV_ERR_CORRUPT;
    return err;
}

static enum pv_err replay_from(struct pv_room *room, uint64_t from, uint64_t to, struct pv_roster *roster)
{
    struct replaying r = {.store = room->store, .roster = roster};
    pv_buf_init(&r.memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_header_each(room->store, from, to, replay, &r);
    pv_buf_release(&r.memory);
    return err;
}

static enum pv_err load_roster(struct pv_room *room, uint64_t judged)
{
    struct pv_buf snapshot;
    struct pv_roster *roster = NULL;
    uint64_t size = 0;
    pv_buf_init(&snapshot, SNAPSHOT_MAX);
    enum pv_err err = pv_store_roster_get(room->store, &size, &snapshot);
    if (err == PV_ERR_NOT_FOUND) err = pv_roster_new(&roster);
    else if (!err) {
        err = pv_roster_decode(pv_buf_bytes(&snapshot), &roster);
        if (err && err != PV_ERR_NOMEM) err = PV_ERR_CORRUPT;
    }
    pv_buf_release(&snapshot);
    if (!err && (size > judged || pv_roster_size(roster) != size)) err = PV_ERR_CORRUPT;
    if (!err && size < judged) err = replay_from(room, size, judged, roster);
    if (err) {
        pv_roster_free(roster);
        return err;
    }
    pv_roster_free(room->roster);
    room->roster = roster;
    room->snapshot_size = size;
    return PV_OK;
}

static enum pv_err refresh(struct pv_room *room)
{
    uint64_t judged, size;
    enum pv_err err = pv_store_number_get(room->store, JUDGED, 0, &judged);
    if (!err) err = pv_store_size(room->store, &size);
    if (!err && (room->stale || pv_roster_size(room->roster) != judged)) err = load_roster(room, judged);
    if (!err && (room->stale || room->edge.size != size)) {
        struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
        err = pv_merkle_edge_read(&reader, size, &room->edge);
        if (err == PV_ERR_NOT_FOUND) err = PV_ERR_CORRUPT;
    }
    if (!err) room->stale = false;
    pv_room_changed(room); /* the outbox may have changed, too */
    return err;
}

enum pv_err pv_room_refresh(struct pv_room *room)
{
    if (room->stale) pv_store_rollback(room->store); /* one that could not be before */
    if (pv_store_in_transaction(room->store)) return refresh(room);
    /* Numbers and snapshot must be of one moment: another command may commit between the two. */
    enum pv_err err = pv_store_begin_reading(room->store);
    if (err) return err;
    err = refresh(room);
    if (!err) return pv_store_commit(room->store);
    pv_store_rollback(room->store);
    return err;
}

enum pv_err pv_room_begin(struct pv_room *room)
{
    enum pv_err err = pv_store_begin(room->store);
    if (err) return err;
    err = refresh(room);
    if (err) pv_store_rollback(room->store);
    return err;
}

/* ---- the view: a long outbox is not judged anew for each write, but from the last snapshot of the view on */

/* Our own signed entries, as if they stood at the log's end. What they meet there does not matter here. */
static enum pv_err view_entry(struct pv_roster *view, const struct pv_sealed_write *sealed)
{
    struct pv_log_item item = {.index = pv_roster_size(view), .leaf = sealed->leaf, .body = sealed->body};
    enum pv_verdict verdict;
    enum pv_reason reason;
    if (pv_entry_read(sealed->entry, &item.entry)) return PV_ERR_CORRUPT;
    enum pv_err err = pv_roster_note(view, &item);
    return err ? err : pv_roster_apply(view, &item, &verdict, &reason);
}

/* A view being made: from the log's roster, or from a snapshot that has our entries up to `head`. */
struct viewing {
    struct pv_roster *view;
    struct pv_head head; /* n 0: none of ours is in it */
    bool head_stands;
    uint64_t count;
};

static enum pv_err view_row(void *context, const struct pv_sealed_write *sealed)
{
    struct viewing *v = context;
    if (v->head.n == sealed->n) {
        v->head_stands = pv_hash_equal(&v->head.leaf, &sealed->leaf);
        return PV_OK;
    }
    v->count++;
    return view_entry(v->view, sealed);
}

/* The stored view, if it was made over the log as it is now. Errors: NOT_FOUND. */
static enum pv_err read_view(struct pv_room *room, struct viewing *v)
{
    struct pv_buf stored;
    struct pv_cbor in;
    pv_buf_init(&stored, SNAPSHOT_MAX);
    enum pv_err err = pv_store_value_get(room->store, VIEW, &stored);
    if (!err) {
        pv_cbor_init(&in, pv_buf_bytes(&stored));
        pv_cbor_get_array_of(&in, 4);
        bool current = pv_cbor_get_uint(&in, PV_LIMIT_N) == pv_roster_size(room->roster);
        v->head.n = pv_cbor_get_uint(&in, PV_LIMIT_N);
        pv_cbor_get_hash(&in, &v->head.leaf);
        struct pv_bytes snapshot = pv_cbor_get_bytes(&in, SNAPSHOT_MAX);
        err = pv_cbor_finish(&in) || !current ? PV_ERR_NOT_FOUND : pv_roster_decode(snapshot, &v->view);
        if (err && err != PV_ERR_NOMEM) err = PV_ERR_NOT_FOUND; /* of another version, say: it is made anew */
    }
    pv_buf_release(&stored);
    return err;
}

/* Errors: NOT_FOUND (there is no snapshot that still holds: entries of ours in it were overtaken). */
static enum pv_err view_from_snapshot(struct pv_room *room, struct viewing *v)
{
    enum pv_err err = read_view(room, v);
    if (!err) err = pv_store_sealed_from(room->store, v->head.n, view_row, v);
    return err || v->head_stands ? err : PV_ERR_NOT_FOUND;
}

static enum pv_err view_from_log(struct pv_room *room, struct viewing *v)
{
    enum pv_err err = pv_roster_copy(room->roster, &v->view);
    return err ? err : pv_store_sealed_each(room->store, view_row, v);
}

enum pv_err pv_room_view(struct pv_room *room, const struct pv_roster **ret_view)
{
    if (!room->view) {
        struct viewing v = {.view = NULL};
        enum pv_err err = view_from_snapshot(room, &v);
        if (err == PV_ERR_NOT_FOUND) {
            pv_roster_free(v.view);
            v = (struct viewing){.view = NULL};
            err = view_from_log(room, &v);
        }
        if (err) {
            pv_roster_free(v.view);
            return err;
        }
        room->view = v.view;
        room->view_base = pv_roster_size(room->roster);
        room->view_unsaved = v.count;
    }
    *ret_view = room->view;
    return PV_OK;
}

enum pv_err pv_room_view_add(struct pv_room *room, const struct pv_sealed_write *sealed)
{
    room->view_unsaved++;
    return room->view ? view_entry(room->view, sealed) : PV_OK;
}

/* Keep the view when it has taken enough since it was kept. In a transaction. */
static enum pv_err save_view(struct pv_room *room)
{
    struct pv_head head;
    struct pv_buf snapshot, stored;
    if (!room->view || room->view_unsaved < VIEW_EVERY || room->view_base != pv_roster_size(room->roster)) return PV_OK;
    pv_buf_init(&snapshot, SNAPSHOT_MAX);
    pv_buf_init(&stored, SNAPSHOT_MAX);
    enum pv_err err = pv_store_head_get(room->store, &head);
    if (!err) err = pv_roster_encode(room->view, &snapshot);
    if (!err) {
        pv_cbor_put_array(&stored, 4);
        pv_cbor_put_uint(&stored, pv_roster_size(room->roster));
        pv_cbor_put_uint(&stored, head.n);
        pv_cbor_put_hash(&stored, &head.leaf);
        pv_cbor_put_bytes(&stored, snapshot.p, snapshot.n);
        err = stored.err ? stored.err : pv_store_value_set(room->store, VIEW, pv_buf_bytes(&stored));
    }
    if (!err) room->view_unsaved = 0;
    pv_buf_release(&snapshot);
    pv_buf_release(&stored);
    return err;
}

enum pv_err pv_room_commit(struct pv_room *room)
{
    enum pv_err err = pv_store_number_set(room->store, JUDGED, pv_roster_size(room->roster));
    if (!err) err = save_view(room);
    if (!err) err = pv_store_commit(room->store);
    if (err) pv_room_rollback(room);
    return err;
}

void pv_room_rollback(struct pv_room *room)
{
    pv_store_rollback(room->store);
    room->stale = true;
    /* Without memory even a roll-back can fail, and is made up for by the next begin: only then is there something to
     * read. Another failure here comes again there, and is reported. */
    if (!pv_store_in_transaction(room->store)) (void)!refresh(room);
}

enum pv_err pv_room_save_roster(struct pv_room *room)
{
    uint64_t size = pv_roster_size(room->roster);
    bool changed = size > room->snapshot_size && pv_roster_changed_at(room->roster) >= room->snapshot_size;
    if (!changed && size < room->snapshot_size + SNAPSHOT_EVERY) return PV_OK;
    struct pv_buf snapshot;
    pv_buf_init(&snapshot, SNAPSHOT_MAX);
    enum pv_err err = pv_roster_encode(room->roster, &snapshot);
    if (!err) err = pv_store_roster_set(room->store, size, pv_buf_bytes(&snapshot));
    if (!err) room->snapshot_size = size;
    pv_buf_release(&snapshot);
    return err;
}

enum pv_err pv_room_open(const struct pv_room_options *options, struct pv_room **ret_room)
{
    struct pv_room *room = calloc(1, sizeof *room);
    if (!room) return PV_ERR_NOMEM;
    room->store = options->store;
    room->me = options->me;
    room->person_room = options->person_room;
    room->random = options->random;
    room->id = options->room_id;
    room->stale = true;
    pv_buf_init(&room->pin, PV_LIMIT_NOTE_BYTES);
    pv_buf_init(&room->evidence, PV_LIMIT_EVIDENCE_BYTES);
    pv_buf_init(&room->fork_note, PV_LIMIT_NOTE_BYTES);
    pv_buf_append(&room->pin, options->pin.p, options->pin.n);
    enum pv_err err = room->pin.err;
    /* The pin is this device's own file; its signatures were checked when it was taken. */
    if (!err && options->pin.n) err = pv_checkpoint_peek(options->pin, &room->pinned) ? PV_ERR_CORRUPT : PV_OK;
    if (!err) err = pv_room_refresh(room);
    if (err) {
        pv_room_close(room);
        return err;
    }
    *ret_room = room;
    return PV_OK;
}

void pv_room_close(struct pv_room *room)
{
    if (!room) return;
    pv_room_changed(room);
    pv_roster_free(room->roster);
    pv_buf_release(&room->pin);
    pv_buf_release(&room->evidence);
    pv_buf_release(&room->fork_note);
    pv_wipe(&room->invite_kem_seed, sizeof room->invite_kem_seed);
    free(room);
}

void pv_room_set_time(struct pv_room *room, uint64_t now_ms)
{
    room->now_ms = now_ms;
}

void pv_room_on_words(struct pv_room *room, pv_room_before_words *call, void *context)
{
    room->before_words = call;
    room->before_words_context = context;
}

const struct pv_hash *pv_room_id(const struct pv_room *room)
{
    return &room->id;
}

struct pv_store *pv_room_store(struct pv_room *room)
{
    return room->store;
}

const struct pv_roster *pv_room_roster(const struct pv_room *room)
{
    return room->roster;
}

struct pv_bytes pv_room_pin(const struct pv_room *room)
{
    return pv_buf_bytes(&room->pin);
}

const char *pv_room_alarm(const struct pv_room *room)
{
    return room->alarm;
}

enum pv_err pv_room_alarm_err(const struct pv_room *room)
{
    return room->alarm_err;
}

struct pv_bytes pv_room_evidence(const struct pv_room *room)
{
    return pv_buf_bytes(&room->evidence);
}

enum pv_err pv_room_raise(struct pv_room *room, enum pv_err err, struct pv_bytes evidence, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(room->alarm, sizeof room->alarm, format, args);
    va_end(args);
    room->forked_at = 0;
    room->alarm_err = pv_err_exit_status(err) == 4 ? err : PV_OK;
    pv_evidence_shown(room, err, room->alarm_err ? evidence : pv_bytes(NULL, 0));
    return err;
}
