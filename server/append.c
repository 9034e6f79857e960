/* Appends: reading bundles, checking what needs no room, handing them to the committer. */
#include "server/append.h"

#include <stdlib.h>
#include <string.h>

#include "server/limits.h"

static void refuse(struct pv_web_response *response, enum pv_err err, const char *reason, const char *detail)
{
    pv_problem(response, err, reason, "%s", detail);
}

/* ---- what lies beside */

static enum pv_err hash_wraps(struct pv_kept_beside *kept)
{
    const struct pv_beside *beside = &kept->beside;
    struct pv_merkle_edge edge = {0};
    kept->leaves = malloc(((size_t)pv_merkle_stored_count(beside->wrap_count) + 64) * sizeof *kept->leaves);
    if (!kept->leaves) return PV_ERR_NOMEM;
    for (size_t i = 0; i < beside->wrap_count; i++) {
        struct pv_hash leaf, fresh[64];
        size_t count;
        pv_merkle_leaf(beside->wraps[i], &leaf);
        pv_merkle_append(&edge, &leaf, fresh, &count);
        memcpy(kept->leaves + kept->leaf_count, fresh, count * sizeof *fresh);
        kept->leaf_count += count;
    }
    return PV_OK;
}

/* The encoded second item of [kem keys, links, wraps]. */
static struct pv_bytes links_of(struct pv_bytes beside)
{
    struct pv_cbor in;
    pv_cbor_init(&in, beside);
    pv_cbor_get_array_of(&in, 3);
    pv_cbor_get_item(&in);
    return pv_cbor_get_item(&in);
}

static enum pv_err keep_beside(struct pv_prepared *item)
{
    struct pv_bytes bytes = item->bundle.beside;
    struct pv_kept_beside *kept = calloc(1, sizeof *kept);
    if (!kept) return PV_ERR_NOMEM;
    enum pv_err err = pv_beside_read(bytes, &kept->beside);
    if (err) {
        free(kept);
        return err;
    }
    item->kept = kept; /* the job's from now on */
    kept->links = links_of(bytes);
    for (size_t i = 0; i < kept->beside.kem_key_count; i++) {
        struct pv_kem_pk key;
        memcpy(key.b, kept->beside.kem_keys[i].p, sizeof key.b);
        pv_kem_hash(&key, &kept->kem_hashes[i]);
    }
    return hash_wraps(kept);
}

/* ---- one bundle */

static bool check_hashes(const struct pv_prepared *item, struct pv_web_response *response)
{
    struct pv_hash hash;
    size_t count;
    pv_body_hash(item->bundle.body, &hash);
    if (!pv_hash_equal(&hash, &item->entry.header.body_hash)) {
        refuse(response, PV_ERR_BROKEN_CHAIN, "body", "the body is not the one that the entry names");
        return false;
    }
    if (pv_refs_check(item->bundle.refs, &count)) {
        refuse(response, PV_ERR_MALFORMED, "refs", "the list of refs is not of its form");
        return false;
    }
    pv_refs_hash(item->bundle.refs, &hash);
    if (pv_hash_equal(&hash, &item->entry.header.refs_hash)) return true;
    refuse(response, PV_ERR_BROKEN_CHAIN, "refs", "the refs are not those that the entry names");
    return false;
}

static bool check_author(const struct pv_meta_session *session, const struct pv_prepared *item,
                         struct pv_web_response *response)
{
    const struct pv_header *header = &item->entry.header;
    if (header->kind == PV_KIND_SERVER || !pv_hash_equal(&header->author, &session->device_id)) {
        refuse(response, PV_ERR_DENIED, "author", "the entry is not by the session's device");
        return false;
    }
    if (!pv_entry_verify(&item->entry, &session->device.sign_pk)) return true;
    refuse(response, PV_ERR_BAD_SIG, "signature", "the entry's signature does not verify");
    return false;
}

static bool prepare_item(const struct pv_meta_session *session, struct pv_prepared *item,
                         struct pv_web_response *response)
{
    static const uint8_t nothing[] = {0x83, 0x80, 0x80, 0x80};
    enum pv_err err = pv_entry_read(item->bundle.entry, &item->entry);
    if (err) {
        refuse(response, err, "entry", "the entry is not of its form");
        return false;
    }
    if (item->bundle.body.n > PV_LIMIT_BODY_BYTES) {
        refuse(response, PV_ERR_LIMIT, "body", "the body is too long");
        return false;
    }
    pv_entry_leaf(item->bundle.entry, &item->leaf);
    if (!check_hashes(item, response) || !check_author(session, item, response)) return false;
    err = pv_beside_check(item->entry.header.kind, item->bundle.body, item->bundle.beside);
    if (!err && !pv_bytes_equal(item->bundle.beside, pv_bytes(nothing, sizeof nothing))) err = keep_beside(item);
    if (!err) return true;
    if (err == PV_ERR_NOMEM) refuse(response, err, NULL, pv_err_text(err));
    else if (err == PV_ERR_UNSUPPORTED) refuse(response, err, "body", "this server does not know entries of this type");
    else refuse(response, err, "beside", "what lies beside the entry is not what its body names, or the body is malformed");
    return false;
}

static bool prepare_all(const struct pv_meta_session *session, struct pv_job *job, struct pv_cbor *in,
                        struct pv_web_response *response)
{
    for (size_t i = 0; i < job->count; i++) {
        pv_bundle_get(in, &job->items[i].bundle);
        if (in->err) break;
        if (!prepare_item(session, &job->items[i], response)) return false;
    }
    enum pv_err err = pv_cbor_finish(in);
    if (err) refuse(response, err, NULL, "the body is not an array of bundles");
    return err == PV_OK;
}

struct pv_job *pv_append_prepare(const struct pv_meta_session *session, const struct pv_hash *room,
                                 struct pv_bytes body, struct pv_web_response *response)
{
    struct pv_cbor in;
    struct pv_job *job;
    pv_cbor_init(&in, body);
    size_t count = pv_cbor_get_array(&in, PV_LIMIT_BATCH_ENTRIES);
    if (in.err || count == 0) {
        refuse(response, in.err ? in.err : PV_ERR_MALFORMED, NULL, "the body is not an array of 1 to 256 bundles");
        return NULL;
    }
    enum pv_err err = pv_job_new(PV_JOB_APPEND, count, &job);
    if (err) {
        pv_problem_of(response, err);
        return NULL;
    }
    job->author = session->device_id;
    if (!prepare_all(session, job, &in, response)) {
        pv_job_free(job);
        return NULL;
    }
    job->founds = room == NULL;
    if (room) job->room = *room;
    else pv_entry_room_id(job->items[0].bundle.entry, &job->room);
    return job;
}

/* ---- POST /v1/rooms/{room}/entries */

void pv_entries_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    bool paid = pv_limits_pay(server, &request->session, request->body.n);
    response->job = pv_append_prepare(&request->session, &request->room, request->body, response);
    if (response->job) response->job->is_unpaid = !paid;
}
