/* After a restore: a device that holds less than its newest checkpoint is of says so; who may go on without what nobody has. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada;
static struct rig_device second, late;
static struct pv_buf answer;

static void go_back(const char *path)
{
	srv_go_back(&srv, path);
	srv_person_login(&ada);
}

static bool is_restored(const struct pv_hash *id, uint64_t *ret_size)
{
	struct pv_meta_room row = srv_room(&srv, id);
	*ret_size = row.size;
	return row.restored;
}

/* A page of one entry; after it the network is down. */
static void cut_page(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
	if (!strstr(request->path, "/entries?")) return;
	srv_cut_page(page);
	server->tamper = NULL;
	server->down_from = server->requests + 1; /* the consistency proof still comes */
}

static unsigned give(const char *token, struct pv_bytes note, uint64_t from, bool go_on)
{
	return srv_show(&srv, &ada.device.me.person, token, note, from, go_on, &answer);
}

int main(void)
{
	char dir[] = "/tmp/privity-restore-XXXXXX", path[64], token[64], kit[64];
	const struct pv_hash *person = &ada.device.me.person;
	uint64_t size, had, missing = 0;
	struct pv_buf old;
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	snprintf(path, sizeof path, "%s/copy.db", dir);
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 20);
	pv_buf_init(&old, PV_LIMIT_NOTE_BYTES);
	if (srv_person_init(&ada, &srv, 2, NULL) || rig_device_second(&second, &ada.device, 7, false)) abort();
	struct pv_bytes pin = pv_room_pin(ada.device.person);
	pv_buf_append(&old, pin.p, pin.n);
	if (srv.server.meta->ops->snapshot(srv.server.meta, path, NULL, NULL)) abort();
	(void)is_restored(person, &had);
	if (rig_device_second(&late, &ada.device, 8, false)) abort();
	for (int i = 0; i < 2; i++) {
		struct pv_new_device again;
		struct pv_identity me;
		struct pv_sign_seed sign = {{(uint8_t)(40 + i)}};
		struct pv_kem_seed kem = {{(uint8_t)(50 + i)}};
		pv_identity_derive(&sign, &kem, &me);
		if (pv_device_consent(&me, false, person, &ada.device.me.device, &again) || pv_device_add(ada.device.person, &again) ||
		    rig_person_push(&ada.device))
			abort();
	}
	ada.proxy.tamper = cut_page;
	tap_ok(rig_person_pull(&second) == PV_ERR_OFFLINE, "a device is cut off after the first of several entries");
	ada.proxy.down_from = 0;
	size_t held = pv_roster_size(pv_room_roster(second.person));
	tap_ok(held == had + 1, "which it holds");
	go_back(path);
	tap_ok(is_restored(person, &size) && size == had, "the server goes back to a backup from before");

	tap_ok(rig_person_pull(&second) == PV_OK && is_restored(person, &size) && size == had, "that device cannot give the others back");
	tap_ok(pv_room_is_restored(second.person, &missing) && missing == 2, "but shows that they were there");
	srv_login(&srv, &ada.device.me.public, &ada.device.me.sign_sk, token);
	tap_ok(give(token, pv_buf_bytes(&old), had, true) == 409, "a device that shows less cannot say to go on without them");
	tap_ok(is_restored(person, &size), "and the room waits");
	srv_login(&srv, &ada.device.paper.public, &ada.device.paper.sign_sk, kit);
	tap_ok(give(kit, pv_buf_bytes(&old), had, false) == 200 && is_restored(person, &size), "the kit does not say so by coming");
	tap_ok(give(kit, pv_buf_bytes(&old), had, true) == 200 && !is_restored(person, &size) && size == had, "but may say so: nobody else could");
	tap_ok(rig_person_pull(&second) == PV_ERR_FORK, "whoever held more is alarmed, rightly");

	/* It goes on by the kit, is restored once more, and meets a device that it does not know, with another history. */
	struct rig_device paper, fresh[3];
	srv_login(&srv, &ada.device.paper.public, &ada.device.paper.sign_sk, ada.token);
	tap_ok(rig_device_open(&paper, &ada.proxy, &ada.device.paper, person, 9) == PV_OK && rig_person_pull(&paper) == PV_OK &&
		       rig_device_second(&fresh[0], &paper, 10, false) == PV_OK && rig_device_second(&fresh[1], &paper, 11, false) == PV_OK &&
		       rig_device_second(&fresh[2], &paper, 12, false) == PV_OK,
	       "the kit adds new devices");
	if (srv.server.meta->ops->mark_restored(srv.server.meta, srv.now_ms)) abort();
	srv_restart(&srv);
	(void)is_restored(person, &size);
	tap_ok(size > pv_roster_size(pv_room_roster(late.person)), "the log is longer than what the device from before holds");
	srv_login(&srv, &late.me.public, &late.me.sign_sk, ada.token);
	tap_ok(rig_person_pull(&late) == PV_ERR_FORK, "which is told that it is another one");
	rig_device_release(&paper);
	for (int i = 0; i < 3; i++) rig_device_release(&fresh[i]);
	rig_device_release(&late);
	rig_device_release(&second);
	srv_person_release(&ada);
	pv_buf_release(&old);
	pv_buf_release(&answer);
	srv_release(&srv);
	for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
		snprintf(path, sizeof path, "%s/copy.db%s", dir, *end);
		unlink(path);
	}
	rmdir(dir);
	return tap_done();
}
