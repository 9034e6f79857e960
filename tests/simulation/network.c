/* Between devices and the server: requests and answers that are lost, come twice or come late; sessions. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/base64.h"
#include "tests/simulation/world.h"

static const char *const methods[] = {[PV_GET] = "GET", [PV_POST] = "POST", [PV_PUT] = "PUT", [PV_DELETE] = "DELETE"};

struct packet {
    enum pv_method method;
    const char *path;
    const char *authorization, *ticket; /* "" for none */
    struct pv_bytes body;
};

static void check_plaintext(struct sim_world *world, struct pv_bytes body)
{
    if (body.n && memmem(body.p, body.n, SIM_CANARY, strlen(SIM_CANARY)))
        sim_fail(world, "P1", "a request holds what only members may read");
    sim_ledger_sent(world, body);
}

/* The server works on it. False: it went down over it, or is down. */
static bool serve(struct sim_world *world, struct sim_host *host, const struct packet *packet, struct sim_answer *ret_answer)
{
    struct srv_header headers[3] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}}, *next = headers;
    struct pv_web_response response;
    struct sim_device *actor = world->actor;
    if (!host->up) return false;
    if (packet->authorization[0]) *next++ = (struct srv_header){"Authorization", packet->authorization};
    if (packet->ticket[0]) *next++ = (struct srv_header){"Privity-Ticket", packet->ticket};
    check_plaintext(world, packet->body);
    world->actor = NULL;
    world->requests++;
    host->srv.now_ms = world->now_ms;
    world->serving = true;
    sim_host_works(host);
    srv_request(&host->srv, methods[packet->method], packet->path, headers, packet->body, &response);
    sim_host_works(NULL);
    world->serving = false;
    world->actor = actor;
    bool alive = !sim_disk_is_dead(host->disk);
    if (alive) {
        ret_answer->status = response.status;
        ret_answer->problem = response.status >= 400 ? response.err : PV_OK;
        snprintf(ret_answer->reason, sizeof ret_answer->reason, "%s", srv_reason);
        pv_buf_clear(&ret_answer->body);
        pv_buf_append(&ret_answer->body, response.body.p, response.body.n);
        sim_ledger_observe(world, host, false);
        if (response.status == 200 && strstr(packet->path, "/release")) sim_ledger_released(world, host, packet->path);
    } else {
        sim_tell(world, "the server loses power while it works");
        sim_host_stop(world, host, true);
    }
    pv_web_response_release(&response);
    bool waits = strcmp(ret_answer->reason, "restored") == 0, full = sim_disk_is_full(host->disk);
    if (alive && ret_answer->status >= 500 && !waits && !full && !world->failed)
        sim_fail(world, "P2", "the server answers %u to %s", ret_answer->status, packet->path);
    return alive;
}

/* ---- sessions */

static bool log_in(struct sim_world *world, struct sim_device *device, struct sim_host *host)
{
    struct pv_task *task = NULL;
    struct sim_answer answer = {.status = 0};
    uint64_t expires_ms;
    pv_buf_init(&answer.body, SIZE_MAX);
    enum pv_err err = pv_session_task(&device->me, world->server.name, &task);
    const struct pv_request *request = NULL;
    while (!err && !(err = pv_task_next(task, &request)) && request) {
        struct packet packet = {request->method, request->path, "", "", request->body};
        if (!serve(world, host, &packet, &answer)) err = PV_ERR_OFFLINE;
        struct pv_response response = {.status = answer.status, .body = pv_buf_bytes(&answer.body), .problem = answer.problem,
                                       .problem_detail = "", .problem_reason = answer.reason};
        if (!err) err = pv_task_feed(task, &response);
    }
    if (!err) snprintf(device->token, sizeof device->token, "Bearer %s", pv_session_token(task, &expires_ms));
    else if (err != PV_ERR_OFFLINE && !sim_disk_is_full(host->disk)) sim_fail(world, "life", "device %u gets no session: %s", device->number, pv_err_web_name(err));
    pv_task_free(task);
    pv_buf_release(&answer.body);
    return !err;
}

bool sim_ask_unknown(struct sim_world *world, struct sim_host *host, const struct pv_request *request, struct sim_answer *ret_answer)
{
    struct packet packet = {request->method, request->path, "", "", request->body};
    return serve(world, host, &packet, ret_answer);
}

/* ---- faults */

