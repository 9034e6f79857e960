/* Epoch secrets: exact derivations, and wraps and links that open for nobody else and nowhere else. */
#include "core/room/epoch.h"

#include "tests/seeded.h"
#include "tests/tap.h"

static struct seeded seeds;

static void fill(void *p, size_t n)
{
	seeded_fill(&seeds, p, n);
}

static void derivations(void)
{
	struct pv_epoch_secret secret;
	struct pv_kem_seed seed;
	struct pv_hash hash, want_hash;
	uint8_t want[32];
	memset(secret.b, 7, sizeof secret.b);

	static const char kem_info[] = "\x73" "privity/1/epoch-kem"; /* a text of 19 bytes */
	pv_epoch_kem_seed(&secret, &seed);
	enum pv_err err = pv_hkdf_general(PV_BYTES_OF(secret), pv_bytes(NULL, 0), pv_bytes_of_string(kem_info), want, 32);
	tap_is_int(err, PV_OK, "HKDF");
	tap_is_bytes(seed.b, 32, want, 32, "the KEM seed is HKDF of the secret");

	struct pv_sha256 sha;
	pv_sha256_init(&sha);
	pv_sha256_update(&sha, "\x76" "privity/1/epoch-secret", 23);
	pv_sha256_update(&sha, "\x58\x20", 2);
	pv_sha256_update(&sha, secret.b, 32);
	pv_sha256_final(&sha, &want_hash);
	pv_epoch_secret_hash(&secret, &hash);
	tap_is_bytes(hash.b, 32, want_hash.b, 32, "the secret's hash is labelled");
}

struct wrapped {
	struct pv_wrap_context context;
	struct pv_kem_seed seed;
	struct pv_kem_pk pk;
	struct pv_epoch_secret secret;
	uint8_t recipient[32];
	uint8_t wrap[PV_WRAP_BYTES];
};

static void make_wrap(struct wrapped *w)
{
	uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
	fill(w, sizeof *w);
	pv_kem_from_seed(&w->seed, &w->pk);
	w->context.epoch = 5;
	w->context.recipient = pv_bytes(w->recipient, 32);
	pv_epoch_secret_hash(&w->secret, &w->context.secret_hash);
	pv_kem_hash(&w->pk, &w->context.recipient_kem_hash);
	fill(enc_seed, sizeof enc_seed);
	tap_is_int(pv_wrap_make(&w->context, &w->pk, enc_seed, &w->secret, w->wrap), PV_OK, "a wrap is made");
}

static void wrap_refused(const struct wrapped *w, struct pv_wrap_context context, size_t wrap_bytes, enum pv_err want,
			 const char *what)
{
	struct pv_epoch_secret got;
	memset(&got, 0x5a, sizeof got);
	uint8_t longer[PV_WRAP_BYTES + 1] = {0};
	memcpy(longer, w->wrap, PV_WRAP_BYTES);
	enum pv_err err = pv_wrap_open(&context, &w->seed, pv_bytes(longer, wrap_bytes), &got);
	tap_ok(err == want && got.b[0] == 0x5a && got.b[31] == 0x5a, "a wrap with %s: %s", what, pv_err_web_name(want));
}

static void wraps(void)
{
	struct wrapped w;
	struct pv_epoch_secret got;
	make_wrap(&w);
	tap_is_int(pv_wrap_open(&w.context, &w.seed, pv_bytes(w.wrap, sizeof w.wrap), &got), PV_OK, "it opens");
	tap_is_bytes(got.b, 32, w.secret.b, 32, "to the secret");

	struct pv_wrap_context other = w.context;
	other.room.b[0] ^= 1;
	wrap_refused(&w, other, PV_WRAP_BYTES, PV_ERR_BAD_MAC, "another room");
	other = w.context;
	other.epoch++;
	wrap_refused(&w, other, PV_WRAP_BYTES, PV_ERR_BAD_MAC, "another epoch");
	other = w.context;
	other.secret_hash.b[31] ^= 1;
	wrap_refused(&w, other, PV_WRAP_BYTES, PV_ERR_BAD_MAC, "another secret's hash");
	other = w.context;
	other.recipient = pv_bytes(w.recipient, 16);
	wrap_refused(&w, other, PV_WRAP_BYTES, PV_ERR_BAD_MAC, "another recipient");
	other = w.context;
	other.recipient_kem_hash.b[3] ^= 1;
	wrap_refused(&w, other, PV_WRAP_BYTES, PV_ERR_BAD_MAC, "another KEM key");
	wrap_refused(&w, w.context, PV_WRAP_BYTES - 1, PV_ERR_TRUNCATED, "a byte less");
	wrap_refused(&w, w.context, 0, PV_ERR_TRUNCATED, "no byte");
	wrap_refused(&w, w.context, PV_WRAP_BYTES + 1, PV_ERR_MALFORMED, "a byte more");

	bool all = true;
	for (size_t i = 0; i < sizeof w.wrap; i += 37) {
		w.wrap[i] ^= 0x10;
		all = all && pv_wrap_open(&w.context, &w.seed, pv_bytes(w.wrap, sizeof w.wrap), &got) == PV_ERR_BAD_MAC;
		w.wrap[i] ^= 0x10;
	}
	tap_ok(all, "a changed byte anywhere keeps it shut");

	struct pv_kem_seed stranger;
	fill(&stranger, sizeof stranger);
	tap_is_int(pv_wrap_open(&w.context, &stranger, pv_bytes(w.wrap, sizeof w.wrap), &got), PV_ERR_BAD_MAC,
		   "a stranger's key keeps it shut");
}

