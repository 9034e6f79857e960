/* A restored server to which several give back at once: one batch, in which nobody's tail costs another's. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

enum { TAIL = 3 };

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member old, young; /* Ada's rooms: one that the backup has, and one founded since */
static char dir[] = "/tmp/privity-at-once-XXXXXX", backup[64];

/* Of a room, as the server had it before it was restored: the log, and the note over each size from `from` on. */
struct log {
	struct pv_buf page, notes[TAIL + 1];
	struct pv_bytes items[16];
	size_t count, from;
};
static struct log of_old, of_young;

static void target_of(const struct rig_member *room, const char *what, char ret_target[static 128])
{
	char hex[65];
	pv_hex_encode(pv_room_id(room->room)->b, 32, hex);
	snprintf(ret_target, 128, "/v1/rooms/%s/%s", hex, what);
}

/* Read the log anew; keep its note as that of its size. */
static void look(const struct rig_member *room, struct log *log)
{
	char target[128];
	struct pv_cbor in;
	target_of(room, "entries?from=0&bodies=1", target);
	pv_buf_clear(&log->page);
	if (srv_ask(&srv, "GET", target, ada.token, pv_bytes(NULL, 0), &log->page) != 200) abort();
	pv_cbor_init(&in, pv_buf_bytes(&log->page));
	if (pv_cbor_get_array(&in, 4) < 3) abort();
	pv_cbor_get_item(&in);
	log->count = pv_cbor_get_array(&in, 16);
	for (size_t i = 0; i < log->count; i++) log->items[i] = pv_cbor_get_item(&in);
	struct pv_bytes note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
	if (in.err || log->count - log->from > TAIL) abort();
	pv_buf_clear(&log->notes[log->count - log->from]);
	pv_buf_append(&log->notes[log->count - log->from], note.p, note.n);
}

static void begin(struct log *log)
{
	pv_buf_init(&log->page, 1 << 20);
	for (size_t i = 0; i <= TAIL; i++) pv_buf_init(&log->notes[i], PV_LIMIT_NOTE_BYTES);
}

static void end(struct log *log)
{
	pv_buf_release(&log->page);
	for (size_t i = 0; i <= TAIL; i++) pv_buf_release(&log->notes[i]);
}

/* What gives back `count` entries from `from` on, under the note of `more` entries beyond what the log began with. */
static void put_tail(const struct log *log, size_t from, size_t count, size_t more, struct pv_buf *body)
{
	pv_buf_init(body, 1 << 20);
	pv_cbor_put_array(body, 4);
	pv_cbor_put_bytes(body, log->notes[more].p, log->notes[more].n);
	pv_cbor_put_uint(body, from);
	pv_cbor_put_bool(body, false);
	pv_cbor_put_array(body, count);
	for (size_t i = 0; i < count; i++) pv_buf_append(body, log->items[from + i].p, log->items[from + i].n);
}

static void test_tails(void)
{
	char target[128];
	struct pv_buf one, wrong;
	struct log now = {.from = of_old.from};
	size_t from = of_old.from;
	target_of(&old, "restore", target);
	begin(&now);
	put_tail(&of_old, from, 1, 1, &one);
	put_tail(&of_old, from, 1, TAIL, &wrong);
	struct srv_post posts[] = {{.target = target, .token = ada.token, .body = pv_buf_bytes(&one)},
				   {.target = target, .token = bob.token, .body = pv_buf_bytes(&wrong)},
				   {.target = target, .token = ada.token, .body = pv_buf_bytes(&one)}};
	srv_post_together(&srv, posts, 2);
	tap_ok(posts[0].status == 200 && posts[1].status == 409 && strcmp(posts[1].reason, "size") == 0,
	       "of two at once, the right tail is answered as taken, and the one that does not fit behind it refused");
	tap_ok(srv_room(&srv, pv_room_id(old.room)).size == from + 1, "and what was right is there");
	srv_go_back(&srv, backup);
	srv_person_login(&ada);
	srv_person_login(&bob);
	for (size_t i = 0; i < 3; i++) posts[i].token = i == 1 ? bob.token : ada.token;
	pv_buf_release(&one);
	pv_buf_release(&wrong);
	put_tail(&of_old, from + 1, 1, 2, &one);
	put_tail(&of_old, from + 1, 1, TAIL, &wrong);
	for (size_t i = 0; i < 3; i++) posts[i].body = pv_buf_bytes(i == 1 ? &wrong : &one);
	srv_post_together(&srv, posts, 3);
	tap_ok(posts[0].status == 200 && posts[1].status == 409 && posts[2].status == 200, "the same, and once more behind it");
	look(&old, &now);
	tap_ok(now.count == from + 2 && pv_bytes_equal(pv_buf_bytes(&now.notes[2]), pv_buf_bytes(&of_old.notes[2])),
	       "leave a checkpoint that is one, byte for byte");
	pv_buf_release(&one);
	pv_buf_release(&wrong);
	end(&now);
}

