/* Taking in what a server says is the log: hash, compare with the signed tree, vouch, judge, store. All or nothing. */
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/state/crossing.h"
#include "core/sync/forgotten.h"
#include "core/sync/open.h"
#include "core/sync/vouch.h"

enum { ROOT_MEMO = 64 };

/* A stretch of log under judgement: stored but unjudged entries of before, then new ones. */
struct stretch {
    struct pv_log_item *items;
    bool *holds;
    size_t count, cap;
    struct pv_buf bodies;       /* clear bodies of entries read back from the store */
    /* roots of this log at sizes asked for, and an edge that follows them upwards */
    struct { uint64_t size; struct pv_hash root; } memo[ROOT_MEMO];
    struct pv_merkle_edge lag;
    uint64_t first;             /* index of items[0] */
    uint64_t unsupported_at;    /* the first entry that this program does not understand */
    /* New entries are opened while they are at hand, as long as nothing before them waits for a key. */
    struct pv_opening opening;
    const struct pv_fetched *fetched; /* of the items from fetched_at on */
    uint64_t fetched_at;
    uint64_t folded;
    bool outbox_empty;
    bool own_waits; /* something may have left the outbox that is not folded yet */
};

static void stretch_release(struct stretch *s)
{
    free(s->items);
    free(s->holds);
    pv_buf_release(&s->bodies);
    pv_opening_release(&s->opening);
}

static enum pv_err impossible(struct pv_room *room, uint64_t index, struct pv_bytes entry, const char *what)
{
    room->has_accused = true;
    room->accused = index;
    return pv_room_raise(room, PV_ERR_BROKEN_CHAIN, entry,
                         "entry %llu is impossible (%s): the server let in what it must refuse",
                         (unsigned long long)index, what);
}

/* Parse one entry and check everything about it that needs no state. */
static enum pv_err read_item(struct pv_room *room, uint64_t index, const struct pv_fetched *fetched,
                             struct pv_log_item *ret_item)
{
    struct pv_log_item item = {.index = index};
    enum pv_err err = pv_entry_read(fetched->entry, &item.entry);
    if (err == PV_ERR_UNSUPPORTED || err == PV_ERR_NOMEM) return err;
    if (err) return impossible(room, index, fetched->entry, "malformed");
    struct pv_hash hash;
    size_t refs_count;
    pv_entry_leaf(fetched->entry, &item.leaf);
    bool sealed = pv_kind_is_sealed(item.entry.header.kind);
    if (!sealed || fetched->has_body || !pv_refs_are_dropped(fetched->refs)) { /* they go with a forgotten body */
        if (pv_refs_check(fetched->refs, &refs_count)) return impossible(room, index, fetched->entry, "refs");
        pv_refs_hash(fetched->refs, &hash);
        if (!pv_hash_equal(&hash, &item.entry.header.refs_hash)) return impossible(room, index, fetched->entry, "refs");
    }
    if (!sealed && !fetched->has_body) return impossible(room, index, fetched->entry, "a clear body is missing");
    if (fetched->has_body) {
        pv_body_hash(fetched->body, &hash);
        if (!pv_hash_equal(&hash, &item.entry.header.body_hash))
            return impossible(room, index, fetched->entry, "its body is not the one that was signed");
        if (!sealed) item.body = fetched->body;
    }
    struct pv_hash expected = index ? room->id : (struct pv_hash){{0}};
    if (!pv_hash_equal(&item.entry.header.room, &expected)) return impossible(room, index, fetched->entry, "another room's");
    if (index == 0) {
        pv_entry_room_id(fetched->entry, &hash);
        if (!pv_hash_equal(&hash, &room->id)) return impossible(room, index, fetched->entry, "another room's genesis");
    }
    *ret_item = item;
    return PV_OK;
}

static enum pv_err stretch_push(struct stretch *s, const struct pv_log_item *item)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 256;
        struct pv_log_item *items = realloc(s->items, cap * sizeof *items);
        if (!items) return PV_ERR_NOMEM;
        s->items = items;
        s->cap = cap;
    }
    s->items[s->count++] = *item;
    return PV_OK;
}

