/* `privity join`: open the gate of a link, check the room behind it, and join. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/person.h"
#include "cli/successor.h"
#include "cli/term.h"
#include "client/passphrase.h"
#include "client/system.h"

struct join {
    struct pv_invite_link link; /* secret */
    struct pv_half_b half_b;    /* secret */
    char ticket[64];            /* secret; base64url of 32 bytes */
    struct pv_server_url server;
    struct pv_known_room known;
    struct pv_open_room *room;
    bool made_person, was_in;
    struct pv_new_person person; /* secret */
};

/* Add a piece of a link without the blanks and line ends that copying puts into one. */
static void add_piece(struct pv_buf *text, const char *piece)
{
    for (const char *p = piece; *p; p++)
        if (!strchr(" \t\r\n\v\f", *p)) pv_buf_append(text, p, 1);
}

/* From standard input, line by line until it is whole: what showed it may have broken it into several. */
static enum pv_err read_lines(struct pv_buf *text, struct pv_invite_link *ret_link)
{
    bool asks = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    char line[PV_LIMIT_LINK_BYTES + 2];
    enum pv_err err = PV_ERR_TRUNCATED;

    if (asks) fputs("Link: ", stderr);
    while (err != PV_OK && err != PV_ERR_UNSUPPORTED && !text->err && fgets(line, sizeof line, stdin)) {
        size_t before = text->n;
        add_piece(text, line);
        if (text->n > before) err = pv_invite_link_read(pv_buf_bytes(text), ret_link);
        else if (asks) break; /* an empty line ends what is typed */
    }
    pv_wipe(line, sizeof line);
    return err;
}

/* Which part of a link is not as it was made. */
static enum pv_err report_damage(struct pv_bytes text, enum pv_err err, struct pv_report *report)
{
    static const char mark[] = "/i#";
    const uint8_t *at = text.n ? memmem(text.p, text.n, mark, strlen(mark)) : NULL;
    struct pv_server_url url;
    const char *what = "some character in it is wrong, or a piece of it is missing";

    if (err == PV_ERR_NOMEM) return err;
    if (err == PV_ERR_UNSUPPORTED) return pv_report(report, err, "this link was made by a newer privity: update this one");
    if (text.n == 0) return pv_report(report, PV_ERR_USAGE, "no link was given");
    if (!at) return pv_report(report, PV_ERR_MALFORMED, "this is no invite link, or only the begin of one: it holds no %s; copy all of it again, or ask for a new one", mark);
    if (pv_server_url_read(pv_bytes(text.p, (size_t)(at - text.p)), &url) != PV_OK)
        what = "the server's address, with which it begins, is not whole";
    else if (err == PV_ERR_TRUNCATED)
        what = "its end is missing";
    else if (err == PV_ERR_LIMIT)
        what = "it is far too long";
    return pv_report(report, PV_ERR_MALFORMED, "this link is damaged or not whole: %s; copy all of it again, or ask for a new one", what);
}

static enum pv_err read_link(const char *word, struct join *join, struct pv_report *report)
{
    struct pv_buf text;
    enum pv_err err;

    pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
    if (strcmp(word, "-") == 0) {
        err = read_lines(&text, &join->link);
    } else {
        add_piece(&text, word);
        err = pv_invite_link_read(pv_buf_bytes(&text), &join->link);
    }
    if (text.err) err = text.err;
    if (err != PV_OK) err = report_damage(pv_buf_bytes(&text), err, report);
    if (err == PV_OK && pv_server_url_read(pv_bytes_of_string(join->link.server_url), &join->server) != PV_OK)
        err = pv_report(report, PV_ERR_MALFORMED, "this link names no server");
    pv_buf_wipe(&text);
    return err;
}

/* Half B, and a ticket to read the room with. */
static enum pv_err release(struct pv_session *session, struct join *join, struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    struct pv_task *task = NULL;
    const char *ticket = "";
    const struct pv_half_b *half;
    enum pv_err err = pv_contact_server(session, &join->server, &transport, report);

    if (err == PV_OK) err = pv_release_task(&join->link, pv_bytes(NULL, 0), &pv_system_random, &task);
    if (err == PV_OK) err = pv_transport_run(transport, task, NULL, NULL, report);
    if (err == PV_ERR_NOT_FOUND) /* mistyped, or made after the backup that the server was restored from */
        err = pv_report(report, err, "%s does not know this link: ask for a new one", join->server.text);
    if (err == PV_OK) {
        half = pv_release_result(task, &ticket);
        join->half_b = *half;
        snprintf(join->ticket, sizeof join->ticket, "%s", ticket);
    }
    pv_task_free(task);
    return err;
}

