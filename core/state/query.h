/* What a room holds, for people: messages, files, names, the list of rooms, what is not sent yet. Each list comes row
 * by row to a callback, or as JSON with the same fields, which is what `--json` prints and the web page reads.
 *
 * What this device has written and not yet sent is folded on top for the time of a query, and shows as pending.
 *
 * Rules for every call here:
 *   - Slices in a row are valid during the callback. A callback's error ends the walk and is returned. It must not
 *     write to the store.
 *   - JSON is appended to a buffer. Ids of people, devices and rooms are hex; times are milliseconds; a name that is
 *     no UTF-8 comes as pv_json_name writes it.
 * Errors: the store's; LIMIT when the buffer is full; only further ones are named. */
#ifndef PV_STATE_QUERY_H
#define PV_STATE_QUERY_H

#include "core/base/json.h"
#include "core/state/payload.h"
#include "core/state/store.h"

/* Of what is pending, in place of an index in the log. */
#define PV_QUERY_PENDING_BASE (1ull << 53)

struct pv_query {
    struct pv_store *store;
    const struct pv_roster *roster; /* tells devices from persons; NULL: every device stands for itself */
    const struct pv_hash *me;       /* this device, as whose the outbox shows; NULL: the outbox is left out */
};

/* Who wrote something. */
struct pv_writer {
    struct pv_hash device;
    struct pv_hash person; /* the device again where the roster does not know it */
    struct pv_bytes name;  /* UTF-8 from the person's newest profile; empty: none */
};

/* ---- messages */

struct pv_message {
    struct pv_id16 id; /* the write id */
    uint64_t index;
    bool pending;
    bool crossed;          /* written while another's removal of someone was on its way: the removed may read it */
    uint64_t time_ms;
    struct pv_writer writer;
    struct pv_bytes text; /* UTF-8 */
    bool is_reply;
    struct pv_write_ref reply;
    struct pv_encoded_list attachments;
};
typedef enum pv_err pv_message_row(void *context, const struct pv_message *message);

struct pv_message_filter {
    uint64_t limit;          /* the newest so many; 0: all */
    bool has_since;
    uint64_t since_ms;       /* not written before, by the writer's clock */
    bool has_after;
    uint64_t after_index;    /* later in the log than this: for following and for pages */
    bool has_before;
    uint64_t before_index;
    bool without_pending;
};
/* Oldest first. */
PV_MUST_USE enum pv_err pv_query_messages(const struct pv_query *query, const struct pv_message_filter *filter,
                                          pv_message_row *row, void *context);
/* {"messages": […]} */
PV_MUST_USE enum pv_err pv_query_messages_json(const struct pv_query *query, const struct pv_message_filter *filter,
                                               struct pv_buf *json);
/* One object of that list, without a key: for following, a line each. */
void pv_message_json(struct pv_json *json, const struct pv_message *message);
/* Its members, for an object that has more. */
void pv_message_json_members(struct pv_json *json, const struct pv_message *message);
/* One by its id in hex or a prefix of at least 4 digits. Errors: NOT_FOUND, CONFLICT (several), MALFORMED. */
PV_MUST_USE enum pv_err pv_query_message(const struct pv_query *query, struct pv_bytes id_prefix, pv_message_row *row,
                                         void *context);
/* How many messages by others stand after the read mark, and moving it (it never goes back). No more than the first
 * PV_QUERY_UNREAD_MAX messages are looked at. */
enum { PV_QUERY_UNREAD_MAX = 1000 };
PV_MUST_USE enum pv_err pv_query_unread(const struct pv_query *query, uint64_t *ret_count);
PV_MUST_USE enum pv_err pv_query_mark_read(const struct pv_query *query, uint64_t up_to_index);

/* ---- files */

struct pv_file_row {
    struct pv_id16 id;         /* write id of the put that founded the file: stays through versions and moves */
    struct pv_bytes path;      /* names joined by slashes */
    bool pending;              /* something about it is not sent yet */
    bool conflict;             /* it lost a race, or another file stood at this path before it */
    bool removed;
    uint64_t version_count;
    struct pv_write_ref head;  /* the newest version, which the next put, move or removal names */
    uint64_t index;            /* of the newest version */
    uint64_t time_ms;          /* of the newest version, by its writer's clock */
    struct pv_writer writer;   /* of the newest version */
    struct pv_file file;       /* of the newest version; its own path is the one that it was put at */
};
typedef enum pv_err pv_file_row_fn(void *context, const struct pv_file_row *file);

