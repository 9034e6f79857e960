/* The table of resources; matching, limits and authorization from a request's head. */
#include "server/router.h"

#include <stdlib.h>
#include <string.h>

#include "server/limits.h"
#include "server/session_cache.h"

enum { LOGIN_MAX = 4096, NAMES_MAX = 1024 * 17 + 16, HASHES_MAX = 1024 * 34 + 16 };

static const struct pv_route routes[] = {
    {PV_METHOD_GET, "/healthz", PV_ROUTE_NONE, false, 0, pv_health_get},
    {PV_METHOD_GET, "/metrics", PV_ROUTE_NONE, false, 0, pv_metrics_get},
    {PV_METHOD_GET, "/v1/server", PV_ROUTE_NONE, false, 0, pv_server_get},
    {PV_METHOD_POST, "/v1/session/nonce", PV_ROUTE_NONE, false, 0, pv_nonce_post},
    {PV_METHOD_POST, "/v1/session", PV_ROUTE_NONE, false, LOGIN_MAX, pv_session_post},
    {PV_METHOD_DELETE, "/v1/session", PV_ROUTE_SESSION, false, 0, pv_session_delete},
    {PV_METHOD_GET, "/v1/rooms", PV_ROUTE_SESSION, false, 0, pv_rooms_get},
    {PV_METHOD_POST, "/v1/rooms", PV_ROUTE_SESSION, false, PV_LIMIT_BATCH_BYTES, pv_rooms_post},
    {PV_METHOD_POST, "/v1/rooms/{room}/entries", PV_ROUTE_SESSION, false, PV_LIMIT_BATCH_BYTES, pv_entries_post},
    {PV_METHOD_POST, "/v1/rooms/{room}/restore", PV_ROUTE_SESSION, false, PV_LIMIT_BATCH_BYTES, pv_restore_post},
    {PV_METHOD_PUT, "/v1/rooms/{room}/successor", PV_ROUTE_WRITE, false, PV_LIMIT_SUCCESSION_BYTES + 512, pv_successor_put},
    {PV_METHOD_GET, "/v1/rooms/{room}/successor", PV_ROUTE_ROOM, false, 0, pv_successor_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/entries", PV_ROUTE_READ, false, 0, pv_entries_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/bodies", PV_ROUTE_READ, false, 0, pv_bodies_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/checkpoint", PV_ROUTE_READ, false, 0, pv_checkpoint_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/inclusion", PV_ROUTE_READ, false, 0, pv_inclusion_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/consistency", PV_ROUTE_READ, false, 0, pv_consistency_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/head", PV_ROUTE_ROOM, false, 0, pv_head_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/entries/{index}/wraps/{i}", PV_ROUTE_READ, false, 0, pv_wrap_get},
    {PV_METHOD_GET, "/v1/rooms/{room}/entries/{index}/links", PV_ROUTE_READ, false, 0, pv_links_get},
    {PV_METHOD_POST, "/v1/rooms/{room}/kem", PV_ROUTE_READ, false, HASHES_MAX, pv_kem_post},
    {PV_METHOD_POST, "/v1/rooms/{room}/blobs/exist", PV_ROUTE_READ, false, NAMES_MAX, pv_blobs_exist_post},
    {PV_METHOD_PUT, "/v1/rooms/{room}/blobs/{id}", PV_ROUTE_WRITE, true, PV_LIMIT_BLOB_BYTES, pv_blob_put},
    {PV_METHOD_GET, "/v1/rooms/{room}/blobs/{id}", PV_ROUTE_READ, false, 0, pv_blob_get},
    {PV_METHOD_PUT, "/v1/gates/{id}", PV_ROUTE_SESSION, false, PV_LIMIT_GATE_BYTES + 256, pv_gate_put_handler},
    {PV_METHOD_GET, "/v1/gates/{id}", PV_ROUTE_NONE, false, 0, pv_gate_get},
    {PV_METHOD_POST, "/v1/gates/{id}/release", PV_ROUTE_NONE, false, 2048, pv_gate_release_post},
    {PV_METHOD_DELETE, "/v1/gates/{id}", PV_ROUTE_SESSION, false, 0, pv_gate_delete},
    {PV_METHOD_GET, "/v1/events", PV_ROUTE_SESSION, false, 0, pv_events_get},
    {PV_METHOD_POST, "/v1/pairings", PV_ROUTE_SESSION, false, 0, pv_pairings_post},
    {PV_METHOD_PUT, "/v1/pairings/{plate}/new/{i}", PV_ROUTE_NONE, false, PV_LIMIT_PAIRING_BYTES, pv_pairing_new_put},
    {PV_METHOD_GET, "/v1/pairings/{plate}/new/{i}", PV_ROUTE_NONE, false, 0, pv_pairing_new_get},
    {PV_METHOD_PUT, "/v1/pairings/{plate}/old/{i}", PV_ROUTE_SESSION, false, PV_LIMIT_PAIRING_BYTES, pv_pairing_old_put},
    {PV_METHOD_GET, "/v1/pairings/{plate}/old/{i}", PV_ROUTE_NONE, false, 0, pv_pairing_old_get},
};

/* ---- matching */

static bool take_hex(const char *text, size_t n, uint8_t *ret_bytes, size_t bytes)
{
    return pv_hex_decode(text, n, ret_bytes, bytes) == PV_OK;
}

static bool take_number(const char *text, size_t n, uint64_t *ret_value)
{
    char digits[20];
    if (n >= sizeof digits) return false;
    memcpy(digits, text, n);
    digits[n] = 0;
    return pv_parse_uint(digits, PV_LIMIT_N, ret_value) == PV_OK;
}

/* One segment of a path against one of a pattern, taking what a variable names. */
static bool match_segment(struct pv_web_request *request, const char *pattern, size_t pattern_len, const char *text,
                          size_t len)
{
    if (pattern[0] != '{') return pattern_len == len && memcmp(pattern, text, len) == 0;
    if (strncmp(pattern, "{room}", pattern_len) == 0) return take_hex(text, len, request->room.b, sizeof request->room.b);
    if (strncmp(pattern, "{id}", pattern_len) == 0) return take_hex(text, len, request->id.b, sizeof request->id.b);
    if (strncmp(pattern, "{index}", pattern_len) == 0 || strncmp(pattern, "{plate}", pattern_len) == 0)
        return take_number(text, len, &request->index);
    return take_number(text, len, &request->i);
}

static bool match(struct pv_web_request *request, const char *pattern)
{
    const char *path = request->path;
    while (*pattern == '/' && *path == '/') {
        size_t pattern_len = strcspn(++pattern, "/"), len = strcspn(++path, "/");
        if (!match_segment(request, pattern, pattern_len, path, len)) return false;
        pattern += pattern_len;
        path += len;
    }
    return !*pattern && !*path;
}

static const struct pv_route *find_route(struct pv_web_request *request, bool *ret_known_path)
{
    enum pv_web_method method = request->method == PV_METHOD_HEAD ? PV_METHOD_GET : request->method;
    *ret_known_path = false;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!match(request, routes[i].pattern)) continue;
        *ret_known_path = true;
        if (routes[i].method == method) return &routes[i];
    }
    return NULL;
}

