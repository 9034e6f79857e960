/* The one thing that the server writes in JSON by hand: a string. */
#ifndef PV_SERVER_JSON_TEXT_H
#define PV_SERVER_JSON_TEXT_H

#include "core/base/bytes.h"

/* Append `text` as a JSON string in plain ASCII; bytes that are not are escaped one by one. */
void pv_json_put_string(struct pv_buf *buf, const char *text);
void pv_json_put_text(struct pv_buf *buf, const char *text); /* as it is */
void pv_json_put_number(struct pv_buf *buf, int64_t number);

#endif
