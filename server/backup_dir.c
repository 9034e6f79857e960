/* A backup's directory: opening, the manifest's bytes, durable files. */
#include "server/backup_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cbor.h"
#include "core/crypto/hash.h"

#define MARKER "privity-backup"
#define MAGIC "privity backup"

enum { VERSION = 1, MANIFEST_MAX = 1024, COPY_BYTES = 64 * 1024 };

/* ---- files */

enum pv_err pv_file_error(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return PV_ERR_FULL;
    case ENOENT: return PV_ERR_NOT_FOUND;
    case EEXIST: return PV_ERR_CONFLICT;
    case ENOMEM: return PV_ERR_NOMEM;
    default: return PV_ERR_IO;
    }
}

enum pv_err pv_file_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pv_file_error(errno);
    enum pv_err err = fsync(fd) ? pv_file_error(errno) : PV_OK;
    close(fd);
    return err;
}

static enum pv_err write_all(int fd, const void *p, size_t n)
{
    const uint8_t *at = p;
    while (n) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return pv_file_error(errno);
        at += done;
        n -= (size_t)done;
    }
    return PV_OK;
}

/* Read a whole file into a hash, a file, or both. */
static enum pv_err stream(int from, int to, uint64_t *ret_bytes, struct pv_hash *ret_hash)
{
    uint8_t memory[COPY_BYTES];
    struct pv_sha256 sha;
    uint64_t bytes = 0;
    ssize_t got;
    enum pv_err err = PV_OK;
    pv_sha256_init(&sha);
    while (!err && (got = read(from, memory, sizeof memory)) != 0) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return pv_file_error(errno);
        pv_sha256_update(&sha, memory, (size_t)got);
        bytes += (uint64_t)got;
        if (to >= 0) err = write_all(to, memory, (size_t)got);
    }
    if (!err && ret_hash) pv_sha256_final(&sha, ret_hash);
    if (!err && ret_bytes) *ret_bytes = bytes;
    return err;
}

enum pv_err pv_file_sha256(const char *path, uint64_t *ret_bytes, struct pv_hash *ret_hash)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return pv_file_error(errno);
    enum pv_err err = stream(fd, -1, ret_bytes, ret_hash);
    close(fd);
    return err;
}

enum pv_err pv_file_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0) return pv_file_error(errno);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum pv_err err = out < 0 ? pv_file_error(errno) : stream(in, out, NULL, NULL);
    if (!err && fsync(out)) err = pv_file_error(errno);
    if (out >= 0) close(out);
    if (out >= 0 && err) unlink(to);
    close(in);
    return err;
}

/* ---- the manifest */

static enum pv_err read_content(struct pv_bytes content, struct pv_backup_manifest *ret_manifest)
{
    struct pv_backup_manifest manifest = {0};
    struct pv_cbor in;
    pv_cbor_init(&in, content);
    pv_cbor_get_array_of(&in, 15);
    struct pv_bytes magic = pv_cbor_get_text(&in, sizeof MAGIC);
    if (!in.err && !pv_bytes_equal(magic, pv_bytes_of_string(MAGIC))) return PV_ERR_MALFORMED;
    if (pv_cbor_get_uint(&in, UINT32_MAX) != VERSION && !in.err) return PV_ERR_UNSUPPORTED;
    uint64_t *const numbers[] = {&manifest.generation, &manifest.time_ms, &manifest.rooms, &manifest.entries, &manifest.accounts,
                                 &manifest.blobs, &manifest.blob_bytes, &manifest.meta_bytes, &manifest.notes_bytes};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) *numbers[i] = pv_cbor_get_uint(&in, UINT64_MAX);
    struct pv_bytes program = pv_cbor_get_text(&in, sizeof manifest.program - 1);
    if (!in.err) memcpy(manifest.program, program.p, program.n);
    pv_cbor_get_fixed(&in, manifest.log_pk.b, sizeof manifest.log_pk.b);
    pv_cbor_get_hash(&in, &manifest.meta_sha256);
    pv_cbor_get_hash(&in, &manifest.notes_sha256);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) *ret_manifest = manifest;
    return err;
}

static enum pv_err read_manifest(struct pv_bytes file, struct pv_backup_manifest *ret_manifest)
{
    struct pv_cbor in;
    struct pv_hash check, found;
    pv_cbor_init(&in, file);
    pv_cbor_get_array_of(&in, 2);
    struct pv_bytes content = pv_cbor_get_bytes(&in, MANIFEST_MAX);
    pv_cbor_get_hash(&in, &check);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    pv_sha256(content, &found);
    return pv_hash_equal(&found, &check) ? read_content(content, ret_manifest) : PV_ERR_CORRUPT;
}