/* ---- authorization */

static enum pv_err use_session(struct pv_server *server, struct pv_web_request *request, const char *text)
{
    uint8_t token[32];
    if (pv_secret_read(text, token)) return PV_ERR_UNAUTHENTICATED;
    pv_secret_hash("token", token, &request->token_hash);
    pv_wipe(token, sizeof token);
    enum pv_err err = pv_session_find(server->sessions, server->meta, &request->token_hash, pv_server_now_ms(server),
                                      &request->session);
    if (err == PV_ERR_NOT_FOUND) return PV_ERR_UNAUTHENTICATED;
    if (!err) request->has_session = true;
    return err;
}

static enum pv_err use_ticket(struct pv_server *server, struct pv_web_request *request, const char *text)
{
    uint8_t ticket[32];
    struct pv_hash hash;
    uint64_t room;
    if (pv_secret_read(text, ticket)) return PV_ERR_UNAUTHENTICATED;
    pv_secret_hash("ticket", ticket, &hash);
    pv_wipe(ticket, sizeof ticket);
    enum pv_err err = server->meta->ops->ticket(server->meta, &hash, pv_server_now_ms(server), &room);
    if (err == PV_ERR_NOT_FOUND) return PV_ERR_UNAUTHENTICATED;
    if (err) return err;
    request->access = PV_ACCESS_VIEWER;
    request->is_ticket = true;
    return room == request->room_row.no ? PV_OK : PV_ERR_DENIED;
}

static enum pv_err find_room(struct pv_server *server, struct pv_web_request *request)
{
    if (request->route->auth < PV_ROUTE_ROOM) return PV_OK;
    return server->meta->ops->room(server->meta, &request->room, &request->room_row);
}

static enum pv_err find_access(struct pv_server *server, struct pv_web_request *request)
{
    enum pv_route_auth auth = request->route->auth;
    if (auth <= PV_ROUTE_ROOM) return PV_OK; /* what is appended, the room's own roster judges */
    enum pv_err err = server->meta->ops->access(server->meta, request->room_row.no, &request->session.device_id,
                                                &request->access);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    if (err) request->access = PV_ACCESS_NONE;
    /* Who is about to join reads with a session and a ticket beside it. */
    const char *ticket = request->header(request->driver, "Privity-Ticket");
    if (auth == PV_ROUTE_READ && request->access < PV_ACCESS_VIEWER) {
        if (ticket && use_ticket(server, request, ticket) == PV_OK) return PV_OK;
        request->access = PV_ACCESS_NONE;
        /* Whom the tail let in that a restore lost, a room does not know: they see how far it comes, to give that back. */
        return request->room_row.restored && request->route->handler == pv_entries_get ? PV_OK : PV_ERR_DENIED;
    }
    if (auth == PV_ROUTE_WRITE && request->access < PV_ACCESS_EDITOR) return PV_ERR_DENIED;
    return PV_OK;
}

