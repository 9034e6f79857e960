/* Fetching a file, as a step function.
 *
 * A slot is one buffer of a blob's size. It fetches the range of a chunk, the chunk opens in place, and waits
 * until all before it were given out. A page of the manifest takes a slot like a chunk does; while it is under
 * way no new chunks begin. */
#include "core/file/download.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"

enum slot_state { FREE, TO_FETCH, FETCHING, TO_OPEN, OPENING, OPENED, GIVEN };

struct slot {
    enum slot_state state;
    uint8_t *p;
    size_t used_bytes; /* of `p`, ever: to wipe */
    struct pv_chunk chunk;
    struct pv_download_failure where;
    struct slot *next; /* in the order of the file */
    struct pv_download_fetch fetch;
    struct pv_bulk_job job;
};

struct pv_download {
    enum pv_err err;
    bool failed;
    struct pv_download_failure failure;

    size_t slot_count;
    void (*opened)(void *context, const struct pv_chunk *chunk); /* or NULL */
    void *context;
    bool has_sha256, checked;
    bool single;            /* one chunk is the whole file, and its hash the file's */
    struct pv_hash sha256;  /* what the file says */
    struct pv_hash got;     /* what its bytes give */
    struct pv_sha256 sha;

    struct pv_buf manifest, page; /* what the lists borrow from */
    struct pv_chunk_list pages;   /* still to fetch */
    struct pv_chunk_list chunks;  /* still to begin, of the manifest or the page at hand */
    uint64_t pages_begun, chunks_begun, position_bytes;

    struct slot *line, *line_last; /* chunks under way, in order */
    struct slot *page_slot;        /* the page under way */
    struct slot slots[PV_DOWNLOAD_SLOTS_MAX];
};

static void fail(struct pv_download *d, enum pv_err err, const struct pv_download_failure *where)
{
    if (d->err) return;
    d->err = err;
    d->failed = where != NULL;
    if (where) d->failure = *where;
}

static struct slot *take_slot(struct pv_download *d)
{
    for (size_t i = 0; i < d->slot_count; i++) {
        struct slot *slot = &d->slots[i];
        if (slot->state != FREE) continue;
        if (!slot->p && !(slot->p = malloc(PV_LIMIT_BLOB_BYTES))) {
            fail(d, PV_ERR_NOMEM, NULL);
            return NULL;
        }
        return slot;
    }
    return NULL;
}

static void drop_slot(struct slot *slot)
{
    uint8_t *p = slot->p;
    size_t used = slot->used_bytes;
    pv_wipe(slot, sizeof *slot);
    slot->p = p;
    slot->used_bytes = used;
}

