/* Which epoch secrets are missing, where they can be had, and taking them in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log/merkle.h"
#include "core/state/fold.h"
#include "core/state/kept_keys.h"
#include "core/sync/mend.h"

/* Sources are remembered as values of the store: one for the member, one for the link it reads by. */
static void source_name(uint64_t epoch, bool for_invite, char ret_name[static 48])
{
    (void)snprintf(ret_name, 48, "sync.%s.%llu", for_invite ? "invite-wrap" : "wrap", (unsigned long long)epoch);
}

static enum pv_err source_put(struct pv_room *room, const struct pv_wrap_source *source)
{
    char name[48];
    struct pv_buf value;
    pv_buf_init(&value, 128);
    source_name(source->epoch, source->for_invite, name);
    pv_cbor_put_array(&value, 3);
    pv_cbor_put_uint(&value, source->index);
    pv_cbor_put_uint(&value, source->slot);
    pv_cbor_put_hash(&value, &source->kem_hash);
    enum pv_err err = value.err ? value.err : pv_store_value_set(room->store, name, pv_buf_bytes(&value));
    pv_buf_release(&value);
    return err;
}

static enum pv_err source_get(struct pv_room *room, uint64_t epoch, bool for_invite, struct pv_wrap_source *ret_source)
{
    char name[48];
    struct pv_buf value;
    struct pv_cbor in;
    struct pv_wrap_source source = {.epoch = epoch, .for_invite = for_invite};
    pv_buf_init(&value, 128);
    source_name(epoch, for_invite, name);
    enum pv_err err = pv_store_value_get(room->store, name, &value);
    if (!err) {
        pv_cbor_init(&in, pv_buf_bytes(&value));
        pv_cbor_get_array_of(&in, 3);
        source.index = pv_cbor_get_uint(&in, PV_LIMIT_N);
        source.slot = pv_cbor_get_uint(&in, PV_LIMIT_WRAPS);
        pv_cbor_get_hash(&in, &source.kem_hash);
        err = pv_cbor_finish(&in) ? PV_ERR_CORRUPT : PV_OK;
    }
    pv_buf_release(&value);
    if (!err) *ret_source = source;
    return err;
}

/* A source that gave nothing: not asked again. */
static enum pv_err source_spent(struct pv_room *room, const struct pv_wrap_source *source)
{
    char name[48];
    source_name(source->epoch, source->for_invite, name);
    return pv_store_value_delete(room->store, name);
}

enum pv_err pv_keys_rekey_sources(struct pv_room *room, const struct pv_log_item *item,
                                  struct pv_wrap_source ret_sources[static 2], size_t *ret_count)
{
    struct pv_recipient *recipients;
    size_t count, found = 0;
    *ret_count = 0;
    bool rekey = item->entry.header.kind == PV_KIND_ROSTER && item->body.n > 1 && item->body.p[1] == PV_ROSTER_REKEY;
    if (!rekey) return PV_OK;
    enum pv_err err = pv_roster_recipients(room->roster, &recipients, &count);
    if (err) return err;
    struct pv_bytes mine = PV_BYTES_OF(*pv_room_my_principal(room));
    for (size_t i = 0; i < count && found < 2; i++) {
        bool is_mine = pv_bytes_equal(recipients[i].id, mine);
        bool is_link = room->has_invite && pv_bytes_equal(recipients[i].id, PV_BYTES_OF(room->invite));
        if (is_mine || is_link)
            ret_sources[found++] = (struct pv_wrap_source){pv_roster_epoch(room->roster) + 1, item->index, i,
                                                           recipients[i].kem_hash, is_link};
    }
    free(recipients);
    *ret_count = found;
    return PV_OK;
}

static enum pv_err note_genesis(struct pv_room *room, const struct pv_genesis *genesis, struct pv_wrap_source source)
{
    struct pv_hash ids[2];
    if (genesis->room_kind == PV_ROOM_CLIENT) {
        source.kem_hash = genesis->founder.kem_hash;
        return source_put(room, &source);
    }
    for (size_t i = 0; i < 2; i++) pv_device_id(&genesis->founders[i].device, &ids[i]);
    size_t me = pv_hash_equal(&ids[1], &room->me->device);
    if (!pv_hash_equal(&ids[me], &room->me->device)) return PV_OK;
    source.slot = memcmp(ids[me].b, ids[1 - me].b, sizeof ids[me].b) > 0;
    source.kem_hash = genesis->founders[me].device.kem_hash;
    return source_put(room, &source);
}

