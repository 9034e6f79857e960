/* Files in a room as the commands name them. */
#include "cli/files.h"

#include <stdlib.h>
#include <string.h>

#include "cli/changes.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/system.h"

enum { PLACE_MAX = 2 * PV_LIMIT_PATH_BYTES };

enum pv_err pv_cli_chunk_secret(struct pv_session *session, struct pv_open_room *room, struct pv_chunk_secret *ret_secret,
                                struct pv_report *report)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_CHUNKING};
    struct pv_query query;
    enum pv_err err = pv_cli_query(session, room, &query, report);

    if (err != PV_OK) return err;
    err = pv_query_chunking(&query, &payload.u.chunking);
    if (err == PV_ERR_NOT_FOUND) {
        pv_random_fill(&pv_system_random, payload.u.chunking.b, sizeof payload.u.chunking.b);
        err = pv_cli_write(session, room, &payload, pv_bytes(NULL, 0), report);
        /* A viewer attaches with cuts of its own: equal content is then stored twice, no more. */
        if (err == PV_ERR_DENIED) err = PV_OK;
    }
    if (err == PV_OK) memcpy(ret_secret->b, payload.u.chunking.b, sizeof ret_secret->b);
    pv_wipe(&payload, sizeof payload);
    return pv_session_room_error(session, room, err, report);
}

enum pv_err pv_cli_refs(struct pv_bytes names, struct pv_buf *ret_refs)
{
    size_t count = names.n / sizeof(struct pv_id16);
    struct pv_id16 *ids = calloc(count ? count : 1, sizeof *ids);
    if (!ids) return PV_ERR_NOMEM;
    if (names.n) memcpy(ids, names.p, count * sizeof *ids);
    pv_refs_put(ret_refs, ids, count);
    free(ids);
    return ret_refs->err;
}

void pv_cli_file_times(struct pv_file *file, const struct stat *st)
{
    file->mode = (uint32_t)st->st_mode & 0777;
    file->mtime_seconds = st->st_mtim.tv_sec;
    file->mtime_nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
}

enum pv_err pv_cli_place(const char *text, bool allow_top, struct pv_buf *ret_place, struct pv_report *report)
{
    struct pv_path path;
    size_t skip = strspn(text, "/");
    enum pv_err err;

    if (text[skip] == '\0' || strcmp(text, ".") == 0) {
        if (allow_top) return PV_OK;
        return pv_report(report, PV_ERR_USAGE, "a path in the room is missing");
    }
    err = pv_path_from_text(pv_bytes_of_string(text + skip), &path);
    if (err == PV_ERR_MALFORMED) return pv_report(report, PV_ERR_USAGE, "%.200s is no path in a room: no part may be . or ..", text);
    if (err == PV_ERR_LIMIT)
        return pv_report(report, PV_ERR_USAGE, "%.64s… is too long a path: at most %d parts and %d bytes", text, PV_LIMIT_PATH_PARTS, PV_LIMIT_PATH_BYTES);
    if (err != PV_OK) return err;
    pv_path_put_text(ret_place, &path);
    return ret_place->err;
}

struct pv_bytes pv_cli_last_name(struct pv_bytes place)
{
    size_t at = place.n;
    while (at > 0 && place.p[at - 1] != '/') at--;
    return pv_bytes(place.p + at, place.n - at);
}

static enum pv_err add(void *context, const struct pv_file_row *row)
{
    struct pv_cli_files *list = context;
    struct pv_cli_file *grown, *file;

    if (row->removed) return PV_OK;
    if ((list->count & (list->count - 1)) == 0) {
        grown = realloc(list->files, (list->count ? list->count * 2 : 1) * sizeof *grown);
        if (!grown) return PV_ERR_NOMEM;
        list->files = grown;
    }
    file = &list->files[list->count];
    *file = (struct pv_cli_file){.head = row->head, .size_bytes = row->file.size_bytes, .time_ms = row->time_ms, .pending = row->pending,
                                 .conflict = row->conflict, .has_sha256 = row->file.has_sha256, .sha256 = row->file.sha256};
    snprintf(file->writer, sizeof file->writer, "%.*s", (int)row->writer.name.n, (const char *)row->writer.name.p);
    file->path = strndup((const char *)row->path.p, row->path.n);
    if (!file->path) return PV_ERR_NOMEM;
    list->count++;
    return PV_OK;
}

void pv_cli_files_release(struct pv_cli_files *files)
{
    for (size_t i = 0; i < files->count; i++) free(files->files[i].path);
    free(files->files);
    *files = (struct pv_cli_files){NULL, 0};
}

enum pv_err pv_cli_files_below(struct pv_session *session, struct pv_open_room *room, struct pv_bytes folder,
                               struct pv_cli_files *ret_files, struct pv_report *report)
{
    struct pv_cli_files files = {NULL, 0};
    struct pv_query query;
    enum pv_err err = pv_cli_query(session, room, &query, report);

