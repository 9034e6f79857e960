/* Structured logs: one line of JSON on standard error for each event, never with content, tokens or whole ids. */
#ifndef PV_SERVER_LOG_H
#define PV_SERVER_LOG_H

#include "core/base/bytes.h"

enum pv_log_level { PV_LOG_ERROR, PV_LOG_WARN, PV_LOG_INFO, PV_LOG_DEBUG };

/* Before the first thread. */
void pv_log_set_level(enum pv_log_level level);
bool pv_log_on(enum pv_log_level level);

/* One event with up to a few fields. Values: text is escaped. End with a field whose name is NULL. */
struct pv_log_field {
    const char *name;
    const char *text; /* NULL: the number */
    int64_t number;
};
void pv_log(enum pv_log_level level, const char *event, const struct pv_log_field *fields);

#define PV_LOG(level, event, ...) \
    pv_log(level, event, (const struct pv_log_field[]){__VA_ARGS__ __VA_OPT__(,) {NULL, NULL, 0}})
#define PV_LOG_TEXT(name, value) {name, value, 0}
#define PV_LOG_NUMBER(name, value) {name, NULL, (int64_t)(value)}

/* The first eight hex digits of an id. */
struct pv_log_id {
    char text[9];
};
struct pv_log_id pv_log_id(const uint8_t *id);

#endif
