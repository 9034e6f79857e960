/* Following a room into its successor, and founding one. All steps can be cut anywhere and are gone on with by the next. */
#include "cli/successor.h"

#include <stdio.h>
#include <string.h>

#include "cli/term.h"
#include "client/system.h"
#include "core/sync/successor.h"

/* Values in the ended room's store: the successor, once it is begun here; one, once all is done. */
#define SUCCESSOR "client.successor"
#define ENDED "client.ended"

enum { PLAIN_NAME_BYTES = 200 };

static bool get_successor(const struct pv_open_room *room, struct pv_hash *ret_id)
{
    struct pv_buf value;
    uint8_t memory[sizeof ret_id->b];
    pv_buf_init_fixed(&value, memory, sizeof memory);
    if (pv_store_value_get(room->store, SUCCESSOR, &value) != PV_OK || value.n != sizeof ret_id->b) return false;
    memcpy(ret_id->b, value.p, sizeof ret_id->b);
    return true;
}

static enum pv_err set_successor(struct pv_open_room *room, const struct pv_hash *id)
{
    return pv_store_value_set(room->store, SUCCESSOR, PV_BYTES_OF(*id));
}

bool pv_cli_has_ended(const struct pv_open_room *room, struct pv_hash *ret_successor)
{
    struct pv_hash id;
    uint64_t ended = 0;
    if (pv_store_number_get(room->store, ENDED, 0, &ended) != PV_OK || !ended || !get_successor(room, &id)) return false;
    if (ret_successor) *ret_successor = id;
    return true;
}

static void cut_name(const char *name, char ret_base[static PLAIN_NAME_BYTES + 1])
{
    snprintf(ret_base, PLAIN_NAME_BYTES + 1, "%s", name);
    while (!pv_utf8_is_valid((const uint8_t *)ret_base, strlen(ret_base))) ret_base[strlen(ret_base) - 1] = '\0';
}

/* NAME-WORD, or with a number where that is taken. */
static enum pv_err free_name(struct pv_session *session, const char *name, const char *word, char ret_name[static PV_LIMIT_NAME_BYTES + 1],
                             struct pv_report *report)
{
    struct pv_report ignored = {.err = PV_OK};
    char base[PLAIN_NAME_BYTES + 1];

    cut_name(name, base);
    for (unsigned i = 1; i < 1000; i++) {
        snprintf(ret_name, PV_LIMIT_NAME_BYTES + 1, i > 1 ? "%s-%s-%u" : "%s-%s", base, word, i);
        if (pv_directory_check_name(session, ret_name, &ignored) == PV_OK) return PV_OK;
    }
    return pv_report(report, PV_ERR_CONFLICT, "no free name was found for %s", name);
}

/* Did free_name make it so? */
static bool is_named_after(const char *made, const char *name, const char *word)
{
    char plain[PLAIN_NAME_BYTES + 1], base[PV_LIMIT_NAME_BYTES + 1];
    size_t n;

    cut_name(name, plain);
    snprintf(base, sizeof base, "%s-%s", plain, word);
    n = strlen(base);
    if (strncmp(made, base, n) != 0) return false;
    return made[n] == '\0' || (made[n] == '-' && made[n + 1] && strspn(made + n + 1, "0123456789") == strlen(made + n + 1));
}

/* ---- taking along what the others do not have */

struct moving {
    struct pv_open_room *from, *to;
    uint64_t moved[PV_LIMIT_BATCH_ENTRIES]; /* writes of the outbox */
    size_t count;
    uint64_t texts, left;
};

/* A message without what lies in blobs of the ended room; under its write id, so that it counts once however often. */
static enum pv_err move_payload(struct moving *moving, enum pv_kind kind, struct pv_bytes bytes, bool *ret_moved)
{
    struct pv_payload payload;
    struct pv_buf encoded;

