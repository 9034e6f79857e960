/* Two containers of the roster, of fixed-size items whose first bytes are their key.
 *
 * A map keeps the order in which items were added and never removes one; a table keeps them sorted by key.
 * Adding cannot fail once room for it was reserved; both change nothing when reserving fails.
 * Pointers to items stay valid until the next reserve, add or remove. */
#ifndef PV_ROOM_ROSTER_MAP_H
#define PV_ROOM_ROSTER_MAP_H

#include "core/base/bytes.h"

struct pv_map {
    uint8_t *items;
    uint32_t *next;    /* number + 1 of the next item in the same bucket */
    uint32_t *buckets; /* number + 1 of each bucket's first item */
    size_t count, cap, bucket_count;
    size_t item_bytes, key_bytes;
    bool uniform; /* keys begin with a hash's bytes; others are hashed, since a peer may choose them */
};

void pv_map_init(struct pv_map *map, size_t item_bytes, size_t key_bytes, bool uniform);
void pv_map_release(struct pv_map *map);
/* Forget all items, keep the memory. */
void pv_map_clear(struct pv_map *map);
/* Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_map_copy(const struct pv_map *map, struct pv_map *ret_copy);
PV_MUST_USE enum pv_err pv_map_reserve(struct pv_map *map, size_t extra);
/* NULL: not there. */
void *pv_map_find(const struct pv_map *map, const void *key);
/* A new zeroed item with this key, which is not there yet. */
void *pv_map_add(struct pv_map *map, const void *key);

static inline void *pv_map_at(const struct pv_map *map, size_t i)
{
    return i ? map->items + i * map->item_bytes : map->items;
}

static inline size_t pv_map_number(const struct pv_map *map, const void *item)
{
    return (size_t)((const uint8_t *)item - map->items) / map->item_bytes;
}

/* With key_bytes 0 a plain growing array. */
struct pv_table {
    uint8_t *items;
    size_t count, cap;
    size_t item_bytes, key_bytes;
};

void pv_table_init(struct pv_table *table, size_t item_bytes, size_t key_bytes);
void pv_table_release(struct pv_table *table);
PV_MUST_USE enum pv_err pv_table_copy(const struct pv_table *table, struct pv_table *ret_copy);
PV_MUST_USE enum pv_err pv_table_reserve(struct pv_table *table, size_t extra);
void *pv_table_find(const struct pv_table *table, const void *key);
/* The same, looking at place `hint` first. */
void *pv_table_find_at(const struct pv_table *table, const void *key, size_t hint);
/* A new zeroed item in its place, with this key, which is not there yet. */
void *pv_table_insert(struct pv_table *table, const void *key);
/* A new zeroed item at the end: for arrays, and for keys that come in order. */
void *pv_table_push(struct pv_table *table);
/* Remove the items for which `goes` says so, in one pass. */
void pv_table_remove(struct pv_table *table, bool (*goes)(const void *context, const void *item), const void *context);

static inline size_t pv_table_number(const struct pv_table *table, const void *item)
{
    return (size_t)((const uint8_t *)item - table->items) / table->item_bytes;
}

static inline void *pv_table_at(const struct pv_table *table, size_t i)
{
    return i ? table->items + i * table->item_bytes : table->items;
}

#endif
