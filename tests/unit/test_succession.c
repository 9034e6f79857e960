/* Successions: there and back, who finds which link, with which key; cut at every byte, every byte changed. */
#include "core/room/succession.h"

#include "core/crypto/hash.h"
#include "tests/seeded.h"
#include "tests/tap.h"

static struct seeded seeds;
static struct pv_epoch_secret secret;
static struct pv_kem_seed bob_seed;
static struct pv_kem_pk bob_pk;
static struct pv_hash bob, vera, device, bob_kem;
static struct pv_sign_sk sk;
static struct pv_sign_pk pk;

static const char *const common = "https://a/i#common", *const own = "https://a/i#own";

/* Only Bob's key is known. */
static enum pv_err find_seed(void *context, const struct pv_hash *kem_hash, struct pv_kem_seed *ret_seed)
{
	++*(unsigned *)context;
	if (!pv_hash_equal(kem_hash, &bob_kem)) return PV_ERR_NO_KEY;
	*ret_seed = bob_seed;
	return PV_OK;
}

static struct pv_succession sample(struct pv_buf *sealed, bool has_common)
{
	struct pv_random random = seeded_random(&seeds);
	struct pv_succession succession = {.size = 12, .epoch = 3};
	struct pv_succession_place place = {bob, bob_kem, &bob_pk, pv_bytes_of_string(own)};
	seeded_fill(&seeds, &succession.room, sizeof succession.room);
	seeded_fill(&seeds, &succession.successor, sizeof succession.successor);
	seeded_fill(&seeds, &succession.root, sizeof succession.root);
	pv_buf_init(sealed, PV_LIMIT_SUCCESSION_BYTES);
	enum pv_err err = pv_succession_seal(&succession, &secret, has_common ? pv_bytes_of_string(common) : pv_bytes(NULL, 0), &place, 1,
					     &random, sealed);
	tap_is_int(err, PV_OK, "links are sealed");
	succession.sealed = pv_buf_bytes(sealed);
	return succession;
}

static enum pv_err open_for(const struct pv_succession *succession, const struct pv_epoch_secret *with, const struct pv_hash *person,
			    const char *want, bool *ret_right)
{
	uint8_t memory[PV_LIMIT_LINK_BYTES];
	struct pv_buf link;
	unsigned asked = 0;
	pv_buf_init_fixed(&link, memory, sizeof memory);
	enum pv_err err = pv_succession_open(succession, with, person, find_seed, &asked, &link);
	*ret_right = want ? pv_bytes_equal(pv_buf_bytes(&link), pv_bytes_of_string(want)) : link.n == 0;
	return err;
}

static void who_finds_what(void)
{
	struct pv_epoch_secret other = secret;
	struct pv_buf sealed, bare;
	struct pv_succession succession = sample(&sealed, true), moved = succession, none = sample(&bare, false);
	bool right;
	tap_is_int(open_for(&succession, &secret, &bob, own, &right), PV_OK, "who has a place opens it");
	tap_ok(right, "and finds the own link");
	tap_is_int(open_for(&succession, &secret, &vera, common, &right), PV_OK, "another member opens it");
	tap_ok(right, "and finds the common one");
	tap_is_int(open_for(&none, &secret, &vera, NULL, &right), PV_ERR_NOT_FOUND, "where there is none, nothing is found");
	tap_ok(right, "at all");
	other.b[0] ^= 1;
	tap_is_int(open_for(&succession, &other, &bob, NULL, &right), PV_ERR_BAD_MAC, "another epoch's secret opens nothing");
	moved.successor.b[0] ^= 1;
	tap_is_int(open_for(&moved, &secret, &bob, NULL, &right), PV_ERR_BAD_MAC, "nor does the right one lead to another room");
	tap_is_int(open_for(&moved, &secret, &vera, NULL, &right), PV_ERR_BAD_MAC, "for nobody");
	moved = succession;
	moved.room.b[0] ^= 1;
	tap_is_int(open_for(&moved, &secret, &bob, NULL, &right), PV_ERR_BAD_MAC, "or from another");
	tap_is_int(open_for(&moved, &secret, &vera, NULL, &right), PV_ERR_BAD_MAC, "for anybody");
	bob_kem.b[0] ^= 1;
	tap_is_int(open_for(&succession, &secret, &bob, NULL, &right), PV_ERR_NO_KEY, "a place is for its person's key alone");
	bob_kem.b[0] ^= 1;
	pv_buf_release(&sealed);
	pv_buf_release(&bare);
}

