/* What was asked to be forgotten goes, body and keys, wherever an honest program followed; nothing else does. */
#include <stdio.h>
#include <stdlib.h>

#include "core/sync/room_parts.h"
#include "tests/simulation/ledger_parts.h"

enum { NONCE = 24 }; /* what a sealed body begins with: no other has it */

void sim_forget_note(struct sim_device *device, unsigned room, uint64_t write, struct sim_seal *seal)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(device->copies[room].db, "SELECT write_id, payload FROM outbox WHERE id = ?", -1, &stmt, NULL)) return;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)write);
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == (int)sizeof seal->write_id.b) {
        memcpy(seal->write_id.b, sqlite3_column_blob(stmt, 0), sizeof seal->write_id.b);
        seal->message = sim_message_number(pv_bytes(sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1)));
    }
    sqlite3_finalize(stmt);
}

/* With all versions of the write: what is in the log twice goes as one. */
static void ask(struct sim_ledger *ledger, const struct sim_seal *seal)
{
    struct pv_id16 write_id = seal->write_id;
    if (!pv_kind_is_sealed(seal->kind)) return;
    if (seal->message < SIM_WRITES) ledger->writes[seal->message].asked = true;
    for (size_t i = 0; i < ledger->seal_count; i++)
        if (pv_id16_equal(&ledger->seals[i].write_id, &write_id)) ledger->seals[i].asked = true;
}

void sim_ledger_asked(struct sim_world *world, struct sim_device *device, unsigned room, const struct pv_range *ranges, size_t count)
{
    struct sim_ledger *ledger = world->ledger;
    const struct sim_history *held = &device->held[room]; /* its disk may have died over this */
    struct pv_hash leaf;
    for (size_t i = 0; i < count; i++)
        for (uint64_t at = ranges[i].from; at < ranges[i].to; at++) {
            if (at < held->count) leaf = held->leaves[at];
            else if (pv_store_leaf(device->copies[room].store, at, &leaf)) break;
            const struct sim_seal *seal = sim_seal_of(ledger, &leaf);
            if (seal) ask(ledger, seal);
        }
}

void sim_ledger_asked_by_thief(struct sim_world *world, unsigned room)
{
    struct sim_ledger *ledger = world->ledger;
    for (size_t i = 0; i < ledger->seal_count; i++)
        if (ledger->seals[i].room == room) ask(ledger, &ledger->seals[i]);
}

bool sim_ledger_dropped(const struct sim_world *world, unsigned room, const struct pv_hash *leaf, struct pv_bytes *ret_body,
                        struct pv_bytes *ret_refs)
{
    for (unsigned h = 0; h < SIM_HOSTS; h++) {
        const struct sim_log *log = &world->ledger->logs[h][room];
        for (size_t i = 0; i < log->history.count; i++) {
            if (!log->entries[i].body.n || !pv_hash_equal(&log->history.leaves[i], leaf)) continue;
            *ret_body = log->entries[i].body;
            *ret_refs = log->entries[i].refs;
            return true;
        }
    }
    return false;
}

/* ---- on a device that followed */

struct following {
    struct sim_ledger *ledger;
    const struct sim_device *device;
    unsigned room;
};

static enum pv_err see_entry(void *context, const struct pv_stored_entry *stored)
{
    struct following *f = context;
    struct pv_entry entry;
    if (!pv_roster_is_forgotten(pv_room_roster(f->device->copies[f->room].room), stored->index)) return PV_OK;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    if (pv_kind_is_sealed(entry.header.kind) && stored->has_body)
        sim_fail(f->ledger->world, "forget", "device %u still holds the body of entry %llu of %s", f->device->number,
                 (unsigned long long)stored->index, sim_room_name(f->room));
    return PV_OK;
}

static sqlite3_int64 number(const struct sim_device *device, unsigned room, const char *text, uint64_t bound)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3_int64 value = 0;
    if (sqlite3_prepare_v2(device->copies[room].db, text, -1, &stmt, NULL)) return 0;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)bound);
    if (sqlite3_step(stmt) == SQLITE_ROW) value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* Something sealed before the cut came into the log after the keys were listed: for that one, its secret is kept. */
static bool came_after_keys(const struct sim_log *log, uint64_t cut)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(log->roster, &count);
    for (uint64_t i = cut < count ? epochs[cut].index : 0; i < log->history.count; i++)
        if (pv_kind_is_sealed(log->entries[i].kind) && log->entries[i].verdict == PV_ACCEPTED && log->entries[i].epoch < cut) return true;
    return false;
}

/* Is the secret of that epoch here? One by itself in the table may be that of a rekey which lost its race. */
static bool has_secret(const struct sim_copy *copy, uint64_t epoch)
{
    struct pv_epoch_secret secret;
    enum pv_err err = pv_keys_secret(copy->room, pv_room_roster(copy->room), epoch, &secret);
    pv_wipe(&secret, sizeof secret);
    return err == PV_OK;
}

