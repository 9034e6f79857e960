/* What it costs a device to follow a join and a removal in a room of 1,000, in bytes of answers. */
#include <stdio.h>
#include <stdlib.h>

#include "core/log/checkpoint.h"
#include "tests/unit/sync_rig.h"

enum { MEMBERS = 1000 };

static void must(enum pv_err err, const char *what)
{
    if (!err) return;
    fprintf(stderr, "bench_room_1000: %s: %s\n", what, pv_err_text(err));
    exit(1);
}

/* Everyone else joins without keeping a copy of the room: the entries are those that a full client makes. */
static void crowd_joins(struct rig_server *server, struct rig_member *owner, const struct pv_invite_link *link,
                        size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) must(rig_join_apart(server, owner, link, 1000 + i), "a member joins");
}

/* Bytes of answers that one pull takes, less the note of each page. */
static size_t pull_bytes(struct rig_server *server, struct rig_member *member, size_t *ret_requests)
{
    size_t note = pv_room_pin(member->room).n + 3;
    server->bytes_down = 0;
    server->requests = 0;
    server->notes_down = 0;
    must(rig_pull(member), "pull");
    *ret_requests = server->requests;
    return server->bytes_down - server->notes_down * note;
}

int main(void)
{
    struct rig_server server;
    struct rig_device ada, bob;
    struct rig_member owner, follower;
    struct pv_invite_link link;
    size_t count, requests;
    must(pv_crypto_init(), "crypto");
    rig_server_init(&server, 1);
    must(rig_device_init(&ada, &server, 2), "owner");
    must(rig_device_init(&bob, &server, 3), "follower");
    must(rig_found(&owner, &ada), "room");
    must(rig_invite(&owner, PV_ROLE_VIEWER, PV_LIMIT_INVITE_USES, &link), "invite");
    must(rig_join(&follower, &bob, &link), "follower joins");
    crowd_joins(&server, &owner, &link, 0, MEMBERS - 3);
    must(rig_pull(&owner), "the owner follows");
    must(rig_pull(&follower), "the follower follows");
    crowd_joins(&server, &owner, &link, MEMBERS, 1);
    size_t join = pull_bytes(&server, &follower, &requests);
    (void)pv_roster_principals(pv_room_roster(follower.room), &count);
    printf("members %zu\n", count);
    printf("%-44s %5zu bytes in %zu requests (target: below 2048)\n", "to follow a join of two devices", join, requests);
    must(rig_pull(&owner), "the owner follows");
    const struct pv_principal *people = pv_roster_principals(pv_room_roster(owner.room), &count);
    const struct pv_hash *gone = &people[count / 2].id;
    if (pv_hash_equal(gone, &ada.me.person) || pv_hash_equal(gone, &bob.me.person)) gone = &people[count / 2 + 1].id;
    struct pv_hash removed = *gone;
    must(pv_room_remove(owner.room, &removed), "remove");
    must(rig_push(&owner), "send removal and rekey");
    size_t removal = pull_bytes(&server, &follower, &requests);
    printf("%-44s %5zu bytes in %zu requests (target: below 3072)\n", "to follow a removal with its rekey", removal, requests);
    struct pv_epoch_secret secret;
    must(pv_store_epoch_get(follower.store, pv_roster_epoch(pv_room_roster(follower.room)), &secret), "the new secret is here");
    rig_member_close(&owner);
    rig_member_close(&follower);
    rig_device_release(&ada);
    rig_device_release(&bob);
    rig_server_release(&server);
    return join < 2048 && removal < 3072 ? 0 : 1;
}
