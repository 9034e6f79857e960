/* Epochs, policy, server, holds, forgetting, signing, sealed entries: each rule of FORMAT.md §7.2 and each reason. */
#include "tests/unit/roster_tap.h"

static struct kit_person anna, ben, cleo;
static struct kit_room room;
static struct kit_device *a, *b, *c;

static void begin(const char *what)
{
	tap_note("%s", what);
	is(kit_found_client(&room, 1, &anna), PV_REASON_NONE, "a room is founded");
}

/* Anna owns, Ben edits, Cleo views. */
static void begin_full(const char *what)
{
	begin(what);
	tap_ok(kit_admit(&room, a, &ben, 1, EDITOR) && kit_admit(&room, a, &cleo, 2, VIEWER), "an editor and a viewer");
}

static void end(void)
{
	kit_room_release(&room);
}

static void test_rekey(void)
{
	struct pv_roster_body body;
	size_t count;
	begin_full("rekey");
	uint64_t epoch = pv_roster_epoch(room.roster);
	is(kit_rekey(&room, c), PV_REASON_ROLE, "a viewer while none is due");
	is(kit_rekey(&room, b), PV_REASON_NONE, "an editor");
	tap_is_int((long long)pv_roster_epoch(room.roster), (long long)epoch + 1, "the next epoch");
	const struct pv_epoch_info *epochs = pv_roster_epochs(room.roster, &count);
	tap_ok(count == epoch + 2 && epochs[count - 1].index == room.tree.size - 1, "with its index");
	kit_rekey_body(&room, &body);
	body.u.rekey.epoch++;
	is(kit_roster(&room, a, &body), PV_REASON_EPOCH, "two ahead");
	kit_rekey_body(&room, &body);
	body.u.rekey.secret_hash = epochs[0].secret_hash;
	is(kit_roster(&room, a, &body), PV_REASON_REUSED_SECRET, "with the genesis's secret");
	kit_rekey_body(&room, &body);
	body.u.rekey.recipients.b[0] ^= 1;
	is(kit_roster(&room, a, &body), PV_REASON_RECIPIENTS, "for others than the members");
	kit_rekey_body(&room, &body);
	is(kit_invite(&room, a, 5, EDITOR, 1), PV_REASON_NONE, "an invite in between");
	is(kit_roster(&room, a, &body), PV_REASON_RECIPIENTS, "makes what did not see it stale");
	struct pv_roster_body leave = {.type = PV_ROSTER_LEAVE};
	is(kit_roster(&room, b, &leave), PV_REASON_NONE, "the editor leaves");
	is(kit_rekey(&room, c), PV_REASON_NONE, "a viewer while one is due");
	is(kit_rekey(&room, b), PV_REASON_NOT_MEMBER, "who left");
	end();
}

static void test_recipients(void)
{
	struct pv_recipient *recipients;
	size_t count;
	begin_full("recipients");
	for (uint64_t i = 10; i < 20; i++)
		is(kit_invite(&room, a, i, EDITOR, 1), PV_REASON_NONE, "an invite");
	if (pv_roster_recipients(room.roster, &recipients, &count))
		abort();
	tap_is_int((long long)count, 13, "three members, ten invites");
	bool sorted = true;
	for (size_t i = 1; i < count; i++)
		sorted = sorted && pv_bytes_compare(recipients[i - 1].id, recipients[i].id) < 0;
	tap_ok(sorted, "sorted by id");
	free(recipients);
	end();
}

static void test_bad_wrap(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_BAD_WRAP};
	begin_full("bad_wrap");
	body.u.bad_wrap_epoch = pv_roster_epoch(room.roster);
	is(kit_roster(&room, c, &body), PV_REASON_NONE, "a viewer");
	is(kit_roster(&room, &cleo.devices[1], &body), PV_REASON_BAD_WRAP, "the same person again");
	is(kit_roster(&room, b, &body), PV_REASON_NONE, "another");
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	is(kit_roster(&room, a, &body), PV_REASON_BAD_WRAP, "an older epoch");
	body.u.bad_wrap_epoch++;
	is(kit_roster(&room, c, &body), PV_REASON_NONE, "the new one");
	end();
}

