/* Pull: pages of the log, each shown to be the signed tree's; then keys that are missing; then opening. */
#include "core/sync/pull.h"

#include <stdlib.h>

#include "core/state/fold.h"
#include "core/sync/bodies.h"
#include "core/sync/repair.h"

enum {
    PAGE_ENTRIES = 16384,
    PAGE_ANSWER_MAX = 8 * 1024 * 1024,
    SMALL_ANSWER_MAX = 64 * 1024,
    OPEN_AT_ONCE = 8192,
    CONFLICTS_MAX = 8,
    NOTE_FRESH_S = 3600 /* an older signature is asked for again, so that a quiet room can still be written in */
};

static enum pv_err next_key(struct pv_pull *pull);
static enum pv_err ask_note(struct pv_pull *pull);

void pv_pull_init(struct pv_pull *pull, struct pv_room *room, enum pv_auth auth, pv_task_step *begin,
                  void (*release)(struct pv_task *task))
{
    pv_task_init(&pull->task, begin, release);
    pull->room = room;
    pull->auth = auth;
    room->links_gone_count = 0;
    pv_hex_encode(room->id.b, sizeof room->id.b, pull->room_hex);
    pv_buf_init(&pull->page, PAGE_ANSWER_MAX);
}

void pv_pull_release(struct pv_task *task)
{
    pv_buf_release(&((struct pv_pull *)task)->page);
}

enum pv_err pv_pull_error(struct pv_pull *pull, enum pv_err err)
{
    return pull->room->alarm[0] ? pv_task_error(&pull->task, err, "%s", pull->room->alarm) : err;
}

static enum pv_err not_of_form(struct pv_pull *pull)
{
    return pv_task_error(&pull->task, PV_ERR_IO, "the server's answer is not of the expected form: its store is damaged, or it is no privity server");
}

/* ---- the end of the log: may all of it stand there? */

struct tail {
    struct pv_hash author, leaf;
    bool is_linked;
};

static enum pv_err find_link_to(void *context, const struct pv_stored_entry *stored)
{
    struct tail *tail = context;
    struct pv_entry entry;
    if (pv_entry_read(stored->entry, &entry) == PV_OK && pv_hash_equal(&entry.header.author, &tail->author) &&
        pv_hash_equal(&entry.header.prev, &tail->leaf))
        tail->is_linked = true;
    return PV_OK;
}

static struct pv_bytes newest_note(struct pv_room *room, struct pv_buf *note)
{
    uint64_t size, time_s;
    return pv_store_note_newest(room->store, &size, &time_s, note) == PV_OK ? pv_buf_bytes(note) : pv_bytes(NULL, 0);
}

/* The fold stopped before an entry, under a checkpoint that is signed for all. Whose signature does not hold, and whom
 * nothing after it vouches for, an honest server lets in nowhere: without a word, all that follows would be hidden. One
 * whose signature holds is of a later version, which is said each time. */
static enum pv_err check_tail(struct pv_room *room)
{
    uint64_t at = pv_roster_size(room->roster);
    struct pv_log_item item = {.index = at};
    struct pv_stored_entry stored;
    struct pv_sign_pk key;
    struct pv_buf memory;
    struct pv_buf note;
    struct tail tail = {.is_linked = false};
    if (at >= room->edge.size || !pv_roster_is_born(room->roster)) return PV_OK;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = pv_store_entry_get(room->store, at, &memory, &stored);
    enum pv_err read = err ? err : pv_entry_read(stored.entry, &item.entry);
    bool newer = read == PV_ERR_UNSUPPORTED;
    if (!err && read == PV_OK) {
        pv_entry_leaf(stored.entry, &item.leaf);
        if (!pv_kind_is_sealed(item.entry.header.kind)) item.body = stored.body;
        bool holds = pv_roster_item_key(room->roster, &item, &key) == PV_OK && pv_entry_verify(&item.entry, &key) == PV_OK;
        newer = holds;
        tail.author = item.entry.header.author;
        tail.leaf = item.leaf;
        if (!holds) err = pv_store_header_each(room->store, at + 1, room->edge.size, find_link_to, &tail);
        if (!err && !holds && !tail.is_linked) {
            err = pv_room_raise(room, PV_ERR_BAD_SIG, stored.entry,
                                "the signature of entry %llu does not hold: the server let in what it must refuse, and nothing after "
                                "it can be trusted", (unsigned long long)at);
            pv_evidence_entry(room, at, stored.entry, stored.has_body, stored.body, newest_note(room, &note),
                              &(struct pv_merkle_proof){.count = 0});
        }
    }
    if (!err && newer)
        err = pv_room_raise(room, PV_ERR_UNSUPPORTED, pv_bytes(NULL, 0), "entry %llu was made by a newer privity: update this one",
                            (unsigned long long)at);
    pv_buf_release(&note);
    pv_buf_release(&memory);
    return err;
}

