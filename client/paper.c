/* A recovery kit at work: signing in, finding the person, mending rooms. */
#include "client/paper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/sqlite_begin.h"
#include "client/system.h"

enum { LIST_MAX_BYTES = 1 << 20, FIRST_PAGE_MAX_BYTES = 1 << 23, ROUNDS_MAX = 4 };

void pv_paper_identity(const struct pv_kit_secret *kit, struct pv_identity *ret_me)
{
    struct pv_sign_seed sign;
    struct pv_kem_seed kem;
    pv_kit_paper_seeds(kit, &sign, &kem);
    pv_identity_derive(&sign, &kem, ret_me);
    pv_wipe(&sign, sizeof sign);
    pv_wipe(&kem, sizeof kem);
}

/* ---- requests */

/* The server's word on itself. */
static enum pv_err ask_info(struct pv_transport *transport, const struct pv_server_url *server, struct pv_task **ret_info, struct pv_report *report)
{
    struct pv_task *info = NULL;
    enum pv_err err = pv_server_info_task(&info);

    if (err == PV_OK) err = pv_transport_run(transport, info, NULL, NULL, report);
    if (err == PV_OK && !pv_server_url_has_name(server, pv_bytes_of_string(pv_server_info_result(info)->name)))
        err = pv_report(report, PV_ERR_CONFLICT, "%.300s says that it is %s: use that server's own address", server->text,
                        pv_server_info_result(info)->name);
    if (err == PV_OK) *ret_info = info;
    else pv_task_free(info);
    return pv_report_default(report, err, server->text);
}

/* What to do where the first request was not answered. */
static enum pv_err unreached(enum pv_err err, struct pv_report *report)
{
    struct pv_report why = *report;
    if (err != PV_ERR_OFFLINE) return err;
    return pv_report(report, err, "%.700s: nothing was changed; is the address right, https or http too? Run this again when the server answers", why.text);
}

enum pv_err pv_paper_reach(const struct pv_server_url *server, struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    struct pv_task *info = NULL;
    enum pv_err err = pv_transport_new(server->text, &transport, report);
    if (err == PV_OK) err = unreached(ask_info(transport, server, &info, report), report);
    pv_task_free(info);
    pv_transport_free(transport);
    return pv_report_default(report, err, server->text);
}

static enum pv_err sign_in(const struct pv_identity *me, const struct pv_server_url *server, struct pv_transport **ret_transport,
                           struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    struct pv_task *info = NULL, *session = NULL;
    uint64_t expires_ms;
    enum pv_err err = pv_transport_new(server->text, &transport, report);

    if (err == PV_OK) err = ask_info(transport, server, &info, report);
    if (err == PV_OK) err = pv_session_task(me, pv_server_info_result(info)->name, &session);
    if (err == PV_OK) err = pv_transport_run(transport, session, NULL, NULL, report);
    if (err == PV_OK) err = pv_transport_set_session(transport, pv_session_token(session, &expires_ms));
    pv_task_free(info);
    pv_task_free(session);
    if (err == PV_OK) *ret_transport = transport;
    else pv_transport_free(transport);
    return pv_report_default(report, err, server->text);
}

static enum pv_err list_rooms(struct pv_transport *transport, struct pv_hash **ret_rooms, size_t *ret_count, struct pv_report *report)
{
    struct pv_request request = {.method = PV_GET, .path = "/v1/rooms", .auth = PV_AUTH_SESSION, .max_response_bytes = LIST_MAX_BYTES};
    struct pv_response response;
    struct pv_hash *rooms;
    struct pv_cbor in;
    size_t count;
    enum pv_err err = pv_transport_send(transport, &request, NULL, &response, report);

    if (err != PV_OK) return err;
    if (response.status >= 400) return pv_transport_refused(&response, pv_transport_url(transport), report);
    pv_cbor_init(&in, response.body);
    count = pv_cbor_get_array(&in, LIST_MAX_BYTES / sizeof *rooms);
    rooms = calloc(count + 1, sizeof *rooms);
    if (!rooms) return PV_ERR_NOMEM;
    for (size_t i = 0; i < count && !in.err; i++) {
        pv_cbor_get_array_of(&in, 2);
        pv_cbor_get_hash(&in, &rooms[i]);
        (void)pv_cbor_get_uint(&in, PV_LIMIT_N);
    }
    if (pv_cbor_finish(&in) != PV_OK) {
        free(rooms);
        return pv_report(report, PV_ERR_IO, "%s: the list of rooms is not of the expected form", pv_transport_url(transport));
    }
    *ret_rooms = rooms;
    *ret_count = count;
    return PV_OK;
}

