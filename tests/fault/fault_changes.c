/* Telling changed devices and noting who is verified where memory runs out at every allocation in turn: an error, then,
 * tried again with enough of it, the same end; nothing counts as told that was not. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include "core/state/changes.h"
#include "tests/unit/sync_rig.h"

/* Ada, who told all that there was, and Bob, who added a phone since. */
struct world {
    struct rig_server server;
    struct rig_device ada, bob, phone;
    struct rig_member a, b;
    size_t told;
};

static struct pv_watch watch_of(const struct world *w, const struct pv_verifications *list)
{
    return (struct pv_watch){w->a.store, pv_room_roster(w->a.room), &w->ada.me.person, list};
}

static enum pv_err world_make(struct world *w)
{
    struct pv_invite_link link;
    struct pv_verifications none = {0};
    w->told = 0;
    rig_server_init(&w->server, 1);
    w->server.around = fault_elsewhere;
    enum pv_err err = rig_device_init(&w->ada, &w->server, 2);
    if (!err) err = rig_device_init(&w->bob, &w->server, 3);
    if (!err) err = rig_found(&w->a, &w->ada);
    if (!err) err = rig_invite(&w->a, PV_ROLE_EDITOR, 1, &link);
    if (!err) err = rig_join(&w->b, &w->bob, &link);
    if (!err) err = rig_pull(&w->a);
    const struct pv_watch watch = watch_of(w, &none);
    if (!err) err = pv_changes_set_told(&watch);
    if (!err) err = rig_verify_into(w->ada.person, &w->a, &w->bob.me.person, true);
    if (!err) err = rig_person_push(&w->ada);
    if (!err) err = rig_device_second(&w->phone, &w->bob, 4, false);
    if (!err) err = rig_settle(&w->b);
    return err ? err : rig_pull(&w->a);
}

static void world_release(struct world *w)
{
    rig_member_close(&w->a);
    rig_member_close(&w->b);
    rig_device_release(&w->phone);
    rig_device_release(&w->ada);
    rig_device_release(&w->bob);
    rig_server_release(&w->server);
}

static enum pv_err count_row(void *context, const struct pv_change *change)
{
    struct world *w = context;
    if (change->added == 1 && change->verification) w->told++;
    return PV_OK;
}

static struct pv_query own_of(const struct world *w)
{
    return (struct pv_query){w->ada.person_store, pv_room_roster(w->ada.person), &w->ada.me.device};
}

static enum pv_err tell(struct world *w)
{
    struct pv_verifications list = {0};
    const struct pv_query own = own_of(w);
    const struct pv_watch watch = watch_of(w, &list);
    bool told = false;
    enum pv_err err = pv_changes_are_told(&watch, &told);
    if (err || told) return err;
    err = pv_verifications_load(&own, &list);
    if (!err) err = pv_changes_each(&watch, count_row, w);
    if (!err) err = pv_changes_set_told(&watch);
    pv_verifications_release(&list);
    return err;
}

static bool is_told(struct world *w)
{
    struct pv_verifications none = {0};
    const struct pv_watch watch = watch_of(w, &none);
    bool told = false;
    return w->told > 0 && !pv_changes_are_told(&watch, &told) && told;
}

static enum pv_err look(struct world *w)
{
    struct pv_verifications list = {0};
    const struct pv_query own = own_of(w), query = {w->a.store, pv_room_roster(w->a.room), &w->ada.me.device};
    const struct pv_watch watch = watch_of(w, &list);
    struct pv_buf json;
    pv_buf_init(&json, 1 << 16);
    enum pv_err err = pv_query_members_json(&query, &own, &json);
    if (!err) err = pv_verifications_load(&own, &list);
    if (!err) err = pv_changes_set_seen(&watch, &w->bob.me.person);
    pv_verifications_release(&list);
    pv_buf_release(&json);
    return err;
}

static bool is_seen(struct world *w)
{
    struct pv_verifications none = {0};
    const struct pv_watch watch = watch_of(w, &none);
    w->told = 0;
    return !pv_changes_each(&watch, count_row, w) && w->told == 0;
}

static enum pv_err withdraw(struct world *w)
{
    enum pv_err err = rig_verify_into(w->ada.person, &w->a, &w->bob.me.person, false);
    return err ? err : rig_person_push(&w->ada);
}

static bool is_withdrawn(struct world *w)
{
    struct pv_verifications list = {0};
    const struct pv_query own = own_of(w);
    bool none = !pv_verifications_load(&own, &list) && list.count == 0;
    pv_verifications_release(&list);
    return none;
}

#include "tests/fault/fault_trials.h"

int main(void)
{
    static const struct trial trials[] = {{"tell", tell, is_told}, {"look", look, is_seen}, {"withdraw", withdraw, is_withdrawn}};
    tap_is_int(pv_crypto_init(), PV_OK, "crypto");
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) run_trial(&trials[i], 60, 13, 5);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
