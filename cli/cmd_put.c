/* `privity put`: local files and directories into a room, a version each. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/system.h"
#include "core/state/overlay.h"

/* What stands at a place in the room. */
struct standing {
    bool found;
    struct pv_write_ref head;
    bool has_sha256;
    struct pv_hash sha256;
    uint64_t size_bytes;
    struct pv_buf blobs; /* encoded array of the names that it lies in, where the server may have lost some */
};

struct put {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_report *report;
    struct pv_buf folder;          /* place to put into; empty: the top */
    struct pv_put_source *sources; /* `local` owned */
    char **places;                 /* owned; where each goes */
    struct pv_id16 *writes;        /* write id of each file's entry */
    struct standing *standings;    /* of each place, at the first file that goes there */
    size_t *first;                 /* that file's number; another one if several have the same place */
    size_t count;
    size_t unchanged;
    struct pv_cli_left_out left_out;
};

static enum pv_err add(struct put *put, const char *local, const char *place)
{
    size_t n = put->count;
    if ((n & (n - 1)) == 0) {
        size_t cap = n ? 2 * n : 1;
        struct pv_put_source *sources = realloc(put->sources, cap * sizeof *sources);
        if (sources) put->sources = sources;
        char **places = realloc(put->places, cap * sizeof *places);
        if (places) put->places = places;
        struct pv_id16 *writes = realloc(put->writes, cap * sizeof *writes);
        if (writes) put->writes = writes;
        if (!sources || !places || !writes) return PV_ERR_NOMEM;
    }
    put->sources[n] = (struct pv_put_source){.local = strdup(local)};
    put->places[n] = strdup(place);
    pv_random_fill(&pv_system_random, put->writes[n].b, sizeof put->writes[n].b);
    put->count++;
    return put->sources[n].local && put->places[n] ? PV_OK : PV_ERR_NOMEM;
}

/* `name` is of what was given on the command line, `below` the path in it. */
static enum pv_err add_below(struct put *put, const char *local, const char *name, const char *below)
{
    struct pv_buf text, place;
    enum pv_err err;

    pv_buf_init(&text, 4 * PV_LIMIT_PATH_BYTES);
    pv_buf_init(&place, 4 * PV_LIMIT_PATH_BYTES);
    if (put->folder.n) {
        pv_buf_append(&text, put->folder.p, put->folder.n);
        pv_buf_append_byte(&text, '/');
    }
    pv_buf_append(&text, name, strlen(name));
    pv_buf_append(&text, below, strlen(below) + 1);
    err = text.err ? text.err : pv_cli_place((const char *)text.p, false, &place, put->report);
    pv_buf_append_byte(&place, '\0');
    if (err == PV_OK) err = place.err ? place.err : add(put, local, (const char *)place.p);
    pv_buf_wipe(&text);
    pv_buf_wipe(&place);
    return err;
}

/* Rooms hold plain files alone: what else lies there is named, and not followed. */
static enum pv_err leave_out(struct put *put, const char *local, const char *why)
{
    struct pv_cli_left_out *list = &put->left_out;
    void *grown = realloc(list->items, (list->count + 1) * sizeof *list->items);

    pv_term_line(stderr, "privity: %s is %s: left out", local, why);
    if (!grown) return PV_ERR_NOMEM;
    list->items = grown;
    list->items[list->count].path = strdup(local);
    list->items[list->count].why = why;
    return list->items[list->count++].path ? PV_OK : PV_ERR_NOMEM;
}

