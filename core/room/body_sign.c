/* Reading sign and server bodies, and the signatures that clear bodies carry inside. */
#include "core/crypto/hash.h"
#include "core/room/body.h"

enum { PURPOSES = 5 };

enum pv_err pv_sign_body_read(struct pv_bytes bytes, struct pv_sign_body *ret_body)
{
    struct pv_cbor in;
    struct pv_sign_body body = {.stranger = false};
    if (bytes.n > PV_LIMIT_BODY_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, 5);
    pv_cbor_get_hash(&in, &body.document);
    body.index = pv_cbor_get_uint(&in, PV_LIMIT_N);
    body.purpose = pv_cbor_get_uint(&in, UINT64_MAX);
    body.stance = (enum pv_stance)pv_cbor_get_uint(&in, PV_STANCE_WITHDRAW);
    body.stranger = !pv_cbor_take_null(&in);
    if (body.stranger) {
        pv_cbor_get_array_of(&in, 3);
        body.record = pv_record_get(&in);
        pv_cbor_get_id16(&in, &body.invite);
        pv_cbor_get_fixed(&in, body.a_sig.b, sizeof body.a_sig.b);
    }
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    if (body.purpose >= PURPOSES) return PV_ERR_UNSUPPORTED;
    *ret_body = body;
    return PV_OK;
}

static void get_release(struct pv_cbor *in, struct pv_server_body *body)
{
    pv_cbor_get_id16(in, &body->u.release.gate);
    body->u.release.version = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &body->u.release.request);
}

static void get_received(struct pv_cbor *in, struct pv_server_body *body)
{
    pv_cbor_get_id16(in, &body->u.received.gate);
    pv_cbor_get_hash(in, &body->u.received.request);
    pv_cbor_get_fixed(in, body->u.received.kem_ct.b, sizeof body->u.received.kem_ct.b);
    pv_cbor_get_hash(in, &body->u.received.descriptor);
    pv_cbor_get_fixed(in, body->u.received.a_sig.b, sizeof body->u.received.a_sig.b);
}

static void get_expired(struct pv_cbor *in, struct pv_server_body *body)
{
    enum pv_cbor_major next;
    body->u.expired.time_ms = pv_cbor_get_uint(in, PV_LIMIT_N);
    body->u.expired.is_invite = pv_cbor_peek(in, &next) && next == PV_CBOR_BYTES;
    if (body->u.expired.is_invite) {
        pv_cbor_get_id16(in, &body->u.expired.invite);
        return;
    }
    pv_cbor_get_array_of(in, 2);
    pv_cbor_get_hash(in, &body->u.expired.membership.person);
    body->u.expired.membership.join_index = pv_cbor_get_uint(in, PV_LIMIT_N);
}

static void get_deleted(struct pv_cbor *in, struct pv_server_body *body)
{
    pv_cbor_get_id16(in, &body->u.deleted_forget);
}

static const struct {
    size_t fields;
    void (*get)(struct pv_cbor *in, struct pv_server_body *body);
} server_types[] = {
    [PV_SERVER_RELEASE] = {4, get_release},
    [PV_SERVER_RECEIVED] = {6, get_received},
    [PV_SERVER_EXPIRED] = {3, get_expired},
    [PV_SERVER_DELETED] = {2, get_deleted},
};

enum pv_err pv_server_body_read(struct pv_bytes bytes, struct pv_server_body *ret_body)
{
    struct pv_cbor in;
    struct pv_server_body body = {.type = PV_SERVER_RELEASE};
    if (bytes.n > PV_LIMIT_BODY_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, bytes);
    size_t fields = pv_cbor_get_array(&in, SIZE_MAX);
    uint64_t type = pv_cbor_get_uint(&in, UINT64_MAX);
    if (in.err) return in.err;
    if (type >= sizeof server_types / sizeof server_types[0]) return pv_cbor_unknown(bytes);
    if (fields != server_types[type].fields) return PV_ERR_MALFORMED;
    body.type = (enum pv_server_type)type;
    server_types[type].get(&in, &body);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    *ret_body = body;
    return PV_OK;
}

/* What a signature inside a body covers: filled, then signed or verified. */
struct covered {
    struct pv_buf buf;
};

static void covered_begin(struct covered *covered)
{
    pv_buf_init(&covered->buf, 4096);
}

static enum pv_err covered_sign(struct covered *covered, const struct pv_sign_sk *sk, const char *what,
                                struct pv_sig *ret_sig)
{
    enum pv_err err = covered->buf.err;
    if (!err) err = pv_sign(sk, what, pv_buf_bytes(&covered->buf), ret_sig);
    pv_buf_release(&covered->buf);
    return err;
}

static enum pv_err covered_verify(struct covered *covered, const struct pv_sign_pk *pk, const char *what,
                                  const struct pv_sig *sig)
{
    enum pv_err err = covered->buf.err;
    if (!err) err = pv_verify(pk, what, pv_buf_bytes(&covered->buf), sig);
    pv_buf_release(&covered->buf);
    return err;
}

