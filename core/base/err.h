/* Errors as values: one table maps a code to its text, exit status, HTTP status and name on the wire. */
#ifndef PV_BASE_ERR_H
#define PV_BASE_ERR_H

#define PV_MUST_USE __attribute__((warn_unused_result))

/* X(code, exit status, HTTP status, web name, text) */
#define PV_ERR_TABLE(X)                                                                              \
    X(PV_OK, 0, 200, "ok", "done")                                                                   \
    X(PV_ERR_TRUNCATED, 1, 400, "truncated", "the data ends too early")                              \
    X(PV_ERR_NONCANONICAL, 1, 400, "noncanonical", "the data is not in its one allowed encoding")    \
    X(PV_ERR_MALFORMED, 1, 400, "malformed", "the data is not of the expected form")                 \
    X(PV_ERR_UNSUPPORTED, 1, 400, "unsupported", "made by a newer version of privity")               \
    X(PV_ERR_LIMIT, 1, 413, "limit", "over a limit")                                                 \
    X(PV_ERR_USAGE, 2, 400, "usage", "wrong usage")                                                  \
    X(PV_ERR_NOT_FOUND, 1, 404, "not-found", "not found")                                            \
    X(PV_ERR_CONFLICT, 1, 409, "conflict", "something else stands there already")                    \
    X(PV_ERR_DENIED, 3, 403, "denied", "not allowed")                                                \
    X(PV_ERR_UNAUTHENTICATED, 3, 401, "unauthenticated", "no valid session")                         \
    X(PV_ERR_EXPIRED, 3, 410, "expired", "expired, spent or revoked")                                \
    X(PV_ERR_RATE, 1, 429, "rate", "too many requests, try again later")                             \
    X(PV_ERR_QUOTA, 1, 507, "quota", "the quota is used up")                                         \
    X(PV_ERR_NO_KEY, 1, 400, "no-key", "the key for this is not here")                               \
    X(PV_ERR_BUSY, 1, 503, "busy", "in use by another process for too long, try again")              \
    X(PV_ERR_LOCKED, 1, 423, "locked", "locked")                                                     \
    X(PV_ERR_BAD_MAC, 4, 400, "bad-mac", "sealed data does not open: it was altered or the key is wrong") \
    X(PV_ERR_BAD_SIG, 4, 400, "bad-signature", "a signature does not verify")                        \
    X(PV_ERR_BROKEN_CHAIN, 4, 400, "broken-chain", "a hash does not match what names it")            \
    X(PV_ERR_FORK, 4, 409, "fork", "two histories contradict each other")                            \
    X(PV_ERR_OFFLINE, 5, 503, "offline", "the server cannot be reached")                             \
    X(PV_ERR_IO, 1, 500, "io", "reading or writing failed")                                          \
    X(PV_ERR_CORRUPT, 1, 500, "corrupt", "stored data is damaged")                                   \
    X(PV_ERR_FULL, 1, 507, "full", "no space left")                                                  \
    X(PV_ERR_NOMEM, 1, 503, "out-of-memory", "out of memory")

enum pv_err {
#define PV_ERR_CODE(code, exit_status, http, web, text) code,
    PV_ERR_TABLE(PV_ERR_CODE)
#undef PV_ERR_CODE
};

const char *pv_err_text(enum pv_err err);
const char *pv_err_web_name(enum pv_err err);
int pv_err_exit_status(enum pv_err err);
unsigned pv_err_http_status(enum pv_err err);

/* The code whose web name is `name`; PV_ERR_MALFORMED for an unknown one. */
enum pv_err pv_err_from_web_name(const char *name);

#endif
