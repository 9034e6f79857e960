/* Making a rekey: a new secret, wrapped to everyone who is to read on, linked to the secrets of before. */
#include <stdlib.h>
#include <string.h>

#include "core/sync/forget.h"

enum { LINK_WINDOW = 64 }; /* epochs back that are looked at for a cut */

/* Policy, not validity: an epoch's secret is not used for longer. Source: FORMAT.md §7.3. */
#define EPOCH_AGE_MAX_MS (30ull * 24 * 3600 * 1000)

/* Whether the present epoch began too long ago, by its entry's time and the newest checkpoint's. */
static enum pv_err epoch_is_old(struct pv_room *room, const struct pv_roster *view, bool *ret_old)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(view, &count);
    struct pv_stored_entry stored;
    struct pv_entry entry;
    struct pv_buf memory;
    *ret_old = false;
    if (epochs[count - 1].index >= pv_roster_size(room->roster)) return PV_OK; /* our own, unsent */
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_entry_get(room->store, epochs[count - 1].index, &memory, &stored);
    if (!err && pv_entry_read(stored.entry, &entry)) err = PV_ERR_CORRUPT;
    if (!err) *ret_old = room->pinned.time_s * 1000 > entry.header.time_ms + EPOCH_AGE_MAX_MS;
    pv_buf_release(&memory);
    return err;
}

/* ---- what links reach */

struct cut_off {
    uint64_t from; /* the oldest epoch looked at */
    bool is[LINK_WINDOW];
};

/* Each secret at hand that no chain of links from the newest epoch reaches; the newest too, if `newest_too`. */
static enum pv_err find_cut_off(struct pv_room *room, const struct pv_roster *view, bool newest_too, struct cut_off *ret_cut)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(view, &count);
    uint64_t from = count > LINK_WINDOW ? count - LINK_WINDOW : 0, cut = pv_roster_cut(view);
    if (from < cut) from = cut;
    bool reached[LINK_WINDOW] = {false};
    uint64_t lost_to;
    enum pv_err err = pv_store_number_get(room->store, PV_LOST_TO, 0, &lost_to);
    if (err) return err;
    *ret_cut = (struct cut_off){.from = from};
    if (count > from) reached[count - 1 - from] = !newest_too;
    for (uint64_t e = count; e-- > from;) {
        struct pv_epoch_secret secret;
        err = PV_OK;
        if (!reached[e - from]) {
            err = pv_keys_secret(room, view, e, &secret);
            pv_wipe(&secret, sizeof secret);
            if (err == PV_ERR_NOT_FOUND) continue;
            ret_cut->is[e - from] = !err;
        }
        if (!err && e > from && epochs[e].index >= lost_to) err = pv_keys_mark_linked(room, &epochs[e], from, reached);
        if (err) return err;
    }
    return PV_OK;
}

/* Did this device link what it holds upon an epoch that began since the restore? Once is enough: who cuts again (a forget)
 * means it, and two who undo each other's work would never end. */
static enum pv_err has_linked(struct pv_room *room, const struct pv_epoch_info *epochs, size_t count, uint64_t lost_to, bool *ret_has)
{
    enum pv_err err = PV_OK;
    *ret_has = false;
    for (size_t e = count - 1; e > 0 && epochs[e - 1].index >= lost_to && !*ret_has && !err; e--) {
        struct pv_hash author;
        size_t links;
        err = pv_keys_rekeyed_by(room, &epochs[e], &author, &links);
        *ret_has = !err && links && pv_hash_equal(&author, &room->me->device);
    }
    return err;
}

