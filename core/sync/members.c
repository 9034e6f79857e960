/* Changing who is in a room: roles, removal, leaving, invites, joining. */
#include <stdlib.h>
#include <string.h>

#include "core/sync/mend.h"

enum pv_err pv_own_party_make(struct pv_room *person_room, struct pv_own_party *ret_party)
{
    const struct pv_roster *roster = person_room->roster;
    struct pv_own_party party = {.party.device_count = 0};
    struct pv_epoch_secret secret;
    struct pv_kem_seed seed;
    if (!pv_roster_is_born(roster))
        return pv_room_raise(person_room, PV_ERR_OFFLINE, pv_bytes(NULL, 0),
                             "you are not registered with your server yet: connect to it once first");
    if (!pv_roster_device(roster, &person_room->me->device))
        return pv_room_raise(person_room, PV_ERR_DENIED, pv_bytes(NULL, 0), "this device was revoked by another one of yours");
    bool removal = false;
    enum pv_err err = pv_mend_removal_waits(person_room, &removal);
    if (err) return err;
    if (removal || pv_roster_rekey_due(roster)) /* a revoked device of ours would read along */
        return pv_room_raise(person_room, PV_ERR_OFFLINE, pv_bytes(NULL, 0),
                             "a device of yours was revoked, and your new keys are not made yet: connect to your server first");
    party.party.person_epoch = pv_roster_epoch(roster);
    err = pv_keys_secret(person_room, roster, party.party.person_epoch, &secret);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_ERR_NO_KEY : err;
    pv_epoch_kem_seed(&secret, &seed);
    pv_kem_from_seed(&seed, &party.kem_pk);
    pv_kem_hash(&party.kem_pk, &party.party.kem_hash);
    pv_wipe(&secret, sizeof secret);
    pv_wipe(&seed, sizeof seed);
    pv_buf_init(&party.record, PV_LIMIT_BODY_BYTES);
    err = pv_own_record(person_room, &party.record, &party.party);
    if (err) {
        pv_buf_release(&party.record);
        return err;
    }
    party.party.record = pv_buf_bytes(&party.record);
    *ret_party = party;
    return PV_OK;
}

void pv_own_party_release(struct pv_own_party *party)
{
    pv_buf_release(&party->record);
}

static enum pv_err finish(struct pv_room *room, enum pv_err err)
{
    if (err) {
        pv_room_rollback(room);
        return err;
    }
    return pv_room_commit(room);
}

enum pv_err pv_rekey_with_it(struct pv_room *room)
{
    const struct pv_roster *view;
    struct pv_hash missing;
    struct pv_key_want want;
    size_t missing_count = 0;
    bool ours = false;
    enum pv_err err = pv_room_view(room, &view);
    if (!err) err = pv_rekey_is_ours(room, view, &ours);
    if (!err && ours) err = pv_keys_want(room, &want); /* what is still to be fetched would be cut off */
    if (err || !ours || want.what != PV_KEY_NONE) return err;
    err = pv_rekey_missing_keys(room, &missing, 1, &missing_count);
    return err || missing_count ? err : pv_rekey_make(room, false);
}

static enum pv_err change(struct pv_room *room, const struct pv_roster_body *body)
{
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    err = pv_write_roster(room, body, pv_bytes(NULL, 0));
    if (!err) err = pv_rekey_with_it(room);
    return finish(room, err);
}

static enum pv_err find_member(struct pv_room *room, const struct pv_hash *person, const struct pv_principal **ret_member)
{
    const struct pv_roster *view;
    enum pv_err err = pv_room_view(room, &view);
    if (err) return err;
    *ret_member = pv_roster_principal(view, person);
    return *ret_member ? PV_OK
                       : pv_room_raise(room, PV_ERR_NOT_FOUND, pv_bytes(NULL, 0), "no such member in this room");
}

enum pv_err pv_room_set_role(struct pv_room *room, const struct pv_hash *person, enum pv_role role)
{
    const struct pv_principal *member;
    struct pv_roster_body body = {.type = PV_ROSTER_ROLE};
    enum pv_err err = find_member(room, person, &member);
    if (err) return err;
    body.u.role.person = *person;
    body.u.role.join_index = member->join_index;
    body.u.role.from = member->role;
    body.u.role.to = role;
    return change(room, &body);
}