void sim_ledger_followed(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct sim_ledger *ledger = world->ledger;
    struct following f = {ledger, device, room};
    struct sim_copy *copy = &device->copies[room];
    const struct sim_log *log = &ledger->logs[device->host][room];
    const struct pv_roster *roster = pv_room_roster(copy->room);
    uint64_t cut = pv_roster_cut_done(roster);
    bool ever = false;
    for (size_t i = 0; i < pv_roster_forget_count(roster) && !world->failed; i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(roster, i, &forget);
        ever |= forget.done;
        for (size_t k = 0; forget.done && k < forget.range_count && !world->failed; k++)
            if (pv_store_header_each(copy->store, forget.ranges[k].from, forget.ranges[k].to, see_entry, &f) && !sim_disk_is_dead(device->disk))
                sim_fail(world, "P2", "device %u cannot walk %s", device->number, sim_room_name(room));
    }
    if (!pv_roster_principal_of(roster, &device->me.device)) return; /* who is out cannot read what keys stay, and keeps all */
    if (!ever || world->failed || ledger->crafted[room] || world->weather.lies || !log->roster || device->held[room].count != log->history.count) return;
    /* A liar may have withheld the secret under which the keys are listed; a restored server has lost its wraps, and with
     * whoever made it gone nobody else gets it. What no list gives, the old secrets open on: that is promised. */
    if (!has_secret(copy, cut)) return;
    sqlite3_int64 left = number(device, room, "SELECT count(*) FROM epoch WHERE epoch < ?", cut);
    if (left && !came_after_keys(log, cut))
        sim_fail(world, "forget", "device %u keeps %lld secrets of %s from before the cut at epoch %llu", device->number, (long long)left,
                 sim_room_name(room), (unsigned long long)cut);
}

/* ---- at the end */

static uint64_t first_plan(const struct sim_log *log)
{
    uint64_t first = UINT64_MAX;
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(log->roster, &count);
    for (size_t i = 0; i < pv_roster_forget_count(log->roster); i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(log->roster, i, &forget);
        if (!forget.done && forget.cut < count && epochs[forget.cut].index < first) first = epochs[forget.cut].index;
    }
    return first;
}

size_t sim_ledger_forgets(const struct sim_world *world)
{
    size_t count = 0;
    for (unsigned r = 0; r < SIM_ROOMS; r++)
        if (world->ledger->logs[0][r].roster) count += pv_roster_forget_count(world->ledger->logs[0][r].roster);
    return count;
}

void sim_ledger_before_forgetting(struct sim_world *world)
{
    struct sim_ledger *ledger = world->ledger;
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS; r++) {
        uint64_t first = ledger->logs[0][r].roster ? first_plan(&ledger->logs[0][r]) : UINT64_MAX;
        if (!ledger->standing[r].p || first < ledger->planned[r]) ledger->planned[r] = first;
        for (unsigned d = 0; d < SIM_PROGRAMS && !ledger->standing[r].p; d++) {
            const struct sim_device *device = sim_program(world, d);
            if (!device->there || !sim_ledger_is_caught_up(world, device, r)) continue;
            sim_state_files(device, r, &ledger->standing[r]);
            ledger->standing_of[r] = d;
        }
    }
}

/* A line of the files that stand, taken apart. */
struct file_line {
    uint64_t head, placed;
    const char *versions, *path; /* the versions parted by commas, up to the path */
};

static struct file_line read_line(const char *line)
{
    struct file_line file;
    char *rest;
    file.head = strtoull(line, &rest, 10);
    file.placed = strtoull(rest, &rest, 10);
    file.versions = rest + 1;
    file.path = strchr(rest + 1, ' ') + 1;
    return file;
}

static bool was_asked(const struct sim_ledger *ledger, unsigned room, uint64_t index)
{
    const struct sim_log *log = &ledger->logs[0][room];
    const struct sim_seal *seal = index < log->history.count ? sim_seal_of(ledger, &log->history.leaves[index]) : NULL;
    return seal && seal->asked;
}

static bool was_some_asked(const struct sim_ledger *ledger, unsigned room, const struct file_line *file)
{
    char *at = (char *)file->versions;
    for (const char *from = at; from < file->path; from = at + 1)
        if (was_asked(ledger, room, strtoull(from, &at, 10))) return true;
    return false;
}

/* The same newest version; at the same path, too, unless what says otherwise came when a forget was planned already: of an
 * edit whose file is forgotten meanwhile, a file of its own is made, where the edit says; a move that names, behind the
 * newest, a version which is forgotten meanwhile does nothing; one that names a version which stays moves what follows that
 * now. */
static bool is_same_file(const struct sim_ledger *ledger, unsigned room, const struct file_line *a, const struct file_line *b)
{
    uint64_t planned = ledger->planned[room];
    bool late = a->head >= planned || b->placed >= planned || (a->placed >= planned && was_some_asked(ledger, room, a));
    return a->head == b->head && (late || strcmp(a->path, b->path) == 0);
}

