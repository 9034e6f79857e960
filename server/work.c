/* A room within a batch: places, the growing tree, taking back, and the sum of what the store must take. */
#include "server/work.h"

#include <stdlib.h>
#include <string.h>

#include "server/log.h"
#include "server/signer.h"

enum {
    SNAPSHOT_SMALL_BYTES = 16 * 1024, /* a snapshot up to here is taken with every change of the roster */
    SNAPSHOT_AFTER = 64,              /* larger ones only so many entries after the last */
    SNAPSHOT_AT_MOST = 1024           /* entries that a reload replays, changed or not */
};

#define ROSTER_BYTES_MAX ((size_t)64 * 1024 * 1024)

enum pv_err pv_work_open(struct pv_work *work, struct pv_server *server, struct pv_room_cache *cache,
                         const struct pv_hash *room, bool founds, uint64_t now_ms)
{
    *work = (struct pv_work){.server = server, .now_ms = now_ms};
    pv_buf_init(&work->note, PV_LIMIT_NOTE_BYTES);
    pv_buf_init(&work->roster, ROSTER_BYTES_MAX);
    enum pv_err err = pv_room_cache_get(cache, room, &work->state);
    if (err == PV_ERR_NOT_FOUND && founds) err = pv_room_cache_found(cache, room, &work->state);
    if (!err) work->edge = work->state->edge;
    return err;
}

void pv_work_release(struct pv_work *work)
{
    for (size_t i = 0; i < work->count; i++) free(work->pending[i].made);
    free(work->pending);
    free(work->hashes);
    free(work->releases);
    free(work->before);
    free(work->open_before);
    free(work->entries);
    free(work->besides);
    free(work->members);
    free(work->closed);
    free(work->forgets);
    free(work->deleted);
    pv_buf_release(&work->note);
    pv_buf_release(&work->roster);
}

/* Room for one more in a growing array. */
static bool reserve(void **array, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap) return true;
    size_t more = *cap ? *cap * 2 : 8;
    while (more < need) more *= 2;
    void *p = realloc(*array, more * size);
    if (!p) return false;
    *array = p;
    *cap = more;
    return true;
}

static void add_leaf(struct pv_work *work, const struct pv_hash *leaf, size_t *ret_count)
{
    struct pv_hash fresh[64];
    pv_merkle_append(&work->edge, leaf, fresh, ret_count);
    memcpy(work->hashes + work->hash_count, fresh, *ret_count * sizeof *fresh);
    work->hash_count += *ret_count;
}

enum pv_err pv_work_place(struct pv_work *work, const struct pv_prepared *item, uint8_t *made, unsigned verdict,
                          unsigned reason)
{
    if (!reserve((void **)&work->pending, &work->cap, work->count + 1, sizeof *work->pending) ||
        !reserve((void **)&work->hashes, &work->hash_cap, work->hash_count + 64, sizeof *work->hashes))
        return PV_ERR_NOMEM;
    struct pv_pending *pending = &work->pending[work->count++];
    *pending = (struct pv_pending){*item, made, verdict, reason, work->hash_count, 0};
    add_leaf(work, &item->leaf, &pending->hash_count);
    return PV_OK;
}

static enum pv_err fold_pending(struct pv_work *work, struct pv_roster *roster)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < work->count && !err; i++) {
        const struct pv_prepared *item = &work->pending[i].item;
        struct pv_log_item log_item = {work->state->row.size + i, item->entry, item->leaf, item->bundle.body};
        enum pv_verdict verdict;
        enum pv_reason reason = PV_REASON_NONE;
        err = pv_roster_apply(roster, &log_item, &verdict, &reason);
    }
    return err;
}

enum pv_err pv_work_rewind(struct pv_work *work, size_t count)
{
    struct pv_roster *roster = NULL;
    uint64_t snapshot_size = 0;
    if (count == work->count) return PV_OK;
    for (size_t i = count; i < work->count; i++) free(work->pending[i].made);
    work->count = count;
    work->edge = work->state->edge;
    work->hash_count = 0;
    for (size_t i = 0; i < count; i++) add_leaf(work, &work->pending[i].item.leaf, &work->pending[i].hash_count);
    enum pv_err err = work->state->row.no
        ? pv_room_load_roster(work->server, &work->state->row, &roster, &snapshot_size)
        : pv_roster_new(&roster);
    if (!err) err = fold_pending(work, roster);
    if (err) {
        pv_roster_free(roster);
        work->err = err;
        return err;
    }
    pv_roster_free(work->state->roster);
    work->state->roster = roster;
    return PV_OK;
}