enum pv_err pv_room_remove_all(struct pv_room *room, const struct pv_hash *persons, size_t count)
{
    struct pv_roster_body body = {.type = PV_ROSTER_REMOVE};
    if (count > PV_LIMIT_TARGETS) return PV_ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        const struct pv_principal *member;
        enum pv_err err = find_member(room, &persons[i], &member);
        if (err) return err;
        body.u.remove.targets[i] = (struct pv_membership){persons[i], member->join_index};
    }
    body.u.remove.count = count;
    return change(room, &body);
}

enum pv_err pv_room_remove(struct pv_room *room, const struct pv_hash *person)
{
    return pv_room_remove_all(room, person, 1);
}

enum pv_err pv_room_leave(struct pv_room *room)
{
    struct pv_roster_body body = {.type = PV_ROSTER_LEAVE};
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    return finish(room, pv_write_roster(room, &body, pv_bytes(NULL, 0)));
}

enum pv_err pv_room_close_invite(struct pv_room *room, const struct pv_id16 *invite)
{
    struct pv_roster_body body = {.type = PV_ROSTER_CLOSE_INVITE};
    body.u.close_invite = *invite;
    return change(room, &body);
}

enum pv_err pv_wrap_present(struct pv_room *room, const struct pv_roster *view, struct pv_bytes recipient,
                                const struct pv_kem_pk *pk, const struct pv_hash *kem_hash,
                                uint8_t ret_wrap[static PV_WRAP_BYTES], struct pv_hash *ret_root)
{
    struct pv_epoch_secret secret;
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(view, &count);
    uint64_t epoch = pv_roster_epoch(view);
    enum pv_err err = pv_keys_secret(room, view, epoch, &secret);
    if (err == PV_ERR_NOT_FOUND)
        return pv_room_raise(room, PV_ERR_NO_KEY, pv_bytes(NULL, 0), room->has_invite
                             ? "the link does not lead to the room's present key: the server has lost that (its store is damaged), or "
                               "whoever made it left the link out; ask for another link"
                             : "this device has not the room's present key: privity refresh fetches it, once a member who has it was here");
    if (err) return err;
    struct pv_wrap_context context = {room->id, epoch, epochs[epoch].secret_hash, recipient, *kem_hash};
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
    pv_random_fill(room->random, enc_seed, sizeof enc_seed);
    err = pv_wrap_make(&context, pk, enc_seed, &secret, ret_wrap);
    pv_wipe(enc_seed, sizeof enc_seed);
    pv_wipe(&secret, sizeof secret);
    struct pv_bytes wrap = pv_bytes(ret_wrap, PV_WRAP_BYTES);
    return err ? err : pv_merkle_list_root(&wrap, 1, ret_root);
}

enum pv_err pv_write_with_wrap(struct pv_room *room, const struct pv_roster_body *body, const struct pv_kem_pk *pk,
                                   const uint8_t wrap[static PV_WRAP_BYTES])
{
    struct pv_buf beside;
    struct pv_bytes kem_key = PV_BYTES_OF(*pk), wraps = pv_bytes(wrap, PV_WRAP_BYTES);
    pv_buf_init(&beside, PV_LIMIT_BATCH_BYTES);
    pv_beside_put(&beside, &kem_key, 1, NULL, 0, &wraps, 1);
    enum pv_err err = beside.err;
    if (!err) err = pv_write_roster(room, body, pv_buf_bytes(&beside));
    if (!err) err = pv_store_kem_key_add(room->store, pk);
    pv_buf_release(&beside);
    return err;
}

/* The server's side of an invite: the signed gate and half B. */
static enum pv_err put_gate(struct pv_room *room, const struct pv_invite_body *invite, const struct pv_half_b *b,
                            struct pv_buf *gate_request)
{
    static const uint8_t empty_array[] = {0x80};
    struct pv_gate gate = {.id = invite->id, .room = room->id, .version = 1, .a_key = invite->a_key,
                           .shares = pv_bytes(empty_array, 1), .refs = pv_bytes(empty_array, 1)};
    struct pv_buf signed_gate;
    pv_half_b_hash(b, &gate.half_hash);
    gate.policy.has_not_after = invite->has_until;
    gate.policy.not_after_ms = invite->until_ms;
    gate.policy.has_document = invite->has_document;
    gate.policy.document = invite->document;
    pv_buf_init(&signed_gate, PV_LIMIT_GATE_BYTES);
    enum pv_err err = pv_gate_sign(&gate, &room->me->device, &room->me->sign_sk, &signed_gate);
    if (!err) {
        pv_cbor_put_array(gate_request, 2);
        pv_buf_append(gate_request, signed_gate.p, signed_gate.n);
        pv_cbor_put_bytes(gate_request, b->b, sizeof b->b);
        err = gate_request->err;
    }
    pv_buf_release(&signed_gate);
    return err;
}

