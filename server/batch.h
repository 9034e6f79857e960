/* A batch of the committer's: jobs of many rooms that share one transaction. */
#ifndef PV_SERVER_BATCH_H
#define PV_SERVER_BATCH_H

#include "server/committer.h"
#include "server/room_cache.h"

/* Judge and store a list of jobs, in order; every response is filled. */
void pv_batch_run(struct pv_server *server, struct pv_room_cache *cache, struct pv_job *jobs);

#endif
