/* For tests of forgetting: what two people write and have forgotten, and that all who hold the log come to one state. */
#ifndef TESTS_UNIT_FORGET_PAIR_H
#define TESTS_UNIT_FORGET_PAIR_H

#include <stdlib.h>

#include "core/state/payload.h"
#include "core/sync/room_parts.h"
#include "tests/unit/sync_pair.h"

/* ---- what a device has, as text: to be equal for all who have the same log */

static const char *const dumps[] = {
    "SELECT 'message ' || m.idx || ' ' || hex(a.id) || ' ' || m.text FROM message m JOIN author a ON a.no = m.author ORDER BY 1",
    "SELECT concat_ws(' ', 'file', idx, path, placed, head, ifnull(removed, '-'), ifnull(lost_to, '-')) FROM file ORDER BY 1",
    "SELECT 'version ' || idx || ' ' || file || ' ' || hex(write_id) || ' ' || size FROM version ORDER BY 1",
    "SELECT 'name ' || hex(a.id) || ' ' || p.name FROM profile p JOIN author a ON a.no = p.author ORDER BY 1",
    "SELECT 'unreadable ' || idx || ' ' || why FROM unreadable ORDER BY 1",
    "SELECT 'chunking ' || idx FROM chunking ORDER BY 1",
    "SELECT 'body ' || idx FROM entry WHERE body IS NULL ORDER BY 1",
    "SELECT 'refs ' || idx FROM entry WHERE refs = x'f6' ORDER BY 1",
    "SELECT 'kept ' || idx || ' ' || source FROM entry_key ORDER BY 1",
    "SELECT 'verdict ' || idx || ' ' || reason FROM verdict ORDER BY 1",
};

__attribute__((unused)) static void add_rows(sqlite3 *db, const char *text, struct pv_buf *out)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL)) {
        tap_ok(false, "%s", sqlite3_errmsg(db));
        return;
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        pv_buf_append(out, sqlite3_column_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
        pv_buf_append_byte(out, '\n');
    }
    sqlite3_finalize(stmt);
}

__attribute__((unused)) static void dump(sqlite3 *db, struct pv_buf *out)
{
    pv_buf_init(out, SIZE_MAX);
    for (size_t i = 0; i < sizeof dumps / sizeof *dumps; i++) add_rows(db, dumps[i], out);
    pv_buf_append_byte(out, 0);
}

__attribute__((unused)) static void is_same(sqlite3 *left, sqlite3 *right, const char *what)
{
    struct pv_buf a, b;
    dump(left, &a);
    dump(right, &b);
    bool same = pv_bytes_equal(pv_buf_bytes(&a), pv_buf_bytes(&b));
    tap_ok(same, "%s", what);
    if (!same) tap_note("one:\n%s\nother:\n%s", (const char *)a.p, (const char *)b.p);
    pv_buf_release(&a);
    pv_buf_release(&b);
}

__attribute__((unused)) static long long number(sqlite3 *db, const char *text)
{
    sqlite3_stmt *stmt;
    long long value = -1;
    if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL)) return value;
    if (sqlite3_step(stmt) == SQLITE_ROW) value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* Files that stand, "path:versions " each. */
__attribute__((unused)) static void is_files(struct rig_member *member, const char *want, const char *what)
{
    struct pv_buf got;
    pv_buf_init(&got, SIZE_MAX);
    add_rows(member->db, "SELECT f.path || ':' || (SELECT count(*) FROM version v WHERE v.file = f.idx) FROM file f"
                         " WHERE f.removed IS NULL ORDER BY f.path, f.placed", &got);
    for (size_t i = 0; i < got.n; i++)
        if (got.p[i] == '\n') got.p[i] = ' ';
    pv_buf_append_byte(&got, 0);
    bool same = strcmp((const char *)got.p, want) == 0;
    tap_ok(same, "%s", what);
    if (!same) tap_note("got %s", (const char *)got.p);
    pv_buf_release(&got);
}

/* Does any page of the database, freed ones too, hold these words? */
__attribute__((unused)) static bool holds(sqlite3 *db, const char *words)
{
    sqlite3_int64 size = 0;
    unsigned char *image = sqlite3_serialize(db, "main", &size, 0);
    bool found = !image;
    size_t n = strlen(words);
    for (sqlite3_int64 i = 0; image && i + (sqlite3_int64)n <= size && !found; i++) found = memcmp(image + i, words, n) == 0;
    sqlite3_free(image);
    return found;
}

/* ---- what people do */

__attribute__((unused)) static enum pv_err write_payload(struct rig_member *member, struct pv_payload *payload, struct pv_id16 *ret_id)
{
    struct pv_buf buf;
    enum pv_kind kind = PV_KIND_WORK;
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    seeded_fill(&member->device->seed, payload->write_id.b, sizeof payload->write_id.b);
    pv_payload_put(&buf, payload);
    enum pv_err err = buf.err ? buf.err : pv_payload_kind((uint64_t)payload->type, &kind);
    pv_room_set_time(member->room, member->device->server->now_ms);
    if (!err) err = pv_room_write(member->room, kind, pv_buf_bytes(&buf), pv_bytes(NULL, 0));
    if (!err && ret_id) *ret_id = payload->write_id;
    pv_buf_release(&buf);
    return err;
}

