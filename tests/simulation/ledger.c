/* The server's logs as they are, folded by the simulation itself, and what devices hold beside them.
 *
 * A history is named by hashes over its leaves, which is no tree: that trees and proofs say the same is what is tested. */
#include <stdlib.h>

#include "tests/simulation/ledger_parts.h"

enum { PROOF_STEPS = 25 };

/* ---- histories */

struct pv_hash sim_history_at(const struct sim_history *history, uint64_t size)
{
    return size ? history->prefix[size - 1] : (struct pv_hash){{0}};
}

void sim_history_add(struct sim_history *history, const struct pv_hash *leaf)
{
    struct pv_sha256 sha;
    struct pv_hash before = sim_history_at(history, history->count);
    if (history->count == history->cap) {
        history->cap = history->cap ? 2 * history->cap : 64;
        history->leaves = realloc(history->leaves, history->cap * sizeof *history->leaves);
        history->prefix = realloc(history->prefix, history->cap * sizeof *history->prefix);
        if (!history->leaves || !history->prefix) abort();
    }
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, before.b, sizeof before.b);
    pv_sha256_update(&sha, leaf->b, sizeof leaf->b);
    history->leaves[history->count] = *leaf;
    pv_sha256_final(&sha, &history->prefix[history->count++]);
}

static bool same_up_to(const struct sim_history *a, const struct sim_history *b, uint64_t size)
{
    struct pv_hash x = sim_history_at(a, size), y = sim_history_at(b, size);
    return pv_hash_equal(&x, &y);
}

/* The history of the first `size` entries that a device's store has, beyond what was looked at before. */
static bool device_prefix(struct sim_device *device, unsigned room, uint64_t size, struct pv_hash *ret_prefix)
{
    const struct sim_history *held = &device->held[room];
    if (size <= held->count) {
        *ret_prefix = sim_history_at(held, size);
        return true;
    }
    struct pv_hash prefix = sim_history_at(held, held->count), leaf;
    for (uint64_t i = held->count; i < size; i++) {
        struct pv_sha256 sha;
        if (pv_store_leaf(device->copies[room].store, i, &leaf)) return false;
        pv_sha256_init(&sha);
        pv_sha256_update(&sha, prefix.b, sizeof prefix.b);
        pv_sha256_update(&sha, leaf.b, sizeof leaf.b);
        pv_sha256_final(&sha, &prefix);
    }
    *ret_prefix = prefix;
    return true;
}

/* ---- versions that devices signed */

static void versioned(void *context, struct pv_store *store, const struct pv_sealed_write *version)
{
    struct sim_ledger *ledger = context;
    unsigned room;
    struct pv_entry entry;
    struct pv_epoch_secret secret;
    struct sim_device *device = sim_device_of_store(ledger->world, store, &room);
    if (!device || !device->copies[room].room || pv_entry_read(version->entry, &entry)) return;
    if (ledger->seal_count == SIM_SEALS) return;
    struct sim_seal *seal = &ledger->seals[ledger->seal_count];
    *seal = (struct sim_seal){.leaf = version->leaf, .device = device->number, .room = room, .kind = entry.header.kind,
                              .epoch = version->epoch, .seen = entry.header.seen_size, .step = ledger->world->step,
                              .view = pv_roster_size(pv_room_roster(device->copies[room].room))};
    unsigned own = sim_own_room(device);
    if (room != own && device->copies[own].room) {
        seal->own_view = pv_roster_size(pv_room_roster(device->copies[own].room));
        if (!device_prefix(device, own, seal->own_view, &seal->own_prefix)) return;
    }
    if (!device_prefix(device, room, seal->view, &seal->view_prefix) ||
        !device_prefix(device, room, seal->seen, &seal->seen_prefix))
        return;
    if (pv_kind_is_sealed(seal->kind) && pv_store_epoch_get(store, seal->epoch, &secret) == PV_OK)
        pv_epoch_secret_hash(&secret, &seal->secret);
    seal->message = SIM_WRITES;
    if (pv_kind_is_sealed(seal->kind)) sim_forget_note(device, room, version->write, seal);
    ledger->seal_count++;
}

