/* Where a restored room goes on: what the server takes for an owner's word, and what a device follows of what a server shows. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/room/succession.h"
#include "core/sync/room_parts.h"
#include "core/sync/successor.h"
#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, bob, eve;
static struct rig_member a, b, e, next;
static struct pv_buf answer, word;
static char target[128];
static struct pv_bytes links[3];
static struct pv_buf link_texts[3];

static void is_err(enum pv_err got, enum pv_err want, const char *what)
{
	tap_ok(got == want, "%s", what);
	if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

static void is_put(struct srv_person *who, struct pv_bytes bytes, unsigned want, const char *reason, const char *what)
{
	unsigned got = srv_ask(&srv, "PUT", target, who->token, bytes, &answer);
	bool same = got == want && (got < 400 || strcmp(srv_reason, reason) == 0);
	tap_ok(same, "%s", what);
	if (!same) tap_note("got %u %s: %.*s", got, srv_reason, (int)answer.n, (char *)answer.p);
}

/* A word as Ada's device makes it, or as somebody who holds her keys would. */
static struct pv_succession read_word(struct pv_hash *ret_device)
{
	struct pv_succession succession;
	if (pv_succession_read(pv_buf_bytes(&word), &succession, ret_device)) abort();
	return succession;
}

static void sign_as(const struct pv_succession *succession, const struct rig_device *device, struct pv_buf *ret_word)
{
	pv_buf_init(ret_word, PV_LIMIT_SUCCESSION_BYTES + 512);
	if (pv_succession_sign(succession, &device->me.device, &device->me.sign_sk, ret_word)) abort();
}

static void restart(void)
{
	srv_restart(&srv);
	struct srv_person *all[] = {&ada, &bob, &eve};
	for (size_t i = 0; i < 3; i++) {
		srv_login(&srv, &all[i]->device.me.public, &all[i]->device.me.sign_sk, all[i]->token);
		srv_person_sync_time(all[i]);
	}
}

/* ---- when there may be one */

/* Bob left, and nobody could make new keys since: a successor would be open to him. */
static void test_rekey_due(void)
{
	struct rig_member x, y;
	struct pv_invite_link link;
	if (rig_found(&x, &ada.device) || rig_invite(&x, PV_ROLE_EDITOR, 1, &link) || rig_join(&y, &bob.device, &link) || rig_push(&x)) abort();
	is_err(pv_successor_check(x.room), PV_OK, "an owner of a room whose keys are new may found a successor");
	if (rig_pull(&y) || pv_room_leave(y.room) || rig_push(&y)) abort();
	is_err(rig_pull(&x), PV_OK, "a member leaves, whose keys are still those of the room");
	is_err(pv_successor_check(x.room), PV_ERR_OFFLINE, "before they are changed no successor is founded");
	is_err(rig_push(&x), PV_OK, "they are");
	is_err(pv_successor_check(x.room), PV_OK, "then one may be");
	rig_member_close(&x);
	rig_member_close(&y);
}

/* ---- what the server takes */

