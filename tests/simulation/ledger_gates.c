/* Gates: who has which half of a link's key, which invites still let anyone in, and that no half alone opens anything.
 *
 * What follows from a half is found out by trying the key schedule with anything else in place of the other one. */
#include <stdlib.h>

#include "core/room/epoch.h"
#include "tests/simulation/ledger_parts.h"

/* ---- two halves */

static void kem_seed_of(const struct pv_half_a *a, const struct pv_half_b *b, const struct pv_id16 *id, struct pv_kem_seed *ret_seed)
{
    struct pv_gate_key key;
    pv_gate_key(a, b, NULL, pv_bytes(NULL, 0), id, &key);
    pv_invite_kem_seed(&key, ret_seed);
}

static bool is_same(const struct pv_kem_seed *x, const struct pv_kem_seed *y)
{
    return memcmp(x->b, y->b, sizeof x->b) == 0;
}

/* What the device is about to send: [signed gate, B]. */
static bool half_b_of(struct pv_bytes gate_request, struct pv_half_b *ret_half)
{
    struct pv_cbor in;
    pv_cbor_init(&in, gate_request);
    pv_cbor_get_array_of(&in, 2);
    (void)pv_cbor_get_item(&in);
    pv_cbor_get_fixed(&in, ret_half->b, sizeof ret_half->b);
    return pv_cbor_finish(&in) == PV_OK;
}

static void check_alone(struct sim_ledger *ledger, bool is_link)
{
    bool had[SIM_NODES] = {false}, reached[SIM_NODES];
    for (unsigned l = 0; l < SIM_LINKS; l++)
        if (ledger->gates[l].made) had[is_link ? ledger->gates[l].a : ledger->gates[l].b] = true;
    memcpy(reached, had, sizeof reached);
    sim_keys_spread(ledger, reached);
    if (memcmp(reached, had, sizeof reached) != 0)
        sim_fail(ledger->world, "P5", "%s alone opens something", is_link ? "a link" : "what the server holds");
}

/* Both together are a recipient's key: a server that has the link as well defeats what its gate asks for (THREATS.md). */
static void check_together(struct sim_ledger *ledger, unsigned link)
{
    const struct sim_gate *gate = &ledger->gates[link];
    bool reached[SIM_NODES] = {false};
    size_t count = 0;
    reached[gate->a] = reached[gate->b] = true;
    sim_keys_spread(ledger, reached);
    for (size_t i = 0; i < ledger->node_count; i++) count += reached[i];
    if (!reached[gate->kem] || count < 4) sim_fail(ledger->world, "P5", "link %u and its gate's half open nothing", link);
}

void sim_gates_made(struct sim_ledger *ledger, unsigned link, struct pv_bytes gate_request)
{
    static const struct pv_half_a any_a = {{1}};
    static const struct pv_half_b any_b = {{1}};
    const struct sim_link *l = &ledger->world->links[link];
    const struct pv_id16 *id = &l->link.gate;
    struct sim_gate *gate = &ledger->gates[link];
    struct pv_kem_seed both, a_alone, b_alone;
    struct pv_half_b half;
    struct pv_kem_pk pk;
    struct pv_hash a, b, kem;
    if (!half_b_of(gate_request, &half)) abort();
    kem_seed_of(&l->link.a, &half, id, &both);
    kem_seed_of(&l->link.a, &any_b, id, &a_alone);
    kem_seed_of(&any_a, &half, id, &b_alone);
    pv_kem_from_seed(&both, &pk);
    pv_kem_hash(&pk, &kem);
    pv_sha256(PV_BYTES_OF(l->link.a), &a);
    pv_half_b_hash(&half, &b);
    sim_secrets_add(&ledger->secrets, l->link.a.b);
    *gate = (struct sim_gate){true, sim_keys_node(ledger, &a), sim_keys_node(ledger, &b), sim_keys_node(ledger, &kem)};
    if (is_same(&both, &a_alone)) sim_keys_edge(ledger, &a, &kem);
    if (is_same(&both, &b_alone)) sim_keys_edge(ledger, &b, &kem);
    if (!pv_hash_equal(&kem, &l->kem_hash)) sim_fail(ledger->world, "P5", "link %u and its gate's half make another key than its invite names", link);
    check_together(ledger, link);
}

