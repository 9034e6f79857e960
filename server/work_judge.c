/* Judging within a batch: what is refused, what gets a place and a verdict, and the server's own entries. */
#include <stdlib.h>
#include <string.h>

#include "core/log/checkpoint.h"
#include "server/bars.h"
#include "server/signer.h"
#include "server/unpaid.h"
#include "server/work.h"

static void refuse(struct pv_job *job, enum pv_err err, const char *reason, const char *detail)
{
    job->refused = true;
    pv_problem(job->response, err, reason, "%s", detail);
}

/* ---- what stands already */

static enum pv_err find_placed(struct pv_work *work, const struct pv_prepared *item, struct pv_placed *ret_placed,
                               struct pv_hash *ret_leaf)
{
    const struct pv_header *header = &item->entry.header;
    for (size_t i = 0; i < work->count; i++) {
        const struct pv_pending *pending = &work->pending[i];
        if (pending->item.entry.header.n != header->n ||
            !pv_hash_equal(&pending->item.entry.header.author, &header->author))
            continue;
        *ret_placed = (struct pv_placed){true, work->state->row.size + i, pending->verdict, pending->reason};
        *ret_leaf = pending->item.leaf;
        return PV_OK;
    }
    if (!work->state->row.no) return PV_ERR_NOT_FOUND;
    struct pv_meta *meta = work->server->meta;
    struct pv_meta_entry row;
    bool above = false;
    enum pv_err above_err = pv_room_state_is_above(work->state, meta, &header->author, header->n, &above);
    if (above_err || above) return above_err ? above_err : PV_ERR_NOT_FOUND;
    enum pv_err err = meta->ops->find(meta, work->state->row.no, &header->author, header->n, &row);
    if (err) return err;
    *ret_placed = (struct pv_placed){true, row.index, row.verdict, row.reason};
    *ret_leaf = row.leaf;
    return PV_OK;
}

/* The same bytes keep their place and verdict; others under the same number are refused. */
static bool find_known(struct pv_work *work, struct pv_job *job, size_t *ret_unknown)
{
    *ret_unknown = 0;
    for (size_t i = 0; i < job->count; i++) {
        struct pv_hash leaf;
        enum pv_err err = find_placed(work, &job->items[i], &job->placed[i], &leaf);
        if (err == PV_ERR_NOT_FOUND) {
            job->placed[i] = (struct pv_placed){0};
            ++*ret_unknown;
        } else if (err) {
            refuse(job, err, NULL, pv_err_text(err));
            return false;
        } else if (!pv_hash_equal(&leaf, &job->items[i].leaf)) {
            refuse(job, PV_ERR_CONFLICT, "n", "another entry of this author with this number stands in the log");
            return false;
        }
    }
    return true;
}

/* ---- one item */

static bool check_seen(struct pv_work *work, struct pv_job *job, const struct pv_header *header)
{
    struct pv_hash root;
    if (header->seen_size > pv_work_size(work)) {
        refuse(job, PV_ERR_MALFORMED, "seen", "the entry has seen more than the log holds");
        return false;
    }
    enum pv_err err = pv_work_root(work, header->seen_size, &root);
    if (err) {
        refuse(job, err, NULL, pv_err_text(err));
        return false;
    }
    if (pv_hash_equal(&root, &header->seen_root)) return true;
    refuse(job, PV_ERR_FORK, "seen", "the entry has seen another history than this log's");
    return false;
}

static bool check_refs(struct pv_work *work, struct pv_job *job, const struct pv_prepared *item)
{
    struct pv_meta *meta = work->server->meta;
    size_t count;
    enum pv_err err = pv_refs_check(item->bundle.refs, &count);
    for (size_t i = 0; i < count && !err; i++) {
        struct pv_id16 name;
        struct pv_meta_blob blob;
        pv_refs_at(item->bundle.refs, i, &name);
        err = work->state->row.no ? meta->ops->blob(meta, work->state->row.no, &name, &blob) : PV_ERR_NOT_FOUND;
    }
    if (err == PV_ERR_NOT_FOUND) refuse(job, PV_ERR_CONFLICT, "refs", "the entry names a blob that is not here");
    else if (err) refuse(job, err, NULL, pv_err_text(err));
    return err == PV_OK;
}

