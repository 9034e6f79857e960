/* For tests of the server: its resources over memory stores, a clock and randomness of our own, and no threads.
 *
 * Requests go through the router; what waits for the committer is committed at once. Persons are devices of
 * core/sync driven against it by tests/unit/sync_rig, so what they accept verifies. */
#ifndef TESTS_SERVER_SERVER_RIG_H
#define TESTS_SERVER_SERVER_RIG_H

#include "tests/server/server_rig_only.h"
#include "tests/unit/sync_rig.h"

/* A person with one device and a session at the server. */
struct srv_person {
	struct rig_server proxy; /* gives the device's requests to the server */
	struct rig_device device;
	struct srv *srv;
	char token[64], ticket[64], registration[64];
	unsigned last_status;
	char last_reason[32];
};

/* Founds the person's room. `registration`: a code, or NULL. */
enum pv_err srv_person_init(struct srv_person *person, struct srv *srv, uint64_t seed, const char *registration);
void srv_person_release(struct srv_person *person);
/* Keep the proxy's clock at the server's. */
void srv_person_sync_time(struct srv_person *person);
/* A session anew, and the server's clock. */
void srv_person_login(struct srv_person *person);
/* Leave of a page its first entry, under the whole log's checkpoint. */
void srv_cut_page(struct pv_buf *page);

#endif
