/* Examples for FORMAT.md §3 (bundle), §8 to §10 and §12: tree, gates, further payloads, kit and keystore. */
#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/log/checkpoint.h"
#include "core/room/keystore.h"
#include "core/room/safety.h"
#include "core/room/succession.h"
#include "core/state/payload.h"
#include "tests/vectors/example.h"

static void print_bundle(const struct ex_entry *made)
{
    struct pv_buf buf;
    struct pv_bundle bundle = {.entry = pv_buf_bytes(&made->entry), .refs = pv_buf_bytes(&made->refs),
                               .body = pv_buf_bytes(&made->body), .beside = pv_buf_bytes(&made->beside)};
    pv_buf_init(&buf, 1 << 17);
    pv_bundle_put(&buf, &bundle);
    ex_cbor("bundle", "the file's entry as it travels: [entry(bytes), refs, body(bytes), beside]", pv_buf_bytes(&buf),
            "[entry refs[*blob] body beside[kem_keys links wraps]]");
    pv_buf_release(&buf);
}

static void print_consistency(struct ex_log *log, const struct pv_merkle_reader *reader, uint64_t old_size)
{
    struct pv_merkle_proof proof;
    struct pv_hash root;
    struct pv_buf joined;
    ex_must(pv_merkle_root(reader, old_size, &root), "a root");
    ex_must(pv_merkle_prove_consistency(reader, old_size, log->count, &proof), "a consistency proof");
    pv_buf_init(&joined, 4096);
    for (size_t i = 0; i < proof.count; i++) pv_buf_append(&joined, proof.hashes[i].b, 32);
    ex_number("tree.old_size", NULL, old_size);
    ex_hash("tree.old_root", "root of the first old_size entries", &root);
    ex_bytes("tree.consistency", "the hashes of the consistency proof, joined", pv_buf_bytes(&joined));
    pv_buf_release(&joined);
}

void ex_print_tree(struct ex_world *world)
{
    struct ex_log *log = &world->room;
    struct pv_merkle_reader reader = ex_log_reader(log);
    struct pv_merkle_proof inclusion;
    struct pv_buf proof;
    struct pv_checkpoint checkpoint = {.size = log->count, .time_s = log->time_ms / 1000};
    ex_section("§3 A bundle; §8 tree, checkpoint, proofs");
    print_bundle(&log->entries[world->put_index]);
    pv_merkle_edge_root(&log->edge, &checkpoint.root);
    ex_number("tree.size", NULL, checkpoint.size);
    ex_hash("tree.root", "RFC 6962 root over the leaves above", &checkpoint.root);
    print_consistency(log, &reader, 11);
    ex_bytes("tree.log_key", "the key in force after the last entry (the `server` entry brought it)", PV_BYTES_OF(log->log_pk));
    pv_buf_init(&world->note, PV_LIMIT_NOTE_BYTES);
    ex_must(pv_checkpoint_make(EX_SERVER_NAME, &log->room, &checkpoint, &log->log_sk, &log->log_pk, &world->note),
            "a checkpoint");
    ex_text("tree.checkpoint", "signed note", pv_buf_bytes(&world->note));
    ex_must(pv_merkle_prove_inclusion(&reader, world->message_index, log->count, &inclusion), "a proof");
    pv_buf_init(&proof, 8192);
    ex_must(pv_proof_make(world->message_index, &inclusion, pv_buf_bytes(&world->note), &proof), "a proof");
    ex_text("tree.proof", "tlog-proof of Ben's message", pv_buf_bytes(&proof));
    pv_buf_release(&proof);
}

/* ---- gates */

#define POLICY_FIELDS "[not_before not_after max_releases document persons[*person] approvals wait vetoers[*person]]"

