/* The server's resources one by one: what each gives, and what each refuses. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/base64.h"
#include "core/log/checkpoint.h"
#include "server/gc.h"
#include "server/session_cache.h"
#include "server/work.h"
#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, bob, eve;
static struct rig_member a, b;
static struct pv_buf answer;
static char room_hex[65];

static struct pv_bytes nothing(void)
{
	return pv_bytes(NULL, 0);
}

static void good(enum pv_err err, const char *what)
{
	tap_ok(err == PV_OK, "%s", what);
	if (err) tap_note("got %s", pv_err_web_name(err));
}

static void is_status(unsigned got, unsigned want, const char *reason, const char *what)
{
	bool same = got == want && strcmp(srv_reason, reason) == 0;
	tap_ok(same, "%s", what);
	if (!same) tap_note("got %u %s, want %u %s: %.*s", got, srv_reason, want, reason, (int)answer.n, (char *)answer.p);
}

static unsigned ask(const char *method, const char *token, struct pv_bytes body, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static unsigned ask(const char *method, const char *token, struct pv_bytes body, const char *format, ...)
{
	char target[256];
	va_list ap;
	va_start(ap, format);
	vsnprintf(target, sizeof target, format, ap);
	va_end(ap);
	return srv_ask(&srv, method, target, token, body, &answer);
}

/* ---- raw entries */

struct raw {
	struct pv_header header;
	struct pv_buf entry, refs, body, bundles;
	struct pv_hash leaf;
};

static struct pv_hash room_id(void)
{
	return *pv_room_id(a.room);
}

/* A talk entry that follows the author's head in the room. */
static void raw_init(struct raw *raw, const struct srv_person *author, const char *body)
{
	const struct pv_head *head = pv_roster_head(pv_room_roster(a.room), &author->device.me.device);
	*raw = (struct raw){.header = {.room = room_id(), .author = author->device.me.device, .kind = PV_KIND_TALK,
				       .n = head ? head->n + 1 : 1, .epoch = pv_roster_epoch(pv_room_roster(a.room))}};
	if (head) raw->header.prev = head->leaf;
	pv_buf_init(&raw->entry, 4096);
	pv_buf_init(&raw->refs, 65536);
	pv_buf_init(&raw->body, 1 << 20);
	pv_buf_init(&raw->bundles, 1 << 24);
	pv_merkle_empty_root(&raw->header.seen_root);
	memset(raw->header.commit.b, 7, 32);
	pv_buf_append(&raw->body, body, strlen(body));
	pv_refs_put(&raw->refs, NULL, 0);
}

static void raw_release(struct raw *raw)
{
	pv_buf_release(&raw->entry);
	pv_buf_release(&raw->refs);
	pv_buf_release(&raw->body);
	pv_buf_release(&raw->bundles);
}

/* Sign, and add to the bundles without their array. */
static void raw_add(struct raw *raw, const struct srv_person *signer)
{
	static const uint8_t beside[] = {0x83, 0x80, 0x80, 0x80};
	pv_refs_hash(pv_buf_bytes(&raw->refs), &raw->header.refs_hash);
	pv_body_hash(pv_buf_bytes(&raw->body), &raw->header.body_hash);
	pv_buf_clear(&raw->entry);
	if (pv_entry_make(&raw->header, &signer->device.me.sign_sk, &raw->entry)) abort();
	struct pv_bundle bundle = {pv_buf_bytes(&raw->entry), pv_buf_bytes(&raw->refs), pv_buf_bytes(&raw->body),
				   pv_bytes(beside, sizeof beside)};
	pv_bundle_put(&raw->bundles, &bundle);
	pv_entry_leaf(bundle.entry, &raw->leaf);
}

