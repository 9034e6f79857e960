/* The roster's state: its making, its small questions, and the changes that several rules share. */
#include "core/room/roster_state.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void pv_state_init(struct pv_roster *r)
{
    *r = (struct pv_roster){.size = 0};
    pv_map_init(&r->authors, sizeof(struct pv_author), sizeof(struct pv_hash), true);
    pv_map_init(&r->noted, sizeof(struct pv_author), sizeof(struct pv_hash), true);
    pv_table_init(&r->adds, sizeof(struct pv_add), 0);
    pv_map_init(&r->bars, sizeof(struct pv_bar), 2 * sizeof(struct pv_hash), false);
    pv_map_init(&r->signs, sizeof(struct pv_standing_sign), 2 * sizeof(struct pv_hash), false);
    pv_map_init(&r->kept, sizeof(uint64_t), sizeof(uint64_t), false);
    pv_map_init(&r->secrets, sizeof(struct pv_hash), sizeof(struct pv_hash), false);
    pv_map_init(&r->complaints, sizeof(struct pv_hash), sizeof(struct pv_hash), true);
    pv_map_init(&r->holds, sizeof(struct pv_hold), sizeof(struct pv_id16), false);
    pv_map_init(&r->forgets, sizeof(struct pv_forget), sizeof(struct pv_id16), false);
    pv_table_init(&r->ranges, sizeof(struct pv_range), 0);
    pv_table_init(&r->gone, sizeof(struct pv_range), 0);
    pv_table_init(&r->epochs, sizeof(struct pv_epoch_info), 0);
    pv_table_init(&r->principals, sizeof(struct pv_principal), sizeof(struct pv_hash));
    pv_table_init(&r->devices, sizeof(struct pv_room_device), sizeof(struct pv_hash));
    pv_table_init(&r->invites, sizeof(struct pv_invite), sizeof(struct pv_id16));
}

/* Where the containers lie, for what is done to each. */
#define MAP(field) offsetof(struct pv_roster, field)
static const size_t maps[] = {MAP(authors), MAP(noted),      MAP(bars),  MAP(signs),  MAP(kept),
                              MAP(secrets), MAP(complaints), MAP(holds), MAP(forgets)};
static const size_t tables[] = {MAP(adds),       MAP(ranges),  MAP(gone),   MAP(epochs),
                                MAP(principals), MAP(devices), MAP(invites)};
enum { MAPS = sizeof maps / sizeof maps[0], TABLES = sizeof tables / sizeof tables[0] };

static struct pv_map *map_at(struct pv_roster *r, size_t i)
{
    return (struct pv_map *)(void *)((uint8_t *)r + maps[i]);
}

static struct pv_table *table_at(struct pv_roster *r, size_t i)
{
    return (struct pv_table *)(void *)((uint8_t *)r + tables[i]);
}

void pv_state_release(struct pv_roster *r)
{
    for (size_t i = 0; i < MAPS; i++) pv_map_release(map_at(r, i));
    for (size_t i = 0; i < TABLES; i++) pv_table_release(table_at(r, i));
}

enum pv_err pv_roster_new(struct pv_roster **ret_roster)
{
    struct pv_roster *roster = malloc(sizeof *roster);
    if (!roster) return PV_ERR_NOMEM;
    pv_state_init(roster);
    *ret_roster = roster;
    return PV_OK;
}

void pv_roster_free(struct pv_roster *roster)
{
    if (!roster) return;
    pv_state_release(roster);
    free(roster);
}

enum pv_err pv_roster_copy(const struct pv_roster *roster, struct pv_roster **ret_copy)
{
    struct pv_roster *copy = malloc(sizeof *copy), *from = (struct pv_roster *)(uintptr_t)roster;
    if (!copy) return PV_ERR_NOMEM;
    *copy = *roster;
    struct pv_roster empty;
    pv_state_init(&empty);
    for (size_t i = 0; i < MAPS; i++) *map_at(copy, i) = *map_at(&empty, i);
    for (size_t i = 0; i < TABLES; i++) *table_at(copy, i) = *table_at(&empty, i);
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < MAPS && !err; i++) err = pv_map_copy(map_at(from, i), map_at(copy, i));
    for (size_t i = 0; i < TABLES && !err; i++) err = pv_table_copy(table_at(from, i), table_at(copy, i));
    if (err) {
        pv_roster_free(copy);
        return err;
    }
    *ret_copy = copy;
    return PV_OK;
}

struct pv_author *pv_state_author(const struct pv_roster *r, const struct pv_hash *id)
{
    return pv_map_find(&r->authors, id);
}

struct pv_principal *pv_state_principal(const struct pv_roster *r, const struct pv_hash *id)
{
    return pv_table_find(&r->principals, id);
}