struct tail_context {
    struct pv_room *room;
    struct stretch *stretch;
};

/* An entry that came before and was not vouched for, or not understood, then. */
static enum pv_err tail_entry(void *context, const struct pv_stored_entry *stored)
{
    struct tail_context *tail = context;
    struct stretch *s = tail->stretch;
    struct pv_fetched fetched = {stored->entry, stored->refs, stored->body, stored->has_body};
    struct pv_log_item item;
    if (stored->index >= s->unsupported_at) return PV_OK;
    enum pv_err err = read_item(tail->room, stored->index, &fetched, &item);
    if (err == PV_ERR_UNSUPPORTED) {
        s->unsupported_at = stored->index;
        return PV_OK;
    }
    if (err) return err;
    /* The body's bytes die with this call: keep them one after another, and set pointers when none moves any more. */
    pv_buf_append(&s->bodies, item.body.p, item.body.n);
    item.body.p = NULL;
    return s->bodies.err ? s->bodies.err : stretch_push(s, &item);
}

static void tail_point_to_bodies(struct stretch *s)
{
    const uint8_t *at = s->bodies.p;
    for (size_t i = 0; i < s->count; i++) {
        s->items[i].body.p = at;
        if (at) at += s->items[i].body.n;
    }
}

/* A server may give an entry of ours and keep its body back: while the entry waits in the outbox, its body is here. */
static bool lacks_own_body(const struct pv_room *room, const struct pv_header *header, const struct pv_fetched *fetched)
{
    return !fetched->has_body && pv_kind_is_sealed(header->kind) && pv_hash_equal(&header->author, &room->me->device);
}

static enum pv_err store_entry(struct pv_room *room, struct stretch *s, const struct pv_log_item *item,
                               const struct pv_fetched *fetched)
{
    struct pv_stored_entry row = {.index = item->index, .author = item->entry.header.author, .n = item->entry.header.n,
                                  .entry = fetched->entry, .refs = fetched->refs, .has_body = fetched->has_body,
                                  .body = fetched->body};
    struct pv_buf own;
    enum pv_err err = PV_OK;
    pv_buf_init(&own, PV_LIMIT_BODY_BYTES);
    if (!s->outbox_empty && lacks_own_body(room, &item->entry.header, fetched)) {
        err = pv_store_sealed_body(room->store, &item->leaf, &own);
        row.has_body = err == PV_OK;
        row.body = pv_buf_bytes(&own);
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    if (!err) err = pv_store_entry_add(room->store, &row);
    pv_buf_release(&own);
    return err;
}

/* Store what came and grow the tree; what is not understood is kept, and ends the stretch. */
static enum pv_err add_fetched(struct pv_room *room, struct stretch *s, uint64_t from, const struct pv_fetched *items,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pv_log_item item = {.index = from + i};
        enum pv_err err = read_item(room, from + i, &items[i], &item);
        if (err == PV_ERR_UNSUPPORTED) {
            if (from + i < s->unsupported_at) s->unsupported_at = from + i;
            pv_entry_leaf(items[i].entry, &item.leaf);
        } else if (err) {
            return err;
        }
        struct pv_hash hashes[64];
        size_t hash_count;
        uint64_t stored_hashes = pv_merkle_stored_count(room->edge.size);
        err = store_entry(room, s, &item, &items[i]);
        pv_merkle_append(&room->edge, &item.leaf, hashes, &hash_count);
        if (!err) err = pv_store_hashes_add(room->store, stored_hashes, hashes, hash_count);
        if (!err && from + i < s->unsupported_at) err = stretch_push(s, &item);
        if (err) return err;
    }
    return PV_OK;
}