enum pv_err pv_keys_note(struct pv_room *room, const struct pv_log_item *item, const struct pv_wrap_source *rekey_sources,
                         size_t rekey_source_count)
{
    struct pv_roster_body body;
    struct pv_person person;
    struct pv_hash id;
    struct pv_wrap_source source = {.epoch = item->entry.header.epoch, .index = item->index};
    enum pv_err err = pv_roster_body_read(item->body, &body);
    if (err) return err;
    switch (body.type) {
    case PV_ROSTER_GENESIS:
        if (body.u.genesis.room_kind == PV_ROOM_CLIENT &&
            (pv_record_read(body.u.genesis.founder.record, &person) || !pv_hash_equal(&person.id, &room->me->person)))
            return PV_OK;
        return note_genesis(room, &body.u.genesis, source);
    case PV_ROSTER_INVITE:
        if (!room->has_invite || !pv_id16_equal(&body.u.invite.id, &room->invite)) return PV_OK;
        source.kem_hash = body.u.invite.kem_hash;
        source.for_invite = true;
        return source_put(room, &source);
    case PV_ROSTER_JOIN:
        if (pv_record_read(body.u.join.party.record, &person) || !pv_hash_equal(&person.id, &room->me->person))
            return PV_OK;
        source.kem_hash = body.u.join.party.kem_hash;
        return source_put(room, &source);
    case PV_ROSTER_DEVICE_ADD:
        pv_device_id(&body.u.device_add.certs[0].device, &id);
        if (room->person_room || !pv_hash_equal(&id, &room->me->device)) return PV_OK;
        source.kem_hash = body.u.device_add.certs[0].device.kem_hash;
        return source_put(room, &source);
    case PV_ROSTER_REKEY:
        for (size_t i = 0; i < rekey_source_count && !err; i++) err = source_put(room, &rekey_sources[i]);
        return err;
    case PV_ROSTER_BAD_WRAP:
        return pv_hash_equal(&item->entry.header.author, &room->me->device)
                   ? PV_OK
                   : pv_store_number_set(room->store, PV_COMPLAINT, body.u.bad_wrap_epoch + 1);
    case PV_ROSTER_DEVICE_REMOVE:
        return room->person_room ? PV_OK : pv_store_number_set(room->store, PV_SWEPT_AT, item->index + 1);
    case PV_ROSTER_CLOSE_INVITE:
    case PV_ROSTER_ROLE:
    case PV_ROSTER_REMOVE:
    case PV_ROSTER_LEAVE:
    case PV_ROSTER_POLICY:
    case PV_ROSTER_SERVER:
    case PV_ROSTER_HOLD:
    case PV_ROSTER_LIFT:
    case PV_ROSTER_FORGET:
        break; /* these say nothing of keys */
    }
    return PV_OK;
}

enum pv_err pv_keys_secret(struct pv_room *room, const struct pv_roster *roster, uint64_t epoch,
                           struct pv_epoch_secret *ret_secret)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(roster, &count);
    struct pv_epoch_secret secret;
    struct pv_hash hash;
    if (epoch >= count) return PV_ERR_NOT_FOUND;
    enum pv_err err = pv_store_epoch_get(room->store, epoch, &secret);
    if (err) return err;
    pv_epoch_secret_hash(&secret, &hash);
    /* Ours may be that of a rekey which lost its race. */
    if (pv_hash_equal(&hash, &epochs[epoch].secret_hash)) *ret_secret = secret;
    else err = PV_ERR_NOT_FOUND;
    pv_wipe(&secret, sizeof secret);
    return err;
}

static bool has_secret(struct pv_room *room, uint64_t epoch, enum pv_err *err)
{
    struct pv_epoch_secret secret;
    enum pv_err got = pv_keys_secret(room, room->roster, epoch, &secret);
    pv_wipe(&secret, sizeof secret);
    if (got && got != PV_ERR_NOT_FOUND) *err = got;
    return got == PV_OK;
}

static const struct pv_epoch_info *epoch_info(const struct pv_room *room, uint64_t epoch)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(room->roster, &count);
    return epoch < count ? &epochs[epoch] : NULL;
}

/* The rekey body of an epoch, read back from the store. Its slices are not used. */
static enum pv_err rekey_body(struct pv_room *room, uint64_t index, struct pv_roster_body *ret_body)
{
    struct pv_stored_entry entry;
    struct pv_buf memory;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_entry_get(room->store, index, &memory, &entry);
    if (!err && !entry.has_body) err = PV_ERR_CORRUPT;
    if (!err) err = pv_roster_body_read(entry.body, ret_body) ? PV_ERR_CORRUPT : PV_OK;
    pv_buf_release(&memory);
    return err;
}

