/* Gates: half a secret under a policy, released once the policy holds. */
#include <string.h>

#include "core/room/gate.h"
#include "server/committer.h"
#include "server/limits.h"

enum { PASSWORD_TRIES = 10, PASSWORD_WINDOW_MS = 3600 * 1000 };

/* Is the session's device an owner's in the room? Else the response says why. */
static bool check_owner(struct pv_server *server, const struct pv_web_request *request, uint64_t room,
                        struct pv_web_response *response)
{
    enum pv_access access = PV_ACCESS_NONE;
    enum pv_err err = server->meta->ops->access(server->meta, room, &request->session.device_id, &access);
    if (err && err != PV_ERR_NOT_FOUND) pv_problem_of(response, err);
    else if (access != PV_ACCESS_OWNER) pv_problem(response, PV_ERR_DENIED, "role", "only an owner of the room keeps its gates");
    return access == PV_ACCESS_OWNER;
}

static bool is_waiting(const struct pv_meta_room *room, struct pv_web_response *response)
{
    if (room->restored) pv_problem(response, PV_ERR_OFFLINE, "restored", PV_DETAIL_RESTORED);
    return room->restored;
}

/* ---- PUT */

struct put {
    struct pv_bytes signed_gate;
    struct pv_gate gate;
    struct pv_hash device;
    bool has_half;
    struct pv_half_b half; /* secret */
};

static enum pv_err read_put(struct pv_bytes body, struct put *ret_put)
{
    struct pv_cbor in;
    pv_cbor_init(&in, body);
    pv_cbor_get_array_of(&in, 2);
    ret_put->signed_gate = pv_cbor_get_item(&in);
    ret_put->has_half = !pv_cbor_take_null(&in);
    if (ret_put->has_half) pv_cbor_get_fixed(&in, ret_put->half.b, sizeof ret_put->half.b);
    enum pv_err err = pv_cbor_finish(&in);
    return err ? err : pv_gate_read_signed(ret_put->signed_gate, &ret_put->gate, &ret_put->device);
}

static bool check_put(struct pv_server *server, const struct pv_web_request *request, const struct put *put,
                      struct pv_meta_room *ret_room, struct pv_web_response *response)
{
    struct pv_hash half_hash;
    if (!pv_id16_equal(&put->gate.id, &request->id)) {
        pv_problem(response, PV_ERR_MALFORMED, "id", "the gate is another than the address names");
        return false;
    }
    enum pv_err err = server->meta->ops->room(server->meta, &put->gate.room, ret_room);
    if (err) {
        if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, NULL, "no such room here");
        else pv_problem_of(response, err);
        return false;
    }
    if (!check_owner(server, request, ret_room->no, response)) return false;
    if (!pv_hash_equal(&put->device, &request->session.device_id) ||
        pv_gate_verify(put->signed_gate, &request->session.device.sign_pk)) {
        pv_problem(response, PV_ERR_BAD_SIG, "signature", "the gate is not signed by the session's device");
        return false;
    }
    pv_half_b_hash(&put->half, &half_hash);
    if (put->has_half && !pv_hash_equal(&half_hash, &put->gate.half_hash)) {
        pv_problem(response, PV_ERR_BROKEN_CHAIN, "half", "the half is not the one that the gate names");
        return false;
    }
    if (!put->has_half && put->gate.version == 1) {
        pv_problem(response, PV_ERR_MALFORMED, "half", "a new gate comes with its half");
        return false;
    }
    return !is_waiting(ret_room, response);
}

static void take_put(const struct put *put, const struct pv_meta_room *room, struct pv_job *job)
{
    job->room = room->id;
    job->gate = put->gate.id;
    job->gate_version = put->gate.version;
    job->signed_gate = put->signed_gate;
    job->gate_refs = put->gate.refs;
    job->has_half = put->has_half;
    job->half = put->half;
}

