/* What is tried in a new world each time, while memory runs out at one allocation after the other: it ends well or says so,
 * and done once more with enough of it, it stands. Included behind `struct world`, world_make and world_release. */
#ifndef TESTS_FAULT_FAULT_TRIALS_H
#define TESTS_FAULT_FAULT_TRIALS_H

#include "tests/fault/failing_malloc.h"
#include "tests/tap.h"

struct trial {
    const char *name;
    enum pv_err (*act)(struct world *w);
    bool (*stands)(struct world *w);
};

/* One try that lacks memory from allocation n on; `ret_fired` false: there was enough. */
static bool try_once(const struct trial *trial, size_t n, bool *ret_fired)
{
    struct world w;
    enum pv_err err = world_make(&w);
    if (err) return tap_ok(false, "%s: preparing: %s", trial->name, pv_err_web_name(err));
    fault_arm(n);
    err = trial->act(&w);
    *ret_fired = fault_disarm();
    enum pv_err again = err ? trial->act(&w) : PV_OK;
    bool good = (!err || err == PV_ERR_NOMEM) && !(err && !*ret_fired) && !again && trial->stands(&w);
    world_release(&w);
    return good || tap_ok(false, "%s: allocation %zu: %s, then %s", trial->name, n, pv_err_web_name(err), pv_err_web_name(again));
}

/* Each of the first `each` allocations, then one of `step`: later ones are like those before them.
 *   least  so many tries there are at least, else the trial did nothing */
static void run_trial(const struct trial *trial, size_t each, size_t step, size_t least)
{
    size_t runs = 0;
    bool fired = true, good = true;
    for (size_t n = 0; good && fired && n < 20000; n += n < each ? 1 : step, runs++) good = try_once(trial, n, &fired);
    tap_ok(good && !fired && runs > least, "%s: tried %zu times", trial->name, runs);
}

#endif
