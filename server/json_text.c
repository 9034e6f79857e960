/* JSON strings and numbers, for problem details and logs. */
#include "server/json_text.h"

#include <stdio.h>
#include <string.h>

void pv_json_put_text(struct pv_buf *buf, const char *text)
{
    pv_buf_append(buf, text, strlen(text));
}

void pv_json_put_string(struct pv_buf *buf, const char *text)
{
    pv_json_put_text(buf, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        char escape[8];
        if (c >= 0x20 && c != '"' && c != '\\' && c < 0x7f) {
            pv_buf_append_byte(buf, c);
            continue;
        }
        snprintf(escape, sizeof escape, "\\u%04x", c);
        pv_json_put_text(buf, escape);
    }
    pv_json_put_text(buf, "\"");
}

void pv_json_put_number(struct pv_buf *buf, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    pv_json_put_text(buf, text);
}