static void test_policy(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_POLICY};
	struct pv_hash value;
	begin_full("policy");
	tap_ok(pv_hash_is_zero(pv_roster_policy(room.roster)), "at first there is none");
	body.u.policy.value = pv_bytes_of_string("one");
	is(kit_roster(&room, b, &body), PV_REASON_ROLE, "an editor");
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "an owner");
	pv_policy_value_hash(body.u.policy.value, &value);
	tap_ok(pv_hash_equal(pv_roster_policy(room.roster), &value), "is in force");
	is(kit_roster(&room, a, &body), PV_REASON_CHANGED, "replacing what is replaced");
	body.u.policy.replaces = value;
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "replacing what is in force");
	end();
}

static void test_server(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_SERVER};
	struct pv_server_body release = {.type = PV_SERVER_RELEASE};
	struct pv_sign_sk new_sk, old_sk = {{0}};
	struct pv_sign_pk new_pk;
	begin("server");
	tap_ok(kit_admit(&room, a, &ben, 1, OWNER) && kit_admit(&room, a, &cleo, 2, EDITOR), "a junior owner, an editor");
	old_sk = room.log_sk;
	kit_sign_key("log", 77, &new_sk, &new_pk);
	body.u.server.name = pv_bytes_of_string("other.example");
	body.u.server.log_key = new_pk;
	is(kit_roster(&room, a, &body), PV_REASON_CHANGED, "replacing nothing");
	pv_server_value_hash(pv_bytes_of_string("privity.example"), &room.log_pk, &body.u.server.replaces);
	is(kit_roster(&room, c, &body), PV_REASON_ROLE, "an editor");
	is(kit_roster(&room, b, &body), PV_REASON_ROLE, "a junior owner alone");
	body.u.server.has_sig = true;
	if (pv_server_change_sign(&new_sk, &room.id, &body.u.server.replaces, body.u.server.name, &new_pk, &body.u.server.sig))
		abort();
	is(kit_roster(&room, b, &body), PV_REASON_ROLE, "with the new key's word");
	if (pv_server_change_sign(&old_sk, &room.id, &body.u.server.replaces, body.u.server.name, &new_pk, &body.u.server.sig))
		abort();
	is(kit_roster(&room, b, &body), PV_REASON_NONE, "with the old key's word");
	tap_ok(pv_bytes_equal(pv_roster_server_name(room.roster), body.u.server.name), "the name is new");
	is(kit_server(&room, &release), IMPOSSIBLE, "the old key signs for the server");
	room.log_sk = new_sk;
	room.log_pk = new_pk;
	is(kit_server(&room, &release), PV_REASON_NONE, "the new key does");

	pv_server_value_hash(body.u.server.name, &new_pk, &body.u.server.replaces);
	body.u.server.has_sig = false;
	body.u.server.log_key.b[0] ^= 1;
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "the most senior owner needs nobody's word");
	end();

	tap_note("server, in a person room");
	is(kit_found_person(&room, 2, &anna), PV_REASON_NONE, "a person room");
	pv_server_value_hash(pv_bytes_of_string("privity.example"), &room.log_pk, &body.u.server.replaces);
	is(kit_roster(&room, a, &body), PV_REASON_ROLE, "a laptop alone");
	struct kit_device kit;
	kit_device_make(3000, true, &kit);
	is(kit_device_add(&room, &anna.devices[1], pv_roster_room(room.roster), &kit), PV_REASON_NONE, "a second kit");
	is(kit_roster(&room, &kit, &body), PV_REASON_ROLE, "which is not the most senior");
	is(kit_roster(&room, &anna.devices[1], &body), PV_REASON_NONE, "the first paper device");
	end();
}

static int hold_or_forget(const struct kit_device *author, enum pv_roster_type type, uint64_t id, uint64_t from,
			  uint64_t to, uint64_t cut)
{
	struct pv_roster_body body = {.type = type};
	body.u.ranges.id = kit_id16("keeping", id);
	body.u.ranges.count = 1;
	body.u.ranges.ranges[0] = (struct pv_range){from, to};
	body.u.ranges.cut_epoch = cut;
	return kit_roster(&room, author, &body);
}

