/* What a write costs that finds many unsent ones before it, over a server in memory; and to send them all.
 *
 *   bench_backlog [COUNT [DATABASE]]       the room in memory, or in a file that must not be there yet */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/sync_rig.h"

enum { WINDOW = 200, DAY_MS = 86400000 };

static double now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void must(enum pv_err err, const char *what)
{
    if (err == PV_OK) return;
    fprintf(stderr, "bench_backlog: %s: %s\n", what, pv_err_web_name(err));
    exit(1);
}

/* As a command does it: the room is opened, one message written, the room closed. */
static void say_by_commands(struct rig_member *member, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        must(rig_member_reopen(member), "open");
        must(rig_say(member, "from a command of its own"), "say");
    }
}

static void say(struct rig_member *member, size_t count)
{
    for (size_t i = 0; i < count; i++) must(rig_say(member, "one of many that wait until there is a network again"), "say");
}

static double a_write(void (*writes)(struct rig_member *, size_t), struct rig_member *member)
{
    double from = now_us();
    writes(member, WINDOW);
    return (now_us() - from) / WINDOW;
}

static void fill(struct rig_member *member, size_t count, const char *what)
{
    double first = a_write(say, member), first_command = a_write(say_by_commands, member);
    if (count > 4 * WINDOW) say(member, count - 4 * WINDOW);
    double last = a_write(say, member), last_command = a_write(say_by_commands, member);
    printf("%-34s in one process  %8.0f us  after %zu %8.0f us  %6.2f x\n", what, first, count, last, last / first);
    printf("%-34s each by its own %8.0f us  after %zu %8.0f us  %6.2f x\n", what, first_command, count, last_command,
           last_command / first_command);
}

static void found(struct rig_member *member, struct rig_device *device, const char *path)
{
    sqlite3 *db = NULL;
    must(rig_found(member, device), "found");
    if (!path) return;
    /* The same room once more, in a file. */
    struct pv_hash id = *pv_room_id(member->room);
    rig_member_close(member);
    if (sqlite3_open(path, &db) != SQLITE_OK) exit(1);
    if (sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL, NULL, NULL) != SQLITE_OK) exit(1);
    must(rig_member_open_over(member, device, &id, db), "open");
    must(rig_pull(member), "pull");
}

int main(int argc, char **argv)
{
    static struct rig_server server;
    static struct rig_device ada;
    struct rig_member member;
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
    uint64_t left = 1;

    must(pv_crypto_init(), "crypto");
    rig_server_init(&server, 1);
    must(rig_device_init(&ada, &server, 2), "device");
    found(&member, &ada, argc > 2 ? argv[2] : NULL);
    server.down = true;
    fill(&member, count, "signed at once");
    server.now_ms += 2 * DAY_MS;
    fill(&member, count, "drafts, the newest note being old");
    server.down = false;
    double from = now_us();
    must(rig_push(&member), "push");
    must(pv_store_write_count(member.store, &left), "count");
    printf("%-34s %.2f s, %.0f us each; %llu left\n", "to send them", (now_us() - from) / 1e6,
           (now_us() - from) / (2.0 * (double)count), (unsigned long long)left);
    rig_member_close(&member);
    rig_device_release(&ada);
    rig_server_release(&server);
    return left != 0;
}
