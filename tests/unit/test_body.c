/* Clear bodies and what lies beside: each reads back as the same bytes, nothing else reads. */
#include "tests/tap.h"
#include "tests/unit/room_kit.h"

static struct kit_person person;
static struct kit_room room;

static const char *const names[] = {"genesis", "invite", "close_invite", "join",       "role",          "remove",
				    "leave",   "device_add", "device_remove", "rekey", "bad_wrap",      "policy",
				    "server",  "hold",   "lift",         "forget"};

static void fill_rest(struct pv_roster_body *body)
{
	switch ((int)body->type) {
	case PV_ROSTER_CLOSE_INVITE: body->u.close_invite = kit_id16("invite", 1); break;
	case PV_ROSTER_ROLE:
		body->u.role.person = person.id;
		body->u.role.join_index = 70000;
		body->u.role.from = PV_ROLE_EDITOR;
		body->u.role.to = PV_ROLE_OWNER;
		break;
	case PV_ROSTER_REMOVE:
		body->u.remove.count = 64;
		for (size_t i = 0; i < 64; i++)
			body->u.remove.targets[i] = (struct pv_membership){kit_hash("person", i), i};
		break;
	case PV_ROSTER_BAD_WRAP: body->u.bad_wrap_epoch = 300; break;
	case PV_ROSTER_POLICY: body->u.policy.value = pv_bytes("policy", 6); break;
	case PV_ROSTER_SERVER:
		body->u.server.name = pv_bytes("other.example", 13);
		body->u.server.log_key = room.log_pk;
		body->u.server.has_sig = true;
		break;
	case PV_ROSTER_HOLD:
	case PV_ROSTER_FORGET:
		body->u.ranges.id = kit_id16("hold", 1);
		body->u.ranges.count = 2;
		body->u.ranges.ranges[0] = (struct pv_range){0, 5};
		body->u.ranges.ranges[1] = (struct pv_range){6, 7};
		body->u.ranges.cut_epoch = body->type == PV_ROSTER_FORGET ? 2 : 0;
		break;
	case PV_ROSTER_LIFT: body->u.lift = kit_id16("hold", 1); break;
	default: break;
	}
}

/* A full body of each type. */
static void fill(enum pv_roster_type type, struct pv_roster_body *body)
{
	static const size_t both[] = {0, 1};
	*body = (struct pv_roster_body){.type = type};
	if (type == PV_ROSTER_GENESIS) {
		kit_genesis_client(&room, &person, both, 2, body);
	} else if (type == PV_ROSTER_INVITE) {
		body->u.invite = (struct pv_invite_body){.id = kit_id16("invite", 1), .role = PV_ROLE_EDITOR, .uses = 3,
							 .has_until = true, .until_ms = 1700000000000,
							 .has_member_until = true, .member_until_ms = 1800000000000,
							 .has_document = true, .document = kit_hash("document", 1)};
	} else if (type == PV_ROSTER_JOIN) {
		body->u.join.invite = kit_id16("invite", 1);
		kit_party(&person, both, 2, &body->u.join.party);
	} else if (type == PV_ROSTER_DEVICE_ADD) {
		body->u.device_add.cert_count = 2;
		body->u.device_add.certs[0] = body->u.device_add.certs[1] = person.certs[0];
		body->u.device_add.has_wraps_root = true;
	} else if (type == PV_ROSTER_DEVICE_REMOVE) {
		body->u.device_remove = (struct pv_device_remove_body){.device_count = 2, .since = 9, .has_kem = true,
								       .person_epoch = 4};
	} else if (type == PV_ROSTER_REKEY) {
		body->u.rekey.epoch = 20;
		body->u.rekey.link_count = 16;
		for (size_t i = 0; i < 16; i++)
			body->u.rekey.links[i] = (struct pv_link_name){19 - i, kit_hash("link", i)};
	} else {
		fill_rest(body);
	}
}

static void encode(const struct pv_roster_body *body, struct pv_buf *buf)
{
	pv_buf_clear(buf);
	pv_roster_body_put(buf, body);
	if (buf->err)
		tap_ok(false, "encoding: %s", pv_err_text(buf->err));
}

