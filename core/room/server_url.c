/* Server addresses, brought into one form. */
#include "core/room/server_url.h"

#include <string.h>

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_host_char(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
}

/* The bytes of a host at the start of p: a name, an IPv4 address, or an IPv6 address in brackets; 0: none. */
static size_t host_length(const uint8_t *p, size_t n)
{
    size_t i = 0;
    if (n && p[0] == '[') {
        for (i = 1; i < n && (is_digit(p[i]) || (p[i] >= 'a' && p[i] <= 'f') || p[i] == ':' || p[i] == '.'); i++) {}
        return i > 2 && i < n && p[i] == ']' ? i + 1 : 0;
    }
    while (i < n && is_host_char(p[i])) i++;
    return i;
}

/* A port of 1 to 65535 without leading zeros; 0: something else. */
static unsigned port_value(const uint8_t *p, size_t n)
{
    unsigned port = 0;
    if (n < 1 || n > 5 || p[0] == '0') return 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[i])) return 0;
        port = port * 10 + (unsigned)(p[i] - '0');
    }
    return port <= UINT16_MAX ? port : 0;
}

enum pv_err pv_server_url_read(struct pv_bytes text, struct pv_server_url *ret_url)
{
    struct pv_server_url url = {{0}};
    uint8_t *p = (uint8_t *)url.text;
    size_t n = text.n;
    if (n && text.p[n - 1] == '/') n--;
    if (n > PV_LIMIT_URL_BYTES) return PV_ERR_LIMIT;
    for (size_t i = 0; i < n; i++)
        p[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (uint8_t)(text.p[i] - 'A' + 'a') : text.p[i];
    bool https = n > 8 && memcmp(p, "https://", 8) == 0;
    if (!https && !(n > 7 && memcmp(p, "http://", 7) == 0)) return PV_ERR_MALFORMED;
    size_t scheme = https ? 8 : 7;
    size_t host = host_length(p + scheme, n - scheme), end = scheme + host;
    if (host == 0) return PV_ERR_MALFORMED;
    if (end < n) {
        unsigned port = p[end] == ':' ? port_value(p + end + 1, n - end - 1) : 0;
        if (port == 0) return PV_ERR_MALFORMED;
        if (port == (https ? 443 : 80)) memset(p + end, 0, n - end);
    }
    *ret_url = url;
    return PV_OK;
}

/* This very machine: a proxy or a tunnel of its user may stand at another port than the server behind it. */
static bool is_loopback(const struct pv_server_url *url)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = strstr(url->text, "://") + 3;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t n = strlen(hosts[i]);
        if (strncmp(host, hosts[i], n) == 0 && (host[n] == '\0' || host[n] == ':')) return true;
    }
    return false;
}

static bool same_place(const struct pv_server_url *a, const struct pv_server_url *b)
{
    return strcmp(a->text, b->text) == 0 || (is_loopback(a) && is_loopback(b));
}

bool pv_server_url_has_name(const struct pv_server_url *url, struct pv_bytes name)
{
    uint8_t text[PV_LIMIT_URL_BYTES];
    struct pv_server_url named;
    size_t scheme = strncmp(url->text, "https://", 8) == 0 ? 8 : 7;
    if (name.n == 0 || name.n > sizeof text - scheme || name.p[name.n - 1] == '/') return false;
    memcpy(text, url->text, scheme);
    memcpy(text + scheme, name.p, name.n);
    return pv_server_url_read(pv_bytes(text, scheme + name.n), &named) == PV_OK && same_place(&named, url);
}
