/* Rules on a person's devices: device_add, device_remove. */
#include "core/room/roster_state.h"

/* ---- device_add */

static const struct pv_cert *added(const struct pv_case *c)
{
    return &c->body.roster.u.device_add.certs[c->body.roster.u.device_add.cert_count - 1];
}

static const struct pv_hash *added_id(const struct pv_case *c)
{
    return &c->listed[c->body.roster.u.device_add.cert_count - 1].id; /* certificates are listed in order */
}

/* Who signed the first certificate: the author, or in a client room whoever was ever accepted for this person. */
static const struct pv_sign_pk *first_signer(const struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_hash *signer = &c->body.roster.u.device_add.certs[0].signer;
    const struct pv_author *author = pv_state_author(r, signer);
    if (r->kind == PV_ROOM_PERSON && !pv_hash_equal(signer, &c->header->author)) return NULL;
    if (!author || !author->owned) return NULL;
    if (r->kind == PV_ROOM_CLIENT && !pv_hash_equal(&author->owner, &c->me_id)) return NULL;
    return &author->pk;
}

static enum pv_err check_certificates(const struct pv_roster *r, const struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_device_add_body *add = &c->body.roster.u.device_add;
    bool person_room = r->kind == PV_ROOM_PERSON;
    struct pv_cert_context context = {.person = person_room ? r->room : c->me_id};
    const struct pv_sign_pk *signer = first_signer(r, c);
    enum pv_err err = PV_OK;
    bool fits = signer && add->has_wraps_root == person_room && (!person_room || add->cert_count == 1);
    for (size_t i = 0; i < add->cert_count && fits && !err; i++) {
        if (i) signer = &add->certs[i - 1].device.sign_pk;
        if (i) fits = pv_hash_equal(&add->certs[i].signer, &c->listed[i - 1].id);
        if (fits) err = pv_cert_verify(&context, &add->certs[i], signer);
    }
    if (err == PV_ERR_NOMEM) return err;
    if (err || !fits) *ret_reason = PV_REASON_CERTIFICATE;
    return PV_OK;
}

/* A thief may add devices, but not so many that all others' rooms grow slow. */
static bool has_too_many(const struct pv_roster *r, const struct pv_case *c)
{
    size_t count = 0;
    for (size_t i = 0; i < r->devices.count; i++) {
        const struct pv_room_device *device = pv_table_at(&r->devices, i);
        count += r->kind == PV_ROOM_PERSON || pv_hash_equal(&device->principal, &c->me_id);
    }
    return count >= PV_LIMIT_DEVICES_PRESENT;
}

static enum pv_reason refuse_addition(const struct pv_roster *r, const struct pv_case *c)
{
    if (r->kind == PV_ROOM_PERSON && r->due) return PV_REASON_DUE;
    if (r->kind == PV_ROOM_PERSON && c->header->epoch != pv_roster_epoch(r)) return PV_REASON_STALE_EPOCH;
    return has_too_many(r, c) ? PV_REASON_LIMIT : PV_REASON_NONE;
}

static enum pv_err check_device_add(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_hash *id = added_id(c);
    const struct pv_hash *owner = r->kind == PV_ROOM_PERSON ? id : &c->me_id;
    const struct pv_author *author = pv_state_author(r, id);
    c->need.principals = c->need.devices = c->need.adds = 1;
    if (pv_state_device(r, id)) *ret_reason = PV_REASON_DEVICE_IN_USE;
    else if (pv_state_bar_holds(r, &c->me_id, id, added(c)->paper, false)) *ret_reason = PV_REASON_BARRED;
    if (*ret_reason) return PV_OK;
    enum pv_err err = check_certificates(r, c, ret_reason);
    if (err || *ret_reason) return err;
    if (author && author->owned && !pv_hash_equal(&author->owner, owner)) *ret_reason = PV_REASON_FOREIGN_DEVICE;
    else *ret_reason = refuse_addition(r, c);
    return PV_OK;
}

static void commit_device_add(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_hash *id = added_id(c);
    const struct pv_cert *cert = added(c);
    struct pv_room_device *device;
    struct pv_author *author = pv_state_author(r, id);
    if (r->kind == PV_ROOM_PERSON) {
        device = pv_state_add_own_device(r, c->item->index, id, cert);
    } else {
        device = pv_table_insert(&r->devices, id);
        device->device = cert->device;
        device->principal = c->me_id;
        device->index = c->item->index;
        device->paper = cert->paper;
    }
    device->has_adder = true;
    device->adder = c->header->author;
    device->order = pv_state_paper_order(false, c->item->index, 0);
    author->owned = true;
    author->owner = device->principal;
    author->paper = cert->paper;
    pv_state_record_add(r, c->item->index, &c->header->author, id);
}

const struct pv_rule pv_rule_device_add = {.member = true, .check = check_device_add, .commit = commit_device_add};

/* ---- device_remove */

/* Is this device in the swept set? */
static const struct pv_swept *swept(const struct pv_roster *r, const struct pv_case *c, const struct pv_hash *id)
{
    const struct pv_author *author = pv_state_author(r, id);
    const struct pv_swept *node = author ? &c->sweep.nodes[pv_map_number(&r->authors, author)] : NULL;
    return node && node->in ? node : NULL;
}

/* Was it reached through another than itself? */
static bool through_another(const struct pv_roster *r, const struct pv_case *c, const struct pv_hash *id)
{
    const struct pv_swept *node = swept(r, c, id);
    return node && (!node->named || node->origins[1]);
}

