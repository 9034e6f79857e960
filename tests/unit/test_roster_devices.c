/* A person's devices in person and client rooms: who may add, who may remove, what is swept, what a bar holds against. */
#include "tests/unit/roster_tap.h"

static struct kit_person anna, ben;
static struct kit_room room;
static struct kit_device *laptop, *paper, *extra[16]; /* anna's, and devices that no record lists */

static void end(void)
{
	kit_room_release(&room);
}

static bool present(const struct kit_device *device)
{
	return pv_roster_device(room.roster, &device->id) != NULL;
}

static bool barred(const struct kit_device *device)
{
	return pv_roster_is_barred(room.roster, &anna.id, &device->id);
}

/* `author` certifies and adds, in the room's way. */
static int add(const struct kit_device *author, const struct kit_device *device)
{
	return kit_device_add(&room, author, &anna.id, device);
}

/* Names any number of devices; the last argument is NULL. */
static int sweep(const struct kit_device *author, uint64_t since, const struct kit_device *first,
		 const struct kit_device *second)
{
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE};
	struct pv_device_remove_body *removal = &body.u.device_remove;
	removal->since = since;
	removal->devices[removal->device_count++] = first->id;
	if (second)
		removal->devices[removal->device_count++] = second->id;
	return kit_roster(&room, author, &body);
}

static void begin_person(const char *what)
{
	tap_note("%s", what);
	is(kit_found_person(&room, 1, &anna), PV_REASON_NONE, "a person room");
	room.id = *pv_roster_room(room.roster);
}

static void begin_client(const char *what)
{
	tap_note("%s", what);
	is(kit_found_client(&room, 2, &anna), PV_REASON_NONE, "a client room");
}

static void test_person_add(void)
{
	begin_person("person room: device_add");
	anna.id = room.id; /* the room in which certificates are for this person */
	is(add(laptop, laptop), PV_REASON_DEVICE_IN_USE, "a device that is here");
	is(add(extra[0], extra[1]), IMPOSSIBLE, "by a device that nobody listed");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a new one");
	const struct pv_principal *own = pv_roster_principal(room.roster, &extra[0]->id);
	tap_ok(own && own->role == PV_ROLE_OWNER && pv_hash_equal(&own->kem_hash, &extra[0]->device.kem_hash),
	       "is a principal of its own with its own KEM key");

	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_ADD};
	struct pv_device_add_body *added = &body.u.device_add;
	added->cert_count = 1;
	added->has_wraps_root = true;
	kit_certify(&anna.id, extra[1], laptop, &added->certs[0]);
	is(kit_roster(&room, extra[0], &body), PV_REASON_CERTIFICATE, "certified by another than the author");
	added->certs[0].consent.b[0] ^= 1;
	is(kit_roster(&room, laptop, &body), PV_REASON_CERTIFICATE, "without its consent");
	added->certs[0].consent.b[0] ^= 1;
	added->has_wraps_root = false;
	is(kit_roster(&room, laptop, &body), PV_REASON_CERTIFICATE, "without a wrap");
	added->has_wraps_root = true;
	added->cert_count = 2;
	kit_certify(&anna.id, extra[2], extra[1], &added->certs[1]);
	is(kit_roster(&room, laptop, &body), PV_REASON_CERTIFICATE, "by a chain");

	is(sweep(laptop, 0, extra[0], NULL), PV_REASON_NONE, "a device goes");
	tap_ok(!pv_roster_principal(room.roster, &extra[0]->id) && pv_roster_rekey_due(room.roster), "a rekey is due");
	is(add(laptop, extra[3]), PV_REASON_DUE, "while it is due");
	is(add(laptop, extra[0]), PV_REASON_BARRED, "the one that went");
	is(kit_rekey(&room, laptop), PV_REASON_NONE, "rekey");

	struct pv_buf bytes;
	struct kit_item item;
	enum pv_reason reason;
	added->cert_count = 1;
	kit_certify(&anna.id, extra[3], laptop, &added->certs[0]);
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_roster_body_put(&bytes, &body);
	struct pv_header header = kit_header(&room, &laptop->id, PV_KIND_ROSTER);
	header.epoch = 0;
	kit_item_make(&room, &header, &laptop->sk, pv_buf_bytes(&bytes), &item);
	(void)kit_append(&room, &item, &reason);
	is((int)reason, PV_REASON_STALE_EPOCH, "of an older epoch");
	pv_buf_release(&bytes);
	end();
}

