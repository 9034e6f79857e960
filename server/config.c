/* The table of options, and the reading of the configuration file. */
#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* LIST: told several times, it adds. LINE: of the command line alone, see main.c. */
enum kind { TEXT, FILE_NAME, DIR_NAME, NUMBER, WORD, LIST, LINE };

struct option {
    const char *name, *argument, *help;
    enum kind kind;
    size_t offset;
    const char *const *words; /* of a WORD, by value */
    uint64_t max;             /* of a NUMBER */
};

static const char *const registration_words[] = {"open", "invite", "closed", NULL};
static const char *const level_words[] = {"error", "warn", "info", "debug", NULL};
static const char *const sandbox_words[] = {"on", "off", "required", NULL};
static const char *const header_words[] = {"x-forwarded-for", "forwarded", NULL};
static const char *const shell_words[] = {"bash", "zsh", "fish", NULL};

#define AT(field) offsetof(struct pv_config, field)

static const struct option options[] = {
    {"config", "FILE", "read options from FILE, lines of `name = value`", LINE, 0, NULL, 0},
    {"check-config", NULL, "say what a start would trip over, and change nothing", LINE, 0, NULL, 0},
    {"completion", "SHELL", "print completions for bash, zsh or fish", LINE, 0, shell_words, 0},
    {"json", NULL, "with an admin command: print JSON, one object", LINE, 0, NULL, 0},
    {"help", NULL, "print this", LINE, 0, NULL, 0},
    {"version", NULL, "print the version", LINE, 0, NULL, 0},
    {"listen", "ADDR:PORT", "where to listen (127.0.0.1:7440); port 0 takes any", TEXT, AT(listen), NULL, 0},
    {"public-url", "URL", "how clients reach this server; rooms are bound to its host and port", TEXT, AT(public_url), NULL, 0},
    {"data", "DIR", "the log key, the lock and the default stores (/var/lib/privityd)", DIR_NAME, AT(data), NULL, 0},
    {"meta", "URL", "metadata store: sqlite:PATH", TEXT, AT(meta), NULL, 0},
    {"blobs", "URL", "blob store: fs:DIR", TEXT, AT(blobs), NULL, 0},
    {"registration", "MODE", "who may make an account: open, invite or closed (invite; on loopback open)", WORD, AT(registration), registration_words, 0},
    {"tls-cert", "FILE", "certificate chain in PEM, for TLS without a proxy", FILE_NAME, AT(tls_cert), NULL, 0},
    {"tls-key", "FILE", "its private key in PEM", FILE_NAME, AT(tls_key), NULL, 0},
    {"user", "NAME[:GROUP]", "whom to become when started as root, once the port and the TLS key are had", TEXT, AT(user), NULL, 0},
    {"sandbox", "MODE", "limit system calls and files: on (as far as the kernel can), off or required (on)", WORD, AT(sandbox), sandbox_words, 0},
    {"log-level", "LEVEL", "error, warn, info or debug (info); debug names every request", WORD, AT(log_level), level_words, 0},
    {"threads", "N", "threads that answer requests (16)", NUMBER, AT(threads), NULL, 256},
    {"connections", "N", "connections at once (10000)", NUMBER, AT(connections), NULL, 1000000},
    {"connections-address", "N", "connections at once of one address, 0 for no limit (256, loopback without limit)", NUMBER, AT(connections_address), NULL, 1000000},
    {"head-timeout", "SECONDS", "within which a request's head must be here (30)", NUMBER, AT(head_s), NULL, 3600},
    {"trusted-proxy", "ADDR[/N]", "a proxy whose word on its client's address is taken; may be given several times", LIST, AT(proxies), NULL, 0},
    {"proxy-header", "NAME", "where it says so: x-forwarded-for or forwarded (x-forwarded-for)", WORD, AT(proxies.header), header_words, 0},
    {"rate-address", "N", "requests a second from one address, 0 for no limit (1000)", NUMBER, AT(limits.address_per_s), NULL, 1000000},
    {"rate-device", "N", "requests a second from one device, 0 for no limit (500)", NUMBER, AT(limits.device_per_s), NULL, 1000000},
    {"quota", "BYTES", "bytes a day that one person may write, 0 for no limit (17179869184)", NUMBER, AT(limits.person_bytes_per_day), NULL, PV_LIMIT_N},
};

