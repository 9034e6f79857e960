/* Encoding, signing and sealing of successions.  Source: FORMAT.md §9.2. */
#include "core/room/succession.h"

#include "core/crypto/hash.h"

enum { VERSION = 1, FIELDS = 6, SIGNED_FIELDS = 3, PLACE_FIELDS = 4 };

static const struct pv_seal_nonce zero_nonce = {{0}};

static void put(struct pv_buf *buf, const struct pv_succession *succession)
{
    pv_cbor_put_array(buf, FIELDS);
    pv_cbor_put_uint(buf, VERSION);
    pv_cbor_put_hash(buf, &succession->room);
    pv_cbor_put_hash(buf, &succession->successor);
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, succession->size);
    pv_cbor_put_hash(buf, &succession->root);
    pv_cbor_put_uint(buf, succession->epoch);
    pv_cbor_put_bytes(buf, succession->sealed.p, succession->sealed.n);
}

static void get(struct pv_cbor *in, struct pv_succession *succession)
{
    size_t fields = pv_cbor_get_array(in, UINT8_MAX);
    if (pv_cbor_get_uint(in, UINT64_MAX) != VERSION) pv_cbor_fail(in, PV_ERR_UNSUPPORTED);
    if (fields != FIELDS) pv_cbor_fail(in, PV_ERR_MALFORMED);
    pv_cbor_get_hash(in, &succession->room);
    pv_cbor_get_hash(in, &succession->successor);
    pv_cbor_get_array_of(in, 2);
    succession->size = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &succession->root);
    succession->epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
    succession->sealed = pv_cbor_get_bytes(in, PV_LIMIT_SUCCESSION_BYTES);
}

enum pv_err pv_succession_sign(const struct pv_succession *succession, const struct pv_hash *device, const struct pv_sign_sk *sk,
                               struct pv_buf *signed_succession)
{
    struct pv_buf encoded;
    struct pv_sig sig;
    pv_buf_init(&encoded, PV_LIMIT_SUCCESSION_BYTES + 256);
    put(&encoded, succession);
    enum pv_err err = encoded.err ? encoded.err : pv_sign(sk, "succession", pv_buf_bytes(&encoded), &sig);
    if (!err) {
        pv_cbor_put_array(signed_succession, SIGNED_FIELDS);
        pv_buf_append(signed_succession, encoded.p, encoded.n);
        pv_cbor_put_hash(signed_succession, device);
        pv_cbor_put_bytes(signed_succession, sig.b, sizeof sig.b);
        err = signed_succession->err;
    }
    pv_buf_release(&encoded);
    return err;
}

/* `ret_encoded`: what is signed. */
static enum pv_err read_signed(struct pv_bytes bytes, struct pv_succession *ret_succession, struct pv_bytes *ret_encoded,
                               struct pv_hash *ret_device, struct pv_sig *ret_sig)
{
    struct pv_succession succession = {.size = 0};
    struct pv_hash device;
    struct pv_sig sig;
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, SIGNED_FIELDS);
    const uint8_t *begin = in.p;
    get(&in, &succession);
    struct pv_bytes encoded = pv_bytes(begin, (size_t)(in.p - begin));
    pv_cbor_get_hash(&in, &device);
    pv_cbor_get_fixed(&in, sig.b, sizeof sig.b);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    *ret_succession = succession;
    *ret_encoded = encoded;
    *ret_device = device;
    *ret_sig = sig;
    return PV_OK;
}

enum pv_err pv_succession_read(struct pv_bytes bytes, struct pv_succession *ret_succession, struct pv_hash *ret_device)
{
    struct pv_bytes encoded;
    struct pv_sig sig;
    return read_signed(bytes, ret_succession, &encoded, ret_device, &sig);
}

enum pv_err pv_succession_verify(struct pv_bytes bytes, const struct pv_sign_pk *device_pk)
{
    struct pv_succession succession;
    struct pv_bytes encoded;
    struct pv_hash device;
    struct pv_sig sig;
    enum pv_err err = read_signed(bytes, &succession, &encoded, &device, &sig);
    return err ? err : pv_verify(device_pk, "succession", encoded, &sig);
}

/* ---- what is sealed */

