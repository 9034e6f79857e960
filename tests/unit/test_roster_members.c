/* Who enters a client room, changes role and goes: each rule of FORMAT.md §7.2 and each reason against it. */
#include "tests/unit/roster_tap.h"

static struct kit_person anna, ben, cleo, dora;
static struct kit_room room;
static struct kit_device *a, *b, *c; /* first devices */

static void begin(const char *what)
{
	tap_note("%s", what);
	is(kit_found_client(&room, 1, &anna), PV_REASON_NONE, "a room is founded");
}

static void end(void)
{
	kit_room_release(&room);
}

static bool has(const struct kit_person *person, enum pv_role role)
{
	const struct pv_principal *principal = pv_roster_principal(room.roster, &person->id);
	return principal && principal->role == role;
}

static const struct pv_invite *invite(uint64_t number)
{
	struct pv_id16 id = kit_id16("invite", number);
	return pv_roster_invite(room.roster, &id);
}

static void release(uint64_t number)
{
	struct pv_server_body body = {.type = PV_SERVER_RELEASE};
	body.u.release.gate = kit_id16("invite", number);
	is(kit_server(&room, &body), PV_REASON_NONE, "half B is released");
}

static int roster_type(const struct kit_device *author, enum pv_roster_type type)
{
	struct pv_roster_body body = {.type = type};
	return kit_roster(&room, author, &body);
}

static void test_genesis(void)
{
	begin("genesis");
	size_t count;
	tap_ok(pv_roster_is_born(room.roster) && pv_roster_room_kind(room.roster) == PV_ROOM_CLIENT, "it is a client room");
	tap_ok(has(&anna, OWNER), "its founder is an owner");
	tap_ok(pv_roster_devices(room.roster, &count) && count == 2, "with two devices");
	tap_ok(pv_hash_equal(pv_roster_room(room.roster), &room.id), "its id is its genesis's");
	tap_ok(pv_bytes_equal(pv_roster_server_name(room.roster), pv_bytes_of_string("privity.example")), "it knows its server");
	static const size_t both[] = {0, 1};
	struct pv_roster_body body;
	kit_genesis_client(&room, &anna, both, 2, &body);
	is(kit_roster(&room, a, &body), PV_REASON_GENESIS, "a second genesis");
	end();

	static const size_t no_paper[] = {0, 2}, not_author[] = {1, 2}, twice[] = {0, 1, 0};
	kit_room_init(&room, 1);
	kit_genesis_client(&room, &anna, no_paper, 2, &body);
	is(kit_roster(&room, a, &body), PV_REASON_RECORD, "a founder without the first paper device");
	is(roster_type(a, PV_ROSTER_LEAVE), PV_REASON_GENESIS, "whatever follows");
	end();
	kit_room_init(&room, 1);
	kit_genesis_client(&room, &anna, not_author, 2, &body);
	is(kit_roster(&room, a, &body), PV_REASON_RECORD, "a founder without the author");
	end();
	kit_room_init(&room, 1);
	kit_genesis_client(&room, &anna, twice, 3, &body);
	is(kit_roster(&room, a, &body), PV_REASON_RECORD, "a device listed twice");
	end();
	kit_room_init(&room, 1);
	kit_genesis_person(&room, &anna, &body);
	body.u.genesis.founders[1].consent.b[0] ^= 1;
	is(kit_roster(&room, a, &body), PV_REASON_RECORD, "a person room without the paper device's consent");
	end();
}

