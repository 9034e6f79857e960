/* Recovery kits as people handle them: read from a file or the terminal, written to a file, shown once. */
#ifndef PV_CLI_KIT_H
#define PV_CLI_KIT_H

#include <stdio.h>

#include "client/report.h"
#include "core/room/kit.h"
#include "core/room/server_url.h"

/* A kit as it was given, and what its sheet says beside the code. */
struct pv_given_kit {
    struct pv_kit_secret secret;        /* secret */
    bool has_server;
    struct pv_server_url server;
    char name[PV_LIMIT_NAME_BYTES + 1]; /* the person's; "" where only a code was given */
};
/* Read a sheet or a bare code from `path`, or from standard input where it is NULL or "-".
 * Errors: MALFORMED (the line names the group that is wrong), TRUNCATED, LIMIT, NOT_FOUND, IO. Wipe the result. */
PV_MUST_USE enum pv_err pv_kit_read(const char *path, struct pv_given_kit *ret_kit, struct pv_report *report);

/* The part of it that asks at the terminal: append what was typed to `text`, until it is a code or can become none. */
void pv_kit_read_typed(FILE *in, struct pv_buf *text);

/* Write the kit to a new file, 0600: a PDF if the name ends in .pdf, else text. Errors: CONFLICT (a file is there), IO, FULL. */
PV_MUST_USE enum pv_err pv_kit_write(const char *path, const struct pv_kit_facts *facts, const struct pv_kit_secret *kit,
                                     struct pv_report *report);
/* Show it on standard output, once; a person at the terminal confirms. */
void pv_kit_show(const struct pv_kit_facts *facts, const struct pv_kit_secret *kit);

#endif
