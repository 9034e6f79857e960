/* Files of a room: folders, the file at a path, versions, the chunking secret. */
#include <string.h>

#include "core/state/query_rows.h"

enum { PATH_BYTES_MAX = PV_LIMIT_PATH_BYTES + PV_LIMIT_PATH_PARTS };

static const char select_all[] = "SELECT " PV_FILE_COLUMNS " FROM file f" PV_FILE_TABLES
                                 " WHERE f.removed IS NULL ORDER BY f.path, f.placed";
/* A slash is followed by a zero in bytewise order. */
static const char select_folder[] = "SELECT " PV_FILE_COLUMNS " FROM file f" PV_FILE_TABLES
                                    " WHERE f.path > ?1 AND f.path < ?2 AND f.removed IS NULL"
                                    " ORDER BY f.path, f.placed";
static const char select_holder[] = "SELECT " PV_FILE_COLUMNS " FROM file f" PV_FILE_TABLES
                                    " WHERE f.path = ?1 AND f.removed IS NULL ORDER BY f.placed LIMIT 1";
static const char select_removed[] = "SELECT " PV_FILE_COLUMNS " FROM file f" PV_FILE_TABLES
                                     " WHERE f.path = ?1 AND f.removed IS NOT NULL ORDER BY f.removed DESC LIMIT 1";

/* A path as it stands in the table, in `memory`; empty for the top. Errors: MALFORMED, LIMIT. */
static enum pv_err normalize(struct pv_bytes text, bool may_be_top, uint8_t memory[static PATH_BYTES_MAX],
                             struct pv_bytes *ret_path)
{
    struct pv_path path;
    struct pv_buf buf;
    size_t slashes = 0;
    while (slashes < text.n && text.p[slashes] == '/') slashes++;
    if (may_be_top && slashes == text.n) {
        *ret_path = pv_bytes("", 0);
        return PV_OK;
    }
    enum pv_err err = pv_path_from_text(text, &path);
    if (err) return err;
    pv_buf_init_fixed(&buf, memory, PATH_BYTES_MAX);
    pv_path_put_text(&buf, &path);
    if (!buf.err) *ret_path = pv_buf_bytes(&buf);
    return buf.err;
}

static enum pv_err walk(struct pv_sql *sql, const struct pv_names *names, pv_file_row_fn *row, void *context,
                        size_t *ret_count)
{
    struct pv_file_row file;
    *ret_count = 0;
    while (pv_sql_step(sql)) {
        pv_rows_file(sql, names, &file);
        ++*ret_count;
        if (!sql->err) sql->err = row(context, &file);
    }
    return pv_sql_end(sql);
}

enum pv_err pv_query_files(const struct pv_query *query, struct pv_bytes folder, pv_file_row_fn *row, void *context)
{
    uint8_t memory[PATH_BYTES_MAX], from[PATH_BYTES_MAX + 1], to[PATH_BYTES_MAX + 1];
    struct pv_bytes path;
    struct pv_view view;
    size_t count;
    enum pv_err err = normalize(folder, true, memory, &path);
    if (!err) err = pv_view_begin(query, true, &view);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(query->store, path.n ? select_folder : select_all);
    if (path.n) {
        memcpy(from, path.p, path.n);
        memcpy(to, path.p, path.n);
        from[path.n] = '/';
        to[path.n] = '/' + 1;
        pv_sql_bind_bytes(&sql, pv_bytes(from, path.n + 1));
        pv_sql_bind_bytes(&sql, pv_bytes(to, path.n + 1));
    }
    err = walk(&sql, &view.names, row, context, &count);
    pv_view_end(&view);
    return err;
}

static enum pv_err query_at(const struct pv_query *query, const struct pv_view *view, const char *text,
                            struct pv_bytes path, pv_file_row_fn *row, void *context)
{
    size_t count = 0;
    struct pv_sql sql = pv_sql_begin(query->store, text);
    pv_sql_bind_bytes(&sql, path);
    enum pv_err err = walk(&sql, &view->names, row, context, &count);
    return !err && count == 0 ? PV_ERR_NOT_FOUND : err;
}

enum pv_err pv_query_file(const struct pv_query *query, struct pv_bytes path_text, bool or_removed,
                          pv_file_row_fn *row, void *context)
{
    uint8_t memory[PATH_BYTES_MAX];
    struct pv_bytes path;
    struct pv_view view;
    enum pv_err err = normalize(path_text, false, memory, &path);
    if (!err) err = pv_view_begin(query, true, &view);
    if (err) return err;
    err = query_at(query, &view, select_holder, path, row, context);
    if (err == PV_ERR_NOT_FOUND && or_removed) err = query_at(query, &view, select_removed, path, row, context);
    pv_view_end(&view);
    return err;
}