static void print_release(const struct ex_world *world, const struct pv_gate_proof *proof)
{
    struct pv_release_request request = {.gate = world->invite_id, .version = 1};
    struct pv_kem_seed seed;
    struct pv_sign_sk sk;
    struct pv_sign_pk pk;
    struct pv_hash id, ticket;
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
    struct pv_buf buf;
    pv_buf_init(&buf, 4096);
    ex_fill(&seed, sizeof seed);
    ex_fill(&ticket, sizeof ticket);
    ex_fill(enc_seed, sizeof enc_seed);
    pv_kem_from_seed(&seed, &request.kem_pk);
    pv_gate_a_key(&world->a, &world->invite_id, &sk, &pk);
    ex_must(pv_release_request_sign(&request, &sk), "a request");
    pv_release_request_put(&buf, &request);
    ex_bytes("release.kem_seed", "of the requester's ephemeral KEM key, random", PV_BYTES_OF(seed));
    ex_cbor("release.request", "[1, id, version, kem_pk, proof or null, a_sig]", pv_buf_bytes(&buf),
            "[version gate gate_version kem_pk proof a_sig]");
    pv_release_request_id(&request.kem_pk, &id);
    ex_hash("release.request_id", "H(\"request\"; kem_pk)", &id);
    pv_buf_clear(&buf);
    ex_must(pv_release_answer_make(&world->invite_id, &request.kem_pk, enc_seed, &world->b, &ticket, &buf), "an answer");
    ex_cbor("release.answer", "[kem_ct, sealed B, ticket or null]", pv_buf_bytes(&buf), "[kem_ct sealed_b ticket]");
    request.has_proof = true;
    request.proof = *proof;
    ex_must(pv_release_request_sign(&request, &sk), "a request");
    pv_buf_clear(&buf);
    pv_release_request_put(&buf, &request);
    ex_cbor("release.request_with_proof", "the same for a gate with a password", pv_buf_bytes(&buf),
            "[version gate gate_version kem_pk proof a_sig]");
    pv_buf_release(&buf);
}

static void print_link(const struct ex_world *world)
{
    struct pv_invite_link link = {.a = world->a, .gate = world->invite_id, .room = world->room.room,
                                  .inviter = world->ana.log.room, .has_note = true};
    struct pv_buf text;
    memcpy(link.server_url, EX_SERVER_URL, sizeof EX_SERVER_URL);
    ex_must(pv_note_pack(pv_buf_bytes(&world->note), &link.note), "a packed note");
    pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
    ex_must(pv_invite_link_write(&link, &text), "a link");
    ex_text("invite.link", "invite link, on one line", pv_buf_bytes(&text));
    pv_buf_release(&text);
}

/* The room ends, and Ana's word leads Ben, an editor, to a successor. */
static void print_succession(const struct ex_world *world)
{
    struct seeded seeds = seeded_make(92); /* of its own: what follows stays as it is */
    struct pv_random random = seeded_random(&seeds);
    const struct ex_epoch *epoch = &world->epochs[0];
    struct pv_invite_link link = {.a = world->a, .gate = world->invite_id, .inviter = world->ana.log.room};
    struct pv_succession succession = {.room = world->room.room, .size = world->room.count, .epoch = epoch->epoch};
    struct pv_buf text, sealed, bytes;
    seeded_fill(&seeds, &succession.successor, sizeof succession.successor);
    pv_merkle_edge_root(&world->room.edge, &succession.root);
    link.room = succession.successor;
    memcpy(link.server_url, EX_SERVER_URL, sizeof EX_SERVER_URL);
    pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
    pv_buf_init(&sealed, PV_LIMIT_SUCCESSION_BYTES);
    pv_buf_init(&bytes, PV_LIMIT_SUCCESSION_BYTES + 512);
    ex_must(pv_invite_link_write(&link, &text), "a link");
    struct pv_succession_place place = {world->ben.log.room, world->ben.epoch.kem_hash, &world->ben.epoch.kem_pk, pv_buf_bytes(&text)};
    ex_must(pv_succession_seal(&succession, &epoch->secret, pv_bytes(NULL, 0), &place, 1, &random, &sealed), "what it seals");
    succession.sealed = pv_buf_bytes(&sealed);
    ex_must(pv_succession_sign(&succession, &world->ana.first.id, &world->ana.first.sk, &bytes), "a succession");
    ex_say("A succession of the room above by Ana's first device, sealed under S of epoch 0 (though the room is in a later one), with no "
           "common link and a place for Ben, whose link is the same invite's as above, into a room whose id is made up.");
    ex_text("succession.link", "the link that Ben finds, without a checkpoint", pv_buf_bytes(&text));
    ex_cbor("succession.signed", "[succession, device, sig]", pv_buf_bytes(&bytes),
            "[succession[version room successor head[size root] epoch sealed] device sig]");
    pv_buf_release(&text);
    pv_buf_release(&sealed);
    pv_buf_release(&bytes);
}