/* ---- roots */

static enum pv_err read_hashes(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    struct pv_work *work = context;
    struct pv_meta *meta = work->server->meta;
    uint64_t stored = pv_merkle_stored_count(work->state->row.size);
    size_t below = at >= stored ? 0 : at + count <= stored ? count : (size_t)(stored - at);
    enum pv_err err = below ? meta->ops->hashes(meta, work->state->row.no, at, below, ret_hashes) : PV_OK;
    if (err) return err;
    for (size_t i = below; i < count; i++) {
        if (at + i - stored >= work->hash_count) return PV_ERR_CORRUPT;
        ret_hashes[i] = work->hashes[at + i - stored];
    }
    return PV_OK;
}

enum pv_err pv_work_root(struct pv_work *work, uint64_t size, struct pv_hash *ret_root)
{
    struct pv_room_state *state = work->state;
    if (size == 0) {
        pv_merkle_empty_root(ret_root);
        return PV_OK;
    }
    if (pv_room_state_root(state, size, ret_root)) return PV_OK;
    struct pv_merkle_reader reader = {read_hashes, work};
    enum pv_err err = pv_merkle_root(&reader, size, ret_root);
    if (!err && size <= state->row.size) pv_room_state_add_root(state, size, ret_root); /* what is stored stays */
    return err;
}

/* ---- what changed in the roster */

static struct pv_meta_member *list_members(const struct pv_roster *roster, size_t *ret_count)
{
    size_t count;
    const struct pv_room_device *devices = pv_roster_devices(roster, &count);
    struct pv_meta_member *members = malloc((count + 1) * sizeof *members);
    if (!members) return NULL;
    for (size_t i = 0; i < count; i++) {
        const struct pv_principal *principal = pv_roster_principal(roster, &devices[i].principal);
        members[i] = (struct pv_meta_member){devices[i].id, principal ? (enum pv_access)principal->role
                                                                      : PV_ACCESS_VIEWER};
    }
    *ret_count = count;
    return members;
}

enum pv_err pv_work_remember(struct pv_work *work)
{
    if (work->has_before) return PV_OK;
    size_t invites;
    const struct pv_invite *invite = pv_roster_invites(work->state->roster, &invites);
    work->before = list_members(work->state->roster, &work->before_count);
    work->open_before = malloc((invites + 1) * sizeof *work->open_before);
    if (!work->before || !work->open_before) return PV_ERR_NOMEM;
    for (size_t i = 0; i < invites; i++)
        if (invite[i].open) work->open_before[work->open_before_count++] = invite[i].body.id;
    work->has_before = true;
    return PV_OK;
}

/* Both lists are by device id: merge them into the differences. */
static size_t compare_members(const struct pv_meta_member *before, size_t before_count,
                              const struct pv_meta_member *after, size_t after_count, struct pv_meta_member *ret_changes)
{
    size_t i = 0, j = 0, count = 0;
    while (i < before_count || j < after_count) {
        int order = i == before_count ? 1 : j == after_count ? -1
            : memcmp(before[i].device.b, after[j].device.b, sizeof before[i].device.b);
        if (order < 0) {
            ret_changes[count++] = (struct pv_meta_member){before[i++].device, PV_ACCESS_NONE};
        } else if (order > 0) {
            ret_changes[count++] = after[j++];
        } else {
            if (before[i].access != after[j].access) ret_changes[count++] = after[j];
            i++;
            j++;
        }
    }
    return count;
}

static enum pv_err close_members(struct pv_work *work, struct pv_meta_append *append)
{
    size_t after_count = 0;
    struct pv_meta_member *after = list_members(work->state->roster, &after_count);
    work->members = malloc((work->before_count + after_count + 1) * sizeof *work->members);
    if (!after || !work->members) {
        free(after);
        return PV_ERR_NOMEM;
    }
    append->members = work->members;
    append->member_count = compare_members(work->before, work->before_count, after, after_count, work->members);
    free(after);
    return PV_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct pv_id16));
}

/* Invites that this batch opened and closed are there too: they were never open before, and their gates are new. */
static enum pv_err close_gates(struct pv_work *work, struct pv_meta_append *append)
{
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(work->state->roster, &count);
    work->closed = malloc((count + 1) * sizeof *work->closed);
    if (!work->closed) return PV_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct pv_invite *invite = &invites[i];
        bool was_open = invite->index >= work->state->row.size;
        if (!was_open && work->open_before_count) /* both by id */
            was_open = bsearch(&invite->body.id, work->open_before, work->open_before_count, sizeof *work->open_before, compare_ids);
        if (!was_open || invite->open) continue;
        const char *reason = invite->uses_left == 0 ? "spent"
            : invite->body.has_until && invite->body.until_ms <= work->now_ms ? "expired" : "revoked";
        work->closed[append->closed_count++] = (struct pv_meta_closed){invite->body.id, reason};
    }
    append->closed = work->closed;
    return PV_OK;
}