/* Truncated, longer, and with each bit flipped: refused, or the one encoding of something else. */
static void test_type(enum pv_roster_type type)
{
	struct pv_roster_body body, got;
	struct pv_buf bytes, again;
	size_t short_reads = 0, strange = 0;
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_buf_init(&again, PV_LIMIT_BODY_BYTES);
	fill(type, &body);
	encode(&body, &bytes);
	tap_is_int(pv_roster_body_read(pv_buf_bytes(&bytes), &got), PV_OK, names[type]);
	encode(&got, &again);
	tap_ok(pv_bytes_equal(pv_buf_bytes(&bytes), pv_buf_bytes(&again)), "%s: the same bytes again", names[type]);
	for (size_t n = 0; n < bytes.n; n++)
		short_reads += pv_roster_body_read(pv_bytes(bytes.p, n), &got) == PV_OK;
	tap_is_int((long long)short_reads, 0, "no truncated one reads");
	for (size_t bit = 0; bit < bytes.n * 8; bit += bytes.n > 400 ? 13 : 1) {
		bytes.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (pv_roster_body_read(pv_buf_bytes(&bytes), &got) == PV_OK) {
			encode(&got, &again);
			strange += !pv_bytes_equal(pv_buf_bytes(&bytes), pv_buf_bytes(&again));
		}
		bytes.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	tap_is_int((long long)strange, 0, "what reads with a flipped bit is encoded so");
	pv_buf_append_byte(&bytes, 0);
	tap_is_int(pv_roster_body_read(pv_buf_bytes(&bytes), &got), PV_ERR_MALFORMED, "nor one with a byte more");
	pv_buf_release(&bytes);
	pv_buf_release(&again);
}

static enum pv_err reread(const struct pv_roster_body *body)
{
	struct pv_roster_body got;
	struct pv_buf bytes;
	pv_buf_init(&bytes, SIZE_MAX);
	encode(body, &bytes);
	enum pv_err err = pv_roster_body_read(pv_buf_bytes(&bytes), &got);
	pv_buf_release(&bytes);
	return err;
}

static void test_fields(void)
{
	struct pv_roster_body body, got;
	fill(PV_ROSTER_REKEY, &body);
	body.u.rekey.links[1].epoch = 19;
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "links' epochs must fall");
	fill(PV_ROSTER_REKEY, &body);
	body.u.rekey.links[0].epoch = 20;
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "and lie below the new one");
	fill(PV_ROSTER_HOLD, &body);
	body.u.ranges.ranges[1].from = 5;
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "ranges that touch are one range");
	body.u.ranges.ranges[1] = (struct pv_range){8, 8};
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "no range is empty");
	body.u.ranges.count = 0;
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "nor the list");
	fill(PV_ROSTER_INVITE, &body);
	body.u.invite.uses = PV_LIMIT_INVITE_USES + 1;
	tap_is_int(reread(&body), PV_ERR_LIMIT, "uses have a limit");
	fill(PV_ROSTER_INVITE, &body);
	body.u.invite.role = (enum pv_role)3;
	tap_is_int(reread(&body), PV_ERR_LIMIT, "there are three roles");
	fill(PV_ROSTER_SERVER, &body);
	body.u.server.name = pv_bytes("a b", 3);
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "a server's name has no space");
	body.u.server.name = pv_bytes("a+b", 3);
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "nor a plus");
	body.u.server.name = pv_bytes("", 0);
	tap_is_int(reread(&body), PV_ERR_MALFORMED, "and is not empty");
	tap_is_int(pv_roster_body_read(pv_bytes("\x82\x10\x00", 3), &got), PV_ERR_UNSUPPORTED, "type 16 is newer");
	tap_is_int(pv_roster_body_read(pv_bytes("\x82\x10\x18\x01", 4), &got), PV_ERR_NONCANONICAL,
		   "if it is well-formed");
	tap_is_int(pv_roster_body_read(pv_bytes("\x81\x10\x00", 3), &got), PV_ERR_MALFORMED, "and alone");
	tap_is_int(pv_roster_body_read(pv_bytes("", 0), &got), PV_ERR_TRUNCATED, "nothing is no body");
	static uint8_t large[PV_LIMIT_BODY_BYTES + 1];
	tap_is_int(pv_roster_body_read(pv_bytes(large, sizeof large), &got), PV_ERR_LIMIT, "bodies have a limit");
	body.type = (enum pv_roster_type)16;
	struct pv_buf buf;
	pv_buf_init(&buf, 100);
	pv_roster_body_put(&buf, &body);
	tap_is_int(buf.err, PV_ERR_MALFORMED, "an unknown type is not written");
	pv_buf_release(&buf);
}