/* The root of this log's first `size` entries. Honest `seen`s mostly rise, so an edge that follows them saves reads. */
static enum pv_err root_at(struct pv_room *room, struct stretch *s, uint64_t size, struct pv_hash *ret_root)
{
    size_t slot = size % ROOT_MEMO;
    if (s->memo[slot].size == size && size) {
        *ret_root = s->memo[slot].root;
        return PV_OK;
    }
    if (size >= s->lag.size && s->lag.size >= s->first && size - s->first <= s->count) {
        struct pv_hash unused[64];
        size_t unused_count;
        while (s->lag.size < size) pv_merkle_append(&s->lag, &s->items[s->lag.size - s->first].leaf, unused, &unused_count);
        pv_merkle_edge_root(&s->lag, &s->memo[slot].root);
    } else {
        struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
        enum pv_err err = pv_merkle_root(&reader, size, &s->memo[slot].root);
        if (err) return err == PV_ERR_NOT_FOUND ? PV_ERR_CORRUPT : err;
    }
    s->memo[slot].size = size;
    *ret_root = s->memo[slot].root;
    return PV_OK;
}

/* What others wrote between the signing of a removal and its place in the log, they wrote without knowing of it. */
static enum pv_err note_crossing(struct pv_room *room, const struct pv_log_item *item)
{
    const struct pv_header *h = &item->entry.header;
    struct pv_crossing crossing = {h->seen_size, item->index, h->author};
    struct pv_roster_body body;
    if (pv_roster_body_read(item->body, &body)) return PV_ERR_CORRUPT;
    if (body.type != PV_ROSTER_REMOVE && body.type != PV_ROSTER_DEVICE_REMOVE) return PV_OK;
    return pv_crossing_add(room->store, &crossing);
}

/* Fold into the roster, store the verdict, and see whether keys come with it. */
static enum pv_err apply_item(struct pv_room *room, const struct pv_log_item *item, enum pv_verdict *ret_verdict)
{
    struct pv_wrap_source rekey_sources[2];
    size_t source_count;
    enum pv_reason reason = PV_REASON_NONE;
    enum pv_err err = pv_keys_rekey_sources(room, item, rekey_sources, &source_count);
    if (!err) err = pv_roster_apply(room->roster, item, ret_verdict, &reason);
    if (!err && *ret_verdict == PV_REJECTED) /* the store takes what is judged for accepted otherwise */
        err = pv_store_entry_set_verdict(room->store, item->index, *ret_verdict, reason);
    if (!err && item->entry.header.kind == PV_KIND_ROSTER && *ret_verdict == PV_ACCEPTED)
        err = pv_keys_note(room, item, rekey_sources, source_count);
    if (!err && item->entry.header.kind == PV_KIND_ROSTER && *ret_verdict == PV_ACCEPTED && item->entry.header.seen_size < item->index)
        err = note_crossing(room, item);
    return err;
}

static enum pv_err fold_item(struct stretch *s, const struct pv_log_item *item, enum pv_verdict verdict)
{
    if (s->folded != item->index || item->index < s->fetched_at) return PV_OK; /* it has to wait */
    const struct pv_fetched *fetched = &s->fetched[item->index - s->fetched_at];
    if (!s->outbox_empty && lacks_own_body(s->opening.room, &item->entry.header, fetched)) return PV_OK; /* from the store */
    /* What lacks its body may be forgotten: only the log's end tells. */
    if (!fetched->has_body && verdict == PV_ACCEPTED && pv_kind_is_sealed(item->entry.header.kind)) return PV_OK;
    enum pv_err err = pv_opening_fold(&s->opening, item, verdict, fetched->has_body, fetched->body);
    if (!err) s->folded++;
    return err == PV_ERR_NO_KEY ? PV_OK : err;
}

/* The entry as it came, for evidence; nothing if it was held before. */
static struct pv_bytes entry_as_fetched(const struct stretch *s, uint64_t index)
{
    return index >= s->fetched_at ? s->fetched[index - s->fetched_at].entry : pv_bytes(NULL, 0);
}

