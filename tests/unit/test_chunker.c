/* Chunk boundaries: against the definition computed naively, and the same however the bytes are fed. */
#include "core/file/chunker.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "tests/tap.h"

enum { FILE_BYTES = 24 << 20, CUTS_MAX = 256 };

struct cuts {
    size_t count;
    size_t at[CUTS_MAX]; /* offsets of chunk ends, the file's end among them */
};

static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(next_random() >> 32);
}

/* The end of the chunk that begins at p, straight from the definition in FORMAT.md §11. */
static size_t naive_length(const struct pv_gear *gear, const uint8_t *p, size_t n)
{
    for (size_t length = PV_LIMIT_CHUNK_MIN_BYTES; length < n; length++) {
        if (length == PV_LIMIT_CHUNK_MAX_BYTES) return length;
        uint64_t h = 0;
        for (size_t j = 64; j-- > 0;) h = (h << 1) + gear->of[p[length - 1 - j]];
        if (h < (length < PV_LIMIT_CHUNK_AVG_BYTES ? 1ull << 42 : 1ull << 46)) return length;
    }
    return n;
}

/* Feed in pieces of `piece` bytes, random ones up to a MiB for 0. */
static struct cuts chunk_all(const struct pv_gear *gear, const uint8_t *p, size_t n, size_t piece)
{
    struct cuts cuts = {0};
    struct pv_chunker chunker;
    pv_chunker_init(&chunker, gear);
    size_t at = 0, start = 0;
    while (at < n) {
        size_t take = piece ? piece : (size_t)(next_random() % (1 << (next_random() % 20)));
        if (take > n - at) take = n - at;
        bool cut = true;
        size_t took = pv_chunker_feed(&chunker, pv_bytes(p + at, take), &cut);
        at += took;
        if (cut) start = cuts.at[cuts.count++] = at;
        else if (took != take) tap_ok(false, "all bytes are taken where there is no cut");
    }
    if (start < n) cuts.at[cuts.count++] = n;
    return cuts;
}

static bool same(const struct cuts *a, const struct cuts *b)
{
    return a->count == b->count && memcmp(a->at, b->at, a->count * sizeof a->at[0]) == 0;
}

static void test_gear(struct pv_gear *ret_gear)
{
    struct pv_chunk_secret secret = {{0}}, other = {{1}};
    struct pv_gear a, b;
    pv_gear_derive(&secret, &a);
    pv_gear_derive(&other, &b);
    tap_ok(memcmp(&a, &b, sizeof a) != 0, "another secret gives another table");
    /* HKDF-SHA-256(zeros(32), info = cbor("privity/1/file/gear") ‖ 0), computed apart */
    tap_ok(a.of[0] == 0xbf081f3dc0215721u && a.of[1] == 0x36d0d7ee6df40edfu, "the first block is the derivation's");
    tap_ok(a.of[255] == 0x2c70ffef38685463u, "and so is the last");
    *ret_gear = a;
}

static void test_definition(const struct pv_gear *gear, const uint8_t *p)
{
    struct cuts cuts = chunk_all(gear, p, FILE_BYTES, FILE_BYTES);
    size_t start = 0, right = 0;
    for (size_t i = 0; i < cuts.count; i++) {
        right += naive_length(gear, p + start, FILE_BYTES - start) == cuts.at[i] - start;
        start = cuts.at[i];
    }
    tap_is_int((long long)right, (long long)cuts.count, "every cut is where the definition says");
    tap_ok(cuts.count > 12 && cuts.count < 48, "%zu chunks of random bytes, near 1 MiB each", cuts.count);
}

static void test_feeding(const struct pv_gear *gear, const uint8_t *p)
{
    static const size_t pieces[] = {0, 0, 0, 1, 7, 4095, 65536, 262143, 262144};
    struct cuts whole = chunk_all(gear, p, FILE_BYTES, FILE_BYTES);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct cuts cuts = chunk_all(gear, p, FILE_BYTES, pieces[i]);
        tap_ok(same(&whole, &cuts), "the same cuts in pieces of %zu", pieces[i]);
    }
}

static void test_insertion(const struct pv_gear *gear, const uint8_t *p)
{
    enum { AT = 3 << 20, EXTRA = 5 };
    uint8_t *q = malloc(FILE_BYTES + EXTRA);
    if (!q) return;
    memcpy(q, p, AT);
    memcpy(q + AT, "extra", EXTRA);
    memcpy(q + AT + EXTRA, p + AT, FILE_BYTES - AT);
    struct cuts before = chunk_all(gear, p, FILE_BYTES, 0), after = chunk_all(gear, q, FILE_BYTES + EXTRA, 0);
    size_t kept = 0;
    for (size_t i = 0; i < before.count; i++)
        for (size_t j = 0; j < after.count; j++)
            kept += before.at[i] + (before.at[i] > AT ? EXTRA : 0) == after.at[j];
    tap_ok(kept + 3 >= before.count && after.count > 12, "an insertion moves at most a few of %zu cuts: %zu kept",
           before.count, kept);
    free(q);
}

static void test_limits(const struct pv_gear *gear, uint8_t *p)
{
    memset(p, 0, FILE_BYTES);
    struct cuts zeros = chunk_all(gear, p, FILE_BYTES, 0);
    size_t want = FILE_BYTES / PV_LIMIT_CHUNK_MAX_BYTES;
    tap_is_int((long long)zeros.count, (long long)want, "zeros never cut before the greatest size");
    struct cuts least = chunk_all(gear, p, PV_LIMIT_CHUNK_MIN_BYTES, 0), none = chunk_all(gear, p, 0, 1);
    tap_ok(least.count == 1 && none.count == 0, "a small file is one chunk, an empty one none");
    /* A window that cuts at once: the chunk is of the least size, and not a byte shorter. */
    struct pv_gear low = {{0}};
    struct cuts many = chunk_all(&low, p, 4 << 20, 0);
    tap_ok(many.count == 16 && many.at[0] == PV_LIMIT_CHUNK_MIN_BYTES, "no chunk but the last is below the least size");
}

int main(void)
{
    struct pv_gear gear;
    uint8_t *p = malloc(FILE_BYTES);
    if (!p) return 1;
    fill(p, FILE_BYTES);
    test_gear(&gear);
    test_definition(&gear, p);
    test_feeding(&gear, p);
    test_insertion(&gear, p);
    test_limits(&gear, p);
    free(p);
    return tap_done();
}
