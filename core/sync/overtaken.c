/* What the verified log says about versions of ours: accepted, or overtaken, so that they are given up. */
#include <stdio.h>

#include "core/sync/room_parts.h"

static enum pv_err last_leaf(void *context, const struct pv_sealed_write *sealed)
{
    struct pv_head *head = context;
    head->leaf = sealed->leaf;
    return PV_OK;
}

/* Give up the versions from `n` on: the next ones continue the last that is left, or the log's head, under numbers
 * never used. */
static enum pv_err abandon_from(struct pv_room *room, uint64_t n)
{
    struct pv_head head;
    enum pv_err err = pv_store_head_get(room->store, &head);
    if (err) return err;
    const struct pv_head *logged = pv_roster_head(room->roster, &room->me->device);
    uint64_t used = head.n;
    head = logged ? *logged : (struct pv_head){.n = 0};
    if (used > head.n) head.n = used;
    err = pv_store_sealed_abandon(room->store, n);
    if (!err) err = pv_store_sealed_each(room->store, last_leaf, &head);
    if (!err) err = pv_store_head_set(room->store, &head);
    pv_room_changed(room);
    return err;
}

/* What changes the members was made by one who is none. */
static enum pv_err drop_roster_write(void *context, const struct pv_write *write)
{
    struct pv_room *room = context;
    return write->kind == PV_KIND_ROSTER ? pv_store_write_drop(room->store, write->id) : PV_OK;
}

enum pv_err pv_room_join_give_up(struct pv_room *room)
{
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    if (!pv_roster_is_born(room->roster) || !pv_roster_principal(room->roster, pv_room_my_principal(room))) {
        err = abandon_from(room, 0);
        if (!err) err = pv_store_write_each(room->store, drop_roster_write, room);
    }
    if (err) {
        pv_room_rollback(room);
        return err;
    }
    return pv_room_commit(room);
}

/* ---- numbers that others used in our name */

/* Who has our keys can spend a number ahead of us on an entry that fits nowhere: it stands in the log, rejected, and our
 * head does not move; but no server takes another entry under that number. */
static void taken_name(uint64_t n, char ret_name[static 48])
{
    (void)snprintf(ret_name, 48, "sync.taken.%llu", (unsigned long long)n);
}

enum pv_err pv_outbox_head(struct pv_room *room, struct pv_head *ret_head)
{
    struct pv_head head;
    uint64_t taken = 1;
    enum pv_err err = pv_store_head_get(room->store, &head);
    while (!err && taken) {
        char name[48];
        taken_name(head.n + 1, name);
        err = pv_store_number_get(room->store, name, 0, &taken);
        if (taken) head.n++;
    }
    if (!err && head.n >= PV_LIMIT_N)
        return pv_room_raise(room, PV_ERR_LIMIT, pv_bytes(NULL, 0), "the last number for this device's entries in this room is used up, which only "
                             "somebody else with its keys can have done: revoke this device from another one (privity device revoke)");
    if (!err) *ret_head = head;
    return err;
}

static enum pv_err first_version(void *context, const struct pv_sealed_write *sealed)
{
    struct pv_head *first = context;
    *first = (struct pv_head){sealed->n, sealed->leaf};
    return PV_ERR_CONFLICT; /* ends the walk */
}

static enum pv_err note_taken(struct pv_room *room, const struct pv_log_item *item)
{
    struct pv_head own, first = {.n = 0};
    char name[48];
    uint64_t n = item->entry.header.n;
    const struct pv_head *logged = pv_roster_head(room->roster, &room->me->device);
    if (logged && pv_hash_equal(&logged->leaf, &item->leaf)) return PV_OK; /* whoever goes on from there is above it */
    enum pv_err err = pv_store_head_get(room->store, &own);
    if (err) return err;
    taken_name(n, name);
    if (n > own.n) return pv_store_number_set(room->store, name, 1);
    err = pv_store_sealed_from(room->store, n, first_version, &first);
    if (err && err != PV_ERR_CONFLICT) return err;
    return first.n == n && !pv_hash_equal(&first.leaf, &item->leaf) ? abandon_from(room, n) : PV_OK;
}

/* ---- each entry of ours, and then all of them */

enum pv_err pv_outbox_judged(struct pv_room *room, const struct pv_log_item *item, enum pv_verdict verdict)
{
    pv_room_changed(room);
    if (verdict != PV_ACCEPTED) return note_taken(room, item); /* pv_outbox_settle sees to the rest */
    enum pv_err err = pv_store_sealed_accepted(room->store, &item->leaf);
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

struct settling {
    struct pv_room *room;
    const struct pv_head *logged;
    bool found, later; /* beyond the first version */
    uint64_t from;
};

/* Evidence in the log that a version can no longer be accepted. Only the first of all can continue the log's head, and
 * epochs rise with n: so what the first, and the first sealed one, have not met, the later ones have not. The first one
 * must continue it: a version that was given up, but had been sent, may have come to stand between. */
static enum pv_err find_overtaken(void *context, const struct pv_sealed_write *sealed)
{
    struct settling *s = context;
    struct pv_entry entry;
    const struct pv_hash zero = {{0}};
    const struct pv_hash *head = s->logged ? &s->logged->leaf : &zero;
    if (pv_entry_read(sealed->entry, &entry)) return PV_ERR_CORRUPT;
    bool born = pv_roster_is_born(s->room->roster);
    bool passed = s->logged && s->logged->n >= sealed->n;
    uint64_t epoch = pv_roster_epoch(s->room->roster);
    bool stale = born && pv_kind_is_sealed(entry.header.kind) &&
                 (sealed->epoch < epoch || (sealed->epoch == epoch && pv_roster_rekey_due(s->room->roster)));
    if (born && !s->later && !pv_hash_equal(&entry.header.prev, head)) stale = true;
    s->later = true;
    bool is_in = born && pv_roster_principal(s->room->roster, pv_room_my_principal(s->room));
    if (entry.header.kind == PV_KIND_ROSTER && born && (sealed->n > 1 || is_in)) {
        /* Would the log as it is now still accept it? Not a join of whom another device brought in. */
        struct pv_log_item item = {.index = pv_roster_size(s->room->roster), .entry = entry, .leaf = sealed->leaf, .body = sealed->body};
        enum pv_verdict verdict;
        enum pv_reason reason;
        if (pv_hash_equal(&entry.header.prev, head)) {
            enum pv_err err = pv_roster_judge(s->room->roster, &item, &verdict, &reason);
            if (err) return err;
            stale = verdict != PV_ACCEPTED;
        }
    }
    if (passed || stale) {
        s->found = true;
        s->from = sealed->n;
    }
    return s->found || pv_kind_is_sealed(entry.header.kind) ? PV_ERR_CONFLICT : PV_OK; /* ends the walk */
}

enum pv_err pv_outbox_settle(struct pv_room *room)
{
    struct settling s = {.room = room, .logged = pv_roster_head(room->roster, &room->me->device)};
    struct pv_head own;
    enum pv_err err = pv_store_sealed_each(room->store, find_overtaken, &s);
    if (err == PV_ERR_CONFLICT) err = PV_OK;
    if (!err && s.found) err = abandon_from(room, s.from);
    if (!err) err = pv_store_head_get(room->store, &own);
    /* The log knows more of us than this home does: it was rolled back, or copied, or it gave up what then came in. Where
     * nothing of ours waits, we go on from the log's head. */
    bool behind = !err && s.logged && (s.logged->n > own.n || ((s.logged->n == own.n || !s.later) && !pv_hash_equal(&s.logged->leaf, &own.leaf)));
    if (behind) err = abandon_from(room, 0);
    return err;
}
