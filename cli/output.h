/* Results on standard output: JSON objects, or lines for people. */
#ifndef PV_CLI_OUTPUT_H
#define PV_CLI_OUTPUT_H

#include <stdio.h>

#include "client/report.h"
#include "core/base/json.h"

/* One JSON object on a line of its own: begin, write its members to `json`, end. */
struct pv_out {
    struct pv_buf text;
    struct pv_json json;
};
void pv_out_begin(struct pv_out *out);
/* Print and release. Errors: NOMEM, LIMIT, MALFORMED (from the writing). */
PV_MUST_USE enum pv_err pv_out_end(struct pv_out *out, struct pv_report *report);
/* Print JSON text that core made, as a line, safe for a terminal. */
PV_MUST_USE enum pv_err pv_out_json(struct pv_bytes json);

void pv_out_json_hash(struct pv_json *json, const char *key, const struct pv_hash *hash);
void pv_out_json_id16(struct pv_json *json, const char *key, const struct pv_id16 *id);
/* A string of this program's or checked before; NULL is null. */
void pv_out_json_string(struct pv_json *json, const char *key, const char *text);

enum { PV_OUT_JSON_MAX = 1 << 30 };

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