static void test_invite(void)
{
	begin("invite");
	is(kit_invite(&room, a, 1, EDITOR, 2), PV_REASON_NONE, "an owner invites");
	tap_ok(invite(1) && invite(1)->open && !invite(1)->opened && invite(1)->uses_left == 2, "it is open");
	is(kit_invite(&room, a, 1, EDITOR, 2), PV_REASON_DUPLICATE, "the same id again");
	is(kit_invite(&room, a, 2, EDITOR, 0), PV_REASON_USES, "no uses");
	is(kit_join(&room, &ben, 1), PV_REASON_NONE, "one joins");
	is(kit_invite(&room, b, 3, EDITOR, 1), PV_REASON_ROLE, "an editor invites");
	is(kit_invite(&room, c, 3, EDITOR, 1), IMPOSSIBLE, "someone unknown invites");

	struct pv_roster_body body;
	struct pv_buf bytes;
	struct kit_item item;
	enum pv_reason reason;
	kit_invite_body(4, EDITOR, 1, &body);
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_roster_body_put(&bytes, &body);
	struct pv_header header = kit_header(&room, &a->id, PV_KIND_ROSTER);
	header.epoch++;
	kit_item_make(&room, &header, &a->sk, pv_buf_bytes(&bytes), &item);
	(void)kit_append(&room, &item, &reason);
	is((int)reason, PV_REASON_STALE_EPOCH, "for another epoch");
	pv_buf_release(&bytes);

	is(roster_type(b, PV_ROSTER_LEAVE), PV_REASON_NONE, "one leaves");
	tap_ok(pv_roster_rekey_due(room.roster) && !invite(1)->open, "all invites close, a rekey is due");
	is(kit_invite(&room, a, 5, EDITOR, 1), PV_REASON_DUE, "while it is due");
	is(kit_invite(&room, b, 5, EDITOR, 1), PV_REASON_NOT_MEMBER, "by who has left");
	end();
}

static void test_close_invite(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_CLOSE_INVITE};
	begin("close_invite");
	tap_ok(kit_admit(&room, a, &ben, 1, EDITOR), "an editor is there");
	is(kit_invite(&room, a, 2, EDITOR, 1), PV_REASON_NONE, "an invite");
	body.u.close_invite = kit_id16("invite", 2);
	is(kit_roster(&room, b, &body), PV_REASON_ROLE, "an editor closes");
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "an owner closes");
	tap_ok(!invite(2)->open && !pv_roster_rekey_due(room.roster), "nobody drew it: no rekey is due");
	is(kit_roster(&room, a, &body), PV_REASON_CLOSED, "closed already");
	body.u.close_invite = kit_id16("invite", 9);
	is(kit_roster(&room, a, &body), PV_REASON_CLOSED, "never there");
	is(kit_invite(&room, a, 3, EDITOR, 1), PV_REASON_NONE, "another");
	release(3);
	body.u.close_invite = kit_id16("invite", 3);
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "an owner closes what was drawn");
	tap_ok(pv_roster_rekey_due(room.roster), "so a rekey is due");
	end();
}

static void test_join(void)
{
	struct pv_roster_body body;
	size_t count;
	begin("join");
	is(kit_join(&room, &ben, 1), PV_REASON_INVITE, "without an invite");
	is(kit_invite(&room, a, 1, VIEWER, 2), PV_REASON_NONE, "an invite for two");
	kit_join_body(&room, &ben, 2, &body);
	body.u.join.invite = kit_id16("invite", 1);
	is(kit_roster(&room, b, &body), PV_REASON_JOIN_KEY, "with another's key");
	kit_join_body(&room, &ben, 1, &body);
	body.u.join.party.devices[2] = cleo.devices[0].id;
	kit_join_body_sign(&room, &ben, 1, &body);
	is(kit_roster(&room, b, &body), PV_REASON_RECORD, "with a device that is in no record");
	kit_join_body(&room, &ben, 1, &body);
	body.u.join.party.devices[1] = body.u.join.party.devices[2];
	body.u.join.party.device_count = 2;
	kit_join_body_sign(&room, &ben, 1, &body);
	is(kit_roster(&room, b, &body), PV_REASON_RECORD, "without the first paper device");
	kit_join_body(&room, &ben, 1, &body);
	is(kit_roster(&room, c, &body), IMPOSSIBLE, "by an author who is not listed");
	ben.record.p[ben.record.n - 1] ^= 1;
	is(kit_join(&room, &ben, 1), PV_REASON_RECORD, "with a record that does not verify");
	ben.record.p[ben.record.n - 1] ^= 1;

	is(kit_join(&room, &ben, 1), PV_REASON_NONE, "as it should be");
	tap_ok(has(&ben, VIEWER) && !pv_roster_rekey_due(room.roster), "a viewer, no rekey due");
	const struct pv_room_device *third = pv_roster_device(room.roster, &ben.devices[2].id);
	tap_ok(third && third->has_adder && pv_hash_equal(&third->adder, &b->id), "a later device was added by its signer");
	const struct pv_room_device *paper = pv_roster_device(room.roster, &ben.devices[1].id);
	tap_ok(paper && paper->paper && !paper->has_adder && paper->order == 0, "the first paper device by nobody");
	is(kit_join(&room, &ben, 1), PV_REASON_MEMBER, "a member");
	is(kit_join(&room, &cleo, 1), PV_REASON_NONE, "the second");
	tap_ok(!invite(1)->open && pv_roster_rekey_due(room.roster), "used up: closed, a rekey due");
	is(kit_join(&room, &dora, 1), PV_REASON_INVITE, "used up");
	tap_ok(pv_roster_principals(room.roster, &count) && count == 3, "three members");
	end();
}