struct pv_room_device *pv_state_device(const struct pv_roster *r, const struct pv_hash *id)
{
    return pv_table_find(&r->devices, id);
}

struct pv_invite *pv_state_invite(const struct pv_roster *r, const struct pv_id16 *id)
{
    return pv_table_find(&r->invites, id);
}

const struct pv_epoch_info *pv_state_epoch(const struct pv_roster *r)
{
    return r->epochs.count ? pv_table_at(&r->epochs, r->epochs.count - 1) : NULL;
}

size_t pv_state_owner_count(const struct pv_roster *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->principals.count; i++) {
        const struct pv_principal *principal = pv_table_at(&r->principals, i);
        count += principal->role == PV_ROLE_OWNER;
    }
    return count;
}

uint64_t pv_state_paper_order(bool first, uint64_t index, size_t place)
{
    enum { PLACES = 32 };
    _Static_assert(2 + PV_LIMIT_CERTIFICATES <= PLACES, "places in a record");
    return first ? 0 : 1 + index * PLACES + place;
}

static void bar_key(const struct pv_roster *r, const struct pv_hash *person, const struct pv_hash *device,
                    struct pv_hash ret_key[static 2])
{
    ret_key[0] = r->kind == PV_ROOM_PERSON ? (struct pv_hash){{0}} : *person;
    ret_key[1] = *device;
}

const struct pv_bar *pv_state_bar(const struct pv_roster *r, const struct pv_hash *person, const struct pv_hash *device)
{
    struct pv_hash key[2];
    bar_key(r, person, device, key);
    return pv_map_find(&r->bars, key);
}

bool pv_state_bar_holds(const struct pv_roster *r, const struct pv_hash *person, const struct pv_hash *device,
                        bool paper, bool first_paper)
{
    const struct pv_bar *bar = pv_state_bar(r, person, device);
    return bar && !first_paper && (bar->strong || !paper);
}

void pv_state_set_bar(struct pv_roster *r, const struct pv_hash *person, const struct pv_hash *device, bool strong)
{
    struct pv_hash key[2];
    bar_key(r, person, device, key);
    struct pv_bar *bar = pv_map_find(&r->bars, key);
    if (!bar) bar = pv_map_add(&r->bars, key);
    bar->strong = bar->strong || strong;
}

void pv_state_close_invite(struct pv_roster *r, struct pv_invite *invite)
{
    if (!invite->open) return;
    invite->open = false;
    r->open_invites--;
    if (invite->opened) r->due = true; /* someone may hold the link's key */
}

void pv_state_close_all_invites(struct pv_roster *r)
{
    for (size_t i = 0; i < r->invites.count && r->open_invites; i++)
        pv_state_close_invite(r, pv_table_at(&r->invites, i));
}

struct pv_room_device *pv_state_add_own_device(struct pv_roster *r, uint64_t index, const struct pv_hash *id,
                                               const struct pv_cert *cert)
{
    struct pv_principal *principal = pv_table_insert(&r->principals, id);
    principal->role = PV_ROLE_OWNER;
    principal->since = principal->join_index = index;
    principal->kem_hash = cert->device.kem_hash;
    principal->setter = *id;
    struct pv_room_device *device = pv_table_insert(&r->devices, id);
    device->device = cert->device;
    device->principal = *id;
    device->index = index;
    device->paper = cert->paper;
    return device;
}

void pv_state_record_add(struct pv_roster *r, uint64_t index, const struct pv_hash *adder, const struct pv_hash *device)
{
    struct pv_author *by = pv_state_author(r, adder);
    struct pv_add *add = pv_table_push(&r->adds);
    add->index = index;
    add->adder = (uint32_t)pv_map_number(&r->authors, by);
    add->device = (uint32_t)pv_map_number(&r->authors, pv_state_author(r, device));
    add->earlier = by->last_add;
    by->last_add = (uint32_t)r->adds.count;
}

void pv_state_set_server(struct pv_roster *r, struct pv_bytes name, const struct pv_sign_pk *log_key)
{
    memcpy(r->server_name, name.p, name.n);
    r->server_name_len = name.n;
    r->log_key = *log_key;
    pv_log_key_id(log_key, &r->log_key_id);
    pv_server_value_hash(name, log_key, &r->server_value);
}

void pv_state_begin_epoch(struct pv_roster *r, uint64_t index, uint64_t epoch, const struct pv_hash *secret_hash,
                          const struct pv_hash *kem_hash)
{
    struct pv_epoch_info *info = pv_table_push(&r->epochs);
    *info = (struct pv_epoch_info){.epoch = epoch, .index = index, .secret_hash = *secret_hash, .kem_hash = *kem_hash};
    (void)pv_map_add(&r->secrets, secret_hash);
    pv_map_clear(&r->complaints);
    r->due = false;
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct pv_hash));
}

