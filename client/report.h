/* What went wrong, in one line for a person: what, why, what to do. */
#ifndef PV_CLIENT_REPORT_H
#define PV_CLIENT_REPORT_H

#include <stdbool.h>

#include "core/base/err.h"

enum { PV_REPORT_BYTES = 1024 };

struct pv_report {
    enum pv_err err;
    int exit_status; /* 0: that of `err` */
    bool is_nonsense; /* OFFLINE because of an answer that no privityd in good order gives */
    char text[PV_REPORT_BYTES]; /* may hold hostile names: print through pv_term */
};

/* Write the report and return `err`, so that a caller can `return pv_report(…)`. */
__attribute__((format(printf, 3, 4))) enum pv_err pv_report(struct pv_report *report, enum pv_err err, const char *fmt,
                                                            ...);
/* The text of `err` where nothing better was said yet; returns `err`. */
enum pv_err pv_report_default(struct pv_report *report, enum pv_err err, const char *what);

#endif
