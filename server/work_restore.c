/* Giving back the tail that a backup lacks: only what reproduces a tree that this server signed, and when a room opens. */
#include <string.h>

#include "core/log/checkpoint.h"
#include "server/work.h"

static bool refuse(struct pv_job *job, enum pv_err err, const char *reason, const char *detail)
{
    job->refused = true;
    pv_problem(job->response, err, reason, "%s", detail);
    return false;
}

static bool fail(struct pv_job *job, enum pv_err err)
{
    job->refused = true;
    pv_problem_of(job->response, err);
    return false;
}

/* Its own signature is what a room is believed by, known here or not. */
static bool open_note(struct pv_work *work, struct pv_job *job, struct pv_checkpoint *ret_checkpoint)
{
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_bytes bytes = pv_bytes_of_string(work->server->name);
    if (work->state->row.no) bytes = pv_roster_server_name(work->state->roster);
    if (bytes.n >= sizeof name) return fail(job, PV_ERR_LIMIT);
    memcpy(name, bytes.p, bytes.n);
    name[bytes.n] = 0;
    if (!pv_checkpoint_open(job->note, name, &work->state->row.id, &work->server->log_pk, ret_checkpoint)) return true;
    return refuse(job, PV_ERR_BAD_SIG, "signature", "the checkpoint is not signed by this server for this room");
}

static bool take_item(struct pv_work *work, struct pv_job *job, const struct pv_prepared *prepared)
{
    struct pv_log_item item = {pv_work_size(work), prepared->entry, prepared->leaf, prepared->bundle.body};
    enum pv_verdict verdict;
    enum pv_reason reason = PV_REASON_NONE;
    enum pv_err err = prepared->entry.header.kind == PV_KIND_ROSTER || prepared->entry.header.kind == PV_KIND_SERVER
        ? pv_work_remember(work) : PV_OK;
    if (!err) err = pv_roster_apply(work->state->roster, &item, &verdict, &reason);
    if (err) return fail(job, err);
    if (verdict == PV_IMPOSSIBLE || verdict == PV_UNSUPPORTED)
        return refuse(job, PV_ERR_MALFORMED, "impossible", "no log can hold this entry here");
    err = pv_work_place(work, prepared, NULL, (unsigned)verdict, (unsigned)reason);
    if (!err) return true;
    work->err = err;
    return fail(job, err);
}

static bool take_tail(struct pv_work *work, struct pv_job *job, const struct pv_checkpoint *checkpoint)
{
    struct pv_hash root;
    uint64_t size = work->state->row.size;
    if (work->count || job->from != size || checkpoint->size - size != job->count)
        return refuse(job, PV_ERR_CONFLICT, "size", "the entries are not those from what is here to the checkpoint");
    for (size_t i = 0; i < job->count; i++)
        if (!take_item(work, job, &job->items[i])) return false;
    pv_merkle_edge_root(&work->edge, &root);
    if (!pv_hash_equal(&root, &checkpoint->root))
        return refuse(job, PV_ERR_FORK, "seen", "the entries are not those of the checkpoint");
    pv_buf_append(&work->note, job->note.p, job->note.n);
    work->note_time_s = checkpoint->time_s;
    work->given_back = true;
    if (work->state->row.no == 0) work->registration = PV_REGISTRATION_FREE; /* it stood here, so its account did */
    return work->note.err ? fail(job, work->note.err) : true;
}

/* A room that came after the backup is not known here at all. */
static bool may_found(struct pv_work *work, struct pv_job *job)
{
    struct pv_meta *meta = work->server->meta;
    uint64_t restored_ms = 0;
    enum pv_err err = meta->ops->restored_at(meta, &restored_ms);
    if (err) return fail(job, err);
    return (restored_ms && job->count) || refuse(job, PV_ERR_NOT_FOUND, NULL, "no such room here");
}

