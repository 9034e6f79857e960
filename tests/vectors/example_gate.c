/* Examples for FORMAT.md §9: a gate, its release, an invite link, a succession. */
#include <string.h>

#include "core/room/succession.h"
#include "tests/vectors/example.h"

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

/* A link of Ana's into the successor, to an invite that is made up. */
static void write_successor_link(const struct ex_world *world, const struct pv_hash *successor, struct seeded *seeds, struct pv_buf *text)
{
    struct pv_invite_link link = {.room = *successor, .inviter = world->ana.log.room};
    seeded_fill(seeds, &link.a, sizeof link.a);
    seeded_fill(seeds, &link.gate, sizeof link.gate);
    memcpy(link.server_url, EX_SERVER_URL, sizeof EX_SERVER_URL);
    pv_buf_init(text, PV_LIMIT_LINK_BYTES);
    ex_must(pv_invite_link_write(&link, text), "a link");
}

/* The room ends, and Ana's word leads Ben, an editor, to a successor, and whoever was a viewer. */
static void print_succession(const struct ex_world *world)
{
    struct seeded seeds = seeded_make(92); /* of its own: what follows stays as it is */
    struct pv_random random = seeded_random(&seeds);
    const struct ex_epoch *epoch = &world->epochs[0];
    struct pv_succession succession = {.room = world->room.room, .size = world->room.count, .epoch = epoch->epoch};
    struct pv_buf common, text, sealed, bytes;
    seeded_fill(&seeds, &succession.successor, sizeof succession.successor);
    pv_merkle_edge_root(&world->room.edge, &succession.root);
    write_successor_link(world, &succession.successor, &seeds, &common);
    write_successor_link(world, &succession.successor, &seeds, &text);
    pv_buf_init(&sealed, PV_LIMIT_SUCCESSION_BYTES);
    pv_buf_init(&bytes, PV_LIMIT_SUCCESSION_BYTES + 512);
    struct pv_succession_place place = {world->ben.log.room, world->ben.epoch.kem_hash, &world->ben.epoch.kem_pk, pv_buf_bytes(&text)};
    ex_must(pv_succession_seal(&succession, &epoch->secret, pv_buf_bytes(&common), &place, 1, &random, &sealed), "what it seals");
    succession.sealed = pv_buf_bytes(&sealed);
    ex_must(pv_succession_sign(&succession, &world->ana.first.id, &world->ana.first.sk, &bytes), "a succession");
    ex_say("A succession of the room above by Ana's first device, sealed under S of epoch 0 (though the room is in a later one, and Ben no "
           "more in it), with a link for all and a place for Ben. The successor and its invites are made up.");
    ex_text("succession.common_link", "the link for all, without a checkpoint", pv_buf_bytes(&common));
    ex_text("succession.link", "the link that Ben finds", pv_buf_bytes(&text));
    ex_cbor("succession.signed", "[succession, device, sig]", pv_buf_bytes(&bytes),
            "[succession[version room successor head[size root] epoch sealed] device sig]");
    pv_buf_release(&common);
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