/* Does the room begin with a person's genesis? What it says is verified when it is fetched in full. */
static enum pv_err is_person_room(struct pv_transport *transport, const struct pv_hash *room, bool *ret_is, struct pv_report *report)
{
    struct pv_request request = {.method = PV_GET, .auth = PV_AUTH_SESSION, .max_response_bytes = FIRST_PAGE_MAX_BYTES};
    struct pv_response response;
    struct pv_roster_body body;
    struct pv_cbor in;
    char hex[65];
    enum pv_err err;

    pv_hex_encode(room->b, sizeof room->b, hex);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/entries?from=0&max=1&bodies=0", hex);
    err = pv_transport_send(transport, &request, NULL, &response, report);
    if (err != PV_OK) return err;
    if (response.status >= 400) return pv_transport_refused(&response, pv_transport_url(transport), report);
    pv_cbor_init(&in, response.body);
    (void)pv_cbor_get_array(&in, 4); /* four on a server that was restored */
    (void)pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (pv_cbor_get_array(&in, 16384) > 0) {
        pv_cbor_get_array_of(&in, 3);
        (void)pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES);
        (void)pv_cbor_get_item(&in);
        struct pv_bytes clear = pv_cbor_get_bytes(&in, PV_LIMIT_BODY_BYTES);
        *ret_is = !in.err && pv_roster_body_read(clear, &body) == PV_OK && body.type == PV_ROSTER_GENESIS &&
                  body.u.genesis.room_kind == PV_ROOM_PERSON;
    }
    return PV_OK;
}

/* ---- rooms in memory */

static void room_release(struct pv_paper_room *room)
{
    pv_room_close(room->room);
    pv_store_close(room->store);
    sqlite3_close(room->db);
    *room = (struct pv_paper_room){.db = NULL};
}

static enum pv_err room_open(const struct pv_paper *paper, const struct pv_hash *id, struct pv_paper_room *room)
{
    struct pv_room_options options = {.me = &paper->me, .person_room = paper->person.room, .random = &pv_system_random, .room_id = *id};
    enum pv_err err = pv_sqlite_begin_once();
    if (err == PV_OK && sqlite3_open(":memory:", &room->db) != SQLITE_OK) err = PV_ERR_NOMEM;
    if (err == PV_OK) err = pv_store_open(room->db, &room->store);
    options.store = room->store;
    if (err == PV_OK) err = pv_room_open(&options, &room->room);
    return err;
}

/* Only fetch, or send too. */
static enum pv_err run(struct pv_transport *transport, struct pv_paper_room *room, bool send, struct pv_report *report)
{
    struct pv_task *task = NULL;
    enum pv_err err;
    pv_room_set_time(room->room, pv_system_now_ms());
    err = send ? pv_push_task(room->room, NULL, &task) : pv_pull_task(room->room, PV_AUTH_SESSION, &task);
    if (err == PV_OK) err = pv_transport_run(transport, task, NULL, NULL, report);
    pv_task_free(task);
    return pv_report_default(report, err, pv_transport_url(transport));
}

/* ---- */

static enum pv_err find_person(struct pv_paper *paper, struct pv_report *report)
{
    struct pv_hash *rooms = NULL;
    size_t count = 0;
    bool found = false;
    enum pv_err err = list_rooms(paper->transport, &rooms, &count, report);

    for (size_t i = 0; i < count && err == PV_OK && !found; i++) {
        err = is_person_room(paper->transport, &rooms[i], &found, report);
        if (err == PV_OK && found) paper->me.person = rooms[i];
    }
    free(rooms);
    if (err == PV_OK && !found)
        err = pv_report(report, PV_ERR_NOT_FOUND,
                        "no person on %s has this kit: it belongs to another server (give --server), it was revoked with the device that added it, or the server "
                        "was put back from a backup that is older",
                        paper->server.text);
    return err;
}

enum pv_err pv_paper_open(const struct pv_kit_secret *kit, const struct pv_server_url *server, bool goes_on,
                          struct pv_paper *ret_paper, struct pv_report *report)
{
    enum pv_err err;

