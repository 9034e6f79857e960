/* Forgetting within a batch: how long a forget waits, `deleted` when it has, and dropping what that names. */
#include <stdlib.h>

#include "server/gc.h"
#include "server/log.h"
#include "server/work.h"

enum {
    WALK_ENTRIES = 8192, /* looked at by one job, so that others come in between */
    DROP_ENTRIES = 256   /* in one transaction */
};

/* ---- what a room takes */

bool pv_work_may_wait(const struct pv_work *work, const struct pv_prepared *item)
{
    const struct pv_hash *author = &item->entry.header.author, *person = pv_roster_owner_of(work->state->roster, author);
    struct pv_roster_body body;
    if (item->entry.header.kind != PV_KIND_ROSTER || pv_roster_body_read(item->bundle.body, &body)) return true;
    if (body.type != PV_ROSTER_FORGET && body.type != PV_ROSTER_HOLD) return true;
    struct pv_waiting waiting = pv_roster_waiting(work->state->roster, person ? person : author);
    return body.type == PV_ROSTER_FORGET ? waiting.forgets < PV_FORGETS_WAITING
                                         : waiting.holds < PV_HOLDS_STANDING && waiting.holds_of < PV_HOLDS_OF_ONE;
}

/* ---- what a batch brings */

static uint64_t due_after(const struct pv_work *work, uint64_t notice_ms)
{
    uint64_t signed_ms = work->state->row.note_time_s * 1000;
    uint64_t from_ms = work->now_ms > signed_ms ? work->now_ms : signed_ms;
    return notice_ms < PV_LIMIT_N - from_ms ? from_ms + notice_ms : PV_LIMIT_N;
}

static void note_roster_entry(struct pv_work *work, const struct pv_pending *pending)
{
    struct pv_roster_body body;
    if (pv_roster_body_read(pending->item.bundle.body, &body)) return; /* its verdict says otherwise */
    if (body.type == PV_ROSTER_POLICY) {
        work->policy_changes = true;
        work->has_notice = pv_policy_notice(body.u.policy.value, &work->notice_ms);
    }
    if (body.type == PV_ROSTER_FORGET)
        work->forgets[work->forget_count++] =
            (struct pv_meta_forget){body.u.ranges.id, due_after(work, work->has_notice ? work->notice_ms : PV_FORGET_NOTICE_MS)};
}

enum pv_err pv_work_note_forgets(struct pv_work *work, struct pv_meta_append *append)
{
    work->has_notice = work->state->row.has_notice;
    work->notice_ms = work->state->row.notice_ms;
    work->forgets = malloc((work->count + 1) * sizeof *work->forgets);
    work->deleted = malloc((work->count + 1) * sizeof *work->deleted);
    if (!work->forgets || !work->deleted) return PV_ERR_NOMEM;
    for (size_t i = 0; i < work->count; i++) {
        const struct pv_pending *pending = &work->pending[i];
        struct pv_server_body body;
        if (pending->verdict != PV_ACCEPTED) continue;
        uint64_t kind = pending->item.entry.header.kind;
        if (kind == PV_KIND_ROSTER) note_roster_entry(work, pending);
        if (kind == PV_KIND_SERVER && pv_server_body_read(pending->item.bundle.body, &body) == PV_OK && body.type == PV_SERVER_DELETED)
            work->deleted[work->deleted_count++] = body.u.deleted_forget;
    }
    append->forgets = work->forgets;
    append->forget_count = work->forget_count;
    append->deleted = work->deleted;
    append->deleted_count = work->deleted_count;
    append->policy_changes = work->policy_changes;
    append->has_notice = work->has_notice;
    append->notice_ms = work->notice_ms;
    return PV_OK;
}

/* ---- deadlines */

struct waiting {
    const struct pv_roster *roster;
    uint64_t after_ms, next_ms;
    struct pv_id16 *due; /* or NULL */
    size_t due_count, due_max;
    uint64_t now_ms;
};

static enum pv_err see_forget(void *context, const struct pv_meta_forget *forget)
{
    struct waiting *w = context;
    struct pv_forget_info info;
    bool waits = pv_roster_forget(w->roster, &forget->id, &info) && !info.done && !info.held;
    if (!waits) return PV_OK;
    if (forget->due_ms > w->after_ms && forget->due_ms < w->next_ms) w->next_ms = forget->due_ms;
    if (w->due && forget->due_ms <= w->now_ms && w->due_count < w->due_max) w->due[w->due_count++] = forget->id;
    return PV_OK;
}

static bool any_waits(const struct pv_roster *roster)
{
    for (size_t i = 0; i < pv_roster_forget_count(roster); i++) {
        struct pv_forget_info info;
        pv_roster_forget_at(roster, i, &info);
        if (!info.done) return true;
    }
    return false;
}

