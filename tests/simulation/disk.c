/* The VFS over simulated disks. */
#include "tests/simulation/disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096, SECTOR = 512, SHM_SLOTS = 8, SHM_REGIONS = 8 };

struct block {
    unsigned refs;
    uint8_t b[BLOCK];
};

struct image {
    struct block **blocks;
    size_t count, cap;
    uint64_t size;
};

struct handle;

struct file {
    char name[SIM_FILE_NAME];
    bool there, kept_there;
    struct image now, kept; /* as programs see it; as it would be found after a crash at the worst */
    struct handle *handles;
    void *shm[SHM_REGIONS];
    size_t shm_bytes;
};

struct disk {
    bool used, dead, full;
    unsigned boot, doom;
    struct file files[SIM_FILES];
    size_t file_count;
};

struct handle {
    sqlite3_file base;
    struct disk *disk;
    struct file *file;
    struct handle *next;
    unsigned boot;
    int lock;
    bool has_shm;
    uint16_t shared, exclusive; /* shm slots */
};

static struct disk disks[SIM_DISKS];

/* ---- blocks and images */

static void *need(void *p)
{
    if (!p) abort();
    return p;
}

static struct block *block_share(struct block *block)
{
    if (block) block->refs++;
    return block;
}

static void block_drop(struct block *block)
{
    if (block && --block->refs == 0) free(block);
}

static void image_resize(struct image *image, uint64_t size)
{
    size_t count = (size_t)((size + BLOCK - 1) / BLOCK);
    while (image->count > count) block_drop(image->blocks[--image->count]);
    if (count > image->cap) {
        image->cap = count + count / 2 + 4;
        image->blocks = need(realloc(image->blocks, image->cap * sizeof *image->blocks));
    }
    while (image->count < count) image->blocks[image->count++] = NULL; /* a hole: zeros */
    image->size = size;
}

static void image_release(struct image *image)
{
    image_resize(image, 0);
    free(image->blocks);
    *image = (struct image){.count = 0};
}

static void image_become(struct image *image, const struct image *from)
{
    image_resize(image, from->size);
    for (size_t i = 0; i < from->count; i++) {
        if (image->blocks[i] == from->blocks[i]) continue;
        block_drop(image->blocks[i]);
        image->blocks[i] = block_share(from->blocks[i]);
    }
}

/* The block as one that only this image has. */
static uint8_t *image_own(struct image *image, size_t i)
{
    struct block *old = image->blocks[i];
    if (old && old->refs == 1) return old->b;
    struct block *block = need(malloc(sizeof *block));
    block->refs = 1;
    if (old) memcpy(block->b, old->b, BLOCK);
    else memset(block->b, 0, BLOCK);
    block_drop(old);
    image->blocks[i] = block;
    return block->b;
}

static void image_write(struct image *image, uint64_t at, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    if (at + n > image->size) image_resize(image, at + n);
    while (n) {
        size_t within = (size_t)(at % BLOCK), part = BLOCK - within < n ? BLOCK - within : n;
        memcpy(image_own(image, (size_t)(at / BLOCK)) + within, p, part);
        p += part;
        at += part;
        n -= part;
    }
}

static void image_read(const struct image *image, uint64_t at, void *ret_bytes, size_t n)
{
    uint8_t *p = ret_bytes;
    while (n) {
        size_t within = (size_t)(at % BLOCK), part = BLOCK - within < n ? BLOCK - within : n;
        const struct block *block = image->blocks[at / BLOCK];
        if (block) memcpy(p, block->b + within, part);
        else memset(p, 0, part);
        p += part;
        at += part;
        n -= part;
    }
}

/* ---- disks and files */

static struct file *find(struct disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->file_count; i++)
        if (strcmp(disk->files[i].name, name) == 0) return &disk->files[i];
    return NULL;
}

