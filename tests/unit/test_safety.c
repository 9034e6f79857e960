/* Safety numbers: the same for both, other for anybody else, as people type and scan them, and every way to get them
 * wrong. */
#include "core/room/safety.h"

#include "core/crypto/keys.h"
#include "tests/seeded.h"
#include "tests/tap.h"

static struct pv_hash ana, ben, carla;

static enum pv_err check(const char *text, enum pv_safety_given *ret_given, unsigned *ret_group)
{
	*ret_given = (enum pv_safety_given)7;
	*ret_group = 99;
	return pv_safety_check(&ana, &ben, pv_bytes_of_string(text), ret_given, ret_group);
}

static void refuses(const char *text, enum pv_err want, const char *what)
{
	enum pv_safety_given given;
	unsigned group;
	enum pv_err err = check(text, &given, &group);
	tap_ok(err == want && group == 0 && (int)given == 7, "%s: %s", what, pv_err_web_name(err));
}

static void holds(const char *text, enum pv_safety_given want, const char *what)
{
	enum pv_safety_given given;
	unsigned group;
	enum pv_err err = check(text, &given, &group);
	tap_ok(err == PV_OK && given == want && group == 0, "%s: %s", what, pv_err_web_name(err));
}

static void numbers(void)
{
	char here[PV_SAFETY_NUMBER_CHARS + 1], there[PV_SAFETY_NUMBER_CHARS + 1], other[PV_SAFETY_NUMBER_CHARS + 1];
	struct seeded seeds = seeded_make(7);
	bool all = true;
	pv_safety_number(&ana, &ben, here);
	pv_safety_number(&ben, &ana, there);
	pv_safety_number(&ana, &carla, other);
	tap_ok(strcmp(here, there) == 0, "both see the same number: %s", here);
	tap_ok(strcmp(here, other) != 0, "with another person it is another one");
	tap_ok(strlen(here) == 71 && strspn(here, "0123456789 ") == 71, "twelve groups of five digits");
	tap_ok(memcmp(here, here + 36, 35) != 0, "its two halves differ");
	for (int i = 0; i < 500; i++) {
		struct pv_hash x, y, z;
		char number[PV_SAFETY_NUMBER_CHARS + 1], again[PV_SAFETY_NUMBER_CHARS + 1];
		seeded_fill(&seeds, &x, sizeof x);
		seeded_fill(&seeds, &y, sizeof y);
		z = y;
		z.b[i % 32] ^= (uint8_t)(1 << i % 8);
		pv_safety_number(&x, &y, number);
		pv_safety_number(&z, &x, again);
		for (size_t group = 0; group < PV_SAFETY_GROUPS && i < 12; group++) /* by chance one in 100000 each */
			all = all && memcmp(number + 6 * group, again + 6 * group, 5) != 0;
		all = all && strcmp(number, again) != 0;
	}
	tap_ok(all, "one bit of an id changes all of it");
}

