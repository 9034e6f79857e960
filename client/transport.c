/* The libcurl driver: one easy handle, reused, and nothing of the protocol's logic. */
#include "client/transport.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/system.h"
#include "client/transport_curl.h"

enum {
    CONNECT_MS = 10000,
    SILENCE_SECONDS = 30,
    TRIES = 3,
    TRY_PAUSE_MS = 200,
    SLOW_BYTES_PER_S = 200, /* for so long, and it is as good as silent */
    PROBLEM_MAX = 64 * 1024,
    HEAD_MAX = 64 * 1024,   /* the trailers of an answer in chunks included, which libcurl counts by nothing */
    TOKEN_BYTES = 512,
    TEXT_BYTES = 256
};

struct pv_transport {
    CURL *curl;
    char url[PV_LIMIT_URL_BYTES];
    char session[TOKEN_BYTES]; /* secret */
    char ticket[TOKEN_BYTES];  /* secret */
    uint64_t deadline_ms;      /* in ticks; 0: none */
    bool broke_off;            /* the connection stood, then went away before the whole answer was here */
    struct pv_buf body;
    size_t head_bytes;
    char content_type[TEXT_BYTES];
    char detail[TEXT_BYTES];
    char reason[TEXT_BYTES];
    char error[CURL_ERROR_SIZE];
};

static bool is_server_url(const char *url)
{
    const char *rest = strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    size_t n = strlen(url);
    if (!rest || !*rest || n >= PV_LIMIT_URL_BYTES) return false;
    for (const char *p = rest; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~' || strchr("@?#\\\"<>", *p)) return false;
    return true;
}

enum pv_err pv_transport_new(const char *server_url, struct pv_transport **ret_transport, struct pv_report *report)
{
    struct pv_transport *transport;
    size_t n = strlen(server_url);

    if (!is_server_url(server_url))
        return pv_report(report, PV_ERR_USAGE, "%.200s is no server's address: write https://HOST or https://HOST:PORT",
                         server_url);
    transport = calloc(1, sizeof *transport);
    if (!transport) return PV_ERR_NOMEM;
    while (n > 0 && server_url[n - 1] == '/') n--;
    memcpy(transport->url, server_url, n);
    pv_buf_init(&transport->body, PROBLEM_MAX);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(transport->curl = curl_easy_init())) {
        pv_transport_free(transport);
        return PV_ERR_NOMEM;
    }
    *ret_transport = transport;
    return PV_OK;
}

void pv_transport_free(struct pv_transport *transport)
{
    if (!transport) return;
    if (transport->curl) curl_easy_cleanup(transport->curl);
    pv_buf_wipe(&transport->body);
    pv_wipe(transport, sizeof *transport);
    free(transport);
}

const char *pv_transport_url(const struct pv_transport *transport)
{
    return transport->url;
}

void pv_transport_set_deadline(struct pv_transport *transport, uint64_t milliseconds)
{
    transport->deadline_ms = milliseconds ? pv_system_ticks_ms() + milliseconds : 0;
}

/* A token goes into a header line: nothing but printable ASCII. */
static enum pv_err set_token(char held[static TOKEN_BYTES], const char *token)
{
    pv_wipe(held, TOKEN_BYTES);
    if (!token) return PV_OK;
    if (strlen(token) >= TOKEN_BYTES) return PV_ERR_LIMIT;
    for (const char *p = token; *p; p++)
        if (*p <= ' ' || *p > '~') return PV_ERR_MALFORMED;
    memcpy(held, token, strlen(token));
    return PV_OK;
}

enum pv_err pv_transport_set_session(struct pv_transport *transport, const char *token)
{
    return set_token(transport->session, token);
}

enum pv_err pv_transport_set_ticket(struct pv_transport *transport, const char *ticket)
{
    return set_token(transport->ticket, ticket);
}

static size_t on_body(char *p, size_t size, size_t n, void *context)
{
    struct pv_transport *transport = context;
    pv_buf_append(&transport->body, p, size * n);
    return transport->body.err == PV_OK ? size * n : 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *context)
{
    size_t *head_bytes = context;
    (void)p;
    *head_bytes += size * n;
    return *head_bytes <= HEAD_MAX ? size * n : 0;
}

