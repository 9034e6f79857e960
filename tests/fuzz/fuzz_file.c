/* The `file` structure: what reads, writes the same bytes again, and its lists keep what was checked. */
#include <stdlib.h>

#include "core/file/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_cbor in;
    struct pv_file file;
    pv_cbor_init(&in, pv_bytes(data, size));
    pv_file_get(&in, &file);
    if (pv_cbor_finish(&in)) return 0;

    uint64_t sum = 0;
    struct pv_chunk chunk;
    for (struct pv_chunk_list list = file.manifest; pv_chunk_list_next(&list, &chunk);) {
        sum += chunk.span_bytes;
        if ((uint64_t)chunk.offset_bytes + chunk.length_bytes + PV_CHUNK_TAG_BYTES > PV_LIMIT_BLOB_BYTES) abort();
    }
    if (sum != file.size_bytes || pv_path_check(&file.path)) abort();

    struct pv_buf again;
    pv_buf_init(&again, 1 << 20);
    pv_file_put(&again, &file);
    if (again.err || !pv_bytes_equal(pv_buf_bytes(&again), pv_bytes(data, size))) abort();

    struct pv_buf text;
    struct pv_path path;
    pv_buf_init(&text, 1 << 20);
    pv_path_put_text(&text, &file.path);
    if (text.err || pv_path_from_text(pv_buf_bytes(&text), &path) || path.part_count != file.path.part_count) abort();
    for (size_t i = 0; i < path.part_count; i++)
        if (!pv_bytes_equal(path.parts[i], file.path.parts[i])) abort();
    pv_buf_release(&text);
    pv_buf_release(&again);
    return 0;
}
