/* A person's devices: adding, removing, and what every room of theirs must show before anything is sealed there. */
#include "tests/unit/two_devices.h"

static void test_second_device(void)
{
    struct home h;
    struct rig_member own, other;
    home_init(&h);
    is_texts(&h.p, "one\ntwo\n", "it reads all that was written before it came");
    is_err(rig_say(&h.p, "three"), PV_OK, "writes");
    is_err(rig_settle(&h.p), PV_OK, "and sends");
    is_err(rig_pull(&h.b), PV_OK, "Bob fetches");
    is_texts(&h.b, "one\ntwo\nthree\n", "and reads what the phone wrote");
    tap_ok(is_in(&h.b, &h.phone), "his roster has the phone");
    is_err(rig_found(&own, &h.phone), PV_OK, "the phone founds a room: its certificate is in the record");
    tap_ok(is_in(&own, &h.laptop) && is_in(&own, &h.phone), "where both devices are");
    is_err(rig_member_open(&other, &h.laptop, pv_room_id(own.room)), PV_OK, "the laptop opens it");
    is_err(rig_settle(&other), PV_OK, "fetches it");
    is_err(rig_say(&other, "hello"), PV_OK, "writes");
    is_err(rig_settle(&other), PV_OK, "fetches, and sends");
    is_err(rig_pull(&own), PV_OK, "the phone fetches");
    is_texts(&own, "hello\n", "and reads it");
    rig_member_close(&own);
    rig_member_close(&other);
    home_release(&h);
}

/* A record with the old key would let the revoked device read along in the new room. */
static void test_found_after_revoking(void)
{
    struct home h;
    struct rig_member other;
    home_init(&h);
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "the phone revokes the laptop");
    is_err(rig_found(&other, &h.phone), PV_ERR_OFFLINE, "a room is not founded before the own room has it");
    is_err(rig_person_push(&h.phone), PV_OK, "the own room is sent");
    is_err(rig_found(&other, &h.phone), PV_OK, "then it is");
    tap_ok(!is_in(&other, &h.laptop), "without the laptop");
    rig_member_close(&other);
    home_release(&h);
}

static void test_revoke(void)
{
    struct home h;
    size_t count;
    home_init(&h);
    is_err(rig_say(&h.l, "from the laptop"), PV_OK, "the laptop writes and is offline");
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "the phone revokes it");
    is_err(rig_say(&h.p, "secret"), PV_OK, "and writes at once");
    tap_ok(state_of(&h.p) == PV_DEVICES_PERSON_DUE, "which waits for Ada's own room");
    h.server.down = true;
    is_err(rig_settle(&h.p), PV_ERR_OFFLINE, "without a server");
    h.server.down = false;
    is_err(rig_settle(&h.p), PV_OK, "or when only this room is sent for");
    tap_is_int((long long)unsent(&h.p), 1, "it still waits");
    is_err(rig_person_push(&h.phone), PV_OK, "the own room is sent");
    tap_ok(!is_current(&h.phone, &h.laptop) && !pv_roster_rekey_due(pv_room_roster(h.phone.person)), "the laptop is out, new keys are in");
    tap_ok(state_of(&h.p) == PV_DEVICES_MEND, "so the room can be mended");
    is_err(rig_settle(&h.p), PV_OK, "which its next push does");
    tap_is_int((long long)unsent(&h.p), 0, "and sends what waited");
    tap_ok(!is_in(&h.p, &h.laptop) && state_of(&h.p) == PV_DEVICES_READY, "the laptop is out there too");
    const struct pv_principal *ada = pv_roster_principal(pv_room_roster(h.p.room), &h.phone.me.person);
    const struct pv_epoch_info *epochs = pv_roster_epochs(pv_room_roster(h.phone.person), &count);
    tap_ok(ada && pv_hash_equal(&ada->kem_hash, &epochs[count - 1].kem_hash), "and the room wraps to Ada's new key");
    is_err(rig_pull(&h.b), PV_OK, "Bob fetches");
    is_texts(&h.b, "one\ntwo\nsecret\n", "and reads it");
    is_err(rig_pull(&h.l), PV_OK, "the laptop, to a server that lets it");
    is_texts(&h.l, "one\ntwo\n", "reads nothing new");
    is_err(rig_settle(&h.l), PV_OK, "what it wrote");
    is_err(rig_pull(&h.b), PV_OK, "Bob fetches again");
    is_texts(&h.b, "one\ntwo\nsecret\n", "and it never comes");
    is_err(rig_person_pull(&h.laptop), PV_OK, "once it knows");
    tap_ok(state_of(&h.l) == PV_DEVICES_REVOKED, "it knows itself revoked");
    struct rig_member none;
    is_err(rig_found(&none, &h.laptop), PV_ERR_DENIED, "and founds no room");
    home_release(&h);
}

