/* The swept set of a device_remove: the named devices and all that they added since an index, transitively.
 *
 * A walk over the adds that keeps, for each device found, two different named devices that lead to it: enough to tell
 * whether a named one would be swept without being named. So each add is followed at most twice. */
#include <stdlib.h>

#include "core/room/roster_state.h"

struct step {
    uint32_t number;
    uint8_t origin;
};

static enum pv_err visit(struct pv_table *steps, struct pv_swept *nodes, uint32_t number, uint8_t origin)
{
    uint8_t *origins = nodes[number].origins;
    if (origins[1] || origins[0] == origin) return PV_OK;
    enum pv_err err = pv_table_reserve(steps, 1);
    if (err) return err;
    *(struct step *)pv_table_push(steps) = (struct step){number, origin};
    origins[origins[0] != 0] = origin;
    return PV_OK;
}

static enum pv_err start(const struct pv_roster *r, const struct pv_device_remove_body *removal, struct pv_table *steps,
                         struct pv_swept *nodes)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < removal->device_count && !err; i++) {
        const struct pv_author *author = pv_state_author(r, &removal->devices[i]);
        if (!author) continue; /* never listed here: it added nothing */
        uint32_t number = (uint32_t)pv_map_number(&r->authors, author);
        if (nodes[number].named) continue;
        nodes[number].named = true;
        err = visit(steps, nodes, number, (uint8_t)(i + 1));
    }
    return err;
}

static enum pv_err walk(const struct pv_roster *r, uint64_t since, struct pv_table *steps, struct pv_swept *nodes)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < steps->count && !err; i++) {
        struct step step = *(struct step *)pv_table_at(steps, i);
        const struct pv_author *author = pv_map_at(&r->authors, step.number);
        for (uint32_t at = author->last_add; at && !err;) {
            const struct pv_add *add = pv_table_at(&r->adds, at - 1);
            if (add->index < since) break; /* newest first */
            err = visit(steps, nodes, add->device, step.origin);
            at = add->earlier;
        }
    }
    return err;
}

/* Present devices of other persons are no part of it. */
static bool belongs(const struct pv_roster *r, const struct pv_hash *person, uint32_t number)
{
    const struct pv_author *author = pv_map_at(&r->authors, number);
    const struct pv_room_device *device = pv_state_device(r, &author->id);
    return !device || r->kind == PV_ROOM_PERSON || pv_hash_equal(&device->principal, person);
}

static enum pv_err collect(const struct pv_roster *r, const struct pv_hash *person, const struct pv_table *steps,
                           struct pv_sweep *sweep)
{
    sweep->numbers = malloc((steps->count + 1) * sizeof *sweep->numbers);
    if (!sweep->numbers) return PV_ERR_NOMEM;
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = pv_table_at(steps, i);
        struct pv_swept *node = &sweep->nodes[step->number];
        if (node->origins[0] != step->origin || !belongs(r, person, step->number)) continue; /* its second time, or not ours */
        node->in = true;
        sweep->numbers[sweep->count++] = step->number;
    }
    return PV_OK;
}

static enum pv_err fill(const struct pv_roster *r, const struct pv_device_remove_body *removal, const struct pv_hash *person,
                        struct pv_sweep *ret_sweep)
{
    struct pv_table steps;
    pv_table_init(&steps, sizeof(struct step), 0);
    struct pv_sweep sweep = {.nodes = calloc(r->authors.count + 1, sizeof *sweep.nodes)};
    enum pv_err err = sweep.nodes ? PV_OK : PV_ERR_NOMEM;
    if (!err) err = start(r, removal, &steps, sweep.nodes);
    if (!err) err = walk(r, removal->since, &steps, sweep.nodes);
    if (!err) err = collect(r, person, &steps, &sweep);
    pv_table_release(&steps);
    if (err) {
        pv_sweep_release(&sweep);
        return err;
    }
    *ret_sweep = sweep;
    return PV_OK;
}

enum pv_err pv_sweep(const struct pv_roster *r, struct pv_case *c)
{
    return fill(r, &c->body.roster.u.device_remove, &c->me_id, &c->sweep);
}

enum pv_err pv_roster_sweeps(const struct pv_roster *r, const struct pv_device_remove_body *removal, const struct pv_hash *person,
                             const struct pv_hash *devices, size_t count, bool *ret_any)
{
    struct pv_sweep sweep;
    bool any = false;
    enum pv_err err = fill(r, removal, person, &sweep);
    if (err) return err;
    for (size_t i = 0; i < count && !any; i++) {
        const struct pv_author *author = pv_state_author(r, &devices[i]);
        any = author && sweep.nodes[pv_map_number(&r->authors, author)].in;
    }
    pv_sweep_release(&sweep);
    *ret_any = any;
    return PV_OK;
}

void pv_sweep_release(struct pv_sweep *sweep)
{
    free(sweep->nodes);
    free(sweep->numbers);
    *sweep = (struct pv_sweep){.nodes = NULL};
}
