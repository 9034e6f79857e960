/* The roster's containers: a hashed map in insertion order, a sorted table. */
#include "core/room/roster_map.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"

void pv_map_init(struct pv_map *map, size_t item_bytes, size_t key_bytes, bool uniform)
{
    *map = (struct pv_map){.item_bytes = item_bytes, .key_bytes = key_bytes, .uniform = uniform};
}

void pv_map_release(struct pv_map *map)
{
    free(map->items);
    free(map->next);
    free(map->buckets);
    pv_map_init(map, map->item_bytes, map->key_bytes, map->uniform);
}

void pv_map_clear(struct pv_map *map)
{
    if (map->bucket_count) memset(map->buckets, 0, map->bucket_count * sizeof *map->buckets);
    map->count = 0;
}

static size_t bucket_of(const struct pv_map *map, const void *key)
{
    struct pv_hash hash;
    uint64_t value;
    if (!map->uniform) {
        pv_sha256(pv_bytes(key, map->key_bytes), &hash);
        key = hash.b;
    }
    memcpy(&value, key, sizeof value);
    return (size_t)value & (map->bucket_count - 1);
}

static void chain(struct pv_map *map, size_t i)
{
    uint32_t *bucket = &map->buckets[bucket_of(map, pv_map_at(map, i))];
    map->next[i] = *bucket;
    *bucket = (uint32_t)i + 1;
}

/* Room for `cap` items, a power of two; buckets are as many. */
static enum pv_err grow(struct pv_map *map, size_t cap)
{
    uint32_t *buckets = calloc(cap, sizeof *buckets);
    uint32_t *next = calloc(cap, sizeof *next);
    uint8_t *items = malloc(cap * map->item_bytes);
    if (!buckets || !next || !items) {
        free(buckets);
        free(next);
        free(items);
        return PV_ERR_NOMEM;
    }
    if (map->count) memcpy(items, map->items, map->count * map->item_bytes);
    free(map->buckets);
    free(map->next);
    free(map->items);
    map->buckets = buckets;
    map->next = next;
    map->items = items;
    map->cap = map->bucket_count = cap;
    for (size_t i = 0; i < map->count; i++) chain(map, i);
    return PV_OK;
}

enum pv_err pv_map_reserve(struct pv_map *map, size_t extra)
{
    size_t cap = map->cap ? map->cap : 16;
    if (extra > UINT32_MAX / 2 || map->count > UINT32_MAX / 2 - extra) return PV_ERR_NOMEM;
    if (map->count + extra <= map->cap) return PV_OK;
    while (cap < map->count + extra) cap *= 2;
    if (cap > SIZE_MAX / map->item_bytes) return PV_ERR_NOMEM;
    return grow(map, cap);
}

enum pv_err pv_map_copy(const struct pv_map *map, struct pv_map *ret_copy)
{
    struct pv_map copy;
    pv_map_init(&copy, map->item_bytes, map->key_bytes, map->uniform);
    enum pv_err err = pv_map_reserve(&copy, map->count);
    if (err) return err;
    if (map->count) memcpy(copy.items, map->items, map->count * map->item_bytes);
    for (; copy.count < map->count; copy.count++) chain(&copy, copy.count);
    *ret_copy = copy;
    return PV_OK;
}

void *pv_map_find(const struct pv_map *map, const void *key)
{
    if (map->count == 0) return NULL;
    for (uint32_t at = map->buckets[bucket_of(map, key)]; at; at = map->next[at - 1]) {
        void *item = pv_map_at(map, at - 1);
        if (memcmp(item, key, map->key_bytes) == 0) return item;
    }
    return NULL;
}

void *pv_map_add(struct pv_map *map, const void *key)
{
    if (map->count == map->cap) abort(); /* nothing was reserved */
    uint8_t *item = pv_map_at(map, map->count);
    memset(item, 0, map->item_bytes);
    memcpy(item, key, map->key_bytes);
    chain(map, map->count++);
    return item;
}

void pv_table_init(struct pv_table *table, size_t item_bytes, size_t key_bytes)
{
    *table = (struct pv_table){.item_bytes = item_bytes, .key_bytes = key_bytes};
}

void pv_table_release(struct pv_table *table)
{
    free(table->items);
    pv_table_init(table, table->item_bytes, table->key_bytes);
}

enum pv_err pv_table_reserve(struct pv_table *table, size_t extra)
{
    size_t most = SIZE_MAX / table->item_bytes / 2, cap = table->cap ? table->cap : 8;
    if (extra > most || table->count > most - extra) return PV_ERR_NOMEM;
    if (table->count + extra <= table->cap) return PV_OK;
    while (cap < table->count + extra) cap *= 2;
    uint8_t *items = realloc(table->items, cap * table->item_bytes);
    if (!items) return PV_ERR_NOMEM;
    table->items = items;
    table->cap = cap;
    return PV_OK;
}

enum pv_err pv_table_copy(const struct pv_table *table, struct pv_table *ret_copy)
{
    struct pv_table copy;
    pv_table_init(&copy, table->item_bytes, table->key_bytes);
    enum pv_err err = pv_table_reserve(&copy, table->count);
    if (err) return err;
    if (table->count) memcpy(copy.items, table->items, table->count * table->item_bytes);
    copy.count = table->count;
    *ret_copy = copy;
    return PV_OK;
}

/* The first place whose key is not below `key`. */
static size_t lower_bound(const struct pv_table *table, const void *key)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(pv_table_at(table, middle), key, table->key_bytes) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

void *pv_table_find(const struct pv_table *table, const void *key)
{
    size_t at = lower_bound(table, key);
    if (at == table->count) return NULL;
    void *item = pv_table_at(table, at);
    return memcmp(item, key, table->key_bytes) == 0 ? item : NULL;
}

void *pv_table_find_at(const struct pv_table *table, const void *key, size_t hint)
{
    void *item = hint < table->count ? pv_table_at(table, hint) : NULL;
    if (item && memcmp(item, key, table->key_bytes) == 0) return item;
    return pv_table_find(table, key);
}

static void *open_place(struct pv_table *table, size_t at)
{
    if (table->count == table->cap) abort(); /* nothing was reserved */
    uint8_t *item = pv_table_at(table, at);
    memmove(item + table->item_bytes, item, (table->count - at) * table->item_bytes);
    memset(item, 0, table->item_bytes);
    table->count++;
    return item;
}

void *pv_table_insert(struct pv_table *table, const void *key)
{
    void *item = open_place(table, lower_bound(table, key));
    memcpy(item, key, table->key_bytes);
    return item;
}

void *pv_table_push(struct pv_table *table)
{
    return open_place(table, table->count);
}

void pv_table_remove(struct pv_table *table, bool (*goes)(const void *context, const void *item), const void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (goes(context, pv_table_at(table, i))) continue;
        if (kept != i) memcpy(pv_table_at(table, kept), pv_table_at(table, i), table->item_bytes);
        kept++;
    }
    table->count = kept;
}
