/* Appending: what gets a place, what is refused, and that nothing is taken by halves. */
#include <unistd.h>

#include "server/bars.h"
#include "server/log.h"
#include "server/work.h"
#include "tests/server/resource_kit.h"

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

/* ---- entries that only bar */

static uint8_t barred;

static void bars_another(struct raw *raw)
{
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE};
	body.u.device_remove.device_count = 1;
	memset(body.u.device_remove.devices[0].b, 0xbb, 32);
	body.u.device_remove.devices[0].b[1] = ++barred;
	body.u.device_remove.since = room_size();
	raw->header.kind = PV_KIND_ROSTER;
	raw->header.epoch = 0;
	memset(raw->header.commit.b, 0, 32);
	pv_buf_clear(&raw->body);
	pv_roster_body_put(&raw->body, &body);
}

/* A removal as a person makes it whose keys were stolen: a new KEM key comes with it. */
static void brings_key(struct raw *raw)
{
	static uint8_t memory[PV_KEM_PK_BYTES + 16];
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE};
	struct pv_kem_pk key;
	struct pv_buf beside;
	bars_another(raw);
	memset(key.b, 0x11, sizeof key.b);
	body.u.device_remove.device_count = 1;
	memset(body.u.device_remove.devices[0].b, 0xcc, 32);
	body.u.device_remove.since = room_size();
	body.u.device_remove.has_kem = true;
	body.u.device_remove.person_epoch = 1000;
	pv_kem_hash(&key, &body.u.device_remove.kem_hash);
	pv_buf_clear(&raw->body);
	pv_roster_body_put(&raw->body, &body);
	pv_buf_init_fixed(&beside, memory, sizeof memory);
	pv_cbor_put_array(&beside, 3);
	pv_cbor_put_array(&beside, 1);
	pv_cbor_put_bytes(&beside, key.b, sizeof key.b);
	pv_cbor_put_array(&beside, 0);
	pv_cbor_put_array(&beside, 0);
	raw->beside = pv_buf_bytes(&beside);
}

/* One more bar by Ada; says whether it was accepted. */
static bool bar_one(void)
{
	unsigned status = send_one(&ada, "", bars_another);
	return status == 200 && memmem(answer.p, answer.n, "none", 4) != NULL && rig_pull(&a) == PV_OK;
}

static void test_bars(void)
{
	int accepted = 0;
	srv.now_ms = (srv.now_ms / 3600000 + 1) * 3600000;
	log_in(&ada);
	while (accepted < 100 && bar_one()) accepted++;
	tap_is_int(accepted, PV_BARS_AN_HOUR, "a device bars so often an hour");
	uint64_t size = room_size();
	is_status(send_one(&ada, "", bars_another), 429, "bars", "and no more");
	tap_is_int((long long)room_size(), (long long)size, "which leaves nothing in the log");
	is_status(send_one(&ada, "x", NULL), 200, "", "other entries are taken");
	good(rig_pull(&a), "the room verifies");
	is_status(send_one(&ada, "", brings_key), 200, "", "a removal that brings a new key is taken too");
	tap_ok(memmem(answer.p, answer.n, "none", 4) != NULL && rig_pull(&a) == PV_OK, "and has its effect");
	is_status(send_one(&ada, "", bars_another), 429, "bars", "while bars are still put off");
	srv.now_ms += 3600000;
	log_in(&ada);
	tap_ok(bar_one(), "an hour later one is taken");
}

/* ---- a room that does not load */

static struct pv_meta_ops failing_ops;
static const struct pv_meta_ops *sound_ops;

static enum pv_err wrong_note(struct pv_meta *meta, uint64_t room, struct pv_buf *note, uint64_t *ret_size)
{
	enum pv_err err = sound_ops->note(meta, room, note, ret_size);
	if (!err && note->n) note->p[note->n / 4] ^= 1;
	return err;
}

static size_t count_lines(FILE *file, const char *what)
{
	char line[2048];
	size_t count = 0;
	rewind(file);
	while (fgets(line, sizeof line, file)) count += strstr(line, what) != NULL;
	return count;
}

static void test_damaged(void)
{
	struct pv_meta *meta = srv.server.meta;
	FILE *log = tmpfile();
	int terminal = dup(STDERR_FILENO);
	if (!log || terminal < 0 || dup2(fileno(log), STDERR_FILENO) < 0) abort();
	pv_log_set_level(PV_LOG_WARN);
	sound_ops = meta->ops;
	failing_ops = *sound_ops;
	failing_ops.note = wrong_note;
	meta->ops = &failing_ops;
	srv_restart(&srv);
	is_status(send_one(&ada, "x", NULL), 500, "room", "a room whose checkpoint is not its tree's is not written to");
	tap_is_int((long long)atomic_load(&srv.metrics.rooms_damaged), 1, "it counts as damaged");
	for (int i = 0; i < 5; i++) send_one(&ada, "x", NULL);
	tap_is_int((long long)atomic_load(&srv.metrics.rooms_damaged), 1, "once");
	tap_is_int((long long)count_lines(log, "\"room damaged\""), 1, "and is logged once, however often it is asked for");
	meta->ops = sound_ops;
	is_status(send_one(&ada, "x", NULL), 200, "", "put right, it goes on");
	tap_is_int((long long)atomic_load(&srv.metrics.rooms_damaged), 0, "counts no more");
	tap_is_int((long long)count_lines(log, "\"room whole again\""), 1, "and that is logged");
	pv_log_set_level(PV_LOG_ERROR);
	dup2(terminal, STDERR_FILENO);
	close(terminal);
	fclose(log);
	good(rig_pull(&a), "Ada takes it in");
}

/* ---- a store that fails */

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

int main(void)
{
	kit_init();
	test_idempotent();
	test_batches();
	test_refusals();
	test_failing_store();
	test_damaged();
	test_races();
	test_bars();
	return kit_done();
}
