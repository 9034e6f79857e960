/* For tests of a person's devices: a room of someone with two, and cases about which are in it. */
#ifndef TESTS_UNIT_TWO_DEVICES_H
#define TESTS_UNIT_TWO_DEVICES_H

#include <stdio.h>
#include <string.h>

#include "core/sync/room_parts.h"
#include "tests/unit/sync_pair.h"

__attribute__((unused)) static enum pv_devices_state state_of(struct rig_member *member)
{
    struct pv_devices_report report;
    return pv_devices_report(member->room, &report) ? (enum pv_devices_state)99 : report.state;
}

__attribute__((unused)) static bool is_in(const struct rig_member *member, const struct rig_device *device)
{
    return pv_roster_device(pv_room_roster(member->room), &device->me.device) != NULL;
}

__attribute__((unused)) static bool is_current(const struct rig_device *by, const struct rig_device *device)
{
    return pv_roster_device(pv_room_roster(by->person), &device->me.device) != NULL;
}

/* Ada's laptop and phone, Bob, and a room of theirs. */
struct home {
    struct rig_server server;
    struct rig_device laptop, phone, bob;
    struct rig_member l, p, b;
};

__attribute__((unused)) static enum pv_err home_make(struct home *h)
{
    struct pv_invite_link link;
    rig_server_init(&h->server, 1);
    enum pv_err err = rig_device_init(&h->laptop, &h->server, 2);
    if (!err) err = rig_device_init(&h->bob, &h->server, 3);
    if (!err) err = rig_found(&h->l, &h->laptop);
    if (!err) err = rig_say(&h->l, "one");
    if (!err) err = rig_invite(&h->l, PV_ROLE_EDITOR, 1, &link);
    if (!err) err = rig_join(&h->b, &h->bob, &link);
    if (!err) err = rig_say(&h->b, "two");
    if (!err) err = rig_push(&h->b); /* in an epoch of its own */
    if (!err) err = rig_device_second(&h->phone, &h->laptop, 4, false);
    if (!err) err = rig_settle(&h->l);
    if (!err) err = rig_member_open(&h->p, &h->phone, pv_room_id(h->l.room));
    return err ? err : rig_settle(&h->p);
}

__attribute__((unused)) static void home_init(struct home *h)
{
    is_err(home_make(h), PV_OK, "Ada, on a laptop that added a phone, and Bob share a room");
}

__attribute__((unused)) static void home_release(struct home *h)
{
    rig_member_close(&h->l);
    rig_member_close(&h->p);
    rig_member_close(&h->b);
    rig_device_release(&h->laptop);
    rig_device_release(&h->phone);
    rig_device_release(&h->bob);
    rig_server_release(&h->server);
}

__attribute__((unused)) static enum pv_err revoke(struct rig_device *by, const struct rig_device *device)
{
    struct pv_revocation revocation = {.devices = {device->me.device}, .count = 1};
    enum pv_err err = pv_revocation_spare(by->person, NULL, 0, &revocation);
    return err ? err : pv_device_revoke(by->person, &revocation);
}

#endif
