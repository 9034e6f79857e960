/* Plays bytes as entries of one room and aborts where the fold breaks an invariant. */
#include "tests/unit/roster_steps.h"

#include <stdlib.h>
#include <string.h>

enum { PERSONS = 3, DEVICES = 5, INVITES = 16, ENTRIES_MAX = 60 };

static struct kit_person persons[PERSONS];
static struct kit_room room;
static const uint8_t *at;
static size_t left;
static uint64_t *accepted_types;

void roster_steps_init(void)
{
    if (pv_crypto_init()) abort();
    for (size_t p = 0; p < PERSONS; p++) {
        kit_person_make(p + 1, &persons[p]);
        kit_person_certify(&persons[p], 0, false);
        kit_person_certify(&persons[p], 2, true);
        kit_person_certify(&persons[p], 3, false);
    }
}

void roster_steps_release(void)
{
    for (size_t p = 0; p < PERSONS; p++) kit_person_release(&persons[p]);
}

static unsigned byte(void)
{
    if (left == 0) return 0;
    left--;
    return *at++;
}

static struct kit_person *any_person(void)
{
    return &persons[byte() % PERSONS];
}

static struct kit_device *any_device(void)
{
    unsigned b = byte();
    return &persons[b / DEVICES % PERSONS].devices[b % DEVICES];
}

/* Mostly one that is present. */
static struct kit_device *any_author(void)
{
    size_t count;
    const struct pv_room_device *devices = pv_roster_devices(room.roster, &count);
    if (count == 0 || byte() % 4 == 0) return any_device();
    const struct pv_hash *id = &devices[byte() % count].id;
    for (size_t i = 0; i < (size_t)PERSONS * DEVICES; i++) {
        struct kit_device *device = &persons[i / DEVICES].devices[i % DEVICES];
        if (pv_hash_equal(&device->id, id)) return device;
    }
    return any_device(); /* a snapshot may name others */
}

/* Mostly an open one. */
static uint64_t some_invite(void)
{
    uint64_t number = byte() % INVITES;
    for (uint64_t i = 0; i < INVITES; i++) {
        struct pv_id16 id = kit_id16("invite", (number + i) % INVITES);
        const struct pv_invite *invite = pv_roster_invite(room.roster, &id);
        if (invite && invite->open) return (number + i) % INVITES;
    }
    return number;
}

static const struct kit_person *person_of(const struct kit_device *device)
{
    size_t p = 0;
    while (device < persons[p].devices || device >= persons[p].devices + KIT_DEVICES) p++;
    return &persons[p];
}

static uint64_t any_index(void)
{
    uint64_t below = byte() % 8, size = pv_roster_size(room.roster);
    return below > size ? 0 : size - below;
}

static bool deserted(void)
{
    size_t count;
    (void)pv_roster_principals(room.roster, &count);
    return count == 0;
}

static void check(void)
{
    size_t count, devices, invites, open = 0;
    bool owner = false;
    const struct pv_principal *principals = pv_roster_principals(room.roster, &count);
    const struct pv_room_device *device = pv_roster_devices(room.roster, &devices);
    const struct pv_invite *invite = pv_roster_invites(room.roster, &invites);
    for (size_t i = 0; i < count; i++) owner = owner || principals[i].role == PV_ROLE_OWNER;
    if (count && !owner) abort();
    for (size_t i = 0; i < devices; i++) {
        if (!pv_roster_principal_of(room.roster, &device[i].id)) abort();
        if (i && memcmp(&device[i - 1], &device[i], sizeof(struct pv_hash)) >= 0) abort();
    }
    for (size_t i = 0; i < invites; i++) open += invite[i].open;
    struct pv_recipient *recipients;
    size_t recipient_count;
    if (pv_roster_recipients(room.roster, &recipients, &recipient_count)) abort();
    if (recipient_count != count + open) abort();
    free(recipients);
}

