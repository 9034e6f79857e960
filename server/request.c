/* Responses: answers, problem details (RFC 9457), and the reading of query values. */
#include "server/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/json_text.h"

void pv_web_response_init(struct pv_web_response *response)
{
    *response = (struct pv_web_response){0};
    pv_buf_init(&response->body, PV_RESPONSE_MAX_BYTES);
}

void pv_web_response_release(struct pv_web_response *response)
{
    pv_buf_release(&response->body);
}

/* What is answered when there is no memory even for saying so. */
static const char out_of_memory[] =
    "{\"status\":503,\"title\":\"out of memory\",\"detail\":\"out of memory\",\"code\":\"out-of-memory\"}\n";

__attribute__((format(printf, 5, 0))) static void put_problem(struct pv_web_response *response, unsigned status,
                                                              enum pv_err err, const char *reason, const char *detail,
                                                              va_list ap)
{
    char text[512];
    struct pv_buf *body = &response->body;
    vsnprintf(text, sizeof text, detail, ap);
    pv_buf_clear(body);
    response->status = status;
    response->type = "application/problem+json";
    response->err = err;
    response->reason = reason;
    response->is_blob = response->has_range = false;
    response->constant = pv_bytes(NULL, 0);
    pv_json_put_text(body, "{\"status\":");
    pv_json_put_number(body, status);
    pv_json_put_text(body, ",\"title\":");
    pv_json_put_string(body, pv_err_text(err));
    pv_json_put_text(body, ",\"detail\":");
    pv_json_put_string(body, text);
    pv_json_put_text(body, ",\"code\":");
    pv_json_put_string(body, pv_err_web_name(err));
    if (reason) {
        pv_json_put_text(body, ",\"reason\":");
        pv_json_put_string(body, reason);
    }
    pv_json_put_text(body, "}\n");
    if (!body->err) return;
    pv_buf_release(body);
    response->err = PV_ERR_NOMEM;
    response->status = pv_err_http_status(PV_ERR_NOMEM);
    response->reason = NULL;
    response->constant = pv_bytes(out_of_memory, sizeof out_of_memory - 1);
}

void pv_problem(struct pv_web_response *response, enum pv_err err, const char *reason, const char *detail, ...)
{
    va_list ap;
    va_start(ap, detail);
    put_problem(response, pv_err_http_status(err), err, reason, detail, ap);
    va_end(ap);
}

void pv_problem_status(struct pv_web_response *response, unsigned status, enum pv_err err, const char *reason,
                       const char *detail, ...)
{
    va_list ap;
    va_start(ap, detail);
    put_problem(response, status, err, reason, detail, ap);
    va_end(ap);
}

void pv_problem_of(struct pv_web_response *response, enum pv_err err)
{
    const char *detail = err == PV_ERR_CORRUPT ? "this server's store is damaged: its operator must look at it"
        : err == PV_ERR_IO                     ? "this server's store fails: its operator must look at it" : pv_err_text(err);
    pv_problem(response, err, NULL, "%s", detail);
}

void pv_answer(struct pv_web_response *response, const char *type)
{
    enum pv_err err = response->body.err;
    if (err) {
        pv_buf_release(&response->body);
        pv_problem_of(response, err);
        return;
    }
    response->status = 200;
    response->type = type;
}

enum pv_err pv_parse_uint(const char *text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 19 || strspn(text, "0123456789") != n) return PV_ERR_USAGE;
    for (; *text; text++) value = value * 10 + (uint64_t)(*text - '0');
    if (value > max) return PV_ERR_USAGE;
    *ret_value = value;
    return PV_OK;
}

enum pv_err pv_query_uint(const struct pv_web_request *request, const char *name, uint64_t fallback, uint64_t max,
                          uint64_t *ret_value)
{
    const char *text = request->query(request->driver, name);
    if (!text) {
        *ret_value = fallback;
        return PV_OK;
    }
    return pv_parse_uint(text, max, ret_value);
}
