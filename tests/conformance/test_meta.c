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

/* ---- backups: a copy of one moment, in files, whatever the store */

struct seen {
	uint64_t rooms, restored, blobs, refs;
	struct pv_id16 locator;
};

static enum pv_err see_note(void *context, const struct pv_meta_room *room, struct pv_bytes note)
{
	struct seen *seen = context;
	seen->rooms += note.n > 0;
	seen->restored += room->restored;
	return PV_OK;
}

static enum pv_err see_blob(void *context, const struct pv_meta_blob *blob)
{
	struct seen *seen = context;
	seen->blobs++;
	seen->refs += blob->refs;
	seen->locator = blob->locator;
	return PV_OK;
}

static enum pv_err stop_at_note(void *context, const struct pv_meta_room *room, struct pv_bytes note)
{
	(void)room;
	(void)note;
	++*(unsigned *)context;
	return PV_ERR_LIMIT;
}

static void test_walks(const struct pv_meta_stats *stats)
{
	struct seen seen = {0};
	unsigned calls = 0;
	gives(CALL(each_note, see_note, &seen), PV_OK, "each room is shown with its note");
	check(seen.rooms == stats->rooms && seen.restored == 0, "once");
	gives(CALL(each_note, stop_at_note, &calls), PV_ERR_LIMIT, "until told to stop");
	check(calls == 1, "at once");
	gives(CALL(each_blob, see_blob, &seen), PV_OK, "each blob is shown");
	check(seen.blobs == stats->blobs, "once");
	bool is_used = seen.refs > 0;
	gives(CALL(blob_drop, &seen.locator), is_used ? PV_ERR_CONFLICT : PV_OK, "one is dropped only if nothing refers to it");
	struct pv_id16 none = id_of("locator", 999);
	gives(CALL(blob_drop, &none), PV_ERR_CONFLICT, "one that is not there is told");
}

static void test_restored(void)
{
	struct pv_hash room = hash_of("room", 1), token = hash_of("restored", 1), due[4];
	struct pv_meta_session session = session_for(1), got;
	struct pv_meta_room row;
	struct seen seen = {0};
	struct pv_hash code = hash_of("code", 9);
	struct pv_meta_append person = append_of(hash_of("person", 9), 0, 0, &made[0].row, 1);
	uint64_t at = 7;
	size_t count = 9;
	person.kind = 0;
	person.registration = PV_REGISTRATION_CODE;
	person.registration_hash = code;
	gives(CALL(code_put, &code, NOW + 10), PV_OK, "a code to register by is given out");
	gives(CALL(restored_at, &at), PV_OK, "a store tells when it was restored");
	check(at == 0, "never, at first");
	session.expires_ms = NOW + 10;
	gives(CALL(session_put, &token, &session), PV_OK, "with a session");
	gives(CALL(mark_restored, NOW + 5), PV_OK, "it is marked");
	gives(CALL(restored_at, &at), PV_OK, "then it tells");
	check(at == NOW + 5, "when");
	gives(CALL(room, &room, &row), PV_OK, "its rooms stand");
	check(row.restored, "and wait");
	gives(CALL(each_note, see_note, &seen), PV_OK, "all");
	check(seen.rooms && seen.restored == seen.rooms, "of them");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "sessions have ended");
	gives(CALL(append, &person, 1), PV_OK, "registering by the code of before");
	gives(person.ret_err, PV_ERR_DENIED, "is denied");
	gives(CALL(overdue, UINT64_MAX / 2, 4, due, &count), PV_OK, "no deadline is due");
	check(count == 0, "while they wait");
}

