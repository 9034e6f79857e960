/* Evidence files: writing and reading. */
#include "core/room/evidence.h"

#include <string.h>

#include "core/base/cbor.h"

static const char magic[] = "privity evidence";
enum { VERSION = 1, MAGIC_BYTES = sizeof magic - 1 };

bool pv_evidence_is(struct pv_bytes bytes)
{
    uint8_t head[PV_CBOR_HEAD_MAX];
    size_t n = pv_cbor_head(PV_CBOR_TEXT, MAGIC_BYTES, head); /* behind the array's, of one byte */
    return bytes.n > 1 + n + MAGIC_BYTES && memcmp(bytes.p + 1, head, n) == 0 && memcmp(bytes.p + 1 + n, magic, MAGIC_BYTES) == 0;
}

/* ---- writing */

static void put_proof(struct pv_buf *buf, const struct pv_merkle_proof *proof)
{
    pv_cbor_put_array(buf, proof->count);
    for (size_t i = 0; i < proof->count; i++) pv_cbor_put_hash(buf, &proof->hashes[i]);
}

static void put_part(struct pv_buf *buf, const struct pv_evidence_part *part)
{
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_bytes(buf, part->entry.p, part->entry.n);
    pv_cbor_put_bytes(buf, part->body.p, part->body.n);
}

static void put_tree(struct pv_buf *buf, const struct pv_evidence_tree *tree)
{
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_bytes(buf, tree->note.p, tree->note.n);
    if (!tree->is_part) {
        pv_cbor_put_null(buf);
        return;
    }
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_uint(buf, tree->size);
    pv_cbor_put_hash(buf, &tree->root);
    put_proof(buf, &tree->consistency);
}

static void put_path(struct pv_buf *buf, bool is_there, const struct pv_evidence_path *path)
{
    if (!is_there) {
        pv_cbor_put_null(buf);
        return;
    }
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_hash(buf, &path->leaf);
    put_proof(buf, &path->proof);
}

static void put_entry(struct pv_buf *buf, const struct pv_evidence_file *file)
{
    pv_cbor_put_array(buf, 8);
    pv_cbor_put_uint(buf, PV_EVIDENCE_ENTRY);
    put_tree(buf, &file->tree);
    pv_cbor_put_uint(buf, file->index);
    put_proof(buf, &file->inclusion);
    pv_cbor_put_bytes(buf, file->entry.p, file->entry.n);
    if (file->has_device) pv_device_put(buf, &file->device);
    else pv_cbor_put_null(buf);
    if (file->has_body) pv_cbor_put_bytes(buf, file->body.p, file->body.n);
    else pv_cbor_put_null(buf);
    put_path(buf, file->has_path, &file->path);
}

static void put_claim(struct pv_buf *buf, const struct pv_evidence_file *file)
{
    switch (file->type) {
    case PV_EVIDENCE_NOTES:
        pv_cbor_put_array(buf, 4);
        pv_cbor_put_uint(buf, PV_EVIDENCE_NOTES);
        pv_cbor_put_bytes(buf, file->note.p, file->note.n);
        put_tree(buf, &file->tree);
        put_path(buf, file->has_path, &file->path);
        return;
    case PV_EVIDENCE_ENTRY:
        put_entry(buf, file);
        return;
    case PV_EVIDENCE_SHOWN:
        pv_cbor_put_array(buf, 3);
        pv_cbor_put_uint(buf, PV_EVIDENCE_SHOWN);
        pv_cbor_put_text(buf, (const char *)file->what.p, file->what.n);
        pv_cbor_put_bytes(buf, file->shown.p, file->shown.n);
        return;
    }
}

enum pv_err pv_evidence_put(struct pv_buf *buf, const struct pv_evidence_file *file)
{
    size_t begin = buf->n;
    if (!file->has_genesis && file->type != PV_EVIDENCE_SHOWN) return PV_ERR_MALFORMED;
    pv_cbor_put_array(buf, 7);
    pv_cbor_put_text(buf, magic, MAGIC_BYTES);
    pv_cbor_put_uint(buf, VERSION);
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, file->told_ms);
    pv_cbor_put_text(buf, (const char *)file->told.p, file->told.n);
    pv_cbor_put_hash(buf, &file->room);
    if (file->has_genesis) put_part(buf, &file->genesis);
    else pv_cbor_put_null(buf);
    pv_cbor_put_array(buf, file->change_count);
    for (size_t i = 0; i < file->change_count; i++) put_part(buf, &file->changes[i]);
    put_claim(buf, file);
    return !buf->err && buf->n - begin > PV_LIMIT_EVIDENCE_BYTES ? PV_ERR_LIMIT : buf->err;
}

/* ---- reading */

static void get_proof(struct pv_cbor *in, struct pv_merkle_proof *ret_proof)
{
    ret_proof->count = pv_cbor_get_array(in, PV_LIMIT_PROOF_HASHES);
    for (size_t i = 0; i < ret_proof->count; i++) pv_cbor_get_hash(in, &ret_proof->hashes[i]);
}