static void test_client_add(void)
{
	begin_client("client room: device_add");
	tap_ok(kit_admit(&room, laptop, &ben, 1, EDITOR), "another member");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a device certified by the author");
	const struct pv_room_device *device = pv_roster_device(room.roster, &extra[0]->id);
	tap_ok(device && device->has_adder && pv_hash_equal(&device->adder, &laptop->id), "counts as added by the author");
	is(kit_device_add(&room, &ben.devices[0], &ben.id, extra[0]), PV_REASON_DEVICE_IN_USE, "another's present device");
	is(kit_device_add(&room, laptop, &ben.id, extra[1]), PV_REASON_CERTIFICATE, "certified for another person");

	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_ADD};
	struct pv_device_add_body *added = &body.u.device_add;
	added->cert_count = 2;
	kit_certify(&anna.id, extra[1], laptop, &added->certs[0]);
	kit_certify(&anna.id, extra[2], extra[1], &added->certs[1]);
	is(kit_roster(&room, paper, &body), PV_REASON_NONE, "a chain from a device of this person");
	tap_ok(present(extra[2]) && !present(extra[1]), "adds its last device only");
	kit_certify(&anna.id, extra[3], extra[0], &added->certs[1]);
	is(kit_roster(&room, paper, &body), PV_REASON_CERTIFICATE, "a chain that does not hold together");
	struct kit_device liar = *extra[1];
	liar.id = laptop->id;
	kit_certify(&anna.id, extra[3], &liar, &added->certs[1]);
	is(kit_roster(&room, paper, &body), PV_REASON_CERTIFICATE, "nor one that names another signer");
	added->cert_count = 1;
	kit_certify(&anna.id, extra[3], &ben.devices[0], &added->certs[0]);
	is(kit_roster(&room, laptop, &body), PV_REASON_CERTIFICATE, "a chain from another's device");
	added->has_wraps_root = true;
	kit_certify(&anna.id, extra[3], laptop, &added->certs[0]);
	is(kit_roster(&room, laptop, &body), PV_REASON_CERTIFICATE, "with a wrap");

	is(kit_device_remove(&room, &ben.devices[0], &ben.devices[2], 0), PV_REASON_NONE, "another's device goes");
	is(add(laptop, &ben.devices[2]), PV_REASON_FOREIGN_DEVICE, "and is added here: once of another person");
	end();
}

static void test_remove(void)
{
	struct pv_roster_body invite;
	begin_client("client room: device_remove");
	tap_ok(kit_admit(&room, laptop, &ben, 1, EDITOR), "another member");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a second laptop");
	kit_invite_body(2, EDITOR, 1, &invite);
	is(kit_roster(&room, laptop, &invite), PV_REASON_NONE, "an open invite");
	is(sweep(laptop, 0, laptop, NULL), PV_REASON_SELF, "oneself");
	is(sweep(extra[0], 0, laptop, NULL), PV_REASON_SELF, "who added oneself");
	is(sweep(extra[0], 99, paper, NULL), PV_REASON_PAPER, "the paper device by a laptop");
	is(sweep(laptop, 0, &ben.devices[0], NULL), PV_REASON_FOREIGN_DEVICE, "another's device");
	is(sweep(&ben.devices[0], 0, &ben.devices[2], NULL), PV_REASON_NONE, "an editor removes an own device");
	struct pv_id16 id = kit_id16("invite", 2);
	tap_ok(!pv_roster_invite(room.roster, &id)->open && pv_roster_rekey_due(room.roster),
	       "all invites close, a rekey is due");
	is(sweep(&ben.devices[0], 0, &ben.devices[2], NULL), PV_REASON_NO_EFFECT, "again");
	is(sweep(extra[0], 99, laptop, NULL), PV_REASON_NONE, "a laptop the other, from after its own adding");
	tap_ok(present(extra[0]) && !present(laptop), "so only that one goes");
	is(sweep(extra[0], 0, extra[5], NULL), PV_REASON_NONE, "a device that never was here");
	tap_ok(barred(extra[5]) && !pv_roster_is_barred(room.roster, &ben.id, &extra[5]->id), "is barred for this person only");
	is(add(extra[0], extra[5]), PV_REASON_BARRED, "and cannot come");
	is(sweep(extra[0], 0, extra[5], NULL), PV_REASON_NO_EFFECT, "once is enough");
	end();
}

