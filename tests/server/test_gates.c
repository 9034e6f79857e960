/* Gates at the server: putting, releasing, repeating, and every way in which one ends. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/base64.h"
#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member a, b;
static struct pv_buf answer;
static char room_hex[65];

static void good(enum pv_err err, const char *what)
{
	tap_ok(err == PV_OK, "%s", what);
	if (err) tap_note("got %s", pv_err_web_name(err));
}

static void is_status(unsigned got, unsigned want, const char *reason, const char *what)
{
	bool same = got == want && strcmp(srv_reason, reason) == 0;
	tap_ok(same, "%s", what);
	if (!same) tap_note("got %u %s, want %u %s: %.*s", got, srv_reason, want, reason, (int)answer.n, (char *)answer.p);
}

static uint64_t room_size(void)
{
	struct pv_meta_room row;
	return srv.server.meta->ops->room(srv.server.meta, pv_room_id(a.room), &row) ? 0 : row.size;
}

static unsigned ask(const char *method, const char *token, struct pv_bytes body, const struct pv_id16 *gate, const char *rest)
{
	char target[128], id[33];
	pv_hex_encode(gate->b, sizeof gate->b, id);
	snprintf(target, sizeof target, "/v1/gates/%s%s", id, rest);
	return srv_ask(&srv, method, target, token, body, &answer);
}

/* ---- what the owner puts */

struct made {
	struct pv_invite_link link;
	struct pv_half_b b;
};

/* An invite in the log and its gate at the server; `until_ms` 0: none. */
static struct made make_invite(uint64_t uses, uint64_t until_ms)
{
	struct pv_invite_options options = {.role = PV_ROLE_VIEWER, .uses = uses, .until_ms = until_ms,
					    .server_url = "http://server.example"};
	struct made made;
	struct pv_buf request;
	struct pv_cbor in;
	pv_buf_init(&request, PV_LIMIT_GATE_BYTES);
	pv_room_set_time(a.room, srv.now_ms);
	good(pv_room_invite(a.room, &options, &made.link, &request), "an invite");
	pv_cbor_init(&in, pv_buf_bytes(&request));
	pv_cbor_get_array_of(&in, 2);
	pv_cbor_get_item(&in);
	pv_cbor_get_fixed(&in, made.b.b, sizeof made.b.b);
	is_status(ask("PUT", ada.token, pv_buf_bytes(&request), &made.link.gate, ""), 201, "", "its gate is taken");
	good(rig_push(&a), "it is in the log");
	pv_buf_release(&request);
	return made;
}

struct change {
	uint64_t version;
	bool password, no_half, wrong_half, not_signed, document;
	uint64_t not_before_ms, max_releases, approvals, wait_ms;
};

static const struct pv_gate_proof proof = {{42}};

/* Another version of an invite's gate, by `who`. */
static unsigned put_version(const struct made *made, struct srv_person *who, const struct change *change)
{
	struct pv_sign_sk a_sk;
	struct pv_gate gate = {.id = made->link.gate, .room = made->link.room, .version = change->version,
			       .shares = pv_bytes("\x80", 1), .refs = pv_bytes("\x80", 1)};
	struct pv_half_b half = made->b;
	struct pv_buf signed_gate, body;
	pv_buf_init(&signed_gate, PV_LIMIT_GATE_BYTES);
	pv_buf_init(&body, PV_LIMIT_GATE_BYTES);
	pv_gate_a_key(&made->link.a, &gate.id, &a_sk, &gate.a_key);
	pv_half_b_hash(&half, &gate.half_hash);
	gate.has_proof_hash = change->password;
	pv_gate_proof_hash(&proof, &gate.proof_hash);
	gate.policy.has_not_before = change->not_before_ms != 0;
	gate.policy.not_before_ms = change->not_before_ms;
	gate.policy.has_max_releases = change->max_releases != 0;
	gate.policy.max_releases = change->max_releases;
	gate.policy.has_document = change->document;
	gate.policy.approvals = change->approvals;
	gate.policy.wait_ms = change->wait_ms;
	if (change->wrong_half) half.b[0] ^= 1;
	if (pv_gate_sign(&gate, &who->device.me.device, &who->device.me.sign_sk, &signed_gate)) abort();
	if (change->not_signed) signed_gate.p[signed_gate.n - 1] ^= 1;
	pv_cbor_put_array(&body, 2);
	pv_buf_append(&body, signed_gate.p, signed_gate.n);
	if (change->no_half) pv_cbor_put_null(&body);
	else pv_cbor_put_bytes(&body, half.b, sizeof half.b);
	unsigned status = ask("PUT", who->token, pv_buf_bytes(&body), &gate.id, "");
	pv_buf_release(&signed_gate);
	pv_buf_release(&body);
	return status;
}

