/* What people write: words by which nothing may be lost, and where things get forgotten also names and files. */
#include <stdio.h>
#include <stdlib.h>

#include "core/state/payload.h"
#include "tests/simulation/act_parts.h"

static enum pv_err write_payload(struct sim_device *device, unsigned room, const struct pv_payload *payload)
{
    struct pv_buf buf;
    enum pv_kind kind = PV_KIND_TALK;
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&buf, payload);
    enum pv_err err = buf.err ? buf.err : pv_payload_kind((uint64_t)payload->type, &kind);
    if (!err) err = pv_room_write(device->copies[room].room, kind, pv_buf_bytes(&buf), pv_bytes(NULL, 0));
    pv_buf_release(&buf);
    return err;
}

static void talk(struct sim_world *world, struct sim_device *device, unsigned room, struct pv_payload *payload)
{
    char text[64];
    size_t number = sim_ledger_write(world, device, room);
    if (number == SIM_WRITES) return;
    snprintf(text, sizeof text, SIM_CANARY " %zu%s", number, world->weather.forgets ? "." : ""); /* is no other's beginning */
    payload->type = PV_PAYLOAD_MESSAGE;
    payload->u.message.text = pv_bytes_of_string(text);
    enum pv_err err = write_payload(device, room, payload);
    sim_ledger_written(world, number, !err && !sim_disk_is_dead(device->disk));
    sim_local(world, device, err, "talk");
}

/* ---- files, without bytes: what stands where is what matters here */

/* One version of those that the device knows, by the dice. */
static bool some_version(struct sim_world *world, const struct sim_device *device, unsigned room, struct pv_write_ref *ret_version)
{
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    uint64_t count = 0;
    if (sqlite3_prepare_v2(device->copies[room].db, "SELECT a.id, v.write_id FROM version v JOIN author a ON a.no = v.author ORDER BY v.idx DESC",
                           -1, &stmt, NULL))
        return false;
    while (sqlite3_step(stmt) == SQLITE_ROW && count < 8) { /* newer ones more often */
        if (found && !sim_chance(world, 100)) continue;
        if (sqlite3_column_bytes(stmt, 0) != 32 || sqlite3_column_bytes(stmt, 1) != 16) break;
        memcpy(ret_version->author.b, sqlite3_column_blob(stmt, 0), 32);
        memcpy(ret_version->write_id.b, sqlite3_column_blob(stmt, 1), 16);
        found = true;
        count++;
    }
    sqlite3_finalize(stmt);
    return found;
}

static void some_path(struct sim_world *world, struct pv_path *ret_path)
{
    static const char *const names[] = {"plan.txt", "list.txt", "a/b.txt"};
    if (pv_path_from_text(pv_bytes_of_string(names[sim_below(world, 3)]), ret_path)) abort();
}

static void change_file(struct sim_world *world, struct sim_device *device, unsigned room, struct pv_payload *payload)
{
    struct pv_write_ref version;
    uint64_t how = sim_below(world, 5);
    bool some = some_version(world, device, room, &version);
    if (how == 0 && some) {
        payload->type = PV_PAYLOAD_FILE_MOVE;
        payload->u.file_move.version = version;
        some_path(world, &payload->u.file_move.path);
        return;
    }
    if (how == 1 && some) {
        payload->type = PV_PAYLOAD_FILE_REMOVE;
        payload->u.file_remove = version;
        return;
    }
    payload->type = PV_PAYLOAD_FILE_PUT;
    payload->u.file_put.has_replaces = some && how < 4;
    if (some) payload->u.file_put.replaces = version;
    payload->u.file_put.file = (struct pv_file){.mode = 0644, .mtime_seconds = (int64_t)(world->now_ms / 1000)};
    some_path(world, &payload->u.file_put.file.path);
}

static struct pv_id16 version_of(const struct pv_payload *payload)
{
    struct pv_id16 none = {{0}};
    switch ((int)payload->type) {
    case PV_PAYLOAD_FILE_PUT: return payload->u.file_put.has_replaces ? payload->u.file_put.replaces.write_id : none;
    case PV_PAYLOAD_FILE_MOVE: return payload->u.file_move.version.write_id;
    case PV_PAYLOAD_FILE_REMOVE: return payload->u.file_remove.write_id;
    default: return none;
    }
}

static void work(struct sim_world *world, struct sim_device *device, unsigned room, struct pv_payload *payload)
{
    char name[16];
    uint64_t what = world->weather.forgets ? sim_below(world, 8) : 0;
    if (what == 0) {
        payload->type = PV_PAYLOAD_CHUNKING;
        pv_random_fill(&device->random, payload->u.chunking.b, sizeof payload->u.chunking.b);
    } else if (what == 1) {
        snprintf(name, sizeof name, "name %u", (unsigned)world->step);
        payload->type = PV_PAYLOAD_PROFILE;
        payload->u.profile_name = pv_bytes_of_string(name);
    } else {
        change_file(world, device, room, payload);
    }
    struct pv_id16 of = version_of(payload);
    sim_tell(world, "  device %u: payload %u, write %02x%02x of %02x%02x", device->number, (unsigned)payload->type, payload->write_id.b[0],
             payload->write_id.b[1], of.b[0], of.b[1]);
    sim_local(world, device, write_payload(device, room, payload), "work");
}

void sim_say(struct sim_world *world, struct sim_device *device, unsigned room, bool is_work)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    pv_random_fill(&device->random, payload.write_id.b, sizeof payload.write_id.b);
    if (is_work) work(world, device, room, &payload);
    else talk(world, device, room, &payload);
}