static enum pv_err invite(struct pv_room *room, const struct pv_invite_options *options, struct pv_invite_link *link,
                          struct pv_buf *gate_request)
{
    const struct pv_roster *view;
    struct pv_half_b b;
    struct pv_gate_key gate_key;
    struct pv_sign_sk a_sk, join_sk;
    struct pv_kem_seed kem_seed;
    struct pv_kem_pk kem_pk;
    uint8_t wrap[PV_WRAP_BYTES];
    struct pv_roster_body body = {.type = PV_ROSTER_INVITE};
    struct pv_invite_body *in = &body.u.invite;
    enum pv_err err = pv_room_view(room, &view);
    if (err) return err;
    pv_random_fill(room->random, link->a.b, sizeof link->a.b);
    pv_random_fill(room->random, b.b, sizeof b.b);
    pv_random_fill(room->random, in->id.b, sizeof in->id.b);
    in->role = options->role;
    in->uses = options->uses;
    in->has_until = options->until_ms != 0;
    in->until_ms = options->until_ms;
    in->has_document = options->document != NULL;
    if (options->document) in->document = *options->document;
    pv_gate_a_key(&link->a, &in->id, &a_sk, &in->a_key);
    pv_gate_key(&link->a, &b, NULL, pv_bytes(NULL, 0), &in->id, &gate_key);
    pv_invite_join_key(&gate_key, &join_sk, &in->join_key);
    pv_invite_kem_seed(&gate_key, &kem_seed);
    pv_kem_from_seed(&kem_seed, &kem_pk);
    pv_kem_hash(&kem_pk, &in->kem_hash);
    err = pv_wrap_present(room, view, PV_BYTES_OF(in->id), &kem_pk, &in->kem_hash, wrap, &in->wraps_root);
    if (!err) err = pv_write_with_wrap(room, &body, &kem_pk, wrap);
    if (!err) err = put_gate(room, in, &b, gate_request);
    link->gate = in->id;
    pv_wipe(&b, sizeof b);
    pv_wipe(&gate_key, sizeof gate_key);
    pv_wipe(&a_sk, sizeof a_sk);
    pv_wipe(&join_sk, sizeof join_sk);
    pv_wipe(&kem_seed, sizeof kem_seed);
    return err;
}

enum pv_err pv_room_invite(struct pv_room *room, const struct pv_invite_options *options,
                           struct pv_invite_link *ret_link, struct pv_buf *gate_request)
{
    struct pv_invite_link link = {.room = room->id, .inviter = room->me->person, .has_note = room->pin.n > 0};
    if (strlen(options->server_url) >= sizeof link.server_url) return PV_ERR_LIMIT;
    memcpy(link.server_url, options->server_url, strlen(options->server_url));
    enum pv_err err = link.has_note ? pv_note_pack(pv_buf_bytes(&room->pin), &link.note) : PV_OK;
    if (!err) err = pv_room_begin(room);
    if (err) return err;
    err = pv_rekey_with_it(room); /* nobody is let in while a rekey is due */
    if (!err) err = invite(room, options, &link, gate_request);
    err = finish(room, err);
    if (!err) *ret_link = link;
    pv_wipe(&link.a, sizeof link.a);
    return err;
}

/* The link's note is the evidence. */
static enum pv_err raise_unlike(struct pv_room *room, const struct pv_packed_note *packed, const char *what)
{
    static const struct pv_merkle_proof none_proven = {.count = 0};
    char server_name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    uint8_t memory[PV_LIMIT_NOTE_BYTES];
    struct pv_bytes name = pv_roster_server_name(room->roster);
    struct pv_buf note;
    pv_buf_init_fixed(&note, memory, sizeof memory);
    memcpy(server_name, name.p, name.n);
    server_name[name.n] = '\0';
    enum pv_err err = pv_note_unpack(packed, server_name, &room->id, &note);
    if (err) return err;
    (void)pv_room_raise(room, PV_ERR_FORK, pv_buf_bytes(&note), "%s", what);
    pv_evidence_other_log(room, pv_buf_bytes(&note), pv_room_pin(room), &none_proven);
    return PV_ERR_FORK;
}

