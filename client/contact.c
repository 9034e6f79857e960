/* Contact with servers: fetching, sending; pins and evidence kept outside the databases. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/alarms.h"
#include "client/changes.h"
#include "client/session.h"
#include "client/system.h"
#include "client/unsendable.h"
#include "core/log/checkpoint.h"

enum { NOTE_EVERY_MS = 60000, FIRST_PAGE_MAX = 1 << 20 };

/* ---- pins and evidence */

static bool is_older(struct pv_bytes note, struct pv_bytes other)
{
    struct pv_checkpoint a, b;
    return pv_checkpoint_peek(note, &a) == PV_OK && pv_checkpoint_peek(other, &b) == PV_OK &&
           (a.size < b.size || (a.size == b.size && a.time_s < b.time_s));
}

enum pv_err pv_contact_save_pin(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    struct pv_bytes pin = pv_room_pin(room->room);
    char name[PV_HOME_NAME_BYTES];
    struct pv_buf held;
    enum pv_err err;
    int lock = -1;

    if (pin.n == 0) return PV_OK;
    pv_database_name("pins", &room->id, "", name);
    pv_buf_init(&held, PV_LIMIT_NOTE_BYTES);
    err = pv_home_read(&session->home, name, &held, report);
    if (err == PV_OK && pv_bytes_equal(pv_buf_bytes(&held), pin)) goto out;
    err = pv_home_lock(&session->home, "pins/lock", true, &lock, report);
    if (err != PV_OK) goto out;
    pv_buf_clear(&held);
    err = pv_home_read(&session->home, name, &held, report);
    if (err == PV_ERR_NOT_FOUND || (err == PV_OK && is_older(pv_buf_bytes(&held), pin)))
        err = pv_home_write(&session->home, name, pin, report);
out:
    pv_home_unlock(&lock);
    pv_buf_release(&held);
    return err;
}

/* The alarm stands, even where what followed it in the same task (a question for a proof) was not answered. */
enum pv_err pv_contact_alarm(const struct pv_open_room *room, enum pv_err err, struct pv_report *report)
{
    enum pv_err alarm = pv_room_alarm_err(room->room);
    if (err == PV_OK || alarm == PV_OK || pv_err_exit_status(err) == 4) return err;
    return pv_report(report, alarm, "%s", pv_room_alarm(room->room));
}

enum pv_err pv_contact_convict(struct pv_session *session, struct pv_open_room *room, enum pv_err err,
                               struct pv_report *report)
{
    static const char advice[] = "Rely on nothing that this server says of this room until you have compared with its members "
                                 "by another way, and asked its operator";
    struct pv_report ignored = {.err = PV_OK};
    char file[PV_HOME_NAME_BYTES], said[PV_REPORT_BYTES];
    enum pv_err kept;

    err = pv_contact_alarm(room, err, report);
    if (pv_err_exit_status(err) != 4) return err;
    snprintf(said, sizeof said, "%s", report->err == err ? report->text : pv_err_text(err));
    kept = pv_alarm_keep(session, room, err, pv_bytes_of_string(said), pv_room_evidence(room->room), file, &ignored);
    if (kept == PV_ERR_LIMIT)
        return pv_report(report, err, "%s: %.500s. %s; %d alarms wait already, see privity status", room->label, said, advice, PV_ALARMS_MAX);
    if (kept != PV_OK) return pv_report(report, err, "%s: %.500s; the evidence could not be saved. %s", room->label, said, advice);
    if (!*file) return pv_report(report, err, "%s: %.500s. %s", room->label, said, advice);
    return pv_report(report, err, "%s: %.300s; the evidence was saved in %.400s/%s (privity check tells whom it convicts). %s", room->label,
                     said, session->home.path, file, advice);
}

/* ---- fetching and sending */

enum pv_err pv_contact_server_time(struct pv_session *session, const struct pv_server_url *server, uint64_t *ret_ms,
                                   struct pv_report *report)
{
    struct pv_request request = {.method = PV_GET, .path = "/v1/server", .auth = PV_AUTH_NONE, .max_response_bytes = 1 << 16};
    struct pv_transport *transport = NULL;
    struct pv_response response;
    struct pv_cbor in;
    uint64_t time_ms;
    enum pv_err err = pv_contact_server(session, server, &transport, report);