static struct file *make(struct disk *disk, const char *name)
{
    struct file *file = find(disk, name);
    if (!file) {
        if (disk->file_count == SIM_FILES || strlen(name) >= SIM_FILE_NAME) abort();
        file = &disk->files[disk->file_count++];
        *file = (struct file){.there = false};
        snprintf(file->name, sizeof file->name, "%s", name);
    }
    if (!file->there) image_resize(&file->now, 0);
    file->there = true;
    return file;
}

static void free_shm(struct file *file)
{
    for (size_t i = 0; i < SHM_REGIONS; i++) {
        free(file->shm[i]);
        file->shm[i] = NULL;
    }
    file->shm_bytes = 0;
}

static void keep(struct file *file)
{
    image_become(&file->kept, &file->now);
    file->kept_there = file->there;
}

static void empty(struct disk *disk)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        if (disk->files[i].handles) abort();
        image_release(&disk->files[i].now);
        image_release(&disk->files[i].kept);
        free_shm(&disk->files[i]);
    }
    disk->file_count = 0;
}

unsigned sim_disk_new(void)
{
    unsigned i = 0;
    while (i < SIM_DISKS && disks[i].used) i++;
    if (i == SIM_DISKS) abort();
    unsigned boot = disks[i].boot;
    disks[i] = (struct disk){.used = true, .boot = boot + 1};
    return i;
}

void sim_disk_free(unsigned number)
{
    if (!disks[number].used) return;
    empty(&disks[number]);
    disks[number].used = false;
}

void sim_disk_become(unsigned number, unsigned from)
{
    struct disk *disk = &disks[number];
    sim_disk_kill(number);
    empty(disk);
    for (size_t i = 0; i < disks[from].file_count; i++) {
        const struct file *old = &disks[from].files[i];
        if (!old->there) continue;
        struct file *file = make(disk, old->name);
        image_become(&file->now, &old->now);
        keep(file);
    }
}

unsigned sim_disk_copy(unsigned from)
{
    unsigned number = sim_disk_new();
    sim_disk_become(number, from);
    return number;
}

void sim_disk_reset(void)
{
    for (unsigned i = SIM_TEMPLATES + 1; i < SIM_DISKS; i++) sim_disk_free(i);
    sqlite3_randomness(0, NULL);
}

void sim_disk_path(unsigned disk, const char *file, char ret_path[static SIM_FILE_NAME + 8])
{
    snprintf(ret_path, SIM_FILE_NAME + 8, "/%u/%s", disk, file);
}

bool sim_disk_has(unsigned disk, const char *name)
{
    const struct file *file = find(&disks[disk], name);
    return file && file->there;
}

bool sim_disk_is_dead(unsigned disk)
{
    return disks[disk].dead;
}

void sim_disk_doom(unsigned disk, unsigned writes)
{
    disks[disk].doom = writes;
}

void sim_disk_fill(unsigned disk, bool full)
{
    disks[disk].full = full;
}

/* One more write or sync: does the disk survive it? */
static bool survives(struct disk *disk)
{
    if (disk->doom && --disk->doom == 0) disk->dead = true;
    return !disk->dead;
}

bool sim_disk_put(unsigned number, const char *name, struct pv_bytes bytes)
{
    struct disk *disk = &disks[number];
    if (disk->dead || !survives(disk)) return false;
    struct file *file = make(disk, name);
    image_resize(&file->now, 0);
    image_write(&file->now, 0, bytes.p, bytes.n);
    keep(file);
    return true;
}

void sim_disk_get(unsigned number, const char *name, struct pv_buf *ret_bytes)
{
    const struct file *file = find(&disks[number], name);
    if (!file || !file->there) return;
    uint8_t *at = need(pv_buf_extend(ret_bytes, (size_t)file->now.size));
    image_read(&file->now, 0, at, (size_t)file->now.size);
}

void sim_disk_clone_file(unsigned number, const char *name, unsigned from, const char *from_name)
{
    struct file *file = make(&disks[number], name);
    image_become(&file->now, &find(&disks[from], from_name)->now);
    keep(file);
}

