/* Keystores: there and back, rooms added without the passphrase, and damage told from a wrong passphrase. */
#include "core/room/keystore.h"

#include "core/base/cbor.h"
#include "tests/seeded.h"
#include "tests/tap.h"

static struct seeded seeds;
static struct pv_random rnd;
static const struct pv_argon2_cost cheap = {.passes = 1, .memory_kib = 8};

static struct pv_device_secrets sample(void)
{
	struct pv_device_secrets secrets;
	memset(&secrets, 0, sizeof secrets);
	seeded_fill(&seeds, &secrets.sign_seed, 32);
	seeded_fill(&seeds, &secrets.kem_seed, 32);
	seeded_fill(&seeds, &secrets.person, 32);
	strcpy(secrets.name, "Ana \xc3\x84");
	strcpy(secrets.server.text, "https://rooms.example");
	return secrets;
}

static struct pv_buf bytes_of(const struct pv_keystore *keystore)
{
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_KEYSTORE_BYTES);
	pv_keystore_put(&buf, keystore);
	tap_is_int(buf.err, PV_OK, "a keystore is written");
	return buf;
}

static struct pv_bytes pass(const char *s)
{
	return pv_bytes_of_string(s);
}

static void secrets_alone(void)
{
	struct pv_device_secrets secrets = sample(), back;
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_SECRETS_BYTES);
	pv_device_secrets_put(&buf, &secrets);
	tap_is_int(pv_device_secrets_read(pv_buf_bytes(&buf), &back), PV_OK, "device secrets are read");
	tap_is_bytes(&back, sizeof back, &secrets, sizeof secrets, "as they were");
	bool cut = true;
	for (size_t n = 0; n < buf.n; n++) cut = cut && pv_device_secrets_read(pv_bytes(buf.p, n), &back) != PV_OK;
	tap_ok(cut, "cut anywhere they are refused");
	buf.p[1] = 2;
	tap_is_int(pv_device_secrets_read(pv_buf_bytes(&buf), &back), PV_ERR_UNSUPPORTED, "version 2 is newer");
	pv_buf_clear(&buf);
	strcpy(secrets.server.text, "https://rooms.example/");
	pv_device_secrets_put(&buf, &secrets);
	tap_is_int(pv_device_secrets_read(pv_buf_bytes(&buf), &back), PV_ERR_NONCANONICAL, "a loose address is refused");
	pv_buf_clear(&buf);
	memset(secrets.name, 'n', PV_LIMIT_NAME_BYTES);
	memset(secrets.server.text, 'a', PV_LIMIT_URL_BYTES);
	memcpy(secrets.server.text, "https://", 8);
	pv_device_secrets_put(&buf, &secrets);
	tap_is_int(buf.err, PV_OK, "the longest secrets fit their limit");
	tap_is_int(pv_device_secrets_read(pv_buf_bytes(&buf), &back), PV_OK, "and are read");
	pv_buf_wipe(&buf);
}