    if (err != PV_OK) return err;
    pv_transport_set_deadline(transport, PV_SESSION_READ_MS);
    err = pv_transport_send(transport, &request, NULL, &response, report);
    pv_transport_set_deadline(transport, 0);
    if (err != PV_OK) return err;
    if (response.status >= 400) return pv_transport_refused(&response, server->text, report);
    pv_cbor_init(&in, response.body); /* [1, "name", log key, registration, "version", time] */
    pv_cbor_get_array_of(&in, 6);
    for (int i = 0; i < 5; i++) (void)pv_cbor_get_item(&in);
    time_ms = pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (pv_cbor_finish(&in) != PV_OK) return pv_report(report, PV_ERR_OFFLINE, "%s does not tell its time", server->text);
    *ret_ms = time_ms;
    return PV_OK;
}

/* [index, entry, [hash, …], note]: is it the leaf that this device signed last, in a tree that the log key signed? */
static enum pv_err check_head(const struct pv_open_room *room, struct pv_bytes answer)
{
    const struct pv_roster *roster = pv_room_roster(room->room);
    struct pv_bytes name = pv_roster_server_name(roster), entry, note;
    char server_name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_merkle_proof proof = {.count = 0};
    struct pv_checkpoint checkpoint;
    struct pv_head head;
    struct pv_hash leaf;
    struct pv_cbor in;
    uint64_t index;
    enum pv_err err = pv_store_head_get(room->store, &head);

    if (err != PV_OK) return err;
    pv_cbor_init(&in, answer);
    pv_cbor_get_array_of(&in, 4);
    index = pv_cbor_get_uint(&in, PV_LIMIT_N);
    entry = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES);
    proof.count = pv_cbor_get_array(&in, PV_LIMIT_PROOF_HASHES);
    for (size_t i = 0; i < proof.count; i++) pv_cbor_get_hash(&in, &proof.hashes[i]);
    note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
    if (pv_cbor_finish(&in) != PV_OK) return PV_ERR_MALFORMED;
    pv_entry_leaf(entry, &leaf);
    if (!pv_hash_equal(&leaf, &head.leaf)) return PV_ERR_NOT_FOUND;
    snprintf(server_name, sizeof server_name, "%.*s", (int)name.n, (const char *)name.p);
    err = pv_checkpoint_open(note, server_name, &room->id, pv_roster_log_key(roster), &checkpoint);
    if (err == PV_OK) err = pv_merkle_check_inclusion(&leaf, index, checkpoint.size, proof.hashes, proof.count, &checkpoint.root);
    return err;
}

enum pv_err pv_contact_own_head(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    struct pv_request request = {.method = PV_GET, .auth = PV_AUTH_SESSION, .max_response_bytes = 1 << 16};
    struct pv_response response;
    char hex[65];
    enum pv_err err;

    pv_hex_encode(room->id.b, sizeof room->id.b, hex);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/head", hex);
    err = pv_contact_send(session, room, &request, NULL, &response, report);
    if (err != PV_OK) return err;
    if (response.status >= 400) return pv_transport_refused(&response, room->label, report);
    err = check_head(room, response.body);
    return err == PV_OK ? PV_OK : pv_report(report, err, "%s: the server shows no sign of what this device wrote last: %s", room->label, pv_err_text(err));
}

#define WAITS "client.waits_restored"

bool pv_contact_is_restored(const struct pv_open_room *room)
{
    uint64_t waits = 0;
    return pv_store_number_get(room->store, WAITS, 0, &waits) == PV_OK && waits;
}

/* Now and then: a commit for each read would cost more than it tells. */
static void note_contact(struct pv_open_room *room)
{
    uint64_t now_ms = pv_system_now_ms(), last_ms = 0, missing;
    bool waits = pv_room_is_restored(room->room, &missing);
    if (waits != pv_contact_is_restored(room) && pv_store_number_set(room->store, WAITS, waits) != PV_OK) return;
    if (waits && pv_store_number_set(room->store, PV_CONTACT_RESTORED, now_ms) != PV_OK) return;
    if (pv_store_number_get(room->store, PV_CONTACT_LAST, 0, &last_ms) != PV_OK) return;
    if (now_ms >= last_ms && now_ms - last_ms < NOTE_EVERY_MS) return;
    if (pv_store_number_set(room->store, PV_CONTACT_LAST, now_ms) != PV_OK) return;
}

