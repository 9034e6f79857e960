/* Reports: formatted once, where the cause is known. */
#include "client/report.h"

#include <stdarg.h>
#include <stdio.h>

enum pv_err pv_report(struct pv_report *report, enum pv_err err, const char *fmt, ...)
{
    va_list ap;
    report->err = err;
    report->is_nonsense = false;
    va_start(ap, fmt);
    vsnprintf(report->text, sizeof report->text, fmt, ap);
    va_end(ap);
    return err;
}

enum pv_err pv_report_default(struct pv_report *report, enum pv_err err, const char *what)
{
    if (err == PV_OK || (report->err == err && report->text[0] != '\0')) return err;
    return pv_report(report, err, "%s: %s", what, pv_err_text(err));
}
