/* C2SP tlog-proofs: an index, the inclusion hashes and the checkpoint they lead to, as one text. */
#include <string.h>

#include "core/base/base64.h"
#include "core/base/lines.h"
#include "core/log/checkpoint.h"

#define PROOF_FAMILY "c2sp.org/tlog-proof@"
#define PROOF_LINE PROOF_FAMILY "v1"

enum pv_err pv_proof_make(uint64_t index, const struct pv_merkle_proof *inclusion, struct pv_bytes note,
                          struct pv_buf *proof)
{
    if (index > PV_LIMIT_N || inclusion->count > PV_LIMIT_PROOF_HASHES || note.n > PV_LIMIT_NOTE_BYTES)
        return PV_ERR_LIMIT;
    pv_text_put(proof, PROOF_LINE "\nindex ");
    pv_decimal_put(proof, index);
    pv_text_put(proof, "\n");
    for (size_t i = 0; i < inclusion->count; i++) {
        pv_base64_put(proof, PV_BASE64_STANDARD, PV_BYTES_OF(inclusion->hashes[i]));
        pv_text_put(proof, "\n");
    }
    pv_text_put(proof, "\n");
    pv_buf_append(proof, note.p, note.n);
    return proof->err;
}

static void get_format(struct pv_lines *in)
{
    struct pv_bytes version = pv_lines_get_after(in, pv_bytes_of_string(PROOF_FAMILY));
    if (!in->err && !pv_bytes_equal(version, pv_bytes_of_string("v1"))) in->err = PV_ERR_UNSUPPORTED;
}

static void get_hashes(struct pv_lines *in, struct pv_merkle_proof *ret_inclusion)
{
    ret_inclusion->count = 0;
    for (;;) {
        struct pv_bytes line = pv_lines_get(in);
        if (in->err || line.n == 0) return;
        if (ret_inclusion->count == PV_LIMIT_PROOF_HASHES) {
            in->err = PV_ERR_LIMIT;
            return;
        }
        struct pv_hash *hash = &ret_inclusion->hashes[ret_inclusion->count++];
        pv_lines_fail(in, pv_base64_decode_fixed(PV_BASE64_STANDARD, line, hash->b, sizeof hash->b));
    }
}

enum pv_err pv_proof_read(struct pv_bytes proof, uint64_t *ret_index, struct pv_merkle_proof *ret_inclusion,
                          struct pv_bytes *ret_note)
{
    struct pv_lines in;
    struct pv_merkle_proof inclusion;
    uint64_t index = 0;
    pv_lines_init(&in, proof);
    get_format(&in);
    struct pv_bytes number = pv_lines_get_after(&in, pv_bytes_of_string("index "));
    if (!in.err) in.err = pv_decimal_read(number, PV_LIMIT_N, &index);
    get_hashes(&in, &inclusion);
    if (in.err) return in.err;
    if (in.rest.n == 0) return PV_ERR_TRUNCATED;
    if (in.rest.n > PV_LIMIT_NOTE_BYTES) return PV_ERR_LIMIT;
    *ret_index = index;
    memcpy(ret_inclusion->hashes, inclusion.hashes, inclusion.count * sizeof *inclusion.hashes);
    ret_inclusion->count = inclusion.count;
    *ret_note = in.rest;
    return PV_OK;
}
