/* The server half of the rig. */
#include "tests/server/server_rig_only.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "server/log.h"
#include "server/signer.h"

const char *srv_reason = "";
void (*srv_around)(const char *method, const char *target, const struct pv_web_response *response);

static uint64_t clock_now(void *context)
{
	return ((struct srv *)context)->now_ms;
}

void srv_init(struct srv *srv, uint64_t seed)
{
	struct pv_sign_seed key;
	struct pv_server *server = &srv->server;
	pv_log_set_level(PV_LOG_ERROR);
	*srv = (struct srv){.seed = seeded_make(seed), .now_ms = 1700000000000};
	server->random = seeded_random(&srv->seed);
	server->clock = (struct pv_clock){clock_now, srv};
	server->metrics = &srv->metrics;
	snprintf(server->name, sizeof server->name, "server.example");
	seeded_fill(&srv->seed, key.b, sizeof key.b);
	pv_sign_from_seed(&key, &srv->log_sk, &server->log_pk);
	if (pv_signer_new_here(&srv->log_sk, &server->log_pk, &server->signer) || pv_meta_memory_open(&server->meta) || pv_blobs_memory_open(&server->blobs) ||
	    pv_committer_new(server, &server->committer) || pv_events_new(&server->events))
		abort();
}

void srv_release(struct srv *srv)
{
	pv_committer_free(srv->server.committer);
	pv_events_free(srv->server.events);
	pv_limits_free(srv->server.limits);
	pv_signer_free(srv->server.signer);
	srv->server.meta->ops->close(srv->server.meta);
	srv->server.blobs->ops->close(srv->server.blobs);
}

void srv_restart(struct srv *srv)
{
	pv_committer_free(srv->server.committer);
	pv_signer_free(srv->server.signer);
	if (pv_signer_new_here(&srv->log_sk, &srv->server.log_pk, &srv->server.signer) || pv_committer_new(&srv->server, &srv->server.committer)) abort();
}

void srv_go_back(struct srv *srv, const char *path)
{
	char why[PV_META_WHY_MAX];
	srv->server.meta->ops->close(srv->server.meta);
	if (pv_meta_sqlite_open(path, &srv->server.meta, why) || srv->server.meta->ops->mark_restored(srv->server.meta, srv->now_ms)) abort();
	srv_restart(srv);
}

struct pv_meta_room srv_room(struct srv *srv, const struct pv_hash *id)
{
	struct pv_meta_room row;
	if (srv->server.meta->ops->room(srv->server.meta, id, &row)) abort();
	return row;
}

unsigned srv_show(struct srv *srv, const struct pv_hash *id, const char *token, struct pv_bytes note, uint64_t from, bool go_on,
		  struct pv_buf *ret_answer)
{
	char hex[2 * sizeof id->b + 1], target[96];
	struct pv_buf body;
	pv_hex_encode(id->b, sizeof id->b, hex);
	snprintf(target, sizeof target, "/v1/rooms/%s/restore", hex);
	pv_buf_init(&body, 1 << 14);
	pv_cbor_put_array(&body, 4);
	pv_cbor_put_bytes(&body, note.p, note.n);
	pv_cbor_put_uint(&body, from);
	pv_cbor_put_bool(&body, go_on);
	pv_cbor_put_array(&body, 0);
	unsigned status = srv_ask(srv, "POST", target, token, pv_buf_bytes(&body), ret_answer);
	pv_buf_release(&body);
	return status;
}

static void do_own(struct srv *srv, enum pv_job_kind kind, const struct pv_hash *rooms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pv_web_response response;
		struct pv_job *job;
		pv_web_response_init(&response);
		if (pv_job_new(kind, 0, &job)) return;
		job->room = rooms[i];
		job->response = &response;
		pv_committer_step(srv->server.committer, job);
		pv_job_free(job);
		pv_web_response_release(&response);
	}
}

void srv_tick(struct srv *srv)
{
	struct pv_hash rooms[16];
	size_t count = 0;
	struct pv_meta *meta = srv->server.meta;
	if (meta->ops->overdue(meta, srv->now_ms, 16, rooms, &count)) return;
	do_own(srv, PV_JOB_EXPIRE, rooms, count);
	if (meta->ops->undropped(meta, 16, rooms, &count)) return;
	do_own(srv, PV_JOB_DROP, rooms, count);
}

