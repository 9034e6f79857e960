/* What the daemon's process may do: whose user it is, no dumps of it, no privileges to be gained. */
#ifndef PV_SERVER_PROCESS_H
#define PV_SERVER_PROCESS_H

#include <sys/types.h>

#include "server/config.h"

/* Sanitizers look into their own process and use calls of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PV_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PV_SANITIZED 1
#endif
#endif
#ifndef PV_SANITIZED
#define PV_SANITIZED 0
#endif

struct pv_user {
    bool is_named; /* else whoever we are already */
    char name[64];
    uid_t uid;
    gid_t gid;
};

/* Files for ourselves alone, no core dumps, nobody looks in but root, no privileges by what is executed. */
void pv_process_harden(void);

/* Who `--user` names. Only root becomes somebody else. Errors: USAGE, DENIED; `ret_why` is a sentence. */
PV_MUST_USE enum pv_err pv_user_find(const struct pv_config *config, struct pv_user *ret_user,
                                     char ret_why[static PV_CONFIG_WHY_MAX]);
/* Root without having been told so. */
bool pv_user_is_unsaid_root(const struct pv_user *user);
/* Make the directory for that user, if it is missing; one that is there is left as it is. Errors: IO. */
PV_MUST_USE enum pv_err pv_user_make_dir(const struct pv_user *user, const char *dir,
                                         char ret_why[static PV_CONFIG_WHY_MAX]);
/* Become that user for good. Errors: DENIED. */
PV_MUST_USE enum pv_err pv_user_become(const struct pv_user *user, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Only as far as files are concerned, and back, to see what that user may. Errors: DENIED. */
PV_MUST_USE enum pv_err pv_user_try(const struct pv_user *user);
void pv_user_untry(const struct pv_user *user);

#endif
