/* Who may ask, and how much: sessions, nonces, limits, registration, suspension. */
#include "core/base/base64.h"
#include "server/peer.h"
#include "server/session_cache.h"
#include "tests/server/resource_kit.h"

/* ---- sessions */

static void test_sessions(void)
{
	char token[64], second[64];
	struct pv_device device = eve.device.me.public;
	is_status(srv_login(&srv, &device, &eve.device.me.sign_sk, token), 200, "", "a device opens a session");
	is_status(srv_login(&srv, &device, &ada.device.me.sign_sk, second), 401, "signature", "not with another's key");
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 200, "", "the session works");
	is_status(ask("DELETE", token, nothing(), "/v1/session"), 204, "", "it ends");
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 401, "", "and works no more");
	is_status(srv_login(&srv, &device, &eve.device.me.sign_sk, token), 200, "", "another");
	srv.now_ms += PV_SESSION_MS - 1;
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 200, "", "works for an hour");
	srv.now_ms += 1;
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 401, "", "and no longer");
	ada.token[0] = bob.token[0] = eve.token[0] = 0;
	is_status(ask("POST", NULL, pv_bytes("\x83\x01", 2), "/v1/session"), 400, "", "a login of another form is refused");
}

static void test_nonce_once(void)
{
	struct pv_buf body, encoded;
	struct pv_hash nonce;
	struct pv_sig sig;
	struct pv_cbor in;
	pv_buf_init(&body, 4096);
	pv_buf_init(&encoded, 4096);
	is_status(ask("POST", NULL, nothing(), "/v1/session/nonce"), 200, "", "a nonce");
	pv_cbor_init(&in, pv_buf_bytes(&answer));
	pv_cbor_get_array_of(&in, 2);
	pv_cbor_get_hash(&in, &nonce);
	pv_cbor_put_text(&encoded, srv.server.name, strlen(srv.server.name));
	pv_cbor_put_hash(&encoded, &nonce);
	if (pv_sign(&eve.device.me.sign_sk, "session", pv_buf_bytes(&encoded), &sig)) abort();
	pv_cbor_put_array(&body, 3);
	pv_cbor_put_hash(&body, &nonce);
	pv_device_put(&body, &eve.device.me.public);
	pv_cbor_put_bytes(&body, sig.b, sizeof sig.b);
	srv.now_ms += PV_NONCE_MS;
	is_status(ask("POST", NULL, pv_buf_bytes(&body), "/v1/session"), 401, "nonce", "is void after a minute");
	srv.now_ms -= PV_NONCE_MS;
	is_status(ask("POST", NULL, pv_buf_bytes(&body), "/v1/session"), 200, "", "is good before");
	is_status(ask("POST", NULL, pv_buf_bytes(&body), "/v1/session"), 401, "nonce", "once");
	pv_buf_release(&body);
	pv_buf_release(&encoded);
}

/* ---- limits */

static void test_limits(void)
{
	struct pv_limits_config config = {.address_per_s = 5};
	unsigned status = 200;
	good(pv_limits_new(&config, &srv.server.limits), "with a limit of five a second");
	for (int i = 0; i < 10 && status == 200; i++) status = ask("GET", NULL, nothing(), "/healthz");
	tap_is_int(status, 200, "ten come at once");
	is_status(ask("GET", NULL, nothing(), "/healthz"), 429, "", "one more is put off");
	srv.now_ms += 200;
	is_status(ask("GET", NULL, nothing(), "/healthz"), 200, "", "a fifth of a second later it is not");
	pv_limits_free(srv.server.limits);
	config = (struct pv_limits_config){.person_bytes_per_day = 2000};
	good(pv_limits_new(&config, &srv.server.limits), "with a quota of 2,000 bytes a day");
	is_status(send_one(&ada, "x", NULL), 200, "", "something is written");
	good(rig_pull(&a), "and read");
	status = 200;
	for (int i = 0; i < 8 && status == 200; i++) {
		good(rig_pull(&a), "more is read");
		status = send_one(&ada, "x", NULL);
	}
	is_status(status, 507, "", "until it is used up");
	pv_limits_flush(&srv.server);
	pv_limits_free(srv.server.limits);
	good(pv_limits_new(&config, &srv.server.limits), "after a restart");
	is_status(send_one(&ada, "x", NULL), 507, "", "it is so still");
	pv_limits_free(srv.server.limits);
	srv.server.limits = NULL;
	good(rig_pull(&a), "reading costs nothing");
}

