/* Writing what a room lacks beside the person's own: removals, bars, the person's new key, new devices. */
#include "core/sync/mend.h"

#include <stdlib.h>

#include "core/sync/certs.h"

enum { ROUNDS_MAX = 8 /* removals in one go, each of at most PV_LIMIT_TARGETS devices */ };

enum pv_err pv_mend_person_key(struct pv_room *person, struct pv_kem_pk *ret_pk, struct pv_hash *ret_hash)
{
    return pv_mend_key_of_epoch(person, pv_roster_epoch(person->roster), ret_pk, ret_hash);
}

enum pv_err pv_mend_key_of_epoch(struct pv_room *person, uint64_t epoch, struct pv_kem_pk *ret_pk, struct pv_hash *ret_hash)
{
    struct pv_epoch_secret secret;
    struct pv_kem_seed seed;
    enum pv_err err = pv_keys_secret(person, person->roster, epoch, &secret);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_ERR_NO_KEY : err;
    pv_epoch_kem_seed(&secret, &seed);
    pv_kem_from_seed(&seed, ret_pk);
    pv_kem_hash(ret_pk, ret_hash);
    pv_wipe(&secret, sizeof secret);
    pv_wipe(&seed, sizeof seed);
    return PV_OK;
}

static enum pv_err write_removal(struct pv_room *room, const struct pv_roster_body *body)
{
    struct pv_kem_pk pk;
    struct pv_hash hash;
    struct pv_buf beside;
    enum pv_err err = PV_OK;
    if (!body->u.device_remove.has_kem) return pv_write_roster(room, body, pv_bytes(NULL, 0));
    err = pv_mend_person_key(room->person_room, &pk, &hash);
    if (err) return err;
    struct pv_bytes kem_key = PV_BYTES_OF(pk);
    pv_buf_init(&beside, PV_LIMIT_BODY_BYTES);
    pv_beside_put(&beside, &kem_key, 1, NULL, 0, NULL, 0);
    err = beside.err;
    if (!err) err = pv_write_roster(room, body, pv_buf_bytes(&beside));
    if (!err) err = pv_store_kem_key_add(room->store, &pk);
    pv_buf_release(&beside);
    return err;
}

/* ---- devices that are not here yet */

struct known {
    const struct pv_roster *view;
    const struct pv_hash *person;
};

static bool is_known(const void *context, const struct pv_hash *device)
{
    const struct known *known = context;
    const struct pv_hash *owner = pv_roster_owner_of(known->view, device);
    return owner && pv_hash_equal(owner, known->person);
}

/* One that the rules do not let in stays out: it is missing, which its owner is told, and nothing else hangs on it. */
static enum pv_err add_device(struct pv_room *room, const struct pv_own_certs *certs, const struct pv_hash *device)
{
    struct known known = {.person = &room->me->person};
    struct pv_roster_body *body = calloc(1, sizeof *body);
    enum pv_verdict verdict = PV_REJECTED;
    enum pv_reason reason;
    if (!body) return PV_ERR_NOMEM;
    body->type = PV_ROSTER_DEVICE_ADD;
    enum pv_err err = pv_room_view(room, &known.view);
    if (!err) err = pv_own_chain(certs, device, is_known, &known, body->u.device_add.certs, &body->u.device_add.cert_count);
    if (!err) err = pv_judge_roster(room, body, &verdict, &reason);
    if (!err && verdict == PV_ACCEPTED) err = pv_write_roster(room, body, pv_bytes(NULL, 0));
    free(body);
    return err == PV_ERR_NOT_FOUND || err == PV_ERR_LIMIT ? PV_OK : err;
}

static enum pv_err add_missing(struct pv_room *room)
{
    const struct pv_roster *own = room->person_room->roster, *view;
    struct pv_own_certs certs;
    size_t count;
    const struct pv_room_device *devices = pv_roster_devices(own, &count);
    enum pv_err err = pv_own_certs_read(room->person_room, &certs);
    if (err) return err;
    for (size_t i = 0; i < count && !err; i++) {
        err = pv_room_view(room, &view);
        if (!err && !pv_roster_device(view, &devices[i].id)) err = add_device(room, &certs, &devices[i].id);
    }
    pv_own_certs_release(&certs);
    return err;
}

enum pv_err pv_mend(struct pv_room *room)
{
    struct pv_mend_plan *plan = malloc(sizeof *plan); /* a body is large */
    if (!plan) return PV_ERR_NOMEM;
    enum pv_err err = pv_mend_plan(room, plan);
    for (size_t round = 0; !err && plan->report.state == PV_DEVICES_MEND && round < ROUNDS_MAX; round++) {
        err = write_removal(room, &plan->body);
        if (!err) err = pv_mend_plan(room, plan);
    }
    enum pv_devices_state state = plan->report.state;
    bool may_add = state == PV_DEVICES_READY || state == PV_DEVICES_PAPER || state == PV_DEVICES_KEY;
    if (!err && may_add && plan->report.missing) err = add_missing(room);
    free(plan);
    return err == PV_ERR_NO_KEY ? PV_OK : err; /* without the person's present secret it waits */
}
