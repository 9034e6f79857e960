/* What lies beside entries, piece by piece: wraps with their proofs, links, KEM keys. */
#include <string.h>

#include "core/room/epoch.h"
#include "server/limits.h"

enum { ASKED_MAX = 1024, GIVEN_MAX = 1 };

#define LEAVES_BYTES_MAX ((size_t)PV_LIMIT_WRAPS * 2 * sizeof(struct pv_hash))

static enum pv_err read_leaves(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    const struct pv_buf *leaves = context;
    uint64_t have = leaves->n / sizeof *ret_hashes;
    if (at > have || count > have - at) return PV_ERR_CORRUPT;
    memcpy(ret_hashes, leaves->p + at * sizeof *ret_hashes, count * sizeof *ret_hashes);
    return PV_OK;
}

void pv_wrap_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_meta *meta = server->meta;
    struct pv_buf wrap, leaves, *body = &response->body;
    struct pv_merkle_proof proof = {.count = 0};
    struct pv_merkle_reader reader = {read_leaves, &leaves};
    uint64_t count = 0;
    pv_buf_init(&wrap, PV_WRAP_BYTES);
    pv_buf_init(&leaves, LEAVES_BYTES_MAX);
    enum pv_err err = meta->ops->wrap(meta, request->room_row.no, request->index, request->i, &wrap, &count, &leaves);
    if (!err) err = pv_merkle_prove_inclusion(&reader, request->i, count, &proof);
    if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, NULL, "no such wrap");
    else if (err) pv_problem_of(response, err);
    if (!err) {
        pv_cbor_put_array(body, 3);
        pv_cbor_put_bytes(body, wrap.p, wrap.n);
        pv_cbor_put_uint(body, count);
        pv_cbor_put_array(body, proof.count);
        for (size_t i = 0; i < proof.count; i++) pv_cbor_put_hash(body, &proof.hashes[i]);
        pv_answer(response, PV_TYPE_CBOR);
    }
    pv_buf_release(&wrap);
    pv_buf_release(&leaves);
}

void pv_links_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    enum pv_err err = server->meta->ops->links(server->meta, request->room_row.no, request->index, &response->body);
    if (err == PV_ERR_NOT_FOUND) pv_problem(response, err, NULL, "nothing lies beside that entry");
    else if (err) pv_problem_of(response, err);
    else pv_answer(response, PV_TYPE_CBOR);
}

/* The key that a hash names; false: the answer is a problem. */
static bool look_up(struct pv_server *server, struct pv_web_request *request, const struct pv_hash *hash, struct pv_web_response *response)
{
    struct pv_kem_pk key;
    enum pv_err err = server->meta->ops->kem_key(server->meta, request->room_row.no, hash, &key);
    if (err && err != PV_ERR_NOT_FOUND) {
        pv_problem_of(response, err);
        return false;
    }
    if (err) pv_cbor_put_null(&response->body);
    else pv_cbor_put_bytes(&response->body, key.b, sizeof key.b);
    return true;
}

/* A member gives a key back that went with what lay beside its entry, when the server was restored. It is found by its
 * hash alone, so a wrong one serves nobody. */
static bool take_back(struct pv_server *server, struct pv_web_request *request, struct pv_bytes bytes, struct pv_web_response *response)
{
    struct pv_kem_pk key;
    struct pv_hash hash;
    if (request->access < PV_ACCESS_VIEWER || request->is_ticket) {
        pv_problem(response, PV_ERR_DENIED, "role", "only a device of the room gives keys");
        return false;
    }
    if (!pv_limits_bytes(server, &request->session, bytes.n, response)) return false;
    memcpy(key.b, bytes.p, sizeof key.b);
    pv_kem_hash(&key, &hash);
    enum pv_err err = server->meta->ops->kem_put(server->meta, request->room_row.no, &hash, &key);
    if (err) pv_problem_of(response, err);
    else pv_cbor_put_null(&response->body);
    return !err;
}

void pv_kem_post(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_cbor in;
    pv_cbor_init(&in, request->body);
    size_t count = pv_cbor_get_array(&in, ASKED_MAX), given = 0;
    pv_cbor_put_array(&response->body, count);
    for (size_t i = 0; i < count && !in.err; i++) {
        struct pv_hash hash;
        struct pv_bytes item = pv_cbor_get_bytes(&in, PV_KEM_PK_BYTES);
        bool gives = item.n == PV_KEM_PK_BYTES && ++given <= GIVEN_MAX;
        if (in.err || (item.n != sizeof hash.b && !gives)) {
            pv_problem(response, PV_ERR_MALFORMED, NULL, "the body is not an array of up to 1024 hashes, or of a key");
            return;
        }
        if (!gives) memcpy(hash.b, item.p, sizeof hash.b);
        if (gives ? !take_back(server, request, item, response) : !look_up(server, request, &hash, response)) return;
    }
    enum pv_err err = pv_cbor_finish(&in);
    if (err) pv_problem(response, err, NULL, "the body is not an array of up to 1024 hashes, or of a key");
    else pv_answer(response, PV_TYPE_CBOR);
}