__attribute__((unused)) static struct pv_write_ref put(struct rig_member *member, const char *path, uint64_t mode, const struct pv_write_ref *replaces)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_PUT};
    struct pv_write_ref ref = {.author = member->device->me.device};
    payload.u.file_put.has_replaces = replaces != NULL;
    if (replaces) payload.u.file_put.replaces = *replaces;
    payload.u.file_put.file = (struct pv_file){.mode = (uint16_t)mode, .mtime_seconds = 5};
    if (pv_path_from_text(pv_bytes_of_string(path), &payload.u.file_put.file.path)) abort();
    is_err(write_payload(member, &payload, &ref.write_id), PV_OK, path);
    return ref;
}

__attribute__((unused)) static void move_file(struct rig_member *member, struct pv_write_ref version, const char *path)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_MOVE};
    payload.u.file_move.version = version;
    if (pv_path_from_text(pv_bytes_of_string(path), &payload.u.file_move.path)) abort();
    is_err(write_payload(member, &payload, NULL), PV_OK, "a move");
}

__attribute__((unused)) static void remove_file(struct rig_member *member, struct pv_write_ref version)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_REMOVE};
    payload.u.file_remove = version;
    is_err(write_payload(member, &payload, NULL), PV_OK, "a removal");
}

__attribute__((unused)) static void call(struct rig_member *member, const char *name)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_PROFILE};
    payload.u.profile_name = pv_bytes_of_string(name);
    is_err(write_payload(member, &payload, NULL), PV_OK, "a name");
}

/* Send, and have the other see it. The index of the newest entry. */
__attribute__((unused)) static uint64_t settle(struct pair *p)
{
    is_err(rig_push(&p->a), PV_OK, "Ada sends");
    is_err(rig_push(&p->b), PV_OK, "Bob sends");
    is_err(rig_pull(&p->a), PV_OK, "Ada looks");
    return rig_room_find(&p->server, pv_room_id(p->a.room))->count - 1;
}

__attribute__((unused)) static struct rig_room *room_of(struct pair *p)
{
    return rig_room_find(&p->server, pv_room_id(p->a.room));
}

/* The server says `deleted` for all that waits. */
__attribute__((unused)) static long long delete_all(struct pair *p)
{
    struct rig_room *room = room_of(p);
    long long done = 0;
    for (size_t i = 0; i < pv_roster_forget_count(room->roster); i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(room->roster, i, &forget);
        if (!forget.done && rig_deleted(&p->server, room, &forget.id) == PV_OK) done++;
    }
    return done;
}

/* Ada forgets [from, to), the server deletes, both look; then a device that reads all from nothing is where they are. */
__attribute__((unused)) static void forget(struct pair *p, uint64_t from, uint64_t to)
{
    struct pv_range range = {from, to};
    struct rig_member cold;
    is_err(pv_room_forget(p->a.room, &range, 1), PV_OK, "Ada forgets");
    is_err(rig_push(&p->a), PV_OK, "and sends it");
    is_err(rig_pull(&p->b), PV_OK, "Bob sees that it is to come");
    char text[160];
    snprintf(text, sizeof text, "SELECT count(*) FROM entry_key WHERE idx >= %llu AND idx < %llu AND source = (SELECT max(source) FROM entry_key)",
             (unsigned long long)from, (unsigned long long)to);
    long long listed = number(p->b.db, text);
    tap_is_int(delete_all(p), 1, "the server deletes");
    for (size_t i = 0; i < room_of(p)->count; i++) room_of(p)->entries[i].beside_dropped = false; /* it kept wraps and links */
    is_err(rig_pull(&p->a), PV_OK, "Ada sees it");
    is_err(rig_pull(&p->b), PV_OK, "Bob too");
    is_err(rig_pull(&p->b), PV_OK, "and looks again");
    snprintf(text, sizeof text, "SELECT count(*) FROM entry WHERE idx >= %llu AND idx < %llu AND body IS NOT NULL", (unsigned long long)from, (unsigned long long)to);
    tap_is_int(listed, number(p->b.db, text), "only what stays had a key in the list");
    is_err(rig_member_open(&cold, &p->bob, pv_room_id(p->a.room)), PV_OK, "a third copy");
    is_err(rig_pull(&cold), PV_OK, "reads the log from nothing");
    is_same(p->a.db, p->b.db, "she and Bob have the same state");
    is_same(p->b.db, cold.db, "and so has who never had what is gone");
    uint64_t cut = pv_roster_cut_done(pv_room_roster(p->a.room));
    snprintf(text, sizeof text, "SELECT count(*) FROM epoch WHERE epoch < %llu", (unsigned long long)cut);
    tap_is_int(number(p->a.db, text), 0, "no secret from before the cut is left with Ada");
    tap_is_int(number(p->b.db, text), 0, "nor with Bob, who asks for none");
    rig_member_close(&cold);
}

__attribute__((unused)) static enum pv_err write_hold(struct rig_member *member, uint64_t from, uint64_t to, bool lift)
{
    struct pv_roster_body body = {.type = lift ? PV_ROSTER_LIFT : PV_ROSTER_HOLD};
    struct pv_id16 id = {{7}};
    if (lift) body.u.lift = id;
    else body.u.ranges.id = id;
    if (!lift) body.u.ranges.ranges[0] = (struct pv_range){from, to};
    if (!lift) body.u.ranges.count = 1;
    enum pv_err err = pv_room_begin(member->room);
    if (!err) err = pv_write_roster(member->room, &body, pv_bytes(NULL, 0));
    if (err) pv_room_rollback(member->room);
    else err = pv_room_commit(member->room);
    return err ? err : rig_push(member);
}

#endif
