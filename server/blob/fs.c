/* Blobs as files: two levels of folders by the locator's hex, written beside, synced, then renamed into place.
 *
 *   DIR/tmp/<hex>       being written
 *   DIR/ab/<hex>        a blob
 *   DIR/names/ab/<hex>  a blob once more, by its name: a link to the same file
 *   DIR/heads           the newest heads of rooms (server/heads); heads.damaged: what was found in its place
 * All access is relative to descriptors of our own folders, and nothing follows a symbolic link. */
#include "server/blob/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fs {
    struct pv_blobs base;
    int dir, tmp;
};

struct pv_blob_writer {
    struct fs *fs;
    struct pv_id16 locator;
    int fd;
};

struct name {
    char folder[3];
    char path[3 + 33]; /* ab/abcd… */
};

static struct fs *of(struct pv_blobs *blobs)
{
    return (struct fs *)blobs;
}

static struct name name_of(const struct pv_id16 *locator)
{
    struct name name;
    pv_hex_encode(locator->b, sizeof locator->b, name.path + 3);
    memcpy(name.path, name.path + 3, 2);
    name.path[2] = '/';
    memcpy(name.folder, name.path, 2);
    name.folder[2] = 0;
    return name;
}

static const char *file_part(const struct name *name)
{
    return name->path + 3;
}

static enum pv_err error_of(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return PV_ERR_FULL;
    case ENOENT:
    case ELOOP: return PV_ERR_NOT_FOUND;
    case ENOMEM: return PV_ERR_NOMEM;
    default: return PV_ERR_IO;
    }
}

static void fs_close(struct pv_blobs *blobs)
{
    struct fs *fs = of(blobs);
    if (fs->dir >= 0) close(fs->dir);
    if (fs->tmp >= 0) close(fs->tmp);
    free(fs);
}

static enum pv_err fs_check(struct pv_blobs *blobs)
{
    struct stat status;
    return fstatat(of(blobs)->dir, "tmp", &status, AT_SYMLINK_NOFOLLOW) ? PV_ERR_IO : PV_OK;
}

