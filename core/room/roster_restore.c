/* Reading a roster's snapshot, as strictly as anything from outside: it could be damaged or foreign.
 *
 * Field order is that of roster_snapshot.c. Every getter reads one item and adds it to the state, or fails the reader:
 * MALFORMED for what no fold could have left. */
#include <stdlib.h>
#include <string.h>

#include "core/room/roster_state.h"

static void refuse_unless(struct pv_cbor *in, bool good)
{
    if (!good) pv_cbor_fail(in, PV_ERR_MALFORMED);
}

static uint64_t get_index(struct pv_cbor *in, const struct pv_roster *r)
{
    uint64_t index = pv_cbor_get_uint(in, PV_LIMIT_N);
    refuse_unless(in, index < r->size);
    return index;
}

/* Room for one more, and no second one with the same key. NULL: the reader has failed. */
static void *map_add(struct pv_cbor *in, struct pv_map *map, const void *key)
{
    if (in->err) return NULL;
    refuse_unless(in, !pv_map_find(map, key));
    enum pv_err err = pv_map_reserve(map, 1);
    if (err) pv_cbor_fail(in, err);
    return in->err ? NULL : pv_map_add(map, key);
}

/* Keys rise strictly. */
static void *table_add(struct pv_cbor *in, struct pv_table *table, const void *key)
{
    if (in->err) return NULL;
    if (key && table->key_bytes && table->count)
        refuse_unless(in, memcmp(pv_table_at(table, table->count - 1), key, table->key_bytes) < 0);
    enum pv_err err = pv_table_reserve(table, 1);
    if (err) pv_cbor_fail(in, err);
    if (in->err) return NULL;
    void *item = pv_table_push(table);
    if (key && table->key_bytes) memcpy(item, key, table->key_bytes);
    return item;
}

static void get_author(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_author author = {.wrote = false};
    pv_cbor_get_array_of(in, 6);
    pv_cbor_get_hash(in, &author.id);
    pv_cbor_get_fixed(in, author.pk.b, sizeof author.pk.b);
    author.listed_at = get_index(in, r);
    author.is_log_key = pv_cbor_get_bool(in);
    author.wrote = !pv_cbor_take_null(in);
    if (author.wrote) {
        pv_cbor_get_array_of(in, 2);
        author.head.n = pv_cbor_get_uint(in, PV_LIMIT_N);
        pv_cbor_get_hash(in, &author.head.leaf);
    }
    author.owned = !pv_cbor_take_null(in);
    if (author.owned) {
        pv_cbor_get_array_of(in, 3);
        pv_cbor_get_hash(in, &author.owner);
        author.paper = pv_cbor_get_bool(in);
        author.first_paper = pv_cbor_get_bool(in);
    }
    refuse_unless(in, !(author.is_log_key && author.owned) && (author.paper || !author.first_paper));
    refuse_unless(in, !author.wrote || author.head.n > 0);
    struct pv_author *to = map_add(in, &r->authors, &author.id);
    if (to) *to = author;
}

static void get_add(struct pv_cbor *in, struct pv_roster *r)
{
    pv_cbor_get_array_of(in, 3);
    uint64_t index = get_index(in, r);
    uint64_t adder = pv_cbor_get_uint(in, PV_LIMIT_N), device = pv_cbor_get_uint(in, PV_LIMIT_N);
    refuse_unless(in, adder < r->authors.count && device < r->authors.count);
    if (r->adds.count)
        refuse_unless(in, ((const struct pv_add *)pv_table_at(&r->adds, r->adds.count - 1))->index <= index);
    struct pv_add *add = table_add(in, &r->adds, NULL);
    if (!add) return;
    struct pv_author *by = pv_map_at(&r->authors, (size_t)adder);
    *add = (struct pv_add){index, (uint32_t)adder, (uint32_t)device, by->last_add};
    by->last_add = (uint32_t)r->adds.count;
}

static void get_bar(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_hash key[2];
    pv_cbor_get_array_of(in, 3);
    pv_cbor_get_hash(in, &key[0]);
    pv_cbor_get_hash(in, &key[1]);
    bool strong = pv_cbor_get_bool(in);
    struct pv_bar *bar = map_add(in, &r->bars, key);
    if (bar) bar->strong = strong;
}

