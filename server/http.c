/* The HTTP driver: libmicrohttpd's threads feed the router, appends wait suspended for the committer, event streams
 * sleep suspended until the hub wakes them.
 *
 * Memory: a connection costs its pool (a head must fit in it) and one `struct call` while a request is in work; a
 * body is held once, an uploaded blob not at all. */
#include "server/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/acceptor.h"
#include "server/committer.h"
#include "server/events.h"
#include "server/http_guard.h"
#include "server/limits.h"
#include "server/metrics.h"
#include "server/router.h"

enum {
    POOL_BYTES = 10 * 1024, /* of a connection: the head of a request, and of its answer */
    POOL_STEP_BYTES = 4 * 1024,
    IDLE_S = 60,
    PATH_BYTES_MAX = 1024,
    HEADERS_MAX = 64,
    STREAM_BLOCK_BYTES = 512,
    STACK_BYTES = 512 * 1024,
    OTHER_FILES = 1024 /* uploads under way, the stores, the library's own */
};

struct pv_http {
    struct pv_server *server;
    struct MHD_Daemon *daemon;
    int listener;
    struct pv_acceptor *acceptor; /* NULL: no connection is taken any more */
    unsigned connections_max;
    atomic_uint connections;
    struct pv_http_guard guard;
    atomic_uint calls; /* requests in work, streams apart */
    atomic_uint streams;
};

/* One request in work. */
struct call {
    struct pv_http *http;
    struct MHD_Connection *connection;
    struct pv_web_request request;
    struct pv_web_response response;
    struct pv_buf body;
    struct timespec began;
    char address[PV_PEER_TEXT_BYTES];
    bool refused;  /* answered from the head */
    bool answered; /* the response is made, perhaps by the committer */
    bool is_stream;
};

static const char *header(void *driver, const char *name)
{
    return MHD_lookup_connection_value(driver, MHD_HEADER_KIND, name);
}

static const char *query(void *driver, const char *name)
{
    return MHD_lookup_connection_value(driver, MHD_GET_ARGUMENT_KIND, name);
}

static enum pv_web_method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum pv_web_method method;
    } methods[] = {{"GET", PV_METHOD_GET}, {"HEAD", PV_METHOD_HEAD}, {"POST", PV_METHOD_POST},
                   {"PUT", PV_METHOD_PUT}, {"DELETE", PV_METHOD_DELETE}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0) return methods[i].method;
    return PV_METHOD_OTHER;
}

/* ---- answering */

static void count_answer(struct pv_metrics *metrics, unsigned status)
{
    if (status == 429) PV_METRIC_ADD(metrics, requests_limited, 1);
    if (status < 400) PV_METRIC_ADD(metrics, requests_ok, 1);
    else if (status < 500) PV_METRIC_ADD(metrics, requests_refused, 1);
    else PV_METRIC_ADD(metrics, requests_failed, 1);
}

static void log_answer(const struct call *call)
{
    const struct pv_web_response *response = &call->response;
    bool failed = response->status >= 500 && response->err != PV_OK;
    enum pv_log_level level = failed ? PV_LOG_ERROR : PV_LOG_DEBUG;
    if (failed) PV_METRIC_ADD(call->http->server->metrics, store_errors, 1);
    if (!pv_log_on(level)) return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct pv_log_id room = pv_log_id(call->request.room.b), device = pv_log_id(call->request.session.device_id.b);
    pv_log(level, "request", (const struct pv_log_field[]){
        PV_LOG_TEXT("resource", call->request.route ? call->request.route->pattern : "none"),
        PV_LOG_NUMBER("method", call->request.method), PV_LOG_NUMBER("status", response->status),
        PV_LOG_TEXT("code", pv_err_web_name(response->err)), PV_LOG_TEXT("reason", response->reason ? response->reason : ""),
        PV_LOG_TEXT("room", room.text), PV_LOG_TEXT("device", device.text), PV_LOG_TEXT("from", call->address),
        PV_LOG_NUMBER("in", call->request.length), PV_LOG_NUMBER("out", response->body.n),
        PV_LOG_NUMBER("us", (now.tv_sec - call->began.tv_sec) * 1000000 + (now.tv_nsec - call->began.tv_nsec) / 1000),
        {NULL, NULL, 0}});
}

static void stream_park(void *context)
{
    MHD_suspend_connection(((struct call *)context)->connection);
}

static void stream_wake(void *context)
{
    MHD_resume_connection(((struct call *)context)->connection);
}

static ssize_t stream_reader(void *context, uint64_t position, char *text, size_t max)
{
    struct call *call = context;
    bool end;
    (void)position;
    size_t n = pv_stream_read(call->response.stream, text, max, &end);
    return end ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)n;
}

