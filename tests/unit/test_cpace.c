/* CPace: the draft's test vectors for ristretto255 with SHA-512, and what two sides that differ get. */
#include "core/crypto/cpace.h"

#include "core/crypto/keys.h"
#include "tests/tap.h"

/* draft-irtf-cfrg-cpace, "Test vector for CPace using group ristretto255 and hash SHA-512" */
static const char channel[] = "oc\x0b" "B_responder\x0b" "A_initiator";
static const char sid_hex[] = "7e4b4791d6a8ef019b936c79fb7f2c57";
static const char ya_hex[] = "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08";
static const char yb_hex[] = "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d";
static const char share_a_hex[] = "d40fb265a7abeaee7939d91a585fe59f7053f982c296ec413c624c669308f87a";
static const char share_b_hex[] = "08bcf6e9777a9c313a3db6daa510f2d398403319c2341bd506a92e672eb7e307";
static const char key_hex[] = "4c5469a16b2364c4b944ebc1a79e51d1674ad47db26e8718154f59faebfaa52d"
                              "8346f30aa58377117eb20d527f2cbc5c76381f7fd372e89df8239f87f2e02ed1";
static const char not_a_point_hex[] = "2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c";

static void from_hex(const char *hex, uint8_t *ret_bytes, size_t n)
{
    if (pv_hex_decode(hex, strlen(hex), ret_bytes, n)) abort();
}

static struct pv_cpace start(const char *password, const char *scalar_hex, const uint8_t sid[static 16])
{
    struct pv_cpace cpace = {0};
    uint8_t random[PV_CPACE_RANDOM_BYTES] = {0};
    from_hex(scalar_hex, random, 32); /* below the group's order, so reducing leaves it */
    struct pv_cpace_input input = {.password = pv_bytes_of_string(password),
                                   .channel = pv_bytes(channel, sizeof channel - 1), .sid = pv_bytes(sid, 16)};
    tap_is_int(pv_cpace_start(&input, random, &cpace), PV_OK, "a side starts");
    return cpace;
}

static struct pv_cpace_transcript transcript_of(const struct pv_cpace *a, const struct pv_cpace *b)
{
    return (struct pv_cpace_transcript){.initiator = a->share, .responder = b->share,
                                        .initiator_ad = pv_bytes_of_string("ADa"),
                                        .responder_ad = pv_bytes_of_string("ADb")};
}

static void test_vector(void)
{
    uint8_t sid[16], want[64], key[64];
    from_hex(sid_hex, sid, sizeof sid);
    struct pv_cpace a = start("Password", ya_hex, sid), b = start("Password", yb_hex, sid);
    struct pv_cpace_transcript transcript = transcript_of(&a, &b);
    from_hex(share_a_hex, want, 32);
    tap_is_bytes(a.share.b, 32, want, 32, "Ya");
    from_hex(share_b_hex, want, 32);
    tap_is_bytes(b.share.b, 32, want, 32, "Yb");
    from_hex(key_hex, want, 64);
    tap_is_int(pv_cpace_key(&a, pv_bytes(sid, 16), true, &transcript, key), PV_OK, "A has a key");
    tap_is_bytes(key, 64, want, 64, "the draft's");
    tap_is_int(pv_cpace_key(&b, pv_bytes(sid, 16), false, &transcript, key), PV_OK, "B has a key");
    tap_is_bytes(key, 64, want, 64, "the same");
}

static void test_bad_shares(void)
{
    uint8_t sid[16], key[64];
    from_hex(sid_hex, sid, sizeof sid);
    struct pv_cpace a = start("Password", ya_hex, sid), b = start("Password", yb_hex, sid);
    struct pv_cpace_transcript transcript = transcript_of(&a, &b);
    from_hex(not_a_point_hex, transcript.responder.b, 32);
    tap_is_int(pv_cpace_key(&a, pv_bytes(sid, 16), true, &transcript, key), PV_ERR_MALFORMED, "what is no point is refused");
    memset(transcript.responder.b, 0, 32);
    tap_is_int(pv_cpace_key(&a, pv_bytes(sid, 16), true, &transcript, key), PV_ERR_MALFORMED, "the neutral point is refused");
}

/* Whatever differs, the keys differ. */
static void test_differences(void)
{
    uint8_t sid[16], other[16], key_a[64], key_b[64];
    from_hex(sid_hex, sid, sizeof sid);
    memcpy(other, sid, sizeof other);
    other[0] ^= 1;
    struct pv_cpace a = start("Password", ya_hex, sid), b = start("Passwore", yb_hex, sid);
    struct pv_cpace_transcript transcript = transcript_of(&a, &b);
    tap_ok(pv_cpace_key(&a, pv_bytes(sid, 16), true, &transcript, key_a) == PV_OK &&
           pv_cpace_key(&b, pv_bytes(sid, 16), false, &transcript, key_b) == PV_OK &&
           !pv_secret_equal(key_a, key_b, 64), "another code gives another key");
    b = start("Password", yb_hex, other);
    transcript = transcript_of(&a, &b);
    tap_ok(pv_cpace_key(&a, pv_bytes(sid, 16), true, &transcript, key_a) == PV_OK &&
           pv_cpace_key(&b, pv_bytes(other, 16), false, &transcript, key_b) == PV_OK &&
           !pv_secret_equal(key_a, key_b, 64), "another session gives another key");
    b = start("Password", yb_hex, sid);
    transcript = transcript_of(&a, &b);
    struct pv_cpace_transcript changed = transcript;
    changed.initiator_ad = pv_bytes_of_string("ADx");
    tap_ok(pv_cpace_key(&a, pv_bytes(sid, 16), true, &transcript, key_a) == PV_OK &&
           pv_cpace_key(&b, pv_bytes(sid, 16), false, &changed, key_b) == PV_OK &&
           !pv_secret_equal(key_a, key_b, 64), "an altered message gives another key");
}

static void test_limits(void)
{
    static uint8_t long_part[PV_CPACE_PART_MAX + 1];
    uint8_t random[PV_CPACE_RANDOM_BYTES] = {1};
    struct pv_cpace cpace;
    struct pv_cpace_input input = {.password = pv_bytes(long_part, sizeof long_part), .channel = pv_bytes_of_string(""),
                                   .sid = pv_bytes_of_string("")};
    tap_is_int(pv_cpace_start(&input, random, &cpace), PV_ERR_LIMIT, "a part over the limit is refused");
    input.password.n--;
    tap_is_int(pv_cpace_start(&input, random, &cpace), PV_OK, "one at the limit is taken");
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    test_vector();
    test_bad_shares();
    test_differences();
    test_limits();
    return tap_done();
}
