/* A note that opens is the one that its values are signed to; one that only parses begins with its values' spelling. */
#include "core/log/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char server_name[] = "rooms.example.org";
static const struct pv_hash room = {{1, 2, 3}};

static void check_opened(struct pv_bytes note, const struct pv_sign_sk *sk, const struct pv_sign_pk *pk)
{
    struct pv_checkpoint checkpoint;
    struct pv_buf made;
    if (pv_checkpoint_open(note, server_name, &room, pk, &checkpoint)) return;
    pv_buf_init(&made, PV_LIMIT_NOTE_BYTES);
    if (pv_checkpoint_make(server_name, &room, &checkpoint, sk, pk, &made)) abort();
    if (!pv_bytes_equal(pv_buf_bytes(&made), note)) abort();
    pv_buf_release(&made);
}

static void check_peeked(struct pv_bytes note)
{
    struct pv_checkpoint checkpoint;
    struct pv_buf spelt;
    if (pv_checkpoint_peek(note, &checkpoint)) return;
    if (checkpoint.size == 0 || checkpoint.size > PV_LIMIT_N || checkpoint.time_s > PV_CHECKPOINT_TIME_MAX_S) abort();
    const uint8_t *origin_end = memchr(note.p, '\n', note.n);
    if (!origin_end) abort();
    pv_buf_init(&spelt, 256);
    pv_text_put(&spelt, "\n");
    pv_decimal_put(&spelt, checkpoint.size);
    pv_text_put(&spelt, "\n");
    pv_base64_put(&spelt, PV_BASE64_STANDARD, PV_BYTES_OF(checkpoint.root));
    pv_text_put(&spelt, "\n\n\xe2\x80\x94 ");
    if (spelt.err || memcmp(origin_end, spelt.p, spelt.n) != 0) abort();
    pv_buf_release(&spelt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static struct pv_sign_sk sk;
    static struct pv_sign_pk pk;
    if (!ready) {
        struct pv_sign_seed seed = {{4, 5, 6}};
        if (pv_crypto_init()) abort();
        pv_sign_from_seed(&seed, &sk, &pk);
        ready = true;
    }
    check_opened(pv_bytes(data, size), &sk, &pk);
    check_peeked(pv_bytes(data, size));
    return 0;
}