static unsigned raw_send(const struct raw *raw, size_t count, const struct srv_person *sender)
{
	struct pv_buf body;
	char target[128];
	pv_buf_init(&body, 1 << 24);
	pv_cbor_put_array(&body, count);
	pv_buf_append(&body, raw->bundles.p, raw->bundles.n);
	snprintf(target, sizeof target, "/v1/rooms/%s/entries", room_hex);
	unsigned status = srv_ask(&srv, "POST", target, sender->token, pv_buf_bytes(&body), &answer);
	pv_buf_release(&body);
	return status;
}

/* One entry, made and sent; changes by a callback. */
static unsigned send_one(struct srv_person *author, const char *body, void (*change)(struct raw *raw))
{
	struct raw raw;
	raw_init(&raw, author, body);
	if (change) change(&raw);
	raw_add(&raw, author);
	unsigned status = raw_send(&raw, 1, author);
	raw_release(&raw);
	return status;
}

static uint64_t room_size(void)
{
	struct pv_hash id = room_id();
	struct pv_meta_room row;
	return srv.server.meta->ops->room(srv.server.meta, &id, &row) ? 0 : row.size;
}

/* ---- sessions */

static void test_sessions(void)
{
	char token[64], second[64];
	struct pv_device device = eve.device.me.public;
	good(srv_person_init(&eve, &srv, 4, NULL), "Eve registers");
	device = eve.device.me.public;
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

/* ---- appending */

static void test_idempotent(void)
{
	struct raw raw;
	uint64_t size = room_size();
	struct pv_buf first;
	pv_buf_init(&first, 65536);
	raw_init(&raw, &ada, "sealed noise");
	raw_add(&raw, &ada);
	is_status(raw_send(&raw, 1, &ada), 200, "", "an entry gets its place");
	pv_buf_append(&first, answer.p, answer.n);
	is_status(raw_send(&raw, 1, &ada), 200, "", "sent again");
	tap_is_bytes(answer.p, answer.n, first.p, first.n, "it gets the same answer");
	srv_restart(&srv);
	is_status(raw_send(&raw, 1, &ada), 200, "", "and after a restart");
	tap_is_bytes(answer.p, answer.n, first.p, first.n, "too");
	tap_is_int((long long)room_size(), (long long)size + 1, "and stands once");
	pv_buf_clear(&raw.bundles);
	raw.header.time_ms++;
	raw_add(&raw, &ada);
	is_status(raw_send(&raw, 1, &ada), 409, "n", "other bytes under its number are refused");
	raw.header.n += 1000;
	raw.header.prev = raw.leaf;
	pv_buf_clear(&raw.bundles);
	raw_add(&raw, &ada);
	is_status(raw_send(&raw, 1, &ada), 200, "", "an entry whose chain does not fit has a place");
	tap_ok(memmem(answer.p, answer.n, "stale_chain", 11) != NULL, "and has lost its race");
	good(rig_pull(&a), "Ada takes all that in");
	pv_buf_release(&first);
	raw_release(&raw);
}

static void test_batches(void)
{
	struct raw raw;
	uint64_t size = room_size();
	raw_init(&raw, &ada, "one");
	raw_add(&raw, &ada);
	raw.header.n++;
	raw.header.prev = raw.leaf;
	raw_add(&raw, &ada);
	raw.header.n++;
	raw.header.prev = raw.leaf;
	raw.header.seen_size = 100000;
	raw_add(&raw, &ada);
	is_status(raw_send(&raw, 3, &ada), 400, "seen", "a batch with an impossible entry is refused");
	tap_is_int((long long)room_size(), (long long)size, "wholly");
	is_status(send_one(&ada, "alone", NULL), 200, "", "the room goes on");
	tap_is_int((long long)room_size(), (long long)size + 1, "from where it was");
	good(rig_pull(&a), "and verifies");
	raw_release(&raw);
}

static void wrong_room(struct raw *raw)
{
	raw->header.room.b[0] ^= 1;
}

static void wrong_seen(struct raw *raw)
{
	raw->header.seen_size = 1;
	raw->header.seen_root.b[0] ^= 1;
}

static void by_server(struct raw *raw)
{
	raw->header.kind = PV_KIND_SERVER;
	raw->header.epoch = 0;
	memset(raw->header.commit.b, 0, 32);
}

static void of_work(struct raw *raw)
{
	raw->header.kind = PV_KIND_WORK;
}

static void names_blob(struct raw *raw)
{
	struct pv_id16 name = {{1, 2, 3}};
	pv_buf_clear(&raw->refs);
	pv_refs_put(&raw->refs, &name, 1);
}

static void of_unknown_type(struct raw *raw)
{
	raw->header.kind = PV_KIND_ROSTER;
	memset(raw->header.commit.b, 0, 32);
	pv_buf_clear(&raw->body);
	pv_buf_append(&raw->body, "\x81\x18\x63", 3);
}

static void test_refusals(void)
{
	struct raw raw;
	uint64_t size = room_size();
	char token[64];
	is_status(send_one(&ada, "x", wrong_room), 400, "room", "an entry of another room is refused");
	is_status(send_one(&ada, "x", wrong_seen), 409, "seen", "one that saw another history");
	is_status(send_one(&ada, "x", by_server), 403, "author", "one in the server's name");
	is_status(send_one(&ada, "x", names_blob), 409, "refs", "one that names a blob that is not there");
	is_status(send_one(&ada, "x", of_unknown_type), 400, "body", "one of an unknown type");
	raw_init(&raw, &ada, "x");
	raw_add(&raw, &bob);
	is_status(raw_send(&raw, 1, &ada), 400, "signature", "one whose signature is another's");
	pv_buf_clear(&raw.bundles);
	raw_add(&raw, &ada);
	is_status(raw_send(&raw, 1, &bob), 403, "author", "one by another than the session's device");
	raw.bundles.p[raw.bundles.n - 5] ^= 1;
	is_status(raw_send(&raw, 1, &ada), 400, "body", "one whose body was changed");
	is_status(raw_send(&raw, 2, &ada), 400, "body", "fewer bundles than said");
	raw_release(&raw);
	is_status(ask("POST", ada.token, nothing(), "/v1/rooms/%s/entries", room_hex), 400, "", "no body");
	is_status(ask("POST", ada.token, pv_bytes("\x80", 1), "/v1/rooms/%s/entries", room_hex), 400, "", "no bundles");
	is_status(ask("POST", ada.token, pv_bytes("\x9f\xff", 2), "/v1/rooms/%s/entries", room_hex), 400, "", "an endless array");
	is_status(ask("POST", ada.token, pv_bytes("\x81\x84\x40\x80\x40\x83\x80\x80\x80", 9), "/v1/rooms/%s/entries", room_hex), 400,
		  "entry", "an empty entry");
	srv_login(&srv, &eve.device.me.public, &eve.device.me.sign_sk, eve.token);
	is_status(send_one(&eve, "x", NULL), 403, "not_member", "one of a stranger");
	snprintf(token, sizeof token, "%s", ada.token);
	token[strlen(token) - 2] ^= 1;
	is_status(ask("POST", token, nothing(), "/v1/rooms/%s/entries", room_hex), 401, "", "one without a session");
	tap_is_int((long long)room_size(), (long long)size, "of all that nothing stands in the log");
}

static void test_races(void)
{
	is_status(send_one(&bob, "x", of_work), 200, "", "a viewer's work has a place");
	tap_ok(memmem(answer.p, answer.n, "role", 4) != NULL, "and is rejected for the role");
	good(rig_pull(&a), "Ada sees it");
	good(pv_room_remove(a.room, &bob.device.me.person), "Ada removes Bob");
	good(rig_push(&a), "and sends that");
	is_status(send_one(&bob, "x", NULL), 403, "not_member", "then Bob writes no more");
	is_status(ask("GET", bob.token, nothing(), "/v1/rooms/%s/entries", room_hex), 403, "role", "nor reads");
	is_status(ask("GET", bob.token, nothing(), "/v1/rooms/%s/head", room_hex), 200, "", "his own newest entry apart");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/head", room_hex), 200, "", "Ada has one too");
	is_status(ask("GET", eve.token, nothing(), "/v1/rooms/%s/head", room_hex), 404, "", "Eve has none");
}

/* ---- reading */

static void test_reading(void)
{
	struct pv_cbor in;
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries?from=x", room_hex), 400, "query", "a range is of numbers");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries?from=1&max=2", room_hex), 200, "", "a page");
	pv_cbor_init(&in, pv_buf_bytes(&answer));
	pv_cbor_get_array_of(&in, 3);
	tap_is_int((long long)pv_cbor_get_uint(&in, 100), 1, "begins where asked");
	tap_is_int((long long)pv_cbor_get_array(&in, 100), 2, "and has as many");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries?from=99999", room_hex), 200, "", "past the end");
	pv_cbor_init(&in, pv_buf_bytes(&answer));
	pv_cbor_get_array_of(&in, 3);
	pv_cbor_get_uint(&in, 99999);
	tap_is_int((long long)pv_cbor_get_array(&in, 1), 0, "there is nothing");
	struct pv_bytes note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
	struct pv_hash id = room_id();
	struct pv_checkpoint newest = {0};
	good(pv_checkpoint_open(note, srv.server.name, &id, &srv.server.log_pk, &newest), "but the newest note,");
	tap_is_int((long long)newest.size, (long long)room_size(), "of all");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/bodies?from=0&max=3", room_hex), 200, "", "bodies alone");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/inclusion?index=0&size=2", room_hex), 200, "", "a proof of inclusion");
	tap_is_int((long long)answer.n, 1 + 34, "is one hash in a tree of two");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/inclusion?index=2&size=2", room_hex), 400, "query", "not past the tree");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/inclusion?index=0&size=99999", room_hex), 400, "query", "nor of a larger one");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/inclusion?size=2", room_hex), 400, "query", "both are named");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/consistency?old=1&new=2", room_hex), 200, "", "a proof of consistency");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/consistency?old=3&new=2", room_hex), 400, "query", "not backwards");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries/0/wraps/0", room_hex), 200, "", "a wrap");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries/0/wraps/9", room_hex), 404, "", "one that is none");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries/0/links", room_hex), 200, "", "links");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries/9999/links", room_hex), 404, "", "of no entry");
	is_status(ask("POST", ada.token, pv_bytes("\x80", 1), "/v1/rooms/%s/kem", room_hex), 200, "", "no KEM keys");
	is_status(ask("POST", ada.token, pv_bytes("\x81\x41x", 3), "/v1/rooms/%s/kem", room_hex), 400, "", "by a name that is none");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%064d/entries", 7), 404, "", "a room that is none");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/xyz/entries"), 404, "", "a room's id that is none");
	is_status(ask("GET", eve.token, nothing(), "/v1/rooms/%s/entries", room_hex), 403, "role", "a stranger reads nothing");
	is_status(ask("GET", "Ticket AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", nothing(), "/v1/rooms/%s/entries", room_hex), 401, "",
		  "nor does a ticket that is none");
	is_status(ask("POST", "Ticket AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", nothing(), "/v1/rooms/%s/entries", room_hex), 401, "",
		  "and no ticket writes");
}

