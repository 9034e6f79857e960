/* Small tasks without a room: who the server is, a session, putting and releasing gates. */
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/sync/room.h"
#include "core/sync/task_parts.h"

enum { SMALL_ANSWER = 8 * 1024 };

/* ---- server info */

struct info_task {
    struct pv_task task;
    struct pv_server_info info;
};

static enum pv_err info_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_server_info *info = &((struct info_task *)task)->info;
    struct pv_cbor in;
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, 6);
    if (pv_cbor_get_uint(&in, UINT64_MAX) != 1) pv_cbor_fail(&in, PV_ERR_UNSUPPORTED);
    struct pv_bytes name = pv_cbor_get_text(&in, PV_LIMIT_SERVER_NAME_BYTES);
    pv_cbor_get_fixed(&in, info->log_key.b, sizeof info->log_key.b);
    (void)pv_cbor_get_uint(&in, 2);
    (void)pv_cbor_get_text(&in, 64);
    (void)pv_cbor_get_uint(&in, PV_LIMIT_N);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err && (name.n == 0 || memchr(name.p, '\0', name.n))) err = PV_ERR_MALFORMED;
    if (err) return pv_task_error(task, PV_ERR_IO, "the answer is not that of a privity server");
    memcpy(info->name, name.p, name.n);
    info->name[name.n] = '\0';
    return pv_task_finish(task);
}

static enum pv_err info_begin(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    return pv_task_ask(task, PV_GET, PV_AUTH_NONE, SMALL_ANSWER, info_answer, "/v1/server");
}

enum pv_err pv_server_info_task(struct pv_task **ret_task)
{
    struct info_task *info = calloc(1, sizeof *info);
    if (!info) return PV_ERR_NOMEM;
    pv_task_init(&info->task, info_begin, NULL);
    *ret_task = &info->task;
    return PV_OK;
}

const struct pv_server_info *pv_server_info_result(const struct pv_task *task)
{
    return task->finished ? &((const struct info_task *)task)->info : NULL;
}

/* ---- session */

enum { TOKEN_TEXT_MAX = 128 };

struct session_task {
    struct pv_task task;
    const struct pv_identity *me;
    char server_name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    char token[TOKEN_TEXT_MAX + 1];
    uint64_t expires_ms;
};

static enum pv_err session_token_answer(struct pv_task *task, const struct pv_response *response)
{
    struct session_task *session = (struct session_task *)task;
    struct pv_cbor in;
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, 2);
    struct pv_bytes token = pv_cbor_get_text(&in, TOKEN_TEXT_MAX);
    session->expires_ms = pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (pv_cbor_finish(&in) || token.n == 0)
        return pv_task_error(task, PV_ERR_IO, "the server's answer to a session is not of the expected form");
    memcpy(session->token, token.p, token.n);
    return pv_task_finish(task);
}

static enum pv_err session_nonce_answer(struct pv_task *task, const struct pv_response *response)
{
    struct session_task *session = (struct session_task *)task;
    struct pv_cbor in;
    struct pv_hash nonce;
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, 2);
    pv_cbor_get_hash(&in, &nonce);
    (void)pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (pv_cbor_finish(&in))
        return pv_task_error(task, PV_ERR_IO, "the server's nonce is not of the expected form");
    struct pv_buf signed_part;
    struct pv_sig sig;
    pv_buf_init(&signed_part, 1024);
    pv_cbor_put_text(&signed_part, session->server_name, strlen(session->server_name));
    pv_cbor_put_hash(&signed_part, &nonce);
    enum pv_err err = signed_part.err;
    if (!err) err = pv_sign(&session->me->sign_sk, "session", pv_buf_bytes(&signed_part), &sig);
    pv_buf_release(&signed_part);
    if (err) return err;
    pv_cbor_put_array(&task->body, 3);
    pv_cbor_put_hash(&task->body, &nonce);
    pv_device_put(&task->body, &session->me->public);
    pv_cbor_put_bytes(&task->body, sig.b, sizeof sig.b);
    return pv_task_ask(task, PV_POST, PV_AUTH_NONE, SMALL_ANSWER, session_token_answer, "/v1/session");
}

static enum pv_err session_begin(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    return pv_task_ask(task, PV_POST, PV_AUTH_NONE, SMALL_ANSWER, session_nonce_answer, "/v1/session/nonce");
}

static void session_release(struct pv_task *task)
{
    pv_wipe(((struct session_task *)task)->token, TOKEN_TEXT_MAX);
}

enum pv_err pv_session_task(const struct pv_identity *me, const char *server_name, struct pv_task **ret_task)
{
    if (strlen(server_name) > PV_LIMIT_SERVER_NAME_BYTES) return PV_ERR_LIMIT;
    struct session_task *session = calloc(1, sizeof *session);
    if (!session) return PV_ERR_NOMEM;
    pv_task_init(&session->task, session_begin, session_release);
    session->me = me;
    memcpy(session->server_name, server_name, strlen(server_name));
    *ret_task = &session->task;
    return PV_OK;
}

const char *pv_session_token(const struct pv_task *task, uint64_t *ret_expires_ms)
{
    const struct session_task *session = (const struct session_task *)task;
    if (!task->finished) return NULL;
    *ret_expires_ms = session->expires_ms;
    return session->token;
}

bool pv_session_is_in_doubt(const struct pv_request *request, const struct pv_response *response, bool is_kept)
{
    if (request->auth != PV_AUTH_SESSION || response->status < 400 || response->status >= 500) return false;
    if (response->problem == PV_ERR_UNAUTHENTICATED) return true;
    bool is_suspended = response->problem_reason && strcmp(response->problem_reason, "suspended") == 0;
    return response->problem == PV_ERR_DENIED && (is_kept || is_suspended);
}