/* Not knowing of a revocation, the writer who shares the room loses nothing by it. */
static void test_crossing(void)
{
    struct home h;
    home_init(&h);
    is_err(rig_pull(&h.b), PV_OK, "Bob fetches");
    is_err(rig_say(&h.b, "crossing"), PV_OK, "and writes while");
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "the phone revokes the laptop");
    is_err(rig_person_push(&h.phone), PV_OK, "in Ada's own room");
    is_err(rig_settle(&h.p), PV_OK, "and in this one");
    is_err(rig_settle(&h.b), PV_OK, "Bob sends");
    is_err(rig_settle(&h.p), PV_OK, "the phone fetches");
    is_texts(&h.p, "one\ntwo\ncrossing\n", "what he wrote is there once");
    home_release(&h);
}

/* A thief adds a device and a kit to both rooms, and one to this room alone. */
static void test_thief(void)
{
    struct home h;
    struct rig_device tablet, kit, spare, secret_device;
    struct pv_revocation revocation = {.count = 1};
    struct pv_hash gone[PV_LIMIT_DEVICES_PRESENT];
    size_t count;
    home_init(&h);
    is_err(rig_device_second(&tablet, &h.laptop, 5, false), PV_OK, "Ada adds a tablet by the laptop");
    is_err(rig_settle(&h.l), PV_OK, "to all rooms");
    is_err(rig_device_second(&spare, &h.laptop, 6, false), PV_OK, "the laptop's thief adds a device");
    is_err(rig_device_second(&kit, &h.laptop, 7, true), PV_OK, "and a kit");
    is_err(rig_device_second(&secret_device, &spare, 8, false), PV_OK, "and by that one a third");
    is_err(rig_person_pull(&h.laptop), PV_OK, "which the laptop hears of");
    is_err(rig_settle(&h.l), PV_OK, "all into the room");
    is_err(rig_person_pull(&h.phone), PV_OK, "the phone looks");
    revocation.devices[0] = h.laptop.me.device;
    is_err(pv_revocation_spare(h.phone.person, &tablet.me.device, 1, &revocation), PV_OK, "and keeps the tablet");
    is_err(pv_revocation_preview(h.phone.person, &revocation, gone, &count), PV_OK, "what goes");
    tap_is_int((long long)count, 4, "is the laptop and all three");
    tap_ok(pv_hash_equal(&gone[0], &h.laptop.me.device), "the named one first");
    tap_ok(is_current(&h.phone, &h.laptop), "though nothing was done yet");
    is_err(pv_device_revoke(h.phone.person, &revocation), PV_OK, "it is revoked");
    is_err(rig_person_push(&h.phone), PV_OK, "and sent");
    is_err(rig_settle(&h.p), PV_OK, "the room follows");
    tap_ok(is_in(&h.p, &tablet) && is_in(&h.p, &h.phone), "tablet and phone stay");
    tap_ok(!is_in(&h.p, &h.laptop) && !is_in(&h.p, &spare) && !is_in(&h.p, &kit) && !is_in(&h.p, &secret_device), "all else is gone");
    tap_ok(state_of(&h.p) == PV_DEVICES_READY, "and Ada may write");
    is_err(rig_device_second(&spare, &h.phone, 6, false), PV_ERR_DENIED, "the thief's device never comes back");
    rig_device_release(&tablet);
    rig_device_release(&kit);
    rig_device_release(&spare);
    rig_device_release(&secret_device);
    home_release(&h);
}

