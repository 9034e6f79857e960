/* Verifications: folded from the person's own room, newest last, and read back. */
#include "core/state/verified.h"

#include <stdlib.h>
#include <string.h>

#include "core/state/feature.h"
#include "core/state/overlay.h"

static enum pv_err withdraw(struct pv_store *store, const struct pv_hash *person)
{
    struct pv_sql sql = pv_sql_begin(store, "DELETE FROM verified WHERE person = ?");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*person));
    return pv_sql_run(&sql);
}

enum pv_err pv_verified_fold(struct pv_store *store, const struct pv_folding *folding)
{
    const struct pv_hash *person = &folding->payload->u.verified.person;
    struct pv_encoded_list devices = folding->payload->u.verified.devices;
    struct pv_hash ids[PV_LIMIT_DEVICES_PRESENT];
    size_t count = 0;
    if (!folding->payload->u.verified.stands) return withdraw(store, person);
    while (pv_encoded_device_next(&devices, &ids[count])) count++;
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO verified (person, idx, author, time, how, devices)"
                                            " VALUES (?, ?, ?, ?, ?, ?)");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*person));
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_u64(&sql, folding->author);
    pv_sql_bind_u64(&sql, folding->payload->u.verified.time_ms);
    pv_sql_bind_u64(&sql, (uint64_t)folding->payload->u.verified.how);
    pv_sql_bind_bytes(&sql, pv_bytes(ids, count * sizeof *ids));
    return pv_sql_run(&sql);
}

/* ---- reading */

static void read_row(struct pv_sql *sql, const struct pv_query *own, struct pv_verification *ret_row)
{
    struct pv_verification row = {.index = pv_sql_u64(sql, 2), .time_ms = pv_sql_u64(sql, 3)};
    uint64_t how = pv_sql_u64(sql, 4);
    struct pv_bytes devices = pv_sql_bytes(sql, 5);
    pv_sql_fixed(sql, 0, row.person.b, sizeof row.person.b);
    pv_sql_fixed(sql, 1, row.device.b, sizeof row.device.b);
    if (how > PV_VERIFIED_CODE || devices.n > sizeof row.devices || devices.n % sizeof *row.devices) pv_sql_fail(sql, PV_ERR_CORRUPT);
    if (sql->err) return;
    row.how = (enum pv_verified_how)how;
    row.device_count = devices.n / sizeof *row.devices;
    if (devices.n) memcpy(row.devices, devices.p, devices.n);
    row.device_revoked = !own->roster || !pv_roster_device(own->roster, &row.device);
    *ret_row = row;
}

static enum pv_err load(const struct pv_query *own, struct pv_verifications *ret_list)
{
    struct pv_verifications list = {0};
    size_t cap = 0;
    struct pv_sql sql = pv_sql_begin(own->store, "SELECT v.person, a.id, v.idx, v.time, v.how, v.devices FROM verified v"
                                                 " JOIN author a ON a.no = v.author ORDER BY v.person");
    while (pv_sql_step(&sql)) {
        if (list.count == cap) {
            size_t more = cap ? 2 * cap : 8;
            struct pv_verification *rows = realloc(list.rows, more * sizeof *rows);
            if (!rows) pv_sql_fail(&sql, PV_ERR_NOMEM);
            if (!rows) break;
            list.rows = rows;
            cap = more;
        }
        read_row(&sql, own, &list.rows[list.count]);
        list.count++;
    }
    enum pv_err err = pv_sql_end(&sql);
    if (err) pv_verifications_release(&list);
    else *ret_list = list;
    return err;
}

enum pv_err pv_verifications_load(const struct pv_query *own, struct pv_verifications *ret_list)
{
    struct pv_overlay overlay;
    bool is_own = own && (!own->roster || pv_roster_room_kind(own->roster) == PV_ROOM_PERSON);
    if (!is_own) {
        *ret_list = (struct pv_verifications){0};
        return PV_OK;
    }
    enum pv_err err = pv_overlay_begin(own, &overlay);
    if (err) return err;
    err = load(own, ret_list);
    pv_overlay_end(&overlay);
    return err;
}

void pv_verifications_release(struct pv_verifications *list)
{
    free(list->rows);
    *list = (struct pv_verifications){0};
}

static int compare_person(const void *key, const void *row)
{
    return memcmp(((const struct pv_hash *)key)->b, ((const struct pv_verification *)row)->person.b, sizeof(struct pv_hash));
}

const struct pv_verification *pv_verifications_find(const struct pv_verifications *list, const struct pv_hash *person)
{
    return list->count ? bsearch(person, list->rows, list->count, sizeof *list->rows, compare_person) : NULL;
}

bool pv_verification_has_device(const struct pv_verification *verification, const struct pv_hash *device)
{
    for (size_t i = 0; i < verification->device_count; i++)
        if (pv_hash_equal(&verification->devices[i], device)) return true;
    return false;
}

const char *pv_verified_how_name(enum pv_verified_how how)
{
    switch (how) {
    case PV_VERIFIED_COMPARED: return "compared";
    case PV_VERIFIED_NUMBER: return "number";
    case PV_VERIFIED_CODE: return "code";
    }
    return "unknown";
}
