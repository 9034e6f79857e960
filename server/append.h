/* From a request's bytes to a job for the committer: every check of an append that needs no room. */
#ifndef PV_SERVER_APPEND_H
#define PV_SERVER_APPEND_H

#include "server/committer.h"

/* Read and check the bundles in `body`, which the job then borrows. Signatures are verified here, on the caller's
 * thread, with the session's key.
 *   room   NULL: the first bundle is a genesis, and names the room
 * On failure `response` says why and NULL is returned. */
struct pv_job *pv_append_prepare(const struct pv_meta_session *session, const struct pv_hash *room,
                                 struct pv_bytes body, struct pv_web_response *response);

#endif
