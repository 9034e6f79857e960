/* What commands do, request by request: fetch, send, invite, join, with the person's own room in view as client/ has it. */
#include <stdio.h>
#include <stdlib.h>

#include "core/sync/devices.h"
#include "tests/simulation/world.h"

enum { HELP_ROUNDS = 4 };

void sim_flow_drop(struct sim_device *device)
{
    pv_task_free(device->flow.task);
    if (device->flow.has_gate) pv_buf_wipe(&device->flow.gate_request);
    device->flow = (struct sim_flow){.kind = SIM_IDLE};
}

static struct pv_room *room_of(struct sim_device *device)
{
    return device->copies[device->flow.room].room;
}

static struct pv_room *own_of(struct sim_device *device)
{
    return device->copies[sim_own_room(device)].room;
}

static enum pv_err pull(struct pv_room *room, struct sim_flow *flow, enum sim_flow_at at)
{
    flow->at = at;
    return pv_pull_task(room, PV_AUTH_SESSION, &flow->task);
}

/* Only one program of a home sends in a room at a time; here, the others give up. */
static bool is_locked(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    for (unsigned i = 0; i < SIM_PROGRAMS; i++) {
        const struct sim_device *other = sim_program(world, i);
        bool sends = other->there && other->flow.task && other->flow.sends && other->flow.sends_to == room;
        if (other != device && sends && other->disk == device->disk) return true;
    }
    return false;
}

static enum pv_err push(struct sim_world *world, struct sim_device *device, unsigned room, enum sim_flow_at at)
{
    if (is_locked(world, device, room)) return PV_ERR_BUSY;
    device->flow.at = at;
    device->flow.sends = true;
    device->flow.sends_to = room;
    return pv_push_task(device->copies[room].room, NULL, &device->flow.task);
}

/* What an invite needs before anything is sent. */
static enum pv_err make_invite(struct sim_world *world, struct sim_device *device)
{
    struct sim_flow *flow = &device->flow;
    struct sim_link *link = &world->links[flow->link];
    static const enum pv_role roles[] = {PV_ROLE_VIEWER, PV_ROLE_EDITOR, PV_ROLE_OWNER, PV_ROLE_OWNER};
    struct pv_invite_options options = {.role = roles[sim_below(world, 4)], .uses = 1 + sim_below(world, 2),
                                        .server_url = "http://sim.example"};
    if (link->uses) options.role = link->role, options.uses = link->uses;
    else if (sim_chance(world, 40)) options.until_ms = sim_device_now(world, device) + 24 * 3600 * 1000;
    pv_buf_init(&flow->gate_request, PV_LIMIT_GATE_BYTES);
    flow->has_gate = true;
    enum pv_err err = pv_room_invite(room_of(device), &options, &link->link, &flow->gate_request);
    if (!err) sim_ledger_invited(world, device, flow->link);
    return err;
}

/* Does the room stand in the own one's list, where it is not founded or joined yet? */
static enum pv_err lacks_record(struct sim_device *device, bool *ret_lacks)
{
    const struct pv_roster *roster = pv_room_roster(room_of(device));
    bool recorded = true;
    *ret_lacks = false;
    if (pv_roster_is_born(roster) && pv_roster_principal(roster, &device->me.person)) return PV_OK;
    enum pv_err err = pv_room_is_recorded(own_of(device), pv_room_id(room_of(device)), &recorded);
    *ret_lacks = !err && !recorded;
    return err;
}

static enum pv_err send(struct sim_world *world, struct sim_device *device)
{
    struct sim_flow *flow = &device->flow;
    if (flow->room == sim_own_room(device) || !pv_roster_is_born(pv_room_roster(own_of(device))))
        return push(world, device, flow->room, SIM_AT_PUSH);
    if (sim_chance(world, 128)) return pull(own_of(device), flow, SIM_AT_FOLLOW); /* at most once a minute */
    flow->at = SIM_AT_FOLLOW;
    return PV_OK;
}

static enum pv_err after_join_pull(struct sim_world *world, struct sim_device *device)
{
    const struct pv_roster *view;
    enum pv_err err = sim_device_record(world, device, device->flow.room);
    if (!err) err = pv_room_view(room_of(device), &view);
    if (!err && !pv_roster_principal(view, &device->me.person)) /* an earlier one may wait */
        err = pv_room_join(room_of(device), &world->links[device->flow.link].link, &device->flow.half_b);
    return err ? err : send(world, device);
}

