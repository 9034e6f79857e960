/* How long a command takes from its start to its end, by the wall: the least and the median of several runs, in ms.
 *
 *   bench_times RUNS STATUS COMMAND [ARG…]       its output goes nowhere; another exit status than STATUS is a failure */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/person.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    enum { RUNS_MAX = 1000 };
    static double took[RUNS_MAX];
    posix_spawn_file_actions_t actions;
    if (argc < 4) return 2;
    size_t runs = strtoul(argv[1], NULL, 10);
    int want = atoi(argv[2]);
    if (runs < 1 || runs > RUNS_MAX) return 2;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < runs; i++) {
        pid_t child;
        int status;
        double from = bench_now_s();
        if (posix_spawnp(&child, argv[3], &actions, NULL, argv + 3, environ)) bench_must(PV_ERR_IO, argv[3]);
        if (waitpid(child, &status, 0) != child) bench_must(PV_ERR_IO, "wait");
        took[i] = (bench_now_s() - from) * 1e3;
        if (WIFEXITED(status) && WEXITSTATUS(status) == want) continue;
        fprintf(stderr, "bench_times: %s: status %d\n", argv[3], WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        return 1;
    }
    posix_spawn_file_actions_destroy(&actions);
    qsort(took, runs, sizeof *took, compare);
    printf("%.2f %.2f\n", took[0], took[runs / 2]);
    return 0;
}
