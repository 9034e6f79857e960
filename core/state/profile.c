/* Profiles: the name that each device's person goes by, newest last. */
#include "core/state/feature.h"

/* The first name that the room's founder gives is kept besides: in a person's own room, the person's. */
static enum pv_err keep_first(struct pv_store *store, const struct pv_folding *folding)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR IGNORE INTO value (name, value) SELECT '" PV_FOUNDER_NAME "', CAST(? AS BLOB)"
                                            " FROM entry WHERE idx = 0 AND author = ?");
    pv_sql_bind_text(&sql, folding->payload->u.profile_name);
    pv_sql_bind_u64(&sql, folding->author);
    return pv_sql_run(&sql);
}

enum pv_err pv_profile_fold(struct pv_store *store, const struct pv_folding *folding)
{
    enum pv_err err = keep_first(store, folding);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO profile (author, idx, name) VALUES (?, ?, ?)");
    pv_sql_bind_u64(&sql, folding->author);
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_text(&sql, folding->payload->u.profile_name);
    return pv_sql_run(&sql);
}