static enum pv_err each_waiting(struct pv_work *work, struct waiting *w)
{
    struct pv_meta *meta = work->server->meta;
    if (!any_waits(w->roster)) return PV_OK;
    enum pv_err err = work->state->row.no ? meta->ops->forgets(meta, work->state->row.no, see_forget, w) : PV_OK;
    for (size_t i = 0; i < work->forget_count && !err; i++) err = see_forget(w, &work->forgets[i]);
    return err;
}

enum pv_err pv_work_forget_deadline(struct pv_work *work, uint64_t after_ms, uint64_t *next_ms)
{
    struct waiting w = {.roster = work->state->roster, .after_ms = after_ms, .next_ms = *next_ms};
    enum pv_err err = each_waiting(work, &w);
    if (!err) *next_ms = w.next_ms;
    return err;
}

enum pv_err pv_work_due_forgets(struct pv_work *work, struct pv_id16 **ret_due, size_t *ret_count)
{
    struct waiting w = {.roster = work->state->roster, .next_ms = UINT64_MAX, .now_ms = work->now_ms,
                        .due_max = pv_roster_forget_count(work->state->roster)};
    w.due = malloc((w.due_max + 1) * sizeof *w.due);
    enum pv_err err = w.due ? each_waiting(work, &w) : PV_ERR_NOMEM;
    if (err) {
        free(w.due);
        return err;
    }
    *ret_due = w.due;
    *ret_count = w.due_count;
    return PV_OK;
}

/* ---- dropping */

struct dropping {
    const struct pv_roster *roster;
    uint64_t *indexes;
    size_t count;
    uint64_t seen;
};

static enum pv_err see_entry(void *context, const struct pv_meta_entry *row)
{
    struct dropping *d = context;
    struct pv_entry entry;
    d->seen++;
    if (row->forgotten && pv_refs_are_dropped(row->refs)) return PV_OK;
    if (!pv_roster_is_forgotten(d->roster, row->index) || pv_entry_read(row->entry, &entry)) return PV_OK;
    if (pv_kind_is_sealed(entry.header.kind)) d->indexes[d->count++] = row->index;
    return PV_OK;
}

/* Where wraps and links go: before the entry that began the epoch of the cut. */
static uint64_t beside_before(const struct pv_roster *roster)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(roster, &count);
    uint64_t cut = pv_roster_cut_done(roster);
    return cut < count ? epochs[cut].index : 0;
}

static enum pv_err drop_found(struct pv_work *work, uint64_t from, const struct dropping *d)
{
    struct pv_meta *meta = work->server->meta;
    uint64_t before = beside_before(d->roster), next = from;
    enum pv_err err = PV_OK;
    for (size_t i = 0; !err && (i < d->count || next < from + d->seen); i += DROP_ENTRIES) {
        size_t some = d->count > i ? d->count - i : 0;
        if (some > DROP_ENTRIES) some = DROP_ENTRIES;
        bool last = i + some >= d->count;
        next = last ? from + d->seen : d->indexes[i + some - 1] + 1;
        err = meta->ops->drop(meta, work->state->row.no, d->indexes + i, some, before, next);
    }
    return err;
}

void pv_work_drop(struct pv_work *work)
{
    struct pv_meta *meta = work->server->meta;
    struct pv_meta_room row;
    struct dropping d = {.roster = work->state->roster, .indexes = malloc(WALK_ENTRIES * sizeof *d.indexes)};
    enum pv_err err = d.indexes ? meta->ops->room(meta, &work->state->row.id, &row) : PV_ERR_NOMEM;
    if (!err && row.dropping && pv_roster_size(d.roster) == row.size) {
        uint64_t from = row.dropping - 1;
        err = meta->ops->entries(meta, row.no, from, WALK_ENTRIES, false, see_entry, &d);
        if (!err) err = drop_found(work, from, &d);
        if (!err) err = pv_gc_let_go(work->server);
        bool all = from + d.seen >= row.size;
        if (!err && all) err = meta->ops->dropped(meta, row.no);
        if (!err && all) PV_LOG(PV_LOG_INFO, "forgotten entries dropped", PV_LOG_TEXT("room", pv_log_id(row.id.b).text));
    }
    free(d.indexes);
    if (err && err != PV_ERR_BUSY) /* it stays marked, and is tried again */
        PV_LOG(PV_LOG_ERROR, "dropping what is forgotten failed", PV_LOG_TEXT("room", pv_log_id(work->state->row.id.b).text),
               PV_LOG_TEXT("code", pv_err_web_name(err)));
}
