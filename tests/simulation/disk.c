/* Files in blocks that copies share, and what a crash leaves of them. */
#include "tests/simulation/disk_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_disk sim_disks[SIM_DISKS];
unsigned sim_disk_process;

/* ---- blocks and images */

static void *need(void *p)
{
    if (!p) abort();
    return p;
}

static struct sim_block *block_share(struct sim_block *block)
{
    if (block) block->refs++;
    return block;
}

static void block_drop(struct sim_block *block)
{
    if (block && --block->refs == 0) free(block);
}

void sim_image_resize(struct sim_image *image, uint64_t size)
{
    size_t count = (size_t)((size + SIM_BLOCK - 1) / SIM_BLOCK);
    while (image->count > count) block_drop(image->blocks[--image->count]);
    if (count > image->cap) {
        image->cap = count + count / 2 + 4;
        image->blocks = need(realloc(image->blocks, image->cap * sizeof *image->blocks));
    }
    while (image->count < count) image->blocks[image->count++] = NULL; /* a hole: zeros */
    image->size = size;
}

static void sim_image_release(struct sim_image *image)
{
    sim_image_resize(image, 0);
    free(image->blocks);
    *image = (struct sim_image){.count = 0};
}

static void sim_image_become(struct sim_image *image, const struct sim_image *from)
{
    sim_image_resize(image, from->size);
    for (size_t i = 0; i < from->count; i++) {
        if (image->blocks[i] == from->blocks[i]) continue;
        block_drop(image->blocks[i]);
        image->blocks[i] = block_share(from->blocks[i]);
    }
}

/* The block as one that only this image has. */
static uint8_t *sim_image_own(struct sim_image *image, size_t i)
{
    struct sim_block *old = image->blocks[i];
    if (old && old->refs == 1) return old->b;
    struct sim_block *block = need(malloc(sizeof *block));
    block->refs = 1;
    if (old) memcpy(block->b, old->b, SIM_BLOCK);
    else memset(block->b, 0, SIM_BLOCK);
    block_drop(old);
    image->blocks[i] = block;
    return block->b;
}

void sim_image_write(struct sim_image *image, uint64_t at, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    if (at + n > image->size) sim_image_resize(image, at + n);
    while (n) {
        size_t within = (size_t)(at % SIM_BLOCK), part = SIM_BLOCK - within < n ? SIM_BLOCK - within : n;
        memcpy(sim_image_own(image, (size_t)(at / SIM_BLOCK)) + within, p, part);
        p += part;
        at += part;
        n -= part;
    }
}

void sim_image_read(const struct sim_image *image, uint64_t at, void *ret_bytes, size_t n)
{
    uint8_t *p = ret_bytes;
    while (n) {
        size_t within = (size_t)(at % SIM_BLOCK), part = SIM_BLOCK - within < n ? SIM_BLOCK - within : n;
        const struct sim_block *block = image->blocks[at / SIM_BLOCK];
        if (block) memcpy(p, block->b + within, part);
        else memset(p, 0, part);
        p += part;
        at += part;
        n -= part;
    }
}

/* ---- disks and files */

struct sim_file *sim_file_find(struct sim_disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->file_count; i++)
        if (strcmp(disk->files[i].name, name) == 0) return &disk->files[i];
    return NULL;
}

struct sim_file *sim_file_make(struct sim_disk *disk, const char *name)
{
    struct sim_file *file = sim_file_find(disk, name);
    if (!file) {
        if (disk->file_count == SIM_FILES || strlen(name) >= SIM_FILE_NAME) abort();
        file = &disk->files[disk->file_count++];
        *file = (struct sim_file){.there = false};
        snprintf(file->name, sizeof file->name, "%s", name);
    }
    if (!file->there) sim_image_resize(&file->now, 0);
    file->there = true;
    return file;
}

void sim_file_free_shm(struct sim_file *file)
{
    for (size_t i = 0; i < SIM_SHM_REGIONS; i++) {
        free(file->shm[i]);
        file->shm[i] = NULL;
    }
}

