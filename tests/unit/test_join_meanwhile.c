/* A join that waits while its person comes in by another device, or that is refused. */
#include "tests/unit/sync_pair.h"

/* A room of Ada's, in which Bob is not: his join waits on his phone when his laptop comes in by another link. */
struct two_ways {
    struct rig_server server;
    struct rig_device ada, laptop, phone;
    struct rig_member a, l, p;
};

static void two_ways_init(struct two_ways *w)
{
    struct pv_invite_link first, second;
    rig_server_init(&w->server, 1);
    is_err(rig_device_init(&w->ada, &w->server, 2), PV_OK, "Ada");
    is_err(rig_device_init(&w->laptop, &w->server, 3), PV_OK, "and Bob, on a laptop");
    is_err(rig_device_second(&w->phone, &w->laptop, 9, false), PV_OK, "and on a phone");
    is_err(rig_found(&w->a, &w->ada), PV_OK, "Ada founds a room");
    is_err(rig_invite(&w->a, PV_ROLE_EDITOR, 1, &first), PV_OK, "and invites");
    is_err(rig_invite(&w->a, PV_ROLE_EDITOR, 1, &second), PV_OK, "twice");
    is_err(rig_join_unsent(&w->p, &w->phone, &first), PV_OK, "the phone joins, and cannot send it");
    is_err(rig_join(&w->l, &w->laptop, &second), PV_OK, "the laptop joins");
}

static void two_ways_release(struct two_ways *w)
{
    rig_member_close(&w->p);
    rig_member_close(&w->l);
    rig_member_close(&w->a);
    rig_device_release(&w->phone);
    rig_device_release(&w->laptop);
    rig_device_release(&w->ada);
    rig_server_release(&w->server);
}

static size_t log_size(struct two_ways *w)
{
    return rig_room_find(&w->server, pv_room_id(w->a.room))->count;
}

/* The phone's join is refused: it looks, finds its person in, and sends what it had written behind it. */
static void test_join_refused_to_who_is_in(void)
{
    static struct two_ways w;
    two_ways_init(&w);
    is_err(rig_say(&w.p, "from the phone"), PV_OK, "the phone writes");
    is_err(rig_push(&w.l), PV_OK, "as the laptop makes the keys that are due");
    size_t size = log_size(&w);
    w.server.refusals = 1;
    w.server.refusal_status = 403;
    w.server.session_is_kept = false;
    is_err(rig_push(&w.p), PV_OK, "the phone's join is refused, and it finds that it is in");
    tap_is_int((long long)unsent(&w.p), 0, "nothing waits on it");
    tap_is_int((long long)log_size(&w), (long long)size + 1, "its words were sent, and no join");
    is_err(rig_pull(&w.a), PV_OK, "Ada fetches");
    is_texts(&w.a, "from the phone\n", "and reads them");
    two_ways_release(&w);
}

/* Who is not in by another way either is told what was said first. */
static void test_join_refused(void)
{
    static struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    struct pv_task *task = NULL;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol appears");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 1, &link), PV_OK, "is invited");
    is_err(rig_join_unsent(&c, &carol, &link), PV_OK, "and joins, unsent");
    const struct pv_request *request;
    const struct pv_response first = {.status = 403, .problem = PV_ERR_EXPIRED, .problem_detail = "the invite has ended"};
    const struct pv_response again = {.status = 403, .problem = PV_ERR_DENIED, .problem_detail = "no member"};
    is_err(pv_push_task(c.room, NULL, &task), PV_OK, "it is sent");
    is_err(pv_task_next(task, &request), PV_OK, "as a request");
    is_err(pv_task_feed(task, &first), PV_OK, "a refusal is not believed at once");
    is_err(pv_task_next(task, &request), PV_OK, "the log is asked for");
    tap_ok(request && request->method == PV_GET, "to look");
    is_err(pv_task_feed(task, &again), PV_ERR_EXPIRED, "which is refused, too");
    tap_ok(strstr(pv_task_message(task), "the invite has ended") != NULL, "and the first refusal is told");
    pv_task_free(task);
    tap_is_int((long long)unsent(&c), 1, "the join waits, as it was");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

/* A leave behind a join that came to nothing was meant for that: it takes out nobody who came by another way. */
static void test_left_before_another_joined(void)
{
    static struct two_ways w;
    two_ways_init(&w);
    is_err(pv_room_leave(w.p.room), PV_OK, "the phone had left again, unsent as well");
    is_err(rig_push(&w.p), PV_OK, "now it sends");
    tap_is_int((long long)unsent(&w.p), 0, "neither waits");
    is_err(rig_pull(&w.a), PV_OK, "Ada looks");
    tap_ok(pv_roster_principal(pv_room_roster(w.a.room), &w.laptop.me.person), "and Bob is in");
    tap_ok(pv_roster_principal(pv_room_roster(w.p.room), &w.laptop.me.person), "as his phone knows");
    is_err(rig_say(&w.p, "from the phone"), PV_OK, "which writes");
    is_err(rig_push(&w.p), PV_OK, "and sends");
    two_ways_release(&w);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_join_refused_to_who_is_in();
    test_join_refused();
    test_left_before_another_joined();
    return tap_done();
}
