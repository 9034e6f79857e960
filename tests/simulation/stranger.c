/* Someone who has every link that was ever made, and nothing else: no session, no keys of a device, no server. */
#include <stdio.h>

#include "tests/simulation/world.h"

/* As the link's holder may ask, whatever the gate's answer to a first look would be. */
static bool make_request(const struct sim_link *link, const struct pv_kem_seed *ephemeral, struct pv_request *ret_request, struct pv_buf *body)
{
    struct pv_release_request release = {.gate = link->link.gate, .version = 1};
    struct pv_sign_sk a_sk;
    struct pv_sign_pk a_pk;
    char id[2 * sizeof release.gate.b + 1];
    pv_gate_a_key(&link->link.a, &link->link.gate, &a_sk, &a_pk);
    pv_kem_from_seed(ephemeral, &release.kem_pk);
    if (pv_release_request_sign(&release, &a_sk)) return false;
    pv_release_request_put(body, &release);
    pv_hex_encode(release.gate.b, sizeof release.gate.b, id);
    *ret_request = (struct pv_request){.method = PV_POST, .auth = PV_AUTH_NONE, .body = pv_buf_bytes(body)};
    (void)snprintf(ret_request->path, sizeof ret_request->path, "/v1/gates/%s/release", id);
    return true;
}

/* The server's answer: 200 with its half. */
static unsigned try_link(struct sim_world *world, struct sim_host *host, unsigned number)
{
    const struct sim_link *link = &world->links[number];
    struct sim_answer answer = {.status = 0};
    struct pv_request request;
    struct pv_kem_seed ephemeral;
    struct pv_half_b half;
    struct pv_hash ticket;
    struct pv_buf body;
    bool has_ticket;
    struct seeded seed = seeded_make(3000 + number); /* the same in every world: what it costs is remembered */
    seeded_fill(&seed, ephemeral.b, sizeof ephemeral.b);
    pv_buf_init(&body, PV_LIMIT_GATE_BYTES);
    pv_buf_init(&answer.body, SIZE_MAX);
    if (make_request(link, &ephemeral, &request, &body)) (void)sim_ask_unknown(world, host, &request, &answer);
    sim_tell(world, "a stranger tries link %u: %u %s", number, answer.status, answer.reason);
    if (answer.status == 200 &&
        pv_release_answer_open(&link->link.gate, &ephemeral, pv_buf_bytes(&answer.body), &half, &has_ticket, &ticket) == PV_OK)
        sim_ledger_stranger_drew(world, number);
    pv_buf_release(&body);
    pv_buf_release(&answer.body);
    return answer.status;
}

void sim_stranger_comes(struct sim_world *world, uint64_t step_dice)
{
    struct seeded dice = seeded_make(step_dice + 3);
    struct sim_host *host = &world->hosts[seeded_below(&dice, SIM_HOSTS)];
    if (world->failed || !world->link_count || seeded_below(&dice, 32)) return;
    unsigned link = (unsigned)seeded_below(&dice, world->link_count);
    if (host->there && host->up && world->links[link].there) (void)try_link(world, host, link);
}

void sim_stranger_tries_more(struct sim_world *world)
{
    struct sim_host *host = &world->hosts[0];
    for (unsigned l = (unsigned)(world->seed % 3); l < world->link_count && host->up && !world->failed; l += 3) {
        if (!world->links[l].there) continue;
        bool open = sim_ledger_is_open(world, host, l) && !world->weather.restores && !world->weather.hostile;
        unsigned status = try_link(world, host, l);
        if (open && status != 200 && status != 404) /* not found: its maker has not sent the gate yet */
            sim_fail(world, "life", "the gate of link %u, which is open, answers %u", l, status);
    }
}
