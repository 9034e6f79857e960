/* The wrapped functions: each calls the real one, or remembers what it said to the same question. */
#include "tests/simulation/hooks.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 14, ANSWER = 1216 };

static const struct sim_watch *watch;
static struct sim_costs costs;

void sim_watch(const struct sim_watch *new_watch)
{
    watch = new_watch;
}

const struct sim_costs *sim_costs(void)
{
    return &costs;
}

/* ---- memory: pure functions by the hash of their question; a slot is overwritten by the next that falls there */

struct memo {
    struct pv_hash question;
    bool known;
    int result;
    uint8_t answer[32];
};

struct big_memo {
    struct pv_hash question;
    bool known;
    uint8_t answer[ANSWER], shared[32];
};

static struct memo checks[SLOTS], shared[SLOTS];
static struct big_memo keys[SLOTS], wraps[SLOTS];

struct question {
    struct pv_sha256 sha;
};

static void ask(struct question *q, const char *what)
{
    pv_sha256_init(&q->sha);
    pv_sha256_update(&q->sha, what, strlen(what) + 1);
}

static size_t slot_of(const struct pv_hash *question, size_t slots)
{
    size_t slot;
    memcpy(&slot, question->b, sizeof slot);
    return slot & (slots - 1);
}

static struct memo *memo_at(struct memo *memos, const struct pv_hash *question)
{
    return &memos[slot_of(question, SLOTS)];
}

static bool is_answer(const struct memo *memo, const struct pv_hash *question)
{
    return memo->known && pv_hash_equal(&memo->question, question);
}

/* ---- signatures */

static void check_question(const unsigned char *sig, const unsigned char *pk, const unsigned char *m, unsigned long long n,
                           struct pv_hash *ret_question)
{
    struct question q;
    ask(&q, "verify");
    pv_sha256_update(&q.sha, sig, 64);
    pv_sha256_update(&q.sha, pk, 32);
    pv_sha256_update(&q.sha, m, (size_t)n);
    pv_sha256_final(&q.sha, ret_question);
}

int __real_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long n,
                                       const unsigned char *pk);
int __wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long n,
                                       const unsigned char *pk);
int __wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long n,
                                       const unsigned char *pk)
{
    struct pv_hash question;
    check_question(sig, pk, m, n, &question);
    struct memo *memo = memo_at(checks, &question);
    costs.checks++;
    if (is_answer(memo, &question)) return memo->result;
    costs.checks_computed++;
    *memo = (struct memo){question, true, __real_crypto_sign_verify_detached(sig, m, n, pk), {0}};
    return memo->result;
}

/* Ed25519 has one signature for a key and a message: persons, kits and certificates are the same in every world. */
struct signed_memo {
    struct pv_hash question;
    bool known;
    uint8_t answer[64];
};

static struct signed_memo signatures[SLOTS], pairs[SLOTS];

int __real_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
int __wrap_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
int __wrap_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed)
{
    struct pv_hash question;
    if (watch) watch->secret(watch->context, seed);
    pv_sha256(pv_bytes(seed, 32), &question);
    struct signed_memo *memo = &pairs[slot_of(&question, SLOTS)];
    if (!memo->known || !pv_hash_equal(&memo->question, &question)) {
        int failed = __real_crypto_sign_seed_keypair(pk, sk, seed);
        if (failed) return failed;
        *memo = (struct signed_memo){.question = question, .known = true};
        memcpy(memo->answer, sk, sizeof memo->answer); /* the seed, then the public key */
        return 0;
    }
    memcpy(sk, memo->answer, sizeof memo->answer);
    memcpy(pk, memo->answer + 32, 32);
    return 0;
}

/* What was signed here holds under the public half of the key (its last 32 bytes): no need to find that out, save now
 * and then. */
int __real_crypto_sign_detached(unsigned char *sig, unsigned long long *siglen, const unsigned char *m,
                                unsigned long long n, const unsigned char *sk);
int __wrap_crypto_sign_detached(unsigned char *sig, unsigned long long *siglen, const unsigned char *m,
                                unsigned long long n, const unsigned char *sk);
