/* Recovery kits: nothing but the printed page and a new computer; kits that are added, by their person or by a thief. */
#include <stdlib.h>

#include "core/log/checkpoint.h"
#include "core/sync/devices.h"
#include "tests/simulation/world.h"

enum { ALL = 1000 };

static struct pv_identity identity_from(uint64_t number)
{
    struct seeded seed = seeded_make(number);
    struct pv_sign_seed sign;
    struct pv_kem_seed kem;
    struct pv_identity id;
    seeded_fill(&seed, sign.b, sizeof sign.b);
    seeded_fill(&seed, kem.b, sizeof kem.b);
    pv_identity_derive(&sign, &kem, &id);
    return id;
}

/* The first of each stands in its person's genesis; the other may come to be added. */
void sim_kits_init(struct sim_world *world)
{
    for (unsigned i = SIM_KITS; i < SIM_DEVICES; i++) {
        struct sim_device *kit = &world->devices[i];
        struct pv_identity me = i < SIM_KITS + SIM_PERSONS ? kit->me : identity_from(3000 + i);
        *kit = (struct sim_device){.number = i, .slot = i, .home = i, .person = i % SIM_PERSONS, .paper = true, .adder = i,
                                   .named = i < SIM_KITS + SIM_PERSONS, .saved = -1, .shaken_step = SIZE_MAX, .me = me};
        kit->me.person = world->room_ids[SIM_CLIENT_ROOMS + kit->person];
        kit->random = seeded_random(&kit->dice);
        kit->disk = sim_disk_new(); /* nothing is written to it */
    }
}

static bool run(struct sim_world *world, struct sim_device *kit, enum sim_flow_kind kind, unsigned room)
{
    size_t well = world->answers_ok;
    sim_flow_begin(world, kit, kind, room, 0);
    sim_flow_go(world, kit, ALL);
    return world->answers_ok > well && !world->failed;
}

static bool is_in(const struct sim_device *kit, const struct sim_device *device)
{
    return pv_roster_device(pv_room_roster(kit->copies[sim_own_room(kit)].room), &device->me.device) != NULL;
}

/* All but itself, the new device, and older kits; without a new one, only those whose revocation a restore lost. */
static void revoke_others(struct sim_world *world, struct sim_device *kit, const struct sim_device *fresh)
{
    struct pv_room *own = kit->copies[sim_own_room(kit)].room;
    struct pv_revocation others = {.count = 0};
    struct pv_hash kept[PV_LIMIT_DEVICES_PRESENT];
    size_t count, kept_count = 0;
    const struct pv_room_device *all = pv_roster_devices(pv_room_roster(own), &count);
    const struct pv_room_device *mine = pv_roster_device(pv_room_roster(own), &kit->me.device);
    for (size_t i = 0; i < count && others.count < PV_LIMIT_TARGETS; i++) {
        bool stays = &all[i] == mine || (all[i].paper && all[i].order <= mine->order);
        if (fresh) stays = stays || pv_hash_equal(&all[i].id, &fresh->me.device);
        else stays = stays || !sim_ledger_revocation_lost(world, kit->person, &all[i].id);
        if (!stays) others.devices[others.count++] = all[i].id;
        else if (kept_count < PV_LIMIT_DEVICES_PRESENT) kept[kept_count++] = all[i].id;
    }
    if (!others.count) return;
    enum pv_err err = pv_revocation_spare(own, kept, kept_count, &others);
    if (!err) err = pv_device_revoke(own, &others);
    sim_tell(world, "  kit %u revokes %zu others: %s", kit->number, others.count, pv_err_web_name(err));
    if (err && err != PV_ERR_DENIED && err != PV_ERR_NO_KEY)
        sim_fail(world, "life", "kit %u cannot revoke: %s", kit->number, pv_err_web_name(err));
    if (!err) (void)run(world, kit, SIM_PUSH, sim_own_room(kit));
}

static bool has_device_left(const struct sim_world *world, unsigned person)
{
    for (unsigned d = person; d < SIM_COMPUTERS; d += SIM_PERSONS)
        if (world->devices[d].there && !world->devices[d].lost) return true;
    return false;
}

/* What knows that the own room had more, but does not hold it, would be alarmed: its person parts with it. */
static void part_with_the_alarmed(struct sim_world *world, const struct sim_device *kit)
{
    unsigned own = sim_own_room(kit);
    uint64_t size = pv_roster_size(pv_room_roster(kit->copies[own].room));
    for (unsigned d = kit->person; d < SIM_COMPUTERS; d += SIM_PERSONS) {
        struct sim_device *device = &world->devices[d];
        struct pv_checkpoint pinned;
        if (!device->there || device->lost || !device->copies[own].room) continue;
        if (!pv_checkpoint_peek(pv_room_pin(device->copies[own].room), &pinned) && pinned.size > size) sim_lose(world, device);
    }
}

/* To a room that waits for what a restored server lost, once all others have shown what they hold; not to another than
 * the own if a device knows there of more, which would be alarmed. */