/* ---- versions */

static enum pv_err take_index(void *context, const struct pv_file_row *file)
{
    *(uint64_t *)context = file->index;
    return PV_OK;
}

static void read_version(struct pv_sql *sql, const struct pv_names *names, uint64_t number,
                         struct pv_version_row *ret_version)
{
    struct pv_version_row version = {.number = number, .index = pv_sql_u64(sql, 0), .time_ms = pv_sql_u64(sql, 3)};
    version.pending = version.index >= PV_QUERY_PENDING_BASE;
    pv_sql_fixed(sql, 1, version.ref.author.b, sizeof version.ref.author.b);
    pv_sql_fixed(sql, 2, version.ref.write_id.b, sizeof version.ref.write_id.b);
    version.writer = pv_names_writer(names, &version.ref.author);
    pv_rows_encoded_file(sql, 4, &version.file);
    version.path = pv_sql_bytes(sql, 5);
    version.removed = pv_sql_u64(sql, 6) != 0;
    *ret_version = version;
}

static enum pv_err walk_versions(const struct pv_query *query, const struct pv_names *names,
                                 uint64_t head, pv_version_row_fn *row, void *context)
{
    struct pv_version_row version;
    uint64_t number = 0;
    struct pv_sql sql = pv_sql_begin(query->store,
                                     "SELECT v.idx, a.id, v.write_id, v.time, v.encoded, f.path, f.removed IS NOT NULL"
                                     " FROM version v JOIN author a ON a.no = v.author JOIN file f ON f.idx = v.file"
                                     " WHERE v.file = (SELECT file FROM version WHERE idx = ?) ORDER BY v.idx");
    pv_sql_bind_u64(&sql, head);
    while (pv_sql_step(&sql)) {
        read_version(&sql, names, ++number, &version);
        if (!sql.err) sql.err = row(context, &version);
    }
    return pv_sql_end(&sql);
}

enum pv_err pv_query_versions(const struct pv_query *query, struct pv_bytes path, pv_version_row_fn *row,
                              void *context)
{
    uint64_t head = 0;
    struct pv_view view;
    enum pv_err err = pv_view_begin(query, true, &view);
    if (err) return err;
    err = pv_query_file(query, path, true, take_index, &head); /* within the overlay begun here */
    if (!err) err = walk_versions(query, &view.names, head, row, context);
    pv_view_end(&view);
    return err;
}

enum pv_err pv_query_every_version(const struct pv_query *query, pv_version_row_fn *row, void *context)
{
    struct pv_version_row version;
    uint64_t number = 0, file = UINT64_MAX;
    struct pv_view view;
    enum pv_err err = pv_view_begin(query, true, &view);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(query->store, "SELECT v.idx, a.id, v.write_id, v.time, v.encoded, f.path, f.removed IS NOT NULL, f.idx"
                                                   " FROM version v JOIN author a ON a.no = v.author JOIN file f ON f.idx = v.file"
                                                   " ORDER BY f.idx, v.idx");
    while (pv_sql_step(&sql)) {
        number = pv_sql_u64(&sql, 7) == file ? number + 1 : 1;
        file = pv_sql_u64(&sql, 7);
        read_version(&sql, &view.names, number, &version);
        if (!sql.err) sql.err = row(context, &version);
    }
    err = pv_sql_end(&sql);
    pv_view_end(&view);
    return err;
}

enum pv_err pv_query_chunking(const struct pv_query *query, struct pv_chunking_secret *ret_secret)
{
    struct pv_chunking_secret secret = {{0}};
    struct pv_overlay overlay;
    enum pv_err err = pv_overlay_begin(query, &overlay);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(query->store, "SELECT secret FROM chunking ORDER BY idx LIMIT 1");
    if (pv_sql_step(&sql)) pv_sql_fixed(&sql, 0, secret.b, sizeof secret.b);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    err = pv_sql_end(&sql);
    pv_overlay_end(&overlay);
    if (!err) *ret_secret = secret;
    pv_wipe(&secret, sizeof secret);
    return err;
}

/* ---- JSON */

/* A listing: with `skip` at or above 0, what lies deeper than one name after it is told as its folder. */
struct listing {
    struct pv_json json;
    bool recursive;
    size_t skip; /* bytes of the listed folder and its slash */
    struct {
        uint8_t path[PATH_BYTES_MAX];
        size_t n; /* 0: none is open */
        uint64_t files, size_bytes, time_ms;
        bool pending;
    } folder;
};

