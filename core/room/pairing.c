/* A pairing's code and messages. The code is four digits of the mailbox, seven of a secret, one that checks them; the
 * key comes from CPace over the secret, and each sealed message has a key of its own.  Source: FORMAT.md §11.3. */
#include "core/room/pairing.h"

#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/crypto/hash.h"
#include "core/crypto/parts.h"

enum {
    VERSION = 1,
    DIGITS = 12,
    PLATE_DIGITS = 4,
    SECRETS = 10000000,
    SLOT_OFFER = 2,
    SLOT_REQUEST = 3,
    SLOT_DONE = 4,
    CHANNEL_BYTES = PV_LIMIT_SERVER_NAME_BYTES + 64
};

/* ---- the code */

/* ISO/IEC 7064 MOD 11,10: any wrong digit shows, and nearly every swap of two. */
static unsigned check_digit(const char *digits, size_t n)
{
    unsigned product = 10;
    for (size_t i = 0; i < n; i++) {
        unsigned sum = (product + (unsigned)(digits[i] - '0')) % 10;
        product = (sum ? sum : 10) * 2 % 11;
    }
    return (11 - product) % 10;
}

void pv_pairing_code_make(unsigned plate, const struct pv_random *random, struct pv_pairing_code *ret_code)
{
    uint32_t value;
    const uint32_t fair = UINT32_MAX - UINT32_MAX % SECRETS; /* beyond it some secrets would be likelier */
    do {
        pv_random_fill(random, &value, sizeof value);
    } while (value >= fair);
    ret_code->plate = plate % PV_PAIRING_PLATES;
    (void)snprintf(ret_code->secret, sizeof ret_code->secret, "%07u", (unsigned)(value % SECRETS));
    pv_wipe(&value, sizeof value);
}

void pv_pairing_code_encode(const struct pv_pairing_code *code, char ret_text[static PV_PAIRING_CODE_CHARS + 1])
{
    char digits[DIGITS + 1];
    (void)snprintf(digits, sizeof digits, "%04u%.7s", code->plate % PV_PAIRING_PLATES, code->secret);
    digits[DIGITS - 1] = (char)('0' + check_digit(digits, DIGITS - 1));
    (void)snprintf(ret_text, PV_PAIRING_CODE_CHARS + 1, "%.4s-%.4s-%.4s", digits, digits + 4, digits + 8);
    pv_wipe(digits, sizeof digits);
}

static enum pv_err read_digits(struct pv_bytes text, char ret_digits[static DIGITS])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == ' ' || c == '-' || c == '.' || c == '\t' || c == '\r' || c == '\n') continue;
        if (c < '0' || c > '9') return PV_ERR_MALFORMED;
        if (n == DIGITS) return PV_ERR_LIMIT;
        ret_digits[n++] = (char)c;
    }
    return n < DIGITS ? PV_ERR_TRUNCATED : PV_OK;
}

enum pv_err pv_pairing_code_decode(struct pv_bytes text, struct pv_pairing_code *ret_code)
{
    char digits[DIGITS];
    enum pv_err err = read_digits(text, digits);
    if (!err && digits[DIGITS - 1] != (char)('0' + check_digit(digits, DIGITS - 1))) err = PV_ERR_MALFORMED;
    if (!err) {
        ret_code->plate = 0;
        for (size_t i = 0; i < PLATE_DIGITS; i++) ret_code->plate = ret_code->plate * 10 + (unsigned)(digits[i] - '0');
        memcpy(ret_code->secret, digits + PLATE_DIGITS, PV_PAIRING_SECRET_DIGITS);
        ret_code->secret[PV_PAIRING_SECRET_DIGITS] = '\0';
    }
    pv_wipe(digits, sizeof digits);
    return err;
}

/* ---- the key */

static enum pv_err start(struct pv_pairing *pairing, const struct pv_random *random)
{
    uint8_t memory[CHANNEL_BYTES], scalar[PV_CPACE_RANDOM_BYTES];
    struct pv_buf channel;
    pv_buf_init_fixed(&channel, memory, sizeof memory);
    pv_cbor_put_text(&channel, PV_LABEL_PREFIX "pairing", strlen(PV_LABEL_PREFIX "pairing"));
    pv_cbor_put_text(&channel, pairing->server_name, strlen(pairing->server_name));
    pv_cbor_put_uint(&channel, pairing->code.plate);
    struct pv_cpace_input input = {.password = pv_bytes_of_string(pairing->code.secret),
                                   .channel = pv_buf_bytes(&channel), .sid = pv_bytes(pairing->sid, sizeof pairing->sid)};
    pv_random_fill(random, scalar, sizeof scalar);
    enum pv_err err = channel.err;
    if (!err) err = pv_cpace_start(&input, scalar, &pairing->cpace);
    pv_wipe(scalar, sizeof scalar);
    return err;
}

