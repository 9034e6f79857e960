/* How a room stands to the person's own: which devices, bars and key it lacks, and what would mend it.
 *
 * Nothing is remembered between two looks but how often the person's own room was pulled: who is current, revoked or
 * barred stands in the two logs. Source: FORMAT.md §7.3. */
#include <stdlib.h>
#include <string.h>

#include "core/sync/mend.h"

enum { EPOCHS_BEHIND_MAX = 16 }; /* of the person's own room behind what another holds */

/* One look. */
struct look {
    struct pv_room *room, *person;
    const struct pv_roster *view;         /* of the room, with what is unsent */
    const struct pv_roster *own;          /* of the person's room, verified */
    const struct pv_principal *principal;
    uint64_t swept_at;                    /* PV_SWEPT_AT */
    bool unknown;                         /* this room knows devices or a key that the person's own does not: */
    uint64_t unknown_index, unknown_epoch; /* one behind the last such device, and behind such a key's epoch; 0: none */
    struct pv_devices_report report;
    struct pv_hash names[PV_LIMIT_TARGETS];
    size_t name_count;
};

static bool is_mine(const struct look *k, const struct pv_room_device *device)
{
    return pv_hash_equal(&device->principal, &k->room->me->person);
}

/* Removal names at most so many at a time; the rest has its turn after it. */
static void name(struct look *k, const struct pv_hash *id)
{
    if (k->name_count < PV_LIMIT_TARGETS) k->names[k->name_count++] = *id;
}

static void look_at_devices(struct look *k)
{
    size_t count;
    const struct pv_room_device *devices = pv_roster_devices(k->view, &count);
    for (size_t i = 0; i < count; i++) {
        if (!is_mine(k, &devices[i]) || pv_roster_device(k->own, &devices[i].id)) continue;
        k->report.stale++;
        name(k, &devices[i].id);
        if (pv_roster_owner_of(k->own, &devices[i].id)) continue;
        k->unknown = true;
        if (devices[i].index >= k->unknown_index) k->unknown_index = devices[i].index + 1;
    }
    devices = pv_roster_devices(k->own, &count);
    for (size_t i = 0; i < count; i++) k->report.missing += !pv_roster_device(k->view, &devices[i].id);
}

static void look_at_key(struct look *k)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(k->own, &count);
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        if (!pv_hash_equal(&epochs[i].kem_hash, &k->principal->kem_hash)) continue;
        known = true;
        k->report.old_key = epochs[i].index < k->swept_at;
    }
    if (known) return;
    k->report.old_key = k->swept_at != 0;
    k->unknown = true;
    k->unknown_epoch = k->principal->person_epoch + 1;
}

/* ---- links that a revoked device may hold */

struct times {
    uint64_t size;
    uint64_t earliest_s, latest_s; /* of notes after, and before, that many entries */
};

static enum pv_err note_time(void *context, uint64_t size, uint64_t time_s, struct pv_bytes note)
{
    struct times *times = context;
    (void)note;
    if (size >= times->size && time_s < times->earliest_s) times->earliest_s = time_s;
    if (size <= times->size && time_s > times->latest_s) times->latest_s = time_s;
    return PV_OK;
}

/* The server's own entries carry its time, as its notes do. */
static enum pv_err server_time(void *context, const struct pv_stored_entry *stored)
{
    struct times *times = context;
    struct pv_entry entry;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    bool counts = entry.header.kind == PV_KIND_SERVER && stored->verdict == PV_ACCEPTED;
    if (counts && entry.header.time_ms / 1000 > times->latest_s) times->latest_s = entry.header.time_ms / 1000;
    return PV_OK;
}

/* Was the oldest open invite made after the newest removal in the person's own room, by the servers' times? */
static enum pv_err invites_are_newer(struct look *k, uint64_t oldest, bool *ret_newer)
{
    struct pv_room *room = k->room;
    struct times swept = {k->swept_at, UINT64_MAX, 0}, invited = {oldest, UINT64_MAX, 0};
    *ret_newer = oldest >= pv_roster_size(room->roster) || (room->newer_than == k->swept_at && room->newer_from <= oldest);
    if (*ret_newer) return PV_OK; /* our own, made just now; or seen before */
    enum pv_err err = pv_store_note_each(k->person->store, note_time, &swept);
    if (!err) err = pv_store_note_each(room->store, note_time, &invited);
    if (!err && swept.earliest_s >= invited.latest_s) err = pv_store_header_each(room->store, 0, oldest, server_time, &invited);
    if (err) return err;
    *ret_newer = swept.earliest_s < invited.latest_s;
    if (*ret_newer) {
        room->newer_than = k->swept_at;
        room->newer_from = oldest;
    }
    return PV_OK;
}

