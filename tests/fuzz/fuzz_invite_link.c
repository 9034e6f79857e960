/* Invite links and server addresses, as pasted. The checksum is mended, so that what it guards is reached too. */
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/room/gate.h"
#include "core/room/server_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(struct pv_bytes text)
{
	struct pv_invite_link link;
	if (pv_invite_link_read(text, &link) != PV_OK) return;
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_LINK_BYTES);
	struct pv_invite_link again;
	if (pv_invite_link_write(&link, &buf) || pv_invite_link_read(pv_buf_bytes(&buf), &again)) abort();
	if (strcmp(link.server_url, again.server_url) != 0 || link.has_note != again.has_note ||
	    (link.has_note && memcmp(&link.note, &again.note, sizeof link.note) != 0)) abort();
	pv_buf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pv_server_url url, again;
	if (pv_server_url_read(pv_bytes(data, size), &url) == PV_OK &&
	    (pv_server_url_read(pv_bytes_of_string(url.text), &again) || strcmp(url.text, again.text) != 0))
		abort();
	read_back(pv_bytes(data, size));
	if (size > 2048) return 0;

	struct pv_sha256 sha;
	struct pv_hash hash;
	struct pv_buf bytes, text;
	pv_hash_begin(&sha, "link-check");
	pv_sha256_put_text(&sha, "https://a");
	pv_sha256_put_bytes(&sha, data, size);
	pv_sha256_final(&sha, &hash);
	pv_buf_init(&bytes, 4096);
	pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
	pv_buf_append(&bytes, data, size);
	pv_buf_append(&bytes, hash.b, 4);
	pv_buf_append(&text, "https://a/i#", 12);
	pv_base64_put(&text, PV_BASE64_URL, pv_buf_bytes(&bytes));
	read_back(pv_buf_bytes(&text));
	pv_buf_release(&bytes);
	pv_buf_release(&text);
	return 0;
}