static enum pv_err agree(struct pv_pairing *pairing, bool is_new, const struct pv_cpace_share *peer)
{
    struct pv_cpace_transcript transcript = {.initiator = is_new ? pairing->cpace.share : *peer,
                                             .responder = is_new ? *peer : pairing->cpace.share};
    return pv_cpace_key(&pairing->cpace, pv_bytes(pairing->sid, sizeof pairing->sid), is_new, &transcript, pairing->key);
}

/* Each sealed message has a key of its own, so its nonce is zero. */
static void slot_key(const struct pv_pairing *pairing, unsigned slot, struct pv_seal_key *ret_key)
{
    struct pv_parts parts = {0};
    pv_parts_put_uint(&parts, slot);
    pv_hkdf(pv_bytes(pairing->key, sizeof pairing->key), "pairing", pv_parts_bytes(&parts), ret_key->b);
}

/* Seal what stands in `plain`, which is wiped, onto the end of `message`. */
static enum pv_err seal_onto(const struct pv_pairing *pairing, unsigned slot, struct pv_buf *plain, struct pv_buf *message)
{
    static const struct pv_seal_nonce nonce;
    struct pv_seal_key key;
    uint8_t *sealed = plain->err ? NULL : pv_buf_extend(message, plain->n + PV_SEAL_TAG_BYTES);
    enum pv_err err = plain->err ? plain->err : message->err;
    if (sealed) {
        slot_key(pairing, slot, &key);
        pv_seal(&key, &nonce, pv_bytes(NULL, 0), pv_buf_bytes(plain), sealed);
        pv_wipe(&key, sizeof key);
    }
    pv_buf_wipe(plain);
    return err;
}

static enum pv_err open_into(const struct pv_pairing *pairing, unsigned slot, struct pv_bytes sealed, struct pv_buf *memory)
{
    static const struct pv_seal_nonce nonce;
    struct pv_seal_key key;
    if (sealed.n <= PV_SEAL_TAG_BYTES) return PV_ERR_TRUNCATED;
    if (sealed.n > PV_LIMIT_PAIRING_BYTES) return PV_ERR_LIMIT;
    pv_buf_clear(memory);
    uint8_t *plain = pv_buf_extend(memory, sealed.n - PV_SEAL_TAG_BYTES);
    if (!plain) return memory->err;
    slot_key(pairing, slot, &key);
    enum pv_err err = pv_open(&key, &nonce, pv_bytes(NULL, 0), sealed, plain);
    pv_wipe(&key, sizeof key);
    return err;
}

/* ---- message 1: [version, sid, share] */

static enum pv_err set_out(struct pv_pairing *pairing, const struct pv_pairing_code *code, const char *server_name)
{
    if (strlen(server_name) > PV_LIMIT_SERVER_NAME_BYTES) return PV_ERR_LIMIT;
    *pairing = (struct pv_pairing){.code = *code};
    memcpy(pairing->server_name, server_name, strlen(server_name));
    return PV_OK;
}

enum pv_err pv_pairing_begin(struct pv_pairing *pairing, const struct pv_pairing_code *code, const char *server_name,
                             const struct pv_random *random, struct pv_buf *message)
{
    enum pv_err err = set_out(pairing, code, server_name);
    if (err) return err;
    pv_random_fill(random, pairing->sid, sizeof pairing->sid);
    err = start(pairing, random);
    if (err) return err;
    pv_cbor_put_array(message, 3);
    pv_cbor_put_uint(message, VERSION);
    pv_cbor_put_bytes(message, pairing->sid, sizeof pairing->sid);
    pv_cbor_put_bytes(message, pairing->cpace.share.b, sizeof pairing->cpace.share.b);
    return message->err;
}

static enum pv_err read_begin(struct pv_bytes message, uint8_t ret_sid[static 16], struct pv_cpace_share *ret_share)
{
    struct pv_cbor in;
    pv_cbor_init(&in, message);
    pv_cbor_get_array_of(&in, 3);
    if (pv_cbor_get_uint(&in, UINT64_MAX) != VERSION) pv_cbor_fail(&in, PV_ERR_UNSUPPORTED);
    pv_cbor_get_fixed(&in, ret_sid, 16);
    pv_cbor_get_fixed(&in, ret_share->b, sizeof ret_share->b);
    return pv_cbor_finish(&in);
}

/* ---- message 2: share ‖ sealed [person, signer, note, name] */

