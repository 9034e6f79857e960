/* The end of an honest world: no faults any more, everyone comes back and catches up; who lost everything has the kit. */
#include "core/sync/devices.h"
#include "core/sync/room.h"
#include "tests/simulation/act_parts.h"

enum { ROUNDS = 5, MORE_ROUNDS = 4, GO_ON_ROUND = 2, SETTLED_ROUND = 10, NOTICE_MS = 8 * 24 * 3600 * 1000 };

static bool is_owner(const struct sim_device *device, unsigned room)
{
    const struct pv_principal *me = pv_roster_principal_of(pv_room_roster(device->copies[room].room), &device->me.device);
    return me && me->role == PV_ROLE_OWNER;
}

static void catch_up(struct sim_world *world, struct sim_device *device, unsigned round)
{
    sim_device_shake(world, device);
    for (unsigned i = 0; i < SIM_ROOMS && !world->failed; i++) {
        unsigned room = (sim_own_room(device) + i) % SIM_ROOMS;
        struct sim_copy *copy = &device->copies[room];
        uint64_t missing;
        if (i == 1) sim_local(world, device, sim_device_follow_list(world, device), "opens its rooms");
        if (!copy->room) continue;
        /* Everyone has shown by now what they hold: what is still missing nobody has. */
        bool waits = round >= GO_ON_ROUND && pv_room_is_restored(copy->room, &missing);
        if (waits && is_owner(device, room)) pv_room_go_on(copy->room);
        sim_flow_begin(world, device, SIM_PUSH, room, 0);
        sim_flow_go(world, device, SIM_ALL);
    }
    if (round < SETTLED_ROUND) sim_go_over(world, device, round);
}

static void calm_down(struct sim_world *world)
{
    world->calm = 1;
    world->dice = seeded_make(world->seed * 977);
    sim_tell(world, "all is calm");
    for (unsigned i = 0; i < SIM_PROGRAMS; i++) {
        struct sim_device *program = sim_program(world, i);
        if (!program->there) continue;
        sim_disk_doom(program->disk, 0);
        sim_disk_clear(program->disk);
        program->clock_ms = 0;
        if (program->process) sim_device_stop(world, program, false);
    }
    sim_disk_doom(world->hosts[0].disk, 0);
    sim_disk_clear(world->hosts[0].disk);
    sim_restart_server(world, &world->hosts[0]);
}

static void play_round(struct sim_world *world, unsigned round)
{
    for (unsigned i = 0; i < SIM_PROGRAMS && !world->failed; i++) {
        struct sim_device *device = sim_program(world, i);
        if (!device->there) continue;
        world->step++;
        if (sim_device_start(world, device)) catch_up(world, device, round);
    }
}

/* Rounds [from, to), and then, as long as each still brings something new, a few more. */
static void rounds(struct sim_world *world, unsigned from, unsigned to)
{
    uint64_t entries = world->entries;
    for (unsigned round = from; round < to || (world->entries > entries && round < to + MORE_ROUNDS); round++) {
        entries = world->entries;
        play_round(world, round < to ? round : to - 1);
    }
}

static bool is_left(const struct sim_device *device)
{
    return device->there && !device->lost;
}

/* Does it have its person's keys, or did a restored server lose them with what lay beside its entry? */
static bool has_keys(struct sim_device *device)
{
    struct pv_room *own = device->copies[sim_own_room(device)].room;
    bool has = false;
    return own && pv_room_has_present_key(own, &has) == PV_OK && has;
}

/* Is a thief's kit in this room that only an older one may remove? */
static bool has_foreign_kit(struct pv_room *room)
{
    struct pv_devices_report report;
    return pv_devices_report(room, &report) == PV_OK && report.state == PV_DEVICES_PAPER;
}

/* Who revoked a device does it again where a restore lost that. */
static bool is_to_revoke_again(struct sim_world *world, unsigned person)
{
    for (unsigned d = person; d < SIM_DEVICES; d += SIM_PERSONS) {
        const struct sim_device *device = &world->devices[d];
        if (device->named && sim_ledger_has(world, device, SIM_CLIENT_ROOMS + person) &&
            sim_ledger_revocation_lost(world, person, &device->me.device))
            return true;
    }
    return false;
}