static void test_join_devices(void)
{
	begin("join: devices and persons");
	tap_ok(kit_admit(&room, a, &ben, 1, OWNER), "an owner joins");
	is(kit_device_add(&room, b, &ben.id, &cleo.devices[2]), PV_REASON_NONE, "and adds a device of another's record");
	is(kit_invite(&room, a, 2, EDITOR, 1), PV_REASON_NONE, "an invite for the other");
	is(kit_join(&room, &cleo, 2), PV_REASON_DEVICE_IN_USE, "whose device is in use");
	is(kit_device_remove(&room, b, &cleo.devices[2], 0), PV_REASON_NONE, "it is removed");
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	is(kit_invite(&room, a, 3, EDITOR, 1), PV_REASON_NONE, "an invite again");
	is(kit_join(&room, &cleo, 3), PV_REASON_FOREIGN_DEVICE, "whose device acted for someone else");

	is(kit_device_remove(&room, b, &ben.devices[2], 0), PV_REASON_NONE, "a device is swept");
	is(roster_type(b, PV_ROSTER_LEAVE), PV_REASON_NONE, "its person leaves");
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	is(kit_invite(&room, a, 4, EDITOR, 1), PV_REASON_NONE, "an invite back");
	is(kit_join(&room, &ben, 4), PV_REASON_BARRED, "with the device that was swept");
	struct pv_roster_body body;
	kit_join_body(&room, &ben, 4, &body);
	body.u.join.party.device_count = 2;
	kit_join_body_sign(&room, &ben, 4, &body);
	is(kit_roster(&room, b, &body), PV_REASON_NONE, "without it");
	end();
}

/* Ben, no member yet, on the document of invite 1. */
static void ben_says(const struct kit_device *device, enum pv_stance stance)
{
	struct pv_sign_body sign = {.document = kit_hash("document", 1), .stance = stance, .stranger = true,
				    .record = pv_buf_bytes(&ben.record), .invite = kit_id16("invite", 1)};
	struct pv_sign_sk a_sk;
	struct pv_sign_pk a_pk;
	kit_sign_key("a", 1, &a_sk, &a_pk);
	struct pv_header next = kit_header(&room, &device->id, PV_KIND_SIGN);
	struct pv_stranger_context context = {room.id, sign.invite, device->id, next.n, sign.document};
	tap_is_int(pv_stranger_sign(&a_sk, &context, &sign.a_sig), PV_OK, "a stranger signs");
	is(kit_sign(&room, device, &sign), PV_REASON_NONE, "which is taken");
}