/* `skip` bytes of the entry's path are the one that was given, which goes by `name`. */
static enum pv_err walk_entry(struct put *put, const FTSENT *entry, const char *name, size_t skip)
{
    if (entry->fts_info != FTS_DP && entry->fts_level > FTS_ROOTLEVEL) entry->fts_parent->fts_number++; /* it is not empty */
    switch (entry->fts_info) {
    case FTS_F: return add_below(put, entry->fts_path, name, entry->fts_path + skip);
    case FTS_SL:
    case FTS_SLNONE: return leave_out(put, entry->fts_path, "a symbolic link");
    case FTS_DEFAULT: return leave_out(put, entry->fts_path, "no plain file");
    case FTS_DP:
        if (entry->fts_number || entry->fts_level == FTS_ROOTLEVEL) return PV_OK; /* an empty root is an error */
        return leave_out(put, entry->fts_path, "an empty folder");
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS: return pv_report(put->report, PV_ERR_IO, "cannot read %s: %s", entry->fts_path, strerror(entry->fts_errno));
    default: return PV_OK;
    }
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The name under which a path of the command line goes into the room: its own last part, also where that is a link;
 * `.` and `..` have none, and go by what they are. */
static enum pv_err name_of(const char *word, const char *path, struct pv_buf *ret_name)
{
    size_t n = strlen(word), from;
    const char *slash = strrchr(path, '/');
    while (n > 1 && word[n - 1] == '/') n--;
    for (from = n; from > 0 && word[from - 1] != '/';) from--;
    bool is_dots = (n - from == 1 && word[from] == '.') || (n - from == 2 && word[from] == '.' && word[from + 1] == '.');
    if (n == from || is_dots) pv_buf_append(ret_name, slash + 1, strlen(slash + 1));
    else pv_buf_append(ret_name, word + from, n - from);
    return ret_name->err;
}

static enum pv_err walk_all(struct put *put, char *path, const char *name)
{
    char *const roots[] = {path, NULL};
    FTS *walker = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    FTSENT *entry;
    enum pv_err err = PV_OK;

    if (!walker) return PV_ERR_NOMEM;
    while (err == PV_OK && (entry = fts_read(walker))) err = walk_entry(put, entry, name, strlen(path));
    fts_close(walker);
    return err;
}

/* One path of the command line: a file, or a directory with all that is in it. */
static enum pv_err walk(struct put *put, const char *word)
{
    char *path = realpath(word, NULL);
    size_t before = put->count;
    struct pv_buf name;
    struct stat st;
    enum pv_err err;

    if (!path) return pv_report(put->report, errno == ENOENT ? PV_ERR_NOT_FOUND : PV_ERR_IO, "cannot open %s: %s", word, strerror(errno));
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        free(path);
        return pv_report(put->report, PV_ERR_IO, "%s is no plain file and no directory: nothing was put", word);
    }
    pv_buf_init(&name, PV_LIMIT_PATH_BYTES);
    err = name_of(word, path, &name);
    pv_buf_append_byte(&name, '\0');
    if (err == PV_OK) err = walk_all(put, path, (const char *)name.p);
    if (err == PV_OK && put->count == before) err = pv_report(put->report, PV_ERR_NOT_FOUND, "there is no file in %s: nothing was put", word);
    pv_buf_release(&name);
    free(path);
    return err;
}

/* ---- what the transfer reports */

static enum pv_err take_standing(void *context, const struct pv_file_row *row)
{
    struct standing *standing = context;
    struct pv_chunk_list list = row->file.manifest;
    struct pv_chunk chunk;
    *standing = (struct standing){true, row->head, row->file.has_sha256, row->file.sha256, row->file.size_bytes, standing->blobs};
    pv_buf_init(&standing->blobs, 32 * PV_LIMIT_MANIFEST_PAGES);
    pv_cbor_put_array(&standing->blobs, list.count);
    while (pv_chunk_list_next(&list, &chunk)) pv_cbor_put_id16(&standing->blobs, &chunk.blob);
    pv_wipe(&chunk, sizeof chunk);
    return standing->blobs.err;
}

static int by_place(const void *a, const void *b, void *context)
{
    const struct put *put = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = strcmp(put->places[x], put->places[y]);
    return order ? order : x < y ? -1 : x > y;
}