static enum pv_err judge_item(struct pv_room *room, struct stretch *s, const struct pv_log_item *item)
{
    const struct pv_header *h = &item->entry.header;
    struct pv_hash root;
    if (h->seen_size > item->index) return impossible(room, item->index, entry_as_fetched(s, item->index), "it saw what came after it");
    enum pv_err err = root_at(room, s, h->seen_size, &root);
    if (err) return err;
    if (!pv_hash_equal(&root, &h->seen_root)) {
        room->has_accused = true;
        room->accused = item->index;
        return pv_room_raise(room, PV_ERR_FORK, entry_as_fetched(s, item->index),
                             "the author of entry %llu saw another history: the server showed two",
                             (unsigned long long)item->index);
    }
    enum pv_verdict verdict;
    err = apply_item(room, item, &verdict);
    if (err) return err;
    if (verdict == PV_IMPOSSIBLE) return impossible(room, item->index, item->body, "no rule lets it in");
    if (verdict == PV_UNSUPPORTED) {
        s->unsupported_at = item->index;
        return PV_OK;
    }
    if (verdict == PV_ACCEPTED && h->kind == PV_KIND_SERVER) err = pv_forgotten_judged(room, item, s->folded);
    if (err) return err;
    bool is_own = pv_hash_equal(&h->author, &room->me->device);
    if (is_own && (!s->outbox_empty || verdict == PV_REJECTED)) err = pv_outbox_judged(room, item, verdict);
    if (!err) err = fold_item(s, item, verdict);
    if (is_own && !s->outbox_empty && s->folded <= item->index) s->own_waits = true;
    return err;
}

/* Judge as far as signatures hold and all is understood. */
static enum pv_err judge_stretch(struct pv_room *room, struct stretch *s)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < s->count && !err; i++) err = pv_roster_note(room->roster, &s->items[i]);
    if (!err && s->count) {
        s->holds = malloc(s->count * sizeof *s->holds);
        err = s->holds ? pv_vouch(room->roster, s->items, s->count, s->holds) : PV_ERR_NOMEM;
    }
    for (size_t i = 0; i < s->count && !err && s->items[i].index < s->unsupported_at; i++) {
        const struct pv_log_item *item = &s->items[i];
        if (!s->holds[i]) {
            if (!pv_roster_author_key(room->roster, &item->entry.header.author, item->index))
                err = impossible(room, item->index, entry_as_fetched(s, item->index), "its author was never listed");
            break;
        }
        err = judge_item(room, s, item);
    }
    return err;
}

/* The note is signed, and its tree is not what this device knows. */
static enum pv_err forked(struct pv_room *room, struct pv_bytes note, enum pv_err err)
{
    pv_evidence_notes(room, note);
    return err;
}

static enum pv_err check_note(struct pv_room *room, struct pv_bytes note, const struct pv_merkle_proof *consistency,
                              struct pv_checkpoint *ret_checkpoint)
{
    if (!pv_roster_is_born(room->roster)) return pv_room_raise(room, PV_ERR_BROKEN_CHAIN, note, "the log has no valid beginning");
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_bytes server = pv_roster_server_name(room->roster);
    memcpy(name, server.p, server.n);
    name[server.n] = '\0';
    enum pv_err err = pv_checkpoint_open(note, name, &room->id, pv_roster_log_key(room->roster), ret_checkpoint);
    if (err) return pv_room_raise(room, PV_ERR_BAD_SIG, note, "the server's checkpoint is not signed by this room's log key");
    unsigned long long size = ret_checkpoint->size;
    if (size < room->pinned.size && !room->restored) { /* even where this device's copy is gone, it knows how far the log was */
        err = pv_room_raise(room, PV_ERR_FORK, note, "the server's checkpoint is of %llu entries, but %llu were seen before: it went back",
                            size, (unsigned long long)room->pinned.size);
        return forked(room, note, err);
    }
    struct pv_hash root;
    pv_merkle_edge_root(&room->edge, &root);
    if (size < room->edge.size) {
        err = pv_room_raise(room, PV_ERR_FORK, note, "the server's checkpoint is of %llu entries, but %llu are held: it went back",
                            size, (unsigned long long)room->edge.size);
        return forked(room, note, err);
    }
    if (size == room->edge.size) {
        if (pv_hash_equal(&root, &ret_checkpoint->root)) return PV_OK;
        err = pv_room_raise(room, PV_ERR_FORK, note, "the entries received are not those of the server's checkpoint");
        return forked(room, note, err);
    }
    err = pv_merkle_check_consistency(room->edge.size, size, consistency->hashes, consistency->count, &root, &ret_checkpoint->root);
    if (!err) return PV_OK;
    err = pv_room_raise(room, PV_ERR_FORK, note, "the entries received are not the beginning of the server's checkpoint");
    return forked(room, note, err);
}