enum pv_err pv_download_new(const struct pv_file *file, size_t slots, struct pv_download **ret_download)
{
    if (slots == 0 || slots > PV_DOWNLOAD_SLOTS_MAX) return PV_ERR_LIMIT;
    struct pv_download *d = calloc(1, sizeof *d);
    if (!d) return PV_ERR_NOMEM;
    d->slot_count = slots;
    d->has_sha256 = file->has_sha256;
    d->sha256 = file->sha256;
    pv_sha256_init(&d->sha);
    pv_buf_init(&d->manifest, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_init(&d->page, PV_LIMIT_CHUNK_MAX_BYTES);
    pv_buf_append(&d->manifest, file->manifest.encoded.p, file->manifest.encoded.n);
    if (d->manifest.err) {
        enum pv_err err = d->manifest.err;
        pv_download_free(d);
        return err;
    }
    d->single = !file->manifest.pages && file->manifest.count == 1;
    struct pv_chunk_list *list = file->manifest.pages ? &d->pages : &d->chunks;
    *list = file->manifest;
    list->encoded = pv_buf_bytes(&d->manifest);
    *ret_download = d;
    return PV_OK;
}

void pv_download_tell_opened(struct pv_download *d, void (*opened)(void *context, const struct pv_chunk *chunk),
                             void *context)
{
    d->opened = opened;
    d->context = context;
}

void pv_download_free(struct pv_download *d)
{
    if (!d) return;
    for (size_t i = 0; i < d->slot_count; i++) {
        if (d->slots[i].p) pv_wipe(d->slots[i].p, d->slots[i].used_bytes);
        free(d->slots[i].p);
    }
    pv_buf_wipe(&d->manifest);
    pv_buf_wipe(&d->page);
    pv_wipe(d, sizeof *d);
    free(d);
}

/* --- beginning chunks and pages ---------------------------------------------------------------------------- */

static void begin_fetch(struct pv_download *d, struct slot *slot, bool page)
{
    const struct pv_chunk *chunk = &slot->chunk;
    slot->where = (struct pv_download_failure){
        .page = page,
        .index = page ? d->pages_begun++ : d->chunks_begun++,
        .position_bytes = d->position_bytes,
        .blob = chunk->blob,
        .offset_bytes = chunk->offset_bytes,
        .length_bytes = chunk->length_bytes,
    };
    slot->fetch = (struct pv_download_fetch){.blob = chunk->blob, .p = slot->p};
    pv_blob_range(chunk, &slot->fetch.from_bytes, &slot->fetch.to_bytes);
    size_t n = slot->fetch.to_bytes - slot->fetch.from_bytes;
    if (slot->used_bytes < n) slot->used_bytes = n;
    slot->state = TO_FETCH;
}

/* Begin what comes next, if a slot is free. True when something began. */
static bool advance_fetching(struct pv_download *d)
{
    bool page = d->chunks.count == 0;
    if (d->page_slot || (page && d->pages.count == 0)) return false;
    struct slot *slot = take_slot(d);
    if (!slot) return false;
    (void)pv_chunk_list_next(page ? &d->pages : &d->chunks, &slot->chunk);
    begin_fetch(d, slot, page);
    if (page) {
        d->page_slot = slot;
        return true;
    }
    d->position_bytes += slot->chunk.length_bytes;
    if (d->line_last) d->line_last->next = slot;
    else d->line = slot;
    d->line_last = slot;
    return true;
}

/* --- what came back ----------------------------------------------------------------------------------------- */

void pv_download_fetched(struct pv_download *d, const struct pv_download_fetch *fetch, size_t n)
{
    struct slot *slot = d->slots;
    while (&slot->fetch != fetch) slot++;
    uint32_t skip = slot->chunk.offset_bytes - fetch->from_bytes;
    size_t sealed = slot->chunk.length_bytes + PV_CHUNK_TAG_BYTES;
    if (n < skip + sealed) {
        fail(d, PV_ERR_BAD_MAC, &slot->where); /* who keeps the blob cut it short */
        return;
    }
    slot->job = (struct pv_bulk_job){
        .kind = PV_BULK_OPEN,
        .key = slot->chunk.key,
        .in = pv_bytes(slot->p + skip, sealed),
        .out = slot->p + skip,
    };
    slot->state = TO_OPEN;
}

static void open_page(struct pv_download *d, struct slot *slot)
{
    pv_buf_clear(&d->page);
    pv_buf_append(&d->page, slot->job.out, slot->chunk.length_bytes);
    enum pv_err err = d->page.err;
    if (err) fail(d, err, NULL);
    else err = pv_page_read(pv_buf_bytes(&d->page), slot->chunk.span_bytes, &d->chunks);
    if (err) fail(d, err, &slot->where);
    d->page_slot = NULL;
    drop_slot(slot);
}

void pv_download_job_done(struct pv_download *d, struct pv_bulk_job *job)
{
    struct slot *slot = d->slots;
    while (&slot->job != job) slot++;
    if (job->err) {
        fail(d, job->err, job->err == PV_ERR_NOMEM ? NULL : &slot->where);
    } else if (!pv_hash_equal(&job->sha256, &slot->chunk.sha256)) {
        fail(d, PV_ERR_BROKEN_CHAIN, &slot->where);
    } else if (slot == d->page_slot) {
        open_page(d, slot);
    } else {
        slot->state = OPENED;
        if (d->opened) d->opened(d->context, &slot->chunk);
    }
}

/* --- steps -------------------------------------------------------------------------------------------------- */

/* The first in the order of need. */
static struct slot *find_slot(const struct pv_download *d, enum slot_state state)
{
    struct slot *slot = d->line;
    while (slot && slot->state != state) slot = slot->next;
    if (!slot && d->page_slot && d->page_slot->state == state) slot = d->page_slot;
    return slot;
}

/* The chunk given out last is done with. */
static void drop_given(struct pv_download *d)
{
    struct slot *slot = d->line;
    if (!slot || slot->state != GIVEN) return;
    d->line = slot->next;
    if (!d->line) d->line_last = NULL;
    drop_slot(slot);
}

static struct pv_bytes give(struct pv_download *d, struct slot *slot)
{
    struct pv_bytes bytes = pv_bytes(slot->job.out, slot->chunk.length_bytes);
    if (d->single) d->got = slot->chunk.sha256;
    else if (d->has_sha256) pv_sha256_update(&d->sha, bytes.p, bytes.n);
    slot->state = GIVEN;
    return bytes;
}

/* All bytes were given out: are they the file that its author hashed? */
static void check_whole(struct pv_download *d)
{
    if (!d->has_sha256 || d->checked) return;
    d->checked = true;
    if (!d->single) pv_sha256_final(&d->sha, &d->got);
    struct pv_download_failure where = {.whole = true};
    if (!pv_hash_equal(&d->got, &d->sha256)) fail(d, PV_ERR_BROKEN_CHAIN, &where);
}

enum pv_err pv_download_next(struct pv_download *d, struct pv_download_step *ret_step)
{
    struct pv_download_step step = {0};
    struct slot *slot;
    drop_given(d);
    while (!d->err && advance_fetching(d)) {}
    bool more = d->line || d->page_slot || d->chunks.count || d->pages.count;
    if (!d->err && !more) check_whole(d);
    if (d->err) return d->err;

    if ((slot = find_slot(d, TO_OPEN))) {
        slot->state = OPENING;
        step.kind = PV_DOWNLOAD_JOB;
        step.job = &slot->job;
    } else if ((slot = find_slot(d, TO_FETCH))) {
        slot->state = FETCHING;
        step.kind = PV_DOWNLOAD_FETCH;
        step.fetch = &slot->fetch;
    } else if (d->line && d->line->state == OPENED) {
        step.kind = PV_DOWNLOAD_BYTES;
        step.bytes = give(d, d->line);
    } else {
        step.kind = more ? PV_DOWNLOAD_WAIT : PV_DOWNLOAD_END;
    }
    *ret_step = step;
    return PV_OK;
}

bool pv_download_failed(const struct pv_download *d, struct pv_download_failure *ret_failure)
{
    if (!d->failed) return false;
    *ret_failure = d->failure;
    return true;
}
