/* What the server says of itself: health, metrics, name and key. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
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
    static const char *const modes[] = {
        [PV_REGISTER_OPEN] = "open", [PV_REGISTER_INVITE] = "invite", [PV_REGISTER_CLOSED] = "closed"};
    uint8_t key[64];
    struct pv_buf text;
    (void)request;
    pv_buf_init_fixed(&text, key, sizeof key);
    pv_base64_put(&text, PV_BASE64_URL, pv_bytes(server->log_pk.b, sizeof server->log_pk.b));
    json_t *json = json_pack("{s:i, s:s, s:s%, s:s, s:s, s:I}", "api", 1, "name", server->name, "log_key",
                             (const char *)text.p, text.n, "registration", modes[server->registration], "version",
                             PV_SERVER_VERSION, "time", (json_int_t)pv_server_now_ms(server));
    char *encoded = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!encoded) {
        pv_problem_of(response, PV_ERR_NOMEM);
        return;
    }
    pv_buf_append(&response->body, encoded, strlen(encoded));
    pv_buf_append_byte(&response->body, '\n');
    free(encoded);
    pv_answer(response, PV_TYPE_JSON);
}
