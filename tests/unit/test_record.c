/* Certificates and person records: what verifies, and that every single change breaks it. */
#include "tests/tap.h"
#include "tests/unit/room_kit.h"

static enum pv_err verify(const struct kit_person *person)
{
	struct pv_person got;
	return pv_record_verify(pv_buf_bytes(&person->record), &got);
}

static void test_good(struct kit_person *person)
{
	struct pv_person got;
	tap_is_int(pv_record_verify(pv_buf_bytes(&person->record), &got), PV_OK, "a record verifies");
	tap_is_bytes(got.id.b, 32, person->id.b, 32, "it names its person");
	tap_is_int((long long)got.device_count, (long long)person->device_count, "it lists all devices");
	bool same = true;
	for (size_t i = 0; i < got.device_count; i++)
		same = same && pv_hash_equal(&got.devices[i].id, &person->devices[i].id) &&
		       got.devices[i].paper == person->devices[i].paper && got.devices[i].founding == (i < 2);
	tap_ok(same, "in their order, with what they are");
	tap_ok(pv_person_device(&got, &person->devices[2].id) == &got.devices[2], "a device is found by its id");
	struct pv_hash other = kit_hash("other", 0);
	tap_ok(!pv_person_device(&got, &other), "another is not");
}

/* Any flipped bit is refused: sampled, since each try costs signature checks. */
static void test_flips(struct kit_person *person)
{
	size_t accepted = 0, tried = 0;
	for (size_t i = 0; i < person->record.n; i += 7, tried++) {
		person->record.p[i] ^= (uint8_t)(1u << (i % 8));
		accepted += verify(person) == PV_OK;
		person->record.p[i] ^= (uint8_t)(1u << (i % 8));
	}
	tap_ok(tried > 100, "%zu flips tried", tried);
	tap_is_int((long long)accepted, 0, "no flipped record verifies");
}

static void test_truncated(struct kit_person *person)
{
	struct pv_person got;
	size_t accepted = 0;
	for (size_t n = 0; n < person->record.n; n++)
		accepted += pv_record_read(pv_bytes(person->record.p, n), &got) == PV_OK;
	tap_is_int((long long)accepted, 0, "no truncated record reads");
	pv_buf_append_byte(&person->record, 0);
	tap_is_int(pv_record_read(pv_buf_bytes(&person->record), &got), PV_ERR_MALFORMED, "nor one with a byte more");
	kit_person_write_record(person);
}

static void test_certs(struct kit_person *person, struct kit_person *other)
{
	struct pv_cert kept = person->certs[0];
	kit_certify(&person->id, &person->devices[2], &other->devices[0], &person->certs[0]);
	kit_person_write_record(person);
	tap_is_int(verify(person), PV_ERR_BROKEN_CHAIN, "a certificate by a stranger breaks the chain");

	kit_certify(&other->id, &person->devices[2], &person->devices[0], &person->certs[0]);
	kit_person_write_record(person);
	tap_is_int(verify(person), PV_ERR_BAD_SIG, "one for another person does not verify");

	person->certs[0] = kept;
	person->certs[0].consent = kept.sig;
	kit_person_write_record(person);
	tap_is_int(verify(person), PV_ERR_BAD_SIG, "nor one without the device's consent");

	person->certs[0] = kept;
	person->certs[0].paper = !kept.paper;
	kit_person_write_record(person);
	tap_is_int(verify(person), PV_ERR_BAD_SIG, "nor one that calls a laptop paper");

	kit_certify(&person->id, &person->devices[2], &person->devices[3], &person->certs[0]);
	kit_person_write_record(person);
	tap_is_int(verify(person), PV_ERR_BROKEN_CHAIN, "nor one by a device that is certified later");

	kit_certify(&person->id, &person->devices[1], &person->devices[0], &person->certs[0]);
	kit_person_write_record(person);
	tap_is_int(verify(person), PV_ERR_MALFORMED, "a device cannot be listed twice");

	person->certs[0] = kept;
	kit_person_write_record(person);
	tap_is_int(verify(person), PV_OK, "the true one verifies again");
}

