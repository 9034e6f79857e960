/* Entries: their one encoding, field rules, signature, and the hashes of what lies with them. */
#include "core/log/entry.h"

#include <string.h>

#include "core/base/limits.h"
#include "core/crypto/hash.h"
#include "core/log/merkle.h"

enum {
    VERSION = 1,
    HEADER_FIELDS = 12,
    FIRST_FIELDS = 10, /* authenticated with a sealed body */
    HEADER_BYTES_MAX = 320
};

static void put_first_fields(struct pv_buf *buf, const struct pv_header *header)
{
    pv_cbor_put_uint(buf, VERSION);
    pv_cbor_put_hash(buf, &header->room);
    pv_cbor_put_hash(buf, &header->author);
    pv_cbor_put_uint(buf, header->n);
    pv_cbor_put_hash(buf, &header->prev);
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, header->seen_size);
    pv_cbor_put_hash(buf, &header->seen_root);
    pv_cbor_put_uint(buf, header->time_ms);
    pv_cbor_put_uint(buf, header->kind);
    pv_cbor_put_uint(buf, header->epoch);
    pv_cbor_put_hash(buf, &header->refs_hash);
}

void pv_header_put(struct pv_buf *buf, const struct pv_header *header)
{
    pv_cbor_put_array(buf, HEADER_FIELDS);
    put_first_fields(buf, header);
    pv_cbor_put_hash(buf, &header->body_hash);
    pv_cbor_put_hash(buf, &header->commit);
}

void pv_header_put_first_ten(struct pv_buf *buf, const struct pv_header *header)
{
    pv_cbor_put_array(buf, FIRST_FIELDS);
    put_first_fields(buf, header);
}

enum pv_err pv_entry_make(const struct pv_header *header, const struct pv_sign_sk *sk, struct pv_buf *buf)
{
    uint8_t memory[HEADER_BYTES_MAX];
    struct pv_buf encoded;
    struct pv_sig sig;
    pv_buf_init_fixed(&encoded, memory, sizeof memory);
    pv_header_put(&encoded, header);
    if (encoded.err) return encoded.err;
    enum pv_err err = pv_sign(sk, "entry", pv_buf_bytes(&encoded), &sig);
    if (err) return err;
    pv_cbor_put_array(buf, 2);
    pv_buf_append(buf, encoded.p, encoded.n);
    pv_cbor_put_bytes(buf, sig.b, sizeof sig.b);
    return buf->err;
}

static void get_header(struct pv_cbor *in, struct pv_header *ret_header)
{
    pv_cbor_get_hash(in, &ret_header->room);
    pv_cbor_get_hash(in, &ret_header->author);
    ret_header->n = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &ret_header->prev);
    pv_cbor_get_array_of(in, 2);
    ret_header->seen_size = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &ret_header->seen_root);
    ret_header->time_ms = pv_cbor_get_uint(in, PV_LIMIT_N);
    ret_header->kind = pv_cbor_get_uint(in, UINT64_MAX);
    ret_header->epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &ret_header->refs_hash);
    pv_cbor_get_hash(in, &ret_header->body_hash);
    pv_cbor_get_hash(in, &ret_header->commit);
}

/* The rules of FORMAT.md §3 that a header alone can break. */
static enum pv_err check_header(const struct pv_header *header)
{
    static const struct pv_hash empty_root = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                               0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                               0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};
    if (header->kind > PV_KIND_SERVER) return PV_ERR_UNSUPPORTED;
    bool sealed = pv_kind_is_sealed(header->kind), has_epoch = sealed || header->kind == PV_KIND_ROSTER;
    bool genesis = pv_hash_is_zero(&header->room);
    if (header->n == 0) return PV_ERR_MALFORMED;
    if (header->seen_size == 0 && !pv_hash_equal(&header->seen_root, &empty_root)) return PV_ERR_MALFORMED;
    if (!sealed && !pv_hash_is_zero(&header->commit)) return PV_ERR_MALFORMED;
    if (!has_epoch && header->epoch != 0) return PV_ERR_MALFORMED;
    if (genesis && (header->kind != PV_KIND_ROSTER || header->n != 1 || header->epoch != 0 || header->seen_size != 0 ||
                    !pv_hash_is_zero(&header->prev)))
        return PV_ERR_MALFORMED;
    return PV_OK;
}

enum pv_err pv_entry_read(struct pv_bytes bytes, struct pv_entry *ret_entry)
{
    struct pv_cbor in;
    struct pv_entry entry;
    if (bytes.n > PV_LIMIT_ENTRY_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, 2);
    size_t fields = pv_cbor_get_array(&in, SIZE_MAX);
    uint64_t version = pv_cbor_get_uint(&in, UINT64_MAX);
    if (in.err) return in.err;
    if (version != VERSION) return pv_cbor_unknown(bytes);
    if (fields != HEADER_FIELDS) return PV_ERR_MALFORMED;
    get_header(&in, &entry.header);
    pv_cbor_get_fixed(&in, entry.sig.b, sizeof entry.sig.b);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) err = check_header(&entry.header);
    if (err) return err;
    *ret_entry = entry;
    return PV_OK;
}