void pv_work_restore(struct pv_work *work, struct pv_job *job)
{
    struct pv_checkpoint checkpoint;
    struct pv_hash root;
    size_t before = work->count; /* another's tail, that the same batch took */
    const struct pv_meta_room *row = &work->state->row;
    if (row->no && !row->restored) return; /* it is open: the answer says so */
    if ((!row->no && !work->count && !may_found(work, job)) || !open_note(work, job, &checkpoint)) return;
    if (checkpoint.size <= pv_work_size(work)) {
        enum pv_err err = pv_work_root(work, checkpoint.size, &root);
        if (err) fail(job, err);
        else if (!pv_hash_equal(&root, &checkpoint.root))
            refuse(job, PV_ERR_FORK, "seen", "the checkpoint is of another history than this log's");
    } else if (job->count && !take_tail(work, job, &checkpoint)) {
        enum pv_err err = pv_work_rewind(work, before);
        if (err) work->err = err;
    }
    job->note_size = checkpoint.size;
}

/* ---- afterwards: who has shown how far they had come, and is that all? */

static enum pv_err has_shown(struct pv_work *work, const struct pv_hash *device, bool *ret_has)
{
    return work->server->meta->ops->shown(work->server->meta, work->state->row.no, device, ret_has);
}

/* Has every device that could have written shown its head? A link that is open may have let in one more. */
static enum pv_err all_have_shown(struct pv_work *work, bool *ret_have)
{
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(work->state->roster, &count);
    bool have = true;
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < count; i++) have &= !invites[i].open;
    const struct pv_room_device *devices = pv_roster_devices(work->state->roster, &count);
    for (size_t i = 0; i < count && have && !err; i++)
        if (!devices[i].paper) err = has_shown(work, &devices[i].id, &have);
    *ret_have = have;
    return err;
}

/* Does the head that stood beside the blobs, and after which nothing came, say that all of it is here? One of another tree,
 * as long, says that the room went on without this part after an earlier restore. */
static enum pv_err is_at_last_head(struct pv_work *work, bool *ret_is)
{
    struct pv_checkpoint head;
    struct pv_hash root;
    struct pv_buf note;
    bool is_last;
    *ret_is = false;
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = work->server->meta->ops->kept_head(work->server->meta, work->state->row.no, &note, &is_last);
    if (!err) err = pv_checkpoint_peek(pv_buf_bytes(&note), &head);
    pv_buf_release(&note);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_OK : err;
    if (!is_last || head.size != work->state->row.size) return PV_OK;
    err = pv_work_root(work, head.size, &root);
    *ret_is = !err && pv_hash_equal(&root, &head.root);
    return err;
}

/* Does it go on in another room? Then it stays as it is, whoever comes. */
static enum pv_err has_ended(struct pv_work *work, bool *ret_has)
{
    struct pv_buf word;
    pv_buf_init(&word, PV_LIMIT_SUCCESSION_BYTES + 512);
    enum pv_err err = work->server->meta->ops->succession(work->server->meta, work->state->row.no, &word);
    pv_buf_release(&word);
    *ret_has = !err;
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

/* Has a device of the owner shown a head; any device, in the room of one person? */
static enum pv_err owner_has_shown(struct pv_work *work, const struct pv_hash *owner, bool *ret_has)
{
    size_t count;
    const struct pv_roster *roster = work->state->roster;
    const struct pv_room_device *devices = pv_roster_devices(roster, &count);
    bool is_persons = pv_roster_room_kind(roster) == PV_ROOM_PERSON, shown = false, only_paper = true;
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < count && !shown && !err; i++) {
        if (!is_persons && !pv_hash_equal(&devices[i].principal, owner)) continue;
        only_paper = only_paper && devices[i].paper;
        err = has_shown(work, &devices[i].id, &shown);
    }
    *ret_has = shown || only_paper;
    return err;
}

