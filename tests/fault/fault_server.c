/* The server's request logic where memory runs out at every allocation in turn: each request is refused cleanly (503,
 * with problem details) or done, nothing is half done, nothing leaks, and with memory enough the same works again. */
#define FAULT_WRAPS
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include "tests/server/resource_kit.h"

enum { RUNS_MAX = 20000 };

/* ---- which requests are harmed, and what they answered */

static const char *harmed_method, *harmed_path; /* a part of the path; with = the whole; NULL: none are harmed */
static size_t left;
static bool fired;
static unsigned wrong_status;
static char wrong_target[128];

static bool has_problem(const struct pv_web_response *response)
{
	struct pv_bytes body = response->constant.n ? response->constant : pv_buf_bytes(&response->body);
	return response->type && strcmp(response->type, "application/problem+json") == 0 &&
	       memmem(body.p, body.n, "\"code\":\"", 8) && body.p[body.n - 1] == '\n';
}

static void around(const char *method, const char *target, const struct pv_web_response *response)
{
	if (response && fault_armed) {
		left = fault_left;
		if (!fault_disarm()) return;
		fired = true;
		if (response->status < 400) return; /* only a hint was lost */
		if (response->status == 503 && has_problem(response)) return;
		wrong_status = response->status;
		snprintf(wrong_target, sizeof wrong_target, "%s %s", method, target);
	} else if (!response && harmed_method && !fired && strcmp(method, harmed_method) == 0 &&
		   (*harmed_path == '=' ? strcmp(target, harmed_path + 1) == 0 : strstr(target, harmed_path) != NULL)) {
		fault_arm(left);
	}
}

/* ---- what is tried */

struct trial {
	const char *name, *method, *path;
	bool (*prepare)(void); /* unharmed, before each try; may be NULL */
	bool (*act)(void);
};

static size_t said;
static struct rig_member fresh, joined;
static struct pv_invite_link link_to_join;
static char blob_bytes[100000];
static unsigned blob_name = 1000;

static bool is_good(unsigned status)
{
	return status < 400;
}

static bool begin_login(void)
{
	ada.token[0] = 0;
	return true;
}

static bool login(void)
{
	return srv_login(&srv, &ada.device.me.public, &ada.device.me.sign_sk, ada.token) == 200;
}

static bool nonce(void)
{
	return is_good(ask("POST", NULL, nothing(), "/v1/session/nonce"));
}

static bool logout(void)
{
	if (!is_good(ask("DELETE", ada.token, nothing(), "/v1/session"))) return false;
	ada.token[0] = 0; /* the next request opens another */
	return true;
}

static bool say(void)
{
	char text[32];
	snprintf(text, sizeof text, "message %zu", said++);
	return rig_say(&a, text) == PV_OK;
}

static bool say_cold(void)
{
	srv_restart(&srv); /* the room is loaded again */
	return say();
}

static bool push(void)
{
	return rig_push(&a) == PV_OK;
}

static bool pull_cold(void)
{
	if (fresh.db) rig_member_close(&fresh);
	fresh = (struct rig_member){0};
	return rig_member_open(&fresh, &ada.device, pv_room_id(a.room)) == PV_OK && rig_pull(&fresh) == PV_OK;
}

static bool invite(void)
{
	return rig_invite(&a, PV_ROLE_EDITOR, 9, &link_to_join) == PV_OK;
}

/* Taking Bob out again closes the invites of the try before. */
static bool prepare_invite(void)
{
	return rig_pull(&a) == PV_OK && (!pv_roster_principal(pv_room_roster(a.room), &bob.device.me.person) ||
					 pv_room_remove(a.room, &bob.device.me.person) == PV_OK) && push();
}

static bool prepare_join(void)
{
	if (joined.db) rig_member_close(&joined);
	joined = (struct rig_member){0};
	return prepare_invite() && invite();
}

static bool is_joined(void)
{
	return rig_pull(&a) == PV_OK && pv_roster_principal(pv_room_roster(a.room), &bob.device.me.person) != NULL;
}

