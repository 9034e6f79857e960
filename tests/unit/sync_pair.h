/* For tests of core/sync: a room with two people in it, and cases about what they read, send and meet. */
#ifndef TESTS_UNIT_SYNC_PAIR_H
#define TESTS_UNIT_SYNC_PAIR_H

#include "tests/tap.h"
#include "tests/unit/sync_rig.h"

struct pair { /* Ada's room with Bob in it */
    struct rig_server server;
    struct rig_device ada, bob;
    struct rig_member a, b;
};

/* The texts of all messages, each followed by a newline. */
__attribute__((unused)) static void is_texts(struct rig_member *member, const char *want, const char *what)
{
    struct pv_buf texts;
    pv_buf_init(&texts, SIZE_MAX);
    rig_texts(member, &texts);
    bool same = texts.p && strcmp((const char *)texts.p, want) == 0;
    tap_ok(same, "%s", what);
    if (!same) tap_note("got %s", texts.p ? (const char *)texts.p : "nothing");
    pv_buf_release(&texts);
}

__attribute__((unused)) static void is_err(enum pv_err got, enum pv_err want, const char *what)
{
    tap_ok(got == want, "%s", what);
    if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

/* What waits in the outbox; UINT64_MAX if that cannot be told. */
__attribute__((unused)) static uint64_t unsent(struct rig_member *member)
{
    uint64_t count = UINT64_MAX;
    if (pv_store_write_count(member->store, &count)) return UINT64_MAX;
    return count;
}

__attribute__((unused)) static void pair_init(struct pair *p, enum pv_role role)
{
    struct pv_invite_link link;
    rig_server_init(&p->server, 1);
    is_err(rig_device_init(&p->ada, &p->server, 2), PV_OK, "Ada's person room is founded");
    is_err(rig_device_init(&p->bob, &p->server, 3), PV_OK, "Bob's too");
    is_err(rig_found(&p->a, &p->ada), PV_OK, "Ada founds a room");
    is_err(rig_invite(&p->a, role, 1, &link), PV_OK, "and makes an invite");
    is_err(rig_join(&p->b, &p->bob, &link), PV_OK, "by which Bob joins");
    is_err(rig_pull(&p->a), PV_OK, "Ada sees it");
}

/* A device signs a roster body of the test's making, and the server lets it in. `seen_bits`: what it saw is not this log. */
__attribute__((unused)) static void append_roster(struct rig_server *server, struct rig_room *room, const struct rig_device *device,
                                                  const struct pv_roster_body *body, struct pv_bytes beside, uint8_t seen_bits,
                                                  const char *what)
{
    struct pv_buf entry, bundles, bytes;
    const struct pv_head *head = pv_roster_head(room->roster, &device->me.device);
    struct pv_header header = {.room = room->id, .author = device->me.device, .n = head->n + 1, .prev = head->leaf,
                               .seen_size = room->edge.size, .epoch = pv_roster_epoch(room->roster), .time_ms = server->now_ms};
    pv_merkle_edge_root(&room->edge, &header.seen_root);
    header.seen_root.b[0] ^= seen_bits;
    pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    pv_roster_body_put(&bytes, body);
    pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
    pv_body_hash(pv_buf_bytes(&bytes), &header.body_hash);
    enum pv_err err = pv_entry_make(&header, &device->me.sign_sk, &entry);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes("\x80", 1), pv_buf_bytes(&bytes), beside};
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, &bundle);
    is_err(err ? err : rig_append(server, room, pv_buf_bytes(&bundles)), PV_OK, what);
    pv_buf_release(&bytes);
    pv_buf_release(&entry);
    pv_buf_release(&bundles);
}

__attribute__((unused)) static void pair_release(struct pair *p)
{
    rig_member_close(&p->a);
    rig_member_close(&p->b);
    rig_device_release(&p->ada);
    rig_device_release(&p->bob);
    rig_server_release(&p->server);
}

#endif
