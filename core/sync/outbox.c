/* Writing: a write goes to the outbox and is signed at once when the rules allow; what is overtaken is signed anew. */
#include <stdlib.h>
#include <string.h>

#include "core/log/seal.h"
#include "core/state/fold.h"
#include "core/state/payload.h"
#include "core/sync/mend.h"

static const uint8_t NO_REFS[] = {0x80};
static const uint8_t NOTHING_BESIDE[] = {0x83, 0x80, 0x80, 0x80};

/* Nothing is sealed on a view older than this: deadlines and removals could be missed. Source: FORMAT.md §7.3. */
#define CHECKPOINT_AGE_MAX_MS (24ull * 3600 * 1000)

/* Is the pin, a file beside the database that may have been damaged, of the log that is held? If it is not, the next pull
 * says so; nothing is signed over it, for no server would ever take that. */
static bool pin_fits(const struct pv_room *room)
{
    struct pv_hash root;
    struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
    if (room->pinned.size == 0) return true;
    if (room->pinned.size > room->edge.size) return false;
    if (room->pinned.size == room->edge.size) pv_merkle_edge_root(&room->edge, &root);
    else if (pv_merkle_root(&reader, room->pinned.size, &root)) return false;
    return pv_hash_equal(&root, &room->pinned.root);
}

static bool view_is_fresh(const struct pv_room *room)
{
    if (!pv_roster_is_born(room->roster)) return true; /* a room of our own, not founded yet */
    if (!pin_fits(room)) return false;
    return room->pinned.time_s * 1000 + CHECKPOINT_AGE_MAX_MS >= room->now_ms;
}

static struct pv_header header_over(const struct pv_room *room, const struct pv_head *head)
{
    struct pv_header header = {.room = room->id, .author = room->me->device, .n = head->n + 1, .prev = head->leaf,
                               .time_ms = room->now_ms};
    pv_merkle_empty_root(&header.seen_root);
    if (room->pinned.size > 0 && pin_fits(room)) {
        header.seen_size = room->pinned.size;
        header.seen_root = room->pinned.root;
    }
    return header;
}

/* Sign a write in the place after our head, given its body; adds the version to the store. */
static enum pv_err sign_version(struct pv_room *room, const struct pv_write *write, struct pv_header *header,
                                struct pv_bytes body)
{
    struct pv_buf entry;
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_refs_hash(write->refs, &header->refs_hash);
    pv_body_hash(body, &header->body_hash);
    enum pv_err err = pv_entry_make(header, &room->me->sign_sk, &entry);
    if (!err) {
        struct pv_sealed_write sealed = {.write = write->id, .n = header->n, .prev = header->prev, .epoch = header->epoch,
                                         .entry = pv_buf_bytes(&entry), .refs = write->refs, .body = body,
                                         .beside = write->beside};
        pv_entry_leaf(sealed.entry, &sealed.leaf);
        err = pv_store_sealed_add(room->store, &sealed);
        if (!err) err = pv_room_view_add(room, &sealed);
    }
    pv_buf_release(&entry);
    return err;
}

static enum pv_err seal_payload(struct pv_room *room, const struct pv_roster *view, const struct pv_write *write)
{
    struct pv_epoch_secret secret;
    struct pv_prk prk;
    struct pv_seal_nonce nonce;
    struct pv_head head;
    struct pv_buf body;
    enum pv_err err = pv_keys_secret(room, view, pv_roster_epoch(view), &secret);
    if (err) return err;
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    err = pv_outbox_head(room, &head);
    if (!err) {
        struct pv_header header = header_over(room, &head);
        header.kind = write->kind;
        header.epoch = pv_roster_epoch(view);
        pv_refs_hash(write->refs, &header.refs_hash); /* bound by the seal */
        pv_epoch_prk(&secret, &prk);
        pv_random_fill(room->random, nonce.b, sizeof nonce.b);
        err = pv_body_seal(&prk, &nonce, write->payload, &header, &body);
        if (!err) err = sign_version(room, write, &header, pv_buf_bytes(&body));
    }
    pv_buf_release(&body);
    pv_wipe(&secret, sizeof secret);
    pv_wipe(&prk, sizeof prk);
    return err;
}