/* Present devices in the swept set; the first reason found against removing them. */
static enum pv_reason refuse_swept(const struct pv_roster *r, const struct pv_case *c, size_t *ret_present)
{
    enum pv_reason reason = PV_REASON_NONE;
    size_t present = 0;
    for (size_t i = 0; i < c->sweep.count; i++) {
        const struct pv_author *author = pv_map_at(&r->authors, c->sweep.numbers[i]);
        const struct pv_room_device *device = pv_state_device(r, &author->id);
        if (pv_hash_equal(&author->id, &c->header->author)) return PV_REASON_SELF;
        if (!device) continue;
        present++;
        bool senior = c->device->paper && c->device->order < device->order;
        if (device->paper && !senior && !through_another(r, c, &device->id)) reason = PV_REASON_PAPER;
    }
    *ret_present = present;
    return reason;
}

static bool names_foreign(const struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_device_remove_body *removal = &c->body.roster.u.device_remove;
    for (size_t i = 0; r->kind == PV_ROOM_CLIENT && i < removal->device_count; i++) {
        const struct pv_author *author = pv_state_author(r, &removal->devices[i]);
        if (author && author->owned && !pv_hash_equal(&author->owner, &c->me_id)) return true;
    }
    return false;
}

/* Only by sweeping, or by a paper device, is a bar set that holds against paper devices. */
static bool bar_is_strong(const struct pv_roster *r, const struct pv_case *c, bool author_is_paper,
                          const struct pv_hash *id)
{
    return author_is_paper || through_another(r, c, id);
}

/* A bar on a named device is new, or holds from now on against what may be a paper device. */
static bool bars_anew(const struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_device_remove_body *removal = &c->body.roster.u.device_remove;
    for (size_t i = 0; i < removal->device_count; i++) {
        const struct pv_hash *id = &removal->devices[i];
        const struct pv_bar *bar = pv_state_bar(r, &c->me_id, id);
        const struct pv_author *author = pv_state_author(r, id);
        bool may_be_paper = !author || !author->owned || author->paper;
        if (!bar || (!bar->strong && may_be_paper && bar_is_strong(r, c, c->device->paper, id))) return true;
    }
    return false;
}

/* A new KEM key counts if it is of a later person epoch, or if whoever set the old one goes or is gone. */
static bool takes_kem(const struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_device_remove_body *removal = &c->body.roster.u.device_remove;
    if (r->kind != PV_ROOM_CLIENT || !removal->has_kem) return false;
    if (pv_hash_equal(&removal->kem_hash, &c->me->kem_hash)) return false;
    return removal->person_epoch > c->me->person_epoch || !pv_state_device(r, &c->me->setter) ||
           swept(r, c, &c->me->setter) != NULL;
}

static enum pv_err check_device_remove(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    size_t present = 0;
    enum pv_err err = pv_sweep(r, c);
    if (err) return err;
    c->need.bars = c->sweep.count + c->body.roster.u.device_remove.device_count;
    c->takes_kem = takes_kem(r, c);
    *ret_reason = refuse_swept(r, c, &present);
    if (*ret_reason) return PV_OK;
    if (names_foreign(r, c)) *ret_reason = PV_REASON_FOREIGN_DEVICE;
    else if (!present && !c->takes_kem && !bars_anew(r, c)) *ret_reason = PV_REASON_NO_EFFECT;
    return PV_OK;
}

struct goes {
    const struct pv_roster *roster;
    const struct pv_case *c;
};

static bool device_goes(const void *context, const void *item)
{
    const struct goes *goes = context;
    const struct pv_room_device *device = item;
    bool mine = goes->roster->kind == PV_ROOM_PERSON || pv_hash_equal(&device->principal, &goes->c->me_id);
    return mine && swept(goes->roster, goes->c, &device->id);
}

static bool principal_goes(const void *context, const void *item)
{
    const struct goes *goes = context;
    return swept(goes->roster, goes->c, &((const struct pv_principal *)item)->id) != NULL;
}

static void commit_device_remove(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_device_remove_body *removal = &c->body.roster.u.device_remove;
    bool author_is_paper = pv_state_device(r, &c->header->author)->paper;
    for (size_t i = 0; i < removal->device_count; i++)
        pv_state_set_bar(r, &c->me_id, &removal->devices[i], bar_is_strong(r, c, author_is_paper, &removal->devices[i]));
    for (size_t i = 0; i < c->sweep.count; i++) {
        const struct pv_author *author = pv_map_at(&r->authors, c->sweep.numbers[i]);
        pv_state_set_bar(r, &c->me_id, &author->id, bar_is_strong(r, c, author_is_paper, &author->id));
    }
    struct goes goes = {r, c};
    pv_table_remove(&r->devices, device_goes, &goes);
    if (r->kind == PV_ROOM_PERSON) pv_table_remove(&r->principals, principal_goes, &goes);
    r->due = true;
    if (r->kind == PV_ROOM_PERSON) return;
    if (c->takes_kem) {
        struct pv_principal *me = pv_state_principal(r, &c->me_id);
        me->person_epoch = removal->person_epoch;
        me->kem_hash = removal->kem_hash;
        me->setter = c->header->author;
    }
    pv_state_close_all_invites(r);
}

const struct pv_rule pv_rule_device_remove = {.member = true, .check = check_device_remove,
                                              .commit = commit_device_remove};
