/* After a restore: epochs that one member holds and another lacks are linked again, whoever made which in between. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member a, b;
static char dir[] = "/tmp/privity-links-XXXXXX", path[64];

static void clean_up(void)
{
	char file[80];
	for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
		snprintf(file, sizeof file, "%s%s", path, *end);
		unlink(file);
	}
}

static void copy(void)
{
	clean_up();
	if (srv.server.meta->ops->snapshot(srv.server.meta, path, NULL, NULL)) abort();
}

static void go_back(void)
{
	srv_go_back(&srv, path);
	srv_person_login(&ada);
	srv_person_login(&bob);
}

/* Ada's room, in which "zero" is said; `bob_joins`: then a copy is made, and Bob comes and makes the next epoch. */
static void begin(bool bob_joins)
{
	struct pv_invite_link link;
	srv_init(&srv, 1);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || rig_found(&a, &ada.device) || rig_say(&a, "zero") ||
	    rig_push(&a))
		abort();
	if (bob_joins && rig_invite(&a, PV_ROLE_OWNER, 1, &link)) abort();
	copy();
	if (bob_joins && (rig_join(&b, &bob.device, &link) || rig_say(&b, "one") || rig_push(&b))) abort();
}

static void end(bool bob_joined)
{
	if (bob_joined) rig_member_close(&b);
	rig_member_close(&a);
	srv_person_release(&ada);
	srv_person_release(&bob);
	srv_release(&srv);
	clean_up();
}

static bool reads(struct rig_member *member, const char *expected)
{
	struct pv_buf texts;
	pv_buf_init(&texts, 1 << 16);
	rig_texts(member, &texts);
	bool same = strcmp((const char *)texts.p, expected) == 0;
	if (!same) tap_note("reads: %s", (const char *)texts.p);
	pv_buf_release(&texts);
	return same;
}

/* Somebody with the device's keys and nothing else. */
static bool cold_reads(struct rig_device *device, const char *expected)
{
	struct rig_member cold;
	bool same = rig_member_open(&cold, device, pv_room_id(a.room)) == PV_OK && rig_pull(&cold) == PV_OK && reads(&cold, expected);
	rig_member_close(&cold);
	return same;
}

static void settle(void)
{
	for (int i = 0; i < 3; i++)
		if (rig_push(&b) || rig_push(&a)) abort();
}

/* Bob made an epoch whose wraps are lost; Ada, who never had it, makes the next, and has lost Bob's key. */
static void test_in_turn(void)
{
	begin(true);
	go_back();
	if (rig_pull(&b) || rig_pull(&a)) abort();
	pv_room_go_on(a.room);
	tap_ok(rig_pull(&a) == PV_OK && rig_say(&a, "two") == PV_OK && rig_push(&a) == PV_OK && pv_roster_epoch(pv_room_roster(a.room)) == 2,
	       "Ada makes an epoch without the one before, and not for Bob");
	tap_ok(rig_push(&b) == PV_OK && pv_roster_epoch(pv_room_roster(b.room)) == 2, "he waits for her who has it");
	static const char fail[] = "CREATE TEMP TRIGGER fails BEFORE INSERT ON value WHEN NEW.name = 'pv.fold' BEGIN SELECT RAISE(ABORT, 'as planned'); END";
	if (rig_push(&a) || sqlite3_exec(b.db, fail, NULL, NULL, NULL)) abort();
	tap_ok(rig_pull(&b) != PV_OK, "the key comes, and what it opens cannot be noted");
	if (sqlite3_exec(b.db, "DROP TRIGGER fails", NULL, NULL, NULL)) abort();
	settle();
	tap_ok(reads(&b, "zero\none\ntwo\n"), "and reads it then");
	tap_ok(reads(&a, "zero\none\ntwo\n"), "she reads what he had said before");
	tap_ok(cold_reads(&bob.device, "zero\none\ntwo\n"), "so does who has nothing but his keys");
	uint64_t epoch = pv_roster_epoch(pv_room_roster(a.room));
	settle();
	tap_ok(pv_roster_epoch(pv_room_roster(a.room)) == epoch, "and that is the end of it");
	end(true);
}

/* As before; but Bob has to make an epoch at once, and so cuts off the one that Ada had linked hers to. */
static void test_cut_off(void)
{
	struct pv_invite_link link;
	struct rig_member c;
	struct srv_person carl;
	begin(true);
	if (srv_person_init(&carl, &srv, 4, NULL) || rig_invite(&b, PV_ROLE_VIEWER, 1, &link) || rig_join(&c, &carl.device, &link) || rig_pull(&b)) abort();
	uint64_t epoch = pv_roster_epoch(pv_room_roster(b.room));
	go_back();
	if (rig_pull(&b) || rig_pull(&a)) abort();
	pv_room_go_on(a.room);
	if (rig_pull(&a) || rig_say(&a, "two") || rig_push(&a) || rig_pull(&b)) abort();
	tap_ok(!reads(&b, "zero\none\ntwo\n") && pv_room_remove(b.room, &carl.device.me.person) == PV_OK && rig_push(&b) == PV_OK &&
		       pv_roster_epoch(pv_room_roster(b.room)) == epoch + 2,
	       "Bob, who lacks Ada's epoch, removes Carl, and makes the next without it");
	settle();
	tap_ok(reads(&b, "zero\none\ntwo\n") && reads(&a, "zero\none\ntwo\n"), "she links it again, though she had linked before");
	epoch = pv_roster_epoch(pv_room_roster(a.room));
	settle();
	tap_ok(pv_roster_epoch(pv_room_roster(a.room)) == epoch, "once");
	rig_member_close(&c);
	srv_person_release(&carl);
	end(true);
}