/* What stands in the way in the own room, done there. */
static enum pv_err help_on(struct sim_world *world, struct sim_device *device)
{
    struct sim_flow *flow = &device->flow;
    struct pv_devices_report report;
    flow->at = SIM_AT_END;
    if (flow->room == sim_own_room(device) || flow->rounds++ == HELP_ROUNDS) return PV_OK;
    enum pv_err err = pv_devices_report(room_of(device), &report);
    if (err) return err;
    if (report.state == PV_DEVICES_PERSON_DUE) return push(world, device, sim_own_room(device), SIM_AT_HELP);
    return pv_room_wants_person(room_of(device)) ? pull(own_of(device), flow, SIM_AT_HELP) : PV_OK;
}

static enum pv_err begin(struct sim_world *world, struct sim_device *device)
{
    struct sim_flow *flow = &device->flow;
    const struct sim_link *link = &world->links[flow->link];
    switch (flow->kind) {
    case SIM_PULL: return pull(room_of(device), flow, SIM_AT_PULL);
    case SIM_PUSH: return send(world, device);
    case SIM_INVITE: flow->at = SIM_AT_GATE; return pv_gate_put_task(&link->link.gate, pv_buf_bytes(&flow->gate_request), &flow->task);
    case SIM_JOIN: flow->at = SIM_AT_RELEASE; return pv_release_task(&link->link, pv_bytes(NULL, 0), &device->random, &flow->task);
    case SIM_IDLE: break;
    }
    flow->at = SIM_AT_END;
    return PV_OK;
}

/* The next task of the command; none (and OK): go on from where `at` now is, or it is done. */
static enum pv_err advance(struct sim_world *world, struct sim_device *device)
{
    struct sim_flow *flow = &device->flow;
    const struct sim_link *link = &world->links[flow->link];
    bool lacks = false;
    enum pv_err err = PV_OK;
    switch (flow->at) {
    case SIM_AT_START: return begin(world, device);
    case SIM_AT_GATE: return send(world, device);
    case SIM_AT_RELEASE:
        sim_ledger_drew(world, device, flow->link);
        err = sim_copy_open(world, device, flow->room);
        if (!err) err = pv_room_read_by_link(room_of(device), &link->link, &flow->half_b);
        flow->at = SIM_AT_LINK_PULL;
        return err ? err : pv_pull_task(room_of(device), PV_AUTH_TICKET, &flow->task);
    case SIM_AT_LINK_PULL: return after_join_pull(world, device);
    case SIM_AT_FOLLOW:
        err = lacks_record(device, &lacks);
        if (err) return err;
        return lacks ? push(world, device, sim_own_room(device), SIM_AT_RECORD) : push(world, device, flow->room, SIM_AT_PUSH);
    case SIM_AT_RECORD:
        err = lacks_record(device, &lacks);
        if (!err && lacks) err = PV_ERR_OFFLINE;
        return err ? err : push(world, device, flow->room, SIM_AT_PUSH);
    case SIM_AT_PUSH: return help_on(world, device);
    case SIM_AT_HELP: return push(world, device, flow->room, SIM_AT_PUSH);
    case SIM_AT_PULL:
        flow->at = SIM_AT_END;
        if (flow->room == sim_own_room(device) || !pv_room_wants_person(room_of(device))) return PV_OK;
        return pull(own_of(device), flow, SIM_AT_PULL_OWN);
    case SIM_AT_PULL_OWN: return pull(room_of(device), flow, SIM_AT_END);
    case SIM_AT_END: break;
    }
    return PV_OK;
}

static enum pv_err next_task(struct sim_world *world, struct sim_device *device)
{
    enum pv_err err = PV_OK;
    device->flow.sends = false;
    do err = advance(world, device);
    while (!err && !device->flow.task && device->flow.at != SIM_AT_END);
    return err;
}

static void keep_result(struct sim_device *device)
{
    const char *ticket;
    if (device->flow.at == SIM_AT_RELEASE) device->flow.half_b = *pv_release_result(device->flow.task, &ticket);
}

static const char *flow_name(enum sim_flow_kind kind)
{
    static const char *const all[] = {"nothing", "pull", "push", "invite", "join"};
    return all[kind];
}

/* Some things can be refused or be too late; other errors there must not be. */
static bool may_happen(struct sim_world *world, const struct sim_device *device, enum pv_err err)
{
    const struct sim_host *host = &world->hosts[device->host];
    if (pv_err_exit_status(err) == 4 &&
        (sim_ledger_lost(world, device, device->flow.room) || sim_ledger_lost(world, device, sim_own_room(device)))) return true;
    switch ((int)err) {
    case PV_ERR_OFFLINE:
    case PV_ERR_DENIED:
    case PV_ERR_CONFLICT:
    case PV_ERR_EXPIRED:
    case PV_ERR_NO_KEY:
    case PV_ERR_NOT_FOUND:
    case PV_ERR_UNAUTHENTICATED: return true;
    case PV_ERR_BUSY: return sim_device_shares(world, device) || world->weather.hostile;
    case PV_ERR_FULL:
        if (sim_disk_is_full(device->disk) || sim_disk_is_full(host->disk)) return true;
        return sim_disk_is_dead(device->disk) || world->weather.hostile;
    case PV_ERR_IO: return sim_disk_is_dead(device->disk) || world->weather.hostile;
    default: return world->weather.hostile && err != PV_ERR_CORRUPT;
    }
}

