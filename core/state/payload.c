/* Payloads of sealed entries: the one writer and the one reader. */
#include "core/state/payload.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"

static const struct {
    enum pv_payload_type type;
    enum pv_kind kind;
    size_t fields; /* of the array, type and write id counted */
} types[] = {
    {PV_PAYLOAD_PROFILE, PV_KIND_TALK, 3},     {PV_PAYLOAD_MESSAGE, PV_KIND_TALK, 5},
    {PV_PAYLOAD_FILE_PUT, PV_KIND_WORK, 4},    {PV_PAYLOAD_FILE_MOVE, PV_KIND_WORK, 4},
    {PV_PAYLOAD_FILE_REMOVE, PV_KIND_WORK, 3}, {PV_PAYLOAD_CHUNKING, PV_KIND_WORK, 3},
    {PV_PAYLOAD_FILE_BLOBS, PV_KIND_WORK, 3},  {PV_PAYLOAD_KEYS, PV_KIND_WORK, 4},
    {PV_PAYLOAD_ROOMS, PV_KIND_TALK, 3},       {PV_PAYLOAD_VERIFIED, PV_KIND_TALK, 4},
};
enum { TYPE_COUNT = sizeof types / sizeof *types };

static size_t find_type(uint64_t type)
{
    size_t i = 0;
    while (i < TYPE_COUNT && types[i].type != type) i++;
    return i;
}

enum pv_err pv_payload_kind(uint64_t type, enum pv_kind *ret_kind)
{
    size_t i = find_type(type);
    if (i == TYPE_COUNT) return PV_ERR_UNSUPPORTED;
    *ret_kind = types[i].kind;
    return PV_OK;
}

static void put_ref(struct pv_buf *buf, const struct pv_write_ref *ref)
{
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_hash(buf, &ref->author);
    pv_cbor_put_id16(buf, &ref->write_id);
}

static void get_ref(struct pv_cbor *in, struct pv_write_ref *ret_ref)
{
    pv_cbor_get_array_of(in, 2);
    pv_cbor_get_hash(in, &ret_ref->author);
    pv_cbor_get_id16(in, &ret_ref->write_id);
}

/* A ref or null; true where there is one. */
static bool get_optional_ref(struct pv_cbor *in, struct pv_write_ref *ret_ref)
{
    if (pv_cbor_take_null(in)) return false;
    get_ref(in, ret_ref);
    return true;
}

static void put_optional_ref(struct pv_buf *buf, bool is_there, const struct pv_write_ref *ref)
{
    if (is_there) put_ref(buf, ref);
    else pv_cbor_put_null(buf);
}

static void put_text(struct pv_buf *buf, struct pv_bytes text)
{
    pv_cbor_put_text(buf, (const char *)text.p, text.n);
}

/* ---- lists */

void pv_listed_room_put(struct pv_buf *buf, const struct pv_listed_room *room)
{
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_hash(buf, &room->room);
    if (room->has_place) {
        pv_cbor_put_array(buf, 3);
        put_text(buf, room->server_url);
        put_text(buf, room->local_name);
        pv_cbor_put_uint(buf, (uint64_t)room->state);
    } else {
        pv_cbor_put_null(buf);
    }
    if (room->has_head) {
        pv_cbor_put_array(buf, 2);
        pv_cbor_put_uint(buf, room->head_size);
        pv_cbor_put_hash(buf, &room->head_root);
    } else {
        pv_cbor_put_null(buf);
    }
}

static void get_listed_room(struct pv_cbor *in, struct pv_listed_room *ret_room)
{
    struct pv_listed_room room = {0};
    pv_cbor_get_array_of(in, 3);
    pv_cbor_get_hash(in, &room.room);
    room.has_place = !pv_cbor_take_null(in);
    if (room.has_place) {
        pv_cbor_get_array_of(in, 3);
        room.server_url = pv_cbor_get_text(in, PV_LIMIT_URL_BYTES);
        room.local_name = pv_cbor_get_text(in, PV_LIMIT_NAME_BYTES);
        room.state = (enum pv_room_state)pv_cbor_get_uint(in, PV_ROOM_LEFT);
    }
    room.has_head = !pv_cbor_take_null(in);
    if (room.has_head) {
        pv_cbor_get_array_of(in, 2);
        room.head_size = pv_cbor_get_uint(in, PV_LIMIT_N);
        pv_cbor_get_hash(in, &room.head_root);
    }
    if (!in->err) *ret_room = room;
}

static struct pv_encoded_list get_rooms(struct pv_cbor *in)
{
    struct pv_listed_room room;
    struct pv_encoded_list list = {.count = pv_cbor_get_array(in, PV_LIMIT_ROOMS_LISTED)};
    const uint8_t *start = in->p;
    for (size_t i = 0; i < list.count && !in->err; i++) get_listed_room(in, &room);
    if (!in->err) list.encoded = pv_bytes(start, (size_t)(in->p - start));
    return list;
}