    *ret_moved = false;
    if (kind != PV_KIND_TALK || pv_payload_read(bytes, &payload) != PV_OK) return PV_OK;
    if (payload.type == PV_PAYLOAD_PROFILE) {
        *ret_moved = true; /* the successor has a newer one */
        return PV_OK;
    }
    if (payload.type != PV_PAYLOAD_MESSAGE) return PV_OK;
    if (payload.u.message.attachments.count) {
        moving->left += payload.u.message.attachments.count;
        payload.u.message.attachments = (struct pv_encoded_list){0, pv_bytes(NULL, 0)};
    }
    *ret_moved = true;
    if (payload.u.message.text.n == 0) return PV_OK;
    pv_buf_init(&encoded, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&encoded, &payload);
    enum pv_err err = encoded.err ? encoded.err : pv_room_write(moving->to->room, kind, pv_buf_bytes(&encoded), pv_bytes(NULL, 0));
    pv_buf_wipe(&encoded);
    if (err == PV_ERR_CONFLICT) return PV_OK; /* it waits there already */
    if (err == PV_OK) moving->texts++;
    return err;
}

static enum pv_err move_own(void *context, enum pv_kind kind, struct pv_bytes payload)
{
    struct moving *moving = context;
    struct pv_payload read;
    bool moved;
    if (kind == PV_KIND_WORK && pv_payload_read(payload, &read) == PV_OK && read.type == PV_PAYLOAD_FILE_PUT) moving->left++;
    return move_payload(moving, kind, payload, &moved);
}

/* Roster entries have no meaning there; files stay in the outbox, where they can be read. */
static enum pv_err move_write(void *context, const struct pv_write *write)
{
    struct moving *moving = context;
    bool moved = write->kind == PV_KIND_ROSTER || write->kind == PV_KIND_SIGN;
    enum pv_err err = PV_OK;
    if (write->kind == PV_KIND_WORK && write->type == PV_PAYLOAD_FILE_PUT) moving->left++;
    if (write->kind == PV_KIND_TALK) err = move_payload(moving, PV_KIND_TALK, write->payload, &moved);
    if (err == PV_OK && moved && moving->count < PV_LIMIT_BATCH_ENTRIES) moving->moved[moving->count++] = write->id;
    return err;
}

static enum pv_err take_along(struct pv_open_room *from, struct pv_open_room *to, uint64_t size, struct moving *moving)
{
    uint64_t left_of_log;
    enum pv_err err;
    *moving = (struct moving){.from = from, .to = to};
    pv_room_set_time(to->room, pv_system_now_ms());
    err = pv_room_own_words(from->room, size, move_own, moving);
    left_of_log = moving->left;
    do { /* a batch at a time; each is there before it goes from here */
        moving->count = 0;
        moving->left = left_of_log;
        if (err == PV_OK) err = pv_store_write_each(from->store, move_write, moving);
        for (size_t i = 0; i < moving->count && err == PV_OK; i++) err = pv_store_write_drop(from->store, moving->moved[i]);
    } while (err == PV_OK && moving->count == PV_LIMIT_BATCH_ENTRIES);
    return err;
}

/* ---- the names go over */

static enum pv_err swap_names(struct pv_session *session, struct pv_open_room *room, const struct pv_hash *successor,
                              char ret_ended[static PV_LIMIT_NAME_BYTES + 1], struct pv_report *report)
{
    struct pv_known_room both[2];
    enum pv_err err = pv_directory_by_id(session, &room->id, &both[0], report);

    if (err == PV_OK) err = pv_directory_by_id(session, successor, &both[1], report);
    if (err != PV_OK) return err;
    snprintf(ret_ended, PV_LIMIT_NAME_BYTES + 1, "%s", both[0].name);
    if (both[0].state == PV_ROOM_LEFT) return PV_OK; /* another device of this person did it */
    snprintf(both[1].name, sizeof both[1].name, "%s", both[0].name);
    err = free_name(session, both[1].name, "ended", both[0].name, report);
    if (err != PV_OK) return err;
    both[0].state = PV_ROOM_LEFT;
    both[1].state = PV_ROOM_JOINED;
    snprintf(ret_ended, PV_LIMIT_NAME_BYTES + 1, "%s", both[0].name);
    return pv_directory_record_all(session, both, 2, report);
}

