/* Saving fetched files. */
#include "client/save.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/home.h"
#include "client/system.h"
#include "core/crypto/hash.h"

static enum pv_err report_errno(struct pv_report *report, const char *name, const char *verb)
{
    enum pv_err err = pv_home_errno(errno);
    return pv_report(report, err == PV_ERR_FULL || err == PV_ERR_NOMEM ? err : PV_ERR_IO, "cannot %s %s: %s", verb, name, strerror(errno));
}

/* ---- what an interrupt would leave behind */

static struct {
    int dir_fd;
    char name[64];
} unfinished;
static volatile sig_atomic_t has_unfinished;

static void clean_up(int number)
{
    if (has_unfinished) unlinkat(unfinished.dir_fd, unfinished.name, 0);
    signal(number, SIG_DFL);
    raise(number);
}

static void guard(const struct pv_save *save)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = clean_up};
    unfinished.dir_fd = save->dir_fd;
    memcpy(unfinished.name, save->temporary, sizeof unfinished.name);
    has_unfinished = 1;
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction before;
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue; /* nohup */
        sigaction(ending[i], &action, NULL);
    }
}

/* The bytes of a control character at `p`: of ASCII, of C1, those that end a line, those that turn the reading around
 * (`photo<U+202E>gpj.exe` reads like a picture's name); 0: it is none. */
static size_t control_length(const uint8_t *p, size_t n)
{
    if (p[0] < ' ' || p[0] == 0x7f) return 1;
    if (n >= 2 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) return 2;
    if (n >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) return 3; /* U+2028 to U+202E */
    if (n >= 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9) return 3; /* U+2066 to U+2069 */
    return 0;
}

enum pv_err pv_save_place(struct pv_bytes place, struct pv_buf *ret_local)
{
    for (size_t i = 0; i < place.n;) {
        size_t control = control_length(place.p + i, place.n - i);
        pv_buf_append_byte(ret_local, control ? '_' : place.p[i]);
        i += control ? control : 1;
    }
    return ret_local->err;
}

/* A name as it may stand in a directory listing. */
static enum pv_err local_name(struct pv_bytes part, char ret_name[static 256], struct pv_report *report)
{
    struct pv_buf name;
    if (part.n > 255)
        return pv_report(report, PV_ERR_LIMIT, "%.40s… is too long a name for this machine", (const char *)part.p);
    pv_buf_init_fixed(&name, (uint8_t *)ret_name, 255);
    enum pv_err err = pv_save_place(part, &name);
    if (err != PV_OK) return err;
    ret_name[name.n] = '\0';
    if (strcmp(ret_name, ".") == 0 || strcmp(ret_name, "..") == 0 || part.n == 0 || strchr(ret_name, '/'))
        return pv_report(report, PV_ERR_MALFORMED, "a file's name would leave the directory: it was not fetched");
    return PV_OK;
}

