/* Project Wycheproof's vectors for the primitives that we use, with the parameters that we use:
 *
 *   AES-GCM               256-bit key, 96-bit nonce, 128-bit tag
 *   XCHACHA20-POLY1305    256-bit key, 192-bit nonce, 128-bit tag (the IETF construction)
 *   EDDSA                 verification over edwards25519
 *   HKDF-SHA-256          any secret, salt, info and length
 *   ML-KEM                ML-KEM-768 from seeds (vectors_mlkem.c)
 *
 * All else is outside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/crypto/keys.h"
#include "tests/vectors/vectors.h"

enum { VALUE_BYTES_MAX = 1 << 20, TAG_BYTES = 16 };

static const char *get_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool group_has(const json_t *group, const char *name, uint64_t want)
{
    uint64_t got;
    return vectors_get_u64(json_object_get(group, name), &got) && got == want;
}

/* --- authenticated encryption --- */

struct aead {
    const char *algorithm;
    size_t nonce_bytes;
    bool (*crypt)(bool seal, const uint8_t key[static 32], const uint8_t *nonce, struct pv_bytes ad, struct pv_bytes in,
                  uint8_t *ret_out);
};

static bool crypt_aes(bool seal, const uint8_t key[static 32], const uint8_t *nonce, struct pv_bytes ad,
                      struct pv_bytes in, uint8_t *ret_out)
{
    return vectors_aes256gcm(seal, key, nonce, ad, in, ret_out);
}

static bool crypt_xchacha(bool seal, const uint8_t key[static 32], const uint8_t *nonce, struct pv_bytes ad,
                          struct pv_bytes in, uint8_t *ret_out)
{
    struct pv_seal_key seal_key;
    struct pv_seal_nonce seal_nonce;
    memcpy(seal_key.b, key, sizeof seal_key.b);
    memcpy(seal_nonce.b, nonce, sizeof seal_nonce.b);
    if (!seal) return pv_open(&seal_key, &seal_nonce, ad, in, ret_out) == PV_OK;
    pv_seal(&seal_key, &seal_nonce, ad, in, ret_out);
    return true;
}

static const struct aead aeads[] = {{"AES-GCM", 12, crypt_aes}, {"XCHACHA20-POLY1305", 24, crypt_xchacha}};

struct aead_case {
    struct pv_buf key, nonce, ad, plain, sealed, tag, out;
};

static struct pv_buf *const *aead_bufs(struct aead_case *c, struct pv_buf *ret_all[7])
{
    struct pv_buf *all[7] = {&c->key, &c->nonce, &c->ad, &c->plain, &c->sealed, &c->tag, &c->out};
    memcpy(ret_all, all, sizeof all);
    return ret_all;
}

static enum vectors_outcome check_aead(const struct aead *aead, struct aead_case *c, const char *result)
{
    bool valid = strcmp(result, "valid") == 0, invalid = strcmp(result, "invalid") == 0;
    if (c->key.n != 32 || c->nonce.n != aead->nonce_bytes || c->tag.n != TAG_BYTES)
        return valid ? VECTORS_FAILED : VECTORS_PASSED; /* our types do not take it */
    pv_buf_append(&c->sealed, c->tag.p, c->tag.n);
    struct pv_bytes plain = pv_buf_bytes(&c->plain), sealed = pv_buf_bytes(&c->sealed), ad = pv_buf_bytes(&c->ad);
    uint8_t *out = pv_buf_extend(&c->out, sealed.n + plain.n + TAG_BYTES);
    if (!out) return VECTORS_FAILED;
    bool opened = aead->crypt(false, c->key.p, c->nonce.p, ad, sealed, out);
    bool same = opened && pv_bytes_equal(pv_bytes(out, sealed.n - TAG_BYTES), plain);
    if (invalid) return opened ? VECTORS_FAILED : VECTORS_PASSED;
    if (!valid) return !opened || same ? VECTORS_PASSED : VECTORS_FAILED; /* acceptable */
    bool made = aead->crypt(true, c->key.p, c->nonce.p, ad, plain, out) &&
                pv_bytes_equal(pv_bytes(out, plain.n + TAG_BYTES), sealed);
    return same && made ? VECTORS_PASSED : VECTORS_FAILED;
}

static enum vectors_outcome run_aead(const struct aead *aead, const json_t *test)
{
    struct aead_case c;
    struct pv_buf *all[7];
    enum vectors_outcome outcome = VECTORS_FAILED;
    aead_bufs(&c, all);
    for (size_t i = 0; i < 7; i++) pv_buf_init(all[i], 4 * (size_t)VALUE_BYTES_MAX);
    if (vectors_get_hex(test, "key", &c.key) && vectors_get_hex(test, "iv", &c.nonce) &&
        vectors_get_hex(test, "aad", &c.ad) && vectors_get_hex(test, "msg", &c.plain) &&
        vectors_get_hex(test, "ct", &c.sealed) && vectors_get_hex(test, "tag", &c.tag))
        outcome = check_aead(aead, &c, get_text(test, "result"));
    for (size_t i = 0; i < 7; i++) pv_buf_release(all[i]);
    return outcome;
}

/* --- signatures --- */