/* Problems of authorization tell no stranger whether a room exists: that comes after the credentials. */
static bool authorize(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    const char *value = request->header(request->driver, "Authorization");
    enum pv_err err;
    if (request->route->auth == PV_ROUTE_NONE) return true;
    if (!value) {
        err = PV_ERR_UNAUTHENTICATED;
    } else if (strncmp(value, "Bearer ", 7) == 0) {
        err = use_session(server, request, value + 7);
        if (err == PV_ERR_DENIED) {
            pv_problem(response, err, "suspended", "this account is suspended");
            return false;
        }
        if (!err) err = find_room(server, request);
        if (!err) err = find_access(server, request);
    } else if (strncmp(value, "Ticket ", 7) == 0 && request->route->auth == PV_ROUTE_READ) {
        err = find_room(server, request);
        if (err == PV_ERR_NOT_FOUND) err = PV_ERR_UNAUTHENTICATED;
        if (!err) err = use_ticket(server, request, value + 7);
    } else {
        err = PV_ERR_UNAUTHENTICATED;
    }
    if (err == PV_ERR_UNAUTHENTICATED) pv_problem(response, err, NULL, "this needs a session that is valid now");
    else if (err == PV_ERR_DENIED) pv_problem(response, err, "role", "this device's role in the room does not allow it");
    else if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, NULL, "no such room here");
    else if (err) pv_problem_of(response, err);
    return err == PV_OK;
}

/* ---- the steps of a request */

static bool check_length(struct pv_web_request *request, struct pv_web_response *response)
{
    bool carries = request->method == PV_METHOD_POST || request->method == PV_METHOD_PUT;
    if (!request->has_length && carries) {
        pv_problem_status(response, 411, PV_ERR_USAGE, "length", "a body needs a Content-Length");
        return false;
    }
    if (request->length > request->route->max_body_bytes) {
        pv_problem(response, PV_ERR_LIMIT, "body", "the body is over %llu bytes",
                   (unsigned long long)request->route->max_body_bytes);
        return false;
    }
    return true;
}

static bool begin_upload(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    enum pv_err err = PV_ERR_NOMEM;
    if (!pv_limits_upload(server, &request->session.device_id, response)) return false;
    request->upload_counted = true;
    if (!pv_limits_announce(server, &request->session, request->length, response)) return false;
    request->upload_announced = true;
    request->upload_hash = malloc(sizeof *request->upload_hash);
    if (request->upload_hash) {
        pv_sha256_init(request->upload_hash);
        pv_random_fill(&server->random, request->upload_locator.b, sizeof request->upload_locator.b);
        err = server->blobs->ops->begin(server->blobs, &request->upload_locator, &request->upload);
    }
    if (err) pv_problem_of(response, err);
    return err == PV_OK;
}

bool pv_router_begin(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    bool known_path;
    const struct pv_route *route = find_route(request, &known_path);
    if (!route) {
        if (known_path) pv_problem_status(response, 405, PV_ERR_USAGE, "method", "this resource does not know that method");
        else pv_problem(response, PV_ERR_NOT_FOUND, NULL, "no such resource");
        return false;
    }
    request->route = route;
    if (!pv_limits_address(server, request, response) || !check_length(request, response) ||
        !authorize(server, request, response) || !pv_limits_device(server, request, response))
        return false;
    return route->uploads ? begin_upload(server, request, response) : pv_limits_hold(server, request, request->length, response);
}

void pv_router_upload(struct pv_server *server, struct pv_web_request *request, struct pv_bytes part)
{
    if (request->upload_err) return;
    if (part.n > request->length - request->upload_bytes) { /* the limit was checked against what was announced */
        request->upload_err = PV_ERR_LIMIT;
        return;
    }
    request->upload_bytes += part.n;
    pv_sha256_update(request->upload_hash, part.p, part.n);
    request->upload_err = server->blobs->ops->write(request->upload, part.p, part.n);
}

void pv_router_run(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    request->route->handler(server, request, response);
}

void pv_router_end(struct pv_server *server, struct pv_web_request *request)
{
    pv_limits_release(server, request);
    if (request->upload) server->blobs->ops->abandon(request->upload);
    request->upload = NULL;
    free(request->upload_hash);
    request->upload_hash = NULL;
    if (request->upload_counted) pv_limits_upload_end(server, &request->session.device_id);
    request->upload_counted = false;
    if (request->upload_announced) pv_limits_arrived(server, &request->session, request->length, request->upload_bytes);
    request->upload_announced = false;
}
