/* Landlock: of the file system nothing but the stores and what the C library may read; no TCP of our own making.
 *
 * By the kernel's own interface, since there is no library for it in Debian 12, and its headers know but the first
 * versions of it. The log key lies beside the metadata store and is not among what can be opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/sandbox.h"

/* Rights, by the bits of linux/landlock.h. */
enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8,
    REFER = 1 << 13,    /* since version 2 */
    TRUNCATE = 1 << 14, /* 3 */
    IOCTL_DEV = 1 << 15, /* 5 */
    RIGHTS_1 = (1 << 13) - 1,
    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
    READ = READ_FILE | READ_DIR
};

enum {
    VERSION_FLAG = 1,
    RULE_PATH_BENEATH = 1,
    NET_BIND_TCP = 1 << 0,   /* since version 4 */
    NET_CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_SOCKETS = 1 << 0, /* 6 */
    SCOPE_SIGNALS = 1 << 1
};

/* Older kernels take the longer struct as long as what they do not know is zero. */
struct ruleset {
    uint64_t files, net, scoped;
};

struct rule {
    uint64_t rights;
    int32_t parent;
} __attribute__((packed));

struct lock {
    int fd;
    uint64_t handled;
    int err;
};

/* What is not there needs no rule. */
static void allow(struct lock *lock, const char *path, uint64_t rights)
{
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return;
    bool is_dir = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    struct rule rule = {.rights = rights & lock->handled & (is_dir ? UINT64_MAX : OF_FILES), .parent = fd};
    if (rule.rights && syscall(SYS_landlock_add_rule, lock->fd, RULE_PATH_BENEATH, &rule, 0)) lock->err = errno;
    close(fd);
}

/* The store's three files, and its folder, which is opened to be synced. */
static void allow_meta(struct lock *lock, const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[PV_CONFIG_TEXT_MAX + 8];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        allow(lock, name, READ_FILE | WRITE_FILE | TRUNCATE);
    }
    snprintf(name, sizeof name, "%s", path);
    char *slash = strrchr(name, '/');
    if (slash) slash[slash == name] = 0;
    allow(lock, slash ? name : ".", READ_DIR | REMOVE_FILE); /* at its end it removes -wal and -shm */
}

static void allow_server(struct lock *lock, const struct pv_config *config)
{
    static const char *const readable[] = {
        "/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ssl", "/etc/gnutls", "/usr/share/zoneinfo",
        "/etc/localtime", "/dev/urandom", "/proc/self", "/sys/devices/system/cpu"};
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) allow(lock, readable[i], READ);
    allow_meta(lock, config->meta + strlen("sqlite:"));
    allow(lock, config->blobs + strlen("fs:"),
          READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER);
}

int pv_sandbox_limit_files(const struct pv_config *config, int *ret_version)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
    if (version < 2) return version < 0 ? errno : ENOSYS; /* the first lets no file move between folders, as blobs do */
    struct ruleset ruleset = {.files = RIGHTS_1 | REFER};
    if (version >= 3) ruleset.files |= TRUNCATE;
    if (version >= 4) ruleset.net = NET_BIND_TCP | NET_CONNECT_TCP;
    if (version >= 5) ruleset.files |= IOCTL_DEV;
    const char *notify = getenv("NOTIFY_SOCKET"); /* may be an abstract one, which our stop is told to */
    if (version >= 6) ruleset.scoped = SCOPE_SIGNALS | (notify && *notify == '@' ? 0 : SCOPE_ABSTRACT_SOCKETS);
    struct lock lock = {.handled = ruleset.files};
    lock.fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
    if (lock.fd < 0) return errno;
    if (config) allow_server(&lock, config);
    if (!lock.err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) lock.err = errno;
    if (!lock.err && syscall(SYS_landlock_restrict_self, lock.fd, 0)) lock.err = errno;
    close(lock.fd);
    if (!lock.err) *ret_version = (int)version;
    return lock.err;
}
