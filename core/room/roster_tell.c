/* What the roster tells. */
#include "core/room/roster.h"

#include <stdlib.h>

#include "core/crypto/hash.h"
#include "core/room/roster_state.h"

bool pv_roster_is_born(const struct pv_roster *roster)
{
    return roster->born;
}

uint64_t pv_roster_size(const struct pv_roster *roster)
{
    return roster->size;
}

const struct pv_hash *pv_roster_room(const struct pv_roster *roster)
{
    return &roster->room;
}

enum pv_room_kind pv_roster_room_kind(const struct pv_roster *roster)
{
    return roster->kind;
}

struct pv_bytes pv_roster_server_name(const struct pv_roster *roster)
{
    return pv_bytes(roster->server_name, roster->server_name_len);
}

const struct pv_sign_pk *pv_roster_log_key(const struct pv_roster *roster)
{
    return &roster->log_key;
}

uint64_t pv_roster_epoch(const struct pv_roster *roster)
{
    const struct pv_epoch_info *info = pv_state_epoch(roster);
    return info ? info->epoch : 0;
}

bool pv_roster_rekey_due(const struct pv_roster *roster)
{
    return roster->due;
}

uint64_t pv_roster_changed_at(const struct pv_roster *roster)
{
    return roster->changed_at;
}

const struct pv_principal *pv_roster_principals(const struct pv_roster *roster, size_t *ret_count)
{
    *ret_count = roster->principals.count;
    return pv_table_at(&roster->principals, 0);
}

const struct pv_principal *pv_roster_principal(const struct pv_roster *roster, const struct pv_hash *id)
{
    return pv_state_principal(roster, id);
}

const struct pv_room_device *pv_roster_devices(const struct pv_roster *roster, size_t *ret_count)
{
    *ret_count = roster->devices.count;
    return pv_table_at(&roster->devices, 0);
}

const struct pv_room_device *pv_roster_device(const struct pv_roster *roster, const struct pv_hash *id)
{
    return pv_state_device(roster, id);
}

const struct pv_principal *pv_roster_principal_of(const struct pv_roster *roster, const struct pv_hash *device)
{
    const struct pv_room_device *present = pv_state_device(roster, device);
    return present ? pv_state_principal(roster, &present->principal) : NULL;
}

const struct pv_hash *pv_roster_owner_of(const struct pv_roster *roster, const struct pv_hash *device)
{
    const struct pv_author *author = pv_state_author(roster, device);
    return author && author->owned ? &author->owner : NULL;
}

bool pv_roster_is_barred(const struct pv_roster *roster, const struct pv_hash *person, const struct pv_hash *device)
{
    const struct pv_author *author = pv_state_author(roster, device);
    return pv_state_bar_holds(roster, person, device, author && author->paper, author && author->first_paper);
}

size_t pv_roster_bar_count(const struct pv_roster *roster)
{
    return roster->bars.count;
}

const struct pv_hash *pv_roster_bar(const struct pv_roster *roster, size_t i)
{
    return &((const struct pv_bar *)pv_map_at(&roster->bars, i))->device;
}

bool pv_roster_has_bar(const struct pv_roster *roster, const struct pv_hash *person, const struct pv_hash *device)
{
    return pv_state_bar(roster, person, device) != NULL;
}

const struct pv_invite *pv_roster_invites(const struct pv_roster *roster, size_t *ret_count)
{
    *ret_count = roster->invites.count;
    return pv_table_at(&roster->invites, 0);
}

const struct pv_invite *pv_roster_invite(const struct pv_roster *roster, const struct pv_id16 *id)
{
    return pv_state_invite(roster, id);
}

const struct pv_epoch_info *pv_roster_epochs(const struct pv_roster *roster, size_t *ret_count)
{
    *ret_count = roster->epochs.count;
    return pv_table_at(&roster->epochs, 0);
}

bool pv_roster_all_complain(const struct pv_roster *roster)
{
    size_t count;
    const struct pv_room_device *devices = pv_roster_devices(roster, &count);
    for (size_t i = 0; i < count; i++) {
        const struct pv_principal *principal = pv_roster_principal_of(roster, &devices[i].id);
        if (!devices[i].paper && principal && principal->role != PV_ROLE_VIEWER && !pv_map_find(&roster->complaints, &principal->id)) return false;
    }
    return true;
}

uint64_t pv_roster_cut(const struct pv_roster *roster)
{
    return roster->cut;
}

const struct pv_head *pv_roster_head(const struct pv_roster *roster, const struct pv_hash *author)
{
    const struct pv_author *known = pv_state_author(roster, author);
    return known && known->wrote ? &known->head : NULL;
}

const struct pv_hash *pv_roster_policy(const struct pv_roster *roster)
{
    return &roster->policy_value;
}

