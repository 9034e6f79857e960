/* What every metadata store must do: members, sessions, tickets, counters, accounts. */
#include "tests/conformance/meta_kit.h"

static enum pv_err count_room(void *context, const struct pv_meta_room *room)
{
	(void)room;
	++*(size_t *)context;
	return PV_OK;
}

static void test_members(void)
{
	struct pv_hash room = hash_of("room", 1), device = hash_of("device", 1);
	struct pv_meta_member member = {device, PV_ACCESS_EDITOR};
	struct pv_meta_append append = append_of(room, room_no, 5, NULL, 0);
	enum pv_access access;
	size_t rooms = 0;
	append.members = &member;
	append.member_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "a device comes");
	gives(CALL(access, room_no, &device, &access), PV_OK, "it has access");
	check(access == PV_ACCESS_EDITOR, "as an editor");
	member.access = PV_ACCESS_VIEWER;
	gives(CALL(append, &append, 1), PV_OK, "it changes");
	gives(CALL(access, room_no, &device, &access), PV_OK, "and is");
	check(access == PV_ACCESS_VIEWER, "a viewer");
	gives(CALL(rooms_of, &device, count_room, &rooms), PV_OK, "its rooms");
	check(rooms == 1, "are one");
	member.access = PV_ACCESS_NONE;
	gives(CALL(append, &append, 1), PV_OK, "it goes");
	gives(CALL(access, room_no, &device, &access), PV_ERR_NOT_FOUND, "and has no access");
}

static void test_sessions(void)
{
	struct pv_hash token = hash_of("token", 1), nonce = hash_of("nonce", 1), got_token = hash_of("token", 2);
	struct pv_meta_session session = session_for(1), got;
	uint64_t room = 0;
	gives(CALL(nonce_put, &nonce, NOW + 10), PV_OK, "a nonce is given");
	gives(CALL(nonce_take, &nonce, NOW + 10), PV_ERR_NOT_FOUND, "too late it is void");
	gives(CALL(nonce_take, &nonce, NOW + 9), PV_OK, "in time it is taken");
	gives(CALL(nonce_take, &nonce, NOW), PV_ERR_NOT_FOUND, "once");
	gives(CALL(session_put, &token, &session), PV_OK, "a session begins");
	gives(CALL(session, &token, NOW, &got), PV_OK, "is found");
	check(pv_hash_equal(&got.device_id, &session.device_id) && got.expires_ms == NOW + 100 && !got.has_person &&
	      memcmp(got.device.sign_pk.b, session.device.sign_pk.b, sizeof session.device.sign_pk.b) == 0, "as written");
	gives(CALL(session, &got_token, NOW, &got), PV_ERR_NOT_FOUND, "another token is not");
	gives(CALL(session, &token, NOW + 100, &got), PV_ERR_NOT_FOUND, "after its time it is not");
	gives(CALL(session_end, &token), PV_OK, "it ends");
	session.device_id.b[9] ^= 4;
	gives(CALL(session_put, &token, &session), PV_OK, "one whose row was damaged");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "speaks for no device");
	gives(CALL(session_end, &token), PV_OK, "and ends, too");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "and is gone");
	gives(CALL(ticket_put, &token, 42, NOW + 5), PV_OK, "a ticket");
	gives(CALL(ticket, &token, NOW, &room), PV_OK, "is found");
	check(room == 42, "for its room");
	gives(CALL(ticket, &token, NOW + 5, &room), PV_ERR_NOT_FOUND, "until its time");
}

static void test_pairings(void)
{
	struct pv_hash device = hash_of("device", 7), other = hash_of("device", 8), whose;
	uint8_t memory[64];
	struct pv_buf message;
	bool there = true;
	pv_buf_init_fixed(&message, memory, sizeof memory);
	gives(CALL(pairing_new, 17, &device, NOW, NOW + 10), PV_OK, "a pairing begins");
	gives(CALL(pairing_new, 17, &other, NOW, NOW + 10), PV_ERR_CONFLICT, "its plate is taken");
	gives(CALL(pairing, 17, NOW, &whose), PV_OK, "it is found");
	check(pv_hash_equal(&whose, &device), "with its device");
	gives(CALL(pairing, 18, NOW, &whose), PV_ERR_NOT_FOUND, "another plate is not");
	gives(CALL(pairing_get, 17, 1, NOW, &message, &there), PV_OK, "it is looked into");
	check(!there, "and empty");
	gives(CALL(pairing_put, 17, 1, NOW, pv_bytes_of_string("hello")), PV_OK, "a message is left");
	gives(CALL(pairing_put, 17, 1, NOW, pv_bytes_of_string("hello")), PV_OK, "and again the same");
	gives(CALL(pairing_put, 17, 1, NOW, pv_bytes_of_string("other")), PV_ERR_CONFLICT, "but no other");
	gives(CALL(pairing_put, 17, 2, NOW, pv_bytes(NULL, 0)), PV_OK, "an empty one");
	gives(CALL(pairing_get, 17, 1, NOW, &message, &there), PV_OK, "it is read");
	check(there && message.n == 5 && memcmp(message.p, "hello", 5) == 0, "as written");
	pv_buf_clear(&message);
	gives(CALL(pairing_get, 17, 2, NOW, &message, &there), PV_OK, "the empty one too");
	check(there && message.n == 0, "is there");
	gives(CALL(pairing_put, 18, 1, NOW, pv_bytes_of_string("hello")), PV_ERR_NOT_FOUND, "none where no pairing is");
	gives(CALL(pairing_get, 17, 1, NOW + 10, &message, &there), PV_ERR_NOT_FOUND, "after its time it is gone");
	gives(CALL(pairing_new, 17, &other, NOW + 10, NOW + 20), PV_OK, "and its plate free");
	gives(CALL(pairing_get, 17, 1, NOW + 10, &message, &there), PV_OK, "the new one");
	check(!there, "is empty");
	gives(CALL(pairing_new, 19, &other, NOW + 10, NOW + 20), PV_OK, "a device's next pairing");
	gives(CALL(pairing, 17, NOW + 10, &whose), PV_ERR_NOT_FOUND, "ends its last");
	gives(CALL(expire, NOW + 20), PV_OK, "expired ones go");
	gives(CALL(pairing, 19, NOW + 10, &whose), PV_ERR_NOT_FOUND, "for good");
}

