/* Rooms that are as full as they may be, made by way of a snapshot: nobody has to join ten thousand times. */
#include "tests/unit/roster_tap.h"

/* Fields of a snapshot (core/room/roster_snapshot.c). */
enum { FIELDS = 23, PRINCIPALS = 20, INVITES = 22 };

static struct kit_person anna, ben, cleo;
static struct kit_room room;
static struct kit_device *a;

static void put_member(struct pv_buf *buf, uint64_t number)
{
	struct pv_hash hash = {{0}};
	hash.b[3] = (uint8_t)(number >> 8);
	hash.b[4] = (uint8_t)number;
	pv_cbor_put_array(buf, 9);
	pv_cbor_put_hash(buf, &hash);
	pv_cbor_put_uint(buf, PV_ROLE_VIEWER);
	pv_cbor_put_uint(buf, 0);
	pv_cbor_put_uint(buf, 0);
	pv_cbor_put_null(buf);
	pv_cbor_put_uint(buf, 0);
	pv_cbor_put_hash(buf, &hash);
	pv_cbor_put_hash(buf, &hash);
	pv_cbor_put_null(buf);
}

static void put_invite(struct pv_buf *buf, uint64_t number)
{
	struct pv_roster_body body;
	kit_invite_body(7, VIEWER, 1, &body);
	memset(body.u.invite.id.b, 0, sizeof body.u.invite.id.b);
	body.u.invite.id.b[3] = (uint8_t)(number >> 8);
	body.u.invite.id.b[4] = (uint8_t)number;
	pv_cbor_put_array(buf, 7);
	pv_roster_body_put(buf, &body);
	pv_cbor_put_uint(buf, 1);
	pv_cbor_put_uint(buf, 0);
	pv_cbor_put_hash(buf, &anna.id);
	pv_cbor_put_bool(buf, true);
	pv_cbor_put_bool(buf, false);
	pv_cbor_put_uint(buf, 0);
}

/* The room goes on from its snapshot, in which that many more stand in one list, before all others by their ids. */
static void crowd(size_t field, size_t more, void (*put)(struct pv_buf *buf, uint64_t number))
{
	struct pv_buf from, to;
	struct pv_cbor in;
	struct pv_roster *crowded;
	pv_buf_init(&from, SIZE_MAX);
	pv_buf_init(&to, SIZE_MAX);
	if (pv_roster_encode(room.roster, &from))
		abort();
	pv_cbor_init(&in, pv_buf_bytes(&from));
	pv_cbor_get_array_of(&in, FIELDS);
	pv_cbor_put_array(&to, FIELDS);
	for (size_t i = 0; i < FIELDS; i++) {
		size_t count = i == field ? pv_cbor_get_array(&in, SIZE_MAX) : 1;
		if (i == field)
			pv_cbor_put_array(&to, count + more);
		for (size_t number = 1; i == field && number <= more; number++)
			put(&to, number);
		for (size_t k = 0; k < count; k++) {
			struct pv_bytes item = pv_cbor_get_item(&in);
			pv_buf_append(&to, item.p, item.n);
		}
	}
	bool reads = !pv_cbor_finish(&in) && pv_roster_decode(pv_buf_bytes(&to), &crowded) == PV_OK;
	tap_ok(reads, "%zu more stand in the snapshot", more);
	if (!reads)
		abort();
	pv_roster_free(room.roster);
	room.roster = crowded;
	pv_buf_release(&from);
	pv_buf_release(&to);
}

static void test_members(void)
{
	size_t count;
	is(kit_found_client(&room, 1, &anna), PV_REASON_NONE, "a room is founded");
	is(kit_invite(&room, a, 1, EDITOR, 3), PV_REASON_NONE, "an invite");
	crowd(PRINCIPALS, PV_LIMIT_MEMBERS - 2, put_member);
	is(kit_join(&room, &ben, 1), PV_REASON_NONE, "the last one who has a place");
	tap_ok(pv_roster_principals(room.roster, &count) && count == PV_LIMIT_MEMBERS, "the room is full");
	is(kit_join(&room, &cleo, 1), PV_REASON_LIMIT, "one more");
	kit_room_release(&room);
}

static void test_invites(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_CLOSE_INVITE};
	is(kit_found_client(&room, 1, &anna), PV_REASON_NONE, "a room is founded");
	crowd(INVITES, PV_LIMIT_INVITES_OPEN - 1, put_invite);
	is(kit_invite(&room, a, 1, EDITOR, 1), PV_REASON_NONE, "the last invite that may be open");
	is(kit_invite(&room, a, 2, EDITOR, 1), PV_REASON_LIMIT, "one more");
	body.u.close_invite = kit_id16("invite", 1);
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "one is closed");
	is(kit_invite(&room, a, 2, EDITOR, 1), PV_REASON_NONE, "and there is room for another");
	kit_room_release(&room);
}

int main(void)
{
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &anna);
	kit_person_make(2, &ben);
	kit_person_make(3, &cleo);
	a = &anna.devices[0];
	test_members();
	test_invites();
	kit_person_release(&anna);
	kit_person_release(&ben);
	kit_person_release(&cleo);
	return tap_done();
}