/* Whoever revokes came after what the thief added, by ways that he had no hand in. That spares nothing of his. */
static void test_younger(void)
{
    struct home h;
    struct rig_device kit, tablet, paper, fresh;
    struct pv_revocation revocation = {.count = 1};
    struct pv_hash gone[PV_LIMIT_DEVICES_PRESENT];
    size_t count;
    home_init(&h);
    revocation.devices[0] = h.laptop.me.device;
    is_err(rig_device_second(&kit, &h.laptop, 7, true), PV_OK, "the laptop's thief adds a kit");
    is_err(rig_person_pull(&h.phone), PV_OK, "which the phone hears of,");
    is_err(rig_device_second(&tablet, &h.phone, 5, false), PV_OK, "and adds a tablet all the same");
    is_err(rig_person_pull(&tablet), PV_OK, "the tablet looks");
    is_err(pv_revocation_spare(tablet.person, NULL, 0, &revocation), PV_OK, "and is to revoke the laptop");
    is_err(pv_revocation_preview(tablet.person, &revocation, gone, &count), PV_OK, "what goes");
    tap_ok(count == 2 && pv_hash_equal(&gone[1], &kit.me.device), "is the laptop and the thief's kit; not the phone, by which the tablet came");
    is_err(rig_device_open(&paper, &h.server, &h.laptop.paper, &h.laptop.me.person, 20), PV_OK, "the first kit");
    is_err(rig_person_pull(&paper), PV_OK, "reads Ada's room");
    is_err(rig_device_second(&fresh, &paper, 21, false), PV_OK, "adds a new device");
    is_err(rig_person_pull(&fresh), PV_OK, "which looks");
    is_err(pv_revocation_spare(fresh.person, NULL, 0, &revocation), PV_OK, "and is to revoke the laptop");
    is_err(pv_revocation_preview(fresh.person, &revocation, gone, &count), PV_OK, "what goes");
    tap_is_int((long long)count, 4, "is the laptop, phone, kit and tablet: nothing that it came by");
    is_err(pv_revocation_spare(fresh.person, &h.phone.me.device, 1, &revocation), PV_OK, "with the phone kept");
    is_err(pv_revocation_preview(fresh.person, &revocation, gone, &count), PV_OK, "what goes");
    tap_ok(count == 2 && pv_hash_equal(&gone[1], &kit.me.device), "is the laptop and the thief's kit");
    is_err(pv_revocation_spare(fresh.person, &tablet.me.device, 1, &revocation), PV_OK, "with the tablet kept, which the phone added");
    is_err(pv_revocation_preview(fresh.person, &revocation, gone, &count), PV_OK, "what goes");
    tap_ok(count == 2 && pv_hash_equal(&gone[1], &kit.me.device), "is the same");
    revocation.count = 0;
    is_err(pv_revocation_spare(fresh.person, NULL, 0, &revocation), PV_ERR_LIMIT, "nobody is spared where nobody is named");
    rig_device_release(&kit);
    rig_device_release(&tablet);
    rig_device_release(&paper);
    rig_device_release(&fresh);
    home_release(&h);
}