    *ret_paper = (struct pv_paper){.server = *server};
    pv_paper_identity(kit, &ret_paper->me);
    err = unreached(sign_in(&ret_paper->me, server, &ret_paper->transport, report), report);
    if (err == PV_OK) err = find_person(ret_paper, report);
    if (err == PV_OK) err = room_open(ret_paper, &ret_paper->me.person, &ret_paper->person);
    if (err == PV_OK && goes_on) pv_room_go_on(ret_paper->person.room);
    if (err == PV_OK) err = run(ret_paper->transport, &ret_paper->person, false, report);
    if (err == PV_OK && !pv_roster_device(pv_room_roster(ret_paper->person.room), &ret_paper->me.device))
        err = pv_report(report, PV_ERR_NOT_FOUND, "this kit was revoked: the server lists it, but the person's devices took it out");
    return err;
}

enum pv_err pv_paper_keys(struct pv_paper *paper, bool makes, struct pv_report *report)
{
    struct pv_room *room = paper->person.room;
    bool has = false;
    enum pv_err err = pv_room_has_present_key(room, &has);

    if (err == PV_OK && !has && makes) err = pv_paper_push_person(paper, report);
    if (err == PV_OK && !has && makes) err = pv_room_has_present_key(room, &has);
    if (err == PV_OK && !has && makes)
        err = pv_report(report, PV_ERR_NO_KEY, "this kit does not open your newest keys, nor could it make new ones: use a device that works (privity refresh), then run this again, or tell the operator of %s", paper->server.text);
    else if (err == PV_OK && !has)
        err = pv_report(report, PV_ERR_NO_KEY, "this kit does not open your newest keys, which the server may have lost: run privity refresh on each device that works, then this again; if none is left, privity recover makes new ones");
    return pv_report_default(report, err, paper->server.text);
}

void pv_paper_release(struct pv_paper *paper)
{
    room_release(&paper->person);
    free(paper->listed);
    pv_transport_free(paper->transport);
    pv_transport_free(paper->other);
    pv_wipe(paper, sizeof *paper);
}

enum pv_err pv_paper_push_person(struct pv_paper *paper, struct pv_report *report)
{
    return run(paper->transport, &paper->person, true, report);
}

static enum pv_err transport_to(struct pv_paper *paper, const struct pv_server_url *server, struct pv_transport **ret_transport,
                                struct pv_report *report)
{
    struct pv_transport *made = NULL;
    enum pv_err err;

    *ret_transport = paper->transport;
    if (strcmp(server->text, paper->server.text) == 0) return PV_OK;
    *ret_transport = paper->other;
    if (paper->other && strcmp(server->text, paper->other_server.text) == 0) return PV_OK;
    err = sign_in(&paper->me, server, &made, report);
    if (err != PV_OK) return err;
    if (paper->listed_by == paper->other) paper->listed_by = NULL;
    pv_transport_free(paper->other);
    *ret_transport = paper->other = made;
    paper->other_server = *server;
    return PV_OK;
}

enum pv_err pv_paper_mend(struct pv_paper *paper, const struct pv_hash *room, const struct pv_server_url *server, bool goes_on,
                          struct pv_paper_mended *ret_mended, struct pv_report *report)
{
    struct pv_paper_room open = {.db = NULL};
    struct pv_transport *transport = NULL;
    uint64_t missing;
    enum pv_err err = transport_to(paper, server, &transport, report);

    if (err == PV_OK) err = room_open(paper, room, &open);
    if (err == PV_OK && goes_on) pv_room_go_on(open.room);
    for (int round = 0; err == PV_OK && round < ROUNDS_MAX; round++) {
        err = run(transport, &open, true, report);
        if (err != PV_OK || !pv_room_wants_person(open.room)) break;
        err = run(paper->transport, &paper->person, false, report);
    }
    if (err == PV_OK) ret_mended->restored = pv_room_is_restored(open.room, &missing);
    if (err == PV_OK) err = pv_devices_report(open.room, &ret_mended->devices);
    room_release(&open);
    return err;
}

enum pv_err pv_paper_is_in(struct pv_paper *paper, const struct pv_hash *room, const struct pv_server_url *server, bool *ret_is,
                           struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    enum pv_err err = transport_to(paper, server, &transport, report);

    if (err == PV_OK && transport != paper->listed_by) {
        free(paper->listed);
        paper->listed = NULL;
        paper->listed_count = 0;
        err = list_rooms(transport, &paper->listed, &paper->listed_count, report);
        paper->listed_by = err == PV_OK ? transport : NULL;
    }
    if (err != PV_OK) return err;
    *ret_is = false;
    for (size_t i = 0; i < paper->listed_count; i++) *ret_is = *ret_is || pv_hash_equal(&paper->listed[i], room);
    return PV_OK;
}