static struct MHD_Response *make_stream(struct call *call)
{
    struct pv_stream_driver driver = {stream_park, stream_wake, call};
    pv_stream_attach(call->response.stream, &driver);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_reader, call, NULL);
}

static struct MHD_Response *make_blob(struct call *call)
{
    struct pv_server *server = call->http->server;
    struct pv_web_response *response = &call->response;
    int fd;
    struct stat status;
    enum pv_err err = server->blobs->ops->open(server->blobs, &response->locator, &fd);
    if (!err && (fstat(fd, &status) || (uint64_t)status.st_size != response->total)) {
        err = PV_ERR_TRUNCATED; /* an answer that ends too early would look like a broken line */
        close(fd);
    }
    if (!err) {
        struct MHD_Response *made = MHD_create_response_from_fd_at_offset64(response->length, fd, response->offset);
        if (!made) close(fd);
        return made;
    }
    if (err == PV_ERR_UNSUPPORTED)
        err = server->blobs->ops->read(server->blobs, &response->locator, response->offset, (size_t)response->length,
                                       &response->body);
    if (err) /* the row says that it exists */
        pv_problem(response, err == PV_ERR_NOT_FOUND || err == PV_ERR_TRUNCATED ? PV_ERR_CORRUPT : err, "blob",
                   "the blob store has lost a blob, or a part of it");
    return NULL;
}

static struct MHD_Response *make_body(struct call *call)
{
    struct pv_buf *body = &call->response.body;
    struct pv_bytes constant = call->response.constant;
    if (constant.n) return MHD_create_response_from_buffer(constant.n, (void *)(uintptr_t)constant.p, MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *made =
        MHD_create_response_from_buffer(body->n, body->p, body->n ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (made && body->n) pv_buf_init(body, body->max); /* its memory went along */
    return made;
}

static void add_headers(struct call *call, struct MHD_Response *made)
{
    struct pv_web_response *response = &call->response;
    char text[96];
    if (response->type) MHD_add_response_header(made, "Content-Type", response->type);
    MHD_add_response_header(made, "Cache-Control", "no-store");
    MHD_add_response_header(made, "X-Content-Type-Options", "nosniff");
    if (response->retry_after_s) {
        snprintf(text, sizeof text, "%u", response->retry_after_s);
        MHD_add_response_header(made, "Retry-After", text);
    }
    if (response->status == 401) MHD_add_response_header(made, "WWW-Authenticate", "Bearer");
    if (response->is_blob) MHD_add_response_header(made, "Accept-Ranges", "bytes");
    if (response->has_range) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)response->offset,
                 (unsigned long long)(response->offset + response->length - 1), (unsigned long long)response->total);
        MHD_add_response_header(made, "Content-Range", text);
    }
}

static enum MHD_Result answer(struct call *call)
{
    struct pv_web_response *response = &call->response;
    struct MHD_Response *made = NULL;
    /* It stays in memory until it is read. */
    if (!response->stream && !response->is_blob)
        (void)pv_limits_hold(call->http->server, &call->request, response->body.n, response); /* or a problem instead */
    uint64_t bytes = response->is_blob ? response->length : response->body.n;
    log_answer(call);
    if (response->stream) made = make_stream(call);
    else if (response->is_blob) made = make_blob(call);
    if (!made && !response->stream) made = make_body(call);
    if (!made) return MHD_NO;
    if (response->stream) {
        call->is_stream = true;
        atomic_fetch_sub(&call->http->calls, 1);
        atomic_fetch_add(&call->http->streams, 1);
        PV_METRIC_ADD(call->http->server->metrics, streams, 1);
        /* A request is over: its place in the pool is all that the stream keeps. */
        pv_buf_release(&call->body);
    }
    if (!response->stream)
        pv_http_guard_expect(&call->http->guard, call->connection, bytes, call->request.share_bytes > 0);
    add_headers(call, made);
    count_answer(call->http->server->metrics, response->status);
    enum MHD_Result result = MHD_queue_response(call->connection, response->status, made);
    MHD_destroy_response(made);
    return result;
}

/* ---- requests */

static struct call *begin_call(struct pv_http *http, struct MHD_Connection *connection, const char *url,
                               const char *method)
{
    struct call *call = calloc(1, sizeof *call);
    if (!call) return NULL;
    call->http = http;
    call->connection = connection;
    clock_gettime(CLOCK_MONOTONIC, &call->began);
    pv_http_guard_address(&http->guard, connection, call->address);
    call->request = (struct pv_web_request){.method = method_of(method), .path = url, .address = call->address,
                                        .header = header, .query = query, .driver = connection};
    const char *length = header(connection, "Content-Length");
    if (length && pv_parse_uint(length, PV_LIMIT_N, &call->request.length) == PV_OK) call->request.has_length = true;
    pv_web_response_init(&call->response);
    pv_buf_init(&call->body, PV_LIMIT_BATCH_BYTES);
    atomic_fetch_add(&http->calls, 1);
    return call;
}

