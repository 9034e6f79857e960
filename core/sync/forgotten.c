/* Erasing what was forgotten, on this device. What is still to do stands in the database, so that whoever comes next goes
 * on where a process was cut. */
#include "core/sync/forgotten.h"

#include "core/state/fold.h"
#include "core/state/kept_keys.h"
#include "core/sync/open.h"

/* A number of the store, of these bits. */
static const char state_name[] = "sync.forgotten";
enum { ERASE = 1, REFOLD = 2, SCRUB = 4 };

static enum pv_err add_bits(struct pv_room *room, uint64_t bits)
{
    uint64_t state = 0;
    enum pv_err err = pv_store_number_get(room->store, state_name, 0, &state);
    return err ? err : pv_store_number_set(room->store, state_name, state | bits);
}

enum pv_err pv_forgotten_judged(struct pv_room *room, const struct pv_log_item *item, uint64_t folded)
{
    struct pv_server_body body;
    struct pv_forget_info forget;
    if (pv_server_body_read(item->body, &body) || body.type != PV_SERVER_DELETED) return PV_OK;
    if (!pv_roster_forget(room->roster, &body.u.deleted_forget, &forget)) return PV_OK;
    /* Keys of what is forgotten may be among them, and blobs that are gone: the next put stores anew. */
    enum pv_err err = pv_store_chunks_delete(room->store);
    return err ? err : add_bits(room, forget.ranges[0].from < folded ? ERASE | REFOLD : ERASE);
}

/* ---- bodies */

struct erasing {
    struct pv_room *room;
    bool erased;
};

static enum pv_err erase_entry(void *context, const struct pv_stored_entry *stored)
{
    struct erasing *e = context;
    struct pv_entry entry;
    if (!pv_roster_is_forgotten(e->room->roster, stored->index)) return PV_OK;
    if (pv_entry_read(stored->entry, &entry) || !pv_kind_is_sealed(entry.header.kind)) return PV_OK;
    return pv_store_erase_entry(e->room->store, stored->index, &e->erased);
}

static enum pv_err erase_bodies(struct pv_room *room, bool *ret_erased)
{
    struct erasing e = {.room = room};
    size_t count;
    const struct pv_range *gone = pv_roster_gone(room->roster, &count);
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = pv_store_header_each(room->store, gone[i].from, gone[i].to, erase_entry, &e);
    *ret_erased = e.erased;
    return err;
}

/* ---- keys */

struct goes {
    const struct pv_roster *roster;
    uint64_t cut_index; /* of the entry that began the epoch of the cut */
    bool all;           /* else only those of what is forgotten itself */
};

static bool key_goes(const void *context, uint64_t index, uint64_t source)
{
    const struct goes *g = context;
    if (pv_roster_is_forgotten(g->roster, index)) return true;
    return g->all && (source < g->cut_index || pv_roster_is_forgotten(g->roster, source));
}

struct lacking {
    struct pv_room *room;
    struct pv_opening opening;
    const struct goes *goes;
    uint64_t cut;
};

/* One entry of an epoch before the cut, read with the keys at hand: does it lose by their going, since it has no key that
 * stays? CONFLICT ends the walk. */
static enum pv_err find_lacking(void *context, const struct pv_stored_entry *stored)
{
    struct lacking *l = context;
    struct pv_entry_key key;
    struct pv_entry entry;
    uint64_t type, source = 0;
    if (stored->verdict != PV_ACCEPTED || !stored->has_body || pv_roster_is_forgotten(l->room->roster, stored->index)) return PV_OK;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    if (!pv_kind_is_sealed(entry.header.kind) || entry.header.epoch >= l->cut) return PV_OK;
    enum pv_err err = pv_kept_key_source(l->room->store, stored->index, &source);
    if (!err && !key_goes(l->goes, stored->index, source)) return PV_OK;
    if (err && err != PV_ERR_NOT_FOUND) return err;
    err = pv_opening_key(&l->opening, stored->index, &entry.header, stored->body, &key);
    if (!err) err = pv_opening_type(&l->opening, &key, &entry.header, stored->body, &type);
    pv_wipe(&key, sizeof key);
    if (err == PV_ERR_NOMEM) return err;
    return !err && type != PV_PAYLOAD_KEYS ? PV_ERR_CONFLICT : PV_OK; /* what opens for nobody loses nothing */
}

