/* Prints docs/FORMAT-EXAMPLES.md: a worked example of every structure of FORMAT.md, from fixed seeds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef __wasm__
#include "client/bulk.h"
#endif
#include "tests/vectors/example.h"

static const char intro[] =
    "# Worked examples\n"
    "\n"
    "Made by `tests/vectors/format_examples.c`; `tests/vectors/format.t` checks that this file is what that program "
    "prints, and reads it with an independent reader (`tests/vectors/read_format.py`) which knows FORMAT.md only.\n"
    "\n"
    "Each example has a name. In blocks marked `hex`, white space means nothing and `#` begins a note: the field's name, "
    "its value where that helps, `[n]` for an array of n items. All randomness comes from fixed seeds: keys and nonces "
    "here protect nothing.";

/* AES is the driver's business, not core's: as wasm there is none here, so the bytes are checked natively. */
static const uint8_t sealed_chunk[] = {0xa0, 0x95, 0xb8, 0x78, 0xc0, 0x49, 0xe8, 0x64, 0xd2, 0x19, 0x31, 0x1f, 0x49, 0xad,
                                       0x42, 0x41, 0xc7, 0x41, 0x6d, 0x11, 0x97, 0xe2, 0x29, 0x12, 0x4e, 0x06, 0x0f};

static void print_sealed_chunk(void)
{
#ifndef __wasm__
    static const char plain[] = "hello world";
    static const uint8_t nonce[12];
    uint8_t key[32], sealed[sizeof sealed_chunk];
    struct pv_bulk bulk;
    memset(key, 0x22, sizeof key);
    ex_must(pv_bulk_init(&bulk), "AES");
    ex_must(pv_bulk_aes256gcm_seal(&bulk, key, nonce, pv_bytes(NULL, 0), pv_bytes_of_string(plain), sealed), "AES");
    pv_bulk_release(&bulk);
    if (memcmp(sealed, sealed_chunk, sizeof sealed) != 0) ex_must(PV_ERR_CORRUPT, "the sealed chunk");
#endif
    ex_bytes("file.sealed_chunk", "AES-256-GCM(32 bytes 22, 12 zero bytes, \"\", \"hello world\"), tag at the end",
             pv_bytes(sealed_chunk, sizeof sealed_chunk));
}

int main(void)
{
    struct ex_world *world = calloc(1, sizeof *world);
    if (!world) return 1;
    ex_seeds = seeded_make(2026);
    ex_must(pv_crypto_init(), "cryptography");
    ex_person_make(&world->ana, "Ana");
    ex_person_make(&world->ben, "Ben");
    ex_log_init(&world->room, 1760000100000);
    ex_fill(&world->a, sizeof world->a);
    ex_fill(&world->b, sizeof world->b);
    ex_fill(&world->invite_id, sizeof world->invite_id);

    puts(intro);
    ex_print_encoding();
    ex_print_people(world);
    ex_print_room(world);
    ex_print_tree(world);
    ex_print_gate(world);
    ex_print_payloads(world);
    ex_print_files();
    print_sealed_chunk();
    ex_print_device(world);
    ex_print_pairing(world);
    ex_print_evidence(world);
    ex_print_safety(world);

    pv_buf_release(&world->note);
    ex_log_free(&world->room);
    ex_person_free(&world->ana);
    ex_person_free(&world->ben);
    free(world);
    return fflush(stdout) ? 1 : 0;
}