void pv_gate_put_handler(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta_room room;
    struct put put = {0};
    enum pv_err err = read_put(request->body, &put);
    if (err) {
        pv_problem(response, err, NULL, "the body is not [signed gate, half or null]");
    } else if (check_put(server, request, &put, &room, response) &&
               pv_limits_bytes(server, &request->session, request->body.n, response)) {
        err = pv_job_new(PV_JOB_GATE, 0, &response->job); /* only the committer knows which invites are ending */
        if (err) pv_problem_of(response, err);
        else take_put(&put, &room, response->job);
    }
    pv_wipe(&put.half, sizeof put.half);
}

/* ---- GET, DELETE */

static void problem_gone(struct pv_web_response *response, const struct pv_meta_gate *row)
{
    static const char *const reasons[] = {"expired", "spent", "revoked"};
    const char *reason = "revoked";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(row->reason, reasons[i]) == 0) reason = reasons[i];
    pv_problem(response, PV_ERR_EXPIRED, reason, "this link is %s", strcmp(reason, "spent") == 0 ? "used up" : reason);
}

/* The gate as stored. False: the response says why not. */
static bool find_gate(struct pv_server *server, const struct pv_id16 *id, struct pv_meta_gate *ret_row,
                      struct pv_buf *signed_gate, struct pv_gate *ret_gate, struct pv_web_response *response)
{
    struct pv_hash device;
    enum pv_err err = server->meta->ops->gate(server->meta, id, ret_row, signed_gate);
    if (!err && pv_gate_read_signed(pv_buf_bytes(signed_gate), ret_gate, &device)) err = PV_ERR_CORRUPT;
    if (!err && (ret_gate->version != ret_row->version || memcmp(ret_gate->id.b, id->b, sizeof id->b) != 0)) err = PV_ERR_CORRUPT;
    if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, NULL, "no such gate here");
    else if (err) pv_problem_of(response, err);
    return err == PV_OK;
}

/* The encoded policy within a signed gate. */
static struct pv_bytes policy_of(struct pv_bytes signed_gate)
{
    enum { BEFORE_POLICY = 7, FIELDS = 11 };
    struct pv_cbor in;
    pv_cbor_init(&in, signed_gate);
    pv_cbor_get_array_of(&in, 3);
    pv_cbor_get_array_of(&in, FIELDS);
    for (int i = 0; i < BEFORE_POLICY; i++) pv_cbor_get_item(&in);
    return pv_cbor_get_item(&in);
}

void pv_gate_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta_gate row = {0};
    struct pv_gate gate;
    struct pv_buf signed_gate;
    pv_buf_init(&signed_gate, PV_LIMIT_GATE_BYTES + 256);
    if (find_gate(server, &request->id, &row, &signed_gate, &gate, response)) {
        struct pv_bytes policy = policy_of(pv_buf_bytes(&signed_gate));
        pv_cbor_put_array(&response->body, 3);
        pv_cbor_put_uint(&response->body, gate.version);
        pv_cbor_put_bool(&response->body, gate.has_proof_hash);
        pv_buf_append(&response->body, policy.p, policy.n);
        pv_answer(response, PV_TYPE_CBOR);
        if (!row.has_half) problem_gone(response, &row);
    }
    pv_wipe(row.half_b, sizeof row.half_b);
    pv_buf_release(&signed_gate);
}

void pv_gate_delete(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta_gate row = {0};
    struct pv_gate gate;
    struct pv_buf signed_gate;
    pv_buf_init(&signed_gate, PV_LIMIT_GATE_BYTES + 256);
    if (find_gate(server, &request->id, &row, &signed_gate, &gate, response) &&
        check_owner(server, request, row.room.no, response)) {
        enum pv_err err = server->meta->ops->gate_close(server->meta, &request->id, row.room.no, "revoked");
        if (err) pv_problem_of(response, err);
        else response->status = 204;
    }
    pv_wipe(row.half_b, sizeof row.half_b);
    pv_buf_release(&signed_gate);
}

/* ---- release */

