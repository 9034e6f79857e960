/* What the kernel lets the server do from the moment that it holds all it needs: a list of system calls (seccomp), and
 * of the file system its own files (Landlock).
 *
 * Entered before the first thread, so that all threads are in it. Where the kernel, or a container, denies one of the
 * two, the server goes on with the other and says so, unless it was told that both are required. */
#ifndef PV_SERVER_SANDBOX_H
#define PV_SERVER_SANDBOX_H

#include "server/config.h"

struct pv_sandbox {
    bool calls;      /* seccomp is on */
    int files;       /* Landlock's version; 0: it is off */
};

/* For the server: its stores, which are open, and what the C library may want to read. `is_root` keeps none of root's
 * ways. Errors: UNSUPPORTED: it is required, and not to be had; `ret_why` is a sentence. */
PV_MUST_USE enum pv_err pv_sandbox_enter(const struct pv_config *config, struct pv_sandbox *ret_sandbox,
                                         char ret_why[static PV_CONFIG_WHY_MAX]);
/* For the signer, which has its key: no file at all, and calls to answer by. */
void pv_sandbox_enter_signer(enum pv_sandbox_mode mode, struct pv_sandbox *ret_sandbox);
/* What a server would get here, found by a child that tries. */
struct pv_sandbox pv_sandbox_try(void);
bool pv_sandbox_is_whole(const struct pv_sandbox *sandbox);

/* ---- its parts: errno or 0 */

enum pv_call_list { PV_CALLS_SERVER, PV_CALLS_SIGNER };
int pv_sandbox_limit_calls(enum pv_call_list list); /* sandbox_calls.c */
/* `config` NULL: no file at all. `ret_version`: Landlock's. */
int pv_sandbox_limit_files(const struct pv_config *config, int *ret_version); /* sandbox_files.c */

#endif
