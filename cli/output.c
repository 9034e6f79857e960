/* Output in its two forms. */
#include "cli/output.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/term.h"
#include "client/home.h"

enum pv_err pv_out_json(struct pv_bytes json)
{
    struct pv_buf safe;
    enum pv_err err;
    pv_buf_init(&safe, PV_OUT_JSON_MAX);
    pv_term_put_json(&safe, json);
    pv_buf_append_byte(&safe, '\n');
    err = safe.err;
    if (err == PV_OK) fwrite(safe.p, 1, safe.n, stdout);
    pv_buf_wipe(&safe);
    return err;
}

void pv_out_begin(struct pv_out *out)
{
    pv_buf_init(&out->text, PV_OUT_JSON_MAX);
    pv_json_init(&out->json, &out->text);
    pv_json_begin_object(&out->json, NULL);
}

enum pv_err pv_out_end(struct pv_out *out, struct pv_report *report)
{
    enum pv_err err;
    pv_json_end_object(&out->json);
    err = out->text.err ? out->text.err : pv_out_json(pv_buf_bytes(&out->text));
    pv_buf_wipe(&out->text);
    return pv_report_default(report, err, "the result");
}

void pv_out_json_hash(struct pv_json *json, const char *key, const struct pv_hash *hash)
{
    pv_json_hex(json, key, PV_BYTES_OF(*hash));
}

void pv_out_json_id16(struct pv_json *json, const char *key, const struct pv_id16 *id)
{
    pv_json_hex(json, key, PV_BYTES_OF(*id));
}

void pv_out_json_string(struct pv_json *json, const char *key, const char *text)
{
    if (text)
        pv_json_text(json, key, pv_bytes_of_string(text));
    else
        pv_json_null(json, key);
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
