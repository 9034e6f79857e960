/* Signing in: one session a server, from the keyring or made anew, and how far a refusal under it is believed. */
#include <stdio.h>
#include <string.h>

#include "client/keyring.h"
#include "client/session.h"
#include "client/system.h"

enum { TOKEN_NAME_BYTES = 64, SESSION_MARGIN_MS = 30000, TOKEN_MAX = 512 };

enum pv_err pv_contact_server(struct pv_session *session, const struct pv_server_url *server,
                              struct pv_transport **ret_transport, struct pv_report *report)
{
    enum pv_err err;
    if (session->offline) return pv_report(report, PV_ERR_OFFLINE, "%s was not asked (--offline)", server->text);
    for (size_t i = 0; i < session->server_count; i++)
        if (strcmp(pv_transport_url(session->servers[i].transport), server->text) == 0) {
            *ret_transport = session->servers[i].transport;
            return PV_OK;
        }
    if (session->server_count == PV_SESSION_SERVERS_MAX) {
        pv_transport_free(session->servers[0].transport);
        memmove(session->servers, session->servers + 1, (PV_SESSION_SERVERS_MAX - 1) * sizeof *session->servers);
        session->server_count--;
    }
    err = pv_transport_new(server->text, ret_transport, report);
    if (err != PV_OK) return err;
    session->servers[session->server_count++] = (struct pv_session_server){.transport = *ret_transport};
    return PV_OK;
}

/* ---- sessions */

static struct pv_session_server *slot_of(struct pv_session *session, const struct pv_transport *transport)
{
    size_t i = 0;
    while (session->servers[i].transport != transport) i++;
    return &session->servers[i];
}

static void token_name(const char *url, char ret_name[static TOKEN_NAME_BYTES])
{
    struct pv_hash hash;
    char hex[33];
    pv_sha256(pv_bytes_of_string(url), &hash);
    pv_hex_encode(hash.b, 16, hex);
    snprintf(ret_name, TOKEN_NAME_BYTES, "session:%s", hex);
}

static bool recall_token(struct pv_session *session, struct pv_transport *transport)
{
    char name[TOKEN_NAME_BYTES], token[TOKEN_MAX + 1] = "";
    struct pv_buf buf;
    bool good;

    token_name(pv_transport_url(transport), name);
    pv_buf_init_fixed(&buf, token, TOKEN_MAX);
    good = pv_keyring_get(&session->home, name, &buf) == PV_OK && pv_transport_set_session(transport, token) == PV_OK;
    pv_wipe(token, sizeof token);
    return good;
}

static void keep_token(struct pv_session *session, const struct pv_transport *transport, const char *token,
                       uint64_t expires_ms)
{
    uint64_t now_ms = pv_system_now_ms(), seconds = 3000; /* where the two clocks disagree, the server's 401 tells */
    char name[TOKEN_NAME_BYTES];
    if (expires_ms > now_ms + SESSION_MARGIN_MS && expires_ms - now_ms < 3600000)
        seconds = (expires_ms - now_ms - SESSION_MARGIN_MS) / 1000;
    token_name(pv_transport_url(transport), name);
    if (pv_keyring_put(&session->home, name, pv_bytes_of_string(token), (unsigned)seconds + 1) != PV_OK)
        return; /* the next command makes a session of its own */
}

static enum pv_err log_in(struct pv_session *session, struct pv_transport *transport, const char *server_name,
                          struct pv_report *report)
{
    struct pv_task *task = NULL;
    uint64_t expires_ms = 0;
    char said[PV_REPORT_BYTES];
    const char *token;
    enum pv_err err = pv_session_task(&session->me, server_name, &task);

    if (err == PV_OK) err = pv_transport_run(transport, task, NULL, NULL, report);
    if (err == PV_OK) {
        token = pv_session_token(task, &expires_ms);
        err = pv_transport_set_session(transport, token);
        if (err == PV_OK) keep_token(session, transport, token, expires_ms);
    }
    pv_task_free(task);
    if (err != PV_ERR_DENIED) return err;
    /* Of the account, not of a room: nobody was removed from anything. */
    snprintf(said, sizeof said, "%s", report->err == err ? report->text : pv_err_text(err));
    return pv_report(report, PV_ERR_UNAUTHENTICATED, "%s: %.900s", pv_transport_url(transport), said);
}

/* What sessions are bound to: the server's name as the room's roster has it, or, before there is one, its own word. */
static enum pv_err server_name(struct pv_session *session, const struct pv_open_room *room, struct pv_transport *transport,
                               char ret_name[static PV_LIMIT_SERVER_NAME_BYTES + 1], struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    struct pv_task *task = NULL;
    enum pv_err err = room->room ? pv_room_view(room->room, &view) : PV_OK;

    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    if (view && pv_roster_is_born(view)) {
        struct pv_bytes bytes = pv_roster_server_name(view);
        snprintf(ret_name, PV_LIMIT_SERVER_NAME_BYTES + 1, "%.*s", (int)bytes.n, (const char *)bytes.p);
        return PV_OK;
    }
    err = pv_server_info_task(&task);
    if (err == PV_OK) err = pv_transport_run(transport, task, NULL, NULL, report);
    if (err == PV_OK) snprintf(ret_name, PV_LIMIT_SERVER_NAME_BYTES + 1, "%s", pv_server_info_result(task)->name);
    pv_task_free(task);
    return err;
}

