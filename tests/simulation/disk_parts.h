/* The inside of a simulated disk.  Private to disk*.c. */
#ifndef TESTS_SIMULATION_DISK_PARTS_H
#define TESTS_SIMULATION_DISK_PARTS_H

#include <sqlite3.h>

#include "tests/simulation/disk.h"

enum { SIM_BLOCK = 4096, SIM_SECTOR = 512, SIM_SHM_REGIONS = 8 };

struct sim_block {
    unsigned refs;
    uint8_t b[SIM_BLOCK];
};

struct sim_image {
    struct sim_block **blocks;
    size_t count, cap;
    uint64_t size;
};

struct sim_handle;

struct sim_file {
    char name[SIM_FILE_NAME];
    bool there, kept_there;
    struct sim_image now, kept; /* as programs see it; as it would be found after a crash at the worst */
    struct sim_handle *handles;
    void *shm[SIM_SHM_REGIONS];
};

struct sim_disk {
    bool used, dead, filling, powered;
    unsigned boot, doom;
    unsigned space; /* while filling: writes that still find some */
    struct sim_file files[SIM_FILES];
    size_t file_count;
};

struct sim_handle {
    sqlite3_file base;
    struct sim_disk *disk;
    struct sim_file *file;
    struct sim_handle *next;
    unsigned boot, process;
    int lock;
    bool has_shm;
    uint16_t shared, exclusive; /* shm slots */
};

extern struct sim_disk sim_disks[SIM_DISKS];
extern unsigned sim_disk_process; /* whose the next path is */

void sim_image_resize(struct sim_image *image, uint64_t size);
void sim_image_write(struct sim_image *image, uint64_t at, const void *bytes, size_t n);
void sim_image_read(const struct sim_image *image, uint64_t at, void *ret_bytes, size_t n);
/* NULL: never seen; one that is not there any more may still be found after a crash. */
struct sim_file *sim_file_find(struct sim_disk *disk, const char *name);
/* Empty, if it is not there. */
struct sim_file *sim_file_make(struct sim_disk *disk, const char *name);
/* What it is now is what a crash leaves. */
void sim_file_keep(struct sim_file *file);
void sim_file_free_shm(struct sim_file *file);
/* One more write that makes a file longer: is there space? */
bool sim_disk_has_space(struct sim_disk *disk);
/* One more write or sync: does the disk survive it? */
bool sim_disk_survives(struct sim_disk *disk);

#endif