static void get_sign(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_standing_sign sign;
    pv_cbor_get_array_of(in, 5);
    pv_cbor_get_hash(in, &sign.device);
    pv_cbor_get_hash(in, &sign.document);
    pv_cbor_get_hash(in, &sign.person);
    sign.index = get_index(in, r);
    sign.stance = (enum pv_stance)pv_cbor_get_uint(in, PV_STANCE_WITHDRAW);
    struct pv_standing_sign *to = map_add(in, &r->signs, &sign);
    if (to) *to = sign;
}

static void get_kept(struct pv_cbor *in, struct pv_roster *r)
{
    uint64_t index = get_index(in, r);
    (void)map_add(in, &r->kept, &index);
}

static void get_epoch(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_epoch_info info = {.epoch = r->epochs.count};
    pv_cbor_get_array_of(in, 3);
    info.index = get_index(in, r);
    pv_cbor_get_hash(in, &info.secret_hash);
    pv_cbor_get_hash(in, &info.kem_hash);
    (void)map_add(in, &r->secrets, &info.secret_hash);
    struct pv_epoch_info *to = table_add(in, &r->epochs, NULL);
    if (to) *to = info;
}

static void get_complaint(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_hash principal;
    pv_cbor_get_hash(in, &principal);
    (void)map_add(in, &r->complaints, &principal);
}

static void get_ranges(struct pv_cbor *in, struct pv_roster *r, size_t *ret_at, size_t *ret_count)
{
    size_t count = pv_cbor_get_array(in, PV_LIMIT_RANGES), at = r->ranges.count;
    uint64_t least = 0;
    refuse_unless(in, count > 0);
    for (size_t i = 0; i < count && !in->err; i++) {
        struct pv_range range;
        pv_cbor_get_array_of(in, 2);
        range.from = pv_cbor_get_uint(in, PV_LIMIT_N);
        range.to = pv_cbor_get_uint(in, PV_LIMIT_N);
        refuse_unless(in, range.from >= least && range.from < range.to);
        least = range.to + 1;
        struct pv_range *to = table_add(in, &r->ranges, NULL);
        if (to) *to = range;
    }
    *ret_at = at;
    *ret_count = count;
}

static void get_hold(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_hold hold = {.lifted = false};
    pv_cbor_get_array_of(in, 4);
    pv_cbor_get_id16(in, &hold.id);
    pv_cbor_get_hash(in, &hold.principal);
    hold.lifted = pv_cbor_get_bool(in);
    get_ranges(in, r, &hold.ranges_at, &hold.range_count);
    struct pv_hold *to = map_add(in, &r->holds, &hold.id);
    if (to) *to = hold;
}

static void get_forget(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_forget forget = {.done = false};
    pv_cbor_get_array_of(in, 4);
    pv_cbor_get_id16(in, &forget.id);
    forget.cut = pv_cbor_get_uint(in, PV_LIMIT_N);
    bool done = pv_cbor_get_bool(in);
    get_ranges(in, r, &forget.ranges_at, &forget.range_count);
    struct pv_forget *to = map_add(in, &r->forgets, &forget.id);
    enum pv_err err = to && done ? pv_table_reserve(&r->gone, forget.range_count) : PV_OK;
    if (err) pv_cbor_fail(in, err);
    if (to) *to = forget;
    if (to && done && !err) pv_state_forget_done(r, to);
}

static void get_principal(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_principal principal = {.via_invite = false};
    pv_cbor_get_array_of(in, 9);
    pv_cbor_get_hash(in, &principal.id);
    principal.role = (enum pv_role)pv_cbor_get_uint(in, PV_ROLE_OWNER);
    principal.since = get_index(in, r);
    principal.join_index = get_index(in, r);
    principal.via_invite = !pv_cbor_take_null(in);
    if (principal.via_invite) pv_cbor_get_id16(in, &principal.invite);
    principal.person_epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &principal.kem_hash);
    pv_cbor_get_hash(in, &principal.setter);
    principal.has_until = !pv_cbor_take_null(in);
    if (principal.has_until) principal.until_ms = pv_cbor_get_uint(in, PV_LIMIT_N);
    struct pv_principal *to = table_add(in, &r->principals, &principal.id);
    if (to) *to = principal;
}

