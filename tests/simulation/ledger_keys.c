/* Who can open what, by reachability: from the keys that someone has to the secrets that these open, and on.
 *
 * Whoever is out of a room works with the server and keeps everything: what they reach at the end, they read. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/simulation/ledger_parts.h"

uint16_t sim_keys_node(struct sim_ledger *ledger, const struct pv_hash *name)
{
    for (size_t i = 0; i < ledger->node_count; i++)
        if (pv_hash_equal(&ledger->nodes[i], name)) return (uint16_t)i;
    if (ledger->node_count == SIM_NODES) abort();
    ledger->nodes[ledger->node_count] = *name;
    return (uint16_t)ledger->node_count++;
}

void sim_keys_edge(struct sim_ledger *ledger, const struct pv_hash *from, const struct pv_hash *to)
{
    uint16_t a = sim_keys_node(ledger, from), b = sim_keys_node(ledger, to);
    if (ledger->edge_count == SIM_EDGES) abort();
    ledger->edges[ledger->edge_count].from = a;
    ledger->edges[ledger->edge_count++].to = b;
}

void sim_keys_epoch(struct sim_ledger *ledger, const struct pv_hash *secret, const struct pv_hash *kem_hash)
{
    sim_keys_edge(ledger, secret, kem_hash);
}

static void wrapped(void *context, const struct pv_wrap_context *wrap, const struct pv_kem_pk *pk)
{
    struct sim_ledger *ledger = context;
    struct pv_hash kem_hash;
    pv_kem_hash(pk, &kem_hash);
    sim_keys_edge(ledger, &kem_hash, &wrap->secret_hash);
    if (ledger->world->actor) ledger->has[ledger->world->actor->number][sim_keys_node(ledger, &wrap->secret_hash)] = true;
}

static void linked(void *context, const struct pv_link_context *link)
{
    sim_keys_edge(context, &link->new_secret_hash, &link->old_secret_hash);
}

static void sealed(void *context, const struct pv_hash *key_and_nonce, const struct pv_hash *content)
{
    struct sim_ledger *ledger = context;
    size_t slot;
    memcpy(&slot, key_and_nonce->b, sizeof slot);
    for (slot &= SIM_USES - 1; ledger->uses[slot].used; slot = (slot + 1) & (SIM_USES - 1)) {
        if (!pv_hash_equal(&ledger->uses[slot].key_and_nonce, key_and_nonce)) continue;
        if (!pv_hash_equal(&ledger->uses[slot].content, content))
            sim_fail(ledger->world, "P1", "a key and nonce seal two different things");
        return;
    }
    if (++ledger->use_count == SIM_USES) abort();
    ledger->uses[slot].used = true;
    ledger->uses[slot].key_and_nonce = *key_and_nonce;
    ledger->uses[slot].content = *content;
}

void sim_keys_init(struct sim_ledger *ledger)
{
    ledger->watch.wrapped = wrapped;
    ledger->watch.linked = linked;
    ledger->watch.sealed = sealed;
}

void sim_ledger_invited(struct sim_world *world, struct sim_device *device, unsigned link)
{
    struct sim_link *l = &world->links[link];
    const struct pv_roster *view;
    l->there = true;
    l->made_step = world->step;
    /* Its KEM key stands in the entry that waits to be sent. Who made both halves may keep them. */
    if (pv_room_view(device->copies[l->room].room, &view)) return;
    const struct pv_invite *invite = pv_roster_invite(view, &l->link.gate);
    if (!invite) return;
    l->kem_hash = invite->body.kem_hash;
    l->made_view = pv_roster_size(view);
    for (unsigned p = 0; p < SIM_PERSONS; p++) l->absent[p] = !pv_roster_principal(view, &world->room_ids[SIM_CLIENT_ROOMS + p]);
    for (unsigned d = 0; d < SIM_DEVICES; d++) {
        const struct pv_hash *id = &world->devices[d].me.device;
        l->gone[d] = world->devices[d].named && pv_roster_owner_of(view, id) && !pv_roster_device(view, id);
    }
    sim_gates_made(world->ledger, link, pv_buf_bytes(&device->flow.gate_request));
    sim_ledger_drew(world, device, link);
}

void sim_ledger_drew(struct sim_world *world, struct sim_device *device, unsigned link)
{
    struct sim_ledger *ledger = world->ledger;
    const struct sim_gate *gate = &ledger->gates[link];
    if (gate->made) ledger->has[device->number][gate->a] = ledger->has[device->number][gate->b] = true;
    if (ledger->drawn_count < SIM_DRAWN) ledger->drawn[ledger->drawn_count++] = (struct sim_drawn){device->number, link};
}

