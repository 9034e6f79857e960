/* Pairings: mailboxes of four messages, by which a person's old device adds a new one. The server reads none of them;
 * what they say is sealed under a key from a code that it does not know (core/room/pairing). */
#include "core/room/pairing.h"
#include "server/limits.h"
#include "server/server.h"

enum { TRIES = 64, NEW_SLOTS = 2 };

/* An old device's mailbox, under a plate that is free. */
void pv_pairings_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    uint64_t now_ms = pv_server_now_ms(server), expires_ms = now_ms + PV_PAIRING_MS;
    enum pv_err err = PV_ERR_CONFLICT;
    unsigned plate = 0;
    if (!request->session.has_person) {
        pv_problem(response, PV_ERR_DENIED, "person", "only a person's device on this server can add another");
        return;
    }
    for (int i = 0; i < TRIES && err == PV_ERR_CONFLICT; i++) {
        uint32_t value;
        pv_random_fill(&server->random, &value, sizeof value);
        plate = value % PV_PAIRING_PLATES;
        err = server->meta->ops->pairing_new(server->meta, plate, &request->session.device_id, now_ms, expires_ms);
    }
    if (err == PV_ERR_CONFLICT) {
        pv_problem(response, PV_ERR_RATE, "busy", "too many devices are being added here right now, try again later");
        response->retry_after_s = 60;
        return;
    }
    if (err) {
        pv_problem_of(response, err);
        return;
    }
    pv_cbor_put_array(&response->body, 2);
    pv_cbor_put_uint(&response->body, plate);
    pv_cbor_put_uint(&response->body, expires_ms);
    pv_answer(response, PV_TYPE_CBOR);
    response->status = 201;
}

static void problem_of_pairing(struct pv_web_response *response, enum pv_err err)
{
    if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, "pairing", "no device is being added under this code, or no longer");
    else if (err == PV_ERR_CONFLICT) pv_problem(response, err, "message", "another message stands there already");
    else pv_problem_of(response, err);
}

static bool check_slot(const struct pv_web_request *request, struct pv_web_response *response)
{
    if (request->index < PV_PAIRING_PLATES && request->i >= 1 && request->i <= NEW_SLOTS) return true;
    pv_problem(response, PV_ERR_NOT_FOUND, NULL, "no such resource");
    return false;
}

static void put(struct pv_server *server, const struct pv_web_request *request, unsigned slot,
                struct pv_web_response *response)
{
    if (!pv_limits_may_guess(server, request, response)) return;
    enum pv_err err = server->meta->ops->pairing_put(server->meta, (unsigned)request->index, slot,
                                                     pv_server_now_ms(server), request->body);
    if (err == PV_ERR_NOT_FOUND) pv_limits_guessed(server, request);
    if (err) problem_of_pairing(response, err);
    else response->status = 201;
}

/* Messages 1 and 3, by whoever types the code: there is no account yet. */
void pv_pairing_new_put(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    if (check_slot(request, response)) put(server, request, (unsigned)(2 * request->i - 1), response);
}

/* Messages 2 and 4, by the device whose mailbox it is. */
void pv_pairing_old_put(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_hash device;
    if (!check_slot(request, response) || !pv_limits_may_guess(server, request, response)) return;
    enum pv_err err = server->meta->ops->pairing(server->meta, (unsigned)request->index, pv_server_now_ms(server), &device);
    if (err == PV_ERR_NOT_FOUND || (!err && !pv_hash_equal(&device, &request->session.device_id))) pv_limits_guessed(server, request);
    if (err) problem_of_pairing(response, err);
    else if (!pv_hash_equal(&device, &request->session.device_id))
        pv_problem(response, PV_ERR_DENIED, "device", "this pairing is another device's");
    else put(server, request, (unsigned)(2 * request->i), response);
}

static void get(struct pv_server *server, const struct pv_web_request *request, unsigned slot,
                struct pv_web_response *response)
{
    uint8_t memory[PV_LIMIT_PAIRING_BYTES];
    struct pv_buf message;
    bool there;
    if (!pv_limits_may_guess(server, request, response)) return;
    pv_buf_init_fixed(&message, memory, sizeof memory);
    enum pv_err err = server->meta->ops->pairing_get(server->meta, (unsigned)request->index, slot,
                                                     pv_server_now_ms(server), &message, &there);
    if (err == PV_ERR_NOT_FOUND) pv_limits_guessed(server, request);
    if (err) {
        problem_of_pairing(response, err);
        return;
    }
    if (there) pv_cbor_put_bytes(&response->body, message.p, message.n);
    else pv_cbor_put_null(&response->body);
    pv_answer(response, PV_TYPE_CBOR);
}

void pv_pairing_new_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    if (check_slot(request, response)) get(server, request, (unsigned)(2 * request->i - 1), response);
}

void pv_pairing_old_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    if (check_slot(request, response)) get(server, request, (unsigned)(2 * request->i), response);
}