/* Through its snapshot and back. */
static void renew(void)
{
    struct pv_buf once, twice;
    struct pv_roster *decoded;
    pv_buf_init(&once, SIZE_MAX);
    pv_buf_init(&twice, SIZE_MAX);
    if (pv_roster_encode(room.roster, &once)) abort();
    if (pv_roster_decode(pv_buf_bytes(&once), &decoded)) abort();
    if (pv_roster_encode(decoded, &twice) || !pv_bytes_equal(pv_buf_bytes(&once), pv_buf_bytes(&twice))) abort();
    pv_roster_free(room.roster);
    room.roster = decoded;
    pv_buf_release(&once);
    pv_buf_release(&twice);
}

static bool play(const struct kit_device *author, uint64_t kind, struct pv_buf *body)
{
    struct kit_item item;
    enum pv_verdict judged, verdict;
    enum pv_reason judged_reason, reason;
    struct pv_hash log_id;
    pv_log_key_id(&room.log_pk, &log_id);
    struct pv_header header = kit_header(&room, author ? &author->id : &log_id, kind);
    if (pv_kind_is_sealed(kind)) header.epoch = pv_roster_epoch(room.roster);
    if (body->err) abort();
    kit_item_make(&room, &header, author ? &author->sk : &room.log_sk, pv_buf_bytes(body), &item);
    if (pv_roster_judge(room.roster, &item.item, &judged, &judged_reason)) abort();
    uint64_t epoch = pv_roster_epoch(room.roster);
    bool due = pv_roster_rekey_due(room.roster);
    verdict = kit_append(&room, &item, &reason);
    if (verdict != judged || reason != judged_reason) abort();
    bool rekeyed = pv_roster_epoch(room.roster) == epoch + 1;
    if (!rekeyed && (pv_roster_epoch(room.roster) != epoch || (due && !pv_roster_rekey_due(room.roster)))) abort();
    if (verdict == PV_REJECTED && pv_roster_rekey_due(room.roster) != due) abort();
    check();
    return verdict == PV_ACCEPTED;
}

static void fill_devices(const struct kit_device *author, struct pv_roster_body *body)
{
    if (body->type == PV_ROSTER_DEVICE_ADD) {
        const struct pv_hash *owner = pv_roster_owner_of(room.roster, &author->id);
        bool person_room = pv_roster_room_kind(room.roster) == PV_ROOM_PERSON;
        struct pv_hash person = person_room || !owner ? *pv_roster_room(room.roster) : *owner;
        body->u.device_add.cert_count = 1;
        kit_certify(&person, any_device(), author, &body->u.device_add.certs[0]);
        body->u.device_add.has_wraps_root = person_room;
        return;
    }
    struct pv_device_remove_body *removal = &body->u.device_remove;
    removal->device_count = 1 + byte() % 3;
    for (size_t i = 0; i < removal->device_count; i++) removal->devices[i] = any_device()->id;
    removal->since = any_index();
    removal->has_kem = byte() & 1;
    removal->person_epoch = removal->has_kem ? byte() % 4 : 0;
    if (removal->has_kem) removal->kem_hash = kit_hash("kem", byte());
}

static void fill_members(const struct kit_device *author, struct pv_roster_body *body)
{
    if (body->type == PV_ROSTER_INVITE) {
        uint64_t number = byte() % INVITES;
        kit_invite_body(number, (enum pv_role)(byte() % 3), byte() % 4, body);
        body->u.invite.has_until = byte() & 1;
        body->u.invite.until_ms = body->u.invite.has_until ? 10 : 0;
        body->u.invite.has_member_until = body->u.invite.has_until;
        body->u.invite.member_until_ms = body->u.invite.until_ms;
    } else if (body->type == PV_ROSTER_JOIN) {
        const struct kit_person *person = byte() % 8 ? person_of(author) : any_person();
        uint64_t number = some_invite();
        kit_join_body(&room, person, number, body);
        body->u.join.party.device_count -= byte() % 4;
        kit_join_body_sign(&room, person, number, body);
    } else if (body->type == PV_ROSTER_ROLE) {
        body->u.role.person = any_person()->id;
        const struct pv_principal *target = pv_roster_principal(room.roster, &body->u.role.person);
        body->u.role.join_index = target ? target->join_index : 0;
        body->u.role.from = target ? target->role : PV_ROLE_VIEWER;
        body->u.role.to = (enum pv_role)(byte() % 3);
    } else {
        body->u.remove.count = byte() % 4 ? 1 : 2;
        for (size_t i = 0; i < body->u.remove.count; i++) {
            body->u.remove.targets[i].person = any_person()->id;
            const struct pv_principal *target = pv_roster_principal(room.roster, &body->u.remove.targets[i].person);
            body->u.remove.targets[i].join_index = target ? target->join_index : 0;
        }
    }
}