/* Everything is in and open. */
static enum pv_err complete(struct pv_pull *pull)
{
    bool more = true;
    enum pv_err err = PV_OK;
    while (more && !err) err = pv_open_pending(pull->room, OPEN_AT_ONCE, &more);
    if (!err) err = pv_fold_index_words(pull->room->store, 0);
    if (!err) err = pull->paused;
    if (!err) err = check_tail(pull->room);
    if (err) return pv_pull_error(pull, err);
    if (pull->room->pulls_done < pull->number) pull->room->pulls_done = pull->number;
    pull->room->key_wants_person = pull->keys_wait;
    uint64_t unsent = 0;
    if (pull->then && pull->room->restored) err = pv_store_write_count(pull->room->store, &unsent);
    if (err) return err;
    if (pull->then && pull->room->restored && !unsent) return pv_task_finish(&pull->task);
    if (pull->then && pull->room->restored)
        return pv_task_error(&pull->task, PV_ERR_OFFLINE,
                             "the server was restored from a backup, and this room waits for its members to give back what came after it; "
                             "what was written here is kept");
    return pull->then ? pull->then(&pull->task, NULL) : pv_task_finish(&pull->task);
}

static enum pv_err wrap_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    if (response->status >= 400 && response->status != 404) return pv_task_problem(task, response);
    enum pv_err err = response->status == 404 ? pv_keys_lack_wrap(pull->room, &pull->want.wrap)
                                              : pv_keys_take_wrap(pull->room, &pull->want.wrap, response->body);
    if (err == PV_ERR_NO_KEY) { /* our person's key for it is not here yet: a later pull tries again */
        pull->keys_wait = true;
        err = PV_OK;
    }
    return err ? pv_pull_error(pull, err) : next_key(pull);
}

static enum pv_err links_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    if (response->status == 404) { /* lost with the server's disk: another rekey may lead there, too */
        struct pv_room *room = pull->room;
        size_t room_for = sizeof room->links_gone / sizeof *room->links_gone;
        if (room->links_gone_count == room_for) pull->keys_wait = true;
        else room->links_gone[room->links_gone_count++] = pull->want.index;
        return next_key(pull);
    }
    if (response->status >= 400) return pv_task_problem(task, response);
    enum pv_err err = pv_keys_take_links(pull->room, pull->want.index, response->body);
    return err ? pv_pull_error(pull, err) : next_key(pull);
}

static bool gives_back(const struct pv_pull *pull)
{
    return pull->room->restored && !pull->gave && pull->auth == PV_AUTH_SESSION;
}

static enum pv_err give_back(struct pv_pull *pull)
{
    pull->after_repair = next_key;
    return pv_repair_ask(pull, pull->given);
}