enum pv_err pv_keys_mark_linked(struct pv_room *room, const struct pv_epoch_info *info, uint64_t from, bool *reached)
{
    struct pv_roster_body body;
    if (info->index >= pv_roster_size(room->roster)) return PV_OK; /* our own rekey, unsent: nothing is cut off by it */
    enum pv_err err = rekey_body(room, info->index, &body);
    for (size_t i = 0; !err && body.type == PV_ROSTER_REKEY && i < body.u.rekey.link_count; i++)
        if (body.u.rekey.links[i].epoch >= from) reached[body.u.rekey.links[i].epoch - from] = true;
    return err;
}

enum pv_err pv_keys_mark_linked_before(struct pv_room *room, const struct pv_epoch_info *info, uint64_t cut, bool *reached)
{
    struct pv_roster_body body;
    enum pv_err err = rekey_body(room, info->index, &body);
    for (size_t i = 0; !err && body.type == PV_ROSTER_REKEY && i < body.u.rekey.link_count; i++)
        if (body.u.rekey.links[i].epoch < cut) reached[body.u.rekey.links[i].epoch] = true;
    return err;
}

enum pv_err pv_keys_rekeyed_by(struct pv_room *room, const struct pv_epoch_info *info, struct pv_hash *ret_author, size_t *ret_links)
{
    struct pv_stored_entry entry;
    struct pv_roster_body body;
    struct pv_buf memory;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_entry_get(room->store, info->index, &memory, &entry);
    if (!err && (!entry.has_body || pv_roster_body_read(entry.body, &body))) err = PV_ERR_CORRUPT;
    if (!err) *ret_author = entry.author;
    if (!err) *ret_links = body.type == PV_ROSTER_REKEY ? body.u.rekey.link_count : 0;
    pv_buf_release(&memory);
    return err;
}

/* Links that were fetched and did not open are not asked for again. */
static void links_name(uint64_t index, char ret_name[static 48])
{
    (void)snprintf(ret_name, 48, "sync.links.%llu", (unsigned long long)index);
}

static bool are_gone(const struct pv_room *room, uint64_t index)
{
    for (size_t i = 0; i < room->links_gone_count; i++)
        if (room->links_gone[i] == index) return true;
    return false;
}

/* A rekey whose secret is here and which links to `epoch`, whose secret is not. */
static enum pv_err find_link(struct pv_room *room, uint64_t epoch, struct pv_key_want *want)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(room->roster, &count);
    enum pv_err err = PV_OK;
    for (uint64_t e = epoch + 1; e < count && e <= epoch + PV_LIMIT_LINKS && !err; e++) {
        struct pv_roster_body body;
        char name[48];
        uint64_t tried;
        links_name(epochs[e].index, name);
        if (are_gone(room, epochs[e].index) || !has_secret(room, e, &err) || err) continue;
        err = pv_store_number_get(room->store, name, 0, &tried);
        if (err || tried) continue;
        err = rekey_body(room, epochs[e].index, &body);
        for (size_t i = 0; !err && body.type == PV_ROSTER_REKEY && i < body.u.rekey.link_count; i++) {
            if (body.u.rekey.links[i].epoch != epoch) continue;
            want->what = PV_KEY_LINKS;
            want->index = epochs[e].index;
            return PV_OK;
        }
    }
    return err;
}

enum pv_err pv_keys_want(struct pv_room *room, struct pv_key_want *ret_want)
{
    struct pv_key_want want = {.what = PV_KEY_NONE};
    enum pv_err err = PV_OK;
    if (!pv_roster_is_born(room->roster)) {
        *ret_want = want;
        return PV_OK;
    }
    /* Newest first: the present secret matters most, and older ones follow from it by links. */
    for (uint64_t e = pv_roster_epoch(room->roster) + 1; e-- > pv_roster_cut_done(room->roster) && want.what == PV_KEY_NONE && !err;) {
        if (has_secret(room, e, &err) || err) continue;
        err = find_link(room, e, &want);
        for (int invite = 0; invite < 2 && want.what == PV_KEY_NONE && !err; invite++) {
            if (invite && !room->has_invite) break;
            err = source_get(room, e, invite, &want.wrap);
            if (!err) want.what = PV_KEY_WRAP;
            if (err == PV_ERR_NOT_FOUND) err = PV_OK;
        }
    }
    if (!err) *ret_want = want;
    return err;
}

