/* Telling entries that only bar from removals, and counting them by the hour. A removal that takes a device or brings
 * a key is never counted, so nobody is kept from one. */
#include "server/bars.h"

#include "core/room/roster.h"

enum { WINDOW_MS = 3600 * 1000 };

void pv_bars_before(struct pv_bars *bars, const struct pv_roster *roster, const struct pv_prepared *item)
{
    struct pv_roster_body body;
    *bars = (struct pv_bars){0};
    if (item->entry.header.kind != PV_KIND_ROSTER || pv_roster_body_read(item->bundle.body, &body)) return;
    const struct pv_principal *author = pv_roster_principal_of(roster, &item->entry.header.author);
    bars->may = body.type == PV_ROSTER_DEVICE_REMOVE;
    pv_roster_devices(roster, &bars->devices);
    if (!author) return;
    bars->has_kem = true;
    bars->kem_hash = author->kem_hash;
    bars->person_epoch = author->person_epoch;
}

enum pv_err pv_bars_after(const struct pv_bars *bars, const struct pv_roster *roster, const struct pv_prepared *item,
                          const struct pv_hash *room, struct pv_server *server, unsigned *ret_retry_s)
{
    const struct pv_hash *device = &item->entry.header.author;
    size_t devices;
    pv_roster_devices(roster, &devices);
    if (!bars->may || devices != bars->devices) return PV_OK;
    const struct pv_principal *author = pv_roster_principal_of(roster, device);
    if (!author || !bars->has_kem || !pv_hash_equal(&author->kem_hash, &bars->kem_hash) ||
        author->person_epoch != bars->person_epoch)
        return PV_OK;
    struct pv_sha256 sha;
    struct pv_hash key;
    uint64_t now_ms = pv_server_now_ms(server), window = now_ms / WINDOW_MS, end_ms = (window + 1) * WINDOW_MS, count;
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, room->b, sizeof room->b);
    pv_sha256_update(&sha, device->b, sizeof device->b);
    pv_sha256_final(&sha, &key);
    enum pv_err err = server->meta->ops->count(server->meta, "bars", &key, window, 0, 0, &count);
    if (!err && count >= PV_BARS_AN_HOUR) {
        *ret_retry_s = (unsigned)((end_ms - now_ms) / 1000) + 1;
        return PV_ERR_RATE;
    }
    return err ? err : server->meta->ops->count(server->meta, "bars", &key, window, 1, end_ms, &count);
}