static void test_join_signature(void)
{
	static const size_t both[] = {0, 1};
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	struct pv_party party;
	struct pv_sig sig;
	struct pv_hash here = kit_hash("room", 1), there = kit_hash("room", 2);
	struct pv_id16 invite = kit_id16("invite", 1);
	kit_sign_key("join", 1, &sk, &pk);
	kit_party(&person, both, 2, &party);
	tap_is_int(pv_join_sign(&sk, &here, &person.id, &party, &invite, &sig), PV_OK, "a join is signed");
	tap_is_int(pv_join_verify(&pk, &here, &person.id, &party, &invite, &sig), PV_OK, "and verified");
	tap_is_int(pv_join_verify(&pk, &there, &person.id, &party, &invite, &sig), PV_ERR_BAD_SIG, "for its room");
	party.person_epoch++;
	tap_is_int(pv_join_verify(&pk, &here, &person.id, &party, &invite, &sig), PV_ERR_BAD_SIG, "and party only");
}

static bool same_sign(const struct pv_sign_body *body)
{
	struct pv_sign_body got;
	struct pv_buf bytes, again;
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_buf_init(&again, PV_LIMIT_BODY_BYTES);
	pv_sign_body_put(&bytes, body);
	bool same = pv_sign_body_read(pv_buf_bytes(&bytes), &got) == PV_OK;
	if (same)
		pv_sign_body_put(&again, &got);
	same = same && pv_bytes_equal(pv_buf_bytes(&bytes), pv_buf_bytes(&again));
	for (size_t n = 0; n < bytes.n; n++)
		same = same && pv_sign_body_read(pv_bytes(bytes.p, n), &got) != PV_OK;
	pv_buf_release(&bytes);
	pv_buf_release(&again);
	return same;
}

static enum pv_err sign_error(const struct pv_sign_body *body)
{
	struct pv_sign_body got;
	struct pv_buf bytes;
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_sign_body_put(&bytes, body);
	enum pv_err err = pv_sign_body_read(pv_buf_bytes(&bytes), &got);
	pv_buf_release(&bytes);
	return err;
}

static void test_sign_bodies(void)
{
	struct pv_sign_body body = {.document = kit_hash("document", 1), .index = 7, .purpose = 4,
				    .stance = PV_STANCE_WITHDRAW};
	tap_ok(same_sign(&body), "a member's sign reads back, and no part of it");
	body.stranger = true;
	body.record = pv_buf_bytes(&person.record);
	body.invite = kit_id16("invite", 1);
	tap_ok(same_sign(&body), "so does a stranger's");
	body.purpose = 5;
	tap_is_int(sign_error(&body), PV_ERR_UNSUPPORTED, "a purpose beyond ours is newer");
	body.purpose = 0;
	body.stance = (enum pv_stance)3;
	tap_is_int(sign_error(&body), PV_ERR_LIMIT, "there are three stances");
}

static void test_server_bodies(void)
{
	static const char *const what[] = {"release", "received", "expired", "deleted", "expired membership"};
	for (unsigned i = 0; i < 5; i++) {
		struct pv_server_body body = {.type = (enum pv_server_type)(i % 5 == 4 ? PV_SERVER_EXPIRED : i)}, got;
		struct pv_buf bytes, again;
		if (i == PV_SERVER_EXPIRED)
			body.u.expired.is_invite = true;
		pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
		pv_buf_init(&again, PV_LIMIT_BODY_BYTES);
		pv_server_body_put(&bytes, &body);
		bool same = pv_server_body_read(pv_buf_bytes(&bytes), &got) == PV_OK;
		pv_server_body_put(&again, &got);
		tap_ok(same && pv_bytes_equal(pv_buf_bytes(&bytes), pv_buf_bytes(&again)), "%s reads back", what[i]);
		for (size_t n = 0; n < bytes.n; n++)
			same = same && pv_server_body_read(pv_bytes(bytes.p, n), &got) != PV_OK;
		tap_ok(same, "and no part of it");
		pv_buf_release(&bytes);
		pv_buf_release(&again);
	}
	struct pv_server_body got;
	tap_is_int(pv_server_body_read(pv_bytes("\x82\x04\x00", 3), &got), PV_ERR_UNSUPPORTED, "type 4 is newer");
}

/* ---- beside */

static void put_beside(struct pv_buf *buf, size_t keys, size_t links, size_t wraps, size_t wrap_bytes)
{
	static const uint8_t zeros[PV_WRAP_BYTES + 1];
	pv_buf_clear(buf);
	pv_cbor_put_array(buf, 3);
	pv_cbor_put_array(buf, keys);
	for (size_t i = 0; i < keys; i++)
		pv_cbor_put_bytes(buf, person.kem_pk.b, sizeof person.kem_pk.b);
	pv_cbor_put_array(buf, links);
	for (size_t i = 0; i < links; i++)
		pv_cbor_put_bytes(buf, zeros, PV_LINK_BYTES);
	pv_cbor_put_array(buf, wraps);
	for (size_t i = 0; i < wraps; i++)
		pv_cbor_put_bytes(buf, zeros, wrap_bytes);
}