static void print_schedule(const struct ex_world *world, struct pv_gate_proof *ret_proof, struct pv_sign_pk *ret_a_key)
{
    struct pv_gate_key key;
    struct pv_gate_password password;
    struct pv_sign_sk sk;
    struct pv_sign_pk pk;
    struct pv_kem_seed seed;
    ex_bytes("gate.a", "half A, random", PV_BYTES_OF(world->a));
    ex_bytes("gate.b", "half B, random", PV_BYTES_OF(world->b));
    ex_bytes("gate.id", "random; the invite's id too", PV_BYTES_OF(world->invite_id));
    pv_gate_a_key(&world->a, &world->invite_id, &sk, ret_a_key);
    ex_bytes("gate.a_key", "public key of the seed HKDF(A, \"gate/a-key\"; id)", PV_BYTES_OF(*ret_a_key));
    pv_gate_key(&world->a, &world->b, NULL, pv_bytes(NULL, 0), &world->invite_id, &key);
    ex_bytes("gate.key", "HKDF(cbor(A) ‖ cbor(B) ‖ cbor(\"\") ‖ cbor(\"\"), \"gate/key\"; id)", PV_BYTES_OF(key));
    pv_invite_join_key(&key, &sk, &pk);
    ex_bytes("gate.join_key", "public key of the seed HKDF(gate key, \"invite/join-key\")", PV_BYTES_OF(pk));
    pv_invite_kem_seed(&key, &seed);
    ex_bytes("gate.kem_seed", "HKDF(gate key, \"invite/kem\")", PV_BYTES_OF(seed));
    ex_must(pv_gate_password(pv_bytes_of_string("correct horse"), &world->a, &world->invite_id, &password, ret_proof),
            "a password");
    ex_bytes("gate.password", "P, for the password `correct horse`", PV_BYTES_OF(password));
    ex_bytes("gate.proof", "the proof of it", PV_BYTES_OF(*ret_proof));
    pv_gate_key(&world->a, &world->b, &password, pv_bytes(NULL, 0), &world->invite_id, &key);
    ex_bytes("gate.key_with_password", "the gate key with it", PV_BYTES_OF(key));
}

void ex_print_gate(struct ex_world *world)
{
    struct pv_gate gate = {.id = world->invite_id, .room = world->room.room, .version = 1};
    struct pv_gate_proof proof;
    struct pv_buf buf;
    ex_section("§9 Gates");
    ex_say("The gate of the invite above, its release, and its link. (The checkpoint in the link is the one above, "
           "though at the time of the invite there was an earlier one.)");
    print_schedule(world, &proof, &gate.a_key);
    pv_half_b_hash(&world->b, &gate.half_hash);
    gate.policy.has_not_after = gate.policy.has_max_releases = true;
    gate.policy.not_after_ms = 1760604800000;
    gate.policy.max_releases = 2;
    pv_buf_init(&buf, PV_LIMIT_GATE_BYTES);
    ex_must(pv_gate_sign(&gate, &world->ana.first.id, &world->ana.first.sk, &buf), "a gate");
    ex_cbor("gate.signed", "[gate, device, sig]", pv_buf_bytes(&buf),
            "[gate[version id room gate_version a_key half_hash proof_hash policy" POLICY_FIELDS
            " preview shares refs] device sig]");
    gate.has_proof_hash = true;
    pv_gate_proof_hash(&proof, &gate.proof_hash);
    gate.policy.has_document = true;
    gate.policy.person_count = gate.policy.vetoer_count = 1;
    gate.policy.persons[0] = world->ben.log.room;
    gate.policy.vetoers[0] = world->ana.log.room;
    gate.policy.wait_ms = 86400000;
    gate.preview = pv_bytes_of_string("sealed");
    pv_buf_clear(&buf);
    pv_gate_put(&buf, &gate);
    ex_cbor("gate.full", "a gate with a password, a person, a veto and a preview (made-up bytes)", pv_buf_bytes(&buf),
            "[version id room gate_version a_key half_hash proof_hash policy" POLICY_FIELDS " preview shares refs]");
    pv_buf_release(&buf);
    print_release(world, &proof);
    print_link(world);
    print_succession(world);
}

/* ---- payloads and bodies that the story above had no place for */

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

