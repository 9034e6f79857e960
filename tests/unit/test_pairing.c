/* Adding a device by a short code: the code's digits, the four messages, and everything in between that goes wrong. */
#include "core/room/pairing.h"

#include "tests/seeded.h"
#include "tests/tap.h"

static struct seeded seeds;
static struct pv_random randomness;

/* ---- the code */

static enum pv_err decode(const char *text, struct pv_pairing_code *ret_code)
{
    return pv_pairing_code_decode(pv_bytes_of_string(text), ret_code);
}

static void test_code(void)
{
    struct pv_pairing_code code = {.plate = 42, .secret = "0123456"}, back;
    char text[PV_PAIRING_CODE_CHARS + 1], other[PV_PAIRING_CODE_CHARS + 1];
    pv_pairing_code_encode(&code, text);
    tap_is_str(text, "0042-0123-4564", "mailbox, secret, check");
    tap_is_int(decode(text, &back), PV_OK, "reads back");
    tap_ok(back.plate == 42 && strcmp(back.secret, "0123456") == 0, "the same");
    tap_is_int(decode(" 004 2012\n3.4564\r\n", &back), PV_OK, "spaces, dots and line ends do not matter");
    tap_is_int(decode("0042-0123-456", &back), PV_ERR_TRUNCATED, "a digit is missing");
    tap_is_int(decode("", &back), PV_ERR_TRUNCATED, "nothing");
    tap_is_int(decode("0042-0123-45640", &back), PV_ERR_LIMIT, "a digit too many");
    tap_is_int(decode("0042-O123-4564", &back), PV_ERR_MALFORMED, "a letter");
    size_t missed = 0;
    for (size_t i = 0; text[i]; i++)
        for (char c = '0'; c <= '9' && text[i] != '-'; c++) {
            memcpy(other, text, sizeof other);
            other[i] = c;
            if (c != text[i] && decode(other, &back) != PV_ERR_MALFORMED) missed++;
        }
    tap_is_int((long long)missed, 0, "any one wrong digit shows");
}

static void test_codes_vary(void)
{
    struct pv_pairing_code code;
    size_t first[10] = {0}, rare = 0;
    for (size_t i = 0; i < 2000; i++) {
        pv_pairing_code_make((unsigned)i, &randomness, &code);
        if (strlen(code.secret) != PV_PAIRING_SECRET_DIGITS) rare = 99;
        first[code.secret[0] - '0']++;
    }
    for (size_t i = 0; i < 10; i++) rare += first[i] < 120;
    tap_is_int((long long)rare, 0, "secrets begin with each digit about as often");
}

/* ---- the exchange */

struct sides {
    struct pv_pairing fresh, old;
    struct pv_buf message[4], memory;
    struct pv_pairing_offer offer;
    struct pv_pairing_request request;
};

static void fill(void *p, size_t n)
{
    seeded_fill(&seeds, p, n);
}

static void sides_init(struct sides *s)
{
    static const uint8_t note[] = "a note";
    struct pv_kem_seed seed;
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < 4; i++) pv_buf_init(&s->message[i], PV_LIMIT_PAIRING_BYTES);
    pv_buf_init(&s->memory, PV_LIMIT_PAIRING_BYTES);
    fill(&s->offer.person, 32);
    fill(&s->offer.signer, 32);
    s->offer.note = pv_bytes(note, sizeof note - 1);
    s->offer.name = pv_bytes_of_string("Ada");
    fill(&seed, sizeof seed);
    fill(&s->request.device.sign_pk, 32);
    fill(&s->request.consent, 64);
    pv_kem_from_seed(&seed, &s->request.kem_pk);
    pv_kem_hash(&s->request.kem_pk, &s->request.device.kem_hash);
    s->request.name = pv_bytes_of_string("phone");
}

static void sides_release(struct sides *s)
{
    for (size_t i = 0; i < 4; i++) pv_buf_release(&s->message[i]);
    pv_buf_release(&s->memory);
}

/* Messages 1 and 2, the new device typing `typed` and seeing `server`. */
static enum pv_err meet(struct sides *s, const char *typed, const char *server, struct pv_pairing_offer *ret_offer)
{
    struct pv_pairing_code code = {.plate = 7, .secret = "7654321"}, read;
    char text[PV_PAIRING_CODE_CHARS + 1];
    pv_pairing_code_encode(&code, text);
    if (decode(typed ? typed : text, &read)) return PV_ERR_USAGE;
    enum pv_err err = pv_pairing_begin(&s->fresh, &read, server, &randomness, &s->message[0]);
    if (!err)
        err = pv_pairing_answer(&s->old, &code, "host:1", &randomness, pv_buf_bytes(&s->message[0]), &s->offer,
                                &s->message[1]);
    return err ? err : pv_pairing_accept(&s->fresh, pv_buf_bytes(&s->message[1]), ret_offer, &s->memory);
}

