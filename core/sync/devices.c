/* Adding and removing devices in the person's own room. */
#include "core/sync/devices.h"

#include <stdlib.h>
#include <string.h>

#include "core/sync/certs.h"

/* ---- adding */

enum pv_err pv_device_consent(const struct pv_identity *me, bool paper, const struct pv_hash *person,
                              const struct pv_hash *signer, struct pv_new_device *ret_device)
{
    struct pv_new_device device = {.device = me->public, .paper = paper};
    const struct pv_cert_context context = {.person = *person};
    pv_kem_from_seed(&me->kem_seed, &device.kem_pk);
    enum pv_err err = pv_cert_sign(&context, &device.device, paper, signer, &me->sign_sk, &device.consent);
    if (!err) *ret_device = device;
    return err;
}

/* The certificate, if all that the new device handed over fits together. */
static enum pv_err certify(const struct pv_room *person_room, const struct pv_new_device *device, struct pv_cert *ret_cert)
{
    const struct pv_cert_context context = {.person = person_room->id};
    struct pv_cert cert = {.device = device->device, .paper = device->paper, .signer = person_room->me->device,
                           .consent = device->consent};
    struct pv_hash kem_hash;
    pv_kem_hash(&device->kem_pk, &kem_hash);
    if (!pv_hash_equal(&kem_hash, &device->device.kem_hash)) return PV_ERR_MALFORMED;
    enum pv_err err = pv_cert_sign(&context, &cert.device, cert.paper, &cert.signer, &person_room->me->sign_sk, &cert.sig);
    if (!err) err = pv_cert_verify(&context, &cert, &person_room->me->public.sign_pk);
    if (!err) *ret_cert = cert;
    return err;
}

static enum pv_err add(struct pv_room *room, const struct pv_new_device *device, const struct pv_cert *cert)
{
    struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_ADD};
    struct pv_device_add_body *in = &body.u.device_add;
    const struct pv_roster *view;
    uint8_t wrap[PV_WRAP_BYTES];
    struct pv_hash id;
    enum pv_err err = pv_rekey_with_it(room); /* nobody is added while one is due */
    if (!err) err = pv_room_view(room, &view);
    if (err) return err;
    pv_device_id(&device->device, &id);
    if (pv_roster_device(view, &id)) return PV_OK;
    if (pv_roster_rekey_due(view) || pv_roster_epoch(view) != pv_roster_epoch(room->roster))
        return pv_room_raise(room, PV_ERR_OFFLINE, pv_bytes(NULL, 0), "your keys are being changed: connect to your server first");
    in->certs[0] = *cert;
    in->cert_count = 1;
    in->has_wraps_root = true;
    err = pv_wrap_present(room, view, PV_BYTES_OF(id), &device->kem_pk, &cert->device.kem_hash, wrap, &in->wraps_root);
    return err ? err : pv_write_with_wrap(room, &body, &device->kem_pk, wrap);
}

/* A rekey that `add` finds due is kept even where the device has to wait for it. */
static enum pv_err finish(struct pv_room *room, enum pv_err err)
{
    if (!err || err == PV_ERR_OFFLINE) {
        enum pv_err committed = pv_room_commit(room);
        return committed ? committed : err;
    }
    pv_room_rollback(room);
    return err;
}

enum pv_err pv_device_add(struct pv_room *person_room, const struct pv_new_device *device)
{
    struct pv_cert cert;
    enum pv_err err = certify(person_room, device, &cert);
    if (!err) err = pv_room_begin(person_room);
    return err ? err : finish(person_room, add(person_room, device, &cert));
}

/* ---- removing */

static bool names(const struct pv_hash *ids, size_t count, const struct pv_hash *id)
{
    for (size_t i = 0; i < count; i++)
        if (pv_hash_equal(&ids[i], id)) return true;
    return false;
}

static void revocation_body(const struct pv_revocation *revocation, struct pv_roster_body *ret_body)
{
    *ret_body = (struct pv_roster_body){.type = PV_ROSTER_DEVICE_REMOVE};
    struct pv_device_remove_body *in = &ret_body->u.device_remove;
    memcpy(in->devices, revocation->devices, revocation->count * sizeof in->devices[0]);
    in->device_count = revocation->count;
    in->since = revocation->since;
}