static int enter(int dir_fd, const char *name)
{
    if (mkdirat(dir_fd, name, 0777) != 0 && errno != EEXIST) return -1;
    return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum pv_err open_temporary(struct pv_save *save, struct pv_report *report)
{
    for (int tries = 0; tries < 100; tries++) {
        uint8_t random[8];
        char hex[17];
        pv_random_fill(&pv_system_random, random, sizeof random);
        pv_hex_encode(random, sizeof random, hex);
        snprintf(save->temporary, sizeof save->temporary, ".privity-%s", hex);
        save->fd = openat(save->dir_fd, save->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (save->fd >= 0) {
            guard(save);
            return PV_OK;
        }
        if (errno != EEXIST) break;
    }
    save->temporary[0] = '\0';
    return report_errno(report, save->name, "write");
}

enum pv_err pv_save_begin(const char *directory, struct pv_bytes place, struct pv_save *ret_save, struct pv_report *report)
{
    struct pv_save save = {.dir_fd = -1, .fd = -1};
    enum pv_err err = PV_OK;

    save.dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (save.dir_fd < 0) return report_errno(report, directory, "open");
    while (err == PV_OK) {
        const uint8_t *slash = memchr(place.p, '/', place.n);
        size_t n = slash ? (size_t)(slash - place.p) : place.n;
        int fd;
        err = local_name(pv_bytes(place.p, n), save.name, report);
        if (err != PV_OK || !slash) break;
        fd = enter(save.dir_fd, save.name);
        if (fd < 0) {
            err = report_errno(report, save.name, "enter");
            break;
        }
        close(save.dir_fd);
        save.dir_fd = fd;
        place = pv_bytes(place.p + n + 1, place.n - n - 1);
    }
    if (err == PV_OK) err = open_temporary(&save, report);
    if (err != PV_OK)
        pv_save_release(&save);
    else
        *ret_save = save;
    return err;
}

static bool has_hash(int fd, const struct pv_hash *want)
{
    struct pv_sha256 sha;
    struct pv_hash got;
    uint8_t piece[65536];
    ssize_t n;
    pv_sha256_init(&sha);
    while ((n = read(fd, piece, sizeof piece)) > 0) pv_sha256_update(&sha, piece, (size_t)n);
    pv_sha256_final(&sha, &got);
    return n == 0 && pv_hash_equal(&got, want);
}

enum pv_err pv_save_exists(const struct pv_save *save, const struct pv_file *file, bool *ret_exists, bool *ret_same,
                           struct pv_report *report)
{
    struct stat st;
    int fd;

    *ret_exists = *ret_same = false;
    if (fstatat(save->dir_fd, save->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? PV_OK : report_errno(report, save->name, "read");
    *ret_exists = true;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size_bytes || !file->has_sha256) return PV_OK;
    fd = openat(save->dir_fd, save->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return PV_OK;
    *ret_same = has_hash(fd, &file->sha256);
    close(fd);
    return PV_OK;
}

enum pv_err pv_save_identity(const struct pv_save *save, struct pv_save_identity *ret_identity, struct pv_report *report)
{
    struct stat st;
    if (fstatat(save->dir_fd, save->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? pv_report(report, PV_ERR_NOT_FOUND, "%s is gone", save->name) : report_errno(report, save->name, "read");
    *ret_identity = (struct pv_save_identity){st.st_dev, st.st_ino};
    return PV_OK;
}

enum pv_err pv_save_fits(const struct pv_save *save, const struct pv_file *file, struct pv_report *report)
{
    struct statvfs disk;
    if (fstatvfs(save->fd, &disk) != 0 || disk.f_blocks == 0 || disk.f_frsize == 0) return PV_OK; /* it does not tell */
    if (file->size_bytes / disk.f_frsize <= disk.f_bavail) return PV_OK;
    return pv_report(report, PV_ERR_FULL, "no space left for %s, which takes %llu MiB of the %llu that are free: it was not fetched",
                     save->name, (unsigned long long)(file->size_bytes >> 20),
                     (unsigned long long)disk.f_bavail * disk.f_frsize >> 20);
}

enum pv_err pv_save_write(struct pv_save *save, struct pv_bytes bytes, struct pv_report *report)
{
    while (bytes.n > 0) {
        ssize_t wrote = write(save->fd, bytes.p, bytes.n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return report_errno(report, save->name, "write");
        bytes.p += wrote;
        bytes.n -= (size_t)wrote;
    }
    return PV_OK;
}

enum pv_err pv_save_finish(struct pv_save *save, const struct pv_file *file, unsigned mask, bool replace,
                           struct pv_report *report)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                      {.tv_sec = file->mtime_seconds, .tv_nsec = (long)file->mtime_nanoseconds}};
    int failed;

    if (fchmod(save->fd, (mode_t)(((file->mode & 0777) | 0600) & ~mask)) != 0) return report_errno(report, save->name, "write");
    if (futimens(save->fd, times) != 0 && errno != EINVAL) return report_errno(report, save->name, "write");
    if (fsync(save->fd) != 0) return report_errno(report, save->name, "write");
    if (replace)
        failed = renameat(save->dir_fd, save->temporary, save->dir_fd, save->name);
    else
        failed = renameat2(save->dir_fd, save->temporary, save->dir_fd, save->name, RENAME_NOREPLACE);
    if (failed && errno == EINVAL && !replace) { /* a file system without that flag */
        failed = linkat(save->dir_fd, save->temporary, save->dir_fd, save->name, 0);
        if (!failed) (void)unlinkat(save->dir_fd, save->temporary, 0);
    }
    if (failed && errno == EEXIST)
        return pv_report(report, PV_ERR_CONFLICT, "%s is here already and differs: move it away, or give --force", save->name);
    if (failed) return report_errno(report, save->name, "write");
    has_unfinished = 0;
    save->temporary[0] = '\0';
    (void)fsync(save->dir_fd); /* some file systems cannot; the file is whole either way */
    return PV_OK;
}

void pv_save_release(struct pv_save *save)
{
    if (save->fd >= 0) close(save->fd);
    if (save->temporary[0]) {
        unlinkat(save->dir_fd, save->temporary, 0);
        has_unfinished = 0;
    }
    if (save->dir_fd >= 0) close(save->dir_fd);
    *save = (struct pv_save){.dir_fd = -1, .fd = -1};
}
