/* Profiles: the name that each device's person goes by, newest last. */
#include "core/state/feature.h"

enum pv_err pv_profile_fold(struct pv_store *store, const struct pv_folding *folding)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO profile (author, idx, name) VALUES (?, ?, ?)");
    pv_sql_bind_u64(&sql, folding->author);
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_text(&sql, folding->payload->u.profile_name);
    return pv_sql_run(&sql);
}