static enum pv_err find_first(struct put *put)
{
    size_t *sorted = calloc(put->count, sizeof *sorted);
    put->first = calloc(put->count, sizeof *put->first);
    put->standings = calloc(put->count, sizeof *put->standings);
    if (!sorted || !put->first || !put->standings) {
        free(sorted);
        return PV_ERR_NOMEM;
    }
    for (size_t i = 0; i < put->count; i++) sorted[i] = i;
    qsort_r(sorted, put->count, sizeof *sorted, by_place, put);
    for (size_t i = 0; i < put->count; i++) {
        bool same = i > 0 && strcmp(put->places[sorted[i]], put->places[sorted[i - 1]]) == 0;
        put->first[sorted[i]] = same ? put->first[sorted[i - 1]] : sorted[i];
    }
    free(sorted);
    return PV_OK;
}

/* What stands where the files are to go, asked for once: each question folds all that is unsent. */
static enum pv_err find_standing(struct put *put)
{
    struct pv_overlay overlay;
    struct pv_query query;
    enum pv_err err = find_first(put);

    if (err == PV_OK) err = pv_cli_query(put->session, put->room, &query, put->report);
    if (err != PV_OK) return err;
    err = pv_overlay_begin(&query, &overlay);
    if (err != PV_OK) return pv_session_room_error(put->session, put->room, err, put->report);
    for (size_t i = 0; i < put->count && err == PV_OK; i++) {
        if (put->first[i] != i) continue;
        err = pv_query_file(&query, pv_bytes_of_string(put->places[i]), false, take_standing, &put->standings[i]);
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    pv_overlay_end(&overlay);
    return pv_session_room_error(put->session, put->room, err, put->report);
}

/* After a restore, the server may have lost what a file lies in; then the same bytes are put anew. */
static bool may_be_lost(const struct put *put, const struct standing *standing)
{
    struct pv_request request = {.method = PV_POST, .auth = PV_AUTH_SESSION, .body = pv_buf_bytes(&standing->blobs), .max_response_bytes = 1 << 14};
    struct pv_response response;
    struct pv_report ignored = {.err = PV_OK};
    struct pv_cbor in;
    uint64_t restored_ms = 0;
    bool all = true;
    char room[65];
    if (pv_store_number_get(put->room->store, PV_CONTACT_RESTORED, 0, &restored_ms) != PV_OK || !restored_ms) return false;
    pv_hex_encode(put->room->id.b, 32, room);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/exist", room);
    if (pv_contact_send(put->session, put->room, &request, NULL, &response, &ignored) != PV_OK || response.status >= 400) return false;
    pv_cbor_init(&in, response.body);
    size_t count = pv_cbor_get_array(&in, PV_LIMIT_MANIFEST_PAGES);
    for (size_t i = 0; i < count && in.err == PV_OK; i++) all &= pv_cbor_get_bool(&in);
    return pv_cbor_finish(&in) == PV_OK && !all;
}

static enum pv_err stored(void *context, size_t number, const struct pv_upload_result *result)
{
    struct put *put = context;
    struct standing *standing = &put->standings[put->first[number]];
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_PUT, .write_id = put->writes[number]};
    struct pv_file *file = &payload.u.file_put.file;
    struct pv_buf refs;
    enum pv_err err;

    if (standing->found && standing->has_sha256 && result->has_sha256 && standing->size_bytes == result->size_bytes &&
        pv_hash_equal(&standing->sha256, &result->sha256) && !may_be_lost(put, standing)) {
        put->unchanged++;
        return PV_OK;
    }
    payload.u.file_put.has_replaces = standing->found;
    payload.u.file_put.replaces = standing->head;
    *file = (struct pv_file){.size_bytes = result->size_bytes, .has_sha256 = result->has_sha256, .sha256 = result->sha256, .manifest = result->manifest};
    pv_cli_file_times(file, &put->sources[number].stat);
    err = pv_path_from_text(pv_bytes_of_string(put->places[number]), &file->path);
    pv_buf_init(&refs, 32 * PV_LIMIT_REFS);
    if (err == PV_OK) err = pv_cli_refs(result->refs, &refs);
    if (err == PV_OK) err = pv_cli_write(put->session, put->room, &payload, pv_buf_bytes(&refs), put->report);
    pv_buf_release(&refs);
    if (err == PV_OK) /* for another file of the same place */
        *standing = (struct standing){true, {put->session->me.device, put->writes[number]}, result->has_sha256, result->sha256, result->size_bytes,
                                      standing->blobs};
    return err;
}

