/* The sandbox as a whole: when it is entered, and what it says. */
#include "server/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/log.h"
#include "server/process.h"

bool pv_sandbox_is_whole(const struct pv_sandbox *sandbox)
{
    return sandbox->calls && sandbox->files;
}

static void tell_lack(const char *what, int why)
{
    PV_LOG(PV_LOG_WARN, "no sandbox", PV_LOG_TEXT("of", what), PV_LOG_TEXT("reason", strerrordesc_np(why)));
}

enum pv_err pv_sandbox_enter(const struct pv_config *config, struct pv_sandbox *ret_sandbox,
                             char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct pv_sandbox sandbox = {false, 0};
    if (config->sandbox == PV_SANDBOX_OFF || (PV_SANITIZED && config->sandbox == PV_SANDBOX_ON)) {
        *ret_sandbox = sandbox;
        return PV_OK;
    }
    int no_files = PV_SANITIZED ? ENOSYS : pv_sandbox_limit_files(config, &sandbox.files);
    int no_calls = PV_SANITIZED ? ENOSYS : pv_sandbox_limit_calls(PV_CALLS_SERVER);
    sandbox.calls = !no_calls;
    if (no_files) tell_lack("files (Landlock)", no_files);
    if (no_calls) tell_lack("system calls (seccomp)", no_calls);
    *ret_sandbox = sandbox;
    if (pv_sandbox_is_whole(&sandbox) || config->sandbox != PV_SANDBOX_REQUIRED) return PV_OK;
    snprintf(ret_why, PV_CONFIG_WHY_MAX, "the sandbox is required, and %s cannot be limited here: %s",
             no_files ? "files (Landlock)" : "system calls (seccomp)", strerrordesc_np(no_files ? no_files : no_calls));
    return PV_ERR_UNSUPPORTED;
}

void pv_sandbox_enter_signer(enum pv_sandbox_mode mode, struct pv_sandbox *ret_sandbox)
{
    *ret_sandbox = (struct pv_sandbox){false, 0};
    if (mode == PV_SANDBOX_OFF || PV_SANITIZED) return;
    if (pv_sandbox_limit_files(NULL, &ret_sandbox->files)) ret_sandbox->files = 0;
    ret_sandbox->calls = pv_sandbox_limit_calls(PV_CALLS_SIGNER) == 0;
}

struct pv_sandbox pv_sandbox_try(void)
{
    enum { CALLS = 64 }; /* beside the version in the exit status */
    struct pv_sandbox sandbox = {false, 0};
    int status = 0;
    fflush(NULL);
    pid_t child = PV_SANITIZED ? -1 : fork();
    if (child == 0) {
        pv_process_harden();
        if (pv_sandbox_limit_files(NULL, &sandbox.files)) sandbox.files = 0;
        status = sandbox.files < CALLS ? sandbox.files : CALLS - 1;
        _exit(status + (pv_sandbox_limit_calls(PV_CALLS_SERVER) ? 0 : CALLS));
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return sandbox;
    return (struct pv_sandbox){WEXITSTATUS(status) >= CALLS, WEXITSTATUS(status) % CALLS};
}
