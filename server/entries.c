/* Reading the log: entries with bodies, bodies alone, a device's own newest entry. */
#include <string.h>

#include "server/limits.h"
#include "server/room_cache.h"

enum {
    PAGE_BYTES = 4 * 1024 * 1024,
    PAGE_ENTRIES = 16384,
    ITEM_BYTES_MAX = PV_LIMIT_ENTRY_BYTES + PV_LIMIT_REFS * 17 + PV_LIMIT_BODY_BYTES + 32,
    LEAD_BYTES = 19,                      /* before the items, at most: an array's head, from, an array's head */
    TAIL_BYTES = PV_LIMIT_NOTE_BYTES + 12 /* behind them: the note, a size */
};

/* Items come right into the answer, behind a gap for what stands before them: their number is known last. */
struct page {
    struct pv_buf *items;
    size_t count, max_bytes;
    bool only_bodies;
};

static enum pv_err add_entry(void *context, const struct pv_meta_entry *entry)
{
    struct page *page = context;
    size_t size = entry->body.n + (page->only_bodies ? 0 : entry->entry.n + entry->refs.n) + 16;
    if (page->count && page->items->n + size > page->max_bytes) return PV_ERR_LIMIT; /* ends the page */
    if (!page->only_bodies) {
        pv_cbor_put_array(page->items, 3);
        pv_cbor_put_bytes(page->items, entry->entry.p, entry->entry.n);
        pv_buf_append(page->items, entry->refs.p, entry->refs.n);
    }
    if (entry->body.p) pv_cbor_put_bytes(page->items, entry->body.p, entry->body.n);
    else pv_cbor_put_null(page->items);
    page->count++;
    return page->items->err;
}

/* from, max: common to both. False: the response says what is wrong. */
static bool read_range(const struct pv_web_request *request, struct pv_web_response *response, uint64_t *ret_from,
                       uint64_t *ret_max)
{
    enum pv_err err = pv_query_uint(request, "from", 0, PV_LIMIT_N, ret_from);
    if (!err) err = pv_query_uint(request, "max", PAGE_ENTRIES, PV_LIMIT_N, ret_max);
    if (err) {
        pv_problem(response, err, "query", "from and max are numbers");
        return false;
    }
    if (*ret_max > PAGE_ENTRIES) *ret_max = PAGE_ENTRIES;
    return true;
}

static enum pv_err read_page(struct pv_server *server, const struct pv_web_request *request, uint64_t from,
                             uint64_t max, bool sealed, struct page *page)
{
    enum pv_err err = server->meta->ops->entries(server->meta, request->room_row.no, from, max, sealed, add_entry, page);
    return err == PV_ERR_LIMIT && !page->items->err ? PV_OK : err;
}

/* Its memory is had before the store is asked, as much as the entries that are there can want: whoever may not have it
 * costs no reading. */
static void begin_page(struct pv_server *server, struct pv_web_request *request, uint64_t from, uint64_t max,
                       struct pv_buf *body, struct page *page)
{
    uint64_t size = request->room_row.size, left = from < size ? size - from : 0;
    if (left > max) left = max;
    uint64_t most = PV_HELD_SMALL_BYTES + left * ITEM_BYTES_MAX;
    uint64_t bytes = pv_limits_reserve(server, request, most < PAGE_BYTES ? most : PAGE_BYTES);
    page->items = body;
    page->max_bytes = (size_t)bytes - TAIL_BYTES;
    pv_buf_reserve(body, (size_t)bytes);
    (void)pv_buf_extend(body, LEAD_BYTES);
}

