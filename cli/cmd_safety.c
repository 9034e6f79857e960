/* `privity safety`: the number that two persons compare, the code that one shows for the other to scan, and the record
 * that they did, in the person's own room. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/changes.h"
#include "cli/handlers.h"
#include "cli/helper.h"
#include "cli/output.h"
#include "cli/term.h"
#include "core/room/safety.h"

enum { GROUPS_A_LINE = 4 };

struct safety {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_report *report;
    struct pv_hash person;
    char name[PV_CLI_NAME_BYTES];
    char number[PV_SAFETY_NUMBER_CHARS + 1], code[PV_SAFETY_CODE_CHARS + 1];
    struct pv_verifications verifications;
    bool has_change;               /* stands to be told, and is shown here */
    struct pv_told_change change;
};

/* ---- what the other one said or showed */

/* In as many lines as it takes. */
static void read_typed(const struct safety *safety, struct pv_buf *text)
{
    enum pv_safety_given given;
    unsigned group;
    char line[512], what[PV_CLI_NAME_BYTES + 128];
    enum pv_err err = PV_ERR_TRUNCATED;
    snprintf(what, sizeof what, "Type what %s reads to you (twelve groups of five digits), or scan the code: ", safety->name);
    pv_term_print(stderr, pv_bytes_of_string(what), PV_TERM_LINE, NULL);
    while (err == PV_ERR_TRUNCATED && fgets(line, sizeof line, stdin)) {
        pv_buf_append(text, line, strlen(line));
        err = pv_safety_check(&safety->session->me.person, &safety->person, pv_buf_bytes(text), &given, &group);
    }
}

static enum pv_err read_given(const struct safety *safety, const char *word, struct pv_buf *text)
{
    char chunk[256];
    size_t n;
    if (strcmp(word, "-") != 0) pv_buf_append(text, word, strlen(word));
    else if (isatty(STDIN_FILENO)) read_typed(safety, text);
    else while (text->err == PV_OK && (n = fread(chunk, 1, sizeof chunk, stdin)) > 0) pv_buf_append(text, chunk, n);
    if (ferror(stdin)) return pv_report(safety->report, PV_ERR_IO, "cannot read the number");
    return PV_OK;
}

static enum pv_err refuse(const struct safety *safety, enum pv_err err, enum pv_safety_given given, unsigned group)
{
    if (err == PV_ERR_CONFLICT)
        return pv_report(safety->report, PV_ERR_USAGE, "this is the code that you show to %s yourself: scan the one that they show", safety->name);
    if (err == PV_ERR_UNSUPPORTED) return pv_report(safety->report, err, "the code was made by a newer version of privity: compare the number");
    if (err == PV_ERR_BROKEN_CHAIN && group)
        return pv_report(safety->report, err, "group %u of the number differs: have it read again; if it stays so, somebody may stand between you and %s", group,
                         safety->name);
    if (err == PV_ERR_BROKEN_CHAIN)
        return pv_report(safety->report, err, "this is not the %s of you and %s: the one who showed it is somebody else, or somebody stands between you; "
                         "nothing was recorded. Trust nothing secret to this room until you know", given == PV_SAFETY_GIVEN_CODE ? "code" : "number", safety->name);
    return pv_report(safety->report, PV_ERR_USAGE, "a safety number has twelve groups of five digits, a code begins with PRIVITY:SAFETY: %s",
                     err == PV_ERR_TRUNCATED ? "(digits are missing)" : err == PV_ERR_LIMIT ? "(this is too long)" : "(this is neither)");
}

static enum pv_err compare(const struct safety *safety, const char *word, enum pv_verified_how *ret_how)
{
    enum pv_safety_given given = PV_SAFETY_GIVEN_NUMBER;
    unsigned group = 0;
    struct pv_buf text;
    enum pv_err err;

