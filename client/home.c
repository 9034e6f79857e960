/* The device's directory: checks on opening, whole-or-nothing writes, locks between processes. */
#include "client/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/system.h"

static const char version_line[] = "privity home 1\n";
static const char version_word[] = "privity home ";
static const char unfinished[] = ".new-"; /* after a file's name, before the number of the process that writes it */
static const char *const folders[] = {"rooms", "pins", "evidence", "locks"};

enum { VERSION_FILE_MAX = 256, FOLDER_COUNT = sizeof folders / sizeof *folders };

enum pv_err pv_home_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return PV_ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS: return PV_ERR_DENIED;
    case ENOENT: return PV_ERR_NOT_FOUND;
    case ENOMEM: return PV_ERR_NOMEM;
    default: return PV_ERR_IO;
    }
}

static enum pv_err report_errno(struct pv_report *report, const struct pv_home *home, const char *name,
                                const char *verb)
{
    enum pv_err err = pv_home_errno(errno);
    return pv_report(report, err == PV_ERR_DENIED ? PV_ERR_IO : err, "cannot %s %s/%s: %s%s", verb, home->path, name,
                     strerror(errno), err == PV_ERR_FULL ? "; free some space, nothing that was kept is lost" : "");
}

enum pv_err pv_home_locate(char ret_path[static PV_HOME_BASE_BYTES], struct pv_report *report)
{
    const char *base = getenv("PRIVITY_HOME"), *tail = "";
    int n;

    if (!base || !*base) {
        base = getenv("XDG_DATA_HOME");
        tail = "/privity";
        if (!base || base[0] != '/') {
            base = getenv("HOME");
            tail = "/.local/share/privity";
        }
    }
    if (!base || !*base)
        return pv_report(report, PV_ERR_USAGE, "no home directory: set PRIVITY_HOME or HOME");
    n = snprintf(ret_path, PV_HOME_BASE_BYTES, "%s%s", base, tail);
    if (n < 0 || n >= PV_HOME_BASE_BYTES)
        return pv_report(report, PV_ERR_LIMIT, "the path of PRIVITY_HOME is too long");
    return PV_OK;
}

/* Ours, and nobody else's to read. */
static enum pv_err check_owner(const struct pv_home *home, const char *name, const struct stat *st,
                               struct pv_report *report)
{
    const char *slash = *name ? "/" : "";
    if (st->st_uid != geteuid())
        return pv_report(report, PV_ERR_IO, "%s%s%s belongs to another user: refusing to use it; make it yours by chown",
                         home->path, slash, name);
    if (st->st_mode & 077)
        return pv_report(report, PV_ERR_IO, "%s%s%s is open to others (mode %03o): run chmod %s on it", home->path,
                         slash, name, (unsigned)st->st_mode & 0777, S_ISDIR(st->st_mode) ? "700" : "600");
    return PV_OK;
}

static bool is_empty(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    bool empty = dir != NULL;

    while (empty && (entry = readdir(dir))) empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (dir) closedir(dir);
    else if (fd >= 0) close(fd);
    return empty;
}

static const char no_home[] = "no privity here yet (%s): run `privity init --name NAME`; who has a link runs `privity join`, who has another "
                              "device `privity device join`, who has only the recovery kit `privity recover`";

/* In an empty directory of ours there is nothing yet that others could have read: `init` takes it, and closes it. */
static enum pv_err close_empty(const struct pv_home *home, struct stat *st, bool make, struct pv_report *report)
{
    if (!make)
        return pv_report(report, PV_ERR_NOT_FOUND, no_home, home->path);
    if (fchmod(home->dir_fd, 0700) != 0) return report_errno(report, home, "", "change the mode of");
    st->st_mode &= ~(mode_t)077;
    return PV_OK;
}

static enum pv_err open_checked(struct pv_home *home, bool make, struct pv_report *report)
{
    struct stat st;
    enum pv_err err = PV_OK;

    home->dir_fd = open(home->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (home->dir_fd < 0) {
        if (errno == ENOENT)
            return pv_report(report, PV_ERR_NOT_FOUND, no_home, home->path);
        return pv_report(report, PV_ERR_IO, "cannot open %s: %s", home->path, strerror(errno));
    }
    if (fstat(home->dir_fd, &st) != 0) return report_errno(report, home, "", "read");
    if (st.st_uid == geteuid() && st.st_mode & 077 && is_empty(home->dir_fd)) err = close_empty(home, &st, make, report);
    if (err == PV_OK) err = check_owner(home, "", &st, report);
    for (int i = 0; err == PV_OK && i < FOLDER_COUNT; i++) {
        if (fstatat(home->dir_fd, folders[i], &st, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno != ENOENT) return report_errno(report, home, folders[i], "read");
            continue;
        }
        if (!S_ISDIR(st.st_mode))
            return pv_report(report, PV_ERR_CORRUPT, "%s/%s is no directory: move it away", home->path, folders[i]);
        err = check_owner(home, folders[i], &st, report);
    }
    return err;
}

static enum pv_err read_version(struct pv_home *home, struct pv_report *report)
{
    struct pv_buf text;
    enum pv_err err;

