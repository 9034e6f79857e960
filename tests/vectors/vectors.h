/* Foreign test vectors: what pv-vectors' sets share. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <jansson.h>

#include "core/base/bytes.h"

struct vectors_tally {
    unsigned long passed;
    unsigned long failed;
    unsigned long outside; /* parameters that we do not use */
};

enum vectors_outcome { VECTORS_PASSED, VECTORS_FAILED, VECTORS_OUTSIDE };

/* Count one case; a failed one is named on standard output. */
void vectors_count(struct vectors_tally *tally, enum vectors_outcome outcome, const char *path, const char *name);

/* The JSON of a file. Integers that 64 bits with a sign do not hold come as strings that only vectors_get_u64 reads,
 * so that none loses a digit. On failure it says why on standard error and returns NULL. */
json_t *vectors_load(const char *path);

/* False for what is no unsigned integer of 64 bits. */
bool vectors_get_u64(const json_t *value, uint64_t *ret_value);
/* False where `object` has no string of hex (base64) by that name. `buf` is cleared first; null is no bytes. */
bool vectors_get_hex(const json_t *object, const char *name, struct pv_buf *buf);
bool vectors_decode_base64(const json_t *value, struct pv_buf *buf);

/* The sets. `root` is the JSON of the file at `path`. */
void vectors_run_inclusion(const json_t *root, const char *path, struct vectors_tally *tally);
void vectors_run_consistency(const json_t *root, const char *path, struct vectors_tally *tally);
void vectors_run_wycheproof(const json_t *root, const char *path, struct vectors_tally *tally);
void vectors_run_xwing(const json_t *root, const char *path, struct vectors_tally *tally);

/* One Wycheproof test of ML-KEM-768; its fields say of what. */
enum vectors_outcome vectors_run_mlkem(const json_t *test, bool valid);

/* AES-256-GCM by whatever performs bulk jobs here: libcrypto, or the host of the wasm module.
 * `ret_out` takes 16 bytes more (seal) or less (open) than `in`. False if it does not open. */
bool vectors_aes256gcm(bool seal, const uint8_t key[static 32], const uint8_t nonce[static 12], struct pv_bytes ad,
                       struct pv_bytes in, uint8_t *ret_out);

#endif
