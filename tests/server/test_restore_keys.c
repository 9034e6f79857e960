/* After a restore: who may give a tail back, by whom a room goes on, and how keys come back that lay beside what was lost. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member a, b, other_a, other_b;
static struct pv_buf answer;

static void go_back(const char *path)
{
	srv_go_back(&srv, path);
	srv_person_login(&ada);
	srv_person_login(&bob);
}

static bool is_restored(const struct pv_hash *id, uint64_t *ret_size)
{
	struct pv_meta_room row = srv_room(&srv, id);
	*ret_size = row.size;
	return row.restored;
}

static bool reads(struct rig_member *member, const char *text)
{
	struct pv_buf texts;
	pv_buf_init(&texts, 1 << 16);
	rig_texts(member, &texts);
	bool has = texts.n && memmem(texts.p, texts.n, text, strlen(text));
	if (!has) tap_note("reads: %.*s", (int)texts.n, (char *)texts.p);
	pv_buf_release(&texts);
	return has;
}

static unsigned kem(const char *token, struct pv_bytes item)
{
	char hex[65], target[96];
	struct pv_buf body;
	pv_hex_encode(pv_room_id(a.room)->b, 32, hex);
	snprintf(target, sizeof target, "/v1/rooms/%s/kem", hex);
	pv_buf_init(&body, 1 << 14);
	pv_cbor_put_array(&body, 1);
	pv_cbor_put_bytes(&body, item.p, item.n);
	unsigned status = srv_ask(&srv, "POST", target, token, pv_buf_bytes(&body), &answer);
	pv_buf_release(&body);
	return status;
}

/* Bob joined after the backup, and nobody but him was there since. */
static void test_newcomer(void)
{
	uint64_t size, had;
	bool waits = is_restored(pv_room_id(a.room), &had);
	tap_ok(waits && had == 2, "the room is as it was before Bob came");
	tap_ok(rig_pull(&b) == PV_OK, "Bob, whom it does not know, brings back what he has");
	tap_ok(is_restored(pv_room_id(a.room), &size) && size == pv_roster_size(pv_room_roster(b.room)), "all of it");
	tap_ok(rig_pull(&a) == PV_OK && !reads(&a, "two"), "but not what lay beside it: Ada lacks the key that he made");
	pv_room_go_on(a.room); /* her other device was not there */
	tap_ok(rig_pull(&a) == PV_OK && !is_restored(pv_room_id(a.room), &size), "Ada says to go on");
	uint64_t epoch = pv_roster_epoch(pv_room_roster(b.room));
	struct rig_member cold;
	if (sqlite3_exec(b.db, "DELETE FROM kem_key", NULL, NULL, NULL)) abort(); /* as a device that never had them */
	tap_ok(rig_push(&b) == PV_OK && pv_roster_epoch(pv_room_roster(b.room)) == epoch + 1, "Bob makes a new epoch, unasked");
	tap_ok(rig_pull(&a) == PV_OK && reads(&a, "two"), "and Ada reads what she had never seen");
	tap_ok(rig_member_open(&cold, &bob.device, pv_room_id(a.room)) == PV_OK && rig_pull(&cold) == PV_OK && reads(&cold, "two"),
	       "so does who has nothing but Bob's keys, for whom his device made a wrap, too");
	rig_member_close(&cold);
}

/* Bob joined another room after the backup. What is left of it, on any device, is a copy that was cut off between the entries
 * and their keys. */
static void join_cut_off(const struct pv_invite_link *link)
{
	struct rig_member first;
	if (rig_join(&first, &bob.device, link) || rig_say(&first, "five") || rig_push(&first)) abort();
	uint64_t all = pv_roster_size(pv_room_roster(first.room));
	if (rig_member_open(&other_b, &bob.device, pv_room_id(first.room))) abort();
	bob.proxy.down_from = bob.proxy.requests + 1;
	tap_ok(rig_pull(&other_b) != PV_OK && pv_roster_size(pv_room_roster(other_b.room)) == all, "Bob has all entries of another room, and no key");
	bob.proxy.down_from = 0;
	rig_member_close(&first);
	rig_member_close(&other_a);
}

