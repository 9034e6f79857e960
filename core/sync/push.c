/* Push: bring the room up to date, rekey if due, sign drafts, send blobs and entries, and see them in the log. */
#include <stdlib.h>
#include <string.h>

#include "core/sync/forget.h"
#include "core/sync/mend.h"
#include "core/sync/pull.h"

enum {
    APPEND_ANSWER_MAX = 64 * 1024,
    BATCH_BYTES = 8 * 1024 * 1024,
    ROUNDS_MAX = 32 /* without one write less that waits */
};

struct push {
    struct pv_pull pull; /* first: a push goes on where its pull ends */
    const char *registration;
    unsigned rounds, conflicts;
    bool complains;   /* our wrap did not open: perhaps the server has lost our key */
    uint64_t waiting; /* writes in the outbox at the last round */
    struct pv_id16 blob;
    struct pv_hash asked[PV_KEM_ASK_MAX];
    size_t asked_count;
    size_t giving_from; /* the recipients before it have their keys at the server */
    size_t giving;      /* keys of `asked` that are still to be given back */
};

static enum pv_err prepare(struct pv_task *task, const struct pv_response *response);
static enum pv_err send_next(struct push *push);

static struct push *push_of(struct pv_task *task)
{
    return (struct push *)task;
}

/* ---- KEM keys for a rekey */

static enum pv_err kem_answer(struct pv_task *task, const struct pv_response *response)
{
    struct push *push = push_of(task);
    size_t got = 0;
    enum pv_err err = pv_kem_keys_take(task, push->pull.room, push->asked, push->asked_count, response, &got);
    if (err) return err;
    push->asked_count = got ? 0 : PV_KEM_ASK_MAX + 1; /* nothing more is to be had: go on, with empty wraps */
    return prepare(task, NULL);
}

static enum pv_err ask_kem_keys(struct push *push, const struct pv_hash *hashes, size_t count)
{
    memcpy(push->asked, hashes, count * sizeof *hashes);
    push->asked_count = count;
    return pv_kem_keys_ask(&push->pull.task, push->pull.room, push->asked, count, kem_answer);
}

static enum pv_err given_answer(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    return send_next(push_of(task));
}

/* The key that the room wraps to for us. Errors: NO_KEY. */
static enum pv_err our_key(struct pv_room *room, struct pv_kem_pk *ret_pk)
{
    const struct pv_principal *me = pv_roster_principal_of(room->roster, &room->me->device);
    struct pv_hash hash;
    enum pv_err err = PV_OK;
    if (!me) return PV_ERR_NO_KEY;
    if (room->person_room) {
        if (me->person_epoch > pv_roster_epoch(room->person_room->roster)) return PV_ERR_NO_KEY;
        err = pv_mend_key_of_epoch(room->person_room, me->person_epoch, ret_pk, &hash);
    } else {
        pv_kem_from_seed(&room->me->kem_seed, ret_pk);
        pv_kem_hash(ret_pk, &hash);
    }
    return err || pv_hash_equal(&hash, &me->kem_hash) ? err : PV_ERR_NO_KEY;
}

/* Whoever answers a complaint needs our key, which a restored server may have lost with what lay beside the entry that
 * named it. Where this device lacks it, another of the person's complains. */
static enum pv_err give_key(struct push *push)
{
    struct pv_task *task = &push->pull.task;
    struct pv_kem_pk pk;
    push->complains = false;
    enum pv_err err = our_key(push->pull.room, &pk);
    if (err) return err == PV_ERR_NO_KEY ? send_next(push) : err;
    pv_cbor_put_array(&task->body, 1);
    pv_cbor_put_bytes(&task->body, pk.b, sizeof pk.b);
    err = pv_task_ask(task, PV_POST, PV_AUTH_SESSION, APPEND_ANSWER_MAX, given_answer, "/v1/rooms/%s/kem", push->pull.room_hex);
    task->takes_problems = !err; /* the complaint goes in all the same */
    return err;
}

/* ---- KEM keys after a restore: whoever makes a next epoch finds those that lay beside lost entries, the kit's too */

static enum pv_err give_keys(struct push *push);

