/* Event streams: a table by device, few pending hints a stream, parking and waking. */
#include "server/events.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/metrics.h"
#include "server/server.h"

enum { BUCKETS = 1024, PENDING_MAX = 256, STREAMS_PER_DEVICE = 16 };

struct hint {
    struct pv_hash room;
    uint64_t size;
};

struct pv_stream {
    struct pv_events *events;
    struct pv_stream *next; /* in its bucket */
    struct pv_hash device;
    struct pv_stream_driver driver;
    struct hint *pending;
    uint32_t pending_count, pending_cap;
    bool parked, beat, resync;
    uint64_t spoke_ms;
};

struct pv_events {
    pthread_mutex_t lock;
    struct pv_stream *buckets[BUCKETS];
    size_t count;
    bool stopped;
};

enum pv_err pv_events_new(struct pv_events **ret_events)
{
    struct pv_events *events = calloc(1, sizeof *events);
    if (!events) return PV_ERR_NOMEM;
    pthread_mutex_init(&events->lock, NULL);
    *ret_events = events;
    return PV_OK;
}

void pv_events_free(struct pv_events *events)
{
    if (!events) return;
    pthread_mutex_destroy(&events->lock);
    free(events);
}

static struct pv_stream **bucket_of(struct pv_events *events, const struct pv_hash *device)
{
    uint64_t low;
    memcpy(&low, device->b, sizeof low);
    return &events->buckets[low % BUCKETS];
}

enum pv_err pv_stream_open(struct pv_events *events, const struct pv_hash *device, uint64_t now_ms,
                           struct pv_stream **ret_stream)
{
    struct pv_stream *stream = calloc(1, sizeof *stream);
    size_t same = 0;
    if (!stream) return PV_ERR_NOMEM;
    *stream = (struct pv_stream){.events = events, .device = *device, .beat = true, .spoke_ms = now_ms};
    pthread_mutex_lock(&events->lock);
    struct pv_stream **bucket = bucket_of(events, device);
    for (struct pv_stream *s = *bucket; s; s = s->next) same += pv_hash_equal(&s->device, device);
    if (same < STREAMS_PER_DEVICE) {
        stream->next = *bucket;
        *bucket = stream;
        events->count++;
    }
    pthread_mutex_unlock(&events->lock);
    if (same >= STREAMS_PER_DEVICE) {
        free(stream);
        return PV_ERR_LIMIT;
    }
    *ret_stream = stream;
    return PV_OK;
}

void pv_stream_attach(struct pv_stream *stream, const struct pv_stream_driver *driver)
{
    pthread_mutex_lock(&stream->events->lock);
    stream->driver = *driver;
    pthread_mutex_unlock(&stream->events->lock);
}

void pv_stream_close(struct pv_stream *stream)
{
    struct pv_events *events = stream->events;
    pthread_mutex_lock(&events->lock);
    struct pv_stream **at = bucket_of(events, &stream->device);
    while (*at != stream) at = &(*at)->next;
    *at = stream->next;
    events->count--;
    pthread_mutex_unlock(&events->lock);
    free(stream->pending);
    free(stream);
}

static size_t take_hint(struct pv_stream *stream, char *ret_text, size_t max)
{
    char room[65];
    struct hint *hint = &stream->pending[0];
    pv_hex_encode(hint->room.b, sizeof hint->room.b, room);
    int n = snprintf(ret_text, max, "event: room\ndata: {\"room\":\"%s\",\"size\":%llu}\n\n", room,
                     (unsigned long long)hint->size);
    stream->pending_count--;
    memmove(stream->pending, stream->pending + 1, stream->pending_count * sizeof *hint);
    return n > 0 && (size_t)n < max ? (size_t)n : 0;
}

size_t pv_stream_read(struct pv_stream *stream, char *ret_text, size_t max, bool *ret_end)
{
    size_t n = 0;
    int said = 0;
    *ret_end = false;
    pthread_mutex_lock(&stream->events->lock);
    if (stream->events->stopped) {
        *ret_end = true;
    } else if (stream->resync) {
        said = snprintf(ret_text, max, "event: resync\ndata: {}\n\n");
        stream->resync = false;
    } else if (stream->pending_count) {
        while (stream->pending_count && max - n >= PV_STREAM_EVENT_BYTES) n += take_hint(stream, ret_text + n, max - n);
    } else if (stream->beat) {
        said = snprintf(ret_text, max, ":\n\n");
    } else {
        stream->parked = true;
        stream->driver.park(stream->driver.context);
    }
    stream->beat = false;
    pthread_mutex_unlock(&stream->events->lock);
    return n + (said > 0 ? (size_t)said : 0);
}

static void wake(struct pv_stream *stream)
{
    if (!stream->parked) return;
    stream->parked = false;
    stream->driver.wake(stream->driver.context);
}

static void push(struct pv_stream *stream, const struct pv_hash *room, uint64_t size)
{
    for (uint32_t i = 0; i < stream->pending_count; i++) {
        if (!pv_hash_equal(&stream->pending[i].room, room)) continue;
        stream->pending[i].size = size;
        return;
    }
    if (stream->pending_count == stream->pending_cap) {
        uint32_t cap = stream->pending_cap ? stream->pending_cap * 2 : 2;
        struct hint *more = cap > PENDING_MAX ? NULL : realloc(stream->pending, cap * sizeof *more);
        if (!more) { /* too much to name: the client rereads everything */
            stream->resync = true;
            stream->pending_count = 0;
            return;
        }
        stream->pending = more;
        stream->pending_cap = cap;
    }
    stream->pending[stream->pending_count++] = (struct hint){*room, size};
}

size_t pv_events_publish(struct pv_events *events, const struct pv_hash *room, uint64_t size,
                         const struct pv_hash *devices, size_t count)
{
    size_t told = 0;
    pthread_mutex_lock(&events->lock);
    for (size_t i = 0; i < count && events->count; i++)
        for (struct pv_stream *s = *bucket_of(events, &devices[i]); s; s = s->next) {
            if (!pv_hash_equal(&s->device, &devices[i])) continue;
            push(s, room, size);
            wake(s);
            told++;
        }
    pthread_mutex_unlock(&events->lock);
    return told;
}

bool pv_events_any(struct pv_events *events)
{
    pthread_mutex_lock(&events->lock);
    bool any = events->count > 0;
    pthread_mutex_unlock(&events->lock);
    return any;
}

void pv_events_beat(struct pv_events *events, uint64_t now_ms)
{
    pthread_mutex_lock(&events->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct pv_stream *s = events->buckets[i]; s; s = s->next) {
            if (now_ms < s->spoke_ms + PV_HEARTBEAT_MS) continue;
            s->spoke_ms = now_ms;
            s->beat = true;
            wake(s);
        }
    pthread_mutex_unlock(&events->lock);
}

void pv_events_stop(struct pv_events *events)
{
    pthread_mutex_lock(&events->lock);
    events->stopped = true;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct pv_stream *s = events->buckets[i]; s; s = s->next) wake(s);
    pthread_mutex_unlock(&events->lock);
}

/* ---- GET /v1/events */

void pv_events_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    enum pv_err err = pv_stream_open(server->events, &request->session.device_id, pv_server_now_ms(server),
                                     &response->stream);
    if (err) {
        pv_problem(response, err == PV_ERR_LIMIT ? PV_ERR_RATE : err, "streams", "%s",
                   err == PV_ERR_LIMIT ? "this device has too many event streams" : pv_err_text(err));
        response->retry_after_s = 60;
        return;
    }
    response->status = 200;
    response->type = "text/event-stream";
}