/* ---- who is out of a room */

#define GONE "client.gone"

enum pv_gone pv_contact_gone(const struct pv_open_room *room)
{
    uint64_t gone = 0;
    if (pv_store_number_get(room->store, GONE, 0, &gone) != PV_OK || gone > PV_GONE_REMOVED) return PV_GONE_NOT;
    return (enum pv_gone)gone;
}

static enum pv_err set_gone(struct pv_open_room *room, enum pv_gone gone)
{
    return pv_contact_gone(room) == gone ? PV_OK : pv_store_number_set(room->store, GONE, (uint64_t)gone);
}

struct writes {
    uint64_t ids[PV_LIMIT_BATCH_ENTRIES];
    size_t count;
    uint64_t from;
    bool leaving;
};

static enum pv_err collect_write(void *context, const struct pv_write *write)
{
    struct writes *writes = context;
    if (write->kind == PV_KIND_ROSTER && write->type == PV_ROSTER_LEAVE) writes->leaving = true;
    if (write->id >= writes->from && writes->count < PV_LIMIT_BATCH_ENTRIES) writes->ids[writes->count++] = write->id;
    return PV_OK;
}

static enum pv_err drop_writes(struct pv_open_room *room, const struct writes *writes)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < writes->count && err == PV_OK; i++) err = pv_store_write_drop(room->store, writes->ids[i]);
    return err;
}

enum pv_err pv_contact_take_back(const struct pv_session *session, struct pv_open_room *room, bool all)
{
    const struct pv_head *known = pv_roster_head(pv_room_roster(room->room), &session->me.device);
    const struct pv_head head = known ? *known : (struct pv_head){.n = 0};
    struct writes writes = {.from = all ? 0 : room->first_new_write};
    enum pv_err err = PV_OK;

    if (!all && room->first_new_write == 0) return PV_OK;
    do { /* a batch at a time */
        writes.count = 0;
        err = pv_store_begin(room->store);
        if (err != PV_OK) return err;
        /* What was signed above the log's own head is no part of the chain any more; what remains is a draft again. */
        err = pv_store_sealed_abandon(room->store, head.n + 1);
        if (err == PV_OK) err = pv_store_write_each(room->store, collect_write, &writes);
        if (err == PV_OK) err = drop_writes(room, &writes);
        if (err == PV_OK) err = pv_store_head_set(room->store, &head);
        if (err == PV_OK) err = pv_store_commit(room->store);
        if (err != PV_OK) pv_store_rollback(room->store);
    } while (err == PV_OK && writes.count == PV_LIMIT_BATCH_ENTRIES);
    return err;
}

/* All that this device signed up to its head is in the log, where it may not be read. What was written stays in the
 * outbox, so that it can be read here; joining again would show it accepted. Errors: NOT_FOUND (no leave is among it). */
static enum pv_err settle_left(struct pv_open_room *room)
{
    struct writes writes = {.leaving = false};
    enum pv_err err = pv_store_write_each(room->store, collect_write, &writes);
    if (err == PV_OK && !writes.leaving) return PV_ERR_NOT_FOUND;
    return err == PV_OK ? set_gone(room, PV_GONE_LEFT) : err;
}

static enum pv_err not_in(const struct pv_open_room *room, struct pv_report *report)
{
    return pv_report(report, PV_ERR_DENIED,
                     "%s: this device is not in this room: where joining was broken off, run privity join with its link again, or with a new one "
                     "if that has ended; where another device of yours is in it, run privity refresh there, to bring this one in",
                     room->label);
}

enum pv_err pv_contact_lets_in(struct pv_session *session, const struct pv_hash *id, const char *label, const struct pv_server_url *server,
                               struct pv_report *report)
{
    struct pv_request request = {.method = PV_GET, .auth = PV_AUTH_SESSION, .max_response_bytes = FIRST_PAGE_MAX};
    struct pv_open_room room = {.id = *id, .server = *server};
    struct pv_response response;
    char hex[65];
    enum pv_err err;

    snprintf(room.label, sizeof room.label, "%s", label);
    pv_hex_encode(id->b, sizeof id->b, hex);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/entries?from=0&max=1&bodies=0", hex);
    err = pv_contact_send(session, &room, &request, NULL, &response, report);
    if (err != PV_OK || response.status < 400) return err;
    if (response.status == 404) return pv_report(report, PV_ERR_NOT_FOUND, "%s", PV_ROOM_UNKNOWN_TEXT);
    bool is_out = response.problem == PV_ERR_DENIED && response.problem_reason && strcmp(response.problem_reason, "role") == 0;
    return is_out ? not_in(&room, report) : pv_transport_refused(&response, label, report);
}