bool sim_disk_contains(unsigned number, struct pv_bytes needle)
{
    struct pv_buf buf;
    bool found = false;
    pv_buf_init(&buf, SIZE_MAX);
    for (size_t i = 0; i < disks[number].file_count && !found; i++) {
        pv_buf_clear(&buf);
        sim_disk_get(number, disks[number].files[i].name, &buf);
        found = buf.n && memmem(buf.p, buf.n, needle.p, needle.n);
    }
    pv_buf_release(&buf);
    return found;
}

/* ---- ends */

void sim_disk_kill(unsigned number)
{
    disks[number].boot++;
    disks[number].dead = false;
    disks[number].doom = 0;
}

/* What of a block that was not synced is found again. */
static void tear(struct image *now, const struct image *kept, size_t i, struct seeded *dice)
{
    static const uint8_t zeros[BLOCK];
    const struct block *old = i < kept->count ? kept->blocks[i] : NULL;
    uint8_t choice;
    if (now->blocks[i] == old) return;
    seeded_fill(dice, &choice, 1);
    if (choice < 80) return; /* all of it */
    uint8_t *b = image_own(now, i), lost[BLOCK / SECTOR];
    seeded_fill(dice, lost, sizeof lost);
    for (size_t s = 0; s < BLOCK / SECTOR; s++)
        if (choice < 160 || lost[s] & 1) memcpy(b + s * SECTOR, (old ? old->b : zeros) + s * SECTOR, SECTOR);
}

static void crash_file(struct file *file, struct seeded *dice)
{
    if (file->there && file->kept_there && file->now.size == file->kept.size && file->now.count == 0) return;
    uint8_t coins[2];
    seeded_fill(dice, coins, sizeof coins);
    if (file->there != file->kept_there && coins[0] & 1) {
        if (!file->there) image_become(&file->now, &file->kept); /* its removal was not synced */
        file->there = file->kept_there;
    }
    if (file->now.size != file->kept.size && coins[1] & 1) image_resize(&file->now, file->kept.size);
    for (size_t i = 0; i < file->now.count; i++) tear(&file->now, &file->kept, i, dice);
    keep(file);
}

void sim_disk_crash(unsigned number, struct seeded *dice)
{
    sim_disk_kill(number);
    for (size_t i = 0; i < disks[number].file_count; i++) crash_file(&disks[number].files[i], dice);
}

/* ---- SQLite's view */

static struct handle *of(sqlite3_file *base)
{
    return (struct handle *)base;
}

static bool is_dead(const struct handle *h)
{
    return h->disk->dead || h->boot != h->disk->boot;
}

static int close_file(sqlite3_file *base)
{
    struct handle *h = of(base), **at = &h->file->handles;
    while (*at != h) at = &(*at)->next;
    *at = h->next;
    return SQLITE_OK;
}