/* ---- what a guest asks */

struct guest {
	struct pv_kem_seed seed;
	uint64_t version;
	bool wrong_key, has_proof, wrong_proof;
	char ticket[64];
};

static struct guest guest_of(uint8_t number)
{
	return (struct guest){.seed = {{number}}, .version = 1};
}

static unsigned release(const struct made *made, struct guest *guest)
{
	struct pv_release_request request = {.gate = made->link.gate, .version = guest->version,
					     .has_proof = guest->has_proof, .proof = proof};
	struct pv_sign_sk a_sk;
	struct pv_sign_pk a_pk;
	struct pv_half_a half_a = made->link.a;
	struct pv_buf body;
	pv_buf_init(&body, 4096);
	if (guest->wrong_key) half_a.b[0] ^= 1;
	if (guest->wrong_proof) request.proof.b[0] ^= 1;
	pv_gate_a_key(&half_a, &request.gate, &a_sk, &a_pk);
	pv_kem_from_seed(&guest->seed, &request.kem_pk);
	if (pv_release_request_sign(&request, &a_sk)) abort();
	pv_release_request_put(&body, &request);
	unsigned status = ask("POST", NULL, pv_buf_bytes(&body), &request.gate, "/release");
	pv_buf_release(&body);
	return status;
}

/* A gate is gone from sight when the server has its half no more, and not before. */
static void is_erased(const struct made *made, const char *reason, const char *what)
{
	is_status(ask("GET", NULL, pv_bytes(NULL, 0), &made->link.gate, ""), 410, reason, what);
}

/* Does the answer open to B? Keeps the ticket. */
static bool opens(const struct made *made, struct guest *guest)
{
	struct pv_half_b half;
	struct pv_hash ticket;
	struct pv_buf text;
	bool has_ticket;
	if (pv_release_answer_open(&made->link.gate, &guest->seed, pv_buf_bytes(&answer), &half, &has_ticket, &ticket)) return false;
	snprintf(guest->ticket, sizeof guest->ticket, "Ticket ");
	pv_buf_init_fixed(&text, guest->ticket + 7, sizeof guest->ticket - 8);
	pv_base64_put(&text, PV_BASE64_URL, PV_BYTES_OF(ticket));
	guest->ticket[7 + text.n] = 0;
	return has_ticket && memcmp(half.b, made->b.b, sizeof half.b) == 0;
}

static unsigned read_by(const struct guest *guest, const char *hex)
{
	char target[160];
	snprintf(target, sizeof target, "/v1/rooms/%s/entries?bodies=1", hex);
	return srv_ask(&srv, "GET", target, guest->ticket, pv_bytes(NULL, 0), &answer);
}

/* ---- */