/* ---- what someone who is out can open */

void sim_keys_spread(const struct sim_ledger *ledger, bool reached[static SIM_NODES])
{
    for (const struct sim_gate *gate = ledger->gates; gate < ledger->gates + SIM_LINKS; gate++)
        if (gate->made && reached[gate->a] && reached[gate->b]) reached[gate->kem] = true;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < ledger->edge_count; i++) {
            if (!reached[ledger->edges[i].from] || reached[ledger->edges[i].to]) continue;
            reached[ledger->edges[i].to] = more = true;
        }
    }
}

static void reach(struct sim_ledger *ledger, unsigned device, bool ret_reached[static SIM_NODES])
{
    memcpy(ret_reached, ledger->has[device], SIM_NODES);
    ret_reached[sim_keys_node(ledger, &ledger->world->devices[device].me.public.kem_hash)] = true;
    sim_keys_spread(ledger, ret_reached);
}

/* Did the link come after the device was out? What was made before may be signed anew, and stand in the log behind it. */
static bool is_later(const struct sim_ledger *ledger, const struct sim_out *out, const struct sim_link *link)
{
    const struct pv_roster *roster = ledger->logs[out->host][out->room].roster;
    const struct pv_invite *invite = roster ? pv_roster_invite(roster, &link->link.gate) : NULL;
    return link->made_step > out->step || (invite && invite->index > out->index);
}

static bool is_out(const struct sim_ledger *ledger, const struct sim_out *place, unsigned device)
{
    for (size_t i = 0; i < ledger->out_count; i++) {
        const struct sim_out *out = &ledger->outs[i];
        if (out->host == place->host && out->room == place->room && out->device == device) return true;
    }
    return false;
}

/* Is it this device, or (its person, where all of that is out) one that is out like it and shares its keys? */
static bool is_or_shares(const struct sim_ledger *ledger, const struct sim_out *out, unsigned device)
{
    return device % SIM_PERSONS == out->device % SIM_PERSONS && (out->whole || is_out(ledger, out, device));
}

/* Was the person (or where only a device is out, that one, or one that is out like it and shares its keys) given a link
 * by someone who knew that they were out? */
static bool is_back(const struct sim_ledger *ledger, const struct sim_out *out)
{
    const struct sim_world *world = ledger->world;
    for (size_t k = 0; k < ledger->drawn_count; k++) {
        unsigned device = ledger->drawn[k].device;
        const struct sim_link *link = &world->links[ledger->drawn[k].link];
        /* A removal that still waited has its place in the log only later, behind what others sent meanwhile. */
        bool was_out = out->whole ? link->absent[out->device % SIM_PERSONS] : link->gone[out->device];
        bool knew = link->made_view > out->index || was_out;
        if (is_or_shares(ledger, out, device) && link->room == out->room && knew && is_later(ledger, out, link)) return true;
    }
    return false;
}

/* A device that is out of its person's own room may still get hold of a link to another, and wrap what that opens to the
 * person's old key, which those have that are out like it; a stranger has all links. */
static bool has_link(const struct sim_ledger *ledger, const struct sim_out *out, unsigned room)
{
    if (out->device == SIM_DEVICES) return true;
    for (size_t k = 0; k < ledger->drawn_count; k++) {
        const struct sim_link *link = &ledger->world->links[ledger->drawn[k].link];
        if (is_or_shares(ledger, out, ledger->drawn[k].device) && link->room == room && link->made_step > out->step) return true;
    }
    return false;
}

/* Did whoever sealed this know by then that the device was out, of this room or of the person's own? */
static bool knew(const struct sim_log *log, const struct sim_out *out, const struct sim_seal *seal)
{
    bool own = seal->room != out->room;
    uint64_t view = own ? seal->own_view : seal->view;
    const struct pv_hash *known = own ? &seal->own_prefix : &seal->view_prefix;
    if (own && out->room != SIM_CLIENT_ROOMS + seal->device % SIM_PERSONS) return false;
    if (view <= out->index || view > log->history.count) return false;
    struct pv_hash prefix = sim_history_at(&log->history, view);
    return pv_hash_equal(&prefix, known); /* else it is of another history */
}

