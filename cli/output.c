/* Output in its two forms. */
#include "cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/term.h"
#include "client/home.h"

enum { JSON_MAX_BYTES = 1 << 30, TEXT_MAX_BYTES = 1 << 20 };

enum pv_err pv_out_json(json_t *object, struct pv_report *report)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    struct pv_buf safe;
    enum pv_err err;

    json_decref(object);
    if (!text) return pv_report(report, PV_ERR_NOMEM, "out of memory");
    pv_buf_init(&safe, JSON_MAX_BYTES);
    pv_term_put_json(&safe, pv_bytes_of_string(text));
    pv_buf_append_byte(&safe, '\n');
    err = safe.err;
    if (err == PV_OK) fwrite(safe.p, 1, safe.n, stdout);
    pv_buf_wipe(&safe);
    pv_wipe(text, strlen(text));
    free(text);
    return err;
}

json_t *pv_json_text(struct pv_bytes text)
{
    struct pv_buf utf8;
    json_t *value;
    pv_buf_init(&utf8, TEXT_MAX_BYTES);
    pv_term_put_utf8(&utf8, text);
    value = utf8.err ? NULL : json_stringn(utf8.n ? (const char *)utf8.p : "", utf8.n);
    pv_buf_wipe(&utf8);
    return value;
}

json_t *pv_json_hex(const uint8_t *p, size_t n)
{
    char text[129];
    if (n > 64) return NULL;
    pv_hex_encode(p, n, text);
    return json_string(text);
}

json_t *pv_json_hash(const struct pv_hash *hash)
{
    return pv_json_hex(hash->b, sizeof hash->b);
}

json_t *pv_json_id16(const struct pv_id16 *id)
{
    return pv_json_hex(id->b, sizeof id->b);
}

json_t *pv_json_number(uint64_t number)
{
    return json_integer((json_int_t)number);
}

void pv_out_time(uint64_t time_ms, char ret_text[static PV_OUT_TIME_BYTES])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || !strftime(ret_text, PV_OUT_TIME_BYTES, "%Y-%m-%d %H:%M", &tm))
        snprintf(ret_text, PV_OUT_TIME_BYTES, "(no time)");
}

void pv_out_size(uint64_t bytes, char ret_text[static PV_OUT_SIZE_BYTES])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    int unit = -1;
    while (size >= 1024 && unit < 3) {
        size /= 1024;
        unit++;
    }
    if (unit < 0)
        snprintf(ret_text, PV_OUT_SIZE_BYTES, "%u B", (unsigned)bytes);
    else
        snprintf(ret_text, PV_OUT_SIZE_BYTES, "%.*f %s", size < 10 ? 1 : 0, size, units[unit]);
}

bool pv_out_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

const char *pv_out_dim(void)
{
    return pv_term_has_colour(stdout) ? "\033[2m" : "";
}

const char *pv_out_bold(void)
{
    return pv_term_has_colour(stdout) ? "\033[1m" : "";
}

const char *pv_out_plain(void)
{
    return pv_term_has_colour(stdout) ? "\033[0m" : "";
}

enum pv_err pv_out_finish(struct pv_report *report)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return PV_OK;
    if (errno == EPIPE) return PV_OK; /* the reader had enough */
    return pv_report(report, pv_home_errno(errno) == PV_ERR_FULL ? PV_ERR_FULL : PV_ERR_IO, "cannot write the result: %s",
                     strerror(errno));
}
