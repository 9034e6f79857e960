/* Adding, revoking and listing devices where memory runs out at every allocation in turn: an error, then, tried again
 * with enough of it, the same end. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include <stdio.h>

#include "tests/unit/sync_rig.h"

/* The rig's server stands for another machine: its memory does not run out. */
static void server_works(bool entering)
{
    static bool was_armed;
    if (entering) {
        was_armed = fault_armed;
        fault_armed = false;
    } else {
        fault_armed = was_armed;
    }
}

/* Ada's laptop and phone, both in a room. */
struct home {
    struct rig_server server;
    struct rig_device laptop, phone;
    struct rig_member l, p;
    struct pv_identity tablet;
    struct pv_new_device handed;
};

static enum pv_err home_make(struct home *h)
{
    rig_server_init(&h->server, 1);
    h->server.around = server_works;
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

static void home_release(struct home *h)
{
    rig_member_close(&h->l);
    rig_member_close(&h->p);
    rig_device_release(&h->laptop);
    rig_device_release(&h->phone);
    rig_server_release(&h->server);
}

static enum pv_err send_all(struct home *h)
{
    enum pv_err err = rig_person_push(&h->phone);
    return err ? err : rig_settle(&h->p);
}

static enum pv_err add(struct home *h)
{
    enum pv_err err = pv_device_add(h->phone.person, &h->handed);
    return err ? err : send_all(h);
}

static bool is_added(const struct home *h)
{
    return pv_roster_device(pv_room_roster(h->phone.person), &h->tablet.device) &&
           pv_roster_device(pv_room_roster(h->p.room), &h->tablet.device);
}

static enum pv_err revoke(struct home *h)
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

static bool is_revoked(const struct home *h)
{
    struct pv_devices_report report;
    return !pv_roster_device(pv_room_roster(h->p.room), &h->laptop.me.device) && !pv_devices_report(h->p.room, &report) &&
           report.state == PV_DEVICES_READY && !report.rekey_due;
}

static enum pv_err look(struct home *h)
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

static bool is_unchanged(const struct home *h)
{
    size_t count;
    (void)pv_roster_devices(pv_room_roster(h->phone.person), &count);
    return count == 3;
}

static const struct trial {
    const char *name;
    enum pv_err (*act)(struct home *h);
    bool (*stands)(const struct home *h);
} trials[] = {{"look", look, is_unchanged}, {"add", add, is_added}, {"revoke", revoke, is_revoked}};

/* Every allocation at first, then some: later ones are like those before them. */
static size_t next(size_t n)
{
    return n < 40 ? n + 1 : n + 17;
}

/* One try that lacks memory from allocation n on, once; `ret_fired` false: there was enough. */
static bool run_once(const struct trial *trial, size_t n, bool *ret_fired)
{
    struct home h;
    enum pv_err err = home_make(&h);
    if (err) return tap_ok(false, "%s: preparing: %s", trial->name, pv_err_web_name(err));
    fault_arm(n);
    err = trial->act(&h);
    *ret_fired = fault_disarm();
    enum pv_err again = err ? trial->act(&h) : PV_OK;
    bool good = (!err || err == PV_ERR_NOMEM) && !(err && !*ret_fired) && !again && trial->stands(&h);
    home_release(&h);
    return good || tap_ok(false, "%s: allocation %zu: %s, then %s", trial->name, n, pv_err_web_name(err), pv_err_web_name(again));
}

int main(void)
{
    tap_is_int(pv_crypto_init(), PV_OK, "crypto");
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        size_t runs = 0;
        bool fired = true, good = true;
        for (size_t n = 0; good && fired && n < 20000; n = next(n), runs++) good = run_once(&trials[i], n, &fired);
        tap_ok(good && !fired && runs > 20, "%s: tried %zu times", trials[i].name, runs);
    }
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