/* The tree held must extend the pin, and a pin is never forgotten for a smaller one. */
static enum pv_err check_pin(struct pv_room *room, struct pv_bytes note, const struct pv_merkle_proof *consistency)
{
    if (room->pinned.size == 0 || room->edge.size < room->pinned.size) return PV_OK;
    struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
    struct pv_hash root;
    enum pv_err err = pv_merkle_root(&reader, room->pinned.size, &root);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_ERR_CORRUPT : err;
    if (pv_hash_equal(&root, &room->pinned.root)) return PV_OK;
    err = pv_room_raise(room, PV_ERR_FORK, pv_room_pin(room), "the log does not continue the one that was seen here before");
    pv_evidence_other_log(room, pv_room_pin(room), note, consistency);
    return err;
}

static enum pv_err keep_note(struct pv_room *room, struct pv_bytes note, const struct pv_checkpoint *checkpoint)
{
    return pv_store_note_add(room->store, checkpoint->size, checkpoint->time_s, note);
}

/* After the commit: what is held in full and judged may be pinned. */
static void pin_note(struct pv_room *room, struct pv_bytes note, const struct pv_checkpoint *checkpoint)
{
    if (checkpoint->size != room->edge.size || pv_roster_size(room->roster) != room->edge.size) return;
    if (checkpoint->size < room->pinned.size) return;
    pv_buf_clear(&room->pin);
    pv_buf_append(&room->pin, note.p, note.n);
    room->pinned = *checkpoint;
}

static enum pv_err intake_in_transaction(struct pv_room *room, struct stretch *s, uint64_t from,
                                         const struct pv_fetched *items, size_t count)
{
    struct tail_context tail = {room, s};
    uint64_t unsent = 0;
    s->first = pv_roster_size(room->roster);
    s->fetched = items;
    s->fetched_at = from;
    enum pv_err err = pv_store_write_count(room->store, &unsent);
    s->outbox_empty = unsent == 0;
    if (!err) err = pv_store_folded_size(room->store, &s->folded);
    uint64_t folded_before = s->folded;
    if (!err) err = pv_store_entry_each(room->store, s->first, room->edge.size, tail_entry, &tail);
    tail_point_to_bodies(s);
    struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
    if (!err) err = pv_merkle_edge_read(&reader, s->first, &s->lag);
    if (!err) err = add_fetched(room, s, from, items, count);
    if (!err) err = judge_stretch(room, s);
    if (!err && s->folded != folded_before) err = pv_store_set_folded_size(room->store, s->folded);
    /* Whoever reads before the pull ends, or after it was cut, finds them there where they are not in the outbox any more. */
    if (!err && s->own_waits) err = pv_open_stored(room, s->folded, pv_roster_size(room->roster));
    return err;
}

/* Is the log at hand that of the note, or a part of it? Whether the note is signed is another question. */
static bool is_in_note(const struct pv_room *room, struct pv_bytes note, const struct pv_merkle_proof *consistency)
{
    struct pv_checkpoint checkpoint;
    struct pv_hash root;
    if (pv_checkpoint_peek(note, &checkpoint)) return false;
    pv_merkle_edge_root(&room->edge, &root);
    return pv_merkle_check_consistency(room->edge.size, checkpoint.size, consistency->hashes, consistency->count, &root,
                                       &checkpoint.root) == PV_OK;
}