static void test_join_epoch_and_signature(void)
{
	struct pv_roster_body body, join;
	struct pv_buf bytes;
	struct kit_item item;
	enum pv_reason reason;
	begin("join: epoch and agreement");
	kit_invite_body(1, EDITOR, 1, &body);
	body.u.invite.has_document = true;
	body.u.invite.document = kit_hash("document", 1);
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "an invite with an agreement");
	kit_join_body(&room, &ben, 1, &join);
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_roster_body_put(&bytes, &join);
	struct pv_header header = kit_header(&room, &b->id, PV_KIND_ROSTER);
	header.epoch = 1;
	kit_item_make(&room, &header, &b->sk, pv_buf_bytes(&bytes), &item);
	(void)kit_append(&room, &item, &reason);
	is((int)reason, PV_REASON_STALE_EPOCH, "for another epoch");
	pv_buf_release(&bytes);
	is(kit_join(&room, &ben, 1), PV_REASON_UNSIGNED, "before signing");

	for (int stance = PV_STANCE_ACCEPT; stance <= PV_STANCE_WITHDRAW; stance++) {
		enum pv_stance says = (enum pv_stance)((stance + 1) % 3); /* decline, withdraw, accept */
		ben_says(b, says);
		if (says == PV_STANCE_ACCEPT) { /* by whichever of his devices */
			ben_says(&ben.devices[1], PV_STANCE_DECLINE);
			is(kit_join(&room, &ben, 1), PV_REASON_UNSIGNED, "the other device's is later");
			ben_says(b, PV_STANCE_ACCEPT);
		}
		is(kit_join(&room, &ben, 1), says == PV_STANCE_ACCEPT ? PV_REASON_NONE : PV_REASON_UNSIGNED,
		   "the latest word counts");
	}
	end();
}

/* Two persons' records list one device: what it signed for the one is not the other's word. */
static void test_another_persons_signature(void)
{
	struct pv_roster_body body;
	begin("join: agreement by a device of two persons");
	kit_invite_body(1, EDITOR, 1, &body);
	body.u.invite.has_document = true;
	body.u.invite.document = kit_hash("document", 1);
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "an invite with an agreement");
	ben_says(&ben.devices[2], PV_STANCE_ACCEPT);
	struct kit_device *own = &cleo.devices[2], before = *own;
	struct pv_cert cert = cleo.certs[0];
	*own = ben.devices[2];
	kit_certify(&cleo.id, own, c, &cleo.certs[0]);
	kit_person_write_record(&cleo);
	is(kit_join(&room, &cleo, 1), PV_REASON_UNSIGNED, "one has signed with it, the other joins");
	*own = before;
	cleo.certs[0] = cert;
	kit_person_write_record(&cleo);
	end();
}

static void test_role(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_ROLE};
	begin("role");
	is(kit_role(&room, a, &anna, VIEWER), PV_REASON_LAST_OWNER, "the last owner steps down");
	is(kit_role(&room, a, &ben, VIEWER), PV_REASON_NO_TARGET, "nobody");
	tap_ok(kit_admit(&room, a, &ben, 1, OWNER) && kit_admit(&room, b, &cleo, 2, EDITOR), "an owner and an editor");
	is(kit_role(&room, c, &ben, VIEWER), PV_REASON_ROLE, "an editor sets roles");
	is(kit_role(&room, a, &cleo, EDITOR), PV_REASON_NO_CHANGE, "to the same");
	body.u.role.person = cleo.id;
	body.u.role.join_index = pv_roster_principal(room.roster, &cleo.id)->join_index;
	body.u.role.from = PV_ROLE_VIEWER;
	body.u.role.to = PV_ROLE_OWNER;
	is(kit_roster(&room, a, &body), PV_REASON_CHANGED, "from another role than now");
	body.u.role.from = PV_ROLE_EDITOR;
	body.u.role.join_index--;
	is(kit_roster(&room, a, &body), PV_REASON_CHANGED, "of another membership");
	is(kit_role(&room, b, &anna, EDITOR), PV_REASON_SENIOR, "a junior demotes the founder");
	is(kit_role(&room, b, &cleo, OWNER), PV_REASON_NONE, "an editor becomes owner");
	tap_ok(pv_roster_principal(room.roster, &cleo.id)->since == room.tree.size - 1, "junior to all before");
	is(kit_role(&room, c, &ben, EDITOR), PV_REASON_SENIOR, "and demotes a senior");
	is(kit_invite(&room, b, 3, VIEWER, 1), PV_REASON_NONE, "an owner has an invite open");
	is(kit_invite(&room, a, 4, VIEWER, 1), PV_REASON_NONE, "so has another");
	is(kit_role(&room, a, &ben, EDITOR), PV_REASON_NONE, "a senior demotes");
	tap_ok(!invite(3)->open && invite(4)->open, "which closes the demoted one's invites, not others'");
	is(kit_role(&room, c, &cleo, VIEWER), PV_REASON_NONE, "one may step down");
	end();
}

