/* Sealed bodies: Padmé padding, one key an entry, and the commitment that ties the key to its header. */
#include "core/log/seal.h"

#include <string.h>

#include "core/base/limits.h"

enum {
    AD_BYTES_MAX = 320,
    KEY_INFO_BYTES_MAX = 160,
    OVERHEAD_BYTES = PV_SEAL_NONCE_BYTES + PV_SEAL_TAG_BYTES
};

static unsigned log2_floor(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzll(x);
}

uint64_t pv_padme(uint64_t n)
{
    if (n <= 1) return n;
    unsigned e = log2_floor(n), s = e ? log2_floor(e) + 1 : 0;
    uint64_t mask = ((uint64_t)1 << (e - s)) - 1;
    return (n + mask) & ~mask;
}

void pv_entry_key_derive(const struct pv_prk *epoch_prk, const struct pv_header *header,
                         const struct pv_seal_nonce *nonce, struct pv_entry_key *ret_key)
{
    uint8_t memory[KEY_INFO_BYTES_MAX];
    struct pv_buf info;
    pv_buf_init_fixed(&info, memory, sizeof memory);
    pv_cbor_put_hash(&info, &header->room);
    pv_cbor_put_uint(&info, header->epoch);
    pv_cbor_put_hash(&info, &header->author);
    pv_cbor_put_uint(&info, header->n);
    pv_cbor_put_bytes(&info, nonce->b, sizeof nonce->b);
    pv_hkdf_expand(epoch_prk, "entry", pv_buf_bytes(&info), ret_key->b);
}

void pv_entry_key_commit(const struct pv_entry_key *key, struct pv_hash *ret_commit)
{
    pv_hash_bytes("commit", PV_BYTES_OF(*key), ret_commit);
}

/* What the seal authenticates beside the payload, in `memory`. */
static struct pv_bytes make_ad(const struct pv_header *header, uint8_t memory[static AD_BYTES_MAX])
{
    static const char label[] = PV_LABEL_PREFIX "body-ad";
    struct pv_buf ad;
    pv_buf_init_fixed(&ad, memory, AD_BYTES_MAX);
    pv_cbor_put_text(&ad, label, sizeof label - 1);
    pv_header_put_first_ten(&ad, header);
    return pv_buf_bytes(&ad);
}

enum pv_err pv_body_seal(const struct pv_prk *epoch_prk, const struct pv_seal_nonce *nonce, struct pv_bytes payload,
                         struct pv_header *header, struct pv_buf *body)
{
    uint8_t memory[AD_BYTES_MAX];
    struct pv_cbor in;
    struct pv_entry_key key;
    struct pv_seal_key seal_key;
    if (payload.n > PV_LIMIT_PAYLOAD_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, payload);
    (void)pv_cbor_get_item(&in);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err; /* no reader would take it */
    size_t padded_bytes = (size_t)pv_padme(payload.n);
    uint8_t *at = pv_buf_extend(body, padded_bytes + OVERHEAD_BYTES);
    if (!at) return body->err;
    uint8_t *padded = at + sizeof nonce->b; /* zero behind the payload; sealed in place */
    memcpy(at, nonce->b, sizeof nonce->b);
    memcpy(padded, payload.p, payload.n);
    pv_entry_key_derive(epoch_prk, header, nonce, &key);
    memcpy(seal_key.b, key.b, sizeof seal_key.b);
    pv_seal(&seal_key, nonce, make_ad(header, memory), pv_bytes(padded, padded_bytes), padded);
    pv_entry_key_commit(&key, &header->commit);
    pv_body_hash(pv_bytes(at, padded_bytes + OVERHEAD_BYTES), &header->body_hash);
    pv_wipe(&seal_key, sizeof seal_key);
    pv_wipe(&key, sizeof key);
    return PV_OK;
}

/* The one item at the front of a padded payload, if the rest is exactly its padding. */
static enum pv_err unpad(struct pv_bytes padded, size_t *ret_item_bytes)
{
    struct pv_cbor in;
    pv_cbor_init(&in, padded);
    size_t n = pv_cbor_get_item(&in).n;
    if (in.err) return in.err;
    if (pv_padme(n) != padded.n) return PV_ERR_NONCANONICAL;
    uint8_t any = 0;
    for (size_t i = n; i < padded.n; i++) any |= padded.p[i];
    if (any) return PV_ERR_NONCANONICAL;
    if (n > PV_LIMIT_PAYLOAD_BYTES) return PV_ERR_LIMIT;
    *ret_item_bytes = n;
    return PV_OK;
}

enum pv_err pv_body_open_with_key(const struct pv_entry_key *key, const struct pv_header *header, struct pv_bytes body,
                                  struct pv_buf *payload)
{
    uint8_t memory[AD_BYTES_MAX];
    struct pv_hash commit;
    struct pv_seal_nonce nonce;
    struct pv_seal_key seal_key;
    size_t start = payload->n, item_bytes = 0;
    if (body.n <= OVERHEAD_BYTES) return PV_ERR_TRUNCATED;
    if (body.n > PV_LIMIT_BODY_BYTES) return PV_ERR_LIMIT;
    pv_entry_key_commit(key, &commit);
    if (!pv_hash_equal(&commit, &header->commit)) return PV_ERR_BAD_MAC;
    size_t padded_bytes = body.n - OVERHEAD_BYTES;
    uint8_t *at = pv_buf_extend(payload, padded_bytes);
    if (!at) return payload->err;
    memcpy(nonce.b, body.p, sizeof nonce.b);
    memcpy(seal_key.b, key->b, sizeof seal_key.b);
    struct pv_bytes sealed = pv_bytes(body.p + sizeof nonce.b, body.n - sizeof nonce.b);
    enum pv_err err = pv_open(&seal_key, &nonce, make_ad(header, memory), sealed, at);
    pv_wipe(&seal_key, sizeof seal_key);
    if (!err) err = unpad(pv_bytes(at, padded_bytes), &item_bytes);
    if (err) pv_wipe(at, padded_bytes);
    payload->n = start + item_bytes;
    return err;
}

enum pv_err pv_body_open(const struct pv_prk *epoch_prk, const struct pv_header *header, struct pv_bytes body,
                         struct pv_buf *payload)
{
    struct pv_seal_nonce nonce;
    struct pv_entry_key key;
    if (body.n <= OVERHEAD_BYTES) return PV_ERR_TRUNCATED;
    memcpy(nonce.b, body.p, sizeof nonce.b);
    pv_entry_key_derive(epoch_prk, header, &nonce, &key);
    enum pv_err err = pv_body_open_with_key(&key, header, body, payload);
    pv_wipe(&key, sizeof key);
    return err;
}