static struct pv_checkpoint checkpoint_now(void)
{
	struct pv_checkpoint checkpoint = {0};
	struct pv_hash id = room_id();
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/checkpoint", room_hex), 200, "", "the checkpoint");
	good(pv_checkpoint_open(pv_buf_bytes(&answer), srv.server.name, &id, &srv.server.log_pk, &checkpoint), "verifies");
	return checkpoint;
}

static void test_checkpoint(void)
{
	struct pv_checkpoint first = checkpoint_now(), second, third;
	srv.now_ms += 2 * PV_NOTE_FRESH_S * 1000;
	srv_login(&srv, &ada.device.me.public, &ada.device.me.sign_sk, ada.token);
	second = checkpoint_now();
	tap_ok(second.size == first.size && second.time_s == srv.now_ms / 1000, "an old one is signed again, with the present time");
	srv.now_ms -= PV_NOTE_FRESH_S * 1000;
	is_status(send_one(&ada, "from the past", NULL), 200, "", "when the clock is set back");
	third = checkpoint_now();
	tap_ok(third.size == second.size + 1 && third.time_s == second.time_s, "no checkpoint is signed for an earlier time");
	srv.now_ms += PV_NOTE_FRESH_S * 1000;
	good(rig_pull(&a), "Ada takes it in");
}

