/* Forgetting: owners who have something forgotten, members who hold it, and how long it waits in between. */
#include "core/sync/room_parts.h"
#include "tests/simulation/act_parts.h"

enum { RANGES = 3 };

/* Where something was said, put, moved, removed or named. */
static const char places[] =
    "SELECT idx FROM message UNION SELECT idx FROM version UNION SELECT placed FROM file UNION SELECT idx FROM profile"
    " UNION SELECT removed FROM file WHERE removed IS NOT NULL ORDER BY 1";

/* One of them; else any entry. */
static uint64_t some_place(struct sim_world *world, const struct sim_copy *copy)
{
    sqlite3_stmt *stmt = NULL;
    uint64_t count = 0, at = sim_below(world, pv_roster_size(pv_room_roster(copy->room)));
    if (sim_chance(world, 30) || sqlite3_prepare_v2(copy->db, places, -1, &stmt, NULL)) return at;
    while (sqlite3_step(stmt) == SQLITE_ROW)
        if (sim_below(world, ++count) == 0) at = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return at;
}

/* Mostly one entry. */
static struct pv_range some_range(struct sim_world *world, const struct sim_copy *copy)
{
    uint64_t size = pv_roster_size(pv_room_roster(copy->room));
    uint64_t place = some_place(world, copy), from = place < size ? place : size - 1; /* another program may know more */
    uint64_t n = sim_chance(world, 160) ? 1 : 1 + sim_below(world, 6);
    return (struct pv_range){from, from + n < size ? from + n : size};
}

static size_t some_ranges(struct sim_world *world, const struct sim_copy *copy, struct pv_range ret_ranges[static RANGES])
{
    size_t count = 0, tries = sim_chance(world, 200) ? 1 : RANGES;
    for (size_t i = 0; i < tries; i++) {
        struct pv_range range = some_range(world, copy);
        if (count && range.from <= ret_ranges[count - 1].to) continue; /* they rise, and do not touch */
        ret_ranges[count++] = range;
    }
    return count;
}

/* Would it be found after a loss of power? A commit that fails for want of space may lie whole in SQLite's log: it fails over
 * what fills up the sector behind. */
static bool would_be_found(const struct sim_device *device, unsigned room)
{
    unsigned disk = sim_disk_copy(device->disk);
    sqlite3 *db = sim_copy_database(disk, room);
    sqlite3_stmt *stmt = NULL;
    bool found = db && sqlite3_prepare_v2(db, "SELECT 1 FROM value WHERE name = 'sync.forget'", -1, &stmt, NULL) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    sim_disk_free(disk);
    return found;
}

static void forget(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct pv_room *copy = device->copies[room].room;
    struct pv_range ranges[RANGES];
    bool before = false;
    size_t count = some_ranges(world, &device->copies[room], ranges);
    if (pv_room_is_forgetting(copy, &before) || before) return;
    enum pv_err err = pv_room_forget(copy, ranges, count);
    for (size_t i = 0; i < count; i++)
        sim_tell(world, "  entries %llu to %llu are to be forgotten: %s %s", (unsigned long long)ranges[i].from,
                 (unsigned long long)ranges[i].to, pv_err_web_name(err), err ? pv_room_alarm(copy) : "");
    bool dead = sim_disk_is_dead(device->disk);
    if (!err || dead || (err == PV_ERR_FULL && would_be_found(device, room))) sim_ledger_asked(world, device, room, ranges, count);
    if (err && !dead && (pv_room_is_forgetting(copy, &before) || before))
        sim_fail(world, "life", "device %u: a forget that failed is under way", device->number);
    sim_local(world, device, err == PV_ERR_CONFLICT ? PV_ERR_DENIED : err, "forgets");
}

static enum pv_err write_body(struct pv_room *room, const struct pv_roster_body *body)
{
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    err = pv_write_roster(room, body, pv_bytes(NULL, 0));
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    return err;
}

/* Ids are counted, so that another step can lift it. */
static struct pv_id16 hold_id(uint64_t number)
{
    struct pv_id16 id = {{'h'}};
    memcpy(id.b + 8, &number, sizeof number);
    return id;
}

static enum pv_err hold(struct sim_world *world, const struct sim_copy *copy)
{
    struct pv_roster_body body = {.type = PV_ROSTER_HOLD};
    body.u.ranges.id = hold_id(world->hold_count++);
    body.u.ranges.ranges[0] = some_range(world, copy);
    body.u.ranges.count = 1;
    return write_body(copy->room, &body);
}

static enum pv_err lift(struct sim_world *world, struct pv_room *room)
{
    struct pv_roster_body body = {.type = PV_ROSTER_LIFT};
    if (!world->hold_count) return PV_ERR_DENIED;
    body.u.lift = hold_id(sim_below(world, world->hold_count));
    return write_body(room, &body);
}

static enum pv_err give_notice(struct sim_world *world, struct pv_room *room)
{
    static const uint64_t notices_ms[] = {0, 60 * 1000, 3600 * 1000, 3ull * 24 * 3600 * 1000};
    struct pv_roster_body body = {.type = PV_ROSTER_POLICY};
    struct pv_buf value;
    pv_buf_init(&value, 64);
    pv_cbor_put_array(&value, 2);
    pv_cbor_put_uint(&value, 1);
    pv_cbor_put_uint(&value, notices_ms[sim_below(world, 4)]);
    body.u.policy.replaces = *pv_roster_policy(pv_room_roster(room));
    body.u.policy.value = pv_buf_bytes(&value);
    enum pv_err err = write_body(room, &body);
    pv_buf_release(&value);
    return err;
}

void sim_forget_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    unsigned room = sim_chance(world, 40) ? sim_own_room(device) : step->room;
    struct pv_room *copy = device->copies[room].room;
    if (!copy || !pv_roster_is_born(pv_room_roster(copy))) return;
    sim_flow_drop(device);
    pv_room_set_time(copy, sim_device_now(world, device));
    if (step->kind == SIM_DO_FORGET) forget(world, device, room);
    if (step->kind == SIM_DO_HOLD) sim_local(world, device, hold(world, &device->copies[room]), "holds");
    if (step->kind == SIM_DO_LIFT) sim_local(world, device, lift(world, copy), "lifts");
    if (step->kind == SIM_DO_NOTICE) sim_local(world, device, give_notice(world, copy), "gives notice");
    if (!sim_disk_is_dead(device->disk) && sim_chance(world, 220)) sim_run(world, device, SIM_PUSH, room, 0);
}
