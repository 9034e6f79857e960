/* Checkpoints: a C2SP signed note with a plain Ed25519 signature and a timestamped cosignature, both by the log key. */
#include "core/log/checkpoint.h"

#include <string.h>

#include "core/base/base64.h"
#include "core/base/lines.h"
#include "core/crypto/hash.h"

enum {
    KEY_ID_BYTES = 4,
    TIME_BYTES = 8,
    TYPE_ED25519 = 0x01,     /* C2SP signed-note */
    TYPE_COSIGNATURE = 0x04, /* C2SP tlog-cosignature */
    ORIGIN_BYTES_MAX = PV_LIMIT_SERVER_NAME_BYTES + 6 + 64,
    COSIGNED_HEAD_BYTES_MAX = 64
};

#define DASH "\xe2\x80\x94 " /* em dash and space */

/* A note taken apart; slices are borrowed. */
struct note {
    struct pv_bytes origin;
    struct pv_bytes text; /* what is signed: up to and with the newline before the empty line */
    struct pv_checkpoint checkpoint;
    uint8_t plain[PV_NOTE_PLAIN_BYTES];
    uint8_t cosignature[PV_NOTE_COSIGNATURE_BYTES];
};

bool pv_server_name_is_valid(struct pv_bytes name)
{
    if (name.n == 0 || name.n > PV_LIMIT_SERVER_NAME_BYTES) return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == '+') return false;
    return true;
}

static enum pv_err put_origin(const char *server_name, const struct pv_hash *room, struct pv_buf *origin)
{
    char hex[2 * sizeof room->b + 1];
    if (!pv_server_name_is_valid(pv_bytes_of_string(server_name))) return PV_ERR_MALFORMED;
    pv_hex_encode(room->b, sizeof room->b, hex);
    pv_text_put(origin, server_name);
    pv_text_put(origin, "/room/");
    pv_text_put(origin, hex);
    return origin->err;
}

static void key_id(struct pv_bytes name, uint8_t type, const struct pv_sign_pk *log_pk, uint8_t ret_id[KEY_ID_BYTES])
{
    struct pv_sha256 sha;
    struct pv_hash hash;
    uint8_t middle[2] = {'\n', type};
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, name.p, name.n);
    pv_sha256_update(&sha, middle, sizeof middle);
    pv_sha256_update(&sha, log_pk->b, sizeof log_pk->b);
    pv_sha256_final(&sha, &hash);
    memcpy(ret_id, hash.b, KEY_ID_BYTES);
}

/* What a cosignature signs, over `memory`. */
static struct pv_bytes cosigned_message(uint64_t time_s, struct pv_bytes text, uint8_t *memory, size_t memory_bytes)
{
    struct pv_buf message;
    pv_buf_init_fixed(&message, memory, memory_bytes);
    pv_text_put(&message, "cosignature/v1\ntime ");
    pv_decimal_put(&message, time_s);
    pv_text_put(&message, "\n");
    pv_buf_append(&message, text.p, text.n);
    return pv_buf_bytes(&message);
}

static void put_signature_line(struct pv_buf *note, struct pv_bytes origin, struct pv_bytes signature)
{
    pv_text_put(note, DASH);
    pv_buf_append(note, origin.p, origin.n);
    pv_text_put(note, " ");
    pv_base64_put(note, PV_BASE64_STANDARD, signature);
    pv_text_put(note, "\n");
}

static void put_signature_lines(struct pv_buf *note, struct pv_bytes origin, const uint8_t plain[PV_NOTE_PLAIN_BYTES],
                                const uint8_t cosignature[PV_NOTE_COSIGNATURE_BYTES])
{
    pv_text_put(note, "\n");
    put_signature_line(note, origin, pv_bytes(plain, PV_NOTE_PLAIN_BYTES));
    put_signature_line(note, origin, pv_bytes(cosignature, PV_NOTE_COSIGNATURE_BYTES));
}

static void put_text(struct pv_buf *note, struct pv_bytes origin, const struct pv_checkpoint *checkpoint)
{
    pv_buf_append(note, origin.p, origin.n);
    pv_text_put(note, "\n");
    pv_decimal_put(note, checkpoint->size);
    pv_text_put(note, "\n");
    pv_base64_put(note, PV_BASE64_STANDARD, PV_BYTES_OF(checkpoint->root));
    pv_text_put(note, "\n");
}

/* Both signatures over `text`, each behind its key id. */
static void sign(const struct pv_sign_sk *log_sk, const struct pv_sign_pk *log_pk, struct pv_bytes origin,
                 struct pv_bytes text, uint64_t time_s, uint8_t ret_plain[PV_NOTE_PLAIN_BYTES],
                 uint8_t ret_cosignature[PV_NOTE_COSIGNATURE_BYTES])
{
    uint8_t memory[COSIGNED_HEAD_BYTES_MAX + PV_LIMIT_NOTE_BYTES];
    struct pv_sig sig;
    key_id(origin, TYPE_ED25519, log_pk, ret_plain);
    pv_sign_raw(log_sk, text, &sig);
    memcpy(ret_plain + KEY_ID_BYTES, sig.b, sizeof sig.b);

    key_id(origin, TYPE_COSIGNATURE, log_pk, ret_cosignature);
    for (size_t i = 0; i < TIME_BYTES; i++)
        ret_cosignature[KEY_ID_BYTES + i] = (uint8_t)(time_s >> (8 * (TIME_BYTES - 1 - i)));
    pv_sign_raw(log_sk, cosigned_message(time_s, text, memory, sizeof memory), &sig);
    memcpy(ret_cosignature + KEY_ID_BYTES + TIME_BYTES, sig.b, sizeof sig.b);
}

