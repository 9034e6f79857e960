/* RFC 6962 proofs as transparency-dev/merkle writes them: one JSON object a file, with the outcome it wants.
 *
 * What our types cannot hold (a hash of another length, a negative or huge index) does not verify. */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/log/merkle.h"
#include "tests/vectors/vectors.h"

enum { VALUE_BYTES_MAX = 1 << 20 };

static bool get_bytes(const json_t *root, const char *name, struct pv_buf *buf)
{
    return vectors_decode_base64(json_object_get(root, name), buf);
}

static bool get_hash(const json_t *value, struct pv_hash *ret_hash)
{
    struct pv_buf buf;
    pv_buf_init(&buf, VALUE_BYTES_MAX);
    bool good = vectors_decode_base64(value, &buf) && buf.n == sizeof ret_hash->b;
    if (good) memcpy(ret_hash->b, buf.p, sizeof ret_hash->b);
    pv_buf_release(&buf);
    return good;
}

/* An array of hashes, or null for none; the caller frees. */
static bool get_proof(const json_t *root, struct pv_hash **ret_hashes, size_t *ret_count)
{
    const json_t *proof = json_object_get(root, "proof");
    if (proof && !json_is_null(proof) && !json_is_array(proof)) return false;
    size_t count = json_array_size(proof);
    struct pv_hash *hashes = calloc(count + 1, sizeof *hashes);
    bool good = hashes != NULL;
    for (size_t i = 0; good && i < count; i++) good = get_hash(json_array_get(proof, i), &hashes[i]);
    if (!good) {
        free(hashes);
        return false;
    }
    *ret_hashes = hashes;
    *ret_count = count;
    return true;
}

static bool verifies_inclusion(const json_t *root)
{
    uint64_t index, size;
    struct pv_hash leaf, tree_root, *proof;
    size_t count;
    if (!vectors_get_u64(json_object_get(root, "leafIdx"), &index) ||
        !vectors_get_u64(json_object_get(root, "treeSize"), &size) ||
        !get_hash(json_object_get(root, "leafHash"), &leaf) || !get_hash(json_object_get(root, "root"), &tree_root) ||
        !get_proof(root, &proof, &count))
        return false;
    bool good = pv_merkle_check_inclusion(&leaf, index, size, proof, count, &tree_root) == PV_OK;
    free(proof);
    return good;
}

/* A root as a hash. One of another length stands for itself by its SHA-256, which equals no root of a tree, but the
 * same root again: two trees of one size are consistent if their roots are equal, whatever they are. */
static bool get_root(const json_t *root, const char *name, struct pv_hash *ret_hash)
{
    struct pv_buf buf;
    pv_buf_init(&buf, VALUE_BYTES_MAX);
    bool good = get_bytes(root, name, &buf);
    if (good && buf.n == sizeof ret_hash->b) memcpy(ret_hash->b, buf.p, sizeof ret_hash->b);
    else if (good) pv_sha256(pv_buf_bytes(&buf), ret_hash);
    pv_buf_release(&buf);
    return good;
}

static bool verifies_consistency(const json_t *root)
{
    uint64_t size1, size2;
    struct pv_hash root1, root2, *proof;
    size_t count;
    if (!vectors_get_u64(json_object_get(root, "size1"), &size1) ||
        !vectors_get_u64(json_object_get(root, "size2"), &size2) || !get_root(root, "root1", &root1) ||
        !get_root(root, "root2", &root2) || !get_proof(root, &proof, &count))
        return false;
    /* Their verifier takes 0 < size1: from the empty tree there is nothing to prove. Ours says yes without proof. */
    bool asked = size1 > 0 || size2 == 0;
    bool good = asked && pv_merkle_check_consistency(size1, size2, proof, count, &root1, &root2) == PV_OK;
    free(proof);
    return good;
}

static void run(const json_t *root, const char *path, const char *const fields[2], bool (*verifies)(const json_t *),
                struct vectors_tally *tally)
{
    const json_t *want_err = json_object_get(root, "wantErr");
    const char *name = json_string_value(json_object_get(root, "desc"));
    bool ours = json_object_get(root, fields[0]) && json_object_get(root, fields[1]);
    enum vectors_outcome outcome = VECTORS_OUTSIDE; /* a file of another kind */
    if (ours && !json_is_boolean(want_err)) outcome = VECTORS_FAILED;
    else if (ours) outcome = verifies(root) == json_is_false(want_err) ? VECTORS_PASSED : VECTORS_FAILED;
    vectors_count(tally, outcome, path, name ? name : "a case without a name");
}

void vectors_run_inclusion(const json_t *root, const char *path, struct vectors_tally *tally)
{
    static const char *const fields[2] = {"leafIdx", "treeSize"};
    run(root, path, fields, verifies_inclusion, tally);
}

void vectors_run_consistency(const json_t *root, const char *path, struct vectors_tally *tally)
{
    static const char *const fields[2] = {"size1", "size2"};
    run(root, path, fields, verifies_consistency, tally);
}