struct names {
    struct pv_hash sorted[PV_LIMIT_TARGETS];
    size_t count;
};

static bool is_named(const struct names *names, const struct pv_hash *id)
{
    return bsearch(id, names->sorted, names->count, sizeof names->sorted[0], compare_hashes) != NULL;
}

static bool principal_goes(const void *context, const void *item)
{
    return is_named(context, &((const struct pv_principal *)item)->id);
}

static bool device_goes(const void *context, const void *item)
{
    return is_named(context, &((const struct pv_room_device *)item)->principal);
}

void pv_state_drop(struct pv_roster *r, const struct pv_hash *persons, size_t count)
{
    struct names names = {.count = count};
    memcpy(names.sorted, persons, count * sizeof names.sorted[0]);
    qsort(names.sorted, count, sizeof names.sorted[0], compare_hashes);
    pv_table_remove(&r->principals, principal_goes, &names);
    pv_table_remove(&r->devices, device_goes, &names);
    r->due = true;
    pv_state_close_all_invites(r);
}

void pv_state_add_ranges(struct pv_roster *r, const struct pv_range *ranges, size_t count, size_t *ret_at)
{
    *ret_at = r->ranges.count;
    for (size_t i = 0; i < count; i++) *(struct pv_range *)pv_table_push(&r->ranges) = ranges[i];
}

/* The first that ends at `from` or later. */
static size_t first_gone(const struct pv_roster *r, uint64_t from)
{
    size_t low = 0, high = r->gone.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (((const struct pv_range *)pv_table_at(&r->gone, middle))->to < from) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* As one with those that it meets. */
static void add_gone(struct pv_roster *r, struct pv_range range)
{
    size_t at = first_gone(r, range.from), end = at;
    if (at == r->gone.count) {
        *(struct pv_range *)pv_table_push(&r->gone) = range;
        return;
    }
    struct pv_range *gone = pv_table_at(&r->gone, 0);
    for (; end < r->gone.count && gone[end].from <= range.to; end++) {
        if (gone[end].from < range.from) range.from = gone[end].from;
        if (gone[end].to > range.to) range.to = gone[end].to;
    }
    if (end == at) {
        (void)pv_table_push(&r->gone);
        end++;
        memmove(gone + end, gone + at, (r->gone.count - end) * sizeof *gone);
    } else {
        memmove(gone + at + 1, gone + end, (r->gone.count - end) * sizeof *gone);
        r->gone.count -= end - at - 1;
    }
    gone[at] = range;
}

void pv_state_forget_done(struct pv_roster *r, struct pv_forget *forget)
{
    forget->done = true;
    for (size_t i = 0; i < forget->range_count; i++)
        add_gone(r, *(const struct pv_range *)pv_table_at(&r->ranges, forget->ranges_at + i));
}

/* Both rise, so one walk does. */
static bool overlap(const struct pv_range *a, size_t a_count, const struct pv_range *b, size_t b_count)
{
    for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
        if (a[i].to <= b[j].from) i++;
        else if (b[j].to <= a[i].from) j++;
        else return true;
    }
    return false;
}

bool pv_state_is_held(const struct pv_roster *r, const struct pv_range *ranges, size_t count)
{
    for (size_t i = 0; i < r->holds.count; i++) {
        const struct pv_hold *hold = pv_map_at(&r->holds, i);
        if (hold->lifted) continue;
        if (overlap(ranges, count, pv_table_at(&r->ranges, hold->ranges_at), hold->range_count)) return true;
    }
    return false;
}

enum pv_err pv_state_reserve(struct pv_roster *r, const struct pv_case *c)
{
    enum pv_err err = pv_map_reserve(&r->authors, c->listed_count);
    if (!err) err = pv_table_reserve(&r->principals, c->need.principals);
    if (!err) err = pv_table_reserve(&r->devices, c->need.devices);
    if (!err) err = pv_table_reserve(&r->invites, c->need.invites);
    if (!err) err = pv_table_reserve(&r->adds, c->need.adds);
    if (!err) err = pv_map_reserve(&r->bars, c->need.bars);
    if (!err) err = pv_map_reserve(&r->signs, c->need.signs);
    if (!err) err = pv_map_reserve(&r->kept, c->need.signs);
    if (!err) err = pv_map_reserve(&r->holds, c->need.holds);
    if (!err) err = pv_map_reserve(&r->forgets, c->need.forgets);
    if (!err) err = pv_table_reserve(&r->ranges, c->need.ranges);
    if (!err) err = pv_table_reserve(&r->gone, c->need.gone);
    if (!err) err = pv_table_reserve(&r->epochs, c->need.epochs);
    if (!err) err = pv_map_reserve(&r->secrets, c->need.epochs);
    if (!err) err = pv_map_reserve(&r->complaints, c->need.complaints);
    return err;
}
