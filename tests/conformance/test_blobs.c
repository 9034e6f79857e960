/* What every blob store must do, run over each of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/blob/blob.h"
#include "tests/tap.h"

static const char *store_name;
static struct pv_blobs *blobs;
#define CALL(call, ...) blobs->ops->call(blobs, ##__VA_ARGS__)

static void check(bool good, const char *what)
{
	tap_ok(good, "%s: %s", store_name, what);
}

static void gives(enum pv_err got, enum pv_err want, const char *what)
{
	tap_ok(got == want, "%s: %s", store_name, what);
	if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

static struct pv_id16 locator_of(uint8_t number)
{
	return (struct pv_id16){{0xab, number, [15] = number}};
}

static enum pv_err put(uint8_t number, const char *first, const char *second)
{
	struct pv_id16 locator = locator_of(number);
	struct pv_blob_writer *writer;
	enum pv_err err = CALL(begin, &locator, &writer);
	if (err) return err;
	err = blobs->ops->write(writer, first, strlen(first));
	if (!err) err = blobs->ops->write(writer, second, strlen(second));
	if (!err) return blobs->ops->commit(writer);
	blobs->ops->abandon(writer);
	return err;
}

static enum pv_err count_one(void *context, const struct pv_id16 *locator, uint64_t written_ms)
{
	(void)locator;
	(void)written_ms;
	++*(size_t *)context;
	return PV_OK;
}

static size_t count_all(void)
{
	size_t count = 0;
	gives(CALL(each, count_one, &count), PV_OK, "all are walked");
	return count;
}

static void run_suite(const char *name, struct pv_blobs *store)
{
	struct pv_id16 one = locator_of(1), two = locator_of(2), three = locator_of(3);
	struct pv_blob_writer *writer;
	struct pv_buf bytes;
	int fd;
	store_name = name;
	blobs = store;
	pv_buf_init(&bytes, 4096);
	gives(CALL(check), PV_OK, "it is well");
	gives(CALL(read, &one, 0, 1, &bytes), PV_ERR_NOT_FOUND, "a blob that is not there is not found");
	gives(CALL(open, &one, &fd), PV_ERR_NOT_FOUND, "nor opened");
	gives(put(1, "hello ", "world"), PV_OK, "one is written in parts");
	gives(CALL(read, &one, 0, 11, &bytes), PV_OK, "and read");
	check(pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("hello world")), "whole");
	pv_buf_clear(&bytes);
	gives(CALL(read, &one, 6, 5, &bytes), PV_OK, "or in part");
	check(pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("world")), "from an offset");
	gives(CALL(read, &one, 6, 6, &bytes), PV_ERR_TRUNCATED, "not past its end");
	check(bytes.n == 5, "and then nothing is added");
	gives(CALL(read, &one, UINT64_MAX / 2, 6, &bytes), PV_ERR_TRUNCATED, "nor far past it");
	gives(CALL(read, &one, 11, 0, &bytes), PV_OK, "nothing can be read at its end");
	gives(put(1, "other", ""), PV_ERR_CONFLICT, "a locator is written once");
	pv_buf_clear(&bytes);
	gives(CALL(read, &one, 0, 11, &bytes), PV_OK, "and keeps");
	check(pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("hello world")), "its bytes");
	enum pv_err opened = CALL(open, &one, &fd);
	check(opened == PV_OK || opened == PV_ERR_UNSUPPORTED, "it opens as a file, or says that it cannot");
	if (!opened) {
		char text[16] = "";
		check(read(fd, text, sizeof text) == 11 && memcmp(text, "hello world", 11) == 0, "with its bytes");
		close(fd);
	}
	gives(CALL(begin, &two, &writer), PV_OK, "one that is begun");
	gives(blobs->ops->write(writer, "x", 1), PV_OK, "and written");
	gives(CALL(read, &two, 0, 1, &bytes), PV_ERR_NOT_FOUND, "is not there before its commit");
	check(count_all() == 1, "nor walked");
	blobs->ops->abandon(writer);
	gives(CALL(read, &two, 0, 1, &bytes), PV_ERR_NOT_FOUND, "nor when it is abandoned");
	blobs->ops->abandon(NULL);
	gives(put(2, "", ""), PV_OK, "an empty one");
	gives(put(3, "3", ""), PV_OK, "and a third");
	check(count_all() == 3, "make three");
	gives(CALL(remove, &three), PV_OK, "one goes");
	gives(CALL(remove, &three), PV_OK, "going twice is no error");
	check(count_all() == 2, "two stay");
	gives(put(3, "again", ""), PV_OK, "its place can be taken again");
	struct pv_id16 called = {{7}}, other = {{8}}, four = locator_of(4);
	gives(CALL(find, &called, &four), PV_ERR_NOT_FOUND, "nothing has a name at first");
	gives(CALL(name, &one, &called), PV_OK, "one gets a name");
	gives(CALL(name, &three, &called), PV_OK, "which is asked for by another");
	gives(CALL(find, &other, &four), PV_ERR_NOT_FOUND, "by another name it is not found");
	gives(CALL(find, &called, &three), PV_ERR_CONFLICT, "nor put where something is");
	gives(CALL(find, &called, &four), PV_OK, "by its own it is");
	pv_buf_clear(&bytes);
	gives(CALL(read, &four, 0, 11, &bytes), PV_OK, "under a new locator");
	check(pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("hello world")), "as who had the name first");
	check(count_all() == 4, "a name is no blob");
	gives(CALL(remove, &four), PV_OK, "the new one goes");
	gives(CALL(tidy), PV_OK, "names of what stands");
	gives(CALL(find, &called, &four), PV_OK, "are kept");
	gives(CALL(remove, &four), PV_OK, "until");
	gives(CALL(remove, &one), PV_OK, "all of it");
	gives(CALL(tidy), PV_OK, "went");
	gives(CALL(find, &called, &four), PV_ERR_NOT_FOUND, "and the name with it");
	gives(put(1, "hello ", "world"), PV_OK, "it is written again");
	gives(CALL(begin, &four, &writer), PV_OK, "one is begun");
	gives(blobs->ops->write(writer, "4", 1), PV_OK, "written");
	gives(blobs->ops->commit_as(writer, &(struct pv_id16){{0xab, 5, [15] = 5}}), PV_OK, "and put elsewhere");
	gives(CALL(read, &four, 0, 1, &bytes), PV_ERR_NOT_FOUND, "it is not where it was begun");
	gives(CALL(read, &(struct pv_id16){{0xab, 5, [15] = 5}}, 0, 1, &bytes), PV_OK, "but there");
	gives(CALL(remove, &(struct pv_id16){{0xab, 5, [15] = 5}}), PV_OK, "and goes");
	pv_buf_clear(&bytes);
	gives(CALL(heads_read, &bytes), PV_ERR_NOT_FOUND, "no heads are there at first");
	gives(CALL(heads_add, pv_bytes_of_string("x")), PV_ERR_NOT_FOUND, "nor can any be added");
	gives(CALL(heads_replace, pv_bytes_of_string("first"), false), PV_OK, "they are put");
	gives(CALL(heads_add, pv_bytes_of_string(" and more")), PV_OK, "and added to");
	gives(CALL(heads_read, &bytes), PV_OK, "read");
	check(pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("first and more")), "whole");
	gives(CALL(heads_replace, pv_bytes_of_string("anew"), true), PV_OK, "and replaced");
	pv_buf_clear(&bytes);
	gives(CALL(heads_read, &bytes), PV_OK, "for good");
	check(pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("anew")), "by others");
	check(count_all() == 3, "they are no blob");
	pv_buf_release(&bytes);
	CALL(close);
}

/* ---- what a store with files must do besides */

