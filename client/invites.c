/* Links of one's own that ended though nobody had used them up: with any removal or leave, and any revoked device, all
 * links of a room end. Which ones were open when this device looked last, it keeps. */
#include "client/invites.h"

#include <string.h>

enum { KEPT_MAX = 64 };
static const char open_invites[] = "client.invites_open";

struct kept {
    struct pv_id16 ids[KEPT_MAX];
    size_t count;
};

static bool ran_out(const struct pv_invite *invite, uint64_t now_ms)
{
    return invite->uses_left == 0 || (invite->body.has_until && invite->body.until_ms <= now_ms);
}

enum pv_err pv_invites_look(const struct pv_session *session, const struct pv_open_room *room, size_t *ret_ended)
{
    const struct pv_roster *roster = pv_room_roster(room->room);
    const struct pv_invite *invites;
    struct kept before = {.count = 0}, now = {.count = 0};
    uint8_t memory[sizeof before.ids];
    size_t count, ended = 0;
    struct pv_buf value;
    enum pv_err err;

    pv_buf_init_fixed(&value, memory, sizeof memory);
    err = pv_store_value_get(room->store, open_invites, &value);
    if (err != PV_OK && err != PV_ERR_NOT_FOUND) return err;
    before.count = value.n / sizeof *before.ids;
    if (before.count) memcpy(before.ids, value.p, before.count * sizeof *before.ids);
    for (size_t i = 0; i < before.count; i++) {
        const struct pv_invite *invite = pv_roster_invite(roster, &before.ids[i]);
        ended += invite && !invite->open && !ran_out(invite, pv_session_now_ms(session));
    }
    invites = pv_roster_invites(roster, &count);
    for (size_t i = 0; i < count && now.count < KEPT_MAX; i++)
        if (invites[i].open && pv_hash_equal(&invites[i].maker, &session->me.person)) now.ids[now.count++] = invites[i].body.id;
    *ret_ended = pv_roster_principal(roster, &session->me.person) ? ended : 0;
    if (now.count == before.count && memcmp(now.ids, before.ids, now.count * sizeof *now.ids) == 0) return PV_OK;
    return pv_store_value_set(room->store, open_invites, pv_bytes((const uint8_t *)now.ids, now.count * sizeof *now.ids));
}
