/* Unsent writes on top of the state, inside a transaction or savepoint that never commits. */
#include "core/state/overlay.h"

#include "core/state/fold.h"
#include "core/state/written.h"

static const char to_savepoint[] = "ROLLBACK TO pv_overlay";
static const char release_savepoint[] = "RELEASE pv_overlay";

static enum pv_err fold_write(void *context, const struct pv_write *write)
{
    const struct pv_query *query = context;
    struct pv_log_item item = {.index = PV_QUERY_PENDING_BASE + write->id};
    if (!pv_kind_is_sealed(write->kind)) return PV_OK;
    item.entry.header.author = *query->me;
    item.entry.header.kind = write->kind;
    item.entry.header.time_ms = write->created_ms;
    return pv_fold_entry(query->store, &item, PV_ACCEPTED, write->payload);
}

/* Have what takes it off again prepared, since then there may be no memory for that. */
static enum pv_err begin_savepoint(struct pv_store *store)
{
    const char *texts[] = {to_savepoint, release_savepoint};
    for (size_t i = 0; i < 2; i++) {
        struct pv_sql sql = pv_sql_begin(store, texts[i]);
        enum pv_err err = pv_sql_end(&sql);
        if (err) return err;
    }
    struct pv_sql sql = pv_sql_begin(store, "SAVEPOINT pv_overlay");
    return pv_sql_run(&sql);
}

enum pv_err pv_overlay_begin(const struct pv_query *query, struct pv_overlay *ret_overlay)
{
    struct pv_store *store = query->store;
    struct pv_overlay overlay = {.store = store, .own = !store->in_transaction};
    bool unsent = false;
    *ret_overlay = (struct pv_overlay){0};
    if (!query->me || store->in_overlay) return PV_OK;
    enum pv_err err = pv_store_words_wait(store, &unsent);
    if (err || !unsent) return err;
    err = overlay.own ? pv_store_begin(store) : begin_savepoint(store);
    if (err) return err;
    store->in_overlay = true;
    struct pv_query copy = *query;
    err = pv_store_write_each(store, fold_write, &copy);
    if (err) pv_overlay_end(&overlay);
    else *ret_overlay = overlay;
    return err;
}

enum pv_err pv_overlay_try(struct pv_store *store, struct pv_overlay *ret_overlay)
{
    *ret_overlay = (struct pv_overlay){0};
    if (!store->in_transaction || store->in_overlay) return PV_ERR_USAGE;
    enum pv_err err = begin_savepoint(store);
    if (err) return err;
    store->in_overlay = true;
    *ret_overlay = (struct pv_overlay){.store = store};
    return PV_OK;
}

void pv_overlay_end(struct pv_overlay *overlay)
{
    struct pv_store *store = overlay->store;
    if (!store) return;
    overlay->store = NULL;
    store->in_overlay = false;
    if (overlay->own) {
        pv_store_rollback(store);
        return;
    }
    struct pv_sql back = pv_sql_begin(store, to_savepoint);
    enum pv_err err = pv_sql_run(&back);
    if (!err) {
        struct pv_sql release = pv_sql_begin(store, release_savepoint);
        err = pv_sql_run(&release);
    }
    /* Authors numbered meanwhile are gone; pages of the tree that the caller began stay. */
    for (size_t i = 0; i < PV_SQL_AUTHORS_KEPT; i++) store->authors[i].no = 0;
    pv_written_forget(store);
    if (err) pv_sql_abandon(store);
}