    pv_buf_init(&text, PV_LIMIT_SAFETY_BYTES + 1);
    err = read_given(safety, word, &text);
    if (err == PV_OK) {
        err = text.err ? PV_ERR_LIMIT : pv_safety_check(&safety->session->me.person, &safety->person, pv_buf_bytes(&text), &given, &group);
        if (err != PV_OK) err = refuse(safety, err, given, group);
    }
    pv_buf_release(&text);
    *ret_how = given == PV_SAFETY_GIVEN_CODE ? PV_VERIFIED_CODE : PV_VERIFIED_NUMBER;
    return err;
}

/* ---- the record */

struct ids {
    struct pv_hash ids[PV_LIMIT_DEVICES_PRESENT];
    size_t count;
};

static void add_devices(const struct pv_open_room *room, const struct pv_hash *person, struct ids *ids)
{
    size_t count = 0;
    const struct pv_room_device *devices = pv_roster_devices(pv_room_roster(room->room), &count);
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        if (!pv_hash_equal(&devices[i].principal, person)) continue;
        while (at < ids->count && memcmp(ids->ids[at].b, devices[i].id.b, sizeof ids->ids[at].b) < 0) at++;
        if (at < ids->count && pv_hash_equal(&ids->ids[at], &devices[i].id)) continue;
        if (ids->count == PV_LIMIT_DEVICES_PRESENT) return;
        memmove(&ids->ids[at + 1], &ids->ids[at], (ids->count - at) * sizeof *ids->ids);
        ids->ids[at] = devices[i].id;
        ids->count++;
    }
}

/* A checkpoint's time, since this device's clock may be anywhere. */
static uint64_t newest_ms(const struct pv_open_room *room)
{
    uint64_t size, time_s = 0;
    struct pv_buf note;
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = pv_store_note_newest(room->store, &size, &time_s, &note);
    pv_buf_release(&note);
    return err == PV_OK ? time_s * 1000 : 0;
}

struct telling_of {
    struct safety *safety;
    struct pv_open_room *room;
};

static enum pv_err tell_of(void *context, const struct pv_told_change *told)
{
    const struct telling_of *of = context;
    if (pv_hash_equal(&told->change.person, &of->safety->person)) pv_cli_tell_change(of->safety->session, of->room, told);
    return PV_OK;
}

/* The person's devices in all rooms that are open without asking, so that one which is slow to hear of a device does not
 * make it look new; what is noted with them is told, since it looks new nowhere any more. */
static enum pv_err collect(struct safety *safety, struct ids *ids, uint64_t *ret_time_ms)
{
    struct pv_directory directory = {NULL, 0};
    uint64_t here_ms = newest_ms(safety->room), own_ms = newest_ms(safety->session->person);
    enum pv_err err = pv_directory_list(safety->session, &directory, safety->report);
    if (err != PV_OK) return err;
    add_devices(safety->room, &safety->person, ids);
    for (size_t i = 0; i < directory.count && err == PV_OK; i++) {
        struct pv_open_room *other;
        if (pv_hash_equal(&directory.rooms[i].id, &safety->room->id)) continue;
        other = pv_directory_room_unlocked(safety->session, &directory.rooms[i]);
        if (!other) continue;
        add_devices(other, &safety->person, ids);
        err = pv_session_room_error(safety->session, other, pv_changes_standing(safety->session, other, &safety->verifications, tell_of,
                                                                                &(struct telling_of){safety, other}), safety->report);
        pv_session_room_close(safety->session, other);
    }
    pv_directory_release(&directory);
    if (err != PV_OK) return err;
    *ret_time_ms = here_ms > own_ms ? here_ms : own_ms;
    return PV_OK;
}