static int lift(const struct kit_device *author, uint64_t id)
{
	struct pv_roster_body body = {.type = PV_ROSTER_LIFT};
	body.u.lift = kit_id16("keeping", id);
	return kit_roster(&room, author, &body);
}

static int deleted(uint64_t id)
{
	struct pv_server_body body = {.type = PV_SERVER_DELETED};
	body.u.deleted_forget = kit_id16("keeping", id);
	return kit_server(&room, &body);
}

static int sign_index(const struct kit_device *author, uint64_t index)
{
	struct pv_sign_body body = {.document = kit_hash("document", 9), .index = index};
	return kit_sign(&room, author, &body);
}

static void test_hold_and_lift(void)
{
	begin_full("hold, lift");
	is(hold_or_forget(c, PV_ROSTER_HOLD, 1, 2, 4, 0), PV_REASON_NONE, "a viewer holds");
	is(hold_or_forget(b, PV_ROSTER_HOLD, 1, 5, 6, 0), PV_REASON_DUPLICATE, "the same id");
	is(lift(b, 1), PV_REASON_NOT_YOURS, "another lifts it");
	is(lift(b, 7), PV_REASON_NO_HOLD, "one that is not there");
	is(kit_device_remove(&room, c, &cleo.devices[2], 0), PV_REASON_NONE, "a device is swept");
	struct pv_roster_body leave = {.type = PV_ROSTER_LEAVE};
	is(kit_roster(&room, c, &leave), PV_REASON_NONE, "the holder leaves");
	is(lift(&cleo.devices[2], 1), PV_REASON_NOT_YOURS, "the swept device lifts");
	is(lift(c, 1), PV_REASON_NONE, "the holder lifts, after leaving");
	is(lift(c, 1), PV_REASON_NO_HOLD, "twice");
	is(hold_or_forget(c, PV_ROSTER_HOLD, 2, 2, 4, 0), PV_REASON_NOT_MEMBER, "but holds nothing new");
	end();
}

