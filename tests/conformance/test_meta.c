/* What every metadata store must do, run over each of them, and what one with files must do besides. */
#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/conformance/meta_kit.h"

static void test_stats(void)
{
	struct pv_meta_stats stats;
	gives(CALL(stats, &stats), PV_OK, "it counts");
	check(stats.rooms == 3 && stats.accounts == 1 && stats.blobs == 1 && stats.gates == 1, "what is there");
	gives(CALL(check), PV_OK, "it is well");
	gives(CALL(maintain, NOW), PV_OK, "and keeps itself");
}

/* Many threads, one room each: nothing is lost. */
static void *write_sessions(void *context)
{
	uint64_t first = (uint64_t)(uintptr_t)context * 1000;
	size_t failed = 0;
	for (uint64_t i = 0; i < 50; i++) {
		struct pv_hash token = hash_of("thread", first + i);
		struct pv_meta_session session = session_for(first + i), got;
		failed += CALL(session_put, &token, &session) != PV_OK || CALL(session, &token, NOW, &got) != PV_OK;
	}
	return (void *)(uintptr_t)failed;
}

static void test_threads(void)
{
	pthread_t threads[4];
	size_t failed = 0;
	for (uintptr_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, write_sessions, (void *)(i + 1));
	for (int i = 0; i < 4; i++) {
		void *result;
		pthread_join(threads[i], &result);
		failed += (size_t)(uintptr_t)result;
	}
	check(failed == 0, "four threads write and read at once");
}

static void run_suite(const char *name, struct pv_meta *store)
{
	store_name = name;
	meta = store;
	edge = (struct pv_merkle_edge){0};
	meta_suite_logs();
	meta_suite_people();
	meta_suite_gates();
	test_stats();
	test_threads();
	CALL(close);
	for (int i = 0; i < 6; i++) free_made(&made[i]);
}

/* ---- what a store with files must do besides */

static void remove_dir(const char *dir)
{
	DIR *list = opendir(dir);
	char path[512];
	for (struct dirent *item; list && (item = readdir(list));) {
		snprintf(path, sizeof path, "%s/%s", dir, item->d_name);
		unlink(path);
	}
	if (list) closedir(list);
	rmdir(dir);
}

static void test_reopen(const char *path)
{
	char why[PV_META_WHY_MAX] = "";
	struct pv_hash room = hash_of("room", 1);
	struct pv_meta_room row;
	store_name = "sqlite";
	gives(pv_meta_sqlite_open(path, &meta, why), PV_OK, "it opens again");
	gives(CALL(room, &room, &row), PV_OK, "the room is there");
	check(row.size == 6, "with all its entries");
	CALL(close);
}

/* A store of version 1 is raised when it is opened, and keeps what it holds. */
static void test_older_file(const char *path)
{
	char why[PV_META_WHY_MAX] = "";
	struct pv_hash room = hash_of("room", 1), device = hash_of("device", 1);
	struct pv_meta_room row;
	sqlite3 *db;
	if (sqlite3_open(path, &db) ||
	    sqlite3_exec(db, "DROP TABLE pairings; DROP TABLE pairing_messages; PRAGMA user_version = 1", NULL, NULL, NULL))
		abort();
	sqlite3_close(db);
	gives(pv_meta_sqlite_open(path, &meta, why), PV_OK, "an older version's file is raised");
	gives(CALL(room, &room, &row), PV_OK, "keeps its rooms");
	gives(CALL(pairing_new, 5, &device, NOW, NOW + 10), PV_OK, "and can do what is new");
	CALL(close);
	gives(pv_meta_sqlite_open(path, &meta, why), PV_OK, "for good");
	CALL(close);
}

/* Change what the file says of itself. */
static void doctor(const char *path, const char *how)
{
	FILE *file = fopen(path, "r+b");
	/* user_version stands in the header, big-endian at 60; the magic at 0. */
	if (!file) abort();
	if (strcmp(how, "newer") == 0 && fseek(file, 60, SEEK_SET) == 0) fwrite("\0\0\0\x63", 1, 4, file);
	if (strcmp(how, "broken") == 0) fwrite("not a database at all", 1, 21, file);
	fclose(file);
}

static void test_bad_files(const char *path)
{
	char why[PV_META_WHY_MAX] = "";
	struct pv_meta *none = NULL;
	doctor(path, "newer");
	gives(pv_meta_sqlite_open(path, &none, why), PV_ERR_UNSUPPORTED, "a newer version's file is refused");
	check(strstr(why, "newer") && strstr(why, path), "in words that name it");
	doctor(path, "broken");
	gives(pv_meta_sqlite_open(path, &none, why), PV_ERR_CORRUPT, "a damaged file is refused");
	check(strstr(why, "damaged") && strstr(why, path), "in words that name it");
	gives(pv_meta_sqlite_open("/nowhere/at/all.db", &none, why), PV_ERR_IO, "so is a place that is none");
	check(strstr(why, "/nowhere/at/all.db") != NULL, "by its name");
}

int main(void)
{
	char dir[] = "/tmp/privity-meta-XXXXXX", path[64], why[PV_META_WHY_MAX] = "";
	struct pv_meta *store;
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	meta_kit_init();
	if (pv_meta_memory_open(&store)) return 1;
	run_suite("memory", store);
	snprintf(path, sizeof path, "%s/meta.db", dir);
	if (pv_meta_sqlite_open(path, &store, why)) {
		store_name = "sqlite";
		check(false, why);
		return meta_kit_done();
	}
	run_suite("sqlite", store);
	test_reopen(path);
	test_older_file(path);
	test_bad_files(path);
	remove_dir(dir);
	return meta_kit_done();
}