static void test_sweep_is_transitive(void)
{
	begin_client("what a thief added goes with the thief");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a phone, stolen later");
	uint64_t since = pv_roster_size(room.roster);
	is(add(extra[0], extra[1]), PV_REASON_NONE, "the thief adds a device");
	is(add(extra[1], extra[2]), PV_REASON_NONE, "which adds another");
	is(sweep(extra[2], since, extra[1], NULL), PV_REASON_SELF, "which cannot cut itself loose by naming its adder");
	is(sweep(extra[0], since, extra[1], NULL), PV_REASON_NONE, "the thief hides the middle one");
	tap_ok(!present(extra[1]) && !present(extra[2]), "with what it added");
	is(add(extra[0], extra[3]), PV_REASON_NONE, "and adds one more");
	is(sweep(laptop, since, extra[0], NULL), PV_REASON_NONE, "the owner removes the phone");
	tap_ok(!present(extra[0]) && !present(extra[3]), "all go");
	tap_ok(barred(extra[0]) && barred(extra[1]) && barred(extra[2]) && barred(extra[3]), "all are barred");
	tap_ok(present(laptop) && present(paper), "and what was there before stays");
	end();
}

static void test_swept_from_record(void)
{
	begin_client("devices that a join lists count as added there");
	struct kit_person cleo;
	kit_person_make(3, &cleo);
	kit_person_certify(&cleo, 0, false);
	kit_person_certify(&cleo, 2, false);
	tap_ok(kit_admit(&room, laptop, &cleo, 1, EDITOR), "a person with four devices joins");
	const struct pv_principal *member = pv_roster_principal(room.roster, &cleo.id);
	is(sweep(&cleo.devices[0], member->join_index, &cleo.devices[2], NULL), PV_REASON_NONE, "the third is removed");
	tap_ok(!present(&cleo.devices[3]), "and the fourth, which it certified");
	tap_ok(present(&cleo.devices[0]) && present(&cleo.devices[1]), "the genesis's two were added by nobody");
	kit_person_release(&cleo);
	end();
}

static void test_joined_kits(void)
{
	begin_client("kits that one join lists rank as its record does");
	struct kit_person cleo;
	kit_person_make(3, &cleo);
	kit_person_certify(&cleo, 0, true);
	kit_person_certify(&cleo, 0, true);
	tap_ok(kit_admit(&room, laptop, &cleo, 1, EDITOR), "a person with three kits joins");
	is(sweep(&cleo.devices[3], room.tree.size, &cleo.devices[2], NULL), PV_REASON_PAPER, "the last cannot remove the one before it");
	is(sweep(&cleo.devices[2], room.tree.size, &cleo.devices[3], NULL), PV_REASON_NONE, "which removes the last");
	is(sweep(&cleo.devices[2], room.tree.size, &cleo.devices[1], NULL), PV_REASON_PAPER, "but not the first");
	is(sweep(&cleo.devices[1], room.tree.size, &cleo.devices[2], NULL), PV_REASON_NONE, "which removes it");
	kit_person_release(&cleo);
	end();
}

/* A certificate's signer may come into the room as another person's device. */
static void test_sweep_ends_at_persons(void)
{
	begin_client("what a person sweeps is that person's");
	struct kit_person cleo;
	struct pv_roster_body body;
	kit_person_make(3, &cleo);
	kit_person_certify(&cleo, 0, false);
	kit_person_certify(&cleo, 2, false);
	is(kit_invite(&room, laptop, 1, EDITOR, 1), PV_REASON_NONE, "an invite");
	kit_join_body(&room, &cleo, 1, &body);
	body.u.join.party.devices[2] = cleo.devices[3].id;
	body.u.join.party.device_count = 3;
	kit_join_body_sign(&room, &cleo, 1, &body);
	is(kit_roster(&room, &cleo.devices[0], &body), PV_REASON_NONE, "cleo joins without the device that certified her newest");
	is(add(laptop, &cleo.devices[2]), PV_REASON_NONE, "which anna adds as hers");
	is(sweep(laptop, 0, &cleo.devices[2], NULL), PV_REASON_NONE, "and removes");
	tap_ok(present(&cleo.devices[3]) && !barred(&cleo.devices[3]), "cleo's newest stays, and is barred for nobody");
	kit_person_release(&cleo);
	end();
}