static void life(void)
{
	struct pv_device_secrets secrets = sample(), got;
	struct pv_keystore store, back;
	struct pv_kem_seed seed;
	struct pv_hash rooms[5], stranger = {{1}};
	struct pv_database_key keys[5], key;
	tap_is_int(pv_keystore_create(pass("correct horse"), cheap, &secrets, &rnd, &store), PV_OK, "a keystore is made");
	for (size_t i = 0; i < 5; i++) {
		seeded_fill(&seeds, &rooms[i], 32);
		seeded_fill(&seeds, &keys[i], 32);
		if (pv_keystore_set_room(&store, &secrets, &rooms[i], &keys[i], &rnd)) tap_ok(false, "room %zu", i);
	}
	seeded_fill(&seeds, &keys[2], 32);
	tap_is_int(pv_keystore_set_room(&store, &secrets, &rooms[2], &keys[2], &rnd), PV_OK, "a room's key is replaced");
	pv_keystore_drop_room(&store, &secrets, &rooms[4]);
	pv_keystore_drop_room(&store, &secrets, &stranger);
	tap_is_int((int)store.room_count, 4, "four rooms are left of five");

	struct pv_buf buf = bytes_of(&store);
	tap_is_int(pv_keystore_read(pv_buf_bytes(&buf), &back), PV_OK, "the file is read");
	tap_is_int(pv_keystore_unlock(&back, pass("wrong horse"), &seed), PV_ERR_BAD_MAC, "a wrong passphrase opens nothing");
	tap_is_int(pv_keystore_unlock(&back, pass(""), &seed), PV_ERR_BAD_MAC, "nor does none");
	tap_is_int(pv_keystore_unlock(&back, pass("correct horse"), &seed), PV_OK, "the right one opens");
	tap_is_int(pv_keystore_open_secrets(&back, &seed, &got), PV_OK, "the device's secrets");
	tap_is_bytes(&got, sizeof got, &secrets, sizeof secrets, "as they were");
	bool all = true;
	for (size_t i = 0; i < 4; i++)
		all = all && pv_keystore_has_room(&back, &rooms[i]) &&
		      pv_keystore_open_room(&back, &seed, &rooms[i], &key) == PV_OK && memcmp(&key, &keys[i], 32) == 0;
	tap_ok(all, "and each room's key");
	tap_is_int(pv_keystore_open_room(&back, &seed, &rooms[4], &key), PV_ERR_NOT_FOUND, "but none for the one dropped");
	tap_is_int(pv_keystore_check(&back, &got), PV_OK, "the list is this device's own");

	struct pv_kem_seed other_seed = {{9}};
	tap_is_int(pv_keystore_open_room(&back, &other_seed, &rooms[0], &key), PV_ERR_CORRUPT, "another seed opens no room");
	tap_is_int(pv_keystore_open_secrets(&back, &other_seed, &got), PV_ERR_CORRUPT, "nor the secrets");
	pv_buf_release(&buf);
	pv_keystore_release(&store);
	pv_keystore_release(&back);
}

/* Someone who can write the file, but knows nothing, plants a database key of their own. */
static void planted(void)
{
	struct pv_device_secrets secrets = sample(), theirs = sample(), got;
	struct pv_keystore store;
	struct pv_kem_seed seed;
	struct pv_hash room = {{7}};
	struct pv_database_key key = {{8}};
	tap_is_int(pv_keystore_create(pass("p"), cheap, &secrets, &rnd, &store), PV_OK, "a keystore is made");
	tap_is_int(pv_keystore_set_room(&store, &theirs, &room, &key, &rnd), PV_OK, "a stranger adds a room");
	tap_is_int(pv_keystore_check(&store, &secrets), PV_ERR_CORRUPT, "which the device sees");
	tap_is_int(pv_keystore_unlock(&store, pass("p"), &seed), PV_OK, "and unlocking");
	tap_is_int(pv_keystore_open_secrets(&store, &seed, &got), PV_ERR_CORRUPT, "shows it too");
	pv_keystore_release(&store);
}

/* No damage is taken for a wrong passphrase, and none goes unseen. */
static void damage(void)
{
	struct pv_device_secrets secrets = sample();
	struct pv_keystore store, back;
	struct pv_hash room = {{7}};
	struct pv_database_key key = {{8}};
	if (pv_keystore_create(pass("p"), cheap, &secrets, &rnd, &store) ||
	    pv_keystore_set_room(&store, &secrets, &room, &key, &rnd))
		tap_ok(false, "a keystore to damage");
	struct pv_buf buf = bytes_of(&store);
	size_t wrong = 0;
	for (size_t n = 0; n < buf.n; n++) wrong += pv_keystore_read(pv_bytes(buf.p, n), &back) != PV_ERR_TRUNCATED;
	tap_is_int((long long)wrong, 0, "cut at any byte it is truncated");
	wrong = 0;
	for (size_t i = 0; i < buf.n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			buf.p[i] ^= (uint8_t)(1u << bit);
			enum pv_err err = pv_keystore_read(pv_buf_bytes(&buf), &back);
			bool in_magic = i < 18, told = err == PV_ERR_CORRUPT || err == PV_ERR_TRUNCATED;
			wrong += !(told || (in_magic && err == PV_ERR_MALFORMED));
			buf.p[i] ^= (uint8_t)(1u << bit);
		}
	}
	tap_is_int((long long)wrong, 0, "each flipped bit is corruption");
	pv_buf_append_byte(&buf, 0);
	tap_is_int(pv_keystore_read(pv_buf_bytes(&buf), &back), PV_ERR_CORRUPT, "a byte more is corruption");
	tap_is_int(pv_keystore_read(pv_bytes_of_string("{\"keys\": []}"), &back), PV_ERR_MALFORMED, "another file is no keystore");
	static uint8_t big[PV_LIMIT_KEYSTORE_BYTES + 1];
	tap_is_int(pv_keystore_read(pv_bytes(big, sizeof big), &back), PV_ERR_LIMIT, "a file over the limit is refused");
	pv_buf_release(&buf);
	pv_keystore_release(&store);
}

