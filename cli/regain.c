/* Which blobs are gone, whose they are, and making them again from plaintext. */
#include "cli/regain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/bulk.h"
#include "core/file/pack.h"

enum { ASK_AT_ONCE = 1024, ANSWER_MAX = 1 << 16 };

/* One chunk of one version, and where its plaintext is at hand. */
struct piece {
    struct pv_chunk chunk; /* secret */
    size_t version;
    size_t source;         /* 1 based; 0: not at hand */
    uint64_t at;           /* in that file */
    bool is_page, is_lost;
};

struct pv_regain {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_lost_version *versions;
    size_t version_count, version_cap;
    struct piece *pieces; /* in the order of versions and files, then by blob and offset */
    size_t piece_count, piece_cap;
    char **sources;
    size_t source_count;
    uint64_t lost_else;
};

/* ---- what the room's versions lie in */

static bool make_room(void **items, size_t *cap, size_t count, size_t size)
{
    if (count < *cap) return true;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = calloc(more, size);
    if (!grown) return false;
    if (count) memcpy(grown, *items, count * size);
    if (*items) pv_wipe(*items, *cap * size);
    free(*items);
    *items = grown;
    *cap = more;
    return true;
}

static enum pv_err add_pieces(struct pv_regain *regain, const struct pv_file *file)
{
    struct pv_chunk_list list = file->manifest;
    struct pv_chunk chunk;
    while (pv_chunk_list_next(&list, &chunk)) {
        if (!make_room((void **)&regain->pieces, &regain->piece_cap, regain->piece_count, sizeof *regain->pieces)) return PV_ERR_NOMEM;
        regain->pieces[regain->piece_count++] = (struct piece){.chunk = chunk, .version = regain->version_count, .is_page = list.pages};
    }
    pv_wipe(&chunk, sizeof chunk);
    return PV_OK;
}

static enum pv_err add_version(struct pv_regain *regain, struct pv_bytes name, const struct pv_file *file, uint64_t number,
                               uint64_t index, uint64_t time_ms, const struct pv_writer *writer)
{
    struct pv_lost_version version = {.number = number, .index = index, .size_bytes = file->size_bytes, .time_ms = time_ms,
                                      .paged = file->manifest.pages};
    if (!make_room((void **)&regain->versions, &regain->version_cap, regain->version_count, sizeof *regain->versions)) return PV_ERR_NOMEM;
    version.name = strndup((const char *)name.p, name.n);
    if (!version.name) return PV_ERR_NOMEM;
    pv_cli_person_name(regain->room, &writer->person, version.writer);
    enum pv_err err = add_pieces(regain, file);
    regain->versions[regain->version_count++] = version;
    return err;
}

static enum pv_err version_row(void *context, const struct pv_version_row *row)
{
    if (row->pending || row->removed) return PV_OK; /* its blobs wait in the outbox; nobody looks for what was removed */
    return add_version(context, row->path, &row->file, row->number, row->index, row->time_ms, &row->writer);
}

static enum pv_err message_row(void *context, const struct pv_message *message)
{
    struct pv_encoded_list list = message->attachments;
    struct pv_file file;
    struct pv_buf name;
    enum pv_err err = PV_OK;
    if (message->pending) return PV_OK;
    pv_buf_init(&name, 4 * PV_LIMIT_PATH_BYTES);
    while (err == PV_OK && pv_encoded_file_next(&list, &file)) {
        pv_buf_clear(&name);
        pv_path_put_text(&name, &file.path);
        err = name.err ? name.err : add_version(context, pv_buf_bytes(&name), &file, 0, message->index, message->time_ms, &message->writer);
    }
    pv_buf_release(&name);
    return err;
}

static enum pv_err collect(struct pv_regain *regain, struct pv_report *report)
{
    const struct pv_message_filter everything = {.limit = 0};
    struct pv_query query;
    enum pv_err err = pv_cli_query(regain->session, regain->room, &query, report);

    if (err == PV_OK) err = pv_query_messages(&query, &everything, message_row, regain);
    if (err == PV_OK) err = pv_query_every_version(&query, version_row, regain);
    return pv_session_room_error(regain->session, regain->room, err, report);
}

/* ---- which of them are gone */

struct asking {
    struct pv_regain *regain;
    struct pv_report *report;
    struct pv_id16 names[ASK_AT_ONCE];
    size_t count;
};

