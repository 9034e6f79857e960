/* Sessions: a nonce, a device's signature over it bound to this server's name, a token for an hour. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/base/base64.h"
#include "server/server.h"

void pv_secret_hash(const char *what, const uint8_t secret[static 32], struct pv_hash *ret_hash)
{
    pv_hash_bytes(what, pv_bytes(secret, 32), ret_hash);
}

enum pv_err pv_secret_read(const char *text, uint8_t ret_secret[static 32])
{
    return pv_base64_decode_fixed(PV_BASE64_URL, pv_bytes_of_string(text), ret_secret, 32);
}

static void put(struct pv_buf *buf, const char *text)
{
    pv_buf_append(buf, text, strlen(text));
}

static void put_number(struct pv_buf *buf, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put(buf, text);
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
    put(&response->body, "{\"nonce\":\"");
    pv_base64_put(&response->body, PV_BASE64_URL, pv_bytes(nonce.b, sizeof nonce.b));
    put(&response->body, "\",\"expires\":");
    put_number(&response->body, expires_ms);
    put(&response->body, "}\n");
    pv_answer(response, PV_TYPE_JSON);
}

struct login {
    struct pv_hash nonce;
    struct pv_device device;
    struct pv_sig sig;
};

static enum pv_err read_field(json_t *json, const char *name, uint8_t *ret_bytes, size_t cap, size_t *ret_n)
{
    json_t *value = json_object_get(json, name);
    if (!json_is_string(value)) return PV_ERR_MALFORMED;
    return pv_base64_decode(PV_BASE64_URL, pv_bytes(json_string_value(value), json_string_length(value)), ret_bytes,
                            cap, ret_n);
}

static enum pv_err read_login(struct pv_bytes body, struct login *ret_login)
{
    uint8_t device[128];
    size_t nonce_n = 0, device_n = 0, sig_n = 0;
    struct login login;
    json_t *json = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    enum pv_err err = json_is_object(json) ? PV_OK : PV_ERR_MALFORMED;
    if (!err) err = read_field(json, "nonce", login.nonce.b, sizeof login.nonce.b, &nonce_n);
    if (!err) err = read_field(json, "device", device, sizeof device, &device_n);
    if (!err) err = read_field(json, "sig", login.sig.b, sizeof login.sig.b, &sig_n);
    json_decref(json);
    if (!err && (nonce_n != sizeof login.nonce.b || sig_n != sizeof login.sig.b)) err = PV_ERR_MALFORMED;
    if (err) return err;
    struct pv_cbor in;
    pv_cbor_init(&in, pv_bytes(device, device_n));
    pv_device_get(&in, &login.device);
    err = pv_cbor_finish(&in);
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

static void answer_token(struct pv_web_response *response, const uint8_t token[static 32],
                         const struct pv_meta_session *session)
{
    char device[65];
    pv_hex_encode(session->device_id.b, sizeof session->device_id.b, device);
    put(&response->body, "{\"token\":\"");
    pv_base64_put(&response->body, PV_BASE64_URL, pv_bytes(token, 32));
    put(&response->body, "\",\"expires\":");
    put_number(&response->body, session->expires_ms);
    put(&response->body, ",\"device\":\"");
    put(&response->body, device);
    put(&response->body, "\"}\n");
    pv_answer(response, PV_TYPE_JSON);
}

void pv_session_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta *meta = server->meta;
    struct login login;
    uint64_t now_ms = pv_server_now_ms(server);
    enum pv_err err = read_login(request->body, &login);
    if (err) {
        pv_problem(response, err, NULL, "a session wants an object with nonce, device and sig");
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
    if (err == PV_ERR_DENIED) pv_problem(response, err, "suspended", "this account is suspended");
    else if (err) pv_problem_of(response, err);
    else answer_token(response, token, &session);
    pv_wipe(token, sizeof token);
}

void pv_session_delete(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    enum pv_err err = server->meta->ops->session_end(server->meta, &request->token_hash);
    if (err) pv_problem_of(response, err);
    else response->status = 204;
}