static void test_put(void)
{
	struct pv_hash device;
	struct pv_succession succession = read_word(&device), other = succession;
	struct pv_buf forged;
	uint8_t spoiled[64 * 1024];
	is_put(&ada, pv_buf_bytes(&word), 409, "open", "a room that waits for nothing needs no successor");
	if (srv.server.meta->ops->mark_restored(srv.server.meta, srv.now_ms)) abort();
	restart();
	is_put(&bob, pv_buf_bytes(&word), 403, "author", "nobody brings another's word");
	sign_as(&succession, &bob.device, &forged);
	is_put(&bob, pv_buf_bytes(&forged), 403, "role", "an editor has no say in it");
	pv_buf_release(&forged);
	sign_as(&succession, &eve.device, &forged);
	is_put(&eve, pv_buf_bytes(&forged), 403, "role", "nor has a stranger");
	pv_buf_release(&forged);
	memcpy(spoiled, word.p, word.n);
	spoiled[word.n - 1] ^= 1;
	is_put(&ada, pv_bytes(spoiled, word.n), 400, "signature", "a signature that does not hold is refused");
	other.room = succession.successor;
	sign_as(&other, &ada.device, &forged);
	is_put(&ada, pv_buf_bytes(&forged), 400, "room", "and another room's word");
	pv_buf_release(&forged);
	char hex[65], room_target[sizeof target];
	memcpy(room_target, target, sizeof room_target);
	pv_hex_encode(ada.device.me.person.b, 32, hex);
	snprintf(target, sizeof target, "/v1/rooms/%s/successor", hex);
	other.room = ada.device.me.person;
	sign_as(&other, &ada.device, &forged);
	is_put(&ada, pv_buf_bytes(&forged), 400, "room", "a person's own room goes on in itself");
	pv_buf_release(&forged);
	memcpy(target, room_target, sizeof target);
	is_put(&ada, pv_bytes("\x83", 1), 400, "", "and what is none");
	tap_ok(srv_ask(&srv, "GET", target, eve.token, pv_bytes(NULL, 0), &answer) == 404, "nothing of these was kept");
	is_put(&ada, pv_buf_bytes(&word), 201, "", "an owner's is taken");
	is_put(&ada, pv_buf_bytes(&word), 201, "", "also once more");
	other = succession;
	other.successor.b[0] ^= 1;
	sign_as(&other, &ada.device, &forged);
	is_put(&ada, pv_buf_bytes(&forged), 409, "successor", "but not for yet another room");
	pv_buf_release(&forged);
	tap_ok(srv_ask(&srv, "GET", target, bob.token, pv_bytes(NULL, 0), &answer) == 200 &&
		       pv_bytes_equal(pv_buf_bytes(&answer), pv_buf_bytes(&word)),
	       "and is shown as it was signed");
}

static void test_stays_ended(void)
{
	struct pv_meta_room row;
	rig_pull(&a);
	rig_pull(&b);
	if (srv.server.meta->ops->room(srv.server.meta, pv_room_id(a.room), &row)) abort();
	tap_ok(row.restored, "a room that goes on elsewhere opens no more, though all its devices were there");
	pv_room_go_on(a.room);
	is_err(rig_pull(&a), PV_ERR_CONFLICT, "nor by an owner's word");
}

/* ---- what a device follows */

static enum pv_err ask(struct rig_member *member, struct pv_successor *ret_successor)
{
	struct pv_task *task;
	*ret_successor = (struct pv_successor){.is_there = false};
	enum pv_err made = pv_successor_task(member->room, ret_successor, &task);
	return rig_run(member->device->server, made, task);
}

static struct pv_buf shown;

static void show_other(struct rig_server *server, const struct pv_request *request, struct pv_buf *body)
{
	(void)server;
	if (request->method != PV_GET || !strstr(request->path, "/successor")) return;
	pv_buf_clear(body);
	pv_buf_append(body, shown.p, shown.n);
}

/* Bob's device is shown this by a server that stops at nothing. */
static void is_not_followed(const struct pv_succession *succession, const struct rig_device *by, const char *what)
{
	struct pv_successor found;
	sign_as(succession, by, &shown);
	bob.proxy.tamper = show_other;
	enum pv_err err = ask(&b, &found);
	tap_ok(err == PV_ERR_DENIED && !found.is_there && !found.has_link, "%s", what);
	if (err != PV_ERR_DENIED) tap_note("got %s", pv_err_web_name(err));
	bob.proxy.tamper = NULL;
	pv_buf_release(&shown);
}

/* The same with `link` sealed in it under the room's own key, as an owner could. */
static void is_not_followed_with(struct pv_succession succession, const struct pv_invite_link *link, const char *what)
{
	struct pv_epoch_secret secret;
	struct pv_random random = ada.device.random;
	struct pv_buf sealed, text;
	pv_buf_init(&sealed, PV_LIMIT_SUCCESSION_BYTES);
	pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
	if (pv_keys_secret(a.room, pv_room_roster(a.room), succession.epoch, &secret) || pv_invite_link_write(link, &text) ||
	    pv_succession_seal(&succession, &secret, pv_buf_bytes(&text), NULL, 0, &random, &sealed))
		abort();
	succession.sealed = pv_buf_bytes(&sealed);
	is_not_followed(&succession, &ada.device, what);
	pv_buf_release(&sealed);
	pv_buf_release(&text);
}

