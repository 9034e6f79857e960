/* Included ahead of every libsodium source for wasm, so that randombytes.c can name its only implementation. */
extern const struct randombytes_implementation pv_no_randomness;