static void get_device(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_room_device device = {.has_adder = false};
    pv_cbor_get_array_of(in, 6);
    pv_device_get(in, &device.device);
    pv_device_id(&device.device, &device.id);
    pv_cbor_get_hash(in, &device.principal);
    device.index = get_index(in, r);
    device.has_adder = !pv_cbor_take_null(in);
    if (device.has_adder) pv_cbor_get_hash(in, &device.adder);
    device.paper = pv_cbor_get_bool(in);
    device.order = pv_cbor_get_uint(in, UINT64_MAX);
    const struct pv_author *author = pv_state_author(r, &device.id);
    refuse_unless(in, author && author->owned && pv_hash_equal(&author->owner, &device.principal));
    refuse_unless(in, pv_state_principal(r, &device.principal) != NULL);
    if (r->kind == PV_ROOM_PERSON) refuse_unless(in, pv_hash_equal(&device.principal, &device.id));
    struct pv_room_device *to = table_add(in, &r->devices, &device.id);
    if (to) *to = device;
}

static void get_invite(struct pv_cbor *in, struct pv_roster *r)
{
    struct pv_invite invite = {.open = false};
    struct pv_roster_body body;
    pv_cbor_get_array_of(in, 7);
    struct pv_bytes bytes = pv_cbor_get_item(in);
    invite.uses_left = pv_cbor_get_uint(in, PV_LIMIT_INVITE_USES);
    invite.index = get_index(in, r);
    pv_cbor_get_hash(in, &invite.maker);
    invite.open = pv_cbor_get_bool(in);
    invite.opened = pv_cbor_get_bool(in);
    invite.stranger_signs = pv_cbor_get_uint(in, PV_LIMIT_N);
    if (in->err) return;
    bool reads = pv_roster_body_read(bytes, &body) == PV_OK && body.type == PV_ROSTER_INVITE;
    refuse_unless(in, reads && invite.uses_left <= body.u.invite.uses && (!invite.open || invite.uses_left));
    if (in->err) return;
    invite.body = body.u.invite;
    struct pv_invite *to = table_add(in, &r->invites, &invite.body.id);
    if (to) *to = invite;
    if (to && invite.open) r->open_invites++;
}

static void get_scalars(struct pv_cbor *in, struct pv_roster *r)
{
    r->size = pv_cbor_get_uint(in, PV_LIMIT_N);
    r->born = pv_cbor_get_bool(in);
    pv_cbor_get_hash(in, &r->room);
    r->kind = (enum pv_room_kind)pv_cbor_get_uint(in, PV_ROOM_CLIENT);
    struct pv_bytes name = pv_cbor_get_text(in, PV_LIMIT_SERVER_NAME_BYTES);
    struct pv_sign_pk log_key;
    pv_cbor_get_fixed(in, log_key.b, sizeof log_key.b);
    if (r->born && !in->err) pv_state_set_server(r, name, &log_key);
    pv_cbor_get_hash(in, &r->policy_value);
    r->due = pv_cbor_get_bool(in);
    r->changed_at = pv_cbor_get_uint(in, PV_LIMIT_N);
    r->cut = pv_cbor_get_uint(in, PV_LIMIT_N);
    refuse_unless(in, r->born ? r->size > 0 && name.n > 0 && r->changed_at < r->size : name.n == 0);
}

static bool holds_together(const struct pv_roster *r)
{
    if (!r->born) return r->principals.count == 0 && r->epochs.count == 0 && r->changed_at == 0;
    if (r->epochs.count == 0 || r->cut >= r->epochs.count) return false;
    return r->principals.count == 0 || pv_state_owner_count(r) > 0;
}

enum pv_err pv_roster_decode(struct pv_bytes bytes, struct pv_roster **ret_roster)
{
    static void (*const lists[])(struct pv_cbor *in, struct pv_roster *r) = {
        get_author, get_add, get_bar, get_sign, get_kept, get_epoch, get_complaint, get_hold, get_forget, get_principal,
        get_device, get_invite};
    struct pv_roster *r;
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, PV_SNAPSHOT_FIELDS);
    if (pv_cbor_get_uint(&in, UINT64_MAX) != PV_SNAPSHOT_VERSION) pv_cbor_fail(&in, PV_ERR_UNSUPPORTED);
    if (in.err) return in.err;
    enum pv_err err = pv_roster_new(&r);
    if (err) return err;
    get_scalars(&in, r);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        size_t count = pv_cbor_get_array(&in, SIZE_MAX);
        for (size_t k = 0; k < count && !in.err; k++) lists[i](&in, r);
    }
    err = pv_cbor_finish(&in);
    if (!err && !holds_together(r)) err = PV_ERR_MALFORMED;
    if (err) {
        pv_roster_free(r);
        return err;
    }
    *ret_roster = r;
    return PV_OK;
}
