/* Manifests and the `file` structure: the one writer and the one reader. */
#include "core/file/manifest.h"

#include <stdlib.h>

enum { MODE_MAX = 07777, NANOSECONDS_MAX = 999999999 };

static bool chunk_is_valid(const struct pv_chunk *chunk, bool as_page)
{
    if (chunk->length_bytes == 0 || chunk->length_bytes > PV_LIMIT_CHUNK_MAX_BYTES) return false;
    if (chunk->offset_bytes > PV_LIMIT_BLOB_BYTES - PV_CHUNK_TAG_BYTES - chunk->length_bytes) return false;
    if (!as_page) return chunk->span_bytes == chunk->length_bytes;
    return chunk->span_bytes > 0 && chunk->span_bytes <= PV_LIMIT_FILE_BYTES;
}

void pv_chunk_put(struct pv_buf *buf, const struct pv_chunk *chunk, bool as_page)
{
    if (!chunk_is_valid(chunk, as_page)) {
        if (!buf->err) buf->err = PV_ERR_LIMIT;
        return;
    }
    pv_cbor_put_array(buf, as_page ? 6 : 5);
    pv_cbor_put_hash(buf, &chunk->sha256);
    pv_cbor_put_uint(buf, chunk->length_bytes);
    pv_cbor_put_id16(buf, &chunk->blob);
    pv_cbor_put_uint(buf, chunk->offset_bytes);
    pv_cbor_put_bytes(buf, chunk->key.b, sizeof chunk->key.b);
    if (as_page) pv_cbor_put_uint(buf, chunk->span_bytes);
}

void pv_chunk_get(struct pv_cbor *in, bool as_page, struct pv_chunk *ret_chunk)
{
    struct pv_chunk chunk = {0};
    pv_cbor_get_array_of(in, as_page ? 6 : 5);
    pv_cbor_get_hash(in, &chunk.sha256);
    chunk.length_bytes = (uint32_t)pv_cbor_get_uint(in, PV_LIMIT_CHUNK_MAX_BYTES);
    pv_cbor_get_id16(in, &chunk.blob);
    chunk.offset_bytes = (uint32_t)pv_cbor_get_uint(in, PV_LIMIT_BLOB_BYTES);
    pv_cbor_get_fixed(in, chunk.key.b, sizeof chunk.key.b);
    chunk.span_bytes = as_page ? pv_cbor_get_uint(in, PV_LIMIT_FILE_BYTES) : chunk.length_bytes;
    if (!in->err && !chunk_is_valid(&chunk, as_page)) pv_cbor_fail(in, PV_ERR_LIMIT);
    if (!in->err) *ret_chunk = chunk;
    pv_wipe(&chunk.key, sizeof chunk.key);
}

/* An array of at most `max` items whose spans add up to `span_bytes`. */
static struct pv_chunk_list get_list(struct pv_cbor *in, bool pages, size_t max, uint64_t span_bytes)
{
    struct pv_chunk_list list = {.pages = pages, .count = pv_cbor_get_array(in, max)};
    const uint8_t *start = in->p;
    uint64_t sum = 0; /* cannot wrap: at most 2^15 items of at most 2^42 */
    struct pv_chunk chunk = {0};
    for (size_t i = 0; i < list.count && !in->err; i++) {
        pv_chunk_get(in, pages, &chunk);
        sum += chunk.span_bytes;
    }
    pv_wipe(&chunk.key, sizeof chunk.key);
    if (!in->err && sum != span_bytes) pv_cbor_fail(in, PV_ERR_MALFORMED);
    if (!in->err) list.encoded = pv_bytes(start, (size_t)(in->p - start));
    return list;
}

bool pv_chunk_list_next(struct pv_chunk_list *list, struct pv_chunk *ret_chunk)
{
    if (list->count == 0) return false;
    struct pv_cbor in;
    pv_cbor_init(&in, list->encoded);
    pv_chunk_get(&in, list->pages, ret_chunk);
    if (in.err) abort(); /* lists come from pv_file_get and pv_page_read, which checked them */
    list->encoded = pv_bytes(in.p, (size_t)(in.end - in.p));
    list->count--;
    return true;
}

static size_t list_max(bool pages)
{
    return pages ? PV_LIMIT_MANIFEST_PAGES : PV_LIMIT_MANIFEST_INLINE_CHUNKS;
}

static void get_manifest(struct pv_cbor *in, uint64_t size_bytes, struct pv_chunk_list *ret_list)
{
    pv_cbor_get_array_of(in, 2);
    bool pages = pv_cbor_get_uint(in, 1) == 1;
    *ret_list = get_list(in, pages, list_max(pages), size_bytes);
    if (pages && ret_list->count == 0) pv_cbor_fail(in, PV_ERR_MALFORMED); /* an empty file is [0, []] */
}

void pv_file_get(struct pv_cbor *in, struct pv_file *ret_file)
{
    struct pv_file file = {0};
    pv_cbor_get_array_of(in, 6);
    pv_path_get(in, &file.path);
    file.size_bytes = pv_cbor_get_uint(in, PV_LIMIT_FILE_BYTES);
    file.mode = (uint32_t)pv_cbor_get_uint(in, MODE_MAX);
    pv_cbor_get_array_of(in, 2);
    file.mtime_seconds = pv_cbor_get_int(in);
    file.mtime_nanoseconds = (uint32_t)pv_cbor_get_uint(in, NANOSECONDS_MAX);
    file.has_sha256 = !pv_cbor_take_null(in);
    if (file.has_sha256) pv_cbor_get_hash(in, &file.sha256);
    get_manifest(in, file.size_bytes, &file.manifest);
    if (!in->err) *ret_file = file;
}

void pv_file_put(struct pv_buf *buf, const struct pv_file *file)
{
    size_t start = buf->n;
    pv_cbor_put_array(buf, 6);
    pv_path_put(buf, &file->path);
    pv_cbor_put_uint(buf, file->size_bytes);
    pv_cbor_put_uint(buf, file->mode);
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_int(buf, file->mtime_seconds);
    pv_cbor_put_uint(buf, file->mtime_nanoseconds);
    if (file->has_sha256) pv_cbor_put_hash(buf, &file->sha256);
    else pv_cbor_put_null(buf);
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, file->manifest.pages);
    pv_cbor_put_array(buf, file->manifest.count);
    pv_buf_append(buf, file->manifest.encoded.p, file->manifest.encoded.n);
    if (buf->err) return;

    /* What we write, we can read: a wrong sum or limit never leaves this device. */
    struct pv_cbor in;
    struct pv_file again;
    pv_cbor_init(&in, pv_bytes(buf->p + start, buf->n - start));
    pv_file_get(&in, &again);
    buf->err = pv_cbor_finish(&in);
}

void pv_page_put(struct pv_buf *buf, struct pv_bytes encoded_chunks, size_t count)
{
    pv_cbor_put_array(buf, count);
    pv_buf_append(buf, encoded_chunks.p, encoded_chunks.n);
}

enum pv_err pv_page_read(struct pv_bytes page, uint64_t span_bytes, struct pv_chunk_list *ret_list)
{
    struct pv_cbor in;
    pv_cbor_init(&in, page);
    struct pv_chunk_list list = get_list(&in, false, PV_LIMIT_MANIFEST_PAGE_CHUNKS, span_bytes);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_list = list;
    return err;
}