/* The files in `folder` (path text; empty: the top) and in all folders below it, by path, bytewise. */
PV_MUST_USE enum pv_err pv_query_files(const struct pv_query *query, struct pv_bytes folder, pv_file_row_fn *row,
                                       void *context);
/* {"files": […]}; not recursive: folders of the first level stand as objects of type "folder". */
PV_MUST_USE enum pv_err pv_query_files_json(const struct pv_query *query, struct pv_bytes folder, bool recursive,
                                            struct pv_buf *json);
/* The file that holds a path: the one that stood there first. With `or_removed` the last removed one where none
 * stands. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_query_file(const struct pv_query *query, struct pv_bytes path, bool or_removed,
                                      pv_file_row_fn *row, void *context);
PV_MUST_USE enum pv_err pv_query_file_json(const struct pv_query *query, struct pv_bytes path, bool or_removed,
                                           struct pv_buf *json);

struct pv_version_row {
    struct pv_write_ref ref;
    uint64_t number; /* from 1, oldest first */
    uint64_t index;
    bool pending;
    uint64_t time_ms;
    struct pv_writer writer;
    struct pv_file file;
    struct pv_bytes path; /* where its file is, or was when it was removed */
    bool removed;
};
typedef enum pv_err pv_version_row_fn(void *context, const struct pv_version_row *version);
/* The versions of the file that holds `path` (or held it last), oldest first. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_query_versions(const struct pv_query *query, struct pv_bytes path, pv_version_row_fn *row,
                                          void *context);
/* All versions of all files, those of removed ones too: a file's by number, files in the order of the log. */
PV_MUST_USE enum pv_err pv_query_every_version(const struct pv_query *query, pv_version_row_fn *row, void *context);
/* {"versions": […]} */
PV_MUST_USE enum pv_err pv_query_versions_json(const struct pv_query *query, struct pv_bytes path,
                                               struct pv_buf *json);
/* The room's chunking secret. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_query_chunking(const struct pv_query *query, struct pv_chunking_secret *ret_secret);

/* ---- search: every word must occur; the last part of each may be a beginning; case and accents do not matter */

struct pv_search {
    struct pv_bytes words; /* UTF-8, at most 1024 bytes */
    uint64_t limit;        /* newest so many of each; 0: all */
};
/* Newest first. Either callback may be NULL. Errors: MALFORMED (not UTF-8, no word),
 * LIMIT. */
PV_MUST_USE enum pv_err pv_query_search(const struct pv_query *query, const struct pv_search *search,
                                        pv_message_row *message, pv_file_row_fn *file, void *context);
/* {"messages": […], "files": […]} */
PV_MUST_USE enum pv_err pv_query_search_json(const struct pv_query *query, const struct pv_search *search,
                                             struct pv_buf *json);

/* ---- names, rooms, outbox */

/* The name that a person or device goes by, into `ret_name`. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_query_name(const struct pv_query *query, const struct pv_hash *id, struct pv_buf *ret_name);
/* The first name that the device gave which founded the room: in a person's own room, the name that the person began
 * with. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_query_founder_name(const struct pv_query *query, struct pv_buf *ret_name);
/* {"members": […]} of the roster: id, name, role, since, devices, verified. `own`: the person's own room, which knows who
 * was verified; NULL: nobody shows as such. Errors: USAGE (no roster). */
PV_MUST_USE enum pv_err pv_query_members_json(const struct pv_query *query, const struct pv_query *own, struct pv_buf *json);

/* A person's rooms, by local name, then id; `head` is the largest that any device saw. */
typedef enum pv_err pv_listed_room_row(void *context, const struct pv_listed_room *room);
PV_MUST_USE enum pv_err pv_query_rooms(const struct pv_query *query, pv_listed_room_row *row, void *context);
/* Every head of a room that a device of the person saw: what this one's log must agree with. */
PV_MUST_USE enum pv_err pv_query_room_heads(const struct pv_query *query, const struct pv_hash *room,
                                            pv_listed_room_row *row, void *context);

/* {"unsent": […]}: id, kind, type, created, sealed */
PV_MUST_USE enum pv_err pv_query_unsent_json(const struct pv_query *query, struct pv_buf *json);
/* Entries that could not be read, by index, with the reason. */
typedef enum pv_err pv_unreadable_row(void *context, uint64_t index, enum pv_err why);
PV_MUST_USE enum pv_err pv_query_unreadable(const struct pv_query *query, pv_unreadable_row *row, void *context);

#endif