static enum pv_err fs_begin(struct pv_blobs *blobs, const struct pv_id16 *locator, struct pv_blob_writer **ret_writer)
{
    struct fs *fs = of(blobs);
    struct name name = name_of(locator);
    struct pv_blob_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return PV_ERR_NOMEM;
    *writer = (struct pv_blob_writer){fs, *locator, -1};
    writer->fd = openat(fs->tmp, file_part(&name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        enum pv_err err = errno == EEXIST ? PV_ERR_CONFLICT : error_of(errno);
        free(writer);
        return err;
    }
    *ret_writer = writer;
    return PV_OK;
}

static enum pv_err fs_write(struct pv_blob_writer *writer, const void *p, size_t n)
{
    const uint8_t *at = p;
    while (n) {
        ssize_t done = write(writer->fd, at, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return error_of(errno);
        at += done;
        n -= (size_t)done;
    }
    return PV_OK;
}

static void fs_abandon(struct pv_blob_writer *writer)
{
    if (!writer) return;
    struct name name = name_of(&writer->locator);
    if (writer->fd >= 0) close(writer->fd);
    unlinkat(writer->fs->tmp, file_part(&name), 0);
    free(writer);
}

/* The folder of a blob, made durable in its parent when new. */
static enum pv_err open_folder(struct fs *fs, const struct name *name, int *ret_fd)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(fs->dir, name->folder, flags);
    if (fd < 0 && errno == ENOENT) {
        if (mkdirat(fs->dir, name->folder, 0700) && errno != EEXIST) return error_of(errno);
        if (fsync(fs->dir)) return error_of(errno);
        fd = openat(fs->dir, name->folder, flags);
    }
    if (fd < 0) return error_of(errno);
    *ret_fd = fd;
    return PV_OK;
}

static enum pv_err move_into_place(struct pv_blob_writer *writer, const struct pv_id16 *locator)
{
    struct name name = name_of(locator), begun = name_of(&writer->locator);
    int folder;
    if (fsync(writer->fd)) return error_of(errno);
    enum pv_err err = open_folder(writer->fs, &name, &folder);
    if (err) return err;
    /* A link, not a rename: it never replaces what stands there. */
    if (linkat(writer->fs->tmp, file_part(&begun), folder, file_part(&name), 0))
        err = errno == EEXIST ? PV_ERR_CONFLICT : error_of(errno);
    else if (fsync(folder))
        err = error_of(errno);
    close(folder);
    return err;
}

static enum pv_err fs_commit_as(struct pv_blob_writer *writer, const struct pv_id16 *locator)
{
    enum pv_err err = move_into_place(writer, locator);
    fs_abandon(writer);
    return err;
}

static enum pv_err fs_commit(struct pv_blob_writer *writer)
{
    return fs_commit_as(writer, &writer->locator);
}

static enum pv_err fs_open(struct pv_blobs *blobs, const struct pv_id16 *locator, int *ret_fd)
{
    struct name name = name_of(locator);
    int fd = openat(of(blobs)->dir, name.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return error_of(errno);
    *ret_fd = fd;
    return PV_OK;
}

static enum pv_err fs_read(struct pv_blobs *blobs, const struct pv_id16 *locator, uint64_t offset, size_t n,
                           struct pv_buf *ret_bytes)
{
    int fd;
    enum pv_err err = fs_open(blobs, locator, &fd);
    if (err) return err;
    size_t before = ret_bytes->n;
    uint8_t *p = n ? pv_buf_extend(ret_bytes, n) : NULL;
    if (n && !p) err = ret_bytes->err;
    for (size_t done = 0; !err && done < n;) {
        ssize_t got = pread(fd, p + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) err = got == 0 || errno == EINVAL ? PV_ERR_TRUNCATED : error_of(errno); /* EINVAL: no such offset */
        else done += (size_t)got;
    }
    if (err && p) ret_bytes->n = before;
    close(fd);
    return err;
}

static enum pv_err fs_remove(struct pv_blobs *blobs, const struct pv_id16 *locator)
{
    struct name name = name_of(locator);
    struct stat status;
    int fd = openat(of(blobs)->dir, name.path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    /* Its name would keep the bytes; other blobs of the same bytes are not touched. */
    int failed = fd >= 0 && fstat(fd, &status) == 0 && status.st_nlink <= 2 ? ftruncate(fd, 0) : 0;
    if (fd >= 0) close(fd);
    if (unlinkat(of(blobs)->dir, name.path, 0) && errno != ENOENT) return error_of(errno);
    return failed ? PV_ERR_IO : PV_OK;
}

static bool locator_of(const char *file, struct pv_id16 *ret_locator)
{
    return pv_hex_decode(file, strlen(file), ret_locator->b, sizeof ret_locator->b) == PV_OK;
}

static enum pv_err each_in(struct fs *fs, const char *folder,
                           enum pv_err (*each)(void *context, const struct pv_id16 *locator, uint64_t written_ms),
                           void *context)
{
    int fd = openat(fs->dir, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return error_of(errno);
    DIR *list = fdopendir(fd);
    if (!list) {
        close(fd);
        return PV_ERR_NOMEM;
    }
    enum pv_err err = PV_OK;
    for (struct dirent *item; !err && (item = readdir(list));) {
        struct pv_id16 locator;
        struct stat status;
        if (!locator_of(item->d_name, &locator)) continue;
        if (fstatat(fd, item->d_name, &status, AT_SYMLINK_NOFOLLOW)) continue;
        err = each(context, &locator, (uint64_t)status.st_mtime * 1000);
    }
    closedir(list);
    return err;
}

static enum pv_err fs_each(struct pv_blobs *blobs,
                           enum pv_err (*each)(void *context, const struct pv_id16 *locator, uint64_t written_ms),
                           void *context)
{
    enum pv_err err = PV_OK;
    for (unsigned i = 0; i < 256 && !err; i++) {
        char folder[3];
        snprintf(folder, sizeof folder, "%02x", i);
        err = each_in(of(blobs), folder, each, context);
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    return err;
}

/* ---- names */

/* names/ab, made if asked for. */
static enum pv_err open_names(struct fs *fs, const char *folder, bool makes, int *ret_fd)
{
    char path[sizeof "names/ab"];
    snprintf(path, sizeof path, "names/%.2s", folder);
    int fd = openat(fs->dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && makes) {
        if (mkdirat(fs->dir, "names", 0700) && errno != EEXIST) return error_of(errno);
        if (mkdirat(fs->dir, path, 0700) && errno != EEXIST) return error_of(errno);
        fd = openat(fs->dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0) return error_of(errno);
    *ret_fd = fd;
    return PV_OK;
}

static enum pv_err fs_name(struct pv_blobs *blobs, const struct pv_id16 *locator, const struct pv_id16 *name)
{
    struct name from = name_of(locator), to = name_of(name);
    int names;
    enum pv_err err = open_names(of(blobs), to.folder, true, &names);
    if (err) return err;
    if (linkat(of(blobs)->dir, from.path, names, file_part(&to), 0) && errno != EEXIST) err = error_of(errno);
    close(names);
    return err;
}

static enum pv_err fs_find(struct pv_blobs *blobs, const struct pv_id16 *name, const struct pv_id16 *locator)
{
    struct name from = name_of(name), to = name_of(locator);
    int names, folder = -1;
    struct stat status;
    enum pv_err err = open_names(of(blobs), from.folder, false, &names);
    if (err) return err;
    if (fstatat(names, file_part(&from), &status, AT_SYMLINK_NOFOLLOW)) err = error_of(errno);
    else if (!S_ISREG(status.st_mode)) err = PV_ERR_NOT_FOUND;
    if (!err) err = open_folder(of(blobs), &to, &folder);
    if (!err && linkat(names, file_part(&from), folder, file_part(&to), 0))
        err = errno == EEXIST ? PV_ERR_CONFLICT : error_of(errno);
    if (!err && fsync(folder)) err = error_of(errno);
    if (folder >= 0) close(folder);
    close(names);
    return err;
}

/* A file that only its name holds is no blob any more. */
static enum pv_err fs_tidy(struct pv_blobs *blobs)
{
    enum pv_err err = PV_OK;
    for (unsigned i = 0; i < 256 && !err; i++) {
        char folder[3];
        int fd;
        snprintf(folder, sizeof folder, "%02x", i);
        err = open_names(of(blobs), folder, false, &fd);
        DIR *list = err ? NULL : fdopendir(fd);
        if (!err && !list) {
            close(fd);
            err = PV_ERR_NOMEM;
        }
        for (struct dirent *item; list && (item = readdir(list));) {
            struct pv_id16 name;
            struct stat status;
            if (!locator_of(item->d_name, &name) || fstatat(fd, item->d_name, &status, AT_SYMLINK_NOFOLLOW)) continue;
            if (status.st_nlink == 1 && unlinkat(fd, item->d_name, 0) && errno != ENOENT) err = error_of(errno);
        }
        if (list) closedir(list);
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    return err;
}

/* ---- heads */

static enum pv_err write_heads(int fd, struct pv_bytes bytes)
{
    while (bytes.n) {
        ssize_t done = write(fd, bytes.p, bytes.n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return error_of(errno);
        bytes = pv_bytes(bytes.p + done, bytes.n - (size_t)done);
    }
    return fdatasync(fd) ? error_of(errno) : PV_OK;
}

static enum pv_err fs_heads_add(struct pv_blobs *blobs, struct pv_bytes bytes)
{
    int fd = openat(of(blobs)->dir, "heads", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return error_of(errno);
    enum pv_err err = write_heads(fd, bytes);
    close(fd);
    return err;
}

static enum pv_err fs_heads_replace(struct pv_blobs *blobs, struct pv_bytes bytes, bool keeps_old)
{
    struct fs *fs = of(blobs);
    if (unlinkat(fs->tmp, "heads", 0) && errno != ENOENT) return error_of(errno);
    int fd = openat(fs->tmp, "heads", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return error_of(errno);
    enum pv_err err = write_heads(fd, bytes);
    close(fd);
    if (!err && keeps_old && renameat(fs->dir, "heads", fs->dir, "heads.damaged")) err = error_of(errno);
    if (!err && renameat(fs->tmp, "heads", fs->dir, "heads")) err = error_of(errno);
    if (!err && fsync(fs->dir)) err = error_of(errno);
    if (err) unlinkat(fs->tmp, "heads", 0);
    return err;
}

static enum pv_err fs_heads_read(struct pv_blobs *blobs, struct pv_buf *ret_bytes)
{
    struct stat status;
    int fd = openat(of(blobs)->dir, "heads", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return error_of(errno);
    size_t before = ret_bytes->n;
    enum pv_err err = fstat(fd, &status) ? error_of(errno) : S_ISREG(status.st_mode) ? PV_OK : PV_ERR_CORRUPT;
    uint8_t *p = !err && status.st_size ? pv_buf_extend(ret_bytes, (size_t)status.st_size) : NULL;
    if (!err && status.st_size && !p) err = ret_bytes->err;
    for (size_t done = 0; !err && done < (size_t)status.st_size;) {
        ssize_t got = pread(fd, p + done, (size_t)status.st_size - done, (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) err = got == 0 ? PV_ERR_TRUNCATED : error_of(errno);
        else done += (size_t)got;
    }
    if (err) ret_bytes->n = before;
    close(fd);
    return err;
}

static const struct pv_blob_ops fs_ops = {
    fs_close, fs_check,  fs_begin, fs_write,     fs_commit,        fs_commit_as,  fs_abandon, fs_read,
    fs_open,  fs_remove, fs_each,  fs_name,      fs_find,          fs_tidy,       fs_heads_add, fs_heads_replace, fs_heads_read,
};

void pv_blobs_fs_sweep(struct pv_blobs *blobs)
{
    struct fs *fs = of(blobs);
    int fd = openat(fs->tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (!list) {
        if (fd >= 0) close(fd);
        return;
    }
    for (struct dirent *item; (item = readdir(list));) {
        struct pv_id16 locator;
        if (locator_of(item->d_name, &locator)) unlinkat(fs->tmp, item->d_name, 0);
    }
    closedir(list);
}

static enum pv_err open_dirs(struct fs *fs, const char *dir)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (mkdir(dir, 0700) && errno != EEXIST) return error_of(errno);
    fs->dir = open(dir, flags);
    if (fs->dir < 0) return errno == ENOTDIR || errno == ELOOP ? PV_ERR_DENIED : error_of(errno);
    if (mkdirat(fs->dir, "tmp", 0700) && errno != EEXIST) return error_of(errno);
    fs->tmp = openat(fs->dir, "tmp", flags);
    if (fs->tmp < 0) return errno == ENOTDIR || errno == ELOOP ? PV_ERR_DENIED : error_of(errno);
    return PV_OK;
}

enum pv_err pv_blobs_fs_open(const char *dir, struct pv_blobs **ret_blobs)
{
    struct fs *fs = calloc(1, sizeof *fs);
    if (!fs) return PV_ERR_NOMEM;
    fs->base.ops = &fs_ops;
    fs->dir = fs->tmp = -1;
    enum pv_err err = open_dirs(fs, dir);
    if (err) {
        fs_close(&fs->base);
        return err;
    }
    *ret_blobs = &fs->base;
    return PV_OK;
}