static void test_role_closes_own_link(void)
{
	begin("a demotion closes the invite that the demoted joined through");
	is(kit_invite(&room, a, 1, EDITOR, 3), PV_REASON_NONE, "an invite of several uses");
	is(kit_join(&room, &ben, 1), PV_REASON_NONE, "one joins");
	is(kit_role(&room, a, &ben, VIEWER), PV_REASON_NONE, "and is demoted");
	tap_ok(!invite(1)->open && pv_roster_rekey_due(room.roster), "it closes, and a rekey is due");
	end();
}

static void test_remove(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_REMOVE};
	size_t count;
	begin("remove");
	is(kit_remove(&room, a, &ben), PV_REASON_NO_TARGET, "nobody");
	is(kit_remove(&room, a, &anna), PV_REASON_SELF, "oneself");
	tap_ok(kit_admit(&room, a, &ben, 1, OWNER) && kit_admit(&room, a, &cleo, 2, EDITOR), "an owner and an editor");
	is(kit_remove(&room, c, &ben), PV_REASON_ROLE, "an editor removes");
	is(kit_remove(&room, b, &anna), PV_REASON_SENIOR, "a junior removes the founder");
	body.u.remove.count = 2;
	body.u.remove.targets[0] = (struct pv_membership){cleo.id, pv_roster_principal(room.roster, &cleo.id)->join_index};
	body.u.remove.targets[1] = body.u.remove.targets[0];
	is(kit_roster(&room, a, &body), PV_REASON_DUPLICATE, "one twice");
	body.u.remove.targets[1] = (struct pv_membership){ben.id, 0};
	is(kit_roster(&room, a, &body), PV_REASON_CHANGED, "all or none: one of another membership");
	tap_ok(has(&cleo, EDITOR), "so nobody went");
	body.u.remove.targets[1].join_index = pv_roster_principal(room.roster, &ben.id)->join_index;
	is(kit_invite(&room, b, 3, EDITOR, 1), PV_REASON_NONE, "an invite is open");
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "two at once");
	tap_ok(pv_roster_principals(room.roster, &count) && count == 1, "one member is left");
	tap_ok(pv_roster_devices(room.roster, &count) && count == 2, "with two devices");
	tap_ok(pv_roster_rekey_due(room.roster) && !invite(3)->open, "invites are closed, a rekey is due");
	end();
}

