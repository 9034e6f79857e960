/* Collecting blobs that nothing refers to. */
#ifndef PV_SERVER_GC_H
#define PV_SERVER_GC_H

#include "server/server.h"

struct pv_gc_result {
    uint64_t collected; /* blobs unreferenced for PV_BLOB_KEEP_MS */
    uint64_t swept;     /* files that no row names, a day old; none for a month after a restore */
    uint64_t adopted;   /* blobs that outlived their rows, and that entries refer to */
};

/* Errors: the stores'. What was done before one is told. */
PV_MUST_USE enum pv_err pv_gc(struct pv_server *server, struct pv_gc_result *ret_result);

/* Remove what has lost its last reference by forgetting, at once. Errors: the stores'. */
PV_MUST_USE enum pv_err pv_gc_let_go(struct pv_server *server);

#endif
