/* The server half of the rig: what does not need the client's code. */
#ifndef TESTS_SERVER_SERVER_RIG_ONLY_H
#define TESTS_SERVER_SERVER_RIG_ONLY_H

#include "server/committer.h"
#include "server/events.h"
#include "server/limits.h"
#include "server/metrics.h"
#include "server/router.h"
#include "server/server.h"
#include "tests/seeded.h"

struct srv {
	struct pv_server server;
	struct pv_metrics metrics;
	struct seeded seed;
	uint64_t now_ms;
	struct pv_sign_sk log_sk;
};

void srv_init(struct srv *srv, uint64_t seed);
void srv_release(struct srv *srv);
/* A new committer and signer, who remember nothing, over the same stores, as after a restart. */
void srv_restart(struct srv *srv);
/* Another store, a copy at `path` from earlier, in place of this one, marked as restored; then as after a restart: sessions
 * are gone. */
void srv_go_back(struct srv *srv, const char *path);
/* What the store says of a room. */
struct pv_meta_room srv_room(struct srv *srv, const struct pv_hash *id);
/* Show a restored server a note, with no entries; `from` is the server's size. Returns the status. */
unsigned srv_show(struct srv *srv, const struct pv_hash *id, const char *token, struct pv_bytes note, uint64_t from, bool go_on,
		  struct pv_buf *ret_answer);
/* Let a room's deadlines be looked at, as the daemon does each second. */
void srv_tick(struct srv *srv);

struct srv_header {
	const char *name, *value;
};

/* Called before and after the server works on a request, if set; `response` is NULL before. */
extern void (*srv_around)(const char *method, const char *target, const struct pv_web_response *response);

/* One request; `headers` end with a NULL name. The answer is the caller's to release. `target` has its query. */
void srv_request(struct srv *srv, const char *method, const char *target, const struct srv_header *headers,
		 struct pv_bytes body, struct pv_web_response *ret_response);
/* The same with a token, for the common case: returns the status. `ret_answer` (or NULL) gets the body. */
unsigned srv_ask(struct srv *srv, const char *method, const char *target, const char *token, struct pv_bytes body,
		 struct pv_buf *ret_answer);
/* Posts that come at once, worked on in one batch. */
struct srv_post {
	const char *target, *token;
	struct pv_bytes body;
	unsigned status;    /* the answer's */
	const char *reason; /* "" if none */
};
enum { SRV_POSTS_MAX = 4 };
void srv_post_together(struct srv *srv, struct srv_post *posts, size_t count);

/* An upload that announces a length: `part` of it comes, then `meanwhile` (or NULL) is called, then the line is cut.
 * Returns 0, or the status of an answer that came before any of it was taken. */
unsigned srv_upload_cut(struct srv *srv, const char *target, const char *token, uint64_t announced, struct pv_bytes part,
			void (*meanwhile)(void));
/* The `reason` of the last problem answered, "" if none. */
extern const char *srv_reason;

/* Open a session for a device. Returns the status; the token is base64url text. */
unsigned srv_login(struct srv *srv, const struct pv_device *device, const struct pv_sign_sk *sk, char ret_token[static 64]);

#endif