static void get_part(struct pv_cbor *in, struct pv_evidence_part *ret_part)
{
    pv_cbor_get_array_of(in, 2);
    ret_part->entry = pv_cbor_get_bytes(in, PV_LIMIT_ENTRY_BYTES);
    ret_part->body = pv_cbor_get_bytes(in, PV_LIMIT_BODY_BYTES);
}

static void get_tree(struct pv_cbor *in, struct pv_evidence_tree *ret_tree)
{
    pv_cbor_get_array_of(in, 2);
    ret_tree->note = pv_cbor_get_bytes(in, PV_LIMIT_NOTE_BYTES);
    ret_tree->is_part = !pv_cbor_take_null(in);
    if (!ret_tree->is_part) return;
    pv_cbor_get_array_of(in, 3);
    ret_tree->size = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &ret_tree->root);
    get_proof(in, &ret_tree->consistency);
}

static bool get_path(struct pv_cbor *in, struct pv_evidence_path *ret_path)
{
    if (pv_cbor_take_null(in)) return false;
    pv_cbor_get_array_of(in, 2);
    pv_cbor_get_hash(in, &ret_path->leaf);
    get_proof(in, &ret_path->proof);
    return true;
}

static void get_entry(struct pv_cbor *in, struct pv_evidence_file *file)
{
    get_tree(in, &file->tree);
    file->index = pv_cbor_get_uint(in, PV_LIMIT_N);
    get_proof(in, &file->inclusion);
    file->entry = pv_cbor_get_bytes(in, PV_LIMIT_ENTRY_BYTES);
    file->has_device = !pv_cbor_take_null(in);
    if (file->has_device) pv_device_get(in, &file->device);
    file->has_body = !pv_cbor_take_null(in);
    if (file->has_body) file->body = pv_cbor_get_bytes(in, PV_LIMIT_BODY_BYTES);
    file->has_path = get_path(in, &file->path);
}

static void get_claim(struct pv_cbor *in, struct pv_evidence_file *file)
{
    static const size_t fields[] = {[PV_EVIDENCE_NOTES] = 4, [PV_EVIDENCE_ENTRY] = 8, [PV_EVIDENCE_SHOWN] = 3};
    size_t count = pv_cbor_get_array(in, 16);
    uint64_t type = pv_cbor_get_uint(in, PV_LIMIT_N);
    if (!in->err && type > PV_EVIDENCE_SHOWN) pv_cbor_fail(in, PV_ERR_UNSUPPORTED);
    if (in->err) return;
    file->type = (enum pv_evidence_type)type;
    if (count != fields[type] || (!file->has_genesis && type != PV_EVIDENCE_SHOWN)) pv_cbor_fail(in, PV_ERR_MALFORMED);
    switch (file->type) {
    case PV_EVIDENCE_NOTES:
        file->note = pv_cbor_get_bytes(in, PV_LIMIT_NOTE_BYTES);
        get_tree(in, &file->tree);
        file->has_path = get_path(in, &file->path);
        return;
    case PV_EVIDENCE_ENTRY:
        get_entry(in, file);
        return;
    case PV_EVIDENCE_SHOWN:
        file->what = pv_cbor_get_text(in, PV_LIMIT_EVIDENCE_WHAT_BYTES);
        file->shown = pv_cbor_get_bytes(in, PV_LIMIT_EVIDENCE_SHOWN_BYTES);
        return;
    }
}

enum pv_err pv_evidence_read(struct pv_bytes bytes, struct pv_evidence_file *ret_file)
{
    struct pv_cbor in;
    struct pv_evidence_file file = {.type = PV_EVIDENCE_SHOWN};
    if (bytes.n > PV_LIMIT_EVIDENCE_BYTES) return PV_ERR_LIMIT;
    if (!pv_evidence_is(bytes)) return PV_ERR_MALFORMED;
    pv_cbor_init(&in, bytes);
    size_t count = pv_cbor_get_array(&in, 16);
    (void)pv_cbor_get_text(&in, MAGIC_BYTES);
    uint64_t version = pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (!in.err && version != VERSION) return PV_ERR_UNSUPPORTED;
    if (count != 7) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    pv_cbor_get_array_of(&in, 2);
    file.told_ms = pv_cbor_get_uint(&in, PV_LIMIT_N);
    file.told = pv_cbor_get_text(&in, PV_LIMIT_EVIDENCE_TOLD_BYTES);
    pv_cbor_get_hash(&in, &file.room);
    file.has_genesis = !pv_cbor_take_null(&in);
    if (file.has_genesis) get_part(&in, &file.genesis);
    file.change_count = pv_cbor_get_array(&in, PV_LIMIT_EVIDENCE_CHANGES);
    for (size_t i = 0; i < file.change_count; i++) get_part(&in, &file.changes[i]);
    if (!in.err) get_claim(&in, &file);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_file = file;
    return err;
}