/* A clear roster body over the view's epoch. */
static enum pv_err sign_roster(struct pv_room *room, const struct pv_roster *view, const struct pv_write *write)
{
    struct pv_head head;
    enum pv_err err = pv_outbox_head(room, &head);
    if (err) return err;
    struct pv_header header = header_over(room, &head);
    header.kind = PV_KIND_ROSTER;
    header.epoch = pv_roster_epoch(view);
    return sign_version(room, write, &header, write->payload);
}

/* Why this member may not write `kind` now; NULL when it may. The view has a log. */
static const char *refusal(const struct pv_room *room, const struct pv_roster *view, enum pv_kind kind)
{
    const struct pv_principal *me = pv_roster_principal_of(view, &room->me->device);
    if (!me) return "you are not a member of this room any more";
    if (kind == PV_KIND_WORK && me->role == PV_ROLE_VIEWER) return "you are a viewer here: ask an owner for the role of editor";
    return NULL;
}

/* Whether anything of this device can be signed now, by what holds for all that waits. Nothing is sealed under a secret of our
 * own before the verified log has it: a rekey of the same moment may have won, and what names its epoch would stand there
 * accepted, and open for nobody. */
static bool may_seal(const struct pv_room *room, const struct pv_roster *view)
{
    return pv_rekey_stands(room, view) && !pv_roster_rekey_due(view) && view_is_fresh(room);
}

struct sealing {
    struct pv_room *room;
    uint64_t new; /* a write that was made just now; 0: none */
    uint64_t first_left; /* the first draft that stays one; 0: none */
    const char *dropped;
    bool asked_devices, devices_allow; /* the person's devices here are those of the person's own room */
};

/* Did another copy of this home send it? Once more it would do nothing, until the first is forgotten: then it would bring
 * back what was meant to go. What was made just now nobody else has. */
static enum pv_err is_in_log(const struct sealing *s, const struct pv_write *write, bool *ret_is)
{
    *ret_is = false;
    if (write->id == s->new || !pv_kind_is_sealed(write->kind)) return PV_OK;
    return pv_fold_has_write(s->room->store, &s->room->me->device, &write->write_id, ret_is);
}

static enum pv_err seal_draft(void *context, const struct pv_write *write)
{
    struct sealing *s = context;
    const struct pv_roster *view;
    bool in_log = false;
    enum pv_err err = pv_room_view(s->room, &view);
    if (!err) err = is_in_log(s, write, &in_log);
    if (err) return err;
    if (in_log) return pv_store_write_drop(s->room->store, write->id);
    if (write->kind == PV_KIND_ROSTER && pv_roster_is_born(view)) {
        bool mending = s->room->person_room && (write->type == PV_ROSTER_DEVICE_ADD || write->type == PV_ROSTER_DEVICE_REMOVE);
        if (mending) return pv_store_write_drop(s->room->store, write->id); /* what is still lacking is written anew */
        /* It lost a race and was made for a state that is gone: whoever asked for it is told, and asks again. */
        s->dropped = "a change of the room's members came first; look at the room and try again";
        return pv_store_write_drop(s->room->store, write->id);
    }
    err = s->asked_devices ? PV_OK : pv_mend_allows_sealing(s->room, &s->devices_allow);
    if (err) return err;
    s->asked_devices = true;
    err = PV_ERR_NOT_FOUND;
    if (s->devices_allow && write->kind != PV_KIND_ROSTER && may_seal(s->room, view) && !refusal(s->room, view, (enum pv_kind)write->kind))
        err = seal_payload(s->room, view, write); /* without the epoch's secret it waits, too */
    if (err == PV_ERR_LIMIT && write->id != s->new) err = PV_ERR_NOT_FOUND; /* no number is left: whoever writes on is told */
    if (err != PV_ERR_NOT_FOUND) return err;
    if (s->first_left == 0) s->first_left = write->id;
    return PV_OK;
}