static enum pv_err has_newest(struct pv_room *room, const struct pv_roster *view, bool *ret_has)
{
    struct pv_epoch_secret newest;
    enum pv_err err = pv_keys_secret(room, view, pv_roster_epoch(view), &newest);
    pv_wipe(&newest, sizeof newest);
    *ret_has = !err;
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

/* Who began the present epoch has lost its secret, is gone, or a viewer, who makes no rekey; and nobody else who could has it by
 * a wrap: a restore may have lost these.
 * Whoever comes by a recovery kit waits for nobody: it may be all that is left. */
static enum pv_err is_lost_to_all(struct pv_room *room, const struct pv_roster *view, bool *ret_lost)
{
    struct pv_hash author;
    size_t count, links;
    bool has = false;
    const struct pv_epoch_info *epochs = pv_roster_epochs(view, &count);
    *ret_lost = false;
    const struct pv_room_device *me = pv_roster_device(view, &room->me->device);
    bool by_kit = !room->person_room && me && me->paper;
    if (room->restored || epochs[count - 1].index >= pv_roster_size(room->roster) || !(by_kit || pv_roster_all_complain(view))) return PV_OK;
    enum pv_err err = has_newest(room, view, &has);
    *ret_lost = !err && !has && by_kit;
    if (err || has || by_kit) return err;
    err = pv_keys_rekeyed_by(room, &epochs[count - 1], &author, &links);
    const struct pv_principal *person = pv_roster_principal_of(view, &author);
    *ret_lost = !err && (pv_hash_equal(&author, &room->me->device) || !person || person->role == PV_ROLE_VIEWER);
    return err;
}

/* Did who began the present epoch cut off the one before for nothing? It answers a complaint of that one, and may have lacked
 * it; or, in a person's own room, a kit began it, which waits for nobody; or it was to be a forget's cut, or whoever began it
 * lacked all others, and is no owner, who could still forget. */
static enum pv_err is_cut_for_nothing(struct pv_room *room, const struct pv_roster *view, bool *ret_is)
{
    struct pv_hash author;
    size_t count, links;
    uint64_t complaint = 0;
    const struct pv_epoch_info *epochs = pv_roster_epochs(view, &count);
    enum pv_err err = pv_store_number_get(room->store, PV_COMPLAINT, 0, &complaint);
    *ret_is = !err && complaint && complaint == count - 1;
    if (err || *ret_is || count == 1) return err;
    err = pv_keys_rekeyed_by(room, &epochs[count - 1], &author, &links);
    if (err) return err;
    const struct pv_room_device *device = pv_roster_device(view, &author);
    const struct pv_principal *person = pv_roster_principal_of(view, &author);
    *ret_is = room->person_room ? !links && !(person && person->role == PV_ROLE_OWNER) : device && device->paper;
    return PV_OK;
}

/* Did a restore lose the wraps of the present epoch, or what led from there to an older secret; or is the one before that cut off
 * for nothing? Who lacks the present one has complained, and would only cut it off from others. */
static enum pv_err has_lost_keys(struct pv_room *room, const struct pv_roster *view, bool *ret_lost)
{
    struct cut_off cut;
    uint64_t lost_to;
    bool has = false, linked = false, forgets = false, for_nothing = false;
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(view, &count);
    enum pv_err err = pv_store_number_get(room->store, PV_LOST_TO, 0, &lost_to);
    *ret_lost = false;
    if (err || room->restored) return err;
    err = pv_forget_is_under_way(room, &forgets); /* its cut is meant */
    if (err || forgets) return err;
    *ret_lost = epochs[count - 1].index < lost_to;
    if (*ret_lost || epochs[count - 1].index >= pv_roster_size(room->roster)) return PV_OK; /* or our own, unsent */
    err = has_newest(room, view, &has);
    if (!err && has) err = is_cut_for_nothing(room, view, &for_nothing);
    if (err || !has || !(for_nothing || lost_to)) return err;
    err = find_cut_off(room, view, false, &cut);
    if (err) return err;
    *ret_lost = for_nothing && count > cut.from + 1 && cut.is[count - 2 - cut.from];
    if (*ret_lost || lost_to == 0) return PV_OK;
    err = has_linked(room, epochs, count, lost_to, &linked);
    if (err || linked) return err;
    for (size_t i = 0; !*ret_lost && i < LINK_WINDOW; i++) *ret_lost = cut.is[i];
    return PV_OK;
}

bool pv_rekey_stands(const struct pv_room *room, const struct pv_roster *view)
{
    return !pv_roster_is_born(room->roster) || pv_roster_epoch(view) == pv_roster_epoch(room->roster);
}

/* None over one of ours that is unsent: where that loses its race, this one is accepted all the same, and cuts off the epoch
 * that won. */
enum pv_err pv_rekey_is_ours(struct pv_room *room, const struct pv_roster *view, bool *ret_ours)
{
    bool stands = pv_roster_is_born(view) && pv_rekey_stands(room, view);
    const struct pv_principal *me = stands ? pv_roster_principal_of(view, &room->me->device) : NULL;
    uint64_t unsent = 0, complaint = 0;
    *ret_ours = me && (pv_roster_rekey_due(view) || pv_roster_epoch(view) < room->epoch_wanted);
    if (!me || *ret_ours || me->role == PV_ROLE_VIEWER) return PV_OK;
    enum pv_err err = pv_store_number_get(room->store, PV_COMPLAINT, 0, &complaint);
    *ret_ours = !err && complaint == pv_roster_epoch(view) + 1;
    if (!err && !*ret_ours) err = is_lost_to_all(room, view, ret_ours);
    if (!err && !*ret_ours) err = has_lost_keys(room, view, ret_ours);
    if (!err && !*ret_ours) err = pv_store_write_count(room->store, &unsent);
    return err || *ret_ours || !unsent ? err : epoch_is_old(room, view, ret_ours);
}

enum pv_err pv_rekey_complain(struct pv_room *room, bool *ret_complains)
{
    const struct pv_roster *view;
    struct pv_roster_body body = {.type = PV_ROSTER_BAD_WRAP};
    uint64_t bad = 0;
    *ret_complains = false;
    enum pv_err err = pv_store_number_get(room->store, PV_BAD_WRAP, 0, &bad);
    if (err || !bad) return err;
    err = pv_store_value_delete(room->store, PV_BAD_WRAP);
    if (!err) err = pv_room_view(room, &view);
    bool present = !err && bad == pv_roster_epoch(view) + 1 && pv_roster_principal_of(view, &room->me->device);
    if (!present) return err;
    body.u.bad_wrap_epoch = bad - 1;
    err = pv_write_roster(room, &body, pv_bytes(NULL, 0));
    *ret_complains = !err;
    return err == PV_ERR_DENIED ? PV_OK : err; /* another of our devices said it already */
}

/* A recipient's KEM key; our own follows from its seed, also where a restore lost it. Errors: NOT_FOUND. */
static enum pv_err recipient_key(struct pv_room *room, const struct pv_hash *kem_hash, struct pv_kem_pk *ret_pk)
{
    struct pv_kem_seed seed;
    enum pv_err err = pv_store_kem_key_get(room->store, kem_hash, ret_pk);
    if (err != PV_ERR_NOT_FOUND) return err;
    err = pv_keys_my_kem_seed(room, kem_hash, &seed);
    if (!err) pv_kem_from_seed(&seed, ret_pk);
    pv_wipe(&seed, sizeof seed);
    return err == PV_ERR_NO_KEY ? PV_ERR_NOT_FOUND : err;
}

enum pv_err pv_rekey_missing_keys(struct pv_room *room, struct pv_hash *ret_hashes, size_t max, size_t *ret_count)
{
    const struct pv_roster *view;
    struct pv_recipient *recipients;
    size_t count, missing = 0;
    enum pv_err err = pv_room_view(room, &view);
    if (!err) err = pv_roster_recipients(view, &recipients, &count);
    if (err) return err;
    for (size_t i = 0; i < count && missing < max && !err; i++) {
        struct pv_kem_pk pk;
        err = recipient_key(room, &recipients[i].kem_hash, &pk);
        if (err != PV_ERR_NOT_FOUND) continue;
        err = PV_OK;
        ret_hashes[missing++] = recipients[i].kem_hash;
    }
    free(recipients);
    if (!err) *ret_count = missing;
    return err;
}

/* Everything that a rekey gathers before it is written. */
struct rekey {
    struct pv_roster_body body;
    struct pv_epoch_secret secret;
    struct pv_kem_pk pk;
    struct pv_recipient *recipients;
    size_t recipient_count;
    uint8_t (*wrap_bytes)[PV_WRAP_BYTES];
    struct pv_bytes *wraps;
    uint8_t link_bytes[PV_LIMIT_LINKS][PV_LINK_BYTES];
    struct pv_bytes links[PV_LIMIT_LINKS];
};

static enum pv_err make_wraps(struct pv_room *room, struct rekey *r)
{
    struct pv_rekey_body *body = &r->body.u.rekey;
    struct pv_wrap_context context = {.room = room->id, .epoch = body->epoch, .secret_hash = body->secret_hash};
    r->wrap_bytes = calloc(r->recipient_count, sizeof *r->wrap_bytes);
    r->wraps = calloc(r->recipient_count, sizeof *r->wraps);
    if (!r->wrap_bytes || !r->wraps) return PV_ERR_NOMEM;
    for (size_t i = 0; i < r->recipient_count; i++) {
        struct pv_kem_pk pk;
        uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
        enum pv_err err = recipient_key(room, &r->recipients[i].kem_hash, &pk);
        if (err && err != PV_ERR_NOT_FOUND) return err;
        bool empty = err == PV_ERR_NOT_FOUND;
        context.recipient = r->recipients[i].id;
        context.recipient_kem_hash = r->recipients[i].kem_hash;
        pv_random_fill(room->random, enc_seed, sizeof enc_seed);
        if (!empty) err = pv_wrap_make(&context, &pk, enc_seed, &r->secret, r->wrap_bytes[i]);
        pv_wipe(enc_seed, sizeof enc_seed);
        if (err == PV_ERR_MALFORMED) empty = true;
        else if (err && !empty) return err;
        r->wraps[i] = pv_bytes(r->wrap_bytes[i], empty ? 0 : PV_WRAP_BYTES);
    }
    return pv_merkle_list_root(r->wraps, r->recipient_count, &body->wraps_root);
}

static enum pv_err add_link(struct pv_room *room, const struct pv_epoch_info *old, const struct pv_epoch_secret *secret,
                            struct rekey *r)
{
    struct pv_rekey_body *body = &r->body.u.rekey;
    struct pv_link_context context = {room->id, body->epoch, old->epoch, body->secret_hash, old->secret_hash};
    size_t at = body->link_count++;
    pv_link_make(&context, &r->secret, secret, r->link_bytes[at]);
    r->links[at] = pv_bytes(r->link_bytes[at], PV_LINK_BYTES);
    body->links[at].epoch = old->epoch;
    pv_hash_bytes("link-sealed", r->links[at], &body->links[at].sealed_hash);
    return PV_OK;
}

/* Link the newest secret, and each other one at hand that no chain of links from there reaches: a rekey by someone
 * who lacked a secret had cut it off. */
static enum pv_err make_links(struct pv_room *room, const struct pv_roster *view, struct rekey *r)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(view, &count);
    struct cut_off cut;
    enum pv_err err = find_cut_off(room, view, true, &cut);
    for (uint64_t e = count; !err && e-- > cut.from && r->body.u.rekey.link_count < PV_LIMIT_LINKS;) {
        struct pv_epoch_secret secret;
        if (!cut.is[e - cut.from]) continue;
        err = pv_keys_secret(room, view, e, &secret);
        if (!err) err = add_link(room, &epochs[e], &secret, r);
        pv_wipe(&secret, sizeof secret);
    }
    return err;
}