/* A file of another version, or with other content, whole with its checksum. */
static void put_file(struct pv_buf *buf, uint64_t version, struct pv_bytes content)
{
	struct pv_sha256 sha;
	struct pv_hash hash;
	pv_hash_begin(&sha, "keystore-check");
	pv_sha256_put_uint(&sha, version);
	pv_sha256_put_bytes(&sha, content.p, content.n);
	pv_sha256_final(&sha, &hash);
	pv_buf_clear(buf);
	pv_cbor_put_array(buf, 4);
	pv_cbor_put_text(buf, "privity keystore", 16);
	pv_cbor_put_uint(buf, version);
	pv_cbor_put_bytes(buf, content.p, content.n);
	pv_cbor_put_hash(buf, &hash);
}

static void content_refused(struct pv_keystore store, enum pv_err want, const char *what)
{
	struct pv_keystore back;
	struct pv_buf out;
	pv_buf_init(&out, PV_LIMIT_KEYSTORE_BYTES);
	pv_keystore_put(&out, &store);
	enum pv_err err = pv_keystore_read(pv_buf_bytes(&out), &back);
	tap_ok(err == want, "%s: %s", what, pv_err_web_name(err));
	if (err == PV_OK) pv_keystore_release(&back);
	pv_buf_release(&out);
}

static void contents(void)
{
	struct pv_device_secrets secrets = sample();
	struct pv_keystore store, back, bad;
	struct pv_hash low = {{1}}, high = {{2}};
	struct pv_database_key key = {{8}};
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_KEYSTORE_BYTES);
	put_file(&buf, 2, pv_bytes_of_string("anything"));
	tap_is_int(pv_keystore_read(pv_buf_bytes(&buf), &back), PV_ERR_UNSUPPORTED, "version 2 is newer, not damaged");
	buf.p[buf.n - 1] ^= 1;
	tap_is_int(pv_keystore_read(pv_buf_bytes(&buf), &back), PV_ERR_CORRUPT, "unless it is damaged");
	put_file(&buf, 1, pv_bytes("\x80", 1));
	tap_is_int(pv_keystore_read(pv_buf_bytes(&buf), &back), PV_ERR_MALFORMED, "content of another shape is refused");
	if (pv_keystore_create(pass("p"), cheap, &secrets, &rnd, &store) ||
	    pv_keystore_set_room(&store, &secrets, &high, &key, &rnd) || pv_keystore_set_room(&store, &secrets, &low, &key, &rnd))
		tap_ok(false, "a keystore");
	content_refused(store, PV_OK, "as it is");
	bad = store;
	bad.cost.memory_kib = PV_LIMIT_ARGON2_MEMORY_KIB + 1;
	content_refused(bad, PV_ERR_LIMIT, "over a gigabyte for Argon2id");
	bad.cost.memory_kib = 7;
	content_refused(bad, PV_ERR_LIMIT, "under 8 KiB");
	bad = store;
	bad.cost.passes = PV_LIMIT_ARGON2_PASSES + 1;
	content_refused(bad, PV_ERR_LIMIT, "17 passes");
	bad.cost.passes = 0;
	content_refused(bad, PV_ERR_LIMIT, "no pass");
	struct pv_keystore_room kept = store.rooms[0];
	store.rooms[0] = store.rooms[1];
	content_refused(store, PV_ERR_NONCANONICAL, "a room twice");
	store.rooms[1] = kept;
	content_refused(store, PV_ERR_NONCANONICAL, "rooms out of order");
	pv_keystore_release(&store);
	pv_buf_release(&buf);

	struct pv_argon2_cost cost = {.passes = 17, .memory_kib = 8};
	tap_is_int(pv_keystore_create(pass("p"), cost, &secrets, &rnd, &back), PV_ERR_LIMIT, "17 passes are not made either");
	cost = (struct pv_argon2_cost){.passes = 1, .memory_kib = PV_LIMIT_ARGON2_MEMORY_KIB + 1};
	tap_is_int(pv_keystore_create(pass("p"), cost, &secrets, &rnd, &back), PV_ERR_LIMIT, "nor a gigabyte and more");
	static uint8_t big[PV_LIMIT_PASSPHRASE_BYTES + 1];
	tap_is_int(pv_keystore_create(pv_bytes(big, sizeof big), cheap, &secrets, &rnd, &back), PV_ERR_LIMIT,
		   "nor a passphrase over the limit");
}

