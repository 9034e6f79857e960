/* One step of a schedule: someone does something, or something befalls them. */
#include <stdio.h>
#include <stdlib.h>

#include "core/sync/devices.h"
#include "tests/simulation/act_parts.h"

const char *sim_step_name(enum sim_step_kind kind)
{
    static const char *const words[] = {
#define SIM_STEP_WORDS(name, text) text,
        SIM_STEP_TABLE(SIM_STEP_WORDS)
#undef SIM_STEP_WORDS
    };
    return words[kind];
}

/* Mostly to the end, at times only a little way. */
static unsigned patience(struct sim_world *world)
{
    return !world->calm && world->step >= SIM_SETTLED && sim_chance(world, 90) ? (unsigned)sim_below(world, 4) : SIM_ALL;
}

void sim_run(struct sim_world *world, struct sim_device *device, enum sim_flow_kind kind, unsigned room, unsigned link)
{
    world->actor = device;
    sim_flow_begin(world, device, kind, room, link);
    sim_flow_go(world, device, patience(world));
}

/* ---- what people do */

/* What may go wrong with a local change. */
void sim_local(struct sim_world *world, const struct sim_device *device, enum pv_err err, const char *what)
{
    if (!err) return;
    bool fine = err == PV_ERR_DENIED || err == PV_ERR_NOT_FOUND || err == PV_ERR_NO_KEY || err == PV_ERR_FULL ||
                sim_disk_is_dead(device->disk);
    sim_tell(world, "  device %u: %s: %s", device->number, what, pv_err_web_name(err));
    if (!fine) sim_fail(world, "life", "device %u: %s: %s", device->number, what, pv_err_web_name(err));
}

void sim_found(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct pv_new_room founded;
    const struct sim_copy *own = &device->copies[sim_own_room(device)];
    if (!pv_roster_is_born(pv_room_roster(own->room))) sim_run(world, device, SIM_PUSH, sim_own_room(device), 0);
    if (world->has_room[room] || !device->up || !pv_roster_is_born(pv_room_roster(own->room))) return;
    enum pv_err err = pv_found_client_room(&device->me, own->room, &world->server, &device->random,
                                           sim_device_now(world, device), &founded);
    if (err) {
        sim_local(world, device, err == PV_ERR_OFFLINE ? PV_ERR_DENIED : err, "founds a room"); /* keys are being changed */
        return;
    }
    err = sim_adopt(world, device, room, &founded);
    bool fine = !err || sim_disk_is_dead(device->disk) || (err == PV_ERR_FULL && sim_disk_is_full(device->disk));
    if (!fine) sim_fail(world, "life", "device %u founds no room: %s", device->number, pv_err_web_name(err));
    if (!err) err = sim_device_record(world, device, room);
    if (!err) sim_run(world, device, SIM_PUSH, room, 0);
}

static const struct pv_principal *someone(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    size_t count;
    const struct pv_principal *all = pv_roster_principals(pv_room_roster(device->copies[room].room), &count);
    return count ? &all[sim_below(world, count)] : NULL;
}

static void change_members(struct sim_world *world, struct sim_device *device, const struct sim_step *step)
{
    struct pv_room *room = device->copies[step->room].room;
    const struct pv_principal *target = someone(world, device, step->room);
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(pv_room_roster(room), &count);
    enum pv_err err = PV_ERR_DENIED;
    struct pv_hash person = target ? target->id : (struct pv_hash){{0}};
    if (step->kind == SIM_DO_REMOVE && target) err = pv_room_remove(room, &person);
    if (step->kind == SIM_DO_ROLE && target) err = pv_room_set_role(room, &person, (enum pv_role)sim_below(world, 3));
    if (step->kind == SIM_DO_LEAVE) err = pv_room_leave(room);
    if (step->kind == SIM_DO_CLOSE && count) {
        struct pv_id16 id = invites[sim_below(world, count)].body.id;
        err = pv_room_close_invite(room, &id);
    }
    sim_local(world, device, err, sim_step_name(step->kind));
}

/* Mostly someone who is not in. */
static unsigned guest_for(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    const struct pv_roster *roster = pv_room_roster(device->copies[room].room);
    unsigned guest = 0;
    for (int tries = 0; tries < 6; tries++) {
        guest = (unsigned)(device->person + 1 + sim_below(world, SIM_PERSONS - 1)) % SIM_PERSONS;
        if (!pv_roster_principal(roster, &world->room_ids[SIM_CLIENT_ROOMS + guest])) break;
    }
    return guest;
}

/* Another device of the person, which the first hands its consent. */
static void add_device(struct sim_world *world, struct sim_device *device)
{
    enum pv_err err = sim_device_add(world, device);
    if (err == PV_ERR_LIMIT) return;
    sim_local(world, device, err == PV_ERR_OFFLINE ? PV_ERR_DENIED : err, "adds a device");
    if (!sim_disk_is_dead(device->disk)) sim_run(world, device, SIM_PUSH, sim_own_room(device), 0);
}

