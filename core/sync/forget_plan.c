/* Planning a forget: one walk over the log tells what each entry is, the rest follows from that list. */
#include "core/sync/forget_plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/state/fold.h"
#include "core/state/kept_keys.h"
#include "core/state/trial.h"
#include "core/sync/open.h"

enum { WRITES_MAX = 64 * 1024 * 1024 };

/* One sealed entry of the log. */
struct item {
    uint64_t index, epoch, type; /* type 0: not accepted, or opens for nobody */
    struct pv_hash author;
    struct pv_id16 write_id, of; /* of: the put whose blobs these are */
    bool goes;
};

struct planning {
    struct pv_room *room;
    const struct pv_range *ranges;
    size_t range_count;
    uint64_t cut;
    struct pv_forget_info *waiting; /* other forgets that will be done */
    size_t waiting_count;
    struct item *items; /* by index */
    size_t count, cap;
    struct pv_opening opening;
    struct pv_trial_files before, after;
    struct pv_buf keys; /* kept keys, encoded */
    size_t key_count;
    struct pv_forget_plan plan;
};

static enum pv_err refuse(struct planning *p, enum pv_err err, const char *why, uint64_t index)
{
    return pv_room_raise(p->room, err, pv_bytes(NULL, 0), why, (unsigned long long)index);
}

/* ---- the list */

static bool in_ranges(const struct pv_range *ranges, size_t count, uint64_t index)
{
    for (size_t i = 0; i < count; i++)
        if (index >= ranges[i].from && index < ranges[i].to) return true;
    return false;
}

/* An entry that waits under another forget, which nobody holds, goes with this one: its key shall not be listed anew. */
static enum pv_err find_waiting(struct planning *p)
{
    const struct pv_roster *roster = p->room->roster;
    size_t forgets = pv_roster_forget_count(roster);
    p->waiting = calloc(forgets + 1, sizeof *p->waiting);
    if (!p->waiting) return PV_ERR_NOMEM;
    for (size_t i = 0; i < forgets; i++) {
        struct pv_forget_info *forget = &p->waiting[p->waiting_count];
        pv_roster_forget_at(roster, i, forget);
        if (!forget->done && !forget->held) p->waiting_count++;
    }
    return PV_OK;
}

static bool is_waiting(const struct planning *p, uint64_t index)
{
    for (size_t i = 0; i < p->waiting_count; i++)
        if (in_ranges(p->waiting[i].ranges, p->waiting[i].range_count, index)) return true;
    return false;
}

static struct item *add_item(struct planning *p)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 256;
        struct item *items = realloc(p->items, cap * sizeof *items);
        if (!items) return NULL;
        p->items = items;
        p->cap = cap;
    }
    p->items[p->count] = (struct item){.index = 0};
    return &p->items[p->count++];
}

static enum pv_err list_key(struct planning *p, const struct item *item, const struct pv_entry_key *key)
{
    if (item->goes || item->epoch >= p->cut || item->type == PV_PAYLOAD_KEYS) return PV_OK;
    pv_kept_key_put(&p->keys, &(struct pv_kept_key){item->index, *key});
    p->key_count++;
    return p->keys.err;
}

/* What it is, by its payload, which is then in p->opening.payload. */
static enum pv_err read_payload(struct planning *p, const struct pv_header *header, struct pv_bytes body, struct item *item,
                                struct pv_entry_key *ret_key)
{
    struct pv_payload payload;
    enum pv_err err = pv_opening_key(&p->opening, item->index, header, body, ret_key);
    if (!err) err = pv_opening_type(&p->opening, ret_key, header, body, &item->type);
    if (err) return err;
    err = pv_payload_peek(pv_buf_bytes(&p->opening.payload), &item->type, &item->write_id);
    if (!err && item->type == PV_PAYLOAD_FILE_BLOBS && pv_payload_read(pv_buf_bytes(&p->opening.payload), &payload) == PV_OK)
        item->of = payload.u.file_blobs;
    return err;
}

static bool is_furniture(uint64_t type)
{
    return type == PV_PAYLOAD_CHUNKING || type == PV_PAYLOAD_ROOMS || type == PV_PAYLOAD_VERIFIED;
}

