/* Paths of files in a room. */
#include "core/file/path.h"

#include <string.h>

static bool name_is_valid(struct pv_bytes name)
{
    if (name.n == 0 || memchr(name.p, '/', name.n) || memchr(name.p, '\0', name.n)) return false;
    return !(name.p[0] == '.' && (name.n == 1 || (name.n == 2 && name.p[1] == '.')));
}

enum pv_err pv_path_check(const struct pv_path *path)
{
    size_t total = 0;
    if (path->part_count == 0) return PV_ERR_MALFORMED;
    if (path->part_count > PV_LIMIT_PATH_PARTS) return PV_ERR_LIMIT;
    for (size_t i = 0; i < path->part_count; i++) {
        if (path->parts[i].n > PV_LIMIT_PATH_BYTES - total) return PV_ERR_LIMIT;
        total += path->parts[i].n;
        if (!name_is_valid(path->parts[i])) return PV_ERR_MALFORMED;
    }
    return PV_OK;
}

enum pv_err pv_path_from_text(struct pv_bytes text, struct pv_path *ret_path)
{
    struct pv_path path = {0};
    for (size_t at = 0; at < text.n;) {
        const uint8_t *slash = memchr(text.p + at, '/', text.n - at);
        size_t end = slash ? (size_t)(slash - text.p) : text.n;
        if (end > at) {
            if (path.part_count == PV_LIMIT_PATH_PARTS) return PV_ERR_LIMIT;
            path.parts[path.part_count++] = pv_bytes(text.p + at, end - at);
        }
        at = end + 1;
    }
    enum pv_err err = pv_path_check(&path);
    if (!err) *ret_path = path;
    return err;
}

void pv_path_put_text(struct pv_buf *buf, const struct pv_path *path)
{
    for (size_t i = 0; i < path->part_count; i++) {
        if (i) pv_buf_append_byte(buf, '/');
        pv_buf_append(buf, path->parts[i].p, path->parts[i].n);
    }
}

void pv_path_put(struct pv_buf *buf, const struct pv_path *path)
{
    enum pv_err err = pv_path_check(path);
    if (err) {
        if (!buf->err) buf->err = err;
        return;
    }
    pv_cbor_put_array(buf, path->part_count);
    for (size_t i = 0; i < path->part_count; i++) pv_cbor_put_bytes(buf, path->parts[i].p, path->parts[i].n);
}

void pv_path_get(struct pv_cbor *in, struct pv_path *ret_path)
{
    struct pv_path path = {0};
    path.part_count = pv_cbor_get_array(in, PV_LIMIT_PATH_PARTS);
    for (size_t i = 0; i < path.part_count; i++) path.parts[i] = pv_cbor_get_bytes(in, PV_LIMIT_PATH_BYTES);
    if (in->err) return;
    enum pv_err err = pv_path_check(&path);
    if (err) pv_cbor_fail(in, err);
    else *ret_path = path;
}