/* The successor stands, and this person is in it. */
static enum pv_err go_over(struct pv_session *session, struct pv_open_room *room, struct pv_open_room *to, uint64_t size,
                           const struct pv_hash *founder, struct pv_report *report)
{
    char ended[PV_LIMIT_NAME_BYTES + 1], name[PV_CLI_NAME_BYTES], was[PV_LIMIT_NAME_BYTES + 1];
    struct pv_report ignored = {.err = PV_OK};
    struct pv_known_room known;
    struct moving moving;
    enum pv_err err = pv_session_room_error(session, room, take_along(room, to, size, &moving), report);

    if (err == PV_OK) err = swap_names(session, room, &to->id, ended, report);
    if (err != PV_OK && err != PV_ERR_OFFLINE) return err;
    err = set_successor(room, &to->id);
    if (err == PV_OK) err = pv_store_number_set(room->store, ENDED, 1);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    err = pv_directory_by_id(session, &to->id, &known, report);
    if (err != PV_OK) return err;
    pv_cli_person_name(room, founder, name);
    snprintf(was, sizeof was, "%s", room->label);
    snprintf(room->label, sizeof room->label, "%s", ended);
    snprintf(to->label, sizeof to->label, "%s", known.name);
    room->goes_on = to;
    if (pv_hash_equal(founder, &session->me.person))
        pv_term_line(stderr, "privity: %s goes on in a successor of the same name; what was there stays readable as %s", to->label, ended);
    else
        pv_term_line(stderr, "privity: the server lost a part of %s, and %s, an owner, says that it goes on in a successor, which is %s from now on; what was there stays "
                     "readable as %s",
                     was, name, to->label, ended);
    if (moving.left)
        pv_term_line(stderr, "privity: %llu files of yours are not in the successor: put them there anew, from %s or from your disk",
                     (unsigned long long)moving.left, ended);
    err = pv_cli_send(session, to, &ignored); /* what was taken along; else it waits there */
    return pv_err_exit_status(err) == 4 ? (*report = ignored, err) : PV_OK;
}

/* ---- following */

struct asking {
    struct pv_room *room;
    struct pv_successor *successor;
    struct pv_bytes word;
};

static enum pv_err make_find(void *context, struct pv_task **ret_task)
{
    const struct asking *asking = context;
    return pv_successor_task(asking->room, asking->successor, ret_task);
}

static enum pv_err find(struct pv_session *session, struct pv_open_room *room, struct pv_successor *ret_successor, struct pv_report *report)
{
    struct asking asking = {room->room, ret_successor, {NULL, 0}};
    *ret_successor = (struct pv_successor){.is_there = false};
    return pv_contact_run(session, room, 0, make_find, &asking, report);
}

/* An owner's word must not turn a room that this person is in for other reasons into the successor, whose name it would
 * get, and whose words: names are the person's own, and tell what was made or joined to follow. */
static enum pv_err check_known(struct pv_session *session, const struct pv_open_room *room, const struct pv_known_room *known,
                               struct pv_report *report)
{
    struct pv_known_room ended;
    enum pv_err err = pv_directory_by_id(session, &room->id, &ended, report);
    if (err != PV_OK && err != PV_ERR_NOT_FOUND) return err;
    if (err == PV_OK && is_named_after(known->name, ended.name, "successor")) return PV_OK;
    if (err == PV_OK && ended.state == PV_ROOM_LEFT && is_named_after(ended.name, known->name, "ended")) return PV_OK; /* by another device */
    return pv_report(report, PV_ERR_DENIED,
                     "an owner says that this room goes on in %s, where you are for other reasons: it is not followed; go on there under its own name if that is right",
                     known->name);
}

/* Where this person is in the successor already, by another device or by founding it: open it. */
static enum pv_err open_known(struct pv_session *session, const struct pv_open_room *room, const struct pv_successor *successor,
                              struct pv_open_room **ret_room, struct pv_report *report)
{
    struct pv_known_room known;
    enum pv_err err = pv_directory_by_id(session, &successor->room, &known, report);
    if (err == PV_ERR_NOT_FOUND) {
        err = pv_contact_pull(session, session->person, 0, report);
        if (err == PV_OK) err = pv_directory_by_id(session, &successor->room, &known, report);
    }
    if (err == PV_OK) err = check_known(session, room, &known, report);
    if (err == PV_OK && known.state == PV_ROOM_INTENDED && successor->has_link) return PV_ERR_NOT_FOUND; /* joining was cut */
    if (err == PV_OK) err = pv_session_room_new(session, &known.id, known.name, &known.server, ret_room, report);
    return err == PV_OK ? pv_contact_push(session, *ret_room, NULL, report) : err;
}