static void test_other_links(const struct pv_succession *succession, const struct pv_invite_link *link)
{
	struct pv_succession other = *succession;
	struct pv_invite_link elsewhere = *link;
	other.room.b[0] ^= 1;
	is_not_followed_with(other, link, "nor what is sealed under this room's key for another room");
	elsewhere.room.b[0] ^= 1;
	is_not_followed_with(*succession, &elsewhere, "nor a link into another room than the word names");
	elsewhere = *link;
	elsewhere.inviter = eve.device.me.person;
	is_not_followed_with(*succession, &elsewhere, "nor one by somebody else");
}

static void test_followed(void)
{
	struct pv_hash device;
	struct pv_successor found;
	struct pv_succession succession = read_word(&device), other;
	is_err(ask(&b, &found), PV_OK, "Bob's device finds where it goes on");
	tap_ok(found.is_there && found.has_link && pv_hash_equal(&found.room, pv_room_id(next.room)) &&
		       pv_hash_equal(&found.founder, &ada.device.me.person) && pv_hash_equal(&found.link.room, pv_room_id(next.room)),
	       "with a link there, by Ada");
	struct pv_invite_link link = found.link;
	is_err(rig_join(&e, &bob.device, &found.link), PV_OK, "which opens");
	const struct pv_principal *member = pv_roster_principal(pv_room_roster(e.room), &bob.device.me.person);
	tap_ok(member && member->role == PV_ROLE_EDITOR, "to the role that he had");
	uint64_t uses[3] = {9, 9, 9};
	is_err(rig_pull(&next), PV_OK, "Ada sees him there");
	is_err(pv_successor_count(a.room, pv_room_roster(next.room), uses), PV_OK, "and counts whom she would have to invite anew");
	tap_ok(uses[0] + uses[1] + uses[2] == 0, "nobody: he is there, and so is she");
	is_err(ask(&a, &found), PV_OK, "Ada's finds her own");
	tap_ok(found.is_there && !found.has_link, "which holds no link for her");

	is_not_followed(&succession, &bob.device, "the word of an editor is not followed");
	is_not_followed(&succession, &eve.device, "nor a stranger's, or that of a device that was removed");
	other = succession;
	other.room.b[0] ^= 1;
	is_not_followed(&other, &ada.device, "nor an owner's for another room");
	other = succession;
	other.root.b[0] ^= 1;
	is_not_followed(&other, &ada.device, "nor that of one who was shown another history");
	other = succession;
	other.successor.b[0] ^= 1;
	is_not_followed(&other, &ada.device, "nor one whose links were sealed for another room");
	struct pv_epoch_secret wrong = {{9}};
	struct pv_random random = ada.device.random;
	struct pv_buf sealed;
	pv_buf_init(&sealed, PV_LIMIT_SUCCESSION_BYTES);
	if (pv_succession_seal(&succession, &wrong, links[PV_ROLE_EDITOR], NULL, 0, &random, &sealed)) abort();
	other = succession;
	other.sealed = pv_buf_bytes(&sealed);
	is_not_followed(&other, &ada.device, "nor one that is not sealed under the room's key");
	pv_buf_release(&sealed);
	test_other_links(&succession, &link);
	pv_buf_init(&shown, word.n);
	pv_buf_append(&shown, word.p, word.n);
	shown.p[shown.n - 1] ^= 1;
	bob.proxy.tamper = show_other;
	is_err(ask(&b, &found), PV_ERR_DENIED, "nor a word whose signature does not hold");
	bob.proxy.tamper = NULL;
	pv_buf_release(&shown);
	pv_buf_init(&shown, 16);
	pv_buf_append(&shown, "nothing", 7);
	bob.proxy.tamper = show_other;
	is_err(ask(&b, &found), PV_ERR_DENIED, "nor what is none");
	bob.proxy.tamper = NULL;
	pv_buf_release(&shown);
	tap_ok(pv_room_alarm_err(b.room) == PV_OK, "none of these is an alarm: a server need not know better");
}