enum pv_err pv_keys_my_kem_seed(struct pv_room *room, const struct pv_hash *kem_hash, struct pv_kem_seed *ret_seed)
{
    if (!room->person_room) {
        if (!pv_hash_equal(kem_hash, &room->me->public.kem_hash)) return PV_ERR_NO_KEY;
        *ret_seed = room->me->kem_seed;
        return PV_OK;
    }
    struct pv_room *person = room->person_room;
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(person->roster, &count);
    for (size_t i = count; i-- > 0;) {
        struct pv_epoch_secret secret;
        if (!pv_hash_equal(&epochs[i].kem_hash, kem_hash)) continue;
        enum pv_err err = pv_keys_secret(person, person->roster, epochs[i].epoch, &secret);
        if (!err) pv_epoch_kem_seed(&secret, ret_seed);
        pv_wipe(&secret, sizeof secret);
        if (err == PV_ERR_NOT_FOUND) err = pv_kept_seed_get(person->store, epochs[i].epoch, kem_hash, ret_seed);
        return err == PV_ERR_NOT_FOUND ? PV_ERR_NO_KEY : err;
    }
    return PV_ERR_NO_KEY;
}

/* A secret counts only if it is the one whose hash and KEM key the log names. */
static enum pv_err take_secret(struct pv_room *room, const struct pv_epoch_info *info, const struct pv_epoch_secret *secret)
{
    struct pv_kem_seed seed;
    struct pv_kem_pk pk;
    struct pv_hash hash;
    pv_epoch_kem_seed(secret, &seed);
    pv_kem_from_seed(&seed, &pk);
    pv_wipe(&seed, sizeof seed);
    pv_kem_hash(&pk, &hash);
    if (!pv_hash_equal(&hash, &info->kem_hash)) return PV_ERR_BROKEN_CHAIN;
    /* Together: a secret that is here without a word of it is never asked for again, and what it opens stays unread. */
    bool own = !pv_store_in_transaction(room->store);
    enum pv_err err = own ? pv_store_begin(room->store) : PV_OK;
    if (err) return err;
    err = pv_store_epoch_set(room->store, info->epoch, secret);
    if (!err) err = pv_fold_key_came(room->store, info->epoch);
    if (own && err) pv_store_rollback(room->store);
    else if (own) err = pv_store_commit(room->store);
    return err;
}

/* The root over wraps that an entry's body names. */
static enum pv_err wraps_root_of(struct pv_room *room, uint64_t index, struct pv_hash *ret_root, bool *ret_is_genesis)
{
    struct pv_roster_body body;
    enum pv_err err = rekey_body(room, index, &body);
    if (err) return err;
    *ret_is_genesis = body.type == PV_ROSTER_GENESIS;
    if (body.type == PV_ROSTER_GENESIS) *ret_root = body.u.genesis.wraps_root;
    else if (body.type == PV_ROSTER_INVITE) *ret_root = body.u.invite.wraps_root;
    else if (body.type == PV_ROSTER_JOIN) *ret_root = body.u.join.wraps_root;
    else if (body.type == PV_ROSTER_DEVICE_ADD) *ret_root = body.u.device_add.wraps_root;
    else if (body.type == PV_ROSTER_REKEY) *ret_root = body.u.rekey.wraps_root;
    else return PV_ERR_CORRUPT;
    return PV_OK;
}

static enum pv_err not_of_form(struct pv_room *room)
{
    return pv_room_raise(room, PV_ERR_IO, pv_bytes(NULL, 0),
                         "the server's keys are not of the expected form: its store is damaged, or it is no privity server");
}

/* [wrap, count, [hash…]]: the wrap, shown to be the one that the entry names. */
static enum pv_err read_wrap(struct pv_room *room, const struct pv_wrap_source *source, struct pv_bytes answer,
                             struct pv_bytes *ret_wrap, bool *ret_in_genesis)
{
    struct pv_cbor in;
    struct pv_merkle_proof proof;
    struct pv_hash leaf, root;
    pv_cbor_init(&in, answer);
    pv_cbor_get_array_of(&in, 3);
    struct pv_bytes wrap = pv_cbor_get_bytes(&in, PV_WRAP_BYTES);
    uint64_t count = pv_cbor_get_uint(&in, PV_LIMIT_WRAPS);
    proof.count = pv_cbor_get_array(&in, PV_LIMIT_PROOF_HASHES);
    for (size_t i = 0; i < proof.count && !in.err; i++) pv_cbor_get_hash(&in, &proof.hashes[i]);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return not_of_form(room);
    err = wraps_root_of(room, source->index, &root, ret_in_genesis);
    if (err) return err;
    pv_merkle_leaf(wrap, &leaf);
    if (pv_merkle_check_inclusion(&leaf, source->slot, count, proof.hashes, proof.count, &root))
        return pv_room_raise(room, PV_ERR_BROKEN_CHAIN, answer, "the server gave another wrap than entry %llu names",
                             (unsigned long long)source->index);
    *ret_wrap = wrap;
    return PV_OK;
}

