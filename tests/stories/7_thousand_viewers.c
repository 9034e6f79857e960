/* Story 7: in a room of 1,000 viewers with an open invite, somebody revokes a device every hour: how many bytes that costs
 * whom, and who is told what. The bounds are those of docs/PERFORMANCE.md. */
#include <stdio.h>

#include "tests/unit/sync_pair.h"

enum {
    VIEWERS = 1000,
    HOURS = 3,
    FOLLOW_BYTES_MAX = 4096,      /* of a member that follows what an hour brings */
    FOLLOW_REQUESTS_MAX = 3,
    REVOKER_DOWN_MAX = 16 * 1024, /* once all public keys are here */
    OWNER_DOWN_MAX = 16 * 1024,
    BESIDE_WRAPS_MAX = 16 * 1024, /* of what the revoker sends, less the wraps */
    ASKED_BYTES = 34,             /* for each public key that is asked for, the first time */
    WRAP_BYTES = 1168 + 3
};

struct crowd {
    struct rig_server server;
    struct rig_device ada, bob, laptop;
    struct rig_member owner, viewer, carol; /* Ada's, Bob's, and Carol's by her laptop */
};

/* What one run of commands took, checkpoints apart. */
struct cost {
    size_t up, down, requests;
};

static void begin(struct rig_server *server)
{
    server->bytes_up = server->bytes_down = server->notes_down = server->requests = 0;
}

static struct cost end(const struct rig_server *server, const struct rig_member *member)
{
    size_t notes = server->notes_down * (pv_room_pin(member->room).n + 3);
    return (struct cost){server->bytes_up, server->bytes_down - notes, server->requests};
}

static void tell(const char *who, struct cost cost)
{
    tap_note("%-28s %8zu bytes up, %8zu down, in %zu requests", who, cost.up, cost.down, cost.requests);
}

static void crowd_init(struct crowd *c, struct pv_invite_link *ret_link)
{
    bool good = true;
    rig_server_init(&c->server, 7);
    is_err(rig_device_init(&c->ada, &c->server, 2), PV_OK, "Ada");
    is_err(rig_device_init(&c->bob, &c->server, 3), PV_OK, "Bob");
    is_err(rig_device_init(&c->laptop, &c->server, 4), PV_OK, "Carol");
    is_err(rig_found(&c->owner, &c->ada), PV_OK, "Ada founds a room");
    is_err(rig_invite(&c->owner, PV_ROLE_VIEWER, PV_LIMIT_INVITE_USES, ret_link), PV_OK, "and makes an invite for all");
    is_err(rig_join(&c->viewer, &c->bob, ret_link), PV_OK, "by which Bob joins");
    is_err(rig_join(&c->carol, &c->laptop, ret_link), PV_OK, "and Carol");
    for (uint64_t i = 0; i < VIEWERS - 2; i++) good = good && rig_join_apart(&c->server, &c->owner, ret_link, 1000 + i) == PV_OK;
    tap_ok(good, "and %d others", VIEWERS - 2);
    is_err(rig_pull(&c->owner), PV_OK, "Ada follows");
    is_err(rig_pull(&c->viewer), PV_OK, "and Bob");
    is_err(rig_settle(&c->carol), PV_OK, "and Carol");
    size_t count;
    (void)pv_roster_principals(pv_room_roster(c->viewer.room), &count);
    tap_is_int((long long)count, VIEWERS + 1, "a thousand viewers and an owner");
}

static void crowd_release(struct crowd *c)
{
    rig_member_close(&c->owner);
    rig_member_close(&c->viewer);
    rig_member_close(&c->carol);
    rig_device_release(&c->ada);
    rig_device_release(&c->bob);
    rig_device_release(&c->laptop);
    rig_server_release(&c->server);
}

/* Carol's phone of the hour comes, and is lost. */
static void lose_a_phone(struct crowd *c, uint64_t hour)
{
    struct rig_device phone;
    struct rig_member by_phone;
    is_err(rig_device_second(&phone, &c->laptop, 100 + hour, false), PV_OK, "Carol adds a phone");
    is_err(rig_settle(&c->carol), PV_OK, "here too");
    is_err(rig_pull(&c->viewer), PV_OK, "which Bob sees");
    is_err(rig_pull(&c->owner), PV_OK, "and Ada");
    struct pv_revocation revocation = {.devices = {phone.me.device}, .count = 1};
    is_err(pv_revocation_spare(c->laptop.person, NULL, 0, &revocation), PV_OK, "it is lost;");
    is_err(pv_device_revoke(c->laptop.person, &revocation), PV_OK, "she revokes it");
    begin(&c->server);
    is_err(rig_person_push(&c->laptop), PV_OK, "in her own room");
    is_err(rig_settle(&c->carol), PV_OK, "and here, with new keys for a thousand");
    struct cost cost = end(&c->server, &c->carol);
    tell("who revokes", cost);
    size_t asked = hour ? 0 : VIEWERS * ASKED_BYTES;
    tap_ok(cost.up < (VIEWERS + 1) * WRAP_BYTES + asked + BESIDE_WRAPS_MAX, "who revokes sends a wrap for each, and little more");
    if (hour) tap_ok(cost.down < REVOKER_DOWN_MAX, "and fetches little, once everyone's public key is here");

    /* The phone is told by its own room, when it asks. */
    is_err(rig_member_open(&by_phone, &phone, pv_room_id(c->carol.room)), PV_OK, "the phone");
    is_err(rig_person_pull(&phone), PV_OK, "looks into Carol's own room");
    struct pv_devices_report report;
    is_err(rig_pull(&by_phone), PV_OK, "(this server lets it)");
    tap_ok(pv_devices_report(by_phone.room, &report) == PV_OK && report.state == PV_DEVICES_REVOKED, "it is told that it was revoked");
    rig_member_close(&by_phone);
    rig_device_release(&phone);
}

