/* Blobs: what fits, where it goes, how they are padded, and the ranges that readers ask for. */
#include "core/file/pack.h"

#include <stdlib.h>
#include <string.h>

#include "core/log/seal.h"
#include "tests/tap.h"

static uint8_t memory[PV_LIMIT_BLOB_BYTES];

static void count_up(void *context, void *ret_bytes, size_t n)
{
    uint8_t *next = context;
    for (size_t i = 0; i < n; i++) ((uint8_t *)ret_bytes)[i] = (*next)++;
}

static void test_places(const struct pv_random *random)
{
    struct pv_blob blob;
    struct pv_chunk a = {.length_bytes = 1000}, b = {.length_bytes = 1};
    memset(memory, 0xaa, sizeof memory);
    pv_blob_init(&blob, random, memory);
    pv_blob_place(&blob, random, &a);
    pv_blob_place(&blob, random, &b);
    tap_ok(a.offset_bytes == 0 && b.offset_bytes == 1016 && blob.n == 1033,
           "chunks lie one behind the other with their tags");
    tap_ok(pv_id16_equal(&a.blob, &blob.name) && pv_id16_equal(&b.blob, &blob.name) && a.key.b[0] == 16 &&
               b.key.b[0] == 48,
           "they name the blob and have a key each");
    pv_blob_close(&blob);
    size_t zeros = 0;
    for (size_t i = 1033; i < blob.n; i++) zeros += memory[i] == 0;
    tap_ok(blob.n == pv_padme(1033) && zeros == blob.n - 1033 && zeros > 0 && memory[blob.n] == 0xaa &&
               memory[1032] == 0xaa,
           "zeros up to Padmé, nothing else touched");
}

static void test_room(const struct pv_random *random)
{
    struct pv_blob blob;
    struct pv_chunk max = {.length_bytes = PV_LIMIT_CHUNK_MAX_BYTES}, small = {.length_bytes = PV_PACK_OWN_BYTES - 1};
    pv_blob_init(&blob, random, memory);
    tap_ok(pv_blob_has_room(&blob, PV_LIMIT_CHUNK_MAX_BYTES), "the greatest chunk has room in an empty blob");
    pv_blob_place(&blob, random, &max);
    tap_ok(!pv_blob_has_room(&blob, PV_PACK_OWN_BYTES), "and leaves none for another of the least size");
    pv_blob_close(&blob);
    tap_ok(blob.n <= PV_LIMIT_BLOB_BYTES, "its padding has room too");

    pv_blob_init(&blob, random, memory);
    size_t count = 0;
    for (; pv_blob_has_room(&blob, small.length_bytes); count++) pv_blob_place(&blob, random, &small);
    tap_is_int((long long)count, (PV_LIMIT_BLOB_BYTES) / (PV_PACK_OWN_BYTES + 15), "small chunks fill it");
    size_t rest = PV_LIMIT_BLOB_BYTES - blob.n - PV_CHUNK_TAG_BYTES;
    tap_ok(pv_blob_has_room(&blob, rest) && !pv_blob_has_room(&blob, rest + 1), "to the last byte and no further");
    pv_blob_close(&blob);
    tap_ok(blob.n <= PV_LIMIT_BLOB_BYTES && pv_padme(blob.n) == blob.n, "and it is padded within the limit");
}

static bool range_is(uint32_t offset, uint32_t length, uint32_t want_from, uint32_t want_to)
{
    struct pv_chunk chunk = {.offset_bytes = offset, .length_bytes = length};
    uint32_t from, to;
    pv_blob_range(&chunk, &from, &to);
    return from == want_from && to == want_to;
}

static void test_ranges(void)
{
    tap_ok(range_is(0, 1, 0, 65536) && range_is(65535, 1, 0, 131072) && range_is(65536, 65520, 65536, 131072) &&
               range_is(65536, 65521, 65536, 196608), "ranges begin and end at multiples of 64 KiB");
    tap_ok(range_is(0, PV_LIMIT_CHUNK_MAX_BYTES, 0, PV_LIMIT_CHUNK_MAX_BYTES + 65536) &&
               range_is(PV_LIMIT_BLOB_BYTES - 17, 1, PV_LIMIT_BLOB_BYTES - 65536, PV_LIMIT_BLOB_BYTES),
           "and within the greatest blob");
}

int main(void)
{
    uint8_t next = 0;
    struct pv_random random = {count_up, &next};
    test_places(&random);
    test_room(&random);
    test_ranges();
    return tap_done();
}