/* A bundle of what was taken before: [entry, refs, body, beside]. */
static void put_bundle(struct pv_bytes item, struct pv_buf *body)
{
	static const uint8_t nothing[] = {0x83, 0x80, 0x80, 0x80};
	struct pv_cbor in;
	struct pv_bundle bundle = {.beside = pv_bytes(nothing, sizeof nothing)};
	pv_cbor_init(&in, item);
	pv_cbor_get_array_of(&in, 3);
	bundle.entry = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES);
	bundle.refs = pv_cbor_get_item(&in);
	bundle.body = pv_cbor_get_bytes(&in, PV_LIMIT_BODY_BYTES);
	if (pv_cbor_finish(&in)) abort();
	pv_buf_init(body, 1 << 20);
	pv_cbor_put_array(body, 1);
	pv_bundle_put(body, &bundle);
}

static void test_append_behind(void)
{
	char restore[128], entries[128];
	struct pv_buf tail, more;
	struct log now = {.from = of_young.from};
	target_of(&young, "restore", restore);
	target_of(&young, "entries", entries);
	begin(&now);
	put_tail(&of_young, 0, of_young.from + 1, 1, &tail);
	put_bundle(of_young.items[of_young.from + 1], &more);
	struct srv_post posts[] = {{.target = restore, .token = ada.token, .body = pv_buf_bytes(&tail)},
				   {.target = entries, .token = ada.token, .body = pv_buf_bytes(&more)}};
	srv_post_together(&srv, posts, 2);
	tap_ok(posts[0].status == 200, "a room that the backup does not know is given back");
	tap_ok(posts[1].status == 503 && strcmp(posts[1].reason, "restored") == 0, "and what is appended behind it, at once, waits");
	look(&young, &now);
	tap_ok(now.count == of_young.from + 1 && pv_bytes_equal(pv_buf_bytes(&now.notes[1]), pv_buf_bytes(&of_young.notes[1])),
	       "so that the checkpoint is over all that is there");
	pv_buf_release(&tail);
	pv_buf_release(&more);
	end(&now);
}

static void grow(struct rig_member *room, struct log *log)
{
	for (int i = 0; i < TAIL; i++) {
		if (rig_say(room, "after it") || rig_push(room)) abort();
		look(room, log);
	}
}

int main(void)
{
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	snprintf(backup, sizeof backup, "%s/copy.db", dir);
	srv_init(&srv, 1);
	begin(&of_old);
	begin(&of_young);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || rig_found(&old, &ada.device) || rig_say(&old, "one") ||
	    rig_push(&old))
		abort();
	struct pv_meta *meta = srv.server.meta;
	of_old.from = srv_room(&srv, pv_room_id(old.room)).size;
	if (meta->ops->snapshot(meta, backup, NULL, NULL)) abort();
	grow(&old, &of_old);
	if (rig_found(&young, &ada.device) || rig_say(&young, "one") || rig_push(&young)) abort();
	of_young.from = srv_room(&srv, pv_room_id(young.room)).size;
	grow(&young, &of_young);
	srv_go_back(&srv, backup);
	srv_person_login(&ada);
	srv_person_login(&bob);
	test_tails();
	test_append_behind();
	rig_member_close(&young);
	rig_member_close(&old);
	srv_person_release(&ada);
	srv_person_release(&bob);
	end(&of_old);
	end(&of_young);
	srv_release(&srv);
	for (const char *const *tail = (const char *const[]){"", "-wal", "-shm", NULL}; *tail; tail++) {
		char path[80];
		snprintf(path, sizeof path, "%s%s", backup, *tail);
		unlink(path);
	}
	rmdir(dir);
	return tap_done();
}
