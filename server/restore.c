/* POST /v1/rooms/{room}/restore: what a device has of a room that came from a backup. */
#include "server/append.h"
#include "server/limits.h"

enum { TAIL_ENTRIES = 16384 };

static bool refuse(struct pv_web_response *response, enum pv_err err, const char *reason, const char *detail)
{
    pv_problem(response, err, reason, "%s", detail);
    return false;
}

/* Whose it is and how it was judged is shown by the tree; here, that each part is the one that the entry names. */
static bool prepare_item(struct pv_prepared *item, struct pv_web_response *response)
{
    struct pv_hash hash;
    size_t count;
    bool has_body = item->bundle.body.p != NULL;
    enum pv_err err = pv_entry_read(item->bundle.entry, &item->entry);
    if (err) return refuse(response, err, "entry", "the entry is not of its form");
    pv_entry_leaf(item->bundle.entry, &item->leaf);
    bool dropped = !has_body && pv_kind_is_sealed(item->entry.header.kind) && pv_refs_are_dropped(item->bundle.refs);
    if (!dropped && pv_refs_check(item->bundle.refs, &count)) return refuse(response, PV_ERR_MALFORMED, "refs", "the list of refs is not of its form");
    pv_refs_hash(item->bundle.refs, &hash);
    if (!dropped && !pv_hash_equal(&hash, &item->entry.header.refs_hash)) /* they went with a forgotten body */
        return refuse(response, PV_ERR_BROKEN_CHAIN, "refs", "the refs are not those that the entry names");
    if (has_body) pv_body_hash(item->bundle.body, &hash);
    if (has_body ? pv_hash_equal(&hash, &item->entry.header.body_hash) : pv_kind_is_sealed(item->entry.header.kind)) return true;
    return refuse(response, PV_ERR_BROKEN_CHAIN, "body", "the body is not the one that the entry names");
}

static bool prepare_all(struct pv_job *job, struct pv_cbor *in, struct pv_web_response *response)
{
    for (size_t i = 0; i < job->count; i++) {
        struct pv_bundle *bundle = &job->items[i].bundle;
        pv_cbor_get_array_of(in, 3);
        bundle->entry = pv_cbor_get_bytes(in, PV_LIMIT_ENTRY_BYTES);
        bundle->refs = pv_cbor_get_item(in);
        if (!pv_cbor_take_null(in)) bundle->body = pv_cbor_get_bytes(in, PV_LIMIT_BODY_BYTES);
        if (in->err) break;
        if (!prepare_item(&job->items[i], response)) return false;
    }
    enum pv_err err = pv_cbor_finish(in);
    return !err || refuse(response, err, NULL, "the body is not [note, from, go on, [[entry, refs, body or null], …]]");
}

void pv_restore_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_cbor in;
    struct pv_job *job;
    if (!pv_limits_bytes(server, &request->session, request->body.n, response)) return;
    pv_cbor_init(&in, request->body);
    pv_cbor_get_array_of(&in, 4);
    struct pv_bytes note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
    uint64_t from = pv_cbor_get_uint(&in, PV_LIMIT_N);
    bool go_on = pv_cbor_get_bool(&in);
    size_t count = pv_cbor_get_array(&in, TAIL_ENTRIES);
    enum pv_err err = in.err ? in.err : pv_job_new(PV_JOB_RESTORE, count, &job);
    if (err) {
        refuse(response, err, NULL, "the body is not [note, from, go on, [[entry, refs, body or null], …]]");
        return;
    }
    job->room = request->room;
    job->author = request->session.device_id;
    job->note = note;
    job->from = from;
    job->go_on = go_on;
    job->founds = true; /* it may be a room that the backup does not know */
    if (prepare_all(job, &in, response)) response->job = job;
    else pv_job_free(job);
}
