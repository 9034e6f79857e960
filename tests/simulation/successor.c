/* A room that its restored server cannot make whole goes on in another: an owner founds it, members follow and take along
 * what nobody else has. It is the second client room, where nobody founded that before. */
#include "core/sync/successor.h"

#include "core/room/roster.h"
#include "core/state/payload.h"
#include "tests/simulation/act_parts.h"

enum { ENDED = 0, SUCCESSOR = 1, PATIENT_ROUNDS = 3 };

static enum pv_err run(struct sim_world *world, struct sim_device *device, enum pv_err made, struct pv_task *task)
{
    struct sim_answer answer = {.status = 0};
    const struct pv_request *request = NULL;
    enum pv_err err = made;
    pv_buf_init(&answer.body, SIZE_MAX);
    world->actor = device;
    while (!err && !(err = pv_task_next(task, &request)) && request) {
        if (!sim_ask(world, device, request, &answer)) err = PV_ERR_OFFLINE;
        struct pv_response response = {.status = answer.status, .body = pv_buf_bytes(&answer.body), .problem = answer.problem,
                                       .problem_detail = answer.reason, .problem_reason = answer.reason};
        if (!err) err = pv_task_feed(task, &response);
    }
    world->actor = NULL;
    if (!made) pv_task_free(task);
    pv_buf_release(&answer.body);
    return err;
}

static bool command(struct sim_world *world, struct sim_device *device, enum sim_flow_kind kind, unsigned link)
{
    size_t well = world->answers_ok;
    sim_flow_begin(world, device, kind, SUCCESSOR, link);
    sim_flow_go(world, device, SIM_ALL);
    return world->answers_ok > well && !world->failed;
}

static bool is_in(const struct sim_device *device, unsigned room)
{
    struct pv_room *copy = device->copies[room].room;
    return copy && pv_roster_is_born(pv_room_roster(copy)) && pv_roster_principal_of(pv_room_roster(copy), &device->me.device);
}

/* ---- what its author alone may have */

struct moving {
    struct sim_world *world;
    struct sim_device *device;
    uint64_t moved[SIM_WRITES];
    size_t count;
};

static enum pv_err move_words(struct moving *m, enum pv_kind kind, struct pv_bytes payload, bool *ret_moved)
{
    size_t number = sim_message_number(payload);
    *ret_moved = false;
    if (kind != PV_KIND_TALK || number == SIM_WRITES) return PV_OK;
    enum pv_err err = pv_room_write(m->device->copies[SUCCESSOR].room, kind, payload, pv_bytes(NULL, 0));
    if (err && err != PV_ERR_CONFLICT) return err; /* a conflict: it waits there already */
    sim_ledger_moved(m->world, number, SUCCESSOR);
    *ret_moved = true;
    return PV_OK;
}

static enum pv_err move_own(void *context, enum pv_kind kind, struct pv_bytes payload)
{
    bool moved;
    return move_words(context, kind, payload, &moved);
}

static enum pv_err move_unsent(void *context, const struct pv_write *write)
{
    struct moving *m = context;
    bool moved = false;
    enum pv_err err = write->kind == PV_KIND_TALK ? move_words(m, PV_KIND_TALK, write->payload, &moved) : PV_OK;
    if (moved && m->count < SIM_WRITES) m->moved[m->count++] = write->id;
    return err;
}

/* Once; from `size` on the founder did not have the log. */
static void take_along(struct sim_world *world, struct sim_device *device, uint64_t size)
{
    struct moving m = {.world = world, .device = device};
    struct sim_copy *from = &device->copies[ENDED];
    if (device->moved || !is_in(device, SUCCESSOR)) return;
    pv_room_set_time(device->copies[SUCCESSOR].room, sim_device_now(world, device));
    enum pv_err err = pv_room_own_words(from->room, size, move_own, &m);
    if (!err) err = pv_store_write_each(from->store, move_unsent, &m);
    for (size_t i = 0; i < m.count && !err; i++) err = pv_store_write_drop(from->store, m.moved[i]);
    device->moved = !err;
    sim_tell(world, "  device %u takes along %zu unsent writes: %s", device->number, m.count, pv_err_web_name(err));
    sim_local(world, device, err, "takes its words along");
    (void)command(world, device, SIM_PUSH, 0);
}

/* ---- founding */

static bool invite_all(struct sim_world *world, struct sim_device *device, const uint64_t uses[static 3], struct pv_buf texts[static 3])
{
    for (unsigned role = 0; role < 3; role++) {
        if (!uses[role]) continue;
        if (world->link_count == SIM_LINKS) return false;
        unsigned link = (unsigned)world->link_count++;
        world->links[link] = (struct sim_link){.room = SUCCESSOR, .maker = device->person, .guest = SIM_PERSONS, .role = (enum pv_role)role,
                                               .uses = uses[role]};
        if (!command(world, device, SIM_INVITE, link) || pv_invite_link_write(&world->links[link].link, &texts[role])) return false;
    }
    return true;
}