/* A key for counting wrong passwords of a gate. */
static void tries_key(const struct pv_id16 *id, struct pv_hash *ret_key)
{
    pv_hash_bytes("gate-tries", pv_bytes(id->b, sizeof id->b), ret_key);
}

/* A try is counted before it is looked at, and taken back if it was right: so of any number at once, no more than
 * PASSWORD_TRIES wrong ones are told so. */
static bool check_password(struct pv_server *server, const struct pv_gate *gate,
                           const struct pv_release_request *wanted, struct pv_web_response *response)
{
    struct pv_meta *meta = server->meta;
    struct pv_hash proof_hash, key;
    uint64_t now_ms = pv_server_now_ms(server), window = now_ms / PASSWORD_WINDOW_MS, tries, ends_ms = (window + 1) * PASSWORD_WINDOW_MS;
    if (!gate->has_proof_hash) return true;
    tries_key(&gate->id, &key);
    enum pv_err err = meta->ops->count(meta, "password", &key, window, 0, 0, &tries);
    bool good = !err && tries < PASSWORD_TRIES;
    if (good && wanted->has_proof) {
        err = meta->ops->count(meta, "password", &key, window, 1, ends_ms, &tries);
        good = !err && tries <= PASSWORD_TRIES;
    }
    if (!err && !good) {
        pv_problem(response, PV_ERR_RATE, "password", "too many wrong passwords for this link");
        response->retry_after_s = (unsigned)(ends_ms / 1000 - now_ms / 1000) + 1;
        return false;
    }
    pv_gate_proof_hash(&wanted->proof, &proof_hash);
    if (!err && wanted->has_proof && pv_secret_equal(proof_hash.b, gate->proof_hash.b, sizeof proof_hash.b)) {
        err = meta->ops->count(meta, "password", &key, window, -1, ends_ms, &tries);
        if (!err) return true;
    }
    if (err) pv_problem_of(response, err);
    else pv_problem(response, PV_ERR_DENIED, "password", "the password is wrong or missing");
    return false;
}

static bool check_policy(struct pv_server *server, const struct pv_gate *gate, const struct pv_meta_gate *row,
                         bool repeated, struct pv_web_response *response)
{
    const struct pv_gate_policy *policy = &gate->policy;
    uint64_t now_ms = pv_server_now_ms(server);
    if (now_ms < row->room.note_time_s * 1000) now_ms = row->room.note_time_s * 1000; /* no clock set back opens it */
    if (policy->has_not_before && now_ms < policy->not_before_ms) {
        pv_problem(response, PV_ERR_DENIED, "early", "this link opens later");
    } else if (policy->has_not_after && now_ms >= policy->not_after_ms) {
        enum pv_err err = server->meta->ops->gate_close(server->meta, &gate->id, row->room.no, "expired");
        (void)err; /* refused in any case */
        pv_problem(response, PV_ERR_EXPIRED, "expired", "this link has expired");
    } else if (policy->has_document) {
        pv_problem(response, PV_ERR_DENIED, "unsigned", "this link opens for who has signed its agreement");
    } else if (policy->person_count || policy->approvals || policy->wait_ms || policy->vetoer_count) {
        pv_problem(response, PV_ERR_DENIED, "unapproved", "this link opens with an approval");
    } else if (policy->has_max_releases && row->releases >= policy->max_releases && !repeated) {
        pv_problem(response, PV_ERR_EXPIRED, "spent", "this link is used up");
    } else {
        return true;
    }
    return false;
}

static bool check_request(const struct pv_gate *gate, const struct pv_meta_gate *row,
                          const struct pv_release_request *wanted, struct pv_web_response *response)
{
    if (pv_release_request_verify(wanted, &gate->a_key))
        pv_problem(response, PV_ERR_DENIED, "signature", "the request is not made with this link");
    else if (!row->has_half) problem_gone(response, row);
    else if (wanted->version != gate->version)
        pv_problem(response, PV_ERR_CONFLICT, "version", "the gate has changed: read it again");
    else return true;
    return false;
}

