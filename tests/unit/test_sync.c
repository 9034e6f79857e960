/* Rooms between devices and a server: founding, inviting, joining, writing, removal, and what waits. */
#include "tests/unit/sync_pair.h"

#include <stdio.h>

#include "tests/tap.h"

static void test_talk(void)
{
    struct pair p;
    size_t count;
    pair_init(&p, PV_ROLE_EDITOR);
    (void)pv_roster_principals(pv_room_roster(p.a.room), &count);
    tap_is_int((long long)count, 2, "two members");
    is_err(rig_say(&p.a, "hello Bob"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends; what the join made due is done with it");
    tap_is_int((long long)unsent(&p.a), 0, "nothing is left in her outbox");
    is_err(rig_pull(&p.b), PV_OK, "Bob pulls");
    is_texts(&p.b, "hello Bob\n", "and reads it");
    is_err(rig_say(&p.b, "hello Ada"), PV_OK, "Bob answers");
    is_err(rig_push(&p.b), PV_OK, "and sends");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_texts(&p.a, "hello Bob\nhello Ada\n", "and has both");
    is_err(rig_member_reopen(&p.a), PV_OK, "her room opens again");
    is_err(rig_say(&p.a, "third"), PV_OK, "and goes on");
    is_err(rig_push(&p.a), PV_OK, "from where it was");
    is_err(rig_pull(&p.b), PV_OK, "for Bob, too");
    is_texts(&p.b, "hello Bob\nhello Ada\nthird\n", "who sees all three");
    pair_release(&p);
}

/* Who joins wraps the present key to the own person, so that each device of it reads at once, without the link. */
static void test_joiner(void)
{
    struct rig_server server;
    struct rig_device ada, bob;
    struct rig_member a, b, other;
    struct pv_invite_link link;
    rig_server_init(&server, 1);
    is_err(rig_device_init(&ada, &server, 2), PV_OK, "Ada's person room is founded");
    is_err(rig_device_init(&bob, &server, 3), PV_OK, "Bob's too");
    is_err(rig_found(&a, &ada), PV_OK, "Ada founds a room");
    is_err(rig_say(&a, "before"), PV_OK, "writes");
    is_err(rig_invite(&a, PV_ROLE_EDITOR, 2, &link), PV_OK, "and makes an invite for two");
    is_err(rig_push(&a), PV_OK, "which goes out");
    is_err(rig_join(&b, &bob, &link), PV_OK, "Bob joins by it");
    long long size = (long long)pv_roster_size(pv_room_roster(b.room));
    is_err(rig_member_open(&other, &bob, pv_room_id(a.room)), PV_OK, "a device of his that does not have the link");
    is_err(rig_push(&other), PV_OK, "looks");
    is_texts(&other, "before\n", "and reads");
    tap_is_int((long long)pv_roster_size(pv_room_roster(other.room)), size, "without asking anyone for the key");
    rig_member_close(&a);
    rig_member_close(&b);
    rig_member_close(&other);
    rig_device_release(&ada);
    rig_device_release(&bob);
    rig_server_release(&server);
}

/* Bob once removed his phone here alone, and left: it stays out when he comes back, and does not keep him out. */
static void test_joiner_barred(void)
{
    static struct pair p;
    struct rig_device phone;
    struct pv_invite_link link;
    struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE, .u.device_remove.device_count = 1};
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_device_second(&phone, &p.bob, 7, false), PV_OK, "Bob has a phone");
    is_err(rig_settle(&p.b), PV_OK, "which comes into the room");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    body.u.device_remove.devices[0] = phone.me.device;
    body.u.device_remove.since = room->count;
    append_roster(&p.server, room, &p.bob, &body, pv_bytes("\x83\x80\x80\x80", 4), 0, "and is removed there");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_err(pv_room_leave(p.b.room), PV_OK, "and leaves");
    is_err(rig_push(&p.b), PV_OK, "the room");
    is_err(rig_push(&p.a), PV_OK, "Ada makes new keys");
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 1, &link), PV_OK, "and invites him");
    rig_member_close(&p.b);
    is_err(rig_join(&p.b, &p.bob, &link), PV_OK, "he is back");
    tap_ok(pv_roster_device(pv_room_roster(p.b.room), &p.bob.me.device) && !pv_roster_device(pv_room_roster(p.b.room), &phone.me.device),
           "without the phone, as it was removed there");
    rig_device_release(&phone);
    pair_release(&p);
}