enum pv_err pv_keys_lack_wrap(struct pv_room *room, const struct pv_wrap_source *source)
{
    uint64_t newest = 0;
    enum pv_err err = source_spent(room, source);
    if (err || source->for_invite) return err;
    err = pv_store_number_get(room->store, PV_BAD_WRAP, 0, &newest); /* older epochs are asked for after newer ones */
    return err || newest > source->epoch ? err : pv_store_number_set(room->store, PV_BAD_WRAP, source->epoch + 1);
}

enum pv_err pv_keys_take_wrap(struct pv_room *room, const struct pv_wrap_source *source, struct pv_bytes answer)
{
    const struct pv_epoch_info *info = epoch_info(room, source->epoch);
    struct pv_wrap_context context = {.epoch = source->epoch, .recipient_kem_hash = source->kem_hash};
    struct pv_kem_seed seed = room->invite_kem_seed;
    struct pv_epoch_secret secret;
    struct pv_bytes wrap = {0};
    bool in_genesis = false;
    if (!info) return PV_ERR_CORRUPT;
    enum pv_err err = read_wrap(room, source, answer, &wrap, &in_genesis);
    if (err) return err;
    if (!source->for_invite) err = pv_keys_my_kem_seed(room, &source->kem_hash, &seed);
    if (!err) {
        if (!in_genesis) context.room = room->id;
        context.secret_hash = info->secret_hash;
        context.recipient = source->for_invite ? PV_BYTES_OF(room->invite) : PV_BYTES_OF(*pv_room_my_principal(room));
        err = pv_wrap_open(&context, &seed, wrap, &secret);
        if (!err) err = take_secret(room, info, &secret);
    }
    pv_wipe(&seed, sizeof seed);
    pv_wipe(&secret, sizeof secret);
    /* A wrap that does not open counts as absent; whoever made it, the secret may still come by a link. */
    bool useless = err == PV_ERR_BAD_MAC || err == PV_ERR_BROKEN_CHAIN || err == PV_ERR_TRUNCATED;
    return useless ? pv_keys_lack_wrap(room, source) : err;
}

enum pv_err pv_keys_take_links(struct pv_room *room, uint64_t index, struct pv_bytes answer)
{
    struct pv_roster_body body;
    struct pv_epoch_secret new_secret, old_secret;
    struct pv_cbor in;
    char name[48];
    enum pv_err err = rekey_body(room, index, &body);
    if (err) return err;
    if (body.type != PV_ROSTER_REKEY) return PV_ERR_CORRUPT;
    const struct pv_rekey_body *rekey = &body.u.rekey;
    const struct pv_epoch_info *new_info = epoch_info(room, rekey->epoch);
    if (!new_info) return PV_ERR_CORRUPT;
    err = pv_keys_secret(room, room->roster, rekey->epoch, &new_secret);
    pv_cbor_init(&in, answer);
    pv_cbor_get_array_of(&in, rekey->link_count);
    for (size_t i = 0; i < rekey->link_count && !err; i++) {
        struct pv_bytes link = pv_cbor_get_bytes(&in, PV_LINK_BYTES);
        struct pv_hash sealed_hash;
        if (in.err) break;
        pv_hash_bytes("link-sealed", link, &sealed_hash);
        if (!pv_hash_equal(&sealed_hash, &rekey->links[i].sealed_hash)) {
            err = pv_room_raise(room, PV_ERR_BROKEN_CHAIN, answer, "the server gave other links than entry %llu names",
                                (unsigned long long)index);
            break;
        }
        const struct pv_epoch_info *old_info = epoch_info(room, rekey->links[i].epoch);
        if (!old_info || has_secret(room, old_info->epoch, &err) || err) continue;
        struct pv_link_context context = {room->id, rekey->epoch, old_info->epoch, new_info->secret_hash, old_info->secret_hash};
        if (pv_link_open(&context, &new_secret, link, &old_secret) == PV_OK) {
            err = take_secret(room, old_info, &old_secret);
            if (err == PV_ERR_BROKEN_CHAIN) err = PV_OK; /* counts as absent */
        }
    }
    if (!err && pv_cbor_finish(&in)) err = not_of_form(room);
    links_name(index, name);
    if (!err) err = pv_store_number_set(room->store, name, 1);
    pv_wipe(&new_secret, sizeof new_secret);
    pv_wipe(&old_secret, sizeof old_secret);
    return err;
}
