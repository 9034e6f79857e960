/* Seeded randomness for tests: SHA-256 of seed and counter, the same natively and as wasm. */
#ifndef TESTS_SEEDED_H
#define TESTS_SEEDED_H

#include <string.h>

#include "core/crypto/hash.h"
#include "core/crypto/keys.h"

struct seeded {
	uint64_t seed, counter;
	struct pv_hash block;
	size_t used; /* of block */
};

__attribute__((unused)) static struct seeded seeded_make(uint64_t seed)
{
	return (struct seeded){.seed = seed, .used = sizeof(struct pv_hash)};
}

__attribute__((unused)) static void seeded_fill(void *context, void *ret_bytes, size_t n)
{
	struct seeded *s = context;
	uint8_t *p = ret_bytes;
	for (size_t i = 0; i < n; i++) {
		if (s->used == sizeof s->block.b) {
			struct pv_sha256 sha;
			pv_sha256_init(&sha);
			pv_sha256_put_uint(&sha, s->seed);
			pv_sha256_put_uint(&sha, s->counter++);
			pv_sha256_final(&sha, &s->block);
			s->used = 0;
		}
		p[i] = s->block.b[s->used++];
	}
}

__attribute__((unused)) static struct pv_random seeded_random(struct seeded *s)
{
	return (struct pv_random){.fill = seeded_fill, .context = s};
}

__attribute__((unused)) static uint64_t seeded_below(struct seeded *s, uint64_t bound)
{
	uint64_t value;
	seeded_fill(s, &value, sizeof value);
	return value % bound;
}

#endif
