/* CPace over ristretto255 and SHA-512, fed piece by piece into the hash.  Source: draft-irtf-cfrg-cpace §3 to §7. */
#include "core/crypto/cpace.h"

#include <sodium.h>
#include <string.h>

enum { SHA512_BLOCK_BYTES = 128, LENGTH_MAX = 2 };

static const char dsi[] = "CPaceRistretto255", dsi_key[] = "CPaceRistretto255_ISK";

/* A length in LEB128; two bytes hold every length up to PV_CPACE_PART_MAX. */
static size_t put_length(size_t n, uint8_t ret_length[static LENGTH_MAX])
{
    if (n < 128) {
        ret_length[0] = (uint8_t)n;
        return 1;
    }
    ret_length[0] = (uint8_t)(n & 127) | 128;
    ret_length[1] = (uint8_t)(n >> 7);
    return 2;
}

/* prepend_len of the draft. */
static void hash_part(crypto_hash_sha512_state *sha, const void *p, size_t n)
{
    uint8_t length[LENGTH_MAX];
    crypto_hash_sha512_update(sha, length, put_length(n, length));
    if (n) crypto_hash_sha512_update(sha, p, n);
}

/* calculate_generator: the padding fills the hash's first block, so that its time does not depend on the code. */
static void generator(const struct pv_cpace_input *input, uint8_t ret_point[static crypto_core_ristretto255_BYTES])
{
    static const uint8_t zeros[SHA512_BLOCK_BYTES];
    crypto_hash_sha512_state sha;
    uint8_t hash[crypto_hash_sha512_BYTES], length[LENGTH_MAX];
    size_t used = 1 + strlen(dsi) + put_length(input->password.n, length) + input->password.n;
    size_t pad = used < SHA512_BLOCK_BYTES - 1 ? SHA512_BLOCK_BYTES - 1 - used : 0;
    crypto_hash_sha512_init(&sha);
    hash_part(&sha, dsi, strlen(dsi));
    hash_part(&sha, input->password.p, input->password.n);
    hash_part(&sha, zeros, pad);
    hash_part(&sha, input->channel.p, input->channel.n);
    hash_part(&sha, input->sid.p, input->sid.n);
    crypto_hash_sha512_final(&sha, hash);
    crypto_core_ristretto255_from_hash(ret_point, hash);
    sodium_memzero(&sha, sizeof sha);
    sodium_memzero(hash, sizeof hash);
}

enum pv_err pv_cpace_start(const struct pv_cpace_input *input, const uint8_t random[static PV_CPACE_RANDOM_BYTES],
                           struct pv_cpace *ret_cpace)
{
    struct pv_cpace cpace;
    uint8_t point[crypto_core_ristretto255_BYTES];
    if (input->password.n > PV_CPACE_PART_MAX || input->channel.n > PV_CPACE_PART_MAX || input->sid.n > PV_CPACE_PART_MAX)
        return PV_ERR_LIMIT;
    generator(input, point);
    crypto_core_ristretto255_scalar_reduce(cpace.scalar, random);
    /* Only a zero scalar fails: its chance is that of guessing a key. */
    enum pv_err err = crypto_scalarmult_ristretto255(cpace.share.b, cpace.scalar, point) ? PV_ERR_MALFORMED : PV_OK;
    if (!err) *ret_cpace = cpace;
    sodium_memzero(&cpace, sizeof cpace);
    sodium_memzero(point, sizeof point);
    return err;
}

static void hash_message(crypto_hash_sha512_state *sha, const struct pv_cpace_share *share, struct pv_bytes ad)
{
    hash_part(sha, share->b, sizeof share->b);
    hash_part(sha, ad.p, ad.n);
}

enum pv_err pv_cpace_key(const struct pv_cpace *cpace, struct pv_bytes sid, bool initiator,
                         const struct pv_cpace_transcript *transcript, uint8_t ret_key[static PV_CPACE_KEY_BYTES])
{
    uint8_t secret[crypto_scalarmult_ristretto255_BYTES];
    crypto_hash_sha512_state sha;
    const struct pv_cpace_share *peer = initiator ? &transcript->responder : &transcript->initiator;
    if (sid.n > PV_CPACE_PART_MAX || transcript->initiator_ad.n > PV_CPACE_PART_MAX ||
        transcript->responder_ad.n > PV_CPACE_PART_MAX)
        return PV_ERR_LIMIT;
    if (crypto_scalarmult_ristretto255(secret, cpace->scalar, peer->b)) return PV_ERR_MALFORMED;
    crypto_hash_sha512_init(&sha);
    hash_part(&sha, dsi_key, strlen(dsi_key));
    hash_part(&sha, sid.p, sid.n);
    hash_part(&sha, secret, sizeof secret);
    hash_message(&sha, &transcript->initiator, transcript->initiator_ad);
    hash_message(&sha, &transcript->responder, transcript->responder_ad);
    crypto_hash_sha512_final(&sha, ret_key);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(&sha, sizeof sha);
    return PV_OK;
}