void pv_transport_limit_head(CURL *curl, size_t *head_bytes)
{
    *head_bytes = 0;
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, head_bytes);
}

/* ---- headers */

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *scheme, const char *value)
{
    char line[TOKEN_BYTES + 64];
    struct curl_slist *longer;
    snprintf(line, sizeof line, "%s: %s%s", name, scheme, value);
    longer = curl_slist_append(list, line);
    pv_wipe(line, sizeof line);
    if (!longer) curl_slist_free_all(list);
    return longer;
}

/* Control is JSON, blobs are raw, all else is CBOR, where no structure of ours begins with a brace. */
static const char *content_type(const struct pv_request *request)
{
    if (request->method == PV_PUT && strstr(request->path, "/blobs/")) return "application/octet-stream";
    return request->body.n > 0 && request->body.p[0] == '{' ? "application/json" : "application/cbor";
}

struct curl_slist *pv_transport_headers(const struct pv_transport *transport, const struct pv_request *request,
                                        const char *extra_header)
{
    /* "Expect:" without a value keeps curl from waiting for 100 Continue. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (list && (request->method == PV_POST || request->method == PV_PUT))
        list = add_header(list, "Content-Type", "", content_type(request));
    if (list && request->auth == PV_AUTH_SESSION)
        list = add_header(list, "Authorization", "Bearer ", transport->session);
    if (list && request->auth == PV_AUTH_SESSION && transport->ticket[0]) /* about to join: no member yet */
        list = add_header(list, "Privity-Ticket", "", transport->ticket);
    if (list && request->auth == PV_AUTH_TICKET)
        list = add_header(list, "Authorization", "Ticket ", transport->ticket);
    if (list && request->registration) list = add_header(list, "Privity-Registration", "", request->registration);
    if (list && extra_header) {
        struct curl_slist *longer = curl_slist_append(list, extra_header);
        if (!longer) curl_slist_free_all(list);
        list = longer;
    }
    return list;
}

void pv_transport_free_headers(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at; at = at->next) pv_wipe(at->data, strlen(at->data));
    curl_slist_free_all(list);
}

/* ---- one exchange */

enum pv_err pv_transport_prepare(CURL *curl, const struct pv_transport *transport, const char *path)
{
    char url[PV_LIMIT_URL_BYTES + sizeof((struct pv_request *)NULL)->path];
    const char *ca_file = getenv("PRIVITY_CA_FILE");
    if (!ca_file || !*ca_file) ca_file = getenv("SSL_CERT_FILE");
    snprintf(url, sizeof url, "%s%s", transport->url, path);
    if (curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK) return PV_ERR_NOMEM;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "privity");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    if (ca_file && *ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    return PV_OK;
}

static void set_method(CURL *curl, const struct pv_request *request)
{
    static const char *const names[] = {[PV_GET] = "GET", [PV_POST] = "POST", [PV_PUT] = "PUT", [PV_DELETE] = "DELETE"};
    if (request->method == PV_POST || request->method == PV_PUT) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.n ? (const char *)request->body.p : "");
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, names[request->method]);
}

