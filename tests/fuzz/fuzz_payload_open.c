/* A sealed body opens only if its padded payload is the one that sealing the payload gives; as a raw body nothing opens.
 *
 * The input is the padded payload of a faulty writer who has the key, sealed here before it is opened. */
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/log/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pv_prk prk = {{7}};
static const struct pv_seal_nonce nonce = {{1}};

static void seal_as_it_is(struct pv_bytes padded, const struct pv_entry_key *key, const struct pv_header *header,
                          struct pv_buf *body)
{
    struct pv_seal_key seal_key;
    struct pv_buf ad;
    pv_buf_init(&ad, 512);
    pv_cbor_put_text(&ad, PV_LABEL_PREFIX "body-ad", strlen(PV_LABEL_PREFIX "body-ad"));
    pv_header_put_first_ten(&ad, header);
    memcpy(seal_key.b, key->b, sizeof seal_key.b);
    pv_buf_append(body, nonce.b, sizeof nonce.b);
    pv_seal(&seal_key, &nonce, pv_buf_bytes(&ad), padded, pv_buf_extend(body, padded.n + PV_SEAL_TAG_BYTES));
    pv_buf_release(&ad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_header header = {.n = 5, .kind = PV_KIND_TALK, .epoch = 2, .time_ms = 99};
    struct pv_entry_key key;
    struct pv_buf body, payload, again;
    pv_buf_init(&body, size + 64);
    pv_buf_init(&payload, size + 64);
    pv_buf_init(&again, size + 64);
    pv_entry_key_derive(&prk, &header, &nonce, &key);
    pv_entry_key_commit(&key, &header.commit);
    if (!pv_body_open(&prk, &header, pv_bytes(data, size), &payload) || payload.n) abort();
    seal_as_it_is(pv_bytes(data, size), &key, &header, &body);
    if (pv_body_open(&prk, &header, pv_buf_bytes(&body), &payload)) {
        if (payload.n) abort();
    } else {
        if (pv_body_seal(&prk, &nonce, pv_buf_bytes(&payload), &header, &again)) abort();
        if (!pv_bytes_equal(pv_buf_bytes(&again), pv_buf_bytes(&body))) abort();
    }
    pv_buf_release(&body);
    pv_buf_release(&payload);
    pv_buf_release(&again);
    return 0;
}