static bool join(void)
{
	if (joined.db) rig_member_close(&joined);
	joined = (struct rig_member){0};
	return rig_join(&joined, &bob.device, &link_to_join) == PV_OK || (!harmed_method && is_joined());
}

static bool unfound(void)
{
	if (fresh.db) rig_member_close(&fresh);
	fresh = (struct rig_member){0};
	return true;
}

static bool found(void)
{
	return (fresh.db ? rig_push(&fresh) : rig_found(&fresh, &ada.device)) == PV_OK;
}

static bool renew_prepare(void)
{
	srv.now_ms += 2 * PV_NOTE_FRESH_S * 1000;
	srv_person_sync_time(&ada);
	srv_person_sync_time(&bob);
	return login();
}

static bool checkpoint(void)
{
	return is_good(ask("GET", ada.token, nothing(), "/v1/rooms/%s/checkpoint", room_hex));
}

static bool next_blob(void)
{
	blob_name++;
	return true;
}

static bool put_blob(void)
{
	return is_good(ask("PUT", ada.token, pv_bytes(blob_bytes, sizeof blob_bytes), "/v1/rooms/%s/blobs/%032x", room_hex, blob_name));
}

static bool read_all(void)
{
	static const char *const paths[] = {"entries?from=0&bodies=1", "bodies?from=0&max=5", "inclusion?index=0&size=2",
					    "consistency?old=1&new=2", "head", "entries/0/wraps/0", "entries/0/links"};
	bool good_all = is_good(ask("GET", ada.token, nothing(), "/v1/rooms")) && is_good(ask("GET", NULL, nothing(), "/metrics")) &&
			is_good(ask("GET", NULL, nothing(), "/v1/server")) && is_good(ask("GET", NULL, nothing(), "/healthz"));
	for (size_t i = 0; i < sizeof paths / sizeof *paths && good_all; i++)
		good_all = is_good(ask("GET", ada.token, nothing(), "/v1/rooms/%s/%s", room_hex, paths[i]));
	return good_all;
}

static bool ask_lists(void)
{
	uint8_t name[20] = {0x81, 0x50}, hash[40] = {0x81, 0x58, 0x20};
	return is_good(ask("POST", ada.token, pv_bytes(name, 18), "/v1/rooms/%s/blobs/exist", room_hex)) &&
	       is_good(ask("POST", ada.token, pv_bytes(hash, 35), "/v1/rooms/%s/kem", room_hex));
}

static bool listen_once(void)
{
	char bearer[96];
	struct pv_web_response response;
	snprintf(bearer, sizeof bearer, "Bearer %s", ada.token);
	struct srv_header headers[] = {{"Authorization", bearer}, {NULL, NULL}};
	srv_request(&srv, "GET", "/v1/events", headers, nothing(), &response);
	bool good_one = response.status == 200;
	if (response.stream) pv_stream_close(response.stream);
	pv_web_response_release(&response);
	return good_one;
}

static bool close_gate(void)
{
	char id[33];
	pv_hex_encode(link_to_join.gate.b, sizeof link_to_join.gate.b, id);
	return is_good(ask("DELETE", ada.token, nothing(), "/v1/gates/%s", id));
}

static const struct trial trials[] = {
	{"a nonce", "POST", "/v1/session/nonce", NULL, nonce},
	{"a session", "POST", "=/v1/session", begin_login, login},
	{"the end of a session", "DELETE", "/v1/session", login, logout},
	{"an append", "POST", "/entries", say, push},
	{"an append to a room that is not at hand", "POST", "/entries", say_cold, push},
	{"reading one by one", "GET", "/", login, read_all},
	{"a cold pull", "GET", "/v1/rooms", NULL, pull_cold},
	{"founding a room", "POST", "=/v1/rooms", unfound, found},
	{"an invite and its gate", "PUT", "/v1/gates", prepare_invite, invite},
	{"an invite's entry", "POST", "/entries", prepare_invite, invite},
	{"closing a gate", "DELETE", "/v1/gates", prepare_join, close_gate},
	{"a release", "POST", "/release", prepare_join, join},
	{"a join", "POST", "/entries", prepare_join, join},
	{"reading by a ticket", "GET", "/entries?", prepare_join, join},
	{"a checkpoint signed again", "GET", "/checkpoint", renew_prepare, checkpoint},
	{"a blob", "PUT", "/blobs", next_blob, put_blob},
	{"lists", "POST", "/v1/rooms", login, ask_lists},
	{"an event stream", "GET", "/v1/events", NULL, listen_once},
};

