/* A restored server: what it refuses, and what of a tail it takes back. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

enum { TAIL_MAX = 16 };

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member a;
static struct pv_buf answer, log_page;
static char target[128];
static struct pv_bytes items[TAIL_MAX], note, old_note;
static size_t item_count;
static uint64_t backup_size;

static void is_status(unsigned got, unsigned want, const char *reason, const char *what)
{
	bool same = got == want && strcmp(srv_reason, reason) == 0;
	tap_ok(same, "%s", what);
	if (!same) tap_note("got %u %s, want %u %s: %.*s", got, srv_reason, want, reason, (int)answer.n, (char *)answer.p);
}

static void read_log(uint64_t from, struct pv_buf *page)
{
	char hex[65], path[128];
	struct pv_cbor in;
	pv_hex_encode(pv_room_id(a.room)->b, 32, hex);
	snprintf(path, sizeof path, "/v1/rooms/%s/entries?from=%llu&bodies=1", hex, (unsigned long long)from);
	snprintf(target, sizeof target, "/v1/rooms/%s/restore", hex);
	if (srv_ask(&srv, "GET", path, ada.token, pv_bytes(NULL, 0), page) != 200) abort();
	pv_cbor_init(&in, pv_buf_bytes(page));
	pv_cbor_get_array_of(&in, 3);
	pv_cbor_get_item(&in);
	item_count = pv_cbor_get_array(&in, TAIL_MAX);
	for (size_t i = 0; i < item_count; i++) items[i] = pv_cbor_get_item(&in);
	note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
	if (pv_cbor_finish(&in)) abort();
}

static void go_back(const char *path)
{
	srv_go_back(&srv, path);
	srv_person_login(&ada);
	srv_person_login(&bob);
}

static unsigned give(struct srv_person *who, struct pv_bytes shown, uint64_t from, bool go_on, const struct pv_bytes *given, size_t count)
{
	struct pv_buf body;
	pv_buf_init(&body, 1 << 20);
	pv_cbor_put_array(&body, 4);
	pv_cbor_put_bytes(&body, shown.p, shown.n);
	pv_cbor_put_uint(&body, from);
	pv_cbor_put_bool(&body, go_on);
	pv_cbor_put_array(&body, count);
	for (size_t i = 0; i < count; i++) pv_buf_append(&body, given[i].p, given[i].n);
	unsigned status = srv_ask(&srv, "POST", target, who->token, pv_buf_bytes(&body), &answer);
	pv_buf_release(&body);
	return status;
}

static uint64_t size_here(bool *ret_restored)
{
	struct pv_meta_room row = srv_room(&srv, pv_room_id(a.room));
	*ret_restored = row.restored;
	return row.size;
}

static void is_as_before(const char *what)
{
	bool restored;
	tap_ok(size_here(&restored) == backup_size && restored, "%s", what);
}

static void test_refused(void)
{
	struct pv_bytes swapped[TAIL_MAX];
	uint8_t forged[PV_LIMIT_NOTE_BYTES];
	memcpy(forged, note.p, note.n);
	forged[note.n - 10] ^= forged[note.n - 10] == 'A' ? 3 : 1;
	is_status(give(&ada, pv_bytes(forged, note.n), backup_size, false, items, item_count), 400, "signature",
		  "a checkpoint that it did not sign is refused");
	is_status(give(&ada, note, backup_size, false, items, item_count - 1), 409, "size", "so are fewer entries than it is of");
	is_status(give(&ada, note, backup_size + 1, false, items + 1, item_count - 1), 409, "size", "and those that leave a gap");
	memcpy(swapped, items, sizeof swapped);
	swapped[0] = items[1];
	swapped[1] = items[0];
	is_status(give(&ada, note, backup_size, false, swapped, item_count), 400, "impossible", "and those in another order");
	swapped[0] = swapped[1] = items[0];
	is_status(give(&ada, note, backup_size, false, swapped, item_count), 409, "seen", "and others, though a log could hold them");
	uint8_t changed[4096];
	memcpy(changed, items[0].p, items[0].n);
	changed[items[0].n - 1] ^= 1;
	swapped[0] = pv_bytes(changed, items[0].n);
	swapped[1] = items[1];
	is_status(give(&ada, note, backup_size, false, swapped, item_count), 400, "body", "and one whose body is another");
	struct pv_cbor in;
	struct pv_buf refs;
	pv_cbor_init(&in, items[0]);
	pv_cbor_get_array_of(&in, 3);
	struct pv_bytes entry = pv_cbor_get_item(&in);
	pv_cbor_get_item(&in);
	struct pv_bytes body = pv_cbor_get_item(&in);
	pv_buf_init(&refs, sizeof changed);
	pv_cbor_put_array(&refs, 3);
	pv_buf_append(&refs, entry.p, entry.n);
	pv_cbor_put_array(&refs, 1);
	pv_cbor_put_bytes(&refs, (const uint8_t *)"0123456789abcdef", 16);
	pv_buf_append(&refs, body.p, body.n);
	swapped[0] = pv_buf_bytes(&refs);
	is_status(give(&ada, note, backup_size, false, swapped, item_count), 400, "refs", "and one whose refs are others");
	pv_buf_release(&refs);
	is_as_before("nothing of these was taken");
	is_status(give(&ada, note, backup_size, true, NULL, 0), 409, "size", "nobody says to go on while a longer history is known");
	is_status(give(&bob, old_note, backup_size, true, NULL, 0), 409, "size", "least of all a stranger");
	is_as_before("and it waits");
}

static void test_taken(void)
{
	bool restored;
	is_status(give(&bob, note, backup_size, false, items, item_count), 200, "", "a right tail is taken, whoever brings it");
	uint64_t size = size_here(&restored);
	tap_ok(size == backup_size + item_count, "all of it");
	tap_ok(!restored, "and as its only device had shown its head before, the room is open");
	is_status(give(&ada, note, size, false, NULL, 0), 200, "", "showing once more changes nothing");
	tap_ok(size_here(&restored) == size && !restored, "at all");
	struct pv_buf page;
	struct pv_bytes was = note;
	pv_buf_init(&page, 1 << 20);
	read_log(backup_size, &page);
	tap_ok(pv_bytes_equal(note, was), "its checkpoint is the one that was signed, byte for byte");
	pv_buf_release(&page);
	tap_ok(rig_say(&a, "goes on") == PV_OK && rig_push(&a) == PV_OK && rig_pull(&a) == PV_OK, "and Ada goes on");
	tap_ok(size_here(&restored) == size + 1, "by one entry");
}

/* Put back once more, the room goes on without what came after the backup; then whoever has that comes by. */
static void test_given_up(const char *path)
{
	bool restored;
	pv_buf_clear(&log_page);
	read_log(backup_size, &log_page);
	go_back(path);
	is_status(give(&ada, old_note, backup_size, true, NULL, 0), 200, "", "Ada, who alone is there, says that it goes on");
	tap_ok(size_here(&restored) == backup_size && !restored, "and it does, from where the backup was");
	is_status(give(&ada, note, backup_size, false, items, item_count), 200, "", "the lost tail comes by");
	tap_ok(size_here(&restored) == backup_size && !restored, "too late: an open room takes none");
}

