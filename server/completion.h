/* Completions of privityd for shells, from the tables of options and of the operator's commands. */
#ifndef PV_SERVER_COMPLETION_H
#define PV_SERVER_COMPLETION_H

#include "core/base/bytes.h"

/* Append what bash, zsh or fish read. Errors: USAGE: another shell. */
PV_MUST_USE enum pv_err pv_completion_put(struct pv_buf *text, const char *shell);

#endif
