/* Members who fight: owners who remove each other at one moment, who bring back whom others removed, who come by links
 * of before, who drown a removal in words. */
#include "tests/simulation/act_parts.h"

enum { TURNS_MAX = 80 };

static bool is_working(const struct sim_device *device)
{
    return device->there && device->up && device->flow.kind != SIM_IDLE;
}

/* A device of the person that runs and has the room; NULL: there is none. */
static struct sim_device *device_of(struct sim_world *world, unsigned person, unsigned room)
{
    for (unsigned d = person; d < SIM_COMPUTERS; d += SIM_PERSONS) {
        struct sim_device *device = &world->devices[d];
        if (device->there && device->up && (room == SIM_ROOMS || device->copies[room].room)) return device;
    }
    return NULL;
}

static bool is_member(const struct sim_device *device, unsigned room)
{
    return pv_roster_principal_of(pv_room_roster(device->copies[room].room), &device->me.device) != NULL;
}

/* One removes the other, by what its program knows; what was made waits to be sent. */
static bool remove_other(struct sim_world *world, struct sim_device *by, const struct sim_device *other, unsigned room)
{
    sim_device_shake(world, by);
    sim_flow_drop(by);
    pv_room_set_time(by->copies[room].room, sim_device_now(world, by));
    enum pv_err err = pv_room_remove(by->copies[room].room, &other->me.person);
    sim_local(world, by, err, "removes the other");
    return !err && !sim_device_revive(world, by);
}

/* Neither looks first what the other does; their requests come in turn, as the dice say. */
static void duel(struct sim_world *world, unsigned room)
{
    struct sim_device *a = sim_some_owner(world, room, SIM_PERSONS);
    struct sim_device *b = a ? sim_some_owner(world, room, a->person) : NULL;
    size_t well = world->answers_ok;
    if (!b || !is_member(a, room) || !is_member(b, room)) return;
    sim_tell(world, "  devices %u and %u remove each other", a->number, b->number);
    bool first = remove_other(world, a, b, room), second = remove_other(world, b, a, room);
    sim_flow_begin(world, a, SIM_PUSH, room, 0);
    sim_flow_begin(world, b, SIM_PUSH, room, 0);
    for (unsigned turn = 0; turn < TURNS_MAX && (is_working(a) || is_working(b)) && !world->failed; turn++) {
        struct sim_device *next = is_working(a) && (!is_working(b) || sim_chance(world, 128)) ? a : b;
        sim_flow_go(world, next, 1);
    }
    /* Each may have been overtaken, and told so: by a thief's entry of its number, or as it is no owner any more. */
    bool both_told = *pv_room_alarm(a->copies[room].room) && *pv_room_alarm(b->copies[room].room);
    if (first && second && !both_told && world->answers_ok == well + 2) sim_ledger_fought(world, a, b, room);
}

/* Someone brings back whom another has removed, at once. */
static void bring_back(struct sim_world *world, unsigned room)
{
    unsigned first = (unsigned)sim_below(world, SIM_PERSONS);
    for (unsigned i = 0; i < SIM_PERSONS; i++) {
        struct sim_device *guest = device_of(world, (first + i) % SIM_PERSONS, SIM_ROOMS);
        struct sim_device *owner = guest ? sim_some_owner(world, room, guest->person) : NULL;
        unsigned link = (unsigned)world->link_count;
        if (!owner || sim_ledger_has(world, guest, room)) continue;
        sim_invite(world, owner, room, guest->person);
        sim_device_shake(world, guest);
        if (link < world->link_count && world->links[link].there && guest->up) sim_run(world, guest, SIM_JOIN, room, link);
        return;
    }
}

/* Who is out tries a link that was made before, by whoever. */
static void come_by_old_link(struct sim_world *world, struct sim_device *device, unsigned room)
{
    if (sim_ledger_has(world, device, room)) return;
    for (int tries = 0; tries < 8 && world->link_count; tries++) {
        unsigned link = (unsigned)sim_below(world, world->link_count);
        if (!world->links[link].there || world->links[link].room != room) continue;
        sim_run(world, device, SIM_JOIN, room, link);
        return;
    }
}

/* A member writes between any two requests of the one who removes them. */
static void flood(struct sim_world *world, unsigned room)
{
    struct sim_device *owner = sim_some_owner(world, room, SIM_PERSONS), *other = NULL;
    unsigned first = (unsigned)sim_below(world, SIM_PERSONS);
    for (unsigned i = 0; owner && i < SIM_PERSONS && !other; i++) {
        unsigned person = (first + i) % SIM_PERSONS;
        if (person != owner->person) other = device_of(world, person, room);
        if (other && !is_member(other, room)) other = NULL;
    }
    if (!other || !remove_other(world, owner, other, room)) return;
    sim_tell(world, "  device %u removes device %u's person, who writes meanwhile", owner->number, other->number);
    sim_device_shake(world, other);
    sim_flow_begin(world, owner, SIM_PUSH, room, 0);
    for (unsigned turn = 0; is_working(owner) && !world->failed; turn++) {
        if (turn == TURNS_MAX) sim_fail(world, "life", "a flood keeps device %u from removing its author", owner->number);
        if (other->up && !is_working(other)) {
            if (turn < 24) sim_say(world, other, room, false);
            sim_flow_begin(world, other, SIM_PUSH, room, 0);
        }
        sim_flow_go(world, other, 1 + (unsigned)sim_below(world, 3));
        sim_flow_go(world, owner, 1);
    }
}

void sim_feud_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    if (!world->has_room[step->room]) return;
    if (step->kind == SIM_DO_DUEL) duel(world, step->room);
    else if (step->kind == SIM_DO_BRING_BACK) bring_back(world, step->room);
    else if (step->kind == SIM_DO_OLD_LINK) come_by_old_link(world, device, step->room);
    else if (step->kind == SIM_DO_FLOOD) flood(world, step->room);
}