static enum pv_err name_it(struct sim_world *world, struct sim_device *device)
{
    struct pv_room *ended = device->copies[ENDED].room;
    uint64_t uses[3] = {0, 0, 0};
    struct pv_buf texts[3], word;
    struct pv_bytes links[3];
    struct pv_task *task = NULL;
    for (size_t i = 0; i < 3; i++) pv_buf_init(&texts[i], PV_LIMIT_LINK_BYTES);
    pv_buf_init(&word, PV_LIMIT_SUCCESSION_BYTES + 512);
    enum pv_err err = pv_successor_keys_task(ended, &task);
    err = run(world, device, err, task);
    if (!err) err = pv_successor_count(ended, pv_room_roster(device->copies[SUCCESSOR].room), uses);
    if (!err && !invite_all(world, device, uses, texts)) err = PV_ERR_OFFLINE;
    for (size_t i = 0; i < 3; i++) links[i] = pv_buf_bytes(&texts[i]);
    if (!err) err = pv_successor_make(ended, &world->room_ids[SUCCESSOR], pv_room_roster(device->copies[SUCCESSOR].room), links, &word);
    if (!err) {
        err = pv_successor_put_task(ended, pv_buf_bytes(&word), &task);
        err = run(world, device, err, task);
    }
    for (size_t i = 0; i < 3; i++) pv_buf_wipe(&texts[i]);
    pv_buf_release(&word);
    return err;
}

static void found(struct sim_world *world, struct sim_device *device)
{
    struct sim_succession *s = &world->succession;
    struct pv_room *ended = device->copies[ENDED].room;
    enum pv_err err = pv_successor_check(ended);
    sim_tell(world, "  device %u would found a successor of %s: %s", device->number, sim_room_name(ENDED), pv_err_web_name(err));
    if (err) return;
    if (!s->begun) {
        sim_found(world, device, SUCCESSOR);
        s->begun = world->has_room[SUCCESSOR];
        s->founder = device->slot;
    }
    if (!s->begun || !is_in(device, SUCCESSOR) || !sim_ledger_has(world, device, SUCCESSOR)) return;
    err = name_it(world, device);
    sim_tell(world, "  device %u says that %s goes on in %s: %s", device->number, sim_room_name(ENDED), sim_room_name(SUCCESSOR), pv_err_web_name(err));
    if (err) return;
    s->named = true;
    for (unsigned p = 0; p < SIM_PERSONS; p++)
        s->may[p] = pv_roster_principal(pv_room_roster(ended), &world->room_ids[SIM_CLIENT_ROOMS + p]) != NULL;
    take_along(world, device, UINT64_MAX);
}

/* ---- following */

static void follow(struct sim_world *world, struct sim_device *device, unsigned round)
{
    struct pv_successor found = {.is_there = false};
    struct pv_task *task = NULL;
    enum pv_err err = pv_successor_task(device->copies[ENDED].room, &found, &task);
    err = run(world, device, err, task);
    sim_tell(world, "  device %u looks where %s goes on: %s%s%s", device->number, sim_room_name(ENDED), pv_err_web_name(err),
             found.is_there ? ", there" : "", found.has_link ? " by a link" : "");
    if (err || !found.is_there) return;
    if (!pv_hash_equal(&found.room, &world->room_ids[SUCCESSOR]))
        sim_fail(world, "P4", "device %u is led to a room that no owner founded", device->number);
    for (unsigned link = 0; found.has_link && link < world->link_count && !is_in(device, SUCCESSOR); link++) {
        if (!world->links[link].there || !pv_id16_equal(&world->links[link].link.gate, &found.link.gate)) continue;
        bool revoked = !sim_ledger_has(world, device, sim_own_room(device)); /* by its own person: nobody owes it a place */
        if (revoked && round >= PATIENT_ROUNDS) break; /* it would go on asking as long as there are uses */
        if (!revoked) world->succession.led[device->number] = true;
        /* Who came in after the founder's head, by a log that has all up to it, is no outsider. */
        if (device->held[ENDED].count >= found.size && sim_ledger_has(world, device, ENDED)) world->succession.may[device->person] = true;
        if (!command(world, device, SIM_JOIN, link) && !revoked) world->succession.ended = true;
        break;
    }
    take_along(world, device, found.size);
    pv_wipe(&found, sizeof found);
}

/* Has an owner a device left, in the person's own room too? */
static bool has_owner(struct sim_world *world)
{
    for (unsigned d = 0; d < SIM_PROGRAMS; d++) {
        const struct sim_device *device = sim_program(world, d);
        if (!device->there || device->lost || !device->copies[ENDED].room || !sim_ledger_has(world, device, sim_own_room(device))) continue;
        const struct pv_principal *me = pv_roster_principal_of(pv_room_roster(device->copies[ENDED].room), &device->me.device);
        if (me && me->role == PV_ROLE_OWNER) return true;
    }
    return false;
}

bool sim_may_go_over(struct sim_world *world, unsigned room)
{
    return room == ENDED && (world->succession.begun || (!world->has_room[SUCCESSOR] && has_owner(world)));
}

void sim_go_over(struct sim_world *world, struct sim_device *device, unsigned round)
{
    struct sim_succession *s = &world->succession;
    struct pv_room *ended = device->copies[ENDED].room;
    uint64_t missing;
    if (world->failed || !device->up || !ended || !sim_host_waits(world, ENDED) || !pv_room_is_restored(ended, &missing)) return;
    if (s->named) {
        if (s->ended && s->founder == device->slot && world->link_count + 3 <= SIM_LINKS) s->ended = name_it(world, device) != PV_OK;
        else follow(world, device, round);
        return;
    }
    bool owner = pv_roster_principal_of(pv_room_roster(ended), &device->me.device) != NULL && sim_ledger_has(world, device, sim_own_room(device));
    bool at_once = world->seed % 2 == 0; /* not waiting for anyone */
    bool free_place = s->begun ? s->founder == device->slot : !world->has_room[SUCCESSOR];
    if (owner && free_place && (at_once || round >= PATIENT_ROUNDS)) found(world, device);
}
