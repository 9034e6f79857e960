/* The keystore's bytes: [magic, version, content, checksum].  Source: FORMAT.md §12. */
#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/room/keystore.h"

enum { FILE_FIELDS = 4, CONTENT_FIELDS = 8, VERSION = 1 };

static const char magic[] = "privity keystore";

static void put_content(struct pv_buf *buf, const struct pv_keystore *keystore)
{
    pv_cbor_put_array(buf, CONTENT_FIELDS);
    pv_cbor_put_bytes(buf, keystore->salt, sizeof keystore->salt);
    pv_cbor_put_uint(buf, keystore->cost.passes);
    pv_cbor_put_uint(buf, keystore->cost.memory_kib);
    pv_cbor_put_bytes(buf, keystore->kem_pk.b, sizeof keystore->kem_pk.b);
    pv_cbor_put_bytes(buf, keystore->sealed_seed, sizeof keystore->sealed_seed);
    pv_cbor_put_bytes(buf, keystore->sealed_secrets, keystore->sealed_secrets_len);
    pv_cbor_put_array(buf, keystore->room_count);
    for (size_t i = 0; i < keystore->room_count; i++) {
        pv_cbor_put_array(buf, 2);
        pv_cbor_put_hash(buf, &keystore->rooms[i].room);
        pv_cbor_put_bytes(buf, keystore->rooms[i].sealed_key, sizeof keystore->rooms[i].sealed_key);
    }
    pv_cbor_put_hash(buf, &keystore->mac);
}

static void checksum(uint64_t version, struct pv_bytes content, struct pv_hash *ret_hash)
{
    struct pv_sha256 sha;
    pv_hash_begin(&sha, "keystore-check");
    pv_sha256_put_uint(&sha, version);
    pv_sha256_put_bytes(&sha, content.p, content.n);
    pv_sha256_final(&sha, ret_hash);
}

void pv_keystore_put(struct pv_buf *buf, const struct pv_keystore *keystore)
{
    struct pv_buf content;
    struct pv_hash hash;
    pv_buf_init(&content, PV_LIMIT_KEYSTORE_BYTES);
    put_content(&content, keystore);
    if (content.err) {
        if (!buf->err) buf->err = content.err;
    } else {
        checksum(VERSION, pv_buf_bytes(&content), &hash);
        pv_cbor_put_array(buf, FILE_FIELDS);
        pv_cbor_put_text(buf, magic, strlen(magic));
        pv_cbor_put_uint(buf, VERSION);
        pv_cbor_put_bytes(buf, content.p, content.n);
        pv_cbor_put_hash(buf, &hash);
    }
    pv_buf_release(&content);
}

static void get_room(struct pv_cbor *in, struct pv_keystore_room *room, const struct pv_keystore_room *before)
{
    pv_cbor_get_array_of(in, 2);
    pv_cbor_get_hash(in, &room->room);
    pv_cbor_get_fixed(in, room->sealed_key, sizeof room->sealed_key);
    if (before && memcmp(before->room.b, room->room.b, sizeof room->room.b) >= 0)
        pv_cbor_fail(in, PV_ERR_NONCANONICAL);
}

static void get_rooms(struct pv_cbor *in, struct pv_keystore *keystore)
{
    size_t count = pv_cbor_get_array(in, PV_LIMIT_KEYSTORE_ROOMS);
    if (in->err || count == 0) return;
    keystore->rooms = calloc(count, sizeof *keystore->rooms);
    if (!keystore->rooms) {
        pv_cbor_fail(in, PV_ERR_NOMEM);
        return;
    }
    keystore->room_count = count;
    for (size_t i = 0; i < count && !in->err; i++)
        get_room(in, &keystore->rooms[i], i ? &keystore->rooms[i - 1] : NULL);
}

static void get_cost(struct pv_cbor *in, struct pv_argon2_cost *cost)
{
    cost->passes = (uint32_t)pv_cbor_get_uint(in, PV_LIMIT_ARGON2_PASSES);
    cost->memory_kib = (uint32_t)pv_cbor_get_uint(in, PV_LIMIT_ARGON2_MEMORY_KIB);
    if (cost->passes < 1 || cost->memory_kib < 8) pv_cbor_fail(in, PV_ERR_LIMIT);
}

static enum pv_err read_content(struct pv_bytes content, struct pv_keystore *keystore)
{
    struct pv_cbor in;
    pv_cbor_init(&in, content);
    pv_cbor_get_array_of(&in, CONTENT_FIELDS);
    pv_cbor_get_fixed(&in, keystore->salt, sizeof keystore->salt);
    get_cost(&in, &keystore->cost);
    pv_cbor_get_fixed(&in, keystore->kem_pk.b, sizeof keystore->kem_pk.b);
    pv_cbor_get_fixed(&in, keystore->sealed_seed, sizeof keystore->sealed_seed);
    struct pv_bytes sealed = pv_cbor_get_bytes(&in, sizeof keystore->sealed_secrets);
    get_rooms(&in, keystore);
    pv_cbor_get_hash(&in, &keystore->mac);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    keystore->sealed_secrets_len = sealed.n;
    if (sealed.n) memcpy(keystore->sealed_secrets, sealed.p, sealed.n);
    return PV_OK;
}

/* The content, its checksum found right; UNSUPPORTED only for what is whole. */
static enum pv_err unwrap(struct pv_bytes bytes, struct pv_bytes *ret_content)
{
    struct pv_cbor in;
    struct pv_hash hash, want;
    if (bytes.n > PV_LIMIT_KEYSTORE_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, FILE_FIELDS);
    struct pv_bytes text = pv_cbor_get_text(&in, strlen(magic));
    if (!in.err && !pv_bytes_equal(text, pv_bytes_of_string(magic))) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    if (in.err) return in.err == PV_ERR_TRUNCATED ? PV_ERR_TRUNCATED : PV_ERR_MALFORMED;
    uint64_t version = pv_cbor_get_uint(&in, UINT64_MAX);
    struct pv_bytes content = pv_cbor_get_bytes(&in, PV_LIMIT_KEYSTORE_BYTES);
    pv_cbor_get_hash(&in, &hash);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err == PV_ERR_TRUNCATED ? PV_ERR_TRUNCATED : PV_ERR_CORRUPT;
    checksum(version, content, &want);
    if (!pv_hash_equal(&hash, &want)) return PV_ERR_CORRUPT;
    if (version != VERSION) return PV_ERR_UNSUPPORTED;
    *ret_content = content;
    return PV_OK;
}

enum pv_err pv_keystore_read(struct pv_bytes bytes, struct pv_keystore *ret_keystore)
{
    struct pv_bytes content;
    enum pv_err err = unwrap(bytes, &content);
    if (err) return err;
    struct pv_keystore *keystore = calloc(1, sizeof *keystore);
    if (!keystore) return PV_ERR_NOMEM;
    err = read_content(content, keystore);
    if (err) pv_keystore_release(keystore);
    else *ret_keystore = *keystore;
    free(keystore);
    return err;
}