int main(void)
{
	char dir[] = "/tmp/privity-restore-XXXXXX", path[64], again[64];
	struct pv_buf first;
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	snprintf(path, sizeof path, "%s/copy.db", dir);
	snprintf(again, sizeof again, "%s/again.db", dir);
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 20);
	pv_buf_init(&log_page, 1 << 20);
	pv_buf_init(&first, 1 << 20);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || rig_found(&a, &ada.device) ||
	    rig_say(&a, "one") || rig_push(&a))
		abort();
	read_log(0, &first);
	backup_size = item_count;
	old_note = note;
	if (srv.server.meta->ops->snapshot(srv.server.meta, path, NULL, NULL) ||
	    srv.server.meta->ops->snapshot(srv.server.meta, again, NULL, NULL))
		abort();
	for (int i = 0; i < 3; i++)
		if (rig_say(&a, "after it") || rig_push(&a)) abort();
	read_log(backup_size, &log_page);
	char elsewhere[sizeof target];
	memcpy(elsewhere, target, sizeof elsewhere);
	target[strlen("/v1/rooms/")] ^= 1;
	is_status(give(&ada, note, 0, false, items, item_count), 404, "", "a server that was never restored knows no other rooms than its own");
	memcpy(target, elsewhere, sizeof target);
	go_back(path);
	test_refused();
	test_taken();
	test_given_up(again);
	rig_member_close(&a);
	srv_person_release(&ada);
	srv_person_release(&bob);
	pv_buf_release(&first);
	pv_buf_release(&log_page);
	pv_buf_release(&answer);
	srv_release(&srv);
	for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
		snprintf(path, sizeof path, "%s/copy.db%s", dir, *end);
		unlink(path);
		snprintf(path, sizeof path, "%s/again.db%s", dir, *end);
		unlink(path);
	}
	rmdir(dir);
	return tap_done();
}