static enum pv_err record(struct safety *safety, bool stands, enum pv_verified_how how)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_VERIFIED, .u.verified = {.person = safety->person, .stands = stands, .how = how}};
    struct ids ids = {.count = 0};
    struct pv_buf devices;
    enum pv_err err = PV_OK;

    pv_buf_init(&devices, PV_LIMIT_PAYLOAD_BYTES);
    if (stands) err = collect(safety, &ids, &payload.u.verified.time_ms);
    for (size_t i = 0; i < ids.count; i++) pv_cbor_put_hash(&devices, &ids.ids[i]);
    payload.u.verified.devices = (struct pv_encoded_list){ids.count, pv_buf_bytes(&devices)};
    if (err == PV_OK) err = devices.err;
    if (err == PV_OK) err = pv_cli_write(safety->session, safety->session->person, &payload, pv_bytes(NULL, 0), safety->report);
    pv_buf_release(&devices);
    return err;
}

/* ---- showing */

static enum pv_err take_change(void *context, const struct pv_told_change *told)
{
    struct safety *safety = context;
    if (!pv_hash_equal(&told->change.person, &safety->person)) return PV_OK;
    safety->has_change = true;
    safety->change = *told;
    return PV_OK;
}

static enum pv_err load(struct safety *safety)
{
    pv_verifications_release(&safety->verifications);
    return pv_changes_verifications(safety->session, &safety->verifications, safety->report);
}

static void show_lines(const struct safety *safety)
{
    const struct pv_verification *verification = pv_verifications_find(&safety->verifications, &safety->person);
    char id[17], text[PV_CLI_VERIFIED_BYTES], word[PV_TERM_WORD_BYTES];
    pv_hex_encode(safety->person.b, 8, id);
    pv_term_line(stdout, "Safety number of you and %s (%s):", safety->name, id);
    for (size_t group = 0; group < PV_SAFETY_GROUPS; group++)
        printf("%s%.*s", group % GROUPS_A_LINE ? "  " : "\n    ", PV_SAFETY_GROUP_DIGITS, safety->number + group * (PV_SAFETY_GROUP_DIGITS + 1));
    puts("\n");
    if (verification) {
        pv_cli_verified_text(safety->session, pv_room_roster(safety->room->room), verification, text);
        pv_term_line(stdout, "%s: %s.", safety->name, text);
        return;
    }
    pv_term_line(stdout, "Not verified. When %s, face to face or by a call, sees or reads the same number, note it:", safety->name);
    pv_term_line(stdout, "  privity safety %s %s --verify -     to type or scan what you hear or see, which is compared for you", pv_term_word(safety->room->label, word), id);
    pv_term_line(stdout, "  privity safety %s %s --compared     if you compared it yourself", pv_term_word(safety->room->label, word), id);
}

static enum pv_err show_qr(const struct safety *safety)
{
    if (!pv_out_is_terminal()) {
        puts(safety->code);
        return PV_OK;
    }
    pv_term_line(stdout, "For %s to scan:", safety->name);
    putchar('\n');
    if (fflush(stdout) != 0) return PV_ERR_IO;
    return pv_helper_run("privity-qr", pv_term_has_colour(stdout) ? "colour" : NULL, pv_bytes_of_string(safety->code), STDOUT_FILENO,
                         "the code could not be drawn; compare the number", safety->report);
}

static enum pv_err show_json(const struct safety *safety)
{
    struct pv_query own;
    struct pv_out out;
    enum pv_err err = pv_cli_query(safety->session, safety->session->person, &own, safety->report);
    if (err != PV_OK) return err;
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", &safety->person);
    pv_json_name(&out.json, "name", pv_bytes_of_string(safety->name));
    pv_out_json_string(&out.json, "number", safety->number);
    pv_out_json_string(&out.json, "code", safety->code);
    err = pv_verified_json(&out.json, &own, pv_room_roster(safety->room->room), pv_verifications_find(&safety->verifications, &safety->person));
    pv_json_begin_array(&out.json, "changed_devices");
    if (safety->has_change) pv_cli_change_json(safety->room, &safety->change, &out.json);
    pv_json_end_array(&out.json);
    enum pv_err ended = pv_out_end(&out, safety->report);
    return err == PV_OK ? ended : pv_session_room_error(safety->session, safety->session->person, err, safety->report);
}

