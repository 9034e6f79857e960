/* Checkpoints and proofs over a room's tree. */
#include "server/committer.h"
#include "server/room_cache.h"

void pv_checkpoint_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    uint64_t size;
    if (pv_server_now_ms(server) / 1000 >= request->room_row.note_time_s + PV_NOTE_FRESH_S) {
        enum pv_err err = pv_job_new(PV_JOB_RENEW, 0, &response->job); /* only the committer signs for a room */
        if (err) pv_problem_of(response, err);
        else response->job->room = request->room;
        return;
    }
    enum pv_err err = server->meta->ops->note(server->meta, request->room_row.no, &response->body, &size);
    if (err) pv_problem_of(response, err);
    else pv_answer(response, PV_TYPE_TEXT);
}

static void answer_proof(struct pv_web_response *response, enum pv_err err, const struct pv_merkle_proof *proof)
{
    if (err) {
        if (err == PV_ERR_MALFORMED) pv_problem(response, PV_ERR_USAGE, "query", "the log has no such proof");
        else pv_problem_of(response, err);
        return;
    }
    pv_cbor_put_array(&response->body, proof->count);
    for (size_t i = 0; i < proof->count; i++) pv_cbor_put_hash(&response->body, &proof->hashes[i]);
    pv_answer(response, PV_TYPE_CBOR);
}

/* Two numbers that the query must name, the second at most the room's size. */
static enum pv_err read_sizes(const struct pv_web_request *request, const char *first, const char *second,
                              uint64_t *ret_first, uint64_t *ret_second)
{
    enum pv_err err = pv_query_uint(request, first, UINT64_MAX, PV_LIMIT_N, ret_first);
    if (!err) err = pv_query_uint(request, second, UINT64_MAX, PV_LIMIT_N, ret_second);
    if (!err && (*ret_first == UINT64_MAX || *ret_second > request->room_row.size)) err = PV_ERR_MALFORMED;
    return err;
}

void pv_inclusion_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_tree_context tree;
    struct pv_merkle_reader reader = pv_tree_reader(server->meta, request->room_row.no, &tree);
    struct pv_merkle_proof proof;
    uint64_t index, size;
    enum pv_err err = read_sizes(request, "index", "size", &index, &size);
    if (!err) err = pv_merkle_prove_inclusion(&reader, index, size, &proof);
    answer_proof(response, err, &proof);
}

void pv_consistency_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_tree_context tree;
    struct pv_merkle_reader reader = pv_tree_reader(server->meta, request->room_row.no, &tree);
    struct pv_merkle_proof proof;
    uint64_t old_size, new_size;
    enum pv_err err = read_sizes(request, "old", "new", &old_size, &new_size);
    if (!err) err = pv_merkle_prove_consistency(&reader, old_size, new_size, &proof);
    answer_proof(response, err, &proof);
}