/* What the library lets through and we do not: decided before the head is looked at. */
static bool check_head(struct call *call)
{
    if (strlen(call->request.path) > PATH_BYTES_MAX)
        pv_problem_status(&call->response, 414, PV_ERR_LIMIT, "path", "the path is over %d bytes", PATH_BYTES_MAX);
    else if (MHD_get_connection_values(call->connection, MHD_HEADER_KIND, NULL, NULL) > HEADERS_MAX)
        pv_problem_status(&call->response, 431, PV_ERR_LIMIT, "headers", "there are over %d headers", HEADERS_MAX);
    else return true;
    return false;
}

/* Room for the announced body at once, when it is small; a large one grows as it comes. */
static enum MHD_Result take_part(struct call *call, const char *data, size_t n)
{
    if (call->refused) return MHD_YES;
    if (call->request.route->uploads) {
        pv_router_upload(call->http->server, &call->request, pv_bytes(data, n));
        return MHD_YES;
    }
    if (call->body.n + n > call->request.route->max_body_bytes) return MHD_NO;
    pv_buf_append(&call->body, data, n);
    return call->body.err ? MHD_NO : MHD_YES;
}

static void job_done(struct pv_job *job)
{
    struct call *call = job->context;
    pv_job_free(job);
    call->response.job = NULL;
    call->answered = true;
    MHD_resume_connection(call->connection);
}

static enum MHD_Result run(struct call *call)
{
    struct pv_server *server = call->http->server;
    call->request.body = pv_buf_bytes(&call->body);
    pv_router_run(server, &call->request, &call->response);
    struct pv_job *job = call->response.job;
    if (!job) return answer(call);
    job->response = &call->response;
    job->done = job_done;
    job->context = call;
    MHD_suspend_connection(call->connection); /* first: the answer may come before submit returns */
    pv_committer_submit(server->committer, job);
    return MHD_YES;
}

static enum MHD_Result count_lengths(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    unsigned *count = context;
    (void)kind;
    (void)value;
    if (strcasecmp(name, "Content-Length") == 0) ++*count;
    return MHD_YES;
}

/* Every limit is checked against the one length that the head announces. What the library would rather go by (chunks,
 * another coding), or a second length, on which a proxy before us may not agree, is refused. */
static bool check_framing(struct call *call)
{
    unsigned lengths = 0;
    MHD_get_connection_values(call->connection, MHD_HEADER_KIND, count_lengths, &lengths);
    if (lengths <= 1 && !header(call->connection, "Transfer-Encoding")) return true;
    pv_problem(&call->response, PV_ERR_USAGE, "length", "a body comes whole, with one Content-Length");
    call->response.status = 411;
    return false;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *data_n,
                                  void **state)
{
    struct pv_http *http = context;
    struct call *call = *state;
    (void)version;
    if (!call) {
        call = *state = begin_call(http, connection, url, method);
        if (!call) return MHD_NO;
        bool framed = check_framing(call);
        call->refused = !framed || !check_head(call) || !pv_router_begin(http->server, &call->request, &call->response);
        pv_http_guard_expect(&http->guard, connection, call->request.length, call->request.share_bytes > 0);
        /* With a body under way the connection ends here; without one it lives on. */
        return call->refused && (call->request.length || !framed) ? answer(call) : MHD_YES;
    }
    if (*data_n) {
        size_t n = *data_n;
        *data_n = 0;
        return take_part(call, data, n);
    }
    pv_http_guard_wait(&http->guard, connection);
    return call->answered || call->refused ? answer(call) : run(call);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct pv_http *http = context;
    struct call *call = *state;
    (void)why;
    if (!call) return;
    *state = NULL;
    pv_http_guard_rest(&http->guard, connection, IDLE_S);
    if (call->response.stream) pv_stream_close(call->response.stream);
    if (call->is_stream) {
        atomic_fetch_sub(&http->streams, 1);
        PV_METRIC_ADD(http->server->metrics, streams, -1);
    } else {
        atomic_fetch_sub(&http->calls, 1);
    }
    pv_router_end(http->server, &call->request);
    pv_web_response_release(&call->response);
    pv_buf_release(&call->body);
    free(call);
}

