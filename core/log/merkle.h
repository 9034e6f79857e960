/* The Merkle tree of RFC 6962 over leaf hashes, kept as an append-only array of complete-subtree hashes.
 *
 * Stored hashes are numbered in the order in which appending leaves completes them: leaf i's hash, then each
 * subtree that it completes, so the array of a tree of size n has 2n - popcount(n) hashes.
 * Whoever holds the array (a table, memory) lends a reader. */
#ifndef PV_LOG_MERKLE_H
#define PV_LOG_MERKLE_H

#include "core/base/bytes.h"
#include "core/base/limits.h"

/* Reads `count` consecutive stored hashes from number `at`. */
struct pv_merkle_reader {
    enum pv_err (*read)(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes);
    void *context;
};

/* How many stored hashes a tree of `size` leaves has. */
uint64_t pv_merkle_stored_count(uint64_t size);
/* The number of the stored hash of the complete subtree at `level` (0: leaves), position `i` in it. */
uint64_t pv_merkle_stored_index(unsigned level, uint64_t i);

void pv_merkle_node(const struct pv_hash *left, const struct pv_hash *right, struct pv_hash *ret_node);
/* SHA-256(0x00 ‖ data). */
void pv_merkle_leaf(struct pv_bytes data, struct pv_hash *ret_leaf);
void pv_merkle_empty_root(struct pv_hash *ret_root);

/* The running right edge of a tree: enough to append and to know the root without reading. */
struct pv_merkle_edge {
    uint64_t size;
    struct pv_hash peaks[64]; /* roots of the complete subtrees, largest first; popcount(size) of them */
};

/* Append one leaf hash; `ret_new` takes the stored hashes that it adds, at most 64, `ret_count` of them. */
void pv_merkle_append(struct pv_merkle_edge *edge, const struct pv_hash *leaf, struct pv_hash ret_new[static 64],
                      size_t *ret_count);
void pv_merkle_edge_root(const struct pv_merkle_edge *edge, struct pv_hash *ret_root);
/* Rebuild the edge of the first `size` leaves. Errors: the reader's. */
PV_MUST_USE enum pv_err pv_merkle_edge_read(const struct pv_merkle_reader *reader, uint64_t size,
                                            struct pv_merkle_edge *ret_edge);
/* The root of the first `size` leaves. Errors: the reader's. */
PV_MUST_USE enum pv_err pv_merkle_root(const struct pv_merkle_reader *reader, uint64_t size, struct pv_hash *ret_root);

struct pv_merkle_proof {
    struct pv_hash hashes[PV_LIMIT_PROOF_HASHES];
    size_t count;
};

/* Inclusion of leaf `index` in the tree of `size` leaves. Errors: MALFORMED (index not below size), the reader's. */
PV_MUST_USE enum pv_err pv_merkle_prove_inclusion(const struct pv_merkle_reader *reader, uint64_t index, uint64_t size,
                                                  struct pv_merkle_proof *ret_proof);
/* Errors: MALFORMED (sizes out of order), the reader's. */
PV_MUST_USE enum pv_err pv_merkle_prove_consistency(const struct pv_merkle_reader *reader, uint64_t old_size,
                                                    uint64_t new_size, struct pv_merkle_proof *ret_proof);
/* RFC 9162 §2.1.3.2. Errors: BROKEN_CHAIN, MALFORMED. */
PV_MUST_USE enum pv_err pv_merkle_check_inclusion(const struct pv_hash *leaf, uint64_t index, uint64_t size,
                                                  const struct pv_hash *proof, size_t count, const struct pv_hash *root);
/* The root of the leaves before leaf `index`, from its inclusion proof, which pv_merkle_check_inclusion has found good:
 * what stands to its left in there are the complete subtrees of just those. Errors: MALFORMED. */
PV_MUST_USE enum pv_err pv_merkle_root_before(uint64_t index, uint64_t size, const struct pv_hash *proof, size_t count,
                                              struct pv_hash *ret_root);
/* RFC 9162 §2.1.4.2; an old size of 0 is consistent with anything larger and takes an empty proof.
 * Errors: BROKEN_CHAIN, MALFORMED. */
PV_MUST_USE enum pv_err pv_merkle_check_consistency(uint64_t old_size, uint64_t new_size, const struct pv_hash *proof,
                                                    size_t count, const struct pv_hash *old_root,
                                                    const struct pv_hash *new_root);

/* Root over a short list of byte strings (wraps): each is one leaf's data. Zero strings: the empty root. */
PV_MUST_USE enum pv_err pv_merkle_list_root(const struct pv_bytes *items, size_t count, struct pv_hash *ret_root);
PV_MUST_USE enum pv_err pv_merkle_list_prove(const struct pv_bytes *items, size_t count, size_t index,
                                             struct pv_merkle_proof *ret_proof);

#endif