static enum pv_err look_at_bars(struct look *k)
{
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(k->view, &count);
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (invites[i].open && invites[i].index < oldest) oldest = invites[i].index;
    if (oldest == UINT64_MAX || !k->swept_at) return PV_OK;
    bool newer = false;
    enum pv_err err = invites_are_newer(k, oldest, &newer);
    for (size_t i = 0; i < pv_roster_bar_count(k->own) && !err && !newer; i++) {
        const struct pv_hash *id = pv_roster_bar(k->own, i);
        const struct pv_hash *owner = pv_roster_owner_of(k->view, id);
        bool foreign = owner && !pv_hash_equal(owner, &k->room->me->person); /* the rules let nobody bar it here */
        bool present = pv_roster_device(k->view, id) || pv_roster_device(k->own, id);
        if (foreign || present || pv_roster_has_bar(k->view, &k->room->me->person, id)) continue;
        k->report.unbarred++;
        name(k, id);
    }
    return err;
}

/* ---- the removal */

/* The smallest `since` by which no current device goes along: naming is enough for what is not swept. A device may have
 * been added here more than once, by others each time. */
static enum pv_err find_since(const struct look *k, struct pv_device_remove_body *removal)
{
    struct pv_hash current[PV_LIMIT_DEVICES_PRESENT];
    size_t count, current_count = 0;
    const struct pv_room_device *devices = pv_roster_devices(k->view, &count);
    uint64_t least = 0, most = pv_roster_size(k->view);
    for (size_t i = 0; i < count && current_count < PV_LIMIT_DEVICES_PRESENT; i++)
        if (is_mine(k, &devices[i]) && pv_roster_device(k->own, &devices[i].id)) current[current_count++] = devices[i].id;
    removal->since = least;
    while (least < most) {
        bool any = false;
        enum pv_err err = pv_roster_sweeps(k->view, removal, &k->room->me->person, current, current_count, &any);
        if (err) return err;
        if (any) least = removal->since + 1;
        else most = removal->since;
        removal->since = least + (most - least) / 2;
    }
    return PV_OK;
}

/* A removal has to name someone, if it is only to bring the new key. */
static void name_anyone(struct look *k)
{
    for (size_t i = 0; i < pv_roster_bar_count(k->own) && !k->name_count; i++) {
        const struct pv_hash *id = pv_roster_bar(k->own, i), *owner = pv_roster_owner_of(k->view, id);
        if (!pv_roster_device(k->own, id) && (!owner || pv_hash_equal(owner, &k->room->me->person))) name(k, id);
    }
}

static enum pv_err compose(const struct look *k, struct pv_roster_body *ret_body)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(k->own, &count);
    *ret_body = (struct pv_roster_body){.type = PV_ROSTER_DEVICE_REMOVE};
    struct pv_device_remove_body *in = &ret_body->u.device_remove;
    memcpy(in->devices, k->names, k->name_count * sizeof in->devices[0]);
    in->device_count = k->name_count;
    in->has_kem = !pv_hash_equal(&epochs[count - 1].kem_hash, &k->principal->kem_hash);
    if (in->has_kem) {
        in->person_epoch = epochs[count - 1].epoch;
        in->kem_hash = epochs[count - 1].kem_hash;
    }
    return find_since(k, in);
}

/* Kits of a thief that nothing here sweeps away are left to an older kit. */
static void drop_paper(struct look *k)
{
    size_t kept = 0;
    for (size_t i = 0; i < k->name_count; i++) {
        const struct pv_room_device *device = pv_roster_device(k->view, &k->names[i]);
        if (!device || !device->paper) k->names[kept++] = k->names[i];
    }
    k->name_count = kept;
}

/* The room holds a key of an epoch that the person's own has not reached, and does not know: a restore took it back. A room
 * takes only a later one; how many are made for that is bounded, since a thief may have written any number. */
static enum pv_devices_state ask_for_epoch(struct look *k)
{
    uint64_t epoch = pv_roster_epoch(k->own);
    if (k->unknown_epoch > epoch + EPOCHS_BEHIND_MAX) return PV_DEVICES_KEY;
    k->person->epoch_wanted = k->unknown_epoch;
    return PV_DEVICES_PERSON_DUE;
}