static void test_remove_again(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_REMOVE};
	begin("a later membership");
	tap_ok(kit_admit(&room, a, &ben, 1, OWNER) && kit_admit(&room, b, &cleo, 2, EDITOR), "an owner and an editor");
	body.u.remove.count = 1;
	body.u.remove.targets[0] = (struct pv_membership){cleo.id, pv_roster_principal(room.roster, &cleo.id)->join_index};
	is(roster_type(c, PV_ROSTER_LEAVE), PV_REASON_NONE, "the editor leaves");
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	tap_ok(kit_admit(&room, a, &cleo, 3, EDITOR), "and is back by the founder's invite");
	is(kit_roster(&room, b, &body), PV_REASON_CHANGED, "a junior's old removal does not count");
	is(roster_type(c, PV_ROSTER_LEAVE), PV_REASON_NONE, "the editor leaves again");
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	tap_ok(kit_admit(&room, b, &cleo, 4, EDITOR), "and is back by the junior's invite");
	uint64_t named = body.u.remove.targets[0].join_index;
	body.u.remove.targets[0].join_index = room.tree.size;
	is(kit_roster(&room, a, &body), PV_REASON_CHANGED, "one of a membership that is yet to come does not");
	body.u.remove.targets[0].join_index = named;
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "the founder's old removal counts");
	end();
}

/* Who let somebody in again is an owner no more, or gone: the founder's removal of before counts all the same. */
static void test_remove_again_without_maker(bool gone)
{
	struct pv_roster_body body = {.type = PV_ROSTER_REMOVE};
	begin(gone ? "a later membership by one who is gone" : "a later membership by one who is no owner any more");
	tap_ok(kit_admit(&room, a, &ben, 1, OWNER) && kit_admit(&room, b, &cleo, 2, EDITOR), "an owner and an editor");
	body.u.remove.count = 1;
	body.u.remove.targets[0] = (struct pv_membership){cleo.id, pv_roster_principal(room.roster, &cleo.id)->join_index};
	is(roster_type(c, PV_ROSTER_LEAVE), PV_REASON_NONE, "the editor leaves");
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	tap_ok(kit_admit(&room, b, &cleo, 3, EDITOR), "and is back by the junior's invite");
	if (gone) is(kit_remove(&room, a, &ben), PV_REASON_NONE, "the junior is removed");
	else is(kit_role(&room, a, &ben, EDITOR), PV_REASON_NONE, "the junior is demoted");
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "the founder's old removal counts");
	end();
}

static void test_leave(void)
{
	begin("leave");
	tap_ok(kit_admit(&room, a, &ben, 1, EDITOR), "an editor");
	is(roster_type(a, PV_ROSTER_LEAVE), PV_REASON_LAST_OWNER, "the last owner of several");
	is(roster_type(b, PV_ROSTER_LEAVE), PV_REASON_NONE, "an editor");
	is(roster_type(b, PV_ROSTER_LEAVE), PV_REASON_NOT_MEMBER, "twice");
	is(roster_type(a, PV_ROSTER_LEAVE), PV_REASON_NONE, "the last owner, alone");
	size_t count;
	(void)pv_roster_principals(room.roster, &count);
	tap_is_int((long long)count, 0, "nobody is left");
	end();
}

static void test_person_room(void)
{
	tap_note("what a person room does not know");
	is(kit_found_person(&room, 2, &anna), PV_REASON_NONE, "a person room");
	is(kit_invite(&room, a, 1, EDITOR, 1), PV_REASON_ROOM, "invite");
	is(kit_join(&room, &ben, 1), PV_REASON_ROOM, "join");
	is(kit_role(&room, a, &anna, VIEWER), PV_REASON_ROOM, "role");
	is(kit_remove(&room, a, &anna), PV_REASON_ROOM, "remove");
	is(roster_type(a, PV_ROSTER_LEAVE), PV_REASON_ROOM, "leave");
	end();
}