/* The server refuses him wraps, since it does not know him. */
static void test_without_key(void)
{
	uint64_t size, all = pv_roster_size(pv_room_roster(other_b.room));
	tap_ok(is_restored(pv_room_id(other_b.room), &size) && size < all, "it is restored to before he came");
	tap_ok(rig_pull(&other_b) == PV_OK && is_restored(pv_room_id(other_b.room), &size) && size == all,
	       "he gives all back before he asks for the key");
	rig_member_close(&other_b);
}

/* His key lay beside the entry by which he joined. */
static void test_keys(void)
{
	struct pv_kem_pk key;
	struct pv_hash hash;
	srv.now_ms += 40ull * 24 * 3600 * 1000; /* then a new epoch follows what is written next */
	srv_person_login(&ada);
	srv_person_login(&bob);
	if (rig_pull(&a) || rig_pull(&b) || rig_say(&a, "still in the old one") || rig_push(&a)) abort();
	tap_ok(rig_say(&a, "three") == PV_OK && rig_push(&a) == PV_OK && rig_pull(&b) == PV_OK && !reads(&b, "three"),
	       "for Ada's next epoch Bob's key is missing");
	tap_ok(rig_push(&b) == PV_OK && rig_push(&a) == PV_OK, "he says so, and gives it back");
	tap_ok(rig_say(&a, "four") == PV_OK && rig_push(&a) == PV_OK && rig_pull(&b) == PV_OK && reads(&b, "four"), "so that he reads on");
	tap_ok(reads(&b, "three"), "and what came between");
	uint64_t epoch = pv_roster_epoch(pv_room_roster(a.room));
	for (int i = 0; i < 3; i++)
		if (rig_push(&a) || rig_push(&b)) abort();
	tap_ok(pv_roster_epoch(pv_room_roster(a.room)) == epoch, "then nobody makes another one");
	memset(key.b, 7, sizeof key.b);
	pv_kem_hash(&key, &hash);
	tap_ok(kem(bob.token, PV_BYTES_OF(key)) == 200 && kem(ada.token, PV_BYTES_OF(hash)) == 200 && answer.n > sizeof key.b,
	       "a key that is given is found by its hash");
	tap_ok(kem(bob.token, pv_bytes(key.b, 64)) == 400, "half a key is refused");
}

/* A cut that a forget makes is meant: nobody links across it for the restore's sake again and again. */
static void test_forgets(void)
{
	uint64_t at = pv_roster_size(pv_room_roster(a.room)) - 1, epoch = pv_roster_epoch(pv_room_roster(a.room));
	struct pv_range range = {0, at + 1};
	tap_ok(pv_room_forget(a.room, &range, 1) == PV_OK, "Ada has all be forgotten");
	ada.proxy.down_from = ada.proxy.requests + 200;
	bob.proxy.down_from = bob.proxy.requests + 200;
	tap_ok(rig_push(&a) == PV_OK && rig_push(&b) == PV_OK && rig_push(&a) == PV_OK && rig_push(&b) == PV_OK, "which is sent");
	ada.proxy.down_from = bob.proxy.down_from = 0;
	tap_ok(pv_roster_forget_count(pv_room_roster(b.room)) == 1, "and stands in the log");
	tap_ok(pv_roster_epoch(pv_room_roster(b.room)) <= epoch + 4, "after a cut or two");
}

static void test_stranger(void)
{
	struct srv_person carl;
	struct pv_kem_pk key;
	memset(key.b, 9, sizeof key.b);
	if (srv_person_init(&carl, &srv, 9, NULL)) abort();
	tap_ok(kem(carl.token, PV_BYTES_OF(key)) == 403, "and one by a stranger");
	srv_person_release(&carl);
}

static unsigned give(const char *token, const struct pv_room *room, bool go_on)
{
	return srv_show(&srv, pv_room_id(room), token, pv_room_pin(room), pv_roster_size(pv_room_roster(room)), go_on, &answer);
}