static void as_typed(void)
{
	char number[PV_SAFETY_NUMBER_CHARS + 1], text[512];
	size_t n = 0;
	pv_safety_number(&ana, &ben, number);
	holds(number, PV_SAFETY_GIVEN_NUMBER, "as it is shown");
	for (const char *c = number; *c; c++)
		if (*c != ' ') text[n++] = *c;
	text[n] = '\0';
	holds(text, PV_SAFETY_GIVEN_NUMBER, "without blanks");
	n = (size_t)sprintf(text, "\r\n ");
	for (const char *c = number; *c; c++) n += (size_t)sprintf(text + n, "%c%s", *c, *c == '3' ? " - \n" : *c == '4' ? "\t." : "");
	(void)sprintf(text + n, "\n");
	holds(text, PV_SAFETY_GIVEN_NUMBER, "with blanks, dashes, dots and line ends anywhere");

	(void)sprintf(text, "%s1", number);
	refuses(text, PV_ERR_LIMIT, "a digit more");
	memcpy(text, number, sizeof number);
	text[PV_SAFETY_NUMBER_CHARS - 1] = '\0';
	refuses(text, PV_ERR_TRUNCATED, "a digit less");
	refuses("", PV_ERR_TRUNCATED, "nothing");
	refuses(" -.\n", PV_ERR_TRUNCATED, "blanks");
	memcpy(text, number, sizeof number);
	text[20] = 'O';
	refuses(text, PV_ERR_MALFORMED, "a letter");
	memset(text, ' ', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	refuses(text, PV_ERR_TRUNCATED, "blanks alone");
}

/* Any digit changed to any other: the only wrong group is named, and of two none is. */
static void wrong_digits(void)
{
	char number[PV_SAFETY_NUMBER_CHARS + 1], text[PV_SAFETY_NUMBER_CHARS + 1];
	enum pv_safety_given given;
	unsigned group;
	size_t wrong = 0, tried = 0;
	pv_safety_number(&ana, &ben, number);
	for (size_t i = 0; i < PV_SAFETY_NUMBER_CHARS; i++) {
		for (char d = '0'; d <= '9'; d++) {
			if (number[i] == ' ' || number[i] == d) continue;
			memcpy(text, number, sizeof text);
			text[i] = d;
			tried++;
			wrong += check(text, &given, &group) != PV_ERR_BROKEN_CHAIN || group != i / 6 + 1 || given != PV_SAFETY_GIVEN_NUMBER;
		}
	}
	tap_ok(tried == 60 * 9 && wrong == 0, "each wrong digit is refused, and its group named");
	memcpy(text, number, sizeof text);
	text[0] = (char)(text[0] == '9' ? '0' : text[0] + 1);
	text[70] = (char)(text[70] == '9' ? '0' : text[70] + 1);
	tap_ok(check(text, &given, &group) == PV_ERR_BROKEN_CHAIN && group == 0, "where two groups differ, none is named");
	memcpy(text + 66, number + 60, 5);
	tap_ok(check(text, &given, &group) == PV_ERR_BROKEN_CHAIN && group == 0, "two groups of each other's digits");
	pv_safety_number(&ana, &carla, text);
	tap_ok(check(text, &given, &group) == PV_ERR_BROKEN_CHAIN && group == 0, "the number of another pair");
}

static void codes(void)
{
	char code[PV_SAFETY_CODE_CHARS + 1], text[256];
	enum pv_safety_given given;
	unsigned group;
	pv_safety_code(&ben, &ana, code);
	tap_ok(strlen(code) == PV_SAFETY_CODE_CHARS && strncmp(code, "PRIVITY:SAFETY:1:", 17) == 0, "a code");
	tap_ok(strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ:") == strlen(code), "in characters that a QR code packs well");
	holds(code, PV_SAFETY_GIVEN_CODE, "what the other shows");
	(void)snprintf(text, sizeof text, " %s\n", code);
	for (char *c = text; *c; c++)
		if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
	holds(text, PV_SAFETY_GIVEN_CODE, "in small letters, with a line end");

	pv_safety_code(&ana, &ben, text);
	tap_ok(check(text, &given, &group) == PV_ERR_CONFLICT && given == PV_SAFETY_GIVEN_CODE, "one's own code is no proof of the other");
	pv_safety_code(&carla, &ana, text);
	tap_ok(check(text, &given, &group) == PV_ERR_BROKEN_CHAIN && given == PV_SAFETY_GIVEN_CODE, "a code of somebody else");
	pv_safety_code(&ben, &carla, text);
	tap_ok(check(text, &given, &group) == PV_ERR_BROKEN_CHAIN && given == PV_SAFETY_GIVEN_CODE, "the other's code for somebody else");
	memcpy(text, code, sizeof code);
	text[40] = (char)(text[40] == 'A' ? 'B' : 'A');
	tap_ok(check(text, &given, &group) == PV_ERR_BROKEN_CHAIN, "a digit of an id changed");

	memcpy(text, code, sizeof code);
	text[15] = '2';
	refuses(text, PV_ERR_UNSUPPORTED, "a newer version");
	refuses("PRIVITY:SAFETY:17:what comes then", PV_ERR_UNSUPPORTED, "another newer version");
	memcpy(text, code, sizeof code);
	text[20] = 'G';
	refuses(text, PV_ERR_MALFORMED, "a character that is no hex");
	memcpy(text, code, sizeof code);
	text[PV_SAFETY_CODE_CHARS - 1] = '\0';
	refuses(text, PV_ERR_MALFORMED, "a character less");
	(void)snprintf(text, sizeof text, "%s0", code);
	refuses(text, PV_ERR_MALFORMED, "a character more");
	refuses("PRIVITY:SAFETY:", PV_ERR_MALFORMED, "the mark alone");
	refuses("PRIVITY:SAFETY:1:", PV_ERR_MALFORMED, "mark and version alone");
	refuses("https://rooms.example/i#AbC", PV_ERR_MALFORMED, "a link");
}

int main(void)
{
	struct seeded seeds = seeded_make(3);
	uint8_t much[PV_LIMIT_SAFETY_BYTES + 1];
	enum pv_safety_given given;
	unsigned group;
	if (!tap_ok(pv_crypto_init() == PV_OK, "cryptography")) return tap_done();
	seeded_fill(&seeds, &ana, sizeof ana);
	seeded_fill(&seeds, &ben, sizeof ben);
	seeded_fill(&seeds, &carla, sizeof carla);
	numbers();
	as_typed();
	wrong_digits();
	codes();
	memset(much, ' ', sizeof much);
	tap_ok(pv_safety_check(&ana, &ben, pv_bytes(much, sizeof much), &given, &group) == PV_ERR_LIMIT, "more than anybody types");
	return tap_done();
}
