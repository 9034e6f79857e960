/* Gates, links, kits and keystores where memory runs out at every allocation in turn: NOMEM, nothing leaked, and a
 * keystore that could not be changed stays as it was. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include "core/room/gate.h"
#include "core/room/keystore.h"
#include "core/room/kit.h"
#include "tests/seeded.h"

enum { ALLOCATIONS_MAX = 200 };

static struct pv_device_secrets secrets;
static struct pv_keystore keystore;
static struct pv_buf file;
static struct pv_gate gate;
static struct pv_sign_sk sk;
static struct pv_sign_pk pk;
static uint8_t big_preview[PV_LIMIT_PREVIEW_BYTES];

static struct pv_random a_random(struct seeded *seeds)
{
    *seeds = seeded_make(8);
    return seeded_random(seeds);
}

static enum pv_err create(void)
{
    struct seeded seeds;
    struct pv_random random = a_random(&seeds);
    struct pv_argon2_cost cost = {.passes = 1, .memory_kib = 8};
    struct pv_keystore made;
    enum pv_err err = pv_keystore_create(pv_bytes("p", 1), cost, &secrets, &random, &made);
    if (!err) pv_keystore_release(&made);
    return err;
}

static enum pv_err write_keystore(void)
{
    struct pv_buf buf;
    pv_buf_init(&buf, PV_LIMIT_KEYSTORE_BYTES);
    pv_keystore_put(&buf, &keystore);
    enum pv_err err = buf.err;
    pv_buf_release(&buf);
    return err;
}

static enum pv_err read_keystore(void)
{
    struct pv_keystore read;
    enum pv_err err = pv_keystore_read(pv_buf_bytes(&file), &read);
    if (!err) pv_keystore_release(&read);
    return err;
}

static enum pv_err add_room(void)
{
    static const struct pv_database_key key = {{9}};
    struct seeded seeds;
    struct pv_random random = a_random(&seeds);
    struct pv_keystore read;
    struct pv_hash room = {{0xee}};
    enum pv_err err = pv_keystore_read(pv_buf_bytes(&file), &read);
    if (err) return err;
    err = pv_keystore_set_room(&read, &secrets, &room, &key, &random);
    bool same = pv_keystore_has_room(&read, &room) == !err && pv_keystore_check(&read, &secrets) == PV_OK;
    pv_keystore_release(&read);
    return same ? err : PV_ERR_CORRUPT;
}

static enum pv_err change_passphrase(void)
{
    struct seeded seeds;
    struct pv_random random = a_random(&seeds);
    struct pv_argon2_cost cost = {.passes = 1, .memory_kib = 8};
    struct pv_keystore made;
    struct pv_kem_seed seed;
    enum pv_err err = pv_keystore_unlock(&keystore, pv_bytes("p", 1), &seed);
    if (!err) err = pv_keystore_reseal(&keystore, &seed, &secrets, pv_bytes("q", 1), cost, &random, &made);
    if (err) return err;
    bool same = made.room_count == keystore.room_count && pv_keystore_check(&made, &secrets) == PV_OK;
    pv_keystore_release(&made);
    return same ? PV_OK : PV_ERR_CORRUPT;
}

static enum pv_err sign_gate(void)
{
    struct pv_buf buf;
    struct pv_hash device = {{1}};
    pv_buf_init(&buf, PV_LIMIT_GATE_BYTES + 256);
    enum pv_err err = pv_gate_sign(&gate, &device, &sk, &buf);
    if (!err) err = pv_gate_verify(pv_buf_bytes(&buf), &pk);
    pv_buf_release(&buf);
    return err;
}

static enum pv_err write_link(void)
{
    static struct pv_invite_link link = {.server_url = "https://rooms.example", .has_note = true, .note.checkpoint.size = 1};
    struct pv_buf text;
    pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
    enum pv_err err = pv_invite_link_write(&link, &text);
    pv_buf_wipe(&text);
    return err;
}

static enum pv_err write_sheet(void)
{
    struct pv_kit_secret kit = {{1}};
    struct pv_kit_facts facts = {.name = pv_bytes("Ana", 3), .server_url = "https://rooms.example"};
    struct pv_buf text;
    pv_buf_init(&text, PV_KIT_SHEET_BYTES);
    pv_kit_sheet_put(&text, &facts, &kit);
    enum pv_err err = text.err;
    pv_buf_wipe(&text);
    return err;
}

static void test_every(const char *what, enum pv_err (*run)(void))
{
    size_t failed = 0, wrong = 0, leaks = 0;
    for (size_t n = 0; n < ALLOCATIONS_MAX; n++) {
        fault_arm(n);
        enum pv_err err = run();
        bool fired = fault_disarm();
        leaks += fault_live != 0;
        if (!fired) {
            tap_ok(!err && failed > 0 && !wrong && !leaks, "%s: %zu allocations fail, %zu wrongly, %zu leaking", what, failed,
                   wrong, leaks);
            return;
        }
        failed++;
        wrong += err != PV_ERR_NOMEM;
    }
    tap_ok(false, "%s ends", what);
}

static void set_up(void)
{
    static const struct pv_database_key key = {{7}};
    struct seeded seeds;
    struct pv_random random = a_random(&seeds);
    struct pv_argon2_cost cost = {.passes = 1, .memory_kib = 8};
    struct pv_sign_seed seed = {{4}};
    memcpy(secrets.server.text, "https://rooms.example", 22);
    gate.version = 1;
    gate.preview = pv_bytes(big_preview, sizeof big_preview);
    if (pv_crypto_init() || pv_keystore_create(pv_bytes("p", 1), cost, &secrets, &random, &keystore)) abort();
    for (uint8_t i = 0; i < 3; i++) {
        struct pv_hash room = {{i}};
        if (pv_keystore_set_room(&keystore, &secrets, &room, &key, &random)) abort();
    }
    pv_buf_init(&file, PV_LIMIT_KEYSTORE_BYTES);
    pv_keystore_put(&file, &keystore);
    pv_sign_from_seed(&seed, &sk, &pk);
}

int main(void)
{
    set_up();
    test_every("a keystore made", create);
    test_every("a keystore written", write_keystore);
    test_every("a keystore read", read_keystore);
    test_every("a room added to it", add_room);
    test_every("one sealed anew under another passphrase", change_passphrase);
    test_every("a gate signed and verified", sign_gate);
    test_every("a link written", write_link);
    test_every("a sheet written", write_sheet);
    pv_keystore_release(&keystore);
    pv_buf_release(&file);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
