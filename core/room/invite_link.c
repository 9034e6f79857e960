/* Invite links: half A and where to begin, as text that shows when it was cut or changed.  Source: FORMAT.md §9. */
#include <string.h>

#include "core/base/base64.h"
#include "core/room/gate.h"
#include "core/room/server_url.h"

enum { LINK_FIELDS = 6, VERSION = 1, CHECK_BYTES = 4 };

static const char mark[] = "/i#";

static void check_value(const char *server_url, struct pv_bytes link, uint8_t ret_check[static CHECK_BYTES])
{
    struct pv_sha256 sha;
    struct pv_hash hash;
    pv_hash_begin(&sha, "link-check");
    pv_sha256_put_text(&sha, server_url);
    pv_sha256_put_bytes(&sha, link.p, link.n);
    pv_sha256_final(&sha, &hash);
    memcpy(ret_check, hash.b, CHECK_BYTES);
}

enum pv_err pv_invite_link_write(const struct pv_invite_link *link, struct pv_buf *text)
{
    struct pv_server_url url;
    struct pv_buf bytes;
    uint8_t check[CHECK_BYTES];
    enum pv_err err = pv_server_url_read(pv_bytes_of_string(link->server_url), &url);
    if (err) return err;
    pv_buf_init(&bytes, PV_LIMIT_LINK_BYTES);
    pv_cbor_put_array(&bytes, LINK_FIELDS);
    pv_cbor_put_uint(&bytes, VERSION);
    pv_cbor_put_bytes(&bytes, link->a.b, sizeof link->a.b);
    pv_cbor_put_id16(&bytes, &link->gate);
    pv_cbor_put_hash(&bytes, &link->room);
    pv_cbor_put_hash(&bytes, &link->inviter);
    if (link->has_note) pv_packed_note_put(&bytes, &link->note);
    else pv_cbor_put_null(&bytes);
    check_value(url.text, pv_buf_bytes(&bytes), check);
    pv_buf_append(&bytes, check, sizeof check);
    err = bytes.err;
    if (!err) {
        pv_buf_append(text, url.text, strlen(url.text));
        pv_buf_append(text, mark, strlen(mark));
        pv_base64_put(text, PV_BASE64_URL, pv_buf_bytes(&bytes));
        err = text->err;
    }
    pv_buf_wipe(&bytes);
    return err;
}

static enum pv_err get_link(struct pv_bytes bytes, struct pv_invite_link *link)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    size_t fields = pv_cbor_get_array(&in, UINT8_MAX);
    if (pv_cbor_get_uint(&in, UINT64_MAX) != VERSION) pv_cbor_fail(&in, PV_ERR_UNSUPPORTED);
    if (fields != LINK_FIELDS) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    pv_cbor_get_fixed(&in, link->a.b, sizeof link->a.b);
    pv_cbor_get_id16(&in, &link->gate);
    pv_cbor_get_hash(&in, &link->room);
    pv_cbor_get_hash(&in, &link->inviter);
    link->has_note = !pv_cbor_take_null(&in);
    if (link->has_note) pv_packed_note_get(&in, &link->note);
    return pv_cbor_finish(&in);
}

/* The link proper, its checksum taken off and found right. */
static enum pv_err uncheck(const char *server_url, struct pv_bytes bytes, struct pv_bytes *ret_link)
{
    uint8_t check[CHECK_BYTES];
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    struct pv_bytes link = pv_cbor_get_item(&in);
    if (in.err) return in.err;
    if (bytes.n - link.n < CHECK_BYTES) return PV_ERR_TRUNCATED;
    check_value(server_url, link, check);
    if (bytes.n - link.n > CHECK_BYTES || !pv_secret_equal(check, bytes.p + link.n, CHECK_BYTES))
        return PV_ERR_MALFORMED;
    *ret_link = link;
    return PV_OK;
}

/* Where the mark begins; text.n where it is not. */
static size_t find_mark(struct pv_bytes text)
{
    size_t n = strlen(mark);
    for (size_t i = 0; i + n <= text.n; i++)
        if (memcmp(text.p + i, mark, n) == 0) return i;
    return text.n;
}

enum pv_err pv_invite_link_read(struct pv_bytes text, struct pv_invite_link *ret_link)
{
    struct pv_server_url url;
    struct pv_invite_link link = {.has_note = false};
    struct pv_bytes encoded;
    uint8_t bytes[PV_LIMIT_LINK_BYTES]; /* a later version may need more than ours */
    size_t n = 0;
    if (text.n > PV_LIMIT_LINK_BYTES) return PV_ERR_LIMIT;
    size_t at = find_mark(text);
    if (at == text.n) return PV_ERR_MALFORMED;
    enum pv_err err = pv_server_url_read(pv_bytes(text.p, at), &url);
    if (err) return err;
    text = pv_bytes(text.p + at + strlen(mark), text.n - at - strlen(mark));
    err = pv_base64_decode(PV_BASE64_URL, text, bytes, sizeof bytes, &n);
    if (err == PV_ERR_NONCANONICAL) err = PV_ERR_TRUNCATED; /* cut within a group */
    if (!err) err = uncheck(url.text, pv_bytes(bytes, n), &encoded);
    if (!err) err = get_link(encoded, &link);
    if (!err) {
        memcpy(link.server_url, url.text, sizeof url.text);
        *ret_link = link;
    }
    pv_wipe(bytes, sizeof bytes);
    pv_wipe(&link, sizeof link);
    return err;
}