void pv_kept_key_put(struct pv_buf *buf, const struct pv_kept_key *key)
{
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, key->index);
    pv_cbor_put_bytes(buf, key->key.b, sizeof key->key.b);
}

void pv_kept_seed_put(struct pv_buf *buf, const struct pv_kept_seed *seed)
{
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, seed->epoch);
    pv_cbor_put_bytes(buf, seed->seed.b, sizeof seed->seed.b);
}

static void get_kept_key(struct pv_cbor *in, struct pv_kept_key *ret_key)
{
    pv_cbor_get_array_of(in, 2);
    ret_key->index = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_fixed(in, ret_key->key.b, sizeof ret_key->key.b);
}

static void get_kept_seed(struct pv_cbor *in, struct pv_kept_seed *ret_seed)
{
    pv_cbor_get_array_of(in, 2);
    ret_seed->epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_fixed(in, ret_seed->seed.b, sizeof ret_seed->seed.b);
}

static struct pv_encoded_list get_keys(struct pv_cbor *in)
{
    struct pv_kept_key key = {0};
    struct pv_encoded_list list = {.count = pv_cbor_get_array(in, PV_LIMIT_KEYS)};
    const uint8_t *start = in->p;
    for (size_t i = 0; i < list.count && !in->err; i++) {
        uint64_t before = key.index;
        get_kept_key(in, &key);
        if (i && key.index <= before) pv_cbor_fail(in, PV_ERR_MALFORMED);
    }
    if (!in->err) list.encoded = pv_bytes(start, (size_t)(in->p - start));
    pv_wipe(&key, sizeof key);
    return list;
}

static struct pv_encoded_list get_seeds(struct pv_cbor *in)
{
    struct pv_kept_seed seed = {0};
    struct pv_encoded_list list = {.count = pv_cbor_get_array(in, PV_LIMIT_KEYS_SEEDS)};
    const uint8_t *start = in->p;
    for (size_t i = 0; i < list.count && !in->err; i++) {
        uint64_t before = seed.epoch;
        get_kept_seed(in, &seed);
        if (i && seed.epoch <= before) pv_cbor_fail(in, PV_ERR_MALFORMED);
    }
    if (!in->err) list.encoded = pv_bytes(start, (size_t)(in->p - start));
    pv_wipe(&seed, sizeof seed);
    return list;
}

static struct pv_encoded_list get_files(struct pv_cbor *in)
{
    struct pv_file file;
    struct pv_encoded_list list = {.count = pv_cbor_get_array(in, PV_LIMIT_ATTACHMENTS)};
    const uint8_t *start = in->p;
    for (size_t i = 0; i < list.count && !in->err; i++) pv_file_get(in, &file);
    if (!in->err) list.encoded = pv_bytes(start, (size_t)(in->p - start));
    return list;
}

static struct pv_encoded_list get_devices(struct pv_cbor *in)
{
    struct pv_hash device, before = {{0}};
    struct pv_encoded_list list = {.count = pv_cbor_get_array(in, PV_LIMIT_DEVICES_PRESENT)};
    const uint8_t *start = in->p;
    for (size_t i = 0; i < list.count && !in->err; i++) {
        pv_cbor_get_hash(in, &device);
        if (i > 0 && memcmp(device.b, before.b, sizeof device.b) <= 0) pv_cbor_fail(in, PV_ERR_MALFORMED);
        before = device;
    }
    if (!in->err) list.encoded = pv_bytes(start, (size_t)(in->p - start));
    return list;
}

bool pv_encoded_file_next(struct pv_encoded_list *list, struct pv_file *ret_file)
{
    struct pv_cbor in;
    if (list->count == 0) return false;
    pv_cbor_init(&in, list->encoded);
    pv_file_get(&in, ret_file);
    if (in.err) abort(); /* pv_payload_read has checked it */
    *list = (struct pv_encoded_list){list->count - 1, pv_bytes(in.p, (size_t)(in.end - in.p))};
    return true;
}

bool pv_listed_room_next(struct pv_encoded_list *list, struct pv_listed_room *ret_room)
{
    struct pv_cbor in;
    if (list->count == 0) return false;
    pv_cbor_init(&in, list->encoded);
    get_listed_room(&in, ret_room);
    if (in.err) abort();
    *list = (struct pv_encoded_list){list->count - 1, pv_bytes(in.p, (size_t)(in.end - in.p))};
    return true;
}

