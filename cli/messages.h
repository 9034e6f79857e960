/* Messages as people see them. */
#ifndef PV_CLI_MESSAGES_H
#define PV_CLI_MESSAGES_H

#include "cli/common.h"

/* Print one; a pv_message_row whose context is not used. */
PV_MUST_USE enum pv_err pv_cli_message_print(void *context, const struct pv_message *message);

/* A message by its id or the begin of it. Ids are their authors' choice, and one that repeats another's comes after it: of
 * those that have a whole id in common the first is meant. Errors: those of pv_query_message. */
PV_MUST_USE enum pv_err pv_cli_message_find(const struct pv_query *query, const char *id, pv_message_row *row, void *context);

#endif
