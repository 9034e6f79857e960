/* The `file` structure, manifests and paths: exact bytes, round trips, and every refusal. */
#include "core/file/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static struct pv_chunk make_chunk(uint8_t tag, uint32_t length)
{
    struct pv_chunk chunk = {.length_bytes = length, .span_bytes = length};
    memset(chunk.sha256.b, tag, sizeof chunk.sha256.b);
    memset(chunk.blob.b, tag + 1, sizeof chunk.blob.b);
    memset(chunk.key.b, tag + 2, sizeof chunk.key.b);
    return chunk;
}

static struct pv_file make_file(struct pv_buf *list, size_t count, uint32_t length)
{
    struct pv_file file = {.mode = 0644, .mtime_seconds = -1, .mtime_nanoseconds = 999999999};
    file.path.part_count = 2;
    file.path.parts[0] = pv_bytes_of_string("docs");
    file.path.parts[1] = pv_bytes_of_string("a\xff\n");
    for (size_t i = 0; i < count; i++) {
        struct pv_chunk chunk = make_chunk((uint8_t)i, length);
        pv_chunk_put(list, &chunk, false);
    }
    file.size_bytes = (uint64_t)count * length;
    file.manifest = (struct pv_chunk_list){.count = count, .encoded = pv_buf_bytes(list)};
    return file;
}

static enum pv_err read_file(struct pv_bytes bytes, struct pv_file *ret_file)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    pv_file_get(&in, ret_file);
    return pv_cbor_finish(&in);
}

static void test_exact(void)
{
    static const char want[] =
        "8682" "44646f6373" "4361ff0a" "03" "1901a4" "82201a3b9ac9ff" "f6" "8200" "81"
        "85" "5820" "0101010101010101010101010101010101010101010101010101010101010101" "03"
        "50" "02020202020202020202020202020202" "00"
        "5820" "0303030303030303030303030303030303030303030303030303030303030303";
    uint8_t bytes[sizeof want / 2];
    if (pv_hex_decode(want, sizeof want - 1, bytes, sizeof bytes)) abort();
    struct pv_buf list, buf;
    pv_buf_init(&list, 4096);
    pv_buf_init(&buf, 4096);
    struct pv_file file = make_file(&list, 0, 0);
    struct pv_chunk chunk = make_chunk(1, 3);
    pv_chunk_put(&list, &chunk, false);
    file.size_bytes = 3;
    file.manifest = (struct pv_chunk_list){.count = 1, .encoded = pv_buf_bytes(&list)};
    pv_file_put(&buf, &file);
    tap_is_bytes(buf.p, buf.n, bytes, sizeof bytes, "a file of one chunk is these bytes");

    struct pv_file got;
    struct pv_chunk first;
    tap_is_int(read_file(pv_buf_bytes(&buf), &got), PV_OK, "they read back");
    tap_ok(got.size_bytes == 3 && got.mode == 0644 && got.mtime_seconds == -1 && !got.has_sha256 &&
               got.path.part_count == 2 && pv_bytes_equal(got.path.parts[1], file.path.parts[1]),
           "to the same fields");
    tap_ok(pv_chunk_list_next(&got.manifest, &first) && memcmp(&first, &chunk, sizeof chunk) == 0 &&
               !pv_chunk_list_next(&got.manifest, &first), "and the same chunk, once");

    size_t refused = 0;
    for (size_t n = 0; n < buf.n; n++) refused += read_file(pv_bytes(buf.p, n), &got) != PV_OK;
    tap_is_int((long long)refused, (long long)buf.n, "no prefix of them reads");
    pv_buf_append_byte(&buf, 0);
    tap_is_int(read_file(pv_buf_bytes(&buf), &got), PV_ERR_MALFORMED, "nor do they with a byte behind");
    pv_buf_release(&list);
    pv_buf_release(&buf);
}