enum pv_err pv_pairing_answer(struct pv_pairing *pairing, const struct pv_pairing_code *code, const char *server_name,
                              const struct pv_random *random, struct pv_bytes message1,
                              const struct pv_pairing_offer *offer, struct pv_buf *message)
{
    struct pv_cpace_share peer;
    struct pv_buf plain;
    enum pv_err err = set_out(pairing, code, server_name);
    if (!err) err = read_begin(message1, pairing->sid, &peer);
    if (!err) err = start(pairing, random);
    if (!err) err = agree(pairing, false, &peer);
    if (err) return err;
    pv_buf_init(&plain, PV_LIMIT_PAIRING_BYTES);
    pv_cbor_put_array(&plain, 4);
    pv_cbor_put_hash(&plain, &offer->person);
    pv_cbor_put_hash(&plain, &offer->signer);
    pv_cbor_put_bytes(&plain, offer->note.p, offer->note.n);
    pv_cbor_put_text(&plain, (const char *)offer->name.p, offer->name.n);
    pv_buf_append(message, pairing->cpace.share.b, sizeof pairing->cpace.share.b);
    return seal_onto(pairing, SLOT_OFFER, &plain, message);
}

enum pv_err pv_pairing_accept(struct pv_pairing *pairing, struct pv_bytes message2, struct pv_pairing_offer *ret_offer,
                              struct pv_buf *memory)
{
    struct pv_cpace_share peer;
    struct pv_pairing_offer offer;
    struct pv_cbor in;
    if (message2.n < sizeof peer.b) return PV_ERR_TRUNCATED;
    memcpy(peer.b, message2.p, sizeof peer.b);
    enum pv_err err = agree(pairing, true, &peer);
    if (!err)
        err = open_into(pairing, SLOT_OFFER, pv_bytes(message2.p + sizeof peer.b, message2.n - sizeof peer.b), memory);
    if (err) return err;
    pv_cbor_init(&in, pv_buf_bytes(memory));
    pv_cbor_get_array_of(&in, 4);
    pv_cbor_get_hash(&in, &offer.person);
    pv_cbor_get_hash(&in, &offer.signer);
    offer.note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
    offer.name = pv_cbor_get_text(&in, PV_LIMIT_NAME_BYTES);
    err = pv_cbor_finish(&in);
    if (!err) *ret_offer = offer;
    return err;
}

/* ---- message 3: sealed [device, KEM key, consent, name] */

enum pv_err pv_pairing_request_put(const struct pv_pairing *pairing, const struct pv_pairing_request *request,
                                   struct pv_buf *message)
{
    struct pv_buf plain;
    pv_buf_init(&plain, PV_LIMIT_PAIRING_BYTES);
    pv_cbor_put_array(&plain, 4);
    pv_device_put(&plain, &request->device);
    pv_cbor_put_bytes(&plain, request->kem_pk.b, sizeof request->kem_pk.b);
    pv_cbor_put_bytes(&plain, request->consent.b, sizeof request->consent.b);
    pv_cbor_put_text(&plain, (const char *)request->name.p, request->name.n);
    return seal_onto(pairing, SLOT_REQUEST, &plain, message);
}

enum pv_err pv_pairing_request_get(const struct pv_pairing *pairing, struct pv_bytes message3,
                                   struct pv_pairing_request *ret_request, struct pv_buf *memory)
{
    struct pv_hash kem_hash;
    struct pv_cbor in;
    enum pv_err err = open_into(pairing, SLOT_REQUEST, message3, memory);
    if (err) return err;
    pv_cbor_init(&in, pv_buf_bytes(memory));
    pv_cbor_get_array_of(&in, 4);
    pv_device_get(&in, &ret_request->device);
    pv_cbor_get_fixed(&in, ret_request->kem_pk.b, sizeof ret_request->kem_pk.b);
    pv_cbor_get_fixed(&in, ret_request->consent.b, sizeof ret_request->consent.b);
    ret_request->name = pv_cbor_get_text(&in, PV_LIMIT_NAME_BYTES);
    err = pv_cbor_finish(&in);
    if (err) return err;
    pv_kem_hash(&ret_request->kem_pk, &kem_hash);
    return pv_hash_equal(&kem_hash, &ret_request->device.kem_hash) ? PV_OK : PV_ERR_MALFORMED;
}

/* ---- message 4: sealed [note] */

enum pv_err pv_pairing_done_put(const struct pv_pairing *pairing, struct pv_bytes note, struct pv_buf *message)
{
    struct pv_buf plain;
    pv_buf_init(&plain, PV_LIMIT_PAIRING_BYTES);
    pv_cbor_put_array(&plain, 1);
    pv_cbor_put_bytes(&plain, note.p, note.n);
    return seal_onto(pairing, SLOT_DONE, &plain, message);
}

enum pv_err pv_pairing_done_get(const struct pv_pairing *pairing, struct pv_bytes message4, struct pv_bytes *ret_note,
                                struct pv_buf *memory)
{
    struct pv_cbor in;
    enum pv_err err = open_into(pairing, SLOT_DONE, message4, memory);
    if (err) return err;
    pv_cbor_init(&in, pv_buf_bytes(memory));
    pv_cbor_get_array_of(&in, 1);
    struct pv_bytes note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
    err = pv_cbor_finish(&in);
    if (!err) *ret_note = note;
    return err;
}
