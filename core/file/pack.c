/* Packing sealed chunks into blobs. */
#include "core/file/pack.h"

#include <string.h>

#include "core/log/seal.h"

_Static_assert(PV_LIMIT_BLOB_BYTES % PV_PACK_RANGE_BYTES == 0, "the last range ends where the greatest blob does");

void pv_blob_init(struct pv_blob *blob, const struct pv_random *random, uint8_t *memory)
{
    *blob = (struct pv_blob){.p = memory};
    pv_random_fill(random, blob->name.b, sizeof blob->name.b);
}

bool pv_blob_has_room(const struct pv_blob *blob, size_t length_bytes)
{
    return pv_padme(blob->n + length_bytes + PV_CHUNK_TAG_BYTES) <= PV_LIMIT_BLOB_BYTES;
}

void pv_blob_place(struct pv_blob *blob, const struct pv_random *random, struct pv_chunk *chunk)
{
    chunk->blob = blob->name;
    chunk->offset_bytes = (uint32_t)blob->n;
    pv_random_fill(random, chunk->key.b, sizeof chunk->key.b);
    blob->n += chunk->length_bytes + PV_CHUNK_TAG_BYTES;
}

void pv_blob_close(struct pv_blob *blob)
{
    size_t padded = (size_t)pv_padme(blob->n);
    memset(blob->p + blob->n, 0, padded - blob->n);
    blob->n = padded;
}

void pv_blob_range(const struct pv_chunk *chunk, uint32_t *ret_from_bytes, uint32_t *ret_to_bytes)
{
    uint32_t end = chunk->offset_bytes + chunk->length_bytes + PV_CHUNK_TAG_BYTES;
    *ret_from_bytes = chunk->offset_bytes / PV_PACK_RANGE_BYTES * PV_PACK_RANGE_BYTES;
    *ret_to_bytes = (end + PV_PACK_RANGE_BYTES - 1) / PV_PACK_RANGE_BYTES * PV_PACK_RANGE_BYTES;
}
