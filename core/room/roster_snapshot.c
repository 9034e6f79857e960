/* Writing a roster down: a pure function of the log folded so far. Read by roster_restore.c.
 *
 *   snapshot = [version, size, born, room, kind, "server name", log_key, policy, due, changed_at, cut,
 *               authors, adds, bars, signs, kept, epochs, complaints, holds, forgets, principals, devices, invites] */
#include "core/room/roster_state.h"

static void put_optional_id16(struct pv_buf *buf, bool has, const struct pv_id16 *id)
{
    if (has) pv_cbor_put_id16(buf, id);
    else pv_cbor_put_null(buf);
}

static void put_optional_hash(struct pv_buf *buf, bool has, const struct pv_hash *hash)
{
    if (has) pv_cbor_put_hash(buf, hash);
    else pv_cbor_put_null(buf);
}

static void put_optional_uint(struct pv_buf *buf, bool has, uint64_t value)
{
    if (has) pv_cbor_put_uint(buf, value);
    else pv_cbor_put_null(buf);
}

static void put_author(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_author *author = item;
    (void)r;
    pv_cbor_put_array(buf, 6);
    pv_cbor_put_hash(buf, &author->id);
    pv_cbor_put_bytes(buf, author->pk.b, sizeof author->pk.b);
    pv_cbor_put_uint(buf, author->listed_at);
    pv_cbor_put_bool(buf, author->is_log_key);
    if (author->wrote) {
        pv_cbor_put_array(buf, 2);
        pv_cbor_put_uint(buf, author->head.n);
        pv_cbor_put_hash(buf, &author->head.leaf);
    } else {
        pv_cbor_put_null(buf);
    }
    if (author->owned) {
        pv_cbor_put_array(buf, 3);
        pv_cbor_put_hash(buf, &author->owner);
        pv_cbor_put_bool(buf, author->paper);
        pv_cbor_put_bool(buf, author->first_paper);
    } else {
        pv_cbor_put_null(buf);
    }
}

static void put_add(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_add *add = item;
    (void)r;
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_uint(buf, add->index);
    pv_cbor_put_uint(buf, add->adder);
    pv_cbor_put_uint(buf, add->device);
}

static void put_bar(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_bar *bar = item;
    (void)r;
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_hash(buf, &bar->person);
    pv_cbor_put_hash(buf, &bar->device);
    pv_cbor_put_bool(buf, bar->strong);
}

static void put_sign(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_standing_sign *sign = item;
    (void)r;
    pv_cbor_put_array(buf, 5);
    pv_cbor_put_hash(buf, &sign->device);
    pv_cbor_put_hash(buf, &sign->document);
    pv_cbor_put_hash(buf, &sign->person);
    pv_cbor_put_uint(buf, sign->index);
    pv_cbor_put_uint(buf, sign->stance);
}

static void put_kept(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    (void)r;
    pv_cbor_put_uint(buf, *(const uint64_t *)item);
}

static void put_epoch(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_epoch_info *info = item;
    (void)r;
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_uint(buf, info->index);
    pv_cbor_put_hash(buf, &info->secret_hash);
    pv_cbor_put_hash(buf, &info->kem_hash);
}

static void put_hash(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    (void)r;
    pv_cbor_put_hash(buf, item);
}

static void put_ranges(struct pv_buf *buf, const struct pv_roster *r, size_t at, size_t count)
{
    pv_cbor_put_array(buf, count);
    for (size_t i = 0; i < count; i++) {
        const struct pv_range *range = pv_table_at(&r->ranges, at + i);
        pv_cbor_put_array(buf, 2);
        pv_cbor_put_uint(buf, range->from);
        pv_cbor_put_uint(buf, range->to);
    }
}

static void put_hold(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_hold *hold = item;
    pv_cbor_put_array(buf, 4);
    pv_cbor_put_id16(buf, &hold->id);
    pv_cbor_put_hash(buf, &hold->principal);
    pv_cbor_put_bool(buf, hold->lifted);
    put_ranges(buf, r, hold->ranges_at, hold->range_count);
}

static void put_forget(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_forget *forget = item;
    pv_cbor_put_array(buf, 4);
    pv_cbor_put_id16(buf, &forget->id);
    pv_cbor_put_uint(buf, forget->cut);
    pv_cbor_put_bool(buf, forget->done);
    put_ranges(buf, r, forget->ranges_at, forget->range_count);
}

