/* Each fuzz target's known inputs, spoiled in every way by plan and not by chance: cut at each length, grown, with each bit
 * turned, with lengths that nothing has, in heads longer than needed or without an end, nested without measure.
 *
 * A target aborts where what it reads is not what would be written, so what gets through here is refused or right. The
 * program's name says which corpus: spoil_gate takes tests/fuzz/corpus/gate. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Some targets prepare themselves by it. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { FILE_BYTES_MAX = 1 << 20, TRIES_MAX = 1200, TRIES_OF_SLOW_MAX = 25, DEEP = 4096, GROWN = 1 << 16 };

/* In memory of exactly its size, so that the sanitizer sees a byte read too far. */
static void try_exactly(const uint8_t *front, size_t front_n, const uint8_t *rest, size_t rest_n)
{
	uint8_t *copy = malloc(front_n + rest_n ? front_n + rest_n : 1);
	if (!copy) abort();
	if (front_n) memcpy(copy, front, front_n);
	if (rest_n) memcpy(copy + front_n, rest, rest_n);
	(void)LLVMFuzzerTestOneInput(copy, front_n + rest_n);
	free(copy);
}

/* The sample with `with` in the place of `gone` bytes at `at`. */
static void try_with(const uint8_t *p, size_t n, size_t at, size_t gone, const uint8_t *with, size_t with_n)
{
	uint8_t *front = malloc(at + with_n ? at + with_n : 1);
	if (!front) abort();
	if (gone > n - at) gone = n - at;
	if (at) memcpy(front, p, at);
	if (with_n) memcpy(front + at, with, with_n);
	try_exactly(front, at + with_n, p + at + gone, n - at - gone);
	free(front);
}

/* ---- the ways; each is asked for place `i` of `places` */

typedef void spoil(const uint8_t *p, size_t n, size_t i);

static void cut(const uint8_t *p, size_t n, size_t i)
{
	(void)n;
	try_exactly(p, i, NULL, 0);
}

static void turn_bit(const uint8_t *p, size_t n, size_t i)
{
	uint8_t byte = (uint8_t)(p[i / 8] ^ (1u << i % 8));
	try_with(p, n, i / 8, 1, &byte, 1);
}

/* A length of 2^62 in the place of the item that begins there, if one does. */
static void make_huge(const uint8_t *p, size_t n, size_t i)
{
	const uint8_t head[9] = {(uint8_t)((p[i] & 0xe0) | 27), 0x40};
	try_with(p, n, i, 1, head, sizeof head);
}

static void write_long(const uint8_t *p, size_t n, size_t i)
{
	const uint8_t in_one[2] = {(uint8_t)((p[i] & 0xe0) | 24), p[i] & 0x1f}, in_two[3] = {(uint8_t)((p[i] & 0xe0) | 25), 0, p[i] & 0x1f};
	try_with(p, n, i, 1, in_one, sizeof in_one);
	try_with(p, n, i, 1, in_two, sizeof in_two);
}

static void leave_open(const uint8_t *p, size_t n, size_t i)
{
	uint8_t head = p[i] | 31;
	try_with(p, n, i, 1, &head, 1);
}

static void nest(const uint8_t *p, size_t n, size_t i)
{
	static uint8_t arrays[DEEP];
	memset(arrays, 0x81, sizeof arrays);
	try_with(p, n, i, 0, arrays, i % 2 ? 9 : sizeof arrays);
}

static void grow(const uint8_t *p, size_t n, size_t i)
{
	static uint8_t more[GROWN];
	memset(more, i % 4 < 2 ? 0 : p[n - 1], sizeof more);
	try_exactly(p, n, more, i % 2 ? sizeof more : 1);
}

static const struct way {
	const char *name;
	spoil *spoil;
	size_t per_byte, fixed; /* how many places there are */
} ways[] = {
	{"cut", cut, 1, 0},
	{"grown", grow, 0, 4},
	{"with a bit turned", turn_bit, 8, 0},
	{"with a length that nothing has", make_huge, 1, 0},
	{"with heads longer than needed", write_long, 1, 0},
	{"with items that do not end", leave_open, 1, 0},
	{"nested", nest, 1, 0},
};

/* All places, or evenly many of them where there are too many. */
static void go_through(const struct way *way, const uint8_t *p, size_t n, size_t tries)
{
	size_t places = way->per_byte * n + way->fixed, step = places / tries + 1;
	for (size_t i = 0; i < places; i += step) way->spoil(p, n, i);
}

/* ---- the samples */

/* Each input plays a log, or fetches a file. */
static bool is_slow(const char *target)
{
	return strcmp(target, "roster") == 0 || strcmp(target, "download") == 0;
}

static size_t read_sample(const char *dir, const char *name, uint8_t *bytes)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "rb");
	if (!file) return 0;
	size_t n = fread(bytes, 1, FILE_BYTES_MAX, file);
	fclose(file);
	return n;
}

static int is_sample(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	static uint8_t bytes[FILE_BYTES_MAX];
	const char *name = strstr(argv[0], "spoil_");
	struct dirent **samples;
	char dir[256];
	name = name ? name + strlen("spoil_") : "";
	snprintf(dir, sizeof dir, "tests/fuzz/corpus/%s", name);
	int count = scandir(dir, &samples, is_sample, alphasort);
	if (count <= 0) { /* git keeps no empty folder, so this is how a new target looks */
		tap_ok(false, "there is nothing to spoil: no sample in %s", dir);
		tap_note("put inputs there that fuzz_%s.c takes for right, small ones, one for each form that it knows", name);
		return tap_done();
	}
	tap_ok(true, "%s has samples", dir);
	if (LLVMFuzzerInitialize) (void)LLVMFuzzerInitialize(&argc, &argv);
	for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
		for (int s = 0; s < count; s++) {
			size_t n = read_sample(dir, samples[s]->d_name, bytes);
			if (n) go_through(&ways[w], bytes, n, is_slow(name) ? TRIES_OF_SLOW_MAX : TRIES_MAX);
		}
		tap_ok(true, "%s: each is refused or right", ways[w].name); /* else it would have aborted */
	}
	for (int s = 0; s < count; s++) free(samples[s]);
	free(samples);
	return tap_done();
}
