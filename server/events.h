/* Event streams: hints that a room has grown, for the devices connected now.
 *
 * A stream belongs to a driver that sends what pv_stream_read gives, and lets the stream park when there is
 * nothing: the hub then wakes it by the driver's callback. Callbacks are called with the hub's lock held. */
#ifndef PV_SERVER_EVENTS_H
#define PV_SERVER_EVENTS_H

#include "core/base/bytes.h"

struct pv_events;
struct pv_stream;

enum { PV_HEARTBEAT_MS = 25 * 1000, PV_STREAM_EVENT_BYTES = 160 };

struct pv_stream_driver {
    void (*park)(void *context);
    void (*wake)(void *context);
    void *context;
};

PV_MUST_USE enum pv_err pv_events_new(struct pv_events **ret_events);
/* After every stream is closed. */
void pv_events_free(struct pv_events *events);

/* Errors: NOMEM. LIMIT: this device has too many. */
PV_MUST_USE enum pv_err pv_stream_open(struct pv_events *events, const struct pv_hash *device, uint64_t now_ms,
                                       struct pv_stream **ret_stream);
void pv_stream_attach(struct pv_stream *stream, const struct pv_stream_driver *driver);
void pv_stream_close(struct pv_stream *stream);
/* The next bytes to send, at most `max` of at least PV_STREAM_EVENT_BYTES; 0 when there is nothing, and then the
 * stream has parked, or `ret_end` says that it is over. */
size_t pv_stream_read(struct pv_stream *stream, char *ret_text, size_t max, bool *ret_end);

/* The room now has `size` entries: tell those of `devices` that listen. Returns how many. */
size_t pv_events_publish(struct pv_events *events, const struct pv_hash *room, uint64_t size,
                         const struct pv_hash *devices, size_t count);
/* Does anyone listen at all? */
bool pv_events_any(struct pv_events *events);
/* Let streams that were silent for PV_HEARTBEAT_MS say so. */
void pv_events_beat(struct pv_events *events, uint64_t now_ms);
/* End every stream. */
void pv_events_stop(struct pv_events *events);

#endif