static void add_kit(struct sim_world *world, struct sim_device *device)
{
    sim_add_kit(world, device);
    if (!sim_disk_is_dead(device->disk)) sim_run(world, device, SIM_PUSH, sim_own_room(device), 0);
}

static void revoke_device(struct sim_world *world, struct sim_device *device)
{
    struct pv_room *own = device->copies[sim_own_room(device)].room;
    struct pv_revocation revocation = {.count = 1};
    struct pv_hash keep = {{0}};
    size_t count, kept = 0;
    const struct pv_room_device *all = pv_roster_devices(pv_room_roster(own), &count);
    if (count < 2) return;
    revocation.devices[0] = all[sim_below(world, count)].id;
    keep = all[sim_below(world, count)].id;
    kept = sim_chance(world, 64) && !pv_hash_equal(&keep, &revocation.devices[0]);
    enum pv_err err = pv_revocation_spare(own, &keep, kept, &revocation);
    if (!err) err = pv_device_revoke(own, &revocation);
    sim_local(world, device, err == PV_ERR_OFFLINE || err == PV_ERR_USAGE ? PV_ERR_DENIED : err, "revokes a device");
    if (!err && !sim_disk_is_dead(device->disk)) sim_run(world, device, SIM_PUSH, sim_own_room(device), 0);
}

void sim_invite(struct sim_world *world, struct sim_device *device, unsigned room, unsigned guest)
{
    if (world->link_count == SIM_LINKS) return;
    unsigned link = (unsigned)world->link_count++;
    world->links[link].room = room;
    world->links[link].maker = device->person;
    world->links[link].guest = guest;
    sim_run(world, device, SIM_INVITE, room, link);
}

/* A device that runs and may change who is in, by what it knows, of another person; NULL: there is none. */
struct sim_device *sim_some_owner(struct sim_world *world, unsigned room, unsigned except_person)
{
    unsigned first = (unsigned)sim_below(world, SIM_COMPUTERS);
    for (unsigned i = 0; i < SIM_COMPUTERS; i++) {
        struct sim_device *device = &world->devices[(first + i) % SIM_COMPUTERS];
        struct pv_room *its = device->up ? device->copies[room].room : NULL;
        const struct pv_principal *me = its ? pv_roster_principal_of(pv_room_roster(its), &device->me.device) : NULL;
        if (!me || me->role != PV_ROLE_OWNER || device->person == except_person) continue;
        sim_device_shake(world, device);
        return device;
    }
    return NULL;
}

/* Someone who may invites this device's person. */
static void ask_for_invite(struct sim_world *world, const struct sim_device *guest, unsigned room)
{
    struct sim_device *device = sim_some_owner(world, room, guest->person);
    if (device) sim_invite(world, device, room, guest->person);
}

static void join(struct sim_world *world, struct sim_device *device, unsigned room)
{
    for (int tries = 0; tries < 8 && world->link_count; tries++) {
        unsigned link = (unsigned)sim_below(world, world->link_count);
        bool mine = world->links[link].guest == device->person || sim_chance(world, 16); /* links get passed on */
        if (!world->links[link].there || !mine) continue;
        sim_run(world, device, SIM_JOIN, world->links[link].room, link);
        return;
    }
    if (world->has_room[room]) ask_for_invite(world, device, room);
}

/* Who has nothing else to do in a room. */
static void come_in(struct sim_world *world, struct sim_device *device, unsigned room)
{
    if (device->adder == device->number) {
        join(world, device, room);
        return;
    }
    sim_run(world, device, SIM_PULL, sim_own_room(device), 0);
    if (device->up && device->flow.kind == SIM_IDLE) sim_local(world, device, sim_device_follow_list(world, device), "opens its rooms");
    if (device->up && device->copies[room].room && !sim_disk_is_dead(device->disk)) sim_run(world, device, SIM_PULL, room, 0);
}

/* ---- the step */

static bool is_for_owners(enum sim_step_kind kind)
{
    return kind == SIM_DO_INVITE || kind == SIM_DO_REMOVE || kind == SIM_DO_ROLE || kind == SIM_DO_CLOSE ||
           kind == SIM_DO_FORGET || kind == SIM_DO_NOTICE;
}

/* What only owners may do is mostly done by one. */
static struct sim_device *who_does(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    struct sim_device *owner = NULL;
    if (is_for_owners(step->kind) && sim_chance(world, 200)) owner = sim_some_owner(world, step->room, SIM_PERSONS);
    return owner ? owner : device;
}