static enum pv_err make(struct pv_room *room, const struct pv_roster *view, bool cut, struct rekey *r)
{
    struct pv_kem_seed seed;
    struct pv_rekey_body *body = &r->body.u.rekey;
    r->body.type = PV_ROSTER_REKEY;
    body->epoch = pv_roster_epoch(view) + 1;
    pv_random_fill(room->random, r->secret.b, sizeof r->secret.b);
    pv_epoch_secret_hash(&r->secret, &body->secret_hash);
    pv_epoch_kem_seed(&r->secret, &seed);
    pv_kem_from_seed(&seed, &r->pk);
    pv_wipe(&seed, sizeof seed);
    pv_kem_hash(&r->pk, &body->kem_hash);
    enum pv_err err = pv_roster_recipients(view, &r->recipients, &r->recipient_count);
    if (err) return err;
    pv_recipients_digest(r->recipients, r->recipient_count, &body->recipients);
    err = make_wraps(room, r);
    if (!err && !cut) err = make_links(room, view, r);
    return err;
}

/* Who lacks the present secret cuts it off by a new one, and says so first: whoever has it links it again. It may be wrapped
 * to a key of our person's that a restore lost with the epoch of the own room that it was of. */
static enum pv_err own_up(struct pv_room *room)
{
    const struct pv_roster *view;
    struct pv_roster_body body = {.type = PV_ROSTER_BAD_WRAP};
    bool has = true;
    enum pv_err err = pv_room_view(room, &view);
    if (!err) err = has_newest(room, view, &has);
    if (err || has) return err;
    body.u.bad_wrap_epoch = pv_roster_epoch(view);
    err = pv_write_roster(room, &body, pv_bytes(NULL, 0));
    return err == PV_ERR_DENIED ? PV_OK : err; /* it is said already */
}

enum pv_err pv_rekey_make(struct pv_room *room, bool cut)
{
    const struct pv_roster *view;
    struct rekey *r = calloc(1, sizeof *r);
    struct pv_buf beside;
    if (!r) return PV_ERR_NOMEM;
    pv_buf_init(&beside, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = cut || !room->person_room ? PV_OK : own_up(room);
    if (!err) err = pv_room_view(room, &view);
    if (!err) err = make(room, view, cut, r);
    if (!err) {
        struct pv_bytes kem_key = PV_BYTES_OF(r->pk);
        pv_beside_put(&beside, &kem_key, 1, r->links, r->body.u.rekey.link_count, r->wraps, r->recipient_count);
        err = beside.err;
    }
    if (!err) err = pv_write_roster(room, &r->body, pv_buf_bytes(&beside));
    if (!err) err = pv_store_epoch_set(room->store, r->body.u.rekey.epoch, &r->secret);
    pv_buf_release(&beside);
    free(r->recipients);
    free(r->wrap_bytes);
    free(r->wraps);
    pv_wipe(r, sizeof *r);
    free(r);
    return err;
}