/* Another passphrase: all is there under new keys, and of the old nothing opens it. */
static void resealed(void)
{
	struct pv_device_secrets secrets = sample(), got;
	struct pv_keystore old, new, bad;
	struct pv_hash low = {{1}}, high = {{2}};
	struct pv_database_key low_key = {{8}}, high_key = {{9}}, key;
	struct pv_kem_seed old_seed, seed, other = {{7}};
	if (pv_keystore_create(pass("old"), cheap, &secrets, &rnd, &old) || pv_keystore_set_room(&old, &secrets, &high, &high_key, &rnd) ||
	    pv_keystore_set_room(&old, &secrets, &low, &low_key, &rnd) || pv_keystore_unlock(&old, pass("old"), &old_seed)) {
		tap_ok(false, "a keystore");
		return;
	}
	tap_is_int(pv_keystore_reseal(&old, &other, &secrets, pass("new"), cheap, &rnd, &bad), PV_ERR_CORRUPT, "another seed opens no room to seal anew");
	tap_is_int(pv_keystore_reseal(&old, &old_seed, &secrets, pass("new"), cheap, &rnd, &new), PV_OK, "a keystore is sealed anew");
	tap_is_int(pv_keystore_unlock(&new, pass("old"), &seed), PV_ERR_BAD_MAC, "the old passphrase does not open it");
	tap_is_int(pv_keystore_unlock(&new, pass("new"), &seed), PV_OK, "the new one does");
	tap_ok(memcmp(&seed, &old_seed, sizeof seed) != 0 && memcmp(&new.kem_pk, &old.kem_pk, sizeof new.kem_pk) != 0 &&
	       memcmp(new.salt, old.salt, sizeof new.salt) != 0, "salt, seed and KEM key are new");
	tap_is_int(pv_keystore_open_secrets(&new, &seed, &got), PV_OK, "its secrets open, and the list of rooms is the device's own");
	tap_ok(memcmp(&got.sign_seed, &secrets.sign_seed, sizeof got.sign_seed) == 0 && strcmp(got.name, secrets.name) == 0, "the same ones");
	tap_is_int((int)new.room_count, 2, "both rooms are in it");
	tap_is_int(pv_keystore_open_room(&new, &seed, &low, &key), PV_OK, "the first opens");
	tap_is_bytes(key.b, 32, low_key.b, 32, "with its key");
	tap_is_int(pv_keystore_open_room(&new, &seed, &high, &key), PV_OK, "the second, too");
	tap_is_bytes(key.b, 32, high_key.b, 32, "with its own");
	tap_is_int(pv_keystore_open_room(&new, &old_seed, &high, &key), PV_ERR_CORRUPT, "by the old seed it does not");
	pv_keystore_release(&old);
	pv_keystore_release(&new);
}

int main(void)
{
	seeds = seeded_make(6);
	rnd = seeded_random(&seeds);
	if (pv_crypto_init()) return 1;
	secrets_alone();
	life();
	planted();
	damage();
	contents();
	resealed();
	return tap_done();
}