struct driver {
	const struct srv_header *headers;
	char query[256];
	char value[64];
};

static const char *get_header(void *context, const char *name)
{
	struct driver *driver = context;
	for (const struct srv_header *h = driver->headers; h && h->name; h++)
		if (strcmp(h->name, name) == 0) return h->value;
	return NULL;
}

static const char *get_query(void *context, const char *name)
{
	struct driver *driver = context;
	size_t n = strlen(name);
	for (const char *at = driver->query; at && *at; at = strchr(at, '&'), at += at != NULL) {
		if (strncmp(at, name, n) != 0 || at[n] != '=') continue;
		snprintf(driver->value, sizeof driver->value, "%.*s", (int)strcspn(at + n + 1, "&"), at + n + 1);
		return driver->value;
	}
	return NULL;
}

static enum pv_web_method method_of(const char *name)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
	for (int i = 0; i < 5; i++)
		if (strcmp(names[i], name) == 0) return (enum pv_web_method)i;
	return PV_METHOD_OTHER;
}

void srv_request(struct srv *srv, const char *method, const char *target, const struct srv_header *headers,
		 struct pv_bytes body, struct pv_web_response *ret_response)
{
	struct driver driver = {.headers = headers};
	char path[256];
	snprintf(path, sizeof path, "%.*s", (int)strcspn(target, "?"), target);
	if (strchr(target, '?')) snprintf(driver.query, sizeof driver.query, "%s", strchr(target, '?') + 1);
	struct pv_web_request request = {.method = method_of(method), .path = path, .address = "192.0.2.1",
					 .header = get_header, .query = get_query, .driver = &driver,
					 .has_length = true, .length = body.n, .body = body};
	pv_web_response_init(ret_response);
	if (srv_around) srv_around(method, target, NULL);
	if (pv_router_begin(&srv->server, &request, ret_response)) {
		if (request.route->uploads && body.n) {
			size_t half = body.n / 2;
			pv_router_upload(&srv->server, &request, pv_bytes(body.p, half));
			pv_router_upload(&srv->server, &request, pv_bytes(body.p + half, body.n - half));
		}
		pv_router_run(&srv->server, &request, ret_response);
		if (ret_response->job) {
			struct pv_job *job = ret_response->job;
			ret_response->job = NULL;
			job->response = ret_response;
			pv_committer_step(srv->server.committer, job);
			pv_job_free(job);
		}
	}
	pv_router_end(&srv->server, &request);
	if (srv_around) srv_around(method, target, ret_response);
	if (ret_response->is_blob && pv_buf_bytes(&ret_response->body).n == 0 &&
	    srv->server.blobs->ops->read(srv->server.blobs, &ret_response->locator, ret_response->offset,
					 (size_t)ret_response->length, &ret_response->body))
		abort();
	srv_reason = ret_response->status >= 400 && ret_response->reason ? ret_response->reason : "";
}

unsigned srv_ask(struct srv *srv, const char *method, const char *target, const char *token, struct pv_bytes body,
		 struct pv_buf *ret_answer)
{
	struct pv_web_response response;
	char bearer[96];
	struct srv_header headers[2] = {{NULL, NULL}, {NULL, NULL}};
	if (token) {
		snprintf(bearer, sizeof bearer, "%s%s", strchr(token, ' ') ? "" : "Bearer ", token);
		headers[0] = (struct srv_header){"Authorization", bearer};
	}
	srv_request(srv, method, target, headers, body, &response);
	if (ret_answer) {
		pv_buf_clear(ret_answer);
		pv_buf_append(ret_answer, response.body.p, response.body.n);
	}
	unsigned status = response.status;
	pv_web_response_release(&response);
	return status;
}

