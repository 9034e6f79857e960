/* Gates: exact bytes, refusals, the key schedule, signatures, release and its binding. */
#include "core/room/gate.h"

#include "tests/seeded.h"
#include "tests/tap.h"

static struct seeded seeds;

static void fill(void *p, size_t n)
{
	seeded_fill(&seeds, p, n);
}

static struct pv_gate full_gate(void)
{
	static const uint8_t preview[] = {1, 2, 3};
	static const uint8_t refs[] = {0x81, 0x50, 'b', 'l', 'o', 'b', 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct pv_gate gate;
	memset(&gate, 0, sizeof gate);
	fill(&gate.id, sizeof gate.id);
	fill(&gate.room, sizeof gate.room);
	gate.version = 3;
	fill(&gate.a_key, sizeof gate.a_key);
	fill(&gate.half_hash, sizeof gate.half_hash);
	gate.has_proof_hash = true;
	fill(&gate.proof_hash, sizeof gate.proof_hash);
	gate.policy.has_not_before = gate.policy.has_not_after = gate.policy.has_max_releases = true;
	gate.policy.not_before_ms = 1;
	gate.policy.not_after_ms = 1700000000000;
	gate.policy.max_releases = 0;
	gate.policy.has_document = true;
	fill(&gate.policy.document, 32);
	gate.policy.person_count = 2;
	fill(gate.policy.persons, 64);
	gate.policy.approvals = 1;
	gate.policy.wait_ms = 86400000;
	gate.policy.vetoer_count = 1;
	fill(gate.policy.vetoers, 32);
	gate.preview = pv_bytes(preview, sizeof preview);
	gate.refs = pv_bytes(refs, sizeof refs);
	return gate;
}

static struct pv_buf encode(const struct pv_gate *gate)
{
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_GATE_BYTES);
	pv_gate_put(&buf, gate);
	tap_is_int(buf.err, PV_OK, "a gate is written");
	return buf;
}

static void there_and_back(const struct pv_gate *gate, const char *what)
{
	struct pv_gate back;
	struct pv_buf first = encode(gate);
	bool good = pv_gate_read(pv_buf_bytes(&first), &back) == PV_OK;
	if (tap_ok(good, "%s is read", what)) {
		struct pv_buf second = encode(&back);
		tap_is_bytes(second.p, second.n, first.p, first.n, "and written the same");
		pv_buf_release(&second);
	}
	pv_buf_release(&first);
}

/* Every cut fails, and so does every byte more; no changed byte reads as the same gate. */
static void damage(void)
{
	struct pv_gate gate = full_gate(), back;
	struct pv_buf buf = encode(&gate);
	bool cut = true, changed = true;
	for (size_t n = 0; n < buf.n; n++) cut = cut && pv_gate_read(pv_bytes(buf.p, n), &back) != PV_OK;
	tap_ok(cut, "cut anywhere it is refused");
	for (size_t i = 0; i < buf.n; i++) {
		buf.p[i] ^= 0x21;
		if (pv_gate_read(pv_buf_bytes(&buf), &back) == PV_OK) {
			struct pv_buf again;
			pv_buf_init(&again, PV_LIMIT_GATE_BYTES);
			pv_gate_put(&again, &back);
			changed = changed && pv_bytes_equal(pv_buf_bytes(&again), pv_buf_bytes(&buf));
			pv_buf_release(&again);
		}
		buf.p[i] ^= 0x21;
	}
	tap_ok(changed, "what is read with a byte changed is written with that byte changed");
	pv_buf_append_byte(&buf, 0);
	tap_is_int(pv_gate_read(pv_buf_bytes(&buf), &back), PV_ERR_MALFORMED, "a byte more is refused");
	buf.p[1] = 2;
	tap_is_int(pv_gate_read(pv_bytes(buf.p, buf.n - 1), &back), PV_ERR_UNSUPPORTED, "version 2 is newer");
	pv_buf_release(&buf);
}