static void test_genesis(struct kit_person *person, struct kit_person *other)
{
	struct pv_buf record;
	struct pv_person got;
	pv_buf_init(&record, PV_LIMIT_BODY_BYTES);
	pv_record_put(&record, pv_buf_bytes(&person->genesis_entry), pv_buf_bytes(&other->genesis_body), NULL, 0);
	tap_is_int(pv_record_verify(pv_buf_bytes(&record), &got), PV_ERR_BROKEN_CHAIN, "another's genesis body is refused");
	pv_buf_clear(&record);
	pv_record_put(&record, pv_buf_bytes(&person->genesis_entry), pv_bytes("\x81\x06", 2), NULL, 0);
	tap_is_int(pv_record_read(pv_buf_bytes(&record), &got), PV_ERR_MALFORMED, "so is a body of another type");
	pv_buf_clear(&record);
	pv_record_put(&record, pv_buf_bytes(&person->genesis_entry), pv_buf_bytes(&person->genesis_body), person->certs, 17);
	tap_is_int(record.err, PV_ERR_LIMIT, "seventeen certificates are not written");
	pv_buf_release(&record);

	struct pv_roster_body body;
	struct kit_room room;
	kit_room_init(&room, 1);
	kit_genesis_person(&room, person, &body);
	tap_is_int(pv_genesis_verify_founders(&body.u.genesis, &person->devices[0].id), PV_OK, "founders verify");
	tap_is_int(pv_genesis_verify_founders(&body.u.genesis, &person->devices[1].id), PV_ERR_BROKEN_CHAIN,
		   "the paper device cannot be the author");
	body.u.genesis.nonce.b[0] ^= 1;
	tap_is_int(pv_genesis_verify_founders(&body.u.genesis, &person->devices[0].id), PV_ERR_BAD_SIG,
		   "certificates hold for their genesis only");
	kit_room_release(&room);
}

/* ---- a genesis of a test's making */

/* As `named` were its signer, by `signer`'s key. */
static void certify_founder(const struct pv_genesis *genesis, const struct kit_device *device, bool paper, const struct pv_hash *named,
			    const struct kit_device *signer, struct pv_cert *ret_cert)
{
	struct pv_cert_context context = {.in_genesis = true, .genesis_nonce = genesis->nonce};
	*ret_cert = (struct pv_cert){.device = device->device, .paper = paper, .signer = *named};
	if (pv_cert_sign(&context, &ret_cert->device, paper, named, &signer->sk, &ret_cert->sig) ||
	    pv_cert_sign(&context, &ret_cert->device, paper, named, &device->sk, &ret_cert->consent))
		tap_ok(false, "a certificate");
}

static void test_founders(struct kit_person *person)
{
	struct kit_device *laptop = &person->devices[0], *kit = &person->devices[1], *other = &person->devices[2];
	struct pv_roster_body body;
	struct kit_room room;
	struct pv_genesis *g = &body.u.genesis;
	struct pv_cert *first = &g->founders[0], *paper = &g->founders[1];
	kit_room_init(&room, 1);
	kit_genesis_person(&room, person, &body);
	struct pv_cert true_first = *first, true_paper = *paper;
	certify_founder(g, kit, false, &laptop->id, laptop, paper);
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_MALFORMED, "the second founder is a kit");
	certify_founder(g, laptop, true, &laptop->id, laptop, paper);
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_MALFORMED, "of its own");
	certify_founder(g, kit, true, &kit->id, laptop, paper);
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_BROKEN_CHAIN, "certified by the first");
	certify_founder(g, kit, true, &laptop->id, other, paper);
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_BAD_SIG, "with its signature");
	*paper = true_paper;
	certify_founder(g, laptop, true, &laptop->id, laptop, first);
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_MALFORMED, "the first is none");
	certify_founder(g, laptop, false, &other->id, laptop, first);
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_BROKEN_CHAIN, "and certifies itself");
	*first = true_first;
	first->consent.b[0] ^= 1;
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_MALFORMED, "by one signature");
	first->sig = first->consent;
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_ERR_BAD_SIG, "that holds");
	*first = true_first;
	tap_is_int(pv_genesis_verify_founders(g, &laptop->id), PV_OK, "as they were they verify");
	kit_room_release(&room);
}

