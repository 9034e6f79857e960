/* One step of a schedule: someone does something, or something befalls them. */
#include <stdio.h>
#include <stdlib.h>

#include "core/state/payload.h"
#include "core/sync/devices.h"
#include "tests/simulation/schedule.h"

enum { ALL = 1000 };

static const char *step_name(enum sim_step_kind kind)
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
    return world->step >= SIM_SETTLED && sim_chance(world, 90) ? (unsigned)sim_below(world, 4) : ALL;
}

static void run(struct sim_world *world, struct sim_device *device, enum sim_flow_kind kind, unsigned room, unsigned link)
{
    world->actor = device;
    sim_flow_begin(world, device, kind, room, link);
    sim_flow_go(world, device, patience(world));
}

/* ---- what people do */

/* What may go wrong with a local change. */
static void local(struct sim_world *world, const struct sim_device *device, enum pv_err err, const char *what)
{
    if (!err) return;
    bool fine = err == PV_ERR_DENIED || err == PV_ERR_NOT_FOUND || err == PV_ERR_NO_KEY || err == PV_ERR_FULL ||
                sim_disk_is_dead(device->disk);
    sim_tell(world, "  device %u: %s: %s", device->number, what, pv_err_web_name(err));
    if (!fine) sim_fail(world, "life", "device %u: %s: %s", device->number, what, pv_err_web_name(err));
}

static void found(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct pv_new_room founded;
    const struct sim_copy *own = &device->copies[sim_own_room(device)];
    if (!pv_roster_is_born(pv_room_roster(own->room))) run(world, device, SIM_PUSH, sim_own_room(device), 0);
    if (world->has_room[room] || !device->up || !pv_roster_is_born(pv_room_roster(own->room))) return;
    enum pv_err err = pv_found_client_room(&device->me, own->room, &world->server, &device->random,
                                           sim_device_now(world, device), &founded);
    if (err) {
        local(world, device, err == PV_ERR_OFFLINE ? PV_ERR_DENIED : err, "founds a room"); /* keys are being changed */
        return;
    }
    err = sim_adopt(world, device, room, &founded);
    if (err && !sim_disk_is_dead(device->disk)) sim_fail(world, "life", "device %u founds no room: %s", device->number, pv_err_web_name(err));
    if (!err) err = sim_device_record(world, device, room);
    if (!err) run(world, device, SIM_PUSH, room, 0);
}

static void say(struct sim_world *world, struct sim_device *device, unsigned room, bool work)
{
    struct pv_payload payload = {.type = work ? PV_PAYLOAD_CHUNKING : PV_PAYLOAD_MESSAGE};
    struct pv_buf buf;
    char text[64];
    size_t number = SIM_WRITES;
    pv_random_fill(&device->random, payload.write_id.b, sizeof payload.write_id.b);
    if (work) pv_random_fill(&device->random, payload.u.chunking.b, sizeof payload.u.chunking.b);
    else {
        number = sim_ledger_write(world, device, room);
        if (number == SIM_WRITES) return;
        snprintf(text, sizeof text, SIM_CANARY " %zu", number);
        payload.u.message.text = pv_bytes_of_string(text);
    }
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&buf, &payload);
    enum pv_err err = pv_room_write(device->copies[room].room, work ? PV_KIND_WORK : PV_KIND_TALK, pv_buf_bytes(&buf), pv_bytes(NULL, 0));
    if (number < SIM_WRITES) sim_ledger_written(world, number, !err && !sim_disk_is_dead(device->disk));
    local(world, device, err, work ? "work" : "talk");
    pv_buf_release(&buf);
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
    local(world, device, err, step_name(step->kind));
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
    local(world, device, err == PV_ERR_OFFLINE ? PV_ERR_DENIED : err, "adds a device");
    if (!sim_disk_is_dead(device->disk)) run(world, device, SIM_PUSH, sim_own_room(device), 0);
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
    local(world, device, err == PV_ERR_OFFLINE || err == PV_ERR_USAGE ? PV_ERR_DENIED : err, "revokes a device");
    if (!err && !sim_disk_is_dead(device->disk)) run(world, device, SIM_PUSH, sim_own_room(device), 0);
}

static void invite(struct sim_world *world, struct sim_device *device, unsigned room, unsigned guest)
{
    if (world->link_count == SIM_LINKS) return;
    unsigned link = (unsigned)world->link_count++;
    world->links[link].room = room;
    world->links[link].maker = device->person;
    world->links[link].guest = guest;
    run(world, device, SIM_INVITE, room, link);
}

