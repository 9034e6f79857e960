/* Finding blobs by what they are called in the blob store, and giving them rows. */
#include "server/survivors.h"

#include "core/base/cbor.h"

enum { AT_ONCE = 256, PART_BYTES = 1 << 20 };

void pv_blob_name(const struct pv_hash *room, const struct pv_id16 *name, struct pv_id16 *ret_name)
{
    struct pv_sha256 sha;
    struct pv_hash hash;
    pv_hash_begin(&sha, "blob-name");
    pv_sha256_put_bytes(&sha, room->b, sizeof room->b);
    pv_sha256_put_bytes(&sha, name->b, sizeof name->b);
    pv_sha256_final(&sha, &hash);
    for (size_t i = 0; i < sizeof ret_name->b; i++) ret_name->b[i] = hash.b[i];
}

enum pv_err pv_blob_stands(struct pv_blobs *blobs, const struct pv_id16 *locator, bool *ret_stands)
{
    struct pv_buf nothing;
    pv_buf_init(&nothing, 1);
    enum pv_err err = blobs->ops->read(blobs, locator, 0, 0, &nothing);
    pv_buf_release(&nothing);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    *ret_stands = !err;
    return PV_OK;
}

/* Blobs are short enough to be read to find their length. */
static enum pv_err measure(struct pv_blobs *blobs, struct pv_meta_blob *blob)
{
    struct pv_sha256 sha;
    struct pv_buf part;
    size_t step = PART_BYTES;
    enum pv_err err = PV_OK;
    pv_sha256_init(&sha);
    pv_buf_init(&part, PART_BYTES);
    blob->size_bytes = 0;
    while (step && !err && blob->size_bytes <= PV_LIMIT_BLOB_BYTES) {
        pv_buf_clear(&part);
        err = blobs->ops->read(blobs, &blob->locator, blob->size_bytes, step, &part);
        if (err == PV_ERR_TRUNCATED) { /* so many are not left */
            step /= 2;
            err = PV_OK;
        } else if (!err) {
            pv_sha256_update(&sha, part.p, part.n);
            blob->size_bytes += part.n;
        }
    }
    pv_buf_release(&part);
    pv_sha256_final(&sha, &blob->sha256);
    if (!err && (blob->size_bytes == 0 || blob->size_bytes > PV_LIMIT_BLOB_BYTES)) err = PV_ERR_NOT_FOUND; /* no blob of ours */
    return err;
}

enum pv_err pv_survivor_adopt(struct pv_server *server, const struct pv_meta_room *room, const struct pv_id16 *name,
                              struct pv_meta_blob *ret_blob)
{
    struct pv_meta_blob blob = {.name = *name};
    struct pv_id16 called;
    pv_blob_name(&room->id, name, &called);
    pv_random_fill(&server->random, blob.locator.b, sizeof blob.locator.b);
    enum pv_err err = server->blobs->ops->find(server->blobs, &called, &blob.locator);
    if (err) return err;
    err = measure(server->blobs, &blob);
    if (!err) err = server->meta->ops->blob_put(server->meta, room->no, &blob, pv_server_now_ms(server));
    if (err) {
        enum pv_err removed = server->blobs->ops->remove(server->blobs, &blob.locator);
        (void)removed; /* swept later, if not now */
    }
    if (err == PV_ERR_CONFLICT) err = server->meta->ops->blob(server->meta, room->no, name, &blob); /* another was first */
    if (!err) *ret_blob = blob;
    return err;
}

enum pv_err pv_survivors_adopt(struct pv_server *server, uint64_t *ret_adopted)
{
    struct pv_meta_lost lost[AT_ONCE], after = {.room.no = 0};
    size_t count = AT_ONCE;
    enum pv_err err = PV_OK;
    while (!err && count == AT_ONCE) {
        err = server->meta->ops->lost_refs(server->meta, &after, AT_ONCE, lost, &count);
        for (size_t i = 0; i < count && !err; i++) {
            struct pv_meta_blob blob;
            err = pv_survivor_adopt(server, &lost[i].room, &lost[i].name, &blob);
            if (!err) ++*ret_adopted;
            if (err == PV_ERR_NOT_FOUND) err = PV_OK;
            after = lost[i];
        }
    }
    return err;
}