/* The network goes when something has been written. */
static void cut_off_writer(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
	(void)page;
	if (request->method != PV_POST || !strstr(request->path, "/entries")) return;
	server->tamper = NULL;
	server->down_from = server->requests;
}

/* A forget begins with an epoch without links. */
static void test_forget(void)
{
	begin(true);
	go_back();
	if (rig_pull(&b) || rig_pull(&a)) abort();
	pv_room_go_on(a.room);
	if (rig_pull(&a)) abort();
	settle();
	uint64_t epoch = pv_roster_epoch(pv_room_roster(a.room));
	struct pv_range range = {0, pv_roster_size(pv_room_roster(a.room))};
	ada.proxy.tamper = cut_off_writer;
	tap_ok(pv_room_forget(a.room, &range, 1) == PV_OK && rig_push(&a) == PV_ERR_OFFLINE, "Ada has all be forgotten, and is cut off when she has begun");
	tap_ok(rig_push(&b) == PV_OK && pv_roster_epoch(pv_room_roster(b.room)) == epoch + 2, "Bob, who cannot know, links across her cut");
	ada.proxy.down_from = 0;
	ada.proxy.tamper = cut_off_writer;
	tap_ok(rig_push(&a) == PV_ERR_OFFLINE && rig_push(&b) == PV_OK && pv_roster_epoch(pv_room_roster(b.room)) == epoch + 3, "but not when she cuts again");
	ada.proxy.down_from = ada.proxy.requests + 200;
	tap_ok(rig_push(&a) == PV_OK && pv_roster_forget_count(pv_room_roster(a.room)) == 1, "she goes on");
	ada.proxy.down_from = 0;
	settle();
	tap_ok(pv_roster_epoch(pv_room_roster(a.room)) == epoch + 3, "and does not undo it herself");
	end(true);
}

/* Ada's removal and its rekey are signed, and not sent, before she hears of the restore: what her rekey leads to leads on
 * by links that are lost. */
static void test_signed_before(void)
{
	begin(true);
	if (rig_pull(&a) || pv_room_remove(a.room, &bob.device.me.person)) abort();
	go_back();
	if (rig_pull(&a)) abort();
	pv_room_go_on(a.room);
	tap_ok(rig_pull(&b) == PV_OK && rig_push(&a) == PV_OK && pv_roster_epoch(pv_room_roster(a.room)) >= 2, "a rekey signed before the restore is sent after it");
	tap_ok(rig_push(&a) == PV_OK && cold_reads(&ada.device, "zero\none\n"), "and who has nothing but Ada's keys reads all");
	end(true);
}

/* The network goes when the entries have come, and their keys not yet. */
static void cut(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
	(void)page;
	if (!strstr(request->path, "/entries?")) return;
	server->tamper = NULL;
	server->down_from = server->requests;
}

static void test_without_the_newest(void)
{
	struct rig_member late;
	struct pv_invite_link link;
	struct srv_person carl;
	begin(true);
	if (srv_person_init(&carl, &srv, 4, NULL)) abort();
	ada.proxy.tamper = cut;
	tap_ok(rig_pull(&a) == PV_ERR_OFFLINE && pv_roster_epoch(pv_room_roster(a.room)) == 1 && !reads(&a, "zero\none\n"), "Ada has Bob's entries, and not their key");
	tap_ok(pv_room_remove(a.room, &bob.device.me.person) == PV_OK, "she removes him");
	ada.proxy.down_from = 0;
	tap_ok(rig_push(&a) == PV_OK && pv_roster_epoch(pv_room_roster(a.room)) == 2, "and the rekey follows");
	if (rig_invite(&a, PV_ROLE_VIEWER, 1, &link) || rig_join(&late, &carl.device, &link)) abort();
	tap_ok(rig_pull(&late) == PV_OK && reads(&late, "zero\none\n"), "which links what he said, though she had not read it then");
	rig_member_close(&late);
	srv_person_release(&carl);
	end(true);
}

static bool kit_has_key(void)
{
	struct rig_device kit;
	bool has = false;
	char token[sizeof ada.token];
	memcpy(token, ada.token, sizeof token);
	srv_login(&srv, &ada.device.paper.public, &ada.device.paper.sign_sk, ada.token);
	if (rig_device_open(&kit, &ada.proxy, &ada.device.paper, &ada.device.me.person, 11) || rig_person_pull(&kit)) abort();
	if (pv_room_has_present_key(kit.person, &has)) abort();
	rig_device_release(&kit);
	memcpy(ada.token, token, sizeof token);
	return has;
}