/* Strangers at many addresses who take what memory they get, for answers, and never let go. */
enum { MIB = 1024 * 1024, STRANGERS = 400, REQUESTS = 16 };
static struct pv_web_request requests[STRANGERS * REQUESTS];
static char addresses[STRANGERS][PV_PEER_TEXT_BYTES];

static uint64_t take_all(int strangers)
{
	uint64_t taken = 0;
	memset(requests, 0, sizeof requests);
	for (int i = 0; i < strangers; i++) {
		snprintf(addresses[i], sizeof addresses[i], "203.0.%d.%d", i / 250, i % 250);
		for (int r = 0; r < REQUESTS; r++) {
			struct pv_web_request *request = &requests[i * REQUESTS + r];
			request->address = addresses[i];
			pv_limits_reserve(&srv.server, request, 4 * MIB);
			taken += request->share_bytes;
		}
	}
	return taken;
}

static void let_go(void)
{
	for (int i = 0; i < STRANGERS * REQUESTS; i++) pv_limits_release(&srv.server, &requests[i]);
}

static void test_shares(void)
{
	struct pv_limits_config config = {0};
	struct pv_web_request one = {.address = "192.0.2.1"}, same = one, other = {.address = "192.0.2.2"};
	struct pv_web_response response;
	good(pv_limits_new(&config, &srv.server.limits), "with limits");
	pv_web_response_init(&response);
	tap_ok(pv_limits_hold(&srv.server, &one, PV_LIMIT_BATCH_BYTES, &response), "a server at rest takes the largest body");
	tap_ok(!pv_limits_hold(&srv.server, &same, PV_LIMIT_BATCH_BYTES, &response), "not two from one address");
	tap_is_str(response.reason, "share", "who is told why");
	tap_ok(pv_limits_hold(&srv.server, &same, PV_HELD_SMALL_BYTES, &response) && !same.share_bytes, "but any small one");
	tap_is_int((long long)pv_limits_reserve(&srv.server, &other, 4 * MIB), 4 * MIB, "another address gets memory for an answer");
	tap_ok(pv_limits_hold(&srv.server, &other, 100000, &response), "and makes it smaller");
	tap_is_int((long long)other.share_bytes, 100000, "which gives the rest back");
	pv_limits_release(&srv.server, &one);
	pv_limits_release(&srv.server, &other);
	tap_ok(take_all(32) > PV_HELD_BYTES / 2 && pv_limits_pressed(&srv.server), "32 addresses have most of it");
	tap_ok(pv_limits_reserve(&srv.server, &other, 4 * MIB) >= MIB / 2, "and leave half a MiB for the next, at least");
	tap_ok(!pv_limits_hold(&srv.server, &one, 8 * MIB, &response), "though not 8");
	tap_is_str(response.reason, "busy", "who is told that others have it");
	pv_limits_release(&srv.server, &other);
	let_go();
	tap_ok(!pv_limits_pressed(&srv.server), "they let go");
	tap_ok(take_all(STRANGERS) <= PV_HELD_BYTES, "400 have no more than all");
	tap_is_int((long long)pv_limits_reserve(&srv.server, &one, 4 * MIB), PV_HELD_SMALL_BYTES, "and leave little for the next");
	let_go();
	tap_ok(pv_limits_hold(&srv.server, &one, PV_LIMIT_BATCH_BYTES, &response), "in the end all of it is free again");
	pv_limits_release(&srv.server, &one);
	pv_web_response_release(&response);
	pv_limits_free(srv.server.limits);
	srv.server.limits = NULL;
}

/* An upload's length is the quota's from its announcement on; what of it never came is given back. */
static uint64_t blob_bytes;
static unsigned blob_status, blob_number;

static void put_blob(void)
{
	static char bytes[4096];
	char target[160];
	snprintf(target, sizeof target, "/v1/rooms/%s/blobs/%032x", room_hex, ++blob_number);
	blob_status = srv_ask(&srv, "PUT", target, ada.token, pv_bytes(bytes, blob_bytes), &answer);
}

