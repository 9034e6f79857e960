/* Certificates out of a person's own room: person records for other rooms, and chains that lead to one device. */
#include "core/sync/certs.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading the log */

struct indexes {
    uint64_t *at;
    size_t count, cap;
};

static enum pv_err note_roster_entry(void *context, const struct pv_stored_entry *stored)
{
    struct indexes *found = context;
    struct pv_entry entry;
    if (stored->verdict != PV_ACCEPTED) return PV_OK;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    if (entry.header.kind != PV_KIND_ROSTER) return PV_OK;
    if (found->count == found->cap) {
        size_t cap = found->cap ? 2 * found->cap : 32;
        uint64_t *at = realloc(found->at, cap * sizeof *at);
        if (!at) return PV_ERR_NOMEM;
        found->at = at;
        found->cap = cap;
    }
    found->at[found->count++] = stored->index;
    return PV_OK;
}

static enum pv_err take_cert(struct pv_room *person_room, uint64_t index, struct pv_buf *memory, struct pv_own_certs *certs)
{
    struct pv_stored_entry stored;
    struct pv_roster_body body;
    enum pv_err err = pv_store_entry_get(person_room->store, index, memory, &stored);
    if (err) return err;
    if (!stored.has_body || pv_roster_body_read(stored.body, &body)) return PV_ERR_CORRUPT;
    if (body.type != PV_ROSTER_DEVICE_ADD) return PV_OK;
    certs->certs[certs->count] = body.u.device_add.certs[0];
    pv_device_id(&body.u.device_add.certs[0].device, &certs->ids[certs->count]);
    certs->count++;
    return PV_OK;
}

enum pv_err pv_own_certs_read(struct pv_room *person_room, struct pv_own_certs *ret_certs)
{
    struct indexes found = {.at = NULL};
    struct pv_own_certs certs = {.certs = NULL};
    struct pv_buf memory;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_header_each(person_room->store, 0, pv_roster_size(person_room->roster), note_roster_entry, &found);
    if (!err) {
        certs.certs = malloc((found.count + 1) * sizeof *certs.certs);
        certs.ids = malloc((found.count + 1) * sizeof *certs.ids);
        if (!certs.certs || !certs.ids) err = PV_ERR_NOMEM;
    }
    for (size_t i = 0; i < found.count && !err; i++) err = take_cert(person_room, found.at[i], &memory, &certs);
    pv_buf_release(&memory);
    free(found.at);
    if (err) pv_own_certs_release(&certs);
    else *ret_certs = certs;
    return err;
}

void pv_own_certs_release(struct pv_own_certs *certs)
{
    free(certs->certs);
    free(certs->ids);
    *certs = (struct pv_own_certs){.certs = NULL};
}

const struct pv_cert *pv_own_cert(const struct pv_own_certs *certs, const struct pv_hash *device)
{
    for (size_t i = 0; i < certs->count; i++)
        if (pv_hash_equal(&certs->ids[i], device)) return &certs->certs[i];
    return NULL;
}

enum pv_err pv_own_chain(const struct pv_own_certs *certs, const struct pv_hash *device,
                         bool (*known)(const void *context, const struct pv_hash *device), const void *context,
                         struct pv_cert ret_chain[static PV_LIMIT_CERTIFICATES], size_t *ret_count)
{
    size_t count = 0;
    for (const struct pv_hash *at = device; count == 0 || !known(context, at);) {
        const struct pv_cert *cert = pv_own_cert(certs, at);
        if (!cert) return PV_ERR_NOT_FOUND;
        if (count == PV_LIMIT_CERTIFICATES) return PV_ERR_LIMIT;
        memmove(ret_chain + 1, ret_chain, count * sizeof *ret_chain);
        ret_chain[0] = *cert;
        count++;
        at = &cert->signer;
    }
    *ret_count = count;
    return PV_OK;
}

/* ---- the person record */

