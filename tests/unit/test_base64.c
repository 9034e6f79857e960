/* Base64: RFC 4648's vectors, every byte value, and every way to write the same bytes twice. */
#include "core/base/base64.h"
#include "tests/tap.h"

static void is_text(enum pv_base64 alphabet, const char *bytes, size_t n, const char *want)
{
	struct pv_buf buf;
	uint8_t back[64];
	size_t back_n = 99;
	pv_buf_init(&buf, 64);
	pv_base64_put(&buf, alphabet, pv_bytes(bytes, n));
	tap_is_bytes(buf.p, buf.n, want, strlen(want), want);
	tap_is_int(pv_base64_decode(alphabet, pv_buf_bytes(&buf), back, sizeof back, &back_n), PV_OK, "reads back");
	tap_is_bytes(back, back_n, bytes, n, "as the same bytes");
	pv_buf_release(&buf);
}

static void refuses(enum pv_base64 alphabet, const char *text, enum pv_err want)
{
	uint8_t out[64] = {0x5a};
	size_t n = 77;
	enum pv_err err = pv_base64_decode(alphabet, pv_bytes_of_string(text), out, sizeof out, &n);
	tap_ok(err == want && n == 77 && out[0] == 0x5a, "'%s' is refused as %s", text, pv_err_web_name(want));
}

static void all_values(enum pv_base64 alphabet)
{
	uint8_t in[256], out[256];
	size_t n = 0;
	struct pv_buf buf;
	for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 197 + 3);
	bool same = true;
	pv_buf_init(&buf, 512);
	for (size_t len = 0; len <= sizeof in; len++) {
		pv_buf_clear(&buf);
		pv_base64_put(&buf, alphabet, pv_bytes(in, len));
		same = same && buf.n == pv_base64_length(alphabet, len) &&
		       pv_base64_decode(alphabet, pv_buf_bytes(&buf), out, len, &n) == PV_OK && n == len &&
		       memcmp(in, out, len) == 0;
		same = same && pv_base64_decode_fixed(alphabet, pv_buf_bytes(&buf), out, len) == PV_OK;
		if (len)
			same = same && pv_base64_decode_fixed(alphabet, pv_buf_bytes(&buf), out, len - 1) != PV_OK &&
			       pv_base64_decode(alphabet, pv_buf_bytes(&buf), out, len - 1, &n) == PV_ERR_LIMIT;
		if (len < sizeof in)
			same = same && pv_base64_decode_fixed(alphabet, pv_buf_bytes(&buf), out, len + 1) != PV_OK;
	}
	tap_ok(same, "every length up to 256 goes there and back");
	pv_buf_release(&buf);
}

/* Of the 256 characters in one place exactly 64 mean something, each something else. */
static void every_character(enum pv_base64 alphabet)
{
	int good = 0;
	bool seen[64] = {false}, twice = false;
	for (int c = 0; c < 256; c++) {
		uint8_t text[4] = {(uint8_t)c, 'A', 'A', 'A'}, out[3];
		size_t n;
		if (pv_base64_decode(alphabet, pv_bytes(text, 4), out, 3, &n) != PV_OK) continue;
		good++;
		twice = twice || seen[out[0] >> 2];
		seen[out[0] >> 2] = true;
	}
	tap_is_int(good, 64, "64 digits");
	tap_ok(!twice, "no two digits have one value");
}

int main(void)
{
	is_text(PV_BASE64_STANDARD, "", 0, "");
	is_text(PV_BASE64_STANDARD, "f", 1, "Zg==");
	is_text(PV_BASE64_STANDARD, "fo", 2, "Zm8=");
	is_text(PV_BASE64_STANDARD, "foo", 3, "Zm9v");
	is_text(PV_BASE64_STANDARD, "foob", 4, "Zm9vYg==");
	is_text(PV_BASE64_STANDARD, "fooba", 5, "Zm9vYmE=");
	is_text(PV_BASE64_STANDARD, "foobar", 6, "Zm9vYmFy");
	is_text(PV_BASE64_STANDARD, "\xfb\xff\xbf", 3, "+/+/");
	is_text(PV_BASE64_URL, "", 0, "");
	is_text(PV_BASE64_URL, "f", 1, "Zg");
	is_text(PV_BASE64_URL, "fo", 2, "Zm8");
	is_text(PV_BASE64_URL, "\xfb\xff\xbf", 3, "-_-_");

	refuses(PV_BASE64_STANDARD, "Zg", PV_ERR_TRUNCATED);
	refuses(PV_BASE64_STANDARD, "Zg=", PV_ERR_TRUNCATED);
	refuses(PV_BASE64_STANDARD, "Z===", PV_ERR_MALFORMED);
	refuses(PV_BASE64_STANDARD, "====", PV_ERR_MALFORMED);
	refuses(PV_BASE64_STANDARD, "Zg==Zg==", PV_ERR_MALFORMED);
	refuses(PV_BASE64_STANDARD, "Zh==", PV_ERR_NONCANONICAL);
	refuses(PV_BASE64_STANDARD, "Zm9=", PV_ERR_NONCANONICAL);
	refuses(PV_BASE64_STANDARD, "-_-_", PV_ERR_MALFORMED);
	refuses(PV_BASE64_STANDARD, "Zm9v\t===", PV_ERR_MALFORMED);
	refuses(PV_BASE64_STANDARD, " Zm9v   ", PV_ERR_MALFORMED);
	refuses(PV_BASE64_URL, "Z", PV_ERR_TRUNCATED);
	refuses(PV_BASE64_URL, "Zg==", PV_ERR_MALFORMED);
	refuses(PV_BASE64_URL, "Zh", PV_ERR_NONCANONICAL);
	refuses(PV_BASE64_URL, "Zm9", PV_ERR_NONCANONICAL);
	refuses(PV_BASE64_URL, "+/+/", PV_ERR_MALFORMED);

	uint8_t out[4] = {0};
	tap_is_int(pv_base64_decode_fixed(PV_BASE64_STANDARD, pv_bytes_of_string("Zg=="), out, 2), PV_ERR_MALFORMED,
		   "one byte is not two");
	tap_is_int(pv_base64_decode_fixed(PV_BASE64_STANDARD, pv_bytes_of_string("Zm8="), out, 1), PV_ERR_MALFORMED,
		   "two bytes are not one");
	tap_is_int(pv_base64_decode_fixed(PV_BASE64_STANDARD, pv_bytes_of_string("Zg=="), out, 3), PV_ERR_MALFORMED,
		   "one byte is not three");

	all_values(PV_BASE64_STANDARD);
	all_values(PV_BASE64_URL);
	every_character(PV_BASE64_STANDARD);
	every_character(PV_BASE64_URL);
	return tap_done();
}
