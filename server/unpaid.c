/* Which entries come in beyond a day's quota: a thief of one device uses it up, and another has to take that one out. */
#include "server/unpaid.h"

#include "server/committer.h"

enum { BESIDE_BYTES = 64 * 1024 }; /* some hundred messages that waited */

static bool is_by_first_kit(const struct pv_roster *roster, const struct pv_hash *author)
{
    const struct pv_room_device *device = pv_roster_device(roster, author);
    return device && device->paper && device->order == 0;
}

bool pv_unpaid_may(const struct pv_roster *roster, const struct pv_prepared *item)
{
    struct pv_roster_body body;
    if (item->entry.header.kind != PV_KIND_ROSTER || pv_roster_body_read(item->bundle.body, &body)) return false;
    bool takes_out = body.type == PV_ROSTER_REMOVE || body.type == PV_ROSTER_DEVICE_REMOVE || body.type == PV_ROSTER_LEAVE ||
                     body.type == PV_ROSTER_CLOSE_INVITE || (body.type == PV_ROSTER_REKEY && pv_roster_rekey_due(roster));
    bool brings_back = body.type == PV_ROSTER_DEVICE_ADD || body.type == PV_ROSTER_REKEY;
    return takes_out || (brings_back && is_by_first_kit(roster, &item->entry.header.author));
}

void pv_unpaid_count(struct pv_unpaid *unpaid, const struct pv_prepared *item, bool takes_out)
{
    const struct pv_bundle *bundle = &item->bundle;
    if (takes_out) unpaid->takes_out = true;
    else unpaid->beside_bytes += bundle->entry.n + bundle->refs.n + bundle->body.n + bundle->beside.n;
}

bool pv_unpaid_is_in(const struct pv_unpaid *unpaid)
{
    return unpaid->takes_out && unpaid->beside_bytes <= BESIDE_BYTES;
}