static void put_principal(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_principal *principal = item;
    (void)r;
    pv_cbor_put_array(buf, 9);
    pv_cbor_put_hash(buf, &principal->id);
    pv_cbor_put_uint(buf, principal->role);
    pv_cbor_put_uint(buf, principal->since);
    pv_cbor_put_uint(buf, principal->join_index);
    put_optional_id16(buf, principal->via_invite, &principal->invite);
    pv_cbor_put_uint(buf, principal->person_epoch);
    pv_cbor_put_hash(buf, &principal->kem_hash);
    pv_cbor_put_hash(buf, &principal->setter);
    put_optional_uint(buf, principal->has_until, principal->until_ms);
}

static void put_device(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_room_device *device = item;
    (void)r;
    pv_cbor_put_array(buf, 6);
    pv_device_put(buf, &device->device);
    pv_cbor_put_hash(buf, &device->principal);
    pv_cbor_put_uint(buf, device->index);
    put_optional_hash(buf, device->has_adder, &device->adder);
    pv_cbor_put_bool(buf, device->paper);
    pv_cbor_put_uint(buf, device->order);
}

static void put_invite(struct pv_buf *buf, const struct pv_roster *r, const void *item)
{
    const struct pv_invite *invite = item;
    struct pv_roster_body body = {.type = PV_ROSTER_INVITE, .u.invite = invite->body};
    (void)r;
    pv_cbor_put_array(buf, 7);
    pv_roster_body_put(buf, &body);
    pv_cbor_put_uint(buf, invite->uses_left);
    pv_cbor_put_uint(buf, invite->index);
    pv_cbor_put_hash(buf, &invite->maker);
    pv_cbor_put_bool(buf, invite->open);
    pv_cbor_put_bool(buf, invite->opened);
    pv_cbor_put_uint(buf, invite->stranger_signs);
}

typedef void put_item(struct pv_buf *buf, const struct pv_roster *r, const void *item);

static void put_map(struct pv_buf *buf, const struct pv_roster *r, const struct pv_map *map, put_item *put)
{
    pv_cbor_put_array(buf, map->count);
    for (size_t i = 0; i < map->count && !buf->err; i++) put(buf, r, pv_map_at(map, i));
}

static void put_table(struct pv_buf *buf, const struct pv_roster *r, const struct pv_table *table, put_item *put)
{
    pv_cbor_put_array(buf, table->count);
    for (size_t i = 0; i < table->count && !buf->err; i++) put(buf, r, pv_table_at(table, i));
}

enum pv_err pv_roster_encode(const struct pv_roster *r, struct pv_buf *buf)
{
    pv_cbor_put_array(buf, PV_SNAPSHOT_FIELDS);
    pv_cbor_put_uint(buf, PV_SNAPSHOT_VERSION);
    pv_cbor_put_uint(buf, r->size);
    pv_cbor_put_bool(buf, r->born);
    pv_cbor_put_hash(buf, &r->room);
    pv_cbor_put_uint(buf, r->kind);
    pv_cbor_put_text(buf, (const char *)r->server_name, r->server_name_len);
    pv_cbor_put_bytes(buf, r->log_key.b, sizeof r->log_key.b);
    pv_cbor_put_hash(buf, &r->policy_value);
    pv_cbor_put_bool(buf, r->due);
    pv_cbor_put_uint(buf, r->changed_at);
    pv_cbor_put_uint(buf, r->cut);
    put_map(buf, r, &r->authors, put_author);
    put_table(buf, r, &r->adds, put_add);
    put_map(buf, r, &r->bars, put_bar);
    put_map(buf, r, &r->signs, put_sign);
    put_map(buf, r, &r->kept, put_kept);
    put_table(buf, r, &r->epochs, put_epoch);
    put_map(buf, r, &r->complaints, put_hash);
    put_map(buf, r, &r->holds, put_hold);
    put_map(buf, r, &r->forgets, put_forget);
    put_table(buf, r, &r->principals, put_principal);
    put_table(buf, r, &r->devices, put_device);
    put_table(buf, r, &r->invites, put_invite);
    return buf->err;
}
