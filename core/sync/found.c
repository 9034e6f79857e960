/* Founding rooms: the genesis of a person's room and of a client room. */
#include <stdlib.h>
#include <string.h>

#include "core/log/merkle.h"
#include "core/sync/room.h"
#include "core/sync/room_parts.h"

void pv_identity_derive(const struct pv_sign_seed *sign_seed, const struct pv_kem_seed *kem_seed,
                        struct pv_identity *ret_identity)
{
    struct pv_identity id = {.kem_seed = *kem_seed};
    struct pv_kem_pk kem_pk;
    pv_sign_from_seed(sign_seed, &id.sign_sk, &id.public.sign_pk);
    pv_kem_from_seed(kem_seed, &kem_pk);
    pv_kem_hash(&kem_pk, &id.public.kem_hash);
    pv_device_id(&id.public, &id.device);
    *ret_identity = id;
    pv_wipe(&id, sizeof id);
}

void pv_new_room_release(struct pv_new_room *new_room)
{
    pv_buf_release(&new_room->bundle);
    pv_wipe(&new_room->secret, sizeof new_room->secret);
}

/* What every genesis has beside its founder: the secret of epoch 0 and who gets it. */
struct founding {
    struct pv_epoch_secret secret;
    struct pv_kem_pk epoch_pk;
    struct pv_roster_body body;
};

static void founding_init(struct founding *f, enum pv_room_kind kind, const struct pv_server_info *server,
                          const struct pv_random *random)
{
    struct pv_kem_seed seed;
    *f = (struct founding){.body.type = PV_ROSTER_GENESIS};
    struct pv_genesis *g = &f->body.u.genesis;
    pv_random_fill(random, f->secret.b, sizeof f->secret.b);
    pv_random_fill(random, g->nonce.b, sizeof g->nonce.b);
    g->room_kind = kind;
    g->server_name = pv_bytes_of_string(server->name);
    g->log_key = server->log_key;
    pv_epoch_secret_hash(&f->secret, &g->secret_hash);
    pv_epoch_kem_seed(&f->secret, &seed);
    pv_kem_from_seed(&seed, &f->epoch_pk);
    pv_kem_hash(&f->epoch_pk, &g->kem_hash);
    pv_wipe(&seed, sizeof seed);
}

static enum pv_err founding_wrap(const struct founding *f, const struct pv_hash *recipient,
                                 const struct pv_kem_pk *recipient_pk, const struct pv_random *random,
                                 uint8_t ret_wrap[static PV_WRAP_BYTES])
{
    struct pv_wrap_context context = {.secret_hash = f->body.u.genesis.secret_hash, .recipient = PV_BYTES_OF(*recipient)};
    pv_kem_hash(recipient_pk, &context.recipient_kem_hash);
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
    pv_random_fill(random, enc_seed, sizeof enc_seed);
    enum pv_err err = pv_wrap_make(&context, recipient_pk, enc_seed, &f->secret, ret_wrap);
    pv_wipe(enc_seed, sizeof enc_seed);
    return err;
}

/* Encode, sign and bundle the genesis. */
static enum pv_err founding_finish(const struct founding *f, const struct pv_identity *me, struct pv_bytes beside,
                                   uint64_t now_ms, struct pv_new_room *ret_new)
{
    struct pv_buf body, entry;
    struct pv_header header = {.author = me->device, .n = 1, .time_ms = now_ms, .kind = PV_KIND_ROSTER};
    static const uint8_t no_refs[] = {0x80};
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&ret_new->bundle, PV_LIMIT_BATCH_BYTES);
    pv_roster_body_put(&body, &f->body);
    pv_body_hash(pv_buf_bytes(&body), &header.body_hash);
    pv_refs_hash(pv_bytes(no_refs, sizeof no_refs), &header.refs_hash);
    pv_merkle_empty_root(&header.seen_root);
    enum pv_err err = body.err ? body.err : pv_entry_make(&header, &me->sign_sk, &entry);
    if (!err) {
        pv_entry_room_id(pv_buf_bytes(&entry), &ret_new->room_id);
        struct pv_bundle bundle = {.entry = pv_buf_bytes(&entry), .refs = pv_bytes(no_refs, sizeof no_refs),
                                   .body = pv_buf_bytes(&body), .beside = beside};
        pv_bundle_put(&ret_new->bundle, &bundle);
        ret_new->secret = f->secret;
        err = ret_new->bundle.err;
    }
    if (err) pv_buf_release(&ret_new->bundle);
    pv_buf_release(&body);
    pv_buf_release(&entry);
    return err;
}