static void test_forget(void)
{
	begin_full("forget");
	for (int i = 0; i < 6; i++)
		is(kit_sealed(&room, b, PV_KIND_TALK, pv_roster_epoch(room.roster)), PV_REASON_NONE, "a message");
	uint64_t end_index = room.tree.size, first = end_index - 6, epoch = pv_roster_epoch(room.roster);
	is(sign_index(b, first + 1), PV_REASON_NONE, "one is signed");
	is(hold_or_forget(b, PV_ROSTER_FORGET, 1, first, first + 3, epoch), PV_REASON_ROLE, "an editor forgets nothing");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 1, first, end_index + 9, epoch), PV_REASON_FUTURE, "what is yet to come");
	is(hold_or_forget(c, PV_ROSTER_HOLD, 2, first + 2, first + 3, 0), PV_REASON_NONE, "a hold");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 1, first, first + 3, epoch), PV_REASON_HOLD, "what is held");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 1, first, first + 2, epoch + 1), PV_REASON_EPOCH, "a cut to come");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 1, first, first + 2, epoch), PV_REASON_NONE, "beside the hold");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 1, first, first + 2, epoch), PV_REASON_DUPLICATE, "the same id");
	tap_ok(!pv_roster_is_forgotten(room.roster, first), "pending is not forgotten");
	tap_is_int((long long)pv_roster_cut_done(room.roster), 0, "nor is anything cut off by it yet");
	is(hold_or_forget(c, PV_ROSTER_HOLD, 3, first, first + 1, 0), PV_REASON_NONE, "a hold before deletion");
	is(deleted(1), PV_REASON_NO_FORGET, "somebody holds it");
	is(deleted(9), PV_REASON_NO_FORGET, "no owner asked for it");
	is(lift(c, 3), PV_REASON_NONE, "the hold is lifted");
	is(deleted(1), PV_REASON_NONE, "deleted");
	tap_is_int((long long)pv_roster_cut_done(room.roster), (long long)epoch, "from now on it cuts off");
	is(deleted(1), PV_REASON_NO_FORGET, "done");
	tap_ok(pv_roster_is_forgotten(room.roster, first), "it is forgotten");
	tap_ok(!pv_roster_is_forgotten(room.roster, first + 1), "what was signed is not");
	tap_ok(!pv_roster_is_forgotten(room.roster, first + 2), "nor what was not named");
	is(sign_index(b, first), PV_REASON_INDEX, "signing what is forgotten");
	is(sign_index(b, first + 1), PV_REASON_NONE, "signing what was kept");
	is(sign_index(b, room.tree.size), PV_REASON_INDEX, "signing oneself");

	struct pv_roster_body body = {.type = PV_ROSTER_FORGET};
	body.u.ranges.id = kit_id16("keeping", 4);
	body.u.ranges.count = 2;
	body.u.ranges.ranges[0] = (struct pv_range){first, first + 1};
	body.u.ranges.ranges[1] = (struct pv_range){first + 2, first + 3};
	is(kit_roster(&room, a, &body), PV_REASON_HOLD, "two ranges, the second one held");
	body.type = PV_ROSTER_HOLD;
	body.u.ranges.ranges[1] = (struct pv_range){first + 4, first + 5};
	is(kit_roster(&room, c, &body), PV_REASON_NONE, "a hold of two");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 5, first + 4, first + 5, 0), PV_REASON_HOLD, "what the second one holds");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 5, first + 3, first + 4, 0), PV_REASON_NONE, "an older cut, beside them");

	kit_rekey_body(&room, &body);
	body.u.rekey.link_count = 2;
	body.u.rekey.links[0].epoch = epoch;
	body.u.rekey.links[1].epoch = epoch - 1;
	is(kit_roster(&room, a, &body), PV_REASON_LINK, "a rekey that links over the later cut");
	body.u.rekey.link_count = 1;
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "one that links to it");
	end();
}

enum { SAID = 64 };

static size_t differing(const struct pv_roster *roster, uint64_t first, const bool *gone)
{
	size_t count = 0;
	for (uint64_t i = 0; i < SAID; i++) count += pv_roster_is_forgotten(roster, first + i) != gone[i];
	return count;
}

/* What is done is looked up in ranges joined as they come: apart, side by side, within and over each other. */
static void test_many_forgets(void)
{
	static const uint8_t ranges[][2] = {{60, 61}, {0, 1}, {20, 22}, {10, 12}, {12, 14}, {30, 31}, {32, 33}, {34, 35}, {31, 34},
					    {9, 15}, {11, 13}, {63, 64}, {5, 40}, {1, 5}, {41, 42}, {62, 63}, {61, 62}, {0, 64}};
	enum { RANGES = sizeof ranges / sizeof ranges[0] };
	bool gone[SAID] = {false};
	size_t wrong = 0, apart, refused = 0;
	begin_full("many forgets");
	uint64_t first = room.tree.size, epoch = pv_roster_epoch(room.roster);
	for (int i = 0; i < SAID; i++) refused += kit_sealed(&room, b, PV_KIND_TALK, epoch) != PV_REASON_NONE;
	for (uint64_t i = 0; i < RANGES; i++)
		refused += hold_or_forget(a, PV_ROSTER_FORGET, i, first + ranges[i][0], first + ranges[i][1], epoch) != PV_REASON_NONE;
	struct pv_waiting waiting = pv_roster_waiting(room.roster, &anna.id);
	tap_ok(waiting.forgets == RANGES && !waiting.holds, "all of them wait");
	for (uint64_t i = 0; i < RANGES; i++) {
		struct pv_roster *decoded = NULL;
		struct pv_buf snapshot;
		refused += deleted(i) != PV_REASON_NONE;
		for (uint64_t k = ranges[i][0]; k < ranges[i][1]; k++) gone[k] = true;
		wrong += differing(room.roster, first, gone);
		pv_buf_init(&snapshot, 1 << 20);
		if (pv_roster_encode(room.roster, &snapshot) || pv_roster_decode(pv_buf_bytes(&snapshot), &decoded)) abort();
		wrong += differing(decoded, first, gone);
		pv_roster_free(decoded);
		pv_buf_release(&snapshot);
	}
	tap_is_int((long long)refused, 0, "all are taken");
	tap_is_int((long long)wrong, 0, "what they name is forgotten, and nothing else, also after a snapshot");
	(void)pv_roster_gone(room.roster, &apart);
	tap_is_int((long long)apart, 1, "what lies side by side is one");
	tap_is_int((long long)pv_roster_waiting(room.roster, &anna.id).forgets, 0, "none waits any more");
	end();
}