/* ---- blobs */

static unsigned put_blob(const char *token, unsigned name, const char *bytes)
{
	return ask("PUT", token, pv_bytes_of_string(bytes), "/v1/rooms/%s/blobs/%032x", room_hex, name);
}

static unsigned get_range(unsigned name, const char *range)
{
	char target[160], bearer[96];
	struct pv_web_response response;
	snprintf(target, sizeof target, "/v1/rooms/%s/blobs/%032x", room_hex, name);
	snprintf(bearer, sizeof bearer, "Bearer %s", ada.token);
	struct srv_header headers[] = {{"Authorization", bearer}, {"Range", range}, {NULL, NULL}};
	srv_request(&srv, "GET", target, headers, nothing(), &response);
	pv_buf_clear(&answer);
	pv_buf_append(&answer, response.body.p, response.body.n);
	unsigned status = response.status;
	pv_web_response_release(&response);
	return status;
}

static void is_part(unsigned name, const char *range, unsigned status, const char *want)
{
	unsigned got = get_range(name, range);
	bool same = got == status && (status >= 400 || (answer.n == strlen(want) && memcmp(answer.p, want, answer.n) == 0));
	tap_ok(same, "range %s", range);
	if (!same) tap_note("got %u %.*s", got, (int)answer.n, (char *)answer.p);
}