static uint64_t next_deadline(const struct pv_roster *roster)
{
    uint64_t next = UINT64_MAX;
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(roster, &count);
    for (size_t i = 0; i < count; i++)
        if (invites[i].open && invites[i].body.has_until && invites[i].body.until_ms < next)
            next = invites[i].body.until_ms;
    const struct pv_principal *principals = pv_roster_principals(roster, &count);
    for (size_t i = 0; i < count; i++)
        if (principals[i].has_until && principals[i].until_ms < next) next = principals[i].until_ms;
    return next;
}

/* ---- closing */

static enum pv_err take_snapshot(struct pv_work *work, struct pv_meta_append *append)
{
    const struct pv_room_state *state = work->state;
    struct pv_hash check; /* at the end of what is stored, for pv_room_load_roster */
    uint64_t since = pv_work_size(work) - state->snapshot_size;
    bool changed = work->has_before || pv_roster_changed_at(state->roster) >= state->row.size;
    if (state->row.no && !changed && since < SNAPSHOT_AT_MOST) return PV_OK;
    enum pv_err err = pv_roster_encode(state->roster, &work->roster);
    if (err) return err;
    if (state->row.no && work->roster.n > SNAPSHOT_SMALL_BYTES && since < SNAPSHOT_AFTER) return PV_OK;
    pv_sha256(pv_buf_bytes(&work->roster), &check);
    pv_buf_append(&work->roster, check.b, sizeof check.b);
    if (work->roster.err) return work->roster.err;
    append->roster = pv_buf_bytes(&work->roster);
    return PV_OK;
}

/* What the checkpoint over everything pending should say. */
static enum pv_err ask_note(const struct pv_work *work, struct pv_ask_note *ret_ask)
{
    const struct pv_room_state *state = work->state;
    struct pv_bytes name = pv_roster_server_name(state->roster);
    struct pv_ask_note ask = {.room = state->row.id, .from.size = state->row.size, .to.size = pv_work_size(work)};
    uint64_t now_s = work->now_ms / 1000;
    if (name.n >= sizeof ask.name) return PV_ERR_LIMIT;
    memcpy(ask.name, name.p, name.n);
    if (ask.from.size) pv_merkle_edge_root(&state->edge, &ask.from.root);
    pv_merkle_edge_root(&work->edge, &ask.to.root);
    ask.time_s = now_s > state->row.note_time_s ? now_s : state->row.note_time_s; /* never back */
    *ret_ask = ask;
    return PV_OK;
}

static enum pv_err take_note(struct pv_work *work, enum pv_err err, const struct pv_made_note *made)
{
    if (err) return PV_ERR_OFFLINE;
    if (made->err) {
        PV_LOG(PV_LOG_ERROR, "the signer refuses", PV_LOG_TEXT("room", pv_log_id(work->state->row.id.b).text),
               PV_LOG_TEXT("code", pv_err_web_name(made->err)));
        return PV_ERR_IO;
    }
    work->note_time_s = made->time_s;
    pv_buf_append(&work->note, made->note, made->n);
    return work->note.err;
}

static enum pv_err sign_now(struct pv_work *work)
{
    struct pv_ask_note ask;
    struct pv_made_note made;
    enum pv_err err = ask_note(work, &ask);
    if (err) return err;
    err = pv_signer_notes(work->server->signer, &ask, 1, &made);
    return take_note(work, err, &made);
}

void pv_work_renew(struct pv_work *work, struct pv_job *job)
{
    struct pv_meta *meta = work->server->meta;
    struct pv_room_state *state = work->state;
    const struct pv_sign_pk *key = pv_roster_log_key(state->roster);
    bool ours = key && memcmp(key->b, work->server->log_pk.b, sizeof key->b) == 0;
    /* Over a tree that lacks its tail a new time would contradict what was signed before. */
    if (work->count || !ours || state->row.restored || work->now_ms / 1000 < state->row.note_time_s + PV_NOTE_FRESH_S) return;
    enum pv_err err = sign_now(work);
    if (!err)
        err = meta->ops->renew_note(meta, state->row.no, state->row.size, pv_buf_bytes(&work->note), work->note_time_s);
    if (!err) state->row.note_time_s = work->note_time_s;
    pv_buf_clear(&work->note); /* entries that follow in this batch are signed for again */
    if (!err) return;
    job->refused = true;
    pv_problem_of(job->response, err);
}

