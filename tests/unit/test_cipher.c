/* Encrypted databases: what is written is unreadable without the key, and only the two ciphers we use are there. */
#include <sqlite3.h>
#include <unistd.h>
#include "tests/tap.h"

static const char canary[] = "a canary in a coal mine";

static int open_with_key(const char *path, const char *key, sqlite3 **ret_db)
{
    char sql[128];
    int rc = sqlite3_open(path, ret_db);
    if (rc != SQLITE_OK)
        return rc;
    snprintf(sql, sizeof sql, "PRAGMA cipher='aegis'; PRAGMA key='%s'; SELECT count(*) FROM sqlite_master;", key);
    return sqlite3_exec(*ret_db, sql, NULL, NULL, NULL);
}

static bool file_holds(const char *path, const char *text)
{
    static char content[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(content, 1, sizeof content, f) : 0;
    if (f)
        fclose(f);
    return n == 0 || memmem(content, n, text, strlen(text)) != NULL;
}

int main(void)
{
    char dir[] = "/tmp/pv-cipher-XXXXXX", path[64];
    sqlite3 *db = NULL;

    if (!mkdtemp(dir))
        tap_skip_all("no temporary directory");
    snprintf(path, sizeof path, "%s/db", dir);

    tap_is_int(open_with_key(path, "right", &db), SQLITE_OK, "a database opens with a key");
    char *sql = sqlite3_mprintf("CREATE TABLE t(x); INSERT INTO t VALUES (%Q);", canary);
    tap_is_int(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "a row is written");
    sqlite3_free(sql);
    tap_is_int(sqlite3_close(db), SQLITE_OK, "the database closes");
    tap_ok(!file_holds(path, canary), "the file does not hold the row");
    tap_ok(!file_holds(path, "SQLite format 3"), "nor SQLite's header");
    tap_is_int(open_with_key(path, "wrong", &db), SQLITE_NOTADB, "a wrong key is refused");
    sqlite3_close(db);
    tap_is_int(open_with_key(path, "right", &db), SQLITE_OK, "the right key opens it again");
    tap_ok(sqlite3_exec(db, "PRAGMA cipher='sqlcipher'; PRAGMA rekey='x'", NULL, NULL, NULL) != SQLITE_OK,
           "a cipher that we do not use is not there");
    sqlite3_close(db);
    unlink(path);
    rmdir(dir);
    return tap_done();
}