/* Who has shown what of a restored room, what stood beside the blobs, and how it opens. */
static void test_shown(void)
{
	struct pv_hash room = hash_of("room", 1), later = hash_of("room", 77), one = hash_of("device", 1), two = hash_of("device", 2);
	struct pv_bytes note = pv_bytes_of_string("a note");
	struct pv_meta_room row, other;
	uint64_t known = 7;
	bool shown = true, is_last = true;
	struct pv_bytes newer = pv_bytes_of_string("a newer one");
	struct pv_buf kept;
	pv_buf_init(&kept, 64);
	if (CALL(room, &room, &row)) abort();
	gives(CALL(known_size, row.no, &known), PV_OK, "of a restored room");
	check(known == 0, "nothing is known at first");
	gives(CALL(shown, row.no, &one, &shown), PV_OK, "and who has shown something");
	check(!shown, "is nobody");
	gives(CALL(show, row.no, &one, 9, note, &known), PV_OK, "one device shows");
	check(known == 9, "how far it had come");
	gives(CALL(show, row.no, &two, 8, note, &known), PV_OK, "another one less");
	check(known == 9, "which hides nothing");
	gives(CALL(show, row.no, &two, 11, note, &known), PV_OK, "then more");
	check(known == 11, "which counts");
	gives(CALL(shown, row.no, &two, &shown), PV_OK, "it is known");
	check(shown, "who was there");
	gives(CALL(shown, row.no + 1, &two, &shown), PV_OK, "and in which room");
	check(!shown, "it was");
	gives(CALL(kept_head, row.no, &kept, &is_last), PV_ERR_NOT_FOUND, "beside the blobs stood nothing");
	gives(CALL(keep_head, &room, 10, note, false), PV_OK, "a head did");
	gives(CALL(known_size, row.no, &known), PV_OK, "a smaller one");
	check(known == 11, "hides nothing either");
	gives(CALL(keep_head, &room, 12, newer, true), PV_OK, "a newer one");
	gives(CALL(known_size, row.no, &known), PV_OK, "counts");
	check(known == 12, "as what was shown does");
	gives(CALL(kept_head, row.no, &kept, &is_last), PV_OK, "and is told");
	check(pv_bytes_equal(pv_buf_bytes(&kept), newer) && is_last, "as it was signed, and that nothing came after it");
	gives(CALL(keep_head, &later, 5, note, false), PV_OK, "a room that is not known here may have one");
	gives(CALL(open_room, row.no, row.size + 1), PV_ERR_CONFLICT, "a room opens only as long as it is");
	gives(CALL(open_room, row.no, row.size), PV_OK, "then it opens");
	gives(CALL(room, &room, &other), PV_OK, "and stands");
	check(!other.restored, "open");
	gives(CALL(mark_restored, NOW + 6), PV_OK, "restored once more");
	gives(CALL(known_size, row.no, &known), PV_OK, "nothing of it");
	check(known == 0, "is known any more");
	gives(CALL(shown, row.no, &one, &shown), PV_OK, "by nobody");
	check(!shown, "at all");
	gives(CALL(kept_head, row.no, &kept, &is_last), PV_ERR_NOT_FOUND, "nor by the blobs");
	pv_buf_release(&kept);
}

/* Entries of a tail may name blobs whose rows were lost; those count when they come. */
static void test_lost_refs(void)
{
	struct pv_hash room = hash_of("room", 91);
	struct pv_id16 names[2] = {id_of("lost blob", 1), id_of("lost blob", 2)};
	struct pv_merkle_edge at = {0};
	struct pv_meta_lost lost[4], after = {.room.no = 0};
	struct made one, two;
	size_t count = 9;
	gives(CALL(lost_refs, &after, 4, lost, &count), PV_OK, "no blob is missed");
	check(count == 0, "at first");
	make_entry(&at, 1, 1, 0, names, 2, "body", &one);
	make_entry(&at, 1, 2, 3, names, 1, "body", &two);
	struct pv_meta_entry rows[2] = {one.row, two.row};
	struct pv_meta_append append = append_of(room, 0, 0, rows, 2);
	append.given_back = true;
	append.registration = PV_REGISTRATION_NONE;
	gives(CALL(append, &append, 1), PV_OK, "a tail is given back");
	gives(append.ret_err, PV_OK, "that names blobs which are not here");
	gives(CALL(lost_refs, &after, 4, lost, &count), PV_OK, "they are missed");
	check(count == 2 && pv_hash_equal(&lost[0].room.id, &room) && lost[0].room.no == append.no, "both, in their room");
	gives(CALL(lost_refs, &lost[0], 4, lost, &count), PV_OK, "one after the other");
	check(count == 1, "each once");
	struct pv_meta_blob blob = {.name = names[0], .locator = id_of("locator", 501), .size_bytes = 3, .sha256 = hash_of("blob", 501)};
	struct pv_id16 gone[4];
	size_t collected = 9;
	gives(CALL(blob_put, append.no, &blob, NOW), PV_OK, "one comes");
	gives(CALL(lost_refs, &after, 4, lost, &count), PV_OK, "and the other");
	check(count == 1 && pv_id16_equal(&lost[0].name, &names[1]), "is missed still");
	gives(CALL(open_room, append.no, 2), PV_OK, "the room opens");
	gives(CALL(blob_collect, NOW + 1000, 4, gone, &collected), PV_OK, "what nothing refers to is collected");
	gives(CALL(blob_drop, &blob.locator), PV_ERR_CONFLICT, "what came back is not among it");
	free_made(&one);
	free_made(&two);
}

