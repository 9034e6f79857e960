/* A room that holds a later key of a person than the own room reaches: a restore took epochs of that one back. */
#include "tests/unit/two_devices.h"

/* In this room alone: a key that nobody holds, said to be of so many epochs after the own room's. The tablet is barred here. */
static enum pv_err set_lost_key(struct rig_member *by, const struct rig_device *tablet, uint64_t ahead)
{
    struct pv_kem_seed seed = {{7}};
    struct pv_kem_pk pk;
    struct pv_buf beside;
    struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE};
    struct pv_device_remove_body *removal = &body.u.device_remove;
    struct pv_bytes kem_key = PV_BYTES_OF(pk);
    pv_kem_from_seed(&seed, &pk);
    removal->devices[removal->device_count++] = tablet->me.device;
    removal->since = pv_roster_size(pv_room_roster(by->room));
    removal->has_kem = true;
    removal->person_epoch = pv_roster_epoch(pv_room_roster(by->device->person)) + ahead;
    pv_kem_hash(&pk, &removal->kem_hash);
    pv_buf_init(&beside, PV_LIMIT_BODY_BYTES);
    pv_beside_put(&beside, &kem_key, 1, NULL, 0, NULL, 0);
    enum pv_err err = pv_room_begin(by->room);
    if (!err) err = pv_write_roster(by->room, &body, pv_buf_bytes(&beside));
    if (!err) err = pv_room_commit(by->room);
    pv_buf_release(&beside);
    return err ? err : rig_settle(by);
}

static bool holds_newest_key(const struct rig_member *member)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(pv_room_roster(member->device->person), &count);
    const struct pv_principal *me = pv_roster_principal(pv_room_roster(member->room), &member->device->me.person);
    return me && pv_hash_equal(&me->kem_hash, &epochs[count - 1].kem_hash);
}

/* Ada revoked a tablet, and her own room has that. */
static void revoke_tablet(struct home *h, struct rig_device *ret_tablet)
{
    home_init(h);
    is_err(rig_device_second(ret_tablet, &h->phone, 5, false), PV_OK, "a tablet comes");
    is_err(rig_settle(&h->p), PV_OK, "here too");
    is_err(revoke(&h->phone, ret_tablet), PV_OK, "and is revoked");
    is_err(rig_person_push(&h->phone), PV_OK, "in the own room");
    is_err(rig_settle(&h->p), PV_OK, "and here");
    tap_ok(!is_in(&h->p, ret_tablet) && holds_newest_key(&h->p), "with the own room's new key");
}

static void test_ahead(uint64_t ahead)
{
    struct home h;
    struct rig_device tablet;
    revoke_tablet(&h, &tablet);
    uint64_t epoch = pv_roster_epoch(pv_room_roster(h.phone.person));
    is_err(set_lost_key(&h.p, &tablet, ahead), PV_OK, "the room has a key of an epoch that the own room lost");
    is_err(rig_say(&h.p, "waits"), PV_OK, "she writes");
    is_err(rig_settle(&h.p), PV_OK, "and sends");
    tap_is_int((long long)unsent(&h.p), 1, "nothing, for that key is nobody's");
    tap_ok(state_of(&h.p) == PV_DEVICES_PERSON_DUE, "until the own room has a later epoch");
    is_err(rig_person_push(&h.phone), PV_OK, "which its next sending makes");
    tap_is_int((long long)(pv_roster_epoch(pv_room_roster(h.phone.person)) - epoch), (long long)ahead + 1, "and no more than that");
    is_err(rig_settle(&h.p), PV_OK, "the room is sent");
    tap_ok(state_of(&h.p) == PV_DEVICES_READY && holds_newest_key(&h.p), "of which the room takes the key");
    tap_is_int((long long)unsent(&h.p), 0, "what waited is sent");
    is_err(rig_person_push(&h.phone), PV_OK, "the own room is sent again");
    tap_is_int((long long)(pv_roster_epoch(pv_room_roster(h.phone.person)) - epoch), (long long)ahead + 1, "without a further epoch");
    is_err(rig_person_pull(&h.laptop), PV_OK, "the laptop comes by");
    is_err(rig_settle(&h.l), PV_OK, "here too");
    is_texts(&h.l, "one\ntwo\nwaits\n", "and reads it");
    rig_device_release(&tablet);
    home_release(&h);
}

/* The own room comes to that very epoch again, with another key, and goes on to a later one. */
static void test_level(void)
{
    struct home h;
    struct rig_device tablet;
    revoke_tablet(&h, &tablet);
    uint64_t epoch = pv_roster_epoch(pv_room_roster(h.phone.person));
    is_err(set_lost_key(&h.p, &tablet, 1), PV_OK, "the room has a key of the epoch that the own room lost");
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "she revokes the laptop");
    is_err(rig_person_push(&h.phone), PV_OK, "by an epoch of the same number");
    tap_is_int((long long)(pv_roster_epoch(pv_room_roster(h.phone.person)) - epoch), 2, "upon which a later one comes");
    is_err(rig_settle(&h.p), PV_OK, "here too");
    tap_ok(!is_in(&h.p, &h.laptop), "it goes");
    tap_ok(state_of(&h.p) == PV_DEVICES_READY && holds_newest_key(&h.p), "and the new key comes");
    rig_device_release(&tablet);
    home_release(&h);
}

/* Nobody makes any number of epochs because a thief wrote a number; revoking the thief's device frees the room. */
static void test_far_ahead(void)
{
    struct home h;
    struct rig_device tablet;
    revoke_tablet(&h, &tablet);
    uint64_t epoch = pv_roster_epoch(pv_room_roster(h.phone.person));
    is_err(rig_person_pull(&h.laptop), PV_OK, "the laptop is stolen");
    is_err(rig_settle(&h.l), PV_OK, "and is in the room");
    is_err(set_lost_key(&h.l, &tablet, 100), PV_OK, "where the thief writes a key of a far epoch");
    is_err(rig_say(&h.p, "waits"), PV_OK, "Ada writes");
    is_err(rig_settle(&h.p), PV_OK, "and sends");
    tap_ok(state_of(&h.p) == PV_DEVICES_KEY, "but the key is none of hers");
    tap_is_int((long long)unsent(&h.p), 1, "so nothing is sealed");
    is_err(rig_person_push(&h.phone), PV_OK, "the own room is sent");
    tap_is_int((long long)(pv_roster_epoch(pv_room_roster(h.phone.person)) - epoch), 0, "without an epoch for it");
    is_err(revoke(&h.phone, &h.laptop), PV_OK, "she revokes the laptop");
    is_err(rig_person_push(&h.phone), PV_OK, "in the own room");
    is_err(rig_settle(&h.p), PV_OK, "and here");
    tap_ok(state_of(&h.p) == PV_DEVICES_READY && holds_newest_key(&h.p), "which brings her key");
    tap_is_int((long long)unsent(&h.p), 0, "what waited is sent");
    rig_device_release(&tablet);
    home_release(&h);
}

int main(void)
{
    tap_is_int(pv_crypto_init(), PV_OK, "crypto");
    test_ahead(1);
    test_ahead(15);
    test_level();
    test_far_ahead();
    return tap_done();
}
