/* The event stream: hints only, so all that is read of it is that an event came. */
#include <stdlib.h>
#include <string.h>

#include "client/transport_curl.h"

struct pv_events {
    CURLM *multi;
    CURL *curl;
    struct curl_slist *headers;
    size_t head_bytes;
    bool hint;
    bool ended;
    char field[8]; /* begin of the line at hand */
    size_t field_n;
};

/* A line that begins with "event:" is a hint; comments (":") and data need no reading. */
static size_t on_bytes(char *p, size_t size, size_t n, void *context)
{
    struct pv_events *events = context;
    for (size_t i = 0; i < size * n; i++) {
        if (p[i] == '\n' || p[i] == '\r') {
            events->field_n = 0;
            continue;
        }
        if (events->field_n >= sizeof events->field) continue;
        events->field[events->field_n++] = p[i];
        if (events->field_n == 6 && memcmp(events->field, "event:", 6) == 0) events->hint = true;
    }
    return size * n;
}

enum pv_err pv_events_open(struct pv_transport *transport, struct pv_events **ret_events, struct pv_report *report)
{
    const struct pv_request request = {.method = PV_GET, .path = "/v1/events", .auth = PV_AUTH_SESSION};
    struct pv_events *events = calloc(1, sizeof *events);

    if (!events) return PV_ERR_NOMEM;
    events->curl = curl_easy_init();
    events->multi = curl_multi_init();
    events->headers = pv_transport_headers(transport, &request, "Accept: text/event-stream");
    if (!events->curl || !events->multi || !events->headers ||
        pv_transport_prepare(events->curl, transport, request.path) != PV_OK) {
        pv_events_close(events);
        return pv_report(report, PV_ERR_NOMEM, "out of memory");
    }
    curl_easy_setopt(events->curl, CURLOPT_HTTPHEADER, events->headers);
    curl_easy_setopt(events->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(events->curl, CURLOPT_WRITEDATA, events);
    pv_transport_limit_head(events->curl, &events->head_bytes);
    curl_easy_setopt(events->curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(events->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    /* The server comments every 25 s: silence for a minute means that the line is dead. */
    curl_easy_setopt(events->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(events->curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_multi_add_handle(events->multi, events->curl);
    *ret_events = events;
    return PV_OK;
}

void pv_events_close(struct pv_events *events)
{
    if (!events) return;
    if (events->multi && events->curl) curl_multi_remove_handle(events->multi, events->curl);
    if (events->curl) curl_easy_cleanup(events->curl);
    if (events->multi) curl_multi_cleanup(events->multi);
    if (events->headers) pv_transport_free_headers(events->headers);
    free(events);
}

enum pv_err pv_events_wait(struct pv_events *events, unsigned milliseconds, bool *ret_hint)
{
    int running = 0, waiting = 0;

    if (events->ended) return PV_ERR_OFFLINE;
    if (curl_multi_perform(events->multi, &running) != CURLM_OK ||
        curl_multi_poll(events->multi, NULL, 0, (int)milliseconds, NULL) != CURLM_OK ||
        curl_multi_perform(events->multi, &running) != CURLM_OK)
        return PV_ERR_OFFLINE;
    events->ended = running == 0;
    while (curl_multi_info_read(events->multi, &waiting)) events->ended = true;
    *ret_hint = events->hint;
    events->hint = false;
    return PV_OK;
}