static void refers(struct raw *raw)
{
	struct pv_id16 name = {{[15] = 1}};
	pv_buf_clear(&raw->refs);
	pv_refs_put(&raw->refs, &name, 1);
}

static void test_blobs(void)
{
	struct pv_gc_result result;
	is_status(put_blob(ada.token, 1, "0123456789"), 201, "", "a blob is taken");
	is_status(put_blob(ada.token, 1, "0123456789"), 200, "", "the same again is there");
	is_status(put_blob(ada.token, 1, "012345678x"), 409, "blob", "other bytes are refused");
	is_status(put_blob(ada.token, 2, ""), 400, "blob", "an empty one too");
	srv_login(&srv, &bob.device.me.public, &bob.device.me.sign_sk, bob.token);
	is_status(put_blob(bob.token, 3, "x"), 403, "role", "and anyone's who is no member");
	is_part(1, "bytes=0-3", 206, "0123");
	is_part(1, "bytes=4-", 206, "456789");
	is_part(1, "bytes=-3", 206, "789");
	is_part(1, "bytes=8-100", 206, "89");
	is_part(1, "bytes=-100", 206, "0123456789");
	is_part(1, "bytes=10-", 416, "");
	is_part(1, "bytes=-0", 416, "");
	is_part(1, "bytes=3-1", 200, "0123456789");
	is_part(1, "bytes=0-1,4-5", 200, "0123456789");
	is_part(1, "lines=1-2", 200, "0123456789");
	is_part(1, "bytes=99999999999999999999-", 200, "0123456789");
	is_part(9, "bytes=0-1", 404, "");
	is_status(put_blob(ada.token, 4, "stray"), 201, "", "a blob that nothing will refer to");
	is_status(send_one(&ada, "x", refers), 200, "", "an entry refers to the first");
	good(rig_pull(&a), "Ada takes it in");
	srv.now_ms += PV_BLOB_KEEP_MS - 1000;
	srv_login(&srv, &ada.device.me.public, &ada.device.me.sign_sk, ada.token);
	good(pv_gc(&srv.server, &result), "within a week");
	tap_is_int((long long)result.collected, 0, "nothing is collected");
	srv.now_ms += 2000;
	good(pv_gc(&srv.server, &result), "after it");
	tap_is_int((long long)result.collected, 1, "the stray is");
	is_part(1, "bytes=0-0", 206, "0");
	is_part(4, "bytes=0-0", 404, "");
	struct pv_buf names;
	struct pv_id16 one = {{[15] = 1}}, four = {{[15] = 4}};
	pv_buf_init(&names, 100);
	pv_cbor_put_array(&names, 2);
	pv_cbor_put_id16(&names, &one);
	pv_cbor_put_id16(&names, &four);
	is_status(ask("POST", ada.token, pv_buf_bytes(&names), "/v1/rooms/%s/blobs/exist", room_hex), 200, "", "which exist");
	tap_is_bytes(answer.p, answer.n, "\x82\xf5\xf4", 3, "is told");
	pv_buf_release(&names);
}

