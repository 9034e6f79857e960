/* Messages: the newest, since a time, one by its id, and how many are unread. */
#include <string.h>

#include "core/state/query_rows.h"
#include "core/state/written.h"

static const char read_mark[] = "pv.read"; /* messages at or after it are unread */

#define FROM_MESSAGES " FROM message m JOIN author a ON a.no = m.author"
static const char select_all[] = "SELECT " PV_MESSAGE_COLUMNS FROM_MESSAGES
                                 " WHERE m.idx >= ?1 AND m.idx < ?2 ORDER BY m.idx";
static const char select_newest[] = "SELECT " PV_MESSAGE_COLUMNS FROM_MESSAGES
                                    " WHERE m.idx IN (SELECT idx FROM message WHERE idx >= ?1 AND idx < ?2"
                                    " ORDER BY idx DESC LIMIT ?3) ORDER BY m.idx";
static const char select_since[] = "SELECT " PV_MESSAGE_COLUMNS FROM_MESSAGES
                                   " WHERE m.idx IN (SELECT idx FROM message INDEXED BY message_by_time"
                                   " WHERE time >= ?4 AND idx >= ?1 AND idx < ?2 ORDER BY idx DESC LIMIT ?3)"
                                   " ORDER BY m.idx";
static const char select_by_id[] = "SELECT " PV_MESSAGE_COLUMNS FROM_MESSAGES " WHERE m.idx IN"
                                   " (SELECT idx FROM written WHERE write_id >= ?1 AND write_id <= ?2 UNION"
                                   " SELECT idx FROM message WHERE idx >= ?3 AND write_id >= ?1 AND write_id <= ?2)"
                                   " ORDER BY m.idx LIMIT 2";

static struct pv_sql begin_select(const struct pv_query *query, const struct pv_message_filter *filter)
{
    uint64_t limit = filter->limit ? filter->limit : INT64_MAX;
    uint64_t before = filter->has_before ? filter->before_index : INT64_MAX;
    if (filter->without_pending && before > PV_QUERY_PENDING_BASE) before = PV_QUERY_PENDING_BASE;
    const char *text = filter->has_since ? select_since : filter->limit ? select_newest : select_all;
    struct pv_sql sql = pv_sql_begin(query->store, text);
    pv_sql_bind_u64(&sql, filter->has_after ? filter->after_index + 1 : 0);
    pv_sql_bind_u64(&sql, before);
    if (text != select_all) pv_sql_bind_u64(&sql, limit);
    if (text == select_since) pv_sql_bind_u64(&sql, filter->since_ms);
    return sql;
}

enum pv_err pv_query_messages(const struct pv_query *query, const struct pv_message_filter *filter,
                              pv_message_row *row, void *context)
{
    struct pv_view view;
    struct pv_message message;
    enum pv_err err = pv_view_begin(query, !filter->without_pending, &view);
    if (err) return err;
    struct pv_sql sql = begin_select(query, filter);
    while (pv_sql_step(&sql)) {
        pv_rows_message(&sql, &view, &message);
        if (!sql.err) sql.err = row(context, &message);
    }
    err = pv_sql_end(&sql);
    pv_view_end(&view);
    return err;
}

static enum pv_err add_json(void *context, const struct pv_message *message)
{
    struct pv_json *json = context;
    pv_message_json(json, message);
    return json->out->err;
}

enum pv_err pv_query_messages_json(const struct pv_query *query, const struct pv_message_filter *filter,
                                   struct pv_buf *out)
{
    struct pv_json json;
    pv_json_init(&json, out);
    pv_json_begin_object(&json, NULL);
    pv_json_begin_array(&json, "messages");
    enum pv_err err = pv_query_messages(query, filter, add_json, &json);
    pv_json_end_array(&json);
    pv_json_end_object(&json);
    return err ? err : out->err;
}