/* After a cut nothing comes in any more that old keys open. */
static bool check_cut(const struct pv_work *work, struct pv_job *job, const struct pv_header *header)
{
    if (!pv_kind_is_sealed(header->kind) || header->epoch >= pv_roster_cut(work->state->roster)) return true;
    refuse(job, PV_ERR_CONFLICT, pv_reason_name(PV_REASON_STALE_EPOCH), "the room has forgotten keys of that time: seal it anew");
    return false;
}

/* Strangers write only what counts: a join through an open invite, a sign, a lift of their own hold. */
static bool check_stranger(struct pv_work *work, struct pv_job *job, const struct pv_log_item *item)
{
    const struct pv_roster *roster = work->state->roster;
    enum pv_verdict verdict;
    enum pv_reason reason = PV_REASON_NONE;
    if (item->index == 0 || pv_roster_principal_of(roster, &item->entry.header.author)) return true;
    if (pv_kind_is_sealed(item->entry.header.kind)) {
        refuse(job, PV_ERR_DENIED, pv_reason_name(PV_REASON_NOT_MEMBER), "this device is no member of the room");
        return false;
    }
    enum pv_err err = pv_roster_judge(roster, item, &verdict, &reason);
    if (err) {
        refuse(job, err, NULL, pv_err_text(err));
        return false;
    }
    if (verdict != PV_REJECTED) return true; /* impossible and unsupported are said by apply */
    bool race = reason == PV_REASON_STALE_CHAIN || reason == PV_REASON_STALE_EPOCH || reason == PV_REASON_DUE;
    refuse(job, race ? PV_ERR_CONFLICT : PV_ERR_DENIED, pv_reason_name(reason),
           race ? "the room has changed meanwhile" : "who is no member may only join through an open invite, or sign");
    return false;
}

static bool is_ours(const struct pv_work *work)
{
    const struct pv_sign_pk *key = pv_roster_log_key(work->state->roster);
    return key && memcmp(key->b, work->server->log_pk.b, sizeof key->b) == 0;
}

/* A new room is bound to this server's name and key, so that its checkpoints verify. */
static bool check_bound(struct pv_work *work, struct pv_job *job, const struct pv_log_item *item)
{
    struct pv_bytes name = pv_roster_server_name(work->state->roster);
    bool fits = is_ours(work) && pv_server_name_is_valid(name) &&
                (item->index > 0 || pv_bytes_equal(name, pv_bytes_of_string(work->server->name)));
    if (!fits) refuse(job, PV_ERR_DENIED, "server", "the room names another server's name or key");
    return fits;
}

static bool check_bars(struct pv_work *work, struct pv_job *job, const struct pv_prepared *item, const struct pv_bars *bars)
{
    unsigned retry_s = 0;
    enum pv_err err = pv_bars_after(bars, work->state->roster, item, &work->state->row.id, work->server, &retry_s);
    if (err == PV_ERR_RATE) refuse(job, err, "bars", "this device has barred too often within the hour: name all in one entry");
    else if (err) refuse(job, err, NULL, pv_err_text(err));
    job->response->retry_after_s = retry_s;
    return err == PV_OK;
}

static bool check_waiting(const struct pv_work *work, struct pv_job *job, const struct pv_prepared *item)
{
    if (pv_work_may_wait(work, item)) return true;
    refuse(job, PV_ERR_LIMIT, "waiting", "too many forgets wait in this room, or too many holds stand");
    return false;
}