static void mark_lost(struct pv_regain *regain, const struct pv_id16 *name)
{
    bool known = false;
    for (size_t i = 0; i < regain->piece_count; i++) {
        struct piece *piece = &regain->pieces[i];
        if (!pv_id16_equal(&piece->chunk.blob, name)) continue;
        known = piece->is_lost = true;
    }
    regain->lost_else += !known;
}

static enum pv_err ask(struct asking *asking)
{
    char room[65];
    struct pv_request request = {.method = PV_POST, .auth = PV_AUTH_SESSION, .max_response_bytes = ANSWER_MAX};
    struct pv_response response;
    struct pv_buf body;
    struct pv_cbor in;
    struct pv_open_room *to = asking->regain->room;

    if (asking->count == 0) return PV_OK;
    pv_buf_init(&body, 32 * ASK_AT_ONCE);
    pv_cbor_put_array(&body, asking->count);
    for (size_t i = 0; i < asking->count; i++) pv_cbor_put_id16(&body, &asking->names[i]);
    request.body = pv_buf_bytes(&body);
    pv_hex_encode(to->id.b, 32, room);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/exist", room);
    enum pv_err err = body.err ? body.err : pv_contact_send(asking->regain->session, to, &request, NULL, &response, asking->report);
    if (err == PV_OK && response.status >= 400) err = pv_transport_refused(&response, to->label, asking->report);
    if (err == PV_OK) {
        pv_cbor_init(&in, response.body);
        pv_cbor_get_array_of(&in, asking->count);
        for (size_t i = 0; i < asking->count && in.err == PV_OK; i++)
            if (!pv_cbor_get_bool(&in) && in.err == PV_OK) mark_lost(asking->regain, &asking->names[i]);
        if (pv_cbor_finish(&in) != PV_OK)
            err = pv_report(asking->report, PV_ERR_IO, "%s: the server's answer about blobs cannot be read", to->label);
    }
    pv_buf_release(&body);
    asking->count = 0;
    return err;
}

/* What entries name is asked for, so that blobs of removed files and of long ones are among it. */
static enum pv_err ask_refs(void *context, const struct pv_stored_entry *stored)
{
    struct asking *asking = context;
    size_t count = 0;
    enum pv_err err = PV_OK;
    if ((stored->has_verdict && stored->verdict != PV_ACCEPTED) || pv_refs_check(stored->refs, &count) != PV_OK) return PV_OK;
    for (size_t i = 0; i < count && err == PV_OK; i++) {
        pv_refs_at(stored->refs, i, &asking->names[asking->count++]);
        if (asking->count == ASK_AT_ONCE) err = ask(asking);
    }
    return err;
}

static int by_place(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    int order = memcmp(x->chunk.blob.b, y->chunk.blob.b, sizeof x->chunk.blob.b);
    if (order) return order;
    if (x->chunk.offset_bytes != y->chunk.offset_bytes) return x->chunk.offset_bytes < y->chunk.offset_bytes ? -1 : 1;
    return (x->source == 0) - (y->source == 0); /* of the same bytes, first where they are at hand */
}

/* A version's missing blobs, each once. */
static void count_missing(struct pv_regain *regain)
{
    for (size_t v = 0; v < regain->version_count; v++) {
        struct pv_lost_version *version = &regain->versions[v];
        const struct pv_id16 *last = NULL;
        version->missing = 0;
        for (size_t i = 0; i < regain->piece_count; i++) { /* in the version's order, where repeats follow one another but rarely */
            const struct piece *piece = &regain->pieces[i];
            if (piece->version != v || !piece->is_lost || (last && pv_id16_equal(last, &piece->chunk.blob))) continue;
            version->missing++;
            last = &piece->chunk.blob;
        }
    }
}

enum pv_err pv_regain_new(struct pv_session *session, struct pv_open_room *room, struct pv_regain **ret_regain, struct pv_report *report)
{
    struct pv_regain *regain = calloc(1, sizeof *regain);
    struct asking *asking = calloc(1, sizeof *asking);
    uint64_t size = 0;
    enum pv_err err = regain && asking ? PV_OK : PV_ERR_NOMEM;

