/* Structured logs: composed on the stack, written at once. */
#include "server/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/json_text.h"

static enum pv_log_level max_level = PV_LOG_INFO;

void pv_log_set_level(enum pv_log_level level)
{
    max_level = level;
}

bool pv_log_on(enum pv_log_level level)
{
    return level <= max_level;
}

struct pv_log_id pv_log_id(const uint8_t *id)
{
    struct pv_log_id name;
    pv_hex_encode(id, 4, name.text);
    return name;
}

static void put_time(struct pv_buf *line)
{
    struct timespec now;
    struct tm utc;
    char text[40], millis[8];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(millis, sizeof millis, ".%03uZ", (unsigned)(now.tv_nsec / 1000000) % 1000);
    pv_json_put_text(line, text);
    pv_json_put_text(line, millis);
}

void pv_log(enum pv_log_level level, const char *event, const struct pv_log_field *fields)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char memory[2048];
    struct pv_buf line;
    if (!pv_log_on(level)) return;
    pv_buf_init_fixed(&line, memory, sizeof memory - 3);
    pv_json_put_text(&line, "{\"time\":\"");
    put_time(&line);
    pv_json_put_text(&line, "\",\"level\":\"");
    pv_json_put_text(&line, names[level]);
    pv_json_put_text(&line, "\",\"event\":\"");
    pv_json_put_text(&line, event);
    pv_json_put_text(&line, "\"");
    for (; fields->name; fields++) {
        pv_json_put_text(&line, ",\"");
        pv_json_put_text(&line, fields->name);
        pv_json_put_text(&line, "\":");
        if (fields->text) pv_json_put_string(&line, fields->text);
        else pv_json_put_number(&line, fields->number);
    }
    if (line.err) line.n = strlen(event) < 64 ? (size_t)snprintf(memory, sizeof memory - 3, "{\"event\":\"%s\"", event) : 1;
    memcpy(memory + line.n, "}\n", 2);
    ssize_t written = write(STDERR_FILENO, memory, line.n + 2);
    (void)written; /* nowhere to tell */
}
