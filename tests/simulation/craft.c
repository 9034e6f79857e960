/* Entries that no honest program would make, signed with a member's real keys: by a thief, or by a member gone bad. */
#include <stdio.h>
#include <stdlib.h>

#include "core/room/body.h"
#include "core/room/epoch.h"
#include "core/sync/room_parts.h"
#include "tests/simulation/world.h"

struct craft {
    struct sim_world *world;
    struct sim_device *device;
    const struct pv_roster *roster;
    struct pv_header header;
    struct pv_roster_body body;
    struct pv_kem_pk pk;
    uint8_t junk[PV_WRAP_BYTES];
    struct pv_buf bytes, beside;
};

static const struct pv_principal *someone(struct craft *c)
{
    size_t count;
    const struct pv_principal *all = pv_roster_principals(c->roster, &count);
    return &all[sim_below(c->world, count)];
}

/* Right most of the time: what is wrong throughout is refused for the first reason that comes. */
static uint64_t about(struct craft *c, uint64_t right)
{
    return sim_chance(c->world, 200) ? right : sim_below(c->world, 8);
}

static void fill(struct craft *c, void *bytes, size_t n)
{
    pv_random_fill(&c->device->random, bytes, n);
}

static void junk_key(struct craft *c, struct pv_hash *ret_kem_hash)
{
    struct pv_kem_seed seed;
    fill(c, seed.b, sizeof seed.b);
    pv_kem_from_seed(&seed, &c->pk);
    pv_kem_hash(&c->pk, ret_kem_hash);
}

static void one_junk_wrap(struct craft *c, struct pv_hash *ret_root)
{
    struct pv_bytes wrap = pv_bytes(c->junk, sizeof c->junk), key = PV_BYTES_OF(c->pk);
    fill(c, c->junk, sizeof c->junk);
    if (pv_merkle_list_root(&wrap, 1, ret_root)) abort();
    pv_buf_clear(&c->beside);
    pv_beside_put(&c->beside, &key, 1, NULL, 0, &wrap, 1);
}

static void craft_invite(struct craft *c)
{
    struct pv_invite_body *in = &c->body.u.invite;
    struct pv_sign_seed seed;
    struct pv_sign_sk sk;
    fill(c, in->id.b, sizeof in->id.b);
    in->role = (enum pv_role)sim_below(c->world, 3);
    in->uses = sim_below(c->world, 3);
    fill(c, seed.b, sizeof seed.b);
    pv_sign_from_seed(&seed, &sk, &in->a_key);
    in->join_key = in->a_key;
    junk_key(c, &in->kem_hash);
    one_junk_wrap(c, &in->wraps_root);
}

static void craft_device_remove(struct craft *c)
{
    struct pv_device_remove_body *removal = &c->body.u.device_remove;
    struct pv_bytes key = PV_BYTES_OF(c->pk);
    size_t count;
    const struct pv_room_device *all = pv_roster_devices(c->roster, &count);
    removal->device_count = 1;
    removal->devices[0] = all[sim_below(c->world, count)].id;
    if (sim_chance(c->world, 40)) fill(c, removal->devices[0].b, sizeof removal->devices[0].b);
    removal->since = sim_below(c->world, pv_roster_size(c->roster) + 1);
    if (pv_roster_room_kind(c->roster) == PV_ROOM_PERSON || sim_chance(c->world, 128)) return;
    removal->has_kem = true;
    removal->person_epoch = sim_below(c->world, 4);
    junk_key(c, &removal->kem_hash);
    pv_buf_clear(&c->beside);
    pv_beside_put(&c->beside, &key, 1, NULL, 0, NULL, 0);
}

/* For the right recipients, and what they get opens for nobody. */
static void craft_rekey(struct craft *c)
{
    struct pv_rekey_body *rekey = &c->body.u.rekey;
    struct pv_recipient *recipients;
    struct pv_bytes wraps[64], key = PV_BYTES_OF(c->pk);
    size_t count;
    if (pv_roster_recipients(c->roster, &recipients, &count)) abort();
    if (count > 64) count = 64;
    rekey->epoch = about(c, pv_roster_epoch(c->roster) + 1);
    fill(c, rekey->secret_hash.b, sizeof rekey->secret_hash.b);
    junk_key(c, &rekey->kem_hash);
    pv_recipients_digest(recipients, count, &rekey->recipients);
    free(recipients);
    fill(c, c->junk, sizeof c->junk);
    for (size_t i = 0; i < count; i++) wraps[i] = pv_bytes(c->junk, sizeof c->junk);
    if (pv_merkle_list_root(wraps, count, &rekey->wraps_root)) abort();
    pv_buf_clear(&c->beside);
    pv_beside_put(&c->beside, &key, 1, NULL, 0, wraps, count);
}

/* By no plan: without a cut, without keys of what stays. */
static void craft_forget(struct craft *c, unsigned room)
{
    struct pv_range *range = &c->body.u.ranges.ranges[0];
    uint64_t size = pv_roster_size(c->roster);
    fill(c, c->body.u.ranges.id.b, sizeof c->body.u.ranges.id.b);
    range->from = sim_below(c->world, size);
    range->to = range->from + 1 + sim_below(c->world, 4);
    if (range->to > size) range->to = size;
    c->body.u.ranges.count = 1;
    c->body.u.ranges.cut_epoch = about(c, pv_roster_epoch(c->roster));
    sim_ledger_asked_by_thief(c->world, room);
}