static enum pv_err seal_drafts(struct pv_room *room, uint64_t new)
{
    struct sealing s = {.room = room, .new = new};
    enum pv_err err = pv_store_draft_each(room->store, seal_draft, &s);
    if (!err) err = pv_store_drafts_done(room->store, s.first_left);
    if (!err && s.dropped) (void)pv_room_raise(room, PV_ERR_CONFLICT, pv_bytes(NULL, 0), "%s", s.dropped);
    return err;
}

enum pv_err pv_seal_drafts(struct pv_room *room)
{
    return seal_drafts(room, 0);
}

enum pv_err pv_draft_add(struct pv_room *room, enum pv_kind kind, struct pv_bytes payload)
{
    struct pv_write write = {.kind = kind, .payload = payload, .refs = pv_bytes(NO_REFS, sizeof NO_REFS),
                             .beside = pv_bytes(NOTHING_BESIDE, sizeof NOTHING_BESIDE), .created_ms = room->now_ms};
    enum pv_err err = pv_payload_peek(payload, &write.type, &write.write_id);
    return err ? err : pv_store_write_add(room->store, &write, &write.id);
}

enum pv_err pv_room_write(struct pv_room *room, enum pv_kind kind, struct pv_bytes payload, struct pv_bytes refs)
{
    const struct pv_roster *view;
    struct pv_head head;
    struct pv_cbor in;
    struct pv_write write = {.kind = kind, .payload = payload, .refs = refs.n ? refs : pv_bytes(NO_REFS, sizeof NO_REFS),
                             .beside = pv_bytes(NOTHING_BESIDE, sizeof NOTHING_BESIDE), .created_ms = room->now_ms};
    uint64_t id;
    if (payload.n > PV_LIMIT_PAYLOAD_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, payload);
    (void)pv_cbor_get_array(&in, SIZE_MAX);
    write.type = pv_cbor_get_uint(&in, UINT64_MAX);
    pv_cbor_get_id16(&in, &write.write_id);
    if (in.err) return in.err;
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    err = pv_room_view(room, &view);
    if (!err && !pv_roster_is_born(view)) /* its database was moved away, say */
        err = pv_room_raise(room, PV_ERR_NOT_FOUND, pv_bytes(NULL, 0), "nothing of this room is on this device yet: privity refresh fetches it");
    const char *why = err ? NULL : refusal(room, view, kind);
    if (why) err = pv_room_raise(room, PV_ERR_DENIED, pv_bytes(NULL, 0), "%s", why);
    if (!err) err = pv_outbox_head(room, &head);
    if (!err) err = pv_store_write_add(room->store, &write, &id);
    if (!err && may_seal(room, view)) err = seal_drafts(room, id);
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    return err;
}

/* `bytes` as the next entry of this device over the view. */
static enum pv_err judge(struct pv_room *room, const struct pv_roster *view, struct pv_bytes bytes,
                         enum pv_verdict *ret_verdict, enum pv_reason *ret_reason)
{
    struct pv_log_item item = {.index = pv_roster_size(view), .body = bytes};
    struct pv_head head;
    *ret_reason = PV_REASON_NONE;
    enum pv_err err = pv_outbox_head(room, &head);
    if (err) return err;
    item.entry.header = header_over(room, &head);
    item.entry.header.epoch = pv_roster_epoch(view);
    pv_refs_hash(pv_bytes(NO_REFS, sizeof NO_REFS), &item.entry.header.refs_hash);
    pv_body_hash(item.body, &item.entry.header.body_hash);
    return pv_roster_judge(view, &item, ret_verdict, ret_reason);
}

