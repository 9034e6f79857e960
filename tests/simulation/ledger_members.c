/* Who is in a room by what its accepted entries mean, told apart from the roster that is tested. */
#include "tests/simulation/ledger_parts.h"

unsigned sim_person_named(const struct sim_world *world, const struct pv_hash *id)
{
    for (unsigned p = 0; p < SIM_PERSONS; p++)
        if (pv_hash_equal(id, &world->room_ids[SIM_CLIENT_ROOMS + p])) return p;
    return SIM_PERSONS;
}

unsigned sim_device_named(const struct sim_world *world, const struct pv_hash *id)
{
    for (unsigned d = 0; d < SIM_DEVICES; d++)
        if (world->devices[d].named && pv_hash_equal(id, &world->devices[d].me.device)) return d;
    return SIM_DEVICES;
}

static void device_in(struct sim_observing *o, unsigned device, unsigned adder, uint64_t index)
{
    struct sim_log *log = o->log;
    if (device >= SIM_DEVICES) return;
    log->present[device] = true;
    if (adder == device || log->add_count == SIM_ADDS) return;
    log->adds[log->add_count].index = index;
    log->adds[log->add_count].adder = adder;
    log->adds[log->add_count++].device = device;
}

/* A device that is listed counts as added by the one that certified it. */
static void listed_in(struct sim_observing *o, const struct pv_hash *id, uint64_t index)
{
    unsigned device = sim_device_named(o->ledger->world, id);
    if (device < SIM_DEVICES) device_in(o, device, o->ledger->world->devices[device].adder, index);
}

static void device_out(struct sim_observing *o, unsigned device, bool whole, uint64_t index, const struct pv_hash *leaf)
{
    struct sim_ledger *ledger = o->ledger;
    const struct sim_seal *seal = sim_seal_of(ledger, leaf);
    if (device >= SIM_DEVICES || !o->log->present[device]) return;
    o->log->present[device] = false;
    /* A thief may take out a device that its person keeps, and leave it the person's key: nobody meant it to be out. */
    if (ledger->out_count == SIM_OUTS || (!whole && seal && seal->crafted)) return;
    ledger->outs[ledger->out_count++] =
        (struct sim_out){o->host, o->room, device, whole, index, seal ? seal->step : ledger->world->step};
}

static void person_out(struct sim_observing *o, unsigned person, uint64_t index, const struct pv_hash *leaf)
{
    for (unsigned d = person; person < SIM_PERSONS && d < SIM_DEVICES; d += SIM_PERSONS) device_out(o, d, true, index, leaf);
}

/* The named devices, and what they added since, and what that added: one pass, since the log is in order. */
static void sweep_out(struct sim_observing *o, const struct pv_device_remove_body *body, uint64_t index, unsigned author,
                      const struct pv_hash *leaf)
{
    const struct sim_log *log = o->log;
    bool swept[SIM_DEVICES + 1] = {false};
    for (size_t i = 0; i < body->device_count; i++) swept[sim_device_named(o->ledger->world, &body->devices[i])] = true;
    for (size_t i = 0; i < log->add_count; i++)
        if (log->adds[i].index >= body->since && log->adds[i].adder < SIM_DEVICES && swept[log->adds[i].adder])
            swept[log->adds[i].device] = true;
    for (unsigned d = 0; d < SIM_DEVICES; d++)
        if (swept[d] && d % SIM_PERSONS == author % SIM_PERSONS) device_out(o, d, false, index, leaf);
}

void sim_members_change(struct sim_observing *o, struct sim_entry *entry, struct pv_bytes bytes, uint64_t index, const struct pv_hash *leaf)
{
    struct sim_world *world = o->ledger->world;
    struct pv_roster_body body;
    struct pv_hash id;
    unsigned author = sim_device_named(world, &entry->author);
    if (pv_roster_body_read(bytes, &body)) return;
    entry->type = body.type;
    if (body.type == PV_ROSTER_GENESIS) sim_keys_epoch(o->ledger, &body.u.genesis.secret_hash, &body.u.genesis.kem_hash);
    if (body.type == PV_ROSTER_REKEY) sim_tell(world, "  with %zu links", body.u.rekey.link_count);
    if (body.type == PV_ROSTER_REKEY) sim_keys_epoch(o->ledger, &body.u.rekey.secret_hash, &body.u.rekey.kem_hash);
    if (entry->verdict != PV_ACCEPTED) return;
    sim_gates_change(o, &body, index);
    if (body.type == PV_ROSTER_REKEY) entry->secret = body.u.rekey.secret_hash;
    if (body.type == PV_ROSTER_GENESIS && o->room >= SIM_CLIENT_ROOMS) {
        device_in(o, author, author, index);
        device_in(o, SIM_KITS + author % SIM_PERSONS, SIM_KITS + author % SIM_PERSONS, index);
    }
    const struct pv_party *party = body.type == PV_ROSTER_JOIN ? &body.u.join.party : &body.u.genesis.founder;
    bool lists = body.type == PV_ROSTER_JOIN || (body.type == PV_ROSTER_GENESIS && o->room < SIM_CLIENT_ROOMS);
    for (size_t i = 0; lists && i < party->device_count; i++) listed_in(o, &party->devices[i], index);
    if (body.type == PV_ROSTER_DEVICE_ADD) {
        pv_device_id(&body.u.device_add.certs[body.u.device_add.cert_count - 1].device, &id);
        unsigned device = sim_device_named(world, &id);
        if (device < SIM_DEVICES && o->room >= SIM_CLIENT_ROOMS) world->devices[device].adder = author;
        device_in(o, device, author, index);
    }
    if (body.type == PV_ROSTER_DEVICE_REMOVE) sweep_out(o, &body.u.device_remove, index, author, leaf);
    if (body.type == PV_ROSTER_LEAVE) person_out(o, author % SIM_PERSONS, index, leaf);
    for (size_t i = 0; body.type == PV_ROSTER_REMOVE && i < body.u.remove.count; i++)
        person_out(o, sim_person_named(world, &body.u.remove.targets[i].person), index, leaf);
}

void sim_members_check(const struct sim_observing *o)
{
    struct sim_world *world = o->ledger->world;
    for (unsigned d = 0; d < SIM_DEVICES; d++) {
        if (!world->devices[d].named) continue;
        bool there = pv_roster_device(o->log->roster, &world->devices[d].me.device) != NULL;
        if (there != o->log->present[d])
            sim_fail(world, "P4", "the roster of %s %s device %u", sim_room_name(o->room), there ? "still has" : "lacks", d);
    }
}

static bool is_key_of(const struct pv_roster *own, const struct pv_hash *kem_hash)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(own, &count);
    for (size_t i = 0; i < count; i++)
        if (pv_hash_equal(&epochs[i].kem_hash, kem_hash)) return true;
    return false;
}

bool sim_ledger_revocation_lost(const struct sim_world *world, unsigned person, const struct pv_hash *device)
{
    const struct pv_hash *id = &world->room_ids[SIM_CLIENT_ROOMS + person];
    const struct pv_roster *own = world->ledger->logs[0][SIM_CLIENT_ROOMS + person].roster;
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS && own && world->weather.restores; r++) {
        const struct pv_roster *roster = world->ledger->logs[0][r].roster;
        const struct pv_principal *principal = roster ? pv_roster_principal(roster, id) : NULL;
        if (!principal || world->ledger->crafted[r] || is_key_of(own, &principal->kem_hash)) continue;
        if (pv_roster_has_bar(roster, id, device)) return true;
    }
    return false;
}
