/* Counters for /metrics: no labels that name a room, a device or a person. */
#ifndef PV_SERVER_METRICS_H
#define PV_SERVER_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/bytes.h"

/* X(name, type, help) */
#define PV_METRICS(X)                                                                             \
    X(requests_ok, "counter", "requests answered with 2xx")                                      \
    X(requests_refused, "counter", "requests answered with 4xx")                                 \
    X(requests_failed, "counter", "requests answered with 5xx")                                  \
    X(requests_limited, "counter", "requests answered with 429")                                 \
    X(appends, "counter", "append requests that became durable")                                 \
    X(entries, "counter", "entries that became durable")                                         \
    X(entries_rejected, "counter", "entries that have a place and lost a race")                  \
    X(commits, "counter", "transactions of the committer")                                       \
    X(commit_microseconds, "counter", "time spent in those transactions")                        \
    X(releases, "counter", "gates that released their half")                                     \
    X(blobs_in_bytes, "counter", "bytes of blobs received")                                      \
    X(blobs_out_bytes, "counter", "bytes of blobs sent")                                         \
    X(sessions, "counter", "sessions opened")                                                    \
    X(events, "counter", "hints given to event streams")                                         \
    X(streams, "gauge", "event streams open now")                                                \
    X(connections, "gauge", "connections open now")                                              \
    X(connections_refused, "counter", "connections refused because their address has too many")  \
    X(connections_cut, "counter", "connections cut for sending too slowly")                      \
    X(rooms_damaged, "gauge", "rooms that did not load when they were last needed")              \
    X(queue, "gauge", "append requests that wait for a commit")                                  \
    X(store_errors, "counter", "failures of a store")

struct pv_metrics {
#define PV_METRICS_FIELD(name, type, help) atomic_uint_least64_t name;
    PV_METRICS(PV_METRICS_FIELD)
#undef PV_METRICS_FIELD
};

#define PV_METRIC_ADD(metrics, name, value)                                                       \
    do {                                                                                          \
        if (metrics) atomic_fetch_add_explicit(&(metrics)->name, (uint_least64_t)(value), memory_order_relaxed); \
    } while (0)

void pv_metrics_put(struct pv_metrics *metrics, struct pv_buf *text);

#endif