static void test_paper(void)
{
	begin_person("paper devices");
	anna.id = room.id;
	is(add(paper, extra[8]), PV_REASON_NONE, "a second kit by the first");
	is(add(laptop, extra[9]), PV_REASON_NONE, "a third by the laptop");
	is(sweep(laptop, 99, extra[8], NULL), PV_REASON_PAPER, "a kit by a laptop that did not add it");
	is(sweep(extra[9], 99, extra[8], NULL), PV_REASON_PAPER, "by a junior kit");
	is(sweep(extra[9], 99, paper, NULL), PV_REASON_PAPER, "the first kit by a later one");
	is(sweep(laptop, 0, paper, NULL), PV_REASON_PAPER, "the first kit by a laptop, whatever it says of the time since");
	tap_ok(present(paper) && !barred(paper), "so it stands, and is not barred");
	is(sweep(laptop, 99, extra[9], NULL), PV_REASON_PAPER, "by the laptop that added it, named alone");
	is(sweep(extra[8], 99, extra[9], NULL), PV_REASON_NONE, "by a more senior kit");
	is(sweep(extra[8], 0, laptop, NULL), PV_REASON_NONE, "a laptop by a kit");
	is(kit_rekey(&room, paper), PV_REASON_NONE, "rekey");
	is(add(extra[8], extra[0]), PV_REASON_NONE, "a new laptop");
	is(sweep(extra[0], 0, extra[8], NULL), PV_REASON_SELF, "which would fall with its adder");
	end();

	begin_person("a kit falls with the device that added it");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a phone");
	is(add(extra[0], extra[8]), PV_REASON_NONE, "a kit added by the phone");
	is(sweep(laptop, 0, extra[8], NULL), PV_REASON_PAPER, "the laptop cannot name it alone");
	is(sweep(laptop, 0, extra[0], extra[8]), PV_REASON_NONE, "but with the phone");
	tap_ok(!present(extra[8]) && !present(extra[0]), "both go");
	end();
}

static void test_bars_on_paper(void)
{
	begin_person("bars on absent paper devices");
	is(sweep(laptop, 0, extra[8], NULL), PV_REASON_NONE, "a laptop bars a kit to come");
	is(kit_rekey(&room, laptop), PV_REASON_NONE, "rekey");
	is(add(laptop, extra[8]), PV_REASON_NONE, "which does not hold against a kit");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a phone");
	is(sweep(laptop, 0, extra[9], NULL), PV_REASON_NONE, "a laptop bars another kit");
	is(sweep(paper, 0, extra[9], NULL), PV_REASON_NONE, "the first kit does so too: that is new");
	is(sweep(paper, 0, extra[9], NULL), PV_REASON_NO_EFFECT, "once");
	is(sweep(laptop, 0, extra[9], NULL), PV_REASON_NO_EFFECT, "and for the laptop");
	is(sweep(laptop, 0, extra[9], extra[5]), PV_REASON_NONE, "who bars it once more, beside another");
	is(kit_rekey(&room, laptop), PV_REASON_NONE, "rekey");
	is(add(laptop, extra[9]), PV_REASON_BARRED, "which holds");
	is(sweep(laptop, 0, extra[8], extra[0]), PV_REASON_PAPER, "two devices of one adder do not sweep each other");
	end();
}

static int replace_kem(const struct kit_device *author, const struct kit_device *named, uint64_t epoch, uint64_t key)
{
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE};
	struct pv_device_remove_body *removal = &body.u.device_remove;
	removal->device_count = 1;
	removal->devices[0] = named->id;
	removal->since = 1000;
	removal->has_kem = true;
	removal->person_epoch = epoch;
	removal->kem_hash = kit_hash("kem", key);
	return kit_roster(&room, author, &body);
}

static bool kem_is(uint64_t key)
{
	struct pv_hash hash = kit_hash("kem", key);
	return pv_hash_equal(&pv_roster_principal(room.roster, &anna.id)->kem_hash, &hash);
}

