/* What is said about a room itself: names, members, a person's rooms, what is unsent or unreadable. */
#include <string.h>

#include "core/state/changes.h"
#include "core/state/feature.h"
#include "core/state/query_rows.h"

enum pv_err pv_query_name(const struct pv_query *query, const struct pv_hash *id, struct pv_buf *ret_name)
{
    struct pv_view view;
    enum pv_err err = pv_view_begin(query, true, &view);
    if (err) return err;
    struct pv_bytes name = pv_names_find(&view.names, id);
    if (name.n == 0) name = pv_names_find(&view.names, pv_names_person(&view.names, id));
    pv_buf_clear(ret_name);
    pv_buf_append(ret_name, name.p, name.n);
    if (name.n == 0) err = PV_ERR_NOT_FOUND;
    pv_view_end(&view);
    return err ? err : ret_name->err;
}

enum pv_err pv_query_founder_name(const struct pv_query *query, struct pv_buf *ret_name)
{
    return pv_store_value_get(query->store, PV_FOUNDER_NAME, ret_name);
}

static const char *role_name(enum pv_role role)
{
    switch (role) {
    case PV_ROLE_VIEWER: return "viewer";
    case PV_ROLE_EDITOR: return "editor";
    case PV_ROLE_OWNER: return "owner";
    }
    return "unknown";
}

static void devices_json(struct pv_json *json, const struct pv_query *query, const struct pv_hash *principal)
{
    size_t count = 0;
    const struct pv_room_device *devices = pv_roster_devices(query->roster, &count);
    pv_json_begin_array(json, "devices");
    for (size_t i = 0; i < count; i++) {
        if (!pv_hash_equal(&devices[i].principal, principal)) continue;
        pv_json_begin_object(json, NULL);
        pv_json_hex(json, "id", PV_BYTES_OF(devices[i].id));
        pv_json_bool(json, "paper", devices[i].paper);
        pv_json_bool(json, "current", query->me && pv_hash_equal(&devices[i].id, query->me));
        pv_json_bool(json, "revoked", false);
        pv_json_end_object(json);
    }
    pv_json_end_array(json);
}

/* What the members' objects are made of. */
struct members {
    const struct pv_query *query, *own;
    struct pv_verifications verifications;
};

static enum pv_err member_json(struct pv_json *json, const struct members *members, const struct pv_names *names,
                               const struct pv_principal *principal)
{
    const struct pv_query *query = members->query;
    struct pv_bytes name = pv_names_find(names, &principal->id);
    const struct pv_principal *mine = query->me ? pv_roster_principal_of(query->roster, query->me) : NULL;
    pv_json_begin_object(json, NULL);
    pv_json_hex(json, "id", PV_BYTES_OF(principal->id));
    if (name.n) pv_json_text(json, "name", name);
    else pv_json_null(json, "name");
    pv_json_string(json, "role", role_name(principal->role));
    pv_json_bool(json, "me", mine && pv_hash_equal(&mine->id, &principal->id));
    pv_json_u64(json, "joined", principal->join_index);
    if (principal->has_until) pv_json_u64(json, "until", principal->until_ms);
    else pv_json_null(json, "until");
    devices_json(json, query, &principal->id);
    enum pv_err err = pv_verified_json(json, members->own, query->roster, pv_verifications_find(&members->verifications, &principal->id));
    pv_json_end_object(json);
    return err;
}

enum pv_err pv_query_members_json(const struct pv_query *query, const struct pv_query *own, struct pv_buf *out)
{
    struct members members = {.query = query, .own = own};
    struct pv_json json;
    struct pv_view view;
    size_t count = 0;
    if (!query->roster) return PV_ERR_USAGE;
    enum pv_err err = pv_verifications_load(own, &members.verifications);
    if (err) return err;
    err = pv_view_begin(query, true, &view);
    if (err) {
        pv_verifications_release(&members.verifications);
        return err;
    }
    const struct pv_principal *principals = pv_roster_principals(query->roster, &count);
    pv_json_init(&json, out);
    pv_json_begin_object(&json, NULL);
    pv_json_begin_array(&json, "members");
    for (size_t i = 0; i < count && !err; i++) err = member_json(&json, &members, &view.names, &principals[i]);
    pv_json_end_array(&json);
    pv_json_end_object(&json);
    pv_view_end(&view);
    pv_verifications_release(&members.verifications);
    return err ? err : out->err;
}

