/* A writer of JSON (RFC 8259) into a buffer, whose sticky error is checked once at the end. There is no reader: the
 * core is told things in CBOR.
 *
 * Every call takes the member's key, or NULL inside an array and at the top. */
#ifndef PV_BASE_JSON_H
#define PV_BASE_JSON_H

#include "core/base/bytes.h"

struct pv_json {
    struct pv_buf *out;
    bool comma; /* something stands before, at this level */
};

void pv_json_init(struct pv_json *json, struct pv_buf *out);
void pv_json_begin_object(struct pv_json *json, const char *key);
void pv_json_end_object(struct pv_json *json);
void pv_json_begin_array(struct pv_json *json, const char *key);
void pv_json_end_array(struct pv_json *json);

void pv_json_u64(struct pv_json *json, const char *key, uint64_t value);
void pv_json_i64(struct pv_json *json, const char *key, int64_t value);
void pv_json_bool(struct pv_json *json, const char *key, bool value);
void pv_json_null(struct pv_json *json, const char *key);
void pv_json_string(struct pv_json *json, const char *key, const char *value);
/* UTF-8; the buffer fails with MALFORMED for anything else. */
void pv_json_text(struct pv_json *json, const char *key, struct pv_bytes text);
/* A name that need not be text: bytes that are no UTF-8 show as \xNN (and then a backslash as \\), and a second member,
 * `<key>_bytes`, gives them all in base64url. Not for arrays. */
void pv_json_name(struct pv_json *json, const char *key, struct pv_bytes name);
void pv_json_hex(struct pv_json *json, const char *key, struct pv_bytes bytes);
void pv_json_base64url(struct pv_json *json, const char *key, struct pv_bytes bytes);

#endif