static void test_release(void)
{
	struct made made = make_invite(5, 0);
	struct guest guest = guest_of(1), second = guest_of(2);
	struct pv_id16 unknown = {{9}};
	uint64_t size = room_size();
	char person_hex[65];
	is_status(ask("GET", NULL, pv_bytes(NULL, 0), &made.link.gate, ""), 200, "", "anyone with its id sees its policy");
	is_status(ask("GET", NULL, pv_bytes(NULL, 0), &unknown, ""), 404, "", "one that is none is not there");
	is_status(ask("POST", NULL, pv_bytes("\x80", 1), &made.link.gate, "/release"), 400, "", "a request of another form is refused");
	guest.wrong_key = true;
	is_status(release(&made, &guest), 403, "signature", "so is one without the link");
	guest.wrong_key = false;
	guest.version = 2;
	is_status(release(&made, &guest), 409, "version", "and one for another version");
	guest.version = 1;
	tap_is_int((long long)room_size(), (long long)size, "of these the log tells nothing");
	is_status(release(&made, &guest), 200, "", "with the link it releases");
	tap_ok(opens(&made, &guest), "half B, and a ticket");
	tap_is_int((long long)room_size(), (long long)size + 1, "and the log tells it");
	is_status(release(&made, &guest), 200, "", "the same request again");
	tap_ok(opens(&made, &guest), "gets the same half");
	tap_is_int((long long)room_size(), (long long)size + 1, "and is not told again");
	is_status(release(&made, &second), 200, "", "another guest's");
	tap_is_int((long long)room_size(), (long long)size + 2, "is");
	is_status(read_by(&guest, room_hex), 200, "", "the ticket reads the room");
	pv_hex_encode(ada.device.me.person.b, 32, person_hex);
	is_status(read_by(&guest, person_hex), 403, "role", "and no other");
	srv.now_ms += PV_TICKET_MS;
	is_status(read_by(&guest, room_hex), 401, "", "for a quarter of an hour");
	srv_person_login(&ada);
	srv_person_login(&bob);
	good(rig_pull(&a), "the server's entries verify");
	is_status(ask("DELETE", bob.token, pv_bytes(NULL, 0), &made.link.gate, ""), 403, "role", "who is no owner ends no gate");
	is_status(ask("DELETE", ada.token, pv_bytes(NULL, 0), &made.link.gate, ""), 204, "", "an owner does");
	is_status(release(&made, &guest), 410, "revoked", "then it releases nothing, to nobody");
	is_status(ask("GET", NULL, pv_bytes(NULL, 0), &made.link.gate, ""), 410, "revoked", "and says so");
}

static void test_putting(void)
{
	struct made made = make_invite(5, 0);
	struct guest guest = guest_of(3);
	uint64_t size;
	is_status(put_version(&made, &bob, &(struct change){.version = 2}), 403, "role", "who is no owner puts no gate");
	is_status(put_version(&made, &ada, &(struct change){.version = 3}), 409, "version", "versions follow each other");
	is_status(put_version(&made, &ada, &(struct change){.version = 2, .wrong_half = true}), 400, "half", "the half is the one named");
	is_status(put_version(&made, &ada, &(struct change){.version = 2, .not_signed = true}), 400, "signature", "a session alone puts no gate");
	is_status(put_version(&made, &ada, &(struct change){.version = 2, .no_half = true, .not_before_ms = srv.now_ms + 1000}), 201, "",
		  "a version may keep the half");
	guest.version = 2;
	is_status(release(&made, &guest), 403, "early", "before its time it releases nothing");
	srv.now_ms += 1000;
	is_status(release(&made, &guest), 200, "", "then it does");
	tap_ok(opens(&made, &guest), "the half that was kept");
	is_status(put_version(&made, &ada, &(struct change){.version = 3, .max_releases = 2}), 201, "", "with two releases at most");
	guest = guest_of(4);
	guest.version = 3;
	is_status(release(&made, &guest), 200, "", "one more is left");
	size = room_size();
	guest = guest_of(5);
	guest.version = 3;
	is_status(release(&made, &guest), 410, "spent", "then none");
	tap_is_int((long long)room_size(), (long long)size, "and the log does not grow");
	guest = guest_of(4);
	guest.version = 3;
	is_status(release(&made, &guest), 200, "", "who had it has it again");
	/* What this server cannot hold a guest to, it does not take for nothing. */
	const struct change asks[] = {{.version = 4, .document = true}, {.version = 5, .approvals = 1}, {.version = 6, .wait_ms = 1000}};
	for (size_t i = 0; i < 3; i++) {
		is_status(put_version(&made, &ada, &asks[i]), 201, "", "with what else a guest has to bring");
		guest = guest_of((uint8_t)(6 + i));
		guest.version = asks[i].version;
		is_status(release(&made, &guest), 403, i ? "unapproved" : "unsigned", "it releases nothing");
	}
	good(rig_pull(&a), "Ada takes all that in");
}