__attribute__((format(printf, 2, 0))) static void on_complaint(void *context, const char *format, va_list ap)
{
    char text[512];
    (void)context;
    int n = vsnprintf(text, sizeof text, format, ap);
    for (; n > 0 && (size_t)n < sizeof text && text[n - 1] == '\n'; n--) text[n - 1] = 0;
    PV_LOG(PV_LOG_WARN, "http", PV_LOG_TEXT("detail", text));
}

/* ---- connections */

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_state,
                          enum MHD_ConnectionNotificationCode what)
{
    struct pv_http *http = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) atomic_fetch_add(&http->connections, 1);
    else atomic_fetch_sub(&http->connections, 1);
    pv_http_guard_connection(&http->guard, connection, socket_state, what);
}

static bool has_room(void *context)
{
    struct pv_http *http = context;
    return atomic_load(&http->connections) < http->connections_max;
}

/* The library deals connections out to its threads by their numbers, which is evenly. */
static void take_connection(void *context, int fd, const struct sockaddr *peer, socklen_t peer_bytes)
{
    struct pv_http *http = context;
    enum MHD_Result taken = MHD_add_connection(http->daemon, fd, peer, peer_bytes);
    (void)taken; /* if not, it has closed it */
}

/* ---- start and stop */

/* Files for as many connections, each of which may be fetching a blob, and for what else is open, as far as we are let:
 * where that is not far enough, fewer connections. Returns how many. */
static unsigned raise_file_limit(uint64_t connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return (unsigned)connections;
    rlim_t want = 2 * (rlim_t)connections + OTHER_FILES;
    if (limit.rlim_cur < want) {
        limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > want ? want : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) || getrlimit(RLIMIT_NOFILE, &limit)) return (unsigned)connections;
    }
    if (limit.rlim_cur >= want || limit.rlim_cur < 2 * OTHER_FILES) return (unsigned)connections;
    rlim_t fewer = (limit.rlim_cur - OTHER_FILES) / 2;
    PV_LOG(PV_LOG_INFO, "fewer connections than told, since so few files may be open",
           PV_LOG_NUMBER("connections", fewer), PV_LOG_NUMBER("files", limit.rlim_cur));
    return (unsigned)fewer;
}

enum pv_err pv_http_start(struct pv_server *server, const struct pv_config *config, int listener,
                          const struct pv_tls_files *files, struct pv_http **ret_http, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct pv_http *http = calloc(1, sizeof *http);
    if (!http) return PV_ERR_NOMEM;
    *http = (struct pv_http){.server = server, .listener = listener};
    bool tls = files->cert;
    enum pv_err err = pv_http_guard_init(&http->guard, config, server->metrics);
    if (err) {
        pv_http_free(http);
        return err;
    }
    http->connections_max = raise_file_limit(config->connections);
    struct MHD_OptionItem more[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, files->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, files->key},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
                     MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
    http->daemon = MHD_start_daemon(
        flags, 0, pv_http_guard_arrival, &http->guard, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_complaint, NULL,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)(config->threads > 1 ? config->threads : 0),
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
        (size_t)POOL_STEP_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (!http->daemon) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%s", tls ? "the HTTP library does not start: do certificate and key fit?"
                                                       : "the HTTP library does not start");
        pv_http_free(http);
        return PV_ERR_IO;
    }
    struct pv_acceptor_taker taker = {has_room, take_connection, http};
    err = pv_acceptor_start(listener, &taker, &http->acceptor);
    if (err) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the thread that takes connections does not start");
        pv_http_free(http);
        return err;
    }
    *ret_http = http;
    return PV_OK;
}

void pv_http_sweep(struct pv_http *http)
{
    pv_http_guard_sweep(&http->guard, pv_limits_pressed(http->server));
}

void pv_http_drain(struct pv_http *http, unsigned grace_ms, bool (*is_hurried)(void))
{
    static const struct timespec pause = {0, 10 * 1000 * 1000};
    pv_acceptor_stop(http->acceptor);
    http->acceptor = NULL;
    for (unsigned waited = 0; waited < grace_ms; waited += 10) {
        pv_events_stop(http->server->events); /* again: one may have opened meanwhile */
        if (atomic_load(&http->calls) == 0 && atomic_load(&http->streams) == 0) break;
        if (is_hurried && is_hurried()) break;
        nanosleep(&pause, NULL);
    }
}

void pv_http_free(struct pv_http *http)
{
    if (!http) return;
    pv_acceptor_stop(http->acceptor);
    if (http->daemon) MHD_stop_daemon(http->daemon);
    close(http->listener);
    pv_http_guard_release(&http->guard);
    free(http);
}