static int sign_as(const struct kit_person *record, const struct kit_device *author, uint64_t invite, uint64_t key,
		   enum pv_stance stance, uint64_t document)
{
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	struct pv_sign_body body = {.document = kit_hash("document", document), .stance = stance, .stranger = true,
				    .record = pv_buf_bytes(&record->record), .invite = kit_id16("invite", invite)};
	struct pv_header header = kit_header(&room, &author->id, PV_KIND_SIGN);
	struct pv_stranger_context context = {room.id, body.invite, author->id, header.n, body.document};
	kit_sign_key("a", key, &sk, &pk);
	if (pv_stranger_sign(&sk, &context, &body.a_sig))
		abort();
	return kit_sign(&room, author, &body);
}

static void test_taking_back_protects_nothing(void)
{
	struct pv_roster_body leave = {.type = PV_ROSTER_LEAVE};
	struct pv_sign_body sign = {.document = kit_hash("document", 1)};
	begin_full("who has left cannot keep what is to be forgotten");
	is(kit_sealed(&room, a, PV_KIND_TALK, pv_roster_epoch(room.roster)), PV_REASON_NONE, "a message");
	uint64_t message = room.tree.size - 1;
	is(kit_sign(&room, c, &sign), PV_REASON_NONE, "a member signs something else");
	is(kit_roster(&room, c, &leave), PV_REASON_NONE, "and leaves");
	sign.stance = PV_STANCE_WITHDRAW;
	sign.index = message;
	sign.stranger = true;
	sign.record = pv_buf_bytes(&cleo.record);
	is(kit_sign(&room, c, &sign), PV_REASON_NONE, "and takes back, naming the message");
	is(hold_or_forget(a, PV_ROSTER_FORGET, 1, message, message + 1, 0), PV_REASON_NONE, "an owner forgets it");
	is(deleted(1), PV_REASON_NONE, "it is deleted");
	tap_ok(pv_roster_is_forgotten(room.roster, message), "and forgotten");
	end();
}

