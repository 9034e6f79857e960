/* Blobs: written once under their name, read whole or in ranges. */
#include <stdio.h>
#include <string.h>

#include "server/metrics.h"
#include "server/survivors.h"

enum { ASKED_MAX = 1024 };

/* The name is taken. The same bytes are welcome, also where the store has lost those that stood there. */
static enum pv_err put_again(struct pv_server *server, struct pv_web_request *request, const struct pv_meta_blob *ours,
                             const struct pv_meta_blob *there, struct pv_web_response *response)
{
    bool stands;
    if (!pv_hash_equal(&there->sha256, &ours->sha256) || there->size_bytes != ours->size_bytes) {
        pv_problem(response, PV_ERR_CONFLICT, "blob", "other bytes stand under this name");
        return PV_OK;
    }
    enum pv_err err = pv_blob_stands(server->blobs, &there->locator, &stands);
    if (!err && !stands && request->upload) {
        struct pv_blob_writer *writer = request->upload;
        request->upload = NULL;
        err = server->blobs->ops->commit_as(writer, &there->locator);
        if (err == PV_ERR_CONFLICT) err = PV_OK;
    }
    if (!err) response->status = 200;
    return err;
}

static enum pv_err put_new(struct pv_server *server, struct pv_web_request *request, struct pv_meta_blob *blob,
                           struct pv_web_response *response)
{
    struct pv_blob_writer *writer = request->upload;
    struct pv_meta_blob there;
    struct pv_id16 called;
    request->upload = NULL; /* commit frees it in any case */
    enum pv_err err = server->blobs->ops->commit(writer);
    if (err) return err;
    pv_blob_name(&request->room_row.id, &blob->name, &called);
    enum pv_err named = server->blobs->ops->name(server->blobs, &blob->locator, &called);
    (void)named; /* it only helps should the metadata be lost */
    err = server->meta->ops->blob_put(server->meta, request->room_row.no, blob, pv_server_now_ms(server));
    if (!err) response->status = 201;
    if (err != PV_ERR_CONFLICT) return err;
    enum pv_err removed = server->blobs->ops->remove(server->blobs, &blob->locator); /* another came first */
    (void)removed; /* collected later, if not now */
    err = server->meta->ops->blob(server->meta, request->room_row.no, &blob->name, &there);
    return err ? err : put_again(server, request, blob, &there, response);
}

void pv_blob_put(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta_blob blob = {.name = request->id, .locator = request->upload_locator, .size_bytes = request->upload_bytes};
    struct pv_meta_blob there;
    if (request->upload_bytes == 0) {
        pv_problem(response, PV_ERR_MALFORMED, "blob", "a blob is not empty");
        return;
    }
    pv_sha256_final(request->upload_hash, &blob.sha256);
    enum pv_err err = request->upload_err;
    if (!err) err = server->meta->ops->blob(server->meta, request->room_row.no, &blob.name, &there);
    if (err == PV_ERR_NOT_FOUND) err = pv_survivor_adopt(server, &request->room_row, &blob.name, &there); /* nor do others' bytes take its place */
    if (!err) err = put_again(server, request, &blob, &there, response);
    else if (err == PV_ERR_NOT_FOUND) err = put_new(server, request, &blob, response);
    if (err == PV_ERR_FULL) pv_problem(response, err, NULL, "the server's disk is full; nothing was taken");
    else if (err) pv_problem_of(response, err);
    if (!err) PV_METRIC_ADD(server->metrics, blobs_in_bytes, blob.size_bytes);
}

/* ---- reading */

enum range { RANGE_NONE, RANGE_SOME, RANGE_OUTSIDE };

static bool take_number(const char **text, uint64_t *ret_value)
{
    char digits[20];
    size_t n = strspn(*text, "0123456789");
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, *text, n);
    digits[n] = 0;
    *text += n;
    return pv_parse_uint(digits, PV_LIMIT_N, ret_value) == PV_OK;
}

/* One range of RFC 9110 §14.1.2; several, or none that we understand, mean the whole. */
static enum range read_range(const char *text, uint64_t size, uint64_t *ret_offset, uint64_t *ret_length)
{
    uint64_t first, last = size - 1;
    if (!text || strncmp(text, "bytes=", 6) != 0) return RANGE_NONE;
    text += 6;
    if (*text == '-') {
        text++;
        if (!take_number(&text, &last) || *text) return RANGE_NONE;
        if (last == 0) return RANGE_OUTSIDE;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else {
        if (!take_number(&text, &first) || *text++ != '-') return RANGE_NONE;
        if (*text && (!take_number(&text, &last) || *text || last < first)) return RANGE_NONE;
        if (last >= size) last = size - 1;
        if (first >= size) return RANGE_OUTSIDE;
    }
    *ret_offset = first;
    *ret_length = last - first + 1;
    return RANGE_SOME;
}

void pv_blob_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta_blob blob;
    enum pv_err err = server->meta->ops->blob(server->meta, request->room_row.no, &request->id, &blob);
    if (err == PV_ERR_NOT_FOUND) err = pv_survivor_adopt(server, &request->room_row, &request->id, &blob);
    if (err) {
        if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, NULL, "no such blob");
        else pv_problem_of(response, err);
        return;
    }
    response->is_blob = true;
    response->locator = blob.locator;
    response->total = response->length = blob.size_bytes;
    response->status = 200;
    response->type = PV_TYPE_BYTES;
    switch (read_range(request->header(request->driver, "Range"), blob.size_bytes, &response->offset, &response->length)) {
    case RANGE_NONE: break;
    case RANGE_SOME:
        response->has_range = true;
        response->status = 206;
        break;
    case RANGE_OUTSIDE:
        pv_problem_status(response, 416, PV_ERR_USAGE, "range", "the blob has %llu bytes", (unsigned long long)blob.size_bytes);
        return;
    }
    PV_METRIC_ADD(server->metrics, blobs_out_bytes, response->length);
}

void pv_blobs_exist_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_cbor in;
    pv_cbor_init(&in, request->body);
    size_t count = pv_cbor_get_array(&in, ASKED_MAX);
    pv_cbor_put_array(&response->body, count);
    for (size_t i = 0; i < count && !in.err; i++) {
        struct pv_id16 name;
        struct pv_meta_blob blob;
        pv_cbor_get_id16(&in, &name);
        enum pv_err err = in.err ? PV_OK : server->meta->ops->blob(server->meta, request->room_row.no, &name, &blob);
        if (err == PV_ERR_NOT_FOUND) err = pv_survivor_adopt(server, &request->room_row, &name, &blob);
        bool stands = false;
        if (!err && !in.err) err = pv_blob_stands(server->blobs, &blob.locator, &stands);
        if (err && err != PV_ERR_NOT_FOUND) {
            pv_problem_of(response, err);
            return;
        }
        pv_cbor_put_bool(&response->body, !err && stands);
    }
    enum pv_err err = pv_cbor_finish(&in);
    if (err) pv_problem(response, err, NULL, "the body is not an array of up to 1024 names");
    else pv_answer(response, PV_TYPE_CBOR);
}