    pv_buf_init(&text, VERSION_FILE_MAX);
    err = pv_home_read(home, "version", &text, report);
    if (err == PV_ERR_NOT_FOUND) {
        err = pv_report(report, PV_ERR_NOT_FOUND, no_home, home->path);
    } else if (err == PV_OK) {
        const size_t line = sizeof version_line - 1, word = sizeof version_word - 1;
        uint8_t id[PV_HOME_ID_HEX / 2];
        if (text.n > word && memcmp(text.p, version_word, word) == 0 && memcmp(text.p, version_line, word + 2) != 0)
            err = pv_report(report, PV_ERR_UNSUPPORTED,
                            "%s was made by a newer privity: update this one, nothing was changed", home->path);
        else if (text.n != line + PV_HOME_ID_HEX + 1 || memcmp(text.p, version_line, line) != 0 ||
                 pv_hex_decode((const char *)text.p + line, PV_HOME_ID_HEX, id, sizeof id) != PV_OK)
            err = pv_report(report, PV_ERR_CORRUPT,
                            "%s/version is damaged; the keystore and rooms beside it are not touched: restore it from a backup",
                            home->path);
        else
            memcpy(home->id_hex, text.p + line, PV_HOME_ID_HEX);
    }
    pv_buf_release(&text);
    return err;
}

enum pv_err pv_home_open(struct pv_home *ret_home, struct pv_report *report)
{
    struct pv_home home = {.dir_fd = -1};
    enum pv_err err = pv_home_locate(home.path, report);

