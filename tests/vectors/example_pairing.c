/* Examples for FORMAT.md §11.3: the code and the four messages by which Ana adds a phone. */
#include <string.h>

#include "core/room/pairing.h"
#include "core/room/record.h"
#include "tests/vectors/example.h"

static void ask(const struct pv_pairing *fresh, const struct pv_pairing_offer *offer)
{
    struct pv_pairing_request request = {.name = pv_bytes_of_string("phone")};
    struct pv_cert_context context = {.person = offer->person};
    struct ex_device phone;
    struct pv_buf buf;
    ex_device_make(&phone);
    request.device = phone.device;
    request.kem_pk = phone.kem_pk;
    ex_must(pv_cert_sign(&context, &phone.device, false, &offer->signer, &phone.sk, &request.consent), "a consent");
    pv_buf_init(&buf, PV_LIMIT_PAIRING_BYTES);
    ex_must(pv_pairing_request_put(fresh, &request, &buf), "message 3");
    ex_bytes("pairing.message_3", "sealed [device, kem_pk, consent, \"phone\"]", pv_buf_bytes(&buf));
    pv_buf_clear(&buf);
    ex_must(pv_pairing_done_put(fresh, offer->note, &buf), "message 4");
    ex_bytes("pairing.message_4", "sealed [note]", pv_buf_bytes(&buf));
    pv_buf_release(&buf);
}

void ex_print_pairing(struct ex_world *world)
{
    struct pv_random random = seeded_random(&ex_seeds);
    struct pv_pairing fresh, old;
    struct pv_pairing_code code;
    struct pv_pairing_offer offer = {.person = world->ana.log.room, .signer = world->ana.first.id,
                                     .note = pv_buf_bytes(&world->note), .name = pv_bytes_of_string("Ana")};
    char text[PV_PAIRING_CODE_CHARS + 1];
    struct pv_buf hello, answer, memory;
    pv_buf_init(&hello, PV_LIMIT_PAIRING_BYTES);
    pv_buf_init(&answer, PV_LIMIT_PAIRING_BYTES);
    pv_buf_init(&memory, PV_LIMIT_PAIRING_BYTES);
    ex_section("§11.3 Adding a device");
    pv_pairing_code_make(42, &random, &code);
    pv_pairing_code_encode(&code, text);
    ex_text("pairing.code", "the code of plate 42", pv_bytes_of_string(text));
    ex_must(pv_pairing_begin(&fresh, &code, EX_SERVER_NAME, &random, &hello), "message 1");
    ex_cbor("pairing.message_1", "[1, sid, Ya]", pv_buf_bytes(&hello), "[version sid share]");
    ex_must(pv_pairing_answer(&old, &code, EX_SERVER_NAME, &random, pv_buf_bytes(&hello), &offer, &answer), "message 2");
    ex_bytes("pairing.ya", "the new device's scalar, little-endian", pv_bytes(fresh.cpace.scalar, 32));
    ex_bytes("pairing.isk", "ISK of CPace, 64 bytes", pv_bytes(old.key, sizeof old.key));
    ex_bytes("pairing.message_2", "Yb ‖ sealed [person, signer, note, \"Ana\"]; the note is `tree.checkpoint`", pv_buf_bytes(&answer));
    ex_must(pv_pairing_accept(&fresh, pv_buf_bytes(&answer), &offer, &memory), "message 2");
    if (memcmp(fresh.key, old.key, sizeof old.key) != 0) ex_must(PV_ERR_BROKEN_CHAIN, "one key");
    ask(&fresh, &offer);
    pv_buf_release(&hello);
    pv_buf_release(&answer);
    pv_buf_release(&memory);
}
