/* The steps of a forget, and what of them stands. */
#include "core/sync/forget.h"

#include <stdlib.h>
#include <string.h>

#include "core/state/payload.h"
#include "core/sync/forget_plan.h"

static const char under_way[] = "sync.forget";
static const char cut_in_vain[] = "sync.cut-in-vain"; /* the epoch that began with it */
enum { STATE_BYTES_MAX = 64 * 1024 };

struct ranges {
    struct pv_range ranges[PV_LIMIT_RANGES];
    size_t count;
};

/* Kept as [id, asked, cut or null, planned]; `planned`: the ranges as widened, once the keys are written; else null. */
struct state {
    struct pv_id16 id;
    struct ranges asked, planned;
    bool has_cut, is_planned;
    uint64_t cut;
};

static void put_ranges(struct pv_buf *buf, const struct ranges *ranges)
{
    pv_cbor_put_array(buf, ranges->count);
    for (size_t i = 0; i < ranges->count; i++) {
        pv_cbor_put_array(buf, 2);
        pv_cbor_put_uint(buf, ranges->ranges[i].from);
        pv_cbor_put_uint(buf, ranges->ranges[i].to);
    }
}

static void get_ranges(struct pv_cbor *in, struct ranges *ret_ranges)
{
    ret_ranges->count = pv_cbor_get_array(in, PV_LIMIT_RANGES);
    for (size_t i = 0; i < ret_ranges->count && !in->err; i++) {
        pv_cbor_get_array_of(in, 2);
        ret_ranges->ranges[i].from = pv_cbor_get_uint(in, PV_LIMIT_N);
        ret_ranges->ranges[i].to = pv_cbor_get_uint(in, PV_LIMIT_N);
    }
}

static enum pv_err save(struct pv_room *room, const struct state *state)
{
    struct pv_buf buf;
    pv_buf_init(&buf, STATE_BYTES_MAX);
    pv_cbor_put_array(&buf, 4);
    pv_cbor_put_id16(&buf, &state->id);
    put_ranges(&buf, &state->asked);
    if (state->has_cut) pv_cbor_put_uint(&buf, state->cut);
    else pv_cbor_put_null(&buf);
    if (state->is_planned) put_ranges(&buf, &state->planned);
    else pv_cbor_put_null(&buf);
    enum pv_err err = buf.err ? buf.err : pv_store_value_set(room->store, under_way, pv_buf_bytes(&buf));
    pv_buf_release(&buf);
    return err;
}

/* Errors: NOT_FOUND: none is under way. */
static enum pv_err load(struct pv_room *room, struct state *ret_state)
{
    struct pv_buf buf;
    struct pv_cbor in;
    struct state *state = ret_state;
    pv_buf_init(&buf, STATE_BYTES_MAX);
    enum pv_err err = pv_store_value_get(room->store, under_way, &buf);
    if (!err) {
        memset(state, 0, sizeof *state);
        pv_cbor_init(&in, pv_buf_bytes(&buf));
        pv_cbor_get_array_of(&in, 4);
        pv_cbor_get_id16(&in, &state->id);
        get_ranges(&in, &state->asked);
        state->has_cut = !pv_cbor_take_null(&in);
        if (state->has_cut) state->cut = pv_cbor_get_uint(&in, PV_LIMIT_N);
        state->is_planned = !pv_cbor_take_null(&in);
        if (state->is_planned) get_ranges(&in, &state->planned);
        err = pv_cbor_finish(&in) ? PV_ERR_CORRUPT : PV_OK;
    }
    pv_buf_release(&buf);
    return err;
}

enum pv_err pv_forget_is_under_way(struct pv_room *room, bool *ret_is)
{
    struct state state;
    enum pv_err err = load(room, &state);
    *ret_is = !err;
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

/* ---- giving up */

static enum pv_err find_sealed(void *context, const struct pv_write *write)
{
    (void)context;
    return pv_kind_is_sealed(write->kind) ? PV_ERR_CONFLICT : PV_OK;
}

/* Is something of ours still on its way that the state, or the list of keys, will have? */
static enum pv_err has_unsent(struct pv_room *room, bool *ret_has)
{
    enum pv_err err = pv_store_write_each(room->store, find_sealed, NULL);
    *ret_has = err == PV_ERR_CONFLICT;
    return *ret_has ? PV_OK : err;
}

/* What no further try would change. */
static bool is_final(enum pv_err err)
{
    return err == PV_ERR_DENIED || err == PV_ERR_NO_KEY || err == PV_ERR_NOT_FOUND || err == PV_ERR_LIMIT || err == PV_ERR_CONFLICT ||
           err == PV_ERR_UNSUPPORTED;
}

/* Nothing comes of it. Where its cut was made already, links across that have to be made: those of older epochs. */
static enum pv_err give_up(struct pv_room *room, const struct state *state, enum pv_err why, enum pv_err *ret_refused)
{
    *ret_refused = why;
    enum pv_err err = pv_store_value_delete(room->store, under_way);
    return err || !state->has_cut ? err : pv_store_number_set(room->store, cut_in_vain, state->cut);
}

/* ---- the cut */

/* Does a rekey of the verified log, from the cut's own on, lead back before it? Another's may have come between. */
static enum pv_err is_linked_across(struct pv_room *room, uint64_t cut, bool *ret_is)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(room->roster, &count);
    bool *reached = calloc((size_t)cut + 1, sizeof *reached);
    enum pv_err err = reached ? PV_OK : PV_ERR_NOMEM;
    for (uint64_t e = cut; e < count && !err; e++) err = pv_keys_mark_linked_before(room, &epochs[e], cut, reached);
    *ret_is = false;
    for (uint64_t e = 0; e < cut && reached; e++) *ret_is |= reached[e];
    free(reached);
    return err;
}