/* All devices lost: the paper device adds a new one and revokes the others. */
static void test_paper(void)
{
    struct home h;
    struct rig_device paper, fresh;
    struct rig_member by_paper, by_fresh;
    struct pv_revocation revocation = {.count = 2};
    home_init(&h);
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "the phone revokes the laptop");
    struct pv_revocation first_paper = {.devices = {h.laptop.paper.device}, .count = 1};
    is_err(pv_device_revoke(h.phone.person, &first_paper), PV_ERR_DENIED, "but no device revokes the kit");
    is_err(rig_device_open(&paper, &h.server, &h.laptop.paper, &h.laptop.me.person, 20), PV_OK, "both are lost; the kit");
    is_err(rig_person_pull(&paper), PV_OK, "reads Ada's room");
    is_err(rig_device_second(&fresh, &paper, 21, false), PV_OK, "adds a new device");
    revocation.devices[0] = h.laptop.me.device;
    revocation.devices[1] = h.phone.me.device;
    is_err(pv_revocation_spare(paper.person, &fresh.me.device, 1, &revocation), PV_OK, "keeps that");
    is_err(pv_device_revoke(paper.person, &revocation), PV_OK, "revokes the others");
    is_err(rig_person_push(&paper), PV_OK, "and sends it");
    is_err(rig_member_open(&by_paper, &paper, pv_room_id(h.l.room)), PV_OK, "in the room too");
    is_err(rig_settle(&by_paper), PV_OK, "it mends what is to mend");
    tap_ok(!is_in(&by_paper, &h.laptop) && !is_in(&by_paper, &h.phone) && is_in(&by_paper, &fresh), "old ones are out, the new one is in");
    is_err(rig_person_pull(&fresh), PV_OK, "the new device fetches");
    is_err(rig_member_open(&by_fresh, &fresh, pv_room_id(h.l.room)), PV_OK, "and opens the room");
    is_err(rig_settle(&by_fresh), PV_OK, "and fetches it");
    is_texts(&by_fresh, "one\ntwo\n", "reads all");
    is_err(rig_say(&by_fresh, "back"), PV_OK, "and writes");
    is_err(rig_settle(&by_fresh), PV_OK, "and sends");
    is_err(rig_pull(&h.b), PV_OK, "Bob fetches");
    is_texts(&h.b, "one\ntwo\nback\n", "and reads it");
    rig_member_close(&by_paper);
    rig_member_close(&by_fresh);
    rig_device_release(&paper);
    rig_device_release(&fresh);
    home_release(&h);
}

/* A device that this copy of the own room does not know yet is asked about before it is thrown out. */
static void test_unknown(void)
{
    struct home h;
    struct rig_device tablet;
    home_init(&h);
    is_err(rig_device_second(&tablet, &h.laptop, 5, false), PV_OK, "the laptop adds a tablet");
    is_err(rig_settle(&h.l), PV_OK, "here too");
    is_err(rig_push(&h.p), PV_OK, "the phone, which did not look at the own room, fetches this one");
    is_err(rig_say(&h.p, "waits"), PV_OK, "and writes");
    tap_ok(state_of(&h.p) == PV_DEVICES_PERSON_OLD && pv_room_wants_person(h.p.room), "it has to look there first");
    is_err(rig_push(&h.p), PV_OK, "sending alone");
    tap_is_int((long long)unsent(&h.p), 1, "seals nothing");
    tap_ok(is_in(&h.p, &tablet), "and removes nobody");
    is_err(rig_settle(&h.p), PV_OK, "with a look at the own room");
    tap_is_int((long long)unsent(&h.p), 0, "it is sent");
    tap_ok(is_in(&h.p, &tablet), "and the tablet stays");
    rig_device_release(&tablet);
    home_release(&h);
}

/* A look at the own room that was asked for by one device's coming says nothing of the next one's. */
static void test_unknown_twice(void)
{
    struct home h;
    struct rig_device tablet, watch;
    home_init(&h);
    is_err(rig_device_second(&tablet, &h.laptop, 5, false), PV_OK, "the laptop adds a tablet");
    is_err(rig_settle(&h.l), PV_OK, "here too");
    is_err(rig_push(&h.p), PV_OK, "the phone fetches this room");
    tap_ok(state_of(&h.p) == PV_DEVICES_PERSON_OLD, "and has to look into the own one");
    is_err(rig_person_pull(&h.phone), PV_OK, "which it does, and no more");
    is_err(rig_device_second(&watch, &h.laptop, 6, false), PV_OK, "the laptop adds a watch");
    is_err(rig_settle(&h.l), PV_OK, "here too");
    is_err(rig_push(&h.p), PV_OK, "the phone fetches this room again");
    tap_ok(state_of(&h.p) == PV_DEVICES_PERSON_OLD && pv_room_wants_person(h.p.room), "and has to look there again");
    tap_ok(is_in(&h.p, &watch), "before it throws out the watch");
    is_err(rig_settle(&h.p), PV_OK, "with that look");
    tap_ok(is_in(&h.p, &watch) && is_in(&h.p, &tablet), "both stay");
    rig_device_release(&watch);
    rig_device_release(&tablet);
    home_release(&h);
}