static void tell_forget(const struct pv_roster *roster, const struct pv_forget *forget, struct pv_forget_info *ret_forget)
{
    const struct pv_range *ranges = pv_table_at(&roster->ranges, forget->ranges_at);
    *ret_forget = (struct pv_forget_info){.id = forget->id, .cut = forget->cut, .done = forget->done, .ranges = ranges,
                                          .held = !forget->done && pv_state_is_held(roster, ranges, forget->range_count),
                                          .range_count = forget->range_count};
}

struct pv_waiting pv_roster_waiting(const struct pv_roster *roster, const struct pv_hash *person)
{
    struct pv_waiting waiting = {.holds = 0};
    for (size_t i = 0; i < roster->holds.count; i++) {
        const struct pv_hold *hold = pv_map_at(&roster->holds, i);
        waiting.holds += !hold->lifted;
        waiting.holds_of += !hold->lifted && pv_hash_equal(&hold->principal, person);
    }
    for (size_t i = 0; i < roster->forgets.count; i++) waiting.forgets += !((const struct pv_forget *)pv_map_at(&roster->forgets, i))->done;
    return waiting;
}

size_t pv_roster_forget_count(const struct pv_roster *roster)
{
    return roster->forgets.count;
}

void pv_roster_forget_at(const struct pv_roster *roster, size_t i, struct pv_forget_info *ret_forget)
{
    tell_forget(roster, pv_map_at(&roster->forgets, i), ret_forget);
}

bool pv_roster_forget(const struct pv_roster *roster, const struct pv_id16 *id, struct pv_forget_info *ret_forget)
{
    const struct pv_forget *forget = pv_map_find(&roster->forgets, id);
    if (forget) tell_forget(roster, forget, ret_forget);
    return forget != NULL;
}

uint64_t pv_roster_cut_done(const struct pv_roster *roster)
{
    uint64_t cut = 0;
    for (size_t i = 0; i < roster->forgets.count; i++) {
        const struct pv_forget *forget = pv_map_at(&roster->forgets, i);
        if (forget->done && forget->cut > cut) cut = forget->cut;
    }
    return cut;
}

bool pv_roster_is_signed(const struct pv_roster *roster, uint64_t index)
{
    return pv_map_find(&roster->kept, &index) != NULL;
}

bool pv_roster_is_held(const struct pv_roster *roster, const struct pv_range *ranges, size_t count)
{
    return pv_state_is_held(roster, ranges, count);
}

const struct pv_range *pv_roster_gone(const struct pv_roster *roster, size_t *ret_count)
{
    *ret_count = roster->gone.count;
    return pv_table_at(&roster->gone, 0);
}

bool pv_roster_is_forgotten(const struct pv_roster *roster, uint64_t index)
{
    const struct pv_range *gone = pv_table_at(&roster->gone, 0);
    size_t low = 0, high = roster->gone.count; /* the first that ends behind it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gone[middle].to <= index) low = middle + 1;
        else high = middle;
    }
    return low < roster->gone.count && gone[low].from <= index && !pv_map_find(&roster->kept, &index);
}

enum pv_err pv_roster_recipients(const struct pv_roster *roster, struct pv_recipient **ret_recipients,
                                 size_t *ret_count)
{
    size_t most = roster->principals.count + roster->open_invites, count = 0, p = 0, v = 0;
    struct pv_recipient *recipients = calloc(most ? most : 1, sizeof *recipients);
    if (!recipients) return PV_ERR_NOMEM;
    while (count < most) { /* both are sorted: merge */
        const struct pv_principal *principal = pv_table_at(&roster->principals, p);
        const struct pv_invite *invite = pv_table_at(&roster->invites, v);
        bool more_principals = p < roster->principals.count, more_invites = v < roster->invites.count;
        if (more_invites && !invite->open) {
            v++;
        } else if (more_principals && (!more_invites || pv_bytes_compare(PV_BYTES_OF(principal->id),
                                                                         PV_BYTES_OF(invite->body.id)) < 0)) {
            recipients[count++] = (struct pv_recipient){PV_BYTES_OF(principal->id), principal->kem_hash};
            p++;
        } else {
            recipients[count++] = (struct pv_recipient){PV_BYTES_OF(invite->body.id), invite->body.kem_hash};
            v++;
        }
    }
    *ret_recipients = recipients;
    *ret_count = count;
    return PV_OK;
}

void pv_recipients_digest(const struct pv_recipient *recipients, size_t count, struct pv_hash *ret_digest)
{
    struct pv_sha256 sha;
    pv_hash_begin(&sha, "recipients");
    pv_sha256_put_array(&sha, count);
    for (size_t i = 0; i < count; i++) {
        pv_sha256_put_array(&sha, 2);
        pv_sha256_put_bytes(&sha, recipients[i].id.p, recipients[i].id.n);
        pv_sha256_put_bytes(&sha, recipients[i].kem_hash.b, sizeof recipients[i].kem_hash.b);
    }
    pv_sha256_final(&sha, ret_digest);
}
