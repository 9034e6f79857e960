/* The SQLite that core is given: the features that core counts on are there, natively and as wasm. */
#include <sqlite3.h>
#include "tests/tap.h"

static int collect(void *context, int columns, char **values, char **names)
{
    (void)names;
    snprintf(context, 64, "%s", columns > 0 && values[0] ? values[0] : "NULL");
    return 0;
}

int main(void)
{
    sqlite3 *db = NULL;
    char got[64];

    tap_is_int(sqlite3_open(":memory:", &db), SQLITE_OK, "a database opens in memory");
    tap_ok(sqlite3_libversion_number() >= 3053002, "SQLite is 3.53.2 or newer (%s)", sqlite3_libversion());
    int rc = sqlite3_exec(db,
                  "CREATE VIRTUAL TABLE t USING fts5(text);"
                  "INSERT INTO t(rowid, text) VALUES (1, 'a sealed room'), (2, 'an open field');",
                  NULL, NULL, NULL);
    tap_is_int(rc, SQLITE_OK, "a full-text index is made");
    rc = sqlite3_exec(db, "SELECT rowid FROM t WHERE t MATCH 'field'", collect, got, NULL);
    tap_is_int(rc, SQLITE_OK, "a full-text query runs");
    tap_is_str(got, "2", "and finds its row");
    rc = sqlite3_exec(db, "SELECT \"no such column\"", NULL, NULL, NULL);
    tap_is_int(rc, SQLITE_ERROR, "a name in double quotes is never a string");
    rc = sqlite3_exec(db, "PRAGMA temp_store=1; CREATE TEMP TABLE x(a); INSERT INTO x VALUES (1);", NULL, NULL, NULL);
    tap_is_int(rc, SQLITE_OK, "a temporary table is made");
    tap_ok(sqlite3_compileoption_used("TEMP_STORE=3"), "temporary tables never reach the disk");
    tap_is_int(sqlite3_close(db), SQLITE_OK, "the database closes");
    return tap_done();
}
