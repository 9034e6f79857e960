/* A room of two at a server in one process, with raw entries at hand. Included by one file of a program. */
#ifndef TESTS_SERVER_RESOURCE_KIT_H
#define TESTS_SERVER_RESOURCE_KIT_H

#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>

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

__attribute__((unused)) static void is_status(unsigned got, unsigned want, const char *reason, const char *what)
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
	struct pv_bytes beside; /* n 0: nothing lies beside */
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
				   raw->beside.n ? raw->beside : pv_bytes(beside, sizeof beside)};
	pv_bundle_put(&raw->bundles, &bundle);
	pv_entry_leaf(bundle.entry, &raw->leaf);
}

__attribute__((unused)) static unsigned raw_send(const struct raw *raw, size_t count, const struct srv_person *sender)
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
__attribute__((unused)) static unsigned send_one(struct srv_person *author, const char *body, void (*change)(struct raw *raw))
{
	struct raw raw;
	raw_init(&raw, author, body);
	if (change) change(&raw);
	raw_add(&raw, author);
	unsigned status = raw_send(&raw, 1, author);
	raw_release(&raw);
	return status;
}

__attribute__((unused)) static uint64_t room_size(void)
{
	struct pv_hash id = room_id();
	struct pv_meta_room row;
	return srv.server.meta->ops->room(srv.server.meta, &id, &row) ? 0 : row.size;
}

/* Ada founds a room and Bob views it; Eve registers and is in none. Each has a session. */
static void kit_init(void)
{
	struct pv_invite_link link;
	if (pv_crypto_init()) exit(1);
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 24);
	good(srv_person_init(&ada, &srv, 2, NULL), "Ada registers");
	good(srv_person_init(&bob, &srv, 3, NULL), "Bob registers");
	good(srv_person_init(&eve, &srv, 4, NULL), "Eve registers");
	good(rig_found(&a, &ada.device), "Ada founds a room");
	good(rig_invite(&a, PV_ROLE_VIEWER, 1, &link), "and invites a viewer");
	good(rig_join(&b, &bob.device, &link), "which Bob becomes");
	good(rig_pull(&a), "Ada sees it");
	pv_hex_encode(pv_room_id(a.room)->b, 32, room_hex);
}

__attribute__((unused)) static void log_in(struct srv_person *person)
{
	srv_login(&srv, &person->device.me.public, &person->device.me.sign_sk, person->token);
}

static int kit_done(void)
{
	rig_member_close(&a);
	rig_member_close(&b);
	srv_person_release(&ada);
	srv_person_release(&bob);
	srv_person_release(&eve);
	pv_buf_release(&answer);
	srv_release(&srv);
	return tap_done();
}

#endif