void sim_ledger_crafted(struct sim_world *world, const struct sim_device *device, unsigned room, const struct pv_hash *leaf)
{
    struct sim_ledger *ledger = world->ledger;
    ledger->crafted[room] = true;
    if (ledger->seal_count == SIM_SEALS) return;
    ledger->seals[ledger->seal_count++] =
        (struct sim_seal){.leaf = *leaf, .crafted = true, .device = device->number, .room = room, .kind = PV_KIND_ROSTER, .step = world->step,
                          .message = SIM_WRITES};
}

const struct sim_seal *sim_seal_of(const struct sim_ledger *ledger, const struct pv_hash *leaf)
{
    for (size_t i = 0; i < ledger->seal_count; i++)
        if (pv_hash_equal(&ledger->seals[i].leaf, leaf)) return &ledger->seals[i];
    return NULL;
}

/* ---- the server's logs */

static void check_seen(const struct sim_observing *o, const struct pv_hash *leaf, uint64_t index)
{
    const struct sim_seal *seal = sim_seal_of(o->ledger, leaf);
    struct pv_hash prefix;
    if (!seal) return;
    prefix = sim_history_at(&o->log->history, seal->seen < index ? seal->seen : index);
    if (seal->seen > index || !pv_hash_equal(&prefix, &seal->seen_prefix))
        sim_fail(o->ledger->world, "P3", "the server took entry %llu of %s, whose author saw another history",
                 (unsigned long long)index, sim_room_name(o->room));
}

static struct pv_bytes copy_of(struct pv_bytes bytes)
{
    uint8_t *p = bytes.n ? malloc(bytes.n) : NULL;
    if (bytes.n && !p) abort();
    if (p) memcpy(p, bytes.p, bytes.n);
    return pv_bytes(p, bytes.n);
}

static enum pv_err observe_entry(void *context, const struct pv_meta_entry *stored)
{
    struct sim_observing *o = context;
    struct sim_log *log = o->log;
    struct pv_log_item item = {.index = o->at++, .body = stored->body};
    enum pv_reason reason = PV_REASON_NONE;
    if (pv_entry_read(stored->entry, &item.entry)) return PV_ERR_CORRUPT;
    pv_entry_leaf(stored->entry, &item.leaf);
    if (item.index < log->history.count)
        return pv_hash_equal(&item.leaf, &log->history.leaves[item.index]) ? PV_OK : PV_ERR_CORRUPT;
    if (pv_kind_is_sealed(item.entry.header.kind)) item.body = pv_bytes(NULL, 0);
    /* What a starting server finds may have lain on its disk since a commit that seemed to fail. */
    struct sim_entry entry = {.author = item.entry.header.author, .kind = item.entry.header.kind, .epoch = item.entry.header.epoch,
                              .after_ms = o->again ? 0 : log->looked_ms};
    if (pv_roster_note(log->roster, &item) || pv_roster_apply(log->roster, &item, &entry.verdict, &reason)) return PV_ERR_NOMEM;
    if ((unsigned)entry.verdict != stored->verdict || (unsigned)reason != stored->reason)
        sim_fail(o->ledger->world, "P6", "entry %llu of %s: the server says %u/%u, a fold %u/%s", (unsigned long long)item.index,
                 sim_room_name(o->room), stored->verdict, stored->reason, entry.verdict, pv_reason_name(reason));
    check_seen(o, &item.leaf, item.index);
    sim_history_add(&log->history, &item.leaf);
    log->entries = realloc(log->entries, log->history.cap * sizeof *log->entries);
    if (!log->entries) abort();
    if (entry.kind == PV_KIND_SERVER && o->ledger->served_count < SIM_SERVED) o->ledger->served[o->ledger->served_count++] = item.leaf;
    if (entry.kind == PV_KIND_ROSTER) sim_members_change(o, &entry, item.body, item.index, &item.leaf);
    if (entry.kind == PV_KIND_SERVER && entry.verdict == PV_ACCEPTED) sim_gates_expire(o, item.body, item.index);
    if (o->ledger->world->weather.forgets && pv_kind_is_sealed(entry.kind)) {
        entry.body = copy_of(stored->body);
        entry.refs = copy_of(stored->refs);
    }
    log->entries[item.index] = entry;
    o->ledger->world->entries++;
    sim_tell(o->ledger->world, "  %s[%llu] %02x%02x by %u: n %llu after %02x%02x, kind %llu type %llu epoch %llu: %s", sim_room_name(o->room),
             (unsigned long long)item.index, item.leaf.b[0], item.leaf.b[1], sim_device_named(o->ledger->world, &entry.author),
             (unsigned long long)item.entry.header.n, item.entry.header.prev.b[0], item.entry.header.prev.b[1],
             (unsigned long long)entry.kind, (unsigned long long)entry.type, (unsigned long long)entry.epoch,
             entry.verdict == PV_ACCEPTED ? "accepted" : pv_reason_name(reason));
    if (entry.kind == PV_KIND_ROSTER) sim_members_check(o);
    return PV_OK;
}

