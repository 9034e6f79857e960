/* Examples for FORMAT.md §1, §2 and §3's beginning: encoding, devices, certificates, records. */
#include <string.h>

#include "core/base/cbor.h"
#include "tests/vectors/example.h"

void ex_print_encoding(void)
{
    struct pv_buf buf;
    struct pv_hash hash;
    struct pv_prk prk;
    uint8_t key[32], secret[32];
    struct pv_sign_seed seed;
    struct pv_sign_sk sk;
    struct pv_sign_pk pk;
    struct pv_sig sig;
    ex_section("§1 Encoding");
    pv_buf_init(&buf, 256);
    pv_cbor_put_array(&buf, 8);
    pv_cbor_put_uint(&buf, 23);
    pv_cbor_put_uint(&buf, 1760000000000);
    pv_cbor_put_int(&buf, -1);
    pv_cbor_put_bytes(&buf, "\x01\x02", 2);
    pv_cbor_put_text(&buf, "zwölf", strlen("zwölf"));
    pv_cbor_put_array(&buf, 0);
    pv_cbor_put_bool(&buf, true);
    pv_cbor_put_null(&buf);
    ex_cbor("encoding.items", "each kind of item", pv_buf_bytes(&buf), "[small time negative bytes text empty true null]");

    pv_buf_clear(&buf);
    pv_cbor_put_uint(&buf, 7);
    pv_cbor_put_bytes(&buf, "ab", 2);
    ex_say("The labelled functions, with the parts 7 and the byte string `ab`:");
    pv_hash_encoded("example", pv_buf_bytes(&buf), &hash);
    ex_hash("encoding.hash", "H(\"example\"; 7, ab)", &hash);
    memset(secret, 0x0b, sizeof secret);
    ex_bytes("encoding.secret", "32 bytes of 0b", pv_bytes(secret, sizeof secret));
    pv_hkdf_extract(pv_bytes(secret, sizeof secret), &prk);
    ex_bytes("encoding.prk", "HKDF-Extract of it (RFC 5869 §2.2)", PV_BYTES_OF(prk));
    pv_hkdf_expand(&prk, "example", pv_buf_bytes(&buf), key);
    ex_bytes("encoding.hkdf", "HKDF(secret, \"example\"; 7, ab)", pv_bytes(key, sizeof key));
    memset(seed.b, 0x0c, sizeof seed.b);
    pv_sign_from_seed(&seed, &sk, &pk);
    ex_must(pv_sign(&sk, "example", pv_buf_bytes(&buf), &sig), "a signature");
    ex_bytes("encoding.sign_pk", "public key of the seed of 32 bytes 0c", PV_BYTES_OF(pk));
    ex_bytes("encoding.signature", "Sign(key, \"example\"; 7, ab)", PV_BYTES_OF(sig));

    struct pv_seal_key seal_key;
    struct pv_seal_nonce nonce;
    uint8_t sealed[5 + PV_SEAL_TAG_BYTES];
    memset(&seal_key, 0x0d, sizeof seal_key);
    memset(&nonce, 0x0e, sizeof nonce);
    pv_seal(&seal_key, &nonce, pv_bytes("ad", 2), pv_bytes("plain", 5), sealed);
    ex_bytes("encoding.sealed", "Seal(32 bytes 0d, 24 bytes 0e, \"ad\", \"plain\")", pv_bytes(sealed, sizeof sealed));
    pv_buf_release(&buf);
}

#define DEVICE_FIELDS "[version sign_pk kem_hash]"
#define CERT_FIELDS "[device" DEVICE_FIELDS " paper signer sig consent]"

