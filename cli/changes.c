/* What is said of changed devices and of verifications. */
#include "cli/changes.h"

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/term.h"

enum { LINES_MAX = 8, DATE_CHARS = 10 };

/* "added a device", "removed 3 devices". */
static void put_count(char *text, const char *verb, size_t count)
{
    char *at = text + strlen(text);
    size_t room = (size_t)(PV_CLI_CHANGE_BYTES - (at - text));
    const char *and = at == text ? "" : " and ";
    if (count == 1) snprintf(at, room, "%s%s a device", and, verb);
    else snprintf(at, room, "%s%s %zu devices", and, verb, count);
}

void pv_cli_change_text(const struct pv_change *change, char ret_text[static PV_CLI_CHANGE_BYTES])
{
    ret_text[0] = '\0';
    if (change->all_new) {
        snprintf(ret_text, PV_CLI_CHANGE_BYTES, "replaced all devices");
    } else {
        if (change->added) put_count(ret_text, "added", change->added);
        if (change->removed) put_count(ret_text, "removed", change->removed);
        if (change->new_keys) snprintf(ret_text, PV_CLI_CHANGE_BYTES, "made new keys, as after removing a device");
    }
    if (change->by_kit) {
        size_t n = strlen(ret_text);
        snprintf(ret_text + n, PV_CLI_CHANGE_BYTES - n, ", by a recovery kit");
    }
}

static void date_of(uint64_t time_ms, char ret_date[static PV_OUT_TIME_BYTES])
{
    pv_out_time(time_ms, ret_date);
    ret_date[DATE_CHARS] = '\0';
}

/* ---- telling */

void pv_cli_tell_change(struct pv_session *session, struct pv_open_room *room, const struct pv_told_change *told)
{
    char name[PV_CLI_NAME_BYTES], id[17], what[PV_CLI_CHANGE_BYTES], date[PV_OUT_TIME_BYTES], word[PV_TERM_WORD_BYTES];
    const char *room_word = pv_term_word(room->label, word);
    size_t unverified = 0;

    for (size_t i = 0; i < session->told_count; i++)
        unverified += !session->told[i].is_verified && pv_hash_equal(&session->told[i].room, &room->id);
    if (!told->is_verified && unverified > LINES_MAX) { /* a large room; the list says the rest */
        if (unverified == LINES_MAX + 1)
            pv_term_line(stderr, "privity: %s: other members' devices changed, too: see privity members %s --json", room->label, room_word);
        return;
    }
    pv_cli_person_name(room, &told->change.person, name);
    pv_hex_encode(told->change.person.b, 8, id);
    pv_cli_change_text(&told->change, what);
    date_of(told->verified_ms, date);
    if (told->is_verified)
        pv_term_line(stderr, "privity: CAREFUL: %s: %s, whom you verified on %s, %s; ask by another way whether it was they, then see privity safety %s %s",
                     room->label, name, date, what, room_word, id);
    else
        pv_term_line(stderr, "privity: %s: %s %s since this device last wrote here; to be sure who that is, see privity safety %s %s", room->label,
                     name, what, room_word, id);
}

/* ---- JSON */

void pv_cli_change_json(struct pv_open_room *room, const struct pv_told_change *told, struct pv_json *json)
{
    char name[PV_CLI_NAME_BYTES];
    pv_cli_person_name(room, &told->change.person, name);
    pv_json_begin_object(json, NULL);
    pv_out_json_hash(json, "id", &told->change.person);
    pv_json_name(json, "name", pv_bytes_of_string(name));
    pv_json_u64(json, "added", told->change.added);
    pv_json_u64(json, "removed", told->change.removed);
    pv_json_bool(json, "all_new", told->change.all_new);
    pv_json_bool(json, "by_kit", told->change.by_kit);
    pv_json_bool(json, "new_keys", told->change.new_keys);
    if (told->is_verified) pv_json_u64(json, "verified", told->verified_ms);
    else pv_json_null(json, "verified");
    pv_json_end_object(json);
}

void pv_cli_told_json(const struct pv_session *session, struct pv_open_room *room, struct pv_json *json)
{
    pv_json_begin_array(json, "changed_devices");
    for (size_t i = 0; i < session->told_count; i++)
        if (pv_hash_equal(&session->told[i].room, &room->id)) pv_cli_change_json(room, &session->told[i], json);
    pv_json_end_array(json);
}

/* ---- who was verified */

void pv_cli_verified_text(struct pv_session *session, const struct pv_roster *roster, const struct pv_verification *verification,
                          char ret_text[static PV_CLI_VERIFIED_BYTES])
{
    const struct pv_change since = pv_change_since_verified(roster, verification);
    char date[PV_OUT_TIME_BYTES], device[PV_CLI_NAME_BYTES], what[PV_CLI_CHANGE_BYTES];

    date_of(verification->time_ms, date);
    pv_cli_person_name(session->person, &verification->device, device);
    pv_cli_change_text(&since, what);
    snprintf(ret_text, PV_CLI_VERIFIED_BYTES, "verified %s by %s%s%s%s", date, device, verification->device_revoked ? ", revoked since" : "",
             *what ? "; since then " : "", what);
}
