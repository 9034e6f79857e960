/* The data directory: permissions, the lock, the log key's file. */
#include "server/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto/hash.h"

enum { PATH_BYTES = PV_CONFIG_TEXT_MAX + 32 };

/* log.key: the seed, and its hash, so that a damaged one is never signed with. */
struct key_file {
    struct pv_sign_seed seed;
    struct pv_hash check;
};

enum pv_err pv_data_open(const char *dir, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct stat status;
    if (mkdir(dir, 0700) && errno != EEXIST) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory %.512s cannot be made: %s", dir, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    if (stat(dir, &status)) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory %.512s cannot be reached: %s", dir, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    if (!S_ISDIR(status.st_mode)) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s is not a directory", dir);
        return PV_ERR_IO;
    }
    if (status.st_uid != geteuid()) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory %.512s belongs to another user: run privityd as that one, or as root with --user", dir);
        return PV_ERR_DENIED;
    }
    if (status.st_mode & 077) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory %.512s is open to others (mode %03o): chmod 700 it", dir,
                 status.st_mode & 0777);
        return PV_ERR_DENIED;
    }
    return PV_OK;
}

static enum pv_err read_key(const char *path, struct pv_sign_seed *ret_seed, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct stat status;
    struct key_file file;
    struct pv_hash check;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) return PV_ERR_NOT_FOUND;
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the log key %.512s cannot be read: %s", path, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    bool open_to_others = fstat(fd, &status) || (status.st_mode & 077);
    bool whole = read(fd, &file, sizeof file) == (ssize_t)sizeof file;
    close(fd);
    if (whole) pv_sha256(PV_BYTES_OF(file.seed), &check);
    whole = whole && pv_hash_equal(&check, &file.check);
    enum pv_err err = open_to_others ? PV_ERR_DENIED : whole ? PV_OK : PV_ERR_CORRUPT;
    if (err == PV_ERR_DENIED) snprintf(ret_why, PV_CONFIG_WHY_MAX, "the log key %.512s is open to others: chmod 600 it", path);
    if (err == PV_ERR_CORRUPT)
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the log key %.512s is damaged: restore it, or no room can go on", path);
    if (!err) *ret_seed = file.seed;
    pv_wipe(&file, sizeof file);
    return err;
}

/* What is missing could be made: try, and take it back. */
static enum pv_err check_makeable(const char *dir, char ret_why[static PV_CONFIG_WHY_MAX])
{
    if (mkdir(dir, 0700)) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory %.512s cannot be made: %s", dir, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    rmdir(dir);
    return PV_OK;
}

enum pv_err pv_data_check(const char *dir, bool *ret_locked, char ret_why[static PV_CONFIG_WHY_MAX])
{
    char path[PATH_BYTES];
    struct stat status;
    struct pv_sign_seed seed;
    *ret_locked = false;
    if (stat(dir, &status) && errno == ENOENT) return check_makeable(dir, ret_why);
    enum pv_err err = pv_data_open(dir, ret_why);
    if (err) return err;
    snprintf(path, sizeof path, "%s/log.key", dir);
    err = read_key(path, &seed, ret_why);
    pv_wipe(&seed, sizeof seed);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    snprintf(path, sizeof path, "%s/lock", dir);
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return PV_OK;
    *ret_locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return PV_OK;
}

enum pv_err pv_data_lock(const char *dir, int *ret_fd, char ret_why[static PV_CONFIG_WHY_MAX])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s cannot be opened: %s", path, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "another privityd works on the data directory %.512s", dir);
        return PV_ERR_CONFLICT;
    }
    *ret_fd = fd;
    return PV_OK;
}

static enum pv_err write_all(int fd, const void *p, size_t n)
{
    return write(fd, p, n) == (ssize_t)n && fsync(fd) == 0 ? PV_OK : errno == ENOSPC ? PV_ERR_FULL : PV_ERR_IO;
}

static enum pv_err sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return PV_ERR_IO;
    int failed = fsync(fd);
    close(fd);
    return failed ? PV_ERR_IO : PV_OK;
}

/* Beside, synced, then renamed: a key is whole or not there. */
static enum pv_err write_key(const char *dir, const char *path, const struct pv_sign_seed *seed)
{
    char beside[PATH_BYTES];
    snprintf(beside, sizeof beside, "%s/log.key.new", dir);
    unlink(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return errno == ENOSPC ? PV_ERR_FULL : PV_ERR_IO;
    struct key_file file = {.seed = *seed};
    pv_sha256(PV_BYTES_OF(file.seed), &file.check);
    enum pv_err err = write_all(fd, &file, sizeof file);
    pv_wipe(&file, sizeof file);
    close(fd);
    if (!err && rename(beside, path)) err = PV_ERR_IO;
    return err ? err : sync_dir(dir);
}

enum pv_err pv_data_key_file(const char *path, struct pv_sign_pk *ret_pk, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct pv_sign_seed seed;
    struct pv_sign_sk sk;
    enum pv_err err = read_key(path, &seed, ret_why);
    if (err) return err;
    pv_sign_from_seed(&seed, &sk, ret_pk);
    pv_wipe(&seed, sizeof seed);
    pv_wipe(&sk, sizeof sk);
    return PV_OK;
}

enum pv_err pv_data_log_key(const char *dir, bool fresh, const struct pv_random *random, struct pv_sign_sk *ret_sk,
                            struct pv_sign_pk *ret_pk, char ret_why[static PV_CONFIG_WHY_MAX])
{
    char path[PATH_BYTES];
    struct pv_sign_seed seed;
    snprintf(path, sizeof path, "%s/log.key", dir);
    enum pv_err err = read_key(path, &seed, ret_why);
    if (err == PV_ERR_NOT_FOUND && !fresh) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the log key %.512s is gone, though rooms stand here: restore it", path);
        return PV_ERR_CORRUPT;
    }
    if (err == PV_ERR_NOT_FOUND) {
        pv_random_fill(random, seed.b, sizeof seed.b);
        err = write_key(dir, path, &seed);
        if (err) snprintf(ret_why, PV_CONFIG_WHY_MAX, "the log key %.512s cannot be written: %s", path, pv_err_text(err));
    }
    if (!err) pv_sign_from_seed(&seed, ret_sk, ret_pk);
    pv_wipe(&seed, sizeof seed);
    return err;
}