static void fill(const struct kit_device *author, struct pv_roster_body *body)
{
    uint8_t value[1];
    switch (body->type) {
    case PV_ROSTER_GENESIS: kit_genesis_person(&room, any_person(), body); break;
    case PV_ROSTER_INVITE:
    case PV_ROSTER_JOIN:
    case PV_ROSTER_ROLE:
    case PV_ROSTER_REMOVE: fill_members(author, body); break;
    case PV_ROSTER_CLOSE_INVITE: body->u.close_invite = kit_id16("invite", some_invite()); break;
    case PV_ROSTER_LEAVE: break;
    case PV_ROSTER_DEVICE_ADD:
    case PV_ROSTER_DEVICE_REMOVE: fill_devices(author, body); break;
    case PV_ROSTER_REKEY: kit_rekey_body(&room, body); break;
    case PV_ROSTER_BAD_WRAP: body->u.bad_wrap_epoch = pv_roster_epoch(room.roster); break;
    case PV_ROSTER_POLICY:
        body->u.policy.replaces = *pv_roster_policy(room.roster);
        value[0] = (uint8_t)byte();
        body->u.policy.value = pv_bytes(value, 0);
        break;
    case PV_ROSTER_SERVER:
        pv_server_value_hash(pv_roster_server_name(room.roster), &room.log_pk, &body->u.server.replaces);
        body->u.server.name = pv_bytes_of_string("privity.example");
        body->u.server.log_key = room.log_pk;
        break;
    case PV_ROSTER_HOLD:
    case PV_ROSTER_FORGET:
        body->u.ranges.id = kit_id16("keeping", byte() % 4);
        body->u.ranges.count = 1;
        body->u.ranges.ranges[0].from = any_index();
        body->u.ranges.ranges[0].to = body->u.ranges.ranges[0].from + 1 + byte() % 4;
        if (body->type == PV_ROSTER_FORGET) body->u.ranges.cut_epoch = byte() % 4;
        break;
    case PV_ROSTER_LIFT: body->u.lift = kit_id16("keeping", byte() % 4); break;
    }
}

static void play_server(struct pv_buf *bytes)
{
    struct pv_server_body body = {.type = (enum pv_server_type)(byte() % 4)};
    if (body.type == PV_SERVER_RELEASE) body.u.release.gate = kit_id16("invite", some_invite());
    if (body.type == PV_SERVER_DELETED) body.u.deleted_forget = kit_id16("keeping", byte() % 4);
    if (body.type == PV_SERVER_EXPIRED) {
        body.u.expired.time_ms = byte() % 20;
        body.u.expired.is_invite = byte() & 1;
        if (body.u.expired.is_invite) {
            body.u.expired.invite = kit_id16("invite", some_invite());
        } else {
            body.u.expired.membership.person = any_person()->id;
            const struct pv_principal *p = pv_roster_principal(room.roster, &body.u.expired.membership.person);
            body.u.expired.membership.join_index = p ? p->join_index : 0;
        }
    }
    pv_server_body_put(bytes, &body);
    (void)play(NULL, PV_KIND_SERVER, bytes);
}

/* The body's very bytes. */
static void play_raw(const struct kit_device *author, struct pv_buf *bytes)
{
    size_t n = byte();
    uint64_t kind = byte() & 1 ? PV_KIND_ROSTER : PV_KIND_SIGN;
    if (n > left) n = left;
    pv_buf_append(bytes, at, n);
    at += n;
    left -= n;
    (void)play(author, kind, bytes);
}