static void end_folder(struct listing *listing)
{
    struct pv_json *json = &listing->json;
    if (listing->folder.n == 0) return;
    struct pv_bytes path = pv_bytes(listing->folder.path, listing->folder.n);
    pv_json_begin_object(json, NULL);
    pv_json_name(json, "id", pv_bytes(path.p, path.n + 1)); /* with its slash: no file has such an id */
    pv_json_string(json, "type", "folder");
    pv_json_name(json, "path", path);
    pv_json_name(json, "name", pv_bytes(path.p + listing->skip, path.n - listing->skip));
    pv_json_u64(json, "files", listing->folder.files);
    pv_json_u64(json, "size", listing->folder.size_bytes);
    pv_json_u64(json, "time", listing->folder.time_ms);
    pv_json_bool(json, "pending", listing->folder.pending);
    pv_json_end_object(json);
    listing->folder.n = 0;
}

static enum pv_err add_to_listing(void *context, const struct pv_file_row *file)
{
    struct listing *listing = context;
    const uint8_t *rest = file->path.p + listing->skip;
    const uint8_t *slash = listing->recursive ? NULL : memchr(rest, '/', file->path.n - listing->skip);
    size_t n = slash ? (size_t)(slash - file->path.p) : 0;
    if (listing->folder.n != n || (n && memcmp(listing->folder.path, file->path.p, n) != 0)) end_folder(listing);
    if (!slash) {
        pv_rows_file_json(&listing->json, file);
        return listing->json.out->err;
    }
    if (listing->folder.n == 0) {
        memset(&listing->folder, 0, sizeof listing->folder);
        memcpy(listing->folder.path, file->path.p, n + 1);
        listing->folder.n = n;
    }
    listing->folder.files++;
    listing->folder.size_bytes += file->file.size_bytes;
    if (file->time_ms > listing->folder.time_ms) listing->folder.time_ms = file->time_ms;
    listing->folder.pending = listing->folder.pending || file->pending;
    return listing->json.out->err;
}

enum pv_err pv_query_files_json(const struct pv_query *query, struct pv_bytes folder, bool recursive,
                                struct pv_buf *out)
{
    uint8_t memory[PATH_BYTES_MAX];
    struct listing listing = {.recursive = recursive};
    struct pv_bytes path;
    enum pv_err err = normalize(folder, true, memory, &path);
    if (err) return err;
    listing.skip = path.n ? path.n + 1 : 0;
    pv_json_init(&listing.json, out);
    pv_json_begin_object(&listing.json, NULL);
    pv_json_begin_array(&listing.json, "files");
    err = pv_query_files(query, folder, add_to_listing, &listing);
    end_folder(&listing);
    pv_json_end_array(&listing.json);
    pv_json_end_object(&listing.json);
    return err ? err : out->err;
}

static enum pv_err add_file_json(void *context, const struct pv_file_row *file)
{
    struct pv_json *json = context;
    pv_rows_file_json(json, file);
    return json->out->err;
}

enum pv_err pv_query_file_json(const struct pv_query *query, struct pv_bytes path, bool or_removed, struct pv_buf *out)
{
    struct pv_json json;
    pv_json_init(&json, out);
    return pv_query_file(query, path, or_removed, add_file_json, &json);
}

static enum pv_err add_version_json(void *context, const struct pv_version_row *version)
{
    struct pv_json *json = context;
    pv_json_begin_object(json, NULL);
    pv_json_hex(json, "id", PV_BYTES_OF(version->ref.write_id));
    pv_json_u64(json, "version", version->number);
    if (version->pending) pv_json_null(json, "index");
    else pv_json_u64(json, "index", version->index);
    pv_json_bool(json, "pending", version->pending);
    pv_json_u64(json, "time", version->time_ms);
    pv_writer_json(json, &version->writer);
    pv_rows_content_json(json, &version->file);
    pv_json_end_object(json);
    return json->out->err;
}

enum pv_err pv_query_versions_json(const struct pv_query *query, struct pv_bytes path, struct pv_buf *out)
{
    struct pv_json json;
    pv_json_init(&json, out);
    pv_json_begin_object(&json, NULL);
    pv_json_begin_array(&json, "versions");
    enum pv_err err = pv_query_versions(query, path, add_version_json, &json);
    pv_json_end_array(&json);
    pv_json_end_object(&json);
    return err ? err : out->err;
}
