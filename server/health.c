/* What the server says of itself: health, metrics, name and key. */
#include <string.h>

#include "server/metrics.h"
#include "server/server.h"

void pv_health_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    (void)request;
    const char *say = "ok\n";
    if (atomic_load(&server->stopping)) say = "stopping\n";
    else if (server->meta->ops->check(server->meta)) say = "the metadata store fails\n";
    else if (server->blobs->ops->check(server->blobs)) say = "the blob store fails\n";
    pv_buf_append(&response->body, say, strlen(say));
    pv_answer(response, PV_TYPE_TEXT);
    if (strcmp(say, "ok\n") != 0) response->status = 503;
}

void pv_metrics_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    (void)request;
    if (server->metrics) pv_metrics_put(server->metrics, &response->body);
    pv_answer(response, "text/plain; version=0.0.4; charset=utf-8");
}

void pv_server_get(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_buf *body = &response->body;
    (void)request;
    pv_cbor_put_array(body, 6);
    pv_cbor_put_uint(body, 1);
    pv_cbor_put_text(body, server->name, strlen(server->name));
    pv_cbor_put_bytes(body, server->log_pk.b, sizeof server->log_pk.b);
    pv_cbor_put_uint(body, (uint64_t)server->registration);
    pv_cbor_put_text(body, PV_SERVER_VERSION, strlen(PV_SERVER_VERSION));
    pv_cbor_put_uint(body, pv_server_now_ms(server));
    pv_answer(response, PV_TYPE_CBOR);
}