static void observe_room(struct sim_ledger *ledger, struct sim_host *host, unsigned room, bool again)
{
    struct sim_world *world = ledger->world;
    struct pv_meta *meta = host->srv.server.meta;
    struct pv_meta_room row;
    unsigned number = (unsigned)(host - world->hosts);
    struct sim_log *log = &ledger->logs[number][room];
    struct sim_observing o = {ledger, log, number, room, again, again ? 0 : log->history.count};
    if (!world->has_room[room]) return;
    enum pv_err err = meta->ops->room(meta, &world->room_ids[room], &row);
    bool is_new = err == PV_ERR_NOT_FOUND && log->history.count == 0;
    if (is_new || (!err && !again && row.size == log->history.count)) {
        log->looked_ms = world->now_ms;
        return;
    }
    if (!log->roster && pv_roster_new(&log->roster)) abort();
    if (!err && row.size < log->history.count) err = PV_ERR_NOT_FOUND;
    if (!err) err = meta->ops->entries(meta, row.no, o.at, row.size - o.at, false, observe_entry, &o);
    if (!err && log->history.count != row.size) err = PV_ERR_CORRUPT;
    if (err && !sim_disk_is_dead(host->disk))
        sim_fail(world, "P2", "the server lost what it had acknowledged in %s: %zu entries, %s", sim_room_name(room),
                 log->history.count, pv_err_web_name(err));
    if (!err) log->looked_ms = world->now_ms;
}

void sim_ledger_observe(struct sim_world *world, struct sim_host *host, bool lost)
{
    for (unsigned r = 0; r < SIM_ROOMS && !world->failed; r++) observe_room(world->ledger, host, r, lost);
}

static void log_clear(struct sim_log *log)
{
    for (size_t i = 0; i < log->history.count; i++) {
        free((void *)log->entries[i].body.p);
        free((void *)log->entries[i].refs.p);
    }
    free(log->history.leaves);
    free(log->history.prefix);
    free(log->entries);
    pv_roster_free(log->roster);
    *log = (struct sim_log){.roster = NULL};
}

void sim_ledger_forget(struct sim_world *world, struct sim_host *host)
{
    struct sim_ledger *ledger = world->ledger;
    unsigned number = (unsigned)(host - world->hosts);
    size_t kept = 0;
    for (size_t i = 0; i < ledger->out_count; i++)
        if (ledger->outs[i].host != number) ledger->outs[kept++] = ledger->outs[i];
    ledger->out_count = kept;
    for (unsigned r = 0; r < SIM_ROOMS; r++) log_clear(&ledger->logs[number][r]);
    sim_ledger_observe(world, host, true);
}

/* ---- what devices hold */