static enum pv_err list_entries(struct pv_work *work, struct pv_meta_append *append)
{
    work->entries = malloc((work->count + 1) * sizeof *work->entries);
    work->besides = malloc((work->count + 1) * sizeof *work->besides);
    if (!work->entries || !work->besides) return PV_ERR_NOMEM;
    for (size_t i = 0; i < work->count; i++) {
        const struct pv_pending *pending = &work->pending[i];
        const struct pv_prepared *item = &pending->item;
        uint64_t index = work->state->row.size + i;
        work->entries[i] = (struct pv_meta_entry){
            .index = index, .entry = item->bundle.entry, .refs = item->bundle.refs, .body = item->bundle.body,
            .verdict = pending->verdict, .reason = pending->reason, .author_n = item->entry.header.n,
            .author = item->entry.header.author, .leaf = item->leaf, .hashes = work->hashes + pending->hash_at,
            .hash_count = pending->hash_count, .forgotten = !item->bundle.body.p};
        if (!item->kept) continue;
        const struct pv_kept_beside *kept = item->kept;
        work->besides[append->beside_count++] = (struct pv_meta_beside){
            .index = index, .links = kept->links, .wraps = kept->beside.wraps, .wrap_count = kept->beside.wrap_count,
            .leaves = kept->leaves, .leaf_count = kept->leaf_count, .kem_keys = kept->beside.kem_keys,
            .kem_hashes = kept->kem_hashes, .kem_key_count = kept->beside.kem_key_count};
    }
    append->entries = work->entries;
    append->entry_count = work->count;
    append->besides = work->besides;
    return PV_OK;
}

enum pv_err pv_work_close(struct pv_work *work, struct pv_meta_append *ret_append, struct pv_ask_note *ret_ask)
{
    const struct pv_room_state *state = work->state;
    struct pv_meta_append append = {.room = state->row.id, .no = state->row.no, .size = state->row.size,
                                    .kind = (unsigned)pv_roster_room_kind(state->roster), .now_ms = work->now_ms,
                                    .releases = work->releases, .release_count = work->release_count,
                                    .registration = work->registration, .registration_hash = work->registration_hash,
                                    .given_back = work->given_back};
    if (work->given_back && append.kind != PV_ROOM_PERSON) append.registration = PV_REGISTRATION_NONE;
    enum pv_err err = list_entries(work, &append);
    if (!err && !work->given_back) err = ask_note(work, ret_ask);
    if (!err) err = take_snapshot(work, &append);
    if (!err) err = pv_work_note_forgets(work, &append);
    if (!err && work->has_before) {
        append.deadline_changes = true;
        append.next_until_ms = next_deadline(state->roster);
        err = pv_work_forget_deadline(work, 0, &append.next_until_ms);
        if (!err) err = close_members(work, &append);
        if (!err) err = close_gates(work, &append);
    }
    if (work->given_back) {
        append.note = pv_buf_bytes(&work->note);
        append.note_time_s = work->note_time_s;
    }
    if (!err) *ret_append = append;
    return err;
}

enum pv_err pv_work_signed(struct pv_work *work, enum pv_err err, const struct pv_made_note *made,
                           struct pv_meta_append *append)
{
    err = take_note(work, err, made);
    if (err) return err;
    append->note = pv_buf_bytes(&work->note);
    append->note_time_s = work->note_time_s;
    return PV_OK;
}

void pv_work_committed(struct pv_work *work, const struct pv_meta_append *append)
{
    struct pv_room_state *state = work->state;
    struct pv_hash root;
    state->row.no = append->no;
    state->row.restored |= append->given_back;
    if (append->policy_changes) state->row.has_notice = append->has_notice;
    if (append->policy_changes) state->row.notice_ms = append->notice_ms;
    state->row.kind = append->kind;
    state->row.size = pv_work_size(work);
    state->row.note_time_s = append->note_time_s;
    state->edge = work->edge;
    for (size_t i = 0; i < work->count; i++)
        pv_room_state_stored(state, &work->pending[i].item.entry.header.author, work->pending[i].item.entry.header.n);
    if (append->roster.n) state->snapshot_size = state->row.size;
    pv_merkle_edge_root(&state->edge, &root);
    pv_room_state_add_root(state, state->row.size, &root);
}
