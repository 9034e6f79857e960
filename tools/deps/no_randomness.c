/* The randomness source of libsodium in wasm: there is none, and asking for some traps. */
#include <sodium/randombytes.h>

static const char *name(void)
{
	return "none";
}

static uint32_t random_word(void)
{
	__builtin_trap();
}

static void stir(void)
{
}

static void fill(void *const buf, const size_t size)
{
	(void)buf;
	(void)size;
	__builtin_trap();
}

const struct randombytes_implementation pv_no_randomness = {
	.implementation_name = name,
	.random = random_word,
	.stir = stir,
	.buf = fill,
};