enum { OPTIONS = sizeof options / sizeof *options };

void pv_config_init(struct pv_config *config)
{
    *config = (struct pv_config){
        .listen = "127.0.0.1:7440",
        .data = "/var/lib/privityd",
        .registration = PV_REGISTER_UNSET,
        .log_level = PV_LOG_INFO,
        .threads = 16,
        .connections = 10000,
        .head_s = 30,
        .connections_address = PV_CONNECTIONS_DEFAULT,
        .limits = {1000, 500, 16ull << 30},
    };
}

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strcmp(options[i].name, name) == 0) return &options[i];
    return NULL;
}

bool pv_config_knows(const char *name)
{
    const struct option *option = find(name);
    return option && option->kind != LINE;
}

static bool set_word(const struct option *option, void *field, const char *value)
{
    for (int i = 0; option->words[i]; i++) {
        if (strcmp(option->words[i], value) != 0) continue;
        memcpy(field, &i, sizeof i); /* every enum here is an int */
        return true;
    }
    return false;
}

_Static_assert(sizeof(enum pv_registration_mode) == sizeof(int) && sizeof(enum pv_log_level) == sizeof(int) &&
               sizeof(enum pv_proxy_header) == sizeof(int) && sizeof(enum pv_sandbox_mode) == sizeof(int),
               "words are stored as int");

enum pv_err pv_config_set(struct pv_config *config, const char *name, const char *value,
                          char ret_why[static PV_CONFIG_WHY_MAX])
{
    const struct option *option = find(name);
    bool good = false;
    uint64_t number;
    if (!option || option->kind == LINE) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "there is no option %.64s", name);
        return PV_ERR_USAGE;
    }
    char *field = (char *)config + option->offset;
    switch (option->kind) {
    case TEXT:
    case FILE_NAME:
    case DIR_NAME:
        good = strlen(value) < PV_CONFIG_TEXT_MAX && *value;
        if (good) memcpy(field, value, strlen(value) + 1);
        break;
    case NUMBER:
        good = pv_parse_uint(value, option->max, &number) == PV_OK;
        if (good) memcpy(field, &number, sizeof number);
        break;
    case WORD: good = set_word(option, field, value); break;
    case LIST: good = pv_proxies_add(&config->proxies, value) == PV_OK; break;
    case LINE: break;
    }
    if (good) return PV_OK;
    snprintf(ret_why, PV_CONFIG_WHY_MAX, "%s wants %s, not \"%.64s\": %s", name, option->argument, value, option->help);
    return PV_ERR_USAGE;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1])) text[--n] = 0;
    return text;
}

static enum pv_err read_line(struct pv_config *config, char *line, char ret_why[static PV_CONFIG_WHY_MAX])
{
    char *text = trim(line);
    if (!*text || *text == '#') return PV_OK;
    char *equals = strchr(text, '=');
    if (!equals) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "\"%.64s\" is not of the form name = value", text);
        return PV_ERR_USAGE;
    }
    *equals = 0;
    return pv_config_set(config, trim(text), trim(equals + 1), ret_why);
}

enum pv_err pv_config_read(struct pv_config *config, const char *path, char ret_why[static PV_CONFIG_WHY_MAX])
{
    char line[PV_CONFIG_TEXT_MAX + 128], inner[PV_CONFIG_WHY_MAX];
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the configuration file %.512s cannot be read: %s", path,
                 strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    enum pv_err err = PV_OK;
    for (unsigned number = 1; !err && fgets(line, sizeof line, file); number++) {
        if (!strchr(line, '\n') && !feof(file)) {
            snprintf(inner, sizeof inner, "the line is too long");
            err = PV_ERR_USAGE;
        } else {
            err = read_line(config, line, inner);
        }
        if (err) snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.256s, line %u: %.1024s", path, number, inner);
    }
    fclose(file);
    return err;
}

enum pv_err pv_config_split_listen(const char *listen, char ret_host[static 256], uint16_t *ret_port)
{
    const char *colon = strrchr(listen, ':');
    uint64_t port;
    if (!colon || pv_parse_uint(colon + 1, 65535, &port)) return PV_ERR_USAGE;
    const char *host = listen;
    size_t n = (size_t)(colon - listen);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    } else if (memchr(host, ':', n)) {
        return PV_ERR_USAGE;
    }
    if (n == 0 || n > 255) return PV_ERR_USAGE;
    memcpy(ret_host, host, n);
    ret_host[n] = 0;
    *ret_port = (uint16_t)port;
    return PV_OK;
}