static enum pv_err add_here_alone(struct rig_member *by, const struct pv_new_device *device)
{
    struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_ADD};
    const struct pv_cert_context context = {.person = by->device->me.person};
    struct pv_cert *cert = &body.u.device_add.certs[0];
    body.u.device_add.cert_count = 1;
    *cert = (struct pv_cert){.device = device->device, .paper = device->paper, .signer = by->device->me.device, .consent = device->consent};
    enum pv_err err = pv_cert_sign(&context, &cert->device, cert->paper, &cert->signer, &by->device->me.sign_sk, &cert->sig);
    if (!err) err = pv_room_begin(by->room);
    if (!err) err = pv_write_roster(by->room, &body, pv_bytes(NULL, 0));
    if (!err) err = pv_room_commit(by->room);
    return err ? err : rig_push(by);
}

/* A thief who is still in adds a device to this room and not to Ada's own; and a kit. */
static void test_hidden(void)
{
    struct home h;
    struct rig_device fresh, kit;
    struct pv_new_device device, paper;
    home_init(&h);
    is_err(rig_device_init(&fresh, &h.server, 31), PV_OK, "a device of the thief's");
    is_err(rig_device_init(&kit, &h.server, 32), PV_OK, "and keys for a kit");
    is_err(pv_device_consent(&fresh.me, false, &h.laptop.me.person, &h.laptop.me.device, &device), PV_OK, "which consents");
    is_err(pv_device_consent(&kit.me, true, &h.laptop.me.person, &h.laptop.me.device, &paper), PV_OK, "as that does");
    is_err(add_here_alone(&h.l, &device), PV_OK, "is added to the room alone");
    is_err(rig_settle(&h.p), PV_OK, "the phone comes by");
    tap_ok(!is_in(&h.p, &fresh), "and takes it out, once it has looked into the own room");
    is_err(add_here_alone(&h.l, &paper), PV_OK, "the kit is added");
    is_err(rig_settle(&h.p), PV_OK, "the phone comes by");
    is_err(rig_say(&h.p, "waits"), PV_OK, "and writes");
    is_err(rig_settle(&h.p), PV_OK, "and sends");
    tap_ok(is_in(&h.p, &kit) && state_of(&h.p) == PV_DEVICES_PAPER, "a kit goes only with the device that added it");
    tap_is_int((long long)unsent(&h.p), 1, "so nothing is sealed");
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "the laptop is revoked");
    is_err(rig_person_push(&h.phone), PV_OK, "and all is sent");
    is_err(rig_settle(&h.p), PV_OK, "here too");
    tap_ok(!is_in(&h.p, &kit) && !is_in(&h.p, &h.laptop), "and the kit with it");
    tap_is_int((long long)unsent(&h.p), 0, "what waited is sent");
    is_err(revoke(&h.phone, &h.phone), PV_ERR_DENIED, "a device does not revoke itself");
    rig_device_release(&fresh);
    rig_device_release(&kit);
    home_release(&h);
}

/* Revoked without a server: nothing is founded before the removal is in. */
static void test_offline(void)
{
    struct home h;
    struct rig_member room;
    struct rig_device fresh;
    struct pv_new_device device;
    home_init(&h);
    is_err(rig_device_init(&fresh, &h.server, 31), PV_OK, "a new device");
    is_err(pv_device_consent(&fresh.me, false, &h.phone.me.person, &h.phone.me.device, &device), PV_OK, "would come");
    pv_kem_from_seed(&h.laptop.me.kem_seed, &device.kem_pk);
    is_err(pv_device_add(h.phone.person, &device), PV_ERR_MALFORMED, "with a key that is another's it does not");
    is_err(pv_device_consent(&fresh.me, false, &h.phone.me.person, &h.phone.me.device, &device), PV_OK, "with its own it may");
    h.server.down = true;
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "the phone revokes the laptop, offline");
    is_err(pv_device_add(h.phone.person, &device), PV_ERR_OFFLINE, "and adds none before the new keys are in");
    is_err(rig_found(&room, &h.phone), PV_ERR_OFFLINE, "and founds no room that would list it");
    h.server.down = false;
    is_err(rig_person_push(&h.phone), PV_OK, "with a server");
    is_err(rig_found(&room, &h.phone), PV_OK, "it does");
    tap_ok(!is_in(&room, &h.laptop), "without the laptop");
    rig_member_close(&room);
    rig_device_release(&fresh);
    home_release(&h);
}

