/* A proof that reads is written again as the same bytes, and what it holds can be checked without harm. */
#include <stdlib.h>

#include "core/log/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_merkle_proof inclusion;
    struct pv_checkpoint checkpoint;
    struct pv_bytes note;
    struct pv_buf made;
    uint64_t index;
    if (pv_proof_read(pv_bytes(data, size), &index, &inclusion, &note)) return 0;
    pv_buf_init(&made, size);
    if (pv_proof_make(index, &inclusion, note, &made)) abort();
    if (!pv_bytes_equal(pv_buf_bytes(&made), pv_bytes(data, size))) abort();
    pv_buf_release(&made);
    if (pv_checkpoint_peek(note, &checkpoint)) return 0;
    struct pv_hash leaf = {{1}};
    enum pv_err err = pv_merkle_check_inclusion(&leaf, index, checkpoint.size, inclusion.hashes, inclusion.count,
                                                &checkpoint.root);
    if (!err && checkpoint.size > 1 && inclusion.count == 0) abort();
    err = pv_merkle_check_consistency(index, checkpoint.size, inclusion.hashes, inclusion.count, &leaf, &checkpoint.root);
    if (!err && index > checkpoint.size) abort();
    return 0;
}