/* Show that the signed tree has the entry that ended the intake, or that it is another history's. What follows the entry
 * in the page has to be in the tree, too; all of it is rolled back. */
static void accuse(struct pv_room *room, uint64_t from, const struct pv_fetched *items, size_t count, struct pv_bytes note,
                   const struct pv_merkle_proof *consistency)
{
    uint64_t at = room->accused;
    struct pv_stored_entry stored = {.has_body = false};
    struct pv_buf memory;
    enum pv_err err = PV_OK;
    while (!err && room->edge.size < from + count) {
        uint64_t stored_hashes = pv_merkle_stored_count(room->edge.size);
        struct pv_hash leaf, hashes[64];
        size_t hash_count;
        pv_entry_leaf(items[room->edge.size - from].entry, &leaf);
        pv_merkle_append(&room->edge, &leaf, hashes, &hash_count);
        err = pv_store_hashes_add(room->store, stored_hashes, hashes, hash_count);
    }
    if (err) return;
    if (!is_in_note(room, note, consistency)) {
        pv_evidence_notes(room, note);
        return;
    }
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    if (at < from) err = pv_store_entry_get(room->store, at, &memory, &stored);
    if (!err && at < from) pv_evidence_entry(room, at, stored.entry, stored.has_body, stored.body, note, consistency);
    if (at >= from) {
        const struct pv_fetched *item = &items[at - from];
        pv_evidence_entry(room, at, item->entry, item->has_body, item->body, note, consistency);
    }
    pv_buf_release(&memory);
}

enum pv_err pv_intake(struct pv_room *room, uint64_t from, const struct pv_fetched *items, size_t count,
                      struct pv_bytes note, const struct pv_merkle_proof *consistency)
{
    struct stretch s = {.unsupported_at = UINT64_MAX};
    struct pv_checkpoint checkpoint = {.size = 0};
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    pv_buf_init(&s.bodies, PV_LIMIT_BATCH_BYTES);
    pv_opening_init(&s.opening, room);
    if (room->edge.size != from) { /* another process took these in */
        pv_room_rollback(room);
        stretch_release(&s);
        return PV_ERR_CONFLICT;
    }
    room->has_accused = false;
    err = intake_in_transaction(room, &s, from, items, count);
    if (err && room->has_accused) accuse(room, from, items, count, note, consistency);
    if (!err) err = check_note(room, note, consistency, &checkpoint);
    if (!err) err = check_pin(room, note, consistency);
    if (!err) err = keep_note(room, note, &checkpoint);
    if (!err) err = pv_outbox_settle(room);
    if (!err) err = pv_room_save_roster(room);
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    if (!err) pin_note(room, note, &checkpoint);
    if (!err && s.unsupported_at != UINT64_MAX)
        err = pv_room_raise(room, PV_ERR_UNSUPPORTED, pv_bytes(NULL, 0), "entry %llu was made by a newer privity: update this one",
                            (unsigned long long)s.unsupported_at);
    stretch_release(&s);
    return err;
}

enum pv_err pv_intake_note(struct pv_room *room, uint64_t size, struct pv_bytes note)
{
    struct pv_checkpoint checkpoint = {.size = 0};
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    if (room->edge.size != size) { /* another process took in more since the note was asked for: it proves nothing */
        pv_room_rollback(room);
        return PV_ERR_CONFLICT;
    }
    struct pv_merkle_proof none = {.count = 0};
    err = check_note(room, note, &none, &checkpoint);
    if (!err) err = check_pin(room, note, &none);
    if (!err) err = keep_note(room, note, &checkpoint);
    if (!err) err = pv_outbox_settle(room);
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    if (!err) pin_note(room, note, &checkpoint);
    return err;
}