static void step(void)
{
    enum { ROSTER_TYPES = PV_ROSTER_FORGET + 1 };
    static const enum pv_roster_type often[] = {PV_ROSTER_REKEY, PV_ROSTER_INVITE, PV_ROSTER_JOIN, PV_ROSTER_REKEY};
    struct pv_buf bytes;
    unsigned op = byte() % (ROSTER_TYPES + 10);
    if (op >= ROSTER_TYPES + 6) op = often[op - ROSTER_TYPES - 6];
    if (op == PV_ROSTER_LEAVE && byte() % 4) op = PV_ROSTER_REKEY; /* or rooms would soon be empty, */
    if (op == PV_ROSTER_DEVICE_REMOVE && byte() % 3) op = PV_ROSTER_JOIN; /* and invites closed before they are used */
    struct kit_device *author = op == PV_ROSTER_JOIN ? any_device() : any_author();
    pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
    if (op < ROSTER_TYPES) {
        struct pv_roster_body body = {.type = (enum pv_roster_type)op};
        fill(author, &body);
        pv_roster_body_put(&bytes, &body);
        accepted_types[body.type] += play(author, PV_KIND_ROSTER, &bytes);
    } else if (op == ROSTER_TYPES) {
        struct pv_sign_body sign = {.index = any_index(), .stance = (enum pv_stance)(byte() % 3)};
        pv_sign_body_put(&bytes, &sign);
        (void)play(author, PV_KIND_SIGN, &bytes);
    } else if (op <= ROSTER_TYPES + 2) {
        (void)play(author, op == ROSTER_TYPES + 1 ? PV_KIND_TALK : PV_KIND_WORK, &bytes);
    } else if (op == ROSTER_TYPES + 3) {
        play_server(&bytes);
    } else if (op == ROSTER_TYPES + 4) {
        play_raw(author, &bytes);
    } else {
        renew();
    }
    pv_buf_release(&bytes);
}

/* A snapshot from the input: whatever it is, it decodes to what it says or not at all. */
static void take_snapshot(void)
{
    struct pv_roster *decoded;
    struct pv_buf again;
    size_t n = byte();
    n = n << 8 | byte();
    if (n > left) n = left;
    struct pv_bytes bytes = pv_bytes(at, n);
    at += n;
    left -= n;
    if (pv_roster_decode(bytes, &decoded)) return;
    pv_buf_init(&again, SIZE_MAX);
    if (pv_roster_encode(decoded, &again) || !pv_bytes_equal(pv_buf_bytes(&again), bytes)) abort();
    pv_buf_release(&again);
    if (pv_roster_size(decoded) == 1) { /* in the place of what this log began with */
        pv_roster_free(room.roster);
        room.roster = decoded;
    } else {
        pv_roster_free(decoded);
    }
}

/* The whole log at once gives the same state. */
static void replay(void)
{
    struct pv_buf once, twice;
    struct pv_roster *cold;
    enum pv_verdict verdict;
    enum pv_reason reason;
    if (pv_roster_new(&cold)) abort();
    for (size_t i = 0; i < room.tree.size; i++)
        if (pv_roster_apply(cold, &room.log[i].item, &verdict, &reason) || verdict > PV_REJECTED) abort();
    pv_buf_init(&once, SIZE_MAX);
    pv_buf_init(&twice, SIZE_MAX);
    if (pv_roster_encode(room.roster, &once) || pv_roster_encode(cold, &twice)) abort();
    if (!pv_bytes_equal(pv_buf_bytes(&once), pv_buf_bytes(&twice))) abort();
    pv_buf_release(&once);
    pv_buf_release(&twice);
    pv_roster_free(cold);
}

size_t roster_steps_play(struct pv_bytes bytes, uint64_t accepted[static PV_ROSTER_FORGET + 1])
{
    at = bytes.p;
    left = bytes.n;
    accepted_types = accepted;
    unsigned mode = byte();
    if ((mode & 1 ? kit_found_person(&room, 1, &persons[0]) : kit_found_client(&room, 1, &persons[0])) != PV_REASON_NONE)
        abort();
    if (mode & 2) take_snapshot();
    for (size_t i = 0; left && i < ENTRIES_MAX && !deserted(); i++) step();
    renew();
    if (!(mode & 2)) replay();
    size_t size = (size_t)room.tree.size;
    kit_room_release(&room);
    return size;
}
