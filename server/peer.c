/* Addresses: reading, networks, and the hops that proxies tell of, read from the right. */
#include "server/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/request.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const uint8_t b[static 16])
{
    return memcmp(b, mapped, sizeof mapped) == 0;
}

/* One address without brackets and port. */
static bool read_bare(const char *text, size_t n, uint8_t ret_b[static 16])
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t b[16];
    if (n == 0 || n >= sizeof copy) return false;
    memcpy(copy, text, n);
    copy[n] = 0;
    memcpy(b, mapped, sizeof mapped);
    if (inet_pton(AF_INET, copy, b + sizeof mapped) != 1 && inet_pton(AF_INET6, copy, b) != 1) return false;
    memcpy(ret_b, b, sizeof b);
    return true;
}

static bool is_port(const char *text, size_t n)
{
    if (n < 2 || n > 6 || text[0] != ':') return false;
    return strspn(text + 1, "0123456789") >= n - 1;
}

/* As proxies write it: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". */
static bool read_hop(const char *text, size_t n, struct pv_address *ret_address)
{
    const char *end = memchr(text, ']', n), *colon = memchr(text, ':', n);
    size_t len = n;
    if (n && text[0] == '[') {
        if (!end) return false;
        len = (size_t)(end - text) - 1;
        if (end + 1 != text + n && !is_port(end + 1, (size_t)(text + n - end) - 1)) return false;
        text++;
    } else if (colon && !memchr(colon + 1, ':', (size_t)(text + n - colon) - 1)) {
        len = (size_t)(colon - text);
        if (!is_port(colon, n - len)) return false;
    }
    if (!read_bare(text, len, ret_address->b)) return false;
    ret_address->known = true;
    return true;
}

/* ---- which proxies are trusted */

static enum pv_err add_one(struct pv_proxies *proxies, const char *text, size_t n)
{
    struct pv_net net = {.bits = 128};
    const char *slash = memchr(text, '/', n);
    size_t len = slash ? (size_t)(slash - text) : n;
    if (n == 5 && memcmp(text, "local", 5) == 0) {
        proxies->local = true;
        return PV_OK;
    }
    if (!read_bare(text, len, net.b)) return PV_ERR_USAGE;
    if (slash) {
        char digits[4];
        uint64_t bits, most = is_v4(net.b) ? 32 : 128;
        if (n - len - 1 >= sizeof digits) return PV_ERR_USAGE;
        snprintf(digits, sizeof digits, "%.*s", (int)(n - len - 1), slash + 1);
        if (pv_parse_uint(digits, most, &bits)) return PV_ERR_USAGE;
        net.bits = (unsigned)(bits + 128 - most);
    }
    if (proxies->count == PV_PEER_NETS_MAX) return PV_ERR_LIMIT;
    proxies->nets[proxies->count++] = net;
    return PV_OK;
}

enum pv_err pv_proxies_add(struct pv_proxies *proxies, const char *text)
{
    struct pv_proxies all = *proxies;
    for (;;) {
        text += strspn(text, " ");
        size_t n = strcspn(text, ",");
        size_t len = n;
        while (len && text[len - 1] == ' ') len--;
        enum pv_err err = add_one(&all, text, len);
        if (err) return err;
        if (!text[n]) break;
        text += n + 1;
    }
    *proxies = all;
    return PV_OK;
}