static void begin_anew(struct pv_room *room, struct state *state)
{
    pv_random_fill(room->random, state->id.b, sizeof state->id.b);
    state->has_cut = state->is_planned = false;
}

/* Once cut, a room has to be linked again where nothing comes of it: so that is not begun before it is known to succeed.
 * What is still unsent goes first. */
static enum pv_err may_cut(struct pv_room *room, const struct state *state, bool *ret_cut, enum pv_err *ret_refused)
{
    struct pv_forget_plan plan;
    bool unsent = false;
    enum pv_err err = has_unsent(room, &unsent);
    if (err || unsent) return err;
    err = pv_forget_plan_make(room, state->asked.ranges, state->asked.count, pv_roster_epoch(room->roster) + 1, &plan);
    if (!err) pv_forget_plan_release(&plan);
    if (err && is_final(err)) return give_up(room, state, err, ret_refused);
    *ret_cut = !err;
    return err;
}

static bool is_owner(const struct pv_room *room, const struct pv_roster *view)
{
    const struct pv_principal *me = pv_roster_principal_of(view, &room->me->device);
    return me && me->role == PV_ROLE_OWNER;
}

/* Is a cut left of which nothing came? Whoever may links across it, unless another did, or another forget stands by it. */
static enum pv_err look_for_vain_cut(struct pv_room *room, const struct pv_roster *view, bool *ret_link)
{
    uint64_t cut = 0;
    bool across = false;
    const struct pv_principal *me = pv_roster_principal_of(view, &room->me->device);
    enum pv_err err = pv_store_number_get(room->store, cut_in_vain, 0, &cut);
    if (err || cut == 0 || !me || me->role == PV_ROLE_VIEWER || pv_roster_epoch(view) > pv_roster_epoch(room->roster)) return err;
    if (cut <= pv_roster_epoch(room->roster)) err = is_linked_across(room, cut, &across);
    if (err) return err;
    if (across || pv_roster_cut(room->roster) >= cut || cut > pv_roster_epoch(room->roster)) return pv_store_value_delete(room->store, cut_in_vain);
    *ret_link = true;
    return PV_OK;
}

enum pv_err pv_forget_look(struct pv_room *room, bool *ret_cut, bool *ret_link, enum pv_err *ret_refused)
{
    struct state state;
    struct pv_forget_info forget;
    const struct pv_roster *view;
    bool across = false;
    *ret_cut = *ret_link = false;
    enum pv_err err = pv_room_view(room, &view);
    if (!err) err = load(room, &state);
    if (err == PV_ERR_NOT_FOUND) return look_for_vain_cut(room, view, ret_link);
    if (!err && state.has_cut) err = is_linked_across(room, state.cut, &across);
    if (err) return err;
    bool stands = pv_roster_forget(room->roster, &state.id, &forget);
    if (stands && !across) return pv_store_value_delete(room->store, under_way);
    if (!is_owner(room, view)) {
        err = pv_room_raise(room, PV_ERR_DENIED, pv_bytes(NULL, 0), "only an owner may forget");
        return give_up(room, &state, err, ret_refused);
    }
    bool lost = state.has_cut && state.cut > pv_roster_epoch(view); /* another rekey came first */
    if (across || lost) begin_anew(room, &state);
    if (across || lost) err = save(room, &state);
    return err || state.has_cut ? err : may_cut(room, &state, ret_cut, ret_refused);
}

enum pv_err pv_forget_cut_made(struct pv_room *room, uint64_t epoch)
{
    struct state state;
    enum pv_err err = load(room, &state);
    if (err) return err;
    state.has_cut = true;
    state.cut = epoch;
    return save(room, &state);
}

/* ---- keys, and what keeps the state */