bool pv_encoded_device_next(struct pv_encoded_list *list, struct pv_hash *ret_device)
{
    struct pv_cbor in;
    if (list->count == 0) return false;
    pv_cbor_init(&in, list->encoded);
    pv_cbor_get_hash(&in, ret_device);
    if (in.err) abort();
    *list = (struct pv_encoded_list){list->count - 1, pv_bytes(in.p, (size_t)(in.end - in.p))};
    return true;
}

bool pv_kept_key_next(struct pv_encoded_list *list, struct pv_kept_key *ret_key)
{
    struct pv_cbor in;
    if (list->count == 0) return false;
    pv_cbor_init(&in, list->encoded);
    get_kept_key(&in, ret_key);
    if (in.err) abort();
    *list = (struct pv_encoded_list){list->count - 1, pv_bytes(in.p, (size_t)(in.end - in.p))};
    return true;
}

bool pv_kept_seed_next(struct pv_encoded_list *list, struct pv_kept_seed *ret_seed)
{
    struct pv_cbor in;
    if (list->count == 0) return false;
    pv_cbor_init(&in, list->encoded);
    get_kept_seed(&in, ret_seed);
    if (in.err) abort();
    *list = (struct pv_encoded_list){list->count - 1, pv_bytes(in.p, (size_t)(in.end - in.p))};
    return true;
}

/* ---- payloads */

static void put_verified(struct pv_buf *buf, const struct pv_payload *payload)
{
    pv_cbor_put_hash(buf, &payload->u.verified.person);
    if (!payload->u.verified.stands) {
        pv_cbor_put_null(buf);
        return;
    }
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_uint(buf, (uint64_t)payload->u.verified.how);
    pv_cbor_put_uint(buf, payload->u.verified.time_ms);
    pv_cbor_put_array(buf, payload->u.verified.devices.count);
    pv_buf_append(buf, payload->u.verified.devices.encoded.p, payload->u.verified.devices.encoded.n);
}

static void get_verified(struct pv_cbor *in, struct pv_payload *payload)
{
    pv_cbor_get_hash(in, &payload->u.verified.person);
    payload->u.verified.stands = !pv_cbor_take_null(in);
    if (!payload->u.verified.stands) return;
    pv_cbor_get_array_of(in, 3);
    payload->u.verified.how = (enum pv_verified_how)pv_cbor_get_uint(in, PV_VERIFIED_CODE);
    payload->u.verified.time_ms = pv_cbor_get_uint(in, PV_LIMIT_N);
    payload->u.verified.devices = get_devices(in);
}

static void put_fields(struct pv_buf *buf, const struct pv_payload *payload)
{
    switch (payload->type) {
    case PV_PAYLOAD_PROFILE: put_text(buf, payload->u.profile_name); break;
    case PV_PAYLOAD_MESSAGE:
        put_text(buf, payload->u.message.text);
        put_optional_ref(buf, payload->u.message.is_reply, &payload->u.message.reply);
        pv_cbor_put_array(buf, payload->u.message.attachments.count);
        pv_buf_append(buf, payload->u.message.attachments.encoded.p, payload->u.message.attachments.encoded.n);
        break;
    case PV_PAYLOAD_FILE_PUT:
        put_optional_ref(buf, payload->u.file_put.has_replaces, &payload->u.file_put.replaces);
        pv_file_put(buf, &payload->u.file_put.file);
        break;
    case PV_PAYLOAD_FILE_MOVE:
        put_ref(buf, &payload->u.file_move.version);
        pv_path_put(buf, &payload->u.file_move.path);
        break;
    case PV_PAYLOAD_FILE_REMOVE: put_ref(buf, &payload->u.file_remove); break;
    case PV_PAYLOAD_CHUNKING: pv_cbor_put_bytes(buf, payload->u.chunking.b, sizeof payload->u.chunking.b); break;
    case PV_PAYLOAD_FILE_BLOBS: pv_cbor_put_id16(buf, &payload->u.file_blobs); break;
    case PV_PAYLOAD_KEYS:
        pv_cbor_put_array(buf, payload->u.keys.keys.count);
        pv_buf_append(buf, payload->u.keys.keys.encoded.p, payload->u.keys.keys.encoded.n);
        pv_cbor_put_array(buf, payload->u.keys.seeds.count);
        pv_buf_append(buf, payload->u.keys.seeds.encoded.p, payload->u.keys.seeds.encoded.n);
        break;
    case PV_PAYLOAD_ROOMS:
        pv_cbor_put_array(buf, payload->u.rooms.count);
        pv_buf_append(buf, payload->u.rooms.encoded.p, payload->u.rooms.encoded.n);
        break;
    case PV_PAYLOAD_VERIFIED: put_verified(buf, payload); break;
    }
}

