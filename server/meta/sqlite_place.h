/* How the embedded store numbers entries and authors. */
#ifndef PV_META_SQLITE_PLACE_H
#define PV_META_SQLITE_PLACE_H

#include <string.h>

#include "server/meta/sqlite_store.h"

/* One integer key for (room, index), so that a room's entries stand together and in order. */
static inline uint64_t pv_sqlite_place(uint64_t room, uint64_t index)
{
    return (room << INDEX_BITS) | index;
}

/* A short name of an author in a room; two may share one, so whoever finds by it looks at the entry. */
static inline int64_t pv_sqlite_author(uint64_t room, const struct pv_hash *author)
{
    uint64_t low;
    memcpy(&low, author->b, sizeof low);
    low ^= room * 0x9e3779b97f4a7c15u;
    int64_t name;
    memcpy(&name, &low, sizeof name);
    return name;
}

#endif
