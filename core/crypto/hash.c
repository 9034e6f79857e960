/* SHA-256, labelled hashes and HKDF.
 *
 * Natively SHA-256 is libcrypto's, which uses the processor's instructions (five times libsodium's portable
 * code, and cold opens are mostly hashing); as wasm it is libsodium's. Both are pure computations. */
#include "core/crypto/hash.h"

#include <string.h>

#include "core/base/cbor.h"


#ifdef __wasm__

#include <sodium/crypto_hash_sha256.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct pv_sha256), "state fits");

void pv_sha256_init(struct pv_sha256 *sha)
{
    (void)crypto_hash_sha256_init((crypto_hash_sha256_state *)(void *)sha->state);
}

void pv_sha256_update(struct pv_sha256 *sha, const void *p, size_t n)
{
    if (n) (void)crypto_hash_sha256_update((crypto_hash_sha256_state *)(void *)sha->state, p, n);
}

void pv_sha256_final(struct pv_sha256 *sha, struct pv_hash *ret_hash)
{
    (void)crypto_hash_sha256_final((crypto_hash_sha256_state *)(void *)sha->state, ret_hash->b);
}

#else

#define OPENSSL_SUPPRESS_DEPRECATED /* the EVP interface allocates for every hash */
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct pv_sha256), "state fits");

void pv_sha256_init(struct pv_sha256 *sha)
{
    (void)SHA256_Init((SHA256_CTX *)(void *)sha->state);
}

void pv_sha256_update(struct pv_sha256 *sha, const void *p, size_t n)
{
    if (n) (void)SHA256_Update((SHA256_CTX *)(void *)sha->state, p, n);
}

void pv_sha256_final(struct pv_sha256 *sha, struct pv_hash *ret_hash)
{
    (void)SHA256_Final(ret_hash->b, (SHA256_CTX *)(void *)sha->state);
}

#endif

void pv_sha256(struct pv_bytes bytes, struct pv_hash *ret_hash)
{
    struct pv_sha256 sha;
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, bytes.p, bytes.n);
    pv_sha256_final(&sha, ret_hash);
}

static void put_head(struct pv_sha256 *sha, enum pv_cbor_major major, uint64_t value)
{
    uint8_t head[PV_CBOR_HEAD_MAX];
    pv_sha256_update(sha, head, pv_cbor_head(major, value, head));
}

void pv_sha256_put_uint(struct pv_sha256 *sha, uint64_t value)
{
    put_head(sha, PV_CBOR_UINT, value);
}

void pv_sha256_put_bytes(struct pv_sha256 *sha, const void *p, size_t n)
{
    put_head(sha, PV_CBOR_BYTES, n);
    pv_sha256_update(sha, p, n);
}

void pv_sha256_put_text(struct pv_sha256 *sha, const char *text)
{
    put_head(sha, PV_CBOR_TEXT, strlen(text));
    pv_sha256_update(sha, text, strlen(text));
}

void pv_sha256_put_array(struct pv_sha256 *sha, size_t count)
{
    put_head(sha, PV_CBOR_ARRAY, count);
}

static void put_label(struct pv_sha256 *sha, const char *what)
{
    put_head(sha, PV_CBOR_TEXT, strlen(PV_LABEL_PREFIX) + strlen(what));
    pv_sha256_update(sha, PV_LABEL_PREFIX, strlen(PV_LABEL_PREFIX));
    pv_sha256_update(sha, what, strlen(what));
}

void pv_hash_begin(struct pv_sha256 *sha, const char *what)
{
    pv_sha256_init(sha);
    put_label(sha, what);
}

void pv_hash_bytes(const char *what, struct pv_bytes bytes, struct pv_hash *ret_hash)
{
    struct pv_sha256 sha;
    pv_hash_begin(&sha, what);
    pv_sha256_put_bytes(&sha, bytes.p, bytes.n);
    pv_sha256_final(&sha, ret_hash);
}