static void put_manifest(struct pv_buf *file, const struct pv_backup_manifest *manifest)
{
    uint8_t memory[MANIFEST_MAX];
    struct pv_buf content;
    struct pv_hash check;
    const uint64_t numbers[] = {manifest->generation, manifest->time_ms, manifest->rooms, manifest->entries, manifest->accounts,
                                manifest->blobs, manifest->blob_bytes, manifest->meta_bytes, manifest->notes_bytes};
    pv_buf_init_fixed(&content, memory, sizeof memory);
    pv_cbor_put_array(&content, 15);
    pv_cbor_put_text(&content, MAGIC, strlen(MAGIC));
    pv_cbor_put_uint(&content, VERSION);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) pv_cbor_put_uint(&content, numbers[i]);
    pv_cbor_put_text(&content, manifest->program, strlen(manifest->program));
    pv_cbor_put_bytes(&content, manifest->log_pk.b, sizeof manifest->log_pk.b);
    pv_cbor_put_hash(&content, &manifest->meta_sha256);
    pv_cbor_put_hash(&content, &manifest->notes_sha256);
    pv_sha256(pv_buf_bytes(&content), &check);
    pv_cbor_put_array(file, 2);
    pv_cbor_put_bytes(file, content.p, content.n);
    pv_cbor_put_hash(file, &check);
}

enum pv_err pv_backup_manifest_write(struct pv_backup_dir *dir, const struct pv_backup_manifest *manifest)
{
    uint8_t memory[MANIFEST_MAX + 64];
    struct pv_buf file;
    pv_buf_init_fixed(&file, memory, sizeof memory);
    put_manifest(&file, manifest);
    if (file.err) return file.err;
    unlinkat(dir->fd, "manifest.new", 0);
    int fd = openat(dir->fd, "manifest.new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return pv_file_error(errno);
    enum pv_err err = write_all(fd, file.p, file.n);
    if (!err && fsync(fd)) err = pv_file_error(errno);
    close(fd);
    if (!err && renameat(dir->fd, "manifest.new", dir->fd, "manifest")) err = pv_file_error(errno);
    if (!err && fsync(dir->fd)) err = pv_file_error(errno);
    if (err) return err;
    dir->manifest = *manifest;
    dir->has_manifest = true;
    return PV_OK;
}

static enum pv_err load_manifest(struct pv_backup_dir *dir)
{
    uint8_t memory[MANIFEST_MAX + 64];
    int fd = openat(dir->fd, "manifest", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? PV_OK : pv_file_error(errno);
    ssize_t n = read(fd, memory, sizeof memory);
    close(fd);
    if (n < 0) return PV_ERR_IO;
    enum pv_err err = read_manifest(pv_bytes(memory, (size_t)n), &dir->manifest);
    dir->has_manifest = !err;
    return err == PV_OK || err == PV_ERR_UNSUPPORTED ? err : PV_ERR_CORRUPT;
}

/* ---- the directory */

void pv_backup_meta_path(const struct pv_backup_dir *dir, uint64_t generation, char ret_path[static PV_BACKUP_PATH_MAX])
{
    snprintf(ret_path, PV_BACKUP_PATH_MAX, "%s/meta.%" PRIu64 ".db", dir->path, generation);
}

void pv_backup_notes_path(const struct pv_backup_dir *dir, uint64_t generation, char ret_path[static PV_BACKUP_PATH_MAX])
{
    snprintf(ret_path, PV_BACKUP_PATH_MAX, "%s/notes.%" PRIu64, dir->path, generation);
}

void pv_backup_blobs_path(const struct pv_backup_dir *dir, char ret_path[static PV_BACKUP_PATH_MAX])
{
    snprintf(ret_path, PV_BACKUP_PATH_MAX, "%s/blobs", dir->path);
}

/* The generation in a name of ours, "meta.12.db", "meta.12.db-wal", "notes.12"; false: no such name. */
static bool generation_of(const char *name, uint64_t *ret_generation)
{
    static const char *const ends[] = {".db", ".db-wal", ".db-shm", ".db-journal"};
    bool is_meta = strncmp(name, "meta.", 5) == 0, is_named = false;
    if (!is_meta && strncmp(name, "notes.", 6) != 0) return false;
    char *end;
    const char *digits = name + (is_meta ? 5 : 6);
    *ret_generation = strtoull(digits, &end, 10);
    for (size_t i = 0; is_meta && i < sizeof ends / sizeof *ends; i++) is_named |= strcmp(end, ends[i]) == 0;
    return end != digits && (is_meta ? is_named : *end == 0);
}

void pv_backup_dir_tidy(const struct pv_backup_dir *dir, uint64_t keep)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (!list) {
        if (fd >= 0) close(fd);
        return;
    }
    for (struct dirent *item; (item = readdir(list));) {
        uint64_t generation;
        if (generation_of(item->d_name, &generation) && generation != keep) unlinkat(dir->fd, item->d_name, 0);
    }
    closedir(list);
}

static bool is_empty(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    bool empty = list != NULL;
    if (!list && fd >= 0) close(fd);
    for (struct dirent *item; list && (item = readdir(list));)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) empty = false;
    if (list) closedir(list);
    return empty;
}

