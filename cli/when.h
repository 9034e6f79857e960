/* Points and spans of time as people type them. */
#ifndef PV_CLI_WHEN_H
#define PV_CLI_WHEN_H

#include "core/base/bytes.h"

/* A span: 90s, 30m, 2h, 3d, 2w; a number alone is refused, since nobody could tell its unit. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_when_span(const char *text, uint64_t *ret_ms);
/* A point at or before now: a span (that long ago), `now`, `today`, `yesterday`, 2026-11-23, 2026-11-23T10:00[:00],
 * either followed by Z or +01:00 (else local time; a space does for the T), @seconds since 1970. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_when_past(const char *text, uint64_t now_ms, uint64_t *ret_ms);
/* The same for a point to come: a span counts from now. Errors: USAGE, also for one that has passed. */
PV_MUST_USE enum pv_err pv_when_future(const char *text, uint64_t now_ms, uint64_t *ret_ms);

#define PV_WHEN_FORMS "write 2h, 3d, today, 2026-11-23, 2026-11-23T10:00 or 2026-11-23T10:00Z"

#endif