/* False: nothing to make it of. */
static bool craft_body(struct craft *c, unsigned room)
{
    static const enum pv_roster_type types[] = {PV_ROSTER_ROLE, PV_ROSTER_ROLE, PV_ROSTER_REMOVE, PV_ROSTER_REMOVE, PV_ROSTER_CLOSE_INVITE,
                                                PV_ROSTER_INVITE, PV_ROSTER_DEVICE_REMOVE, PV_ROSTER_REKEY, PV_ROSTER_BAD_WRAP, PV_ROSTER_LEAVE, PV_ROSTER_FORGET};
    const struct pv_principal *target = someone(c);
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(c->roster, &count);
    c->body.type = types[sim_below(c->world, sizeof types / sizeof *types - !c->world->weather.forgets)];
    if (c->body.type == PV_ROSTER_ROLE) {
        c->body.u.role.person = target->id;
        c->body.u.role.join_index = about(c, target->join_index);
        c->body.u.role.from = (enum pv_role)(about(c, target->role) % 3);
        c->body.u.role.to = (enum pv_role)sim_below(c->world, 3);
    } else if (c->body.type == PV_ROSTER_REMOVE) {
        c->body.u.remove.count = 1;
        c->body.u.remove.targets[0] = (struct pv_membership){target->id, about(c, target->join_index)};
    } else if (c->body.type == PV_ROSTER_CLOSE_INVITE) {
        if (!count) return false;
        c->body.u.close_invite = invites[sim_below(c->world, count)].body.id;
    } else if (c->body.type == PV_ROSTER_INVITE) {
        craft_invite(c);
    } else if (c->body.type == PV_ROSTER_DEVICE_REMOVE) {
        craft_device_remove(c);
    } else if (c->body.type == PV_ROSTER_FORGET) {
        craft_forget(c, room);
    } else if (c->body.type == PV_ROSTER_REKEY) {
        craft_rekey(c);
    } else if (c->body.type == PV_ROSTER_BAD_WRAP) {
        c->body.u.bad_wrap_epoch = about(c, pv_roster_epoch(c->roster));
    }
    pv_roster_body_put(&c->bytes, &c->body);
    return !c->bytes.err;
}

/* Words that nobody can open. */
static void craft_words(struct craft *c)
{
    c->header.kind = sim_chance(c->world, 128) ? PV_KIND_TALK : PV_KIND_WORK;
    pv_buf_extend(&c->bytes, 24 + 64 + 16);
    fill(c, c->bytes.p, c->bytes.n);
    fill(c, c->header.commit.b, sizeof c->header.commit.b);
}

static void send(struct craft *c, unsigned room)
{
    static const uint8_t no_refs[] = {0x80};
    struct pv_request request = {.method = PV_POST, .auth = PV_AUTH_SESSION, .max_response_bytes = 1 << 20};
    struct sim_answer answer = {.status = 0};
    struct pv_buf entry, bundles;
    struct pv_hash leaf;
    char hex[65];
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&bundles, SIZE_MAX);
    pv_buf_init(&answer.body, SIZE_MAX);
    pv_refs_hash(pv_bytes(no_refs, 1), &c->header.refs_hash);
    pv_body_hash(pv_buf_bytes(&c->bytes), &c->header.body_hash);
    if (pv_entry_make(&c->header, &c->device->me.sign_sk, &entry)) abort();
    pv_entry_leaf(pv_buf_bytes(&entry), &leaf);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes(no_refs, 1), pv_buf_bytes(&c->bytes), pv_buf_bytes(&c->beside)};
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, &bundle);
    sim_ledger_crafted(c->world, c->device, room, &leaf);
    pv_hex_encode(c->world->room_ids[room].b, 32, hex);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/entries", hex);
    request.body = pv_buf_bytes(&bundles);
    if (sim_ask(c->world, c->device, &request, &answer))
        sim_tell(c->world, "  crafted, kind %llu type %u: %u %s", (unsigned long long)c->header.kind, (unsigned)c->body.type, answer.status, answer.reason);
    pv_buf_release(&entry);
    pv_buf_release(&bundles);
    pv_buf_release(&answer.body);
}

void sim_craft(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct pv_room *copy = device->copies[room].room;
    struct craft c = {.world = world, .device = device, .roster = pv_room_roster(copy)};
    const struct pv_head *head = pv_roster_head(c.roster, &device->me.device);
    size_t members;
    (void)pv_roster_principals(c.roster, &members);
    if (!pv_roster_is_born(c.roster) || !members) return;
    c.header = (struct pv_header){.room = world->room_ids[room], .author = device->me.device, .n = 1, .kind = PV_KIND_ROSTER,
                                  .time_ms = world->now_ms, .epoch = about(&c, pv_roster_epoch(c.roster))};
    if (head) c.header.n = head->n + 1 + sim_below(world, 2), c.header.prev = head->leaf;
    if (sim_chance(world, 16)) fill(&c, c.header.prev.b, sizeof c.header.prev.b);
    pv_merkle_empty_root(&c.header.seen_root);
    pv_buf_init(&c.bytes, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&c.beside, PV_LIMIT_BATCH_BYTES);
    pv_beside_put(&c.beside, NULL, 0, NULL, 0, NULL, 0);
    bool words = sim_chance(world, 64);
    if (words) craft_words(&c);
    if (words || craft_body(&c, room)) send(&c, room);
    pv_buf_release(&c.bytes);
    pv_buf_release(&c.beside);
}