/* Ada's own room has an epoch whose wraps are lost, and whose secret her home, brought back from a copy, does not have. */
static void test_lost_to_all(void)
{
	struct rig_device second;
	struct pv_revocation revoked = {.count = 1};
	begin(false);
	if (rig_device_second(&second, &ada.device, 7, false)) abort();
	copy();
	revoked.devices[0] = second.me.device;
	if (pv_device_revoke(ada.device.person, &revoked) || rig_person_push(&ada.device)) abort();
	uint64_t epoch = pv_roster_epoch(pv_room_roster(ada.device.person));
	go_back();
	if (rig_person_pull(&ada.device)) abort();
	pv_room_go_on(ada.device.person);
	if (rig_person_pull(&ada.device) || sqlite3_exec(ada.device.person_db, "DELETE FROM epoch WHERE epoch > 0; DELETE FROM value WHERE name = 'sync.lost-to'", NULL, NULL, NULL)) abort();
	tap_ok(epoch == 1 && !kit_has_key(), "the kit, too, lacks what nobody has");
	tap_ok(rig_person_push(&ada.device) == PV_OK && pv_roster_epoch(pv_room_roster(ada.device.person)) == epoch + 1, "her device makes a new epoch, since nobody is left to ask");
	tap_ok(kit_has_key(), "which the kit opens");
	rig_device_release(&second);
	end(false);
}

/* The server is restored when it has given the entries, and before it gives the checkpoint. */
static void restore_between(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
	(void)page;
	if (!strstr(request->path, "/entries?")) return;
	server->tamper = NULL;
	go_back();
}

static void test_in_between(void)
{
	begin(false);
	if (rig_say(&a, "one") || rig_push(&a)) abort();
	srv.now_ms += 2ull * 3600 * 1000; /* old enough for a new checkpoint */
	srv_person_login(&ada);
	ada.proxy.tamper = restore_between;
	tap_ok(rig_pull(&a) == PV_OK && !ada.proxy.tamper, "a restore between the entries and their checkpoint alarms nobody");
	tap_ok(srv_room(&srv, pv_room_id(a.room)).size == pv_roster_size(pv_room_roster(a.room)), "what was lost is given back");
	end(false);
}

static void cut_page_and_go_back(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
	if (!strstr(request->path, "/entries?")) return;
	srv_cut_page(page);
	server->tamper = NULL;
	go_back();
}

/* The server is restored when it has given a part of the log, and before it proves that this is one of what it signed. */
static void test_within_page(void)
{
	struct pv_invite_link link;
	begin(false);
	if (rig_invite(&a, PV_ROLE_EDITOR, 1, &link) || rig_join(&b, &bob.device, &link) || rig_push(&b) || rig_pull(&a)) abort();
	copy();
	for (int i = 0; i < 2; i++)
		if (rig_say(&a, "one") || rig_push(&a)) abort();
	bob.proxy.tamper = cut_page_and_go_back;
	tap_ok(rig_pull(&b) == PV_OK && !bob.proxy.tamper, "nor does one between a page and its proof: Bob's device looks again");
	tap_ok(rig_pull(&a) == PV_OK && rig_pull(&b) == PV_OK && reads(&b, "zero\none\none\n"), "and has all of it, once Ada gave it back");
	end(true);
}

/* Bob's join is in, and he was not told; a restore loses it, and Ada gives it back. */
static void test_join_that_came_back(void)
{
	struct pv_invite_link link;
	begin(false);
	if (rig_invite(&a, PV_ROLE_EDITOR, 2, &link)) abort();
	copy();
	bob.proxy.tamper = cut_off_writer;
	tap_ok(rig_join(&b, &bob.device, &link) == PV_ERR_OFFLINE && rig_say(&b, "one") == PV_OK, "Bob joins, is cut off before he hears of it, and writes");
	bob.proxy.down_from = 0;
	if (rig_pull(&a)) abort();
	go_back();
	tap_ok(rig_pull(&a) == PV_OK && srv_room(&srv, pv_room_id(a.room)).restored, "Ada gives his join back, and the room waits for him");
	tap_ok(rig_push(&b) == PV_ERR_OFFLINE && pv_roster_principal(pv_room_roster(b.room), &bob.device.me.person), "he comes, and finds that he is in");
	pv_room_go_on(a.room);
	tap_ok(rig_pull(&a) == PV_OK && rig_push(&b) == PV_OK && rig_pull(&a) == PV_OK && reads(&a, "zero\none\n"), "and once it goes on, his words are, too");
	end(true);
}

int main(void)
{
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	snprintf(path, sizeof path, "%s/copy.db", dir);
	test_in_turn();
	test_cut_off();
	test_forget();
	test_signed_before();
	test_without_the_newest();
	test_lost_to_all();
	test_in_between();
	test_within_page();
	test_join_that_came_back();
	rmdir(dir);
	return tap_done();
}