static enum pv_err show(const struct safety *safety, const struct pv_args *args)
{
    if (args->json) return show_json(safety);
    if (pv_args_get(args, "qr")) return show_qr(safety);
    if (pv_out_is_terminal()) show_lines(safety);
    else puts(safety->number);
    return PV_OK;
}

/* ---- */

static enum pv_err find(struct safety *safety, const struct pv_args *args)
{
    struct pv_session *session = safety->session;
    enum pv_err err = pv_cli_room_fetched(session, args->words[0], &safety->room, safety->report);

    if (err == PV_OK) err = pv_cli_member(session, safety->room, args->words[1], &safety->person, safety->report);
    if (err != PV_OK) return err;
    if (pv_hash_equal(&safety->person, &session->me.person))
        return pv_report(safety->report, PV_ERR_USAGE, "%s is you: a safety number is of you and somebody else", args->words[1]);
    session->quiet = true; /* an absent server was noted already */
    err = pv_cli_fetch(session, session->person, safety->report);
    session->quiet = false;
    pv_cli_person_name(safety->room, &safety->person, safety->name);
    pv_safety_number(&session->me.person, &safety->person, safety->number);
    pv_safety_code(&session->me.person, &safety->person, safety->code);
    if (err == PV_OK) err = load(safety);
    if (err != PV_OK) return err;
    return pv_session_room_error(session, safety->room, pv_changes_standing(session, safety->room, &safety->verifications, take_change, safety), safety->report);
}

/* Errors: OFFLINE: it is kept. */
static enum pv_err note(struct safety *safety, const struct pv_args *args, bool *ret_noted)
{
    const char *verify = pv_args_get(args, "verify");
    bool compared = pv_args_get(args, "compared") != NULL, withdraw = pv_args_get(args, "withdraw") != NULL;
    enum pv_verified_how how = PV_VERIFIED_COMPARED;
    enum pv_err err = PV_OK;

    *ret_noted = verify || compared || withdraw;
    if (verify) err = compare(safety, verify, &how);
    if (err != PV_OK || !*ret_noted) return err;
    if (withdraw && !pv_verifications_find(&safety->verifications, &safety->person))
        return pv_report(safety->report, PV_ERR_NOT_FOUND, "%s is not verified: nothing to withdraw", safety->name);
    err = record(safety, !withdraw, how);
    return err == PV_OK ? load(safety) : err;
}

enum pv_err pv_cmd_safety(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct safety safety = {.session = session, .report = report};
    struct pv_report sending = {.err = PV_OK};
    int asked = (pv_args_get(args, "verify") != NULL) + (pv_args_get(args, "compared") != NULL) + (pv_args_get(args, "withdraw") != NULL);
    bool noted = false;
    enum pv_err err, sent = PV_OK;

    if (asked > 1) return pv_report(report, PV_ERR_USAGE, "give one of --verify, --compared and --withdraw");
    err = find(&safety, args);
    /* Once it is verified, or seen, it is told nowhere any more; and a number or a code shows no change. */
    if (err == PV_OK && safety.has_change && !args->json) pv_cli_tell_change(session, safety.room, &safety.change);
    if (err == PV_OK) err = note(&safety, args, &noted);
    if (err == PV_OK && noted) sent = pv_cli_send(session, session->person, &sending);
    if (err == PV_OK && (!noted || args->json || pv_out_is_terminal())) err = show(&safety, args);
    if (err == PV_OK) /* shown is seen: what changed is not told again */
        err = pv_session_room_error(session, safety.room, pv_changes_seen(session, safety.room, &safety.verifications, &safety.person), report);
    pv_verifications_release(&safety.verifications);
    if (err != PV_OK || sent == PV_OK) return err;
    *report = sending;
    return sent;
}