static void test_succession(void)
{
	struct pv_hash room = hash_of("room", 1), next = hash_of("room", 50), other = hash_of("room", 51);
	struct pv_meta_room row;
	struct pv_buf text;
	pv_buf_init(&text, 64);
	if (CALL(room, &room, &row)) abort();
	gives(CALL(succession, row.no, &text), PV_ERR_NOT_FOUND, "a room goes on in itself");
	gives(CALL(succeed, row.no, &next, pv_bytes_of_string("in that one")), PV_OK, "or in another");
	gives(CALL(succeed, row.no, &next, pv_bytes_of_string("come there")), PV_OK, "whose word may be renewed");
	gives(CALL(succeed, row.no, &other, pv_bytes_of_string("or there")), PV_ERR_CONFLICT, "but not in yet another");
	gives(CALL(succession, row.no, &text), PV_OK, "and it is told");
	check(pv_bytes_equal(pv_buf_bytes(&text), pv_bytes_of_string("come there")), "in the newest words");
	pv_buf_clear(&text);
	gives(CALL(mark_restored, NOW + 7), PV_OK, "a restore");
	gives(CALL(succession, row.no, &text), PV_OK, "does not take that back");
	pv_buf_release(&text);
}

static void test_snapshot(void)
{
	char dir[] = "/tmp/privity-copy-XXXXXX", path[64], why[PV_META_WHY_MAX] = "";
	struct pv_meta_stats stats, copied;
	struct pv_meta *original = meta;
	if (!mkdtemp(dir)) abort();
	snprintf(path, sizeof path, "%s/copy.db", dir);
	gives(CALL(stats, &stats), PV_OK, "what is there is counted");
	gives(CALL(snapshot, path, NULL, NULL), PV_OK, "and copied");
	gives(CALL(snapshot, path, NULL, NULL), PV_ERR_IO, "never over another file");
	gives(pv_meta_sqlite_open(path, &meta, why), PV_OK, "the copy opens");
	gives(CALL(stats, &copied), PV_OK, "and holds");
	check(copied.rooms == stats.rooms && copied.entries == stats.entries && copied.blobs == stats.blobs, "the same");
	test_walks(&stats);
	test_restored();
	test_shown();
	test_succession();
	test_lost_refs();
	CALL(close);
	meta = original;
	struct pv_hash room = hash_of("room", 1);
	struct pv_meta_room row;
	gives(CALL(room, &room, &row), PV_OK, "the original");
	check(!row.restored, "is as it was");
	remove_dir(dir);
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
	meta_suite_forget();
	test_snapshot();
	test_threads();
	CALL(close);
	for (int i = 0; i < 6; i++) free_made(&made[i]);
}

/* ---- what a store with files must do besides */

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
	    sqlite3_exec(db, "DROP TABLE pairings; DROP TABLE pairing_messages; ALTER TABLE rooms DROP COLUMN restored;"
			     "DROP TABLE restores; DROP TABLE known_heads; DROP TABLE shown_heads; "
			     "DROP TABLE kept_heads; DROP TABLE successions; DROP TABLE lost_refs; DROP TABLE forgets; DROP INDEX rooms_dropping;"
			     "ALTER TABLE rooms DROP COLUMN notice; ALTER TABLE rooms DROP COLUMN dropping; PRAGMA user_version = 1", NULL, NULL, NULL))
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