static void check_state(struct sim_ledger *ledger, struct sim_device *device, unsigned room)
{
    const struct pv_roster *roster = pv_room_roster(device->copies[room].room);
    const struct sim_history *held = &device->held[room];
    for (unsigned h = 0; h < SIM_HOSTS; h++) {
        const struct sim_log *log = &ledger->logs[h][room];
        if (!held->count || log->history.count != held->count || !same_up_to(&log->history, held, held->count)) continue;
        struct pv_buf a, b;
        pv_buf_init(&a, SIZE_MAX);
        pv_buf_init(&b, SIZE_MAX);
        if (pv_roster_encode(roster, &a) || pv_roster_encode(log->roster, &b)) abort();
        if (!pv_bytes_equal(pv_buf_bytes(&a), pv_buf_bytes(&b)))
            sim_fail(ledger->world, "P6", "device %u folds the same log of %s to another state", device->number, sim_room_name(room));
        pv_buf_release(&a);
        pv_buf_release(&b);
        return;
    }
}

static bool is_genuine(const struct sim_ledger *ledger, const struct pv_hash *leaf)
{
    if (sim_seal_of(ledger, leaf)) return true;
    for (size_t i = 0; i < ledger->served_count; i++)
        if (pv_hash_equal(&ledger->served[i], leaf)) return true;
    return false;
}

static void look_at_new(struct sim_ledger *ledger, struct sim_device *device, unsigned room, uint64_t index, const struct pv_hash *leaf)
{
    const struct sim_seal *seal = sim_seal_of(ledger, leaf);
    struct sim_history *held = &device->held[room];
    if (!is_genuine(ledger, leaf))
        sim_fail(ledger->world, "P3", "device %u took entry %llu of %s, which nobody made", device->number,
                 (unsigned long long)index, sim_room_name(room));
    if (seal) {
        struct pv_hash prefix = sim_history_at(held, seal->seen < index ? seal->seen : index);
        if (seal->seen > index || !pv_hash_equal(&prefix, &seal->seen_prefix))
            sim_fail(ledger->world, "P3", "device %u took entry %llu of %s, whose author saw another history", device->number,
                     (unsigned long long)index, sim_room_name(room));
    }
    sim_history_add(held, leaf);
}

static void look_at_room(struct sim_ledger *ledger, struct sim_device *device, unsigned room, bool anew)
{
    struct sim_copy *copy = &device->copies[room];
    struct sim_history *held = &device->held[room];
    struct pv_hash leaf;
    uint64_t judged = pv_roster_size(pv_room_roster(copy->room));
    if (judged < held->count)
        sim_fail(ledger->world, "P3", "device %u held %zu entries of %s, and now %llu", device->number, held->count,
                 sim_room_name(room), (unsigned long long)judged);
    if (judged == held->count && !anew) return;
    for (uint64_t i = anew ? 0 : held->count; i < judged && !ledger->world->failed; i++) {
        if (pv_store_leaf(copy->store, i, &leaf)) {
            if (!sim_disk_is_dead(device->disk)) sim_fail(ledger->world, "P2", "device %u lost a leaf", device->number);
            return;
        }
        if (i >= held->count) look_at_new(ledger, device, room, i, &leaf);
        else if (!pv_hash_equal(&leaf, &held->leaves[i]))
            sim_fail(ledger->world, "P3", "device %u: entry %llu of %s has become another", device->number,
                     (unsigned long long)i, sim_room_name(room));
    }
    check_state(ledger, device, room);
}

void sim_ledger_look(struct sim_world *world, struct sim_device *device, bool anew)
{
    for (unsigned r = 0; r < SIM_ROOMS; r++)
        if (device->copies[r].room && !world->failed) look_at_room(world->ledger, device, r, anew);
}

bool sim_ledger_has(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    const struct sim_log *log = &world->ledger->logs[device->host][room];
    return log->roster && pv_roster_principal_of(log->roster, &device->me.device);
}

bool sim_ledger_has_person(const struct sim_world *world, unsigned person, unsigned room)
{
    const struct sim_log *log = &world->ledger->logs[0][room];
    return log->roster && pv_roster_principal(log->roster, &world->room_ids[SIM_CLIENT_ROOMS + person]);
}