/* The least `since` at which none of `keep` goes: 0, or just after the adding of a current device. */
static enum pv_err spare(const struct pv_roster *view, const struct pv_hash *person, const struct pv_hash *keep, size_t keep_count,
                         struct pv_revocation *revocation)
{
    struct pv_roster_body body;
    size_t count;
    bool goes;
    const struct pv_room_device *devices = pv_roster_devices(view, &count);
    uint64_t least = 0;
    revocation->since = 0;
    revocation_body(revocation, &body);
    enum pv_err err = pv_roster_sweeps(view, &body.u.device_remove, person, keep, keep_count, &goes);
    if (err || !goes) return err;
    for (size_t i = 0; i < count; i++)
        if (devices[i].has_adder && devices[i].index >= least) least = devices[i].index + 1; /* spares all that is not named */
    for (size_t i = 0; i < count && !err; i++) {
        if (!devices[i].has_adder || devices[i].index + 1 >= least) continue;
        body.u.device_remove.since = devices[i].index + 1;
        err = pv_roster_sweeps(view, &body.u.device_remove, person, keep, keep_count, &goes);
        if (!err && !goes) least = body.u.device_remove.since;
    }
    revocation->since = least;
    return err;
}

enum pv_err pv_revocation_spare(struct pv_room *person_room, const struct pv_hash *keep, size_t keep_count,
                                struct pv_revocation *revocation)
{
    struct pv_hash spared[PV_LIMIT_DEVICES_PRESENT + 1];
    const struct pv_roster *view;
    if (!revocation->count || revocation->count > PV_LIMIT_TARGETS || keep_count > PV_LIMIT_DEVICES_PRESENT) return PV_ERR_LIMIT;
    enum pv_err err = pv_room_view(person_room, &view);
    if (err) return err;
    if (keep_count) memcpy(spared, keep, keep_count * sizeof *keep);
    spared[keep_count] = person_room->me->device;
    return spare(view, &person_room->id, spared, keep_count + 1, revocation);
}

enum pv_err pv_revocation_preview(struct pv_room *person_room, const struct pv_revocation *revocation,
                                  struct pv_hash *ret_devices, size_t *ret_count)
{
    const struct pv_roster *view;
    struct pv_roster_body body;
    struct pv_hash before[PV_LIMIT_DEVICES_PRESENT];
    size_t count, gone = 0;
    if (!revocation->count || revocation->count > PV_LIMIT_TARGETS) return PV_ERR_LIMIT;
    revocation_body(revocation, &body);
    enum pv_err err = pv_room_begin(person_room);
    if (err) return err;
    err = pv_room_view(person_room, &view);
    if (!err) {
        const struct pv_room_device *devices = pv_roster_devices(view, &count);
        for (size_t i = 0; i < count && i < PV_LIMIT_DEVICES_PRESENT; i++) before[i] = devices[i].id;
        err = pv_write_roster(person_room, &body, pv_bytes(NULL, 0));
    }
    if (!err) err = pv_room_view(person_room, &view);
    for (int named = 1; named >= 0 && !err; named--)
        for (size_t i = 0; i < count; i++)
            if (!pv_roster_device(view, &before[i]) && names(revocation->devices, revocation->count, &before[i]) == (named == 1))
                ret_devices[gone++] = before[i];
    pv_room_rollback(person_room); /* it was only tried */
    if (!err) *ret_count = gone;
    return err;
}

enum pv_err pv_device_revoke(struct pv_room *person_room, const struct pv_revocation *revocation)
{
    struct pv_roster_body body;
    if (!revocation->count || revocation->count > PV_LIMIT_TARGETS) return PV_ERR_LIMIT;
    revocation_body(revocation, &body);
    enum pv_err err = pv_room_begin(person_room);
    if (err) return err;
    err = pv_write_roster(person_room, &body, pv_bytes(NULL, 0));
    if (!err) err = pv_rekey_with_it(person_room);
    return finish(person_room, err);
}
