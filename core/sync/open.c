/* Opening sealed bodies with the keys at hand and folding them into the room's state, in the log's order. */
#include "core/sync/open.h"

#include <string.h>

#include "core/state/fold.h"
#include "core/state/kept_keys.h"
#include "core/sync/forgotten.h"

void pv_opening_init(struct pv_opening *o, struct pv_room *room)
{
    *o = (struct pv_opening){.room = room};
    pv_buf_init(&o->payload, PV_LIMIT_BODY_BYTES);
}

void pv_opening_release(struct pv_opening *o)
{
    pv_buf_wipe(&o->payload);
    pv_wipe(&o->prk, sizeof o->prk);
}

/* The extracted secret of an epoch; entries of one epoch mostly follow one another. */
static enum pv_err prk_for(struct pv_opening *o, uint64_t epoch)
{
    struct pv_epoch_secret secret;
    if (o->has_prk && o->prk_epoch == epoch) return PV_OK;
    enum pv_err err = pv_keys_secret(o->room, o->room->roster, epoch, &secret);
    if (!err) {
        pv_epoch_prk(&secret, &o->prk);
        o->prk_epoch = epoch;
        o->has_prk = true;
    }
    pv_wipe(&secret, sizeof secret);
    return err == PV_ERR_NOT_FOUND ? PV_ERR_NO_KEY : err;
}

static enum pv_err open_with_kept(struct pv_opening *o, uint64_t index, const struct pv_header *header, struct pv_bytes body)
{
    struct pv_entry_key key;
    enum pv_err err = pv_kept_key_get(o->room->store, index, &key);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_ERR_NO_KEY : err;
    err = pv_body_open_with_key(&key, header, body, &o->payload);
    pv_wipe(&key, sizeof key);
    return err;
}

enum pv_err pv_opening_key(struct pv_opening *o, uint64_t index, const struct pv_header *header, struct pv_bytes body,
                           struct pv_entry_key *ret_key)
{
    struct pv_entry_key key;
    struct pv_seal_nonce nonce;
    struct pv_hash commit;
    if (body.n <= sizeof nonce.b) return PV_ERR_TRUNCATED;
    enum pv_err err = prk_for(o, header->epoch);
    if (!err) {
        memcpy(nonce.b, body.p, sizeof nonce.b);
        pv_entry_key_derive(&o->prk, header, &nonce, &key);
    } else if (err == PV_ERR_NO_KEY) {
        err = pv_kept_key_get(o->room->store, index, &key);
        if (err == PV_ERR_NOT_FOUND) err = PV_ERR_NO_KEY;
    }
    if (!err) {
        pv_entry_key_commit(&key, &commit);
        if (!pv_hash_equal(&commit, &header->commit)) err = PV_ERR_BAD_MAC;
    }
    if (!err) *ret_key = key;
    pv_wipe(&key, sizeof key);
    return err;
}

enum pv_err pv_opening_type(struct pv_opening *o, const struct pv_entry_key *key, const struct pv_header *header,
                            struct pv_bytes body, uint64_t *ret_type)
{
    struct pv_id16 write_id;
    pv_buf_clear(&o->payload);
    enum pv_err err = pv_body_open_with_key(key, header, body, &o->payload);
    return err ? err : pv_payload_peek(pv_buf_bytes(&o->payload), ret_type, &write_id);
}

enum pv_err pv_opening_fold(struct pv_opening *o, const struct pv_log_item *item, enum pv_verdict verdict, bool has_body,
                            struct pv_bytes body)
{
    struct pv_store *store = o->room->store;
    const struct pv_header *header = &item->entry.header;
    if (!pv_kind_is_sealed(header->kind) || verdict != PV_ACCEPTED)
        return pv_fold_entry(store, item, verdict, pv_bytes(NULL, 0));
    if (pv_roster_is_forgotten(o->room->roster, item->index)) return PV_OK; /* the state is that of the log without it */
    if (!has_body) return pv_fold_unreadable(store, item->index, PV_ERR_NOT_FOUND);
    enum pv_err err = prk_for(o, header->epoch);
    pv_buf_clear(&o->payload);
    if (!err) err = pv_body_open(&o->prk, header, body, &o->payload);
    else if (err == PV_ERR_NO_KEY) err = open_with_kept(o, item->index, header, body);
    if (err == PV_ERR_NOMEM || err == PV_ERR_NO_KEY) return err;
    if (err) return pv_fold_unreadable(store, item->index, err);
    return pv_fold_entry(store, item, verdict, pv_buf_bytes(&o->payload));
}

static enum pv_err open_stored(void *context, const struct pv_stored_entry *stored)
{
    struct pv_opening *o = context;
    struct pv_log_item item = {.index = stored->index};
    if (pv_entry_read(stored->entry, &item.entry)) return PV_ERR_CORRUPT;
    if (!pv_kind_is_sealed(item.entry.header.kind)) item.body = stored->body;
    enum pv_err err = pv_opening_fold(o, &item, stored->verdict, stored->has_body, stored->body);
    return err == PV_ERR_NO_KEY ? pv_fold_no_key(o->room->store, stored->index, item.entry.header.epoch) : err;
}

enum pv_err pv_open_stored(struct pv_room *room, uint64_t from, uint64_t to)
{
    struct pv_opening o;
    pv_opening_init(&o, room);
    enum pv_err err = pv_store_entry_each(room->store, from, to, open_stored, &o);
    if (!err) err = pv_store_set_folded_size(room->store, to);
    pv_opening_release(&o);
    return err;
}

enum pv_err pv_open_pending(struct pv_room *room, size_t max, bool *ret_more)
{
    uint64_t folded = 0;
    bool outdated = false;
    enum pv_err err = pv_fold_is_outdated(room->store, &outdated);
    if (!err) err = pv_store_folded_size(room->store, &folded);
    if (err) return err;
    *ret_more = false;
    if (!outdated && folded == pv_roster_size(room->roster)) return pv_forgotten_finish(room, ret_more);
    err = pv_room_begin(room);
    if (err) return err;
    if (outdated) err = pv_fold_reset(room->store);
    if (!err) err = pv_store_folded_size(room->store, &folded);
    uint64_t judged = pv_roster_size(room->roster);
    /* What was there to read is not taken away before all of it is there again: this may be cut, or the disk be full. */
    uint64_t to = judged - folded > max && !outdated ? folded + max : judged;
    if (!err && folded < to) err = pv_open_stored(room, folded, to);
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    if (!err && to < judged) *ret_more = true;
    else if (!err) err = pv_forgotten_finish(room, ret_more);
    return err;
}