/* ---- a store that fails */

static struct pv_meta_ops failing_ops;
static enum pv_err fail_with;

static enum pv_err failing_append(struct pv_meta *meta, struct pv_meta_append *rooms, size_t count)
{
	(void)meta;
	(void)rooms;
	(void)count;
	return fail_with;
}

static void test_failing_store(void)
{
	struct pv_meta *meta = srv.server.meta;
	const struct pv_meta_ops *ops = meta->ops;
	uint64_t size = room_size();
	failing_ops = *ops;
	failing_ops.append = failing_append;
	meta->ops = &failing_ops;
	fail_with = PV_ERR_FULL;
	is_status(send_one(&ada, "x", NULL), 507, "", "a full disk is told");
	fail_with = PV_ERR_IO;
	is_status(send_one(&ada, "x", NULL), 500, "", "so is a broken one");
	is_status(ask("GET", ada.token, nothing(), "/v1/rooms/%s/entries", room_hex), 200, "", "while reads go on");
	meta->ops = ops;
	tap_is_int((long long)room_size(), (long long)size, "nothing was taken");
	is_status(send_one(&ada, "x", NULL), 200, "", "once it is well, appends go on");
	tap_is_int((long long)room_size(), (long long)size + 1, "from where they were");
	good(rig_pull(&a), "and verify");
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
	for (int i = 0; i < 8; i++) status = send_one(&ada, "x", NULL);
	is_status(status, 507, "", "until it is used up");
	pv_limits_flush(&srv.server);
	pv_limits_free(srv.server.limits);
	good(pv_limits_new(&config, &srv.server.limits), "after a restart");
	is_status(send_one(&ada, "x", NULL), 507, "", "it is so still");
	pv_limits_free(srv.server.limits);
	srv.server.limits = NULL;
	tap_is_int((long long)atomic_load(&srv.server.held_bytes), 0, "no body is held between requests");
	atomic_store(&srv.server.held_bytes, PV_BODIES_BYTES);
	is_status(send_one(&ada, "x", NULL), 429, "busy", "while too many are, another is put off");
	atomic_store(&srv.server.held_bytes, 0);
	good(rig_pull(&a), "reading costs nothing");
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
	srv_login(&srv, &ada.device.me.public, &ada.device.me.sign_sk, ada.token);
}

/* ---- events */

static int parked;

static void note_park(void *context)
{
	(void)context;
	parked = 1;
}

static void note_wake(void *context)
{
	(void)context;
	parked = 0;
}