int __wrap_crypto_sign_detached(unsigned char *sig, unsigned long long *siglen, const unsigned char *m,
                                unsigned long long n, const unsigned char *sk)
{
    struct question q;
    struct pv_hash question;
    ask(&q, "sign");
    pv_sha256_update(&q.sha, sk, 64);
    pv_sha256_update(&q.sha, m, (size_t)n);
    pv_sha256_final(&q.sha, &question);
    struct signed_memo *made = &signatures[slot_of(&question, SLOTS)];
    int failed = 0;
    costs.signings++;
    if (made->known && pv_hash_equal(&made->question, &question)) {
        memcpy(sig, made->answer, sizeof made->answer);
        if (siglen) *siglen = sizeof made->answer;
    } else {
        costs.signings_computed++;
        failed = __real_crypto_sign_detached(sig, siglen, m, n, sk);
        *made = (struct signed_memo){.question = question, .known = !failed};
        memcpy(made->answer, sig, sizeof made->answer);
    }
    check_question(sig, sk + 32, m, n, &question);
    if (!failed && question.b[31] % 64) checks[slot_of(&question, SLOTS)] = (struct memo){question, true, 0, {0}};
    return failed;
}

/* ---- X-Wing */

int __real_crypto_kem_xwing_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
int __wrap_crypto_kem_xwing_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
int __wrap_crypto_kem_xwing_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed)
{
    struct pv_hash question;
    if (watch) watch->secret(watch->context, seed);
    pv_sha256(pv_bytes(seed, 32), &question);
    struct big_memo *memo = &keys[slot_of(&question, SLOTS)];
    costs.kems++;
    if (memo->known && pv_hash_equal(&memo->question, &question)) {
        memcpy(pk, memo->answer, ANSWER);
        memcpy(sk, seed, 32); /* the secret key is its seed */
        return 0;
    }
    costs.kems_computed++;
    int failed = __real_crypto_kem_xwing_seed_keypair(pk, sk, seed);
    if (!failed) {
        memo->question = question;
        memo->known = true;
        memcpy(memo->answer, pk, ANSWER);
    }
    return failed;
}

/* What a ciphertext opens to under the key that it was made for. */
static struct memo *memo_of_ct(const unsigned char *pk, const unsigned char *ct, struct pv_hash *ret_question)
{
    struct question q;
    ask(&q, "shared");
    pv_sha256_update(&q.sha, pk, PV_KEM_PK_BYTES);
    pv_sha256_update(&q.sha, ct, PV_KEM_CT_BYTES);
    pv_sha256_final(&q.sha, ret_question);
    return memo_at(shared, ret_question);
}

int __real_crypto_kem_xwing_enc_deterministic(unsigned char *ct, unsigned char *ss, const unsigned char *pk,
                                              const unsigned char *seed);
int __wrap_crypto_kem_xwing_enc_deterministic(unsigned char *ct, unsigned char *ss, const unsigned char *pk,
                                              const unsigned char *seed);
int __wrap_crypto_kem_xwing_enc_deterministic(unsigned char *ct, unsigned char *ss, const unsigned char *pk,
                                              const unsigned char *seed)
{
    struct question q;
    struct pv_hash question;
    ask(&q, "encapsulate");
    pv_sha256_update(&q.sha, pk, PV_KEM_PK_BYTES);
    pv_sha256_update(&q.sha, seed, PV_KEM_ENC_SEED_BYTES);
    pv_sha256_final(&q.sha, &question);
    struct big_memo *made = &wraps[slot_of(&question, SLOTS)];
    costs.kems++;
    if (!made->known || !pv_hash_equal(&made->question, &question)) {
        costs.kems_computed++;
        int failed = __real_crypto_kem_xwing_enc_deterministic(made->answer, made->shared, pk, seed);
        made->known = !failed;
        made->question = question;
        if (failed) return failed;
    }
    memcpy(ct, made->answer, PV_KEM_CT_BYTES);
    memcpy(ss, made->shared, sizeof made->shared);
    struct memo *memo = memo_of_ct(pk, ct, &question);
    *memo = (struct memo){question, true, 0, {0}};
    memcpy(memo->answer, ss, 32);
    return 0;
}

