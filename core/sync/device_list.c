/* Who was ever a device of the person: read from the own room's log, gone ones too. */
#include <stdlib.h>
#include <string.h>

#include "core/sync/devices.h"
#include "core/sync/room_parts.h"

struct list {
    struct pv_person_device *devices;
    size_t count, cap;
};

struct reading {
    struct pv_room *room;
    struct pv_buf body;   /* of the entry at hand */
    struct list list;
};

static struct pv_person_device *find(const struct list *list, const struct pv_hash *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (pv_hash_equal(&list->devices[i].id, id)) return &list->devices[i];
    return NULL;
}

static enum pv_err push(struct list *list, const struct pv_cert *cert, struct pv_person_device device)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        struct pv_person_device *devices = realloc(list->devices, cap * sizeof *devices);
        if (!devices) return PV_ERR_NOMEM;
        list->devices = devices;
        list->cap = cap;
    }
    pv_device_id(&cert->device, &device.id);
    device.paper = cert->paper;
    list->devices[list->count++] = device;
    return PV_OK;
}

/* The named ones, and transitively what they added since: as the roster sweeps them. */
static void sweep(struct list *list, const struct pv_device_remove_body *removal, const struct pv_header *header)
{
    bool grew = true;
    for (size_t i = 0; i < list->count; i++) {
        struct pv_person_device *device = &list->devices[i];
        for (size_t k = 0; k < removal->device_count && !device->revoked; k++) {
            if (!pv_hash_equal(&removal->devices[k], &device->id)) continue;
            device->revoked = true;
            device->revoker = header->author;
            device->revoked_ms = header->time_ms;
        }
    }
    while (grew) {
        grew = false;
        for (size_t i = 0; i < list->count; i++) {
            struct pv_person_device *device = &list->devices[i];
            const struct pv_person_device *adder = device->founding || device->revoked ? NULL : find(list, &device->adder);
            if (!adder || !adder->revoked || device->index < removal->since) continue;
            device->revoked = grew = true;
            device->revoker = header->author;
            device->revoked_ms = header->time_ms;
        }
    }
}

static enum pv_err take_body(struct list *list, uint64_t index, const struct pv_header *header, struct pv_bytes bytes)
{
    struct pv_roster_body body;
    struct pv_person_device device = {.index = index, .added_ms = header->time_ms, .adder = header->author};
    enum pv_err err = PV_OK;
    if (pv_roster_body_read(bytes, &body)) return PV_ERR_CORRUPT;
    if (body.type == PV_ROSTER_DEVICE_REMOVE) sweep(list, &body.u.device_remove, header);
    if (body.type == PV_ROSTER_DEVICE_ADD) return push(list, &body.u.device_add.certs[0], device);
    device.founding = true;
    for (size_t i = 0; body.type == PV_ROSTER_GENESIS && i < 2 && !err; i++) err = push(list, &body.u.genesis.founders[i], device);
    return err;
}

static enum pv_err take_entry(void *context, const struct pv_stored_entry *stored)
{
    struct reading *r = context;
    struct pv_stored_entry whole;
    struct pv_entry entry;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    if (stored->verdict != PV_ACCEPTED || entry.header.kind != PV_KIND_ROSTER) return PV_OK;
    enum pv_err err = pv_store_entry_get(r->room->store, stored->index, &r->body, &whole);
    if (!err && !whole.has_body) err = PV_ERR_CORRUPT;
    return err ? err : take_body(&r->list, stored->index, &entry.header, whole.body);
}

enum pv_err pv_person_devices(struct pv_room *person_room, struct pv_person_device **ret_devices, size_t *ret_count)
{
    struct reading r = {.room = person_room};
    const struct pv_roster *view;
    enum pv_err err = pv_room_refresh(person_room);
    pv_buf_init(&r.body, PV_LIMIT_BATCH_BYTES);
    if (!err) err = pv_store_header_each(person_room->store, 0, pv_roster_size(person_room->roster), take_entry, &r);
    if (!err) err = pv_room_view(person_room, &view);
    for (size_t i = 0; i < r.list.count && !err; i++) r.list.devices[i].revoked = !pv_roster_device(view, &r.list.devices[i].id);
    pv_buf_release(&r.body);
    if (err) {
        free(r.list.devices);
        return err;
    }
    *ret_devices = r.list.devices;
    *ret_count = r.list.count;
    return PV_OK;
}

enum pv_err pv_room_has_present_key(struct pv_room *room, bool *ret_has)
{
    struct pv_epoch_secret secret;
    enum pv_err err = pv_keys_secret(room, room->roster, pv_roster_epoch(room->roster), &secret);
    pv_wipe(&secret, sizeof secret);
    if (!err || err == PV_ERR_NOT_FOUND) *ret_has = !err;
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}
