/* A person's list of rooms: where each is and how far each device saw it. */
#include "core/state/feature.h"

static enum pv_err set_place(struct pv_store *store, const struct pv_folding *folding, const struct pv_listed_room *room)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO room (room, idx, url, name, state)"
                                            " VALUES (?, ?, ?, ?, ?)");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(room->room));
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_text(&sql, room->server_url);
    pv_sql_bind_text(&sql, room->local_name);
    pv_sql_bind_u64(&sql, (uint64_t)room->state);
    return pv_sql_run(&sql);
}

/* Heads are kept a device each, so that two views which contradict each other are both seen. */
static enum pv_err raise_head(struct pv_store *store, const struct pv_folding *folding, const struct pv_listed_room *room)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO room_head (room, author, size, root) VALUES (?, ?, ?, ?)"
                                            " ON CONFLICT (room, author) DO UPDATE SET size = excluded.size,"
                                            " root = excluded.root WHERE excluded.size > size");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(room->room));
    pv_sql_bind_u64(&sql, folding->author);
    pv_sql_bind_u64(&sql, room->head_size);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(room->head_root));
    return pv_sql_run(&sql);
}

enum pv_err pv_rooms_fold(struct pv_store *store, const struct pv_folding *folding)
{
    struct pv_encoded_list rooms = folding->payload->u.rooms;
    struct pv_listed_room room;
    enum pv_err err = PV_OK;
    while (!err && pv_listed_room_next(&rooms, &room)) {
        if (room.has_place) err = set_place(store, folding, &room);
        if (!err && room.has_head) err = raise_head(store, folding, &room);
    }
    return err;
}
