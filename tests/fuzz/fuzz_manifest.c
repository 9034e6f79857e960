/* A page of a manifest, as it comes out of a blob: the first eight bytes say the span that it should have. */
#include <stdlib.h>
#include <string.h>

#include "core/file/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t span, sum = 0;
    if (size < sizeof span) return 0;
    memcpy(&span, data, sizeof span);
    struct pv_bytes page = pv_bytes(data + sizeof span, size - sizeof span);
    struct pv_chunk_list list;
    if (pv_page_read(page, span, &list)) return 0;

    struct pv_buf chunks, again;
    struct pv_chunk chunk;
    size_t count = 0;
    pv_buf_init(&chunks, PV_LIMIT_CHUNK_MAX_BYTES);
    pv_buf_init(&again, PV_LIMIT_CHUNK_MAX_BYTES);
    while (pv_chunk_list_next(&list, &chunk)) {
        sum += chunk.span_bytes;
        count++;
        pv_chunk_put(&chunks, &chunk, false);
    }
    pv_page_put(&again, pv_buf_bytes(&chunks), count);
    if (sum != span || chunks.err || again.err || !pv_bytes_equal(pv_buf_bytes(&again), page)) abort();
    pv_buf_release(&chunks);
    pv_buf_release(&again);
    return 0;
}