void srv_post_together(struct srv *srv, struct srv_post *posts, size_t count)
{
	struct pv_web_request requests[SRV_POSTS_MAX];
	struct pv_web_response responses[SRV_POSTS_MAX];
	struct srv_header headers[SRV_POSTS_MAX][2];
	struct driver drivers[SRV_POSTS_MAX];
	char bearers[SRV_POSTS_MAX][96];
	struct pv_job *jobs = NULL, **last = &jobs;
	for (size_t i = 0; i < count; i++) {
		snprintf(bearers[i], sizeof bearers[i], "Bearer %s", posts[i].token);
		headers[i][0] = (struct srv_header){"Authorization", bearers[i]};
		headers[i][1] = (struct srv_header){NULL, NULL};
		drivers[i] = (struct driver){.headers = headers[i]};
		requests[i] = (struct pv_web_request){.method = PV_METHOD_POST, .path = posts[i].target, .address = "192.0.2.1", .header = get_header,
						      .query = get_query, .driver = &drivers[i], .has_length = true, .length = posts[i].body.n,
						      .body = posts[i].body};
		pv_web_response_init(&responses[i]);
		if (pv_router_begin(&srv->server, &requests[i], &responses[i])) pv_router_run(&srv->server, &requests[i], &responses[i]);
		if (!responses[i].job) continue;
		responses[i].job->response = &responses[i];
		*last = responses[i].job;
		last = &responses[i].job->next;
	}
	if (jobs) pv_committer_step(srv->server.committer, jobs);
	while (jobs) {
		struct pv_job *next = jobs->next;
		pv_job_free(jobs);
		jobs = next;
	}
	for (size_t i = 0; i < count; i++) {
		responses[i].job = NULL;
		posts[i].status = responses[i].status;
		posts[i].reason = responses[i].status >= 400 && responses[i].reason ? responses[i].reason : "";
		pv_router_end(&srv->server, &requests[i]);
		pv_web_response_release(&responses[i]);
	}
}

unsigned srv_upload_cut(struct srv *srv, const char *target, const char *token, uint64_t announced, struct pv_bytes part,
			void (*meanwhile)(void))
{
	char bearer[96];
	struct srv_header headers[2] = {{"Authorization", bearer}, {NULL, NULL}};
	struct driver driver = {.headers = headers};
	struct pv_web_request request = {.method = PV_METHOD_PUT, .path = target, .address = "192.0.2.1", .header = get_header,
					 .query = get_query, .driver = &driver, .has_length = true, .length = announced};
	struct pv_web_response response;
	unsigned status = 0;
	snprintf(bearer, sizeof bearer, "Bearer %s", token);
	pv_web_response_init(&response);
	if (pv_router_begin(&srv->server, &request, &response)) {
		pv_router_upload(&srv->server, &request, part);
		if (meanwhile) meanwhile();
	} else {
		status = response.status;
	}
	pv_router_end(&srv->server, &request);
	pv_web_response_release(&response);
	return status;
}

unsigned srv_login(struct srv *srv, const struct pv_device *device, const struct pv_sign_sk *sk, char ret_token[static 64])
{
	struct pv_buf answer, body, encoded;
	struct pv_hash nonce;
	struct pv_sig sig;
	struct pv_cbor in;
	pv_buf_init(&answer, 4096);
	pv_buf_init(&body, 4096);
	pv_buf_init(&encoded, 4096);
	if (srv_ask(srv, "POST", "/v1/session/nonce", NULL, pv_bytes(NULL, 0), &answer) != 200) abort();
	pv_cbor_init(&in, pv_buf_bytes(&answer));
	pv_cbor_get_array_of(&in, 2);
	pv_cbor_get_hash(&in, &nonce);
	pv_cbor_put_text(&encoded, srv->server.name, strlen(srv->server.name));
	pv_cbor_put_hash(&encoded, &nonce);
	if (pv_sign(sk, "session", pv_buf_bytes(&encoded), &sig)) abort();
	pv_cbor_put_array(&body, 3);
	pv_cbor_put_hash(&body, &nonce);
	pv_device_put(&body, device);
	pv_cbor_put_bytes(&body, sig.b, sizeof sig.b);
	unsigned status = srv_ask(srv, "POST", "/v1/session", NULL, pv_buf_bytes(&body), &answer);
	ret_token[0] = 0;
	if (status == 200) {
		pv_cbor_init(&in, pv_buf_bytes(&answer));
		pv_cbor_get_array_of(&in, 2);
		struct pv_bytes token = pv_cbor_get_text(&in, 63);
		memcpy(ret_token, token.p, token.n);
		ret_token[token.n] = 0;
	}
	pv_buf_release(&answer);
	pv_buf_release(&body);
	pv_buf_release(&encoded);
	return status;
}