static bool is_in(const struct pv_net *net, const uint8_t b[static 16])
{
    size_t whole = net->bits / 8;
    if (memcmp(net->b, b, whole) != 0) return false;
    unsigned rest = net->bits % 8;
    return rest == 0 || ((net->b[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool pv_proxies_trust(const struct pv_proxies *proxies, const struct pv_address *address)
{
    if (!address->known) return proxies->local;
    for (size_t i = 0; i < proxies->count; i++)
        if (is_in(&proxies->nets[i], address->b)) return true;
    return false;
}

const char *pv_proxies_header(const struct pv_proxies *proxies)
{
    return proxies->header == PV_PROXY_FORWARDED ? "Forwarded" : "X-Forwarded-For";
}

/* ---- hops */

static struct pv_bytes trim(const char *text, size_t n)
{
    while (n && (text[0] == ' ' || text[0] == '\t')) text++, n--;
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    return pv_bytes(text, n);
}

/* Where the part begins that ends at `end`, parts being divided by `mark` outside quotes. */
static const char *begin_of_part(const char *text, const char *end, char mark)
{
    bool quoted = false;
    while (end > text && (quoted || end[-1] != mark)) {
        if (end[-1] == '"') quoted = !quoted;
        end--;
    }
    return end;
}

/* The value of `for` in one element of Forwarded (RFC 7239), without its quotes. */
static struct pv_bytes find_for(struct pv_bytes element)
{
    const char *text = (const char *)element.p, *end = text + element.n;
    while (end > text) {
        const char *begin = begin_of_part(text, end, ';');
        struct pv_bytes pair = trim(begin, (size_t)(end - begin));
        if (pair.n > 4 && strncasecmp((const char *)pair.p, "for=", 4) == 0) {
            struct pv_bytes value = pv_bytes(pair.p + 4, pair.n - 4);
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') value = pv_bytes(value.p + 1, value.n - 2);
            return value;
        }
        end = begin > text ? begin - 1 : text;
    }
    return pv_bytes(NULL, 0);
}

void pv_proxies_client(const struct pv_proxies *proxies, const struct pv_address *peer, const char *said,
                       struct pv_address *ret_client)
{
    const char *end = said + strlen(said);
    struct pv_address client = *peer;
    for (int hops = 0; hops < PV_PEER_HOPS_MAX && end > said && pv_proxies_trust(proxies, &client); hops++) {
        struct pv_address hop;
        const char *begin = begin_of_part(said, end, ',');
        struct pv_bytes part = trim(begin, (size_t)(end - begin));
        if (proxies->header == PV_PROXY_FORWARDED) part = find_for(part);
        if (!part.n || !read_hop((const char *)part.p, part.n, &hop)) break;
        client = hop;
        end = begin > said ? begin - 1 : said;
    }
    *ret_client = client;
}

/* ---- addresses */

void pv_address_of(const struct sockaddr *socket_address, struct pv_address *ret_address)
{
    *ret_address = (struct pv_address){.known = true};
    if (socket_address && socket_address->sa_family == AF_INET6) {
        memcpy(ret_address->b, &((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_addr, 16);
    } else if (socket_address && socket_address->sa_family == AF_INET) {
        memcpy(ret_address->b, mapped, sizeof mapped);
        memcpy(ret_address->b + sizeof mapped, &((const struct sockaddr_in *)(const void *)socket_address)->sin_addr, 4);
    } else {
        ret_address->known = false;
    }
}

bool pv_address_is_loopback(const struct pv_address *address)
{
    static const uint8_t one[16] = {[15] = 1};
    return address->known && (memcmp(address->b, one, 16) == 0 || (is_v4(address->b) && address->b[12] == 127));
}

void pv_address_group(const struct pv_address *address, struct pv_address *ret_group)
{
    struct pv_address group = *address;
    if (!group.known) memset(group.b, 0, sizeof group.b);
    else if (!is_v4(group.b)) memset(group.b + 8, 0, 8);
    *ret_group = group;
}

void pv_address_text(const struct pv_address *address, char ret_text[static PV_PEER_TEXT_BYTES])
{
    char text[INET6_ADDRSTRLEN] = "?";
    struct pv_address group;
    pv_address_group(address, &group);
    bool v4 = is_v4(group.b);
    if (group.known) inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? group.b + 12 : group.b, text, sizeof text);
    snprintf(ret_text, PV_PEER_TEXT_BYTES, "%s%s", group.known ? text : "local", group.known && !v4 ? "/64" : "");
}
