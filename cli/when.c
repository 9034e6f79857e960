/* Reading of times, strict: what is not understood whole is refused. */
#include "cli/when.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/limits.h"

static const uint64_t SECOND = 1000, DAY = 86400000;

/* Up to `max_digits` digits; the count read, 0 if none. */
static size_t read_number(const char *text, size_t max_digits, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t n = 0;
    while (n < max_digits && isdigit((unsigned char)text[n])) value = value * 10 + (uint64_t)(text[n++] - '0');
    if (n) *ret_value = value;
    return n;
}

enum pv_err pv_when_span(const char *text, uint64_t *ret_ms)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 604800000}};
    uint64_t value = 0;
    size_t n = read_number(text, 7, &value);

    if (n == 0 || strlen(text + n) != 1) return PV_ERR_USAGE;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text[n] == units[i].unit) {
            *ret_ms = value * units[i].ms;
            return PV_OK;
        }
    return PV_ERR_USAGE;
}

static bool read_field(const char **text, size_t digits, uint64_t low, uint64_t high, int *ret_value)
{
    uint64_t value = 0;
    if (read_number(*text, digits, &value) != digits || value < low || value > high) return false;
    *text += digits;
    *ret_value = (int)value;
    return true;
}

static bool take(const char **text, const char *one_of)
{
    if (!**text || !strchr(one_of, **text)) return false;
    ++*text;
    return true;
}

/* "", "Z", "+01:00": how `text` ends. */
static bool read_zone(const char **text, bool *ret_local, long *ret_offset_seconds)
{
    int hours = 0, minutes = 0;
    char sign = **text;

    *ret_local = sign == '\0';
    *ret_offset_seconds = 0;
    if (*ret_local || take(text, "Zz")) return true;
    if (!take(text, "+-") || !read_field(text, 2, 0, 23, &hours)) return false;
    take(text, ":");
    if (!read_field(text, 2, 0, 59, &minutes)) return false;
    *ret_offset_seconds = (sign == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
    return true;
}

static enum pv_err read_date(const char *text, uint64_t *ret_ms)
{
    struct tm tm = {.tm_isdst = -1}, same;
    bool local = true;
    long offset_seconds = 0;
    time_t seconds;

    if (!read_field(&text, 4, 1970, 9999, &tm.tm_year) || !take(&text, "-") || !read_field(&text, 2, 1, 12, &tm.tm_mon) ||
        !take(&text, "-") || !read_field(&text, 2, 1, 31, &tm.tm_mday))
        return PV_ERR_USAGE;
    if (take(&text, "Tt ")) {
        if (!read_field(&text, 2, 0, 23, &tm.tm_hour) || !take(&text, ":") || !read_field(&text, 2, 0, 59, &tm.tm_min))
            return PV_ERR_USAGE;
        if (take(&text, ":") && !read_field(&text, 2, 0, 59, &tm.tm_sec)) return PV_ERR_USAGE;
    }
    if (!read_zone(&text, &local, &offset_seconds) || *text) return PV_ERR_USAGE;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    same = tm;
    seconds = local ? mktime(&same) : timegm(&same) - offset_seconds;
    if (same.tm_mday != tm.tm_mday || seconds < 0) return PV_ERR_USAGE; /* the 31st of a shorter month */
    *ret_ms = (uint64_t)seconds * SECOND;
    return PV_OK;
}

static uint64_t midnight(uint64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / SECOND);
    struct tm tm;
    localtime_r(&seconds, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (uint64_t)mktime(&tm) * SECOND;
}

static enum pv_err read_point(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
    uint64_t value = 0;
    if (strcmp(text, "now") == 0) {
        *ret_ms = now_ms;
    } else if (strcmp(text, "today") == 0) {
        *ret_ms = midnight(now_ms);
    } else if (strcmp(text, "yesterday") == 0) {
        *ret_ms = midnight(midnight(now_ms) - DAY / 2);
    } else if (text[0] == '@') {
        size_t n = read_number(text + 1, 12, &value);
        if (n == 0 || text[1 + n]) return PV_ERR_USAGE;
        *ret_ms = value * SECOND;
    } else {
        return read_date(text, ret_ms);
    }
    return PV_OK;
}

enum pv_err pv_when_past(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
    uint64_t span_ms = 0;
    if (pv_when_span(text, &span_ms) != PV_OK) return read_point(text, now_ms, ret_ms);
    *ret_ms = span_ms < now_ms ? now_ms - span_ms : 0;
    return PV_OK;
}

enum pv_err pv_when_future(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
    uint64_t value = 0;
    enum pv_err err = pv_when_span(text, &value);
    if (err == PV_OK)
        value += now_ms;
    else
        err = read_point(text, now_ms, &value);
    if (err == PV_OK && (value <= now_ms || value > PV_LIMIT_N)) err = PV_ERR_USAGE;
    if (err == PV_OK) *ret_ms = value;
    return err;
}
