/* Recovery kits: the code there and back, as people type it, every way to get it wrong, the sheet, the paper keys. */
#include "core/room/kit.h"

#include "core/crypto/hash.h"
#include "tests/seeded.h"
#include "tests/tap.h"

static const struct pv_kit_secret sample = {{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
					     0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
					     0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f}};

static void reads(const char *text, size_t n, const char *what)
{
	struct pv_kit_secret got;
	unsigned group = 99;
	enum pv_err err = pv_kit_decode(pv_bytes(text, n), &got, &group);
	tap_ok(err == PV_OK && group == 0 && memcmp(&got, &sample, sizeof got) == 0, "%s", what);
}

static void refuses(const char *text, size_t n, enum pv_err want, unsigned want_group, const char *what)
{
	struct pv_kit_secret got;
	memset(&got, 0x5a, sizeof got);
	unsigned group = 99;
	enum pv_err err = pv_kit_decode(pv_bytes(text, n), &got, &group);
	tap_ok(err == want && group == want_group && got.b[0] == 0x5a && got.b[31] == 0x5a, "%s: %s, group %u", what,
	       pv_err_web_name(err), group);
}

static void codes(void)
{
	struct seeded seeds = seeded_make(5);
	bool all = true;
	for (int i = 0; i < 300; i++) {
		struct pv_kit_secret kit, back;
		unsigned group;
		char code[PV_KIT_CODE_CHARS + 1];
		seeded_fill(&seeds, &kit, sizeof kit);
		if (i == 0) memset(&kit, 0, sizeof kit);
		if (i == 1) memset(&kit, 0xff, sizeof kit);
		pv_kit_encode(&kit, code);
		all = all && strlen(code) == PV_KIT_CODE_CHARS &&
		      pv_kit_decode(pv_bytes_of_string(code), &back, &group) == PV_OK && memcmp(&kit, &back, 32) == 0;
	}
	tap_ok(all, "every secret goes there and back");
}

static void as_typed(const char *code)
{
	char text[4 * PV_KIT_CODE_CHARS];
	size_t n = 0;
	for (const char *c = code; *c; c++) text[n++] = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	reads(text, n, "in lower case");
	n = 0;
	for (const char *c = code; *c; c++)
		if (*c != '-') text[n++] = *c;
	reads(text, n, "without dashes");
	n = 0;
	for (const char *c = code; *c; c++) {
		if (*c == '-') n += (size_t)sprintf(text + n, " \t\r\n");
		else n += (size_t)sprintf(text + n, "%c.", *c);
	}
	reads(text, n, "with spaces, dots and line ends anywhere");
	n = 0;
	for (const char *c = code; *c; c++)
		n += (size_t)sprintf(text + n, "%s", *c == '-' ? "\xe2\x80\x93" : *c == '0' ? "o" : *c == '1' ? "l" : (char[]){*c, 0});
	reads(text, n, "with a typesetter's dashes and look-alike letters");
	n = 0;
	for (const char *c = code; *c; c++)
		n += (size_t)sprintf(text + n, "%s", *c == '-' ? "\xc2\xa0\xe2\x88\x92" : *c == '1' ? "I" : (char[]){*c, 0});
	reads(text, n, "with hard spaces and minus signs");
	memcpy(text, code, PV_KIT_CODE_CHARS);
	text[6] = code[7]; /* the first dash a digit later: eleven groups, of seven, five, six … */
	text[7] = '-';
	reads(text, PV_KIT_CODE_CHARS, "in eleven groups of other sizes");
}

