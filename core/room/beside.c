/* What lies beside an entry: reading it, and whether it is exactly what the entry's clear body names. */
#include <stdlib.h>

#include "core/crypto/hash.h"
#include "core/log/merkle.h"
#include "core/room/body.h"
#include "core/room/epoch.h"

enum pv_err pv_beside_read(struct pv_bytes bytes, struct pv_beside *ret_beside)
{
    struct pv_cbor in;
    struct pv_beside beside = {.wraps = NULL};
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, 3);
    beside.kem_key_count = pv_cbor_get_array(&in, PV_LIMIT_BESIDE_KEM_KEYS);
    for (size_t i = 0; i < beside.kem_key_count; i++) {
        beside.kem_keys[i] = pv_cbor_get_bytes(&in, PV_KEM_PK_BYTES);
        if (beside.kem_keys[i].n != PV_KEM_PK_BYTES) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    }
    beside.link_count = pv_cbor_get_array(&in, PV_LIMIT_LINKS);
    for (size_t i = 0; i < beside.link_count; i++) {
        beside.links[i] = pv_cbor_get_bytes(&in, PV_LINK_BYTES);
        if (beside.links[i].n != PV_LINK_BYTES) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    }
    beside.wrap_count = pv_cbor_get_array(&in, PV_LIMIT_WRAPS);
    if (in.err) return in.err;
    if (beside.wrap_count > (size_t)(in.end - in.p)) return PV_ERR_TRUNCATED; /* before memory for them is asked */
    if (beside.wrap_count) {
        beside.wraps = calloc(beside.wrap_count, sizeof *beside.wraps);
        if (!beside.wraps) return PV_ERR_NOMEM;
    }
    for (size_t i = 0; i < beside.wrap_count; i++) {
        beside.wraps[i] = pv_cbor_get_bytes(&in, PV_WRAP_BYTES);
        if (beside.wraps[i].n != 0 && beside.wraps[i].n != PV_WRAP_BYTES) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    }
    enum pv_err err = pv_cbor_finish(&in);
    if (err) {
        pv_beside_release(&beside);
        return err;
    }
    *ret_beside = beside;
    return PV_OK;
}

void pv_beside_release(struct pv_beside *beside)
{
    free(beside->wraps);
    *beside = (struct pv_beside){.wraps = NULL};
}

/* What a body names: hashes of KEM keys and links in order, and the root over the wraps. */
struct named {
    struct pv_hash kem_keys[PV_LIMIT_BESIDE_KEM_KEYS];
    size_t kem_key_count;
    const struct pv_link_name *links;
    size_t link_count;
    const struct pv_hash *wraps_root; /* NULL: no wraps */
    size_t wrap_count;                /* ANY_COUNT: as many as the root covers */
};

enum { ANY_COUNT = -1 };

static void name_key(struct named *named, const struct pv_hash *kem_hash)
{
    named->kem_keys[named->kem_key_count++] = *kem_hash;
}

static void name_wraps(struct named *named, const struct pv_hash *root, size_t count)
{
    named->wraps_root = root;
    named->wrap_count = count;
}

static void name_roster(const struct pv_roster_body *body, struct named *named)
{
    if (body->type == PV_ROSTER_GENESIS) {
        const struct pv_genesis *genesis = &body->u.genesis;
        bool person = genesis->room_kind == PV_ROOM_PERSON;
        name_key(named, &genesis->kem_hash);
        if (!person) name_key(named, &genesis->founder.kem_hash);
        for (size_t i = 0; person && i < 2; i++) name_key(named, &genesis->founders[i].device.kem_hash);
        name_wraps(named, &genesis->wraps_root, person ? 2 : 1);
    } else if (body->type == PV_ROSTER_INVITE) {
        name_key(named, &body->u.invite.kem_hash);
        name_wraps(named, &body->u.invite.wraps_root, 1);
    } else if (body->type == PV_ROSTER_JOIN) {
        name_key(named, &body->u.join.party.kem_hash);
        name_wraps(named, &body->u.join.wraps_root, 1);
    } else if (body->type == PV_ROSTER_DEVICE_ADD && body->u.device_add.has_wraps_root) {
        const struct pv_device_add_body *add = &body->u.device_add;
        name_key(named, &add->certs[add->cert_count - 1].device.kem_hash);
        name_wraps(named, &add->wraps_root, 1);
    } else if (body->type == PV_ROSTER_DEVICE_REMOVE && body->u.device_remove.has_kem) {
        name_key(named, &body->u.device_remove.kem_hash);
    } else if (body->type == PV_ROSTER_REKEY) {
        name_key(named, &body->u.rekey.kem_hash);
        named->links = body->u.rekey.links;
        named->link_count = body->u.rekey.link_count;
        name_wraps(named, &body->u.rekey.wraps_root, (size_t)ANY_COUNT);
    }
}

static enum pv_err check_wraps(const struct named *named, const struct pv_beside *beside)
{
    struct pv_hash root;
    if (!named->wraps_root) return beside->wrap_count ? PV_ERR_BROKEN_CHAIN : PV_OK;
    if (named->wrap_count != (size_t)ANY_COUNT && named->wrap_count != beside->wrap_count) return PV_ERR_BROKEN_CHAIN;
    enum pv_err err = pv_merkle_list_root(beside->wraps, beside->wrap_count, &root);
    if (err) return err;
    return pv_hash_equal(&root, named->wraps_root) ? PV_OK : PV_ERR_BROKEN_CHAIN;
}

static enum pv_err check(const struct named *named, const struct pv_beside *beside)
{
    struct pv_hash hash;
    if (beside->kem_key_count != named->kem_key_count || beside->link_count != named->link_count)
        return PV_ERR_BROKEN_CHAIN;
    for (size_t i = 0; i < named->kem_key_count; i++) {
        pv_hash_bytes("kem-key", beside->kem_keys[i], &hash);
        if (!pv_hash_equal(&hash, &named->kem_keys[i])) return PV_ERR_BROKEN_CHAIN;
    }
    for (size_t i = 0; i < named->link_count; i++) {
        pv_hash_bytes("link-sealed", beside->links[i], &hash);
        if (!pv_hash_equal(&hash, &named->links[i].sealed_hash)) return PV_ERR_BROKEN_CHAIN;
    }
    return check_wraps(named, beside);
}

enum pv_err pv_beside_check(uint64_t kind, struct pv_bytes body, struct pv_bytes beside)
{
    struct named named = {.kem_key_count = 0};
    struct pv_roster_body roster_body;
    struct pv_beside read;
    if (kind == PV_KIND_ROSTER) {
        enum pv_err err = pv_roster_body_read(body, &roster_body);
        if (err) return err;
        name_roster(&roster_body, &named);
    }
    enum pv_err err = pv_beside_read(beside, &read);
    if (err) return err;
    err = check(&named, &read);
    pv_beside_release(&read);
    return err;
}
