/* Giving back: which note is shown to a restored server, which entries go with it, and what its answer means. */
#include "core/sync/repair.h"

#include <string.h>

enum { TAIL_ENTRIES = 16384, TAIL_BYTES = PV_LIMIT_BATCH_BYTES - 64 * 1024, ANSWER_MAX = 4096 };

enum pv_err pv_repair_check(struct pv_room *room, struct pv_bytes note)
{
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_bytes server = pv_roster_server_name(room->roster);
    struct pv_checkpoint checkpoint;
    struct pv_hash root;
    memcpy(name, server.p, server.n);
    name[server.n] = '\0';
    if (pv_checkpoint_open(note, name, &room->id, pv_roster_log_key(room->roster), &checkpoint))
        return pv_room_raise(room, PV_ERR_BAD_SIG, note, "the server's checkpoint is not signed by this room's log key");
    if (checkpoint.size > room->edge.size) return PV_OK;
    struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
    enum pv_err err = pv_merkle_root(&reader, checkpoint.size, &root);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_ERR_CORRUPT : err;
    if (pv_hash_equal(&root, &checkpoint.root)) return PV_OK;
    return pv_room_raise(room, PV_ERR_FORK, note,
                         "the server says that it was restored from a backup, but what it holds is not the beginning of what was seen here");
}

/* ---- how far it goes in one request */

struct measure {
    uint64_t end; /* one behind the last entry that fits */
    size_t count, bytes;
};

static enum pv_err measure_entry(void *context, const struct pv_stored_entry *stored)
{
    struct measure *measure = context;
    measure->bytes += stored->entry.n + stored->refs.n + (stored->has_body ? stored->body.n : 0) + 32;
    if (measure->count == TAIL_ENTRIES || measure->bytes > TAIL_BYTES) return PV_ERR_LIMIT; /* ends the walk */
    measure->count++;
    measure->end = stored->index + 1;
    return PV_OK;
}

struct choice {
    uint64_t from, end;
    bool gives;           /* entries go with the note: its size is in (from, end] */
    uint64_t size;        /* of the note; 0: there is none yet */
    struct pv_buf note;
};

/* The longest that is beyond the server's and whose entries fit; else the longest of all: a page that was cut leaves less
 * here than its note says the server had. Every note kept here was checked when it came. */
static enum pv_err choose_note(void *context, uint64_t size, uint64_t time_s, struct pv_bytes note)
{
    struct choice *choice = context;
    (void)time_s;
    bool gives = size > choice->from && size <= choice->end;
    if (choice->gives > gives || (choice->gives == gives && size < choice->size)) return PV_OK;
    choice->gives = gives;
    choice->size = size;
    pv_buf_clear(&choice->note);
    pv_buf_append(&choice->note, note.p, note.n);
    return choice->note.err;
}

static enum pv_err put_entry(void *context, const struct pv_stored_entry *stored)
{
    struct pv_buf *body = context;
    pv_cbor_put_array(body, 3);
    pv_cbor_put_bytes(body, stored->entry.p, stored->entry.n);
    pv_buf_append(body, stored->refs.p, stored->refs.n);
    if (stored->has_body) pv_cbor_put_bytes(body, stored->body.p, stored->body.n);
    else pv_cbor_put_null(body);
    return body->err;
}

/* ---- the answer: [size, newest known size, still restored] */

static enum pv_err repair_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    struct pv_cbor in;
    if (response->status == 409 && response->problem_reason && strcmp(response->problem_reason, "size") == 0 &&
        !pull->room->go_on && pull->repairs < 8)
        return pv_pull_start(task, NULL); /* another device gave some back meanwhile */
    if (response->status == 409 && response->problem_reason && strcmp(response->problem_reason, "seen") == 0)
        return pv_pull_error(pull, pv_room_raise(pull->room, PV_ERR_FORK, pv_room_pin(pull->room),
                                                 "the server, which was restored from a backup, has gone on without what this device "
                                                 "holds and it had signed"));
    if (response->status == 404) return pv_pull_unknown_room(pull);
    if (response->status >= 400) return pv_task_problem(task, response);
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, 3);
    uint64_t size = pv_cbor_get_uint(&in, PV_LIMIT_N);
    uint64_t known = pv_cbor_get_uint(&in, PV_LIMIT_N);
    bool restored = pv_cbor_get_bool(&in);
    if (pv_cbor_finish(&in)) return pv_task_error(task, PV_ERR_IO, "the server's answer is not of the expected form");
    pull->room->restored = restored;
    pull->room->restored_known = known;
    pull->gave = size <= pull->given || size <= pull->reached || !restored; /* what it took and lacks again, the next pull gives */
    pull->given = size;
    if (size > pull->reached) pull->reached = size;
    /* It opened, or took a part, or others were there before: look again. */
    if (!restored || (size < pull->room->edge.size && !pull->gave)) return pv_pull_start(task, NULL);
    pull->gave = true;
    return pull->after_repair(pull);
}

/* What lies beside entries (wraps, links) no device keeps, and which of it the backup had nobody knows here. */
static enum pv_err note_loss(struct pv_room *room)
{
    uint64_t to = 0;
    enum pv_err err = pv_store_number_get(room->store, PV_LOST_TO, 0, &to);
    return err || to >= room->edge.size ? err : pv_store_number_set(room->store, PV_LOST_TO, room->edge.size);
}

enum pv_err pv_repair_ask(struct pv_pull *pull, uint64_t size)
{
    struct pv_room *room = pull->room;
    struct measure measure = {.end = size};
    struct choice choice = {.from = size};
    pv_buf_init(&choice.note, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = note_loss(room);
    if (!err && size < room->edge.size) err = pv_store_entry_each(room->store, size, room->edge.size, measure_entry, &measure);
    if (err == PV_ERR_LIMIT) err = PV_OK;
    choice.end = measure.end;
    if (!err) err = pv_store_note_each(room->store, choose_note, &choice);
    if (!err && room->pin.n) err = choose_note(&choice, room->pinned.size, room->pinned.time_s, pv_room_pin(room));
    if (!err && !choice.size) { /* nothing to show, and nothing lost by it */
        pv_buf_release(&choice.note);
        pull->gave = true;
        return pull->after_repair(pull);
    }
    pull->repairs++;
    struct pv_buf *body = &pull->task.body;
    if (!err) {
        pv_cbor_put_array(body, 4);
        pv_cbor_put_bytes(body, choice.note.p, choice.note.n);
        pv_cbor_put_uint(body, size);
        pv_cbor_put_bool(body, room->go_on);
        pv_cbor_put_array(body, choice.gives ? (size_t)(choice.size - size) : 0);
        if (choice.gives) err = pv_store_entry_each(room->store, size, choice.size, put_entry, body);
        if (!err) err = body->err;
    }
    pv_buf_release(&choice.note);
    if (!err)
        err = pv_task_ask(&pull->task, PV_POST, PV_AUTH_SESSION, ANSWER_MAX, repair_answer, "/v1/rooms/%s/restore", pull->room_hex);
    pull->task.takes_problems = !err;
    return err;
}

bool pv_room_is_restored(const struct pv_room *room, uint64_t *ret_missing)
{
    *ret_missing = room->restored_known > room->edge.size ? room->restored_known - room->edge.size : 0;
    return room->restored;
}

void pv_room_go_on(struct pv_room *room)
{
    room->go_on = true;
}