static void person_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    unsigned own = sim_own_room(device);
    struct pv_room *room = device->copies[step->room].room;
    pv_room_set_time(device->copies[own].room, sim_device_now(world, device));
    bool changes = step->kind == SIM_DO_SAY || step->kind == SIM_DO_WORK || step->kind == SIM_DO_REMOVE ||
                   step->kind == SIM_DO_ROLE || step->kind == SIM_DO_LEAVE || step->kind == SIM_DO_CLOSE;
    if (room) pv_room_set_time(room, sim_device_now(world, device));
    if (step->kind == SIM_DO_REGISTER) sim_run(world, device, SIM_PUSH, own, 0);
    else if (step->kind == SIM_DO_ADD) add_device(world, device);
    else if (step->kind == SIM_DO_REVOKE) revoke_device(world, device);
    else if (step->kind == SIM_DO_ADD_KIT) add_kit(world, device);
    else if (step->kind == SIM_DO_OLD_LINK) sim_feud_step(world, step, device);
    else if (step->kind >= SIM_DO_FORGET && step->kind <= SIM_DO_NOTICE) sim_forget_step(world, step, device);
    else if (step->kind == SIM_DO_FOUND) sim_found(world, device, step->room);
    else if (step->kind == SIM_DO_JOIN) join(world, device, step->room);
    else if (step->kind == SIM_DO_GO_ON) sim_flow_go(world, device, patience(world));
    else if (!room) come_in(world, device, step->room);
    else if (step->kind == SIM_DO_PULL) sim_run(world, device, SIM_PULL, step->room, 0);
    else if (step->kind == SIM_DO_PUSH) sim_run(world, device, SIM_PUSH, step->room, 0);
    else if (step->kind == SIM_DO_CRAFT) sim_craft(world, device, sim_chance(world, 220) ? step->room : own);
    else if (step->kind == SIM_DO_INVITE) sim_invite(world, device, step->room, guest_for(world, device, step->room));
    else if (changes) {
        sim_flow_drop(device);
        if (step->kind == SIM_DO_SAY || step->kind == SIM_DO_WORK) sim_say(world, device, step->room, step->kind == SIM_DO_WORK);
        else change_members(world, device, step);
        if (!sim_disk_is_dead(device->disk) && sim_chance(world, 200)) sim_run(world, device, SIM_PUSH, step->room, 0);
    }
}

/* With a kit of the person's, mostly the one that was printed first. */
static void recover(struct sim_world *world, const struct sim_device *device)
{
    unsigned further = sim_chance(world, 200) ? 0 : SIM_PERSONS;
    struct sim_device *kit = &world->devices[SIM_KITS + device->person + further];
    if (kit->named) (void)sim_recover(world, kit, sim_chance(world, 60));
}

/* Of the person's devices, if that one is not there or not any more. */
static struct sim_device *device_there(struct sim_world *world, unsigned number)
{
    for (unsigned i = 0; i < SIM_COMPUTERS; i += SIM_PERSONS) {
        struct sim_device *device = &world->devices[i ? number % SIM_PERSONS + i - SIM_PERSONS : number];
        if (device->there && !device->lost) return device;
    }
    return &world->devices[number % SIM_PERSONS];
}

static void step_of_someone(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    if (sim_device_start(world, device)) {
        world->actor = device;
        person_step(world, step, device);
        world->actor = NULL;
        if (!sim_device_revive(world, device) && device->up) sim_ledger_look(world, device, false);
    } else {
        (void)sim_device_revive(world, device);
    }
}

void sim_act(struct sim_world *world, const struct sim_step *step)
{
    struct sim_device *device = device_there(world, step->device);
    world->step = step->number;
    world->dice = seeded_make(step->dice);
    sim_device_shake(world, device);
    world->hosts[device->host].srv.seed = seeded_make(step->dice + 2);
    world->now_ms += 1 + sim_below(world, 2000);
    device = sim_second_of(world, who_does(world, step, device));
    for (unsigned h = 0; h < SIM_HOSTS; h++)
        if (sim_chance(world, 100)) sim_restart_server(world, &world->hosts[h]);
    sim_tell(world, "device %u %s (%s)", device->number, sim_step_name(step->kind), sim_room_name(step->room));
    if (step->kind == SIM_DO_TIME) sim_pass_time(world);
    else if (step->kind == SIM_DO_LATE) sim_deliver_held(world, (unsigned)sim_below(world, SIM_HELD));
    else if (step->kind == SIM_DO_RECOVER) recover(world, device);
    else if (step->kind >= SIM_DO_KILL) sim_machine_step(world, step, device);
    else if (step->kind >= SIM_DO_DUEL && step->kind != SIM_DO_OLD_LINK) sim_feud_step(world, step, device);
    else step_of_someone(world, step, device);
}
