/* The daemon's process: its user, and what is taken from it before it serves. */
#include "server/process.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void pv_process_harden(void)
{
    umask(077);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (PV_SANITIZED) return;
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static enum pv_err find_group(const char *name, struct pv_user *user, char ret_why[static PV_CONFIG_WHY_MAX])
{
    const struct group *group = getgrnam(name);
    if (!group) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "user wants NAME or NAME:GROUP, and there is no group \"%.64s\" here", name);
        return PV_ERR_USAGE;
    }
    user->gid = group->gr_gid;
    return PV_OK;
}

enum pv_err pv_user_find(const struct pv_config *config, struct pv_user *ret_user, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct pv_user user = {.uid = geteuid(), .gid = getegid()};
    const char *colon = strchr(config->user, ':');
    size_t n = colon ? (size_t)(colon - config->user) : strlen(config->user);
    if (n == 0 && !colon) {
        *ret_user = user;
        return PV_OK;
    }
    snprintf(user.name, sizeof user.name, "%.*s", (int)(n < sizeof user.name ? n : 0), config->user);
    const struct passwd *found = getpwnam(user.name);
    if (!found) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "user wants NAME or NAME:GROUP, and there is no user \"%s\" here", user.name);
        return PV_ERR_USAGE;
    }
    user.is_named = true;
    user.uid = found->pw_uid;
    user.gid = found->pw_gid;
    enum pv_err err = colon ? find_group(colon + 1, &user, ret_why) : PV_OK;
    if (err) return err;
    if (geteuid() != 0 && (user.uid != geteuid() || user.gid != getegid())) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "only root can become %.64s: start privityd as root, or as that user", config->user);
        return PV_ERR_DENIED;
    }
    *ret_user = user;
    return PV_OK;
}

bool pv_user_is_unsaid_root(const struct pv_user *user)
{
    return user->uid == 0 && !user->is_named;
}

enum pv_err pv_user_make_dir(const struct pv_user *user, const char *dir, char ret_why[static PV_CONFIG_WHY_MAX])
{
    if (mkdir(dir, 0700)) {
        if (errno == EEXIST) return PV_OK;
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory %.512s cannot be made: %s", dir, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    if (user->uid == geteuid() || lchown(dir, user->uid, user->gid) == 0) return PV_OK;
    snprintf(ret_why, PV_CONFIG_WHY_MAX, "the data directory %.512s cannot be given to %s: %s", dir, user->name,
             strerrordesc_np(errno));
    rmdir(dir);
    return PV_ERR_IO;
}

enum pv_err pv_user_become(const struct pv_user *user, char ret_why[static PV_CONFIG_WHY_MAX])
{
    if (geteuid() != 0 || !user->is_named || user->uid == 0) return PV_OK;
    bool became = initgroups(user->name, user->gid) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
                  setresuid(user->uid, user->uid, user->uid) == 0;
    if (!became || setuid(0) == 0) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "this process cannot become %s: %s", user->name, strerrordesc_np(errno));
        return PV_ERR_DENIED;
    }
    pv_process_harden(); /* the kernel made it dumpable again */
    return PV_OK;
}

enum pv_err pv_user_try(const struct pv_user *user)
{
    if (geteuid() != 0 || user->uid == 0) return PV_OK;
    return setegid(user->gid) || seteuid(user->uid) ? PV_ERR_DENIED : PV_OK;
}

void pv_user_untry(const struct pv_user *user)
{
    if (user->uid == 0 || geteuid() == 0) return;
    if (seteuid(0) || setegid(0)) return; /* who never was root stays as it is */
}