static bool is_received(const struct pv_header *header, struct pv_bytes body)
{
    struct pv_server_body read;
    return header->kind == PV_KIND_SERVER && pv_server_body_read(body, &read) == PV_OK && read.type == PV_SERVER_RECEIVED;
}

static enum pv_err take_entry(void *context, const struct pv_stored_entry *stored)
{
    struct planning *p = context;
    const struct pv_roster *roster = p->room->roster;
    struct pv_entry entry;
    struct pv_entry_key key;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    if (is_received(&entry.header, stored->body)) /* it would be unreadable after the cut, and this program files none */
        return refuse(p, PV_ERR_UNSUPPORTED, "entry %llu is an upload that was not filed: a newer privity has to forget here", stored->index);
    if (!pv_kind_is_sealed(entry.header.kind) || pv_roster_is_forgotten(roster, stored->index)) return PV_OK;
    struct item *item = add_item(p);
    if (!item) return PV_ERR_NOMEM;
    item->index = stored->index;
    item->epoch = entry.header.epoch;
    item->author = entry.header.author;
    item->goes = in_ranges(p->ranges, p->range_count, stored->index) || is_waiting(p, stored->index);
    if (pv_roster_is_signed(roster, stored->index)) item->goes = false;
    if (stored->verdict != PV_ACCEPTED) return PV_OK;
    if (!stored->has_body)
        return item->goes ? PV_OK : refuse(p, PV_ERR_NOT_FOUND, "the body of entry %llu is missing, so that its key cannot be kept", stored->index);
    enum pv_err err = read_payload(p, &entry.header, stored->body, item, &key);
    if (err == PV_ERR_NO_KEY && !item->goes)
        err = refuse(p, err, "this device lacks the key of entry %llu, which others may have: let another owner forget", stored->index);
    else if (err == PV_ERR_NOMEM) item->type = 0;
    else if (err) err = PV_OK; /* it opens for nobody, or goes unread */
    else if (!pv_roster_is_signed(roster, stored->index)) {
        if (is_furniture(item->type)) item->goes = false;
        if (item->type == PV_PAYLOAD_KEYS && item->epoch < p->cut) item->goes = true; /* it holds keys of what goes */
    }
    pv_wipe(&key, sizeof key);
    return err;
}

/* ---- what goes along */

static const struct item *find_write(const struct planning *p, const struct pv_hash *author, const struct pv_id16 *write_id, uint64_t type)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].type == type && pv_id16_equal(&p->items[i].write_id, write_id) && pv_hash_equal(&p->items[i].author, author))
            return &p->items[i];
    return NULL;
}

/* Blobs of a file stay and go with its put. */
static void follow_puts(struct planning *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct item *item = &p->items[i];
        if (item->type != PV_PAYLOAD_FILE_BLOBS || pv_roster_is_signed(p->room->roster, item->index)) continue;
        const struct item *put = find_write(p, &item->author, &item->of, PV_PAYLOAD_FILE_PUT);
        if (put) item->goes = put->goes;
    }
}

static int by_write(const void *a, const void *b)
{
    const struct item *left = *(const struct item *const *)a, *right = *(const struct item *const *)b;
    int order = memcmp(left->write_id.b, right->write_id.b, sizeof left->write_id.b);
    return order ? order : memcmp(left->author.b, right->author.b, sizeof left->author.b);
}

/* The same write once more counts for nothing today, and would count without the first. */
static enum pv_err follow_writes(struct planning *p)
{
    struct item **sorted = malloc((p->count + 1) * sizeof *sorted);
    size_t n = 0;
    if (!sorted) return PV_ERR_NOMEM;
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].type) sorted[n++] = &p->items[i];
    if (n) qsort(sorted, n, sizeof(struct item *), by_write);
    for (size_t i = 0, end; i < n; i = end) {
        bool goes = false;
        for (end = i; end < n && by_write(&sorted[i], &sorted[end]) == 0; end++) goes |= sorted[end]->goes;
        for (size_t k = i; k < end && goes && end - i > 1; k++)
            if (!pv_roster_is_signed(p->room->roster, sorted[k]->index)) sorted[k]->goes = true;
    }
    free(sorted);
    return PV_OK;
}

