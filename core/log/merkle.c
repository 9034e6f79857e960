/* The Merkle tree of RFC 6962: stored hashes, roots, inclusion and consistency proofs. */
#include "core/log/merkle.h"

#include <string.h>

#include "core/crypto/hash.h"

enum { NODE_BYTES = 1 + 2 * sizeof(struct pv_hash) };

static unsigned popcount(uint64_t x)
{
    return (unsigned)__builtin_popcountll(x);
}

/* For x > 0. */
static unsigned log2_floor(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzll(x);
}

uint64_t pv_merkle_stored_count(uint64_t size)
{
    return 2 * size - popcount(size);
}

uint64_t pv_merkle_stored_index(unsigned level, uint64_t i)
{
    /* A subtree is complete with its last leaf, and stands `level` places after that leaf's own hash. */
    uint64_t last_leaf = ((i + 1) << level) - 1;
    return pv_merkle_stored_count(last_leaf) + level;
}

void pv_merkle_node(const struct pv_hash *left, const struct pv_hash *right, struct pv_hash *ret_node)
{
    uint8_t node[NODE_BYTES];
    node[0] = 0x01;
    memcpy(node + 1, left->b, sizeof left->b);
    memcpy(node + 1 + sizeof left->b, right->b, sizeof right->b);
    pv_sha256(pv_bytes(node, sizeof node), ret_node);
}

void pv_merkle_leaf(struct pv_bytes data, struct pv_hash *ret_leaf)
{
    struct pv_sha256 sha;
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, "\0", 1);
    pv_sha256_update(&sha, data.p, data.n);
    pv_sha256_final(&sha, ret_leaf);
}

void pv_merkle_empty_root(struct pv_hash *ret_root)
{
    pv_sha256(pv_bytes(NULL, 0), ret_root);
}

/* The root over subtree roots that stand side by side, largest first. */
static void fold_peaks(const struct pv_hash *peaks, size_t count, struct pv_hash *ret_root)
{
    struct pv_hash root = peaks[count - 1];
    for (size_t i = count - 1; i > 0; i--) pv_merkle_node(&peaks[i - 1], &root, &root);
    *ret_root = root;
}

void pv_merkle_append(struct pv_merkle_edge *edge, const struct pv_hash *leaf, struct pv_hash ret_new[static 64],
                      size_t *ret_count)
{
    size_t peaks = popcount(edge->size), count = 0;
    struct pv_hash hash = *leaf;
    ret_new[count++] = hash;
    for (uint64_t rest = edge->size; rest & 1; rest >>= 1) {
        pv_merkle_node(&edge->peaks[--peaks], &hash, &hash);
        ret_new[count++] = hash;
    }
    edge->peaks[peaks] = hash;
    edge->size++;
    *ret_count = count;
}

void pv_merkle_edge_root(const struct pv_merkle_edge *edge, struct pv_hash *ret_root)
{
    if (edge->size == 0) pv_merkle_empty_root(ret_root);
    else fold_peaks(edge->peaks, popcount(edge->size), ret_root);
}

static enum pv_err read_one(const struct pv_merkle_reader *reader, unsigned level, uint64_t i, struct pv_hash *ret_hash)
{
    return reader->read(reader->context, pv_merkle_stored_index(level, i), 1, ret_hash);
}

/* The complete subtrees, largest first, that cover the leaves from `start` up to `size`; `start` is a multiple of a
 * power of two that is over their number. */
static enum pv_err read_peaks(const struct pv_merkle_reader *reader, uint64_t start, uint64_t size,
                              struct pv_hash *ret_peaks, size_t *ret_count)
{
    size_t count = 0;
    while (start < size) {
        unsigned level = log2_floor(size - start);
        enum pv_err err = read_one(reader, level, start >> level, &ret_peaks[count]);
        if (err) return err;
        count++;
        start += (uint64_t)1 << level;
    }
    *ret_count = count;
    return PV_OK;
}

