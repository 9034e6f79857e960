/* Search over messages and file paths. */
#include "core/state/fold.h"
#include "core/state/query_rows.h"
#include "core/state/words.h"

enum { MATCH_BYTES_MAX = 8 * PV_WORDS_BYTES_MAX };

static const char select_messages[] = "SELECT " PV_MESSAGE_COLUMNS " FROM words CROSS JOIN message m ON m.idx = words.rowid"
                                      " JOIN author a ON a.no = m.author WHERE words MATCH ?1"
                                      " ORDER BY words.rowid DESC LIMIT ?2";
static const char select_files[] = "SELECT " PV_FILE_COLUMNS " FROM words CROSS JOIN file f ON f.placed = words.rowid"
                                   PV_FILE_TABLES " WHERE words MATCH ?1 AND f.removed IS NULL"
                                   " ORDER BY words.rowid DESC LIMIT ?2";

static struct pv_sql begin_select(struct pv_store *store, const char *text, struct pv_bytes match, uint64_t limit)
{
    struct pv_sql sql = pv_sql_begin(store, text);
    pv_sql_bind_text(&sql, match);
    pv_sql_bind_u64(&sql, limit ? limit : INT64_MAX);
    return sql;
}

static enum pv_err find(const struct pv_query *query, const struct pv_view *view, struct pv_bytes match,
                        uint64_t limit, pv_message_row *on_message, pv_file_row_fn *on_file, void *context)
{
    struct pv_message message;
    struct pv_file_row file;
    enum pv_err err = PV_OK;
    if (on_message) {
        struct pv_sql sql = begin_select(query->store, select_messages, match, limit);
        while (pv_sql_step(&sql)) {
            pv_rows_message(&sql, view, &message);
            if (!sql.err) sql.err = on_message(context, &message);
        }
        err = pv_sql_end(&sql);
    }
    if (!err && on_file) {
        struct pv_sql sql = begin_select(query->store, select_files, match, limit);
        while (pv_sql_step(&sql)) {
            pv_rows_file(&sql, &view->names, &file);
            if (!sql.err) sql.err = on_file(context, &file);
        }
        err = pv_sql_end(&sql);
    }
    return err;
}

/* The index is brought up to date before the overlay begins, so that the work stays, and again within it. */
enum pv_err pv_query_search(const struct pv_query *query, const struct pv_search *search, pv_message_row *message,
                            pv_file_row_fn *file, void *context)
{
    struct pv_view view;
    struct pv_buf match;
    pv_buf_init(&match, MATCH_BYTES_MAX);
    enum pv_err err = pv_words_match(query->store, search->words, &match);
    if (!err && pv_fold_index_is_behind(query->store)) err = pv_fold_index_words(query->store, 0);
    if (!err) err = pv_view_begin(query, true, &view);
    if (!err) {
        if (view.overlay.store) err = pv_fold_index_words(query->store, 0);
        if (!err) err = find(query, &view, pv_buf_bytes(&match), search->limit, message, file, context);
        pv_view_end(&view);
    }
    pv_buf_wipe(&match);
    return err;
}

static enum pv_err add_message_json(void *context, const struct pv_message *message)
{
    struct pv_json *json = context;
    pv_message_json(json, message);
    return json->out->err;
}

static enum pv_err add_file_json(void *context, const struct pv_file_row *file)
{
    struct pv_json *json = context;
    pv_rows_file_json(json, file);
    return json->out->err;
}

/* Two passes: each list needs its own callback. */
enum pv_err pv_query_search_json(const struct pv_query *query, const struct pv_search *search, struct pv_buf *out)
{
    struct pv_json json;
    pv_json_init(&json, out);
    pv_json_begin_object(&json, NULL);
    pv_json_begin_array(&json, "messages");
    enum pv_err err = pv_query_search(query, search, add_message_json, NULL, &json);
    pv_json_end_array(&json);
    pv_json_begin_array(&json, "files");
    if (!err) err = pv_query_search(query, search, NULL, add_file_json, &json);
    pv_json_end_array(&json);
    pv_json_end_object(&json);
    return err ? err : out->err;
}
