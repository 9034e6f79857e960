/* Helpers: found beside this program, fed by a pipe. */
#include "cli/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static enum pv_err program_beside(const char *name, char ret_path[static PATH_MAX])
{
    size_t size = strlen(name) + 1;
    ssize_t n = readlink("/proc/self/exe", ret_path, PATH_MAX - size);
    char *slash;
    if (n < 0) return PV_ERR_IO;
    ret_path[n] = '\0';
    slash = strrchr(ret_path, '/');
    if (!slash) return PV_ERR_IO;
    memcpy(slash + 1, name, size);
    return PV_OK;
}

/* In the child: read `in`, write to `out`, become the program. */
static void become(const char *program, const char *name, const char *argument, int in, int out)
{
    char *const argv[] = {(char *)(uintptr_t)name, (char *)(uintptr_t)argument, NULL};
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) _exit(127);
    execv(program, argv);
    _exit(127);
}

enum pv_err pv_helper_run(const char *name, const char *argument, struct pv_bytes input, int out, const char *what,
                          struct pv_report *report)
{
    char program[PATH_MAX];
    int ends[2], status = 0;
    pid_t child = -1;
    enum pv_err err = program_beside(name, program);

    if (err == PV_OK && pipe2(ends, O_CLOEXEC) != 0) err = PV_ERR_IO;
    if (err != PV_OK) return pv_report(report, err, "%s: %s", what, strerror(errno));
    child = fork();
    if (child == 0) become(program, name, argument, ends[0], out);
    close(ends[0]);
    bool sent = child > 0 && write(ends[1], input.p, input.n) == (ssize_t)input.n;
    close(ends[1]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (sent && WIFEXITED(status) && WEXITSTATUS(status) == 0) return PV_OK;
    return pv_report(report, PV_ERR_UNSUPPORTED, "%s: %s", program, what);
}
