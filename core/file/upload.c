/* Sending files, as a step function.
 *
 * A slot is one buffer of a blob's size. It fills with a chunk, is hashed, and waits its turn: chunks are
 * placed in the order of the file, so that a chunk that repeats finds its first copy. A large chunk is then
 * sealed where it lies and its slot becomes its blob; a small one is sealed into the shared blob, another
 * slot. A full page of the manifest takes a slot like a chunk, and holds up placing until it has its own place.
 * Two slots are therefore never used for reading: one for the shared blob, one for a page. */
#include "core/file/upload.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"

enum { READ_BYTES = 256 * 1024, SLOTS_KEPT = 2 };

/* A tail as long as the least chunk would hold another cut. */
_Static_assert((int)READ_BYTES <= (int)PV_LIMIT_CHUNK_MIN_BYTES, "what follows a cut in one read holds no other");

enum slot_state {
    FREE,
    FILLING,
    TO_HASH,
    HASHING,
    HASHED,  /* waits to be placed */
    TO_SEAL,
    SEALING,
    SHARING, /* the shared blob, taking chunks */
    CLOSED,  /* a blob that takes no more; stored once `seals` is 0 */
    STORING
};

struct file {
    struct file *next;
    uint64_t number;
    uint64_t size_bytes;
    struct pv_sha256 sha;      /* of the whole */
    struct pv_hash only_chunk; /* its hash */
    size_t unplaced;           /* chunks cut but not yet placed */
    bool ended;                /* no more to read */
    struct pv_buf chunks, pages, refs;
    size_t chunk_count, page_count, chunks_placed;
    uint64_t span_bytes; /* of `chunks` */
};

struct slot {
    enum slot_state state;
    uint8_t *p;
    size_t used_bytes; /* of `p`, ever: to wipe */
    struct pv_chunk chunk;
    struct file *file;
    bool page;
    struct slot *into; /* where the chunk is sealed to */
    struct slot *next; /* in the line of chunks to place */
    struct pv_bulk_job job;
    struct pv_blob blob;
    uint64_t blob_number;
    size_t seals;
};

/* Something to report once all blobs numbered below `after` are stored. */
struct report {
    struct report *next;
    uint64_t after;
    bool keep;
    struct pv_upload_result result;
    struct pv_buf list, refs;
};

struct pv_upload {
    struct pv_upload_config config;
    enum pv_err err;
    bool finished;
    uint64_t files_begun, blobs_begun;
    struct pv_chunker chunker;
    struct slot *filling;
    size_t tail_bytes; /* read but behind the last cut */
    struct file *current;               /* being read */
    struct file *files, *files_last;    /* not yet placed whole, in order */
    struct slot *line, *line_last;      /* chunks to place, in order */
    struct slot *page;                  /* not yet placed */
    struct slot *shared;
    struct report *reports, *reports_last;
    struct report *told;                /* the driver reads it */
    size_t report_count;
    uint8_t tail[READ_BYTES];
    struct slot slots[PV_UPLOAD_SLOTS_MAX];
};

static void fail(struct pv_upload *u, enum pv_err err)
{
    if (!u->err) u->err = err;
}

/* --- slots, files, reports: making and dropping ------------------------------------------------------------ */

static size_t free_slots(const struct pv_upload *u)
{
    size_t count = 0;
    for (size_t i = 0; i < u->config.slots; i++) count += u->slots[i].state == FREE;
    return count;
}

static struct slot *take_slot(struct pv_upload *u, enum slot_state state, size_t keep)
{
    if (free_slots(u) <= keep) return NULL;
    struct slot *slot = u->slots;
    while (slot->state != FREE) slot++;
    if (!slot->p && !(slot->p = malloc(PV_LIMIT_BLOB_BYTES))) {
        fail(u, PV_ERR_NOMEM);
        return NULL;
    }
    *slot = (struct slot){.state = state, .p = slot->p, .used_bytes = slot->used_bytes};
    return slot;
}

static void drop_slot(struct slot *slot)
{
    uint8_t *p = slot->p;
    size_t used = slot->used_bytes;
    pv_wipe(slot, sizeof *slot);
    slot->p = p;
    slot->used_bytes = used;
}

static void note_use(struct slot *slot, size_t n)
{
    if (slot->used_bytes < n) slot->used_bytes = n;
}

static void free_file(struct file *file)
{
    pv_buf_wipe(&file->chunks);
    pv_buf_wipe(&file->pages);
    pv_buf_release(&file->refs);
    pv_wipe(file, sizeof *file);
    free(file);
}

static void free_report(struct report *report)
{
    if (!report) return;
    pv_buf_wipe(&report->list);
    pv_buf_release(&report->refs);
    free(report);
}