enum pv_err pv_merkle_edge_read(const struct pv_merkle_reader *reader, uint64_t size, struct pv_merkle_edge *ret_edge)
{
    struct pv_merkle_edge edge = {.size = size};
    size_t count;
    if (size > PV_LIMIT_N) return PV_ERR_LIMIT;
    enum pv_err err = read_peaks(reader, 0, size, edge.peaks, &count);
    if (err) return err;
    *ret_edge = edge;
    return PV_OK;
}

enum pv_err pv_merkle_root(const struct pv_merkle_reader *reader, uint64_t size, struct pv_hash *ret_root)
{
    struct pv_merkle_edge edge;
    enum pv_err err = pv_merkle_edge_read(reader, size, &edge);
    if (err) return err;
    pv_merkle_edge_root(&edge, ret_root);
    return PV_OK;
}

/* Append to `proof` the siblings on the way from complete subtree `i` at `level` up to the root of `size` leaves. */
static enum pv_err path_to_root(const struct pv_merkle_reader *reader, unsigned level, uint64_t i, uint64_t size,
                                struct pv_merkle_proof *proof)
{
    for (uint64_t last = (size - 1) >> level; last > 0; level++, i >>= 1, last >>= 1) {
        uint64_t sibling = i ^ 1;
        struct pv_hash *hash = &proof->hashes[proof->count];
        enum pv_err err;
        if (sibling > last) continue; /* a lone right end moves up as it is */
        if (sibling < last || (sibling + 1) << level == size) {
            err = read_one(reader, level, sibling, hash);
        } else { /* the ragged right end: stored only in parts */
            struct pv_hash peaks[64];
            size_t count;
            err = read_peaks(reader, sibling << level, size, peaks, &count);
            if (!err) fold_peaks(peaks, count, hash);
        }
        if (err) return err;
        proof->count++;
    }
    return PV_OK;
}

enum pv_err pv_merkle_prove_inclusion(const struct pv_merkle_reader *reader, uint64_t index, uint64_t size,
                                      struct pv_merkle_proof *ret_proof)
{
    struct pv_merkle_proof proof = {.count = 0};
    if (size > PV_LIMIT_N) return PV_ERR_LIMIT;
    if (index >= size) return PV_ERR_MALFORMED;
    enum pv_err err = path_to_root(reader, 0, index, size, &proof);
    if (err) return err;
    *ret_proof = proof;
    return PV_OK;
}

enum pv_err pv_merkle_prove_consistency(const struct pv_merkle_reader *reader, uint64_t old_size, uint64_t new_size,
                                        struct pv_merkle_proof *ret_proof)
{
    struct pv_merkle_proof proof = {.count = 0};
    enum pv_err err = PV_OK;
    if (new_size > PV_LIMIT_N) return PV_ERR_LIMIT;
    if (old_size > new_size) return PV_ERR_MALFORMED;
    if (old_size > 0 && old_size < new_size) {
        /* The old tree's last complete subtree, then its path in the new tree; a whole old tree is known to the
         * reader as the old root (RFC 9162 §2.1.4.1). */
        unsigned level = (unsigned)__builtin_ctzll(old_size);
        uint64_t i = (old_size >> level) - 1;
        if (i > 0) {
            err = read_one(reader, level, i, &proof.hashes[0]);
            proof.count = 1;
        }
        if (!err) err = path_to_root(reader, level, i, new_size, &proof);
    }
    if (err) return err;
    *ret_proof = proof;
    return PV_OK;
}