static enum vectors_outcome run_eddsa(const json_t *group, const json_t *test)
{
    const json_t *key = json_object_get(group, "publicKey");
    struct pv_buf pk_bytes, message, sig_bytes;
    enum vectors_outcome outcome = VECTORS_FAILED;
    if (!key) key = json_object_get(group, "key");
    if (strcmp(get_text(key, "curve"), "edwards25519") != 0) return VECTORS_OUTSIDE;
    pv_buf_init(&pk_bytes, VALUE_BYTES_MAX);
    pv_buf_init(&message, VALUE_BYTES_MAX);
    pv_buf_init(&sig_bytes, VALUE_BYTES_MAX);
    if (vectors_get_hex(key, "pk", &pk_bytes) && vectors_get_hex(test, "msg", &message) &&
        vectors_get_hex(test, "sig", &sig_bytes)) {
        struct pv_sign_pk pk;
        struct pv_sig sig;
        bool verified = false;
        if (pk_bytes.n == sizeof pk.b && sig_bytes.n == sizeof sig.b) {
            memcpy(pk.b, pk_bytes.p, sizeof pk.b);
            memcpy(sig.b, sig_bytes.p, sizeof sig.b);
            verified = pv_verify_raw(&pk, pv_buf_bytes(&message), &sig) == PV_OK;
        }
        const char *result = get_text(test, "result");
        bool acceptable = strcmp(result, "acceptable") == 0;
        if (acceptable || verified == (strcmp(result, "valid") == 0)) outcome = VECTORS_PASSED;
    }
    pv_buf_release(&pk_bytes);
    pv_buf_release(&message);
    pv_buf_release(&sig_bytes);
    return outcome;
}

/* --- key derivation --- */

static enum vectors_outcome run_hkdf(const json_t *test)
{
    struct pv_buf secret, salt, info, want, got;
    uint64_t size;
    enum vectors_outcome outcome = VECTORS_FAILED;
    struct pv_buf *const all[] = {&secret, &salt, &info, &want, &got};
    for (size_t i = 0; i < 5; i++) pv_buf_init(all[i], VALUE_BYTES_MAX);
    if (vectors_get_hex(test, "ikm", &secret) && vectors_get_hex(test, "salt", &salt) &&
        vectors_get_hex(test, "info", &info) && vectors_get_hex(test, "okm", &want) &&
        vectors_get_u64(json_object_get(test, "size"), &size)) {
        bool valid = strcmp(get_text(test, "result"), "valid") == 0;
        /* One byte more, so that an empty output has a place too. */
        uint8_t *out = size < VALUE_BYTES_MAX ? pv_buf_extend(&got, (size_t)size + 1) : NULL;
        bool made = out && pv_hkdf_general(pv_buf_bytes(&secret), pv_buf_bytes(&salt), pv_buf_bytes(&info), out,
                                           (size_t)size) == PV_OK;
        bool same = made && pv_bytes_equal(pv_bytes(out, (size_t)size), pv_buf_bytes(&want));
        outcome = (valid ? same : !made) ? VECTORS_PASSED : VECTORS_FAILED;
    }
    for (size_t i = 0; i < 5; i++) pv_buf_release(all[i]);
    return outcome;
}

/* --- files --- */

/* Newer files leave a group's type to the schema. */
static bool group_is(const json_t *group, const char *type)
{
    const char *got = get_text(group, "type");
    return !*got || strcmp(got, type) == 0;
}

static enum vectors_outcome run_test(const char *algorithm, const json_t *group, const json_t *test)
{
    for (size_t i = 0; i < sizeof aeads / sizeof *aeads; i++) {
        if (strcmp(algorithm, aeads[i].algorithm) != 0 || !group_is(group, "AeadTest")) continue;
        bool ours = group_has(group, "keySize", 256) && group_has(group, "ivSize", 8 * aeads[i].nonce_bytes) &&
                    group_has(group, "tagSize", 8 * TAG_BYTES);
        return ours ? run_aead(&aeads[i], test) : VECTORS_OUTSIDE;
    }
    if (strcmp(algorithm, "EDDSA") == 0 && group_is(group, "EddsaVerify")) return run_eddsa(group, test);
    if (strcmp(algorithm, "HKDF-SHA-256") == 0 && group_is(group, "HkdfTest")) return run_hkdf(test);
    if (strcmp(algorithm, "ML-KEM") == 0 && strcmp(get_text(group, "parameterSet"), "ML-KEM-768") == 0)
        return vectors_run_mlkem(test, strcmp(get_text(test, "result"), "valid") == 0);
    return VECTORS_OUTSIDE;
}

void vectors_run_wycheproof(const json_t *root, const char *path, struct vectors_tally *tally)
{
    const char *algorithm = get_text(root, "algorithm");
    const json_t *groups = json_object_get(root, "testGroups"), *group, *test;
    size_t i, j;
    if (!json_is_array(groups)) {
        vectors_count(tally, VECTORS_OUTSIDE, path, "a file of another schema");
        return;
    }
    json_array_foreach(groups, i, group) {
        const json_t *tests = json_object_get(group, "tests");
        json_array_foreach(tests, j, test) {
            char name[64];
            uint64_t id = 0;
            (void)vectors_get_u64(json_object_get(test, "tcId"), &id);
            snprintf(name, sizeof name, "%.32s tcId %llu", algorithm, (unsigned long long)id);
            vectors_count(tally, run_test(algorithm, group, test), path, name);
        }
    }
}
