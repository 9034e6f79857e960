/* What the two commands of a pairing share: going on until the other device has answered. */
#ifndef PV_CLI_PAIRING_H
#define PV_CLI_PAIRING_H

#include "cli/devices.h"
#include "core/sync/pairing.h"

/* Runs one task of the talk on the right server with the right session. */
typedef enum pv_err pv_pairing_run(void *context, struct pv_pairing_talk *talk, struct pv_report *report);

/* Run tasks, a second apart, until the talk has left the stages in which it waits for the other device, or the time is
 * over (at `until_ms`; 0: the server tells). Errors: EXPIRED, the task's. */
PV_MUST_USE enum pv_err pv_pairing_go_on(struct pv_pairing_talk *talk, pv_pairing_run *run, void *context, uint64_t until_ms,
                                         struct pv_report *report);

#endif
