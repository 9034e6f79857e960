/* Reading the rows that several queries share, and writing their JSON. Internal to core/state. */
#ifndef PV_STATE_QUERY_ROWS_H
#define PV_STATE_QUERY_ROWS_H

#include "core/state/crossing.h"
#include "core/state/names.h"
#include "core/state/overlay.h"
#include "core/state/sql.h"

/* What a SELECT begins with to be read by pv_rows_message; `m` is the message, `a` its author. */
#define PV_MESSAGE_COLUMNS "m.idx, a.id, m.time, m.write_id, m.reply, m.text, m.attachments"
struct pv_view;
void pv_rows_message(struct pv_sql *sql, const struct pv_view *view, struct pv_message *ret_message);

/* The same for files: `f` the file, `h` its newest version, `o` its first, `a` the author of `h`. */
#define PV_FILE_COLUMNS                                                                                              \
    "f.idx, o.write_id, f.path, f.placed, f.removed IS NOT NULL, h.idx, h.write_id, a.id, h.time, h.encoded,"        \
    " (SELECT count(*) FROM version WHERE file = f.idx),"                                                            \
    " EXISTS (SELECT 1 FROM file g WHERE g.path = f.path AND g.placed < f.placed AND g.removed IS NULL)"             \
    " OR EXISTS (SELECT 1 FROM file g WHERE g.idx = f.lost_to AND g.removed IS NULL)"
#define PV_FILE_TABLES                                                                                               \
    " JOIN version h ON h.idx = f.head JOIN version o ON o.idx = f.idx JOIN author a ON a.no = h.author"
void pv_rows_file(struct pv_sql *sql, const struct pv_names *names, struct pv_file_row *ret_file);
/* One encoded `file`. */
void pv_rows_encoded_file(struct pv_sql *sql, int column, struct pv_file *ret_file);

/* One object for a file, and the members that any object with a `file` has. */
void pv_rows_file_json(struct pv_json *json, const struct pv_file_row *file);
void pv_rows_content_json(struct pv_json *json, const struct pv_file *file);

/* Names, removals that crossed, and overlay, which nearly every query begins with and ends by. */
struct pv_view {
    struct pv_names names;
    struct pv_crossings crossings;
    struct pv_overlay overlay;
};
PV_MUST_USE enum pv_err pv_view_begin(const struct pv_query *query, bool with_pending, struct pv_view *ret_view);
void pv_view_end(struct pv_view *view);

#endif
