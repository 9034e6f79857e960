/* Invite links: there and back, cut at every byte, every byte changed, and server addresses. */
#include "core/base/base64.h"
#include "core/base/lines.h"
#include "core/room/gate.h"
#include "core/room/server_url.h"

#include "tests/seeded.h"
#include "tests/tap.h"

static struct pv_invite_link sample(void)
{
	struct seeded seeds = seeded_make(3);
	struct pv_invite_link link;
	memset(&link, 0, sizeof link);
	strcpy(link.server_url, "https://rooms.example:8443");
	seeded_fill(&seeds, &link.a, sizeof link.a);
	seeded_fill(&seeds, &link.gate, sizeof link.gate);
	seeded_fill(&seeds, &link.room, sizeof link.room);
	seeded_fill(&seeds, &link.inviter, sizeof link.inviter);
	link.has_note = true;
	link.note.checkpoint.size = 12;
	seeded_fill(&seeds, &link.note.checkpoint.root, sizeof link.note.checkpoint.root);
	seeded_fill(&seeds, link.note.plain, sizeof link.note.plain);
	seeded_fill(&seeds, link.note.cosignature, sizeof link.note.cosignature);
	memset(link.note.cosignature + 4, 0, 4); /* of the time: not in the far future */
	return link;
}

static bool same(const struct pv_invite_link *a, const struct pv_invite_link *b)
{
	return strcmp(a->server_url, b->server_url) == 0 && memcmp(&a->a, &b->a, 32) == 0 &&
	       pv_id16_equal(&a->gate, &b->gate) && pv_hash_equal(&a->room, &b->room) &&
	       pv_hash_equal(&a->inviter, &b->inviter) && a->has_note == b->has_note &&
	       (!a->has_note || (a->note.checkpoint.size == b->note.checkpoint.size &&
				 pv_hash_equal(&a->note.checkpoint.root, &b->note.checkpoint.root) &&
				 memcmp(a->note.plain, b->note.plain, sizeof a->note.plain) == 0 &&
				 memcmp(a->note.cosignature, b->note.cosignature, sizeof a->note.cosignature) == 0));
}

static void there_and_back(void)
{
	struct pv_invite_link link = sample(), back;
	struct pv_buf text;
	pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
	tap_is_int(pv_invite_link_write(&link, &text), PV_OK, "a link is written");
	tap_ok(text.n > 30 && memcmp(text.p, "https://rooms.example:8443/i#", 29) == 0, "its secret stands behind #");
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_OK, "and read");
	tap_ok(same(&link, &back), "as the same link");

	pv_buf_clear(&text);
	strcpy(link.server_url, "HTTPS://Rooms.Example:8443/");
	tap_is_int(pv_invite_link_write(&link, &text), PV_OK, "a typed address is brought into form");
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_OK, "and read");
	link = sample();
	tap_ok(same(&link, &back), "as the same link again");
	link.has_note = false;
	pv_buf_clear(&text);
	tap_is_int(pv_invite_link_write(&link, &text), PV_OK, "a link without a checkpoint is written");
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_OK, "and read");
	pv_buf_release(&text);
}