static void there_and_back(void)
{
	struct pv_buf sealed, bytes;
	struct pv_succession succession = sample(&sealed, true), back;
	struct pv_hash by;
	struct pv_sign_pk other = pk;
	pv_buf_init(&bytes, PV_LIMIT_SUCCESSION_BYTES + 512);
	tap_is_int(pv_succession_sign(&succession, &device, &sk, &bytes), PV_OK, "it is signed");
	tap_is_int(pv_succession_read(pv_buf_bytes(&bytes), &back, &by), PV_OK, "and read");
	tap_ok(pv_hash_equal(&back.room, &succession.room) && pv_hash_equal(&back.successor, &succession.successor) && back.size == 12 &&
		       pv_hash_equal(&back.root, &succession.root) && back.epoch == 3 && pv_bytes_equal(back.sealed, succession.sealed) &&
		       pv_hash_equal(&by, &device),
	       "as the same");
	tap_is_int(pv_succession_verify(pv_buf_bytes(&bytes), &pk), PV_OK, "its signature holds");
	other.b[0] ^= 1;
	tap_ok(pv_succession_verify(pv_buf_bytes(&bytes), &other) != PV_OK, "for no other key");
	size_t cut = 0, changed = 0;
	for (size_t n = 0; n < bytes.n; n++) cut += pv_succession_read(pv_bytes(bytes.p, n), &back, &by) != PV_OK;
	tap_ok(cut == bytes.n, "cut at any byte, it is none");
	for (size_t i = 0; i < bytes.n; i++) {
		bytes.p[i] ^= 1;
		/* The device's id alone is not signed: it says which key is to be looked up. */
		bool refused = pv_succession_verify(pv_buf_bytes(&bytes), &pk) != PV_OK;
		bool is_device = pv_succession_read(pv_buf_bytes(&bytes), &back, &by) == PV_OK && !pv_hash_equal(&by, &device);
		changed += refused || is_device;
		bytes.p[i] ^= 1;
	}
	tap_ok(changed == bytes.n, "with any byte changed, it holds for nobody");
	pv_buf_append_byte(&bytes, 0);
	tap_is_int(pv_succession_read(pv_buf_bytes(&bytes), &back, &by), PV_ERR_MALFORMED, "nor with one more");
	static const uint8_t newer[] = {0x83, 0x82, 0x02, 0x00};
	tap_is_int(pv_succession_read(pv_bytes(newer, sizeof newer), &back, &by), PV_ERR_UNSUPPORTED, "a later version is told");
	pv_buf_release(&sealed);
	pv_buf_release(&bytes);
}

static void limits(void)
{
	static struct pv_succession_place places[PV_LIMIT_SUCCESSION_PLACES + 1];
	static uint8_t many[PV_LIMIT_LINK_BYTES + 1];
	struct pv_random random = seeded_random(&seeds);
	struct pv_succession succession = {.size = 1};
	struct pv_buf sealed;
	for (size_t i = 0; i <= PV_LIMIT_SUCCESSION_PLACES; i++)
		places[i] = (struct pv_succession_place){bob, bob_kem, &bob_pk, pv_bytes_of_string(own)};
	pv_buf_init(&sealed, PV_LIMIT_SUCCESSION_BYTES);
	tap_is_int(pv_succession_seal(&succession, &secret, pv_bytes(NULL, 0), places, PV_LIMIT_SUCCESSION_PLACES + 1, &random, &sealed),
		   PV_ERR_LIMIT, "there are places for so many");
	tap_is_int(pv_succession_seal(&succession, &secret, pv_bytes(many, sizeof many), places, 0, &random, &sealed), PV_ERR_LIMIT,
		   "and a link is only so long");
	tap_ok(sealed.n == 0, "nothing is written then");
	tap_is_int(pv_succession_seal(&succession, &secret, pv_bytes(NULL, 0), NULL, 0, &random, &sealed), PV_OK, "nobody may follow at all");
	succession.sealed = pv_buf_bytes(&sealed);
	bool right;
	tap_is_int(open_for(&succession, &secret, &bob, NULL, &right), PV_ERR_NOT_FOUND, "and then nobody finds a link");
	for (size_t n = 0; n < 40; n += 13) {
		succession.sealed.n = n;
		tap_is_int(open_for(&succession, &secret, &bob, NULL, &right), PV_ERR_TRUNCATED, "what is too short is told");
	}
	pv_buf_release(&sealed);
}

int main(void)
{
	struct pv_sign_seed sign_seed;
	if (pv_crypto_init()) return 1;
	seeds = seeded_make(7);
	seeded_fill(&seeds, &secret, sizeof secret);
	seeded_fill(&seeds, &bob_seed, sizeof bob_seed);
	seeded_fill(&seeds, &bob, sizeof bob);
	seeded_fill(&seeds, &vera, sizeof vera);
	seeded_fill(&seeds, &device, sizeof device);
	seeded_fill(&seeds, &sign_seed, sizeof sign_seed);
	pv_sign_from_seed(&sign_seed, &sk, &pk);
	pv_kem_from_seed(&bob_seed, &bob_pk);
	pv_kem_hash(&bob_pk, &bob_kem);
	who_finds_what();
	there_and_back();
	limits();
	return tap_done();
}