/* The log must be the one that the inviter saw, and the invite one that this link's keys belong to. */
static enum pv_err check_link(struct pv_room *room, const struct pv_invite_link *link, const struct pv_sign_pk *a_key,
                              const struct pv_sign_pk *join_key)
{
    struct pv_bytes none = pv_bytes(NULL, 0);
    if (link->has_note) {
        const struct pv_checkpoint *seen = &link->note.checkpoint;
        struct pv_hash root;
        struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
        if (seen->size > room->edge.size)
            return raise_unlike(room, &link->note, "the server hides part of the log that your inviter saw");
        enum pv_err err = pv_merkle_root(&reader, seen->size, &root);
        if (err) return err;
        if (!pv_hash_equal(&root, &seen->root))
            return raise_unlike(room, &link->note, "the log is not the one that your inviter saw");
    }
    const struct pv_invite *invite = pv_roster_invite(room->roster, &link->gate);
    if (!invite) return pv_room_raise(room, PV_ERR_NOT_FOUND, none, "the room does not know this invite");
    bool ours = memcmp(invite->body.a_key.b, a_key->b, sizeof a_key->b) == 0 &&
                memcmp(invite->body.join_key.b, join_key->b, sizeof join_key->b) == 0;
    if (!ours) return pv_room_raise(room, PV_ERR_BROKEN_CHAIN, none, "the invite in the log is not the one of this link");
    if (!pv_hash_equal(&invite->maker, &link->inviter))
        return pv_room_raise(room, PV_ERR_BROKEN_CHAIN, none, "the invite was not made by the person that the link names");
    if (!invite->open) return pv_room_raise(room, PV_ERR_EXPIRED, none, "this invite was used up, closed, or ended with a change of members: ask for a new link");
    return PV_OK;
}

/* The link's KEM key opens wraps of the secrets, which the pull after this fetches. */
enum pv_err pv_room_read_by_link(struct pv_room *room, const struct pv_invite_link *link, const struct pv_half_b *half_b)
{
    struct pv_gate_key gate_key;
    pv_gate_key(&link->a, half_b, NULL, pv_bytes(NULL, 0), &link->gate, &gate_key);
    pv_invite_kem_seed(&gate_key, &room->invite_kem_seed);
    pv_wipe(&gate_key, sizeof gate_key);
    room->invite = link->gate;
    room->has_invite = true;
    return PV_OK;
}

/* A device that a removal barred here by mistake would keep the person out. */
static void leave_out_barred(const struct pv_roster *view, const struct pv_hash *person, struct pv_party *party)
{
    size_t kept = 0;
    for (size_t i = 0; i < party->device_count; i++)
        if (!pv_roster_is_barred(view, person, &party->devices[i])) party->devices[kept++] = party->devices[i];
    party->device_count = kept;
}

static enum pv_err join(struct pv_room *room, const struct pv_invite_link *link, const struct pv_sign_sk *join_sk,
                        struct pv_own_party *party)
{
    const struct pv_roster *view;
    uint8_t wrap[PV_WRAP_BYTES];
    struct pv_roster_body body = {.type = PV_ROSTER_JOIN};
    struct pv_join_body *j = &body.u.join;
    enum pv_err err = pv_room_view(room, &view);
    if (err) return err;
    j->invite = link->gate;
    j->party = party->party;
    leave_out_barred(view, &room->me->person, &j->party);
    err = pv_join_sign(join_sk, &room->id, &room->me->person, &j->party, &j->invite, &j->join_sig);
    if (!err)
        err = pv_wrap_present(room, view, PV_BYTES_OF(room->me->person), &party->kem_pk, &j->party.kem_hash, wrap, &j->wraps_root);
    return err ? err : pv_write_with_wrap(room, &body, &party->kem_pk, wrap);
}

enum pv_err pv_room_join(struct pv_room *room, const struct pv_invite_link *link, const struct pv_half_b *half_b)
{
    struct pv_gate_key gate_key;
    struct pv_sign_sk a_sk, join_sk;
    struct pv_sign_pk a_key, join_key;
    struct pv_own_party party;
    enum pv_err err = pv_own_party_make(room->person_room, &party);
    if (err) return err;
    pv_gate_a_key(&link->a, &link->gate, &a_sk, &a_key);
    pv_gate_key(&link->a, half_b, NULL, pv_bytes(NULL, 0), &link->gate, &gate_key);
    pv_invite_join_key(&gate_key, &join_sk, &join_key);
    err = pv_room_begin(room);
    if (!err) {
        err = check_link(room, link, &a_key, &join_key);
        if (!err) err = join(room, link, &join_sk, &party);
        err = finish(room, err);
    }
    pv_own_party_release(&party);
    pv_wipe(&gate_key, sizeof gate_key);
    pv_wipe(&a_sk, sizeof a_sk);
    pv_wipe(&join_sk, sizeof join_sk);
    return err;
}