static void names(void)
{
	static const struct {
		const char *url, *name;
		bool same;
	} cases[] = {
		{"https://rooms.example", "rooms.example", true},
		{"https://rooms.example", "Rooms.Example:443", true},
		{"http://rooms.example", "rooms.example:80", true},
		{"https://rooms.example:8443", "rooms.example:8443", true},
		{"http://[::1]:7440", "[::1]:7440", true},
		{"https://rooms.example", "rooms.example:80", false},
		{"https://rooms.example:8443", "rooms.example", false},
		{"https://rooms.example", "other.example", false},
		{"https://rooms.example", "rooms.example/", false},
		{"https://rooms.example", "rooms.example/x", false},
		{"https://rooms.example", "", false},
		{"http://127.0.0.1:7440", "localhost:7440", true}, /* one machine */
		{"http://localhost:7440", "127.0.0.1:7440", true},
		{"http://localhost", "[::1]:80", true},
		{"http://127.0.0.1:7440", "localhost:7441", true},
		{"http://localhost.example:7440", "localhost:7440", false},
		{"http://127.0.0.1:7440", "127.0.0.2:7440", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pv_server_url url;
		tap_is_int(pv_server_url_read(pv_bytes_of_string(cases[i].url), &url), PV_OK, "an address");
		tap_ok(pv_server_url_has_name(&url, pv_bytes_of_string(cases[i].name)) == cases[i].same, "%s %s %s", cases[i].url,
		       cases[i].same ? "is of" : "is not of", cases[i].name);
	}
}

static void damage(void)
{
	struct pv_invite_link link = sample(), back;
	struct pv_buf text;
	pv_buf_init(&text, PV_LIMIT_LINK_BYTES + 2);
	tap_is_int(pv_invite_link_write(&link, &text), PV_OK, "a link to damage");
	strcpy(back.server_url, "untouched");
	size_t read = 0, truncated = 0, n = text.n;
	for (size_t i = 0; i < n; i++) {
		enum pv_err err = pv_invite_link_read(pv_bytes(text.p, i), &back);
		read += err == PV_OK;
		truncated += err == PV_ERR_TRUNCATED;
	}
	tap_is_int((long long)read, 0, "cut at any byte it is refused");
	tap_is_int((long long)truncated, (long long)(n - 29), "behind the # always as truncated");

	size_t wrong = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t was = text.p[i];
		for (unsigned c = 0; c < 256; c += i < 29 ? 1 : 7) {
			text.p[i] = (uint8_t)c;
			if (c == was || pv_invite_link_read(pv_buf_bytes(&text), &back) != PV_OK) continue;
			wrong += !same(&link, &back); /* another case in the address is the same link */
			strcpy(back.server_url, "untouched");
		}
		text.p[i] = was;
	}
	tap_is_int((long long)wrong, 0, "no byte can change");
	tap_is_str(back.server_url, "untouched", "a failure writes nothing");
	pv_buf_append_byte(&text, 'A');
	tap_ok(pv_invite_link_read(pv_buf_bytes(&text), &back) != PV_OK, "a byte more is refused");
	pv_buf_append_byte(&text, 'A');
	tap_ok(pv_invite_link_read(pv_buf_bytes(&text), &back) != PV_OK, "two bytes more are refused");
	tap_is_int(pv_invite_link_read(pv_bytes(text.p, 0), &back), PV_ERR_MALFORMED, "nothing is no link");
	tap_is_int(pv_invite_link_read(pv_bytes_of_string("https://rooms.example/s#AAAA"), &back), PV_ERR_MALFORMED,
		   "a share's link is no invite");
	pv_buf_release(&text);
}

static void limits(void)
{
	struct pv_invite_link link = sample(), back;
	static uint8_t big[PV_LIMIT_LINK_BYTES + 1];
	struct pv_buf text;
	pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
	link.note.checkpoint.size = PV_LIMIT_N;
	tap_is_int(pv_invite_link_write(&link, &text), PV_OK, "the largest checkpoint fits");
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_OK, "and is read");
	link.note.checkpoint.size = 0;
	pv_buf_clear(&text);
	tap_is_int(pv_invite_link_write(&link, &text), PV_OK, "one of nothing");
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_ERR_MALFORMED, "is refused");
	link = sample();
	link.note.cosignature[4] = 1;
	pv_buf_clear(&text);
	tap_is_int(pv_invite_link_write(&link, &text), PV_OK, "one of a time out of range");
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_ERR_LIMIT, "too");
	memset(big, 'A', sizeof big);
	memcpy(big, "https://rooms.example/i#", 24);
	tap_is_int(pv_invite_link_read(pv_bytes(big, sizeof big), &back), PV_ERR_LIMIT, "a text over the limit is refused");
	tap_is_int(pv_invite_link_read(pv_bytes(big, 4096), &back), PV_ERR_MALFORMED, "as is one with something behind its checksum");
	pv_buf_release(&text);
}