static void hold(struct sim_world *world, unsigned host, const struct packet *packet)
{
    unsigned slot = (unsigned)sim_below(world, SIM_HELD);
    struct sim_held *held = &world->held[slot];
    if (held->there) pv_buf_release(&held->body);
    *held = (struct sim_held){.there = true, .host = host, .method = packet->method};
    snprintf(held->path, sizeof held->path, "%s", packet->path);
    snprintf(held->authorization, sizeof held->authorization, "%s", packet->authorization);
    snprintf(held->ticket, sizeof held->ticket, "%s", packet->ticket);
    pv_buf_init(&held->body, SIZE_MAX);
    pv_buf_append(&held->body, packet->body.p, packet->body.n);
    sim_tell(world, "  … is held up (%u)", slot);
}

void sim_deliver_held(struct sim_world *world, unsigned slot)
{
    struct sim_held *held = &world->held[slot];
    struct sim_answer answer = {.status = 0};
    if (!held->there) return;
    held->there = false;
    struct packet packet = {held->method, held->path, held->authorization, held->ticket, pv_buf_bytes(&held->body)};
    pv_buf_init(&answer.body, SIZE_MAX);
    if (world->hosts[held->host].there && serve(world, &world->hosts[held->host], &packet, &answer))
        sim_tell(world, "held up, %s %.40s arrives: %u", methods[held->method], held->path, answer.status);
    pv_buf_release(&answer.body);
    pv_buf_release(&held->body);
}

/* True: an answer comes back. */
static bool through_weather(struct sim_world *world, unsigned host, const struct packet *packet, struct sim_answer *answer)
{
    enum { FINE, LOST, UNANSWERED, TWICE, LATE } fault = FINE;
    if (!world->calm && world->step >= SIM_SETTLED && sim_chance(world, world->weather.net_faults)) fault = 1 + (unsigned)sim_below(world, 4);
    if (fault == LOST) sim_tell(world, "  … is lost");
    if (fault == LATE) hold(world, host, packet);
    if (fault == LOST || fault == LATE) return false;
    if (!serve(world, &world->hosts[host], packet, answer)) return false;
    if (fault == TWICE && sim_chance(world, 128)) {
        sim_tell(world, "  … comes twice");
        return serve(world, &world->hosts[host], packet, answer);
    }
    if (fault == UNANSWERED) sim_tell(world, "  … its answer is lost (%u)", answer->status);
    return fault != UNANSWERED;
}

static void keep_ticket(struct sim_device *device, struct pv_bytes answer)
{
    struct pv_cbor in;
    struct pv_hash ticket;
    struct pv_buf text;
    pv_cbor_init(&in, answer);
    pv_cbor_get_array_of(&in, 3);
    (void)pv_cbor_get_item(&in);
    (void)pv_cbor_get_item(&in);
    pv_cbor_get_hash(&in, &ticket);
    if (in.err) return;
    pv_buf_init_fixed(&text, device->ticket, sizeof device->ticket - 1);
    pv_base64_put(&text, PV_BASE64_URL, PV_BYTES_OF(ticket));
    device->ticket[text.n] = 0;
}

bool sim_ask(struct sim_world *world, struct sim_device *device, const struct pv_request *request, struct sim_answer *ret_answer)
{
    struct sim_host *host = &world->hosts[device->host];
    char ticket[80];
    for (int tries = 0; tries < 2; tries++) {
        struct packet packet = {request->method, request->path, "", "", request->body};
        if (request->auth == PV_AUTH_SESSION) {
            if (!device->token[0] && !log_in(world, device, host)) return false;
            packet.authorization = device->token;
            packet.ticket = device->ticket;
        } else if (request->auth == PV_AUTH_TICKET) {
            snprintf(ticket, sizeof ticket, "Ticket %s", device->ticket);
            packet.authorization = ticket;
        }
        if (!through_weather(world, device->host, &packet, ret_answer)) return false;
        if (ret_answer->status != 401 || request->auth != PV_AUTH_SESSION) break;
        device->token[0] = 0;
    }
    if (world->weather.lies && !world->calm && world->step >= SIM_SETTLED && sim_chance(world, 40)) sim_lie(world, device, host, request, ret_answer);
    else if (sim_chance(world, 60)) sim_shorten(world, request, ret_answer);
    if (ret_answer->status == 200 && strstr(request->path, "/release")) keep_ticket(device, pv_buf_bytes(&ret_answer->body));
    return true;
}