/* A record in the making: certificates in an order in which each signer comes first. */
struct listing {
    const struct pv_own_certs *own;
    struct pv_hash founders[2];
    struct pv_cert certs[PV_LIMIT_CERTIFICATES];
    struct pv_hash ids[PV_LIMIT_CERTIFICATES];
    size_t count;
};

static bool is_listed(const void *context, const struct pv_hash *device)
{
    const struct listing *l = context;
    for (size_t i = 0; i < 2; i++)
        if (pv_hash_equal(&l->founders[i], device)) return true;
    for (size_t i = 0; i < l->count; i++)
        if (pv_hash_equal(&l->ids[i], device)) return true;
    return false;
}

/* With all that lead to it, or not at all. */
static bool list_device(struct listing *l, const struct pv_hash *device)
{
    struct pv_cert chain[PV_LIMIT_CERTIFICATES];
    size_t count;
    if (is_listed(l, device)) return true;
    if (pv_own_chain(l->own, device, is_listed, l, chain, &count) || l->count + count > PV_LIMIT_CERTIFICATES) return false;
    for (size_t i = 0; i < count; i++) {
        l->certs[l->count] = chain[i];
        pv_device_id(&chain[i].device, &l->ids[l->count]);
        l->count++;
    }
    return true;
}

static void take_device(struct listing *l, struct pv_party *party, const struct pv_hash *device)
{
    for (size_t i = 0; i < party->device_count; i++)
        if (pv_hash_equal(&party->devices[i], device)) return;
    if (party->device_count < PV_LIMIT_DEVICES_LISTED && list_device(l, device))
        party->devices[party->device_count++] = *device;
}

static enum pv_err read_founders(struct pv_bytes genesis_body, struct pv_hash ret_founders[static 2])
{
    struct pv_roster_body body;
    if (pv_roster_body_read(genesis_body, &body) || body.type != PV_ROSTER_GENESIS || body.u.genesis.room_kind != PV_ROOM_PERSON)
        return PV_ERR_CORRUPT;
    for (size_t i = 0; i < 2; i++) pv_device_id(&body.u.genesis.founders[i].device, &ret_founders[i]);
    return PV_OK;
}

/* This device and the first paper device before all others: without them no party is valid. Those that find no place
 * are added to the room later, one by one. */
static void list_devices(const struct pv_room *person_room, struct listing *l, struct pv_party *party)
{
    size_t count;
    const struct pv_room_device *devices = pv_roster_devices(person_room->roster, &count);
    party->device_count = 0;
    take_device(l, party, &person_room->me->device);
    take_device(l, party, &l->founders[1]);
    for (size_t i = 0; i < count; i++) take_device(l, party, &devices[i].id);
}

enum pv_err pv_own_record(struct pv_room *person_room, struct pv_buf *record, struct pv_party *ret_party)
{
    struct pv_stored_entry genesis;
    struct pv_own_certs own = {.certs = NULL};
    struct listing *l = calloc(1, sizeof *l);
    struct pv_buf memory;
    if (!l) return PV_ERR_NOMEM;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_own_certs_read(person_room, &own);
    if (!err) err = pv_store_entry_get(person_room->store, 0, &memory, &genesis);
    if (!err) err = genesis.has_body ? read_founders(genesis.body, l->founders) : PV_ERR_CORRUPT;
    if (!err) {
        struct pv_party party;
        l->own = &own;
        list_devices(person_room, l, &party);
        pv_record_put(record, genesis.entry, genesis.body, l->certs, l->count);
        err = record->err;
        if (!err && ret_party) {
            memcpy(ret_party->devices, party.devices, sizeof party.devices);
            ret_party->device_count = party.device_count;
        }
    }
    pv_buf_release(&memory);
    pv_own_certs_release(&own);
    free(l);
    return err;
}

enum pv_err pv_room_person_record(struct pv_room *person_room, struct pv_buf *record)
{
    return pv_own_record(person_room, record, NULL);
}
