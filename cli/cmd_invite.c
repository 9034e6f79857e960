/* `privity invite`: half of a gate's secret on the server, the other in a link. */
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"
#include "cli/when.h"
#include "client/system.h"

struct gate_put {
    struct pv_id16 id;
    struct pv_bytes request;
};

static enum pv_err make_task(void *context, struct pv_task **ret_task)
{
    const struct gate_put *put = context;
    return pv_gate_put_task(&put->id, put->request, ret_task);
}

/* Deadlines are judged by the server's clock, so a span counts from its time. */
static enum pv_err read_expiry(const struct pv_args *args, uint64_t now_ms, struct pv_invite_options *options, struct pv_report *report)
{
    const char *expires = pv_args_get(args, "expires");
    if (pv_when_future(expires ? expires : "7d", now_ms, &options->until_ms) == PV_OK) return PV_OK;
    return pv_report(report, PV_ERR_USAGE, "--expires %s is no time to come: write a span (12h, 7d), or a day or time in the form of 2099-12-31 or 2099-12-31T10:00", expires);
}

static enum pv_err read_options(const struct pv_args *args, struct pv_invite_options *options, struct pv_report *report)
{
    const char *role = pv_args_get(args, "role");
    enum pv_err err;

    options->role = PV_ROLE_EDITOR;
    err = role ? pv_cli_role(role, &options->role, report) : PV_OK;
    if (err == PV_OK) err = pv_args_number(args, "uses", PV_LIMIT_INVITE_USES, 1, &options->uses, report);
    if (err == PV_OK && options->uses == 0) err = pv_report(report, PV_ERR_USAGE, "--uses 0: an invite lets at least one join");
    return err;
}

static enum pv_err print_link(const struct pv_invite_link *link, const struct pv_invite_options *options,
                              const struct pv_open_room *room, bool json, struct pv_report *report)
{
    char when[PV_OUT_TIME_BYTES];
    struct pv_buf text;
    enum pv_err err;

    pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
    err = pv_invite_link_write(link, &text);
    if (err == PV_OK && json) {
        struct pv_out out;
        pv_out_begin(&out);
        pv_out_json_id16(&out.json, "id", &link->gate);
        pv_json_text(&out.json, "link", pv_buf_bytes(&text));
        pv_out_json_string(&out.json, "role", pv_cli_role_name(options->role));
        pv_json_u64(&out.json, "uses", options->uses);
        pv_json_u64(&out.json, "expires", options->until_ms);
        pv_out_json_string(&out.json, "state", "open");
        err = pv_out_end(&out, report);
    } else if (err == PV_OK) {
        pv_out_time(options->until_ms, when);
        if (pv_out_is_terminal())
            pv_term_line(stdout, "Whoever has this link may join %s as %s, until %s. Send it by a way that you trust:", room->label,
                         pv_cli_role_name(options->role), when);
        pv_term_print(stdout, pv_buf_bytes(&text), PV_TERM_LINE, NULL);
        putchar('\n');
    }
    pv_buf_wipe(&text);
    return err;
}

enum pv_err pv_cli_invite(struct pv_session *session, struct pv_open_room *room, const struct pv_invite_options *options,
                          struct pv_invite_link *ret_link, struct pv_report *report)
{
    struct pv_invite_options whole = *options;
    struct gate_put put;
    struct pv_buf request;
    /* A link names the newest checkpoint, and is worth nothing before the server has its half. */
    enum pv_err err = pv_contact_push(session, room, NULL, report);

    if (err != PV_OK) return err;
    pv_buf_init(&request, PV_LIMIT_GATE_BYTES);
    whole.server_url = room->server.text;
    err = pv_session_room_error(session, room, pv_room_invite(room->room, &whole, ret_link, &request), report);
    put = (struct gate_put){ret_link->gate, pv_buf_bytes(&request)};
    if (err == PV_OK) err = pv_contact_run(session, room, 0, make_task, &put, report);
    if (err == PV_OK) err = pv_contact_push(session, room, NULL, report);
    pv_buf_wipe(&request);
    return err;
}

/* Where nothing of the room came by this, either, that is why it failed, and not the key that is lacking. */
static enum pv_err invite_here(struct pv_session *session, struct pv_open_room *room, const struct pv_invite_options *options,
                               struct pv_invite_link *ret_link, struct pv_report *report)
{
    struct pv_report absent = {.err = PV_OK};
    enum pv_err err = pv_cli_invite(session, room, options, ret_link, report);

    if (err != PV_ERR_NO_KEY || pv_cli_check_here(session, room, &absent) == PV_OK) return err;
    *report = absent;
    return absent.err;
}

enum pv_err pv_cmd_invite(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_invite_options options = {.uses = 1};
    struct pv_invite_link link = {.has_note = false};
    struct pv_open_room *room = NULL;
    uint64_t now_ms = 0;
    enum pv_err err = read_options(args, &options, report);

    if (err == PV_OK && pv_args_get(args, "expires")) err = read_expiry(args, pv_system_now_ms(), &options, report);
    if (err == PV_OK) err = pv_cli_room(session, args->words[0], &room, report);
    if (err == PV_OK) err = pv_contact_server_time(session, &room->server, &now_ms, report);
    if (err == PV_OK) err = read_expiry(args, now_ms, &options, report);
    if (err == PV_OK) err = invite_here(session, room, &options, &link, report);
    if (err == PV_OK) err = pv_cli_say_ended_invites(session, room, report);
    if (err == PV_OK) err = print_link(&link, &options, room, args->json, report);
    if (err == PV_ERR_OFFLINE && room) {
        char said[PV_REPORT_BYTES];
        snprintf(said, sizeof said, "%s", report->text);
        err = pv_report(report, err, "%.700s; no link was made, since the server has to keep half of it: try again when it answers", said);
    }
    pv_wipe(&link, sizeof link);
    return err;
}