void sim_gates_check(struct sim_ledger *ledger)
{
    check_alone(ledger, true);
    check_alone(ledger, false);
}

/* ---- which links still let anyone in, by what accepted entries mean */

static unsigned link_named(const struct sim_observing *o, const struct pv_id16 *id)
{
    const struct sim_world *world = o->ledger->world;
    for (unsigned l = 0; l < SIM_LINKS; l++)
        if (world->links[l].there && world->links[l].room == o->room && pv_id16_equal(&world->links[l].link.gate, id)) return l;
    return SIM_LINKS;
}

static void end_link(struct sim_observing *o, unsigned link, uint64_t index)
{
    if (link == SIM_LINKS || !o->log->openings[link].open) return;
    o->log->openings[link].open = false;
    o->log->openings[link].ended = index;
}

static void end_links(struct sim_observing *o, uint64_t index)
{
    for (unsigned l = 0; l < SIM_LINKS; l++) end_link(o, l, index);
}

static void use_link(struct sim_observing *o, unsigned person, unsigned link, uint64_t index)
{
    if (person < SIM_PERSONS) o->log->came_by[person] = link;
    if (link < SIM_LINKS && --o->log->openings[link].uses == 0) end_link(o, link, index);
}

/* With what an owner may who is one no more, the links end that they made, and the one that they came by. */
static void demote(struct sim_observing *o, unsigned person, uint64_t index)
{
    const struct sim_world *world = o->ledger->world;
    for (unsigned l = 0; person < SIM_PERSONS && l < SIM_LINKS; l++)
        if (world->links[l].maker == person) end_link(o, l, index);
    if (person < SIM_PERSONS) end_link(o, o->log->came_by[person], index);
}

static void check_openings(const struct sim_observing *o)
{
    struct sim_world *world = o->ledger->world;
    for (unsigned l = 0; l < SIM_LINKS; l++) {
        const struct sim_opening *opening = &o->log->openings[l];
        if (!opening->known) continue;
        const struct pv_invite *invite = pv_roster_invite(o->log->roster, &world->links[l].link.gate);
        if (!invite || invite->open != opening->open)
            sim_fail(world, "P5", "the roster of %s has link %u as %s", sim_room_name(o->room), l, opening->open ? "ended" : "open");
    }
}

void sim_gates_change(struct sim_observing *o, const struct pv_roster_body *body, uint64_t index)
{
    const struct sim_world *world = o->ledger->world;
    unsigned link;
    if (o->room >= SIM_CLIENT_ROOMS) return;
    switch ((int)body->type) {
    case PV_ROSTER_GENESIS:
        for (unsigned p = 0; p < SIM_PERSONS; p++) o->log->came_by[p] = SIM_LINKS;
        break;
    case PV_ROSTER_INVITE:
        link = link_named(o, &body->u.invite.id);
        if (link < SIM_LINKS)
            o->log->openings[link] = (struct sim_opening){.known = true, .open = true, .uses = body->u.invite.uses,
                                                          .until_ms = body->u.invite.has_until ? body->u.invite.until_ms : UINT64_MAX};
        break;
    case PV_ROSTER_JOIN: {
        struct pv_person person;
        bool reads = pv_record_read(body->u.join.party.record, &person) == PV_OK;
        use_link(o, reads ? sim_person_named(world, &person.id) : SIM_PERSONS, link_named(o, &body->u.join.invite), index);
        break;
    }
    case PV_ROSTER_CLOSE_INVITE: end_link(o, link_named(o, &body->u.close_invite), index); break;
    case PV_ROSTER_ROLE:
        if (body->u.role.to < body->u.role.from) demote(o, sim_person_named(world, &body->u.role.person), index);
        break;
    case PV_ROSTER_REMOVE:
    case PV_ROSTER_LEAVE:
    case PV_ROSTER_DEVICE_REMOVE: end_links(o, index); break;
    default: break;
    }
    check_openings(o);
}

