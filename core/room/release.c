/* Release of a half B: the request that the link's holder signs, and the answer sealed to it.
 * Source: FORMAT.md §9. */
#include <string.h>

#include "core/crypto/parts.h"
#include "core/room/gate.h"

enum { REQUEST_FIELDS = 6, ANSWER_FIELDS = 3, VERSION = 1, SEALED_BYTES = 32 + PV_SEAL_TAG_BYTES };

/* The answer's key seals one message only, as the request's KEM key is ephemeral. */
static const struct pv_seal_nonce zero_nonce;

void pv_release_request_id(const struct pv_kem_pk *kem_pk, struct pv_hash *ret_id)
{
    pv_hash_bytes("request", PV_BYTES_OF(*kem_pk), ret_id);
}

/* What the A-key signs. */
static void signed_parts(const struct pv_release_request *request, struct pv_parts *parts)
{
    struct pv_hash id;
    pv_release_request_id(&request->kem_pk, &id);
    pv_parts_put_bytes(parts, request->gate.b, sizeof request->gate.b);
    pv_parts_put_uint(parts, request->version);
    pv_parts_put_bytes(parts, id.b, sizeof id.b);
    if (request->has_proof) pv_parts_put_bytes(parts, request->proof.b, sizeof request->proof.b);
    else pv_parts_put_null(parts);
}

enum pv_err pv_release_request_sign(struct pv_release_request *request, const struct pv_sign_sk *a_sk)
{
    struct pv_parts parts = {.n = 0};
    signed_parts(request, &parts);
    enum pv_err err = pv_sign(a_sk, "release", pv_parts_bytes(&parts), &request->a_sig);
    pv_wipe(&parts, sizeof parts);
    return err;
}

enum pv_err pv_release_request_verify(const struct pv_release_request *request, const struct pv_sign_pk *a_key)
{
    struct pv_parts parts = {.n = 0};
    signed_parts(request, &parts);
    enum pv_err err = pv_verify(a_key, "release", pv_parts_bytes(&parts), &request->a_sig);
    pv_wipe(&parts, sizeof parts);
    return err;
}

void pv_release_request_put(struct pv_buf *buf, const struct pv_release_request *request)
{
    pv_cbor_put_array(buf, REQUEST_FIELDS);
    pv_cbor_put_uint(buf, VERSION);
    pv_cbor_put_id16(buf, &request->gate);
    pv_cbor_put_uint(buf, request->version);
    pv_cbor_put_bytes(buf, request->kem_pk.b, sizeof request->kem_pk.b);
    if (request->has_proof) pv_cbor_put_bytes(buf, request->proof.b, sizeof request->proof.b);
    else pv_cbor_put_null(buf);
    pv_cbor_put_bytes(buf, request->a_sig.b, sizeof request->a_sig.b);
}

enum pv_err pv_release_request_read(struct pv_bytes bytes, struct pv_release_request *ret_request)
{
    struct pv_release_request request = {0};
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    size_t fields = pv_cbor_get_array(&in, UINT8_MAX);
    if (pv_cbor_get_uint(&in, UINT64_MAX) != VERSION) pv_cbor_fail(&in, PV_ERR_UNSUPPORTED);
    if (fields != REQUEST_FIELDS) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    pv_cbor_get_id16(&in, &request.gate);
    request.version = pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (request.version == 0) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    pv_cbor_get_fixed(&in, request.kem_pk.b, sizeof request.kem_pk.b);
    request.has_proof = !pv_cbor_take_null(&in);
    if (request.has_proof) pv_cbor_get_fixed(&in, request.proof.b, sizeof request.proof.b);
    pv_cbor_get_fixed(&in, request.a_sig.b, sizeof request.a_sig.b);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_request = request;
    pv_wipe(&request, sizeof request);
    return err;
}

static void answer_key(const struct pv_id16 *gate, const struct pv_kem_pk *kem_pk, const struct pv_kem_shared *shared,
                       struct pv_seal_key *ret_key)
{
    struct pv_hash id;
    struct pv_parts parts = {.n = 0};
    pv_release_request_id(kem_pk, &id);
    pv_parts_put_bytes(&parts, gate->b, sizeof gate->b);
    pv_parts_put_bytes(&parts, id.b, sizeof id.b);
    pv_hkdf(PV_BYTES_OF(*shared), "half-b", pv_parts_bytes(&parts), ret_key->b);
}

enum pv_err pv_release_answer_make(const struct pv_id16 *gate, const struct pv_kem_pk *kem_pk,
                                   const uint8_t enc_seed[static PV_KEM_ENC_SEED_BYTES], const struct pv_half_b *b,
                                   const struct pv_hash *ticket, struct pv_buf *answer)
{
    struct pv_kem_ct ct;
    struct pv_kem_shared shared;
    struct pv_seal_key key;
    uint8_t sealed[SEALED_BYTES];
    enum pv_err err = pv_kem_encapsulate(kem_pk, enc_seed, &ct, &shared);
    if (err) return err;
    answer_key(gate, kem_pk, &shared, &key);
    pv_seal(&key, &zero_nonce, pv_bytes(NULL, 0), PV_BYTES_OF(*b), sealed);
    pv_wipe(&shared, sizeof shared);
    pv_wipe(&key, sizeof key);
    pv_cbor_put_array(answer, ANSWER_FIELDS);
    pv_cbor_put_bytes(answer, ct.b, sizeof ct.b);
    pv_cbor_put_bytes(answer, sealed, sizeof sealed);
    if (ticket) pv_cbor_put_hash(answer, ticket);
    else pv_cbor_put_null(answer);
    return answer->err;
}

enum pv_err pv_release_answer_open(const struct pv_id16 *gate, const struct pv_kem_seed *seed, struct pv_bytes answer,
                                   struct pv_half_b *ret_b, bool *ret_has_ticket, struct pv_hash *ret_ticket)
{
    struct pv_kem_ct ct;
    struct pv_kem_pk kem_pk;
    struct pv_kem_shared shared;
    struct pv_seal_key key;
    struct pv_half_b b;
    struct pv_hash ticket = {{0}};
    uint8_t sealed[SEALED_BYTES];
    struct pv_cbor in;
    pv_cbor_init(&in, answer);
    pv_cbor_get_array_of(&in, ANSWER_FIELDS);
    pv_cbor_get_fixed(&in, ct.b, sizeof ct.b);
    pv_cbor_get_fixed(&in, sealed, sizeof sealed);
    bool has_ticket = !pv_cbor_take_null(&in);
    if (has_ticket) pv_cbor_get_hash(&in, &ticket);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) err = pv_kem_decapsulate(seed, &ct, &shared);
    if (err) return err;
    pv_kem_from_seed(seed, &kem_pk);
    answer_key(gate, &kem_pk, &shared, &key);
    err = pv_open(&key, &zero_nonce, pv_bytes(NULL, 0), pv_bytes(sealed, sizeof sealed), b.b);
    if (!err) {
        *ret_b = b;
        *ret_has_ticket = has_ticket;
        *ret_ticket = ticket;
    }
    pv_wipe(&shared, sizeof shared);
    pv_wipe(&key, sizeof key);
    pv_wipe(&b, sizeof b);
    return err;
}
