/* After a restore: whose word opens a client room, what a kit's counts for, and what a server shows that is not its log. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member a, b;
static struct pv_buf answer, old_note;
static char ada_kit[64], bob_kit[64];
static uint64_t backup_size;

static void login(void)
{
	struct srv_person *both[] = {&ada, &bob};
	char *kits[] = {ada_kit, bob_kit};
	for (size_t i = 0; i < 2; i++) {
		srv_person_login(both[i]);
		srv_login(&srv, &both[i]->device.paper.public, &both[i]->device.paper.sign_sk, kits[i]);
	}
}

static void go_back(const char *path)
{
	srv_go_back(&srv, path);
	login();
}

static bool waits(void)
{
	struct pv_meta_room row = srv_room(&srv, pv_room_id(a.room));
	return row.restored && row.size == backup_size;
}

/* Without entries: who comes shows how far they had come, and may say that the room goes on. */
static void is_given(const char *token, struct pv_bytes note, bool go_on, unsigned want, const char *reason, const char *what)
{
	unsigned got = srv_show(&srv, pv_room_id(a.room), token, note, backup_size, go_on, &answer);
	bool same = got == want && strcmp(srv_reason, reason) == 0;
	tap_ok(same, "%s", what);
	if (!same) tap_note("got %u %s, want %u %s: %.*s", got, srv_reason, want, reason, (int)answer.n, (char *)answer.p);
}

/* The kit of an owner who has no device any more is that owner's word, but only if it gives it. */
static void test_kit(void)
{
	struct pv_bytes old = pv_buf_bytes(&old_note);
	is_given(bob_kit, old, false, 200, "", "an owner's kit comes, and holds nothing of its own");
	is_given(ada.token, old, true, 409, "unshown", "so the other owner cannot say yet that the room goes on");
	tap_ok(waits(), "and it waits");
	is_given(bob_kit, old, true, 200, "", "the kit says so, and as the other was here, that is all of them");
	tap_ok(!waits(), "it is open");
}

static void test_kit_first(void)
{
	struct pv_bytes old = pv_buf_bytes(&old_note);
	is_given(bob_kit, old, true, 409, "unshown", "a kit says that the room goes on, before the other owner came");
	tap_ok(waits(), "who is waited for");
	is_given(ada.token, old, true, 200, "", "she says it, too: the kit's word was kept");
	tap_ok(!waits(), "and it is open");
}

/* A client room has a successor to go on in: nobody gives up there what others are known to have. */
static void test_missing(struct pv_bytes newer)
{
	struct pv_bytes old = pv_buf_bytes(&old_note);
	is_given(bob.token, newer, false, 200, "", "Bob shows a longer history, and gives nothing");
	is_given(ada_kit, old, true, 409, "size", "the founder's kit cannot give it up");
	tap_ok(waits(), "the room waits for it");
}

/* What its log lost may have closed the link: no half is given away, and nothing said of that, before it is back. */
static void test_gate(const struct rig_member *other, const struct pv_invite_link *link)
{
	struct rig_member guest;
	struct pv_meta_room before = srv_room(&srv, pv_room_id(other->room));
	tap_ok(rig_join(&guest, &bob.device, link) != PV_OK && strcmp(bob.last_reason, "restored") == 0, "a link into a room that waits opens for nobody");
	struct pv_meta_room after = srv_room(&srv, pv_room_id(other->room));
	tap_ok(before.restored && after.restored && after.size == before.size, "and the log says nothing of it");
}

/* A device whose database is gone, but not what it had pinned: it takes what the server has, and forgets no longer log for it. */
static void test_pin(struct pv_bytes newer)
{
	struct pv_room_options options = {.me = &ada.device.me, .person_room = ada.device.person, .random = &ada.device.random,
					  .room_id = *pv_room_id(a.room), .pin = newer};
	struct rig_member again;
	if (rig_member_open(&again, &ada.device, pv_room_id(a.room))) abort();
	pv_room_close(again.room);
	options.store = again.store;
	if (pv_room_open(&options, &again.room)) abort();
	tap_ok(rig_pull(&again) == PV_OK && pv_roster_size(pv_room_roster(again.room)) == backup_size, "an empty device takes what is there");
	tap_ok(pv_bytes_equal(pv_room_pin(again.room), newer), "and keeps the longer one pinned that it knew");
	rig_member_close(&again);
}

/* ---- what the server shows */

static void spoil_note(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
	(void)server;
	if (!strstr(request->path, "/entries?")) return;
	uint8_t *at = page->p + page->n - 12; /* in the last signature, before a small number */
	*at = *at == 'A' ? 'B' : 'A';
}

