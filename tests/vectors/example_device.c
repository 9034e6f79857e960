/* Examples for FORMAT.md §11.2 and §12: a recovery kit and a keystore. */
#include <string.h>

#include "core/room/keystore.h"
#include "tests/vectors/example.h"

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