static void test_exchange(void)
{
    struct sides s;
    struct pv_pairing_offer offer;
    struct pv_pairing_request request;
    struct pv_bytes note;
    sides_init(&s);
    tap_is_int(meet(&s, NULL, "host:1", &offer), PV_OK, "the two meet");
    tap_ok(pv_hash_equal(&offer.person, &s.offer.person) && pv_hash_equal(&offer.signer, &s.offer.signer) &&
           pv_bytes_equal(offer.note, s.offer.note) && pv_bytes_equal(offer.name, s.offer.name),
           "the new one learns for whom, by whom, a note and a name");
    tap_is_int(pv_pairing_request_put(&s.fresh, &s.request, &s.message[2]), PV_OK, "it asks");
    tap_is_int(pv_pairing_request_get(&s.old, pv_buf_bytes(&s.message[2]), &request, &s.memory), PV_OK, "is heard");
    tap_ok(memcmp(&request.device, &s.request.device, sizeof request.device) == 0 &&
           memcmp(&request.kem_pk, &s.request.kem_pk, sizeof request.kem_pk) == 0 &&
           memcmp(&request.consent, &s.request.consent, sizeof request.consent) == 0 &&
           pv_bytes_equal(request.name, s.request.name), "with device, keys, consent and name");
    tap_is_int(pv_pairing_done_put(&s.old, s.offer.note, &s.message[3]), PV_OK, "it is done");
    tap_is_int(pv_pairing_done_get(&s.fresh, pv_buf_bytes(&s.message[3]), &note, &s.memory), PV_OK, "and told");
    tap_ok(pv_bytes_equal(note, s.offer.note), "with a note");
    tap_ok(pv_pairing_done_get(&s.fresh, pv_buf_bytes(&s.message[2]), &note, &s.memory) == PV_ERR_BAD_MAC,
           "a message does not pass for another");
    sides_release(&s);
}

static void test_between(void)
{
    struct sides s;
    struct pv_pairing_offer offer;
    struct pv_pairing_code wrong = {.plate = 7, .secret = "7654322"};
    char typed[PV_PAIRING_CODE_CHARS + 1];
    pv_pairing_code_encode(&wrong, typed);
    sides_init(&s);
    tap_is_int(meet(&s, typed, "host:1", &offer), PV_ERR_BAD_MAC, "a wrong secret opens nothing");
    sides_release(&s);
    sides_init(&s);
    tap_is_int(meet(&s, NULL, "other:1", &offer), PV_ERR_BAD_MAC, "nor a server that calls itself otherwise");
    sides_release(&s);
}

/* Every bit of every message matters, and every end. */
static void test_altered(void)
{
    struct sides s;
    struct pv_pairing_offer offer;
    struct pv_pairing_request request;
    size_t taken = 0;
    sides_init(&s);
    bool good = meet(&s, NULL, "host:1", &offer) == PV_OK && pv_pairing_request_put(&s.fresh, &s.request, &s.message[2]) == PV_OK;
    tap_ok(good, "an exchange to alter");
    for (size_t i = 0; i < s.message[1].n; i++) {
        struct pv_pairing fresh = s.fresh;
        s.message[1].p[i] ^= 1;
        taken += pv_pairing_accept(&fresh, pv_buf_bytes(&s.message[1]), &offer, &s.memory) == PV_OK;
        s.message[1].p[i] ^= 1;
        fresh = s.fresh;
        taken += pv_pairing_accept(&fresh, pv_bytes(s.message[1].p, i), &offer, &s.memory) == PV_OK;
    }
    tap_is_int((long long)taken, 0, "message 2: no byte altered or missing is taken");
    taken = 0;
    for (size_t i = 0; i < s.message[2].n; i++) {
        s.message[2].p[i] ^= 128;
        taken += pv_pairing_request_get(&s.old, pv_buf_bytes(&s.message[2]), &request, &s.memory) == PV_OK;
        s.message[2].p[i] ^= 128;
        taken += pv_pairing_request_get(&s.old, pv_bytes(s.message[2].p, i), &request, &s.memory) == PV_OK;
    }
    tap_is_int((long long)taken, 0, "message 3: none either");
    sides_release(&s);
}

static void test_hostile(void)
{
    struct sides s;
    struct pv_pairing_code code = {.plate = 7, .secret = "7654321"};
    struct pv_pairing_offer offer;
    struct pv_pairing_request request;
    sides_init(&s);
    tap_is_int(pv_pairing_begin(&s.fresh, &code, "host:1", &randomness, &s.message[0]), PV_OK, "a beginning");
    memset(s.message[0].p + s.message[0].n - 32, 0, 32);
    tap_is_int(pv_pairing_answer(&s.old, &code, "host:1", &randomness, pv_buf_bytes(&s.message[0]), &s.offer, &s.message[1]),
               PV_ERR_MALFORMED, "a neutral share is refused");
    s.message[0].p[1] = 2;
    tap_is_int(pv_pairing_answer(&s.old, &code, "host:1", &randomness, pv_buf_bytes(&s.message[0]), &s.offer, &s.message[1]),
               PV_ERR_UNSUPPORTED, "a newer version is told");
    sides_release(&s);
    sides_init(&s);
    tap_is_int(meet(&s, NULL, "host:1", &offer), PV_OK, "another exchange");
    s.request.kem_pk.b[0] ^= 1;
    tap_is_int(pv_pairing_request_put(&s.fresh, &s.request, &s.message[2]), PV_OK, "a KEM key that is not the device's");
    tap_is_int(pv_pairing_request_get(&s.old, pv_buf_bytes(&s.message[2]), &request, &s.memory), PV_ERR_MALFORMED, "is refused");
    sides_release(&s);
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    seeds = seeded_make(1);
    randomness = seeded_random(&seeds);
    test_code();
    test_codes_vary();
    test_exchange();
    test_between();
    test_altered();
    test_hostile();
    return tap_done();
}