static enum pv_err next_key(struct pv_pull *pull)
{
    enum pv_err err = PV_OK;
    pull->want.what = PV_KEY_NONE;
    if (!pull->keys_wait) err = pv_keys_want(pull->room, &pull->want);
    if (err) return err;
    if (pull->want.what == PV_KEY_WRAP)
        err = pv_task_ask(&pull->task, PV_GET, pull->auth, SMALL_ANSWER_MAX, wrap_answer,
                           "/v1/rooms/%s/entries/%llu/wraps/%llu", pull->room_hex,
                           (unsigned long long)pull->want.wrap.index, (unsigned long long)pull->want.wrap.slot);
    if (pull->want.what == PV_KEY_LINKS)
        err = pv_task_ask(&pull->task, PV_GET, pull->auth, SMALL_ANSWER_MAX, links_answer,
                           "/v1/rooms/%s/entries/%llu/links", pull->room_hex, (unsigned long long)pull->want.index);
    if (pull->want.what != PV_KEY_NONE) {
        pull->task.takes_problems = !err;
        return err;
    }
    /* Keys come between pages, so that each page is opened while it is at hand. */
    if (pull->room->edge.size < pull->task.total && !pull->paused) return pv_pull_start(&pull->task, NULL);
    if (gives_back(pull)) return give_back(pull);
    return pv_bodies_ask(pull, complete);
}

/* One page: [from, [[entry, refs, body or null], …], note or null]. */
struct page {
    uint64_t from;
    struct pv_fetched *items;
    size_t count;
    struct pv_bytes note; /* empty: none */
    bool restored;        /* a fourth item: the size of the longest history shown to a restored server */
    uint64_t known;
};

static enum pv_err page_read(struct pv_bytes bytes, struct page *ret_page)
{
    struct pv_cbor in;
    struct page page = {.items = NULL};
    pv_cbor_init(&in, bytes);
    page.restored = pv_cbor_get_array(&in, 4) == 4;
    page.from = pv_cbor_get_uint(&in, PV_LIMIT_N);
    page.count = pv_cbor_get_array(&in, PAGE_ENTRIES);
    if (in.err) return in.err;
    page.items = calloc(page.count ? page.count : 1, sizeof *page.items);
    if (!page.items) return PV_ERR_NOMEM;
    for (size_t i = 0; i < page.count && !in.err; i++) {
        struct pv_fetched *item = &page.items[i];
        pv_cbor_get_array_of(&in, 3);
        item->entry = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES);
        item->refs = pv_cbor_get_item(&in);
        item->has_body = !pv_cbor_take_null(&in);
        if (item->has_body) item->body = pv_cbor_get_bytes(&in, PV_LIMIT_BODY_BYTES);
    }
    if (!pv_cbor_take_null(&in)) page.note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
    if (page.restored) page.known = pv_cbor_get_uint(&in, PV_LIMIT_N);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) {
        free(page.items);
        return err;
    }
    *ret_page = page;
    return PV_OK;
}

/* The log forked behind what is held, at a place that the page has: the larger tree's own leaf there and its inclusion show
 * that to others. However this is answered, the alarm is what comes of it. */
static enum pv_err fork_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    struct pv_merkle_proof proof;
    struct pv_cbor in;
    pv_cbor_init(&in, response->body);
    proof.count = pv_cbor_get_array(&in, PV_LIMIT_PROOF_HASHES);
    for (size_t i = 0; i < proof.count && !in.err; i++) pv_cbor_get_hash(&in, &proof.hashes[i]);
    if (response->status < 400 && pv_cbor_finish(&in) == PV_OK) pv_evidence_fork_path(pull->room, &pull->fork_leaf, &proof);
    return pv_pull_error(pull, pull->room->alarm_err);
}

static enum pv_err ask_fork(struct pv_pull *pull, const struct page *page)
{
    struct pv_room *room = pull->room;
    struct pv_checkpoint larger;
    uint64_t at = room->forked_at;
    if (!at || at < page->from || at - page->from >= page->count || pv_checkpoint_peek(pv_buf_bytes(&room->fork_note), &larger))
        return pv_pull_error(pull, room->alarm_err);
    pv_entry_leaf(page->items[at - page->from].entry, &pull->fork_leaf);
    enum pv_err err = pv_task_ask(&pull->task, PV_GET, pull->auth, SMALL_ANSWER_MAX, fork_answer,
                                  "/v1/rooms/%s/inclusion?index=%llu&size=%llu", pull->room_hex, (unsigned long long)at,
                                  (unsigned long long)larger.size);
    pull->task.takes_problems = true;
    return err;
}

