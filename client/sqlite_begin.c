/* SQLite's beginning, made safe where memory runs out in it.
 *
 * When SQLite3 Multiple Ciphers registers its ciphers, it copies the names of their parameters without looking whether
 * it got memory for them. So, while it begins, what is that small comes from a reserve when there is no other; it ends
 * with an error at the next larger piece. */
#include "client/sqlite_begin.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SLOT_BYTES = 32, SLOTS = 128 };

static struct {
    _Alignas(max_align_t) uint8_t slots[SLOTS][SLOT_BYTES];
    size_t used;
    bool open, begun;
} reserve;
static sqlite3_mem_methods usual;

static bool is_reserved(const void *p)
{
    uintptr_t at = (uintptr_t)p, from = (uintptr_t)reserve.slots;
    return at >= from && at < from + sizeof reserve.slots;
}

static void *take(int n)
{
    void *p = usual.xMalloc(n);
    return p || !reserve.open || n > SLOT_BYTES || reserve.used == SLOTS ? p : reserve.slots[reserve.used++];
}

static void give_back(void *p)
{
    if (!is_reserved(p)) usual.xFree(p);
}

static int size_of(void *p)
{
    return is_reserved(p) ? SLOT_BYTES : usual.xSize(p);
}

static void *resize(void *p, int n)
{
    if (!is_reserved(p)) return usual.xRealloc(p, n);
    if (n <= SLOT_BYTES) return p;
    void *grown = usual.xMalloc(n);
    if (grown) memcpy(grown, p, SLOT_BYTES);
    return grown;
}

enum pv_err pv_sqlite_begin_once(void)
{
    sqlite3_mem_methods ours;
    int rc = SQLITE_OK;

    if (reserve.begun) return PV_OK;
    if (!usual.xMalloc) rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    ours = usual;
    ours.xMalloc = take;
    ours.xFree = give_back;
    ours.xSize = size_of;
    ours.xRealloc = resize;
    if (rc == SQLITE_OK) rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
    reserve.open = true;
    if (rc == SQLITE_OK) rc = sqlite3_initialize();
    reserve.open = false;
    reserve.begun = rc == SQLITE_OK;
    return rc == SQLITE_OK ? PV_OK : rc == SQLITE_NOMEM ? PV_ERR_NOMEM : PV_ERR_IO;
}
