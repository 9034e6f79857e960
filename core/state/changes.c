/* Changed devices of other members: the comparison of a roster with what was told or verified, and the keeping of it. */
#include "core/state/changes.h"

#include <stdlib.h>
#include <string.h>

#include "core/state/sql.h"

static const char told_at[] = "pv.told"; /* the roster's newest change that was told, plus one */

/* ---- one person's devices in the roster */

struct present {
    const struct pv_room_device **devices; /* by principal, then by id */
    size_t count;
};

static int by_principal(const void *a, const void *b)
{
    const struct pv_room_device *x = *(const struct pv_room_device *const *)a, *y = *(const struct pv_room_device *const *)b;
    int order = memcmp(x->principal.b, y->principal.b, sizeof x->principal.b);
    return order ? order : memcmp(x->id.b, y->id.b, sizeof x->id.b);
}

static enum pv_err collect(const struct pv_roster *roster, struct present *ret_present)
{
    size_t count = 0;
    const struct pv_room_device *devices = pv_roster_devices(roster, &count);
    struct present present = {.devices = malloc((count + 1) * sizeof *present.devices), .count = count};
    if (!present.devices) return PV_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) present.devices[i] = &devices[i];
    qsort(present.devices, count, sizeof *present.devices, by_principal);
    *ret_present = present;
    return PV_OK;
}

/* One person's, into memory of the caller's. */
static struct present present_of(const struct pv_roster *roster, const struct pv_hash *person,
                                 const struct pv_room_device *ret_devices[static PV_LIMIT_DEVICES_PRESENT])
{
    struct present present = {.devices = ret_devices};
    size_t count = 0;
    const struct pv_room_device *devices = pv_roster_devices(roster, &count);
    for (size_t i = 0; i < count && present.count < PV_LIMIT_DEVICES_PRESENT; i++)
        if (pv_hash_equal(&devices[i].principal, person)) ret_devices[present.count++] = &devices[i];
    return present;
}

/* The part of it that is one person's; `from` is moved behind it. Persons come in their order. */
static struct present part_of(const struct present *present, const struct pv_hash *person, size_t *from)
{
    struct present part = {0};
    while (*from < present->count && memcmp(present->devices[*from]->principal.b, person->b, sizeof person->b) < 0) ++*from;
    part.devices = present->devices + *from;
    while (*from < present->count && pv_hash_equal(&present->devices[*from]->principal, person)) {
        part.count++;
        ++*from;
    }
    return part;
}

static bool is_kit(const struct pv_roster *roster, const struct pv_hash *device)
{
    const struct pv_room_device *found = pv_roster_device(roster, device);
    return found && found->paper;
}

static bool is_known(const struct pv_hash *ids, size_t count, const struct pv_verification *verification, const struct pv_hash *device)
{
    for (size_t i = 0; i < count; i++)
        if (pv_hash_equal(&ids[i], device)) return true;
    return verification && pv_verification_has_device(verification, device);
}

/* What is there now and was not in `ids`, nor seen when they were verified; and what was in `ids` and is not there. With
 * `listed`, only what this room had itself. */
static void compare(const struct pv_roster *roster, const struct present *now, const struct pv_hash *ids, size_t count, bool listed,
                    struct pv_change *change)
{
    bool old_stands = false, new_stands = false;
    for (size_t i = 0; i < now->count; i++) {
        const struct pv_room_device *device = now->devices[i];
        bool known = is_known(ids, count, change->verification, &device->id);
        if (!device->paper) old_stands |= known;
        if (!device->paper) new_stands |= !known;
        if (known) continue;
        change->added++;
        change->by_kit |= device->has_adder && is_kit(roster, &device->adder);
    }
    for (size_t i = 0; i < count; i++) {
        const struct pv_hash *owner = pv_roster_owner_of(roster, &ids[i]);
        if (pv_roster_principal_of(roster, &ids[i])) continue;
        if (!listed || (owner && pv_hash_equal(owner, &change->person))) change->removed++;
    }
    change->all_new = new_stands && !old_stands && change->removed > 0;
}

struct pv_change pv_change_since_verified(const struct pv_roster *roster, const struct pv_verification *verification)
{
    const struct pv_room_device *devices[PV_LIMIT_DEVICES_PRESENT];
    struct pv_change change = {.person = verification->person, .verification = verification};
    const struct present now = present_of(roster, &verification->person, devices);
    compare(roster, &now, verification->devices, verification->device_count, true, &change);
    return change;
}

/* ---- what was told */

struct told {
    bool is_there;
    uint64_t epoch;
    bool unseen;
    struct pv_hash devices[PV_LIMIT_DEVICES_PRESENT];
    size_t device_count;
};

static enum pv_err get_told(struct pv_store *store, const struct pv_hash *person, struct told *ret_told)
{
    struct told told = {.is_there = false};
    struct pv_sql sql = pv_sql_begin(store, "SELECT epoch, unseen, devices FROM told WHERE person = ?");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*person));
    if (pv_sql_step(&sql)) {
        struct pv_bytes devices = pv_sql_bytes(&sql, 2);
        told.is_there = true;
        told.epoch = pv_sql_u64(&sql, 0);
        told.unseen = pv_sql_u64(&sql, 1) != 0;
        if (devices.n > sizeof told.devices || devices.n % sizeof *told.devices) pv_sql_fail(&sql, PV_ERR_CORRUPT);
        else if (devices.n) memcpy(told.devices, devices.p, devices.n);
        told.device_count = devices.n / sizeof *told.devices;
    }
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_told = told;
    return err;
}