/* The server was restored from a backup, and this device holds all that it does, or more. What it has comes before what it
 * lacks: of a device that the lost tail let in, the server takes that alone until it has the tail. */
static enum pv_err restored_take(struct pv_pull *pull, const struct page *page, uint64_t size)
{
    struct pv_room *room = pull->room;
    enum pv_err err = pv_roster_is_born(room->roster) ? pv_repair_check(room, page->note) : PV_OK;
    if (err) return pv_pull_error(pull, err);
    pull->task.done = pull->task.total = room->edge.size;
    pull->given = size;
    return gives_back(pull) ? give_back(pull) : next_key(pull);
}

/* Nothing to check: the note pinned here, for all that is held. Where another process took in more, it shows a log that went
 * back. */
static bool is_known(const struct pv_room *room, struct pv_bytes note)
{
    return room->pinned.size == room->edge.size && pv_bytes_equal(note, pv_room_pin(room));
}

/* Take a page in, and go on: with the next one, or with keys. */
static enum pv_err page_take(struct pv_pull *pull, const struct page *page, const struct pv_merkle_proof *consistency)
{
    struct pv_room *room = pull->room;
    struct pv_checkpoint newest = {.size = room->edge.size};
    enum pv_err err = PV_OK;
    if (page->note.n && pv_checkpoint_peek(page->note, &newest)) return not_of_form(pull);
    room->restored = page->restored;
    room->restored_known = page->known;
    if (page->restored && !page->count) return restored_take(pull, page, newest.size);
    if (!page->count && newest.size > room->edge.size && pull->conflicts++ < CONFLICTS_MAX)
        return pv_pull_start(&pull->task, NULL); /* something was appended in between */
    if (page->count) err = pv_intake(room, page->from, page->items, page->count, page->note, consistency);
    else if (page->note.n && !is_known(room, page->note)) err = pv_intake_note(room, page->from, page->note);
    if (err == PV_ERR_CONFLICT && pull->conflicts++ < CONFLICTS_MAX) {
        err = pv_room_refresh(room);
        return err ? err : pv_pull_start(&pull->task, NULL);
    }
    if (err == PV_ERR_UNSUPPORTED) pull->paused = err;
    else if (err && room->alarm_err == err && room->forked_at) return ask_fork(pull, page);
    else if (err) return pv_pull_error(pull, err);
    pull->given = newest.size;
    pull->task.done = room->edge.size;
    pull->task.total = page->count ? newest.size : room->edge.size;
    bool old = room->now_ms / 1000 >= room->pinned.time_s + NOTE_FRESH_S;
    bool all = room->edge.size >= newest.size;
    return all && old && !room->restored && !pull->asked_note && !pull->paused ? ask_note(pull) : next_key(pull);
}

static enum pv_err note_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    struct page page = {.from = pull->room->edge.size, .note = response->body};
    struct pv_checkpoint newest;
    if (page.note.n == 0 || pv_checkpoint_peek(page.note, &newest)) return not_of_form(pull);
    bool is_old = newest.size < pull->room->pinned.size && newest.time_s <= pull->room->pinned.time_s;
    if (is_old && pull->conflicts++ < CONFLICTS_MAX) {
        pull->asked_note = false; /* restored from a backup since it gave the entries? They tell; else it is asked again */
        return pv_pull_start(&pull->task, NULL);
    }
    return page_take(pull, &page, &(struct pv_merkle_proof){.count = 0});
}

static enum pv_err ask_note(struct pv_pull *pull)
{
    pull->asked_note = true;
    return pv_task_ask(&pull->task, PV_GET, pull->auth, PV_LIMIT_NOTE_BYTES, note_answer, "/v1/rooms/%s/checkpoint",
                       pull->room_hex);
}

