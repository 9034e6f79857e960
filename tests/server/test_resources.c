/* What the server gives: entries, proofs, checkpoints, blobs, events; and what it refuses to give. */
#include "core/log/checkpoint.h"
#include "server/gc.h"
#include "tests/server/resource_kit.h"

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
	log_in(&ada);
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

/* A restored server has older metadata beside blobs that survived: nobody's other bytes take the place of one. */
static void test_lost_row(void)
{
	struct pv_meta_room room;
	struct pv_meta_blob blob;
	struct pv_id16 name = {{[15] = 5}};
	is_status(put_blob(ada.token, 5, "survives"), 201, "", "a blob is taken");
	if (srv.server.meta->ops->room(srv.server.meta, pv_room_id(a.room), &room) ||
	    srv.server.meta->ops->blob(srv.server.meta, room.no, &name, &blob) || srv.server.meta->ops->blob_drop(srv.server.meta, &blob.locator))
		abort();
	is_status(put_blob(ada.token, 5, "replaces"), 409, "blob", "where its row is lost, other bytes are refused all the same");
	is_part(5, "bytes=0-3", 206, "surv");
	is_status(put_blob(ada.token, 5, "survives"), 200, "", "and the same are there");
	if (srv.server.meta->ops->blob(srv.server.meta, room.no, &name, &blob) || srv.server.meta->ops->blob_drop(srv.server.meta, &blob.locator) ||
	    srv.server.blobs->ops->remove(srv.server.blobs, &blob.locator))
		abort();
}

static void test_blobs(void)
{
	struct pv_gc_result result;
	is_status(put_blob(ada.token, 1, "0123456789"), 201, "", "a blob is taken");
	is_status(put_blob(ada.token, 1, "0123456789"), 200, "", "the same again is there");
	is_status(put_blob(ada.token, 1, "012345678x"), 409, "blob", "other bytes are refused");
	is_status(put_blob(ada.token, 2, ""), 400, "blob", "an empty one too");
	log_in(&bob);
	is_status(put_blob(bob.token, 3, "x"), 403, "role", "and a viewer's");
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
	test_lost_row();
	is_status(put_blob(ada.token, 4, "stray"), 201, "", "a blob that nothing will refer to");
	is_status(send_one(&ada, "x", refers), 200, "", "an entry refers to the first");
	good(rig_pull(&a), "Ada takes it in");
	srv.now_ms += PV_BLOB_KEEP_MS - 1000;
	log_in(&ada);
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
	kit_init();
	test_reading();
	test_checkpoint();
	test_blobs();
	test_events();
	return kit_done();
}