static void go_on(struct sim_world *world, struct sim_device *kit, unsigned room)
{
    uint64_t missing;
    if (!world->calm || !pv_room_is_restored(kit->copies[room].room, &missing)) return;
    if (missing && room == sim_own_room(kit)) part_with_the_alarmed(world, kit);
    else if (missing && has_device_left(world, kit->person)) return;
    pv_room_go_on(kit->copies[room].room);
    (void)run(world, kit, SIM_PULL, room);
}

/* Bring the other rooms after the own one. */
static void mend(struct sim_world *world, struct sim_device *kit)
{
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS && !world->failed; r++) {
        bool recorded = false;
        struct pv_room *own = kit->copies[sim_own_room(kit)].room;
        if (!world->has_room[r] || pv_room_is_recorded(own, &world->room_ids[r], &recorded) || !recorded) continue;
        if (sim_copy_open(world, kit, r)) continue;
        (void)run(world, kit, SIM_PULL, r);
        go_on(world, kit, r);
        (void)run(world, kit, SIM_PUSH, r);
    }
}

/* A new device by the kit, or one that an earlier recovery that was cut made. */
static bool add(struct sim_world *world, struct sim_device *kit, struct sim_device **ret_fresh)
{
    unsigned place = sim_free_place(world, kit->person);
    enum pv_err err = sim_device_add(world, kit);
    sim_tell(world, "  kit %u adds a device: %s", kit->number, pv_err_web_name(err));
    if (err && err != PV_ERR_DENIED && err != PV_ERR_LIMIT && err != PV_ERR_OFFLINE && err != PV_ERR_NO_KEY)
        sim_fail(world, "life", "kit %u adds no device: %s", kit->number, pv_err_web_name(err));
    *ret_fresh = &world->devices[place];
    return !err && run(world, kit, SIM_PUSH, sim_own_room(kit)) && is_in(kit, *ret_fresh);
}

/* The kit finds its person's own room, and says that it goes on; it makes keys anew that a restored server has lost. */
static bool open_own(struct sim_world *world, struct sim_device *kit)
{
    unsigned own = sim_own_room(kit);
    bool has_key = false;
    if (sim_copy_open(world, kit, own)) return false;
    if (!run(world, kit, SIM_PULL, own) || !is_in(kit, kit)) return false;
    go_on(world, kit, own);
    if (!pv_room_has_present_key(kit->copies[own].room, &has_key) && !has_key) (void)run(world, kit, SIM_PUSH, own);
    return !pv_room_has_present_key(kit->copies[own].room, &has_key) && has_key;
}

static bool recover(struct sim_world *world, struct sim_device *kit, bool revokes)
{
    struct sim_device *fresh = NULL;
    if (!open_own(world, kit)) return false;
    if (!run(world, kit, SIM_PUSH, sim_own_room(kit)) || !add(world, kit, &fresh)) return false; /* with a rekey that may be due */
    if (revokes) revoke_others(world, kit, fresh);
    mend(world, kit);
    return true;
}

static void begin_kit(struct sim_world *world, struct sim_device *kit)
{
    sim_device_shake(world, kit);
    kit->up = true;
    kit->host = world->devices[kit->person].host;
}

static void end_kit(struct sim_world *world, struct sim_device *kit)
{
    sim_ledger_look(world, kit, false);
    for (unsigned r = 0; r < SIM_ROOMS; r++) kit->held[r].count = 0; /* its memory is gone */
    sim_device_close(kit);
}

bool sim_recover(struct sim_world *world, struct sim_device *kit, bool revokes)
{
    struct sim_device *before = world->actor;
    begin_kit(world, kit);
    bool well = recover(world, kit, revokes);
    sim_tell(world, "  recovery by kit %u %s", kit->number, well ? "is done" : "fails");
    end_kit(world, kit);
    world->actor = before;
    return well;
}

void sim_repair_by_kit(struct sim_world *world, struct sim_device *kit)
{
    struct sim_device *before = world->actor;
    begin_kit(world, kit);
    sim_tell(world, "  kit %u lets rooms go on", kit->number);
    if (open_own(world, kit)) {
        revoke_others(world, kit, NULL);
        mend(world, kit);
    }
    end_kit(world, kit);
    world->actor = before;
}

/* A kit's keys are new each time: one that was removed is not added again. */
void sim_add_kit(struct sim_world *world, struct sim_device *device)
{
    struct sim_device *kit = &world->devices[SIM_KITS + SIM_PERSONS + device->person];
    struct pv_new_device handed;
    if (kit->named) return;
    enum pv_err err = pv_device_consent(&kit->me, true, &device->me.person, &device->me.device, &handed);
    kit->named = true;
    if (!err) err = pv_device_add(device->copies[sim_own_room(device)].room, &handed);
    sim_tell(world, "  device %u adds kit %u: %s", device->number, kit->number, pv_err_web_name(err));
    bool fine = !err || err == PV_ERR_DENIED || err == PV_ERR_OFFLINE || err == PV_ERR_NO_KEY || err == PV_ERR_FULL ||
                sim_disk_is_dead(device->disk);
    if (!fine) sim_fail(world, "life", "device %u adds no kit: %s", device->number, pv_err_web_name(err));
}

void sim_lose(struct sim_world *world, struct sim_device *device)
{
    sim_machine_stop(world, device);
    device->lost = device->rolled_back = true;
}
