/* Every message is read exactly once by everyone, or still waits where it was written. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/simulation/act_parts.h"
#include "tests/simulation/ledger_parts.h"

size_t sim_ledger_write(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct sim_ledger *ledger = world->ledger;
    if (ledger->write_count == SIM_WRITES) return SIM_WRITES;
    ledger->writes[ledger->write_count].home = device->home;
    ledger->writes[ledger->write_count].room = room;
    ledger->writes[ledger->write_count].kept = false;
    return ledger->write_count++;
}

void sim_ledger_written(struct sim_world *world, size_t write, bool kept)
{
    if (write < SIM_WRITES) world->ledger->writes[write].kept = kept;
}

void sim_ledger_moved(struct sim_world *world, size_t write, unsigned room)
{
    world->ledger->writes[write].room = room;
}

/* ---- what a device has of them */

struct texts {
    unsigned read[SIM_WRITES], waiting[SIM_WRITES];
    struct pv_sha256 all; /* over place and text of each message */
};

size_t sim_message_number(struct pv_bytes text)
{
    char digits[8] = "";
    const uint8_t *at = memmem(text.p, text.n, SIM_CANARY " ", strlen(SIM_CANARY) + 1);
    if (!at) return SIM_WRITES;
    at += strlen(SIM_CANARY) + 1;
    for (size_t i = 0; i < sizeof digits - 1 && at < text.p + text.n && *at >= '0' && *at <= '9'; i++) digits[i] = (char)*at++;
    size_t number = strtoul(digits, NULL, 10);
    return number < SIM_WRITES ? number : SIM_WRITES;
}

static enum pv_err waiting(void *context, const struct pv_write *write)
{
    struct texts *texts = context;
    size_t number = sim_message_number(write->payload);
    if (number < SIM_WRITES) texts->waiting[number]++;
    return PV_OK;
}