void pv_beside_put(struct pv_buf *buf, const struct pv_bytes *kem_keys, size_t kem_key_count,
                   const struct pv_bytes *links, size_t link_count, const struct pv_bytes *wraps, size_t wrap_count)
{
    const struct { const struct pv_bytes *items; size_t count; } parts[] = {
        {kem_keys, kem_key_count}, {links, link_count}, {wraps, wrap_count}};
    pv_cbor_put_array(buf, 3);
    for (size_t p = 0; p < 3; p++) {
        pv_cbor_put_array(buf, parts[p].count);
        for (size_t i = 0; i < parts[p].count; i++) pv_cbor_put_bytes(buf, parts[p].items[i].p, parts[p].items[i].n);
    }
}

enum pv_err pv_found_person_room(struct pv_identity *me, const struct pv_identity *paper,
                                 const struct pv_server_info *server, const struct pv_random *random, uint64_t now_ms,
                                 struct pv_new_room *ret_new)
{
    struct founding f;
    founding_init(&f, PV_ROOM_PERSON, server, random);
    struct pv_genesis *g = &f.body.u.genesis;
    const struct pv_identity *founder[2] = {me, paper};
    struct pv_cert_context context = {.in_genesis = true, .genesis_nonce = g->nonce};
    uint8_t wraps[2][PV_WRAP_BYTES];
    struct pv_kem_pk device_pk[2];
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < 2 && !err; i++) {
        struct pv_cert *cert = &g->founders[i];
        *cert = (struct pv_cert){.device = founder[i]->public, .paper = i == 1, .signer = me->device};
        err = pv_cert_sign(&context, &cert->device, cert->paper, &cert->signer, &me->sign_sk, &cert->sig);
        if (!err) err = pv_cert_sign(&context, &cert->device, cert->paper, &cert->signer, &founder[i]->sign_sk, &cert->consent);
        pv_kem_from_seed(&founder[i]->kem_seed, &device_pk[i]);
        if (!err) err = founding_wrap(&f, &founder[i]->device, &device_pk[i], random, wraps[i]);
    }
    if (!err) {
        /* wraps stand in the order of their recipients' ids */
        size_t first = memcmp(me->device.b, paper->device.b, sizeof me->device.b) > 0;
        struct pv_bytes sorted[] = {pv_bytes(wraps[first], PV_WRAP_BYTES), pv_bytes(wraps[1 - first], PV_WRAP_BYTES)};
        struct pv_bytes kem_keys[] = {PV_BYTES_OF(f.epoch_pk), PV_BYTES_OF(device_pk[0]), PV_BYTES_OF(device_pk[1])};
        struct pv_buf beside;
        pv_buf_init(&beside, PV_LIMIT_BATCH_BYTES);
        pv_beside_put(&beside, kem_keys, 3, NULL, 0, sorted, 2);
        err = beside.err;
        if (!err) err = pv_merkle_list_root(sorted, 2, &g->wraps_root);
        if (!err) err = founding_finish(&f, me, pv_buf_bytes(&beside), now_ms, ret_new);
        pv_buf_release(&beside);
    }
    if (!err) me->person = ret_new->room_id;
    pv_wipe(&f.secret, sizeof f.secret);
    return err;
}

enum pv_err pv_found_client_room(const struct pv_identity *me, struct pv_room *person_room,
                                 const struct pv_server_info *server, const struct pv_random *random, uint64_t now_ms,
                                 struct pv_new_room *ret_new)
{
    struct founding f;
    struct pv_own_party party;
    enum pv_err err = pv_own_party_make(person_room, &party);
    if (err) return err;
    founding_init(&f, PV_ROOM_CLIENT, server, random);
    struct pv_genesis *g = &f.body.u.genesis;
    g->founder = party.party;
    uint8_t wrap[PV_WRAP_BYTES];
    err = founding_wrap(&f, &me->person, &party.kem_pk, random, wrap);
    if (!err) {
        struct pv_bytes wraps[] = {pv_bytes(wrap, sizeof wrap)};
        struct pv_bytes kem_keys[] = {PV_BYTES_OF(f.epoch_pk), PV_BYTES_OF(party.kem_pk)};
        struct pv_buf beside;
        pv_buf_init(&beside, PV_LIMIT_BATCH_BYTES);
        pv_beside_put(&beside, kem_keys, 2, NULL, 0, wraps, 1);
        err = beside.err;
        if (!err) err = pv_merkle_list_root(wraps, 1, &g->wraps_root);
        if (!err) err = founding_finish(&f, me, pv_buf_bytes(&beside), now_ms, ret_new);
        pv_buf_release(&beside);
    }
    pv_own_party_release(&party);
    pv_wipe(&f.secret, sizeof f.secret);
    return err;
}