static void test_beside(void)
{
	struct pv_buf beside, body_bytes;
	struct pv_beside read;
	struct pv_roster_body body;
	uint8_t zeros[PV_WRAP_BYTES] = {0};
	struct pv_bytes wrap = pv_bytes(zeros, sizeof zeros);
	pv_buf_init(&beside, SIZE_MAX);
	pv_buf_init(&body_bytes, PV_LIMIT_BODY_BYTES);
	fill(PV_ROSTER_INVITE, &body);
	body.u.invite.kem_hash = person.kem_hash;
	tap_is_int(pv_merkle_list_root(&wrap, 1, &body.u.invite.wraps_root), PV_OK, "a root over one wrap");
	encode(&body, &body_bytes);

	put_beside(&beside, 1, 0, 1, PV_WRAP_BYTES);
	tap_is_int(pv_beside_check(PV_KIND_ROSTER, pv_buf_bytes(&body_bytes), pv_buf_bytes(&beside)), PV_OK,
		   "what an invite names lies beside it");
	tap_is_int(pv_beside_check(PV_KIND_SIGN, pv_buf_bytes(&body_bytes), pv_buf_bytes(&beside)), PV_ERR_BROKEN_CHAIN,
		   "beside a sign lies nothing");
	beside.p[10] ^= 1;
	tap_is_int(pv_beside_check(PV_KIND_ROSTER, pv_buf_bytes(&body_bytes), pv_buf_bytes(&beside)),
		   PV_ERR_BROKEN_CHAIN, "another KEM key is refused");
	put_beside(&beside, 1, 0, 1, 0);
	tap_is_int(pv_beside_check(PV_KIND_ROSTER, pv_buf_bytes(&body_bytes), pv_buf_bytes(&beside)),
		   PV_ERR_BROKEN_CHAIN, "and another wrap");
	put_beside(&beside, 0, 0, 1, PV_WRAP_BYTES);
	tap_is_int(pv_beside_check(PV_KIND_ROSTER, pv_buf_bytes(&body_bytes), pv_buf_bytes(&beside)),
		   PV_ERR_BROKEN_CHAIN, "and a missing key");
	put_beside(&beside, 1, 1, 1, PV_WRAP_BYTES);
	tap_is_int(pv_beside_check(PV_KIND_ROSTER, pv_buf_bytes(&body_bytes), pv_buf_bytes(&beside)),
		   PV_ERR_BROKEN_CHAIN, "and a link that nobody named");

	put_beside(&beside, 0, 0, 0, 0);
	tap_is_int(pv_beside_check(PV_KIND_TALK, pv_bytes(NULL, 0), pv_buf_bytes(&beside)), PV_OK, "nothing beside talk");
	put_beside(&beside, 1, 16, 5, PV_WRAP_BYTES);
	tap_is_int(pv_beside_read(pv_buf_bytes(&beside), &read), PV_OK, "keys, links and wraps read");
	tap_ok(read.kem_key_count == 1 && read.link_count == 16 && read.wrap_count == 5, "as many as there are");
	pv_beside_release(&read);
	put_beside(&beside, 0, 17, 0, 0);
	tap_is_int(pv_beside_read(pv_buf_bytes(&beside), &read), PV_ERR_LIMIT, "seventeen links are too many");
	put_beside(&beside, 0, 0, 1, PV_WRAP_BYTES - 1);
	tap_is_int(pv_beside_read(pv_buf_bytes(&beside), &read), PV_ERR_MALFORMED, "a wrap has its length");
	tap_is_int(pv_beside_read(pv_bytes("\x83\x80\x80\x99\x40\x00", 6), &read), PV_ERR_TRUNCATED,
		   "a count is no reason to allocate");
	pv_buf_release(&beside);
	pv_buf_release(&body_bytes);
}

int main(void)
{
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &person);
	kit_person_certify(&person, 0, false);
	kit_room_init(&room, 1);
	for (int type = 0; type <= PV_ROSTER_FORGET; type++)
		test_type((enum pv_roster_type)type);
	test_fields();
	test_join_signature();
	test_sign_bodies();
	test_server_bodies();
	test_beside();
	kit_room_release(&room);
	kit_person_release(&person);
	return tap_done();
}