void pv_payload_put(struct pv_buf *buf, const struct pv_payload *payload)
{
    struct pv_payload again;
    size_t start = buf->n;
    size_t i = find_type(payload->type);
    if (i == TYPE_COUNT) {
        if (!buf->err) buf->err = PV_ERR_UNSUPPORTED;
        return;
    }
    pv_cbor_put_array(buf, types[i].fields);
    pv_cbor_put_uint(buf, (uint64_t)payload->type);
    pv_cbor_put_id16(buf, &payload->write_id);
    put_fields(buf, payload);
    /* What we write, we can read: nothing over a limit leaves this device. */
    if (!buf->err) buf->err = pv_payload_read(pv_bytes(buf->p + start, buf->n - start), &again);
}

static void get_fields(struct pv_cbor *in, struct pv_payload *payload)
{
    switch (payload->type) {
    case PV_PAYLOAD_PROFILE:
        payload->u.profile_name = pv_cbor_get_text(in, PV_LIMIT_NAME_BYTES);
        if (payload->u.profile_name.n == 0) pv_cbor_fail(in, PV_ERR_MALFORMED);
        break;
    case PV_PAYLOAD_MESSAGE:
        payload->u.message.text = pv_cbor_get_text(in, PV_LIMIT_MESSAGE_BYTES);
        payload->u.message.is_reply = get_optional_ref(in, &payload->u.message.reply);
        payload->u.message.attachments = get_files(in);
        break;
    case PV_PAYLOAD_FILE_PUT: {
        payload->u.file_put.has_replaces = get_optional_ref(in, &payload->u.file_put.replaces);
        const uint8_t *start = in->p;
        pv_file_get(in, &payload->u.file_put.file);
        if (!in->err) payload->u.file_put.encoded = pv_bytes(start, (size_t)(in->p - start));
        break;
    }
    case PV_PAYLOAD_FILE_MOVE:
        get_ref(in, &payload->u.file_move.version);
        pv_path_get(in, &payload->u.file_move.path);
        break;
    case PV_PAYLOAD_FILE_REMOVE: get_ref(in, &payload->u.file_remove); break;
    case PV_PAYLOAD_CHUNKING: pv_cbor_get_fixed(in, payload->u.chunking.b, sizeof payload->u.chunking.b); break;
    case PV_PAYLOAD_FILE_BLOBS: pv_cbor_get_id16(in, &payload->u.file_blobs); break;
    case PV_PAYLOAD_KEYS:
        payload->u.keys.keys = get_keys(in);
        payload->u.keys.seeds = get_seeds(in);
        break;
    case PV_PAYLOAD_ROOMS:
        payload->u.rooms = get_rooms(in);
        if (payload->u.rooms.count == 0) pv_cbor_fail(in, PV_ERR_MALFORMED);
        break;
    case PV_PAYLOAD_VERIFIED: get_verified(in, payload); break;
    }
}

/* The array's length, type and write id; the rest stays unread. */
static size_t get_front(struct pv_cbor *in, uint64_t *ret_type, struct pv_id16 *ret_write_id)
{
    size_t fields = pv_cbor_get_array(in, SIZE_MAX);
    if (fields < 2) pv_cbor_fail(in, PV_ERR_MALFORMED);
    *ret_type = pv_cbor_get_uint(in, UINT64_MAX);
    pv_cbor_get_id16(in, ret_write_id);
    return fields;
}

enum pv_err pv_payload_peek(struct pv_bytes bytes, uint64_t *ret_type, struct pv_id16 *ret_write_id)
{
    struct pv_cbor in;
    struct pv_id16 write_id;
    uint64_t type = 0;
    if (bytes.n > PV_LIMIT_PAYLOAD_BYTES) return PV_ERR_LIMIT;
    /* Fields that are unknown here are still held to the encoding. */
    pv_cbor_init(&in, bytes);
    (void)pv_cbor_get_item(&in);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    pv_cbor_init(&in, bytes);
    (void)get_front(&in, &type, &write_id);
    if (in.err) return in.err;
    *ret_type = type;
    *ret_write_id = write_id;
    return PV_OK;
}

enum pv_err pv_payload_read(struct pv_bytes bytes, struct pv_payload *ret_payload)
{
    struct pv_payload payload = {0};
    struct pv_cbor in;
    uint64_t type = 0;
    if (bytes.n > PV_LIMIT_PAYLOAD_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, bytes);
    size_t fields = get_front(&in, &type, &payload.write_id);
    if (in.err) return in.err;
    size_t i = find_type(type);
    if (i == TYPE_COUNT) { /* well-formed, or it is not even that */
        enum pv_err err = pv_payload_peek(bytes, &type, &payload.write_id);
        return err ? err : PV_ERR_UNSUPPORTED;
    }
    payload.type = types[i].type;
    if (fields != types[i].fields) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    get_fields(&in, &payload);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_payload = payload;
    if (payload.type == PV_PAYLOAD_CHUNKING) pv_wipe(&payload, sizeof payload);
    return err;
}