/* A device that runs and may change who is in, by what it knows, of another person; NULL: there is none. */
static struct sim_device *some_owner(struct sim_world *world, unsigned room, unsigned except_person)
{
    unsigned first = (unsigned)sim_below(world, SIM_DEVICES);
    for (unsigned i = 0; i < SIM_DEVICES; i++) {
        struct sim_device *device = &world->devices[(first + i) % SIM_DEVICES];
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
    struct sim_device *device = some_owner(world, room, guest->person);
    if (device) invite(world, device, room, guest->person);
}

static void join(struct sim_world *world, struct sim_device *device, unsigned room)
{
    for (int tries = 0; tries < 8 && world->link_count; tries++) {
        unsigned link = (unsigned)sim_below(world, world->link_count);
        bool mine = world->links[link].guest == device->person || sim_chance(world, 16); /* links get passed on */
        if (!world->links[link].there || !mine) continue;
        run(world, device, SIM_JOIN, world->links[link].room, link);
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
    run(world, device, SIM_PULL, sim_own_room(device), 0);
    if (device->up && device->flow.kind == SIM_IDLE) local(world, device, sim_device_follow_list(world, device), "opens its rooms");
    if (device->up && device->copies[room].room && !sim_disk_is_dead(device->disk)) run(world, device, SIM_PULL, room, 0);
}

/* ---- what befalls machines */

static void save_home(struct sim_device *device)
{
    if (device->saved >= 0) sim_disk_free((unsigned)device->saved);
    device->saved = (int)sim_disk_copy(device->disk);
}

static void roll_back(struct sim_world *world, struct sim_device *device)
{
    if (device->saved < 0) return;
    sim_device_stop(world, device, false);
    sim_disk_become(device->disk, (unsigned)device->saved);
    device->rolled_back = true;
    for (unsigned r = 0; r < SIM_ROOMS; r++) device->held[r].count = 0;
}

static void restart_server(struct sim_world *world, struct sim_host *host)
{
    if (!host->there || host->up) return;
    if (sim_host_boot(world, host)) sim_ledger_observe(world, host, true);
}

static void hostile_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    struct sim_host *host = &world->hosts[device->host];
    world->turns++;
    if (step->kind == SIM_DO_FORK && host->up) {
        struct sim_host *other = sim_host_fork(world, host);
        if (!other) return;
        sim_ledger_observe(world, other, true);
        device->host = (unsigned)(other - world->hosts);
        device->token[0] = 0;
    } else if (step->kind == SIM_DO_ROUTE) {
        unsigned to = (unsigned)sim_below(world, SIM_HOSTS);
        if (!world->hosts[to].there) return;
        device->host = to;
        device->token[0] = 0;
    } else if (step->kind == SIM_DO_BACKUP) {
        if (world->backup >= 0) sim_disk_free((unsigned)world->backup);
        world->backup = (int)sim_disk_copy(world->hosts[0].disk);
    } else if (step->kind == SIM_DO_RESTORE && world->backup >= 0) {
        sim_host_stop(world, &world->hosts[0], false);
        sim_disk_become(world->hosts[0].disk, (unsigned)world->backup);
        if (sim_host_boot(world, &world->hosts[0])) sim_ledger_forget(world, &world->hosts[0]);
    }
}

static void machine_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    struct sim_host *host = &world->hosts[0];
    switch ((int)step->kind) {
    case SIM_DO_KILL: sim_device_stop(world, device, false); break;
    case SIM_DO_CRASH: sim_device_stop(world, device, true); break;
    case SIM_DO_DOOM: sim_disk_doom(device->disk, 1 + (unsigned)sim_below(world, 40)); break;
    case SIM_DO_SAVE: save_home(device); break;
    case SIM_DO_ROLL_BACK: roll_back(world, device); break;
    case SIM_DO_SERVER_KILL: sim_host_stop(world, host, false); break;
    case SIM_DO_SERVER_CRASH: sim_host_stop(world, host, true); break;
    case SIM_DO_SERVER_DOOM: sim_disk_doom(host->disk, 1 + (unsigned)sim_below(world, 30)); break;
    default: hostile_step(world, step, device);
    }
}

static void pass_time(struct sim_world *world)
{
    static const uint64_t spans_ms[] = {1000, 60 * 1000, 3600 * 1000, 6 * 3600 * 1000, 26ull * 3600 * 1000, 31ull * 24 * 3600 * 1000};
    uint64_t span = sim_chance(world, 20) ? 5 : sim_below(world, 5);
    world->now_ms += spans_ms[span];
    for (unsigned h = 0; h < SIM_HOSTS; h++)
        if (world->hosts[h].up) {
            sim_host_tick(world, &world->hosts[h]);
            if (sim_disk_is_dead(world->hosts[h].disk)) sim_host_stop(world, &world->hosts[h], true);
            else sim_ledger_observe(world, &world->hosts[h], false);
        }
}