/* Everybody else, at the hour's end. */
static void others_follow(struct crowd *c, struct pv_invite_link *link, uint64_t hour)
{
    struct rig_device late;
    struct rig_member by_late;
    struct pv_epoch_secret secret;
    begin(&c->server);
    is_err(rig_pull(&c->viewer), PV_OK, "Bob, a viewer, follows");
    struct cost cost = end(&c->server, &c->viewer);
    tell("each other viewer", cost);
    tap_ok(cost.down < FOLLOW_BYTES_MAX && cost.requests <= FOLLOW_REQUESTS_MAX, "by a few kilobytes");
    const struct pv_roster *roster = pv_room_roster(c->viewer.room);
    is_err(pv_store_epoch_get(c->viewer.store, pv_roster_epoch(roster), &secret), PV_OK, "the new secret is here");
    tap_ok(!pv_roster_rekey_due(roster), "nothing is left for others to do");
    tap_ok(!pv_roster_invite(roster, &link->gate)->open, "the log tells everyone that the link is closed");

    is_err(rig_device_init(&late, &c->server, 500 + hour), PV_OK, "somebody with the old link");
    enum pv_err err = rig_join(&by_late, &late, link);
    tap_ok(err == PV_ERR_EXPIRED || err == PV_ERR_DENIED, "is told that it has ended (%s)", pv_err_web_name(err));
    rig_member_close(&by_late);

    begin(&c->server);
    is_err(rig_pull(&c->owner), PV_OK, "Ada follows");
    is_err(rig_invite(&c->owner, PV_ROLE_VIEWER, PV_LIMIT_INVITE_USES, link), PV_OK, "and makes a new link");
    cost = end(&c->server, &c->owner);
    tell("the owner, with a new link", cost);
    tap_ok(cost.down < OWNER_DOWN_MAX && cost.up < OWNER_DOWN_MAX, "by a few kilobytes, too");
    is_err(rig_join(&by_late, &late, link), PV_OK, "by which one joins");
    is_err(rig_pull(&by_late), PV_OK, "and sees");
    tap_ok(pv_roster_principal(pv_room_roster(by_late.room), &late.me.person) != NULL, "that one is in");
    is_err(pv_room_leave(by_late.room), PV_OK, "and leaves, so that a thousand stay");
    is_err(rig_push(&by_late), PV_OK, "which is sent");
    rig_member_close(&by_late);
    rig_device_release(&late);
    is_err(rig_pull(&c->owner), PV_OK, "Ada sees it");
    is_err(rig_push(&c->owner), PV_OK, "and makes the keys that are due");
    is_err(rig_invite(&c->owner, PV_ROLE_VIEWER, PV_LIMIT_INVITE_USES, link), PV_OK, "and an invite once more");
}

int main(void)
{
    static struct crowd crowd;
    struct pv_invite_link link;
    char want[HOURS * 16] = "", text[16];
    is_err(pv_crypto_init(), PV_OK, "crypto");
    crowd_init(&crowd, &link);
    for (uint64_t hour = 0; hour < HOURS; hour++) {
        crowd.server.now_ms += 3600 * 1000;
        tap_note("hour %llu", (unsigned long long)hour + 1);
        lose_a_phone(&crowd, hour);
        others_follow(&crowd, &link, hour);
        snprintf(text, sizeof text, "hour %llu", (unsigned long long)hour + 1);
        is_err(rig_say(&crowd.viewer, text), PV_OK, "Bob writes");
        is_err(rig_settle(&crowd.viewer), PV_OK, "and sends, as ever");
        is_err(rig_pull(&crowd.owner), PV_OK, "Ada fetches");
        is_err(rig_settle(&crowd.carol), PV_OK, "and Carol");
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s\n", text);
        is_texts(&crowd.owner, want, "Ada reads all of it");
        is_texts(&crowd.carol, want, "and Carol does");
    }
    crowd_release(&crowd);
    return tap_done();
}