static void test_password(void)
{
	struct made made = make_invite(5, 0);
	struct guest guest = guest_of(6);
	unsigned status = 403;
	uint64_t size = room_size();
	is_status(put_version(&made, &ada, &(struct change){.version = 2, .password = true}), 201, "", "a gate with a password");
	guest.version = 2;
	is_status(release(&made, &guest), 403, "password", "wants it");
	guest.has_proof = guest.wrong_proof = true;
	for (int i = 0; i < 10 && status == 403; i++) status = release(&made, &guest);
	is_status(status, 403, "password", "a wrong one is refused ten times");
	is_status(release(&made, &guest), 429, "password", "then for the rest of the hour");
	guest.wrong_proof = false;
	is_status(release(&made, &guest), 429, "password", "so is the right one");
	tap_is_int((long long)room_size(), (long long)size, "none of that is a release");
	srv.now_ms += 3600 * 1000;
	srv_person_login(&ada);
	srv_person_login(&bob);
	is_status(release(&made, &guest), 200, "", "in the next hour the right one opens");
	tap_ok(opens(&made, &guest), "the gate");
}

/* While one try is counted others come: as in a server's other threads. */
static enum pv_err (*count_alone)(struct pv_meta *meta, const char *what, const struct pv_hash *key, uint64_t window,
				  int64_t add, uint64_t expires_ms, uint64_t *ret_sum);
static const struct made *crowded;
static unsigned crowd_left, told_wrong, told_wait;

static void try_wrong(void)
{
	struct guest guest = guest_of(9);
	guest.version = 2;
	guest.has_proof = guest.wrong_proof = true;
	unsigned status = release(crowded, &guest);
	if (status == 403) told_wrong++;
	if (status == 429) told_wait++;
}

static enum pv_err count_in_crowd(struct pv_meta *meta, const char *what, const struct pv_hash *key, uint64_t window,
				  int64_t add, uint64_t expires_ms, uint64_t *ret_sum)
{
	enum pv_err err = count_alone(meta, what, key, window, add, expires_ms, ret_sum);
	if (strcmp(what, "password") == 0 && crowd_left) {
		crowd_left--;
		try_wrong();
	}
	return err;
}

static void test_passwords_at_once(void)
{
	struct made made = make_invite(5, 0);
	struct guest guest = guest_of(9);
	const struct pv_meta_ops *ops = srv.server.meta->ops;
	struct pv_meta_ops crowd = *ops;
	is_status(put_version(&made, &ada, &(struct change){.version = 2, .password = true}), 201, "", "another gate with a password");
	guest.version = 2;
	guest.has_proof = true;
	is_status(release(&made, &guest), 200, "", "which the right one opens");
	crowded = &made;
	crowd_left = 24;
	count_alone = ops->count;
	crowd.count = count_in_crowd;
	srv.server.meta->ops = &crowd;
	try_wrong();
	srv.server.meta->ops = ops;
	tap_is_int(told_wrong, 10, "of 25 wrong ones at once, ten are told so: a right one was not counted");
	tap_is_int(told_wait, 15, "and the others to wait");
	is_status(release(&made, &guest), 429, "password", "as is the right one after them");
}

static void test_expiry(void)
{
	struct made made = make_invite(5, srv.now_ms + 5000), late = make_invite(5, srv.now_ms + 9000);
	struct guest guest = guest_of(7);
	uint64_t size = room_size();
	srv_tick(&srv);
	tap_is_int((long long)room_size(), (long long)size, "before its time an invite stands");
	srv.now_ms += 5000;
	srv_tick(&srv);
	tap_is_int((long long)room_size(), (long long)size + 1, "then the server says that it has expired");
	srv_tick(&srv);
	tap_is_int((long long)room_size(), (long long)size + 1, "once");
	good(rig_pull(&a), "which verifies");
	tap_ok(!pv_roster_invite(pv_room_roster(a.room), &made.link.gate)->open, "and closes it");
	is_status(release(&made, &guest), 410, "expired", "its gate opens no more");
	is_erased(&made, "expired", "and has lost its half");
	srv.now_ms += 4000;
	is_status(release(&late, &guest), 410, "expired", "asking for one past its time");
	srv_tick(&srv);
	good(rig_pull(&a), "and the next second");
	tap_ok(!pv_roster_invite(pv_room_roster(a.room), &late.link.gate)->open, "close it too");
	is_status(release(&late, &guest), 410, "expired", "for good");
}

