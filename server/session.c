/* Sessions: a nonce, a device's signature over it bound to this server's name, a token for an hour. */
#include <string.h>

#include "core/base/base64.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/server.h"
#include "server/session_cache.h"

void pv_secret_hash(const char *what, const uint8_t secret[static 32], struct pv_hash *ret_hash)
{
    pv_hash_bytes(what, pv_bytes(secret, 32), ret_hash);
}

enum pv_err pv_secret_read(const char *text, uint8_t ret_secret[static 32])
{
    return pv_base64_decode_fixed(PV_BASE64_URL, pv_bytes_of_string(text), ret_secret, 32);
}

void pv_nonce_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_hash nonce;
    uint64_t expires_ms = pv_server_now_ms(server) + PV_NONCE_MS;
    (void)request;
    pv_random_fill(&server->random, nonce.b, sizeof nonce.b);
    enum pv_err err = server->meta->ops->nonce_put(server->meta, &nonce, expires_ms);
    if (err) {
        pv_problem_of(response, err);
        return;
    }
    pv_cbor_put_array(&response->body, 2);
    pv_cbor_put_hash(&response->body, &nonce);
    pv_cbor_put_uint(&response->body, expires_ms);
    pv_answer(response, PV_TYPE_CBOR);
}

struct login {
    struct pv_hash nonce;
    struct pv_device device;
    struct pv_sig sig;
};

static enum pv_err read_login(struct pv_bytes body, struct login *ret_login)
{
    struct pv_cbor in;
    struct login login;
    pv_cbor_init(&in, body);
    pv_cbor_get_array_of(&in, 3);
    pv_cbor_get_hash(&in, &login.nonce);
    pv_device_get(&in, &login.device);
    pv_cbor_get_fixed(&in, login.sig.b, sizeof login.sig.b);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_login = login;
    return err;
}

static enum pv_err verify_login(const struct pv_server *server, const struct login *login)
{
    uint8_t memory[PV_LIMIT_SERVER_NAME_BYTES + 64];
    struct pv_buf encoded;
    pv_buf_init_fixed(&encoded, memory, sizeof memory);
    pv_cbor_put_text(&encoded, server->name, strlen(server->name));
    pv_cbor_put_hash(&encoded, &login->nonce);
    if (encoded.err) return encoded.err;
    return pv_verify(&login->device.sign_pk, "session", pv_buf_bytes(&encoded), &login->sig);
}

static void answer_token(struct pv_web_response *response, const uint8_t token[static 32], uint64_t expires_ms)
{
    char memory[48];
    struct pv_buf text;
    pv_buf_init_fixed(&text, memory, sizeof memory);
    pv_base64_put(&text, PV_BASE64_URL, pv_bytes(token, 32));
    pv_cbor_put_array(&response->body, 2);
    pv_cbor_put_text(&response->body, memory, text.n);
    pv_cbor_put_uint(&response->body, expires_ms);
    pv_wipe(memory, sizeof memory);
    pv_answer(response, PV_TYPE_CBOR);
}

void pv_session_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta *meta = server->meta;
    struct login login;
    uint64_t now_ms = pv_server_now_ms(server);
    enum pv_err err = read_login(request->body, &login);
    if (err) {
        pv_problem(response, err, NULL, "a session wants [nonce, device, signature]");
        return;
    }
    if (verify_login(server, &login)) {
        pv_problem(response, PV_ERR_UNAUTHENTICATED, "signature", "the signature does not hold for this server's name");
        return;
    }
    err = meta->ops->nonce_take(meta, &login.nonce, now_ms);
    if (err) {
        if (err == PV_ERR_NOT_FOUND)
            pv_problem(response, PV_ERR_UNAUTHENTICATED, "nonce", "the nonce is unknown, used or expired");
        else pv_problem_of(response, err);
        return;
    }
    uint8_t token[32];
    struct pv_hash hash;
    struct pv_meta_session session = {.device = login.device, .expires_ms = now_ms + PV_SESSION_MS};
    pv_device_id(&login.device, &session.device_id);
    pv_random_fill(&server->random, token, sizeof token);
    pv_secret_hash("token", token, &hash);
    err = meta->ops->session_put(meta, &hash, &session);
    if (!err) err = meta->ops->session(meta, &hash, now_ms, &session); /* tells a suspended account */
    if (err == PV_ERR_DENIED) {
        PV_LOG(PV_LOG_INFO, "suspended account refused", PV_LOG_TEXT("device", pv_log_id(session.device_id.b).text));
        pv_problem(response, err, "suspended", "this account is suspended");
    }
    else if (err) pv_problem_of(response, err);
    else answer_token(response, token, session.expires_ms);
    if (!err) PV_METRIC_ADD(server->metrics, sessions, 1);
    pv_wipe(token, sizeof token);
}

void pv_session_delete(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    enum pv_err err = server->meta->ops->session_end(server->meta, &request->token_hash);
    pv_session_cache_drop(server->sessions, &request->token_hash);
    if (err) pv_problem_of(response, err);
    else response->status = 204;
}