/* Blobs of a large file, kept alive by an entry before the file's own. */
static enum pv_err keep(void *context, size_t number, struct pv_bytes names)
{
    struct put *put = context;
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_BLOBS};
    struct pv_buf refs;
    enum pv_err err;

    payload.u.file_blobs = put->writes[number];
    pv_buf_init(&refs, 32 * PV_LIMIT_REFS);
    err = pv_cli_refs(names, &refs);
    if (err == PV_OK) err = pv_cli_write(put->session, put->room, &payload, pv_buf_bytes(&refs), put->report);
    pv_buf_release(&refs);
    return err;
}

static enum pv_err transfer(struct put *put)
{
    struct pv_chunk_secret secret;
    struct pv_put steps = {.session = put->session, .room = put->room, .secret = &secret, .sources = put->sources,
                           .source_count = put->count, .done = stored, .keep = keep, .context = put};
    struct pv_cli_progress progress;
    enum pv_err err = pv_cli_chunk_secret(put->session, put->room, &secret, put->report);

    if (err != PV_OK) return err;
    steps.progress = pv_cli_progress_begin(&progress, "putting");
    err = pv_transfer_put(&steps, put->report);
    pv_cli_progress_end(&progress);
    pv_wipe(&secret, sizeof secret);
    return err;
}

/* ---- */

static enum pv_err may_write(struct put *put)
{
    const struct pv_roster *view = NULL;
    const struct pv_principal *me;
    enum pv_err err = pv_room_view(put->room->room, &view);

    if (err != PV_OK) return pv_session_room_error(put->session, put->room, err, put->report);
    me = pv_roster_principal(view, &put->session->me.person);
    if (me && me->role >= PV_ROLE_EDITOR) return PV_OK;
    return pv_report(put->report, PV_ERR_DENIED, me ? "you are a viewer of %s: only editors and owners put files" : "you are no member of %s",
                     put->room->label);
}

static void release(struct put *put)
{
    for (size_t i = 0; i < put->count; i++) {
        free((char *)(uintptr_t)put->sources[i].local);
        free(put->places[i]);
    }
    for (size_t i = 0; i < put->left_out.count; i++) free(put->left_out.items[i].path);
    free(put->left_out.items);
    free(put->sources);
    free(put->places);
    free(put->writes);
    for (size_t i = 0; put->standings && i < put->count; i++) pv_buf_release(&put->standings[i].blobs);
    free(put->standings);
    free(put->first);
    pv_buf_wipe(&put->folder);
}

static enum pv_err run(struct put *put, const struct pv_args *args)
{
    const char *to = pv_args_get(args, "to");
    enum pv_err err = to ? pv_cli_place(to, true, &put->folder, put->report) : PV_OK;

    for (size_t i = 1; err == PV_OK && i < args->word_count; i++) err = walk(put, args->words[i]);
    if (err == PV_OK) err = pv_cli_room_to_change(put->session, args->words[0], &put->room, put->report);
    if (err == PV_OK) err = may_write(put);
    if (err == PV_OK) err = find_standing(put);
    if (err == PV_OK) err = transfer(put);
    return err;
}

enum pv_err pv_cmd_put(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct put put = {.session = session, .report = report};
    enum pv_err err, printed = PV_OK;

    pv_buf_init(&put.folder, 2 * PV_LIMIT_PATH_BYTES);
    err = run(&put, args);
    if (err == PV_OK) {
        err = pv_cli_send(session, put.room, report);
        if (err == PV_OK || err == PV_ERR_OFFLINE) {
            if (args->json)
                printed = pv_cli_files_json(session, put.room, put.places, put.count, &put.left_out, report);
            else if (err == PV_OK && pv_out_is_terminal())
                pv_term_line(stdout, "%zu put into %s, %zu of them unchanged.", put.count, put.room->label, put.unchanged);
        }
    }
    release(&put);
    return err == PV_OK ? printed : err;
}
