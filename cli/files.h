/* What the file commands share: places in a room, the chunking secret, progress, encoded refs. */
#ifndef PV_CLI_FILES_H
#define PV_CLI_FILES_H

#include "cli/common.h"
#include "client/transfer.h"

/* The room's chunking secret; the first who puts a file makes it. Secret. */
PV_MUST_USE enum pv_err pv_cli_chunk_secret(struct pv_session *session, struct pv_open_room *room,
                                            struct pv_chunk_secret *ret_secret, struct pv_report *report);
/* Encode blob names (16 bytes each). Errors: LIMIT, NOMEM. */
PV_MUST_USE enum pv_err pv_cli_refs(struct pv_bytes names, struct pv_buf *ret_refs);
/* Mode and modification time, as a file's entry says them. */
void pv_cli_file_times(struct pv_file *file, const struct stat *st);
/* A path in the room in its one form: names joined by slashes, none at the ends. An empty text is the top.
 * Errors: USAGE. */
PV_MUST_USE enum pv_err pv_cli_place(const char *text, bool allow_top, struct pv_buf *ret_place, struct pv_report *report);
/* The last name of a place. */
struct pv_bytes pv_cli_last_name(struct pv_bytes place);

/* A list of files by path, copied out of a query. */
struct pv_cli_file {
    char *path; /* places end in a zero byte; names hold none */
    struct pv_write_ref head;
    uint64_t size_bytes;
    uint64_t time_ms;
    bool pending, conflict;
    bool has_sha256;
    struct pv_hash sha256;
    char writer[PV_CLI_NAME_BYTES];
};
struct pv_cli_files {
    struct pv_cli_file *files;
    size_t count;
};
/* All files below a folder. */
PV_MUST_USE enum pv_err pv_cli_files_below(struct pv_session *session, struct pv_open_room *room, struct pv_bytes folder,
                                           struct pv_cli_files *ret_files, struct pv_report *report);
/* The file at `place`, or all below the folder of that name. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_cli_files_at(struct pv_session *session, struct pv_open_room *room, struct pv_bytes place,
                                        bool *ret_is_folder, struct pv_cli_files *ret_files, struct pv_report *report);
void pv_cli_files_release(struct pv_cli_files *files);
/* What `put` does not take, and why. */
struct pv_cli_left_out {
    struct {
        char *path; /* owned */
        const char *why;
    } *items;
    size_t count;
};
/* Print {"files": […]} with an object for each of these places as it is now, and what was left out unless that is NULL. */
PV_MUST_USE enum pv_err pv_cli_files_json(struct pv_session *session, struct pv_open_room *room, char *const *places,
                                          size_t count, const struct pv_cli_left_out *left_out, struct pv_report *report);

/* A bar on standard error while that is a terminal. */
struct pv_cli_progress {
    const char *what;
    uint64_t shown_at_ms;
    bool shown;
};
struct pv_progress pv_cli_progress_begin(struct pv_cli_progress *progress, const char *what);
void pv_cli_progress_end(struct pv_cli_progress *progress);

/* The session's `give_up`: one line on standard error. */
void pv_cli_tell_given_up(struct pv_session *session, struct pv_open_room *room, struct pv_bytes payload);

#endif
