/* Programs of their own that stand beside this one, so that no other command loads what they need. */
#ifndef PV_CLI_HELPER_H
#define PV_CLI_HELPER_H

#include "client/report.h"
#include "core/base/bytes.h"

/* Run the helper `name` with `argument` (NULL: none), `input` on its standard input and `out` as its standard output.
 * `input` is at most what a pipe holds, 4096 bytes. Errors: UNSUPPORTED (it is not there, or failed), IO; `what` could not
 * be done is said. */
PV_MUST_USE enum pv_err pv_helper_run(const char *name, const char *argument, struct pv_bytes input, int out, const char *what,
                                      struct pv_report *report);

#endif