static bool texts_of(const struct sim_ledger *ledger, struct sim_device *device, unsigned room, struct texts *ret_texts)
{
    const struct sim_copy *copy = &device->copies[room];
    sqlite3_stmt *stmt = NULL;
    int rc;
    memset(ret_texts, 0, sizeof *ret_texts);
    pv_sha256_init(&ret_texts->all);
    if (pv_store_write_each(copy->store, waiting, ret_texts)) return false;
    rc = sqlite3_prepare_v2(copy->db, "SELECT idx, text FROM message ORDER BY idx", -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        sqlite3_int64 index = sqlite3_column_int64(stmt, 0);
        struct pv_bytes text = pv_bytes(sqlite3_column_text(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));
        size_t number = sim_message_number(text);
        if (number < SIM_WRITES) ret_texts->read[number]++;
        rc = SQLITE_OK;
        if (number < SIM_WRITES && ledger->writes[number].asked) continue; /* a newcomer need not read what waits */
        pv_sha256_update(&ret_texts->all, &index, sizeof index);
        pv_sha256_update(&ret_texts->all, text.p, text.n);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

void sim_ledger_kept(struct sim_world *world, struct sim_device *device)
{
    struct sim_ledger *ledger = world->ledger;
    struct texts texts;
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS && !world->failed; r++) {
        if (!device->copies[r].room || !texts_of(ledger, device, r, &texts)) continue;
        for (size_t i = 0; i < ledger->write_count; i++) {
            if (ledger->writes[i].room != r) continue;
            if (texts.read[i] > 1) sim_fail(world, "P2", "device %u reads message %zu of %s twice", device->number, i, sim_room_name(r));
            if (ledger->writes[i].home != device->home || !ledger->writes[i].kept || ledger->writes[i].asked || device->rolled_back) continue;
            /* Whoever is out and follows a forget by a ticket has not the keys of what stays. */
            bool is_out = !pv_roster_principal_of(pv_room_roster(device->copies[r].room), &device->me.device);
            if (texts.read[i] + texts.waiting[i] == 0 && !is_out)
                sim_fail(world, "P2", "device %u lost message %zu of %s, which it had kept", device->number, i, sim_room_name(r));
        }
    }
}

/* ---- after the calm */

bool sim_is_member(const struct sim_ledger *ledger, const struct sim_device *device, unsigned room)
{
    const struct sim_log *log = &ledger->logs[0][room];
    return log->roster && device->up && device->copies[room].room && device->held[room].count == log->history.count &&
           !sim_ledger_lost(ledger->world, device, room) && pv_roster_principal_of(log->roster, &device->me.device);
}

/* What a restore lost of the keys beside an entry may leave an epoch to viewers alone, who make no key unless one is due:
 * what only they read, others lack until then. */
static bool only_viewers_read(struct sim_ledger *ledger, unsigned room, size_t write)
{
    struct sim_world *world = ledger->world;
    const struct pv_roster *roster = ledger->logs[0][room].roster;
    bool some = false;
    for (unsigned d = 0; d < SIM_PROGRAMS && world->weather.restores; d++) {
        struct sim_device *device = sim_program(world, d);
        struct texts texts;
        if (!device->there || !sim_is_member(ledger, device, room) || !texts_of(ledger, device, room, &texts) || !texts.read[write]) continue;
        /* Nor does anyone give again the list of keys that a forget's cut made needful, until somebody forgets anew. */
        if (pv_roster_principal_of(roster, &device->me.device)->role != PV_ROLE_VIEWER && !pv_roster_cut(roster)) return false;
        some = true;
    }
    return some;
}

static void finish_room(struct sim_ledger *ledger, unsigned room)
{
    struct sim_world *world = ledger->world;
    struct pv_hash first = {{0}};
    bool some = false, left_out = false;
    if (world->succession.named && room == 0) return; /* it is read-only: keys that a restore lost come back no more */
    for (unsigned d = 0; d < SIM_PROGRAMS && !world->failed; d++) {
        struct sim_device *device = sim_program(world, d);
        struct texts texts;
        struct pv_hash all;
        if (!device->there || !sim_is_member(ledger, device, room)) continue;
        if (!sim_ledger_has(world, device, sim_own_room(device))) continue; /* its person revoked it: it may never have had keys */
        if (!texts_of(ledger, device, room, &texts)) {
            sim_fail(world, "P2", "device %u cannot read its messages", d);
            return;
        }
        pv_sha256_final(&texts.all, &all);
        if (ledger->crafted[room] || ledger->crafted[sim_own_room(device)]) continue; /* there may be no key for some */
        for (size_t i = 0; i < ledger->write_count; i++) {
            const struct sim_device *author = sim_program(world, ledger->writes[i].home);
            if (ledger->writes[i].room != room || ledger->writes[i].asked || texts.read[i] == 1) continue;
            bool only_viewers = texts.read[i] == 0 && only_viewers_read(ledger, room, i);
            left_out = left_out || only_viewers;
            if (!ledger->writes[i].kept || author->rolled_back || !sim_is_member(ledger, author, room)) continue;
            if (texts.read[i] == 0 && !sim_ledger_has(world, author, sim_own_room(author))) continue; /* its person revoked it */
            if (!only_viewers) sim_fail(world, "P2", "message %zu by program %u is read %u times by program %u in the end", i, author->slot, texts.read[i], d);
        }
        if (some && !left_out && !pv_hash_equal(&all, &first)) sim_fail(world, "P6", "device %u reads other messages in %s", d, sim_room_name(room));
        some = true;
        first = all;
    }
}

/* Does a restored room wait for what no device in it has any more? Everyone in it has shown by now how far they had come;
 * who only read it by a link shows nothing. */
static bool waits_for_nobody(struct sim_world *world, unsigned room)
{
    uint64_t known = 0, most = 0, missing;
    for (unsigned d = 0; d < SIM_PROGRAMS; d++) {
        const struct sim_device *device = sim_program(world, d);
        const struct sim_copy *copy = &device->copies[room];
        if (!device->there || !copy->room) continue;
        if (device->held[room].count > most && pv_roster_principal_of(pv_room_roster(copy->room), &device->me.device))
            most = device->held[room].count;
        if (pv_room_is_restored(copy->room, &missing) && device->held[room].count + missing > known) known = device->held[room].count + missing;
    }
    return known > most;
}

static void check_members_came_along(struct sim_ledger *ledger, unsigned room)
{
    struct sim_world *world = ledger->world;
    const struct sim_log *log = &ledger->logs[0][room];
    for (unsigned d = 0; d < SIM_PROGRAMS && log->roster && !world->failed; d++) {
        const struct sim_device *device = sim_program(world, d);
        if (!device->there || !device->copies[room].room || !pv_roster_principal_of(log->roster, &device->me.device)) continue;
        if (!sim_ledger_has(world, device, sim_own_room(device))) continue; /* its person took it out: it is owed nothing */
        if (sim_ledger_lost(world, device, room) || sim_ledger_lost(world, device, sim_own_room(device))) continue; /* it is alarmed */
        if (device->held[room].count != log->history.count)
            sim_fail(world, "life", "device %u has %zu of %zu entries of %s in the end", d, device->held[room].count,
                     log->history.count, sim_room_name(room));
        else if (pv_roster_rekey_due(log->roster) && !ledger->crafted[room] && !(world->succession.named && room == 0)) /* which has ended */
            sim_fail(world, "life", "a rekey of %s is still due in the end", sim_room_name(room));
    }
}

/* Whoever was led into a successor is there, and nobody who was out of the ended room. */
static void check_succession(struct sim_ledger *ledger)
{
    struct sim_world *world = ledger->world;
    const struct sim_log *log = &ledger->logs[0][SIM_CLIENT_ROOMS - 1];
    for (unsigned p = 0; p < SIM_PERSONS && world->succession.named && log->roster; p++) {
        bool is_in = pv_roster_principal(log->roster, &world->room_ids[SIM_CLIENT_ROOMS + p]) != NULL;
        if (is_in && !world->succession.may[p]) sim_fail(world, "P4", "person %u, who was out, is in the successor", p);
        for (unsigned d = p; d < SIM_DEVICES && !is_in && !world->succession.ended; d += SIM_PERSONS)
            if (world->succession.led[d] && sim_ledger_has(world, &world->devices[d], SIM_CLIENT_ROOMS + p))
                sim_fail(world, "life", "device %u was led to the successor, and its person is not in", d);
    }
}

void sim_writes_finish(struct sim_ledger *ledger)
{
    struct sim_world *world = ledger->world;
    if (world->weather.hostile) return; /* it may never show what it has */
    for (unsigned r = 0; r < SIM_ROOMS && !world->failed; r++) {
        if (waits_for_nobody(world, r)) continue;
        check_members_came_along(ledger, r);
        if (r >= SIM_CLIENT_ROOMS || world->failed) continue;
        /* For an owner who has lost everything, say: it takes nothing more, and there is no third room to go over to. */
        if (!sim_host_waits(world, r) || sim_may_go_over(world, r)) finish_room(ledger, r);
    }
    if (!world->failed) check_succession(ledger);
    for (unsigned d = 0; d < SIM_PROGRAMS && !world->failed; d++)
        if (sim_program(world, d)->there && sim_program(world, d)->up) sim_ledger_kept(world, sim_program(world, d));
    if (sim_disk_contains(world->hosts[0].disk, pv_bytes_of_string(SIM_CANARY)))
        sim_fail(world, "P1", "the server's disk holds what only members may read");
}
