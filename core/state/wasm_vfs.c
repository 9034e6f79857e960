/* What SQLite asks of an operating system, answered for wasm: databases live in memory, so there are no files,
 * and core has neither clock nor randomness, so time stands at the epoch and random bytes are zero. */
#include <sqlite3.h>
#include <string.h>

/* 1970-01-01 in the milliseconds of a Julian day number, which is how SQLite counts. */
#define JULIAN_EPOCH_MS 210866760000000LL
#define NAME_MAX_BYTES 64

static int open_file(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    (void)name;
    (void)flags;
    (void)ret_flags;
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    (void)vfs;
    (void)name;
    (void)sync_directory;
    return SQLITE_IOERR_DELETE_NOENT;
}

static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *ret_there)
{
    (void)vfs;
    (void)name;
    (void)flags;
    *ret_there = 0;
    return SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int room_bytes, char *ret_name)
{
    (void)vfs;
    size_t n = strlen(name) + 1;
    if (room_bytes < 0 || n > (size_t)room_bytes)
        return SQLITE_CANTOPEN;
    memcpy(ret_name, name, n);
    return SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int n, char *ret_bytes)
{
    (void)vfs;
    memset(ret_bytes, 0, (size_t)n);
    return n;
}

static int sleep_us(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int time_days(sqlite3_vfs *vfs, double *ret_days)
{
    (void)vfs;
    *ret_days = (double)JULIAN_EPOCH_MS / 86400000.0;
    return SQLITE_OK;
}

static int time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ret_ms)
{
    (void)vfs;
    *ret_ms = JULIAN_EPOCH_MS;
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int room_bytes, char *ret_text)
{
    (void)vfs;
    (void)room_bytes;
    (void)ret_text;
    return 0;
}

static sqlite3_vfs memory_only = {
    .iVersion = 2,
    .szOsFile = sizeof(sqlite3_file),
    .mxPathname = NAME_MAX_BYTES,
    .zName = "memory-only",
    .xOpen = open_file,
    .xDelete = delete_file,
    .xAccess = access_file,
    .xFullPathname = full_name,
    .xRandomness = randomness,
    .xSleep = sleep_us,
    .xCurrentTime = time_days,
    .xGetLastError = last_error,
    .xCurrentTimeInt64 = time_ms,
};

/* SQLite calls these two by name where it is built without an operating system (SQLITE_OS_OTHER). */
int sqlite3_os_init(void)
{
    return sqlite3_vfs_register(&memory_only, 1);
}

int sqlite3_os_end(void)
{
    return SQLITE_OK;
}
