/* `privity ls` and `privity versions`. */
#include <string.h>

#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"

static void print_place(struct pv_bytes name, const char *after)
{
    pv_term_print(stdout, name, PV_TERM_LINE, NULL);
    fputs(after, stdout);
}

static void print_file(const struct pv_cli_file *file, struct pv_bytes shown, bool details)
{
    char when[PV_OUT_TIME_BYTES], size[PV_OUT_SIZE_BYTES];
    if (details) {
        pv_out_time(file->time_ms, when);
        pv_out_size(file->size_bytes, size);
        printf("%10s  %s  ", size, when);
        pv_term_print(stdout, pv_bytes_of_string(file->writer), PV_TERM_LINE, NULL);
        fputs("  ", stdout);
    }
    print_place(shown, "");
    if (file->conflict) fputs(details ? "  (lost a race: see privity versions)" : "", stdout);
    fputs(file->pending && details ? "  (not sent yet)\n" : "\n", stdout);
}

/* Files by path; without `recursive` a folder stands once for all in it. */
static void print_list(const struct pv_cli_files *files, size_t skip, bool recursive, bool details)
{
    struct pv_bytes last = {NULL, 0};
    for (size_t i = 0; i < files->count; i++) {
        const struct pv_cli_file *file = &files->files[i];
        struct pv_bytes rest = pv_bytes_of_string(file->path + skip);
        const uint8_t *slash = memchr(rest.p, '/', rest.n);
        if (recursive || !slash) {
            print_file(file, rest, details);
            continue;
        }
        rest.n = (size_t)(slash - rest.p);
        if (pv_bytes_equal(rest, last)) continue;
        last = rest;
        if (details) printf("%10s  %16s  ", "-", "");
        print_place(rest, "/\n");
    }
}

enum pv_err pv_cmd_ls(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    bool recursive = pv_args_get(args, "recursive") != NULL, is_folder = true;
    struct pv_open_room *room = NULL;
    struct pv_cli_files files = {NULL, 0};
    struct pv_buf place, text;
    enum pv_err err;

    pv_buf_init(&place, 2 * PV_LIMIT_PATH_BYTES);
    pv_buf_init(&text, PV_OUT_JSON_MAX);
    err = args->word_count > 1 ? pv_cli_place(args->words[1], true, &place, report) : PV_OK;
    if (err == PV_OK) err = pv_cli_room_fetched(session, args->words[0], &room, report);
    if (err == PV_OK && place.n == 0)
        err = pv_cli_files_below(session, room, pv_buf_bytes(&place), &files, report);
    else if (err == PV_OK)
        err = pv_cli_files_at(session, room, pv_buf_bytes(&place), &is_folder, &files, report);
    if (err == PV_OK && args->json && is_folder) {
        struct pv_query query;
        err = pv_cli_query(session, room, &query, report);
        if (err == PV_OK) err = pv_query_files_json(&query, pv_buf_bytes(&place), recursive, &text);
        if (err == PV_OK) err = pv_out_json(pv_buf_bytes(&text));
    } else if (err == PV_OK && args->json) {
        err = pv_cli_files_json(session, room, &files.files[0].path, 1, NULL, report);
    } else if (err == PV_OK) {
        print_list(&files, is_folder && place.n ? place.n + 1 : 0, recursive || !is_folder, pv_args_get(args, "long") != NULL);
    }
    pv_cli_files_release(&files);
    pv_buf_wipe(&place);
    pv_buf_wipe(&text);
    return room && report->err != err ? pv_session_room_error(session, room, err, report) : err;
}

static enum pv_err print_version(void *context, const struct pv_version_row *row)
{
    char when[PV_OUT_TIME_BYTES], size[PV_OUT_SIZE_BYTES];
    (void)context;
    pv_out_time(row->time_ms, when);
    pv_out_size(row->file.size_bytes, size);
    printf("%4llu  %10s  %s  ", (unsigned long long)row->number, size, when);
    print_place(row->writer.name, row->pending ? "  (not sent yet)\n" : "\n");
    return PV_OK;
}

enum pv_err pv_cmd_versions(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_open_room *room = NULL;
    struct pv_query query;
    struct pv_buf place, text;
    enum pv_err err;

    pv_buf_init(&place, 2 * PV_LIMIT_PATH_BYTES);
    pv_buf_init(&text, PV_OUT_JSON_MAX);
    err = pv_cli_place(args->words[1], false, &place, report);
    if (err == PV_OK) err = pv_cli_room_fetched(session, args->words[0], &room, report);
    if (err == PV_OK) err = pv_cli_query(session, room, &query, report);
    if (err == PV_OK && args->json) {
        err = pv_query_versions_json(&query, pv_buf_bytes(&place), &text);
        if (err == PV_OK) err = pv_out_json(pv_buf_bytes(&text));
    } else if (err == PV_OK) {
        err = pv_query_versions(&query, pv_buf_bytes(&place), print_version, NULL);
    }
    if (err == PV_ERR_NOT_FOUND && report->err != err)
        err = pv_report(report, err, "%s has no file %s: see privity ls %s -R%s", room->label, args->words[1], room->label, pv_cli_forgotten(room));
    pv_buf_wipe(&place);
    pv_buf_wipe(&text);
    return room && report->err != err ? pv_session_room_error(session, room, err, report) : err;
}