static int read_file(sqlite3_file *base, void *ret_bytes, int n, sqlite3_int64 at)
{
    const struct handle *h = of(base);
    const struct image *now = &h->file->now;
    if (is_dead(h)) return SQLITE_IOERR_READ;
    size_t wanted = (size_t)n, there = (uint64_t)at < now->size ? (size_t)(now->size - (uint64_t)at) : 0;
    if (there > wanted) there = wanted;
    image_read(now, (uint64_t)at, ret_bytes, there);
    if (there == wanted) return SQLITE_OK;
    memset((uint8_t *)ret_bytes + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
    struct handle *h = of(base);
    if (is_dead(h)) return SQLITE_IOERR_WRITE;
    if (h->disk->full && (uint64_t)at + (uint64_t)n > h->file->now.size) return SQLITE_FULL;
    image_write(&h->file->now, (uint64_t)at, bytes, (size_t)n);
    return survives(h->disk) ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *h = of(base);
    if (is_dead(h)) return SQLITE_IOERR_TRUNCATE;
    image_resize(&h->file->now, (uint64_t)size);
    return survives(h->disk) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int sync_file(sqlite3_file *base, int flags)
{
    struct handle *h = of(base);
    (void)flags;
    if (is_dead(h) || !survives(h->disk)) return SQLITE_IOERR_FSYNC;
    keep(h->file);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    if (is_dead(of(base))) return SQLITE_IOERR_FSTAT;
    *ret_size = (sqlite3_int64)of(base)->file->now.size;
    return SQLITE_OK;
}

static int strongest_other(const struct handle *h)
{
    int strongest = SQLITE_LOCK_NONE;
    for (const struct handle *other = h->file->handles; other; other = other->next)
        if (other != h && other->boot == h->disk->boot && other->lock > strongest) strongest = other->lock;
    return strongest;
}

static int lock_file(sqlite3_file *base, int want)
{
    struct handle *h = of(base);
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
    return BLOCK;
}

static int characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_ATOMIC512; /* nothing larger is promised */
}

static int shm_map(sqlite3_file *base, int region, int bytes, int extend, void volatile **ret_region)
{
    struct handle *h = of(base);
    if (is_dead(h)) return SQLITE_IOERR_SHMMAP;
    if (region >= SHM_REGIONS) return SQLITE_IOERR_SHMMAP;
    h->has_shm = true;
    if (!h->file->shm[region] && extend) h->file->shm[region] = need(calloc(1, (size_t)bytes));
    *ret_region = h->file->shm[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int from, int n, int flags)
{
    struct handle *h = of(base);
    uint16_t mask = (uint16_t)(((1u << n) - 1) << from);
    if (flags & SQLITE_SHM_UNLOCK) {
        h->shared &= (uint16_t)~mask;
        h->exclusive &= (uint16_t)~mask;
        return SQLITE_OK;
    }
    if (is_dead(h)) return SQLITE_IOERR_SHMLOCK;
    for (const struct handle *other = h->file->handles; other; other = other->next) {
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
    struct handle *h = of(base);
    bool others = false;
    (void)delete_it; /* it is of no use once nobody has it */
    h->has_shm = false;
    h->shared = h->exclusive = 0;
    for (const struct handle *other = h->file->handles; other; other = other->next) others = others || other->has_shm;
    if (!others) free_shm(h->file);
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

/* "/DISK/FILE" */
static struct disk *parse(const char *path, const char **ret_name)
{
    char *end = NULL;
    unsigned long number = path && path[0] == '/' ? strtoul(path + 1, &end, 10) : SIM_DISKS;
    if (number >= SIM_DISKS || !end || *end != '/' || !disks[number].used) return NULL;
    *ret_name = end + 1;
    return &disks[number];
}

static int open_file(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *base, int flags, int *ret_flags)
{
    struct handle *h = of(base);
    const char *name;
    struct disk *disk = parse(path, &name);
    (void)vfs;
    base->pMethods = NULL;
    if (!disk || disk->dead) return SQLITE_CANTOPEN; /* temporary files stay in memory: PRAGMA temp_store at build time */
    struct file *file = find(disk, name);
    if ((!file || !file->there) && !(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
    if (!file || !file->there) file = make(disk, name);
    *h = (struct handle){.base.pMethods = &methods, .disk = disk, .file = file, .next = file->handles, .boot = disk->boot};
    file->handles = h;
    if (ret_flags) *ret_flags = flags;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    const char *name;
    struct disk *disk = parse(path, &name);
    struct file *file = disk ? find(disk, name) : NULL;
    (void)vfs;
    if (!disk || disk->dead) return SQLITE_IOERR_DELETE;
    if (!file || !file->there) return SQLITE_IOERR_DELETE_NOENT;
    file->there = false;
    if (!survives(disk)) return SQLITE_IOERR_DELETE;
    if (sync_directory) {
        image_resize(&file->now, 0);
        keep(file);
    }
    return SQLITE_OK;
}

static int access_file(sqlite3_vfs *vfs, const char *path, int flags, int *ret_there)
{
    const char *name;
    struct disk *disk = parse(path, &name);
    const struct file *file = disk ? find(disk, name) : NULL;
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
    .szOsFile = sizeof(struct handle),
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

void sim_disk_init(void)
{
    if (sqlite3_initialize() || sqlite3_vfs_register(&simulated, 1)) abort();
    disks[SIM_TEMPLATES].used = true;
}
