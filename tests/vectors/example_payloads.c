/* Examples for FORMAT.md §5, §6, §10 and §11.4: bodies and payloads that the room's story had no place for. */
#include <string.h>

#include "core/room/safety.h"
#include "core/state/payload.h"
#include "tests/vectors/example.h"

static void print_rooms(const struct ex_world *world)
{
    struct pv_buf list, buf;
    struct pv_payload payload = {.type = PV_PAYLOAD_ROOMS};
    struct pv_listed_room room = {.room = world->room.room, .has_place = true, .has_head = true,
                                  .server_url = pv_bytes_of_string(EX_SERVER_URL),
                                  .local_name = pv_bytes_of_string("acme"), .state = PV_ROOM_JOINED,
                                  .head_size = world->room.count};
    pv_merkle_edge_root(&world->room.edge, &room.head_root);
    pv_buf_init(&list, 4096);
    pv_buf_init(&buf, 4096);
    pv_listed_room_put(&list, &room);
    room.has_head = false;
    room.state = PV_ROOM_LEFT;
    pv_listed_room_put(&list, &room);
    payload.u.rooms.count = 2;
    payload.u.rooms.encoded = pv_buf_bytes(&list);
    ex_fill(&payload.write_id, sizeof payload.write_id);
    pv_payload_put(&buf, &payload);
    ex_must(buf.err, "a list of rooms");
    ex_cbor("payload.rooms", "type 32, in a person room", pv_buf_bytes(&buf), "[type write_id rooms[*listed[room place[server_url local_name state] head[size root]]]]");
    pv_buf_release(&buf);
    pv_buf_release(&list);
}

static void print_attachment(void)
{
    struct pv_buf chunks, files, buf;
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE, .u.message.text = pv_bytes_of_string("")};
    struct pv_chunk chunk = {.length_bytes = 5, .span_bytes = 5};
    struct pv_file file = {.size_bytes = 5, .mode = 0600, .mtime_seconds = 1760000000};
    pv_buf_init(&chunks, 1024);
    pv_buf_init(&files, 1024);
    pv_buf_init(&buf, 4096);
    pv_sha256(pv_bytes_of_string("photo"), &chunk.sha256);
    ex_fill(&chunk.blob, sizeof chunk.blob);
    ex_fill(&chunk.key, sizeof chunk.key);
    pv_chunk_put(&chunks, &chunk, false);
    file.manifest = (struct pv_chunk_list){.count = 1, .encoded = pv_buf_bytes(&chunks)};
    ex_must(pv_path_from_text(pv_bytes_of_string("photo.jpg"), &file.path), "a path");
    pv_file_put(&files, &file);
    payload.u.message.attachments = (struct pv_encoded_list){.count = 1, .encoded = pv_buf_bytes(&files)};
    ex_fill(&payload.write_id, sizeof payload.write_id);
    pv_payload_put(&buf, &payload);
    ex_must(buf.err, "an attachment");
    ex_cbor("payload.attachment", "type 2, a message without text and with an attachment", pv_buf_bytes(&buf),
            "[type write_id text reply attachments[*file[path[*part] size mode mtime[seconds nanoseconds] sha256 "
            "manifest[paged chunks[*chunk[sha256 length blob offset key]]]]]]");
    pv_buf_release(&chunks);
    pv_buf_release(&files);
    pv_buf_release(&buf);
}

static void print_file_blobs(void)
{
    struct pv_buf buf;
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_BLOBS};
    pv_buf_init(&buf, 4096);
    ex_fill(&payload.write_id, sizeof payload.write_id);
    ex_fill(&payload.u.file_blobs, sizeof payload.u.file_blobs);
    pv_payload_put(&buf, &payload);
    ex_must(buf.err, "file_blobs");
    ex_cbor("payload.file_blobs", "type 20, whose entry's refs keep blobs of a file_put to come", pv_buf_bytes(&buf),
            "[type write_id file_put]");
    pv_buf_release(&buf);
}

static void put_key(const struct ex_world *world, size_t index, struct pv_encoded_list *list, struct pv_buf *keys)
{
    const struct ex_entry *entry = &world->room.entries[index];
    struct pv_kept_key key = {.index = index};
    struct pv_seal_nonce nonce;
    memcpy(nonce.b, entry->body.p, sizeof nonce.b);
    pv_entry_key_derive(&world->epochs[entry->header.epoch].prk, &entry->header, &nonce, &key.key);
    pv_kept_key_put(keys, &key);
    *list = (struct pv_encoded_list){list->count + 1, pv_buf_bytes(keys)};
}

static void print_list_of_keys(const char *name, const char *formula, struct pv_encoded_list keys, struct pv_encoded_list seeds)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_KEYS, .u.keys = {keys, seeds}};
    struct pv_buf buf;
    memset(payload.write_id.b, 0x21, sizeof payload.write_id.b);
    pv_buf_init(&buf, 4096);
    pv_payload_put(&buf, &payload);
    ex_must(buf.err, "keys");
    ex_cbor(name, formula, pv_buf_bytes(&buf), "[type write_id keys[*key[index K]] seeds[*seed[epoch seed]]]");
    pv_buf_release(&buf);
}

