/* Content-defined chunking. */
#include "core/file/chunker.h"

#include "core/base/cbor.h"
#include "core/base/limits.h"
#include "core/crypto/hash.h"

enum { WINDOW_BYTES = 64 };

/* Normalised chunking, level 2: two bits stricter than 1 in 2^20 below the average, two looser above. */
static const uint64_t threshold_below = 1ull << (64 - 22);
static const uint64_t threshold_above = 1ull << (64 - 18);

void pv_gear_derive(const struct pv_chunk_secret *secret, struct pv_gear *ret_gear)
{
    struct pv_prk prk;
    uint8_t block[32];
    pv_hkdf_extract(PV_BYTES_OF(*secret), &prk);
    for (size_t i = 0; i < 256; i += 4) {
        uint8_t number[PV_CBOR_HEAD_MAX];
        pv_hkdf_expand(&prk, "file/gear", pv_bytes(number, pv_cbor_head(PV_CBOR_UINT, i / 4, number)), block);
        for (size_t j = 0; j < 4; j++) {
            uint64_t value = 0;
            for (size_t k = 0; k < 8; k++) value = value << 8 | block[8 * j + k];
            ret_gear->of[i + j] = value;
        }
    }
    pv_wipe(&prk, sizeof prk);
    pv_wipe(block, sizeof block);
}

void pv_chunker_init(struct pv_chunker *chunker, const struct pv_gear *gear)
{
    *chunker = (struct pv_chunker){.gear = gear};
}

static uint64_t roll(const struct pv_gear *gear, uint64_t hash, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) hash = (hash << 1) + gear->of[p[i]];
    return hash;
}

/* Roll until the hash falls below `threshold`; returns the bytes taken. The hot loop: eight bytes a turn,
 * nothing stored. */
static size_t scan(const struct pv_gear *gear, uint64_t *hash, const uint8_t *p, size_t n, uint64_t threshold,
                   bool *ret_cut)
{
    uint64_t h = *hash;
    size_t i = 0;
#define STEP(k)                                  \
    h = (h << 1) + gear->of[p[i + (k)]];         \
    if (__builtin_expect(h < threshold, 0)) {    \
        i += (k) + 1;                            \
        goto cut;                                \
    }
    for (; n - i >= 8; i += 8) {
        STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
    }
    for (; i < n; i++) {
        h = (h << 1) + gear->of[p[i]];
        if (h < threshold) {
            i++;
            goto cut;
        }
    }
#undef STEP
    *hash = h;
    return n;
cut:
    *ret_cut = true;
    return i;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t pv_chunker_feed(struct pv_chunker *chunker, struct pv_bytes bytes, bool *ret_cut)
{
    /* A test at length L looks at the byte before it, so each stretch ends one byte before its name. */
    enum {
        SKIP_TO = PV_LIMIT_CHUNK_MIN_BYTES - WINDOW_BYTES,
        WARM_TO = PV_LIMIT_CHUNK_MIN_BYTES - 1,
        STRICT_TO = PV_LIMIT_CHUNK_AVG_BYTES - 1,
        LOOSE_TO = PV_LIMIT_CHUNK_MAX_BYTES - 1
    };
    const struct pv_gear *gear = chunker->gear;
    size_t length = chunker->length_bytes, done = 0;
    bool cut = false;
    while (done < bytes.n && !cut) {
        const uint8_t *p = bytes.p + done;
        size_t left = bytes.n - done, took;
        if (length < SKIP_TO) {
            took = least(left, SKIP_TO - length);
        } else if (length < WARM_TO) {
            took = least(left, WARM_TO - length);
            chunker->hash = roll(gear, chunker->hash, p, took);
        } else if (length < STRICT_TO) {
            took = scan(gear, &chunker->hash, p, least(left, STRICT_TO - length), threshold_below, &cut);
        } else if (length < LOOSE_TO) {
            took = scan(gear, &chunker->hash, p, least(left, LOOSE_TO - length), threshold_above, &cut);
        } else {
            took = 1;
            cut = true;
        }
        length += took;
        done += took;
    }
    if (cut) pv_chunker_init(chunker, gear);
    else chunker->length_bytes = length;
    *ret_cut = cut;
    return done;
}
