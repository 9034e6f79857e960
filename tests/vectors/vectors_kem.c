/* X-Wing's vectors through our wrappers; ML-KEM-768's, its other half, through libsodium itself. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/crypto/keys.h"
#include "tests/vectors/vectors.h"

enum { VALUE_BYTES_MAX = 1 << 16 };

/* Hex of exactly `n` bytes. */
static bool get_fixed(const json_t *object, const char *name, uint8_t *ret_bytes, size_t n)
{
    struct pv_buf buf;
    pv_buf_init(&buf, VALUE_BYTES_MAX);
    bool good = vectors_get_hex(object, name, &buf) && buf.n == n;
    if (good) memcpy(ret_bytes, buf.p, n);
    pv_buf_release(&buf);
    return good;
}

static bool xwing_holds(const json_t *c)
{
    struct pv_kem_seed seed, sk;
    struct pv_kem_pk pk, want_pk;
    struct pv_kem_ct ct, want_ct;
    struct pv_kem_shared shared, want_shared;
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
    if (!get_fixed(c, "seed", seed.b, sizeof seed.b) || !get_fixed(c, "eseed", enc_seed, sizeof enc_seed) ||
        !get_fixed(c, "sk", sk.b, sizeof sk.b) || !get_fixed(c, "pk", want_pk.b, sizeof want_pk.b) ||
        !get_fixed(c, "ct", want_ct.b, sizeof want_ct.b) || !get_fixed(c, "ss", want_shared.b, sizeof want_shared.b))
        return false;
    pv_kem_from_seed(&seed, &pk);
    if (memcmp(pk.b, want_pk.b, sizeof pk.b) != 0 || memcmp(seed.b, sk.b, sizeof sk.b) != 0) return false;
    if (pv_kem_encapsulate(&pk, enc_seed, &ct, &shared)) return false;
    if (memcmp(ct.b, want_ct.b, sizeof ct.b) != 0 || memcmp(shared.b, want_shared.b, sizeof shared.b) != 0) return false;
    return !pv_kem_decapsulate(&sk, &want_ct, &shared) && memcmp(shared.b, want_shared.b, sizeof shared.b) == 0;
}

void vectors_run_xwing(const json_t *root, const char *path, struct vectors_tally *tally)
{
    size_t i;
    const json_t *c;
    if (!json_is_array(root)) {
        vectors_count(tally, VECTORS_OUTSIDE, path, "a file of another schema");
        return;
    }
    json_array_foreach(root, i, c) {
        char name[64];
        snprintf(name, sizeof name, "X-Wing vector %zu", i);
        vectors_count(tally, xwing_holds(c) ? VECTORS_PASSED : VECTORS_FAILED, path, name);
    }
}

struct mlkem {
    uint8_t seed[crypto_kem_mlkem768_SEEDBYTES];
    uint8_t pk[crypto_kem_mlkem768_PUBLICKEYBYTES], want_pk[crypto_kem_mlkem768_PUBLICKEYBYTES];
    uint8_t sk[crypto_kem_mlkem768_SECRETKEYBYTES], want_sk[crypto_kem_mlkem768_SECRETKEYBYTES];
    uint8_t ct[crypto_kem_mlkem768_CIPHERTEXTBYTES], want_ct[crypto_kem_mlkem768_CIPHERTEXTBYTES];
    uint8_t shared[crypto_kem_mlkem768_SHAREDSECRETBYTES], want_shared[crypto_kem_mlkem768_SHAREDSECRETBYTES];
    uint8_t m[32];
};

/* Whether the inputs can be taken at all, and whether what comes out is what is wanted. */
struct mlkem_result {
    bool taken;
    bool same;
};

#define GET(test, name, field) get_fixed(test, name, field, sizeof(field))
#define SAME(a, b) (memcmp(a, b, sizeof(a)) == 0)

static struct mlkem_result mlkem_keygen(const json_t *test, struct mlkem *k)
{
    struct mlkem_result result = {false, false};
    if (!GET(test, "seed", k->seed) || crypto_kem_mlkem768_seed_keypair(k->pk, k->sk, k->seed)) return result;
    result.taken = true;
    result.same = GET(test, "ek", k->want_pk) && SAME(k->pk, k->want_pk);
    if (json_object_get(test, "dk")) result.same &= GET(test, "dk", k->want_sk) && SAME(k->sk, k->want_sk);
    return result;
}

static struct mlkem_result mlkem_decapsulate(const json_t *test, struct mlkem *k)
{
    struct mlkem_result result = mlkem_keygen(test, k);
    if (!result.taken) return result;
    result.taken = GET(test, "c", k->ct) && crypto_kem_mlkem768_dec(k->shared, k->ct, k->sk) == 0;
    result.same &= result.taken && GET(test, "K", k->want_shared) && SAME(k->shared, k->want_shared);
    return result;
}

static struct mlkem_result mlkem_encapsulate(const json_t *test, struct mlkem *k)
{
    struct mlkem_result result = {false, false};
    result.taken = GET(test, "ek", k->pk) && GET(test, "m", k->m) &&
                   crypto_kem_mlkem768_enc_deterministic(k->ct, k->shared, k->pk, k->m) == 0;
    result.same = result.taken && GET(test, "c", k->want_ct) && SAME(k->ct, k->want_ct) &&
                  GET(test, "K", k->want_shared) && SAME(k->shared, k->want_shared);
    return result;
}

enum vectors_outcome vectors_run_mlkem(const json_t *test, bool valid)
{
    struct mlkem k;
    struct mlkem_result result;
    if (json_object_get(test, "m")) result = mlkem_encapsulate(test, &k);
    else if (json_object_get(test, "seed") && json_object_get(test, "c")) result = mlkem_decapsulate(test, &k);
    else if (json_object_get(test, "seed")) result = mlkem_keygen(test, &k);
    else return VECTORS_OUTSIDE; /* expanded secret keys: X-Wing's are seeds */
    return (valid ? result.same : !result.taken) ? VECTORS_PASSED : VECTORS_FAILED;
}
