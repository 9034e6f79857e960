/* Included ahead of every libsodium source for wasm: what it would ask of a system is answered by no_system.c. */
#define __assert_fail pv_no_assert_fail
#define nanosleep pv_no_nanosleep
extern const struct randombytes_implementation pv_no_randomness;
