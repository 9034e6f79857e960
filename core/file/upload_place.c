/* Sending files: the places of chunks in blobs, the pages of manifests, and what is reported of a file. */
#include "core/file/upload_state.h"

#include <stdlib.h>
#include <string.h>

/* --- reporting ---------------------------------------------------------------------------------------------- */

static struct pv_upload_report *add_report(struct pv_upload *u, struct pv_upload_file *file, bool keep)
{
    struct pv_upload_report *report = calloc(1, sizeof *report);
    if (!report) {
        pv_upload_fail(u, PV_ERR_NOMEM);
        return NULL;
    }
    report->keep = keep;
    report->after = u->blobs_begun;
    report->result.number = file->number;
    report->refs = file->refs;
    report->result.refs = pv_buf_bytes(&report->refs);
    pv_buf_init(&file->refs, file->refs.max);
    if (u->reports_last) u->reports_last->next = report;
    else u->reports = report;
    u->reports_last = report;
    u->report_count++;
    return report;
}

static void add_ref(struct pv_upload *u, struct pv_upload_file *file, const struct pv_id16 *blob)
{
    for (size_t at = file->refs.n; at > 0; at -= sizeof blob->b) /* the newest is the likeliest */
        if (memcmp(file->refs.p + at - sizeof blob->b, blob->b, sizeof blob->b) == 0) return;
    if (file->refs.n == file->refs.max) (void)add_report(u, file, true);
    pv_buf_append(&file->refs, blob->b, sizeof blob->b);
    if (file->refs.err) pv_upload_fail(u, file->refs.err);
}

void pv_upload_close_shared(struct pv_upload *u)
{
    if (!u->shared) return;
    u->shared->state = SLOT_CLOSED;
    u->shared = NULL;
}

static void report_file(struct pv_upload *u, struct pv_upload_file *file)
{
    struct pv_upload_report *report = add_report(u, file, false);
    if (!report) return;
    struct pv_upload_result *result = &report->result;
    bool pages = file->page_count > 0;
    struct pv_buf *list = pages ? &file->pages : &file->chunks;
    report->list = *list;
    pv_buf_init(list, list->max);
    result->manifest = (struct pv_chunk_list){pages, pages ? file->page_count : file->chunk_count,
                                              pv_buf_bytes(&report->list)};
    result->size_bytes = file->size_bytes;
    result->has_sha256 = pv_upload_wants_whole_hash(u, file);
    if (file->chunks_placed == 1) result->sha256 = file->only_chunk;
    else if (result->has_sha256) pv_sha256_final(&file->sha, &result->sha256);
    /* Small files wait for company, but not long: not behind a large one, nor for more than one batch. */
    if (file->size_bytes >= PV_LIMIT_CHUNK_MAX_BYTES || u->report_count >= PV_LIMIT_BATCH_ENTRIES)
        pv_upload_close_shared(u);
    u->files = file->next;
    if (!u->files) u->files_last = NULL;
    pv_upload_free_file(file);
}

/* --- placing ------------------------------------------------------------------------------------------------ */

static void begin_blob(struct pv_upload *u, struct pv_upload_slot *slot)
{
    pv_blob_init(&slot->blob, u->config.random, slot->p);
    slot->blob_number = u->blobs_begun++;
}

/* Find room for the slot's chunk in a blob; false when that takes a slot that is not free yet. */
static bool find_room(struct pv_upload *u, struct pv_upload_slot *slot)
{
    size_t n = slot->chunk.length_bytes;
    if (n >= PV_PACK_OWN_BYTES) {
        begin_blob(u, slot);
        slot->into = slot;
        return true;
    }
    if (u->shared && !pv_blob_has_room(&u->shared->blob, n)) pv_upload_close_shared(u);
    if (!u->shared) {
        u->shared = pv_upload_take_slot(u, SLOT_SHARING, 0);
        if (!u->shared) return false;
        begin_blob(u, u->shared);
    }
    slot->into = u->shared;
    return true;
}

static void seal_slot(struct pv_upload *u, struct pv_upload_slot *slot)
{
    pv_blob_place(&slot->into->blob, u->config.random, &slot->chunk);
    slot->into->seals++;
    slot->state = SLOT_TO_SEAL;
    if (!slot->page && u->config.wrote) u->config.wrote(u->config.context, &slot->chunk);
}

/* Give the chunk its place: an old one, or a new one where it is sealed to. */
static bool place(struct pv_upload *u, struct pv_upload_slot *slot)
{
    struct pv_chunk old = {0};
    bool found = !slot->page && u->config.find &&
                 u->config.find(u->config.context, &slot->chunk.sha256, slot->chunk.length_bytes, &old);
    if (!found && !find_room(u, slot)) return false;
    if (!found) seal_slot(u, slot);

    struct pv_upload_file *file = slot->file;
    const struct pv_chunk *chunk = found ? &old : &slot->chunk;
    struct pv_buf *list = slot->page ? &file->pages : &file->chunks;
    pv_chunk_put(list, chunk, slot->page);
    if (list->err) pv_upload_fail(u, list->err);
    add_ref(u, file, &chunk->blob);
    if (slot->page) {
        file->page_count++;
    } else {
        file->only_chunk = slot->chunk.sha256;
        file->chunks_placed++;
        file->chunk_count++;
        file->span_bytes += chunk->span_bytes;
        file->unplaced--;
    }
    if (found) pv_upload_drop_slot(slot);
    pv_wipe(&old, sizeof old);
    return true;
}

/* The encoded chunks so far become a page, if a slot is free for it. */
static bool begin_page(struct pv_upload *u, struct pv_upload_file *file)
{
    struct pv_upload_slot *slot = pv_upload_take_slot(u, SLOT_TO_HASH, 0);
    if (!slot) return false;
    struct pv_buf page;
    pv_buf_init(&page, PV_LIMIT_CHUNK_MAX_BYTES);
    pv_page_put(&page, pv_buf_bytes(&file->chunks), file->chunk_count);
    if (page.err) pv_upload_fail(u, page.err);
    else memcpy(slot->p, page.p, page.n);
    pv_upload_note_use(slot, page.n);
    slot->file = file;
    slot->page = true;
    slot->chunk.length_bytes = (uint32_t)page.n;
    slot->chunk.span_bytes = file->span_bytes;
    pv_buf_wipe(&page);
    pv_buf_clear(&file->chunks);
    file->chunk_count = 0;
    file->span_bytes = 0;
    u->page = slot;
    return true;
}

/* Move the oldest file on by one chunk, one page, or to its report. True when something moved. */
bool pv_upload_place(struct pv_upload *u)
{
    struct pv_upload_file *file = u->files;
    if (!file) return false;
    if (u->page) {
        if (u->page->state != SLOT_HASHED || !place(u, u->page)) return false;
        u->page = NULL;
        return true;
    }
    bool all = file->ended && file != u->current && file->unplaced == 0;
    bool inline_list = file->page_count == 0 && file->chunk_count <= PV_LIMIT_MANIFEST_INLINE_CHUNKS;
    if (file->chunk_count == PV_LIMIT_MANIFEST_PAGE_CHUNKS || (all && !inline_list && file->chunk_count))
        return begin_page(u, file);
    if (all) {
        report_file(u, file);
        return true;
    }
    struct pv_upload_slot *slot = u->line;
    if (!slot || slot->state != SLOT_HASHED) return false;
    struct pv_upload_slot *next = slot->next;
    if (!place(u, slot)) return false;
    u->line = next;
    if (!next) u->line_last = NULL;
    return true;
}