static enum pv_err follow(struct pv_session *session, struct pv_open_room *room, const struct pv_successor *successor, struct pv_report *report)
{
    char name[PV_LIMIT_NAME_BYTES + 1];
    struct pv_open_room *to = NULL;
    enum pv_err err = open_known(session, room, successor, &to, report);

    if (err == PV_ERR_NOT_FOUND && !successor->has_link)
        return pv_report(report, PV_ERR_NOT_FOUND,
                         "this room goes on in a successor, whose founder holds no place in it for you: ask an owner for a link");
    if (err == PV_ERR_NOT_FOUND) {
        err = free_name(session, room->label, "successor", name, report);
        if (err == PV_OK) err = pv_cli_join_by_link(session, &successor->link, name, &to, report);
        if (err == PV_ERR_EXPIRED)
            err = pv_report(report, err, "its invite into the room in which this one goes on has ended: ask an owner to run privity repair --successor there again");
    }
    return err == PV_OK && to ? go_over(session, room, to, successor->size, &successor->founder, report) : err;
}

enum pv_err pv_cli_follow(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    struct pv_report said = {.err = PV_OK};
    struct pv_successor successor;
    uint64_t missing;
    enum pv_err err;

    if (session->offline || room == session->person || room->goes_on || !pv_room_is_restored(room->room, &missing) ||
        pv_cli_has_ended(room, NULL)) return PV_OK;
    err = find(session, room, &successor, &said);
    if (err == PV_OK && successor.is_there) err = follow(session, room, &successor, &said);
    pv_wipe(&successor, sizeof successor);
    if (pv_err_exit_status(err) == 4 || err == PV_ERR_NOMEM || err == PV_ERR_FULL || err == PV_ERR_CORRUPT) {
        *report = said;
        return err;
    }
    if (err != PV_OK && err != PV_ERR_OFFLINE) pv_term_line(stderr, "privity: %s: %s", room->label, *said.text ? said.text : pv_err_text(err));
    return PV_OK;
}

/* ---- founding */

static enum pv_err make_keys(void *context, struct pv_task **ret_task)
{
    return pv_successor_keys_task(((const struct asking *)context)->room, ret_task);
}

static enum pv_err make_put(void *context, struct pv_task **ret_task)
{
    const struct asking *asking = context;
    return pv_successor_put_task(asking->room, asking->word, ret_task);
}

/* The room that was founded for this before, or a new one; it stands on the server then. */
static enum pv_err stand_up(struct pv_session *session, struct pv_open_room *room, struct pv_open_room **ret_to, struct pv_report *report)
{
    char name[PV_LIMIT_NAME_BYTES + 1];
    struct pv_known_room known;
    struct pv_open_room *to = NULL;
    struct pv_hash id;
    bool begun = get_successor(room, &id);
    enum pv_err err = begun ? pv_directory_by_id(session, &id, &known, report) : PV_ERR_NOT_FOUND;

    if (err == PV_OK) err = pv_session_room_new(session, &known.id, known.name, &known.server, &to, report);
    else if (err == PV_ERR_NOT_FOUND) {
        err = free_name(session, room->label, "successor", name, report);
        if (err == PV_OK) err = pv_cli_found(session, name, &known, &to, report);
        if (err == PV_OK) err = set_successor(room, &known.id);
        if (err == PV_OK) err = pv_directory_record(session, &known, report);
        if (err == PV_OK) err = pv_cli_write_profile(session, to, session->secrets.name, report);
    }
    if (err == PV_OK) err = pv_cli_send(session, to, report);
    if (err == PV_OK && known.state == PV_ROOM_INTENDED) {
        known.state = PV_ROOM_JOINED;
        err = pv_directory_record(session, &known, report);
    }
    if (err == PV_OK) *ret_to = to;
    return err;
}

