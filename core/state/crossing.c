/* Removals that crossed with what others wrote, as one small value of the store. */
#include "core/state/crossing.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"

enum { ROW_BYTES_MAX = 9 + 9 + 34, VALUE_BYTES_MAX = PV_CROSSINGS_MAX * ROW_BYTES_MAX };
static const char value_name[] = "pv.crossings";

enum pv_err pv_crossings_load(struct pv_store *store, struct pv_crossings *ret_crossings)
{
    struct pv_crossings crossings = {NULL, 0};
    struct pv_buf value;
    struct pv_cbor in;
    pv_buf_init(&value, VALUE_BYTES_MAX);
    enum pv_err err = pv_store_value_get(store, value_name, &value);
    if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    if (!err && value.n) {
        crossings.rows = malloc(PV_CROSSINGS_MAX * sizeof *crossings.rows);
        err = crossings.rows ? PV_OK : PV_ERR_NOMEM;
    }
    pv_cbor_init(&in, pv_buf_bytes(&value));
    while (crossings.rows && in.p < in.end && !in.err) {
        struct pv_crossing *row = &crossings.rows[crossings.count];
        row->from = pv_cbor_get_uint(&in, PV_LIMIT_N);
        row->to = pv_cbor_get_uint(&in, PV_LIMIT_N);
        pv_cbor_get_hash(&in, &row->remover);
        if (in.err || ++crossings.count == PV_CROSSINGS_MAX) break;
    }
    if (!err && in.err) err = PV_ERR_CORRUPT;
    pv_buf_release(&value);
    if (err) pv_crossings_release(&crossings);
    else *ret_crossings = crossings;
    return err;
}

void pv_crossings_release(struct pv_crossings *crossings)
{
    free(crossings->rows);
    *crossings = (struct pv_crossings){NULL, 0};
}

enum pv_err pv_crossing_add(struct pv_store *store, const struct pv_crossing *crossing)
{
    struct pv_crossings crossings = {NULL, 0};
    struct pv_buf value;
    if (crossing->from >= crossing->to) return PV_OK;
    enum pv_err err = pv_crossings_load(store, &crossings);
    if (err) return err;
    pv_buf_init(&value, VALUE_BYTES_MAX);
    for (size_t i = crossings.count == PV_CROSSINGS_MAX; i <= crossings.count; i++) {
        const struct pv_crossing *row = i < crossings.count ? &crossings.rows[i] : crossing;
        pv_cbor_put_uint(&value, row->from);
        pv_cbor_put_uint(&value, row->to);
        pv_cbor_put_hash(&value, &row->remover);
    }
    err = value.err ? value.err : pv_store_value_set(store, value_name, pv_buf_bytes(&value));
    pv_buf_release(&value);
    pv_crossings_release(&crossings);
    return err;
}

const struct pv_crossing *pv_crossings_find(const struct pv_crossings *crossings, uint64_t index, const struct pv_hash *author)
{
    for (size_t i = crossings->count; i-- > 0;) {
        const struct pv_crossing *row = &crossings->rows[i];
        if (index >= row->from && index < row->to && !pv_hash_equal(&row->remover, author)) return row;
    }
    return NULL;
}