static const struct pv_hash *person_of(const struct planning *p, const struct pv_hash *author)
{
    const struct pv_hash *owner = pv_roster_owner_of(p->room->roster, author);
    return owner ? owner : author;
}

/* Of a name that is forgotten no older one comes back. */
static void follow_profiles(struct planning *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct item *newest = &p->items[i];
        bool is_newest = newest->goes && newest->type == PV_PAYLOAD_PROFILE;
        for (size_t k = i + 1; k < p->count && is_newest; k++)
            is_newest = p->items[k].type != PV_PAYLOAD_PROFILE ||
                        !pv_hash_equal(person_of(p, &p->items[k].author), person_of(p, &newest->author));
        for (size_t k = 0; k < i && is_newest; k++)
            if (p->items[k].type == PV_PAYLOAD_PROFILE && !pv_roster_is_signed(p->room->roster, p->items[k].index) &&
                pv_hash_equal(person_of(p, &p->items[k].author), person_of(p, &newest->author)))
                p->items[k].goes = true;
    }
}

/* ---- today's state without them */

static int by_index(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = ((const struct item *)b)->index;
    return left < right ? -1 : left > right;
}

static bool goes(void *context, uint64_t index)
{
    const struct planning *p = context;
    const struct item *item = p->count ? bsearch(&index, p->items, p->count, sizeof *item, by_index) : NULL;
    return item && item->goes;
}

static enum pv_err fold_without(void *context, const struct pv_stored_entry *stored)
{
    struct planning *p = context;
    struct pv_log_item item = {.index = stored->index};
    if (goes(p, stored->index)) return PV_OK;
    if (pv_entry_read(stored->entry, &item.entry)) return PV_ERR_CORRUPT;
    enum pv_err err = pv_opening_fold(&p->opening, &item, stored->verdict, stored->has_body, stored->body);
    return err == PV_ERR_NO_KEY ? PV_OK : err;
}

static enum pv_err fold_writes(struct planning *p)
{
    struct pv_cbor in;
    enum pv_err err = PV_OK;
    pv_cbor_init(&in, pv_buf_bytes(&p->plan.writes));
    for (size_t i = 0; i < p->plan.write_count && !err; i++) {
        struct pv_log_item item = {.index = PV_QUERY_PENDING_BASE + i};
        item.entry.header.author = p->room->me->device;
        item.entry.header.kind = PV_KIND_WORK;
        struct pv_bytes payload = pv_cbor_get_bytes(&in, PV_LIMIT_PAYLOAD_BYTES);
        err = in.err ? in.err : pv_fold_entry(p->room->store, &item, PV_ACCEPTED, payload);
    }
    return err;
}

/* Fold the log without what goes, see what is otherwise, and mend it; and see that it is mended. */
static enum pv_err mend_in_trial(struct planning *p, uint64_t size)
{
    struct pv_trial_mending mending = {p->room->random, &p->plan.writes, 0};
    struct pv_trial_files mended = {.files = NULL};
    bool same = false;
    enum pv_err err = pv_fold_reset(p->room->store);
    if (!err) err = pv_store_entry_each(p->room->store, 0, size, fold_without, p);
    if (!err) err = pv_trial_files_read(p->room->store, &p->after);
    if (!err) err = pv_trial_mend(&p->before, &p->after, goes, p, &mending);
    p->plan.write_count = mending.count;
    if (!err) err = fold_writes(p);
    if (!err) err = pv_trial_files_read(p->room->store, &mended);
    if (!err) err = pv_trial_same(&p->before, &mended, goes, p, &same);
    pv_trial_files_release(&mended);
    if (!err && !same) err = refuse(p, PV_ERR_CONFLICT, "files would change by this beyond what is forgotten: name all their versions", 0);
    return err;
}

static enum pv_err keep_state(struct planning *p, uint64_t size)
{
    struct pv_overlay overlay;
    enum pv_err err = pv_trial_files_read(p->room->store, &p->before);
    if (!err) err = pv_overlay_try(p->room->store, &overlay);
    if (err) return err;
    err = mend_in_trial(p, size);
    pv_overlay_end(&overlay);
    return err;
}

/* ---- ranges, keys */

