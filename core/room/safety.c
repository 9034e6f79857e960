/* Safety numbers and the codes that stand for them.  Source: FORMAT.md §11.4. */
#include "core/room/safety.h"

#include <stdio.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/crypto/keys.h"

enum { GROUP_BYTES = 5, GROUPS_A_HASH = 6, GROUP_RANGE = 100000, ID_DIGITS = 64 };

static const char code_mark[] = "PRIVITY:SAFETY:";
static const char code_version[] = "1:";

_Static_assert(sizeof code_mark - 1 + sizeof code_version - 1 + 2 * ID_DIGITS + 1 == PV_SAFETY_CODE_CHARS, "a code's length");

/* ---- the number */

/* Forty bits a group: what a remainder makes some groups likelier by is one part in ten million. */
static void make_digits(const struct pv_hash *one, const struct pv_hash *other, char ret_digits[static PV_SAFETY_DIGITS + 1])
{
    bool turned = memcmp(one->b, other->b, sizeof one->b) > 0;
    for (unsigned i = 0; i < PV_SAFETY_GROUPS / GROUPS_A_HASH; i++) {
        struct pv_sha256 sha;
        struct pv_hash hash;
        pv_hash_begin(&sha, "safety-number");
        pv_sha256_put_uint(&sha, i);
        pv_sha256_put_bytes(&sha, turned ? other->b : one->b, sizeof one->b);
        pv_sha256_put_bytes(&sha, turned ? one->b : other->b, sizeof one->b);
        pv_sha256_final(&sha, &hash);
        for (unsigned group = 0; group < GROUPS_A_HASH; group++) {
            uint64_t value = 0;
            for (unsigned byte = 0; byte < GROUP_BYTES; byte++) value = value << 8 | hash.b[group * GROUP_BYTES + byte];
            (void)snprintf(ret_digits + (i * GROUPS_A_HASH + group) * PV_SAFETY_GROUP_DIGITS, PV_SAFETY_GROUP_DIGITS + 1, "%05u",
                           (unsigned)(value % GROUP_RANGE));
        }
    }
}

void pv_safety_number(const struct pv_hash *one, const struct pv_hash *other, char ret_text[static PV_SAFETY_NUMBER_CHARS + 1])
{
    char digits[PV_SAFETY_DIGITS + 1];
    make_digits(one, other, digits);
    for (size_t group = 0; group < PV_SAFETY_GROUPS; group++) {
        char *at = ret_text + group * (PV_SAFETY_GROUP_DIGITS + 1);
        memcpy(at, digits + group * PV_SAFETY_GROUP_DIGITS, PV_SAFETY_GROUP_DIGITS);
        at[PV_SAFETY_GROUP_DIGITS] = ' ';
    }
    ret_text[PV_SAFETY_NUMBER_CHARS] = '\0';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '-' || c == '.';
}

static enum pv_err check_number(const struct pv_hash *me, const struct pv_hash *other, struct pv_bytes text, unsigned *ret_wrong_group)
{
    char digits[PV_SAFETY_DIGITS + 1], given[PV_SAFETY_DIGITS];
    unsigned wrong_groups = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (is_blank(text.p[i])) continue;
        if (text.p[i] < '0' || text.p[i] > '9') return PV_ERR_MALFORMED;
        if (n == PV_SAFETY_DIGITS) return PV_ERR_LIMIT;
        given[n++] = (char)text.p[i];
    }
    if (n < PV_SAFETY_DIGITS) return PV_ERR_TRUNCATED;
    make_digits(me, other, digits);
    for (unsigned group = 0; group < PV_SAFETY_GROUPS; group++) {
        size_t at = group * PV_SAFETY_GROUP_DIGITS;
        if (pv_secret_equal(digits + at, given + at, PV_SAFETY_GROUP_DIGITS)) continue;
        *ret_wrong_group = wrong_groups++ ? 0 : group + 1;
    }
    return wrong_groups ? PV_ERR_BROKEN_CHAIN : PV_OK;
}

/* ---- the code */

void pv_safety_code(const struct pv_hash *me, const struct pv_hash *other, char ret_text[static PV_SAFETY_CODE_CHARS + 1])
{
    char mine[ID_DIGITS + 1], theirs[ID_DIGITS + 1];
    pv_hex_encode(me->b, sizeof me->b, mine);
    pv_hex_encode(other->b, sizeof other->b, theirs);
    (void)snprintf(ret_text, PV_SAFETY_CODE_CHARS + 1, "%s%s%s:%s", code_mark, code_version, mine, theirs);
    for (char *c = ret_text; *c; c++)
        if (*c >= 'a' && *c <= 'f') *c = (char)(*c - 'a' + 'A');
}

static uint8_t upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

/* Does `text` begin so, in any case? Then that is taken off. */
static bool take(struct pv_bytes *text, const char *begin)
{
    size_t n = 0;
    for (; begin[n]; n++)
        if (n == text->n || upper(text->p[n]) != (uint8_t)begin[n]) return false;
    *text = pv_bytes(text->p + n, text->n - n);
    return true;
}

/* One version's digits and a colon, where that version is not ours. */
static bool is_other_version(struct pv_bytes text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9') n++;
    return n > 0 && n < text.n && text.p[n] == ':';
}

static enum pv_err check_code(const struct pv_hash *me, const struct pv_hash *other, struct pv_bytes rest)
{
    struct pv_hash shows, scans;
    if (!take(&rest, code_version)) return is_other_version(rest) ? PV_ERR_UNSUPPORTED : PV_ERR_MALFORMED;
    if (rest.n != 2 * ID_DIGITS + 1 || rest.p[ID_DIGITS] != ':' ||
        pv_hex_decode((const char *)rest.p, ID_DIGITS, shows.b, sizeof shows.b) ||
        pv_hex_decode((const char *)rest.p + ID_DIGITS + 1, ID_DIGITS, scans.b, sizeof scans.b))
        return PV_ERR_MALFORMED;
    if (pv_hash_equal(&shows, other) && pv_hash_equal(&scans, me)) return PV_OK;
    return pv_hash_equal(&shows, me) ? PV_ERR_CONFLICT : PV_ERR_BROKEN_CHAIN;
}

enum pv_err pv_safety_check(const struct pv_hash *me, const struct pv_hash *other, struct pv_bytes text,
                            enum pv_safety_given *ret_given, unsigned *ret_wrong_group)
{
    enum pv_safety_given given = PV_SAFETY_GIVEN_NUMBER;
    enum pv_err err;
    *ret_wrong_group = 0;
    if (text.n > PV_LIMIT_SAFETY_BYTES) return PV_ERR_LIMIT;
    while (text.n && is_blank(text.p[0])) text = pv_bytes(text.p + 1, text.n - 1);
    while (text.n && is_blank(text.p[text.n - 1])) text.n--;
    if (take(&text, code_mark)) {
        given = PV_SAFETY_GIVEN_CODE;
        err = check_code(me, other, text);
    } else {
        err = check_number(me, other, text, ret_wrong_group);
    }
    if (err == PV_OK || err == PV_ERR_BROKEN_CHAIN || err == PV_ERR_CONFLICT) *ret_given = given;
    return err;
}