/* What has to stand in the log before the room's forget, which takes the file's three entries. */
static void print_keys(const struct ex_world *world)
{
    struct pv_encoded_list keys = {0}, seeds = {0}, none = {0};
    struct pv_kept_seed seed = {.epoch = 0, .seed = world->ana.epoch.kem_seed};
    struct pv_buf buf;
    pv_buf_init(&buf, 4096);
    for (size_t i = 0; i < world->room.count; i++)
        if (pv_kind_is_sealed(world->room.entries[i].header.kind) && (i < world->put_index || i >= world->put_index + 3))
            put_key(world, i, &keys, &buf);
    print_list_of_keys("payload.keys", "type 21: K of what stays of the room above when its forget is done", keys, none);
    pv_buf_clear(&buf);
    pv_kept_seed_put(&buf, &seed);
    seeds = (struct pv_encoded_list){1, pv_buf_bytes(&buf)};
    print_list_of_keys("payload.own_keys", "and one in Ana's own room, with the KEM seed of its epoch 0", none, seeds);
    pv_buf_release(&buf);
}

static void print_verified(const struct ex_world *world)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_VERIFIED, .u.verified = {.person = world->ben.log.room}};
    const struct pv_hash *first = &world->ben.first.id, *paper = &world->ben.paper.id;
    bool turned = memcmp(first->b, paper->b, sizeof first->b) > 0;
    char number[PV_SAFETY_NUMBER_CHARS + 1], code[PV_SAFETY_CODE_CHARS + 1];
    struct pv_buf buf, devices;
    ex_hash("ben.person", "Ben's person id", &world->ben.log.room);
    pv_safety_number(&world->ana.log.room, &world->ben.log.room, number);
    ex_text("safety.number", "of Ana and Ben, whoever looks", pv_bytes_of_string(number));
    pv_safety_code(&world->ana.log.room, &world->ben.log.room, code);
    ex_text("safety.code", "what Ana shows and Ben scans", pv_bytes_of_string(code));
    pv_buf_init(&buf, 4096);
    pv_buf_init(&devices, 1024);
    pv_cbor_put_hash(&devices, turned ? paper : first);
    pv_cbor_put_hash(&devices, turned ? first : paper);
    payload.u.verified.stands = true;
    payload.u.verified.how = PV_VERIFIED_CODE;
    payload.u.verified.time_ms = world->room.time_ms;
    payload.u.verified.devices = (struct pv_encoded_list){2, pv_buf_bytes(&devices)};
    ex_fill(&payload.write_id, sizeof payload.write_id);
    pv_payload_put(&buf, &payload);
    ex_must(buf.err, "a verification");
    ex_cbor("payload.verified", "type 33, in Ana's person room", pv_buf_bytes(&buf), "[type write_id person verified[how time devices[*device]]]");
    payload.u.verified.stands = false;
    pv_buf_clear(&buf);
    ex_fill(&payload.write_id, sizeof payload.write_id);
    pv_payload_put(&buf, &payload);
    ex_must(buf.err, "a withdrawal");
    ex_cbor("payload.withdrawn", "the same, withdrawn", pv_buf_bytes(&buf), "[type write_id person verified]");
    pv_buf_release(&buf);
    pv_buf_release(&devices);
}

void ex_print_safety(struct ex_world *world)
{
    ex_section("§10, §11.4 Safety numbers");
    print_verified(world);
}

void ex_print_payloads(struct ex_world *world)
{
    struct pv_buf buf;
    struct pv_server_body expired = {.type = PV_SERVER_EXPIRED, .u.expired = {.time_ms = 1760000000000}};
    struct pv_roster_body add = {.type = PV_ROSTER_DEVICE_ADD};
    ex_section("§5, §6, §10 Further bodies and payloads");
    pv_buf_init(&buf, 8192);
    expired.u.expired.membership = (struct pv_membership){world->ben.log.room, 5};
    pv_server_body_put(&buf, &expired);
    ex_cbor("body.expired_membership", "kind 4, a membership's `until` passed", pv_buf_bytes(&buf),
            "[type time membership[person join_index]]");
    pv_buf_clear(&buf);
    add.u.device_add.certs[0] = world->ana.founders[1];
    add.u.device_add.cert_count = 1;
    add.u.device_add.has_wraps_root = true;
    ex_fill(&add.u.device_add.wraps_root, sizeof add.u.device_add.wraps_root);
    pv_roster_body_put(&buf, &add);
    ex_cbor("body.device_add_person_room", "kind 0, in a person room; the device's wrap and KEM key lie beside "
            "(shape only: certificate of another place, root made up)", pv_buf_bytes(&buf), "[type certs[*cert] wraps_root]");
    pv_buf_release(&buf);
    print_rooms(world);
    print_attachment();
    print_file_blobs();
    print_keys(world);
}