static enum pv_err decide(struct look *k, struct pv_mend_plan *plan)
{
    enum pv_verdict verdict;
    enum pv_reason reason = PV_REASON_NONE;
    if (k->report.old_key) name_anyone(k);
    for (int tries = 0; tries < 2 && k->name_count; tries++) {
        enum pv_err err = compose(k, &plan->body);
        if (!err) err = pv_judge_roster(k->room, &plan->body, &verdict, &reason);
        if (err) return err;
        if (verdict == PV_ACCEPTED) {
            k->report.state = PV_DEVICES_MEND;
            return PV_OK;
        }
        if (reason == PV_REASON_PAPER) drop_paper(k);
    }
    bool late = reason == PV_REASON_NO_EFFECT && k->unknown_epoch > pv_roster_epoch(k->own);
    k->report.state = late ? ask_for_epoch(k) : PV_DEVICES_PAPER;
    return PV_OK;
}

static enum pv_err removal_waits(void *context, const struct pv_write *write)
{
    bool *waits = context;
    *waits = *waits || (write->kind == PV_KIND_ROSTER && write->type == PV_ROSTER_DEVICE_REMOVE);
    return PV_OK;
}

enum pv_err pv_mend_removal_waits(struct pv_room *person, bool *ret_waits)
{
    *ret_waits = false;
    return pv_store_write_each(person->store, removal_waits, ret_waits);
}

/* Is what this copy of the person's room says as new as what this room showed? A pull that another device's coming had
 * asked for says nothing of one that came after it. */
static bool person_is_new(struct look *k)
{
    struct pv_room *room = k->room;
    bool later = k->unknown_index > room->wanted_index || k->unknown_epoch > room->wanted_epoch;
    if (!room->person_wanted || later) {
        room->person_wanted = k->person->pulls_begun + 1;
        room->wanted_index = k->unknown_index;
        room->wanted_epoch = k->unknown_epoch;
    }
    return k->person->pulls_done >= room->person_wanted;
}

static enum pv_err compare(struct look *k, struct pv_mend_plan *plan)
{
    bool removal = false;
    if (!pv_roster_device(k->own, &k->room->me->device)) {
        k->report.state = PV_DEVICES_REVOKED;
        return PV_OK;
    }
    look_at_devices(k);
    look_at_key(k);
    enum pv_err err = look_at_bars(k);
    if (!err) err = pv_mend_removal_waits(k->person, &removal);
    if (err) return err;
    if (!k->unknown) k->room->person_wanted = 0;
    if (removal || pv_roster_rekey_due(k->own)) k->report.state = PV_DEVICES_PERSON_DUE;
    else if (k->unknown && !person_is_new(k)) k->report.state = PV_DEVICES_PERSON_OLD;
    else if (k->report.stale || k->report.unbarred || k->report.old_key) return decide(k, plan);
    return PV_OK;
}

enum pv_err pv_mend_plan(struct pv_room *room, struct pv_mend_plan *ret_plan)
{
    struct look k = {.room = room, .person = room->person_room};
    struct pv_mend_plan *plan = ret_plan;
    enum pv_err err = PV_OK;
    plan->report = (struct pv_devices_report){.state = PV_DEVICES_READY};
    if (!k.person || !pv_roster_is_born(k.person->roster)) return PV_OK;
    if (!pv_store_in_transaction(k.person->store)) err = pv_room_refresh(k.person);
    if (!err) err = pv_room_view(room, &k.view);
    if (!err) err = pv_store_number_get(k.person->store, PV_SWEPT_AT, 0, &k.swept_at);
    if (err) return err;
    k.own = k.person->roster;
    k.principal = pv_roster_is_born(k.view) ? pv_roster_principal(k.view, &room->me->person) : NULL;
    k.report.rekey_due = pv_roster_rekey_due(room->roster);
    if (!k.principal) k.report.state = PV_DEVICES_OUTSIDE;
    else err = compare(&k, plan);
    if (!err) plan->report = k.report;
    return err;
}

static enum pv_err plan_report(struct pv_room *room, struct pv_devices_report *ret_report)
{
    struct pv_mend_plan *plan = malloc(sizeof *plan); /* a body is large */
    if (!plan) return PV_ERR_NOMEM;
    enum pv_err err = pv_mend_plan(room, plan);
    if (!err) *ret_report = plan->report;
    free(plan);
    return err;
}

enum pv_err pv_mend_allows_sealing(struct pv_room *room, bool *ret_allowed)
{
    struct pv_devices_report report;
    enum pv_err err = plan_report(room, &report);
    /* Who is outside is refused for that, by those who ask. */
    if (!err) *ret_allowed = report.state == PV_DEVICES_READY || report.state == PV_DEVICES_OUTSIDE;
    return err;
}

enum pv_err pv_devices_report(struct pv_room *room, struct pv_devices_report *ret_report)
{
    enum pv_err err = pv_room_refresh(room);
    return err ? err : plan_report(room, ret_report);
}

bool pv_room_wants_person(const struct pv_room *room)
{
    return room->person_room && (room->key_wants_person || room->person_wanted > room->person_room->pulls_done);
}