/* Whoever rekeys may wrap anything: the hash in the entry decides. */
static void lying_wrap(void)
{
	struct wrapped w;
	struct pv_epoch_secret got;
	uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
	make_wrap(&w);
	w.secret.b[0] ^= 1;
	fill(enc_seed, sizeof enc_seed);
	tap_is_int(pv_wrap_make(&w.context, &w.pk, enc_seed, &w.secret, w.wrap), PV_OK, "a wrap of something else");
	tap_is_int(pv_wrap_open(&w.context, &w.seed, pv_bytes(w.wrap, sizeof w.wrap), &got), PV_ERR_BROKEN_CHAIN,
		   "opens, and is not what the entry names");
}

static void refused_key(void)
{
	struct wrapped w;
	uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES] = {1};
	make_wrap(&w);
	memset(w.pk.b, 0xff, 1184); /* ML-KEM coefficients of 4095 are over q */
	tap_is_int(pv_wrap_make(&w.context, &w.pk, enc_seed, &w.secret, w.wrap), PV_ERR_MALFORMED,
		   "X-Wing refuses a key that is none");
}

static void links(void)
{
	struct pv_link_context context, other;
	struct pv_epoch_secret old, new, got;
	uint8_t link[PV_LINK_BYTES];
	fill(&context, sizeof context);
	fill(&old, sizeof old);
	fill(&new, sizeof new);
	context.old_epoch = 3;
	context.new_epoch = 4;
	pv_epoch_secret_hash(&old, &context.old_secret_hash);
	pv_epoch_secret_hash(&new, &context.new_secret_hash);
	pv_link_make(&context, &new, &old, link);
	tap_is_int(pv_link_open(&context, &new, pv_bytes(link, sizeof link), &got), PV_OK, "a link opens");
	tap_is_bytes(got.b, 32, old.b, 32, "to the older secret");

	struct { size_t at; const char *what; } fields[] = {
		{offsetof(struct pv_link_context, room), "room"},
		{offsetof(struct pv_link_context, new_epoch), "new epoch"},
		{offsetof(struct pv_link_context, old_epoch), "old epoch"},
		{offsetof(struct pv_link_context, new_secret_hash), "new secret's hash"},
		{offsetof(struct pv_link_context, old_secret_hash), "old secret's hash"},
	};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		other = context;
		((uint8_t *)&other)[fields[i].at] ^= 1;
		enum pv_err err = pv_link_open(&other, &new, pv_bytes(link, sizeof link), &got);
		tap_ok(err == PV_ERR_BAD_MAC, "a link is bound to its %s", fields[i].what);
	}
	tap_is_int(pv_link_open(&context, &old, pv_bytes(link, sizeof link), &got), PV_ERR_BAD_MAC,
		   "the older secret does not open it");
	tap_is_int(pv_link_open(&context, &new, pv_bytes(link, 47), &got), PV_ERR_TRUNCATED, "47 bytes are no link");

	other = context;
	old.b[5] ^= 1;
	pv_link_make(&context, &new, &old, link);
	tap_is_int(pv_link_open(&context, &new, pv_bytes(link, sizeof link), &got), PV_ERR_BROKEN_CHAIN,
		   "a link to another secret is not what the entry names");
}

int main(void)
{
	seeds = seeded_make(1);
	if (pv_crypto_init()) return 1;
	derivations();
	wraps();
	lying_wrap();
	refused_key();
	links();
	return tap_done();
}