static void test_counters(void)
{
	struct pv_hash key = hash_of("key", 1), other = hash_of("key", 2);
	uint64_t sum;
	gives(CALL(count, "c", &key, 1, 0, 0, &sum), PV_OK, "a counter begins");
	check(sum == 0, "at zero");
	gives(CALL(count, "c", &key, 1, 5, NOW + 10, &sum), PV_OK, "it adds");
	gives(CALL(count, "c", &key, 1, 7, NOW + 10, &sum), PV_OK, "up");
	check(sum == 12, "to twelve");
	gives(CALL(count, "c", &key, 2, 1, NOW + 10, &sum), PV_OK, "each window");
	check(sum == 1, "apart");
	gives(CALL(count, "d", &key, 1, 1, NOW + 10, &sum), PV_OK, "each name");
	check(sum == 1, "apart");
	gives(CALL(count, "c", &other, 1, 1, NOW + 10, &sum), PV_OK, "each key");
	check(sum == 1, "apart");
	gives(CALL(expire, NOW + 10), PV_OK, "and in time");
	gives(CALL(count, "c", &key, 1, 0, 0, &sum), PV_OK, "it is");
	check(sum == 0, "forgotten");
}

struct account_seen {
	size_t count;
	bool suspended;
};

static enum pv_err see_account(void *context, const struct pv_meta_account *account)
{
	struct account_seen *seen = context;
	seen->count++;
	seen->suspended = account->suspended;
	return PV_OK;
}

static void test_accounts(void)
{
	struct pv_hash person = hash_of("person", 1), code = hash_of("code", 1), token = hash_of("token", 7);
	struct pv_meta_session session = session_for(7), got;
	struct pv_meta_member member = {session.device_id, PV_ACCESS_OWNER};
	struct account_seen seen = {0};
	struct pv_meta_room row;
	struct pv_meta_append append = append_of(person, 0, 0, &made[0].row, 1);
	append.kind = 0;
	append.members = &member;
	append.member_count = 1;
	append.registration = PV_REGISTRATION_CODE;
	append.registration_hash = code;
	gives(CALL(append, &append, 1), PV_OK, "registering by a code that is none");
	gives(append.ret_err, PV_ERR_DENIED, "is denied");
	gives(CALL(room, &person, &row), PV_ERR_NOT_FOUND, "and founds nothing");
	gives(CALL(code_put, &code, NOW + 10), PV_OK, "by one that was given");
	append.no = 0;
	gives(CALL(append, &append, 1), PV_OK, "it");
	gives(append.ret_err, PV_OK, "is done");
	gives(CALL(session_put, &token, &session), PV_OK, "its device's session");
	gives(CALL(session, &token, NOW, &got), PV_OK, "knows");
	check(got.has_person && pv_hash_equal(&got.person, &person), "the person");
	struct pv_hash second = hash_of("person", 2);
	struct pv_meta_append again = append_of(second, 0, 0, &made[0].row, 1);
	again.kind = 0;
	again.registration = PV_REGISTRATION_CODE;
	again.registration_hash = code;
	gives(CALL(append, &again, 1), PV_OK, "the code again");
	gives(again.ret_err, PV_ERR_DENIED, "is spent");
	gives(CALL(accounts, see_account, &seen), PV_OK, "the accounts");
	check(seen.count == 1 && !seen.suspended, "are one");
	gives(CALL(suspend, &person, true), PV_OK, "it is suspended");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "its sessions end");
	gives(CALL(session_put, &token, &session), PV_OK, "a new one");
	gives(CALL(session, &token, NOW, &got), PV_ERR_DENIED, "is refused");
	gives(CALL(suspend, &person, false), PV_OK, "it is let in again");
	gives(CALL(session, &token, NOW, &got), PV_OK, "and is");
	gives(CALL(suspend, &second, true), PV_ERR_NOT_FOUND, "nobody else is suspended");
	member.access = PV_ACCESS_NONE;
	struct pv_meta_append revoke = append_of(person, append.no, 1, NULL, 0);
	revoke.kind = 0;
	revoke.members = &member;
	revoke.member_count = 1;
	gives(CALL(append, &revoke, 1), PV_OK, "a device that its person removes");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "loses its sessions");
}

void meta_suite_people(void)
{
	test_members();
	test_sessions();
	test_pairings();
	test_counters();
	test_accounts();
}