static enum pv_err is_between_clear(void *context, const struct pv_stored_entry *stored)
{
    const struct planning *p = context;
    struct pv_entry entry;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    bool passes = !pv_kind_is_sealed(entry.header.kind) || pv_roster_is_forgotten(p->room->roster, stored->index) ||
                  pv_roster_is_signed(p->room->roster, stored->index);
    return passes ? PV_OK : PV_ERR_CONFLICT;
}

/* Of two forgets that overlap, the first may have been done while this one was under way. */
static enum pv_err refuse_all(struct planning *p)
{
    const struct pv_roster *roster = p->room->roster;
    size_t count;
    const struct pv_range *gone = pv_roster_gone(roster, &count);
    uint64_t signed_index = 0;
    bool is_signed = false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < p->range_count; k++) {
            uint64_t from = gone[i].from > p->ranges[k].from ? gone[i].from : p->ranges[k].from;
            if (from < gone[i].to && from < p->ranges[k].to)
                return refuse(p, PV_ERR_DENIED, "what could be forgotten of this is forgotten already, from entry %llu on", from);
        }
    for (size_t i = 0; i < p->count && !is_signed; i++) {
        signed_index = p->items[i].index;
        is_signed = in_ranges(p->ranges, p->range_count, signed_index) && pv_roster_is_signed(roster, signed_index);
    }
    if (is_signed) return refuse(p, PV_ERR_DENIED, "there is nothing that can be forgotten: entry %llu is signed for", signed_index);
    return refuse(p, PV_ERR_DENIED, "there is nothing that can be forgotten", 0);
}

/* Ranges pass over clear bodies and what signs protect: what only such entries part is one. */
static enum pv_err make_ranges(struct planning *p)
{
    struct pv_forget_plan *plan = &p->plan;
    bool any = false; /* of what was asked for */
    for (size_t i = 0; i < p->count; i++) {
        const struct item *item = &p->items[i];
        any |= item->goes && in_ranges(p->ranges, p->range_count, item->index);
        struct pv_range *last = plan->range_count ? &plan->ranges[plan->range_count - 1] : NULL;
        if (!item->goes) continue;
        enum pv_err err = last ? pv_store_header_each(p->room->store, last->to, item->index, is_between_clear, p) : PV_ERR_CONFLICT;
        if (err && err != PV_ERR_CONFLICT) return err;
        struct pv_range joined = {last ? last->from : 0, item->index + 1};
        if (!err && !pv_roster_is_held(p->room->roster, &joined, 1)) {
            last->to = item->index + 1;
            continue;
        }
        if (plan->range_count == PV_LIMIT_RANGES)
            return refuse(p, PV_ERR_LIMIT, "one forget takes %llu ranges: forget in several steps", PV_LIMIT_RANGES);
        plan->ranges[plan->range_count++] = (struct pv_range){item->index, item->index + 1};
    }
    if (!any) return refuse_all(p);
    if (pv_roster_is_held(p->room->roster, plan->ranges, plan->range_count))
        return refuse(p, PV_ERR_DENIED, "a member holds some of these entries", 0);
    return PV_OK;
}

static enum pv_err take_key(void *context, const struct pv_stored_entry *stored)
{
    struct planning *p = context;
    struct pv_entry entry;
    struct pv_entry_key key;
    const struct item *item = bsearch(&stored->index, p->items, p->count, sizeof *item, by_index);
    if (!item || item->goes || !item->type || item->epoch >= p->cut) return PV_OK;
    if (pv_entry_read(stored->entry, &entry)) return PV_ERR_CORRUPT;
    enum pv_err err = pv_opening_key(&p->opening, stored->index, &entry.header, stored->body, &key);
    if (!err) err = list_key(p, item, &key);
    pv_wipe(&key, sizeof key);
    return err;
}