/* Her other devices are gone: one of them, or the kit, is enough. */
static void test_alone(struct rig_device *second)
{
	char token[64], kit[64];
	uint64_t size;
	srv_login(&srv, &second->me.public, &second->me.sign_sk, token);
	tap_ok(give(token, second->person, false) == 200 && is_restored(&ada.device.me.person, &size), "Ada's own room waits for all her devices");
	tap_ok(give(token, second->person, true) == 200 && !is_restored(&ada.device.me.person, &size), "until one of them says to go on");
	srv_login(&srv, &bob.device.paper.public, &bob.device.paper.sign_sk, kit);
	tap_ok(give(bob.token, a.room, true) == 403, "Bob says that of no room of hers");
	tap_ok(give(kit, bob.device.person, false) == 200 && is_restored(&bob.device.me.person, &size), "his kit speaks for no device of his");
	tap_ok(give(kit, bob.device.person, true) == 200 && !is_restored(&bob.device.me.person, &size), "unless he says to go on by it");
}

/* Push the device's person room under a session of its own. */
static enum pv_err push_as(struct srv_person *person, struct rig_device *device)
{
	srv_login(&srv, &device->me.public, &device->me.sign_sk, person->token);
	return rig_person_push(device);
}

/* Carl came after the backup, and added a phone that had looked at nothing yet. It finds no key that was wrapped to it, and
 * makes a new one: for whom? */
static void test_kit(struct srv_person *carl, const struct rig_device *added)
{
	struct rig_device kit, phone;
	bool has = false;
	srv_person_sync_time(carl);
	srv_login(&srv, &carl->device.me.public, &carl->device.me.sign_sk, carl->token);
	tap_ok(rig_person_pull(&carl->device) == PV_OK, "Carl brings his own room back");
	if (rig_device_open(&phone, &carl->proxy, &added->me, &carl->device.me.person, 12)) abort();
	for (int i = 0; i < 3; i++)
		if (push_as(carl, &phone) || push_as(carl, &carl->device)) abort();
	tap_ok(rig_person_pull(&phone) == PV_OK && pv_room_has_present_key(carl->device.person, &has) == PV_OK && has &&
		       pv_room_has_present_key(phone.person, &has) == PV_OK && has,
	       "his devices make new keys, of which both have the newest");
	if (rig_device_open(&kit, &carl->proxy, &carl->device.paper, &carl->device.me.person, 11)) abort();
	tap_ok(rig_person_pull(&kit) == PV_OK && pv_room_has_present_key(kit.person, &has) == PV_OK && has, "and so has his kit");
	rig_device_release(&phone);
	rig_device_release(&kit);
}

static void clean_up(const char *dir)
{
	char path[64];
	for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
		snprintf(path, sizeof path, "%s/copy.db%s", dir, *end);
		unlink(path);
	}
	rmdir(dir);
}

int main(void)
{
	char dir[] = "/tmp/privity-restore-XXXXXX", path[64];
	struct pv_invite_link link, other;
	struct srv_person carl;
	struct rig_device second, phone;
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	snprintf(path, sizeof path, "%s/copy.db", dir);
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 20);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || rig_device_second(&second, &ada.device, 7, false) ||
	    rig_found(&a, &ada.device) || rig_invite(&a, PV_ROLE_EDITOR, 1, &link) || rig_found(&other_a, &ada.device) ||
	    rig_invite(&other_a, PV_ROLE_EDITOR, 1, &other))
		abort();
	if (srv.server.meta->ops->snapshot(srv.server.meta, path, NULL, NULL)) abort();
	if (rig_join(&b, &bob.device, &link) || rig_say(&b, "two") || rig_push(&b)) abort();
	join_cut_off(&other);
	if (srv_person_init(&carl, &srv, 5, NULL) || rig_device_second(&phone, &carl.device, 6, false)) abort();
	go_back(path);
	test_kit(&carl, &phone);
	test_alone(&second);
	test_newcomer();
	test_without_key();
	test_keys();
	test_forgets();
	test_stranger();
	rig_device_release(&phone);
	srv_person_release(&carl);
	rig_device_release(&second);
	rig_member_close(&a);
	rig_member_close(&b);
	srv_person_release(&ada);
	srv_person_release(&bob);
	pv_buf_release(&answer);
	srv_release(&srv);
	clean_up(dir);
	return tap_done();
}
