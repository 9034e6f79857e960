/* Where signatures of the log key come from: a process of its own that alone holds it, or, in tests, this one.
 *
 * The process is forked before anything else is opened. It gets fixed-size questions over a socket and answers each
 * (keeper.h says which); all checkpoints of a batch go in as few messages as hold them. When it is gone, nothing is
 * signed any more, and the server ends. */
#ifndef PV_SERVER_SIGNER_H
#define PV_SERVER_SIGNER_H

#include <sys/types.h>

#include "server/config.h"
#include "server/keeper.h"
#include "server/sandbox.h"

struct pv_signer;

/* Over a key in this process. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_signer_new_here(const struct pv_sign_sk *log_sk, const struct pv_sign_pk *log_pk,
                                           struct pv_signer **ret_signer);
/* Fork the process; before the first thread. It does not touch the key yet. Errors: IO, NOMEM. */
PV_MUST_USE enum pv_err pv_signer_fork(const struct pv_config *config, struct pv_signer **ret_signer,
                                       char ret_why[static PV_CONFIG_WHY_MAX]);
/* Let it read the key, or make one while no room stands here (`fresh`). Once. Errors: as pv_data_log_key's; IO. */
PV_MUST_USE enum pv_err pv_signer_open(struct pv_signer *signer, bool fresh, struct pv_sign_pk *ret_pk,
                                       struct pv_sandbox *ret_sandbox, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Ends the process. */
void pv_signer_free(struct pv_signer *signer);

/* Each made note says for itself whether it was made; one thread at a time. Errors: IO: the signer is gone. */
PV_MUST_USE enum pv_err pv_signer_notes(struct pv_signer *signer, const struct pv_ask_note *asks, size_t count,
                                        struct pv_made_note *ret_made);
PV_MUST_USE enum pv_err pv_signer_entry(struct pv_signer *signer, const struct pv_ask_entry *ask,
                                        struct pv_made_entry *ret_made);
/* Has it gone? It never comes back. */
bool pv_signer_is_gone(struct pv_signer *signer);

#endif