/* What stands before the items: an array of `parts`, `from`, their number. */
static void lead_page(const struct page *page, uint64_t parts, uint64_t from)
{
    uint8_t memory[LEAD_BYTES];
    struct pv_buf lead;
    if (page->items->err) return;
    pv_buf_init_fixed(&lead, memory, sizeof memory);
    pv_cbor_put_array(&lead, parts);
    pv_cbor_put_uint(&lead, from);
    pv_cbor_put_array(&lead, page->count);
    memmove(page->items->p + lead.n, page->items->p + LEAD_BYTES, page->items->n - LEAD_BYTES);
    memcpy(page->items->p, lead.p, lead.n);
    page->items->n -= LEAD_BYTES - lead.n;
}

void pv_entries_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta *meta = server->meta;
    struct pv_buf *body = &response->body, note;
    struct page page = {0};
    uint64_t from, max, size, known = 0;
    bool restored = request->room_row.restored;
    const char *bodies = request->query(request->driver, "bodies");
    bool sealed = bodies && strcmp(bodies, "1") == 0;
    if (!read_range(request, response, &from, &max)) return;
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    begin_page(server, request, from, max, body, &page);
    bool outside = request->access < PV_ACCESS_VIEWER; /* of a restored room: how far it comes, and no more */
    enum pv_err err = outside ? PV_OK : read_page(server, request, from, max, sealed, &page);
    if (!err) err = meta->ops->note(meta, request->room_row.no, &note, &size); /* after: it covers them */
    if (!err && restored) err = meta->ops->known_size(meta, request->room_row.no, &known);
    if (err) {
        pv_problem_of(response, err);
    } else {
        lead_page(&page, restored ? 4 : 3, from);
        pv_cbor_put_bytes(body, note.p, note.n);
        if (restored) pv_cbor_put_uint(body, known > size ? known : size);
        pv_answer(response, PV_TYPE_CBOR);
    }
    pv_buf_release(&note);
}

void pv_bodies_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct page page = {.only_bodies = true};
    uint64_t from, max;
    if (!read_range(request, response, &from, &max)) return;
    begin_page(server, request, from, max, &response->body, &page);
    enum pv_err err = read_page(server, request, from, max, true, &page);
    if (err) {
        pv_problem_of(response, err);
    } else {
        lead_page(&page, 2, from);
        pv_answer(response, PV_TYPE_CBOR);
    }
}

/* ---- head */

static enum pv_err put_entry(void *context, const struct pv_meta_entry *entry)
{
    struct pv_buf *body = context;
    pv_cbor_put_bytes(body, entry->entry.p, entry->entry.n);
    return body->err;
}

static enum pv_err put_head(struct pv_server *server, uint64_t no, uint64_t index, struct pv_buf *body)
{
    struct pv_meta *meta = server->meta;
    struct pv_tree_context tree;
    struct pv_merkle_reader reader = pv_tree_reader(meta, no, &tree);
    struct pv_merkle_proof proof;
    struct pv_buf note;
    uint64_t size;
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    pv_cbor_put_array(body, 4);
    pv_cbor_put_uint(body, index);
    enum pv_err err = meta->ops->entries(meta, no, index, 1, false, put_entry, body);
    if (!err) err = meta->ops->note(meta, no, &note, &size);
    if (!err) err = pv_merkle_prove_inclusion(&reader, index, size, &proof);
    if (!err) {
        pv_cbor_put_array(body, proof.count);
        for (size_t i = 0; i < proof.count; i++) pv_cbor_put_hash(body, &proof.hashes[i]);
        pv_cbor_put_bytes(body, note.p, note.n);
    }
    pv_buf_release(&note);
    return err;
}

void pv_head_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta *meta = server->meta;
    uint64_t n, index, no = request->room_row.no;
    bool found;
    enum pv_err err = meta->ops->newest(meta, no, &request->session.device_id, PV_REASON_STALE_CHAIN, &n, &found, &index);
    if (!err && !found) {
        pv_problem(response, PV_ERR_NOT_FOUND, NULL, "this device never wrote here");
        return;
    }
    if (!err) err = put_head(server, no, index, &response->body);
    if (err) pv_problem_of(response, err);
    else pv_answer(response, PV_TYPE_CBOR);
}
