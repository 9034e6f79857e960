/* Adding, revoking and listing devices where memory runs out at every allocation in turn: an error, then, tried again
 * with enough of it, the same end. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include <stdio.h>

#include "tests/unit/sync_rig.h"

/* Ada's laptop and phone, both in a room. */
struct world {
    struct rig_server server;
    struct rig_device laptop, phone;
    struct rig_member l, p;
    struct pv_identity tablet;
    struct pv_new_device handed;
};

static enum pv_err world_make(struct world *h)
{
    rig_server_init(&h->server, 1);
    h->server.around = fault_elsewhere;
    enum pv_err err = rig_device_init(&h->laptop, &h->server, 2);
    if (!err) err = rig_found(&h->l, &h->laptop);
    if (!err) err = rig_say(&h->l, "one");
    if (!err) err = rig_device_second(&h->phone, &h->laptop, 3, false);
    if (!err) err = rig_settle(&h->l);
    if (!err) err = rig_member_open(&h->p, &h->phone, pv_room_id(h->l.room));
    if (!err) err = rig_settle(&h->p);
    struct pv_sign_seed sign = {{7}};
    struct pv_kem_seed kem = {{8}};
    pv_identity_derive(&sign, &kem, &h->tablet);
    return err ? err : pv_device_consent(&h->tablet, false, &h->phone.me.person, &h->phone.me.device, &h->handed);
}

static void world_release(struct world *h)
{
    rig_member_close(&h->l);
    rig_member_close(&h->p);
    rig_device_release(&h->laptop);
    rig_device_release(&h->phone);
    rig_server_release(&h->server);
}

static enum pv_err send_all(struct world *h)
{
    enum pv_err err = rig_person_push(&h->phone);
    return err ? err : rig_settle(&h->p);
}

static enum pv_err add(struct world *h)
{
    enum pv_err err = pv_device_add(h->phone.person, &h->handed);
    return err ? err : send_all(h);
}

static bool is_added(struct world *h)
{
    return pv_roster_device(pv_room_roster(h->phone.person), &h->tablet.device) &&
           pv_roster_device(pv_room_roster(h->p.room), &h->tablet.device);
}

static enum pv_err revoke(struct world *h)
{
    struct pv_revocation revocation = {.devices = {h->laptop.me.device}, .count = 1};
    struct pv_hash gone[PV_LIMIT_DEVICES_PRESENT];
    size_t count;
    const struct pv_roster *view;
    enum pv_err err = pv_room_view(h->phone.person, &view);
    if (err) return err;
    if (pv_roster_device(view, &h->laptop.me.device)) {
        err = pv_revocation_spare(h->phone.person, NULL, 0, &revocation);
        if (!err) err = pv_revocation_preview(h->phone.person, &revocation, gone, &count);
        if (!err) err = pv_device_revoke(h->phone.person, &revocation);
    }
    return err ? err : send_all(h);
}

static bool is_revoked(struct world *h)
{
    struct pv_devices_report report;
    return !pv_roster_device(pv_room_roster(h->p.room), &h->laptop.me.device) && !pv_devices_report(h->p.room, &report) &&
           report.state == PV_DEVICES_READY && !report.rekey_due;
}

static enum pv_err look(struct world *h)
{
    struct pv_person_device *devices;
    struct pv_devices_report report;
    struct pv_buf record;
    size_t count;
    bool has;
    enum pv_err err = pv_person_devices(h->phone.person, &devices, &count);
    if (err) return err;
    free(devices);
    pv_buf_init(&record, PV_LIMIT_BODY_BYTES);
    err = pv_room_person_record(h->phone.person, &record);
    if (!err) err = pv_devices_report(h->p.room, &report);
    if (!err) err = pv_room_has_present_key(h->phone.person, &has);
    if (!err) err = pv_room_is_recorded(h->phone.person, pv_room_id(h->p.room), &has);
    pv_buf_release(&record);
    return err;
}

static bool is_unchanged(struct world *h)
{
    size_t count;
    (void)pv_roster_devices(pv_room_roster(h->phone.person), &count);
    return count == 3;
}

#include "tests/fault/fault_trials.h"

int main(void)
{
    static const struct trial trials[] = {{"look", look, is_unchanged}, {"add", add, is_added}, {"revoke", revoke, is_revoked}};
    tap_is_int(pv_crypto_init(), PV_OK, "crypto");
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) run_trial(&trials[i], 40, 17, 20);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