/* Seal B to the requester, beside a fresh ticket. The body is answered once the release is in the log. */
static enum pv_err make_answer(struct pv_server *server, const struct pv_release_request *wanted,
                               const struct pv_meta_gate *row, struct pv_hash *ret_ticket_hash, struct pv_buf *body)
{
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
    struct pv_hash ticket;
    struct pv_half_b half;
    pv_random_fill(&server->random, enc_seed, sizeof enc_seed);
    pv_random_fill(&server->random, ticket.b, sizeof ticket.b);
    memcpy(half.b, row->half_b, sizeof half.b);
    enum pv_err err = pv_release_answer_make(&wanted->gate, &wanted->kem_pk, enc_seed, &half, &ticket, body);
    pv_secret_hash("ticket", ticket.b, ret_ticket_hash);
    pv_wipe(&half, sizeof half);
    pv_wipe(&ticket, sizeof ticket);
    pv_wipe(enc_seed, sizeof enc_seed);
    return err ? err : body->err;
}

static void release(struct pv_server *server, const struct pv_release_request *wanted, const struct pv_gate *gate,
                    const struct pv_meta_gate *row, struct pv_web_response *response)
{
    struct pv_meta *meta = server->meta;
    struct pv_hash request_id, ticket_hash;
    struct pv_job *job = NULL;
    bool repeated = false;
    pv_release_request_id(&wanted->kem_pk, &request_id);
    enum pv_err err = meta->ops->released(meta, &gate->id, &request_id, &repeated);
    if (err) {
        pv_problem_of(response, err);
        return;
    }
    if (!check_policy(server, gate, row, repeated, response) || !check_password(server, gate, wanted, response)) return;
    err = make_answer(server, wanted, row, &ticket_hash, &response->body);
    if (!err && repeated) { /* the same half again, a ticket that only reads, nothing counted */
        uint64_t until_ms = pv_server_now_ms(server) + PV_TICKET_MS, unused;
        err = meta->ops->ticket_put(meta, &ticket_hash, row->room.no, until_ms);
        /* It reads: an account for every repetition would be an account for nothing. */
        if (!err) err = meta->ops->count(meta, PV_META_COUNT_REGISTERED, &ticket_hash, 0, 1, until_ms, &unused);
        if (!err) pv_answer(response, PV_TYPE_CBOR);
    } else if (!err) {
        err = pv_job_new(PV_JOB_RELEASE, 0, &job);
    }
    if (err) {
        pv_problem(response, err == PV_ERR_MALFORMED ? PV_ERR_DENIED : err, NULL, "%s",
                   err == PV_ERR_MALFORMED ? "the request's key is refused" : pv_err_text(err));
    } else if (job) {
        job->room = row->room.id;
        job->gate = gate->id;
        job->gate_version = gate->version;
        job->max_releases = gate->policy.has_max_releases ? gate->policy.max_releases : UINT64_MAX;
        job->request = request_id;
        job->ticket_hash = ticket_hash;
        response->job = job;
    }
}

void pv_gate_release_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_release_request wanted = {0};
    struct pv_meta_gate row = {0};
    struct pv_gate gate;
    struct pv_buf signed_gate;
    enum pv_err err = pv_release_request_read(request->body, &wanted);
    if (!err && !pv_id16_equal(&wanted.gate, &request->id)) err = PV_ERR_MALFORMED;
    if (err) {
        pv_problem(response, err, NULL, "the body is not a release request for this gate");
        return;
    }
    pv_buf_init(&signed_gate, PV_LIMIT_GATE_BYTES + 256);
    if (find_gate(server, &request->id, &row, &signed_gate, &gate, response) &&
        check_request(&gate, &row, &wanted, response) && !is_waiting(&row.room, response))
        release(server, &wanted, &gate, &row, response);
    pv_wipe(&wanted, sizeof wanted);
    pv_wipe(row.half_b, sizeof row.half_b);
    pv_buf_release(&signed_gate);
}