static void test_expired(void)
{
	struct pv_roster_body body;
	struct pv_server_body expired = {.type = PV_SERVER_EXPIRED};
	begin("until");
	is(kit_invite(&room, a, 9, OWNER, 1), PV_REASON_NONE, "an invite without an end");
	expired.u.expired.is_invite = true;
	expired.u.expired.invite = kit_id16("invite", 9);
	expired.u.expired.time_ms = UINT32_MAX;
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "does not end by the server's word");
	kit_invite_body(1, OWNER, 2, &body);
	body.u.invite.has_until = true;
	body.u.invite.until_ms = 1000;
	body.u.invite.has_member_until = true;
	body.u.invite.member_until_ms = 1000;
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "an invite for two until a time");
	expired.u.expired.is_invite = true;
	expired.u.expired.invite = body.u.invite.id;
	expired.u.expired.time_ms = 999;
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "before it");
	is(kit_invite(&room, a, 2, EDITOR, 1), PV_REASON_NONE, "another without an end");
	expired.u.expired.invite = kit_id16("invite", 2);
	expired.u.expired.time_ms = 1000;
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "which does not come");
	expired.u.expired.invite = body.u.invite.id;
	is(kit_join(&room, &ben, 1), PV_REASON_NONE, "one joins");
	is(kit_server(&room, &expired), PV_REASON_NONE, "at it");
	tap_ok(!invite(1)->open && pv_roster_rekey_due(room.roster), "the invite is closed, a rekey due");
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "closed already");
	expired.u.expired.is_invite = false;
	uint64_t at = pv_roster_principal(room.roster, &ben.id)->join_index;
	expired.u.expired.membership = (struct pv_membership){ben.id, at + 1};
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "another membership");
	expired.u.expired.membership = (struct pv_membership){anna.id, 0};
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "a membership without an end");
	expired.u.expired.membership = (struct pv_membership){ben.id, at};
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	expired.u.expired.time_ms = 999;
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "the membership, before its end");
	expired.u.expired.time_ms = 1000;
	is(kit_server(&room, &expired), PV_REASON_NONE, "the membership");
	tap_ok(!has(&ben, OWNER) && pv_roster_rekey_due(room.roster), "ends as a removal does");
	end();

	begin("until: of the link alone");
	struct pv_roster_body link;
	kit_invite_body(3, OWNER, 2, &link);
	link.u.invite.has_until = true;
	link.u.invite.until_ms = 1000;
	is(kit_roster(&room, a, &link), PV_REASON_NONE, "an invite whose link ends");
	is(kit_join(&room, &ben, 3), PV_REASON_NONE, "one joins by it");
	tap_ok(!pv_roster_principal(room.roster, &ben.id)->has_until, "for as long as they like");
	expired.u.expired.membership = (struct pv_membership){ben.id, pv_roster_principal(room.roster, &ben.id)->join_index};
	expired.u.expired.time_ms = 2000;
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "and stays when it has ended");
	expired.u.expired.membership = (struct pv_membership){ben.id, at};
	expired.u.expired.time_ms = 1000;
	end();

	begin("until: the last owner");
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "an invite until a time");
	is(kit_join(&room, &ben, 1), PV_REASON_NONE, "an owner joins");
	is(roster_type(a, PV_ROSTER_LEAVE), PV_REASON_NONE, "the founder leaves");
	expired.u.expired.membership.join_index = pv_roster_principal(room.roster, &ben.id)->join_index;
	is(kit_server(&room, &expired), PV_REASON_UNTIL, "the last owner stays");
	end();
}

int main(void)
{
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &anna);
	kit_person_make(2, &ben);
	kit_person_make(3, &cleo);
	kit_person_make(4, &dora);
	kit_person_certify(&anna, 0, false);
	kit_person_certify(&ben, 0, false);
	kit_person_certify(&cleo, 0, false);
	a = &anna.devices[0];
	b = &ben.devices[0];
	c = &cleo.devices[0];
	test_genesis();
	test_invite();
	test_close_invite();
	test_join();
	test_join_devices();
	test_join_epoch_and_signature();
	test_another_persons_signature();
	test_role();
	test_role_closes_own_link();
	test_remove();
	test_remove_again();
	test_remove_again_without_maker(false);
	test_remove_again_without_maker(true);
	test_leave();
	test_person_room();
	test_expired();
	kit_person_release(&anna);
	kit_person_release(&ben);
	kit_person_release(&cleo);
	kit_person_release(&dora);
	return tap_done();
}