/* ---- gates */

struct gate_put_task {
    struct pv_task task;
    struct pv_id16 gate;
    struct pv_bytes request;
};

static enum pv_err answer_is_all(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    return pv_task_finish(task);
}

static enum pv_err gate_put_begin(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    struct gate_put_task *put = (struct gate_put_task *)task;
    char id[2 * sizeof put->gate.b + 1];
    pv_hex_encode(put->gate.b, sizeof put->gate.b, id);
    pv_buf_append(&task->body, put->request.p, put->request.n);
    return pv_task_ask(task, PV_PUT, PV_AUTH_SESSION, SMALL_ANSWER, answer_is_all, "/v1/gates/%s", id);
}

enum pv_err pv_gate_put_task(const struct pv_id16 *gate, struct pv_bytes gate_request, struct pv_task **ret_task)
{
    struct gate_put_task *put = calloc(1, sizeof *put);
    if (!put) return PV_ERR_NOMEM;
    pv_task_init(&put->task, gate_put_begin, NULL);
    put->gate = *gate;
    put->request = gate_request;
    *ret_task = &put->task;
    return PV_OK;
}

struct release_task {
    struct pv_task task;
    struct pv_half_a a;
    struct pv_id16 gate;
    struct pv_bytes password;
    struct pv_kem_seed ephemeral;
    struct pv_half_b b;
    char ticket[64];
};

static enum pv_err release_answer(struct pv_task *task, const struct pv_response *response)
{
    struct release_task *release = (struct release_task *)task;
    bool has_ticket;
    struct pv_hash ticket;
    enum pv_err err = pv_release_answer_open(&release->gate, &release->ephemeral, response->body, &release->b,
                                             &has_ticket, &ticket);
    if (err) return pv_task_error(task, PV_ERR_BROKEN_CHAIN, "the server's half of the link does not open");
    if (has_ticket) {
        struct pv_buf text;
        pv_buf_init(&text, sizeof release->ticket - 1);
        pv_base64_put(&text, PV_BASE64_URL, PV_BYTES_OF(ticket));
        if (!text.err) memcpy(release->ticket, text.p, text.n);
        pv_buf_wipe(&text);
    }
    return pv_task_finish(task);
}

static enum pv_err release_gate_answer(struct pv_task *task, const struct pv_response *response)
{
    struct release_task *release = (struct release_task *)task;
    struct pv_cbor in;
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, 3);
    uint64_t version = pv_cbor_get_uint(&in, PV_LIMIT_N);
    bool wants_password = pv_cbor_get_bool(&in);
    (void)pv_cbor_get_item(&in);
    if (pv_cbor_finish(&in)) return pv_task_error(task, PV_ERR_IO, "the server's gate is not of the expected form");
    if (wants_password && release->password.n == 0)
        return pv_task_error(task, PV_ERR_DENIED, "this link needs a password");

    struct pv_release_request request = {.gate = release->gate, .version = version, .has_proof = wants_password};
    struct pv_sign_sk a_sk;
    struct pv_sign_pk a_pk;
    struct pv_gate_password unused;
    enum pv_err err = PV_OK;
    pv_gate_a_key(&release->a, &release->gate, &a_sk, &a_pk);
    pv_kem_from_seed(&release->ephemeral, &request.kem_pk);
    if (wants_password)
        err = pv_gate_password(release->password, &release->a, &release->gate, &unused, &request.proof);
    if (!err) err = pv_release_request_sign(&request, &a_sk);
    pv_wipe(&a_sk, sizeof a_sk);
    pv_wipe(&unused, sizeof unused);
    if (err) return err;
    char id[2 * sizeof release->gate.b + 1];
    pv_hex_encode(release->gate.b, sizeof release->gate.b, id);
    pv_release_request_put(&task->body, &request);
    return pv_task_ask(task, PV_POST, PV_AUTH_NONE, SMALL_ANSWER, release_answer, "/v1/gates/%s/release", id);
}

static enum pv_err release_begin(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    struct release_task *release = (struct release_task *)task;
    char id[2 * sizeof release->gate.b + 1];
    pv_hex_encode(release->gate.b, sizeof release->gate.b, id);
    return pv_task_ask(task, PV_GET, PV_AUTH_NONE, SMALL_ANSWER, release_gate_answer, "/v1/gates/%s", id);
}

static void release_release(struct pv_task *task)
{
    struct release_task *release = (struct release_task *)task;
    pv_wipe(&release->a, sizeof *release - sizeof release->task);
}

enum pv_err pv_release_task(const struct pv_invite_link *link, struct pv_bytes password, const struct pv_random *random,
                            struct pv_task **ret_task)
{
    struct release_task *release = calloc(1, sizeof *release);
    if (!release) return PV_ERR_NOMEM;
    pv_task_init(&release->task, release_begin, release_release);
    release->a = link->a;
    release->gate = link->gate;
    release->password = password;
    pv_random_fill(random, release->ephemeral.b, sizeof release->ephemeral.b);
    *ret_task = &release->task;
    return PV_OK;
}

const struct pv_half_b *pv_release_result(const struct pv_task *task, const char **ret_ticket)
{
    const struct release_task *release = (const struct release_task *)task;
    if (!task->finished) return NULL;
    *ret_ticket = release->ticket;
    return &release->b;
}