static enum pv_err default_store(char *field, const char *scheme, const struct pv_config *config, const char *file,
                                 char ret_why[static PV_CONFIG_WHY_MAX])
{
    size_t n = strlen(scheme);
    if (!*field && (size_t)snprintf(field, PV_CONFIG_TEXT_MAX, "%s%s/%s", scheme, config->data, file) >= PV_CONFIG_TEXT_MAX) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory's name is too long");
        return PV_ERR_USAGE;
    }
    if (strncmp(field, scheme, n) == 0 && field[n]) return PV_OK;
    snprintf(ret_why, PV_CONFIG_WHY_MAX, "\"%.64s\" is no store that this server knows: want %s%s", field, scheme, file);
    return PV_ERR_USAGE;
}

static bool is_url(const char *url)
{
    const char *rest = strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    if (!rest || !*rest || strlen(rest) > PV_LIMIT_SERVER_NAME_BYTES) return false;
    for (; *rest; rest++)
        if (!isalnum((unsigned char)*rest) && !strchr(".-:[]_", *rest)) return false;
    return true;
}

/* Does a host, which a port or nothing follows, name this machine alone? */
static bool is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]", "::1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(host, names[i], n) == 0 && (host[n] == 0 || host[n] == ':')) return true;
    }
    size_t n = strspn(host, "0123456789.");
    return strncmp(host, "127.", 4) == 0 && (host[n] == 0 || host[n] == ':');
}

/* Whoever tries the server on one machine needs no code; one that others reach opens only when told so. */
static enum pv_registration_mode default_registration(const struct pv_config *config, const char *host)
{
    const char *at = strstr(config->public_url, "://");
    return is_loopback(host) && (!at || is_loopback(at + 3)) ? PV_REGISTER_OPEN : PV_REGISTER_INVITE;
}

enum pv_err pv_config_finish(struct pv_config *config, char ret_why[static PV_CONFIG_WHY_MAX])
{
    char host[256];
    uint16_t port;
    if (pv_config_split_listen(config->listen, host, &port)) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "listen wants ADDR:PORT, not \"%.64s\"", config->listen);
        return PV_ERR_USAGE;
    }
    size_t n = strlen(config->public_url);
    if (n && config->public_url[n - 1] == '/') config->public_url[n - 1] = 0;
    if (*config->public_url && !is_url(config->public_url)) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "public-url wants http(s)://HOST[:PORT] and nothing after it, not \"%.64s\"",
                 config->public_url);
        return PV_ERR_USAGE;
    }
    if (config->registration == PV_REGISTER_UNSET) config->registration = default_registration(config, host);
    if (!*config->tls_cert != !*config->tls_key) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "tls-cert and tls-key go together");
        return PV_ERR_USAGE;
    }
    if (config->head_s == 0) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "head-timeout wants at least one second");
        return PV_ERR_USAGE;
    }
    if (config->threads == 0 || config->connections < config->threads) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "there must be at least one thread, and a connection for each");
        return PV_ERR_USAGE;
    }
    enum pv_err err = default_store(config->meta, "sqlite:", config, "meta.db", ret_why);
    return err ? err : default_store(config->blobs, "fs:", config, "blobs", ret_why);
}

bool pv_config_option(size_t i, struct pv_config_option *ret_option)
{
    if (i >= OPTIONS) return false;
    const struct option *option = &options[i];
    *ret_option = (struct pv_config_option){.name = option->name, .argument = option->argument, .help = option->help,
                                            .words = option->words,
                                            .is_file = option->kind == FILE_NAME || strcmp(option->name, "config") == 0,
                                            .is_dir = option->kind == DIR_NAME};
    return true;
}

void pv_config_help(struct pv_buf *text)
{
    char line[256];
    for (size_t i = 0; i < OPTIONS; i++) {
        const char *argument = options[i].argument ? options[i].argument : "";
        int width = 24 - (int)strlen(options[i].name);
        int n = snprintf(line, sizeof line, "  --%s %-*s %s\n", options[i].name, width, argument, options[i].help);
        if (n > 0) pv_buf_append(text, line, (size_t)n);
    }
}