/* Any one character changed to any other names the group that it is in. */
static void wrong_characters(const char *code)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	char text[PV_KIT_CODE_CHARS];
	size_t wrong = 0, tried = 0;
	for (size_t i = 0; i < sizeof text; i++) {
		if (code[i] == '-') continue;
		for (const char *d = digits; *d; d++) {
			struct pv_kit_secret got;
			unsigned group;
			if (*d == code[i]) continue;
			memcpy(text, code, sizeof text);
			text[i] = *d;
			tried++;
			wrong += pv_kit_decode(pv_bytes(text, sizeof text), &got, &group) != PV_ERR_MALFORMED ||
				 group != i / 7 + 1;
		}
	}
	tap_ok(wrong == 0 && tried == 66 * 31, "each wrong character names its group");

	wrong = 0;
	for (size_t i = 0; i + 1 < sizeof text; i++) {
		struct pv_kit_secret got;
		unsigned group;
		if (code[i] == '-' || code[i + 1] == '-' || code[i] == code[i + 1]) continue;
		memcpy(text, code, sizeof text);
		text[i] = code[i + 1];
		text[i + 1] = code[i];
		wrong += pv_kit_decode(pv_bytes(text, sizeof text), &got, &group) != PV_ERR_MALFORMED || group != i / 7 + 1;
	}
	tap_ok(wrong == 0, "so does a swap of two neighbours");

	wrong = 0;
	for (size_t a = 0; a < PV_KIT_GROUPS; a++)
		for (size_t b = a + 1; b < PV_KIT_GROUPS; b++) {
			struct pv_kit_secret got;
			unsigned group;
			memcpy(text, code, sizeof text);
			memcpy(text + 7 * a, code + 7 * b, 6);
			memcpy(text + 7 * b, code + 7 * a, 6);
			wrong += pv_kit_decode(pv_bytes(text, sizeof text), &got, &group) != PV_ERR_MALFORMED || group != a + 1;
		}
	tap_ok(wrong == 0, "and groups in the wrong order");
}

static void wrong_shapes(const char *code)
{
	char text[PV_KIT_CODE_CHARS + 16];
	size_t n = PV_KIT_CODE_CHARS;
	refuses("", 0, PV_ERR_TRUNCATED, 0, "nothing");
	refuses(code, n - 1, PV_ERR_TRUNCATED, 11, "a character short at the end");
	refuses(code, 6, PV_ERR_TRUNCATED, 0, "one group");
	memcpy(text, code, n);
	memmove(text + 15, text + 16, n - 16);
	refuses(text, n - 1, PV_ERR_TRUNCATED, 3, "a character short in the third group");
	memcpy(text, code, n);
	text[n] = '7';
	refuses(text, n + 1, PV_ERR_LIMIT, 0, "a character more");
	memcpy(text, code, n);
	text[30] = 'U';
	refuses(text, n, PV_ERR_MALFORMED, 5, "a letter that no code has");
	text[30] = '\0';
	refuses(text, n, PV_ERR_MALFORMED, 5, "a zero byte");
	text[30] = '\xc3';
	refuses(text, n, PV_ERR_MALFORMED, 5, "a foreign letter");
	char big[5000];
	struct pv_kit_secret got;
	unsigned group;
	memset(big, '0', sizeof big);
	tap_is_int(pv_kit_decode(pv_bytes(big, sizeof big), &got, &group), PV_ERR_LIMIT,
		   "thousands of digits");
}

/* The groups all fit, but not each other: a group taken from another kit's code. */
static void mixed(const char *code)
{
	struct pv_kit_secret other = sample;
	char second[PV_KIT_CODE_CHARS + 1], text[PV_KIT_CODE_CHARS];
	other.b[3] ^= 1; /* the second group */
	pv_kit_encode(&other, second);
	memcpy(text, code, sizeof text);
	memcpy(text + 7, second + 7, 6);
	refuses(text, sizeof text, PV_ERR_MALFORMED, 0, "a group of another kit");
}

static bool has(const struct pv_buf *buf, const char *what)
{
	size_t n = strlen(what);
	for (size_t i = 0; i + n <= buf->n; i++)
		if (memcmp(buf->p + i, what, n) == 0) return true;
	return false;
}