static void test_offline(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    p.server.down = true;
    is_err(rig_say(&p.b, "one"), PV_OK, "without a server, Bob writes");
    is_err(rig_push(&p.b), PV_ERR_OFFLINE, "which cannot be sent");
    is_err(rig_member_reopen(&p.b), PV_OK, "his machine restarts");
    is_err(rig_say(&p.b, "two"), PV_OK, "he writes again");
    tap_is_int((long long)unsent(&p.b), 2, "both wait");
    p.server.down = false;
    p.server.lose_ack = true;
    is_err(rig_push(&p.b), PV_ERR_OFFLINE, "the server takes them, its answer is lost");
    tap_is_int((long long)unsent(&p.b), 2, "so they still wait");
    is_err(rig_push(&p.b), PV_OK, "the next push finds them in the log");
    tap_is_int((long long)unsent(&p.b), 0, "and empties the outbox");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_texts(&p.a, "one\ntwo\n", "and has each once");
    pair_release(&p);
}

/* How a driver takes refusals: what it sends again, and how often it signs in for that. */
static void test_session_in_doubt(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    p.server.refusal_status = 403;
    p.server.refusals = 1;
    p.server.session_is_kept = true;
    is_err(rig_say(&p.b, "one"), PV_OK, "Bob writes; the server took his kept session for another's");
    is_err(rig_push(&p.b), PV_OK, "a refusal under it is asked about under a new one, and all is sent");
    tap_is_int((long long)p.server.logins, 1, "by signing in once");
    tap_is_int((long long)unsent(&p.b), 0, "and nothing waits");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_texts(&p.a, "one\n", "and has it once");

    p.server.refusals = 1;
    is_err(rig_say(&p.b, "two"), PV_OK, "he writes more");
    is_err(rig_push(&p.b), PV_ERR_DENIED, "a refusal under a session that was made just now is believed");
    tap_is_int((long long)p.server.logins, 1, "without signing in again");
    tap_is_int((long long)unsent(&p.b), 1, "the write waits");

    p.server.session_is_kept = true;
    p.server.refusals = 1000;
    size_t before = p.server.requests;
    is_err(rig_push(&p.b), PV_ERR_DENIED, "a server that refuses whatever is asked is believed, too");
    tap_is_int((long long)(p.server.requests - before), 2, "after asking twice");
    tap_is_int((long long)p.server.logins, 2, "and signing in once");

    p.server.refusal_status = 401;
    p.server.refusals = 1;
    is_err(rig_push(&p.b), PV_OK, "a session that ended is made anew, however young it is");
    tap_is_int((long long)p.server.logins, 3, "once");
    p.server.refusals = 1000;
    before = p.server.requests;
    is_err(rig_pull(&p.b), PV_ERR_UNAUTHENTICATED, "where it ends each time");
    tap_is_int((long long)(p.server.requests - before), 2, "that ends the command, after asking twice");
    p.server.refusals = 0;
    pair_release(&p);
}

/* A copy without a log yet cannot tell whether its person is a member, and does not say so. */
static void test_nothing_here_yet(void)
{
    struct pair p;
    struct rig_member fresh;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_member_open(&fresh, &p.bob, pv_room_id(p.a.room)), PV_OK, "Bob's database of the room is new");
    is_err(rig_say(&fresh, "one"), PV_ERR_NOT_FOUND, "he cannot write before the log is here");
    tap_ok(strstr(pv_room_alarm(fresh.room), "refresh") != NULL, "and is told what to do");
    is_err(rig_pull(&fresh), PV_OK, "he fetches it");
    is_err(rig_say(&fresh, "one"), PV_OK, "then he can");
    rig_member_close(&fresh);
    pair_release(&p);
}

