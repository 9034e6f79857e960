/* Simulated disks: files in memory that remember what was synced, and crashes that lose or tear the rest.
 *
 * SQLite reaches them through the process's default VFS, by names "/DISK/FILE". A file's bytes stand in shared blocks,
 * so that a copy of a whole disk (a backup, a stolen or rolled-back home) costs next to nothing. */
#ifndef TESTS_SIMULATION_DISK_H
#define TESTS_SIMULATION_DISK_H

#include "core/base/bytes.h"
#include "tests/seeded.h"
#include "tests/simulation/secrets.h"

enum {
    SIM_DISKS = 64,
    SIM_FILES = 48,
    SIM_FILE_NAME = 32,
    SIM_TEMPLATES = 0 /* a disk that outlives resets: new databases, to be cloned */
};

/* Register the VFS as SQLite's default; once per process. */
void sim_disk_init(void);
/* Forget every disk, and start SQLite's own randomness anew: what follows depends on nothing before. */
void sim_disk_reset(void);

/* A new, empty disk; its number. */
unsigned sim_disk_new(void);
/* A new disk with what `disk` holds now (synced or not, as one would find it running). */
unsigned sim_disk_copy(unsigned disk);
/* Replace the contents of `disk` by those of `from`; everything open on it is dead. */
void sim_disk_become(unsigned disk, unsigned from);
void sim_disk_free(unsigned disk);

/* "/DISK+PROCESS/FILE" */
void sim_disk_path(unsigned disk, const char *file, char ret_path[static SIM_FILE_NAME + 8]);
bool sim_disk_has(unsigned disk, const char *file);
/* A small file, written as a program does that writes aside, syncs and renames. False: the disk has died. */
bool sim_disk_put(unsigned disk, const char *file, struct pv_bytes bytes);
/* Appends what the file holds; nothing if it is not there. */
void sim_disk_get(unsigned disk, const char *file, struct pv_buf *ret_bytes);
/* A file with the contents of another, synced. */
void sim_disk_clone_file(unsigned disk, const char *file, unsigned from, const char *from_file);
bool sim_disk_contains(unsigned disk, struct pv_bytes needle);
/* One of the secrets, anywhere? */
bool sim_disk_holds(unsigned disk, const struct sim_secrets *secrets);

/* Whoever has files open here dies: the program was killed, what it wrote stays. */
void sim_disk_kill(unsigned disk);
/* Whose the paths are that are made from now on, of several processes on a disk. */
void sim_disk_open_as(unsigned process);
/* Only that one dies. */
void sim_disk_kill_process(unsigned disk, unsigned process);
/* The machine goes down: what was not synced stays, goes or is torn, sector by sector, as the dice say. */
void sim_disk_crash(unsigned disk, struct seeded *dice);
/* Let the disk die with the `writes`-th write or sync from now; 0: never. */
void sim_disk_doom(unsigned disk, unsigned writes);
/* The same, but the power stays: whoever writes then is killed. */
void sim_disk_strike(unsigned disk, unsigned writes);
bool sim_disk_keeps_power(unsigned disk);
/* Time goes by: what was written has reached the disk. */
void sim_disk_settle(unsigned disk);
/* It died since the last kill or crash. */
bool sim_disk_is_dead(unsigned disk);
/* After as many writes that make a file longer, the next ones fail for want of space. */
void sim_disk_fill(unsigned disk, unsigned writes);
/* There is space again. */
void sim_disk_clear(unsigned disk);
bool sim_disk_is_full(unsigned disk);

#endif