/* Where this device holds no person, one is made at the link's server. */
static enum pv_err find_person(struct pv_session *session, struct join *join, const struct pv_args *args, struct pv_report *report)
{
    enum pv_err err = pv_session_open(session, report);
    if (err != PV_ERR_NOT_FOUND) return err;
    join->person.name = pv_args_get(args, "as");
    join->person.device_name = pv_args_get(args, "device");
    join->person.kit_file = pv_args_get(args, "kit");
    join->person.server = join->server;
    if (!join->person.name)
        return pv_report(report, PV_ERR_USAGE, "this device holds no person yet: give a name for one by --as NAME, or run privity init");
    /* Only a link that opens is worth a person. */
    err = release(session, join, report);
    if (err == PV_OK) err = pv_new_person_make(session, &join->person, report);
    if (err != PV_OK) return err;
    join->made_person = true;
    if (!args->json) pv_new_person_show_kit(&join->person);
    return PV_OK;
}

/* A person whom the server does not know yet: the ticket registers. */
static enum pv_err register_person(struct pv_session *session, const struct join *join, struct pv_report *report)
{
    enum pv_err err = pv_session_person(session, report);
    if (err != PV_OK || pv_roster_is_born(pv_room_roster(session->person->room))) return err;
    return pv_contact_push(session, session->person, join->ticket, report);
}

/* From here on, or no longer (NULL), the room is read by the ticket. */
static enum pv_err use_ticket(struct pv_session *session, const struct join *join, const char *ticket, struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    enum pv_err err = pv_contact_server(session, &join->server, &transport, report);
    return err == PV_OK ? pv_transport_set_ticket(transport, ticket) : err;
}

static enum pv_err pull_by_ticket(struct pv_session *session, struct join *join, struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    struct pv_task *task = NULL;
    enum pv_err err = pv_contact_server(session, &join->server, &transport, report), pinned;

    if (err != PV_OK) return err;
    pv_room_set_time(join->room->room, pv_session_now_ms(session));
    err = pv_room_read_by_link(join->room->room, &join->link, &join->half_b);
    if (err == PV_OK) err = pv_pull_task(join->room->room, PV_AUTH_TICKET, &task);
    if (err == PV_OK) err = pv_transport_set_ticket(transport, join->ticket);
    if (err == PV_OK) err = pv_transport_run(transport, task, NULL, NULL, report);
    if (pv_transport_set_ticket(transport, NULL) != PV_OK && err == PV_OK) err = PV_ERR_NOMEM;
    pv_task_free(task);
    pinned = pv_contact_save_pin(session, join->room, report);
    if (err != PV_OK) return pv_contact_convict(session, join->room, err, report);
    return pinned;
}

/* Is the room in the directory already, under the name that is wanted if one is? */
static enum pv_err find_known(struct pv_session *session, const struct pv_hash *room, const char *wanted,
                              struct pv_known_room *ret_known, struct pv_report *report)
{
    struct pv_known_room known;
    enum pv_err err = pv_directory_by_id(session, room, &known, report);
    if (err == PV_OK && wanted && strcmp(wanted, known.name) != 0) err = PV_ERR_NOT_FOUND;
    if (err == PV_OK) *ret_known = known;
    return err;
}

/* Somebody else's name, in a form that can stand in a command as it is: such lines are shown, to be run. */
static void tame(char name[static PV_CLI_NAME_BYTES])
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+@";
    struct pv_buf seen;
    size_t skip;
    pv_buf_init(&seen, 16 * PV_CLI_NAME_BYTES);
    pv_term_put(&seen, pv_bytes_of_string(name), PV_TERM_LINE, NULL); /* nor one that nobody sees, or can type */
    snprintf(name, PV_CLI_NAME_BYTES, "%.*s", (int)seen.n, seen.n ? (const char *)seen.p : "");
    pv_buf_release(&seen);
    for (char *p = name; *p; p++)
        if ((unsigned char)*p < 0x80 && !strchr(plain, *p)) *p = '-';
    skip = strspn(name, "-");
    memmove(name, name + skip, strlen(name) - skip + 1);
    if (!*name) snprintf(name, sizeof "room", "room");
}