/* A session is good at the server whose name is signed. Whoever stands at another address and gives that name could hand
 * on our signature, and act there as this device. */
static enum pv_err check_name(const struct pv_server_url *server, const char *name, struct pv_report *report)
{
    if (pv_server_url_has_name(server, pv_bytes_of_string(name))) return PV_OK;
    return pv_report(report, PV_ERR_CONFLICT,
                     "%.300s says that it is %s: signing in there would let it act in your name at that server; use that server's own address (its operator sets it: privityd --public-url)",
                     server->text, name);
}

/* Other commands may use the session that is forgotten here: they hold its token, and the server still knows it. */
static enum pv_err log_in_anew(struct pv_session *session, const struct pv_open_room *room, struct pv_transport *transport,
                               struct pv_report *report)
{
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1], key[TOKEN_NAME_BYTES];
    struct pv_session_server *slot = slot_of(session, transport);
    enum pv_err err;

    slot->logged_in = slot->is_kept = false;
    token_name(pv_transport_url(transport), key);
    pv_keyring_drop(&session->home, key);
    err = server_name(session, room, transport, name, report);
    if (err == PV_OK) err = check_name(&room->server, name, report);
    if (err == PV_OK) err = log_in(session, transport, name, report);
    slot->logged_in = err == PV_OK;
    return err;
}

enum pv_err pv_contact_login(struct pv_session *session, const struct pv_open_room *room,
                             struct pv_transport **ret_transport, struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    struct pv_session_server *slot;
    enum pv_err err = pv_contact_server(session, &room->server, &transport, report);

    if (err != PV_OK) return err;
    *ret_transport = transport;
    slot = slot_of(session, transport);
    if (slot->logged_in) return PV_OK;
    if (!recall_token(session, transport)) return log_in_anew(session, room, transport, report);
    slot->logged_in = slot->is_kept = true;
    return PV_OK;
}

/* ---- requests under a session */

struct signed_in {
    struct pv_session *session;
    const struct pv_open_room *room;
    struct pv_transport *transport;
};

static enum pv_err renew(void *context, const struct pv_request *request, const struct pv_response *response,
                         bool *ret_again, struct pv_report *report)
{
    const struct signed_in *in = context;
    enum pv_err err;

    *ret_again = false;
    if (!pv_session_is_in_doubt(request, response, slot_of(in->session, in->transport)->is_kept)) return PV_OK;
    err = log_in_anew(in->session, in->room, in->transport, report);
    *ret_again = err == PV_OK;
    return err;
}

enum pv_err pv_contact_send(struct pv_session *session, const struct pv_open_room *room, const struct pv_request *request,
                            const char *extra_header, struct pv_response *ret_response, struct pv_report *report)
{
    struct signed_in in = {session, room, NULL};
    struct pv_response response;
    bool again = false;
    enum pv_err err = pv_contact_login(session, room, &in.transport, report);

    if (err == PV_OK) err = pv_transport_send(in.transport, request, extra_header, &response, report);
    if (err == PV_OK) err = renew(&in, request, &response, &again, report);
    if (err == PV_OK && again) err = pv_transport_send(in.transport, request, extra_header, &response, report);
    if (err == PV_OK) *ret_response = response;
    return err;
}

enum pv_err pv_contact_run(struct pv_session *session, const struct pv_open_room *room, uint64_t limit_ms,
                           pv_contact_make_task *make, void *context, struct pv_report *report)
{
    struct signed_in in = {session, room, NULL};
    struct pv_task *task = NULL;
    enum pv_err err = pv_contact_server(session, &room->server, &in.transport, report);

    if (err != PV_OK) return err;
    pv_transport_set_deadline(in.transport, limit_ms);
    err = pv_contact_login(session, room, &in.transport, report);
    if (err == PV_OK) err = make(context, &task);
    if (err == PV_OK) err = pv_transport_run(in.transport, task, renew, &in, report);
    pv_task_free(task);
    pv_transport_set_deadline(in.transport, 0);
    if (err == PV_ERR_DENIED || err == PV_ERR_QUOTA) {
        char said[PV_REPORT_BYTES];
        snprintf(said, sizeof said, "%s", report->err == err ? report->text : pv_err_text(err));
        return pv_report(report, err, "%s: %.900s", room->label, said);
    }
    if ((err == PV_ERR_IO || err == PV_ERR_FULL) && report->err != err) return pv_session_room_error(session, room, err, report);
    return pv_report_default(report, err, room->server.text);
}