/* One invite a role, as often to be used as there are members who had it. */
static enum pv_err invite_all(struct pv_session *session, struct pv_open_room *to, const uint64_t uses[static 3],
                              struct pv_buf texts[static 3], struct pv_report *report)
{
    enum pv_err err = PV_OK;
    for (unsigned role = 0; role < 3 && err == PV_OK; role++) {
        struct pv_invite_options options = {.role = (enum pv_role)role, .uses = uses[role]};
        struct pv_invite_link link = {.has_note = false};
        if (uses[role] == 0) continue;
        err = pv_cli_invite(session, to, &options, &link, report);
        if (err == PV_OK) err = pv_invite_link_write(&link, &texts[role]);
        pv_wipe(&link, sizeof link);
    }
    return err;
}

static enum pv_err put_word(struct pv_session *session, struct pv_open_room *room, struct pv_open_room *to, struct pv_report *report)
{
    const struct pv_roster *there = pv_room_roster(to->room);
    struct asking asking = {room->room, NULL, {NULL, 0}};
    uint64_t uses[3] = {0, 0, 0};
    struct pv_buf texts[3], word;
    struct pv_bytes links[3];
    enum pv_err err;

    for (size_t i = 0; i < 3; i++) pv_buf_init(&texts[i], PV_LIMIT_LINK_BYTES);
    pv_buf_init(&word, PV_LIMIT_SUCCESSION_BYTES + 512);
    err = pv_contact_run(session, room, 0, make_keys, &asking, report);
    if (err == PV_OK) err = pv_session_room_error(session, room, pv_successor_count(room->room, there, uses), report);
    if (err == PV_OK) err = invite_all(session, to, uses, texts, report);
    for (size_t i = 0; i < 3; i++) links[i] = pv_buf_bytes(&texts[i]);
    there = pv_room_roster(to->room); /* inviting took in what came meanwhile */
    if (err == PV_OK) err = pv_session_room_error(session, room, pv_successor_make(room->room, &to->id, there, links, &word), report);
    asking.word = pv_buf_bytes(&word);
    if (err == PV_OK) err = pv_contact_run(session, room, 0, make_put, &asking, report);
    for (size_t i = 0; i < 3; i++) pv_buf_wipe(&texts[i]);
    pv_buf_release(&word);
    return err;
}

/* Another owner was first, and this one's room is nobody's. */
static enum pv_err give_way(struct pv_session *session, struct pv_open_room *room, struct pv_open_room *to, struct pv_report *report)
{
    struct pv_known_room known;
    enum pv_err err = pv_directory_by_id(session, &to->id, &known, report);
    known.state = PV_ROOM_LEFT;
    if (err == PV_OK) err = pv_store_value_delete(room->store, SUCCESSOR);
    if (err == PV_OK) err = pv_directory_record(session, &known, report);
    if (err == PV_OK) err = pv_cli_follow(session, room, report);
    return err != PV_OK || room->goes_on ? err
        : pv_report(report, PV_ERR_CONFLICT, "%s: another owner founded a successor, which this device could not follow", room->label);
}

enum pv_err pv_cli_succeed(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    struct pv_open_room *to = NULL;
    struct pv_successor there;
    uint64_t missing;
    bool renews = pv_cli_has_ended(room, NULL);
    enum pv_err err = pv_session_room_error(session, room, pv_successor_check(room->room), report);

    if (err != PV_OK) return err;
    if (!pv_room_is_restored(room->room, &missing))
        return pv_report(report, PV_ERR_CONFLICT, "%s is open, and needs no successor", room->label);
    err = find(session, room, &there, report);
    if (err == PV_OK && there.is_there && !renews && !pv_hash_equal(&there.founder, &session->me.person)) {
        pv_wipe(&there, sizeof there);
        err = pv_cli_follow(session, room, report);
        return err != PV_OK || room->goes_on ? err
            : pv_report(report, PV_ERR_CONFLICT, "%s: another owner founded a successor, which this device could not follow", room->label);
    }
    if (err == PV_OK && there.is_there) err = set_successor(room, &there.room); /* this person's, by whichever device */
    pv_wipe(&there, sizeof there);
    if (err == PV_OK) err = stand_up(session, room, &to, report);
    if (err == PV_OK) err = put_word(session, room, to, report);
    if (err == PV_ERR_CONFLICT) return give_way(session, room, to, report);
    if (err != PV_OK) return err;
    if (renews) {
        room->goes_on = to;
        return PV_OK;
    }
    return go_over(session, room, to, UINT64_MAX, &session->me.person, report);
}
