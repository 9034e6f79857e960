/* Whose address a request counts for: proxies that are trusted, headers that are spoofed, and hops that cannot be read;
 * and how many connections an address may hold, and how long. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/connections.h"
#include "tests/tap.h"

static struct pv_address address_of(const char *text)
{
    struct pv_address address;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) pv_address_of((const struct sockaddr *)&v4, &address);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) pv_address_of((const struct sockaddr *)&v6, &address);
    else pv_address_of(NULL, &address);
    return address;
}

static struct pv_proxies proxies_of(const char *list, enum pv_proxy_header header)
{
    struct pv_proxies proxies = {.header = header};
    if (*list && pv_proxies_add(&proxies, list)) tap_ok(false, "a list of proxies: %s", list);
    return proxies;
}

static const struct {
    const char *trusted, *peer, *said, *want;
} hops[] = {
    {"", "192.0.2.1", "203.0.113.9", "192.0.2.1"}, /* nobody is trusted */
    {"10.0.0.0/8", "192.0.2.1", "203.0.113.9", "192.0.2.1"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.9", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "198.51.100.1, 203.0.113.9", "203.0.113.9"}, /* what stands left was said by the client */
    {"10.0.0.0/8", "10.1.2.3", "10.9.9.9, 203.0.113.9", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.9, 10.4.4.4 ,10.5.5.5", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "10.4.4.4, 10.5.5.5", "10.4.4.4"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.9, unknown", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "unknown, 203.0.113.9", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.9,", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", ",,,,", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.9:8080", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.9:x", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.999", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
    {"10.0.0.0/8", "10.1.2.3", "[2001:db8:1:2:3::4]:443", "2001:db8:1:2::/64"},
    {"10.0.0.0/8", "10.1.2.3", "[2001:db8:1:2:3::4", "10.1.2.3"},
    {"10.0.0.0/8", "::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "::ffff:203.0.113.9", "203.0.113.9"},
    {"10.1.2.3", "10.1.2.4", "203.0.113.9", "10.1.2.4"},
    {"10.1.2.0/23", "10.1.3.255", "203.0.113.9", "203.0.113.9"},
    {"10.1.2.0/23", "10.1.4.0", "203.0.113.9", "10.1.4.0"},
    {"2001:db8::/32, 10.0.0.1", "2001:db8::5", "203.0.113.9, 10.0.0.1", "203.0.113.9"},
    {"local", "local socket", "203.0.113.9", "203.0.113.9"},
    {"10.0.0.0/8", "local socket", "203.0.113.9", "local"},
    {"0.0.0.0/0", "192.0.2.1", "1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4,5.5.5.5,6.6.6.6,7.7.7.7,8.8.8.8,9.9.9.9,1.1.1.2,1.1.1.3,1.1.1.4,"
                               "1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9,1.1.1.10", "3.3.3.3"}, /* 16 hops and no more */
}, forwarded[] = {
    {"10.0.0.0/8", "10.1.2.3", "for=203.0.113.9", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "for=198.51.100.1, for=203.0.113.9;proto=https;by=10.1.2.3", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "proto=https; For=\"[2001:db8:1:2::9]:4711\"", "2001:db8:1:2::/64"},
    {"10.0.0.0/8", "10.1.2.3", "for=203.0.113.9;host=\"a,b;for=1.1.1.1\"", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "for=\"unbalanced, for=203.0.113.9", "203.0.113.9"},
    {"10.0.0.0/8", "10.1.2.3", "for=_hidden", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "203.0.113.9", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "for=", "10.1.2.3"},
    {"10.0.0.0/8", "10.1.2.3", "\"", "10.1.2.3"},
    {"10.0.0.0/8", "192.0.2.1", "for=203.0.113.9", "192.0.2.1"},
};

static void test_hop(const char *trusted, enum pv_proxy_header header, const char *from, const char *said, const char *want)
{
    struct pv_proxies proxies = proxies_of(trusted, header);
    struct pv_address peer = address_of(from), client;
    char text[PV_PEER_TEXT_BYTES];
    pv_proxies_client(&proxies, &peer, said, &client);
    pv_address_text(&client, text);
    tap_ok(strcmp(text, want) == 0, "from %s, which says \"%s\", trusting %s: %s", from, said, *trusted ? trusted : "nobody", want);
    if (strcmp(text, want) != 0) tap_note("got %s", text);
}

static void test_lists(void)
{
    static const char *const wrong[] = {"", "x", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8,", "[::1]", "10.0.0/8",
                                        "1.2.3.4:80", ",10.0.0.1"};
    struct pv_proxies proxies = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        tap_ok(pv_proxies_add(&proxies, wrong[i]) == PV_ERR_USAGE, "\"%s\" is no list of proxies", wrong[i]);
    tap_is_int((long long)proxies.count, 0, "of all that nothing is taken");
    enum pv_err err = PV_OK;
    for (int i = 0; i <= PV_PEER_NETS_MAX && !err; i++) err = pv_proxies_add(&proxies, "10.0.0.1");
    tap_is_int(err, PV_ERR_LIMIT, "and there is a most");
}

/* ---- connections */

static bool is_cut(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void test_connections(void)
{
    static const struct pv_deadline early = {1000, 1000}, never = {UINT64_MAX, UINT64_MAX}, holding = {9000, 6000};
    struct pv_connections *connections;
    struct pv_connection *held[2];
    struct pv_address one = address_of("192.0.2.1"), other = address_of("192.0.2.2");
    struct pv_address near = address_of("2001:db8::1"), beside = address_of("2001:db8::ffff"), far = address_of("2001:db8:0:1::1");
    int a[2], b[2];
    if (pv_connections_new(2, &connections) || socketpair(AF_UNIX, SOCK_STREAM, 0, a) || socketpair(AF_UNIX, SOCK_STREAM, 0, b)) abort();
    tap_ok(pv_connections_admit(connections, &one), "an address may connect");
    held[0] = pv_connections_add(connections, &one, a[0], early);
    tap_ok(pv_connections_admit(connections, &one), "twice");
    held[1] = pv_connections_add(connections, &one, b[0], early);
    tap_ok(!pv_connections_admit(connections, &one), "but no more");
    tap_ok(pv_connections_admit(connections, &other), "while others may");
    tap_is_int((long long)pv_connections_sweep(connections, 999, true), 0, "before their time none is cut");
    pv_connections_expect(connections, held[1], never);
    tap_is_int((long long)pv_connections_sweep(connections, 1000, false), 1, "then the one that is late");
    tap_ok(is_cut(a[1]) && !is_cut(b[1]), "and not the other");
    tap_is_int((long long)pv_connections_sweep(connections, 5000, true), 0, "once");
    pv_connections_expect(connections, held[1], holding);
    tap_is_int((long long)pv_connections_sweep(connections, 6000, false), 0, "one that holds memory keeps its time");
    tap_is_int((long long)pv_connections_sweep(connections, 6000, true), 1, "unless that is scarce");
    tap_ok(is_cut(b[1]), "then it has to go sooner");
    pv_connections_remove(connections, held[0]);
    tap_ok(pv_connections_admit(connections, &one), "when it has gone, another may come");
    pv_connections_remove(connections, held[1]);
    held[0] = pv_connections_add(connections, &near, -1, never);
    held[1] = pv_connections_add(connections, &beside, -1, never);
    tap_ok(!pv_connections_admit(connections, &near) && pv_connections_admit(connections, &far), "of IPv6 a /64 counts as one");
    pv_connections_remove(connections, held[0]);
    pv_connections_remove(connections, held[1]);
    pv_connections_free(connections);
    for (int i = 0; i < 2; i++) close(a[i]), close(b[i]);
}

int main(void)
{
    for (size_t i = 0; i < sizeof hops / sizeof *hops; i++)
        test_hop(hops[i].trusted, PV_PROXY_X_FORWARDED_FOR, hops[i].peer, hops[i].said, hops[i].want);
    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        test_hop(forwarded[i].trusted, PV_PROXY_FORWARDED, forwarded[i].peer, forwarded[i].said, forwarded[i].want);
    test_lists();
    test_connections();
    return tap_done();
}