enum pv_err pv_checkpoint_make(const char *server_name, const struct pv_hash *room,
                               const struct pv_checkpoint *checkpoint, const struct pv_sign_sk *log_sk,
                               const struct pv_sign_pk *log_pk, struct pv_buf *note)
{
    uint8_t origin_memory[ORIGIN_BYTES_MAX], note_memory[PV_LIMIT_NOTE_BYTES];
    uint8_t plain[PV_NOTE_PLAIN_BYTES], cosignature[PV_NOTE_COSIGNATURE_BYTES];
    struct pv_buf origin_buf, made;
    if (checkpoint->size == 0) return PV_ERR_MALFORMED;
    if (checkpoint->size > PV_LIMIT_N || checkpoint->time_s > PV_CHECKPOINT_TIME_MAX_S) return PV_ERR_LIMIT;
    pv_buf_init_fixed(&origin_buf, origin_memory, sizeof origin_memory);
    enum pv_err err = put_origin(server_name, room, &origin_buf);
    if (err) return err;
    struct pv_bytes origin = pv_buf_bytes(&origin_buf);

    pv_buf_init_fixed(&made, note_memory, sizeof note_memory);
    put_text(&made, origin, checkpoint);
    sign(log_sk, log_pk, origin, pv_buf_bytes(&made), checkpoint->time_s, plain, cosignature);
    put_signature_lines(&made, origin, plain, cosignature);
    if (made.err) return made.err;
    pv_buf_append(note, made.p, made.n);
    return note->err;
}

static void get_signature_line(struct pv_lines *in, struct pv_bytes origin, uint8_t *ret_signature, size_t n)
{
    struct pv_bytes line = pv_lines_get_after(in, pv_bytes_of_string(DASH));
    if (in->err) return;
    if (line.n <= origin.n || !pv_bytes_equal(pv_bytes(line.p, origin.n), origin) || line.p[origin.n] != ' ') {
        in->err = PV_ERR_MALFORMED;
        return;
    }
    struct pv_bytes encoded = pv_bytes(line.p + origin.n + 1, line.n - origin.n - 1);
    pv_lines_fail(in, pv_base64_decode_fixed(PV_BASE64_STANDARD, encoded, ret_signature, n));
}

/* `<server name>/room/<64 lower-case hex digits>` */
static bool origin_is_well_formed(struct pv_bytes origin)
{
    static const char middle[] = "/room/";
    enum { TAIL_BYTES = sizeof middle - 1 + 64 };
    if (origin.n <= TAIL_BYTES) return false;
    const uint8_t *tail = origin.p + origin.n - TAIL_BYTES;
    if (memcmp(tail, middle, sizeof middle - 1) != 0) return false;
    for (size_t i = sizeof middle - 1; i < TAIL_BYTES; i++)
        if (!(tail[i] >= '0' && tail[i] <= '9') && !(tail[i] >= 'a' && tail[i] <= 'f')) return false;
    return pv_server_name_is_valid(pv_bytes(origin.p, origin.n - TAIL_BYTES));
}

static uint64_t cosigned_time(const uint8_t cosignature[PV_NOTE_COSIGNATURE_BYTES])
{
    uint64_t time_s = 0;
    for (size_t i = 0; i < TIME_BYTES; i++) time_s = time_s << 8 | cosignature[KEY_ID_BYTES + i];
    return time_s;
}

static enum pv_err parse(struct pv_bytes bytes, struct note *ret_note)
{
    struct pv_lines in;
    struct note note = {.text = {.n = 0}};
    if (bytes.n > PV_LIMIT_NOTE_BYTES) return PV_ERR_LIMIT;
    pv_lines_init(&in, bytes);
    note.origin = pv_lines_get(&in);
    struct pv_bytes size = pv_lines_get(&in), root = pv_lines_get(&in);
    if (in.err) return in.err;
    note.text = pv_bytes(bytes.p, bytes.n - in.rest.n);
    if (!origin_is_well_formed(note.origin)) return PV_ERR_MALFORMED;
    pv_lines_fail(&in, pv_decimal_read(size, PV_LIMIT_N, &note.checkpoint.size));
    pv_lines_fail(&in, pv_base64_decode_fixed(PV_BASE64_STANDARD, root, note.checkpoint.root.b,
                                              sizeof note.checkpoint.root.b));
    pv_lines_expect(&in, pv_bytes(NULL, 0));
    get_signature_line(&in, note.origin, note.plain, sizeof note.plain);
    get_signature_line(&in, note.origin, note.cosignature, sizeof note.cosignature);
    enum pv_err err = pv_lines_finish(&in);
    if (err) return err;
    if (note.checkpoint.size == 0) return PV_ERR_MALFORMED; /* never signed */
    note.checkpoint.time_s = cosigned_time(note.cosignature);
    if (note.checkpoint.time_s > PV_CHECKPOINT_TIME_MAX_S) return PV_ERR_LIMIT;
    *ret_note = note;
    return PV_OK;
}