/* In the person's own room: what opens the wraps that other rooms keep for this person. */
static enum pv_err take_seeds(struct planning *p, struct pv_buf *seeds, size_t *ret_count)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(p->room->roster, &count);
    enum pv_err err = PV_OK;
    for (uint64_t e = 0; e < p->cut && e < count && !p->room->person_room && !err; e++) {
        struct pv_kept_seed kept = {.epoch = e};
        struct pv_epoch_secret secret;
        err = pv_keys_secret(p->room, p->room->roster, e, &secret);
        if (!err) pv_epoch_kem_seed(&secret, &kept.seed);
        else if (err == PV_ERR_NOT_FOUND) err = pv_kept_seed_get(p->room->store, e, &epochs[e].kem_hash, &kept.seed);
        if (!err) {
            pv_kept_seed_put(seeds, &kept);
            ++*ret_count;
        }
        pv_wipe(&secret, sizeof secret);
        pv_wipe(&kept, sizeof kept);
        if (err == PV_ERR_NOT_FOUND)
            err = refuse(p, PV_ERR_NO_KEY, "this device lacks the key of your epoch %llu: let another of your devices forget", e);
    }
    return err ? err : seeds->err;
}

static enum pv_err add_keys(struct planning *p, struct pv_encoded_list keys, struct pv_encoded_list seeds)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_KEYS};
    struct pv_buf buf;
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_random_fill(p->room->random, payload.write_id.b, sizeof payload.write_id.b);
    payload.u.keys.keys = keys;
    payload.u.keys.seeds = seeds;
    pv_payload_put(&buf, &payload);
    if (!buf.err) pv_cbor_put_bytes(&p->plan.writes, buf.p, buf.n);
    p->plan.write_count++;
    enum pv_err err = buf.err ? buf.err : p->plan.writes.err;
    pv_buf_wipe(&buf);
    return err;
}

/* As many at a time as a payload takes. */
static struct pv_encoded_list take_some(struct pv_encoded_list *all, size_t max, bool is_key)
{
    struct pv_encoded_list some = {.encoded = all->encoded};
    struct pv_kept_key key;
    struct pv_kept_seed seed;
    const uint8_t *start = all->encoded.p;
    while (some.count < max && (is_key ? pv_kept_key_next(all, &key) : pv_kept_seed_next(all, &seed))) some.count++;
    some.encoded.n = some.count ? (size_t)(all->encoded.p - start) : 0;
    pv_wipe(&key, sizeof key);
    pv_wipe(&seed, sizeof seed);
    return some;
}

static enum pv_err make_keys(struct planning *p, uint64_t size)
{
    struct pv_buf seeds;
    size_t seed_count = 0;
    pv_buf_init(&seeds, WRITES_MAX);
    enum pv_err err = p->count ? pv_store_entry_each(p->room->store, 0, size, take_key, p) : PV_OK;
    if (!err) err = take_seeds(p, &seeds, &seed_count);
    struct pv_encoded_list keys = {p->key_count, pv_buf_bytes(&p->keys)}, rest = {seed_count, pv_buf_bytes(&seeds)};
    while (!err && (keys.count || rest.count)) {
        struct pv_encoded_list some = take_some(&keys, PV_LIMIT_KEYS, true);
        err = add_keys(p, some, take_some(&rest, PV_LIMIT_KEYS_SEEDS, false));
    }
    pv_buf_wipe(&seeds);
    return err;
}

enum pv_err pv_forget_plan_make(struct pv_room *room, const struct pv_range *ranges, size_t count, uint64_t cut,
                                struct pv_forget_plan *ret_plan)
{
    struct planning p = {.room = room, .ranges = ranges, .range_count = count, .cut = cut};
    uint64_t size = pv_roster_size(room->roster);
    pv_buf_init(&p.keys, WRITES_MAX);
    pv_buf_init(&p.plan.writes, WRITES_MAX);
    pv_opening_init(&p.opening, room);
    enum pv_err err = find_waiting(&p);
    if (!err) err = pv_store_entry_each(room->store, 0, size, take_entry, &p);
    if (!err) err = follow_writes(&p);
    if (!err) follow_puts(&p);
    if (!err) follow_profiles(&p);
    if (!err) err = make_ranges(&p);
    if (!err) err = keep_state(&p, size);
    if (!err) err = make_keys(&p, size);
    pv_opening_release(&p.opening);
    pv_trial_files_release(&p.before);
    pv_trial_files_release(&p.after);
    pv_buf_wipe(&p.keys);
    free(p.waiting);
    free(p.items);
    if (err) pv_forget_plan_release(&p.plan);
    else *ret_plan = p.plan;
    return err;
}

void pv_forget_plan_release(struct pv_forget_plan *plan)
{
    pv_buf_wipe(&plan->writes);
    plan->write_count = 0;
}
