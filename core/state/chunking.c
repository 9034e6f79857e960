/* The chunking secret: the first one in the log is in force, so that boundaries never move. */
#include "core/state/feature.h"

enum pv_err pv_chunking_fold(struct pv_store *store, const struct pv_folding *folding)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO chunking (idx, secret) VALUES (?, ?)");
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(folding->payload->u.chunking));
    return pv_sql_run(&sql);
}