static void cover_join(struct covered *covered, const struct pv_hash *room, const struct pv_hash *person,
                       const struct pv_party *party, const struct pv_id16 *invite)
{
    covered_begin(covered);
    pv_cbor_put_hash(&covered->buf, room);
    pv_cbor_put_hash(&covered->buf, person);
    pv_cbor_put_array(&covered->buf, party->device_count);
    for (size_t i = 0; i < party->device_count; i++) pv_cbor_put_hash(&covered->buf, &party->devices[i]);
    pv_cbor_put_uint(&covered->buf, party->person_epoch);
    pv_cbor_put_hash(&covered->buf, &party->kem_hash);
    pv_cbor_put_id16(&covered->buf, invite);
}

enum pv_err pv_join_sign(const struct pv_sign_sk *join_sk, const struct pv_hash *room, const struct pv_hash *person,
                         const struct pv_party *party, const struct pv_id16 *invite, struct pv_sig *ret_sig)
{
    struct covered covered;
    cover_join(&covered, room, person, party, invite);
    return covered_sign(&covered, join_sk, "join", ret_sig);
}

enum pv_err pv_join_verify(const struct pv_sign_pk *join_key, const struct pv_hash *room, const struct pv_hash *person,
                           const struct pv_party *party, const struct pv_id16 *invite, const struct pv_sig *sig)
{
    struct covered covered;
    cover_join(&covered, room, person, party, invite);
    return covered_verify(&covered, join_key, "join", sig);
}

static void cover_stranger(struct covered *covered, const struct pv_stranger_context *context)
{
    covered_begin(covered);
    pv_cbor_put_hash(&covered->buf, &context->room);
    pv_cbor_put_id16(&covered->buf, &context->invite);
    pv_cbor_put_hash(&covered->buf, &context->author);
    pv_cbor_put_uint(&covered->buf, context->n);
    pv_cbor_put_hash(&covered->buf, &context->document);
}

enum pv_err pv_stranger_sign(const struct pv_sign_sk *a_sk, const struct pv_stranger_context *context,
                             struct pv_sig *ret_sig)
{
    struct covered covered;
    cover_stranger(&covered, context);
    return covered_sign(&covered, a_sk, "stranger-sign", ret_sig);
}

enum pv_err pv_stranger_verify(const struct pv_sign_pk *a_key, const struct pv_stranger_context *context,
                               const struct pv_sig *sig)
{
    struct covered covered;
    cover_stranger(&covered, context);
    return covered_verify(&covered, a_key, "stranger-sign", sig);
}

static void cover_server_change(struct covered *covered, const struct pv_hash *room, const struct pv_hash *replaces,
                                struct pv_bytes name, const struct pv_sign_pk *log_key)
{
    covered_begin(covered);
    pv_cbor_put_hash(&covered->buf, room);
    pv_cbor_put_hash(&covered->buf, replaces);
    pv_cbor_put_text(&covered->buf, (const char *)name.p, name.n);
    pv_cbor_put_bytes(&covered->buf, log_key->b, sizeof log_key->b);
}

enum pv_err pv_server_change_sign(const struct pv_sign_sk *old_log_sk, const struct pv_hash *room,
                                  const struct pv_hash *replaces, struct pv_bytes name,
                                  const struct pv_sign_pk *log_key, struct pv_sig *ret_sig)
{
    struct covered covered;
    cover_server_change(&covered, room, replaces, name, log_key);
    return covered_sign(&covered, old_log_sk, "server-change", ret_sig);
}

enum pv_err pv_server_change_verify(const struct pv_sign_pk *old_log_key, const struct pv_hash *room,
                                    const struct pv_hash *replaces, struct pv_bytes name,
                                    const struct pv_sign_pk *log_key, const struct pv_sig *sig)
{
    struct covered covered;
    cover_server_change(&covered, room, replaces, name, log_key);
    return covered_verify(&covered, old_log_key, "server-change", sig);
}

void pv_server_value_hash(struct pv_bytes name, const struct pv_sign_pk *log_key, struct pv_hash *ret_hash)
{
    struct pv_sha256 sha;
    uint8_t head[PV_CBOR_HEAD_MAX];
    pv_hash_begin(&sha, "server");
    pv_sha256_update(&sha, head, pv_cbor_head(PV_CBOR_TEXT, name.n, head));
    pv_sha256_update(&sha, name.p, name.n);
    pv_sha256_put_bytes(&sha, log_key->b, sizeof log_key->b);
    pv_sha256_final(&sha, ret_hash);
}

bool pv_policy_notice(struct pv_bytes value, uint64_t *ret_ms)
{
    struct pv_cbor in;
    pv_cbor_init(&in, value);
    pv_cbor_get_array_of(&in, 2);
    uint64_t form = pv_cbor_get_uint(&in, 1), notice_ms = pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (pv_cbor_finish(&in) || form != 1) return false;
    *ret_ms = notice_ms;
    return true;
}

void pv_policy_value_hash(struct pv_bytes value, struct pv_hash *ret_hash)
{
    pv_hash_bytes("policy", value, ret_hash);
}
