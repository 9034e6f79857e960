/* Plays simulated worlds, seed by seed, and says which breaks a property; see docs/HACKING.md.
 *
 *   simulate [--seeds N] [--from S] [--seed S] [--steps N] [--only A,B,…] [--jobs N] [--trace] [--hash] [--logs] */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/simulation/export.h"
#include "tests/simulation/hooks.h"
#include "tests/simulation/schedule.h"

struct options {
    uint64_t from, seeds;
    size_t steps;
    unsigned jobs;
    bool trace, hash, logs;
    const char *only;
};

struct tally {
    uint64_t seeds, broken, steps, requests, entries, alarms;
    struct sim_costs costs;
};

enum { JOBS_MAX = 64 };

static struct sim_world world;
static struct sim_schedule schedule;
static uint64_t *playing; /* by each job, shared: what to name if one dies */

static void keep_only(const char *only)
{
    size_t kept = 0;
    for (const char *at = only; *at;) {
        char *end;
        size_t number = strtoul(at, &end, 10);
        if (end == at || number >= schedule.count) break;
        schedule.steps[kept++] = schedule.steps[number]; /* they rise */
        at = *end == ',' ? end + 1 : end;
    }
    schedule.count = kept;
}

static void report(const struct options *o, uint64_t seed, const char *failure)
{
    printf("not ok - seed %llu: %s\n", (unsigned long long)seed, failure);
    printf("# replay: ./dev simulate --seed %llu --steps %zu --trace\n", (unsigned long long)seed, o->steps);
    fflush(stdout);
    size_t before = schedule.count, plays = sim_schedule_shrink(&schedule, failure);
    printf("# shrunk from %zu to %zu steps in %zu plays:\n", before, schedule.count, plays);
    sim_schedule_print(&schedule);
    fflush(stdout);
}

static bool play(const struct options *o, uint64_t seed, struct tally *tally)
{
    char failure[sizeof world.failure];
    struct pv_hash hash;
    char hex[65];
    sim_schedule_make(seed, o->steps, &schedule);
    if (o->only) keep_only(o->only);
    world.tracing = o->trace;
    sim_schedule_play(&schedule, &world);
    pv_sha256_final(&world.trace, &hash);
    pv_hex_encode(hash.b, 8, hex);
    bool failed = world.failed;
    snprintf(failure, sizeof failure, "%s", world.failure);
    tally->seeds++;
    tally->steps += schedule.count;
    tally->requests += world.requests;
    tally->entries += world.entries;
    tally->alarms += world.alarms;
    if (o->logs) sim_export(&world);
    sim_world_release(&world);
    if (o->hash) printf("# seed %llu: %s\n", (unsigned long long)seed, hex);
    if (failed) {
        tally->broken++;
        if (o->only || o->trace) printf("not ok - seed %llu: %s\n", (unsigned long long)seed, failure);
        else report(o, seed, failure);
    }
    return !failed;
}

/* Every `jobs`th seed; the tally goes up a pipe. */
static void work(const struct options *o, unsigned job, int fd)
{
    struct tally tally = {.seeds = 0};
    for (uint64_t i = job; i < o->seeds; i += o->jobs) {
        playing[job] = o->from + i;
        if (!play(o, o->from + i, &tally) && tally.broken >= 3) break;
    }
    tally.costs = *sim_costs();
    fflush(stdout);
    if (write(fd, &tally, sizeof tally) != sizeof tally) _exit(1);
}

