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

void pv_problem(struct pv_web_response *response, enum pv_err err, const char *reason, const char *detail, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, detail);
    vsnprintf(text, sizeof text, detail, ap);
    va_end(ap);
    pv_buf_clear(&response->body);
    response->status = pv_err_http_status(err);
    response->type = "application/problem+json";
    response->err = err;
    response->reason = reason;
    response->is_blob = false;
    pv_json_put_text(&response->body, "{\"status\":");
    pv_json_put_number(&response->body, response->status);
    pv_json_put_text(&response->body, ",\"title\":");
    pv_json_put_string(&response->body, pv_err_text(err));
    pv_json_put_text(&response->body, ",\"detail\":");
    pv_json_put_string(&response->body, text);
    pv_json_put_text(&response->body, ",\"code\":");
    pv_json_put_string(&response->body, pv_err_web_name(err));
    if (reason) {
        pv_json_put_text(&response->body, ",\"reason\":");
        pv_json_put_string(&response->body, reason);
    }
    pv_json_put_text(&response->body, "}\n");
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