static void sheets(const char *code)
{
	struct pv_kit_facts facts = {.name = pv_bytes_of_string("Ana \xc3\x84\n\nCode:\n\xe2\x80\xa8 \xc2\x85\x7f x"),
				     .server_url = "https://rooms.example"};
	struct pv_kit_secret got;
	unsigned group;
	struct pv_buf text;
	memset(&facts.person, 0xab, sizeof facts.person);
	pv_buf_init(&text, PV_KIT_SHEET_BYTES);
	pv_kit_sheet_put(&text, &facts, &sample);
	tap_is_int(text.err, PV_OK, "a sheet is written");
	tap_ok(has(&text, "\nName:   Ana \xc3\x84  Code:") && has(&text, "\nServer: https://rooms.example\n") &&
	       has(&text, "\nPerson: abababab"), "with the facts, a name on one line");
	tap_ok(!has(&text, "\xe2\x80\xa8") && !has(&text, "\xc2\x85") && !has(&text, "\x7f"), "and without its controls");
	tap_is_int(pv_kit_sheet_read(pv_buf_bytes(&text), &got, &group), PV_OK, "it is read");
	tap_is_bytes(&got, 32, &sample, 32, "as the same secret");
	tap_is_int(pv_kit_sheet_read(pv_bytes_of_string(code), &got, &group), PV_OK, "a code alone is read too");
	tap_is_int(pv_kit_sheet_read(pv_bytes(text.p, text.n - 3), &got, &group), PV_ERR_TRUNCATED, "a sheet cut short is not");
	tap_is_int((int)group, 11, "and names its last group");
	tap_is_int(pv_kit_sheet_read(pv_bytes_of_string("not a kit at all"), &got, &group), PV_ERR_TRUNCATED,
		   "nor is another text");
	static char big[PV_KIT_SHEET_BYTES + 1];
	tap_is_int(pv_kit_sheet_read(pv_bytes(big, sizeof big), &got, &group), PV_ERR_LIMIT, "nor a big one");
	pv_buf_wipe(&text);
}

/* The longest name and address still leave a sheet that is read back. */
static void longest(void)
{
	static char url[PV_LIMIT_URL_BYTES + 1], name[PV_LIMIT_NAME_BYTES];
	struct pv_kit_facts facts = {.name = pv_bytes(name, sizeof name), .server_url = url, .further = true, .mark = "0123456789abcdef, made 2026-01-01"};
	struct pv_kit_secret got;
	unsigned group;
	struct pv_buf text;
	memset(url, 'u', sizeof url - 1);
	memset(name, 'n', sizeof name);
	pv_buf_init(&text, PV_KIT_SHEET_BYTES);
	pv_kit_sheet_put(&text, &facts, &sample);
	tap_is_int(text.err, PV_OK, "the longest name and address fit on a sheet");
	tap_is_int(pv_kit_sheet_read(pv_buf_bytes(&text), &got, &group), PV_OK, "which is read");
	tap_ok(has(&text, "privity recover --name DEVICE --revoke-others --server uuu"), "and says how it is used");
	pv_buf_wipe(&text);
}

static void paper(void)
{
	struct pv_sign_seed sign, want_sign;
	struct pv_kem_seed kem, want_kem;
	pv_kit_paper_seeds(&sample, &sign, &kem);
	enum pv_err err = pv_hkdf_general(PV_BYTES_OF(sample), pv_bytes(NULL, 0), pv_bytes_of_string("\x74privity/1/paper/sign"),
					  want_sign.b, 32);
	enum pv_err err2 = pv_hkdf_general(PV_BYTES_OF(sample), pv_bytes(NULL, 0), pv_bytes_of_string("\x73privity/1/paper/kem"),
					   want_kem.b, 32);
	tap_ok(!err && !err2, "HKDF");
	tap_is_bytes(sign.b, 32, want_sign.b, 32, "the paper device's signing seed");
	tap_is_bytes(kem.b, 32, want_kem.b, 32, "and its KEM seed");
}

int main(void)
{
	char code[PV_KIT_CODE_CHARS + 1];
	pv_kit_encode(&sample, code);
	tap_is_str(code, "000G42-0R40MM-30E20J-9185GC-R38E13-W8124E-GK2GAJ-HC5RRD-34D1P2-70X3RS-FZA313", "the exact code");
	codes();
	as_typed(code);
	wrong_characters(code);
	wrong_shapes(code);
	mixed(code);
	sheets(code);
	longest();
	paper();
	return tap_done();
}
