/* Collecting blobs: first the row goes, then the bytes; a locator is never used twice, so nothing can come between. */
#include "server/gc.h"

#include <stdlib.h>

#include "server/survivors.h"

enum { AT_ONCE = 256, SWEEP_AFTER_MS = 24 * 3600 * 1000 };

/* Those unreferenced since before `before_ms`. */
static enum pv_err collect(struct pv_server *server, uint64_t before_ms, uint64_t *ret_collected)
{
    struct pv_id16 locators[AT_ONCE];
    size_t count = AT_ONCE;
    enum pv_err err = PV_OK;
    while (!err && count == AT_ONCE) {
        err = server->meta->ops->blob_collect(server->meta, before_ms, AT_ONCE, locators, &count);
        for (size_t i = 0; i < count && !err; i++) {
            err = server->blobs->ops->remove(server->blobs, &locators[i]);
            ++*ret_collected;
        }
    }
    return err;
}

struct sweep {
    struct pv_server *server;
    uint64_t before_ms, swept;
};

static enum pv_err sweep_one(void *context, const struct pv_id16 *locator, uint64_t written_ms)
{
    struct sweep *sweep = context;
    struct pv_server *server = sweep->server;
    bool known;
    if (written_ms >= sweep->before_ms) return PV_OK; /* its row may be on the way */
    enum pv_err err = server->meta->ops->blob_known(server->meta, locator, &known);
    if (err || known) return err;
    sweep->swept++;
    return server->blobs->ops->remove(server->blobs, locator);
}

enum pv_err pv_gc(struct pv_server *server, struct pv_gc_result *ret_result)
{
    uint64_t now_ms = pv_server_now_ms(server);
    struct sweep sweep = {server, now_ms > SWEEP_AFTER_MS ? now_ms - SWEEP_AFTER_MS : 0, 0};
    *ret_result = (struct pv_gc_result){0};
    uint64_t restored_ms = 0;
    enum pv_err err = pv_survivors_adopt(server, &ret_result->adopted);
    if (!err) err = collect(server, now_ms > PV_BLOB_KEEP_MS ? now_ms - PV_BLOB_KEEP_MS : 0, &ret_result->collected);
    if (!err) err = server->meta->ops->restored_at(server->meta, &restored_ms);
    bool sweeps = !restored_ms || now_ms > restored_ms + PV_SURVIVORS_KEEP_MS;
    if (!err && sweeps) err = server->blobs->ops->each(server->blobs, sweep_one, &sweep);
    if (!err) err = server->blobs->ops->tidy(server->blobs);
    ret_result->swept = sweep.swept;
    return err;
}

enum pv_err pv_gc_let_go(struct pv_server *server)
{
    uint64_t collected = 0;
    return collect(server, 1, &collected);
}