static void path_to(char *path, size_t max, const char *dir, const char *rest)
{
	snprintf(path, max, "%s/%s", dir, rest);
}

static void test_files(const char *dir)
{
	struct pv_id16 one = locator_of(1), link = locator_of(9);
	struct pv_buf bytes;
	struct stat status;
	char path[256], target[256], stray[256];
	pv_buf_init(&bytes, 4096);
	path_to(path, sizeof path, dir, "ab/ab010000000000000000000000000001");
	check(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "a blob is a file that only we read");
	path_to(stray, sizeof stray, dir, "tmp/abcdef00000000000000000000000001");
	close(open(stray, O_CREAT | O_WRONLY, 0600));
	gives(pv_blobs_fs_open(dir, &blobs), PV_OK, "it opens again");
	check(stat(stray, &status) == 0, "what another process is writing stays");
	pv_blobs_fs_sweep(blobs);
	check(stat(stray, &status) != 0 && errno == ENOENT, "what one that is gone left half-written can be swept");
	gives(CALL(read, &one, 0, 11, &bytes), PV_OK, "blobs are there");
	path_to(target, sizeof target, dir, "ab/ab090000000000000000000000000009");
	check(symlink(path, target) == 0, "where a link to a file stands");
	gives(CALL(read, &link, 0, 1, &bytes), PV_ERR_NOT_FOUND, "it is not followed");
	CALL(close);
	unlink(target);
	path_to(target, sizeof target, dir, "link");
	check(symlink(dir, target) == 0, "where a link to a folder stands");
	gives(pv_blobs_fs_open(target, &blobs), PV_ERR_DENIED, "it is not followed either");
	unlink(target);
	pv_buf_release(&bytes);
}

static void clean(const char *dir)
{
	static const char *const rest[] = {"ab/ab010000000000000000000000000001", "ab/ab020000000000000000000000000002",
					   "ab/ab030000000000000000000000000003", "heads", "heads.damaged"};
	char path[256];
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
		path_to(path, sizeof path, dir, rest[i]);
		unlink(path);
	}
	static const char *const folders[] = {"names/07", "names", "ab"};
	for (size_t i = 0; i < 3; i++) {
		path_to(path, sizeof path, dir, folders[i]);
		rmdir(path);
	}
	path_to(path, sizeof path, dir, "tmp");
	rmdir(path);
	rmdir(dir);
}

int main(void)
{
	char dir[] = "/tmp/privity-blobs-XXXXXX";
	struct pv_blobs *store;
	if (!mkdtemp(dir) || pv_blobs_memory_open(&store)) return 1;
	run_suite("memory", store);
	if (pv_blobs_fs_open(dir, &store)) return 1;
	run_suite("files", store);
	test_files(dir);
	clean(dir);
	check(access(dir, F_OK) != 0, "nothing is left over");
	return tap_done();
}
