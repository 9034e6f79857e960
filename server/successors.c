/* A restored room that goes on in another: an owner's signed word for it, kept beside the ended room. */
#include "core/room/body.h"
#include "core/room/succession.h"
#include "server/limits.h"

static bool refuse(struct pv_web_response *response, enum pv_err err, const char *reason, const char *detail)
{
    pv_problem(response, err, reason, "%s", detail);
    return false;
}

/* What is sealed only members can read; that an owner's device signed it, the server sees to. */
static bool check(const struct pv_web_request *request, struct pv_succession *ret_succession, struct pv_web_response *response)
{
    struct pv_hash device;
    enum pv_err err = pv_succession_read(request->body, ret_succession, &device);
    if (err) return refuse(response, err, NULL, "the body is not a signed succession");
    if (!pv_hash_equal(&ret_succession->room, &request->room))
        return refuse(response, PV_ERR_MALFORMED, "room", "it is another room's");
    if (!pv_hash_equal(&device, &request->session.device_id))
        return refuse(response, PV_ERR_DENIED, "author", "another device signed it than this session's");
    err = pv_succession_verify(request->body, &request->session.device.sign_pk);
    if (err) return refuse(response, err, "signature", "the signature does not hold");
    if (request->access < PV_ACCESS_OWNER) return refuse(response, PV_ERR_DENIED, "role", "only an owner may say where a room goes on");
    if (request->room_row.kind == PV_ROOM_PERSON) return refuse(response, PV_ERR_MALFORMED, "room", "a person's own room goes on in itself");
    return request->room_row.restored ||
           refuse(response, PV_ERR_CONFLICT, "open", "this room takes what is written: it needs no successor");
}

void pv_successor_put(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_succession succession;
    if (!pv_limits_bytes(server, &request->session, request->body.n, response) || !check(request, &succession, response)) return;
    enum pv_err err = server->meta->ops->succeed(server->meta, request->room_row.no, &succession.successor, request->body);
    if (err == PV_ERR_CONFLICT) refuse(response, err, "successor", "an owner has named another successor before");
    else if (err) pv_problem_of(response, err);
    else response->status = 201;
}

void pv_successor_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    enum pv_err err = server->meta->ops->succession(server->meta, request->room_row.no, &response->body);
    if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, "successor", "this room goes on in itself");
    else if (err) pv_problem_of(response, err);
    else pv_answer(response, PV_TYPE_CBOR);
}
