/* Who is at the other end: addresses of clients, also of those behind proxies that the operator trusts.
 *
 * All that the server does by address (limits, logs) goes by struct pv_address; where it comes from is decided here. */
#ifndef PV_SERVER_PEER_H
#define PV_SERVER_PEER_H

#include <sys/socket.h>

#include "core/base/bytes.h"

enum {
    PV_PEER_NETS_MAX = 32,
    PV_PEER_HOPS_MAX = 16,       /* of trusted proxies in a row */
    PV_PEER_HEADER_BYTES = 1024, /* of what proxies say; hops before that are not looked at */
    PV_PEER_TEXT_BYTES = 56
};

/* IPv4 as IPv6 that maps it. */
struct pv_address {
    bool known; /* else it is no address of the Internet, as on a local socket */
    uint8_t b[16];
};

enum pv_proxy_header { PV_PROXY_X_FORWARDED_FOR, PV_PROXY_FORWARDED };

struct pv_net {
    uint8_t b[16];
    unsigned bits;
};

/* The proxies whose word is taken. */
struct pv_proxies {
    enum pv_proxy_header header; /* the one that they set; another is the client's own word */
    struct pv_net nets[PV_PEER_NETS_MAX];
    size_t count;
    bool local; /* whoever comes by a local socket */
};

/* "192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "local"; several with commas. Errors: USAGE; LIMIT: too many. */
PV_MUST_USE enum pv_err pv_proxies_add(struct pv_proxies *proxies, const char *text);
bool pv_proxies_trust(const struct pv_proxies *proxies, const struct pv_address *address);
const char *pv_proxies_header(const struct pv_proxies *proxies);
/* The client of a request that came from `peer` with `said` in the header, all its lines joined by commas ("" if
 * there is none): the last hop that is no trusted proxy. What cannot be read ends the search at the hop after it. */
void pv_proxies_client(const struct pv_proxies *proxies, const struct pv_address *peer, const char *said,
                       struct pv_address *ret_client);

void pv_address_of(const struct sockaddr *socket_address, struct pv_address *ret_address);
bool pv_address_is_loopback(const struct pv_address *address);
/* Those who share a limit: an IPv4 address, or the /64 that one subscriber has of IPv6. */
void pv_address_group(const struct pv_address *address, struct pv_address *ret_group);
/* The group as text: "192.0.2.1", "2001:db8:1:2::/64", "local". */
void pv_address_text(const struct pv_address *address, char ret_text[static PV_PEER_TEXT_BYTES]);

#endif