static void test_upload_quota(void)
{
	struct pv_limits_config config = {.person_bytes_per_day = 4000};
	char target[160];
	static const char part[100];
	srv.now_ms += 24 * 3600 * 1000;
	log_in(&ada);
	snprintf(target, sizeof target, "/v1/rooms/%s/blobs/%032x", room_hex, 99);
	good(pv_limits_new(&config, &srv.server.limits), "with a quota of 4,000 bytes a day");
	tap_is_int(srv_upload_cut(&srv, target, ada.token, 4001, nothing(), NULL), 507, "a longer upload is refused before it comes");
	blob_bytes = 1001;
	tap_is_int(srv_upload_cut(&srv, target, ada.token, 3000, pv_bytes(part, sizeof part), put_blob), 0, "one of 3,000 begins");
	tap_is_int(blob_status, 507, "no other of 1,001 may, while it is under way");
	put_blob();
	tap_is_int(blob_status, 201, "when it was cut after 100 bytes, the other is taken");
	blob_bytes = 4000 - 1001 - 100 + 1;
	put_blob();
	tap_is_int(blob_status, 507, "both count, the cut one with what came of it");
	pv_limits_flush(&srv.server);
	pv_limits_free(srv.server.limits);
	good(pv_limits_new(&config, &srv.server.limits), "after a restart");
	put_blob();
	tap_is_int(blob_status, 507, "they do so still");
	blob_bytes--;
	put_blob();
	tap_is_int(blob_status, 201, "and the rest of the quota is there to the byte");
	pv_limits_free(srv.server.limits);
	srv.server.limits = NULL;
}

/* ---- registration, suspension */

static void test_registration(void)
{
	struct srv_person person;
	uint8_t code[32] = {9};
	char text[64];
	struct pv_hash hash;
	struct pv_buf buf;
	struct pv_meta *meta = srv.server.meta;
	pv_buf_init_fixed(&buf, text, sizeof text);
	pv_base64_put(&buf, PV_BASE64_URL, pv_bytes(code, sizeof code));
	text[buf.n] = 0;
	srv.server.registration = PV_REGISTER_CLOSED;
	tap_ok(srv_person_init(&person, &srv, 10, text) == PV_ERR_DENIED, "a closed server takes nobody");
	srv_person_release(&person);
	srv.server.registration = PV_REGISTER_INVITE;
	tap_ok(srv_person_init(&person, &srv, 10, NULL) == PV_ERR_DENIED, "one by invitation nobody without a code");
	srv_person_release(&person);
	tap_ok(srv_person_init(&person, &srv, 10, text) == PV_ERR_DENIED, "nor with one that it never gave");
	srv_person_release(&person);
	pv_secret_hash("code", code, &hash);
	good(meta->ops->code_put(meta, &hash, srv.now_ms + 1000), "one that it gave");
	good(srv_person_init(&person, &srv, 10, text), "lets one in");
	good(meta->ops->suspend(meta, &person.device.me.person, true), "who is suspended");
	is_status(ask("GET", person.token, nothing(), "/v1/rooms"), 401, "", "has no session");
	is_status(srv_login(&srv, &person.device.me.public, &person.device.me.sign_sk, person.token), 403, "suspended", "and gets none");
	srv_person_release(&person);
	tap_ok(srv_person_init(&person, &srv, 11, text) == PV_ERR_DENIED, "the code is spent");
	srv_person_release(&person);
	srv.server.registration = PV_REGISTER_OPEN;
}

/* ---- the daemon remembers sessions for a second */

static void test_remembered_sessions(void)
{
	char token[64], secret_text[64];
	uint8_t secret[32];
	struct pv_hash hash;
	struct pv_meta *meta = srv.server.meta;
	good(pv_session_cache_new(&srv.server.sessions), "with a cache of sessions");
	srv_login(&srv, &eve.device.me.public, &eve.device.me.sign_sk, token);
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 200, "", "a session works");
	snprintf(secret_text, sizeof secret_text, "%s", token);
	good(pv_secret_read(secret_text, secret), "when it ends");
	pv_secret_hash("token", secret, &hash);
	good(meta->ops->session_end(meta, &hash), "elsewhere");
	srv.now_ms += PV_SESSION_CACHE_MS;
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 401, "", "it is over a second later");
	srv_login(&srv, &eve.device.me.public, &eve.device.me.sign_sk, token);
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 200, "", "when it ends here");
	is_status(ask("DELETE", token, nothing(), "/v1/session"), 204, "", "by itself");
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 401, "", "it is over at once");
	srv_login(&srv, &eve.device.me.public, &eve.device.me.sign_sk, token);
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 200, "", "when its hour");
	srv.now_ms += PV_SESSION_MS;
	is_status(ask("GET", token, nothing(), "/v1/rooms"), 401, "", "is over, so is it");
	pv_session_cache_free(srv.server.sessions);
	srv.server.sessions = NULL;
	log_in(&ada);
}

int main(void)
{
	kit_init();
	test_sessions();
	log_in(&ada);
	test_nonce_once();
	test_limits();
	test_shares();
	test_upload_quota();
	test_registration();
	test_remembered_sessions();
	return kit_done();
}