    if (err == PV_OK) err = pv_session_room_error(session, room, pv_query_files(&query, folder, add, &files), report);
    if (err != PV_OK)
        pv_cli_files_release(&files);
    else
        *ret_files = files;
    return err;
}

static enum pv_err see_version(void *context, const struct pv_version_row *row)
{
    (void)context, (void)row;
    return PV_OK;
}

enum pv_err pv_cli_files_at(struct pv_session *session, struct pv_open_room *room, struct pv_bytes place, bool *ret_is_folder,
                            struct pv_cli_files *ret_files, struct pv_report *report)
{
    struct pv_cli_files files = {NULL, 0};
    struct pv_query query;
    enum pv_err err = pv_cli_query(session, room, &query, report);

    if (err != PV_OK) return err;
    *ret_is_folder = false;
    err = place.n ? pv_query_file(&query, place, false, add, &files) : PV_ERR_NOT_FOUND;
    if (err == PV_OK && files.count == 0) err = PV_ERR_NOT_FOUND;
    if (err == PV_ERR_NOT_FOUND) {
        *ret_is_folder = true;
        err = pv_query_files(&query, place, add, &files);
        if (err == PV_OK && files.count == 0) err = PV_ERR_NOT_FOUND;
    }
    if (err == PV_OK) {
        *ret_files = files;
        return PV_OK;
    }
    pv_cli_files_release(&files);
    if (err == PV_ERR_NOT_FOUND && place.n && pv_query_versions(&query, place, see_version, NULL) == PV_OK)
        return pv_report(report, err, "%.*s was removed: its versions can be fetched, see privity versions", (int)place.n, (const char *)place.p);
    if (err == PV_ERR_NOT_FOUND)
        return pv_report(report, err, "%s has no file or folder %.*s: see privity ls %s -R (what came with a message is fetched by the message's id)%s", room->label, (int)place.n, (const char *)place.p, room->label,
                         pv_cli_forgotten(room));
    return pv_session_room_error(session, room, err, report);
}

enum pv_err pv_cli_files_json(struct pv_session *session, struct pv_open_room *room, char *const *places, size_t count,
                              const struct pv_cli_left_out *left_out, struct pv_report *report)
{
    struct pv_query query;
    struct pv_out out;
    enum pv_err err = pv_cli_query(session, room, &query, report);

    if (err != PV_OK) return err;
    pv_out_begin(&out);
    pv_json_begin_array(&out.json, "files");
    for (size_t i = 0; i < count && err == PV_OK; i++) {
        struct pv_buf one;
        pv_buf_init(&one, PV_OUT_JSON_MAX);
        err = pv_query_file_json(&query, pv_bytes_of_string(places[i]), true, &one);
        if (err == PV_OK && i > 0) pv_buf_append_byte(&out.text, ',');
        if (err == PV_OK) pv_buf_append(&out.text, one.p, one.n);
        pv_buf_wipe(&one);
    }
    pv_json_end_array(&out.json);
    if (left_out) pv_json_begin_array(&out.json, "left_out");
    for (size_t i = 0; left_out && i < left_out->count; i++) {
        pv_json_begin_object(&out.json, NULL);
        pv_json_name(&out.json, "path", pv_bytes_of_string(left_out->items[i].path));
        pv_json_string(&out.json, "why", left_out->items[i].why);
        pv_json_end_object(&out.json);
    }
    if (left_out) pv_json_end_array(&out.json);
    if (session->kept) pv_cli_told_json(session, room, &out.json); /* where something was sent */
    if (err == PV_OK) return pv_out_end(&out, report);
    pv_buf_wipe(&out.text);
    return pv_session_room_error(session, room, err, report);
}

void pv_cli_tell_given_up(struct pv_session *session, struct pv_open_room *room, struct pv_bytes bytes)
{
    static const char why[] = "the server keeps for a week what nothing refers to, and what was uploaded for it is there no more";
    struct pv_payload payload;
    struct pv_buf path;

    (void)session;
    if (pv_payload_read(bytes, &payload) != PV_OK || payload.type == PV_PAYLOAD_FILE_BLOBS) return; /* its file is told */
    if (payload.type != PV_PAYLOAD_FILE_PUT) {
        pv_term_line(stderr, "privity: %s: a message with files was not sent and is given up: %s; say it again. Its text: %.*s", room->label, why,
                     payload.type == PV_PAYLOAD_MESSAGE ? (int)payload.u.message.text.n : 0,
                     payload.type == PV_PAYLOAD_MESSAGE ? (const char *)payload.u.message.text.p : "");
        return;
    }
    pv_buf_init(&path, 2 * PV_LIMIT_PATH_BYTES);
    pv_path_put_text(&path, &payload.u.file_put.file.path);
    pv_term_line(stderr, "privity: %s: %.*s was not sent and is given up: %s; put it again", room->label, (int)path.n,
                 path.n ? (const char *)path.p : "", why);
    pv_buf_wipe(&path);
}
