/* SQLite's beginning where memory runs out at every allocation in turn: an error or a whole beginning, never a crash. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/sqlite_begin.h"

enum { ALLOCATIONS_MAX = 500 };

/* It begins once a process: each try has one of its own. Returns the error, or -1 for a crash. */
static int begin_with(size_t allocations, bool *ret_ran_out)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        fault_arm(allocations);
        enum pv_err err = pv_sqlite_begin_once();
        bool ran_out = fault_disarm();
        sqlite3 *db = NULL;
        if (!err && (sqlite3_open(":memory:", &db) || sqlite3_close(db))) err = PV_ERR_CORRUPT;
        _exit((int)err * 2 + ran_out);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    *ret_ran_out = WEXITSTATUS(status) % 2;
    return WEXITSTATUS(status) / 2;
}

static void test_begin(void)
{
    size_t n = 0, odd = 0;
    for (bool ran_out = true; ran_out && n < ALLOCATIONS_MAX; n++) {
        int err = begin_with(n, &ran_out);
        if (err == PV_ERR_NOMEM || (err == PV_OK && (n || !ran_out))) continue;
        odd++;
        tap_note("after %zu allocations: %s", n, err < 0 ? "a crash" : pv_err_web_name((enum pv_err)err));
    }
    tap_ok(n > 10 && n < ALLOCATIONS_MAX, "it makes %zu allocations", n - 1);
    tap_is_int((long long)odd, 0, "and survives the lack of each");
}

int main(void)
{
    test_begin();
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("needs the system's own allocator");
}

#endif