/* ---- a person's rooms */

static void read_head(struct pv_sql *sql, int column, struct pv_listed_room *room)
{
    room->has_head = !pv_sql_is_null(sql, column);
    if (!room->has_head) return;
    room->head_size = pv_sql_u64(sql, column);
    pv_sql_fixed(sql, column + 1, room->head_root.b, sizeof room->head_root.b);
}

enum pv_err pv_query_rooms(const struct pv_query *query, pv_listed_room_row *row, void *context)
{
    struct pv_overlay overlay;
    enum pv_err err = pv_overlay_begin(query, &overlay);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(query->store,
                                     "SELECT r.room, r.url, r.name, r.state, h.size, h.root, r.idx FROM room r"
                                     " LEFT JOIN room_head h ON h.room = r.room AND h.author ="
                                     " (SELECT author FROM room_head WHERE room = r.room"
                                     " ORDER BY size DESC, author LIMIT 1) ORDER BY r.name, r.room");
    while (pv_sql_step(&sql)) {
        struct pv_listed_room room = {.has_place = true};
        pv_sql_fixed(&sql, 0, room.room.b, sizeof room.room.b);
        room.server_url = pv_sql_bytes(&sql, 1);
        room.local_name = pv_sql_bytes(&sql, 2);
        uint64_t state = pv_sql_u64(&sql, 3);
        if (state > PV_ROOM_LEFT) pv_sql_fail(&sql, PV_ERR_CORRUPT);
        room.state = (enum pv_room_state)state;
        read_head(&sql, 4, &room);
        room.index = pv_sql_u64(&sql, 6);
        if (!sql.err) sql.err = row(context, &room);
    }
    err = pv_sql_end(&sql);
    pv_overlay_end(&overlay);
    return err;
}

enum pv_err pv_query_room_heads(const struct pv_query *query, const struct pv_hash *room, pv_listed_room_row *row,
                                void *context)
{
    struct pv_overlay overlay;
    enum pv_err err = pv_overlay_begin(query, &overlay);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(query->store, "SELECT size, root FROM room_head WHERE room = ? ORDER BY size DESC");
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*room));
    while (pv_sql_step(&sql)) {
        struct pv_listed_room listed = {.room = *room};
        read_head(&sql, 0, &listed);
        if (!sql.err) sql.err = row(context, &listed);
    }
    err = pv_sql_end(&sql);
    pv_overlay_end(&overlay);
    return err;
}

/* ---- unsent and unreadable */

static enum pv_err add_unsent(void *context, const struct pv_write *write)
{
    struct pv_json *json = context;
    pv_json_begin_object(json, NULL);
    pv_json_hex(json, "id", PV_BYTES_OF(write->write_id));
    pv_json_u64(json, "kind", write->kind);
    pv_json_u64(json, "type", write->type);
    pv_json_u64(json, "created", write->created_ms);
    pv_json_bool(json, "sealed", write->sealed_count != 0);
    pv_json_end_object(json);
    return json->out->err;
}

enum pv_err pv_query_unsent_json(const struct pv_query *query, struct pv_buf *out)
{
    struct pv_json json;
    pv_json_init(&json, out);
    pv_json_begin_object(&json, NULL);
    pv_json_begin_array(&json, "unsent");
    enum pv_err err = pv_store_write_each(query->store, add_unsent, &json);
    pv_json_end_array(&json);
    pv_json_end_object(&json);
    return err ? err : out->err;
}

enum pv_err pv_query_unreadable(const struct pv_query *query, pv_unreadable_row *row, void *context)
{
    struct pv_sql sql = pv_sql_begin(query->store, "SELECT idx, why FROM unreadable ORDER BY idx");
    while (pv_sql_step(&sql)) {
        uint64_t index = pv_sql_u64(&sql, 0);
        struct pv_bytes name = pv_sql_bytes(&sql, 1);
        char text[32] = "";
        if (name.n < sizeof text && name.n) memcpy(text, name.p, name.n);
        if (!sql.err) sql.err = row(context, index, pv_err_from_web_name(text));
    }
    return pv_sql_end(&sql);
}