static bool take_item(struct pv_work *work, struct pv_job *job, size_t i)
{
    const struct pv_prepared *prepared = &job->items[i];
    const struct pv_header *header = &prepared->entry.header;
    struct pv_log_item item = {pv_work_size(work), prepared->entry, prepared->leaf, prepared->bundle.body};
    enum pv_verdict verdict;
    enum pv_reason reason = PV_REASON_NONE;
    bool clear = !pv_kind_is_sealed(header->kind), founding = item.index == 0;
    if (!founding && !pv_hash_equal(&header->room, &work->state->row.id)) {
        refuse(job, PV_ERR_MALFORMED, "room", "the entry is of another room");
        return false;
    }
    if (founding != (i == 0 && job->founds)) {
        refuse(job, PV_ERR_CONFLICT, "genesis", founding ? "a room begins with its genesis" : "the room stands already");
        return false;
    }
    if (!check_seen(work, job, header) || !check_cut(work, job, header) || !check_refs(work, job, prepared) ||
        !check_stranger(work, job, &item) || !check_waiting(work, job, prepared))
        return false;
    bool takes_out = job->is_unpaid && pv_unpaid_may(work->state->roster, prepared);
    struct pv_bars bars;
    pv_bars_before(&bars, work->state->roster, prepared);
    enum pv_err err = header->kind == PV_KIND_ROSTER ? pv_work_remember(work) : PV_OK;
    if (!err) err = pv_roster_apply(work->state->roster, &item, &verdict, &reason);
    if (err) {
        refuse(job, err, NULL, pv_err_text(err));
        return false;
    }
    if (verdict == PV_IMPOSSIBLE || verdict == PV_UNSUPPORTED || (founding && verdict != PV_ACCEPTED)) {
        refuse(job, verdict == PV_UNSUPPORTED ? PV_ERR_UNSUPPORTED : PV_ERR_MALFORMED,
               verdict == PV_REJECTED ? pv_reason_name(reason) : "impossible",
               verdict == PV_UNSUPPORTED ? "this server does not know entries of this form: it may be too old"
                                         : "no log can hold this entry here");
        return false;
    }
    err = pv_work_place(work, prepared, NULL, (unsigned)verdict, (unsigned)reason);
    if (err) {
        refuse(job, err, NULL, pv_err_text(err));
        work->err = err; /* the roster has it, the places do not */
        return false;
    }
    job->placed[i] = (struct pv_placed){true, item.index, (unsigned)verdict, (unsigned)reason};
    pv_unpaid_count(&job->unpaid, prepared, takes_out && verdict == PV_ACCEPTED);
    if (!clear || header->kind != PV_KIND_ROSTER) return true;
    return check_bound(work, job, &item) && (verdict != PV_ACCEPTED || check_bars(work, job, prepared, &bars));
}

/* A room from a backup takes nothing new before its lost tail: what was said there would be contradicted. */
static bool is_waiting(const struct pv_work *work, struct pv_job *job)
{
    bool waits = work->state->row.restored || work->given_back;
    if (waits) refuse(job, PV_ERR_OFFLINE, "restored", PV_DETAIL_RESTORED);
    return waits;
}

void pv_work_append(struct pv_work *work, struct pv_job *job)
{
    size_t unknown, before = work->count;
    if (!find_known(work, job, &unknown) || unknown == 0 || is_waiting(work, job)) return;
    if (work->state->row.no && !is_ours(work)) {
        refuse(job, PV_ERR_CONFLICT, "moved", "this room has moved to another server");
        return;
    }
    for (size_t i = 0; i < job->count && !job->refused; i++)
        if (!job->placed[i].known) (void)take_item(work, job, i);
    if (!job->refused && job->is_unpaid && !pv_unpaid_is_in(&job->unpaid)) refuse(job, PV_ERR_QUOTA, NULL, "today's quota is used up");
    if (job->refused) {
        enum pv_err err = pv_work_rewind(work, before);
        if (err) work->err = err;
        return;
    }
    if (job->founds && pv_work_size(work) > 0 && before == 0 && work->state->row.no == 0) {
        work->registration = job->registration;
        work->registration_hash = job->registration_hash;
    }
}

/* ---- the server's own entries */

/* The newest of our entries here comes before it. */
static enum pv_err ask_entry(struct pv_work *work, const struct pv_server_body *content, struct pv_ask_entry *ask)
{
    struct pv_buf body;
    struct pv_header *header = &ask->header;
    *ask = (struct pv_ask_entry){.header = {.room = work->state->row.id, .n = 1, .kind = PV_KIND_SERVER,
                                            .time_ms = work->now_ms, .seen_size = work->state->row.size}};
    pv_buf_init_fixed(&body, ask->body, sizeof ask->body);
    pv_server_body_put(&body, content);
    ask->n = body.n;
    pv_log_key_id(&work->server->log_pk, &header->author);
    const struct pv_head *head = pv_roster_head(work->state->roster, &header->author);
    if (head) {
        header->n = head->n + 1;
        header->prev = head->leaf;
    }
    return body.err ? body.err : pv_work_root(work, header->seen_size, &header->seen_root);
}