static enum pv_err consistency_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    struct pv_merkle_proof proof;
    struct page page;
    struct pv_cbor in;
    if (response->status == 400 && pull->conflicts++ < CONFLICTS_MAX)
        return pv_pull_start(task, NULL); /* restored from a backup since it gave the page, it has no such trees */
    if (response->status >= 400) return pv_task_problem(task, response);
    pv_cbor_init(&in, response->body);
    proof.count = pv_cbor_get_array(&in, PV_LIMIT_PROOF_HASHES);
    for (size_t i = 0; i < proof.count && !in.err; i++) pv_cbor_get_hash(&in, &proof.hashes[i]);
    if (pv_cbor_finish(&in)) return not_of_form(pull);
    enum pv_err err = page_read(pv_buf_bytes(&pull->page), &page);
    if (err) return err;
    err = page_take(pull, &page, &proof);
    free(page.items);
    return err;
}

enum pv_err pv_pull_unknown_room(struct pv_pull *pull)
{
    return pv_task_error(&pull->task, PV_ERR_NOT_FOUND, "%s", PV_ROOM_UNKNOWN_TEXT);
}

static enum pv_err page_answer(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pull *pull = (struct pv_pull *)task;
    struct pv_checkpoint newest = {.size = 0};
    struct page page;
    if (response->status == 404 && pull->auth == PV_AUTH_SESSION && pull->room->edge.size && !pull->repairs) {
        pull->after_repair = next_key; /* was it founded after the backup? Then the server takes all of it */
        return pv_repair_ask(pull, 0);
    }
    if (response->status == 404 && pull->auth == PV_AUTH_SESSION) return pv_pull_unknown_room(pull);
    if (response->status == 403 && pull->refused) return pv_task_error(task, pull->refused, "%s", pull->refusal);
    if (response->status >= 400) return pv_task_problem(task, response);
    enum pv_err err = page_read(response->body, &page);
    if (err) return err == PV_ERR_NOMEM ? err : not_of_form(pull);
    uint64_t end = page.from + page.count;
    if (page.from != pull->room->edge.size || (page.count && !page.note.n)) err = not_of_form(pull);
    else if (page.count && pv_checkpoint_peek(page.note, &newest)) err = not_of_form(pull);
    else if (page.count && newest.size > end) {
        pv_buf_clear(&pull->page);
        pv_buf_append(&pull->page, response->body.p, response->body.n);
        err = pull->page.err;
        if (!err)
            err = pv_task_ask(task, PV_GET, pull->auth, SMALL_ANSWER_MAX, consistency_answer,
                              "/v1/rooms/%s/consistency?old=%llu&new=%llu", pull->room_hex, (unsigned long long)end,
                              (unsigned long long)newest.size);
        task->takes_problems = !err;
    } else {
        err = page_take(pull, &page, &(struct pv_merkle_proof){.count = 0});
    }
    free(page.items);
    return err;
}

enum pv_err pv_pull_start(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    struct pv_pull *pull = (struct pv_pull *)task;
    if (!pull->number) pull->number = ++pull->room->pulls_begun;
    enum pv_err err = pv_task_ask(task, PV_GET, pull->auth, PAGE_ANSWER_MAX, page_answer,
                                  "/v1/rooms/%s/entries?from=%llu&max=%d&bodies=1", pull->room_hex,
                                  (unsigned long long)pull->room->edge.size, PAGE_ENTRIES);
    task->takes_problems = !err;
    return err;
}

enum pv_err pv_pull_task(struct pv_room *room, enum pv_auth auth, struct pv_task **ret_task)
{
    struct pv_pull *pull = calloc(1, sizeof *pull);
    if (!pull) return PV_ERR_NOMEM;
    enum pv_err err = pv_room_refresh(room);
    if (err) {
        free(pull);
        return err;
    }
    room->alarm[0] = '\0';
    room->alarm_err = PV_OK;
    pv_pull_init(pull, room, auth, pv_pull_start, pv_pull_release);
    *ret_task = &pull->task;
    return PV_OK;
}
