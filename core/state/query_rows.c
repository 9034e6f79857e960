/* Rows of messages and files as structs and as JSON. */
#include "core/state/query_rows.h"

#include <stdio.h>
#include <string.h>

enum pv_err pv_view_begin(const struct pv_query *query, bool with_pending, struct pv_view *ret_view)
{
    struct pv_view view = {0};
    enum pv_err err = with_pending ? pv_overlay_begin(query, &view.overlay) : PV_OK;
    if (err) return err;
    err = pv_names_load(query, &view.names);
    if (!err) err = pv_crossings_load(query->store, &view.crossings);
    if (err) pv_view_end(&view);
    else *ret_view = view;
    return err;
}

void pv_view_end(struct pv_view *view)
{
    pv_names_release(&view->names);
    pv_crossings_release(&view->crossings);
    pv_overlay_end(&view->overlay);
}

/* How many `file`s stand one after the other. */
static struct pv_encoded_list read_list(struct pv_sql *sql, int column)
{
    struct pv_encoded_list list = {.encoded = pv_sql_bytes(sql, column)};
    struct pv_cbor in;
    struct pv_file file;
    pv_cbor_init(&in, list.encoded);
    while (!in.err && in.p < in.end) {
        pv_file_get(&in, &file);
        list.count++;
    }
    if (in.err) {
        pv_sql_fail(sql, PV_ERR_CORRUPT);
        list = (struct pv_encoded_list){0};
    }
    return list;
}

void pv_rows_message(struct pv_sql *sql, const struct pv_view *view, struct pv_message *ret_message)
{
    struct pv_message message = {.index = pv_sql_u64(sql, 0), .time_ms = pv_sql_u64(sql, 2)};
    struct pv_hash device = {0};
    uint8_t reply[32 + 16];
    message.pending = message.index >= PV_QUERY_PENDING_BASE;
    pv_sql_fixed(sql, 1, device.b, sizeof device.b);
    message.writer = pv_names_writer(&view->names, &device);
    message.crossed = !message.pending && pv_crossings_find(&view->crossings, message.index, &device) != NULL;
    pv_sql_fixed(sql, 3, message.id.b, sizeof message.id.b);
    message.is_reply = !pv_sql_is_null(sql, 4);
    if (message.is_reply) {
        memset(reply, 0, sizeof reply);
        pv_sql_fixed(sql, 4, reply, sizeof reply);
        memcpy(message.reply.author.b, reply, 32);
        memcpy(message.reply.write_id.b, reply + 32, 16);
    }
    message.text = pv_sql_bytes(sql, 5);
    message.attachments = read_list(sql, 6);
    *ret_message = message;
}

void pv_rows_encoded_file(struct pv_sql *sql, int column, struct pv_file *ret_file)
{
    struct pv_cbor in;
    pv_cbor_init(&in, pv_sql_bytes(sql, column));
    pv_file_get(&in, ret_file);
    if (pv_cbor_finish(&in)) pv_sql_fail(sql, PV_ERR_CORRUPT);
}

void pv_rows_file(struct pv_sql *sql, const struct pv_names *names, struct pv_file_row *ret_file)
{
    struct pv_file_row file = {.path = pv_sql_bytes(sql, 2), .removed = pv_sql_u64(sql, 4) != 0,
                               .index = pv_sql_u64(sql, 5), .time_ms = pv_sql_u64(sql, 8),
                               .version_count = pv_sql_u64(sql, 10), .conflict = pv_sql_u64(sql, 11) != 0};
    file.pending = file.index >= PV_QUERY_PENDING_BASE || pv_sql_u64(sql, 3) >= PV_QUERY_PENDING_BASE;
    pv_sql_fixed(sql, 1, file.id.b, sizeof file.id.b);
    pv_sql_fixed(sql, 6, file.head.write_id.b, sizeof file.head.write_id.b);
    pv_sql_fixed(sql, 7, file.head.author.b, sizeof file.head.author.b);
    file.writer = pv_names_writer(names, &file.head.author);
    pv_rows_encoded_file(sql, 9, &file.file);
    *ret_file = file;
}

