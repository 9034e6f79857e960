/* Counters as Prometheus text. */
#include "server/metrics.h"

#include <stdio.h>
#include <string.h>

static void put_metric(struct pv_buf *text, const char *name, const char *type, const char *help, uint64_t value)
{
    char line[512];
    const char *end = strcmp(type, "counter") == 0 ? "_total" : "";
    int n = snprintf(line, sizeof line, "# HELP privityd_%s%s %s\n# TYPE privityd_%s%s %s\nprivityd_%s%s %llu\n", name,
                     end, help, name, end, type, name, end, (unsigned long long)value);
    if (n > 0) pv_buf_append(text, line, (size_t)n);
}

void pv_metrics_put(struct pv_metrics *metrics, struct pv_buf *text)
{
#define PV_METRICS_PUT(name, type, help) put_metric(text, #name, type, help, atomic_load(&metrics->name));
    PV_METRICS(PV_METRICS_PUT)
#undef PV_METRICS_PUT
}