static enum pv_err open_marker(struct pv_backup_dir *dir, bool make, char ret_why[static PV_CONFIG_WHY_MAX])
{
    dir->lock = openat(dir->fd, MARKER, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (dir->lock < 0 && errno == ENOENT && make && is_empty(dir->fd))
        dir->lock = openat(dir->fd, MARKER, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (dir->lock < 0) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s is no backup of privityd's%s", dir->path, make ? ", and not empty" : "");
        return PV_ERR_DENIED;
    }
    if (flock(dir->lock, LOCK_EX | LOCK_NB) == 0) return PV_OK;
    snprintf(ret_why, PV_CONFIG_WHY_MAX, "another privityd works on the backup %.512s", dir->path);
    return PV_ERR_CONFLICT;
}

static enum pv_err open_path(struct pv_backup_dir *dir, bool make, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct stat status;
    if (strlen(dir->path) >= PV_CONFIG_TEXT_MAX) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the backup directory's path is too long");
        return PV_ERR_LIMIT;
    }
    if (make && mkdir(dir->path, 0700) && errno != EEXIST) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s cannot be made: %s", dir->path, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir->fd < 0 || fstat(dir->fd, &status)) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s cannot be opened: %s", dir->path, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    if (status.st_uid == geteuid() && !(status.st_mode & 077)) return PV_OK;
    snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s is open to others or another user's: a backup holds what the server holds, chmod 700 it",
             dir->path);
    return PV_ERR_DENIED;
}

enum pv_err pv_backup_dir_open(const char *path, bool make, struct pv_backup_dir *ret_dir, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct pv_backup_dir dir = {.path = path, .fd = -1, .lock = -1};
    enum pv_err err = open_path(&dir, make, ret_why);
    if (!err) err = open_marker(&dir, make, ret_why);
    if (!err) {
        err = load_manifest(&dir);
        if (err == PV_ERR_UNSUPPORTED) snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s was made by a newer privityd: run that one", path);
        else if (err) snprintf(ret_why, PV_CONFIG_WHY_MAX, "the manifest of %.512s is damaged", path);
    }
    if (!err && !make && !dir.has_manifest) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s holds no whole backup: the first one was cut", path);
        err = PV_ERR_NOT_FOUND;
    }
    if (err) pv_backup_dir_close(&dir);
    else *ret_dir = dir;
    return err;
}

void pv_backup_dir_close(struct pv_backup_dir *dir)
{
    if (dir->lock >= 0) close(dir->lock);
    if (dir->fd >= 0) close(dir->fd);
    dir->lock = dir->fd = -1;
}

static enum pv_err check_file(const char *path, uint64_t bytes, const struct pv_hash *hash, char ret_why[static PV_CONFIG_WHY_MAX])
{
    uint64_t found_bytes = 0;
    struct pv_hash found;
    enum pv_err err = pv_file_sha256(path, &found_bytes, &found);
    if (!err && (found_bytes != bytes || !pv_hash_equal(&found, hash))) err = PV_ERR_CORRUPT;
    if (err == PV_ERR_NOT_FOUND) err = PV_ERR_CORRUPT;
    if (err) snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s is not what the backup's manifest names: %s", path, pv_err_text(err));
    return err;
}

enum pv_err pv_backup_files_check(const struct pv_backup_dir *dir, char ret_why[static PV_CONFIG_WHY_MAX])
{
    char path[PV_BACKUP_PATH_MAX];
    const struct pv_backup_manifest *manifest = &dir->manifest;
    pv_backup_meta_path(dir, manifest->generation, path);
    enum pv_err err = check_file(path, manifest->meta_bytes, &manifest->meta_sha256, ret_why);
    if (err) return err;
    pv_backup_notes_path(dir, manifest->generation, path);
    return check_file(path, manifest->notes_bytes, &manifest->notes_sha256, ret_why);
}
