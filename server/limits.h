/* How much one address, device or person may ask for. */
#ifndef PV_SERVER_LIMITS_H
#define PV_SERVER_LIMITS_H

#include "server/server.h"

struct pv_limits_config {
    uint64_t address_per_s; /* requests; 0: no limit. Twice as many may come at once. */
    uint64_t device_per_s;
    uint64_t person_bytes_per_day; /* appended and uploaded; 0: no limit */
};

PV_MUST_USE enum pv_err pv_limits_new(const struct pv_limits_config *config, struct pv_limits **ret_limits);
void pv_limits_free(struct pv_limits *limits);

/* May this request go on? False: `response` is 429 with Retry-After. */
bool pv_limits_address(struct pv_server *server, const struct pv_web_request *request, struct pv_web_response *response);
bool pv_limits_device(struct pv_server *server, const struct pv_web_request *request, struct pv_web_response *response);
/* Has this address not named too many pairings that are not there? False: `response` is 429 with Retry-After. Whoever goes
 * through all of them would find those that others begin, and end them. */
bool pv_limits_may_guess(struct pv_server *server, const struct pv_web_request *request, struct pv_web_response *response);
/* It named one more. */
void pv_limits_guessed(struct pv_server *server, const struct pv_web_request *request);
/* Count bytes that a session writes. False: the day's quota is used up, and nothing was counted. */
bool pv_limits_pay(struct pv_server *server, const struct pv_meta_session *session, uint64_t bytes);
/* The same; then `response` is 507. */
bool pv_limits_bytes(struct pv_server *server, const struct pv_meta_session *session, uint64_t bytes,
                     struct pv_web_response *response);
/* The same for an upload before any of it came, and what of it came in the end: that much stays charged. */
bool pv_limits_announce(struct pv_server *server, const struct pv_meta_session *session, uint64_t bytes,
                        struct pv_web_response *response);
void pv_limits_arrived(struct pv_server *server, const struct pv_meta_session *session, uint64_t announced, uint64_t arrived);
/* Memory for a large body or answer, until pv_limits_release: all together PV_HELD_BYTES, and each person with an account
 * here an eighth of what is then free, as each address for who has none, since devices' keys cost nothing. For an answer
 * it replaces what was reserved. False: `response` is 429 with Retry-After. */
bool pv_limits_hold(struct pv_server *server, struct pv_web_request *request, uint64_t bytes, struct pv_web_response *response);
/* The same for an answer before it is made. Returns how large it may be: `most`, or less, but PV_HELD_SMALL_BYTES. */
uint64_t pv_limits_reserve(struct pv_server *server, struct pv_web_request *request, uint64_t most);
void pv_limits_release(struct pv_server *server, struct pv_web_request *request);
/* Is over half of that memory in use? Then who is slow with it has to go. */
bool pv_limits_pressed(struct pv_server *server);
/* Begin an upload of this device; false: `response` is 429, too many are under way. */
bool pv_limits_upload(struct pv_server *server, const struct pv_hash *device, struct pv_web_response *response);
void pv_limits_upload_end(struct pv_server *server, const struct pv_hash *device);
/* Bring the counted bytes into the store. */
void pv_limits_flush(struct pv_server *server);

#endif