enum pv_err pv_entry_verify(const struct pv_entry *entry, const struct pv_sign_pk *author_pk)
{
    uint8_t memory[HEADER_BYTES_MAX];
    struct pv_buf encoded;
    pv_buf_init_fixed(&encoded, memory, sizeof memory);
    pv_header_put(&encoded, &entry->header);
    if (encoded.err) return encoded.err;
    return pv_verify(author_pk, "entry", pv_buf_bytes(&encoded), &entry->sig);
}

void pv_entry_leaf(struct pv_bytes entry_bytes, struct pv_hash *ret_leaf)
{
    pv_merkle_leaf(entry_bytes, ret_leaf);
}

void pv_entry_room_id(struct pv_bytes entry_bytes, struct pv_hash *ret_room)
{
    pv_hash_bytes("room", entry_bytes, ret_room);
}

void pv_body_hash(struct pv_bytes body, struct pv_hash *ret_hash)
{
    pv_hash_bytes("body", body, ret_hash);
}

void pv_refs_put(struct pv_buf *buf, const struct pv_id16 *names, size_t count)
{
    pv_cbor_put_array(buf, count);
    for (size_t i = 0; i < count; i++) pv_cbor_put_id16(buf, &names[i]);
}

enum pv_err pv_refs_check(struct pv_bytes refs, size_t *ret_count)
{
    struct pv_cbor in;
    struct pv_id16 name;
    pv_cbor_init(&in, refs);
    size_t count = pv_cbor_get_array(&in, PV_LIMIT_REFS);
    for (size_t i = 0; i < count && !in.err; i++) pv_cbor_get_id16(&in, &name);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    *ret_count = count;
    return PV_OK;
}

void pv_refs_at(struct pv_bytes refs, size_t i, struct pv_id16 *ret_name)
{
    enum { ITEM_BYTES = 1 + sizeof ret_name->b };
    uint8_t head[PV_CBOR_HEAD_MAX];
    size_t count = refs.n / ITEM_BYTES; /* the array's head is shorter than an item */
    size_t head_bytes = pv_cbor_head(PV_CBOR_ARRAY, count, head);
    memcpy(ret_name->b, refs.p + head_bytes + i * ITEM_BYTES + 1, sizeof ret_name->b);
}

bool pv_refs_are_dropped(struct pv_bytes refs)
{
    return pv_bytes_equal(refs, PV_REFS_DROPPED);
}

void pv_refs_hash(struct pv_bytes refs, struct pv_hash *ret_hash)
{
    pv_hash_encoded("refs", refs, ret_hash);
}

void pv_device_put(struct pv_buf *buf, const struct pv_device *device)
{
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_uint(buf, VERSION);
    pv_cbor_put_bytes(buf, device->sign_pk.b, sizeof device->sign_pk.b);
    pv_cbor_put_hash(buf, &device->kem_hash);
}

void pv_device_get(struct pv_cbor *in, struct pv_device *ret_device)
{
    pv_cbor_get_array_of(in, 3);
    if (pv_cbor_get_uint(in, UINT64_MAX) != VERSION) pv_cbor_fail(in, PV_ERR_UNSUPPORTED);
    pv_cbor_get_fixed(in, ret_device->sign_pk.b, sizeof ret_device->sign_pk.b);
    pv_cbor_get_hash(in, &ret_device->kem_hash);
}

void pv_device_id(const struct pv_device *device, struct pv_hash *ret_id)
{
    struct pv_sha256 sha;
    pv_hash_begin(&sha, "device");
    pv_sha256_put_array(&sha, 3);
    pv_sha256_put_uint(&sha, VERSION);
    pv_sha256_put_bytes(&sha, device->sign_pk.b, sizeof device->sign_pk.b);
    pv_sha256_put_bytes(&sha, device->kem_hash.b, sizeof device->kem_hash.b);
    pv_sha256_final(&sha, ret_id);
}

void pv_log_key_id(const struct pv_sign_pk *log_key, struct pv_hash *ret_id)
{
    pv_hash_bytes("log-key", PV_BYTES_OF(*log_key), ret_id);
}

void pv_bundle_put(struct pv_buf *buf, const struct pv_bundle *bundle)
{
    pv_cbor_put_array(buf, 4);
    pv_cbor_put_bytes(buf, bundle->entry.p, bundle->entry.n);
    pv_buf_append(buf, bundle->refs.p, bundle->refs.n);
    pv_cbor_put_bytes(buf, bundle->body.p, bundle->body.n);
    pv_buf_append(buf, bundle->beside.p, bundle->beside.n);
}

void pv_bundle_get(struct pv_cbor *in, struct pv_bundle *ret_bundle)
{
    pv_cbor_get_array_of(in, 4);
    ret_bundle->entry = pv_cbor_get_bytes(in, PV_LIMIT_ENTRY_BYTES);
    ret_bundle->refs = pv_cbor_get_item(in);
    ret_bundle->body = pv_cbor_get_bytes(in, PV_LIMIT_BODY_BYTES);
    ret_bundle->beside = pv_cbor_get_item(in);
}