static void content_key(const struct pv_succession *succession, const struct pv_epoch_secret *secret, struct pv_seal_key *ret_key)
{
    uint8_t memory[2 * (sizeof succession->room.b + 2)];
    struct pv_buf parts;
    struct pv_prk prk;
    pv_buf_init_fixed(&parts, memory, sizeof memory);
    pv_cbor_put_hash(&parts, &succession->room);
    pv_cbor_put_hash(&parts, &succession->successor);
    pv_epoch_prk(secret, &prk);
    pv_hkdf_expand(&prk, "succession", pv_buf_bytes(&parts), ret_key->b);
    pv_wipe(&prk, sizeof prk);
}

static void place_key(const struct pv_succession *succession, const struct pv_hash *person, const struct pv_hash *kem_hash,
                      const struct pv_kem_shared *shared, struct pv_seal_key *ret_key)
{
    uint8_t memory[4 * (sizeof person->b + 2)];
    struct pv_buf parts;
    pv_buf_init_fixed(&parts, memory, sizeof memory);
    pv_cbor_put_hash(&parts, &succession->room);
    pv_cbor_put_hash(&parts, &succession->successor);
    pv_cbor_put_hash(&parts, person);
    pv_cbor_put_hash(&parts, kem_hash);
    pv_hkdf(PV_BYTES_OF(*shared), "succession-place", pv_buf_bytes(&parts), ret_key->b);
}

static enum pv_err put_place(const struct pv_succession *succession, const struct pv_succession_place *place,
                             const struct pv_random *random, struct pv_buf *content)
{
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES], sealed[PV_LIMIT_LINK_BYTES + PV_SEAL_TAG_BYTES];
    struct pv_kem_ct ct;
    struct pv_kem_shared shared;
    struct pv_seal_key key;
    if (place->link.n > PV_LIMIT_LINK_BYTES) return PV_ERR_LIMIT;
    pv_random_fill(random, enc_seed, sizeof enc_seed);
    enum pv_err err = pv_kem_encapsulate(place->kem_pk, enc_seed, &ct, &shared);
    if (!err) {
        place_key(succession, &place->person, &place->kem_hash, &shared, &key);
        pv_seal(&key, &zero_nonce, pv_bytes(NULL, 0), place->link, sealed);
        pv_cbor_put_array(content, PLACE_FIELDS);
        pv_cbor_put_hash(content, &place->person);
        pv_cbor_put_hash(content, &place->kem_hash);
        pv_cbor_put_bytes(content, ct.b, sizeof ct.b);
        pv_cbor_put_bytes(content, sealed, place->link.n + PV_SEAL_TAG_BYTES);
        pv_wipe(&key, sizeof key);
    }
    pv_wipe(enc_seed, sizeof enc_seed);
    pv_wipe(&shared, sizeof shared);
    return err ? err : content->err;
}

enum pv_err pv_succession_seal(const struct pv_succession *succession, const struct pv_epoch_secret *secret, struct pv_bytes common,
                               const struct pv_succession_place *places, size_t count, const struct pv_random *random,
                               struct pv_buf *sealed)
{
    struct pv_seal_nonce nonce;
    struct pv_seal_key key;
    struct pv_buf content;
    if (count > PV_LIMIT_SUCCESSION_PLACES || common.n > PV_LIMIT_LINK_BYTES) return PV_ERR_LIMIT;
    pv_buf_init(&content, PV_LIMIT_SUCCESSION_BYTES - PV_SEAL_NONCE_BYTES - PV_SEAL_TAG_BYTES);
    pv_cbor_put_array(&content, 2);
    if (common.n) pv_cbor_put_bytes(&content, common.p, common.n);
    else pv_cbor_put_null(&content);
    pv_cbor_put_array(&content, count);
    enum pv_err err = content.err;
    for (size_t i = 0; i < count && !err; i++) err = put_place(succession, &places[i], random, &content);
    if (!err) {
        pv_random_fill(random, nonce.b, sizeof nonce.b);
        content_key(succession, secret, &key);
        pv_buf_append(sealed, nonce.b, sizeof nonce.b);
        uint8_t *at = pv_buf_extend(sealed, content.n + PV_SEAL_TAG_BYTES);
        if (at) pv_seal(&key, &nonce, pv_bytes(NULL, 0), pv_buf_bytes(&content), at);
        pv_wipe(&key, sizeof key);
        err = sealed->err;
    }
    pv_buf_wipe(&content);
    return err;
}

struct found {
    struct pv_bytes common, sealed_link; /* within the content */
    struct pv_hash kem_hash;
    struct pv_kem_ct ct;
    bool has_place;
};

