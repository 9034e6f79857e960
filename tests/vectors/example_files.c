/* Examples for FORMAT.md §11.1: chunks, pages, manifests, chunking. (The sealed chunk needs AES, so it is made by the
 * program itself.) */
#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/file/chunker.h"
#include "core/file/manifest.h"
#include "tests/vectors/example.h"

#define CHUNK_FIELDS "[sha256 length blob offset key]"

enum { CONTENT_BYTES = 1500000 };

static struct pv_chunk some_chunk(uint32_t length_bytes, uint32_t offset_bytes)
{
    struct pv_chunk chunk = {.length_bytes = length_bytes, .span_bytes = length_bytes, .offset_bytes = offset_bytes};
    ex_fill(&chunk.sha256, sizeof chunk.sha256);
    ex_fill(&chunk.blob, sizeof chunk.blob);
    ex_fill(&chunk.key, sizeof chunk.key);
    return chunk;
}

static void print_pages(void)
{
    struct pv_buf chunks, page, list, buf;
    struct pv_file file = {.size_bytes = 1500, .mode = 0600, .mtime_seconds = -1, .mtime_nanoseconds = 999999999};
    pv_buf_init(&chunks, 4096);
    pv_buf_init(&page, 4096);
    pv_buf_init(&list, 4096);
    pv_buf_init(&buf, 4096);
    for (uint32_t i = 0; i < 2; i++) {
        struct pv_chunk chunk = some_chunk(1000 - 500 * i, 1016 * i);
        pv_chunk_put(&chunks, &chunk, false);
    }
    pv_page_put(&page, pv_buf_bytes(&chunks), 2);
    ex_cbor("file.page", "a page's plaintext, for a file of two chunks (which a writer would list in the entry)",
            pv_buf_bytes(&page), "[*chunk" CHUNK_FIELDS "]");
    struct pv_chunk reference = some_chunk((uint32_t)page.n, 0);
    reference.span_bytes = 1500;
    pv_sha256(pv_buf_bytes(&page), &reference.sha256);
    pv_chunk_put(&list, &reference, true);
    file.manifest = (struct pv_chunk_list){.pages = true, .count = 1, .encoded = pv_buf_bytes(&list)};
    ex_must(pv_path_from_text(pv_bytes_of_string("big.bin"), &file.path), "a path");
    pv_file_put(&buf, &file);
    ex_must(buf.err, "a file");
    ex_cbor("file.paged", "a file whose manifest is in a page; changed a nanosecond before 1970", pv_buf_bytes(&buf),
            "[path[*part] size mode mtime[seconds nanoseconds] sha256 manifest[paged pages[*page[sha256 length blob offset key span]]]]");
    pv_buf_release(&chunks);
    pv_buf_release(&page);
    pv_buf_release(&list);
    pv_buf_release(&buf);
}

static void print_cuts(void)
{
    struct pv_chunk_secret secret;
    struct pv_gear *gear = malloc(sizeof *gear);
    uint8_t *content = malloc(CONTENT_BYTES), first[16];
    struct pv_chunker chunker;
    struct seeded seeds = seeded_make(77);
    struct pv_buf cuts;
    size_t start = 0, at = 0;
    if (!gear || !content) ex_must(PV_ERR_NOMEM, "content");
    memset(&secret, 0x11, sizeof secret);
    pv_gear_derive(&secret, gear);
    for (size_t i = 0; i < 16; i++) first[i] = (uint8_t)(gear->of[i / 8] >> (56 - 8 * (i % 8)));
    ex_say("Chunking with the secret of 32 bytes 11, of the 1,500,000 bytes that begin the stream "
           "SHA-256(cbor(77) ‖ cbor(0)) ‖ SHA-256(cbor(77) ‖ cbor(1)) ‖ …");
    ex_bytes("file.gear", "G[0] and G[1], big-endian", pv_bytes(first, sizeof first));
    seeded_fill(&seeds, content, CONTENT_BYTES);
    pv_buf_init(&cuts, 256);
    pv_chunker_init(&chunker, gear);
    while (at < CONTENT_BYTES) {
        bool cut;
        at += pv_chunker_feed(&chunker, pv_bytes(content + at, CONTENT_BYTES - at), &cut);
        if (!cut && at < CONTENT_BYTES) continue;
        pv_cbor_put_uint(&cuts, at - start);
        start = at;
    }
    ex_bytes("file.cuts", "lengths of the chunks, as CBOR integers side by side", pv_buf_bytes(&cuts));
    pv_buf_release(&cuts);
    free(content);
    free(gear);
}

void ex_print_files(void)
{
    ex_section("§11.1 Files");
    ex_say("The entry of a file with one chunk stands among the room's entries above.");
    print_pages();
    print_cuts();
}
