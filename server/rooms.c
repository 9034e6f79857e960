/* Rooms: which ones list a device, and founding one, which for a person's room makes an account. */
#include <string.h>

#include "server/append.h"
#include "server/limits.h"

struct list {
    struct pv_buf items;
    size_t count;
};

static enum pv_err add_room(void *context, const struct pv_meta_room *room)
{
    struct list *list = context;
    pv_cbor_put_array(&list->items, 2);
    pv_cbor_put_hash(&list->items, &room->id);
    pv_cbor_put_uint(&list->items, room->size);
    list->count++;
    return list->items.err;
}

void pv_rooms_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct list list = {0};
    pv_buf_init(&list.items, PV_RESPONSE_MAX_BYTES);
    enum pv_err err = server->meta->ops->rooms_of(server->meta, &request->session.device_id, add_room, &list);
    if (err) {
        pv_problem_of(response, err);
    } else {
        pv_cbor_put_array(&response->body, list.count);
        pv_buf_append(&response->body, list.items.p, list.items.n);
        pv_answer(response, PV_TYPE_CBOR);
    }
    pv_buf_release(&list.items);
}

/* ---- founding */

static bool allow_account(struct pv_server *server, struct pv_web_request *request, struct pv_job *job,
                          struct pv_web_response *response)
{
    const char *value = request->header(request->driver, "Privity-Registration");
    uint8_t secret[32];
    uint64_t room;
    job->registration = PV_REGISTRATION_FREE;
    if (server->registration == PV_REGISTER_OPEN) return true;
    if (server->registration == PV_REGISTER_CLOSED) {
        pv_problem(response, PV_ERR_DENIED, "registration", "this server makes no new accounts");
        return false;
    }
    if (!value || pv_secret_read(value, secret)) {
        pv_problem(response, PV_ERR_DENIED, "registration",
                   value ? "this is no registration code: it is mistyped, or not whole"
                         : "a new account here needs a registration code, which the operator gives, or an invite");
        return false;
    }
    pv_secret_hash("ticket", secret, &job->registration_hash);
    job->registration = PV_REGISTRATION_TICKET;
    if (server->meta->ops->ticket(server->meta, &job->registration_hash, pv_server_now_ms(server), &room)) {
        pv_secret_hash("code", secret, &job->registration_hash);
        job->registration = PV_REGISTRATION_CODE;
    }
    pv_wipe(secret, sizeof secret);
    return true;
}

/* An account may be younger than what is remembered of the session. */
static bool has_account(struct pv_server *server, const struct pv_web_request *request)
{
    struct pv_meta_session session = {0};
    if (request->session.has_person) return true;
    return server->meta->ops->session(server->meta, &request->token_hash, pv_server_now_ms(server), &session) == PV_OK &&
           session.has_person;
}

static bool allow_room(struct pv_server *server, struct pv_web_request *request, struct pv_job *job,
                       struct pv_web_response *response)
{
    struct pv_roster_body body;
    struct pv_meta_room row;
    const struct pv_prepared *first = &job->items[0];
    bool genesis = first->entry.header.kind == PV_KIND_ROSTER && pv_hash_is_zero(&first->entry.header.room) &&
                   pv_roster_body_read(first->bundle.body, &body) == PV_OK && body.type == PV_ROSTER_GENESIS;
    if (!genesis) {
        pv_problem(response, PV_ERR_MALFORMED, "genesis", "a new room begins with a genesis");
        return false;
    }
    if (server->meta->ops->room(server->meta, &job->room, &row) == PV_OK) return true; /* again: the same answer */
    if (body.u.genesis.room_kind == PV_ROOM_PERSON) return allow_account(server, request, job, response);
    if (has_account(server, request) || server->registration == PV_REGISTER_OPEN) return true;
    pv_problem(response, PV_ERR_DENIED, "registration", "only who has an account here may found a room here");
    return false;
}

void pv_rooms_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    if (!pv_limits_bytes(server, &request->session, request->body.n, response)) return;
    struct pv_job *job = pv_append_prepare(&request->session, NULL, request->body, response);
    if (job && !allow_room(server, request, job, response)) {
        pv_job_free(job);
        return;
    }
    response->job = job;
}
