/* A request and its response as resources see them: no sockets, no threads, no HTTP library. */
#ifndef PV_SERVER_REQUEST_H
#define PV_SERVER_REQUEST_H

#include "server/blob/blob.h"
#include "server/meta/meta.h"

enum pv_web_method { PV_METHOD_GET, PV_METHOD_HEAD, PV_METHOD_POST, PV_METHOD_PUT, PV_METHOD_DELETE, PV_METHOD_OTHER };

struct pv_route;
struct pv_job;
struct pv_stream;

struct pv_web_request {
    enum pv_web_method method;
    const char *path;    /* decoded, without the query */
    const char *address; /* of the peer, as text */
    /* Of the driver: a header's or query's value, NULL if absent; valid until the next call. */
    const char *(*header)(void *driver, const char *name);
    const char *(*query)(void *driver, const char *name);
    void *driver;
    bool has_length;
    uint64_t length; /* of the body as announced */
    struct pv_bytes body;

    /* What the router found out before the body was read. */
    const struct pv_route *route;
    struct pv_hash room;      /* {room} */
    struct pv_id16 id;        /* {id}: a gate's or blob's */
    uint64_t index, i;        /* {index}, {i} */
    struct pv_meta_room room_row;
    bool is_ticket; /* it is a link's ticket that lets it read */
    bool has_session;
    struct pv_meta_session session;
    struct pv_hash token_hash;
    uint64_t share_bytes;     /* of body and answer, counted against what one holder may hold */
    uint64_t reserved_bytes;  /* of them, for an answer that is still to be made */
    struct pv_hash holder;    /* a person with an account, or an address */
    enum pv_access access;    /* of the session's device in the room; a ticket reads as a viewer */

    /* A body that is written to the blob store as it comes. */
    struct pv_blob_writer *upload;
    struct pv_id16 upload_locator;
    uint64_t upload_bytes;
    bool upload_counted;  /* among those that a device has under way */
    bool upload_announced; /* its length, to the quota */
    struct pv_sha256 *upload_hash; /* owned */
    enum pv_err upload_err;
};

struct pv_web_response {
    unsigned status;
    const char *type;     /* a constant; NULL: no body */
    const char *reason;   /* of a problem, for the log; a constant */
    enum pv_err err;
    struct pv_buf body;   /* owned */
    struct pv_bytes constant; /* n > 0: instead of `body`, when there is no memory for it */
    unsigned retry_after_s;
    /* Instead of a body: bytes of a blob. */
    bool has_range;       /* 206 with Content-Range */
    bool is_blob;
    struct pv_id16 locator;
    uint64_t offset, length, total;
    /* Instead of an answer now: */
    struct pv_job *job;       /* the committer answers */
    struct pv_stream *stream; /* events until either side closes */
};

/* As pv_buf allows: everything a response may hold. */
enum { PV_RESPONSE_MAX_BYTES = 64 * 1024 * 1024 };

void pv_web_response_init(struct pv_web_response *response);
void pv_web_response_release(struct pv_web_response *response);

/* Answer with problem details. `reason` is a constant or NULL, `detail` a sentence. */
void pv_problem(struct pv_web_response *response, enum pv_err err, const char *reason, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with a status of HTTP's own instead of the error's. */
void pv_problem_status(struct pv_web_response *response, unsigned status, enum pv_err err, const char *reason,
                       const char *detail, ...) __attribute__((format(printf, 5, 6)));
/* The same with the error's own text. */
void pv_problem_of(struct pv_web_response *response, enum pv_err err);
/* 200 with what the body holds; a failed buffer becomes a problem. */
void pv_answer(struct pv_web_response *response, const char *type);

#define PV_TYPE_CBOR "application/cbor"
#define PV_TYPE_TEXT "text/plain; charset=utf-8"
#define PV_TYPE_BYTES "application/octet-stream"

/* A query value as a number of at most `max`; `fallback` when absent. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_query_uint(const struct pv_web_request *request, const char *name, uint64_t fallback,
                                      uint64_t max, uint64_t *ret_value);
/* Decimal digits only, at most `max`. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_parse_uint(const char *text, uint64_t max, uint64_t *ret_value);

#endif
