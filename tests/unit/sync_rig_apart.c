/* Joining without a copy of the room, by what another member holds: how tests fill a large one. */
#include <stdio.h>

#include "core/base/cbor.h"
#include "tests/unit/sync_rig.h"

/* The join's body and what lies beside it, for a person whose genesis is `founded`. */
static enum pv_err apart_join(struct rig_member *owner, const struct pv_invite_link *link, const struct pv_gate_key *gate_key,
                              const struct pv_identity *me, const struct pv_identity *paper,
                              const struct pv_new_room *founded, struct seeded *seed, struct pv_buf *body, struct pv_buf *beside)
{
    const struct pv_roster *roster = pv_room_roster(owner->room);
    uint64_t epoch = pv_roster_epoch(roster);
    size_t epoch_count;
    struct pv_wrap_context context = {.room = *pv_room_id(owner->room), .epoch = epoch,
                                      .secret_hash = pv_roster_epochs(roster, &epoch_count)[epoch].secret_hash,
                                      .recipient = PV_BYTES_OF(me->person)};
    struct pv_roster_body join = {.type = PV_ROSTER_JOIN};
    struct pv_epoch_secret secret;
    struct pv_kem_seed person_seed;
    struct pv_kem_pk person_pk;
    struct pv_sign_sk join_sk;
    struct pv_sign_pk join_pk;
    struct pv_bundle genesis;
    struct pv_buf record;
    struct pv_cbor in;
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES], wrap[PV_WRAP_BYTES];
    pv_buf_init(&record, SIZE_MAX);
    pv_cbor_init(&in, pv_buf_bytes(&founded->bundle));
    pv_bundle_get(&in, &genesis);
    pv_record_put(&record, genesis.entry, genesis.body, NULL, 0);
    pv_epoch_kem_seed(&founded->secret, &person_seed);
    pv_kem_from_seed(&person_seed, &person_pk);
    pv_kem_hash(&person_pk, &context.recipient_kem_hash);
    join.u.join.invite = link->gate;
    join.u.join.party = (struct pv_party){.record = pv_buf_bytes(&record), .device_count = 2, .kem_hash = context.recipient_kem_hash};
    join.u.join.party.devices[0] = me->device;
    join.u.join.party.devices[1] = paper->device;
    pv_invite_join_key(gate_key, &join_sk, &join_pk);
    seeded_fill(seed, enc_seed, sizeof enc_seed);
    enum pv_err err = pv_store_epoch_get(owner->store, epoch, &secret);
    if (!err) err = pv_wrap_make(&context, &person_pk, enc_seed, &secret, wrap);
    struct pv_bytes wraps = pv_bytes(wrap, sizeof wrap), kem_key = PV_BYTES_OF(person_pk);
    if (!err) err = pv_merkle_list_root(&wraps, 1, &join.u.join.wraps_root);
    if (!err) err = pv_join_sign(&join_sk, &context.room, &me->person, &join.u.join.party, &join.u.join.invite, &join.u.join.join_sig);
    pv_roster_body_put(body, &join);
    pv_cbor_put_array(beside, 3);
    pv_cbor_put_array(beside, 1);
    pv_cbor_put_bytes(beside, kem_key.p, kem_key.n);
    pv_cbor_put_array(beside, 0);
    pv_cbor_put_array(beside, 1);
    pv_cbor_put_bytes(beside, wraps.p, wraps.n);
    pv_buf_release(&record);
    return err;
}

/* Send one bundle. What becomes of it stands in the log. */
static enum pv_err apart_append(struct rig_server *server, const struct pv_hash *room, const struct pv_bundle *bundle)
{
    struct pv_request request = {.method = PV_POST, .auth = PV_AUTH_SESSION};
    const char *why = "";
    char hex[65];
    struct pv_buf bundles, answer;
    pv_hex_encode(room->b, sizeof room->b, hex);
    (void)snprintf(request.path, sizeof request.path, "/v1/rooms/%s/entries", hex);
    pv_buf_init(&bundles, SIZE_MAX);
    pv_buf_init(&answer, SIZE_MAX);
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, bundle);
    request.body = pv_buf_bytes(&bundles);
    unsigned status = rig_serve(server, &request, &answer, &why);
    pv_buf_release(&bundles);
    pv_buf_release(&answer);
    return status == 200 ? PV_OK : PV_ERR_CONFLICT;
}

enum pv_err rig_join_apart_by(struct rig_server *server, struct rig_member *owner, const struct pv_invite_link *link,
                              const struct pv_half_b *b, uint64_t seed)
{
    struct seeded random_state = seeded_make(seed);
    struct pv_random random = seeded_random(&random_state);
    struct pv_identity me = rig_identity(&random_state), paper = rig_identity(&random_state);
    struct pv_new_room founded;
    struct pv_gate_key gate_key;
    struct pv_buf body, beside, entry;
    struct pv_header header = {.room = link->room, .n = 1, .time_ms = server->now_ms, .seen_size = 0,
                               .epoch = pv_roster_epoch(pv_room_roster(owner->room))};
    pv_buf_init(&body, SIZE_MAX);
    pv_buf_init(&beside, SIZE_MAX);
    pv_buf_init(&entry, SIZE_MAX);
    enum pv_err err = pv_found_person_room(&me, &paper, &server->info, &random, server->now_ms, &founded);
    pv_gate_key(&link->a, b, NULL, pv_bytes(NULL, 0), &link->gate, &gate_key);
    if (!err) err = apart_join(owner, link, &gate_key, &me, &paper, &founded, &random_state, &body, &beside);
    header.author = me.device;
    pv_merkle_empty_root(&header.seen_root);
    pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
    pv_body_hash(pv_buf_bytes(&body), &header.body_hash);
    if (!err) err = pv_entry_make(&header, &me.sign_sk, &entry);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes("\x80", 1), pv_buf_bytes(&body), pv_buf_bytes(&beside)};
    if (!err) err = apart_append(server, &link->room, &bundle);
    pv_new_room_release(&founded);
    pv_buf_release(&body);
    pv_buf_release(&beside);
    pv_buf_release(&entry);
    return err;
}

enum pv_err rig_join_apart(struct rig_server *server, struct rig_member *owner, const struct pv_invite_link *link, uint64_t seed)
{
    for (size_t i = 0; i < server->gate_count; i++)
        if (pv_id16_equal(&server->gates[i].id, &link->gate)) return rig_join_apart_by(server, owner, link, &server->gates[i].b, seed);
    return PV_ERR_NOT_FOUND;
}