/* ---- JSON */

/* Milliseconds, as far as they go. */
static int64_t modified_ms(const struct pv_file *file)
{
    int64_t ms;
    if (__builtin_mul_overflow(file->mtime_seconds, 1000, &ms)) return file->mtime_seconds < 0 ? INT64_MIN : INT64_MAX;
    return __builtin_add_overflow(ms, (int64_t)(file->mtime_nanoseconds / 1000000), &ms) ? INT64_MAX : ms;
}

void pv_rows_content_json(struct pv_json *json, const struct pv_file *file)
{
    char mode[8];
    snprintf(mode, sizeof mode, "%04o", (unsigned)file->mode);
    pv_json_u64(json, "size", file->size_bytes);
    pv_json_string(json, "mode", mode);
    pv_json_i64(json, "modified", modified_ms(file));
    if (file->has_sha256) pv_json_hex(json, "sha256", PV_BYTES_OF(file->sha256));
    else pv_json_null(json, "sha256");
}

static void attachment_json(struct pv_json *json, const struct pv_message *message, unsigned number,
                            const struct pv_file *file)
{
    char id[32 + 8];
    pv_hex_encode(message->id.b, sizeof message->id.b, id);
    snprintf(id + 32, sizeof id - 32, ".%u", number);
    pv_json_begin_object(json, NULL);
    pv_json_string(json, "id", id);
    pv_json_name(json, "name", file->path.parts[file->path.part_count - 1]);
    pv_rows_content_json(json, file);
    pv_json_end_object(json);
}

/* What is pending has no place in the log yet. */
static void place_json(struct pv_json *json, uint64_t index)
{
    if (index < PV_QUERY_PENDING_BASE) pv_json_u64(json, "index", index);
    else pv_json_null(json, "index");
}

void pv_message_json_members(struct pv_json *json, const struct pv_message *message)
{
    struct pv_encoded_list attachments = message->attachments;
    struct pv_file file;
    unsigned number = 0;
    pv_json_hex(json, "id", PV_BYTES_OF(message->id));
    place_json(json, message->index);
    pv_json_bool(json, "pending", message->pending);
    pv_json_bool(json, "crossed", message->crossed);
    pv_json_u64(json, "time", message->time_ms);
    pv_writer_json(json, &message->writer);
    pv_json_text(json, "text", message->text);
    if (message->is_reply) pv_json_hex(json, "reply", PV_BYTES_OF(message->reply.write_id));
    else pv_json_null(json, "reply");
    pv_json_begin_array(json, "attachments");
    while (pv_encoded_file_next(&attachments, &file)) attachment_json(json, message, ++number, &file);
    pv_json_end_array(json);
}

void pv_message_json(struct pv_json *json, const struct pv_message *message)
{
    pv_json_begin_object(json, NULL);
    pv_message_json_members(json, message);
    pv_json_end_object(json);
}

/* The last name of a path. */
static struct pv_bytes base_name(struct pv_bytes path)
{
    size_t start = path.n;
    while (start > 0 && path.p[start - 1] != '/') start--;
    return pv_bytes(path.p + start, path.n - start);
}

void pv_rows_file_json(struct pv_json *json, const struct pv_file_row *file)
{
    pv_json_begin_object(json, NULL);
    pv_json_hex(json, "id", PV_BYTES_OF(file->id));
    pv_json_string(json, "type", "file");
    pv_json_name(json, "path", file->path);
    pv_json_name(json, "name", base_name(file->path));
    pv_rows_content_json(json, &file->file);
    pv_json_u64(json, "version", file->version_count);
    pv_json_hex(json, "version_id", PV_BYTES_OF(file->head.write_id));
    place_json(json, file->index);
    pv_json_bool(json, "pending", file->pending);
    pv_json_bool(json, "conflict", file->conflict);
    pv_json_bool(json, "removed", file->removed);
    pv_json_u64(json, "time", file->time_ms);
    pv_writer_json(json, &file->writer);
    pv_json_end_object(json);
}
