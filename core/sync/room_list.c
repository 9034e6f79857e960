/* The person's list of rooms: what stands in it, and that no `forget` takes it away. */
#include "core/state/query.h"
#include "core/sync/devices.h"
#include "core/sync/room_parts.h"

struct listed {
    const struct pv_hash *room;
    bool found;
};

static enum pv_err find_room(void *context, const struct pv_listed_room *row)
{
    struct listed *listed = context;
    listed->found = listed->found || (row->has_place && pv_hash_equal(&row->room, listed->room));
    return PV_OK;
}

enum pv_err pv_room_is_recorded(struct pv_room *person_room, const struct pv_hash *room, bool *ret_is)
{
    const struct pv_query query = {.store = person_room->store, .roster = person_room->roster};
    struct listed listed = {.room = room};
    enum pv_err err = pv_query_rooms(&query, find_room, &listed);
    if (!err) *ret_is = listed.found;
    return err;
}

/* ---- what a `forget` names of it */

enum { ROW_BYTES_MAX = PV_LIMIT_URL_BYTES + PV_LIMIT_NAME_BYTES + 128 };

struct saving {
    const struct pv_roster *roster;
    struct pv_buf rows;
    size_t count;
    bool full;
};

/* By a `forget` that is done or one that waits: who comes after its cut reads it no more. */
static bool is_named(const struct pv_roster *roster, uint64_t index)
{
    size_t forgets = pv_roster_forget_count(roster);
    for (size_t i = 0; i < forgets; i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(roster, i, &forget);
        for (size_t r = 0; r < forget.range_count; r++)
            if (forget.ranges[r].from <= index && index < forget.ranges[r].to) return !pv_roster_is_signed(roster, index);
    }
    return false;
}

static enum pv_err save_row(void *context, const struct pv_listed_room *row)
{
    struct saving *s = context;
    if (!is_named(s->roster, row->index)) return PV_OK;
    s->full = s->count == PV_LIMIT_ROOMS_LISTED || s->rows.n + ROW_BYTES_MAX > PV_LIMIT_PAYLOAD_BYTES;
    if (s->full) return PV_OK;
    struct pv_listed_room place = *row;
    place.has_head = false;
    pv_listed_room_put(&s->rows, &place);
    s->count++;
    return s->rows.err;
}

static enum pv_err write_rows(struct pv_room *room, const struct saving *s)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_ROOMS, .u.rooms = {s->count, pv_buf_bytes(&s->rows)}};
    struct pv_buf encoded;
    pv_random_fill(room->random, payload.write_id.b, sizeof payload.write_id.b);
    pv_buf_init(&encoded, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&encoded, &payload);
    enum pv_err err = encoded.err ? encoded.err : pv_draft_add(room, PV_KIND_TALK, pv_buf_bytes(&encoded));
    pv_buf_wipe(&encoded);
    return err;
}

enum pv_err pv_room_list_keep(struct pv_room *room)
{
    const struct pv_query query = {.store = room->store, .roster = room->roster, .me = &room->me->device};
    struct saving s = {.roster = room->roster};
    if (room->person_room || !pv_roster_forget_count(room->roster) || !pv_roster_device(room->roster, &room->me->device)) return PV_OK;
    enum pv_err err = PV_OK;
    do {
        s.count = 0;
        s.full = false;
        pv_buf_init(&s.rows, PV_LIMIT_PAYLOAD_BYTES);
        err = pv_query_rooms(&query, save_row, &s);
        if (!err && s.count) err = write_rows(room, &s);
        pv_buf_wipe(&s.rows);
    } while (!err && s.full); /* what was written stands in the outbox, where none names it */
    return err;
}
