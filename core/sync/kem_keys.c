/* Asking a server for KEM keys that lay beside entries, for wraps and places. */
#include "core/sync/room_parts.h"
#include "core/sync/task_parts.h"

enum { ANSWER_MAX = PV_KEM_ASK_MAX * (PV_KEM_PK_BYTES + 8) + 64 };

enum pv_err pv_kem_keys_ask(struct pv_task *task, const struct pv_room *room, const struct pv_hash *asked, size_t count,
                            pv_task_step *on_answer)
{
    char hex[2 * sizeof room->id.b + 1];
    pv_hex_encode(room->id.b, sizeof room->id.b, hex);
    pv_cbor_put_array(&task->body, count);
    for (size_t i = 0; i < count; i++) pv_cbor_put_hash(&task->body, &asked[i]);
    return pv_task_ask(task, PV_POST, PV_AUTH_SESSION, ANSWER_MAX, on_answer, "/v1/rooms/%s/kem", hex);
}

enum pv_err pv_kem_keys_take(struct pv_task *task, struct pv_room *room, const struct pv_hash *asked, size_t count,
                             const struct pv_response *response, size_t *ret_count)
{
    struct pv_cbor in;
    enum pv_err err = PV_OK;
    size_t got = 0;
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, count);
    for (size_t i = 0; i < count && !in.err && !err; i++) {
        struct pv_kem_pk pk;
        struct pv_hash hash;
        if (pv_cbor_take_null(&in)) continue;
        pv_cbor_get_fixed(&in, pk.b, sizeof pk.b);
        pv_kem_hash(&pk, &hash);
        if (in.err || !pv_hash_equal(&hash, &asked[i])) continue;
        err = pv_store_kem_key_add(room->store, &pk);
        got++;
    }
    if (err) return err;
    if (pv_cbor_finish(&in))
        return pv_task_error(task, PV_ERR_IO, "the server's answer is not of the expected form: its store is damaged, or it is no privity server");
    *ret_count = got;
    return PV_OK;
}

enum pv_err pv_kem_keys_lacked(struct pv_task *task, struct pv_hash *asked, size_t count, const struct pv_response *response,
                               size_t *ret_count)
{
    struct pv_cbor in;
    size_t lacked = 0;
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, count);
    for (size_t i = 0; i < count && !in.err; i++) {
        if (pv_cbor_take_null(&in)) asked[lacked++] = asked[i];
        else (void)pv_cbor_get_bytes(&in, PV_KEM_PK_BYTES);
    }
    if (pv_cbor_finish(&in))
        return pv_task_error(task, PV_ERR_IO, "the server's answer is not of the expected form: its store is damaged, or it is no privity server");
    *ret_count = lacked;
    return PV_OK;
}