enum pv_err pv_merkle_check_inclusion(const struct pv_hash *leaf, uint64_t index, uint64_t size,
                                      const struct pv_hash *proof, size_t count, const struct pv_hash *root)
{
    if (index >= size) return PV_ERR_MALFORMED;
    uint64_t fn = index, sn = size - 1;
    struct pv_hash r = *leaf;
    for (size_t i = 0; i < count; i++) {
        if (sn == 0) return PV_ERR_MALFORMED;
        if ((fn & 1) || fn == sn) {
            pv_merkle_node(&proof[i], &r, &r);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            pv_merkle_node(&r, &proof[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0) return PV_ERR_MALFORMED;
    return pv_hash_equal(&r, root) ? PV_OK : PV_ERR_BROKEN_CHAIN;
}

enum pv_err pv_merkle_root_before(uint64_t index, uint64_t size, const struct pv_hash *proof, size_t count,
                                  struct pv_hash *ret_root)
{
    if (index >= size) return PV_ERR_MALFORMED;
    uint64_t fn = index, sn = size - 1;
    bool has_root = false;
    struct pv_hash root;
    for (size_t i = 0; i < count; i++) {
        if (sn == 0) return PV_ERR_MALFORMED;
        if ((fn & 1) || fn == sn) {
            if (has_root) pv_merkle_node(&proof[i], &root, &root);
            else root = proof[i];
            has_root = true;
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0) return PV_ERR_MALFORMED;
    if (!has_root) pv_merkle_empty_root(&root);
    *ret_root = root;
    return PV_OK;
}

enum pv_err pv_merkle_check_consistency(uint64_t old_size, uint64_t new_size, const struct pv_hash *proof, size_t count,
                                        const struct pv_hash *old_root, const struct pv_hash *new_root)
{
    if (old_size > new_size) return PV_ERR_MALFORMED;
    if (old_size == 0 || old_size == new_size) {
        if (count) return PV_ERR_MALFORMED;
        return old_size < new_size || pv_hash_equal(old_root, new_root) ? PV_OK : PV_ERR_BROKEN_CHAIN;
    }
    bool whole = (old_size & (old_size - 1)) == 0;
    if (!whole && count == 0) return PV_ERR_MALFORMED;
    uint64_t fn = old_size - 1, sn = new_size - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    size_t next = whole ? 0 : 1;
    struct pv_hash fr = whole ? *old_root : proof[0], sr = fr;
    for (; next < count; next++) {
        if (sn == 0) return PV_ERR_MALFORMED;
        if ((fn & 1) || fn == sn) {
            pv_merkle_node(&proof[next], &fr, &fr);
            pv_merkle_node(&proof[next], &sr, &sr);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            pv_merkle_node(&sr, &proof[next], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0) return PV_ERR_MALFORMED;
    return pv_hash_equal(&fr, old_root) && pv_hash_equal(&sr, new_root) ? PV_OK : PV_ERR_BROKEN_CHAIN;
}

enum pv_err pv_merkle_list_root(const struct pv_bytes *items, size_t count, struct pv_hash *ret_root)
{
    struct pv_merkle_edge edge = {.size = 0};
    if (count > PV_LIMIT_WRAPS) return PV_ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        struct pv_hash leaf, added[64];
        size_t added_count;
        pv_merkle_leaf(items[i], &leaf);
        pv_merkle_append(&edge, &leaf, added, &added_count);
    }
    pv_merkle_edge_root(&edge, ret_root);
    return PV_OK;
}

enum pv_err pv_merkle_list_prove(const struct pv_bytes *items, size_t count, size_t index,
                                 struct pv_merkle_proof *ret_proof)
{
    struct pv_merkle_proof down = {.count = 0}; /* from the root to the leaf */
    if (count > PV_LIMIT_WRAPS) return PV_ERR_LIMIT;
    if (index >= count) return PV_ERR_MALFORMED;
    size_t low = 0, high = count;
    while (high - low > 1) {
        size_t middle = low + ((size_t)1 << log2_floor(high - low - 1));
        bool right = index >= middle;
        size_t from = right ? low : middle, to = right ? middle : high;
        enum pv_err err = pv_merkle_list_root(items + from, to - from, &down.hashes[down.count]);
        if (err) return err;
        down.count++;
        if (right) low = middle;
        else high = middle;
    }
    for (size_t i = 0; i < down.count; i++) ret_proof->hashes[i] = down.hashes[down.count - 1 - i];
    ret_proof->count = down.count;
    return PV_OK;
}