static bool run_jobs(const struct options *o, struct tally *sum)
{
    int fds[2], status;
    bool good = true;
    pid_t pids[JOBS_MAX];
    if (pipe(fds)) return false;
    fflush(stdout);
    for (unsigned j = 0; j < o->jobs; j++) {
        pids[j] = fork();
        if (pids[j]) continue;
        work(o, j, fds[1]);
        _exit(0);
    }
    close(fds[1]);
    struct tally tally;
    while (read(fds[0], &tally, sizeof tally) == sizeof tally) {
        sum->seeds += tally.seeds;
        sum->broken += tally.broken;
        sum->requests += tally.requests;
        sum->entries += tally.entries;
        sum->alarms += tally.alarms;
        sum->steps += tally.steps;
        sum->costs.checks += tally.costs.checks;
        sum->costs.checks_computed += tally.costs.checks_computed;
        sum->costs.signings += tally.costs.signings;
        sum->costs.signings_computed += tally.costs.signings_computed;
        sum->costs.kems += tally.costs.kems;
        sum->costs.kems_computed += tally.costs.kems_computed;
    }
    for (unsigned j = 0; j < o->jobs; j++) {
        if (waitpid(pids[j], &status, 0) == pids[j] && WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
        printf("not ok - seed %llu: the program dies (%d)\n", (unsigned long long)playing[j], status);
        good = false;
    }
    close(fds[0]);
    return good;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--trace") == 0) o->trace = true;
        else if (strcmp(argv[i], "--hash") == 0) o->hash = true;
        else if (strcmp(argv[i], "--logs") == 0) o->logs = true;
        else if (!value) return false;
        else {
            if (strcmp(argv[i], "--seeds") == 0) o->seeds = strtoull(value, NULL, 10);
            else if (strcmp(argv[i], "--from") == 0) o->from = strtoull(value, NULL, 10);
            else if (strcmp(argv[i], "--seed") == 0) o->from = strtoull(value, NULL, 10), o->seeds = 1;
            else if (strcmp(argv[i], "--steps") == 0) o->steps = strtoull(value, NULL, 10);
            else if (strcmp(argv[i], "--jobs") == 0) o->jobs = (unsigned)strtoul(value, NULL, 10);
            else if (strcmp(argv[i], "--only") == 0) o->only = value;
            else return false;
            i++;
        }
    }
    return o->jobs > 0 && o->jobs <= JOBS_MAX;
}

static void print_rates(const struct tally *sum, double seconds)
{
    printf("# %llu seeds, %llu steps, %llu requests, %llu entries, %llu alarms; %.1f s: %.1f seeds and %.0f steps a second\n",
           (unsigned long long)sum->seeds, (unsigned long long)sum->steps, (unsigned long long)sum->requests,
           (unsigned long long)sum->entries, (unsigned long long)sum->alarms, seconds, (double)sum->seeds / seconds,
           (double)sum->steps / seconds);
    printf("# of %llu signature checks, %llu were computed and the others remembered; of %llu signatures, %llu; of %llu uses of X-Wing, %llu\n",
           (unsigned long long)sum->costs.checks, (unsigned long long)sum->costs.checks_computed,
           (unsigned long long)sum->costs.signings, (unsigned long long)sum->costs.signings_computed,
           (unsigned long long)sum->costs.kems, (unsigned long long)sum->costs.kems_computed);
}

int main(int argc, char **argv)
{
    struct options o = {.from = 1, .seeds = 200, .steps = 200, .jobs = 2};
    struct tally sum = {.seeds = 0};
    struct timespec begin, end;
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: simulate [--seeds N] [--from S] [--seed S] [--steps N] [--only A,B,…] [--jobs N] [--trace] [--hash] [--logs]\n");
        return 2;
    }
    if (pv_crypto_init()) return 1;
    sim_disk_init();
    if (!mallopt(M_MMAP_THRESHOLD, 1 << 28) || !mallopt(M_TRIM_THRESHOLD, 1 << 28) || !mallopt(M_TOP_PAD, 1 << 24)) return 1;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (o.seeds < o.jobs) o.jobs = 1;
    playing = mmap(NULL, JOBS_MAX * sizeof *playing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (playing == MAP_FAILED) return 1;
    bool good = true;
    if (o.seeds == 1) {
        play(&o, o.from, &sum);
        sum.costs = *sim_costs();
    } else good = run_jobs(&o, &sum);
    clock_gettime(CLOCK_MONOTONIC, &end);
    print_rates(&sum, (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    if (good && !sum.broken) printf("ok - no property broke in %llu seeds\n", (unsigned long long)sum.seeds);
    return good && !sum.broken ? 0 : 1;
}