static void print_keys(void)
{
    struct pv_buf buf, keys, seeds;
    struct pv_payload payload = {.type = PV_PAYLOAD_KEYS};
    struct pv_kept_key key = {.index = 4};
    struct pv_kept_seed seed = {.epoch = 0};
    pv_buf_init(&buf, 4096);
    pv_buf_init(&keys, 4096);
    pv_buf_init(&seeds, 4096);
    memset(payload.write_id.b, 0x21, sizeof payload.write_id.b);
    memset(key.key.b, 0x4b, sizeof key.key.b);
    memset(seed.seed.b, 0x53, sizeof seed.seed.b);
    pv_kept_key_put(&keys, &key);
    key.index = 300;
    pv_kept_key_put(&keys, &key);
    pv_kept_seed_put(&seeds, &seed);
    payload.u.keys.keys = (struct pv_encoded_list){2, pv_buf_bytes(&keys)};
    payload.u.keys.seeds = (struct pv_encoded_list){1, pv_buf_bytes(&seeds)};
    pv_payload_put(&buf, &payload);
    ex_must(buf.err, "keys");
    ex_cbor("payload.keys", "type 21: keys of two entries and a seed (shape only: made up)", pv_buf_bytes(&buf),
            "[type write_id keys[*key[index K]] seeds[*seed[epoch seed]]]");
    pv_buf_release(&buf);
    pv_buf_release(&keys);
    pv_buf_release(&seeds);
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
    print_keys();
}

/* ---- a device at rest */

static void print_keystore(struct ex_world *world)
{
    struct pv_random random = seeded_random(&ex_seeds);
    struct pv_device_secrets secrets = {.sign_seed = world->ana.first.sign_seed, .kem_seed = world->ana.first.kem_seed,
                                        .person = world->ana.log.room};
    struct pv_argon2_cost cost = {.passes = 1, .memory_kib = 64};
    struct pv_database_key key;
    struct pv_keystore keystore;
    struct pv_kem_seed seed;
    struct pv_cbor in;
    struct pv_buf buf;
    memcpy(secrets.name, "Ana", 4);
    memcpy(secrets.server.text, EX_SERVER_URL, sizeof EX_SERVER_URL);
    ex_fill(&key, sizeof key);
    ex_must(pv_keystore_create(pv_bytes_of_string("correct horse"), cost, &secrets, &random, &keystore), "a keystore");
    ex_must(pv_keystore_set_room(&keystore, &secrets, &world->room.room, &key, &random), "a room's key");
    ex_must(pv_keystore_unlock(&keystore, pv_bytes_of_string("correct horse"), &seed), "unlocking");
    pv_buf_init(&buf, 1 << 16);
    pv_device_secrets_put(&buf, &secrets);
    ex_cbor("keystore.secrets", "the device's secrets, before they are sealed", pv_buf_bytes(&buf),
            "[version sign_seed kem_seed person name server_url]");
    ex_bytes("keystore.seed", "the keystore's seed, random", PV_BYTES_OF(seed));
    ex_bytes("keystore.database_key", "of the room above, random", PV_BYTES_OF(key));
    pv_buf_clear(&buf);
    pv_keystore_put(&buf, &keystore);
    ex_cbor("keystore.file", "sealed under the passphrase `correct horse` (1 pass, 64 KiB: for this example only)",
            pv_buf_bytes(&buf), "[magic version content checksum]");
    pv_cbor_init(&in, pv_buf_bytes(&buf));
    pv_cbor_get_array_of(&in, 4);
    (void)pv_cbor_get_text(&in, 64);
    (void)pv_cbor_get_uint(&in, 1);
    ex_cbor("keystore.content", "its content", pv_cbor_get_bytes(&in, 1 << 16),
            "[salt passes memory_kib kem_pk sealed_seed sealed_secrets rooms[*room[room sealed_key]] mac]");
    pv_keystore_release(&keystore);
    pv_buf_release(&buf);
}

void ex_print_device(struct ex_world *world)
{
    struct pv_kit_facts facts = {.name = pv_bytes_of_string("Ana"), .person = world->ana.log.room,
                                 .server_url = EX_SERVER_URL};
    char code[PV_KIT_CODE_CHARS + 1];
    struct pv_buf buf;
    ex_section("§11.2 Recovery kit; §12 keystore");
    pv_kit_encode(&world->ana.kit, code);
    ex_text("kit.code", "the code of `ana.kit`", pv_bytes_of_string(code));
    pv_buf_init(&buf, PV_KIT_SHEET_BYTES);
    pv_kit_sheet_put(&buf, &facts, &world->ana.kit);
    ex_text("kit.sheet", "the sheet that it is kept on", pv_buf_bytes(&buf));
    pv_buf_release(&buf);
    print_keystore(world);
}