/* Was the device, put out of a room, still rightly in its person's own one? */
static bool was_current(const struct sim_ledger *ledger, const struct sim_out *place)
{
    unsigned own = SIM_CLIENT_ROOMS + place->device % SIM_PERSONS;
    bool went_later = ledger->logs[place->host][own].present[place->device];
    for (size_t i = 0; i < ledger->out_count; i++) {
        const struct sim_out *out = &ledger->outs[i];
        went_later = went_later || (out->host == place->host && out->room == own && out->device == place->device && out->step > place->step);
    }
    return went_later && place->room != own;
}

/* A restore may lose, with everyone who held it, or a server hide from a kit, that a device came to its person's own room:
 * nobody knows then to make that room's key anew, which the device got there. Hidden from another device of its person,
 * that puts it out of a room: it has the own one's key rightly. And a restore may lose that it was put out of that. */
static bool is_forgotten(const struct sim_ledger *ledger, const struct sim_out *out)
{
    const struct sim_log *own = &ledger->logs[out->host][SIM_CLIENT_ROOMS + out->device % SIM_PERSONS];
    const struct sim_weather *weather = &ledger->world->weather;
    if ((!weather->restores && !weather->hostile) || out->whole) return false;
    if (was_current(ledger, out)) return true;
    if (out->device < SIM_PERSONS) return false;
    for (size_t i = 0; i < own->add_count; i++)
        if (own->adds[i].device == out->device) return false;
    return true;
}

static void check_reached(struct sim_ledger *ledger, const struct sim_out *out, const bool reached[static SIM_NODES], const char *property,
                          const char *who)
{
    struct sim_world *world = ledger->world;
    const struct sim_log *log = &ledger->logs[out->host][out->room];
    for (uint64_t i = out->index + 1; i < log->history.count; i++)
        if (log->entries[i].kind == PV_KIND_ROSTER && log->entries[i].verdict == PV_ACCEPTED &&
            log->entries[i].type == PV_ROSTER_REKEY && reached[sim_keys_node(ledger, &log->entries[i].secret)])
            sim_fail(world, property, "%s, out of %s at %llu, opens the epoch made at %llu", who, sim_room_name(out->room), (unsigned long long)out->index, (unsigned long long)i);
    for (size_t k = 0; k < ledger->seal_count; k++) {
        const struct sim_seal *seal = &ledger->seals[k];
        if (seal->room != out->room && has_link(ledger, out, seal->room)) continue;
        if (pv_kind_is_sealed(seal->kind) && knew(log, out, seal) && reached[sim_keys_node(ledger, &seal->secret)])
            sim_fail(world, property, "%s, out of %s at %llu, opens what device %u sealed in %s when it knew that, at step %zu", who,
                     sim_room_name(out->room), (unsigned long long)out->index, seal->device,
                     sim_room_name(seal->room), seal->step);
    }
}

static void check_out(struct sim_ledger *ledger, const struct sim_out *out)
{
    bool reached[SIM_NODES];
    char who[24];
    if (is_back(ledger, out) || is_forgotten(ledger, out)) return;
    reach(ledger, out->device, reached);
    snprintf(who, sizeof who, "device %u", out->device);
    check_reached(ledger, out, reached, "P4", who);
}

void sim_keys_check(struct sim_ledger *ledger)
{
    for (size_t i = 0; i < ledger->out_count && !ledger->world->failed; i++) check_out(ledger, &ledger->outs[i]);
}

/* Someone who has every link, and the halves that an honest server gave for them, reads up to the entry by which the
 * last of these ended. */
void sim_keys_check_stranger(struct sim_ledger *ledger)
{
    struct sim_out out = {.host = 0, .device = SIM_DEVICES};
    bool reached[SIM_NODES] = {false};
    if (ledger->world->weather.hostile || ledger->world->weather.restores) return;
    for (unsigned l = 0; l < SIM_LINKS; l++) {
        if (!ledger->gates[l].made) continue;
        reached[ledger->gates[l].a] = true;
        reached[ledger->gates[l].b] |= ledger->stranger_drew[l];
    }
    sim_keys_spread(ledger, reached);
    for (out.room = 0; out.room < SIM_ROOMS && !ledger->world->failed; out.room++) {
        out.index = 0;
        for (unsigned l = 0; l < SIM_LINKS; l++) {
            const struct sim_opening *opening = &ledger->logs[0][out.room].openings[l];
            uint64_t until = opening->open ? UINT64_MAX - 1 : opening->ended;
            if (ledger->stranger_drew[l] && opening->known && until > out.index) out.index = until;
        }
        check_reached(ledger, &out, reached, "P5", "a stranger with links");
    }
}