static void refused(const struct pv_gate *gate, enum pv_err want, const char *what)
{
	struct pv_gate back;
	struct pv_buf buf;
	pv_buf_init(&buf, 1 << 20);
	pv_gate_put(&buf, gate);
	enum pv_err err = pv_gate_read(pv_buf_bytes(&buf), &back);
	tap_ok(buf.err == PV_OK && err == want, "%s: %s", what, pv_err_web_name(err));
	pv_buf_release(&buf);
}

static void refusals(void)
{
	static uint8_t big[PV_LIMIT_PREVIEW_BYTES + 1];
	static uint8_t many[3 + 17 * 1025];
	struct pv_gate gate = full_gate();
	gate.version = 0;
	refused(&gate, PV_ERR_MALFORMED, "version 0");
	gate = full_gate();
	gate.preview = pv_bytes(big, sizeof big);
	refused(&gate, PV_ERR_LIMIT, "a long preview");
	gate = full_gate();
	gate.policy.approvals = PV_LIMIT_GATE_SHARES + 1;
	refused(&gate, PV_ERR_LIMIT, "more approvals than shares can be");
	gate = full_gate();
	gate.refs = pv_bytes("\x81\x41\x01", 3);
	refused(&gate, PV_ERR_MALFORMED, "a blob name of one byte");
	gate.refs = pv_bytes("\x40", 1);
	refused(&gate, PV_ERR_MALFORMED, "refs that are no array");
	gate = full_gate();
	gate.shares = pv_bytes("\x81\x80", 2);
	refused(&gate, PV_ERR_MALFORMED, "an empty share");
	gate = full_gate();
	memcpy(many, "\x99\x04\x01", 3);
	for (size_t i = 0; i < 1025; i++) many[3 + 17 * i] = 0x50;
	gate.refs = pv_bytes(many, sizeof many);
	refused(&gate, PV_ERR_LIMIT, "1025 refs");
}

static void signatures(void)
{
	struct pv_gate gate = full_gate(), back;
	struct pv_hash device, got;
	struct pv_sign_seed seed;
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	struct pv_buf buf;
	fill(&device, sizeof device);
	fill(&seed, sizeof seed);
	pv_sign_from_seed(&seed, &sk, &pk);
	pv_buf_init(&buf, PV_LIMIT_GATE_BYTES + 256);
	tap_is_int(pv_gate_sign(&gate, &device, &sk, &buf), PV_OK, "a gate is signed");
	tap_is_int(pv_gate_read_signed(pv_buf_bytes(&buf), &back, &got), PV_OK, "and read");
	tap_is_bytes(got.b, 32, device.b, 32, "with its device");
	tap_is_int((int)back.version, 3, "and its version");
	tap_is_int(pv_gate_verify(pv_buf_bytes(&buf), &pk), PV_OK, "and verified");
	bool all = true;
	for (size_t i = 0; i < buf.n; i++) {
		size_t device_at = buf.n - 66 - 34;
		if (i >= device_at && i < device_at + 34) continue; /* names the key; the caller looks it up */
		buf.p[i] ^= 4;
		all = all && pv_gate_verify(pv_buf_bytes(&buf), &pk) != PV_OK;
		buf.p[i] ^= 4;
	}
	tap_ok(all, "no byte of gate or signature can change");
	pv_buf_release(&buf);
}