/* The server refuses a member as this device's log knows them: they left, or were removed. The newest entry of one's
 * own, with its proof, tells a leave that was taken. PV_OK: left, and all is settled. */
static enum pv_err find_out_gone(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    struct pv_report ignored = {.err = PV_OK};
    enum pv_err err;

    if (!pv_roster_principal(pv_room_roster(room->room), &session->me.person)) return not_in(room, report);
    err = pv_contact_own_head(session, room, &ignored);
    if (err == PV_OK) err = settle_left(room);
    if (err == PV_OK || err == PV_ERR_OFFLINE) return err;
    if (set_gone(room, PV_GONE_REMOVED) != PV_OK) return PV_ERR_DENIED;
    return pv_report(report, PV_ERR_DENIED,
                     "%s: the server says: you were removed from this room; what is on this device can be read with --offline, and privity leave "
                     "lets go of what was not sent", room->label);
}

static enum pv_err make_pull(void *context, struct pv_task **ret_task)
{
    return pv_pull_task(context, PV_AUTH_SESSION, ret_task);
}

enum pv_err pv_contact_pull_alone(struct pv_session *session, struct pv_open_room *room, uint64_t limit_ms,
                                  struct pv_report *report)
{
    enum pv_err err, pinned;
    pv_room_set_time(room->room, pv_session_now_ms(session));
    err = pv_contact_alarm(room, pv_contact_run(session, room, limit_ms, make_pull, room->room, report), report);
    pinned = pv_contact_save_pin(session, room, report);
    if (err == PV_ERR_DENIED && room != session->person) return find_out_gone(session, room, report);
    if (err == PV_OK) err = set_gone(room, PV_GONE_NOT);
    if (err != PV_OK) return pv_contact_convict(session, room, err, report);
    note_contact(room);
    if (pinned == PV_OK) pinned = pv_session_room_error(session, room, pv_clock_heard(session, room), report);
    return pinned;
}

struct push {
    struct pv_room *room;
    const char *registration;
};

static enum pv_err make_push(void *context, struct pv_task **ret_task)
{
    const struct push *push = context;
    return pv_push_task(push->room, push->registration, ret_task);
}

enum pv_err pv_contact_push_alone(struct pv_session *session, struct pv_open_room *room, const char *registration,
                                  struct pv_report *report)
{
    struct push push = {room->room, registration};
    struct pv_telling telling;
    char name[PV_HOME_NAME_BYTES];
    enum pv_err err, pinned;
    int lock = -1;

    if (session->offline) return pv_report(report, PV_ERR_OFFLINE, "%s was not asked (--offline)", room->server.text);
    pv_database_name("rooms", &room->id, ".lock", name);
    err = pv_home_lock(&session->home, name, true, &lock, report);
    if (err != PV_OK) return err;
    pv_room_set_time(room->room, pv_session_now_ms(session));
    pv_telling_begin(&telling, session, room);
    err = pv_contact_run(session, room, session->send_limit_ms, make_push, &push, report);
    if (err == PV_ERR_CONFLICT) {
        struct pv_report said = {.err = PV_OK};
        bool some = false;
        enum pv_err looked = pv_unsendable_give_up(session, room, &some, &said);
        if (looked == PV_ERR_NOMEM || looked == PV_ERR_FULL) err = looked;
        else if (looked == PV_OK && some) err = pv_contact_run(session, room, session->send_limit_ms, make_push, &push, report);
    }
    err = pv_contact_alarm(room, err, report);
    pv_telling_end(&telling);
    pv_home_unlock(&lock);
    pinned = pv_contact_save_pin(session, room, report);
    if (err == PV_ERR_DENIED && room != session->person) return find_out_gone(session, room, report);
    if (err == PV_OK) err = set_gone(room, PV_GONE_NOT);
    if (err != PV_OK) return pv_contact_convict(session, room, err, report);
    note_contact(room);
    if (pinned == PV_OK) pinned = pv_session_room_error(session, room, pv_clock_heard(session, room), report);
    return pinned;
}
