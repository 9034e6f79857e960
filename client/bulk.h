/* Bulk work done by libcrypto: AES-256-GCM and SHA-256, on the caller's thread or on a few workers. */
#ifndef PV_CLIENT_BULK_H
#define PV_CLIENT_BULK_H

#include "core/file/bulk.h"

/* Cipher contexts, reused; of one thread. Zero-initialised it is ready to release. */
struct pv_bulk {
    struct evp_cipher_ctx_st *sealer;
    struct evp_cipher_ctx_st *opener;
};

/* Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_bulk_init(struct pv_bulk *ret_bulk);
void pv_bulk_release(struct pv_bulk *bulk);

/* Perform `job`; the result is in it. */
void pv_bulk_run(struct pv_bulk *bulk, struct pv_bulk_job *job);

/* AES-256-GCM with a 12-byte nonce and the 16-byte tag at the end.
 *   ret_sealed   takes plain.n + PV_CHUNK_TAG_BYTES; may be plain.p
 * Errors: LIMIT (over 2^30 bytes), NOMEM.  Source: NIST SP 800-38D. */
PV_MUST_USE enum pv_err pv_bulk_aes256gcm_seal(struct pv_bulk *bulk, const uint8_t key[static 32],
                                               const uint8_t nonce[static 12], struct pv_bytes ad,
                                               struct pv_bytes plain, uint8_t *ret_sealed);
/*   ret_plain    takes sealed.n - PV_CHUNK_TAG_BYTES; may be sealed.p; zeroed on BAD_MAC
 * Errors: TRUNCATED (shorter than a tag), BAD_MAC, LIMIT, NOMEM. */
PV_MUST_USE enum pv_err pv_bulk_aes256gcm_open(struct pv_bulk *bulk, const uint8_t key[static 32],
                                               const uint8_t nonce[static 12], struct pv_bytes ad,
                                               struct pv_bytes sealed, uint8_t *ret_plain);

/* Workers that perform jobs. All calls come from one thread. */
struct pv_bulk_pool;

enum { PV_BULK_THREADS_MAX = 16 };

/* `threads` 0 to PV_BULK_THREADS_MAX; with 0 every job runs inside of submit, small ones always do. Errors: LIMIT, NOMEM, IO. */
PV_MUST_USE enum pv_err pv_bulk_pool_new(size_t threads, struct pv_bulk_pool **ret_pool);
/* Waits for jobs that run; drops those that wait. */
void pv_bulk_pool_free(struct pv_bulk_pool *pool);
/* The job stays where it is until it comes back. */
void pv_bulk_pool_submit(struct pv_bulk_pool *pool, struct pv_bulk_job *job);
/* A finished job, NULL if there is none. */
struct pv_bulk_job *pv_bulk_pool_take(struct pv_bulk_pool *pool);
/* The same, waiting; NULL only when none is on its way. */
struct pv_bulk_job *pv_bulk_pool_wait(struct pv_bulk_pool *pool);
/* Readable as long as there is a finished job to take: for poll. */
int pv_bulk_pool_fd(const struct pv_bulk_pool *pool);

#endif
