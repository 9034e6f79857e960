/* The Merkle tree against RFC 6962's recursive definitions, for every size, leaf and pair of sizes up to 130. */
#include "core/log/merkle.h"

#include "core/crypto/hash.h"
#include "tests/tap.h"

enum { MAX = 130 };

static struct pv_bytes leaf_data[MAX];
static uint8_t leaf_bytes[MAX];
static struct pv_hash leaves[MAX];
static struct pv_hash roots[MAX + 1]; /* by the recursive definition */
static struct pv_hash stored[2 * MAX];
static size_t stored_count;

/* --- RFC 6962 §2.1, word for word --- */

static size_t split(size_t n)
{
    size_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
}

static struct pv_hash naive_root(const struct pv_hash *d, size_t n)
{
    struct pv_hash root;
    if (n == 0) {
        pv_sha256(pv_bytes(NULL, 0), &root);
    } else if (n == 1) {
        root = d[0];
    } else {
        struct pv_hash parts[2] = {naive_root(d, split(n)), naive_root(d + split(n), n - split(n))};
        struct pv_sha256 sha;
        pv_sha256_init(&sha);
        pv_sha256_update(&sha, "\1", 1);
        pv_sha256_update(&sha, parts, sizeof parts);
        pv_sha256_final(&sha, &root);
    }
    return root;
}

static void naive_path(size_t m, const struct pv_hash *d, size_t n, struct pv_merkle_proof *path)
{
    if (n == 1) return;
    size_t k = split(n);
    if (m < k) {
        naive_path(m, d, k, path);
        path->hashes[path->count++] = naive_root(d + k, n - k);
    } else {
        naive_path(m - k, d + k, n - k, path);
        path->hashes[path->count++] = naive_root(d, k);
    }
}

static void naive_subproof(size_t m, const struct pv_hash *d, size_t n, bool whole, struct pv_merkle_proof *proof)
{
    if (m == n) {
        if (!whole) proof->hashes[proof->count++] = naive_root(d, n);
        return;
    }
    size_t k = split(n);
    if (m <= k) {
        naive_subproof(m, d, k, whole, proof);
        proof->hashes[proof->count++] = naive_root(d + k, n - k);
    } else {
        naive_subproof(m - k, d + k, n - k, false, proof);
        proof->hashes[proof->count++] = naive_root(d, k);
    }
}

static bool same_proof(const struct pv_merkle_proof *a, const struct pv_merkle_proof *b)
{
    return a->count == b->count && memcmp(a->hashes, b->hashes, a->count * sizeof a->hashes[0]) == 0;
}

/* --- the tree under test --- */

static enum pv_err read_stored(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    size_t limit = context ? *(size_t *)context : stored_count;
    if (at + count > limit) return PV_ERR_CORRUPT;
    memcpy(ret_hashes, stored + at, count * sizeof *stored);
    return PV_OK;
}

static const struct pv_merkle_reader reader = {.read = read_stored};

