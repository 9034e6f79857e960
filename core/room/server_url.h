/* A server's address in its one written form, so that it can be compared and checksummed.  Source: FORMAT.md §9. */
#ifndef PV_ROOM_SERVER_URL_H
#define PV_ROOM_SERVER_URL_H

#include "core/base/bytes.h"
#include "core/base/limits.h"

/* `scheme://host` or `scheme://host:port`: http or https, lower case, no port where it is the scheme's own. */
struct pv_server_url {
    char text[PV_LIMIT_URL_BYTES + 1];
};

/* What people type: upper case and one slash at the end are taken.
 * Errors: LIMIT, MALFORMED (another scheme, a path, a user, a fragment, strange characters, a wrong port). */
PV_MUST_USE enum pv_err pv_server_url_read(struct pv_bytes text, struct pv_server_url *ret_url);
/* Is `name`, by which a server goes (§8), host and port of this address? This machine's loopback is one place,
 * whatever the port. */
bool pv_server_url_has_name(const struct pv_server_url *url, struct pv_bytes name);

#endif