void pv_hash_encoded(const char *what, struct pv_bytes encoded, struct pv_hash *ret_hash)
{
    struct pv_sha256 sha;
    pv_hash_begin(&sha, what);
    pv_sha256_update(&sha, encoded.p, encoded.n);
    pv_sha256_final(&sha, ret_hash);
}

struct hmac {
    struct pv_sha256 inner;
    struct pv_sha256 outer;
};

static void hmac_init(struct hmac *mac, struct pv_bytes key)
{
    uint8_t pad[64] = {0};
    struct pv_hash short_key;
    if (key.n > sizeof pad) { /* RFC 2104 §2 */
        pv_sha256(key, &short_key);
        key = pv_bytes(short_key.b, sizeof short_key.b);
    }
    if (key.n) memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36;
    pv_sha256_init(&mac->inner);
    pv_sha256_update(&mac->inner, pad, sizeof pad);
    for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
    pv_sha256_init(&mac->outer);
    pv_sha256_update(&mac->outer, pad, sizeof pad);
    pv_wipe(pad, sizeof pad);
    pv_wipe(&short_key, sizeof short_key);
}

static void hmac_final(struct hmac *mac, struct pv_hash *ret_mac)
{
    struct pv_hash inner;
    pv_sha256_final(&mac->inner, &inner);
    pv_sha256_update(&mac->outer, inner.b, sizeof inner.b);
    pv_sha256_final(&mac->outer, ret_mac);
    pv_wipe(&inner, sizeof inner);
    pv_wipe(mac, sizeof *mac);
}

void pv_hmac_sha256(struct pv_bytes key, const struct pv_bytes *parts, size_t part_count, struct pv_hash *ret_mac)
{
    struct hmac mac;
    hmac_init(&mac, key);
    for (size_t i = 0; i < part_count; i++) pv_sha256_update(&mac.inner, parts[i].p, parts[i].n);
    hmac_final(&mac, ret_mac);
}

void pv_hkdf_extract(struct pv_bytes secret, struct pv_prk *ret_prk)
{
    struct pv_hash prk;
    pv_hmac_sha256(pv_bytes(NULL, 0), &secret, 1, &prk);
    memcpy(ret_prk->b, prk.b, sizeof ret_prk->b);
    pv_wipe(&prk, sizeof prk);
}

void pv_hkdf_expand(const struct pv_prk *prk, const char *what, struct pv_bytes encoded, uint8_t ret_key[static 32])
{
    struct hmac mac;
    struct pv_hash key;
    hmac_init(&mac, pv_bytes(prk->b, sizeof prk->b));
    put_label(&mac.inner, what);
    pv_sha256_update(&mac.inner, encoded.p, encoded.n);
    pv_sha256_update(&mac.inner, "\x01", 1);
    hmac_final(&mac, &key);
    memcpy(ret_key, key.b, sizeof key.b);
    pv_wipe(&key, sizeof key);
}

void pv_hkdf(struct pv_bytes secret, const char *what, struct pv_bytes encoded, uint8_t ret_key[static 32])
{
    struct pv_prk prk;
    pv_hkdf_extract(secret, &prk);
    pv_hkdf_expand(&prk, what, encoded, ret_key);
    pv_wipe(&prk, sizeof prk);
}

enum pv_err pv_hkdf_general(struct pv_bytes secret, struct pv_bytes salt, struct pv_bytes info, uint8_t *ret_key,
                            size_t n)
{
    if (n > 255 * 32) return PV_ERR_LIMIT;
    struct pv_hash prk, block = {{0}};
    pv_hmac_sha256(salt, &secret, 1, &prk);
    uint8_t counter = 0;
    for (size_t done = 0; done < n;) {
        counter++;
        struct pv_bytes parts[] = {pv_bytes(block.b, counter == 1 ? 0 : sizeof block.b), info, pv_bytes(&counter, 1)};
        pv_hmac_sha256(PV_BYTES_OF(prk), parts, 3, &block);
        size_t take = n - done < sizeof block.b ? n - done : sizeof block.b;
        memcpy(ret_key + done, block.b, take);
        done += take;
    }
    pv_wipe(&prk, sizeof prk);
    pv_wipe(&block, sizeof block);
    return PV_OK;
}
