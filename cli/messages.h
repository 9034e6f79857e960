/* Messages as people see them. */
#ifndef PV_CLI_MESSAGES_H
#define PV_CLI_MESSAGES_H

#include "cli/common.h"

/* Print one; a pv_message_row whose context is not used. */
PV_MUST_USE enum pv_err pv_cli_message_print(void *context, const struct pv_message *message);

#endif