static void key_schedule(void)
{
	struct pv_half_a a;
	struct pv_half_b b;
	struct pv_id16 id;
	struct pv_gate_password password;
	struct pv_gate_key key, other;
	struct pv_sign_sk sk;
	struct pv_sign_pk pk, want_pk;
	memset(&a, 0xaa, sizeof a);
	memset(&b, 0xbb, sizeof b);
	memset(&id, 0x1d, sizeof id);
	memset(&password, 0xcc, sizeof password);

	/* By hand: the four parts and the label with the id. */
	uint8_t secret[34 * 3 + 1], info[1 + 18 + 17], want[32];
	memcpy(secret, "\x58\x20", 2);
	memset(secret + 2, 0xaa, 32);
	memcpy(secret + 34, "\x58\x20", 2);
	memset(secret + 36, 0xbb, 32);
	memcpy(secret + 68, "\x40\x40", 2);
	memcpy(info, "\x72" "privity/1/gate/key" "\x50", 20);
	memset(info + 20, 0x1d, 16);
	tap_is_int(pv_hkdf_general(pv_bytes(secret, 70), pv_bytes(NULL, 0), pv_bytes(info, sizeof info), want, 32), PV_OK,
		   "HKDF");
	pv_gate_key(&a, &b, NULL, pv_bytes(NULL, 0), &id, &key);
	tap_is_bytes(key.b, 32, want, 32, "the gate key without a password");
	pv_gate_key(&a, &b, &password, pv_bytes(NULL, 0), &id, &other);
	tap_ok(memcmp(&key, &other, 32) != 0, "a password changes it");
	pv_gate_key(&a, &b, NULL, pv_bytes(password.b, 32), &id, &key);
	tap_ok(memcmp(&key, &other, 32) != 0, "a password is no threshold secret");

	uint8_t a_info[1 + 20 + 17];
	struct pv_sign_seed seed;
	memcpy(a_info, "\x74" "privity/1/gate/a-key" "\x50", 22);
	memset(a_info + 22, 0x1d, 16);
	tap_is_int(pv_hkdf_general(pv_bytes(a.b, 32), pv_bytes(NULL, 0), pv_bytes(a_info, sizeof a_info), seed.b, 32), PV_OK,
		   "HKDF");
	struct pv_sign_sk want_sk;
	pv_sign_from_seed(&seed, &want_sk, &want_pk);
	pv_gate_a_key(&a, &id, &sk, &pk);
	tap_is_bytes(pk.b, 32, want_pk.b, 32, "the A-key derives from half A and the gate's id");
	id.b[0] ^= 1;
	pv_gate_a_key(&a, &id, &sk, &pk);
	tap_ok(memcmp(&pk, &want_pk, 32) != 0, "another gate has another A-key");

	struct pv_sign_pk join_pk;
	struct pv_kem_seed kem;
	pv_invite_join_key(&key, &sk, &join_pk);
	pv_invite_kem_seed(&key, &kem);
	tap_ok(memcmp(&join_pk, &pk, 32) != 0 && memcmp(kem.b, sk.b, 32) != 0, "join key and KEM seed are apart");
}

static void passwords(void)
{
	struct pv_half_a a = {{1}};
	struct pv_id16 id = {{2}};
	struct pv_gate_password p, q;
	struct pv_gate_proof proof, other;
	tap_is_int(pv_gate_password(pv_bytes_of_string("correct horse"), &a, &id, &p, &proof), PV_OK, "a password");
	tap_ok(memcmp(&p, &proof, 32) != 0, "the proof is not the key");
	tap_is_int(pv_gate_password(pv_bytes_of_string("correct horsf"), &a, &id, &q, &other), PV_OK, "another one");
	tap_ok(memcmp(&p, &q, 32) != 0 && memcmp(&proof, &other, 32) != 0, "gives another key and proof");
	struct pv_hash hash, half;
	pv_gate_proof_hash(&proof, &hash);
	struct pv_half_b b;
	memcpy(&b, &proof, 32);
	pv_half_b_hash(&b, &half);
	tap_ok(!pv_hash_equal(&hash, &half), "a proof's hash has a label of its own");
}

static void make_request(struct pv_release_request *request, struct pv_kem_seed *seed, struct pv_sign_pk *a_pk)
{
	struct pv_half_a a;
	struct pv_sign_sk a_sk;
	memset(request, 0, sizeof *request);
	fill(&a, sizeof a);
	fill(&request->gate, sizeof request->gate);
	fill(seed, sizeof *seed);
	pv_kem_from_seed(seed, &request->kem_pk);
	request->version = 2;
	request->has_proof = true;
	fill(&request->proof, sizeof request->proof);
	pv_gate_a_key(&a, &request->gate, &a_sk, a_pk);
	tap_is_int(pv_release_request_sign(request, &a_sk), PV_OK, "a request is signed");
}