static enum pv_err owners_have_shown(struct pv_work *work, bool *ret_have)
{
    size_t count;
    const struct pv_principal *principals = pv_roster_principals(work->state->roster, &count);
    enum pv_err err = PV_OK;
    *ret_have = true;
    for (size_t i = 0; i < count && *ret_have && !err; i++)
        if (principals[i].role == PV_ROLE_OWNER) err = owner_has_shown(work, &principals[i].id, ret_have);
    return err;
}

/* What may have closed or run out in a tail that is given up stays shut. */
static enum pv_err shut_gates(struct pv_work *work)
{
    struct pv_meta *meta = work->server->meta;
    size_t count;
    const struct pv_invite *invites = pv_roster_invites(work->state->roster, &count);
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < count && !err; i++)
        if (invites[i].open) err = meta->ops->gate_close(meta, &invites[i].body.id, work->state->row.no, "revoked");
    return err;
}

static enum pv_err go_on(struct pv_work *work, struct pv_job *job, bool *ret_open)
{
    const struct pv_principal *author = pv_roster_principal_of(work->state->roster, &job->author);
    bool have = false;
    if (!author || author->role != PV_ROLE_OWNER) {
        refuse(job, PV_ERR_DENIED, "role", "only an owner may say that the room goes on");
        return PV_OK;
    }
    enum pv_err err = owners_have_shown(work, &have);
    if (!err && !have)
        refuse(job, PV_ERR_CONFLICT, "unshown", "not every owner's device has shown yet how far it had come: wait for them");
    if (!err && have) err = shut_gates(work);
    *ret_open = !err && have;
    return err;
}

/* May what is known to be missing be given up? In a person's own room, which has no successor, by the person's first kit,
 * which outranks all devices. */
static bool may_give_up(const struct pv_work *work, const struct pv_job *job)
{
    const struct pv_room_device *author = pv_roster_device(work->state->roster, &job->author);
    return pv_roster_room_kind(work->state->roster) == PV_ROOM_PERSON && author && author->paper && author->order == 0;
}

/* Who came, as far as that says how far they had come. A kit holds nothing of its own: it speaks for its owner, who may have
 * nothing else, only when it says that the room goes on; and that is remembered while others' word is still to come. */
static const struct pv_hash *who_shows(const struct pv_work *work, const struct pv_job *job)
{
    const struct pv_room_device *author = pv_roster_device(work->state->roster, &job->author);
    return author && author->paper && !job->go_on ? NULL : &job->author;
}

void pv_work_restored(struct pv_work *work, struct pv_job *job)
{
    struct pv_meta *meta = work->server->meta;
    struct pv_meta_room *row = &work->state->row;
    struct pv_buf *body = &job->response->body;
    uint64_t known = row->size;
    bool opens = false, ended = false;
    enum pv_err err = PV_OK;
    if (row->restored) {
        err = meta->ops->show(meta, row->no, who_shows(work, job), job->note_size, job->note, &known);
        if (known < row->size) known = row->size;
        if (!err) err = has_ended(work, &ended);
        if (!err && ended && job->go_on) refuse(job, PV_ERR_CONFLICT, "successor", "this room goes on in a successor");
        if (!err && known == row->size && !ended) err = is_at_last_head(work, &opens);
        if (!err && known == row->size && !opens && !ended) err = all_have_shown(work, &opens);
        bool may_go_on = known == row->size || may_give_up(work, job);
        if (!err && may_go_on && !opens && !ended && job->go_on) err = go_on(work, job, &opens);
        else if (!err && !may_go_on && !ended && job->go_on)
            refuse(job, PV_ERR_CONFLICT, "size", "a longer history is known: whoever has shown it gives it back first");
        if (!err && opens) err = meta->ops->open_room(meta, row->no, row->size);
        if (!err && opens) row->restored = false;
    }
    if (err) pv_problem_of(job->response, err);
    if (err || job->refused) return;
    pv_cbor_put_array(body, 3);
    pv_cbor_put_uint(body, row->size);
    pv_cbor_put_uint(body, known);
    pv_cbor_put_bool(body, row->restored);
    pv_answer(job->response, PV_TYPE_CBOR);
}