    *ret_regain = regain;
    if (err == PV_OK) {
        regain->session = session;
        regain->room = room;
        *asking = (struct asking){.regain = regain, .report = report};
        err = collect(regain, report);
    }
    if (err == PV_OK) err = pv_store_size(room->store, &size);
    if (err == PV_OK) err = pv_store_header_each(room->store, 0, size, ask_refs, asking);
    if (err == PV_OK) err = ask(asking);
    if (err == PV_OK) count_missing(regain);
    free(asking);
    return err;
}

void pv_regain_free(struct pv_regain *regain)
{
    if (!regain) return;
    for (size_t i = 0; i < regain->version_count; i++) free(regain->versions[i].name);
    for (size_t i = 0; i < regain->source_count; i++) free(regain->sources[i]);
    if (regain->pieces) pv_wipe(regain->pieces, regain->piece_cap * sizeof *regain->pieces);
    free(regain->versions);
    free(regain->pieces);
    free(regain->sources);
    free(regain);
}

/* ---- files at hand */

static enum pv_err read_at(int fd, uint8_t *p, size_t n, uint64_t at)
{
    while (n) {
        ssize_t got = pread(fd, p, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got ? PV_ERR_IO : PV_ERR_TRUNCATED;
        p += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return PV_OK;
}

static bool is_chunk(int fd, const struct pv_chunk *chunk, uint64_t at, uint8_t *memory)
{
    struct pv_hash hash;
    if (read_at(fd, memory, chunk->length_bytes, at) != PV_OK) return false;
    pv_sha256(pv_bytes(memory, chunk->length_bytes), &hash);
    return pv_hash_equal(&hash, &chunk->sha256);
}

/* Its chunks, one after the other; pieces stand in the order of the file until they are sent. */
static void match(struct pv_regain *regain, size_t v, int fd, uint8_t *memory)
{
    uint64_t at = 0;
    bool all = true;
    for (size_t i = 0; i < regain->piece_count; i++) {
        struct piece *piece = &regain->pieces[i];
        if (piece->version != v) continue;
        if (is_chunk(fd, &piece->chunk, at, memory)) {
            piece->source = regain->source_count;
            piece->at = at;
        } else {
            all = false;
        }
        at += piece->chunk.length_bytes;
    }
    if (all) regain->versions[v].was_found = true;
}

enum pv_err pv_regain_look(struct pv_regain *regain, const char *path, struct pv_report *report)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0) {
        enum pv_err err = pv_home_errno(errno);
        err = pv_report(report, err == PV_ERR_DENIED ? PV_ERR_IO : err, "cannot open %s: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return err;
    }
    uint8_t *memory = malloc(PV_LIMIT_CHUNK_MAX_BYTES);
    char **sources = realloc(regain->sources, (regain->source_count + 1) * sizeof *sources);
    if (sources) regain->sources = sources;
    char *copy = memory && sources ? strdup(path) : NULL;
    if (copy) {
        regain->sources[regain->source_count++] = copy;
        for (size_t v = 0; v < regain->version_count; v++)
            if (!regain->versions[v].paged && regain->versions[v].size_bytes == (uint64_t)status.st_size) match(regain, v, fd, memory);
    }
    if (memory) pv_wipe(memory, PV_LIMIT_CHUNK_MAX_BYTES);
    free(memory);
    close(fd);
    return copy ? PV_OK : PV_ERR_NOMEM;
}

/* ---- making blobs again */

/* Seal a piece where it lay. Errors: NOT_FOUND: the file is not what it was. */
static enum pv_err seal(const struct pv_regain *regain, struct pv_bulk *bulk, const struct piece *piece, uint8_t *blob)
{
    uint8_t *at = blob + piece->chunk.offset_bytes;
    int fd = open(regain->sources[piece->source - 1], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return PV_ERR_NOT_FOUND;
    bool right = is_chunk(fd, &piece->chunk, piece->at, at);
    close(fd);
    if (!right) return PV_ERR_NOT_FOUND;
    struct pv_bulk_job job = {.kind = PV_BULK_SEAL, .key = piece->chunk.key, .in = pv_bytes(at, piece->chunk.length_bytes), .out = at};
    pv_bulk_run(bulk, &job);
    pv_wipe(&job.key, sizeof job.key);
    return job.err;
}

static enum pv_err send(struct pv_regain *regain, const struct pv_blob *blob, struct pv_report *report)
{
    char room[65], name[33];
    struct pv_request request = {.method = PV_PUT, .auth = PV_AUTH_SESSION, .body = pv_bytes(blob->p, blob->n)};
    struct pv_response response;
    pv_hex_encode(regain->room->id.b, 32, room);
    pv_hex_encode(blob->name.b, sizeof blob->name.b, name);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/%s", room, name);
    enum pv_err err = pv_contact_send(regain->session, regain->room, &request, NULL, &response, report);
    return err != PV_OK || response.status < 300 ? err : pv_transport_refused(&response, regain->room->label, report);
}

/* Pieces [from, to) are one blob's. It has to be whole: sealed chunks without a gap from its beginning. */
static enum pv_err make_blob(struct pv_regain *regain, struct pv_bulk *bulk, size_t from, size_t to, uint8_t *memory, bool *ret_sent,
                             struct pv_report *report)
{
    struct pv_blob blob = {.name = regain->pieces[from].chunk.blob, .p = memory, .n = 0};
    *ret_sent = false;
    memset(memory, 0, PV_LIMIT_BLOB_BYTES);
    for (size_t i = from; i < to; i++) {
        const struct piece *piece = &regain->pieces[i];
        if (i > from && piece->chunk.offset_bytes < blob.n) continue; /* the same chunk, in another version */
        if (!piece->source || piece->is_page || piece->chunk.offset_bytes != blob.n) return PV_OK;
        enum pv_err err = seal(regain, bulk, piece, memory);
        if (err) return err == PV_ERR_NOT_FOUND ? PV_OK : err;
        blob.n += (size_t)piece->chunk.length_bytes + PV_CHUNK_TAG_BYTES;
    }
    pv_blob_close(&blob);
    enum pv_err err = send(regain, &blob, report);
    if (err) return err;
    for (size_t i = from; i < to; i++) regain->pieces[i].is_lost = false;
    *ret_sent = true;
    return PV_OK;
}

enum pv_err pv_regain_send(struct pv_regain *regain, uint64_t *ret_sent, struct pv_report *report)
{
    struct pv_bulk bulk;
    uint8_t *memory = malloc(PV_LIMIT_BLOB_BYTES);
    enum pv_err err = memory ? pv_bulk_init(&bulk) : PV_ERR_NOMEM;
    if (err) {
        free(memory);
        return err;
    }
    *ret_sent = 0;
    if (regain->piece_count) qsort(regain->pieces, regain->piece_count, sizeof *regain->pieces, by_place);
    for (size_t from = 0, to; from < regain->piece_count && err == PV_OK; from = to) {
        bool sent = false;
        for (to = from + 1; to < regain->piece_count && pv_id16_equal(&regain->pieces[to].chunk.blob, &regain->pieces[from].chunk.blob);) to++;
        if (regain->pieces[from].is_lost) err = make_blob(regain, &bulk, from, to, memory, &sent, report);
        *ret_sent += sent;
    }
    pv_bulk_release(&bulk);
    pv_wipe(memory, PV_LIMIT_BLOB_BYTES);
    free(memory);
    if (err == PV_OK) count_missing(regain);
    return err;
}

/* ---- telling */

const struct pv_lost_version *pv_regain_lost(const struct pv_regain *regain, size_t i)
{
    for (size_t v = 0; v < regain->version_count; v++)
        if (regain->versions[v].missing && i-- == 0) return &regain->versions[v];
    return NULL;
}

uint64_t pv_regain_lost_else(const struct pv_regain *regain)
{
    return regain->lost_else;
}

void pv_regain_print(const struct pv_regain *regain, const struct pv_open_room *room)
{
    const struct pv_lost_version *lost;
    for (size_t i = 0; (lost = pv_regain_lost(regain, i)); i++) {
        char when[PV_OUT_TIME_BYTES], what[48] = "the attachment";
        pv_out_time(lost->time_ms, when);
        if (lost->number) snprintf(what, sizeof what, "version %llu of", (unsigned long long)lost->number);
        pv_term_line(stdout, "lost on the server: %s %s, by %s, %s (%s)", what, lost->name, lost->writer, when,
                     lost->paged ? "whoever has it puts it anew"
                     : lost->was_found ? "it shares a blob with other files: name them all in one command"
                                       : "whoever has it gives it back by privity repair ROOM FILE");
    }
    if (regain->lost_else)
        pv_term_line(stdout, "%s: %llu more blobs are lost, which only removed files, pages of large ones or unreadable entries name", room->label,
                     (unsigned long long)regain->lost_else);
}