static enum pv_err add_writes(struct pv_room *room, const struct pv_forget_plan *plan)
{
    struct pv_cbor in;
    enum pv_err err = PV_OK;
    pv_cbor_init(&in, pv_buf_bytes(&plan->writes));
    for (size_t i = 0; i < plan->write_count && !err; i++) {
        struct pv_bytes payload = pv_cbor_get_bytes(&in, PV_LIMIT_PAYLOAD_BYTES);
        err = in.err ? in.err : pv_draft_add(room, PV_KIND_WORK, payload);
    }
    return err;
}

/* `ret_nothing`: no key and no other write is needed. */
static enum pv_err plan(struct pv_room *room, struct state *state, bool *ret_nothing)
{
    struct pv_forget_plan plan;
    enum pv_err err = pv_forget_plan_make(room, state->asked.ranges, state->asked.count, state->cut, &plan);
    if (err) return err;
    memcpy(state->planned.ranges, plan.ranges, sizeof plan.ranges);
    state->planned.count = plan.range_count;
    state->is_planned = true;
    *ret_nothing = plan.write_count == 0;
    err = add_writes(room, &plan);
    if (!err) err = save(room, state);
    pv_forget_plan_release(&plan);
    return err;
}

/* ---- the forget */

static enum pv_err name_it(struct pv_room *room, const struct state *state)
{
    struct pv_roster_body body = {.type = PV_ROSTER_FORGET};
    body.u.ranges.id = state->id;
    memcpy(body.u.ranges.ranges, state->planned.ranges, sizeof state->planned.ranges);
    body.u.ranges.count = state->planned.count;
    body.u.ranges.cut_epoch = state->cut;
    return pv_write_roster(room, &body, pv_bytes(NULL, 0));
}

enum pv_err pv_forget_step(struct pv_room *room, enum pv_err *ret_refused)
{
    struct state state;
    struct pv_forget_info forget;
    const struct pv_roster *view;
    bool unsent = false;
    enum pv_err err = load(room, &state);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_OK : err;
    err = pv_room_view(room, &view);
    if (err || !state.has_cut || state.cut > pv_roster_epoch(room->roster)) return err; /* the cut has to stand first */
    if (pv_roster_forget(view, &state.id, &forget)) return PV_OK;
    err = has_unsent(room, &unsent);
    if (err || unsent) return err;
    bool nothing_to_send = state.is_planned;
    if (!state.is_planned) err = plan(room, &state, &nothing_to_send);
    if (!err && nothing_to_send) err = name_it(room, &state);
    return is_final(err) ? give_up(room, &state, err, ret_refused) : err;
}

/* ---- beginning */

static enum pv_err check(struct pv_room *room, const struct ranges *asked)
{
    const struct pv_roster *view;
    struct pv_forget_plan plan;
    bool unsent = false;
    enum pv_err err = pv_room_view(room, &view);
    if (!err && !is_owner(room, view)) err = pv_room_raise(room, PV_ERR_DENIED, pv_bytes(NULL, 0), "only an owner may forget");
    for (size_t i = 0; i < asked->count && !err; i++) {
        const struct pv_range *range = &asked->ranges[i];
        bool good = range->from < range->to && (i == 0 || range->from > asked->ranges[i - 1].to);
        if (!good || range->to > pv_roster_size(room->roster)) err = PV_ERR_USAGE;
    }
    if (!err) err = has_unsent(room, &unsent);
    if (err || unsent) return err; /* what is said below will be said when that is sent */
    err = pv_forget_plan_make(room, asked->ranges, asked->count, pv_roster_epoch(view) + 1, &plan);
    if (!err) pv_forget_plan_release(&plan);
    return err;
}

enum pv_err pv_room_forget(struct pv_room *room, const struct pv_range *ranges, size_t count)
{
    struct state state = {.has_cut = false}, other;
    if (count == 0 || count > PV_LIMIT_RANGES) return PV_ERR_USAGE;
    memcpy(state.asked.ranges, ranges, count * sizeof *ranges);
    state.asked.count = count;
    enum pv_err err = pv_room_begin(room);
    if (err) return err;
    err = load(room, &other);
    if (!err) err = pv_room_raise(room, PV_ERR_CONFLICT, pv_bytes(NULL, 0), "another forget of this device is under way: let it be sent first");
    else if (err == PV_ERR_NOT_FOUND) err = check(room, &state.asked);
    if (!err) begin_anew(room, &state);
    if (!err) err = save(room, &state);
    if (err) pv_room_rollback(room);
    else err = pv_room_commit(room);
    return err;
}

enum pv_err pv_room_is_forgetting(struct pv_room *room, bool *ret_is)
{
    struct state state;
    enum pv_err err = load(room, &state);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    *ret_is = !err;
    return PV_OK;
}