/* The record of a genesis with this body, in the place of a room's first entry or not, under a device's signature. */
static void write_record(const struct kit_person *person, const struct pv_roster_body *body, bool is_first, const struct kit_device *signer,
			 struct pv_buf *ret_record)
{
	struct kit_room room;
	struct kit_item item;
	struct pv_buf bytes;
	kit_room_init(&room, 1);
	struct pv_header header = kit_header(&room, &person->devices[0].id, PV_KIND_ROSTER);
	if (!is_first) header.room = kit_hash("room", 1);
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_roster_body_put(&bytes, body);
	kit_item_make(&room, &header, &signer->sk, pv_buf_bytes(&bytes), &item);
	pv_buf_init(ret_record, PV_LIMIT_BODY_BYTES);
	pv_record_put(ret_record, pv_buf_bytes(&item.entry_bytes), pv_buf_bytes(&bytes), NULL, 0);
	kit_item_release(&item);
	pv_buf_release(&bytes);
	kit_room_release(&room);
}

static void test_other_genesis(struct kit_person *person)
{
	static const size_t both[] = {0, 1};
	struct pv_roster_body body, client;
	struct kit_room room;
	struct pv_buf record;
	struct pv_person got;
	kit_room_init(&room, 1);
	kit_genesis_person(&room, person, &body);
	write_record(person, &body, true, &person->devices[0], &record);
	tap_is_int(pv_record_verify(pv_buf_bytes(&record), &got), PV_OK, "a genesis is a record");
	pv_buf_release(&record);
	write_record(person, &body, true, &person->devices[2], &record);
	tap_is_int(pv_record_verify(pv_buf_bytes(&record), &got), PV_ERR_BAD_SIG, "not one that the first device did not sign");
	pv_buf_release(&record);
	write_record(person, &body, false, &person->devices[0], &record);
	tap_is_int(pv_record_read(pv_buf_bytes(&record), &got), PV_ERR_MALFORMED, "nor an entry that belongs to another room");
	pv_buf_release(&record);
	kit_genesis_client(&room, person, both, 2, &client);
	write_record(person, &client, true, &person->devices[0], &record);
	tap_is_int(pv_record_read(pv_buf_bytes(&record), &got), PV_ERR_MALFORMED, "nor a client room's");
	pv_buf_release(&record);
	struct pv_roster_body removal = {.type = PV_ROSTER_REMOVE, .u.remove.count = PV_LIMIT_TARGETS};
	for (size_t i = 0; i < PV_LIMIT_TARGETS; i++) removal.u.remove.targets[i].person = kit_hash("target", i);
	write_record(person, &removal, true, &person->devices[0], &record);
	tap_is_int(pv_record_read(pv_buf_bytes(&record), &got), PV_ERR_MALFORMED, "nor an entry that founds nothing");
	pv_buf_release(&record);
	certify_founder(&body.u.genesis, &person->devices[1], true, &person->devices[0].id, &person->devices[2], &body.u.genesis.founders[1]);
	write_record(person, &body, true, &person->devices[0], &record);
	tap_is_int(pv_record_verify(pv_buf_bytes(&record), &got), PV_ERR_BAD_SIG, "nor one whose founders are not certified");
	pv_buf_release(&record);
	kit_room_release(&room);
}

int main(void)
{
	static struct kit_person person, other; /* too large for the stack that wasm has */
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &person);
	kit_person_make(2, &other);
	kit_person_certify(&person, 0, false);
	kit_person_certify(&person, 2, true);
	test_good(&person);
	test_flips(&person);
	test_truncated(&person);
	test_certs(&person, &other);
	test_genesis(&person, &other);
	test_founders(&person);
	test_other_genesis(&person);
	kit_person_release(&person);
	kit_person_release(&other);
	return tap_done();
}