enum pv_err pv_upload_new(const struct pv_upload_config *config, struct pv_upload **ret_upload)
{
    if (config->slots < PV_UPLOAD_SLOTS_MIN || config->slots > PV_UPLOAD_SLOTS_MAX) return PV_ERR_LIMIT;
    struct pv_upload *u = calloc(1, sizeof *u);
    if (!u) return PV_ERR_NOMEM;
    u->config = *config;
    pv_chunker_init(&u->chunker, config->gear);
    *ret_upload = u;
    return PV_OK;
}

void pv_upload_free(struct pv_upload *u)
{
    if (!u) return;
    for (struct file *file = u->files, *next; file; file = next) {
        next = file->next;
        free_file(file);
    }
    for (struct report *report = u->reports, *next; report; report = next) {
        next = report->next;
        free_report(report);
    }
    free_report(u->told);
    for (size_t i = 0; i < u->config.slots; i++) {
        if (u->slots[i].p) pv_wipe(u->slots[i].p, u->slots[i].used_bytes);
        free(u->slots[i].p);
    }
    pv_wipe(u, sizeof *u);
    free(u);
}

/* --- reading ------------------------------------------------------------------------------------------------ */

enum pv_err pv_upload_begin(struct pv_upload *u, uint64_t *ret_number)
{
    struct file *file = calloc(1, sizeof *file);
    if (!file) return PV_ERR_NOMEM;
    file->number = u->files_begun++;
    pv_sha256_init(&file->sha);
    pv_buf_init(&file->chunks, PV_LIMIT_CHUNK_MAX_BYTES);
    pv_buf_init(&file->pages, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_init(&file->refs, PV_LIMIT_REFS * sizeof(struct pv_id16));
    if (u->files_last) u->files_last->next = file;
    else u->files = file;
    u->files_last = u->current = file;
    *ret_number = file->number;
    return PV_OK;
}

void pv_upload_finish(struct pv_upload *u)
{
    u->finished = true;
}

static bool wants_whole_hash(const struct pv_upload *u, const struct file *file)
{
    return u->config.hash_all || file->size_bytes <= PV_LIMIT_FILE_SHA256_BYTES;
}

/* The filling slot holds a whole chunk: into the line with it. */
static void cut(struct pv_upload *u, bool last)
{
    struct slot *slot = u->filling;
    struct file *file = slot->file;
    bool only = last && file->size_bytes == slot->chunk.length_bytes; /* its own hash is the file's */
    if (!only && wants_whole_hash(u, file)) pv_sha256_update(&file->sha, slot->p, slot->chunk.length_bytes);
    slot->chunk.span_bytes = slot->chunk.length_bytes;
    slot->state = TO_HASH;
    if (u->line_last) u->line_last->next = slot;
    else u->line = slot;
    u->line_last = slot;
    file->unplaced++;
    u->filling = NULL;
}

/* `n` bytes lie behind the filling slot's chunk. */
static void fill(struct pv_upload *u, size_t n)
{
    struct slot *slot = u->filling;
    uint8_t *p = slot->p + slot->chunk.length_bytes;
    bool ended = false;
    note_use(slot, slot->chunk.length_bytes + n);
    size_t took = pv_chunker_feed(&u->chunker, pv_bytes(p, n), &ended);
    slot->chunk.length_bytes += (uint32_t)took;
    if (!ended) return;
    u->tail_bytes = n - took;
    memcpy(u->tail, p + took, u->tail_bytes);
    cut(u, false);
}

void pv_upload_read(struct pv_upload *u, size_t n)
{
    u->current->size_bytes += n;
    if (u->current->size_bytes > PV_LIMIT_FILE_BYTES) fail(u, PV_ERR_LIMIT);
    else fill(u, n);
}

void pv_upload_read_end(struct pv_upload *u)
{
    u->current->ended = true;
}

/* Give the current file a slot to fill, or end it. True when something moved. */
static bool advance_reading(struct pv_upload *u)
{
    struct file *file = u->current;
    if (!file) return false;
    bool nothing_left = file->ended && u->tail_bytes == 0;
    if (!u->filling && !nothing_left) {
        struct slot *slot = take_slot(u, FILLING, SLOTS_KEPT);
        if (!slot) return false;
        slot->file = file;
        u->filling = slot;
        size_t n = u->tail_bytes;
        memcpy(slot->p, u->tail, n);
        u->tail_bytes = 0;
        fill(u, n);
        return true;
    }
    if (!nothing_left) return false;
    if (u->filling && u->filling->chunk.length_bytes) cut(u, true);
    if (u->filling) drop_slot(u->filling);
    u->filling = NULL;
    u->current = NULL;
    pv_chunker_init(&u->chunker, u->config.gear);
    return true;
}

/* --- reporting ---------------------------------------------------------------------------------------------- */

static struct report *add_report(struct pv_upload *u, struct file *file, bool keep)
{
    struct report *report = calloc(1, sizeof *report);
    if (!report) {
        fail(u, PV_ERR_NOMEM);
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

static void add_ref(struct pv_upload *u, struct file *file, const struct pv_id16 *blob)
{
    for (size_t at = file->refs.n; at > 0; at -= sizeof blob->b) /* the newest is the likeliest */
        if (memcmp(file->refs.p + at - sizeof blob->b, blob->b, sizeof blob->b) == 0) return;
    if (file->refs.n == file->refs.max) (void)add_report(u, file, true);
    pv_buf_append(&file->refs, blob->b, sizeof blob->b);
    if (file->refs.err) fail(u, file->refs.err);
}

static void close_shared(struct pv_upload *u)
{
    if (!u->shared) return;
    u->shared->state = CLOSED;
    u->shared = NULL;
}

static void report_file(struct pv_upload *u, struct file *file)
{
    struct report *report = add_report(u, file, false);
    if (!report) return;
    struct pv_upload_result *result = &report->result;
    bool pages = file->page_count > 0;
    struct pv_buf *list = pages ? &file->pages : &file->chunks;
    report->list = *list;
    pv_buf_init(list, list->max);
    result->manifest = (struct pv_chunk_list){pages, pages ? file->page_count : file->chunk_count,
                                              pv_buf_bytes(&report->list)};
    result->size_bytes = file->size_bytes;
    result->has_sha256 = wants_whole_hash(u, file);
    if (file->chunks_placed == 1) result->sha256 = file->only_chunk;
    else if (result->has_sha256) pv_sha256_final(&file->sha, &result->sha256);
    /* Small files wait for company, but not long: not behind a large one, nor for more than one batch. */
    if (file->size_bytes >= PV_LIMIT_CHUNK_MAX_BYTES || u->report_count >= PV_LIMIT_BATCH_ENTRIES) close_shared(u);
    u->files = file->next;
    if (!u->files) u->files_last = NULL;
    free_file(file);
}

/* --- placing ------------------------------------------------------------------------------------------------ */

static void begin_blob(struct pv_upload *u, struct slot *slot)
{
    pv_blob_init(&slot->blob, u->config.random, slot->p);
    slot->blob_number = u->blobs_begun++;
}

/* Find room for the slot's chunk in a blob; false when that takes a slot that is not free yet. */
static bool find_room(struct pv_upload *u, struct slot *slot)
{
    size_t n = slot->chunk.length_bytes;
    if (n >= PV_PACK_OWN_BYTES) {
        begin_blob(u, slot);
        slot->into = slot;
        return true;
    }
    if (u->shared && !pv_blob_has_room(&u->shared->blob, n)) close_shared(u);
    if (!u->shared) {
        u->shared = take_slot(u, SHARING, 0);
        if (!u->shared) return false;
        begin_blob(u, u->shared);
    }
    slot->into = u->shared;
    return true;
}

static void seal_slot(struct pv_upload *u, struct slot *slot)
{
    pv_blob_place(&slot->into->blob, u->config.random, &slot->chunk);
    slot->into->seals++;
    slot->state = TO_SEAL;
    if (!slot->page && u->config.wrote) u->config.wrote(u->config.context, &slot->chunk);
}

/* Give the chunk its place: an old one, or a new one where it is sealed to. */
static bool place(struct pv_upload *u, struct slot *slot)
{
    struct pv_chunk old = {0};
    bool found = !slot->page && u->config.find &&
                 u->config.find(u->config.context, &slot->chunk.sha256, slot->chunk.length_bytes, &old);
    if (!found && !find_room(u, slot)) return false;
    if (!found) seal_slot(u, slot);

    struct file *file = slot->file;
    const struct pv_chunk *chunk = found ? &old : &slot->chunk;
    struct pv_buf *list = slot->page ? &file->pages : &file->chunks;
    pv_chunk_put(list, chunk, slot->page);
    if (list->err) fail(u, list->err);
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
    if (found) drop_slot(slot);
    pv_wipe(&old, sizeof old);
    return true;
}

/* The encoded chunks so far become a page, if a slot is free for it. */
static bool begin_page(struct pv_upload *u, struct file *file)
{
    struct slot *slot = take_slot(u, TO_HASH, 0);
    if (!slot) return false;
    struct pv_buf page;
    pv_buf_init(&page, PV_LIMIT_CHUNK_MAX_BYTES);
    pv_page_put(&page, pv_buf_bytes(&file->chunks), file->chunk_count);
    if (page.err) fail(u, page.err);
    else memcpy(slot->p, page.p, page.n);
    note_use(slot, page.n);
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
static bool advance_placing(struct pv_upload *u)
{
    struct file *file = u->files;
    if (!file) return false;
    if (u->page) {
        if (u->page->state != HASHED || !place(u, u->page)) return false;
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
    struct slot *slot = u->line;
    if (!slot || slot->state != HASHED) return false;
    struct slot *next = slot->next;
    if (!place(u, slot)) return false;
    u->line = next;
    if (!next) u->line_last = NULL;
    return true;
}

/* --- steps -------------------------------------------------------------------------------------------------- */

void pv_upload_job_done(struct pv_upload *u, struct pv_bulk_job *job)
{
    struct slot *slot = (struct slot *)(void *)((uint8_t *)job - offsetof(struct slot, job));
    if (job->err) {
        fail(u, job->err);
        return;
    }
    if (slot->state == HASHING) {
        slot->chunk.sha256 = job->sha256;
        slot->state = HASHED;
        return;
    }
    slot->into->seals--;
    if (slot->into == slot) slot->state = CLOSED;
    else drop_slot(slot);
}

void pv_upload_stored(struct pv_upload *u, const struct pv_blob *blob)
{
    (void)u;
    drop_slot((struct slot *)(void *)((uintptr_t)blob - offsetof(struct slot, blob)));
}

static struct pv_bulk_job *next_job(struct pv_upload *u)
{
    for (size_t i = 0; i < u->config.slots; i++) {
        struct slot *slot = &u->slots[i];
        if (slot->state != TO_HASH && slot->state != TO_SEAL) continue;
        bool hash = slot->state == TO_HASH;
        slot->state = hash ? HASHING : SEALING;
        slot->job = (struct pv_bulk_job){
            .kind = hash ? PV_BULK_HASH : PV_BULK_SEAL,
            .key = slot->chunk.key,
            .in = pv_bytes(slot->p, slot->chunk.length_bytes),
            .out = hash ? NULL : slot->into->p + slot->chunk.offset_bytes,
        };
        return &slot->job;
    }
    return NULL;
}

static const struct pv_blob *next_blob(struct pv_upload *u)
{
    for (size_t i = 0; i < u->config.slots; i++) {
        struct slot *slot = &u->slots[i];
        if (slot->state != CLOSED || slot->seals) continue;
        pv_blob_close(&slot->blob);
        slot->state = STORING;
        return &slot->blob;
    }
    return NULL;
}

/* The oldest report, if every blob begun before it is stored. */
static struct report *next_report(struct pv_upload *u)
{
    struct report *report = u->reports;
    if (!report) return NULL;
    for (size_t i = 0; i < u->config.slots; i++) {
        const struct slot *slot = &u->slots[i];
        if (slot->blob.p && slot->blob_number < report->after) return NULL;
    }
    u->reports = report->next;
    if (!u->reports) u->reports_last = NULL;
    u->report_count--;
    return report;
}

static bool is_idle(const struct pv_upload *u)
{
    for (size_t i = 0; i < u->config.slots; i++) {
        enum slot_state state = u->slots[i].state;
        if (state == HASHING || state == SEALING || state == STORING) return false;
    }
    return true;
}

enum pv_err pv_upload_next(struct pv_upload *u, struct pv_upload_step *ret_step)
{
    struct pv_upload_step step = {0};
    free_report(u->told);
    u->told = NULL;
    while (!u->err && (advance_placing(u) || advance_reading(u))) {}
    if (!u->err && u->finished && !u->files) close_shared(u);
    if (u->err) return u->err;

    if ((step.job = next_job(u))) {
        step.kind = PV_UPLOAD_JOB;
    } else if ((step.blob = next_blob(u))) {
        step.kind = PV_UPLOAD_STORE;
    } else if ((u->told = next_report(u))) {
        step.kind = u->told->keep ? PV_UPLOAD_KEEP : PV_UPLOAD_FILE;
        step.result = u->told->result;
    } else if (u->filling && u->current && !u->current->ended) {
        size_t room = PV_LIMIT_CHUNK_MAX_BYTES - u->filling->chunk.length_bytes;
        step.kind = PV_UPLOAD_READ;
        step.space = u->filling->p + u->filling->chunk.length_bytes;
        step.space_bytes = room < READ_BYTES ? room : READ_BYTES;
    } else if (!u->current && !u->finished) {
        step.kind = PV_UPLOAD_NEXT;
    } else if (!is_idle(u)) {
        step.kind = PV_UPLOAD_WAIT;
    } else {
        if (u->files || u->reports) abort(); /* nothing on its way and yet not done */
        step.kind = PV_UPLOAD_END;
    }
    *ret_step = step;
    return PV_OK;
}