static void test_known(void)
{
    /* Roots of the eight leaves that Certificate Transparency's implementations share. */
    static const char *const data[8] = {"",         "00",       "10",               "2021",
                                        "3031",     "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
    static const struct {
        size_t size;
        const char *root;
    } known[] = {
        {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    uint8_t bytes[8][16];
    struct pv_bytes items[8];
    for (size_t i = 0; i < 8; i++) {
        size_t n = strlen(data[i]) / 2;
        if (pv_hex_decode(data[i], 2 * n, bytes[i], n)) abort();
        items[i] = pv_bytes(bytes[i], n);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct pv_hash root;
        char hex[65];
        enum pv_err err = pv_merkle_list_root(items, known[i].size, &root);
        pv_hex_encode(root.b, sizeof root.b, hex);
        tap_ok(!err && strcmp(hex, known[i].root) == 0, "the known root of %zu leaves", known[i].size);
    }
}

static void build(void)
{
    struct pv_merkle_edge edge = {.size = 0};
    bool counts = true, edges = true;
    for (size_t i = 0; i < MAX; i++) {
        leaf_bytes[i] = (uint8_t)i;
        leaf_data[i] = pv_bytes(&leaf_bytes[i], i % 2); /* some empty */
        pv_merkle_leaf(leaf_data[i], &leaves[i]);
        leaves[i].b[31] ^= leaf_bytes[i]; /* all different */
    }
    for (size_t n = 0; n <= MAX; n++) {
        struct pv_hash root;
        roots[n] = naive_root(leaves, n);
        pv_merkle_edge_root(&edge, &root);
        edges &= edge.size == n && pv_hash_equal(&root, &roots[n]);
        counts &= pv_merkle_stored_count(n) == stored_count;
        if (n == MAX) break;
        struct pv_hash added[64];
        size_t added_count;
        pv_merkle_append(&edge, &leaves[n], added, &added_count);
        memcpy(stored + stored_count, added, added_count * sizeof *added);
        stored_count += added_count;
    }
    tap_ok(counts, "a tree of n leaves stores 2n - popcount(n) hashes");
    tap_ok(edges, "the edge's root is RFC 6962's for every size");
}

static void test_stored_index(void)
{
    bool good = true;
    for (unsigned level = 0; level < 8; level++) {
        for (size_t i = 0; (i + 1) << level <= MAX; i++) {
            struct pv_hash want = naive_root(leaves + (i << level), (size_t)1 << level);
            good &= pv_hash_equal(&stored[pv_merkle_stored_index(level, i)], &want);
        }
    }
    tap_ok(good, "each stored hash is that of the subtree its number stands for");
}

static void test_roots(void)
{
    bool root_good = true, edge_good = true;
    for (size_t n = 0; n <= MAX; n++) {
        struct pv_hash root;
        struct pv_merkle_edge edge;
        root_good &= !pv_merkle_root(&reader, n, &root) && pv_hash_equal(&root, &roots[n]);
        edge_good &= !pv_merkle_edge_read(&reader, n, &edge) && edge.size == n;
        if (n == MAX) break;
        /* A rebuilt edge goes on as if it had never been away. */
        struct pv_hash added[64];
        size_t count;
        pv_merkle_append(&edge, &leaves[n], added, &count);
        uint64_t at = pv_merkle_stored_count(n);
        edge_good &= memcmp(added, stored + at, count * sizeof *added) == 0;
        pv_merkle_edge_root(&edge, &root);
        edge_good &= pv_hash_equal(&root, &roots[n + 1]);
    }
    tap_ok(root_good, "the root read from stored hashes is RFC 6962's for every size");
    tap_ok(edge_good, "an edge rebuilt from stored hashes appends the same hashes");
}

/* Every way of damaging an inclusion proof that keeps its other parts must be refused. */
static bool refuses_damaged_inclusion(const struct pv_merkle_proof *proof, size_t index, size_t size)
{
    struct pv_merkle_proof bad;
    struct pv_hash leaf = leaves[index], root = roots[size];
    bool good = true;
#define REFUSED(i, n, p, c, l, r) (pv_merkle_check_inclusion(l, i, n, p, c, r) != PV_OK)
    for (size_t i = 0; i < proof->count; i++) {
        bad = *proof;
        bad.hashes[i].b[i % 32] ^= (uint8_t)(1 << (i % 8));
        good &= REFUSED(index, size, bad.hashes, bad.count, &leaf, &root);
    }
    good &= proof->count == 0 || REFUSED(index, size, proof->hashes, proof->count - 1, &leaf, &root);
    good &= proof->count == 0 || REFUSED(index, size, proof->hashes + 1, proof->count - 1, &leaf, &root);
    bad = *proof;
    bad.hashes[bad.count++] = root;
    good &= REFUSED(index, size, bad.hashes, bad.count, &leaf, &root);
    good &= REFUSED(index, size, proof->hashes, proof->count, &root, &root) || size == 1;
    good &= REFUSED(index, size, proof->hashes, proof->count, &leaf, &roots[size - 1]);
    good &= REFUSED(size, size, proof->hashes, proof->count, &leaf, &root);
    good &= REFUSED(UINT64_MAX, size, proof->hashes, proof->count, &leaf, &root);
    good &= REFUSED(index, 0, proof->hashes, proof->count, &leaf, &root);
    for (size_t other = 0; other < size; other++)
        good &= other == index || REFUSED(other, size, proof->hashes, proof->count, &leaf, &root);
    leaf.b[0] ^= 1;
    good &= REFUSED(index, size, proof->hashes, proof->count, &leaf, &root);
#undef REFUSED
    return good;
}

static void test_inclusion(void)
{
    bool made = true, checked = true, refused = true;
    for (size_t n = 1; n <= MAX; n++) {
        for (size_t i = 0; i < n; i++) {
            struct pv_merkle_proof proof, naive = {.count = 0};
            naive_path(i, leaves, n, &naive);
            made &= !pv_merkle_prove_inclusion(&reader, i, n, &proof) && same_proof(&proof, &naive);
            checked &= !pv_merkle_check_inclusion(&leaves[i], i, n, naive.hashes, naive.count, &roots[n]);
            if (n < 40 || n > 125) refused &= refuses_damaged_inclusion(&naive, i, n);
        }
    }
    tap_ok(made, "every inclusion proof is RFC 6962's PATH");
    tap_ok(checked, "every inclusion proof checks");
    tap_ok(refused, "every damaged inclusion proof is refused");
}

static bool refuses_damaged_consistency(const struct pv_merkle_proof *proof, size_t m, size_t n)
{
    struct pv_merkle_proof bad;
    struct pv_hash wrong = roots[m];
    bool good = true;
#define REFUSED(m, n, p, c, r1, r2) (pv_merkle_check_consistency(m, n, p, c, r1, r2) != PV_OK)
    for (size_t i = 0; i < proof->count; i++) {
        bad = *proof;
        bad.hashes[i].b[i % 32] ^= (uint8_t)(1 << (i % 8));
        good &= REFUSED(m, n, bad.hashes, bad.count, &roots[m], &roots[n]);
    }
    good &= proof->count == 0 || REFUSED(m, n, proof->hashes, proof->count - 1, &roots[m], &roots[n]);
    good &= proof->count == 0 || REFUSED(m, n, proof->hashes + 1, proof->count - 1, &roots[m], &roots[n]);
    bad = *proof;
    bad.hashes[bad.count++] = roots[n];
    good &= REFUSED(m, n, bad.hashes, bad.count, &roots[m], &roots[n]);
    wrong.b[31] ^= 0x80;
    good &= REFUSED(m, n, proof->hashes, proof->count, &wrong, &roots[n]);
    good &= REFUSED(m, n, proof->hashes, proof->count, &roots[m], &wrong);
    if (m < n) {
        good &= REFUSED(m, n, proof->hashes, proof->count, &roots[n], &roots[m]);
        good &= REFUSED(n, m, proof->hashes, proof->count, &roots[n], &roots[m]);
        good &= REFUSED(m + 1, n, proof->hashes, proof->count, &roots[m], &roots[n]);
        good &= REFUSED(m, m, proof->hashes, proof->count, &roots[m], &roots[n]);
        good &= REFUSED(0, n, proof->hashes, proof->count, &roots[m], &roots[n]);
    }
#undef REFUSED
    return good;
}

static void test_consistency(void)
{
    bool made = true, checked = true, refused = true;
    for (size_t n = 1; n <= MAX; n++) {
        for (size_t m = 1; m <= n; m++) {
            struct pv_merkle_proof proof, naive = {.count = 0};
            if (m < n) naive_subproof(m, leaves, n, true, &naive);
            made &= !pv_merkle_prove_consistency(&reader, m, n, &proof) && same_proof(&proof, &naive);
            checked &= !pv_merkle_check_consistency(m, n, naive.hashes, naive.count, &roots[m], &roots[n]);
            if (n < 40 || n > 125) refused &= refuses_damaged_consistency(&naive, m, n);
        }
    }
    tap_ok(made, "every consistency proof is RFC 6962's PROOF");
    tap_ok(checked, "every consistency proof checks");
    tap_ok(refused, "every damaged consistency proof is refused");
}

static void test_consistency_edges(void)
{
    struct pv_merkle_proof proof;
    tap_is_int(pv_merkle_check_consistency(0, 5, NULL, 0, &roots[0], &roots[5]), PV_OK,
               "any tree extends the empty one, without a proof");
    tap_is_int(pv_merkle_check_consistency(0, 5, &roots[1], 1, &roots[0], &roots[5]), PV_ERR_MALFORMED,
               "a proof from the empty tree has no hashes");
    tap_is_int(pv_merkle_check_consistency(0, 0, NULL, 0, &roots[0], &roots[0]), PV_OK, "empty and empty");
    tap_is_int(pv_merkle_check_consistency(0, 0, NULL, 0, &roots[0], &roots[1]), PV_ERR_BROKEN_CHAIN,
               "two roots of size 0 contradict each other");
    tap_is_int(pv_merkle_check_consistency(7, 7, NULL, 0, &roots[7], &roots[8]), PV_ERR_BROKEN_CHAIN,
               "two roots of size 7 contradict each other");
    tap_is_int(pv_merkle_check_consistency(6, 5, NULL, 0, &roots[6], &roots[5]), PV_ERR_MALFORMED, "a tree shrinks");
    tap_is_int(pv_merkle_check_consistency(6, 7, NULL, 0, &roots[6], &roots[7]), PV_ERR_MALFORMED, "no proof at all");
    for (size_t count = 62; count <= 65; count++) {
        enum pv_err want = count == 64 ? PV_ERR_BROKEN_CHAIN : PV_ERR_MALFORMED;
        enum pv_err wide = pv_merkle_check_consistency(UINT64_MAX - 1, UINT64_MAX, roots, count, &roots[6], &roots[7]);
        enum pv_err deep = pv_merkle_check_inclusion(&leaves[0], 0, UINT64_MAX, roots, count, &roots[7]);
        tap_ok(wide == want && deep == want, "the largest sizes take 64 hashes, not %zu", count);
    }
    tap_ok(!pv_merkle_prove_consistency(&reader, 0, 9, &proof) && proof.count == 0, "the proof from size 0 is empty");
    tap_is_int(pv_merkle_prove_consistency(&reader, 9, 8, &proof), PV_ERR_MALFORMED, "no proof backwards");
    tap_is_int(pv_merkle_prove_inclusion(&reader, 8, 8, &proof), PV_ERR_MALFORMED, "no proof beyond the end");
    tap_is_int(pv_merkle_prove_inclusion(&reader, 8, PV_LIMIT_N + 1, &proof), PV_ERR_LIMIT, "no tree over the limit");
}

/* A reader that lacks hashes: its error comes through, and outputs stay as they were. */
static void test_reader_errors(void)
{
    bool good = true;
    for (size_t have = 0; have < pv_merkle_stored_count(13); have++) {
        struct pv_merkle_reader short_reader = {.read = read_stored, .context = &have};
        struct pv_merkle_proof proof = {.count = 99};
        struct pv_merkle_edge edge = {.size = 99};
        struct pv_hash root = {{1}};
        /* Size 13 with leaf 0 takes the last stored hash; so does the root. */
        good &= pv_merkle_prove_inclusion(&short_reader, 0, 13, &proof) == PV_ERR_CORRUPT && proof.count == 99;
        good &= pv_merkle_prove_consistency(&short_reader, 8, 13, &proof) == PV_ERR_CORRUPT && proof.count == 99;
        good &= pv_merkle_edge_read(&short_reader, 13, &edge) == PV_ERR_CORRUPT && edge.size == 99;
        good &= pv_merkle_root(&short_reader, 13, &root) == PV_ERR_CORRUPT && root.b[0] == 1;
    }
    tap_ok(good, "a reader's error comes through and nothing is written");
}

static void test_lists(void)
{
    static struct pv_bytes items[MAX];
    static struct pv_hash hashes[MAX];
    static uint8_t bytes[MAX];
    bool root_good = true, proof_good = true;
    for (size_t i = 0; i < MAX; i++) {
        bytes[i] = (uint8_t)(i * 7);
        items[i] = pv_bytes(&bytes[i], i % 3 != 0);
        pv_merkle_leaf(items[i], &hashes[i]);
    }
    for (size_t n = 0; n <= MAX; n++) {
        struct pv_hash root, want = naive_root(hashes, n);
        root_good &= !pv_merkle_list_root(items, n, &root) && pv_hash_equal(&root, &want);
        for (size_t i = 0; i < n; i += 1 + i / 3) {
            struct pv_merkle_proof proof, naive = {.count = 0};
            naive_path(i, hashes, n, &naive);
            proof_good &= !pv_merkle_list_prove(items, n, i, &proof) && same_proof(&proof, &naive);
        }
    }
    struct pv_merkle_proof proof;
    tap_ok(root_good, "a list's root is RFC 6962's");
    tap_ok(proof_good, "a list's inclusion proofs are RFC 6962's");
    tap_is_int(pv_merkle_list_prove(items, 3, 3, &proof), PV_ERR_MALFORMED, "no proof beyond a list's end");
    tap_is_int(pv_merkle_list_root(items, PV_LIMIT_WRAPS + 1, &hashes[0]), PV_ERR_LIMIT, "no list over the limit");
}

int main(void)
{
    test_known();
    build();
    test_stored_index();
    test_roots();
    test_inclusion();
    test_consistency();
    test_consistency_edges();
    test_reader_errors();
    test_lists();
    return tap_done();
}
