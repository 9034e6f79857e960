/* What comes in beyond a day's quota, and what does not. */
#include "server/unpaid.h"

#include <stdlib.h>

#include "server/committer.h"
#include "tests/server/server_rig.h"
#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member a, b;

static bool may(const struct pv_roster_body *body, const struct pv_hash *author)
{
	struct pv_prepared item = {.entry.header = {.kind = PV_KIND_ROSTER, .author = *author}};
	struct pv_buf bytes;
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_roster_body_put(&bytes, body);
	item.bundle.body = pv_buf_bytes(&bytes);
	struct pv_roster_body read;
	if (bytes.err || pv_roster_body_read(item.bundle.body, &read)) abort();
	bool comes = pv_unpaid_may(pv_room_roster(a.room), &item);
	pv_buf_release(&bytes);
	return comes;
}

static bool of_type(enum pv_roster_type type, const struct pv_hash *author)
{
	struct pv_roster_body body = {.type = type};
	if (type == PV_ROSTER_REMOVE) body.u.remove.count = 1;
	if (type == PV_ROSTER_DEVICE_REMOVE) body.u.device_remove.device_count = 1;
	return may(&body, author);
}

static void test_kinds(void)
{
	const struct pv_hash *laptop = &ada.device.me.device, *kit = &ada.device.paper.device;
	struct pv_prepared words = {.entry.header = {.kind = PV_KIND_TALK, .author = *laptop}};
	tap_ok(of_type(PV_ROSTER_REMOVE, laptop) && of_type(PV_ROSTER_DEVICE_REMOVE, laptop) && of_type(PV_ROSTER_LEAVE, laptop) &&
		       of_type(PV_ROSTER_CLOSE_INVITE, laptop),
	       "members, devices and invites are taken out");
	tap_ok(!pv_unpaid_may(pv_room_roster(a.room), &words) && !of_type(PV_ROSTER_POLICY, laptop) && !of_type(PV_ROSTER_BAD_WRAP, laptop), "nothing else");
	tap_ok(!pv_roster_rekey_due(pv_room_roster(a.room)) && !of_type(PV_ROSTER_REKEY, laptop), "nor keys that nobody needs");
	tap_ok(of_type(PV_ROSTER_REKEY, kit), "but by the person's first kit");
	tap_ok(!of_type(PV_ROSTER_POLICY, kit), "which changes nothing else either");
	if (pv_room_leave(b.room) || rig_push(&b) || rig_pull(&a)) abort();
	tap_ok(pv_roster_rekey_due(pv_room_roster(a.room)) && of_type(PV_ROSTER_REKEY, laptop), "when someone left, keys are needed");
}

static void test_append(void)
{
	static const uint8_t text[64 * 1024];
	struct pv_prepared item = {.bundle.body = pv_bytes(text, sizeof text)}, small = {.bundle.body = pv_bytes(text, 1)};
	struct pv_unpaid unpaid = {.takes_out = false};
	tap_ok(!pv_unpaid_is_in(&unpaid), "an append in which nothing takes out stays out");
	pv_unpaid_count(&unpaid, &item, false);
	tap_ok(!pv_unpaid_is_in(&unpaid), "so do words");
	pv_unpaid_count(&unpaid, &item, true);
	tap_ok(pv_unpaid_is_in(&unpaid), "before what takes out they come in");
	pv_unpaid_count(&unpaid, &small, false);
	tap_ok(!pv_unpaid_is_in(&unpaid), "up to 64 KiB");
}

int main(void)
{
	struct pv_invite_link link;
	if (pv_crypto_init()) return 1;
	srv_init(&srv, 1);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || rig_found(&a, &ada.device) ||
	    rig_invite(&a, PV_ROLE_EDITOR, 1, &link) || rig_join(&b, &bob.device, &link) || rig_say(&b, "hello") || rig_push(&b) || rig_pull(&a))
		abort();
	test_kinds();
	test_append();
	rig_member_close(&a);
	rig_member_close(&b);
	srv_person_release(&ada);
	srv_person_release(&bob);
	srv_release(&srv);
	return tap_done();
}
