/* Whatever the item reader takes, the typed readers take too, and the writer gives the same bytes. */
#include "core/base/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_item(struct pv_cbor *in, struct pv_buf *out)
{
    enum pv_cbor_major major;
    struct pv_bytes bytes;
    if (!pv_cbor_peek(in, &major)) abort();
    switch (major) {
    case PV_CBOR_UINT:
        pv_cbor_put_uint(out, pv_cbor_get_uint(in, UINT64_MAX));
        break;
    case PV_CBOR_NINT:
        pv_cbor_put_int(out, pv_cbor_get_int(in));
        break;
    case PV_CBOR_BYTES:
        bytes = pv_cbor_get_bytes(in, SIZE_MAX);
        pv_cbor_put_bytes(out, bytes.p, bytes.n);
        break;
    case PV_CBOR_TEXT:
        bytes = pv_cbor_get_text(in, SIZE_MAX);
        pv_cbor_put_text(out, (const char *)bytes.p, bytes.n);
        break;
    case PV_CBOR_ARRAY: {
        size_t count = pv_cbor_get_array(in, SIZE_MAX);
        pv_cbor_put_array(out, count);
        for (size_t i = 0; i < count && !in->err; i++) copy_item(in, out);
        break;
    }
    case PV_CBOR_SIMPLE:
    default:
        if (pv_cbor_take_null(in)) pv_cbor_put_null(out);
        else pv_cbor_put_bool(out, pv_cbor_get_bool(in));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_cbor in;
    struct pv_buf out;
    pv_cbor_init(&in, pv_bytes(data, size));
    struct pv_bytes item = pv_cbor_get_item(&in);
    if (in.err) {
        if (item.n) abort();
        return 0;
    }
    pv_buf_init(&out, size + 16);
    pv_cbor_init(&in, item);
    copy_item(&in, &out);
    enum pv_err err = pv_cbor_finish(&in);
    /* A negative number below -2^63 is an item, but none that our types hold. */
    if (err ? err != PV_ERR_LIMIT : out.err || !pv_bytes_equal(pv_buf_bytes(&out), item)) abort();
    pv_buf_release(&out);
    return 0;
}