static enum pv_err make_entry(struct pv_work *work, const struct pv_server_body *content, struct pv_prepared *ret_item,
                              uint8_t **ret_memory)
{
    static const uint8_t no_refs[] = {0x80};
    struct pv_ask_entry ask;
    struct pv_made_entry made;
    struct pv_prepared item = {0};
    enum pv_err err = ask_entry(work, content, &ask);
    if (err) return err;
    err = pv_signer_entry(work->server->signer, &ask, &made);
    if (err) return PV_ERR_OFFLINE;
    uint8_t *memory = made.err ? NULL : malloc(made.n + ask.n);
    if (!memory) return made.err ? PV_ERR_IO : PV_ERR_NOMEM;
    memcpy(memory, made.entry, made.n);
    memcpy(memory + made.n, ask.body, ask.n);
    item.bundle = (struct pv_bundle){.entry = pv_bytes(memory, made.n), .refs = pv_bytes(no_refs, sizeof no_refs),
                                     .body = pv_bytes(memory + made.n, ask.n)};
    err = pv_entry_read(item.bundle.entry, &item.entry);
    if (err) {
        free(memory);
        return err;
    }
    pv_entry_leaf(item.bundle.entry, &item.leaf);
    *ret_item = item;
    *ret_memory = memory;
    return PV_OK;
}

/* Append an entry of our own if it would be accepted. NOT_FOUND: it would not. */
static enum pv_err say(struct pv_work *work, const struct pv_server_body *content)
{
    struct pv_prepared prepared;
    uint8_t *memory;
    enum pv_verdict verdict = PV_IMPOSSIBLE;
    enum pv_reason reason = PV_REASON_NONE;
    enum pv_err err = make_entry(work, content, &prepared, &memory);
    if (err) return err;
    struct pv_log_item item = {pv_work_size(work), prepared.entry, prepared.leaf, prepared.bundle.body};
    err = pv_roster_judge(work->state->roster, &item, &verdict, &reason);
    if (!err && verdict != PV_ACCEPTED) err = PV_ERR_NOT_FOUND;
    if (!err) err = pv_work_remember(work);
    if (!err) err = pv_roster_apply(work->state->roster, &item, &verdict, &reason);
    if (!err) {
        err = pv_work_place(work, &prepared, memory, (unsigned)verdict, (unsigned)reason);
        if (err) work->err = err;
    }
    if (err) free(memory);
    return err;
}

