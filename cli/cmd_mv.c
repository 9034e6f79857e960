/* `privity mv` and `privity rm`: an entry for each file, folders being nothing but names. */
#include <stdlib.h>
#include <string.h>

#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/output.h"

struct change {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_report *report;
    struct pv_cli_files files;
    char **places; /* owned; for the JSON result */
    size_t count;
};

static enum pv_err keep_place(struct change *change, const char *place)
{
    char **grown = realloc(change->places, (change->count + 1) * sizeof *grown);
    if (!grown) return PV_ERR_NOMEM;
    change->places = grown;
    grown[change->count] = strdup(place);
    return grown[change->count++] ? PV_OK : PV_ERR_NOMEM;
}

static enum pv_err finish(struct change *change, enum pv_err err, bool json)
{
    enum pv_err printed = PV_OK;
    if (err == PV_OK) {
        err = pv_cli_send(change->session, change->room, change->report);
        if (json && (err == PV_OK || err == PV_ERR_OFFLINE))
            printed = pv_cli_files_json(change->session, change->room, change->places, change->count, NULL, change->report);
    }
    for (size_t i = 0; i < change->count; i++) free(change->places[i]);
    free(change->places);
    pv_cli_files_release(&change->files);
    return err == PV_OK ? printed : err;
}

/* ---- mv */

static enum pv_err move_one(struct change *change, const struct pv_cli_file *file, const char *to)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_MOVE};
    struct pv_cli_files there = {NULL, 0};
    struct pv_report ignored;
    bool is_folder = false;
    enum pv_err err = pv_cli_files_at(change->session, change->room, pv_bytes_of_string(to), &is_folder, &there, &ignored);

    pv_cli_files_release(&there);
    if (err == PV_OK && !is_folder) return pv_report(change->report, PV_ERR_CONFLICT, "%s is there already: nothing was moved onto it", to);
    err = pv_path_from_text(pv_bytes_of_string(to), &payload.u.file_move.path);
    if (err != PV_OK) return pv_report(change->report, PV_ERR_USAGE, "%.100s… is too long a path", to);
    payload.u.file_move.version = file->head;
    err = pv_cli_write(change->session, change->room, &payload, pv_bytes(NULL, 0), change->report);
    return err == PV_OK ? keep_place(change, to) : err;
}

/* Where to: into `to` if that is a folder or ends in a slash, else to that name. */
static enum pv_err target_of(struct change *change, struct pv_bytes from, const char *to, struct pv_buf *target)
{
    struct pv_cli_files there = {NULL, 0};
    struct pv_report ignored;
    bool is_folder = false, into = to[0] && to[strlen(to) - 1] == '/';
    enum pv_err err = pv_cli_place(to, true, target, change->report);

    if (err != PV_OK) return err;
    if (target->n && pv_cli_files_at(change->session, change->room, pv_buf_bytes(target), &is_folder, &there, &ignored) == PV_OK)
        into = into || is_folder;
    pv_cli_files_release(&there);
    if (into || target->n == 0) {
        struct pv_bytes name = pv_cli_last_name(from);
        if (target->n) pv_buf_append_byte(target, '/');
        pv_buf_append(target, name.p, name.n);
    }
    return target->err;
}

static enum pv_err move_all(struct change *change, struct pv_bytes from, struct pv_bytes target, bool is_folder)
{
    enum pv_err err = PV_OK;
    if (is_folder && target.n >= from.n && memcmp(target.p, from.p, from.n) == 0 && (target.n == from.n || target.p[from.n] == '/'))
        return pv_report(change->report, PV_ERR_USAGE, "a folder cannot be moved into itself");
    for (size_t i = 0; i < change->files.count && err == PV_OK; i++) {
        const struct pv_cli_file *file = &change->files.files[i];
        struct pv_buf to;
        pv_buf_init(&to, 4 * PV_LIMIT_PATH_BYTES);
        pv_buf_append(&to, target.p, target.n);
        if (is_folder) pv_buf_append(&to, file->path + from.n, strlen(file->path) - from.n);
        pv_buf_append_byte(&to, '\0');
        err = to.err ? to.err : move_one(change, file, (const char *)to.p);
        pv_buf_wipe(&to);
    }
    return err;
}

enum pv_err pv_cmd_mv(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct change change = {.session = session, .report = report};
    struct pv_buf from, target;
    bool is_folder = false;
    enum pv_err err;

    pv_buf_init(&from, 2 * PV_LIMIT_PATH_BYTES);
    pv_buf_init(&target, 2 * PV_LIMIT_PATH_BYTES);
    err = pv_cli_place(args->words[1], false, &from, report);
    if (err == PV_OK) err = pv_cli_room_to_change(session, args->words[0], &change.room, report);
    if (err == PV_OK) err = pv_cli_files_at(session, change.room, pv_buf_bytes(&from), &is_folder, &change.files, report);
    if (err == PV_OK) err = target_of(&change, pv_buf_bytes(&from), args->words[2], &target);
    if (err == PV_OK) err = move_all(&change, pv_buf_bytes(&from), pv_buf_bytes(&target), is_folder);
    err = finish(&change, err, args->json);
    pv_buf_wipe(&from);
    pv_buf_wipe(&target);
    return err;
}

/* ---- rm */

enum pv_err pv_cmd_rm(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct change change = {.session = session, .report = report};
    struct pv_buf place;
    bool is_folder = false;
    enum pv_err err;

    pv_buf_init(&place, 2 * PV_LIMIT_PATH_BYTES);
    err = pv_cli_place(args->words[1], false, &place, report);
    if (err == PV_OK) err = pv_cli_room_to_change(session, args->words[0], &change.room, report);
    if (err == PV_OK) err = pv_cli_files_at(session, change.room, pv_buf_bytes(&place), &is_folder, &change.files, report);
    for (size_t i = 0; err == PV_OK && i < change.files.count; i++) {
        struct pv_payload payload = {.type = PV_PAYLOAD_FILE_REMOVE};
        payload.u.file_remove = change.files.files[i].head;
        err = pv_cli_write(session, change.room, &payload, pv_bytes(NULL, 0), report);
        if (err == PV_OK) err = keep_place(&change, change.files.files[i].path);
    }
    err = finish(&change, err, args->json);
    pv_buf_wipe(&place);
    return err;
}