static enum pv_err set_times(struct pv_transport *transport)
{
    long left_ms = 0;
    if (transport->deadline_ms) {
        uint64_t now_ms = pv_system_ticks_ms();
        if (now_ms >= transport->deadline_ms) return PV_ERR_OFFLINE;
        left_ms = (long)(transport->deadline_ms - now_ms);
        curl_easy_setopt(transport->curl, CURLOPT_CONNECTTIMEOUT_MS, left_ms);
    }
    curl_easy_setopt(transport->curl, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(transport->curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
    curl_easy_setopt(transport->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_SECONDS);
    return PV_OK;
}

static enum pv_err report_curl(struct pv_transport *transport, CURLcode code, struct pv_report *report)
{
    const char *why = transport->error[0] ? transport->error : curl_easy_strerror(code);
    const char *url = transport->url;
    switch ((int)code) {
    case CURLE_WRITE_ERROR:
        if (transport->body.err == PV_ERR_LIMIT || transport->head_bytes > HEAD_MAX)
            return pv_report(report, PV_ERR_OFFLINE, "the answer of %s is larger than any right one: is it a privity server?", url);
        return pv_report(report, PV_ERR_NOMEM, "out of memory");
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        transport->broke_off = true;
        return pv_report(report, PV_ERR_OFFLINE, "%s broke off in the middle of an answer (%s): try again", url, why);
    case CURLE_OPERATION_TIMEDOUT:
        return pv_report(report, PV_ERR_OFFLINE, "%s is too slow to answer: try again later", url);
    case CURLE_PEER_FAILED_VERIFICATION:
        return pv_report(report, PV_ERR_OFFLINE, "%s does not prove who it is (%s): do not go on before you know why; where its operator made the "
                         "certificate, get it from them by a way that you trust, and name the file in PRIVITY_CA_FILE", url, why);
    case CURLE_SSL_CACERT_BADFILE:
        return pv_report(report, PV_ERR_OFFLINE, "%s was not asked: no certificates can be read from the file that PRIVITY_CA_FILE or SSL_CERT_FILE "
                         "names (%s)", url, why);
    case CURLE_SSL_CONNECT_ERROR:
        return pv_report(report, PV_ERR_OFFLINE, "%s cannot be reached (%s): is the address right, and https what is spoken there?", url, why);
    default: return pv_report(report, PV_ERR_OFFLINE, "%s cannot be reached (%s)", url, why);
    }
}

static void copy_text(char ret_text[static TEXT_BYTES], const json_t *problem, const char *name)
{
    const char *text = json_string_value(json_object_get(problem, name));
    snprintf(ret_text, TEXT_BYTES, "%s", text ? text : "");
}

/* Status >= 400: problem details, or something that does not speak our protocol. */
static enum pv_err read_problem(struct pv_transport *transport, struct pv_response *response, struct pv_report *report)
{
    bool is_problem = strncmp(transport->content_type, "application/problem+json", 24) == 0;
    json_t *problem = is_problem ? json_loadb((const char *)transport->body.p, transport->body.n, JSON_REJECT_DUPLICATES, NULL)
                                 : NULL;
    const char *code = json_string_value(json_object_get(problem, "code"));

    if (!code) {
        json_decref(problem);
        return pv_report(report, PV_ERR_OFFLINE, "%s answered %u without saying why as a privity server does%s: try again later",
                         transport->url, response->status, response->status < 500 ? " (is the address right?)" : "");
    }
    response->problem = pv_err_from_web_name(code);
    copy_text(transport->detail, problem, "detail");
    copy_text(transport->reason, problem, "reason");
    json_decref(problem);
    return PV_OK;
}

static enum pv_err finish(struct pv_transport *transport, const struct pv_request *request, struct pv_response *response,
                          struct pv_report *report)
{
    const char *type = NULL;
    long status = 0;

    curl_easy_getinfo(transport->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transport->curl, CURLINFO_CONTENT_TYPE, &type);
    snprintf(transport->content_type, sizeof transport->content_type, "%s", type ? type : "");
    response->status = (unsigned)status;
    response->body = pv_buf_bytes(&transport->body);
    response->problem_detail = transport->detail;
    response->problem_reason = transport->reason;
    if (status >= 400) return read_problem(transport, response, report);
    if (status < 200 || status >= 300)
        return pv_report(report, PV_ERR_OFFLINE, "%s answered %ld, a redirect, which is not followed: use the address that it points to",
                         transport->url, status);
    if (strncmp(transport->content_type, "text/html", 9) == 0)
        return pv_report(report, PV_ERR_OFFLINE, "%s answered with a web page to %.80s: it is no privity server, or a proxy stands before it",
                         transport->url, request->path);
    return PV_OK;
}

enum pv_err pv_transport_send(struct pv_transport *transport, const struct pv_request *request, const char *extra_header,
                              struct pv_response *ret_response, struct pv_report *report)
{
    struct pv_response response = {.problem = PV_OK};
    size_t max_bytes = request->max_response_bytes > PROBLEM_MAX ? request->max_response_bytes : PROBLEM_MAX;
    struct curl_slist *headers;
    enum pv_err err;
    CURLcode code;

    transport->error[0] = transport->detail[0] = transport->reason[0] = '\0';
    transport->broke_off = false;
    pv_buf_clear(&transport->body);
    transport->body.max = max_bytes;
    curl_easy_reset(transport->curl);
    err = pv_transport_prepare(transport->curl, transport, request->path);
    if (err == PV_OK) err = set_times(transport);
    if (err == PV_ERR_OFFLINE) return pv_report(report, err, "%s is too slow to answer: try again later", transport->url);
    if (err != PV_OK) return err;
    headers = pv_transport_headers(transport, request, extra_header);
    if (!headers) return PV_ERR_NOMEM;
    set_method(transport->curl, request);
    curl_easy_setopt(transport->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(transport->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(transport->curl, CURLOPT_WRITEDATA, transport);
    pv_transport_limit_head(transport->curl, &transport->head_bytes);
    curl_easy_setopt(transport->curl, CURLOPT_ERRORBUFFER, transport->error);
    code = curl_easy_perform(transport->curl);
    err = code == CURLE_OK ? finish(transport, request, &response, report) : report_curl(transport, code, report);
    curl_easy_setopt(transport->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(transport->curl, CURLOPT_ERRORBUFFER, NULL);
    pv_transport_free_headers(headers);
    if (err == PV_OK) *ret_response = response;
    return err;
}

enum pv_err pv_transport_refused(const struct pv_response *response, const char *what, struct pv_report *report)
{
    enum pv_err err = response->problem == PV_OK ? PV_ERR_IO : response->problem;
    const char *detail = response->problem_detail && *response->problem_detail ? response->problem_detail : pv_err_text(err);
    return pv_report(report, err, "%s: the server says: %s", what, detail);
}

/* ---- tasks */

static void pause_before_retry(int tries)
{
    struct timespec pause = {0, (long)TRY_PAUSE_MS * 1000000L * tries};
    nanosleep(&pause, NULL);
}

/* Every request of the API repeats safely: appends are idempotent by (author, n), releases by request id, blobs by
 * name. Only a connection that broke after it stood is worth another try. */
static enum pv_err send_with_retries(struct pv_transport *transport, const struct pv_request *request,
                                     struct pv_response *ret_response, struct pv_report *report)
{
    enum pv_err err = PV_OK;
    for (int tries = 0; tries < TRIES; tries++) {
        if (tries) pause_before_retry(tries);
        err = pv_transport_send(transport, request, NULL, ret_response, report);
        if (err == PV_OK || !transport->broke_off || transport->deadline_ms) break;
    }
    return err;
}

static enum pv_err exchange(struct pv_transport *transport, const struct pv_request *request, pv_transport_renew *renew,
                            void *renew_context, struct pv_response *ret_response, struct pv_report *report)
{
    bool again = false;
    enum pv_err err = send_with_retries(transport, request, ret_response, report);
    if (err == PV_OK && renew) err = renew(renew_context, request, ret_response, &again, report);
    if (err == PV_OK && again) err = send_with_retries(transport, request, ret_response, report);
    return err;
}

enum pv_err pv_transport_run(struct pv_transport *transport, struct pv_task *task, pv_transport_renew *renew,
                             void *renew_context, struct pv_report *report)
{
    for (;;) {
        const struct pv_request *request = NULL;
        struct pv_response response = {.status = 0};
        enum pv_err err = pv_task_next(task, &request);
        if (err == PV_OK && !request) return PV_OK;
        if (err == PV_OK) {
            err = exchange(transport, request, renew, renew_context, &response, report);
            if (err != PV_OK) return pv_report_default(report, err, transport->url);
            err = pv_task_feed(task, &response);
        }
        if (err != PV_OK) {
            const char *message = pv_task_message(task);
            /* An answer that no privityd gives, and one about its own trouble, is as good as none. */
            if ((err == PV_ERR_IO && *message) || response.status >= 500) {
                bool is_nonsense = response.status < 400 || err == PV_ERR_CORRUPT;
                err = pv_report(report, PV_ERR_OFFLINE, "%s: %s", transport->url, *message ? message : pv_err_text(err));
                report->is_nonsense = is_nonsense;
                return err;
            }
            if (!*message && (err == PV_ERR_IO || err == PV_ERR_FULL)) return err; /* of this device's: the caller says where */
            return pv_report(report, err, "%s", *message ? message : pv_err_text(err));
        }
    }
}