static void print_device(const char *prefix, const struct ex_device *device, const char *seeds_from)
{
    char name[64];
    struct pv_buf buf;
    pv_buf_init(&buf, 256);
    pv_device_put(&buf, &device->device);
    strcat(strcpy(name, prefix), ".sign_seed");
    ex_bytes(name, seeds_from, PV_BYTES_OF(device->sign_seed));
    strcat(strcpy(name, prefix), ".kem_seed");
    ex_bytes(name, seeds_from, PV_BYTES_OF(device->kem_seed));
    strcat(strcpy(name, prefix), ".kem_pk");
    ex_bytes(name, "X-Wing public key of the seed", PV_BYTES_OF(device->kem_pk));
    strcat(strcpy(name, prefix), ".device");
    ex_cbor(name, "[1, sign_pk, H(\"kem-key\"; kem_pk)]", pv_buf_bytes(&buf), DEVICE_FIELDS);
    strcat(strcpy(name, prefix), ".id");
    ex_hash(name, "H(\"device\"; device)", &device->id);
    pv_buf_release(&buf);
}

static void print_record(const struct ex_person *person)
{
    struct pv_buf buf;
    pv_buf_init(&buf, 4096);
    pv_cert_put(&buf, &person->founders[0]);
    ex_cbor("ana.cert.first", "the first device's, which names itself as signer; bound to Zero(32) and the genesis nonce",
            pv_buf_bytes(&buf), CERT_FIELDS);
    pv_buf_clear(&buf);
    pv_cert_put(&buf, &person->founders[1]);
    ex_cbor("ana.cert.paper", "its paper device's", pv_buf_bytes(&buf), CERT_FIELDS);
    pv_buf_clear(&buf);
    static const struct pv_hash zero;
    pv_cbor_put_hash(&buf, &zero);
    pv_cbor_put_id16(&buf, &person->nonce);
    pv_device_put(&buf, &person->paper.device);
    pv_cbor_put_bool(&buf, true);
    pv_cbor_put_hash(&buf, &person->first.id);
    ex_bytes("ana.cert.paper.signed", "what both signatures of it are over, after the label `certificate`: person, nonce, "
             "device, paper, signer", pv_buf_bytes(&buf));
    ex_cbor("ana.record", "[genesis entry, genesis body, certificates], here none beyond the genesis's two",
            pv_buf_bytes(&person->record), "[genesis_entry genesis_body certs[*cert" CERT_FIELDS "]]");
    ex_hash("ana.person", "person id = room id = H(\"room\"; genesis entry)", &person->log.room);
    ex_cbor("ana.genesis.entry", "the record's genesis entry, taken apart (§3)", pv_buf_bytes(&person->log.entries[0].entry),
            "[header[version room author n prev seen[size root] time kind epoch refs_hash body_hash commit] sig]");
    ex_cbor("ana.genesis.body", "its body (§5)", pv_buf_bytes(&person->log.entries[0].body),
            "[type nonce room_kind parent server_name log_key secret_hash kem_hash wraps_root founder[first" CERT_FIELDS
            " paper" CERT_FIELDS "]]");
    ex_cbor("ana.genesis.beside", "what lies beside it: KEM keys of epoch 0, first device, paper device; a wrap to each "
            "device, by device id", pv_buf_bytes(&person->log.entries[0].beside), "[kem_keys[*kem_pk] links wraps[*wrap]]");
    pv_buf_release(&buf);
}

void ex_print_people(struct ex_world *world)
{
    ex_section("§2 Devices, certificates, person records");
    ex_say("Ana's first device:");
    print_device("ana.first", &world->ana.first, "random");
    ex_say("Her paper device, from the secret of her recovery kit:");
    ex_bytes("ana.kit", "random", PV_BYTES_OF(world->ana.kit));
    print_device("ana.paper", &world->ana.paper, "HKDF(kit, \"paper/sign\" or \"paper/kem\")");
    ex_say("Her person room's genesis and her record:");
    ex_bytes("ana.secret", "S of her person room's epoch 0, random", PV_BYTES_OF(world->ana.epoch.secret));
    print_record(&world->ana);
    ex_bytes("ben.secret", "S of Ben's person room's epoch 0, random", PV_BYTES_OF(world->ben.epoch.secret));
}