/* Today's state less what was meant: no file that stood is gone, none has come back or moved. */
static void check_files(struct sim_ledger *ledger, const struct sim_device *device, unsigned room)
{
    struct pv_buf now;
    char *before = (char *)ledger->standing[room].p, *after, *rest_before = NULL, *rest_after = NULL;
    if (!before) return;
    sim_state_files(device, room, &now);
    after = (char *)now.p;
    const char *a = strtok_r(before, "\n", &rest_before), *b = strtok_r(after, "\n", &rest_after);
    while (a || b) {
        struct file_line was = {.head = 0}, is = {.head = 0};
        if (a) was = read_line(a);
        if (b) is = read_line(b);
        if (a && b && is_same_file(ledger, room, &was, &is)) {
            a = strtok_r(NULL, "\n", &rest_before);
            b = strtok_r(NULL, "\n", &rest_after);
        } else if (a && was_asked(ledger, room, was.head)) {
            a = strtok_r(NULL, "\n", &rest_before);
        } else {
            sim_fail(ledger->world, "forget", "of the files of %s, by forgetting, \"%s\" became \"%s\" to device %u", sim_room_name(room),
                     a ? a : "", b ? b : "", device->number);
            break;
        }
    }
    pv_buf_release(&now);
}

static void check_words(struct sim_ledger *ledger, const struct sim_device *device, unsigned room, size_t message)
{
    char words[64];
    snprintf(words, sizeof words, SIM_CANARY " %zu.", message);
    if (sim_disk_contains(device->disk, pv_bytes_of_string(words)))
        sim_fail(ledger->world, "forget", "the disk of device %u still holds message %zu of %s", device->number, message, sim_room_name(room));
}

static void check_gone(struct sim_ledger *ledger, unsigned room, const struct sim_log *log, uint64_t index)
{
    struct sim_world *world = ledger->world;
    const struct sim_entry *entry = &log->entries[index];
    const struct sim_seal *seal = sim_seal_of(ledger, &log->history.leaves[index]);
    struct pv_bytes start = pv_bytes(entry->body.p, NONCE);
    if (!pv_roster_is_forgotten(log->roster, index) || !pv_kind_is_sealed(entry->kind) || entry->body.n < NONCE) return;
    if (sim_disk_contains(world->hosts[0].disk, start))
        sim_fail(world, "forget", "the server's disk still holds the body of entry %llu of %s", (unsigned long long)index, sim_room_name(room));
    for (unsigned d = 0; d < SIM_PROGRAMS && !world->failed; d++) {
        const struct sim_device *device = sim_program(world, d);
        if (!device->there || !sim_is_member(ledger, device, room)) continue;
        if (sim_disk_contains(device->disk, start))
            sim_fail(world, "forget", "the disk of device %u still holds the body of entry %llu of %s", d, (unsigned long long)index, sim_room_name(room));
        if (seal && entry->verdict == PV_ACCEPTED && seal->message < SIM_WRITES && !ledger->crafted[room]) check_words(ledger, device, room, seal->message);
    }
}

static void check_done(struct sim_ledger *ledger, unsigned room, const struct sim_log *log)
{
    for (size_t i = 0; i < pv_roster_forget_count(log->roster); i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(log->roster, i, &forget);
        if (!forget.done && !forget.held)
            sim_fail(ledger->world, "life", "what was to be forgotten in %s up to epoch %llu never is", sim_room_name(room), (unsigned long long)forget.cut);
    }
}

/* Can it open what was sealed to keep the state, behind each cut? A restored server may have lost those wraps, with whoever
 * made them gone. */
static bool opens_cuts(const struct sim_device *device, unsigned room)
{
    const struct sim_copy *copy = &device->copies[room];
    const struct pv_roster *roster = pv_room_roster(copy->room);
    for (size_t i = 0; i < pv_roster_forget_count(roster); i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(roster, i, &forget);
        if (forget.done && !has_secret(copy, forget.cut)) return false;
    }
    return true;
}

/* Everyone who is in has the same; files are looked at once, where they were before. */
static void check_members(struct sim_ledger *ledger, unsigned room)
{
    struct sim_world *world = ledger->world;
    const struct sim_device *first = NULL;
    for (unsigned d = 0; d < SIM_PROGRAMS && !world->failed; d++) {
        const struct sim_device *device = sim_program(world, d);
        if (!device->there || !sim_ledger_is_caught_up(world, device, room)) continue;
        if (first) sim_ledger_same(world, first, device, room);
        else first = device;
        if (room < SIM_CLIENT_ROOMS && ledger->standing_of[room] == d && opens_cuts(device, room)) check_files(ledger, device, room);
    }
}

void sim_forget_finish(struct sim_ledger *ledger)
{
    struct sim_world *world = ledger->world;
    if (world->weather.hostile || !world->weather.forgets) return;
    for (unsigned r = 0; r < SIM_ROOMS && !world->failed; r++) {
        const struct sim_log *log = &ledger->logs[0][r];
        if (!log->roster) continue;
        if (!sim_host_waits(world, r)) check_done(ledger, r, log);
        for (uint64_t i = 0; i < log->history.count && !world->failed; i++) check_gone(ledger, r, log, i);
        check_members(ledger, r);
    }
}

void sim_forget_release(struct sim_ledger *ledger)
{
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS; r++)
        if (ledger->standing[r].p) pv_buf_release(&ledger->standing[r]);
}
