/* Sending files, as a step function.
 *
 * A slot is one buffer of a blob's size. It fills with a chunk, is hashed, and waits its turn: chunks are
 * placed in the order of the file, so that a chunk that repeats finds its first copy. A large chunk is then
 * sealed where it lies and its slot becomes its blob; a small one is sealed into the shared blob, another
 * slot. A full page of the manifest takes a slot like a chunk, and holds up placing until it has its own place.
 * Two slots are therefore never used for reading: one for the shared blob, one for a page. */
#include "core/file/upload_state.h"

#include <stdlib.h>
#include <string.h>

void pv_upload_fail(struct pv_upload *u, enum pv_err err)
{
    if (!u->err) u->err = err;
}

/* --- slots, files, reports: making and dropping ------------------------------------------------------------ */

static size_t free_slots(const struct pv_upload *u)
{
    size_t count = 0;
    for (size_t i = 0; i < u->config.slots; i++) count += u->slots[i].state == SLOT_FREE;
    return count;
}

struct pv_upload_slot *pv_upload_take_slot(struct pv_upload *u, enum pv_upload_slot_state state, size_t keep)
{
    if (free_slots(u) <= keep) return NULL;
    struct pv_upload_slot *slot = u->slots;
    while (slot->state != SLOT_FREE) slot++;
    if (!slot->p && !(slot->p = malloc(PV_LIMIT_BLOB_BYTES))) {
        pv_upload_fail(u, PV_ERR_NOMEM);
        return NULL;
    }
    *slot = (struct pv_upload_slot){.state = state, .p = slot->p, .used_bytes = slot->used_bytes};
    return slot;
}

void pv_upload_drop_slot(struct pv_upload_slot *slot)
{
    uint8_t *p = slot->p;
    size_t used = slot->used_bytes;
    pv_wipe(slot, sizeof *slot);
    slot->p = p;
    slot->used_bytes = used;
}

void pv_upload_note_use(struct pv_upload_slot *slot, size_t n)
{
    if (slot->used_bytes < n) slot->used_bytes = n;
}

void pv_upload_free_file(struct pv_upload_file *file)
{
    pv_buf_wipe(&file->chunks);
    pv_buf_wipe(&file->pages);
    pv_buf_release(&file->refs);
    pv_wipe(file, sizeof *file);
    free(file);
}

static void free_report(struct pv_upload_report *report)
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
    for (struct pv_upload_file *file = u->files, *next; file; file = next) {
        next = file->next;
        pv_upload_free_file(file);
    }
    for (struct pv_upload_report *report = u->reports, *next; report; report = next) {
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
    struct pv_upload_file *file = calloc(1, sizeof *file);
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

bool pv_upload_wants_whole_hash(const struct pv_upload *u, const struct pv_upload_file *file)
{
    return u->config.hash_all || file->size_bytes <= PV_LIMIT_FILE_SHA256_BYTES;
}

/* The filling slot holds a whole chunk: into the line with it. */
static void cut(struct pv_upload *u, bool last)
{
    struct pv_upload_slot *slot = u->filling;
    struct pv_upload_file *file = slot->file;
    bool only = last && file->size_bytes == slot->chunk.length_bytes; /* its own hash is the file's */
    if (!only && pv_upload_wants_whole_hash(u, file)) pv_sha256_update(&file->sha, slot->p, slot->chunk.length_bytes);
    slot->chunk.span_bytes = slot->chunk.length_bytes;
    slot->state = SLOT_TO_HASH;
    if (u->line_last) u->line_last->next = slot;
    else u->line = slot;
    u->line_last = slot;
    file->unplaced++;
    u->filling = NULL;
}

/* `n` bytes lie behind the filling slot's chunk. */
static void fill(struct pv_upload *u, size_t n)
{
    struct pv_upload_slot *slot = u->filling;
    uint8_t *p = slot->p + slot->chunk.length_bytes;
    bool ended = false;
    pv_upload_note_use(slot, slot->chunk.length_bytes + n);
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
    if (u->current->size_bytes > PV_LIMIT_FILE_BYTES) pv_upload_fail(u, PV_ERR_LIMIT);
    else fill(u, n);
}

void pv_upload_read_end(struct pv_upload *u)
{
    u->current->ended = true;
}

/* Give the current file a slot to fill, or end it. True when something moved. */
static bool advance_reading(struct pv_upload *u)
{
    struct pv_upload_file *file = u->current;
    if (!file) return false;
    bool nothing_left = file->ended && u->tail_bytes == 0;
    if (!u->filling && !nothing_left) {
        struct pv_upload_slot *slot = pv_upload_take_slot(u, SLOT_FILLING, SLOTS_KEPT);
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
    if (u->filling) pv_upload_drop_slot(u->filling);
    u->filling = NULL;
    u->current = NULL;
    pv_chunker_init(&u->chunker, u->config.gear);
    return true;
}

/* --- steps -------------------------------------------------------------------------------------------------- */

void pv_upload_job_done(struct pv_upload *u, struct pv_bulk_job *job)
{
    struct pv_upload_slot *slot = u->slots;
    while (&slot->job != job) slot++;
    if (job->err) {
        pv_upload_fail(u, job->err);
        return;
    }
    if (slot->state == SLOT_HASHING) {
        slot->chunk.sha256 = job->sha256;
        slot->state = SLOT_HASHED;
        return;
    }
    slot->into->seals--;
    if (slot->into == slot) slot->state = SLOT_CLOSED;
    else pv_upload_drop_slot(slot);
}

void pv_upload_stored(struct pv_upload *u, const struct pv_blob *blob)
{
    struct pv_upload_slot *slot = u->slots;
    while (&slot->blob != blob) slot++;
    pv_upload_drop_slot(slot);
}

static struct pv_bulk_job *next_job(struct pv_upload *u)
{
    for (size_t i = 0; i < u->config.slots; i++) {
        struct pv_upload_slot *slot = &u->slots[i];
        if (slot->state != SLOT_TO_HASH && slot->state != SLOT_TO_SEAL) continue;
        bool hash = slot->state == SLOT_TO_HASH;
        slot->state = hash ? SLOT_HASHING : SLOT_SEALING;
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
        struct pv_upload_slot *slot = &u->slots[i];
        if (slot->state != SLOT_CLOSED || slot->seals) continue;
        pv_blob_close(&slot->blob);
        slot->state = SLOT_STORING;
        return &slot->blob;
    }
    return NULL;
}

/* The oldest report, if every blob begun before it is stored. */
static struct pv_upload_report *next_report(struct pv_upload *u)
{
    struct pv_upload_report *report = u->reports;
    if (!report) return NULL;
    for (size_t i = 0; i < u->config.slots; i++) {
        const struct pv_upload_slot *slot = &u->slots[i];
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
        enum pv_upload_slot_state state = u->slots[i].state;
        if (state == SLOT_HASHING || state == SLOT_SEALING || state == SLOT_STORING) return false;
    }
    return true;
}

enum pv_err pv_upload_next(struct pv_upload *u, struct pv_upload_step *ret_step)
{
    struct pv_upload_step step = {0};
    free_report(u->told);
    u->told = NULL;
    while (!u->err && (pv_upload_place(u) || advance_reading(u))) {}
    if (!u->err && u->finished && !u->files) pv_upload_close_shared(u);
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