static enum pv_err find_place(struct pv_bytes content, const struct pv_hash *person, struct found *ret_found)
{
    struct found found = {.has_place = false};
    struct pv_cbor in;
    pv_cbor_init(&in, content);
    pv_cbor_get_array_of(&in, 2);
    if (!pv_cbor_take_null(&in)) found.common = pv_cbor_get_bytes(&in, PV_LIMIT_LINK_BYTES);
    size_t count = pv_cbor_get_array(&in, PV_LIMIT_SUCCESSION_PLACES);
    for (size_t i = 0; i < count && !in.err; i++) {
        struct pv_hash id, kem_hash;
        struct pv_kem_ct ct;
        pv_cbor_get_array_of(&in, PLACE_FIELDS);
        pv_cbor_get_hash(&in, &id);
        pv_cbor_get_hash(&in, &kem_hash);
        pv_cbor_get_fixed(&in, ct.b, sizeof ct.b);
        struct pv_bytes sealed = pv_cbor_get_bytes(&in, PV_LIMIT_LINK_BYTES + PV_SEAL_TAG_BYTES);
        if (in.err || found.has_place || !pv_hash_equal(&id, person)) continue;
        found.has_place = true;
        found.kem_hash = kem_hash;
        found.ct = ct;
        found.sealed_link = sealed;
    }
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_found = found;
    return err;
}

static enum pv_err open_place(const struct pv_succession *succession, const struct pv_hash *person, const struct found *found,
                              const struct pv_kem_seed *seed, struct pv_buf *link)
{
    struct pv_kem_shared shared;
    struct pv_seal_key key;
    uint8_t plain[PV_LIMIT_LINK_BYTES];
    if (found->sealed_link.n < PV_SEAL_TAG_BYTES) return PV_ERR_TRUNCATED;
    enum pv_err err = pv_kem_decapsulate(seed, &found->ct, &shared);
    if (err) return err;
    place_key(succession, person, &found->kem_hash, &shared, &key);
    err = pv_open(&key, &zero_nonce, pv_bytes(NULL, 0), found->sealed_link, plain);
    if (!err) pv_buf_append(link, plain, found->sealed_link.n - PV_SEAL_TAG_BYTES);
    pv_wipe(&shared, sizeof shared);
    pv_wipe(&key, sizeof key);
    pv_wipe(plain, sizeof plain);
    return err ? err : link->err;
}

enum pv_err pv_succession_open(const struct pv_succession *succession, const struct pv_epoch_secret *secret, const struct pv_hash *person,
                               enum pv_err (*seed)(void *context, const struct pv_hash *kem_hash, struct pv_kem_seed *ret_seed),
                               void *context, struct pv_buf *link)
{
    struct pv_seal_nonce nonce;
    struct pv_seal_key key;
    struct pv_kem_seed kem_seed;
    struct found found;
    struct pv_buf content;
    struct pv_bytes sealed = succession->sealed;
    if (sealed.n < sizeof nonce.b + PV_SEAL_TAG_BYTES) return PV_ERR_TRUNCATED;
    pv_buf_init(&content, PV_LIMIT_SUCCESSION_BYTES);
    size_t n = sealed.n - sizeof nonce.b - PV_SEAL_TAG_BYTES;
    uint8_t *plain = pv_buf_extend(&content, n ? n : 1);
    if (!plain) return content.err;
    for (size_t i = 0; i < sizeof nonce.b; i++) nonce.b[i] = sealed.p[i];
    content_key(succession, secret, &key);
    enum pv_err err = pv_open(&key, &nonce, pv_bytes(NULL, 0), pv_bytes(sealed.p + sizeof nonce.b, sealed.n - sizeof nonce.b), plain);
    pv_wipe(&key, sizeof key);
    if (!err) err = find_place(pv_bytes(plain, n), person, &found);
    if (!err && found.has_place) {
        err = seed(context, &found.kem_hash, &kem_seed);
        if (!err) err = open_place(succession, person, &found, &kem_seed, link);
        pv_wipe(&kem_seed, sizeof kem_seed);
    } else if (!err && found.common.n) {
        pv_buf_append(link, found.common.p, found.common.n);
        err = link->err;
    } else if (!err) {
        err = PV_ERR_NOT_FOUND;
    }
    pv_buf_wipe(&content);
    return err;
}