void sim_gates_expire(struct sim_observing *o, struct pv_bytes bytes, uint64_t index)
{
    struct pv_server_body body;
    if (o->room >= SIM_CLIENT_ROOMS || pv_server_body_read(bytes, &body) || body.type != PV_SERVER_EXPIRED) return;
    if (body.u.expired.is_invite) end_link(o, link_named(o, &body.u.expired.invite), index);
    else end_links(o, index);
    check_openings(o);
}

/* ---- what the server gives and keeps */

bool sim_ledger_is_open(const struct sim_world *world, const struct sim_host *host, unsigned link)
{
    const struct sim_opening *opening = &world->ledger->logs[host - world->hosts][world->links[link].room].openings[link];
    return opening->open && world->now_ms < opening->until_ms;
}

void sim_ledger_released(struct sim_world *world, const struct sim_host *host, const char *path)
{
    struct pv_id16 id;
    size_t begin = strlen("/v1/gates/");
    if (strlen(path) < begin + 2 * sizeof id.b || pv_hex_decode(path + begin, 2 * sizeof id.b, id.b, sizeof id.b)) return;
    for (unsigned l = 0; l < SIM_LINKS; l++) {
        const struct sim_link *link = &world->links[l];
        if (link->there && pv_id16_equal(&link->link.gate, &id) && !sim_ledger_is_open(world, host, l))
            sim_fail(world, "P5", "the server gives the half of link %u, which %s", l,
                     world->ledger->logs[host - world->hosts][link->room].openings[l].known ? "has ended" : "no entry names");
    }
}

void sim_ledger_stranger_drew(struct sim_world *world, unsigned link)
{
    world->ledger->stranger_drew[link] = true;
}

/* Whose link has ended, that half is erased. */
static void check_erased(struct sim_ledger *ledger, struct sim_host *host)
{
    struct sim_world *world = ledger->world;
    struct pv_meta *meta = host->srv.server.meta;
    for (unsigned l = 0; l < SIM_LINKS; l++) {
        const struct sim_link *link = &world->links[l];
        const struct sim_opening *opening = &ledger->logs[host - world->hosts][link->room].openings[l];
        struct pv_meta_gate row = {.has_half = false};
        struct pv_buf gate;
        if (!link->there || !opening->known || opening->open) continue;
        pv_buf_init(&gate, PV_LIMIT_GATE_BYTES + 256);
        if (meta->ops->gate(meta, &link->link.gate, &row, &gate) == PV_OK && row.has_half)
            sim_fail(world, "P5", "the server keeps the half of link %u, which has ended", l);
        pv_buf_release(&gate);
    }
}

void sim_gates_finish(struct sim_ledger *ledger)
{
    struct sim_world *world = ledger->world;
    for (unsigned h = 0; h < SIM_HOSTS && !world->failed; h++) {
        struct sim_host *host = &world->hosts[h];
        if (!host->there) continue;
        if (host->up && !sim_disk_is_dead(host->disk)) check_erased(ledger, host);
        if (sim_disk_holds(host->disk, &ledger->secrets)) sim_fail(world, "P5", "a server's disk holds a key");
    }
    sim_gates_check(ledger);
    if (!world->failed) sim_keys_check_stranger(ledger);
}

/* ---- what is secret */

void sim_ledger_sent(struct sim_world *world, struct pv_bytes body)
{
    if (sim_secrets_are_in(&world->ledger->secrets, body)) sim_fail(world, "P5", "a request holds a key");
}

static void secret(void *context, const uint8_t bytes[static 32])
{
    struct sim_ledger *ledger = context;
    if (!ledger->world->serving) sim_secrets_add(&ledger->secrets, bytes);
}

void sim_gates_init(struct sim_ledger *ledger)
{
    ledger->watch.secret = secret;
}
