/* A clear body, or what lies beside one, that reads encodes to the bytes that it was read from. */
#include <stdlib.h>

#include "core/room/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct pv_buf *out, struct pv_bytes bytes)
{
    if (out->err || !pv_bytes_equal(pv_buf_bytes(out), bytes)) abort();
}

static void try_roster(struct pv_bytes bytes, struct pv_buf *out)
{
    static struct pv_roster_body body;
    pv_buf_clear(out);
    if (pv_roster_body_read(bytes, &body)) return;
    pv_roster_body_put(out, &body);
    same(out, bytes);
}

static void try_sign(struct pv_bytes bytes, struct pv_buf *out)
{
    struct pv_sign_body body;
    pv_buf_clear(out);
    if (pv_sign_body_read(bytes, &body)) return;
    pv_sign_body_put(out, &body);
    same(out, bytes);
}

static void try_server(struct pv_bytes bytes, struct pv_buf *out)
{
    struct pv_server_body body;
    pv_buf_clear(out);
    if (pv_server_body_read(bytes, &body)) return;
    pv_server_body_put(out, &body);
    same(out, bytes);
}

static void put_list(struct pv_buf *out, const struct pv_bytes *items, size_t count)
{
    pv_cbor_put_array(out, count);
    for (size_t i = 0; i < count; i++) pv_cbor_put_bytes(out, items[i].p, items[i].n);
}

static void try_beside(struct pv_bytes bytes, struct pv_buf *out)
{
    struct pv_beside beside;
    pv_buf_clear(out);
    if (pv_beside_read(bytes, &beside)) return;
    pv_cbor_put_array(out, 3);
    put_list(out, beside.kem_keys, beside.kem_key_count);
    put_list(out, beside.links, beside.link_count);
    put_list(out, beside.wraps, beside.wrap_count);
    same(out, bytes);
    pv_beside_release(&beside);
}

/* A body and what lies beside it, one after the other: the check must stand whatever they are. */
static void try_check(struct pv_bytes bytes)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    struct pv_bytes body = pv_cbor_get_item(&in);
    struct pv_bytes beside = pv_cbor_get_item(&in);
    if (pv_cbor_finish(&in)) return;
    for (uint64_t kind = PV_KIND_ROSTER; kind <= PV_KIND_SERVER; kind++)
        if (pv_beside_check(kind, body, beside) == PV_ERR_NOMEM) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_buf out;
    struct pv_bytes bytes = pv_bytes(data, size);
    pv_buf_init(&out, 1 << 22);
    try_roster(bytes, &out);
    try_sign(bytes, &out);
    try_server(bytes, &out);
    try_beside(bytes, &out);
    try_check(bytes);
    pv_buf_release(&out);
    return 0;
}