static enum pv_err verify(const struct note *note, const struct pv_sign_pk *log_pk)
{
    uint8_t id[KEY_ID_BYTES], cosigned_memory[COSIGNED_HEAD_BYTES_MAX + PV_LIMIT_NOTE_BYTES];
    struct pv_sig sig;
    key_id(note->origin, TYPE_ED25519, log_pk, id);
    if (memcmp(id, note->plain, sizeof id) != 0) return PV_ERR_BAD_SIG;
    memcpy(sig.b, note->plain + KEY_ID_BYTES, sizeof sig.b);
    enum pv_err err = pv_verify_raw(log_pk, note->text, &sig);
    if (err) return err;
    key_id(note->origin, TYPE_COSIGNATURE, log_pk, id);
    if (memcmp(id, note->cosignature, sizeof id) != 0) return PV_ERR_BAD_SIG;
    memcpy(sig.b, note->cosignature + KEY_ID_BYTES + TIME_BYTES, sizeof sig.b);
    return pv_verify_raw(
        log_pk, cosigned_message(note->checkpoint.time_s, note->text, cosigned_memory, sizeof cosigned_memory), &sig);
}

enum pv_err pv_checkpoint_open(struct pv_bytes note_bytes, const char *server_name, const struct pv_hash *room,
                               const struct pv_sign_pk *log_pk, struct pv_checkpoint *ret_checkpoint)
{
    uint8_t origin_memory[ORIGIN_BYTES_MAX];
    struct pv_buf origin;
    struct note note;
    enum pv_err err = parse(note_bytes, &note);
    if (err) return err;
    pv_buf_init_fixed(&origin, origin_memory, sizeof origin_memory);
    err = put_origin(server_name, room, &origin);
    if (err) return err;
    if (!pv_bytes_equal(note.origin, pv_buf_bytes(&origin))) return PV_ERR_BROKEN_CHAIN;
    err = verify(&note, log_pk);
    if (err) return err;
    *ret_checkpoint = note.checkpoint;
    return PV_OK;
}

enum pv_err pv_checkpoint_peek(struct pv_bytes note_bytes, struct pv_checkpoint *ret_checkpoint)
{
    struct note note;
    enum pv_err err = parse(note_bytes, &note);
    if (err) return err;
    *ret_checkpoint = note.checkpoint;
    return PV_OK;
}

/* ---- packed */

enum pv_err pv_note_pack(struct pv_bytes note_bytes, struct pv_packed_note *ret_packed)
{
    struct note note;
    enum pv_err err = parse(note_bytes, &note);
    if (err) return err;
    ret_packed->checkpoint = note.checkpoint;
    memcpy(ret_packed->plain, note.plain, sizeof note.plain);
    memcpy(ret_packed->cosignature, note.cosignature, sizeof note.cosignature);
    return PV_OK;
}

enum pv_err pv_note_unpack(const struct pv_packed_note *packed, const char *server_name, const struct pv_hash *room,
                           struct pv_buf *note)
{
    uint8_t origin_memory[ORIGIN_BYTES_MAX];
    struct pv_buf origin;
    pv_buf_init_fixed(&origin, origin_memory, sizeof origin_memory);
    enum pv_err err = put_origin(server_name, room, &origin);
    if (err) return err;
    put_text(note, pv_buf_bytes(&origin), &packed->checkpoint);
    put_signature_lines(note, pv_buf_bytes(&origin), packed->plain, packed->cosignature);
    return note->err;
}

void pv_packed_note_put(struct pv_buf *buf, const struct pv_packed_note *packed)
{
    pv_cbor_put_array(buf, 4);
    pv_cbor_put_uint(buf, packed->checkpoint.size);
    pv_cbor_put_hash(buf, &packed->checkpoint.root);
    pv_cbor_put_bytes(buf, packed->plain, sizeof packed->plain);
    pv_cbor_put_bytes(buf, packed->cosignature, sizeof packed->cosignature);
}

void pv_packed_note_get(struct pv_cbor *in, struct pv_packed_note *ret_packed)
{
    pv_cbor_get_array_of(in, 4);
    ret_packed->checkpoint.size = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &ret_packed->checkpoint.root);
    pv_cbor_get_fixed(in, ret_packed->plain, sizeof ret_packed->plain);
    pv_cbor_get_fixed(in, ret_packed->cosignature, sizeof ret_packed->cosignature);
    ret_packed->checkpoint.time_s = cosigned_time(ret_packed->cosignature);
    if (ret_packed->checkpoint.size == 0) pv_cbor_fail(in, PV_ERR_MALFORMED); /* never signed */
    if (ret_packed->checkpoint.time_s > PV_CHECKPOINT_TIME_MAX_S) pv_cbor_fail(in, PV_ERR_LIMIT);
}