static enum pv_err key_taken(struct pv_task *task, const struct pv_response *response)
{
    if (response->status >= 400 && response->status != 403) return pv_task_problem(task, response);
    return give_keys(push_of(task));
}

static enum pv_err keys_lacked(struct pv_task *task, const struct pv_response *response)
{
    struct push *push = push_of(task);
    enum pv_err err = pv_kem_keys_lacked(task, push->asked, push->asked_count, response, &push->giving);
    return err ? err : give_keys(push);
}

/* Of the recipients from `giving_from` on, those whose keys are here. */
static enum pv_err list_keys(struct push *push)
{
    struct pv_recipient *recipients;
    size_t count;
    enum pv_err err = pv_roster_recipients(push->pull.room->roster, &recipients, &count);
    if (err) return err;
    push->asked_count = 0;
    for (; push->giving_from < count && push->asked_count < PV_KEM_ASK_MAX && !err; push->giving_from++) {
        struct pv_kem_pk pk;
        err = pv_store_kem_key_get(push->pull.room->store, &recipients[push->giving_from].kem_hash, &pk);
        if (!err) push->asked[push->asked_count++] = recipients[push->giving_from].kem_hash;
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    free(recipients);
    return err;
}

static enum pv_err give_keys(struct push *push)
{
    struct pv_task *task = &push->pull.task;
    struct pv_room *room = push->pull.room;
    struct pv_kem_pk pk;
    uint64_t lost_to;
    enum pv_err err;
    if (push->giving) {
        err = pv_store_kem_key_get(room->store, &push->asked[--push->giving], &pk);
        if (err) return err == PV_ERR_NOT_FOUND ? give_keys(push) : err;
        pv_cbor_put_array(&task->body, 1);
        pv_cbor_put_bytes(&task->body, pk.b, sizeof pk.b);
        err = pv_task_ask(task, PV_POST, PV_AUTH_SESSION, APPEND_ANSWER_MAX, key_taken, "/v1/rooms/%s/kem", push->pull.room_hex);
        task->takes_problems = !err;
        return err;
    }
    err = list_keys(push);
    if (err) return err;
    if (push->asked_count) return pv_kem_keys_ask(task, room, push->asked, push->asked_count, keys_lacked);
    err = pv_store_number_get(room->store, PV_LOST_TO, 0, &lost_to);
    if (!err) err = pv_store_number_set(room->store, PV_KEYS_GIVEN, lost_to);
    return err ? err : prepare(task, NULL);
}

/* Once after each restore that this device met. */
static enum pv_err is_to_give(struct pv_room *room, bool *ret_is)
{
    uint64_t lost_to, given = 0;
    *ret_is = false;
    if (room->restored || !pv_roster_principal_of(room->roster, &room->me->device)) return PV_OK;
    enum pv_err err = pv_store_number_get(room->store, PV_LOST_TO, 0, &lost_to);
    if (!err) err = pv_store_number_get(room->store, PV_KEYS_GIVEN, 0, &given);
    *ret_is = !err && lost_to > given;
    return err;
}

/* ---- making ready: rekey, drafts */

static enum pv_err make_ready(struct push *push, bool *ret_needs_keys, struct pv_hash *ret_missing, size_t *ret_count)
{
    enum pv_err refused = PV_OK;
    bool cut = false, link = false;
    struct pv_room *room = push->pull.room;
    const struct pv_roster *view;
    bool ours = false, complains = false;
    *ret_needs_keys = false;
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    err = pv_rekey_complain(room, &complains);
    if (!err && room->person_room) err = pv_mend(room);
    if (!err) err = pv_room_view(room, &view);
    if (!err) err = pv_rekey_is_ours(room, view, &ours);
    if (!err) err = pv_forget_look(room, &cut, &link, &refused);
    if (!err && (ours || cut || link)) {
        err = pv_rekey_missing_keys(room, ret_missing, PV_KEM_ASK_MAX, ret_count);
        *ret_needs_keys = !err && *ret_count && push->asked_count <= PV_KEM_ASK_MAX;
        if (!err && !*ret_needs_keys) err = pv_rekey_make(room, cut);
        if (!err && !*ret_needs_keys && cut) err = pv_room_view(room, &view);
        if (!err && !*ret_needs_keys && cut) err = pv_forget_cut_made(room, pv_roster_epoch(view));
    }
    if (!err && !*ret_needs_keys) err = pv_forget_step(room, &refused);
    if (!err && !*ret_needs_keys) err = pv_room_list_keep(room);
    if (!err && !*ret_needs_keys) err = pv_seal_drafts(room);
    if (err) {
        pv_room_rollback(room);
        return err;
    }
    err = pv_room_commit(room);
    push->complains = push->complains || complains;
    return err ? err : refused;
}

/* Ask whoever writes, now that all is known that others did before. */
static enum pv_err before_words(struct pv_room *room)
{
    bool wait = false;
    if (!room->before_words) return PV_OK;
    enum pv_err err = pv_store_words_wait(room->store, &wait);
    return err || !wait ? err : room->before_words(room->before_words_context, room);
}

static enum pv_err prepare(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    struct push *push = push_of(task);
    bool gives = false;
    enum pv_err asked = is_to_give(push->pull.room, &gives);
    if (!asked && gives) return give_keys(push);
    if (!asked) asked = before_words(push->pull.room);
    if (asked) return asked;
    struct pv_hash *missing = malloc(PV_KEM_ASK_MAX * sizeof *missing);
    size_t count = 0;
    bool needs_keys;
    if (!missing) return PV_ERR_NOMEM;
    enum pv_err err = make_ready(push, &needs_keys, missing, &count);
    if (err) err = pv_pull_error(&push->pull, err);
    else if (needs_keys) err = ask_kem_keys(push, missing, count);
    else err = push->complains ? give_key(push) : send_next(push);
    free(missing);
    return err;
}

/* ---- blobs */

static enum pv_err first_blob(void *context, const struct pv_id16 *name, uint64_t size_bytes)
{
    (void)size_bytes;
    *(struct pv_id16 *)context = *name;
    return PV_ERR_CONFLICT; /* ends the walk */
}

static enum pv_err blob_answer(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    struct push *push = push_of(task);
    enum pv_err err = pv_store_blob_acknowledged(push->pull.room->store, &push->blob);
    return err ? err : send_next(push);
}

/* ---- entries */

struct batch {
    struct pv_buf *bundles;
    size_t count;
};

static enum pv_err batch_add(void *context, const struct pv_sealed_write *sealed)
{
    struct batch *batch = context;
    struct pv_bundle bundle = {sealed->entry, sealed->refs, sealed->body, sealed->beside};
    size_t size = bundle.entry.n + bundle.refs.n + bundle.body.n + bundle.beside.n;
    if (batch->count == PV_LIMIT_BATCH_ENTRIES || (batch->count && batch->bundles->n + size > BATCH_BYTES))
        return PV_ERR_CONFLICT; /* ends the walk */
    pv_bundle_put(batch->bundles, &bundle);
    batch->count++;
    return batch->bundles->err;
}

static bool is_outside(const struct pv_room *room)
{
    return !pv_roster_is_born(room->roster) || !pv_roster_principal(room->roster, pv_room_my_principal(room));
}

/* A join that is refused: another device of ours may have brought us in since the log was looked at. */
static enum pv_err look_once(struct push *push, const struct pv_response *response)
{
    struct pv_task *task = &push->pull.task;
    push->pull.refused = pv_task_problem(task, response);
    memcpy(push->pull.refusal, task->message, sizeof push->pull.refusal);
    task->message[0] = '\0';
    return pv_pull_start(task, NULL);
}

static enum pv_err append_answer(struct pv_task *task, const struct pv_response *response)
{
    struct push *push = push_of(task);
    struct pv_room *room = push->pull.room;
    bool joins = pv_roster_is_born(room->roster) && is_outside(room);
    if (response->status == 403 && joins && !push->pull.refused) return look_once(push, response);
    if (response->status == 409 && push->conflicts++ < 3) /* our numbers, or a rekey that came first: look, sign anew */
        return pv_pull_start(task, NULL);
    /* It may have taken our genesis, or our join, before it was restored, and have it back: look, and show what there is. */
    bool restored = response->status == 503 && response->problem_reason && strcmp(response->problem_reason, "restored") == 0;
    if (restored && push->conflicts++ < 3) return pv_pull_start(task, NULL);
    if (response->status >= 400) return pv_task_problem(task, response);
    return pv_pull_start(task, NULL); /* only the verified log tells that they are in */
}

static enum pv_err send_entries(struct push *push)
{
    struct pv_task *task = &push->pull.task;
    struct pv_room *room = push->pull.room;
    struct pv_buf bundles;
    struct batch batch = {.bundles = &bundles};
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_sealed_each(room->store, batch_add, &batch);
    if (err == PV_ERR_CONFLICT) err = PV_OK;
    bool found = !err && batch.count && !pv_roster_is_born(room->roster);
    if (!err && batch.count) {
        pv_cbor_put_array(&task->body, batch.count);
        pv_buf_append(&task->body, bundles.p, bundles.n);
        err = found ? pv_task_ask(task, PV_POST, PV_AUTH_SESSION, APPEND_ANSWER_MAX, append_answer, "/v1/rooms")
                    : pv_task_ask(task, PV_POST, PV_AUTH_SESSION, APPEND_ANSWER_MAX, append_answer,
                                  "/v1/rooms/%s/entries", push->pull.room_hex);
        if (found) task->request.registration = push->registration;
        task->takes_problems = true;
    } else if (!err) {
        err = pv_task_finish(task);
    }
    pv_buf_release(&bundles);
    return err;
}

static enum pv_err send_next(struct push *push)
{
    struct pv_task *task = &push->pull.task;
    struct pv_store *store = push->pull.room->store;
    bool born = pv_roster_is_born(push->pull.room->roster);
    enum pv_err err = born ? pv_store_blob_each(store, first_blob, &push->blob) : PV_OK;
    if (err == PV_ERR_CONFLICT) {
        char name[2 * sizeof push->blob.b + 1];
        err = pv_store_blob_get(store, &push->blob, &task->body);
        if (err) return err;
        pv_hex_encode(push->blob.b, sizeof push->blob.b, name);
        return pv_task_ask(task, PV_PUT, PV_AUTH_SESSION, APPEND_ANSWER_MAX, blob_answer, "/v1/rooms/%s/blobs/%s",
                           push->pull.room_hex, name);
    }
    uint64_t waiting = 0;
    if (!err) err = pv_store_write_count(store, &waiting);
    if (err) return err;
    if (waiting < push->waiting) push->rounds = 0;
    push->waiting = waiting;
    if (push->rounds++ >= ROUNDS_MAX)
        return pv_task_error(task, PV_ERR_CONFLICT, "the room changes faster than this can be sent; it stays in the outbox");
    return send_entries(push);
}

/* Would what waits found the room, or make us a member? */
static enum pv_err is_entering(struct pv_room *room, bool *ret_is)
{
    const struct pv_roster *view;
    enum pv_err err = pv_room_view(room, &view);
    if (err) return err;
    *ret_is = is_outside(room) && pv_roster_is_born(view) && pv_roster_principal(view, pv_room_my_principal(room));
    return PV_OK;
}

/* A room that only stands in our outbox is founded first, and one that we are about to join lets us read after it. */
static enum pv_err push_begin(struct pv_task *task, const struct pv_response *response)
{
    struct push *push = push_of(task);
    struct pv_room *room = push->pull.room;
    bool entering = false;
    enum pv_err err = is_entering(room, &entering);
    if (err) return pv_pull_error(&push->pull, err);
    return entering ? send_next(push) : pv_pull_start(task, response);
}

enum pv_err pv_push_task(struct pv_room *room, const char *registration, struct pv_task **ret_task)
{
    struct push *push = calloc(1, sizeof *push);
    if (!push) return PV_ERR_NOMEM;
    enum pv_err err = pv_room_refresh(room);
    if (err) {
        free(push);
        return err;
    }
    room->alarm[0] = '\0';
    room->alarm_err = PV_OK;
    pv_pull_init(&push->pull, room, PV_AUTH_SESSION, push_begin, pv_pull_release);
    push->pull.then = prepare;
    push->registration = registration;
    *ret_task = &push->pull.task;
    return PV_OK;
}