static enum pv_err expire_invites(struct pv_work *work, size_t *ret_said)
{
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(work->state->roster, &count);
    struct pv_id16 *due = malloc((count + 1) * sizeof *due); /* pointers into the roster end with a change */
    size_t due_count = 0;
    enum pv_err err = PV_OK;
    if (!due) return PV_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (invites[i].open && invites[i].body.has_until && invites[i].body.until_ms <= work->now_ms)
            due[due_count++] = invites[i].body.id;
    for (size_t i = 0; i < due_count && !err; i++) {
        struct pv_server_body body = {.type = PV_SERVER_EXPIRED};
        body.u.expired.time_ms = work->now_ms;
        body.u.expired.is_invite = true;
        body.u.expired.invite = due[i];
        err = say(work, &body);
        if (!err) ++*ret_said;
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    free(due);
    return err;
}

static enum pv_err expire_members(struct pv_work *work, size_t *ret_said)
{
    size_t count;
    const struct pv_principal *principals = pv_roster_principals(work->state->roster, &count);
    struct pv_membership *due = malloc((count + 1) * sizeof *due);
    size_t due_count = 0;
    enum pv_err err = PV_OK;
    if (!due) return PV_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (principals[i].has_until && principals[i].until_ms <= work->now_ms)
            due[due_count++] = (struct pv_membership){principals[i].id, principals[i].join_index};
    for (size_t i = 0; i < due_count && !err; i++) {
        struct pv_server_body body = {.type = PV_SERVER_EXPIRED};
        body.u.expired.time_ms = work->now_ms;
        body.u.expired.membership = due[i];
        err = say(work, &body);
        if (!err) ++*ret_said;
        if (err == PV_ERR_NOT_FOUND) err = PV_OK; /* the last owner stays */
    }
    free(due);
    return err;
}

/* A notice that is over: unless somebody holds any of it, what it names is deleted. */
static enum pv_err end_notices(struct pv_work *work, size_t *ret_said)
{
    struct pv_id16 *due;
    size_t count;
    enum pv_err err = pv_work_due_forgets(work, &due, &count);
    if (err) return err;
    for (size_t i = 0; i < count && !err; i++) {
        struct pv_server_body body = {.type = PV_SERVER_DELETED};
        body.u.deleted_forget = due[i];
        err = say(work, &body);
        if (!err) ++*ret_said;
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    free(due);
    return err;
}

/* Deadlines that passed without effect are not asked for again until the roster changes. */
static enum pv_err skip_deadlines(struct pv_work *work)
{
    struct pv_meta *meta = work->server->meta;
    const struct pv_roster *roster = work->state->roster;
    uint64_t next = UINT64_MAX;
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(roster, &count);
    for (size_t i = 0; i < count; i++)
        if (invites[i].open && invites[i].body.has_until && invites[i].body.until_ms > work->now_ms &&
            invites[i].body.until_ms < next)
            next = invites[i].body.until_ms;
    const struct pv_principal *principals = pv_roster_principals(roster, &count);
    for (size_t i = 0; i < count; i++)
        if (principals[i].has_until && principals[i].until_ms > work->now_ms && principals[i].until_ms < next)
            next = principals[i].until_ms;
    enum pv_err err = pv_work_forget_deadline(work, work->now_ms, &next);
    return err ? err : meta->ops->set_deadline(meta, work->state->row.no, work->state->row.size, next);
}

void pv_work_expire(struct pv_work *work, struct pv_job *job)
{
    size_t said = 0;
    if (work->state->row.restored) return; /* nothing is said there before the tail is back */
    enum pv_err err = is_ours(work) ? expire_invites(work, &said) : PV_OK;
    if (!err && is_ours(work)) err = expire_members(work, &said);
    if (!err && is_ours(work)) err = end_notices(work, &said);
    if (!err && said == 0 && work->count == 0) err = skip_deadlines(work);
    if (err) refuse(job, err, NULL, pv_err_text(err));
}

static void refuse_ended(struct pv_job *job, const struct pv_invite *invite)
{
    bool spent = invite->uses_left == 0;
    refuse(job, PV_ERR_EXPIRED, spent ? "spent" : "revoked",
           spent ? "this invite is used up" : "this invite was closed, or ended with a change of members");
}

void pv_work_put_gate(struct pv_work *work, struct pv_job *job)
{
    struct pv_meta *meta = work->server->meta;
    const struct pv_invite *invite = pv_roster_invite(work->state->roster, &job->gate);
    if (invite && !invite->open) {
        refuse_ended(job, invite);
        return;
    }
    enum pv_err err = meta->ops->gate_put(meta, &job->gate, work->state->row.no, job->gate_version, job->signed_gate,
                                          job->has_half ? job->half.b : NULL, job->gate_refs);
    if (!err) job->response->status = 201;
    else if (err == PV_ERR_CONFLICT) refuse(job, err, "version", "the gate's version is not the next one");
    else if (err == PV_ERR_NOT_FOUND) refuse(job, PV_ERR_CONFLICT, "refs", "the gate names a blob that is not here");
    else refuse(job, err, NULL, pv_err_text(err));
}

void pv_work_release_gate(struct pv_work *work, struct pv_job *job)
{
    if (is_waiting(work, job)) return;
    const struct pv_invite *invite = pv_roster_invite(work->state->roster, &job->gate);
    if (!invite) {
        refuse(job, PV_ERR_NOT_FOUND, NULL, "the room knows no invite for this gate");
        return;
    }
    if (invite->open && invite->body.has_until && invite->body.until_ms <= work->now_ms) {
        pv_work_expire(work, job);
        if (!job->refused) refuse(job, PV_ERR_EXPIRED, "expired", "this invite has expired");
        return;
    }
    if (!invite->open) {
        refuse_ended(job, invite);
        return;
    }
    struct pv_server_body body = {.type = PV_SERVER_RELEASE};
    body.u.release.gate = job->gate;
    body.u.release.version = job->gate_version;
    body.u.release.request = job->request;
    struct pv_meta_release *more = realloc(work->releases, (work->release_count + 1) * sizeof *more);
    enum pv_err err = more ? say(work, &body) : PV_ERR_NOMEM;
    if (more) work->releases = more;
    if (err) {
        refuse(job, err, NULL, pv_err_text(err));
        return;
    }
    more[work->release_count++] = (struct pv_meta_release){
        .gate = job->gate, .version = job->gate_version, .max_releases = job->max_releases, .request = job->request,
        .ticket = job->ticket_hash, .time_ms = work->now_ms, .ticket_until_ms = work->now_ms + PV_TICKET_MS};
}
