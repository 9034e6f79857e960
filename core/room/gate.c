/* The gate as a signed structure: what the server keeps and obeys.  Source: FORMAT.md §9. */
#include "core/room/gate.h"

#include <string.h>

#include "core/log/entry.h"

enum { GATE_FIELDS = 11, POLICY_FIELDS = 8, SHARE_FIELDS = 5, VERSION = 1 };

static void put_optional_uint(struct pv_buf *buf, bool has, uint64_t value)
{
    if (has) pv_cbor_put_uint(buf, value);
    else pv_cbor_put_null(buf);
}

static void put_optional_hash(struct pv_buf *buf, bool has, const struct pv_hash *hash)
{
    if (has) pv_cbor_put_hash(buf, hash);
    else pv_cbor_put_null(buf);
}

static void put_hashes(struct pv_buf *buf, const struct pv_hash *hashes, size_t count)
{
    pv_cbor_put_array(buf, count);
    for (size_t i = 0; i < count; i++) pv_cbor_put_hash(buf, &hashes[i]);
}

static void put_policy(struct pv_buf *buf, const struct pv_gate_policy *policy)
{
    pv_cbor_put_array(buf, POLICY_FIELDS);
    put_optional_uint(buf, policy->has_not_before, policy->not_before_ms);
    put_optional_uint(buf, policy->has_not_after, policy->not_after_ms);
    put_optional_uint(buf, policy->has_max_releases, policy->max_releases);
    put_optional_hash(buf, policy->has_document, &policy->document);
    put_hashes(buf, policy->persons, policy->person_count);
    pv_cbor_put_uint(buf, policy->approvals);
    pv_cbor_put_uint(buf, policy->wait_ms);
    put_hashes(buf, policy->vetoers, policy->vetoer_count);
}

static void put_encoded_array(struct pv_buf *buf, struct pv_bytes encoded)
{
    if (encoded.n) pv_buf_append(buf, encoded.p, encoded.n);
    else pv_cbor_put_array(buf, 0);
}

void pv_gate_put(struct pv_buf *buf, const struct pv_gate *gate)
{
    pv_cbor_put_array(buf, GATE_FIELDS);
    pv_cbor_put_uint(buf, VERSION);
    pv_cbor_put_id16(buf, &gate->id);
    pv_cbor_put_hash(buf, &gate->room);
    pv_cbor_put_uint(buf, gate->version);
    pv_cbor_put_bytes(buf, gate->a_key.b, sizeof gate->a_key.b);
    pv_cbor_put_hash(buf, &gate->half_hash);
    put_optional_hash(buf, gate->has_proof_hash, &gate->proof_hash);
    put_policy(buf, &gate->policy);
    if (gate->preview.n) pv_cbor_put_bytes(buf, gate->preview.p, gate->preview.n);
    else pv_cbor_put_null(buf);
    put_encoded_array(buf, gate->shares);
    put_encoded_array(buf, gate->refs);
}

static uint64_t get_optional_uint(struct pv_cbor *in, bool *ret_has)
{
    *ret_has = !pv_cbor_take_null(in);
    return *ret_has ? pv_cbor_get_uint(in, PV_LIMIT_N) : 0;
}

static void get_optional_hash(struct pv_cbor *in, bool *ret_has, struct pv_hash *ret_hash)
{
    *ret_has = !pv_cbor_take_null(in);
    if (*ret_has) pv_cbor_get_hash(in, ret_hash);
}

static size_t get_hashes(struct pv_cbor *in, struct pv_hash *ret_hashes)
{
    size_t count = pv_cbor_get_array(in, PV_LIMIT_TARGETS);
    for (size_t i = 0; i < count; i++) pv_cbor_get_hash(in, &ret_hashes[i]);
    return count;
}

static void get_policy(struct pv_cbor *in, struct pv_gate_policy *policy)
{
    pv_cbor_get_array_of(in, POLICY_FIELDS);
    policy->not_before_ms = get_optional_uint(in, &policy->has_not_before);
    policy->not_after_ms = get_optional_uint(in, &policy->has_not_after);
    policy->max_releases = get_optional_uint(in, &policy->has_max_releases);
    get_optional_hash(in, &policy->has_document, &policy->document);
    policy->person_count = get_hashes(in, policy->persons);
    policy->approvals = pv_cbor_get_uint(in, PV_LIMIT_GATE_SHARES);
    policy->wait_ms = pv_cbor_get_uint(in, PV_LIMIT_N);
    policy->vetoer_count = get_hashes(in, policy->vetoers);
}