static void requests(void)
{
	struct pv_release_request request, back;
	struct pv_kem_seed seed;
	struct pv_sign_pk a_pk;
	struct pv_buf buf;
	make_request(&request, &seed, &a_pk);
	pv_buf_init(&buf, 4096);
	pv_release_request_put(&buf, &request);
	tap_is_int(pv_release_request_read(pv_buf_bytes(&buf), &back), PV_OK, "and read");
	tap_is_int(pv_release_request_verify(&back, &a_pk), PV_OK, "and verified");
	bool cut = true, changed = true;
	for (size_t n = 0; n < buf.n; n++) cut = cut && pv_release_request_read(pv_bytes(buf.p, n), &back) != PV_OK;
	for (size_t i = 0; i < buf.n; i++) {
		buf.p[i] ^= 1;
		changed = changed && (pv_release_request_read(pv_buf_bytes(&buf), &back) != PV_OK ||
				      pv_release_request_verify(&back, &a_pk) != PV_OK);
		buf.p[i] ^= 1;
	}
	tap_ok(cut, "cut anywhere it is refused");
	tap_ok(changed, "changed anywhere it is refused");
	buf.p[1] = 2;
	tap_is_int(pv_release_request_read(pv_buf_bytes(&buf), &back), PV_ERR_UNSUPPORTED, "version 2 is newer");
	request.has_proof = false;
	tap_is_int(pv_release_request_verify(&request, &a_pk), PV_ERR_BAD_SIG, "a proof left out breaks the signature");
	pv_buf_release(&buf);
}

static void answers(void)
{
	struct pv_id16 gate;
	struct pv_kem_seed seed;
	struct pv_kem_pk pk;
	struct pv_half_b b, got;
	struct pv_hash ticket, got_ticket;
	uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
	struct pv_buf buf;
	bool has;
	fill(&gate, sizeof gate);
	fill(&seed, sizeof seed);
	fill(&b, sizeof b);
	fill(&ticket, sizeof ticket);
	fill(enc_seed, sizeof enc_seed);
	pv_kem_from_seed(&seed, &pk);
	pv_buf_init(&buf, 4096);
	tap_is_int(pv_release_answer_make(&gate, &pk, enc_seed, &b, NULL, &buf), PV_OK, "an answer without a ticket");
	tap_is_int(pv_release_answer_open(&gate, &seed, pv_buf_bytes(&buf), &got, &has, &got_ticket), PV_OK, "opens");
	tap_ok(!has && memcmp(&b, &got, 32) == 0, "to half B");
	pv_buf_clear(&buf);
	tap_is_int(pv_release_answer_make(&gate, &pk, enc_seed, &b, &ticket, &buf), PV_OK, "an answer with a ticket");
	tap_is_int(pv_release_answer_open(&gate, &seed, pv_buf_bytes(&buf), &got, &has, &got_ticket), PV_OK, "opens");
	tap_ok(has && pv_hash_equal(&ticket, &got_ticket), "with the ticket");

	memset(&got, 0x5a, sizeof got);
	bool cut = true, changed = true;
	for (size_t n = 0; n < buf.n; n += 13)
		cut = cut && pv_release_answer_open(&gate, &seed, pv_bytes(buf.p, n), &got, &has, &got_ticket) != PV_OK;
	for (size_t i = 0; i < buf.n - 34; i += 41) {
		buf.p[i] ^= 1;
		changed = changed && pv_release_answer_open(&gate, &seed, pv_buf_bytes(&buf), &got, &has, &got_ticket) != PV_OK;
		buf.p[i] ^= 1;
	}
	tap_ok(cut, "cut anywhere it is refused");
	tap_ok(changed, "changed in ciphertext or half it is refused");
	gate.b[0] ^= 1;
	tap_is_int(pv_release_answer_open(&gate, &seed, pv_buf_bytes(&buf), &got, &has, &got_ticket), PV_ERR_BAD_MAC,
		   "it is bound to the gate");
	tap_ok(got.b[0] == 0x5a && got.b[31] == 0x5a, "a failure writes nothing");
	pv_buf_release(&buf);
}

int main(void)
{
	seeds = seeded_make(2);
	if (pv_crypto_init()) return 1;
	struct pv_gate gate = full_gate();
	there_and_back(&gate, "a gate with everything");
	memset(&gate, 0, sizeof gate);
	gate.version = 1;
	there_and_back(&gate, "a gate with nothing");
	damage();
	refusals();
	signatures();
	key_schedule();
	passwords();
	requests();
	answers();
	return tap_done();
}