/* ---- the step */

static bool is_for_owners(enum sim_step_kind kind)
{
    return kind == SIM_DO_INVITE || kind == SIM_DO_REMOVE || kind == SIM_DO_ROLE || kind == SIM_DO_CLOSE;
}

/* What only owners may do is mostly done by one. */
static struct sim_device *who_does(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    struct sim_device *owner = NULL;
    if (is_for_owners(step->kind) && sim_chance(world, 200)) owner = some_owner(world, step->room, SIM_PERSONS);
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
    if (step->kind == SIM_DO_REGISTER) run(world, device, SIM_PUSH, own, 0);
    else if (step->kind == SIM_DO_ADD) add_device(world, device);
    else if (step->kind == SIM_DO_REVOKE) revoke_device(world, device);
    else if (step->kind == SIM_DO_FOUND) found(world, device, step->room);
    else if (step->kind == SIM_DO_JOIN) join(world, device, step->room);
    else if (step->kind == SIM_DO_GO_ON) sim_flow_go(world, device, patience(world));
    else if (!room) come_in(world, device, step->room);
    else if (step->kind == SIM_DO_PULL) run(world, device, SIM_PULL, step->room, 0);
    else if (step->kind == SIM_DO_PUSH) run(world, device, SIM_PUSH, step->room, 0);
    else if (step->kind == SIM_DO_CRAFT) sim_craft(world, device, sim_chance(world, 220) ? step->room : own);
    else if (step->kind == SIM_DO_INVITE) invite(world, device, step->room, guest_for(world, device, step->room));
    else if (changes) {
        sim_flow_drop(device);
        if (step->kind == SIM_DO_SAY || step->kind == SIM_DO_WORK) say(world, device, step->room, step->kind == SIM_DO_WORK);
        else change_members(world, device, step);
        if (!sim_disk_is_dead(device->disk) && sim_chance(world, 200)) run(world, device, SIM_PUSH, step->room, 0);
    }
}

void sim_act(struct sim_world *world, const struct sim_step *step)
{
    struct sim_device *device = &world->devices[step->device];
    if (!device->there) device = &world->devices[step->device % SIM_PERSONS]; /* not yet */
    world->step = step->number;
    world->dice = seeded_make(step->dice);
    sim_device_shake(world, device);
    world->hosts[device->host].srv.seed = seeded_make(step->dice + 2);
    world->now_ms += 1 + sim_below(world, 2000);
    device = who_does(world, step, device);
    for (unsigned h = 0; h < SIM_HOSTS; h++)
        if (sim_chance(world, 100)) restart_server(world, &world->hosts[h]);
    sim_tell(world, "device %u %s (%s)", device->number, step_name(step->kind), sim_room_name(step->room));
    if (step->kind == SIM_DO_TIME) pass_time(world);
    else if (step->kind == SIM_DO_LATE) sim_deliver_held(world, (unsigned)sim_below(world, SIM_HELD));
    else if (step->kind >= SIM_DO_KILL) machine_step(world, step, device);
    else if (sim_device_start(world, device)) {
        world->actor = device;
        person_step(world, step, device);
        world->actor = NULL;
        if (!sim_device_revive(world, device) && device->up) sim_ledger_look(world, device, false);
    } else {
        (void)sim_device_revive(world, device);
    }
}

static void catch_up(struct sim_world *world, struct sim_device *device)
{
    sim_device_shake(world, device);
    for (unsigned i = 0; i < SIM_ROOMS && !world->failed; i++) {
        unsigned room = (sim_own_room(device) + i) % SIM_ROOMS;
        if (i == 1) local(world, device, sim_device_follow_list(world, device), "opens its rooms");
        if (!device->copies[room].room) continue;
        sim_flow_begin(world, device, SIM_PUSH, room, 0);
        sim_flow_go(world, device, ALL);
    }
}

void sim_calm(struct sim_world *world)
{
    enum { ROUNDS = 5 };
    if (world->weather.hostile) return;
    world->calm = 1;
    world->dice = seeded_make(world->seed * 977);
    sim_tell(world, "all is calm");
    sim_disk_doom(world->hosts[0].disk, 0);
    restart_server(world, &world->hosts[0]);
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned d = 0; d < SIM_DEVICES && !world->failed; d++) {
            struct sim_device *device = &world->devices[d];
            if (!device->there) continue;
            sim_disk_doom(device->disk, 0);
            device->clock_ms = 0;
            world->step++;
            if (sim_device_start(world, device)) catch_up(world, device);
        }
}