enum pv_err pv_judge_roster(struct pv_room *room, const struct pv_roster_body *body, enum pv_verdict *ret_verdict,
                            enum pv_reason *ret_reason)
{
    const struct pv_roster *view;
    struct pv_buf bytes;
    pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
    pv_roster_body_put(&bytes, body);
    enum pv_err err = bytes.err ? bytes.err : pv_room_view(room, &view);
    if (!err) err = judge(room, view, pv_buf_bytes(&bytes), ret_verdict, ret_reason);
    pv_buf_release(&bytes);
    return err;
}

enum pv_err pv_write_roster(struct pv_room *room, const struct pv_roster_body *body, struct pv_bytes beside)
{
    const struct pv_roster *view;
    struct pv_buf bytes;
    struct pv_write write = {.kind = PV_KIND_ROSTER, .type = body->type, .refs = pv_bytes(NO_REFS, sizeof NO_REFS),
                             .beside = beside.n ? beside : pv_bytes(NOTHING_BESIDE, sizeof NOTHING_BESIDE),
                             .created_ms = room->now_ms};
    enum pv_verdict verdict;
    enum pv_reason reason;
    pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
    pv_roster_body_put(&bytes, body);
    pv_random_fill(room->random, write.write_id.b, sizeof write.write_id.b);
    enum pv_err err = bytes.err ? bytes.err : pv_room_view(room, &view);
    /* Ask the rules first: what is signed here is valid on this device's view. */
    if (!err) err = judge(room, view, pv_buf_bytes(&bytes), &verdict, &reason);
    if (!err && verdict != PV_ACCEPTED)
        err = pv_room_raise(room, PV_ERR_DENIED, pv_bytes(NULL, 0), "%s", pv_reason_text(reason));
    write.payload = pv_buf_bytes(&bytes);
    if (!err) err = pv_store_write_add(room->store, &write, &write.id);
    if (!err) err = sign_roster(room, view, &write);
    pv_buf_release(&bytes);
    return err;
}

/* The KEM keys that its entry brings: whoever makes the next epoch need not ask the server for them, which may have
 * lost them by then. */
static enum pv_err keep_keys(struct pv_room *room, struct pv_bytes encoded)
{
    struct pv_beside beside;
    enum pv_err err = pv_beside_read(encoded, &beside);
    if (err) return err;
    for (size_t i = 0; !err && i < beside.kem_key_count; i++) {
        struct pv_kem_pk pk;
        memcpy(pk.b, beside.kem_keys[i].p, sizeof pk.b);
        err = pv_store_kem_key_add(room->store, &pk);
    }
    pv_beside_release(&beside);
    return err;
}

enum pv_err pv_room_adopt_genesis(struct pv_room *room, const struct pv_new_room *new_room)
{
    struct pv_cbor in;
    struct pv_bundle bundle;
    struct pv_entry entry;
    struct pv_write write = {.kind = PV_KIND_ROSTER, .type = PV_ROSTER_GENESIS, .created_ms = room->now_ms};
    pv_cbor_init(&in, pv_buf_bytes(&new_room->bundle));
    pv_bundle_get(&in, &bundle);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) err = pv_entry_read(bundle.entry, &entry);
    if (!err) err = pv_room_begin(room);
    if (err) return err;
    write.payload = bundle.body;
    write.refs = bundle.refs;
    write.beside = bundle.beside;
    pv_random_fill(room->random, write.write_id.b, sizeof write.write_id.b);
    err = pv_store_write_add(room->store, &write, &write.id);
    if (!err) {
        struct pv_sealed_write sealed = {.write = write.id, .n = entry.header.n, .entry = bundle.entry, .refs = bundle.refs,
                                         .body = bundle.body, .beside = bundle.beside};
        pv_entry_leaf(bundle.entry, &sealed.leaf);
        err = pv_store_sealed_add(room->store, &sealed);
    }
    if (!err) err = pv_store_epoch_set(room->store, 0, &new_room->secret);
    if (!err) err = keep_keys(room, bundle.beside);
    pv_room_changed(room);
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    return err;
}