static void test_ends(void)
{
	struct made once = make_invite(1, 0), other;
	struct guest guest = guest_of(8);
	good(rig_join(&b, &bob.device, &once.link), "Bob joins by an invite for one");
	is_status(release(&once, &guest), 410, "spent", "which is used up");
	is_erased(&once, "spent", "its half is erased");
	good(rig_pull(&a), "Ada sees it");
	other = make_invite(5, 0);
	good(pv_room_remove(a.room, &bob.device.me.person), "while another is open Ada removes Bob");
	good(rig_push(&a), "and sends that");
	is_status(release(&other, &guest), 410, "revoked", "which ends it");
	is_erased(&other, "revoked", "with its half");
}

/* What was sent for a gate may be held up on its way, and come when its invite has ended. */
static void test_late_gate(void)
{
	struct pv_invite_options options = {.role = PV_ROLE_VIEWER, .uses = 2, .server_url = "http://server.example"};
	struct pv_invite_link link;
	struct pv_buf request;
	pv_buf_init(&request, PV_LIMIT_GATE_BYTES);
	pv_room_set_time(a.room, srv.now_ms);
	good(pv_room_invite(a.room, &options, &link, &request), "an invite whose gate is held up");
	good(rig_push(&a), "is in the log");
	good(pv_room_close_invite(a.room, &link.gate), "and is closed");
	good(rig_push(&a), "there");
	is_status(ask("PUT", ada.token, pv_buf_bytes(&request), &link.gate, ""), 410, "revoked", "then its gate is not taken");
	is_status(ask("GET", NULL, pv_bytes(NULL, 0), &link.gate, ""), 404, "", "and the server has no half of it");
	pv_buf_release(&request);
}

static void test_accounts(void)
{
	struct made made = make_invite(5, 0);
	struct guest guest = guest_of(21);
	struct srv_person person;
	srv.server.registration = PV_REGISTER_INVITE;
	is_status(release(&made, &guest), 200, "", "where accounts are by invitation, a release");
	tap_ok(opens(&made, &guest), "gives a ticket");
	tap_ok(srv_person_init(&person, &srv, 30, guest.ticket + 7) == PV_OK, "by which a person registers");
	srv_person_release(&person);
	tap_ok(srv_person_init(&person, &srv, 31, guest.ticket + 7) == PV_ERR_DENIED, "but not two");
	srv_person_release(&person);
	is_status(release(&made, &guest), 200, "", "the same release again");
	tap_ok(opens(&made, &guest), "gives another ticket");
	is_status(read_by(&guest, room_hex), 200, "", "which reads");
	tap_ok(srv_person_init(&person, &srv, 32, guest.ticket + 7) == PV_ERR_DENIED, "and registers nobody");
	srv_person_release(&person);
	guest = guest_of(22);
	is_status(release(&made, &guest), 200, "", "another release, which the log tells");
	tap_ok(opens(&made, &guest) && srv_person_init(&person, &srv, 33, guest.ticket + 7) == PV_OK, "lets another person register");
	srv_person_release(&person);
	srv.server.registration = PV_REGISTER_OPEN;
	srv_person_login(&ada);
	srv_person_login(&bob);
	good(rig_pull(&a), "Ada reads on");
}

/* What the log lost may have closed the link: who had its half does not have it again before that is known. */
static void test_restored(void)
{
	struct made made = make_invite(2, 0);
	struct guest guest = guest_of(30);
	is_status(release(&made, &guest), 200, "", "a link releases");
	good(srv.server.meta->ops->mark_restored(srv.server.meta, srv.now_ms), "then the server is restored");
	srv_restart(&srv);
	is_status(release(&made, &guest), 503, "restored", "and does not release the same again");
}

int main(void)
{
	if (pv_crypto_init()) return 1;
	srv_init(&srv, 1);
	pv_buf_init(&answer, 1 << 24);
	good(srv_person_init(&ada, &srv, 2, NULL), "Ada registers");
	good(srv_person_init(&bob, &srv, 3, NULL), "Bob registers");
	good(rig_found(&a, &ada.device), "Ada founds a room");
	pv_hex_encode(pv_room_id(a.room)->b, 32, room_hex);
	test_release();
	test_accounts();
	test_putting();
	test_password();
	test_passwords_at_once();
	test_expiry();
	test_ends();
	test_late_gate();
	test_restored();
	rig_member_close(&a);
	rig_member_close(&b);
	srv_person_release(&ada);
	srv_person_release(&bob);
	pv_buf_release(&answer);
	srv_release(&srv);
	return tap_done();
}
