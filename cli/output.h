/* Results on standard output: JSON objects, or lines for people. */
#ifndef PV_CLI_OUTPUT_H
#define PV_CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "client/report.h"
#include "core/base/bytes.h"

/* Print one object on a line of its own and drop it. NULL (no memory when it was built) is NOMEM. */
PV_MUST_USE enum pv_err pv_out_json(json_t *object, struct pv_report *report);

/* Values for objects; NULL where there is no memory, which json_object_set_new takes and reports. */
json_t *pv_json_text(struct pv_bytes text); /* made UTF-8 */
json_t *pv_json_hex(const uint8_t *p, size_t n);
json_t *pv_json_hash(const struct pv_hash *hash);
json_t *pv_json_id16(const struct pv_id16 *id);
json_t *pv_json_number(uint64_t number);

/* "2026-11-23 10:00" in local time. */
enum { PV_OUT_TIME_BYTES = 32 };
void pv_out_time(uint64_t time_ms, char ret_text[static PV_OUT_TIME_BYTES]);
/* "1.5 MiB". */
enum { PV_OUT_SIZE_BYTES = 24 };
void pv_out_size(uint64_t bytes, char ret_text[static PV_OUT_SIZE_BYTES]);

/* Is standard output for a person? */
bool pv_out_is_terminal(void);
/* Begin and end of colour on standard output; "" where there is none. */
const char *pv_out_dim(void);
const char *pv_out_bold(void);
const char *pv_out_plain(void);
/* Standard output reached its end. Errors: IO, FULL. */
PV_MUST_USE enum pv_err pv_out_finish(struct pv_report *report);

#endif