/* The least and the greatest id that begin with these hex digits. */
static enum pv_err read_prefix(struct pv_bytes prefix, struct pv_id16 *ret_least, struct pv_id16 *ret_greatest)
{
    char least[33], greatest[33];
    if (prefix.n < 4 || prefix.n > 32) return PV_ERR_MALFORMED;
    memset(least, '0', 32);
    memset(greatest, 'f', 32);
    memcpy(least, prefix.p, prefix.n);
    memcpy(greatest, prefix.p, prefix.n);
    enum pv_err err = pv_hex_decode(least, 32, ret_least->b, sizeof ret_least->b);
    return err ? err : pv_hex_decode(greatest, 32, ret_greatest->b, sizeof ret_greatest->b);
}

/* How many there are, two at most; the callback sees the first when it is the only one. */
static enum pv_err find_by_id(struct pv_sql *sql, const struct pv_view *view, bool show, pv_message_row *row,
                              void *context, size_t *ret_count)
{
    struct pv_message message;
    size_t count = 0;
    while (pv_sql_step(sql)) {
        count++;
        if (!show) continue;
        pv_rows_message(sql, view, &message);
        if (!sql->err) sql->err = row(context, &message);
    }
    *ret_count = count;
    return pv_sql_end(sql);
}

enum pv_err pv_query_message(const struct pv_query *query, struct pv_bytes id_prefix, pv_message_row *row,
                             void *context)
{
    struct pv_id16 least, greatest;
    struct pv_view view;
    size_t count = 0;
    uint64_t settled = 0;
    enum pv_err err = read_prefix(id_prefix, &least, &greatest);
    if (!err) err = pv_view_begin(query, true, &view);
    if (err) return err;
    err = pv_written_settled(query->store, &settled);
    for (int pass = 0; pass < 2 && !err; pass++) {
        struct pv_sql sql = pv_sql_begin(query->store, select_by_id);
        pv_sql_bind_bytes(&sql, PV_BYTES_OF(least));
        pv_sql_bind_bytes(&sql, PV_BYTES_OF(greatest));
        pv_sql_bind_u64(&sql, settled);
        err = find_by_id(&sql, &view, pass == 1, row, context, &count);
        if (!err && count != 1) err = count ? PV_ERR_CONFLICT : PV_ERR_NOT_FOUND;
    }
    pv_view_end(&view);
    return err;
}

enum pv_err pv_query_unread(const struct pv_query *query, uint64_t *ret_count)
{
    struct pv_names names = {.query = query};
    struct pv_hash device = {0};
    uint64_t mark = 0, count = 0;
    enum pv_err err = pv_store_number_get(query->store, read_mark, 0, &mark);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(query->store, "SELECT a.id, m.n FROM (SELECT author, count(*) AS n FROM"
                                                   " (SELECT author FROM message WHERE idx >= ? ORDER BY idx LIMIT ?)"
                                                   " GROUP BY author) m JOIN author a ON a.no = m.author");
    pv_sql_bind_u64(&sql, mark);
    pv_sql_bind_u64(&sql, PV_QUERY_UNREAD_MAX);
    while (pv_sql_step(&sql)) {
        pv_sql_fixed(&sql, 0, device.b, sizeof device.b);
        bool mine = query->me && pv_hash_equal(pv_names_person(&names, &device), pv_names_person(&names, query->me));
        if (!mine) count += pv_sql_u64(&sql, 1);
    }
    err = pv_sql_end(&sql);
    if (!err) *ret_count = count;
    return err;
}

enum pv_err pv_query_mark_read(const struct pv_query *query, uint64_t up_to_index)
{
    bool own = false;
    uint64_t mark = 0;
    if (up_to_index >= PV_QUERY_PENDING_BASE) return PV_OK;
    enum pv_err err = pv_sql_enter(query->store, &own);
    if (err) return err;
    err = pv_store_number_get(query->store, read_mark, 0, &mark);
    if (!err && up_to_index + 1 > mark) err = pv_store_number_set(query->store, read_mark, up_to_index + 1);
    return pv_sql_leave(query->store, own, err);
}