static void test_kem(void)
{
	begin_client("a person's KEM key");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a phone");
	is(add(laptop, extra[1]), PV_REASON_NONE, "a tablet");
	is(replace_kem(extra[0], extra[5], 0, 1), PV_REASON_NONE, "a bar, with a key of the same epoch");
	tap_ok(!kem_is(1), "which is not taken");
	is(replace_kem(extra[0], extra[5], 2, 2), PV_REASON_NONE, "a key of a later epoch");
	tap_ok(kem_is(2), "is taken");
	is(replace_kem(extra[0], extra[5], 3, 2), PV_REASON_NO_EFFECT, "the same key once more, of whatever epoch");
	is(replace_kem(laptop, extra[5], 1, 3), PV_REASON_NO_EFFECT, "one of an earlier epoch");
	is(replace_kem(laptop, extra[0], 1, 3), PV_REASON_NONE, "unless its setter goes");
	tap_ok(kem_is(3), "then it is taken");
	is(replace_kem(extra[1], laptop, 0, 4), PV_REASON_NONE, "or goes in the same entry");
	tap_ok(kem_is(4), "then too");
	end();

	begin_person("a key in a person room");
	is(add(laptop, extra[0]), PV_REASON_NONE, "a phone");
	is(replace_kem(laptop, extra[0], 9, 5), PV_REASON_NONE, "is removed, with a key beside");
	struct pv_hash key = kit_hash("kem", 5);
	tap_ok(!present(extra[0]) && !pv_hash_equal(&pv_roster_principal(room.roster, &laptop->id)->kem_hash, &key),
	       "which means nothing there");
	end();
}

static void test_limit(void)
{
	size_t refused = 0, added = 0;
	begin_client("how many devices a person may have here");
	tap_ok(kit_admit(&room, laptop, &ben, 1, EDITOR), "another member, whose devices count for that one");
	for (uint64_t i = 0; i < PV_LIMIT_DEVICES_PRESENT; i++) {
		struct kit_device device;
		kit_device_make(5000 + i, false, &device);
		int got = add(laptop, &device);
		added += got == PV_REASON_NONE;
		refused += got == PV_REASON_LIMIT;
	}
	tap_is_int((long long)added, PV_LIMIT_DEVICES_PRESENT - 2, "as many as the limit, the first two counted");
	tap_is_int((long long)refused, 2, "no more");
	end();
}

/* Random adds and removals by everyone: the swept set against its definition, computed the slow way. */
static void test_sweep_by_definition(void)
{
	enum { N = 8 };
	size_t wrong = 0, swept_count = 0;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct { uint64_t index; int adder, device; } adds[64];
		size_t add_count = 0;
		uint64_t dice = seed * 2654435761u + 12345;
		bool in[N];
		(void)kit_found_client(&room, 2, &anna);
		for (int step = 0; step < 40; step++) {
			dice = dice * 6364136223846793005u + 1442695040888963407u;
			int from = (int)((dice >> 33) % (add_count ? add_count + 1 : 1)) - 1;
			from = from < 0 ? -1 : adds[from].device;
			int to = (int)(dice >> 43) % N;
			uint64_t at = pv_roster_size(room.roster);
			if (add(from < 0 ? laptop : extra[from], extra[to]) == PV_REASON_NONE)
				adds[add_count].index = at, adds[add_count].adder = from, adds[add_count++].device = to;
		}
		int named = (int)(dice >> 50) % N;
		uint64_t since = (dice >> 20) % 6;
		for (int i = 0; i < N; i++)
			in[i] = i == named;
		for (int round = 0; round < N; round++)
			for (size_t i = 0; i < add_count; i++)
				if (adds[i].index >= since && adds[i].adder >= 0 && in[adds[i].adder])
					in[adds[i].device] = true;
		if (sweep(paper, since, extra[named], NULL) != PV_REASON_NONE)
			wrong++;
		for (int i = 0; i < N; i++) {
			wrong += in[i] != barred(extra[i]) || (in[i] && present(extra[i]));
			swept_count += in[i];
		}
		end();
	}
	tap_ok(swept_count > 60, "%zu devices swept", swept_count);
	tap_is_int((long long)wrong, 0, "the swept set is what its definition says");
}

int main(void)
{
	static struct kit_device devices[16];
	struct pv_hash anna_id;
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &anna);
	kit_person_make(2, &ben);
	kit_person_certify(&ben, 0, false);
	anna_id = anna.id;
	laptop = &anna.devices[0];
	paper = &anna.devices[1];
	for (size_t i = 0; i < 16; i++) {
		kit_device_make(1000 + i, i == 8 || i == 9, &devices[i]);
		extra[i] = &devices[i];
	}
	test_person_add();
	test_paper();
	test_bars_on_paper();
	anna.id = anna_id;
	test_client_add();
	test_remove();
	test_sweep_is_transitive();
	test_swept_from_record();
	test_joined_kits();
	test_sweep_ends_at_persons();
	test_kem();
	test_limit();
	for (size_t i = 8; i < 10; i++) {
		devices[i].paper = false;
		kit_device_make(2000 + i, false, &devices[i]);
	}
	test_sweep_by_definition();
	kit_person_release(&anna);
	kit_person_release(&ben);
	return tap_done();
}