static void make_word(void)
{
	uint64_t uses[3];
	struct pv_task *task;
	if (sqlite3_exec(a.db, "DELETE FROM kem_key", NULL, NULL, NULL)) abort(); /* as a device that never had them */
	is_err(pv_successor_count(a.room, NULL, uses), PV_OK, "an owner's device counts whom it would invite");
	tap_ok(uses[PV_ROLE_VIEWER] == 1 && uses[PV_ROLE_EDITOR] == 0, "whose key it lacks gets the least role, whose link is anybody's");
	enum pv_err made = pv_successor_keys_task(a.room, &task);
	is_err(rig_run(a.device->server, made, task), PV_OK, "members' keys are fetched");
	if (pv_successor_count(a.room, NULL, uses) || uses[0] != 0 || uses[1] != 1 || uses[2] != 0) abort();
	struct pv_invite_link link;
	if (rig_invite(&next, PV_ROLE_EDITOR, 1, &link)) abort();
	for (size_t i = 0; i < 3; i++) pv_buf_init(&link_texts[i], PV_LIMIT_LINK_BYTES);
	if (pv_invite_link_write(&link, &link_texts[PV_ROLE_EDITOR])) abort();
	for (size_t i = 0; i < 3; i++) links[i] = pv_buf_bytes(&link_texts[i]);
	pv_buf_init(&word, PV_LIMIT_SUCCESSION_BYTES + 512);
	is_err(pv_successor_make(a.room, pv_room_id(next.room), NULL, links, &word), PV_OK, "an owner's device makes the word");
	struct pv_buf none;
	pv_buf_init(&none, 16);
	is_err(pv_successor_make(b.room, pv_room_id(next.room), NULL, links, &none), PV_ERR_DENIED, "an editor's does not");
	pv_buf_release(&none);
}

int main(void)
{
	struct pv_invite_link link;
	if (pv_crypto_init()) return 1;
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 20);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || srv_person_init(&eve, &srv, 4, NULL) ||
	    rig_found(&a, &ada.device) || rig_invite(&a, PV_ROLE_EDITOR, 1, &link) || rig_join(&b, &bob.device, &link) || rig_push(&a) ||
	    rig_pull(&b) || rig_found(&next, &ada.device))
		abort();
	char hex[65];
	pv_hex_encode(pv_room_id(a.room)->b, 32, hex);
	snprintf(target, sizeof target, "/v1/rooms/%s/successor", hex);
	test_rekey_due();
	make_word();
	test_put();
	test_stays_ended();
	/* The successor goes on in the test: only the ended room was restored. */
	uint64_t size;
	struct pv_meta_room row;
	if (srv.server.meta->ops->room(srv.server.meta, pv_room_id(next.room), &row)) abort();
	size = row.size;
	if (srv.server.meta->ops->open_room(srv.server.meta, row.no, size)) abort();
	for (struct srv_person *const *who = (struct srv_person *const[]){&ada, &bob, NULL}; *who; who++) {
		if (srv.server.meta->ops->room(srv.server.meta, &(*who)->device.me.person, &row)) abort();
		if (srv.server.meta->ops->open_room(srv.server.meta, row.no, row.size)) abort();
	}
	restart();
	test_followed();
	rig_member_close(&a);
	rig_member_close(&b);
	rig_member_close(&e);
	rig_member_close(&next);
	srv_person_release(&ada);
	srv_person_release(&bob);
	srv_person_release(&eve);
	for (size_t i = 0; i < 3; i++) pv_buf_wipe(&link_texts[i]);
	pv_buf_release(&word);
	pv_buf_release(&answer);
	srv_release(&srv);
	return tap_done();
}