/* Links that a revoked device may know close; later ones stay open. */
static void test_links(void)
{
    struct home h;
    struct rig_member elsewhere, by_phone;
    struct pv_invite_link old, newer, last;
    struct rig_device carol, tablet;
    home_init(&h);
    is_err(rig_device_init(&carol, &h.server, 9), PV_OK, "Carol");
    is_err(rig_found(&elsewhere, &carol), PV_OK, "has a room");
    is_err(rig_invite(&elsewhere, PV_ROLE_EDITOR, 5, &old), PV_OK, "and sends Ada a link");
    h.server.now_ms += 60000;
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "whose laptop is stolen with it");
    is_err(rig_person_push(&h.phone), PV_OK, "and revoked");
    h.server.now_ms += 60000;
    is_err(rig_join(&by_phone, &h.phone, &old), PV_OK, "by the phone she joins");
    is_err(rig_settle(&by_phone), PV_OK, "the room is mended");
    tap_ok(!pv_roster_invite(pv_room_roster(by_phone.room), &old.gate)->open, "the link, good for four more, is closed");
    tap_ok(pv_roster_is_barred(pv_room_roster(by_phone.room), &h.phone.me.person, &h.laptop.me.device), "and the laptop barred");
    is_err(rig_pull(&elsewhere), PV_OK, "Carol sees it");
    is_err(rig_invite(&elsewhere, PV_ROLE_EDITOR, 5, &newer), PV_OK, "and makes a new one");
    is_err(rig_say(&by_phone, "hello"), PV_OK, "Ada writes");
    is_err(rig_settle(&by_phone), PV_OK, "and sends");
    tap_ok(pv_roster_invite(pv_room_roster(by_phone.room), &newer.gate)->open, "and that one stays open");
    is_err(rig_device_second(&tablet, &h.phone, 5, false), PV_OK, "a tablet, which never came into this room");
    is_err(revoke(&h.phone, &tablet), PV_OK, "is revoked");
    is_err(rig_person_push(&h.phone), PV_OK, "and that is in");
    is_err(pv_room_close_invite(elsewhere.room, &newer.gate), PV_OK, "Carol closes her link");
    is_err(rig_push(&elsewhere), PV_OK, "which is sent");
    is_err(rig_settle(&by_phone), PV_OK, "Ada's new key comes into the room, in which no link is open");
    h.server.now_ms += 2 * 3600000;
    is_err(rig_pull(&by_phone), PV_OK, "she looks");
    is_err(rig_pull(&elsewhere), PV_OK, "so does Carol");
    is_err(rig_invite(&elsewhere, PV_ROLE_EDITOR, 5, &last), PV_OK, "who then makes another link");
    is_err(rig_say(&by_phone, "hello again"), PV_OK, "Ada writes");
    is_err(rig_settle(&by_phone), PV_OK, "and sends");
    tap_ok(pv_roster_invite(pv_room_roster(by_phone.room), &last.gate)->open, "the tablet cannot know it, so it stays open");
    rig_device_release(&tablet);
    rig_member_close(&by_phone);
    rig_member_close(&elsewhere);
    rig_device_release(&carol);
    home_release(&h);
}