/* The name that the room has here already, so that a join that was broken off can be gone on with; else the wanted one,
 * else the inviter's, made free by a number. */
static enum pv_err choose_name(struct pv_session *session, struct join *join, const char *wanted, struct pv_report *report)
{
    struct pv_report ignored = {.err = PV_OK};
    struct pv_known_room known;
    char base[PV_CLI_NAME_BYTES];

    if (find_known(session, &join->link.room, wanted, &known, &ignored) == PV_OK) {
        snprintf(join->known.name, sizeof join->known.name, "%s", known.name);
        return PV_OK;
    }
    if (wanted) {
        snprintf(join->known.name, sizeof join->known.name, "%s", wanted);
        return pv_directory_check_name(session, wanted, report);
    }
    pv_cli_person_name(join->room, &join->link.inviter, base);
    tame(base);
    base[48] = '\0';
    while (!pv_utf8_is_valid((const uint8_t *)base, strlen(base))) base[strlen(base) - 1] = '\0';
    for (unsigned i = 1; i < 1000; i++) {
        snprintf(join->known.name, sizeof join->known.name, i > 1 ? "%.200s-%u" : "%.200s", base, i);
        if (pv_directory_check_name(session, join->known.name, &ignored) == PV_OK) return PV_OK;
    }
    return pv_report(report, PV_ERR_CONFLICT, "no free name was found: give one with --room");
}

/* A member who has no name yet gives one; then the directory says that it is done. */
static enum pv_err settle(struct pv_session *session, struct join *join, const char *as, struct pv_report *report)
{
    enum pv_err err = pv_cli_write_profile(session, join->room, as ? as : session->secrets.name, report);
    if (err == PV_OK) err = pv_cli_send(session, join->room, report);
    join->known.state = PV_ROOM_JOINED;
    if (err == PV_OK || err == PV_ERR_OFFLINE) err = pv_directory_record(session, &join->known, report);
    return err;
}

/* Is it a refusal, and not trouble that passes? */
static bool is_refusal(enum pv_err err)
{
    return err == PV_ERR_DENIED || err == PV_ERR_EXPIRED || err == PV_ERR_CONFLICT || err == PV_ERR_NOT_FOUND;
}

/* The entry of an earlier `join` that waits here is sent first. If the log has it then, the link is not opened once
 * more: it may be good for one use. If it is refused, its own link ended, and this one is in its place. */
static enum pv_err resume(struct pv_session *session, struct join *join, const char *as, bool *ret_done, struct pv_report *report)
{
    const struct pv_roster *roster;
    enum pv_err err;

    *ret_done = false;
    err = find_known(session, &join->link.room, NULL, &join->known, report);
    if (err == PV_ERR_NOT_FOUND || (err == PV_OK && join->known.state == PV_ROOM_LEFT)) return PV_OK;
    if (err == PV_OK)
        err = pv_session_room_new(session, &join->known.id, join->known.name, &join->server, &join->room, report);
    if (err != PV_OK) return err;
    err = pv_cli_unsent(join->room) ? pv_cli_send(session, join->room, report) : pv_contact_push(session, join->room, NULL, report);
    if (err != PV_OK && !is_refusal(err)) return err;
    roster = pv_room_roster(join->room->room);
    if (err != PV_OK || !pv_roster_is_born(roster) || !pv_roster_principal(roster, &session->me.person))
        return pv_session_room_error(session, join->room, pv_room_join_give_up(join->room->room), report);
    *ret_done = true;
    join->was_in = join->known.state == PV_ROOM_JOINED;
    return join->known.state == PV_ROOM_INTENDED ? settle(session, join, as, report) : PV_OK;
}

/* Who is in already may give the room another name here; that it is free was seen before. */
static enum pv_err rename_room(struct pv_session *session, struct join *join, const char *wanted, struct pv_report *report)
{
    if (strcmp(join->known.name, wanted) == 0) return PV_OK;
    snprintf(join->known.name, sizeof join->known.name, "%s", wanted);
    snprintf(join->room->label, sizeof join->room->label, "%s", wanted);
    return pv_directory_record(session, &join->known, report);
}