static void test_removal(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "the rekey after the used-up invite");
    is_err(rig_say(&p.a, "before"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_err(rig_pull(&p.b), PV_OK, "Bob reads");
    is_err(rig_say(&p.b, "crossing"), PV_OK, "Bob writes");
    uint64_t epoch = pv_roster_epoch(pv_room_roster(p.a.room));
    is_err(pv_room_remove(p.a.room, &p.bob.me.person), PV_OK, "Ada removes Bob meanwhile");
    is_err(rig_push(&p.a), PV_OK, "removal and rekey are sent");
    tap_is_int((long long)pv_roster_epoch(pv_room_roster(p.a.room)), (long long)epoch + 1, "a new epoch");
    is_err(rig_say(&p.a, "after"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    (void)!rig_push(&p.b);
    is_texts(&p.b, "before\n", "Bob, whom this server still serves, reads nothing of it");
    is_err(rig_say(&p.b, "more"), PV_ERR_DENIED, "and may write no more");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_texts(&p.a, "before\nafter\n", "and nothing of his came in after");
    pair_release(&p);
}

static void test_viewer(void)
{
    struct pair p;
    struct pv_buf payload;
    pair_init(&p, PV_ROLE_VIEWER);
    pv_buf_init(&payload, 100);
    pv_cbor_put_array(&payload, 3);
    pv_cbor_put_uint(&payload, 19);
    pv_cbor_put_bytes(&payload, "0123456789abcdef", 16);
    pv_cbor_put_bytes(&payload, "0123456789abcdef0123456789abcdef", 32);
    is_err(pv_room_write(p.b.room, PV_KIND_WORK, pv_buf_bytes(&payload), pv_bytes(NULL, 0)), PV_ERR_DENIED, "a viewer does no work");
    is_err(rig_say(&p.b, "but talks"), PV_OK, "but talks");
    is_err(rig_push(&p.b), PV_OK, "and is heard");
    is_err(pv_room_set_role(p.b.room, &p.ada.me.person, PV_ROLE_VIEWER), PV_ERR_DENIED, "changes no roles");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_err(pv_room_set_role(p.a.room, &p.bob.me.person, PV_ROLE_EDITOR), PV_OK, "Ada makes Bob an editor");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_err(rig_pull(&p.b), PV_OK, "Bob pulls");
    is_err(pv_room_write(p.b.room, PV_KIND_WORK, pv_buf_bytes(&payload), pv_bytes(NULL, 0)), PV_OK, "and may work");
    is_err(rig_push(&p.b), PV_OK, "and does");
    tap_is_int((long long)unsent(&p.b), 0, "all of it sent");
    pv_buf_release(&payload);
    pair_release(&p);
}

static void put_view(struct rig_member *member, struct pv_buf *ret_bytes)
{
    const struct pv_roster *view;
    pv_buf_init(ret_bytes, SIZE_MAX);
    is_err(rig_member_reopen(member), PV_OK, "the room is opened anew");
    is_err(pv_room_view(member->room, &view), PV_OK, "what it will be when all is sent is known");
    is_err(pv_roster_encode(view, ret_bytes), PV_OK, "as bytes");
}

/* The view that stands kept in the store is the one that the log and the outbox make. */
static void is_view_right(struct rig_member *member, bool kept, const char *what)
{
    struct pv_buf stored, from_snapshot, from_log;
    pv_buf_init(&stored, SIZE_MAX);
    tap_ok((pv_store_value_get(member->store, "sync.view", &stored) == PV_OK) == kept, "the view is kept, where much waits");
    put_view(member, &from_snapshot);
    is_err(pv_store_value_delete(member->store, "sync.view"), PV_OK, "it is forgotten");
    put_view(member, &from_log);
    tap_ok(from_log.n > 0 && pv_bytes_equal(pv_buf_bytes(&from_snapshot), pv_buf_bytes(&from_log)), "%s", what);
    if (kept) is_err(pv_store_value_set(member->store, "sync.view", pv_buf_bytes(&stored)), PV_OK, "and put back");
    is_err(rig_member_reopen(member), PV_OK, "and the room is opened anew");
    pv_buf_release(&stored);
    pv_buf_release(&from_snapshot);
    pv_buf_release(&from_log);
}

static void say_numbers(struct rig_member *member, unsigned from, unsigned to, struct pv_buf *said)
{
    unsigned odd = 0;
    for (unsigned i = from; i < to; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "number %u\n", i);
        pv_buf_append(said, text, (size_t)n);
        text[n - 1] = '\0';
        odd += rig_say(member, text) != PV_OK;
    }
    tap_ok(odd == 0, "%u to %u are written", from, to);
}

/* Hundreds of writes wait: each finds the view of those before it kept, through a rekey that overtakes all of them,
 * and a time in which nothing can be signed. */
static void test_backlog(void)
{
    struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    struct pv_buf said;
    pv_buf_init(&said, SIZE_MAX);
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_push(&p.b), PV_OK, "Bob makes the rekey that his join left due");
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol appears");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 3, &link), PV_OK, "is invited");
    is_err(rig_join(&c, &carol, &link), PV_OK, "and joins");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    p.server.down = true;
    say_numbers(&p.b, 0, 100, &said);
    is_view_right(&p.b, false, "a short outbox is judged each time");
    say_numbers(&p.b, 100, 300, &said);
    is_view_right(&p.b, true, "of a long one what is kept is right");
    is_err(pv_room_set_role(p.b.room, &p.bob.me.person, PV_ROLE_EDITOR), PV_OK, "Bob makes himself an editor");
    say_numbers(&p.b, 300, 500, &said);
    is_view_right(&p.b, true, "with a change of the room's members in it, too");
    p.server.down = false;
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(pv_room_remove(p.a.room, &carol.me.person), PV_OK, "Ada removes Carol");
    is_err(rig_push(&p.a), PV_OK, "with a rekey");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks, and all that he signed is overtaken");
    is_view_right(&p.b, true, "what was kept does not hold any more, and is not used");
    p.server.now_ms += 2ull * 24 * 3600 * 1000;
    p.server.down = true;
    say_numbers(&p.b, 500, 510, &said);
    tap_is_int((long long)unsent(&p.b), 511, "two days later all waits as drafts, and what he writes then behind it");
    p.server.down = false;
    enum pv_err err = rig_push(&p.b);
    tap_ok(err == PV_OK || err == PV_ERR_CONFLICT, "Bob sends");
    is_err(rig_push(&p.b), PV_OK, "until all is sent");
    tap_is_int((long long)unsent(&p.b), 0, "his outbox is empty");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    pv_buf_append_byte(&said, '\0');
    is_texts(&p.a, (const char *)said.p, "and has all, in order, once");
    pv_buf_release(&said);
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

/* Two processes of one device over one database. */
static void test_two_processes(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct rig_member other;
    is_err(rig_member_beside(&other, &p.b), PV_OK, "a second store and room over the same database");
    is_err(rig_push(&p.b), PV_OK, "one rekeys");
    for (int i = 0; i < 6; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        is_err(rig_say(i % 2 ? &p.b : &other, text), PV_OK, "they write in turns");
        if (i % 3 == 2) is_err(rig_push(i % 2 ? &other : &p.b), PV_OK, "and one sends for both");
    }
    is_err(rig_push(&other), PV_OK, "the rest");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_texts(&p.a, "0\n1\n2\n3\n4\n5\n", "and has all, once, in order");
    rig_member_close(&other);
    pair_release(&p);
}

/* Pages, whatever their size, give the same. */
static void test_pages(void)
{
    struct pair p;
    struct rig_member fresh;
    struct pv_buf want, got;
    pair_init(&p, PV_ROLE_EDITOR);
    for (int i = 0; i < 40; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "message %d", i);
        if (rig_say(i % 3 ? &p.a : &p.b, text) || rig_push(i % 3 ? &p.a : &p.b)) tap_ok(false, "message %d", i);
    }
    is_err(rig_pull(&p.a), PV_OK, "Ada is up to date");
    pv_buf_init(&want, SIZE_MAX);
    pv_buf_init(&got, SIZE_MAX);
    rig_texts(&p.a, &want);
    tap_ok(want.n > 400, "forty messages");
    for (size_t max = 1; max < 50; max = max * 3 + 1) {
        p.server.page_max = max;
        is_err(rig_member_open(&fresh, &p.ada, pv_room_id(p.a.room)), PV_OK, "an empty copy");
        is_err(rig_pull(&fresh), PV_OK, "reads pages");
        rig_texts(&fresh, &got);
        tap_ok(pv_bytes_equal(pv_buf_bytes(&want), pv_buf_bytes(&got)), "of %zu entries to the same state", max);
        rig_member_close(&fresh);
    }
    p.server.page_max = 0;
    pv_buf_release(&want);
    pv_buf_release(&got);
    pair_release(&p);
}

/* A room in which nobody wrote for a week: nothing is signed on the old view, and a fresh one is asked for. */
static void test_quiet_week(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "the rekey after the used-up invite");
    p.server.now_ms += 7ull * 24 * 3600 * 1000;
    p.server.down = true;
    is_err(rig_say(&p.a, "after a week"), PV_OK, "Ada writes on a view a week old");
    is_err(rig_push(&p.a), PV_ERR_OFFLINE, "without a server it waits");
    p.server.down = false;
    is_err(rig_push(&p.a), PV_OK, "with one it goes");
    tap_is_int((long long)unsent(&p.a), 0, "out");
    is_err(rig_pull(&p.b), PV_OK, "Bob pulls");
    is_texts(&p.b, "after a week\n", "and reads it");
    is_err(rig_say(&p.a, "and more"), PV_OK, "Ada writes once more");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    p.server.now_ms += 3ull * 24 * 3600 * 1000;
    is_err(rig_say(&p.b, "three days later"), PV_OK, "Bob, who has not seen it, writes three days later");
    is_err(rig_push(&p.b), PV_OK, "takes in what is old by then");
    tap_is_int((long long)unsent(&p.b), 0, "and sends his at once");
    pair_release(&p);
}