static void test_signature(void)
{
	ada.proxy.tamper = spoil_note;
	tap_ok(rig_pull(&a) == PV_ERR_BAD_SIG && strstr(pv_room_alarm(a.room), "not signed by this room's log key") != NULL,
	       "a restored server's note that its log key did not sign is an alarm");
	ada.proxy.tamper = NULL;
	tap_ok(rig_pull(&a) == PV_OK, "as it was signed, it is none");
}

/* Three items instead of four, as of a room that waits for nothing. */
static void hide_restored(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
	(void)server;
	if (!strstr(request->path, "/entries?")) return;
	page->p[0] = 0x83;
	page->n--;
}

/* What a client sends that does not know, or does not care, that the room waits. */
static void test_appended(void)
{
	ada.proxy.tamper = hide_restored;
	if (rig_say(&a, "too early")) abort();
	tap_ok(rig_push(&a) == PV_ERR_OFFLINE && strcmp(ada.last_reason, "restored") == 0, "the server takes nothing new before it goes on");
	ada.proxy.tamper = NULL;
	tap_ok(waits(), "and waits");
	is_given(bob.token, pv_buf_bytes(&old_note), false, 200, "", "for Bob, who comes");
	tap_ok(rig_push(&a) == PV_OK && !waits(), "then it does");
}

/* Put back once more, it goes on without what Ada wrote; and is put back from that. */
static void test_another_history(const char *path)
{
	struct rig_member fresh;
	go_back(path);
	is_given(ada.token, pv_buf_bytes(&old_note), false, 200, "", "Ada was there, as far as the backup goes");
	if (rig_member_open(&fresh, &bob.device, pv_room_id(a.room)) || rig_pull(&fresh) || waits()) abort();
	tap_ok(rig_say(&fresh, "in another history") == PV_OK && rig_push(&fresh) == PV_OK, "Bob, with an empty copy, writes on");
	if (srv.server.meta->ops->mark_restored(srv.server.meta, srv.now_ms)) abort();
	srv_restart(&srv);
	login();
	ada.proxy.down_from = ada.proxy.requests + 1; /* only that page: what an honest server would answer to her head she does not hear */
	tap_ok(rig_pull(&a) == PV_ERR_FORK && strstr(pv_room_alarm(a.room), "not the beginning of what was seen here") != NULL,
	       "that this is not the beginning of what she holds Ada sees herself");
	ada.proxy.down_from = 0;
	rig_member_close(&fresh);
}

int main(void)
{
	enum { PATHS = 5 };
	char dir[] = "/tmp/privity-go-on-XXXXXX", paths[PATHS][64], path[80];
	struct pv_invite_link link, other_link;
	struct rig_member other;
	struct pv_buf newer;
	struct pv_meta_room row;
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 20);
	pv_buf_init(&old_note, PV_LIMIT_NOTE_BYTES);
	pv_buf_init(&newer, PV_LIMIT_NOTE_BYTES);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || rig_found(&a, &ada.device) ||
	    rig_invite(&a, PV_ROLE_OWNER, 1, &link) || rig_join(&b, &bob.device, &link) || rig_push(&a) || rig_pull(&b) ||
	    rig_found(&other, &ada.device) || rig_invite(&other, PV_ROLE_VIEWER, 3, &other_link))
		abort();
	struct pv_bytes pin = pv_room_pin(b.room);
	pv_buf_append(&old_note, pin.p, pin.n);
	if (srv.server.meta->ops->room(srv.server.meta, pv_room_id(a.room), &row)) abort();
	backup_size = row.size;
	for (size_t i = 0; i < PATHS; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/%zu.db", dir, i);
		if (srv.server.meta->ops->snapshot(srv.server.meta, paths[i], NULL, NULL)) abort();
	}
	if (rig_say(&b, "after it") || rig_push(&b)) abort();
	pin = pv_room_pin(b.room);
	pv_buf_append(&newer, pin.p, pin.n);
	go_back(paths[0]);
	test_kit();
	go_back(paths[1]);
	test_kit_first();
	go_back(paths[2]);
	test_missing(pv_buf_bytes(&newer));
	test_pin(pv_buf_bytes(&newer));
	test_gate(&other, &other_link);
	go_back(paths[3]);
	test_signature();
	test_appended();
	for (int i = 0; i < 3; i++)
		if (rig_say(&a, "and on") || rig_push(&a)) abort();
	test_another_history(paths[4]);
	rig_member_close(&a);
	rig_member_close(&b);
	rig_member_close(&other);
	srv_person_release(&ada);
	srv_person_release(&bob);
	pv_buf_release(&newer);
	pv_buf_release(&old_note);
	pv_buf_release(&answer);
	srv_release(&srv);
	for (size_t i = 0; i < PATHS; i++)
		for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
			snprintf(path, sizeof path, "%.60s%.8s", paths[i], *end);
			unlink(path);
		}
	rmdir(dir);
	return tap_done();
}
