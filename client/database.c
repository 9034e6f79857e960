/* Opening of encrypted databases. */
#include "client/database.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/sqlite_begin.h"
#include "client/system.h"

enum { NAME_HEX = 16, RAW_PREFIX = 4, BUSY_MS = 10000, WAL_BYTES_LEFT = 1024 * 1024 };

void pv_database_name(const char *folder, const struct pv_hash *room, const char *suffix,
                      char ret_name[static PV_HOME_NAME_BYTES])
{
    char hex[NAME_HEX + 1];
    pv_hex_encode(room->b, NAME_HEX / 2, hex);
    snprintf(ret_name, PV_HOME_NAME_BYTES, "%s/%s%s", folder, hex, suffix);
}

enum pv_err pv_database_report(const struct pv_home *home, const struct pv_hash *room, const char *label, enum pv_err err,
                               struct pv_report *report)
{
    char name[PV_HOME_NAME_BYTES];
    pv_database_name("rooms", room, ".db", name);
    switch ((int)err) {
    case PV_ERR_CORRUPT:
        return pv_report(report, err,
                         "the database of %s, %s/%s, is damaged and was left as it is; what the server has survives, what was "
                         "not sent yet is in this file only: restore it from a backup, or move it away and run `privity refresh`",
                         label, home->path, name);
    case PV_ERR_UNSUPPORTED:
        return pv_report(report, err, "the database of %s was made by a newer privity: update this one, nothing was changed",
                         label);
    case PV_ERR_FULL:
        return pv_report(report, err, "no space left for %s in %s: free some, nothing that was kept is lost", label,
                         home->path);
    case PV_ERR_IO:
        return pv_report(report, err, "cannot read or write %s/%s, the database of %s", home->path, name, label);
    case PV_ERR_BUSY:
        return pv_report(report, err, "another command holds %s: try again", label);
    default: return pv_report_default(report, err, label);
    }
}

/* The key goes in raw, by the C interface, so that it is in no SQL text. */
static int set_key(sqlite3 *db, const struct pv_database_key *key)
{
    uint8_t raw[RAW_PREFIX + sizeof key->b] = {'r', 'a', 'w', ':'};
    int rc;
    memcpy(raw + RAW_PREFIX, key->b, sizeof key->b);
    rc = sqlite3_exec(db, "PRAGMA cipher = 'aegis'", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_key_v2(db, "main", raw, (int)sizeof raw);
    pv_wipe(raw, sizeof raw);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    return rc;
}

/* Someone moved the database away: the log of its last writes, which stayed, belongs to it and not to a new one. */
static enum pv_err put_aside(const struct pv_home *home, const struct pv_hash *room, struct pv_report *report)
{
    static const char *const suffixes[] = {".db-wal", ".db-shm"};
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < 2 && err == PV_OK; i++) {
        char name[PV_HOME_NAME_BYTES], aside[PV_HOME_NAME_BYTES], suffix[32];
        snprintf(suffix, sizeof suffix, "%s.%llu", suffixes[i], (unsigned long long)pv_system_now_ms());
        pv_database_name("rooms", room, suffixes[i], name);
        pv_database_name("rooms", room, suffix, aside);
        err = pv_home_rename(home, name, aside, report);
    }
    return err;
}

static enum pv_err meaning_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: return PV_ERR_CORRUPT;
    case SQLITE_NOMEM: return PV_ERR_NOMEM;
    case SQLITE_FULL: return PV_ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return PV_ERR_BUSY;
    default: return PV_ERR_IO;
    }
}

enum pv_err pv_database_open(const struct pv_home *home, const struct pv_hash *room, const struct pv_database_key *key,
                             const char *label, sqlite3 **ret_db, struct pv_report *report)
{
    char name[PV_HOME_NAME_BYTES], path[PV_HOME_PATH_BYTES];
    sqlite3 *db = NULL;
    enum pv_err err;
    int rc;

    err = pv_sqlite_begin_once();
    if (err != PV_OK) return err;
    pv_database_name("rooms", room, ".db", name);
    err = pv_home_check(home, name, report);
    if (err != PV_OK && err != PV_ERR_NOT_FOUND) return err;
    if (err == PV_ERR_NOT_FOUND) err = put_aside(home, room, report);
    if (err != PV_OK) return err;
    pv_home_path_of(home, name, path);
    rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(db, BUSY_MS);
    /* pv_database_close decides about that. */
    if (rc == SQLITE_OK) rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc == SQLITE_OK) rc = set_key(db, key);
    if (rc != SQLITE_OK) {
        sqlite3_close(db);
        return pv_database_report(home, room, label, meaning_of(rc), report);
    }
    *ret_db = db;
    return PV_OK;
}

/* The write-ahead log of a command is left to the next: moving its few pages over costs two syncs. A long one is
 * not, for each command that follows would read it whole. */
void pv_database_close(sqlite3 *db)
{
    struct stat wal;
    const char *path = db ? sqlite3_filename_wal(sqlite3_db_filename(db, "main")) : NULL;
    if (path && stat(path, &wal) == 0 && wal.st_size > WAL_BYTES_LEFT) {
        sqlite3_busy_timeout(db, 0); /* who else works here will see to it */
        sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    sqlite3_close(db);
}