static bool try_once(const struct trial *trial, size_t n, bool *ret_good)
{
	if (trial->prepare && !trial->prepare()) return tap_ok(false, "%s: preparing for allocation %zu", trial->name, n);
	left = n;
	fired = false;
	wrong_status = 0;
	harmed_method = trial->method;
	harmed_path = trial->path;
	*ret_good = trial->act();
	harmed_method = NULL;
	if (wrong_status) return tap_ok(false, "%s: allocation %zu: %s answers %u", trial->name, n, wrong_target, wrong_status);
	if (!*ret_good && !fired) return tap_ok(false, "%s: failed with memory enough", trial->name);
	if (!*ret_good && !trial->act()) return tap_ok(false, "%s: allocation %zu, and then again", trial->name, n);
	if (!*ret_good && (!login() || (n % 8 == 0 && rig_pull(&a)))) return tap_ok(false, "%s: allocation %zu: the log does not verify", trial->name, n);
	return true;
}

/* A log of its own for each trial: what all of them write would make each pull long. */
static bool new_room(void)
{
	rig_member_close(&a);
	if (!login() || rig_found(&a, &ada.device)) return false;
	pv_hex_encode(pv_room_id(a.room)->b, 32, room_hex);
	return say() && push();
}

static void run_trial(const struct trial *trial)
{
	size_t failed = 0;
	if (!new_room()) {
		tap_ok(false, "%s: no room", trial->name);
		return;
	}
	for (size_t n = 0; n < RUNS_MAX; n++) {
		bool good_run = false;
		if (!try_once(trial, n, &good_run)) return;
		failed += !good_run;
		if (fired) continue;
		tap_ok(failed > 0 && rig_pull(&a) == PV_OK, "%s: refused %zu times in %zu, and done the next time", trial->name, failed, n + 1);
		return;
	}
	tap_ok(false, "%s: never had memory enough", trial->name);
}

/* ---- deadlines, which no request asks for */

static void test_deadlines(void)
{
	struct pv_invite_options options = {.role = PV_ROLE_VIEWER, .uses = 1, .server_url = "http://server.example"};
	size_t runs = 0;
	bool out;
	do {
		struct pv_buf request;
		pv_buf_init(&request, PV_LIMIT_GATE_BYTES);
		options.until_ms = srv.now_ms + 1000;
		pv_room_set_time(a.room, srv.now_ms);
		if (pv_room_invite(a.room, &options, &link_to_join, &request) || !push()) break;
		pv_buf_release(&request);
		srv.now_ms += 1000;
		fault_arm(runs++);
		srv_tick(&srv);
		out = fault_disarm();
		srv_tick(&srv);
		if (rig_pull(&a) || pv_roster_invite(pv_room_roster(a.room), &link_to_join.gate)->open) {
			tap_ok(false, "a deadline: allocation %zu: the invite is open still", runs - 1);
			return;
		}
	} while (out && runs < RUNS_MAX);
	tap_ok(runs > 10, "a deadline has its effect, at once or the next time: %zu runs", runs);
}

int main(void)
{
	struct pv_limits_config limits = {1000000, 1000000, 1ull << 40};
	kit_init();
	memset(blob_bytes, 'b', sizeof blob_bytes);
	good(pv_limits_new(&limits, &srv.server.limits), "with limits");
	log_in(&ada);
	srv_around = around;
	for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) run_trial(&trials[i]);
	login();
	test_deadlines();
	unfound();
	if (joined.db) rig_member_close(&joined);
	return kit_done();
}

#else

int main(void)
{
	tap_skip_all("this sanitizer has its own allocator");
}

#endif