    if (err == PV_OK) err = open_checked(&home, false, report);
    if (err == PV_OK) err = read_version(&home, report);
    if (err != PV_OK) {
        pv_home_close(&home);
        return err;
    }
    *ret_home = home;
    return PV_OK;
}

/* mkdir -p, each new directory for us alone. */
static int make_directories(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        int failed = mkdir(path, 0700) != 0 && errno != EEXIST;
        *p = '/';
        if (failed) return -1;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

enum pv_err pv_home_create(struct pv_home *ret_home, struct pv_report *report)
{
    struct pv_home home = {.dir_fd = -1};
    uint8_t id[PV_HOME_ID_HEX / 2];
    enum pv_err err = pv_home_locate(home.path, report);

    if (err != PV_OK) return err;
    if (make_directories(home.path) != 0)
        return pv_report(report, PV_ERR_IO, "cannot make %s: %s", home.path, strerror(errno));
    err = open_checked(&home, true, report);
    if (err == PV_OK && faccessat(home.dir_fd, "version", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        err = pv_report(report, PV_ERR_CONFLICT,
                        "%s holds a person already: set PRIVITY_HOME for another one; nothing was changed", home.path);
    if (err == PV_OK && faccessat(home.dir_fd, "keystore", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        err = pv_report(report, PV_ERR_CONFLICT,
                        "%s holds a keystore without its version file: move that directory away, or restore the file",
                        home.path);
    for (int i = 0; err == PV_OK && i < FOLDER_COUNT; i++)
        if (mkdirat(home.dir_fd, folders[i], 0700) != 0 && errno != EEXIST)
            err = report_errno(report, &home, folders[i], "make");
    if (err != PV_OK) {
        pv_home_close(&home);
        return err;
    }
    pv_random_fill(&pv_system_random, id, sizeof id);
    pv_hex_encode(id, sizeof id, home.id_hex);
    *ret_home = home;
    return PV_OK;
}

enum pv_err pv_home_finish(struct pv_home *home, struct pv_report *report)
{
    char text[sizeof version_line + PV_HOME_ID_HEX + 1];
    int n = snprintf(text, sizeof text, "%s%s\n", version_line, home->id_hex);
    return pv_home_write(home, "version", pv_bytes(text, (size_t)n), report);
}

void pv_home_abandon(struct pv_home *home)
{
    for (int i = 0; i < FOLDER_COUNT; i++) unlinkat(home->dir_fd, folders[i], AT_REMOVEDIR);
    rmdir(home->path);
    pv_home_close(home);
}

void pv_home_close(struct pv_home *home)
{
    if (home->dir_fd >= 0) close(home->dir_fd);
    home->dir_fd = -1;
}

enum pv_err pv_home_read(const struct pv_home *home, const char *name, struct pv_buf *buf, struct pv_report *report)
{
    int fd = openat(home->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct pv_buf taken;
    struct stat st;
    enum pv_err err;

    if (fd < 0) {
        if (errno == ENOENT) return PV_ERR_NOT_FOUND;
        return report_errno(report, home, name, "open");
    }
    pv_buf_init(&taken, buf->max - buf->n);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err = pv_report(report, PV_ERR_CORRUPT, "%s/%s is no plain file: move it away", home->path, name);
    else
        err = check_owner(home, name, &st, report);
    while (err == PV_OK) {
        uint8_t piece[4096];
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) err = report_errno(report, home, name, "read");
        if (got <= 0) break;
        pv_buf_append(&taken, piece, (size_t)got);
        pv_wipe(piece, sizeof piece);
        if (taken.err != PV_OK)
            err = pv_report(report, taken.err, "%s/%s is larger than it can be: it is damaged", home->path, name);
    }
    close(fd);
    if (err == PV_OK) {
        pv_buf_append(buf, taken.p, taken.n);
        err = buf->err;
    }
    pv_buf_wipe(&taken);
    return err;
}

enum pv_err pv_home_check(const struct pv_home *home, const char *name, struct pv_report *report)
{
    struct stat st;
    if (fstatat(home->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? PV_ERR_NOT_FOUND : report_errno(report, home, name, "read");
    if (!S_ISREG(st.st_mode))
        return pv_report(report, PV_ERR_CORRUPT, "%s/%s is no plain file: move it away", home->path, name);
    return check_owner(home, name, &st, report);
}

static int write_all(int fd, struct pv_bytes bytes)
{
    while (bytes.n > 0) {
        ssize_t wrote = write(fd, bytes.p, bytes.n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return -1;
        bytes.p += wrote;
        bytes.n -= (size_t)wrote;
    }
    return 0;
}

/* The directory that holds `name`, for its fsync. */
static int sync_folder(const struct pv_home *home, const char *name)
{
    const char *slash = strrchr(name, '/');
    char folder[PV_HOME_NAME_BYTES];
    int fd, failed;

    if (!slash) return fsync(home->dir_fd);
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
    fd = openat(home->dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    failed = fsync(fd);
    close(fd);
    return failed;
}

enum pv_err pv_home_write(const struct pv_home *home, const char *name, struct pv_bytes bytes, struct pv_report *report)
{
    char temporary[PV_HOME_NAME_BYTES];
    enum pv_err err = PV_OK;
    int fd;

    snprintf(temporary, sizeof temporary, "%s%s%ld", name, unfinished, (long)getpid());
    unlinkat(home->dir_fd, temporary, 0); /* of a process that died under this number */
    fd = openat(home->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return report_errno(report, home, name, "write");
    if (write_all(fd, bytes) != 0 || fsync(fd) != 0) err = report_errno(report, home, name, "write");
    if (close(fd) != 0 && err == PV_OK) err = report_errno(report, home, name, "write");
    if (err == PV_OK && renameat(home->dir_fd, temporary, home->dir_fd, name) != 0)
        err = report_errno(report, home, name, "replace");
    if (err != PV_OK)
        unlinkat(home->dir_fd, temporary, 0);
    else if (sync_folder(home, name) != 0)
        err = report_errno(report, home, name, "sync");
    return err;
}

enum pv_err pv_home_drop_unfinished(const struct pv_home *home, const char *name, struct pv_report *report)
{
    size_t n = strlen(name);
    int fd = openat(home->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    enum pv_err err = PV_OK;

    if (!dir) {
        err = report_errno(report, home, "", "read");
        if (fd >= 0) close(fd);
        return err;
    }
    for (struct dirent *entry; err == PV_OK && (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, name, n) == 0 && strncmp(entry->d_name + n, unfinished, strlen(unfinished)) == 0)
            err = pv_home_remove(home, entry->d_name, report);
    closedir(dir);
    return err;
}

enum pv_err pv_home_remove(const struct pv_home *home, const char *name, struct pv_report *report)
{
    if (unlinkat(home->dir_fd, name, 0) != 0 && errno != ENOENT) return report_errno(report, home, name, "remove");
    return PV_OK;
}

enum pv_err pv_home_rename(const struct pv_home *home, const char *name, const char *to, struct pv_report *report)
{
    if (renameat(home->dir_fd, name, home->dir_fd, to) != 0 && errno != ENOENT) return report_errno(report, home, name, "rename");
    return PV_OK;
}

void pv_home_path_of(const struct pv_home *home, const char *name, char ret_path[static PV_HOME_PATH_BYTES])
{
    /* pv_home_locate left room for any name of ours. */
    snprintf(ret_path, PV_HOME_PATH_BYTES, "%s/%s", home->path, name);
}

enum pv_err pv_home_lock(const struct pv_home *home, const char *name, bool wait, int *ret_fd, struct pv_report *report)
{
    int fd = openat(home->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return report_errno(report, home, name, "open");
    while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        enum pv_err err = errno == EWOULDBLOCK ? PV_ERR_CONFLICT : report_errno(report, home, name, "lock");
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return PV_OK;
}

void pv_home_unlock(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

uint64_t pv_home_generation(const struct pv_home *home, const char *name)
{
    struct stat st;
    if (fstatat(home->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return ((uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec) ^ ((uint64_t)st.st_ino << 1) ^ 1;
}