void sim_file_keep(struct sim_file *file)
{
    sim_image_become(&file->kept, &file->now);
    file->kept_there = file->there;
}

static void empty(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        if (disk->files[i].handles) abort();
        sim_image_release(&disk->files[i].now);
        sim_image_release(&disk->files[i].kept);
        sim_file_free_shm(&disk->files[i]);
    }
    disk->file_count = 0;
}

unsigned sim_disk_new(void)
{
    unsigned i = 0;
    while (i < SIM_DISKS && sim_disks[i].used) i++;
    if (i == SIM_DISKS) abort();
    unsigned boot = sim_disks[i].boot;
    sim_disks[i] = (struct sim_disk){.used = true, .boot = boot + 1}; /* no boot is 0 */
    return i;
}

void sim_disk_free(unsigned number)
{
    if (!sim_disks[number].used) return;
    empty(&sim_disks[number]);
    sim_disks[number].used = false;
}

void sim_disk_become(unsigned number, unsigned from)
{
    struct sim_disk *disk = &sim_disks[number];
    sim_disk_kill(number);
    empty(disk);
    for (size_t i = 0; i < sim_disks[from].file_count; i++) {
        const struct sim_file *old = &sim_disks[from].files[i];
        if (!old->there) continue;
        struct sim_file *file = sim_file_make(disk, old->name);
        sim_image_become(&file->now, &old->now);
        sim_file_keep(file);
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
    snprintf(ret_path, SIM_FILE_NAME + 8, "/%u+%u/%s", disk, sim_disk_process, file);
}

bool sim_disk_has(unsigned disk, const char *name)
{
    const struct sim_file *file = sim_file_find(&sim_disks[disk], name);
    return file && file->there;
}

bool sim_disk_is_dead(unsigned disk)
{
    return sim_disks[disk].dead;
}

void sim_disk_doom(unsigned disk, unsigned writes)
{
    sim_disks[disk].doom = writes;
    sim_disks[disk].powered = false;
}

void sim_disk_strike(unsigned disk, unsigned writes)
{
    sim_disks[disk].doom = writes;
    sim_disks[disk].powered = true;
}

bool sim_disk_keeps_power(unsigned disk)
{
    return sim_disks[disk].powered;
}

void sim_disk_fill(unsigned disk, unsigned writes)
{
    sim_disks[disk].filling = true;
    sim_disks[disk].space = writes;
}

void sim_disk_clear(unsigned disk)
{
    sim_disks[disk].filling = false;
}

bool sim_disk_is_full(unsigned disk)
{
    return sim_disks[disk].filling && sim_disks[disk].space == 0;
}

bool sim_disk_has_space(struct sim_disk *disk)
{
    if (!disk->filling) return true;
    if (disk->space == 0) return false;
    disk->space--;
    return true;
}

/* One more write or sync: does the disk survive it? */
bool sim_disk_survives(struct sim_disk *disk)
{
    if (disk->doom && --disk->doom == 0) disk->dead = true;
    return !disk->dead;
}

bool sim_disk_put(unsigned number, const char *name, struct pv_bytes bytes)
{
    struct sim_disk *disk = &sim_disks[number];
    if (disk->dead || !sim_disk_has_space(disk) || !sim_disk_survives(disk)) return false;
    struct sim_file *file = sim_file_make(disk, name);
    sim_image_resize(&file->now, 0);
    sim_image_write(&file->now, 0, bytes.p, bytes.n);
    sim_file_keep(file);
    return true;
}

void sim_disk_get(unsigned number, const char *name, struct pv_buf *ret_bytes)
{
    const struct sim_file *file = sim_file_find(&sim_disks[number], name);
    if (!file || !file->there) return;
    uint8_t *at = need(pv_buf_extend(ret_bytes, (size_t)file->now.size));
    sim_image_read(&file->now, 0, at, (size_t)file->now.size);
}

void sim_disk_clone_file(unsigned number, const char *name, unsigned from, const char *from_name)
{
    struct sim_file *file = sim_file_make(&sim_disks[number], name);
    sim_image_become(&file->now, &sim_file_find(&sim_disks[from], from_name)->now);
    sim_file_keep(file);
}

bool sim_disk_contains(unsigned number, struct pv_bytes needle)
{
    struct pv_buf buf;
    bool found = false;
    pv_buf_init(&buf, SIZE_MAX);
    for (size_t i = 0; i < sim_disks[number].file_count && !found; i++) {
        pv_buf_clear(&buf);
        sim_disk_get(number, sim_disks[number].files[i].name, &buf);
        found = buf.n && memmem(buf.p, buf.n, needle.p, needle.n);
    }
    pv_buf_release(&buf);
    return found;
}

bool sim_disk_holds(unsigned number, const struct sim_secrets *secrets)
{
    struct pv_buf buf;
    bool found = false;
    pv_buf_init(&buf, SIZE_MAX);
    for (size_t i = 0; i < sim_disks[number].file_count && !found; i++) {
        pv_buf_clear(&buf);
        sim_disk_get(number, sim_disks[number].files[i].name, &buf);
        found = sim_secrets_are_in(secrets, pv_buf_bytes(&buf));
    }
    pv_buf_release(&buf);
    return found;
}

/* ---- ends */

void sim_disk_kill(unsigned number)
{
    sim_disks[number].boot++;
    sim_disks[number].dead = false;
    sim_disks[number].doom = 0;
}

void sim_disk_open_as(unsigned process)
{
    sim_disk_process = process;
}

/* Its locks go with it. */
void sim_disk_kill_process(unsigned number, unsigned process)
{
    struct sim_disk *disk = &sim_disks[number];
    for (size_t i = 0; i < disk->file_count; i++)
        for (struct sim_handle *h = disk->files[i].handles; h; h = h->next)
            if (h->process == process) h->boot = 0;
}

void sim_disk_settle(unsigned number)
{
    for (size_t i = 0; i < sim_disks[number].file_count; i++) sim_file_keep(&sim_disks[number].files[i]);
}

/* What of a block that was not synced is found again. */
static void tear(struct sim_image *now, const struct sim_image *kept, size_t i, struct seeded *dice)
{
    static const uint8_t zeros[SIM_BLOCK];
    const struct sim_block *old = i < kept->count ? kept->blocks[i] : NULL;
    uint8_t choice;
    if (now->blocks[i] == old) return;
    seeded_fill(dice, &choice, 1);
    if (choice < 80) return; /* all of it */
    uint8_t *b = sim_image_own(now, i), lost[SIM_BLOCK / SIM_SECTOR];
    seeded_fill(dice, lost, sizeof lost);
    for (size_t s = 0; s < SIM_BLOCK / SIM_SECTOR; s++)
        if (choice < 160 || lost[s] & 1) memcpy(b + s * SIM_SECTOR, (old ? old->b : zeros) + s * SIM_SECTOR, SIM_SECTOR);
}

static void crash_file(struct sim_file *file, struct seeded *dice)
{
    if (file->there && file->kept_there && file->now.size == file->kept.size && file->now.count == 0) return;
    uint8_t coins[2];
    seeded_fill(dice, coins, sizeof coins);
    if (file->there != file->kept_there && coins[0] & 1) {
        if (!file->there) sim_image_become(&file->now, &file->kept); /* its removal was not synced */
        file->there = file->kept_there;
    }
    if (file->now.size != file->kept.size && coins[1] & 1) sim_image_resize(&file->now, file->kept.size);
    for (size_t i = 0; i < file->now.count; i++) tear(&file->now, &file->kept, i, dice);
    sim_file_keep(file);
}

void sim_disk_crash(unsigned number, struct seeded *dice)
{
    sim_disk_kill(number);
    for (size_t i = 0; i < sim_disks[number].file_count; i++) crash_file(&sim_disks[number].files[i], dice);
}