static void test_events(void)
{
	struct pv_stream_driver driver = {note_park, note_wake, NULL};
	struct pv_stream *stream;
	struct pv_hash rooms[300];
	char text[512];
	bool end;
	good(pv_stream_open(srv.server.events, &ada.device.me.device, srv.now_ms, &stream), "a stream opens");
	pv_stream_attach(stream, &driver);
	size_t n = pv_stream_read(stream, text, sizeof text, &end);
	tap_is_bytes(text, n, ":\n\n", 3, "and says so at once");
	tap_is_int((long long)pv_stream_read(stream, text, sizeof text, &end), 0, "then it has nothing to say");
	tap_is_int(parked, 1, "and sleeps");
	is_status(send_one(&ada, "x", NULL), 200, "", "when the room grows");
	tap_is_int(parked, 0, "it wakes");
	n = pv_stream_read(stream, text, sizeof text, &end);
	text[n < sizeof text ? n : 0] = 0;
	char want[160];
	snprintf(want, sizeof want, "event: room\ndata: {\"room\":\"%s\",\"size\":%llu}\n\n", room_hex, (unsigned long long)room_size());
	tap_is_str(text, want, "and hints at it");
	pv_stream_read(stream, text, sizeof text, &end);
	pv_events_beat(srv.server.events, srv.now_ms + PV_HEARTBEAT_MS - 1);
	tap_is_int(parked, 1, "for 25 seconds it is silent");
	pv_events_beat(srv.server.events, srv.now_ms + PV_HEARTBEAT_MS);
	tap_is_int(parked, 0, "then it wakes");
	n = pv_stream_read(stream, text, sizeof text, &end);
	tap_is_bytes(text, n, ":\n\n", 3, "to show that it lives");
	for (int i = 0; i < 300; i++) {
		rooms[i] = ada.device.me.device;
		rooms[i].b[5] = (uint8_t)i;
		rooms[i].b[6] = (uint8_t)(i >> 8);
		pv_events_publish(srv.server.events, &rooms[i], 1, &ada.device.me.device, 1);
	}
	n = pv_stream_read(stream, text, sizeof text, &end);
	text[n < sizeof text ? n : 0] = 0;
	tap_is_str(text, "event: resync\ndata: {}\n\n", "more hints than it keeps become one");
	pv_events_stop(srv.server.events);
	pv_stream_read(stream, text, sizeof text, &end);
	tap_ok(end, "a server that stops ends it");
	pv_stream_close(stream);
	good(rig_pull(&a), "Ada takes the last entry in");
}

int main(void)
{
	struct pv_invite_link link;
	if (pv_crypto_init()) return 1;
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 24);
	good(srv_person_init(&ada, &srv, 2, NULL), "Ada registers");
	good(srv_person_init(&bob, &srv, 3, NULL), "Bob registers");
	good(rig_found(&a, &ada.device), "Ada founds a room");
	good(rig_invite(&a, PV_ROLE_VIEWER, 1, &link), "and invites a viewer");
	good(rig_join(&b, &bob.device, &link), "which Bob becomes");
	good(rig_pull(&a), "Ada sees it");
	pv_hex_encode(pv_room_id(a.room)->b, 32, room_hex);
	test_sessions();
	srv_login(&srv, &ada.device.me.public, &ada.device.me.sign_sk, ada.token);
	srv_login(&srv, &bob.device.me.public, &bob.device.me.sign_sk, bob.token);
	test_nonce_once();
	test_idempotent();
	test_batches();
	test_refusals();
	test_races();
	test_reading();
	test_checkpoint();
	test_blobs();
	test_failing_store();
	test_limits();
	test_registration();
	test_remembered_sessions();
	test_events();
	rig_member_close(&a);
	rig_member_close(&b);
	srv_person_release(&ada);
	srv_person_release(&bob);
	srv_person_release(&eve);
	pv_buf_release(&answer);
	srv_release(&srv);
	return tap_done();
}