/* Who writes in an epoch of over 30 days makes a new one first; a viewer may not, and writes on. */
static void test_old_epoch(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_VIEWER);
    is_err(rig_push(&p.a), PV_OK, "the rekey after the used-up invite");
    long long epoch = (long long)pv_roster_epoch(pv_room_roster(p.a.room));
    p.server.now_ms += 29ull * 24 * 3600 * 1000;
    is_err(rig_say(&p.a, "day 29"), PV_OK, "Ada writes on day 29");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    tap_is_int((long long)pv_roster_epoch(pv_room_roster(p.a.room)), epoch, "in the same epoch");
    p.server.now_ms += 2ull * 24 * 3600 * 1000;
    is_err(rig_say(&p.b, "a viewer on day 31"), PV_OK, "Bob, a viewer, writes on day 31");
    is_err(rig_push(&p.b), PV_OK, "and sends");
    tap_is_int((long long)pv_roster_epoch(pv_room_roster(p.b.room)), epoch, "in the same epoch");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(rig_push(&p.a), PV_OK, "and with nothing to send");
    tap_is_int((long long)pv_roster_epoch(pv_room_roster(p.a.room)), epoch, "changes nothing");
    is_err(rig_say(&p.a, "day 31"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    tap_is_int((long long)pv_roster_epoch(pv_room_roster(p.a.room)), epoch + 1, "in a new epoch");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_texts(&p.b, "day 29\na viewer on day 31\nday 31\n", "and reads on");
    pair_release(&p);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_talk();
    test_joiner();
    test_joiner_barred();
    test_offline();
    test_session_in_doubt();
    test_nothing_here_yet();
    test_removal();
    test_viewer();
    test_backlog();
    test_two_processes();
    test_pages();
    test_quiet_week();
    test_old_epoch();
    return tap_done();
}
