/* What a device has of a room, as text: the same for all who have the same log, however they came to it. */
#include <stdio.h>

#include "tests/simulation/ledger_parts.h"

static const char *const all[] = {
    "SELECT concat_ws(' ', 'message', m.idx, hex(a.id), m.text) FROM message m JOIN author a ON a.no = m.author ORDER BY m.idx",
    "SELECT concat_ws(' ', 'file', idx, path, placed, head, ifnull(removed, '-'), ifnull(lost_to, '-')) FROM file ORDER BY idx",
    "SELECT concat_ws(' ', 'version', idx, file, hex(write_id)) FROM version ORDER BY idx",
    "SELECT concat_ws(' ', 'name', hex(a.id), p.name) FROM profile p JOIN author a ON a.no = p.author ORDER BY 1",
    "SELECT concat_ws(' ', 'unreadable', idx, why) FROM unreadable ORDER BY idx",
    "SELECT concat_ws(' ', 'chunking', idx) FROM chunking ORDER BY idx",
    "SELECT concat_ws(' ', 'room', hex(room), state) FROM room ORDER BY 1",
    "SELECT concat_ws(' ', 'no body', idx) FROM entry WHERE body IS NULL ORDER BY idx",
    "SELECT concat_ws(' ', 'no refs', idx) FROM entry WHERE refs = x'f6' ORDER BY idx",
    "SELECT concat_ws(' ', 'kept', idx) FROM entry_key ORDER BY idx",
    "SELECT concat_ws(' ', 'verdict', idx, reason) FROM verdict ORDER BY idx",
};

static void add_rows(const struct sim_device *device, unsigned room, const char *text, struct pv_buf *out)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(device->copies[room].db, text, -1, &stmt, NULL)) return;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        pv_buf_append(out, sqlite3_column_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
        pv_buf_append_byte(out, '\n');
    }
    sqlite3_finalize(stmt);
}

void sim_state_text(const struct sim_device *device, unsigned room, struct pv_buf *ret_text)
{
    pv_buf_init(ret_text, SIZE_MAX);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) add_rows(device, room, all[i], ret_text);
    pv_buf_append_byte(ret_text, 0);
}

void sim_state_files(const struct sim_device *device, unsigned room, struct pv_buf *ret_text)
{
    pv_buf_init(ret_text, SIZE_MAX);
    add_rows(device, room, "SELECT concat_ws(' ', head, placed, (SELECT group_concat(idx) FROM version v WHERE v.file = f.idx), path)"
                           " FROM file f WHERE removed IS NULL ORDER BY head", ret_text);
    pv_buf_append_byte(ret_text, 0);
}

/* Where the two part, as a line of each. */
static void tell_difference(struct sim_world *world, const char *a, const char *b, const char *what)
{
    size_t line = 0, at = 0;
    for (; a[at] && a[at] == b[at]; at++)
        if (a[at] == '\n') line = at + 1;
    sim_fail(world, "P6", "%s: \"%.*s\", \"%.*s\"", what, (int)strcspn(a + line, "\n"), a + line, (int)strcspn(b + line, "\n"), b + line);
}

/* What is to be forgotten and held nobody reads who came after the cut. */
static bool is_held_up(const struct pv_roster *roster)
{
    for (size_t i = 0; i < pv_roster_forget_count(roster); i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(roster, i, &forget);
        if (!forget.done) return true;
    }
    return false;
}

void sim_ledger_same(struct sim_world *world, const struct sim_device *device, const struct sim_device *cold, unsigned room)
{
    struct pv_buf a, b;
    char what[96];
    if (is_held_up(pv_room_roster(device->copies[room].room))) return;
    sim_state_text(device, room, &a);
    sim_state_text(cold, room, &b);
    snprintf(what, sizeof what, "of %s, devices %u and %u%s have", sim_room_name(room), device->slot, cold->slot, cold->paper ? ", which read it anew," : "");
    /* A restore may leave a key to viewers alone, who make no new one. */
    bool lacks = world->weather.restores && (strstr((const char *)a.p, "unreadable") || strstr((const char *)b.p, "unreadable"));
    if (!lacks && !pv_bytes_equal(pv_buf_bytes(&a), pv_buf_bytes(&b))) tell_difference(world, (const char *)a.p, (const char *)b.p, what);
    pv_buf_release(&a);
    pv_buf_release(&b);
}

bool sim_ledger_is_caught_up(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    const struct sim_ledger *ledger = world->ledger;
    unsigned own = sim_own_room(device);
    if (world->succession.named && room == 0) return false;
    return !ledger->crafted[room] && !ledger->crafted[own] && sim_ledger_has(world, device, own) && sim_is_member(ledger, device, room);
}