int __real_crypto_kem_xwing_dec(unsigned char *ss, const unsigned char *ct, const unsigned char *sk);
int __wrap_crypto_kem_xwing_dec(unsigned char *ss, const unsigned char *ct, const unsigned char *sk);
int __wrap_crypto_kem_xwing_dec(unsigned char *ss, const unsigned char *ct, const unsigned char *sk)
{
    struct pv_hash question;
    unsigned char pk[PV_KEM_PK_BYTES], same[32];
    (void)__wrap_crypto_kem_xwing_seed_keypair(pk, same, sk);
    struct memo *memo = memo_of_ct(pk, ct, &question);
    costs.kems++;
    if (is_answer(memo, &question)) {
        memcpy(ss, memo->answer, 32);
        return 0;
    }
    costs.kems_computed++;
    int failed = __real_crypto_kem_xwing_dec(ss, ct, sk);
    if (failed) return failed;
    *memo = (struct memo){question, true, 0, {0}};
    memcpy(memo->answer, ss, 32);
    return 0;
}

/* ---- what is watched */

int __real_crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen, const unsigned char *m,
                                                      unsigned long long mlen, const unsigned char *ad,
                                                      unsigned long long adlen, const unsigned char *nsec,
                                                      const unsigned char *nonce, const unsigned char *k);
int __wrap_crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen, const unsigned char *m,
                                                      unsigned long long mlen, const unsigned char *ad,
                                                      unsigned long long adlen, const unsigned char *nsec,
                                                      const unsigned char *nonce, const unsigned char *k);
int __wrap_crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen, const unsigned char *m,
                                                      unsigned long long mlen, const unsigned char *ad,
                                                      unsigned long long adlen, const unsigned char *nsec,
                                                      const unsigned char *nonce, const unsigned char *k)
{
    if (watch) {
        struct question q;
        struct pv_hash use, content;
        ask(&q, "use");
        pv_sha256_update(&q.sha, k, 32);
        pv_sha256_update(&q.sha, nonce, PV_SEAL_NONCE_BYTES);
        pv_sha256_final(&q.sha, &use);
        ask(&q, "content");
        pv_sha256_update(&q.sha, ad, (size_t)adlen);
        pv_sha256_update(&q.sha, "", 1);
        pv_sha256_update(&q.sha, m, (size_t)mlen);
        pv_sha256_final(&q.sha, &content);
        watch->sealed(watch->context, &use, &content);
        watch->secret(watch->context, k);
    }
    return __real_crypto_aead_xchacha20poly1305_ietf_encrypt(c, clen, m, mlen, ad, adlen, nsec, nonce, k);
}

__typeof__(pv_wrap_make) __real_pv_wrap_make, __wrap_pv_wrap_make;
enum pv_err __wrap_pv_wrap_make(const struct pv_wrap_context *context, const struct pv_kem_pk *recipient_pk,
                                const uint8_t enc_seed[static PV_KEM_ENC_SEED_BYTES],
                                const struct pv_epoch_secret *secret, uint8_t ret_wrap[static PV_WRAP_BYTES])
{
    enum pv_err err = __real_pv_wrap_make(context, recipient_pk, enc_seed, secret, ret_wrap);
    if (!err && watch) watch->secret(watch->context, secret->b);
    if (!err && watch) watch->wrapped(watch->context, context, recipient_pk);
    return err;
}

__typeof__(pv_link_make) __real_pv_link_make, __wrap_pv_link_make;
void __wrap_pv_link_make(const struct pv_link_context *context, const struct pv_epoch_secret *new_secret,
                         const struct pv_epoch_secret *old_secret, uint8_t ret_link[static PV_LINK_BYTES])
{
    __real_pv_link_make(context, new_secret, old_secret, ret_link);
    if (watch) watch->linked(watch->context, context);
}

__typeof__(pv_store_sealed_add) __real_pv_store_sealed_add, __wrap_pv_store_sealed_add;
enum pv_err __wrap_pv_store_sealed_add(struct pv_store *store, const struct pv_sealed_write *sealed)
{
    enum pv_err err = __real_pv_store_sealed_add(store, sealed);
    if (!err && watch) watch->versioned(watch->context, store, sealed);
    return err;
}
