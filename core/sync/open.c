/* Opening sealed bodies with the keys at hand and folding them into the room's state, in the log's order. */
#include <string.h>

#include "core/crypto/hash.h"
#include "core/log/seal.h"
#include "core/state/fold.h"
#include "core/sync/room_parts.h"

struct opening {
    struct pv_room *room;
    struct pv_buf payload;
    bool has_prk;
    uint64_t prk_epoch;
    struct pv_prk prk;
    uint64_t done;
};

/* The extracted secret of an epoch; entries of one epoch mostly follow one another. */
static enum pv_err prk_for(struct opening *o, uint64_t epoch)
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
    return err;
}

static enum pv_err open_entry(void *context, const struct pv_stored_entry *stored)
{
    struct opening *o = context;
    struct pv_log_item item = {.index = stored->index};
    enum pv_err err = pv_entry_read(stored->entry, &item.entry);
    if (err) return PV_ERR_CORRUPT;
    o->done = stored->index + 1;
    pv_buf_clear(&o->payload);
    if (!pv_kind_is_sealed(item.entry.header.kind)) {
        item.body = stored->body;
        return pv_fold_entry(o->room->store, &item, stored->verdict, pv_bytes(NULL, 0));
    }
    if (stored->verdict != PV_ACCEPTED) return pv_fold_entry(o->room->store, &item, stored->verdict, pv_bytes(NULL, 0));
    if (!stored->has_body) return pv_fold_unreadable(o->room->store, stored->index, PV_ERR_NOT_FOUND);
    err = prk_for(o, item.entry.header.epoch);
    if (err == PV_ERR_NOT_FOUND) return pv_fold_unreadable(o->room->store, stored->index, PV_ERR_NO_KEY);
    if (err) return err;
    err = pv_body_open(&o->prk, &item.entry.header, stored->body, &o->payload);
    if (err == PV_ERR_NOMEM) return err;
    if (err) return pv_fold_unreadable(o->room->store, stored->index, err);
    return pv_fold_entry(o->room->store, &item, stored->verdict, pv_buf_bytes(&o->payload));
}

enum pv_err pv_open_pending(struct pv_room *room, size_t max, bool *ret_more)
{
    struct opening o = {.room = room};
    uint64_t folded = 0, judged = 0;
    pv_buf_init(&o.payload, PV_LIMIT_BODY_BYTES);
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    err = pv_store_folded_size(room->store, &folded);
    judged = pv_roster_size(room->roster);
    uint64_t to = judged - folded > max ? folded + max : judged;
    if (!err && folded < to) {
        err = pv_store_entry_each(room->store, folded, to, open_entry, &o);
        if (!err) err = pv_store_set_folded_size(room->store, to);
    }
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    if (!err) *ret_more = to < judged;
    pv_buf_wipe(&o.payload);
    pv_wipe(&o.prk, sizeof o.prk);
    return err;
}
