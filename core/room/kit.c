/* The recovery kit. A code is 275 bits, most significant first: the secret's 256, then 19 of its hash; 25 bits a
 * group of five base32 digits, and a sixth that is their checksum.  Source: FORMAT.md §11. */
#include "core/room/kit.h"

#include <string.h>

#include "core/crypto/hash.h"

enum {
    DATA_DIGITS = PV_KIT_GROUP_CHARS - 1,
    DIGITS = PV_KIT_GROUPS * PV_KIT_GROUP_CHARS,
    PACKED_BYTES = 35, /* 275 bits and five of zero */
    SKIP = -1,
    BAD = -2
};

static const char digit_chars[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's: no I, L, O, U */

/* Times x in GF(32) by x^5 + x^2 + 1. */
static unsigned times_x(unsigned v)
{
    v <<= 1;
    return v & 32 ? v ^ 37 : v;
}

/* Any one wrong digit shows, any two swapped, and any two groups swapped. */
static unsigned group_check(unsigned group, const uint8_t data[static DATA_DIGITS])
{
    unsigned check = group;
    for (size_t i = 0; i < DATA_DIGITS; i++) check = times_x(check ^ data[i]);
    return check;
}

/* Secret and hash, as the bits of the code. */
static void pack(const struct pv_kit_secret *kit, uint8_t ret_packed[static PACKED_BYTES])
{
    struct pv_hash hash;
    pv_hash_bytes("kit-check", PV_BYTES_OF(*kit), &hash);
    memcpy(ret_packed, kit->b, sizeof kit->b);
    ret_packed[32] = hash.b[0];
    ret_packed[33] = hash.b[1];
    ret_packed[34] = (uint8_t)(hash.b[2] & 0xe0);
}

void pv_kit_encode(const struct pv_kit_secret *kit, char ret_code[static PV_KIT_CODE_CHARS + 1])
{
    uint8_t packed[PACKED_BYTES], data[DATA_DIGITS];
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t at = 0;
    pack(kit, packed);
    for (unsigned group = 0; group < PV_KIT_GROUPS; group++) {
        if (group) *ret_code++ = '-';
        for (size_t i = 0; i < DATA_DIGITS; i++) {
            for (; bits < 5; bits += 8) acc = acc << 8 | packed[at++];
            bits -= 5;
            data[i] = (uint8_t)(acc >> bits & 31);
            *ret_code++ = digit_chars[data[i]];
        }
        *ret_code++ = digit_chars[group_check(group, data)];
    }
    *ret_code = '\0';
    pv_wipe(packed, sizeof packed);
    pv_wipe(data, sizeof data);
    pv_wipe(&acc, sizeof acc);
}

/* The digit that a character stands for, SKIP for what people put between, BAD for the rest. */
static int digit_of(uint8_t c)
{
    if (c >= 'a' && c <= 'z') c = (uint8_t)(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    if (c == ' ' || c == '-' || c == '_' || c == '.' || c == '\t' || c == '\r' || c == '\n') return SKIP;
    const char *at = c ? strchr(digit_chars, c) : NULL;
    return at ? (int)(at - digit_chars) : BAD;
}

/* Bytes of the dash or space that a word processor may have put in: U+2010 to U+2015, U+2212, U+00A0; else 0. */
static size_t typographic(const uint8_t *p, size_t n)
{
    if (n >= 2 && p[0] == 0xc2 && p[1] == 0xa0) return 2;
    if (n >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0x90 && p[2] <= 0x95) return 3;
    if (n >= 3 && p[0] == 0xe2 && p[1] == 0x88 && p[2] == 0x92) return 3;
    return 0;
}

/* The digits typed, and how they were grouped. */
struct typed {
    uint8_t digits[DIGITS];
    size_t count;                    /* may be over DIGITS, which stores no more */
    size_t group_sizes[DIGITS];      /* as separated by what was typed */
    size_t group_count;
    bool bad;                        /* a character that is no digit, at `count` */
};

static void read_typed(struct pv_bytes text, struct typed *typed)
{
    bool between = true;
    for (size_t i = 0; i < text.n && !typed->bad;) {
        size_t skip = typographic(text.p + i, text.n - i);
        int digit = skip ? SKIP : digit_of(text.p[i]);
        i += skip ? skip : 1;
        if (digit == SKIP) {
            between = true;
        } else if (digit == BAD) {
            typed->bad = true;
        } else {
            if (typed->count < DIGITS) {
                if (between) typed->group_count++;
                typed->group_sizes[typed->group_count - 1]++;
                typed->digits[typed->count] = (uint8_t)digit;
            }
            typed->count++;
            between = false;
        }
    }
}

/* Where the right number of groups was typed, the first of the wrong size; 0: none, or another number. */
static unsigned missized_group(const struct typed *typed)
{
    if (typed->group_count != PV_KIT_GROUPS) return 0;
    for (unsigned group = 0; group < PV_KIT_GROUPS; group++)
        if (typed->group_sizes[group] != PV_KIT_GROUP_CHARS) return group + 1;
    return 0;
}

/* The first whole group whose checksum is wrong; 0: none. */
static unsigned wrong_group(const struct typed *typed)
{
    for (unsigned group = 0; (group + 1) * PV_KIT_GROUP_CHARS <= typed->count && group < PV_KIT_GROUPS; group++) {
        const uint8_t *digits = typed->digits + group * PV_KIT_GROUP_CHARS;
        if (group_check(group, digits) != digits[DATA_DIGITS]) return group + 1;
    }
    return 0;
}

static enum pv_err check_typed(const struct typed *typed, unsigned *ret_group)
{
    *ret_group = 0;
    if (typed->bad) {
        *ret_group = (unsigned)(typed->count / PV_KIT_GROUP_CHARS) + 1;
        if (*ret_group > PV_KIT_GROUPS) *ret_group = 0;
        return PV_ERR_MALFORMED;
    }
    unsigned wrong = wrong_group(typed);
    if (typed->count == DIGITS && !wrong) return PV_OK; /* however it was grouped */
    *ret_group = missized_group(typed);
    if (!*ret_group) *ret_group = wrong;
    if (typed->count < DIGITS) return PV_ERR_TRUNCATED;
    return typed->count > DIGITS ? PV_ERR_LIMIT : PV_ERR_MALFORMED;
}

static void unpack(const struct typed *typed, uint8_t ret_packed[static PACKED_BYTES])
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        if (i % PV_KIT_GROUP_CHARS == DATA_DIGITS) continue;
        acc = acc << 5 | typed->digits[i];
        bits += 5;
        if (bits < 8) continue;
        bits -= 8;
        ret_packed[at++] = (uint8_t)(acc >> bits);
    }
    ret_packed[at] = (uint8_t)(acc << (8 - bits));
    pv_wipe(&acc, sizeof acc);
}