static enum pv_err put_told(struct pv_store *store, const struct pv_principal *principal, const struct present *now, bool unseen)
{
    struct pv_hash ids[PV_LIMIT_DEVICES_PRESENT];
    size_t count = 0;
    while (count < now->count && count < PV_LIMIT_DEVICES_PRESENT) {
        ids[count] = now->devices[count]->id;
        count++;
    }
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO told (person, epoch, devices, unseen) VALUES (?, ?, ?, ?)");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(principal->id));
    pv_sql_bind_u64(&sql, principal->person_epoch);
    pv_sql_bind_bytes(&sql, pv_bytes(ids, count * sizeof *ids));
    pv_sql_bind_u64(&sql, unseen);
    return pv_sql_run(&sql);
}

static bool is_change(const struct pv_change *change)
{
    return change->added || change->removed || change->new_keys;
}

/* What there is to tell of one member. Who was not told of before is compared with their verification, if there is one. */
static void judge(const struct pv_watch *watch, const struct pv_principal *principal, const struct present *now, const struct told *told,
                  struct pv_change *change)
{
    *change = (struct pv_change){.person = principal->id, .verification = pv_verifications_find(watch->verifications, &principal->id)};
    const struct pv_verification *verification = change->verification;
    if (told->is_there) {
        compare(watch->roster, now, told->devices, told->device_count, false, change);
        change->new_keys = principal->person_epoch > told->epoch && !change->added && !change->removed;
    } else if (verification) {
        compare(watch->roster, now, verification->devices, verification->device_count, true, change);
    }
    if (is_change(change) || !told->unseen || !verification) return;
    compare(watch->roster, now, verification->devices, verification->device_count, true, change);
    change->told = is_change(change);
}

/* ---- over all members */

/* What to do with each: `row` NULL marks as told. */
struct walk {
    const struct pv_watch *watch;
    pv_change_row *row;
    void *context;
};

static enum pv_err visit(const struct walk *walk, const struct pv_principal *principal, const struct present *now)
{
    struct pv_change change;
    struct told told;
    enum pv_err err = get_told(walk->watch->store, &principal->id, &told);
    if (err) return err;
    judge(walk->watch, principal, now, &told, &change);
    if (walk->row) return is_change(&change) ? walk->row(walk->context, &change) : PV_OK;
    if (told.is_there && (change.told || !is_change(&change))) return PV_OK;
    return put_told(walk->watch->store, principal, now, told.unseen || (is_change(&change) && change.verification));
}

static enum pv_err each(const struct walk *walk)
{
    const struct pv_roster *roster = walk->watch->roster;
    struct present present;
    size_t count = 0, from = 0;
    if (!pv_roster_is_born(roster) || pv_roster_room_kind(roster) == PV_ROOM_PERSON) return PV_OK;
    const struct pv_principal *principals = pv_roster_principals(roster, &count);
    enum pv_err err = collect(roster, &present);
    if (err) return err;
    for (size_t i = 0; i < count && !err; i++) {
        const struct present now = part_of(&present, &principals[i].id, &from);
        if (!pv_hash_equal(&principals[i].id, walk->watch->me)) err = visit(walk, &principals[i], &now);
    }
    free(present.devices);
    return err;
}

enum pv_err pv_changes_are_told(const struct pv_watch *watch, bool *ret_told)
{
    uint64_t at = 0;
    enum pv_err err = pv_store_number_get(watch->store, told_at, 0, &at);
    if (!err) *ret_told = at == pv_roster_changed_at(watch->roster) + 1;
    return err;
}

enum pv_err pv_changes_each(const struct pv_watch *watch, pv_change_row *row, void *context)
{
    return each(&(struct walk){watch, row, context});
}

enum pv_err pv_changes_set_told(const struct pv_watch *watch)
{
    bool own = false;
    enum pv_err err = pv_sql_enter(watch->store, &own);
    if (err) return err;
    err = each(&(struct walk){.watch = watch});
    if (!err) err = pv_store_number_set(watch->store, told_at, pv_roster_changed_at(watch->roster) + 1);
    return pv_sql_leave(watch->store, own, err);
}

enum pv_err pv_changes_set_seen(const struct pv_watch *watch, const struct pv_hash *person)
{
    const struct pv_principal *principal = pv_roster_principal(watch->roster, person);
    const struct pv_room_device *devices[PV_LIMIT_DEVICES_PRESENT];
    if (!principal) return PV_OK;
    const struct present now = present_of(watch->roster, person, devices);
    return put_told(watch->store, principal, &now, false);
}

/* ---- as JSON */

static enum pv_err device_name_json(struct pv_json *json, const struct pv_query *own, const struct pv_hash *device)
{
    uint8_t memory[PV_LIMIT_NAME_BYTES];
    struct pv_buf name;
    pv_buf_init_fixed(&name, memory, sizeof memory);
    enum pv_err err = pv_query_name(own, device, &name);
    if (err == PV_OK) pv_json_text(json, "by_name", pv_buf_bytes(&name));
    else pv_json_null(json, "by_name");
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

enum pv_err pv_verified_json(struct pv_json *json, const struct pv_query *own, const struct pv_roster *roster,
                             const struct pv_verification *verification)
{
    if (!verification) {
        pv_json_null(json, "verified");
        return PV_OK;
    }
    const struct pv_change since = pv_change_since_verified(roster, verification);
    pv_json_begin_object(json, "verified");
    pv_json_u64(json, "time", verification->time_ms);
    pv_json_string(json, "how", pv_verified_how_name(verification->how));
    pv_json_hex(json, "by", PV_BYTES_OF(verification->device));
    enum pv_err err = device_name_json(json, own, &verification->device);
    pv_json_bool(json, "by_revoked", verification->device_revoked);
    pv_json_bool(json, "pending", verification->index >= PV_QUERY_PENDING_BASE);
    pv_json_u64(json, "added", since.added);
    pv_json_u64(json, "removed", since.removed);
    pv_json_end_object(json);
    return err;
}