/* Every single-bit change either fails or reads to something that writes the changed bytes again. */
static void test_flips(void)
{
    struct pv_buf list, buf, again;
    pv_buf_init(&list, 65536);
    pv_buf_init(&buf, 65536);
    pv_buf_init(&again, 65536);
    struct pv_file file = make_file(&list, 3, 1000);
    file.has_sha256 = true;
    pv_file_put(&buf, &file);
    size_t wrong = 0, refused = 0;
    for (size_t bit = 0; bit < 8 * buf.n; bit++) {
        struct pv_file got;
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (read_file(pv_buf_bytes(&buf), &got)) {
            refused++;
        } else {
            pv_buf_clear(&again);
            pv_file_put(&again, &got);
            wrong += again.err || !pv_bytes_equal(pv_buf_bytes(&again), pv_buf_bytes(&buf));
        }
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    tap_ok(wrong == 0 && refused > 100, "flipped bits are refused (%zu) or mean what they say", refused);
    pv_buf_release(&list);
    pv_buf_release(&buf);
    pv_buf_release(&again);
}

/* Write what pv_file_put refuses to, by hand, and see the reader refuse it too. */
static enum pv_err read_changed(uint64_t size, uint64_t mode, uint64_t nanoseconds, size_t count,
                                struct pv_chunk chunk, bool pages)
{
    struct pv_buf buf;
    struct pv_file got;
    struct pv_path path = {1, {pv_bytes_of_string("f")}};
    pv_buf_init(&buf, 1 << 20);
    pv_cbor_put_array(&buf, 6);
    pv_path_put(&buf, &path);
    pv_cbor_put_uint(&buf, size);
    pv_cbor_put_uint(&buf, mode);
    pv_cbor_put_array(&buf, 2);
    pv_cbor_put_int(&buf, INT64_MIN);
    pv_cbor_put_uint(&buf, nanoseconds);
    pv_cbor_put_null(&buf);
    pv_cbor_put_array(&buf, 2);
    pv_cbor_put_uint(&buf, pages);
    pv_cbor_put_array(&buf, count);
    for (size_t i = 0; i < count; i++) {
        pv_cbor_put_array(&buf, pages ? 6 : 5);
        pv_cbor_put_hash(&buf, &chunk.sha256);
        pv_cbor_put_uint(&buf, chunk.length_bytes);
        pv_cbor_put_id16(&buf, &chunk.blob);
        pv_cbor_put_uint(&buf, chunk.offset_bytes);
        pv_cbor_put_bytes(&buf, chunk.key.b, sizeof chunk.key.b);
        if (pages) pv_cbor_put_uint(&buf, chunk.span_bytes);
    }
    enum pv_err err = buf.err ? buf.err : read_file(pv_buf_bytes(&buf), &got);
    pv_buf_release(&buf);
    return err;
}

static void test_refusals(void)
{
    struct pv_chunk max = make_chunk(0, PV_LIMIT_CHUNK_MAX_BYTES), chunk = make_chunk(0, 10);
    uint64_t all = 32ull * PV_LIMIT_CHUNK_MAX_BYTES;
    tap_is_int(read_changed(0, 07777, 999999999, 0, chunk, false), PV_OK, "an empty file reads");
    tap_is_int(read_changed(all, 0, 0, 32, max, false), PV_OK, "32 greatest chunks read");
    tap_is_int(read_changed(330, 0, 0, 33, chunk, false), PV_ERR_LIMIT, "33 chunks inline do not");
    tap_is_int(read_changed(11, 0, 0, 1, chunk, false), PV_ERR_MALFORMED, "nor lengths below the size");
    tap_is_int(read_changed(9, 0, 0, 1, chunk, false), PV_ERR_MALFORMED, "nor above it");
    tap_is_int(read_changed(10, 010000, 0, 1, chunk, false), PV_ERR_LIMIT, "nor a mode beyond permissions");
    tap_is_int(read_changed(10, 0, 1000000000, 1, chunk, false), PV_ERR_LIMIT, "nor a whole second of nanoseconds");
    tap_is_int(read_changed(0, 0, 0, 1, make_chunk(0, 0), false), PV_ERR_LIMIT, "nor an empty chunk");
    tap_is_int(read_changed(PV_LIMIT_CHUNK_MAX_BYTES + 1, 0, 0, 1, make_chunk(0, PV_LIMIT_CHUNK_MAX_BYTES + 1), false),
               PV_ERR_LIMIT, "nor one over the greatest");
    chunk.offset_bytes = PV_LIMIT_BLOB_BYTES - 26;
    tap_is_int(read_changed(10, 0, 0, 1, chunk, false), PV_OK, "a chunk may end where the blob does");
    chunk.offset_bytes++;
    tap_is_int(read_changed(10, 0, 0, 1, chunk, false), PV_ERR_LIMIT, "and not a byte beyond");

    struct pv_chunk page = make_chunk(0, 100);
    page.span_bytes = PV_LIMIT_FILE_BYTES / PV_LIMIT_MANIFEST_PAGES;
    tap_is_int(read_changed(PV_LIMIT_FILE_BYTES, 0, 0, 512, page, true), PV_OK, "4 TiB in 512 pages read");
    tap_is_int(read_changed(PV_LIMIT_FILE_BYTES + 1, 0, 0, 512, page, true), PV_ERR_LIMIT, "no byte more");
    tap_is_int(read_changed(513 * page.span_bytes, 0, 0, 513, page, true), PV_ERR_LIMIT, "no page more");
    tap_is_int(read_changed(0, 0, 0, 0, page, true), PV_ERR_MALFORMED, "no list of no pages");
    page.span_bytes = 0;
    tap_is_int(read_changed(0, 0, 0, 1, page, true), PV_ERR_LIMIT, "no empty page");
}

static void test_pages(void)
{
    struct pv_buf list, page;
    struct pv_chunk_list got;
    pv_buf_init(&list, 4 << 20);
    pv_buf_init(&page, PV_LIMIT_CHUNK_MAX_BYTES);
    struct pv_chunk chunk = make_chunk(7, PV_LIMIT_CHUNK_MAX_BYTES);
    chunk.offset_bytes = PV_LIMIT_BLOB_BYTES - PV_CHUNK_TAG_BYTES - PV_LIMIT_CHUNK_MAX_BYTES;
    for (size_t i = 0; i < PV_LIMIT_MANIFEST_PAGE_CHUNKS; i++) pv_chunk_put(&list, &chunk, false);
    pv_page_put(&page, pv_buf_bytes(&list), PV_LIMIT_MANIFEST_PAGE_CHUNKS);
    uint64_t span = (uint64_t)PV_LIMIT_MANIFEST_PAGE_CHUNKS * PV_LIMIT_CHUNK_MAX_BYTES;
    tap_is_int(page.err, PV_OK, "the fullest page fits into a chunk");
    tap_is_int(pv_page_read(pv_buf_bytes(&page), span, &got), PV_OK, "and reads");
    size_t count = 0;
    for (struct pv_chunk c; pv_chunk_list_next(&got, &c);) count += memcmp(&c, &chunk, sizeof c) == 0;
    tap_is_int((long long)count, PV_LIMIT_MANIFEST_PAGE_CHUNKS, "to all its chunks");
    tap_is_int(pv_page_read(pv_buf_bytes(&page), span - 1, &got), PV_ERR_MALFORMED, "another span is refused");
    pv_buf_append_byte(&page, 0);
    tap_is_int(pv_page_read(pv_buf_bytes(&page), span, &got), PV_ERR_MALFORMED, "a byte behind is refused");
    pv_buf_clear(&page);
    pv_chunk_put(&list, &chunk, false);
    pv_page_put(&page, pv_buf_bytes(&list), PV_LIMIT_MANIFEST_PAGE_CHUNKS + 1);
    tap_is_int(pv_page_read(pv_buf_bytes(&page), span + chunk.length_bytes, &got),
               PV_ERR_LIMIT, "a chunk more is refused");
    pv_buf_release(&list);
    pv_buf_release(&page);
}

static void test_single(void)
{
    struct pv_buf buf;
    struct pv_cbor in;
    struct pv_chunk chunk = make_chunk(3, 77), got;
    pv_buf_init(&buf, 4096);
    pv_chunk_put(&buf, &chunk, false);
    pv_cbor_init(&in, pv_buf_bytes(&buf));
    pv_chunk_get(&in, false, &got);
    tap_ok(!pv_cbor_finish(&in) && memcmp(&got, &chunk, sizeof got) == 0, "a chunk kept by itself reads back");
    pv_cbor_init(&in, pv_buf_bytes(&buf));
    pv_chunk_get(&in, true, &got);
    tap_is_int(pv_cbor_finish(&in), PV_ERR_MALFORMED, "and is no page");
    pv_buf_release(&buf);
}

static void test_writer(void)
{
    struct pv_buf list, buf;
    pv_buf_init(&list, 65536);
    pv_buf_init(&buf, 65536);
    struct pv_file file = make_file(&list, 2, 10);
    file.size_bytes = 19;
    pv_file_put(&buf, &file);
    tap_is_int(buf.err, PV_ERR_MALFORMED, "a wrong size is not written");
    pv_buf_clear(&buf);
    file.size_bytes = 20;
    file.path.part_count = 0;
    pv_file_put(&buf, &file);
    tap_is_int(buf.err, PV_ERR_MALFORMED, "nor a file without a name");
    pv_buf_clear(&buf);
    struct pv_chunk chunk = make_chunk(0, 10);
    chunk.offset_bytes = PV_LIMIT_BLOB_BYTES;
    pv_chunk_put(&buf, &chunk, false);
    tap_is_int(buf.err, PV_ERR_LIMIT, "nor a chunk outside of its blob");
    pv_buf_release(&list);
    pv_buf_release(&buf);
}

static enum pv_err check_one(const char *p, size_t n)
{
    struct pv_path path = {1, {pv_bytes(p, n)}};
    return pv_path_check(&path);
}

static void test_paths(void)
{
    static char big[PV_LIMIT_PATH_BYTES + 1];
    struct pv_path path;
    memset(big, 'x', sizeof big);
    tap_ok(!check_one("a", 1) && !check_one("...", 3) && !check_one(".a", 2) && !check_one("..a", 3) &&
               !check_one("\xff\n", 2), "names are any bytes");
    tap_ok(check_one("", 0) == PV_ERR_MALFORMED && check_one(".", 1) == PV_ERR_MALFORMED &&
               check_one("..", 2) == PV_ERR_MALFORMED && check_one("a/b", 3) == PV_ERR_MALFORMED &&
               check_one("a\0b", 3) == PV_ERR_MALFORMED && check_one("/", 1) == PV_ERR_MALFORMED,
           "but not empty, dots, or with slash or zero");
    tap_is_int(check_one(big, PV_LIMIT_PATH_BYTES), PV_OK, "4096 bytes are a path");
    tap_is_int(check_one(big, PV_LIMIT_PATH_BYTES + 1), PV_ERR_LIMIT, "4097 are not");

    tap_ok(!pv_path_from_text(pv_bytes_of_string("/a//bc/"), &path) && path.part_count == 2 &&
               pv_bytes_equal(path.parts[1], pv_bytes_of_string("bc")), "text splits at slashes");
    tap_is_int(pv_path_from_text(pv_bytes_of_string("a/../b"), &path), PV_ERR_MALFORMED, "never upwards");
    tap_is_int(pv_path_from_text(pv_bytes_of_string("//"), &path), PV_ERR_MALFORMED, "never to nothing");
    for (size_t i = 1; i < 66; i += 2) big[i] = '/';
    tap_is_int(pv_path_from_text(pv_bytes(big, 64), &path), PV_OK, "32 parts are a path");
    tap_is_int(pv_path_from_text(pv_bytes(big, 66), &path), PV_ERR_LIMIT, "33 are not");

    struct pv_buf text;
    pv_buf_init(&text, 100);
    struct pv_path two = {2, {pv_bytes_of_string("a"), pv_bytes_of_string("b c")}};
    pv_path_put_text(&text, &two);
    tap_is_bytes(text.p, text.n, "a/b c", 5, "parts join to text");
    pv_buf_release(&text);
}

int main(void)
{
    test_exact();
    test_flips();
    test_refusals();
    test_pages();
    test_single();
    test_writer();
    test_paths();
    return tap_done();
}
