/* An entry, a list of refs or a bundle that reads encodes to the bytes that it was read from. */
#include "core/log/entry.h"

#include <stdlib.h>

#include "core/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_entry(struct pv_bytes bytes, struct pv_buf *out)
{
    struct pv_entry entry;
    if (pv_entry_read(bytes, &entry)) return;
    pv_buf_clear(out);
    pv_cbor_put_array(out, 2);
    pv_header_put(out, &entry.header);
    pv_cbor_put_bytes(out, entry.sig.b, sizeof entry.sig.b);
    if (!pv_bytes_equal(pv_buf_bytes(out), bytes)) abort();
    struct pv_sign_pk pk = {{0}};
    if (!pv_entry_verify(&entry, &pk)) abort(); /* a key of small order */
}

static void try_refs(struct pv_bytes bytes, struct pv_buf *out)
{
    size_t count;
    if (pv_refs_check(bytes, &count)) return;
    pv_buf_clear(out);
    pv_cbor_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        struct pv_id16 name;
        pv_refs_at(bytes, i, &name);
        pv_cbor_put_id16(out, &name);
    }
    if (!pv_bytes_equal(pv_buf_bytes(out), bytes)) abort();
}

static void try_bundle(struct pv_bytes bytes, struct pv_buf *out)
{
    struct pv_cbor in;
    struct pv_bundle bundle;
    pv_cbor_init(&in, bytes);
    pv_bundle_get(&in, &bundle);
    if (pv_cbor_finish(&in)) return;
    pv_buf_clear(out);
    pv_bundle_put(out, &bundle);
    if (!pv_bytes_equal(pv_buf_bytes(out), bytes)) abort();
    try_entry(bundle.entry, out);
    try_refs(bundle.refs, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pv_buf out;
    struct pv_bytes bytes = pv_bytes(data, size);
    pv_buf_init(&out, 1 << 20);
    try_entry(bytes, &out);
    try_refs(bytes, &out);
    try_bundle(bytes, &out);
    pv_buf_release(&out);
    return 0;
}