/* [person, kem_hash, kem_ct, sealed share, share hash] each; returned as encoded. */
static struct pv_bytes get_shares(struct pv_cbor *in)
{
    const uint8_t *start = in->p;
    struct pv_hash hash;
    struct pv_kem_ct ct;
    size_t count = pv_cbor_get_array(in, PV_LIMIT_GATE_SHARES);
    for (size_t i = 0; i < count; i++) {
        pv_cbor_get_array_of(in, SHARE_FIELDS);
        pv_cbor_get_hash(in, &hash);
        pv_cbor_get_hash(in, &hash);
        pv_cbor_get_fixed(in, ct.b, sizeof ct.b);
        (void)pv_cbor_get_bytes(in, PV_LIMIT_GATE_SHARE_BYTES);
        pv_cbor_get_hash(in, &hash);
    }
    return pv_bytes(start, (size_t)(in->p - start));
}

static struct pv_bytes get_refs(struct pv_cbor *in)
{
    size_t count;
    struct pv_bytes refs = pv_cbor_get_item(in);
    if (!in->err) pv_cbor_fail(in, pv_refs_check(refs, &count));
    return refs;
}

static void get_gate(struct pv_cbor *in, struct pv_gate *gate)
{
    size_t fields = pv_cbor_get_array(in, UINT8_MAX);
    if (pv_cbor_get_uint(in, UINT64_MAX) != VERSION) pv_cbor_fail(in, PV_ERR_UNSUPPORTED);
    if (fields != GATE_FIELDS) pv_cbor_fail(in, PV_ERR_MALFORMED);
    pv_cbor_get_id16(in, &gate->id);
    pv_cbor_get_hash(in, &gate->room);
    gate->version = pv_cbor_get_uint(in, PV_LIMIT_N);
    if (gate->version == 0) pv_cbor_fail(in, PV_ERR_MALFORMED);
    pv_cbor_get_fixed(in, gate->a_key.b, sizeof gate->a_key.b);
    pv_cbor_get_hash(in, &gate->half_hash);
    get_optional_hash(in, &gate->has_proof_hash, &gate->proof_hash);
    get_policy(in, &gate->policy);
    if (!pv_cbor_take_null(in)) {
        gate->preview = pv_cbor_get_bytes(in, PV_LIMIT_PREVIEW_BYTES);
        if (gate->preview.n == 0) pv_cbor_fail(in, PV_ERR_NONCANONICAL); /* null says that */
    }
    gate->shares = get_shares(in);
    gate->refs = get_refs(in);
}

enum pv_err pv_gate_read(struct pv_bytes bytes, struct pv_gate *ret_gate)
{
    struct pv_gate gate = {0};
    struct pv_cbor in;
    if (bytes.n > PV_LIMIT_GATE_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, bytes);
    get_gate(&in, &gate);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_gate = gate;
    return err;
}

enum pv_err pv_gate_sign(const struct pv_gate *gate, const struct pv_hash *device, const struct pv_sign_sk *sk,
                         struct pv_buf *signed_gate)
{
    struct pv_buf encoded;
    struct pv_sig sig;
    pv_buf_init(&encoded, PV_LIMIT_GATE_BYTES);
    pv_gate_put(&encoded, gate);
    enum pv_err err = encoded.err;
    if (!err) err = pv_sign(sk, "gate", pv_buf_bytes(&encoded), &sig);
    if (!err) {
        pv_cbor_put_array(signed_gate, 3);
        pv_buf_append(signed_gate, encoded.p, encoded.n);
        pv_cbor_put_hash(signed_gate, device);
        pv_cbor_put_bytes(signed_gate, sig.b, sizeof sig.b);
        err = signed_gate->err;
    }
    pv_buf_release(&encoded);
    return err;
}

/* The three parts of a signed gate. */
static enum pv_err split(struct pv_bytes bytes, struct pv_bytes *ret_gate, struct pv_hash *ret_device,
                         struct pv_sig *ret_sig)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, 3);
    *ret_gate = pv_cbor_get_item(&in);
    pv_cbor_get_hash(&in, ret_device);
    pv_cbor_get_fixed(&in, ret_sig->b, sizeof ret_sig->b);
    return pv_cbor_finish(&in);
}

enum pv_err pv_gate_read_signed(struct pv_bytes bytes, struct pv_gate *ret_gate, struct pv_hash *ret_device)
{
    struct pv_bytes encoded;
    struct pv_hash device;
    struct pv_sig sig;
    enum pv_err err = split(bytes, &encoded, &device, &sig);
    if (!err) err = pv_gate_read(encoded, ret_gate);
    if (!err) *ret_device = device;
    return err;
}

enum pv_err pv_gate_verify(struct pv_bytes signed_gate, const struct pv_sign_pk *device_pk)
{
    struct pv_bytes encoded;
    struct pv_hash device;
    struct pv_sig sig;
    enum pv_err err = split(signed_gate, &encoded, &device, &sig);
    return err ? err : pv_verify(device_pk, "gate", encoded, &sig);
}