static void test_sign(void)
{
	struct pv_roster_body invite;
	begin("sign");
	kit_invite_body(1, EDITOR, 1, &invite);
	invite.u.invite.has_document = true;
	invite.u.invite.document = kit_hash("document", 1);
	is(kit_roster(&room, a, &invite), PV_REASON_NONE, "an invite with an agreement");
	is(kit_invite(&room, a, 2, EDITOR, 1), PV_REASON_NONE, "and one without");
	is(sign_index(a, 0), PV_REASON_NONE, "a member");
	is(sign_index(b, 0), IMPOSSIBLE, "someone unknown without a record");
	is(sign_as(&ben, b, 2, 2, PV_STANCE_ACCEPT, 1), PV_REASON_INVITE, "through an invite without an agreement");
	is(sign_as(&ben, b, 1, 1, PV_STANCE_ACCEPT, 2), PV_REASON_INVITE, "another document");
	is(sign_as(&ben, b, 1, 2, PV_STANCE_ACCEPT, 1), PV_REASON_A_KEY, "without the invite's key");
	is(sign_as(&cleo, b, 1, 1, PV_STANCE_ACCEPT, 1), PV_REASON_RECORD, "with another's record");
	ben.record.p[ben.record.n - 1] ^= 1;
	is(sign_as(&ben, b, 1, 1, PV_STANCE_ACCEPT, 1), PV_REASON_RECORD, "with a record that does not verify");
	ben.record.p[ben.record.n - 1] ^= 1;
	is(sign_as(&ben, a, 1, 1, PV_STANCE_ACCEPT, 1), PV_REASON_NONE, "a member's stranger part is not asked");
	for (int i = 0; i < 4; i++)
		is(sign_as(&ben, b, 1, 1, PV_STANCE_ACCEPT, 1), PV_REASON_NONE, "four times");
	is(sign_as(&ben, b, 1, 1, PV_STANCE_ACCEPT, 1), PV_REASON_LIMIT, "a fifth for one use");
	is(sign_as(&ben, b, 1, 1, PV_STANCE_WITHDRAW, 1), PV_REASON_NONE, "taking back needs no invite");
	is(sign_index(b, 0), PV_REASON_NOT_MEMBER, "a stranger without a record");

	tap_ok(kit_admit(&room, a, &cleo, 3, EDITOR), "a member");
	is(kit_device_add(&room, c, &cleo.id, &ben.devices[2]), PV_REASON_NONE, "adds a device that ben lists too");
	is(kit_device_remove(&room, c, &ben.devices[2], 0), PV_REASON_NONE, "and removes it");
	is(sign_as(&ben, &ben.devices[2], 1, 1, PV_STANCE_ACCEPT, 1), PV_REASON_FOREIGN_DEVICE, "which then signs for ben");
	is(kit_rekey(&room, a), PV_REASON_NONE, "rekey");
	invite.u.invite.id = kit_id16("invite", 4);
	is(kit_roster(&room, a, &invite), PV_REASON_NONE, "a new invite with the agreement");
	is(sign_as(&ben, b, 4, 1, PV_STANCE_ACCEPT, 1), PV_REASON_NONE, "while it is open");
	struct pv_roster_body close = {.type = PV_ROSTER_CLOSE_INVITE};
	close.u.close_invite = invite.u.invite.id;
	is(kit_roster(&room, a, &close), PV_REASON_NONE, "it is closed");
	is(sign_as(&ben, b, 4, 1, PV_STANCE_ACCEPT, 1), PV_REASON_INVITE, "when it is closed");
	end();
}

static void test_sealed(void)
{
	begin_full("talk and work");
	uint64_t epoch = pv_roster_epoch(room.roster);
	is(kit_sealed(&room, c, PV_KIND_TALK, epoch), PV_REASON_NONE, "a viewer talks");
	is(kit_sealed(&room, c, PV_KIND_WORK, epoch), PV_REASON_ROLE, "a viewer works");
	is(kit_sealed(&room, b, PV_KIND_WORK, epoch), PV_REASON_NONE, "an editor works");
	is(kit_sealed(&room, b, PV_KIND_WORK, epoch - 1), PV_REASON_STALE_EPOCH, "in an older epoch");
	is(kit_sealed(&room, b, PV_KIND_TALK, epoch + 1), PV_REASON_STALE_EPOCH, "in one to come");
	is(kit_remove(&room, a, &ben), PV_REASON_NONE, "the editor is removed");
	is(kit_sealed(&room, b, PV_KIND_TALK, epoch), PV_REASON_NOT_MEMBER, "who was removed");
	is(kit_sealed(&room, a, PV_KIND_TALK, epoch), PV_REASON_DUE, "while a rekey is due");
	end();
}

int main(void)
{
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &anna);
	kit_person_make(2, &ben);
	kit_person_make(3, &cleo);
	kit_person_certify(&ben, 0, false);
	kit_person_certify(&cleo, 0, false);
	a = &anna.devices[0];
	b = &ben.devices[0];
	c = &cleo.devices[0];
	test_rekey();
	test_recipients();
	test_bad_wrap();
	test_policy();
	test_server();
	test_hold_and_lift();
	test_forget();
	test_many_forgets();
	test_sign();
	test_taking_back_protects_nothing();
	test_sealed();
	kit_person_release(&anna);
	kit_person_release(&ben);
	kit_person_release(&cleo);
	return tap_done();
}