/* A link of version 2, far longer than ours: address and checksum stay, so damage and novelty are told apart. */
static void later(void)
{
	static uint8_t key[2000];
	struct pv_invite_link back;
	struct pv_sha256 sha;
	struct pv_hash check;
	struct pv_buf link, text;
	pv_buf_init(&link, PV_LIMIT_LINK_BYTES);
	pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
	pv_cbor_put_array(&link, 2);
	pv_cbor_put_uint(&link, 2);
	pv_cbor_put_bytes(&link, key, sizeof key);
	pv_hash_begin(&sha, "link-check");
	pv_sha256_put_text(&sha, "https://rooms.example");
	pv_sha256_put_bytes(&sha, link.p, link.n);
	pv_sha256_final(&sha, &check);
	pv_buf_append(&link, check.b, 4);
	pv_text_put(&text, "https://rooms.example/i#");
	pv_base64_put(&text, PV_BASE64_URL, pv_buf_bytes(&link));
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_ERR_UNSUPPORTED, "a later version's link is told as such");
	text.p[1000] = 'B';
	tap_is_int(pv_invite_link_read(pv_buf_bytes(&text), &back), PV_ERR_MALFORMED, "and damaged as damaged");
	pv_buf_release(&link);
	pv_buf_release(&text);
}

static void url(const char *text, const char *want)
{
	struct pv_server_url got = {"untouched"};
	enum pv_err err = pv_server_url_read(pv_bytes_of_string(text), &got);
	if (want) tap_ok(err == PV_OK && strcmp(got.text, want) == 0, "'%s' is '%s'", text, want);
	else tap_ok(err == PV_ERR_MALFORMED && strcmp(got.text, "untouched") == 0, "'%s' is refused", text);
}

int main(void)
{
	there_and_back();
	damage();
	names();
	limits();
	later();
	url("http://127.0.0.1:7440", "http://127.0.0.1:7440");
	url("https://EXAMPLE.org/", "https://example.org");
	url("https://example.org:443", "https://example.org");
	url("http://example.org:80/", "http://example.org");
	url("http://example.org:443", "http://example.org:443");
	url("http://[::1]:7440", "http://[::1]:7440");
	url("https://a_b.example-1:65535", "https://a_b.example-1:65535");
	url("", NULL);
	url("example.org", NULL);
	url("ftp://example.org", NULL);
	url("http://", NULL);
	url("https:///", NULL);
	url("https://example.org//", NULL);
	url("https://example.org/rooms", NULL);
	url("https://user@example.org", NULL);
	url("https://example.org:", NULL);
	url("https://example.org:0", NULL);
	url("https://example.org:080", NULL);
	url("https://example.org:65536", NULL);
	url("https://example.org:1234567", NULL);
	url("https://example.org?x", NULL);
	url("https://example.org#x", NULL);
	url("https://ex ample.org", NULL);
	url("https://ex\xc3\xa4mple.org", NULL);
	url("https://[::1", NULL);
	url("https://[]", NULL);
	url("https://[::g]", NULL);
	url("https://\t", NULL);
	struct pv_server_url got;
	static char longer[PV_LIMIT_URL_BYTES + 2];
	memset(longer, 'a', sizeof longer - 1);
	memcpy(longer, "https://", 8);
	tap_is_int(pv_server_url_read(pv_bytes(longer, sizeof longer - 1), &got), PV_ERR_LIMIT, "a long address is refused");
	tap_is_int(pv_server_url_read(pv_bytes(longer, sizeof longer - 2), &got), PV_OK, "the longest is taken");
	return tap_done();
}