/* The log of a room tells for ever that the phone once brought the tablet there. */
static void test_added_twice(void)
{
    struct home h;
    struct rig_device tablet;
    struct rig_member bobs, by_laptop, by_phone, again;
    struct pv_invite_link link;
    home_init(&h);
    is_err(rig_found(&bobs, &h.bob), PV_OK, "Bob founds a room");
    is_err(rig_invite(&bobs, PV_ROLE_EDITOR, 1, &link), PV_OK, "invites Ada");
    is_err(rig_join(&by_laptop, &h.laptop, &link), PV_OK, "who comes by her laptop");
    is_err(rig_device_second(&tablet, &h.laptop, 5, false), PV_OK, "which adds a tablet");
    is_err(rig_person_pull(&h.phone), PV_OK, "the phone learns of it");
    is_err(rig_member_open(&by_phone, &h.phone, pv_room_id(bobs.room)), PV_OK, "and of the room");
    is_err(rig_settle(&by_phone), PV_OK, "where it brings the tablet");
    tap_ok(is_in(&by_phone, &tablet), "in");
    is_err(rig_pull(&bobs), PV_OK, "Bob looks");
    is_err(pv_room_remove(bobs.room, &h.laptop.me.person), PV_OK, "removes Ada");
    is_err(rig_push(&bobs), PV_OK, "all of her");
    is_err(rig_invite(&bobs, PV_ROLE_EDITOR, 1, &link), PV_OK, "and invites her again");
    rig_member_close(&by_laptop);
    is_err(rig_join(&again, &h.laptop, &link), PV_OK, "by her laptop");
    is_err(revoke(&h.laptop, &h.phone), PV_OK, "which then revokes the phone");
    is_err(rig_person_push(&h.laptop), PV_OK, "in the own room");
    is_err(rig_settle(&again), PV_OK, "and in Bob's");
    tap_ok(!is_in(&again, &h.phone) && is_in(&again, &tablet), "the phone goes, and the tablet stays");
    rig_member_close(&again);
    rig_member_close(&by_phone);
    rig_member_close(&bobs);
    rig_device_release(&tablet);
    home_release(&h);
}

/* A revocation cut after any number of requests is gone on with by whichever device comes next. */
static void test_cut(void)
{
    bool all = true;
    size_t cuts = 0;
    for (size_t after = 1; all && after < 60; after++) {
        struct home h;
        struct rig_device tablet;
        struct rig_member t;
        all = home_make(&h) == PV_OK && rig_device_second(&tablet, &h.phone, 5, false) == PV_OK && rig_settle(&h.p) == PV_OK &&
              rig_member_open(&t, &tablet, pv_room_id(h.p.room)) == PV_OK && rig_settle(&t) == PV_OK && revoke(&h.phone, &h.laptop) == PV_OK;
        h.server.down_from = h.server.requests + after;
        enum pv_err err = rig_person_push(&h.phone);
        if (!err) err = rig_settle(&h.p);
        cuts += err != PV_OK;
        h.server.down_from = 0;
        /* the phone sends what it signed; the tablet does the rest */
        all = all && rig_person_push(&h.phone) == PV_OK && rig_person_pull(&tablet) == PV_OK && rig_person_push(&tablet) == PV_OK &&
              rig_say(&t, "after") == PV_OK && rig_settle(&t) == PV_OK && rig_settle(&h.p) == PV_OK && rig_settle(&t) == PV_OK;
        all = all && !is_in(&t, &h.laptop) && state_of(&t) == PV_DEVICES_READY && state_of(&h.p) == PV_DEVICES_READY && unsent(&t) == 0;
        if (!all) tap_note("cut after %zu requests: %s", after, pv_err_web_name(err));
        rig_member_close(&t);
        rig_device_release(&tablet);
        home_release(&h);
        if (!err) break;
    }
    tap_ok(all, "cut after each of %zu requests, it is taken up", cuts);
    tap_ok(cuts > 4, "there were requests to cut at");
}

int main(void)
{
    tap_is_int(pv_crypto_init(), PV_OK, "crypto");
    test_second_device();
    test_found_after_revoking();
    test_revoke();
    test_crossing();
    test_thief();
    test_younger();
    test_paper();
    test_unknown();
    test_unknown_twice();
    test_hidden();
    test_offline();
    test_links();
    test_added_twice();
    test_cut();
    return tap_done();
}
