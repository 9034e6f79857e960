/* SQLite's view of simulated disks: its VFS. */
#include "tests/simulation/disk_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sim_handle *of(sqlite3_file *base)
{
    return (struct sim_handle *)base;
}

static bool is_dead(const struct sim_handle *h)
{
    return h->disk->dead || h->boot != h->disk->boot;
}

static int close_file(sqlite3_file *base)
{
    struct sim_handle *h = of(base), **at = &h->file->handles;
    while (*at != h) at = &(*at)->next;
    *at = h->next;
    return SQLITE_OK;
}

static int read_file(sqlite3_file *base, void *ret_bytes, int n, sqlite3_int64 at)
{
    const struct sim_handle *h = of(base);
    const struct sim_image *now = &h->file->now;
    if (is_dead(h)) return SQLITE_IOERR_READ;
    size_t wanted = (size_t)n, there = (uint64_t)at < now->size ? (size_t)(now->size - (uint64_t)at) : 0;
    if (there > wanted) there = wanted;
    sim_image_read(now, (uint64_t)at, ret_bytes, there);
    if (there == wanted) return SQLITE_OK;
    memset((uint8_t *)ret_bytes + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
    struct sim_handle *h = of(base);
    if (is_dead(h)) return SQLITE_IOERR_WRITE;
    if ((uint64_t)at + (uint64_t)n > h->file->now.size && !sim_disk_has_space(h->disk)) return SQLITE_FULL;
    sim_image_write(&h->file->now, (uint64_t)at, bytes, (size_t)n);
    return sim_disk_survives(h->disk) ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    struct sim_handle *h = of(base);
    if (is_dead(h)) return SQLITE_IOERR_TRUNCATE;
    sim_image_resize(&h->file->now, (uint64_t)size);
    return sim_disk_survives(h->disk) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int sync_file(sqlite3_file *base, int flags)
{
    struct sim_handle *h = of(base);
    (void)flags;
    if (is_dead(h) || !sim_disk_survives(h->disk)) return SQLITE_IOERR_FSYNC;
    sim_file_keep(h->file);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    if (is_dead(of(base))) return SQLITE_IOERR_FSTAT;
    *ret_size = (sqlite3_int64)of(base)->file->now.size;
    return SQLITE_OK;
}

static int strongest_other(const struct sim_handle *h)
{
    int strongest = SQLITE_LOCK_NONE;
    for (const struct sim_handle *other = h->file->handles; other; other = other->next)
        if (other != h && other->boot == h->disk->boot && other->lock > strongest) strongest = other->lock;
    return strongest;
}

static int lock_file(sqlite3_file *base, int want)
{
    struct sim_handle *h = of(base);
    int others = strongest_other(h);
    if (is_dead(h)) return SQLITE_IOERR_LOCK;
    if (h->lock >= want) return SQLITE_OK;
    if (want == SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    if (want == SQLITE_LOCK_RESERVED && others >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
    if (want == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
        if (others < SQLITE_LOCK_RESERVED) h->lock = SQLITE_LOCK_PENDING;
        return SQLITE_BUSY;
    }
    h->lock = want;
    return SQLITE_OK;
}

static int unlock_file(sqlite3_file *base, int want)
{
    if (of(base)->lock > want) of(base)->lock = want;
    return SQLITE_OK;
}

static int check_reserved(sqlite3_file *base, int *ret_reserved)
{
    *ret_reserved = of(base)->lock >= SQLITE_LOCK_RESERVED || strongest_other(of(base)) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int what, void *arg)
{
    (void)base;
    (void)what;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *base)
{
    (void)base;
    return SIM_BLOCK;
}

static int characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_ATOMIC512; /* nothing larger is promised */
}

static int shm_map(sqlite3_file *base, int region, int bytes, int extend, void volatile **ret_region)
{
    struct sim_handle *h = of(base);
    if (is_dead(h)) return SQLITE_IOERR_SHMMAP;
    if (region >= SIM_SHM_REGIONS) return SQLITE_IOERR_SHMMAP;
    h->has_shm = true;
    if (!h->file->shm[region] && extend) h->file->shm[region] = calloc(1, (size_t)bytes);
    *ret_region = h->file->shm[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int from, int n, int flags)
{
    struct sim_handle *h = of(base);
    uint16_t mask = (uint16_t)(((1u << n) - 1) << from);
    if (flags & SQLITE_SHM_UNLOCK) {
        h->shared &= (uint16_t)~mask;
        h->exclusive &= (uint16_t)~mask;
        return SQLITE_OK;
    }
    if (is_dead(h)) return SQLITE_IOERR_SHMLOCK;
    for (const struct sim_handle *other = h->file->handles; other; other = other->next) {
        if (other == h || other->boot != h->disk->boot) continue;
        if (other->exclusive & mask || (flags & SQLITE_SHM_EXCLUSIVE && other->shared & mask)) return SQLITE_BUSY;
    }
    if (flags & SQLITE_SHM_EXCLUSIVE) h->exclusive |= mask;
    else h->shared |= mask;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static int shm_unmap(sqlite3_file *base, int delete_it)
{
    struct sim_handle *h = of(base);
    bool others = false;
    (void)delete_it; /* it is of no use once nobody has it */
    h->has_shm = false;
    h->shared = h->exclusive = 0;
    for (const struct sim_handle *other = h->file->handles; other; other = other->next) others = others || other->has_shm;
    if (!others) sim_file_free_shm(h->file);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* "/DISK+PROCESS/FILE" */
static struct sim_disk *parse(const char *path, const char **ret_name, unsigned *ret_process)
{
    char *end = NULL;
    unsigned long number = path && path[0] == '/' ? strtoul(path + 1, &end, 10) : SIM_DISKS, process = 0;
    if (end && *end == '+') process = strtoul(end + 1, &end, 10);
    if (ret_process) *ret_process = (unsigned)process;
    if (number >= SIM_DISKS || !end || *end != '/' || !sim_disks[number].used) return NULL;
    *ret_name = end + 1;
    return &sim_disks[number];
}

static int open_file(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *base, int flags, int *ret_flags)
{
    struct sim_handle *h = of(base);
    const char *name;
    unsigned process;
    struct sim_disk *disk = parse(path, &name, &process);
    (void)vfs;
    base->pMethods = NULL;
    if (!disk || disk->dead) return SQLITE_CANTOPEN; /* temporary files stay in memory: PRAGMA temp_store at build time */
    struct sim_file *file = sim_file_find(disk, name);
    if ((!file || !file->there) && !(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
    if (!file || !file->there) file = sim_file_make(disk, name);
    *h = (struct sim_handle){.base.pMethods = &methods, .disk = disk, .file = file, .next = file->handles, .boot = disk->boot,
                             .process = process};
    file->handles = h;
    if (ret_flags) *ret_flags = flags;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    const char *name;
    struct sim_disk *disk = parse(path, &name, NULL);
    struct sim_file *file = disk ? sim_file_find(disk, name) : NULL;
    (void)vfs;
    if (!disk || disk->dead) return SQLITE_IOERR_DELETE;
    if (!file || !file->there) return SQLITE_IOERR_DELETE_NOENT;
    file->there = false;
    if (!sim_disk_survives(disk)) return SQLITE_IOERR_DELETE;
    if (sync_directory) {
        sim_image_resize(&file->now, 0);
        sim_file_keep(file);
    }
    return SQLITE_OK;
}

static int access_file(sqlite3_vfs *vfs, const char *path, int flags, int *ret_there)
{
    const char *name;
    struct sim_disk *disk = parse(path, &name, NULL);
    const struct sim_file *file = disk ? sim_file_find(disk, name) : NULL;
    (void)vfs;
    (void)flags;
    *ret_there = file && file->there && (flags != SQLITE_ACCESS_EXISTS || file->now.size > 0);
    return SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int room_bytes, char *ret_name)
{
    (void)vfs;
    snprintf(ret_name, (size_t)room_bytes, "%s", name);
    return SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int n, char *ret_bytes)
{
    (void)vfs;
    memset(ret_bytes, 7, (size_t)n);
    return n;
}

static int sleep_us(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ret_ms)
{
    (void)vfs;
    *ret_ms = 212000000000000;
    return SQLITE_OK;
}

static int time_days(sqlite3_vfs *vfs, double *ret_days)
{
    (void)vfs;
    *ret_days = 212000000000000.0 / 86400000.0;
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int room_bytes, char *ret_text)
{
    (void)vfs;
    if (room_bytes > 0) ret_text[0] = 0;
    return 0;
}

static sqlite3_vfs simulated = {
    .iVersion = 2,
    .szOsFile = sizeof(struct sim_handle),
    .mxPathname = SIM_FILE_NAME + 24,
    .zName = "simulated",
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

/* One thread, and thousands of connections that live shortly: no locks, and small pieces from their own store. */
void sim_disk_init(void)
{
    if (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) || sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) || sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1200, 100)) abort();
    if (sqlite3_initialize() || sqlite3_vfs_register(&simulated, 1)) abort();
    sim_disks[SIM_TEMPLATES].used = true;
}