/* In the person's own room: has each epoch before the cut, whose secret is here, its seed by itself? */
static enum pv_err find_seeds(struct pv_room *room, uint64_t cut)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(room->roster, &count);
    enum pv_err err = PV_OK;
    for (uint64_t e = 0; e < cut && e < count && !err && !room->person_room; e++) {
        struct pv_epoch_secret secret;
        struct pv_kem_seed seed;
        err = pv_keys_secret(room, room->roster, e, &secret);
        pv_wipe(&secret, sizeof secret);
        if (!err) err = pv_kept_seed_get(room->store, e, &epochs[e].kem_hash, &seed) == PV_OK ? PV_OK : PV_ERR_CONFLICT;
        pv_wipe(&seed, sizeof seed);
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    return err;
}

/* A `keys` entry that left something out, by error or malice, or that cannot be read here, must not take away what nobody
 * meant to forget: then the secrets stay, and the older keys, until another one names the rest. */
static enum pv_err may_erase_all(struct pv_room *room, uint64_t cut, const struct goes *goes, bool *ret_may)
{
    struct lacking l = {.room = room, .goes = goes, .cut = cut};
    pv_opening_init(&l.opening, room);
    enum pv_err err = find_seeds(room, cut);
    if (!err) err = pv_store_entry_each(room->store, 0, goes->cut_index, find_lacking, &l);
    pv_opening_release(&l.opening);
    *ret_may = !err;
    return err == PV_ERR_CONFLICT ? PV_OK : err;
}

static enum pv_err erase_keys(struct pv_room *room, bool *ret_erased)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(room->roster, &count);
    uint64_t cut = pv_roster_cut_done(room->roster);
    struct goes goes = {room->roster, cut < count ? epochs[cut].index : 0, true};
    bool had = false;
    struct pv_kept_erasing erasing = {&goes, key_goes};
    enum pv_err err = pv_store_epoch_has_before(room->store, cut, &had);
    if (!err) err = may_erase_all(room, cut, &goes, &goes.all);
    if (!err && had && goes.all) err = pv_store_epoch_erase_before(room->store, cut);
    if (!err) err = pv_kept_keys_erase(room->store, &erasing);
    *ret_erased = had && goes.all;
    return err;
}

/* ---- all of it */

/* One transaction: whoever reads sees all or nothing of it, and what is left to do. */
static enum pv_err erase(struct pv_room *room, uint64_t state, bool *ret_refold)
{
    bool bodies = false, keys = false;
    enum pv_err err = erase_bodies(room, &bodies);
    if (!err) err = erase_keys(room, &keys);
    *ret_refold = bodies || keys || state & REFOLD;
    if (!err && *ret_refold) err = pv_room_list_keep(room); /* as long as the fold knows what stood there */
    if (!err && *ret_refold) err = pv_fold_reset(room->store);
    /* Whoever reads before the pull ends, or after it was cut or the disk was full, finds all that stays. */
    if (!err && *ret_refold) err = pv_open_stored(room, 0, pv_roster_size(room->roster));
    return err ? err : pv_store_number_set(room->store, state_name, SCRUB);
}

static enum pv_err finish(struct pv_room *room, uint64_t came, uint64_t state, bool *ret_more)
{
    bool waiting = false;
    enum pv_err err = PV_OK;
    if (came) {
        err = pv_kept_keys_waiting(room->store, &waiting);
        if (!err && waiting) err = pv_fold_outdate(room->store);
        if (!err && pv_roster_cut_done(room->roster)) err = add_bits(room, ERASE);
        if (!err) err = pv_store_value_delete(room->store, PV_KEYS_CAME);
        *ret_more = true;
    } else if (state & ERASE) {
        err = erase(room, state, ret_more);
        *ret_more = true; /* at least the scrubbing is left */
    }
    return err;
}

enum pv_err pv_forgotten_finish(struct pv_room *room, bool *ret_more)
{
    uint64_t came = 0, state = 0;
    bool clean = false;
    *ret_more = false;
    enum pv_err err = pv_store_number_get(room->store, PV_KEYS_CAME, 0, &came);
    if (!err) err = pv_store_number_get(room->store, state_name, 0, &state);
    if (err || (!came && !state)) return err;
    if (came || state & ERASE) {
        err = pv_room_begin(room);
        if (err) return err;
        err = finish(room, came, state, ret_more);
        if (!err) return pv_room_commit(room);
        pv_room_rollback(room);
        return err;
    }
    err = pv_store_scrub(room->store, &clean);
    return !err && clean ? pv_store_value_delete(room->store, state_name) : err;
}