bool sim_ledger_bars(struct sim_world *world, const struct sim_device *device)
{
    unsigned own = SIM_CLIENT_ROOMS + (unsigned)(device - world->devices) % SIM_PERSONS;
    for (unsigned h = 0; h < SIM_HOSTS && device->named; h++) {
        const struct sim_log *log = &world->ledger->logs[h][own];
        if (log->roster && pv_roster_is_barred(log->roster, &world->room_ids[own], &device->me.device)) return true;
    }
    return false;
}

bool sim_ledger_opens(struct sim_world *world, unsigned person)
{
    const struct sim_log *log = &world->ledger->logs[0][SIM_CLIENT_ROOMS + person];
    return log->roster && !world->ledger->crafted[SIM_CLIENT_ROOMS + person];
}

void sim_ledger_fought(struct sim_world *world, const struct sim_device *a, const struct sim_device *b, unsigned room)
{
    if (world->weather.hostile || !sim_ledger_has(world, a, room) || !sim_ledger_has(world, b, room)) return;
    sim_fail(world, "life", "devices %u and %u removed each other's persons from %s, and both are in", a->number, b->number,
             sim_room_name(room));
}

bool sim_ledger_lost(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    const struct sim_log *log = &world->ledger->logs[device->host][room];
    const struct sim_history *held = &device->held[room];
    struct pv_meta *meta = world->hosts[device->host].srv.server.meta;
    struct pv_meta_room row;
    if (!world->weather.restores || !world->hosts[device->host].up) return false;
    if (held->count <= log->history.count) return !same_up_to(held, &log->history, held->count);
    if (!same_up_to(held, &log->history, log->history.count)) return true;
    return meta->ops->room(meta, &world->room_ids[room], &row) == PV_OK && !row.restored;
}

void sim_ledger_up_to_date(struct sim_world *world, struct sim_device *device, unsigned room)
{
    uint64_t missing;
    if (pv_room_is_restored(device->copies[room].room, &missing)) return;
    const struct sim_log *log = &world->ledger->logs[device->host][room];
    const struct sim_history *held = &device->held[room];
    if (world->weather.lies) return;
    if (held->count > log->history.count)
        sim_fail(world, "P3", "device %u did not notice that %s went back from %zu to %zu entries", device->number,
                 sim_room_name(room), held->count, log->history.count);
    else if (!same_up_to(held, &log->history, held->count))
        sim_fail(world, "P3", "device %u did not notice that %s has another history", device->number, sim_room_name(room));
}

/* ---- beginning and end */

struct sim_ledger *sim_ledger_new(struct sim_world *world)
{
    struct sim_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger) abort();
    ledger->world = world;
    ledger->watch.versioned = versioned;
    ledger->watch.context = ledger;
    sim_keys_init(ledger);
    sim_gates_init(ledger);
    sim_watch(&ledger->watch);
    return ledger;
}

void sim_ledger_free(struct sim_ledger *ledger)
{
    sim_watch(NULL);
    for (unsigned h = 0; h < SIM_HOSTS; h++)
        for (unsigned r = 0; r < SIM_ROOMS; r++) log_clear(&ledger->logs[h][r]);
    sim_forget_release(ledger);
    free(ledger);
}

void sim_ledger_stepped(struct sim_world *world)
{
    struct sim_ledger *ledger = world->ledger;
    if (!world->failed && ledger->edge_count != ledger->edges_checked) {
        ledger->edges_checked = ledger->edge_count;
        sim_gates_check(ledger);
    }
    if (world->failed || world->step % PROOF_STEPS) return; /* a log only grows: what is proved now and then is proved */
    struct seeded dice = world->dice;
    world->dice = seeded_make(world->seed * 1009 + world->step);
    sim_proofs_check(ledger);
    world->dice = dice;
}

void sim_ledger_finish(struct sim_world *world)
{
    if (!world->failed) sim_keys_check(world->ledger);
    if (!world->failed) sim_writes_finish(world->ledger);
    if (!world->failed) sim_forget_finish(world->ledger);
    if (!world->failed) sim_proofs_check(world->ledger);
    if (!world->failed) sim_stranger_tries_more(world); /* from here on nobody looks what came into the logs */
    if (!world->failed) sim_gates_finish(world->ledger);
}