enum pv_err pv_kit_decode(struct pv_bytes text, struct pv_kit_secret *ret_kit, unsigned *ret_group)
{
    struct typed typed = {.count = 0};
    struct pv_kit_secret kit;
    uint8_t packed[PACKED_BYTES], want[PACKED_BYTES];
    read_typed(text, &typed);
    enum pv_err err = check_typed(&typed, ret_group);
    if (!err) {
        unpack(&typed, packed);
        memcpy(kit.b, packed, sizeof kit.b);
        pack(&kit, want);
        if (pv_secret_equal(packed, want, sizeof want)) *ret_kit = kit;
        else err = PV_ERR_MALFORMED;
        pv_wipe(&kit, sizeof kit);
        pv_wipe(packed, sizeof packed);
        pv_wipe(want, sizeof want);
    }
    pv_wipe(&typed, sizeof typed);
    return err;
}

void pv_kit_paper_seeds(const struct pv_kit_secret *kit, struct pv_sign_seed *ret_sign, struct pv_kem_seed *ret_kem)
{
    pv_hkdf(PV_BYTES_OF(*kit), "paper/sign", pv_bytes(NULL, 0), ret_sign->b);
    pv_hkdf(PV_BYTES_OF(*kit), "paper/kem", pv_bytes(NULL, 0), ret_kem->b);
}
