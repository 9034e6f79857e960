/* The simulated disk forgets what was not synced, and a store on it keeps what it said was kept. */
#include "tests/simulation/disk.h"

#include <sqlite3.h>

#include "core/state/store.h"
#include "tests/tap.h"

enum { TRIES = 64 };

struct opened {
    sqlite3 *db;
    struct pv_store *store;
};

static bool open_on(unsigned disk, struct opened *ret_opened)
{
    char path[SIM_FILE_NAME + 8];
    sim_disk_path(disk, "db", path);
    if (sqlite3_open(path, &ret_opened->db) != SQLITE_OK) return false;
    return pv_store_open(ret_opened->db, &ret_opened->store) == PV_OK;
}

static void close_dead(unsigned disk, struct opened *opened)
{
    sim_disk_kill(disk);
    pv_store_close(opened->store);
    sqlite3_close(opened->db);
}

static uint64_t number_in(struct opened *opened)
{
    uint64_t number = 0;
    if (pv_store_number_get(opened->store, "kept", 0, &number)) return UINT64_MAX;
    return number;
}

/* `sessions` times the store is opened, written and left by a loss of power. */
static unsigned losses(unsigned sessions)
{
    unsigned lost = 0;
    for (unsigned t = 0; t < TRIES; t++) {
        struct seeded dice = seeded_make(t);
        unsigned disk = sim_disk_new();
        for (unsigned s = 1; s <= sessions; s++) {
            struct opened opened = {NULL, NULL};
            if (!open_on(disk, &opened)) lost++;
            else if (s > 1 && number_in(&opened) != s - 1) lost++;
            else if (pv_store_number_set(opened.store, "kept", s)) lost++;
            close_dead(disk, &opened);
            sim_disk_crash(disk, &dice);
        }
        struct opened after = {NULL, NULL};
        if (!open_on(disk, &after) || number_in(&after) != sessions) lost++;
        close_dead(disk, &after);
        sim_disk_free(disk);
    }
    return lost;
}

/* A write cut short by the loss of power is there whole or not at all. */
static unsigned halves(void)
{
    unsigned bad = 0;
    for (unsigned t = 0; t < 4 * TRIES; t++) {
        struct seeded dice = seeded_make(t);
        struct opened opened, after = {NULL, NULL};
        unsigned disk = sim_disk_new();
        if (!open_on(disk, &opened) || pv_store_number_set(opened.store, "kept", 1)) bad++;
        sim_disk_doom(disk, 1 + t % 16);
        bool kept = pv_store_number_set(opened.store, "kept", 2) == PV_OK && !sim_disk_is_dead(disk);
        close_dead(disk, &opened);
        sim_disk_crash(disk, &dice);
        uint64_t number = open_on(disk, &after) ? number_in(&after) : 0;
        if (number != 2 && (kept || number != 1)) bad++;
        close_dead(disk, &after);
        sim_disk_free(disk);
    }
    return bad;
}

/* A write for which there is no space is undone for who goes on; where only SQLite's filling up of a sector behind it found
 * none, the loss of power brings it back, whole. */
static unsigned fulls(unsigned *ret_back)
{
    unsigned bad = 0;
    *ret_back = 0;
    for (unsigned t = 0; t < TRIES; t++) {
        struct seeded dice = seeded_make(t);
        struct opened opened, after = {NULL, NULL};
        unsigned disk = sim_disk_new();
        if (!open_on(disk, &opened) || pv_store_number_set(opened.store, "kept", 1)) bad++;
        close_dead(disk, &opened);
        if (!open_on(disk, &opened)) bad++; /* it has a write-ahead log from now on */
        sim_disk_fill(disk, t % 16);
        enum pv_err err = pv_store_number_set(opened.store, "kept", 2);
        if (number_in(&opened) != (err ? 1 : 2) || (err && err != PV_ERR_FULL)) bad++;
        close_dead(disk, &opened);
        sim_disk_crash(disk, &dice);
        sim_disk_clear(disk);
        uint64_t number = open_on(disk, &after) ? number_in(&after) : 0;
        if (number != 2 && (!err || number != 1)) bad++;
        *ret_back += err && number == 2;
        close_dead(disk, &after);
        sim_disk_free(disk);
    }
    return bad;
}

int main(void)
{
    sim_disk_init();
    unsigned disk = sim_disk_new(), same = 0;
    struct seeded dice = seeded_make(1);
    struct pv_buf buf;
    pv_buf_init(&buf, 1024);
    sim_disk_put(disk, "a", pv_bytes_of_string("one"));
    sim_disk_get(disk, "a", &buf);
    tap_ok(pv_bytes_equal(pv_buf_bytes(&buf), pv_bytes_of_string("one")), "a file holds what was put there");
    sim_disk_crash(disk, &dice);
    pv_buf_clear(&buf);
    sim_disk_get(disk, "a", &buf);
    tap_ok(pv_bytes_equal(pv_buf_bytes(&buf), pv_bytes_of_string("one")), "also after a loss of power");
    unsigned copy = sim_disk_copy(disk);
    sim_disk_put(disk, "a", pv_bytes_of_string("two"));
    tap_ok(sim_disk_contains(copy, pv_bytes_of_string("one")) && sim_disk_contains(disk, pv_bytes_of_string("two")), "a copy is apart");
    for (unsigned t = 0; t < TRIES; t++) { /* what nobody syncs may go */
        struct opened opened = {NULL, NULL};
        unsigned loose = sim_disk_new();
        if (!open_on(loose, &opened)) continue;
        sqlite3_exec(opened.db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
        bool kept = pv_store_number_set(opened.store, "kept", 1) == PV_OK;
        close_dead(loose, &opened);
        sim_disk_crash(loose, &dice);
        opened = (struct opened){NULL, NULL};
        same += kept && open_on(loose, &opened) && number_in(&opened) == 1;
        close_dead(loose, &opened);
        sim_disk_free(loose);
    }
    tap_ok(same > 0 && same < TRIES, "what was not synced is there at times: %u of %d", same, TRIES);
    unsigned lost = losses(1);
    tap_ok(lost == 0, "a new store keeps what it said was kept: %u of %d times it did not", lost, TRIES);
    lost = losses(4);
    tap_ok(lost == 0, "and a store in use: %u", lost);
    lost = halves();
    tap_ok(lost == 0, "a write that is cut short is there whole or not at all: %u", lost);
    unsigned back;
    unsigned bad = fulls(&back);
    tap_ok(bad == 0, "a write without space is undone, and whole if it comes back: %u", bad);
    tap_ok(back > 0 && back < TRIES, "which it does after some losses of power: %u of %d", back, TRIES);
    pv_buf_release(&buf);
    return tap_done();
}
