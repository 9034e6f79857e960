/* Reader and writer for texts made of lines, as signed notes and proofs are: a cursor with a sticky error. */
#ifndef PV_BASE_LINES_H
#define PV_BASE_LINES_H

#include "core/base/bytes.h"

struct pv_lines {
    struct pv_bytes rest;
    enum pv_err err;
};

void pv_lines_init(struct pv_lines *in, struct pv_bytes text);
/* Fail the reader, for a caller's own check. The first error stays. */
void pv_lines_fail(struct pv_lines *in, enum pv_err err);
/* The next line without its newline, borrowed; empty after a failure. No newline: TRUNCATED. */
struct pv_bytes pv_lines_get(struct pv_lines *in);
/* The next line must be `prefix` and something after it, which is returned. Otherwise MALFORMED. */
struct pv_bytes pv_lines_get_after(struct pv_lines *in, struct pv_bytes prefix);
/* The next line must be `line`. Otherwise MALFORMED. */
void pv_lines_expect(struct pv_lines *in, struct pv_bytes line);
/* The first error, or MALFORMED if text is left. */
PV_MUST_USE enum pv_err pv_lines_finish(const struct pv_lines *in);

/* A decimal number as it is written: no sign, no leading zero. Errors: MALFORMED, NONCANONICAL; LIMIT over `max`. */
PV_MUST_USE enum pv_err pv_decimal_read(struct pv_bytes text, uint64_t max, uint64_t *ret_value);
void pv_decimal_put(struct pv_buf *buf, uint64_t value);
void pv_text_put(struct pv_buf *buf, const char *text);

#endif