static enum pv_err join_room(struct pv_session *session, struct join *join, const char *wanted, const char *as, struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    enum pv_err err, sent;

    join->known = (struct pv_known_room){.id = join->link.room, .server = join->server, .state = PV_ROOM_INTENDED};
    err = pv_session_room_new(session, &join->known.id, "the new room", &join->server, &join->room, report);
    if (err == PV_OK) err = pull_by_ticket(session, join, report);
    if (err == PV_OK) err = choose_name(session, join, wanted, report);
    if (err != PV_OK) return err;
    snprintf(join->room->label, sizeof join->room->label, "%s", join->known.name);
    err = pv_directory_record(session, &join->known, report);
    if (err != PV_OK) return err;
    err = pv_room_view(join->room->room, &view);
    if (err == PV_OK && !pv_roster_principal(view, &session->me.person)) /* an earlier one may wait */
        err = pv_room_join(join->room->room, &join->link, &join->half_b);
    if (err != PV_OK) return pv_session_room_error(session, join->room, err, report);
    err = use_ticket(session, join, join->ticket, report);
    sent = err == PV_OK ? pv_cli_send(session, join->room, report) : err;
    err = use_ticket(session, join, NULL, report);
    if (sent != PV_OK) return sent;
    return err == PV_OK ? settle(session, join, as, report) : err;
}

enum pv_err pv_cli_join_by_link(struct pv_session *session, const struct pv_invite_link *link, const char *name,
                                struct pv_open_room **ret_room, struct pv_report *report)
{
    struct join join = {.link = *link};
    bool done = false;
    enum pv_err err = PV_OK;

    if (pv_server_url_read(pv_bytes_of_string(link->server_url), &join.server) != PV_OK) err = PV_ERR_MALFORMED;
    if (err == PV_OK) err = resume(session, &join, NULL, &done, report);
    if (err == PV_OK && !done) err = release(session, &join, report);
    if (err == PV_OK && !done) err = join_room(session, &join, name, NULL, report);
    if (err == PV_OK) *ret_room = join.room;
    pv_wipe(&join, sizeof join);
    return err;
}

static enum pv_err print_result(struct pv_session *session, struct join *join, bool json, struct pv_report *report)
{
    char name[PV_CLI_NAME_BYTES], id[17], code[PV_KIT_CODE_CHARS + 1];
    struct pv_out out;

    pv_cli_person_name(join->room, &join->link.inviter, name);
    if (json) {
        pv_out_begin(&out);
        pv_directory_room_json(session, &join->known, join->room, &out.json);
        pv_out_json_hash(&out.json, "inviter", &join->link.inviter);
        pv_out_json_string(&out.json, "inviter_name", name);
        if (join->made_person) {
            pv_new_person_kit_code(&join->person, code);
            pv_out_json_string(&out.json, "kit", *code ? code : NULL);
            pv_wipe(code, sizeof code);
        }
        return pv_out_end(&out, report);
    }
    if (join->was_in) {
        pv_term_line(stdout, "You are in %s already: the link was not used.", join->known.name);
        return PV_OK;
    }
    pv_hex_encode(join->link.inviter.b, 8, id);
    pv_term_line(stdout, "You joined %s, invited by %s (%s).", join->known.name, name, id);
    return PV_OK;
}

enum pv_err pv_cmd_join(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct join join = {.room = NULL};
    const char *as = pv_args_get(args, "as"), *wanted = pv_args_get(args, "room"), *device = pv_args_get(args, "device");
    struct pv_known_room known;
    bool done = false;
    enum pv_err err = as ? pv_cli_check_name(as, report) : PV_OK;

    if (err == PV_OK && device) err = pv_cli_check_name(device, report);
    if (err == PV_OK) err = read_link(args->words[0], &join, report);
    if (err == PV_OK) err = find_person(session, &join, args, report);
    if (err == PV_OK) err = pv_session_person(session, report);
    if (err == PV_OK && wanted && find_known(session, &join.link.room, wanted, &known, report) != PV_OK)
        err = pv_directory_check_name(session, wanted, report);
    if (err == PV_OK) err = resume(session, &join, as, &done, report);
    if (err == PV_OK && done && wanted) err = rename_room(session, &join, wanted, report);
    if (err == PV_OK && !done) err = release(session, &join, report);
    if (err == PV_OK && !done) err = register_person(session, &join, report);
    if (err == PV_OK && !done) err = join_room(session, &join, wanted, as, report);
    if (err == PV_OK) err = print_result(session, &join, args->json, report);
    pv_new_person_release(&join.person);
    pv_wipe(&join, sizeof join);
    return err;
}