static void ended(struct sim_world *world, struct sim_device *device, enum pv_err err)
{
    struct sim_flow flow = device->flow;
    const char *said = flow.task ? pv_task_message(flow.task) : "";
    struct pv_room *room = device->copies[flow.room].room;
    if (room && !*said && err) said = pv_room_alarm(room);
    sim_tell(world, "  device %u: %s in %s ends: %s %s", device->number, flow_name(flow.kind), sim_room_name(flow.room),
             pv_err_web_name(err), said);
    bool dead = sim_disk_is_dead(device->disk);
    if (!dead) sim_device_save_pin(device, flow.room);
    if (!dead) sim_device_save_pin(device, sim_own_room(device));
    if (room && !dead) sim_ledger_look(world, device, false); /* another program of the device may have taken in more */
    if (err && !dead && !may_happen(world, device, err))
        sim_fail(world, pv_err_exit_status(err) == 4 ? "P3" : "life", "device %u: %s in %s: %s %s", device->number,
                 flow_name(flow.kind), sim_room_name(flow.room), pv_err_web_name(err), said);
    if (pv_err_exit_status(err) == 4) {
        world->alarms++;
        sim_ledger_alarmed(world, device, flow.room);
        sim_ledger_alarmed(world, device, sim_own_room(device));
    }
    if (!err) world->answers_ok++;
    if (!err && !dead && flow.turns == world->turns && (flow.kind == SIM_PULL || flow.kind == SIM_PUSH))
        sim_ledger_up_to_date(world, device, flow.room);
    if (!err && !dead && (flow.kind == SIM_PULL || flow.kind == SIM_PUSH)) sim_ledger_followed(world, device, flow.room);
    sim_flow_drop(device);
}

void sim_flow_begin(struct sim_world *world, struct sim_device *device, enum sim_flow_kind kind, unsigned room, unsigned link)
{
    sim_flow_drop(device);
    if (!own_of(device) || (kind != SIM_JOIN && !device->copies[room].room)) return;
    device->flow = (struct sim_flow){.kind = kind, .room = room, .link = link, .turns = world->turns};
    pv_room_set_time(own_of(device), sim_device_now(world, device));
    if (device->copies[room].room) pv_room_set_time(device->copies[room].room, sim_device_now(world, device));
    enum pv_err err = kind == SIM_INVITE ? make_invite(world, device) : PV_OK;
    if (!err) err = next_task(world, device);
    if (err || !device->flow.task) ended(world, device, err);
}

/* One exchange. False: the command has ended. */
static bool exchange(struct sim_world *world, struct sim_device *device)
{
    struct sim_flow *flow = &device->flow;
    const struct pv_request *request;
    struct sim_answer answer = {.status = 0};
    enum pv_err err = pv_task_next(flow->task, &request);
    while (!err && !request) { /* this task is done */
        keep_result(device);
        struct pv_task *done = flow->task;
        flow->task = NULL;
        err = next_task(world, device);
        pv_task_free(done);
        if (!err && !flow->task) {
            ended(world, device, PV_OK);
            return false;
        }
        if (!err) err = pv_task_next(flow->task, &request);
    }
    pv_buf_init(&answer.body, SIZE_MAX);
    if (!err && !sim_ask(world, device, request, &answer)) err = PV_ERR_OFFLINE;
    if (!err && !sim_disk_is_dead(device->disk)) {
        struct pv_response response = {.status = answer.status, .body = pv_buf_bytes(&answer.body), .problem = answer.problem,
                                       .problem_detail = answer.reason, .problem_reason = answer.reason};
        err = pv_task_feed(flow->task, &response);
    }
    pv_buf_release(&answer.body);
    if (err) ended(world, device, err);
    return !err;
}

void sim_flow_go(struct sim_world *world, struct sim_device *device, unsigned requests)
{
    world->actor = device;
    while (requests-- && device->flow.kind != SIM_IDLE && !sim_disk_is_dead(device->disk))
        if (!exchange(world, device)) break;
    world->actor = NULL;
    (void)sim_device_revive(world, device);
}