/* Is the person in a room that none of its devices knows which are left: a restored server lost what opens the list? */
static bool misses_room(struct sim_world *world, unsigned person)
{
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS; r++) {
        bool knows = false;
        for (unsigned d = person; d < SIM_COMPUTERS; d += SIM_PERSONS) {
            const struct sim_device *device = &world->devices[d];
            knows = knows || (is_left(device) && device->copies[r].room && sim_ledger_has(world, device, SIM_CLIENT_ROOMS + person));
        }
        if (!knows && world->weather.restores && sim_ledger_has_person(world, person, r)) return true;
    }
    return false;
}

/* Does a room wait that knows none of the person's devices that are left, or has none of these the person's keys? Or was one
 * revoked, and is back? */
static bool waits_for_kit(struct sim_world *world, unsigned person)
{
    bool some_keys = false;
    for (unsigned d = person; d < SIM_COMPUTERS; d += SIM_PERSONS)
        some_keys = some_keys || (is_left(&world->devices[d]) && has_keys(&world->devices[d]));
    if (!some_keys || is_to_revoke_again(world, person) || misses_room(world, person)) return true;
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS; r++) {
        bool waits = false, is_in = false;
        uint64_t missing;
        for (unsigned d = person; d < SIM_COMPUTERS; d += SIM_PERSONS) {
            struct sim_device *device = &world->devices[d];
            if (!is_left(device) || !device->copies[r].room) continue;
            waits = waits || pv_room_is_restored(device->copies[r].room, &missing);
            is_in = is_in || sim_ledger_has(world, device, r);
            if (has_foreign_kit(device->copies[r].room)) return true;
        }
        if (waits && !is_in) return true;
    }
    return false;
}

/* Whoever has no device left, and one person more, has nothing but the kit. */
static bool recoveries(struct sim_world *world)
{
    bool some = false;
    for (unsigned p = 0; p < SIM_PERSONS && !world->failed; p++) {
        bool left = false, place = sim_free_place(world, p) < SIM_COMPUTERS;
        for (unsigned d = p; d < SIM_COMPUTERS; d += SIM_PERSONS) {
            bool is_in = sim_ledger_has(world, &world->devices[d], SIM_CLIENT_ROOMS + p);
            left = left || (is_left(&world->devices[d]) && is_in);
        }
        bool own_is_sound = sim_ledger_opens(world, p);
        if (own_is_sound && (left || !place) && waits_for_kit(world, p)) {
            world->step++;
            some = true;
            sim_repair_by_kit(world, &world->devices[SIM_KITS + p]);
        }
        if (!place || !own_is_sound || (left && world->seed % SIM_PERSONS != p)) continue;
        world->step++;
        some = true;
        if (!sim_recover(world, &world->devices[SIM_KITS + p], !left))
            sim_fail(world, "life", "person %u cannot recover by the kit", p);
    }
    return some;
}

/* What was asked for and waits is forgotten, by everyone; who comes later finds the same. */
static void forget_all(struct sim_world *world)
{
    size_t forgets;
    do { /* one that its own room refuses may get through with a forget only now: that one has its notice, too */
        sim_ledger_before_forgetting(world);
        forgets = sim_ledger_forgets(world);
        world->now_ms += NOTICE_MS;
        for (int again = 0; again < 3; again++) { /* a second apart: first what waits is deleted, then dropped */
            world->now_ms += 1000;
            sim_host_tick(world, &world->hosts[0]);
        }
        sim_ledger_observe(world, &world->hosts[0], false);
        rounds(world, SETTLED_ROUND, SETTLED_ROUND + 2);
    } while (!world->failed && sim_ledger_forgets(world) > forgets);
    if (!world->failed) sim_cold_readers(world);
}

void sim_calm(struct sim_world *world)
{
    if (world->weather.hostile) return;
    calm_down(world);
    rounds(world, 0, ROUNDS);
    if (!world->failed && recoveries(world)) rounds(world, ROUNDS, ROUNDS + 3);
    if (!world->failed && world->succession.begun) rounds(world, SETTLED_ROUND, SETTLED_ROUND + 2);
    if (!world->failed && world->weather.forgets) forget_all(world);
}
