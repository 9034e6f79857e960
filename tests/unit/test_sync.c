/* Rooms between devices and a server: founding, inviting, joining, writing, removal, races, faults, and lies. */
#include "tests/unit/sync_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/log/checkpoint.h"
#include "core/sync/vouch.h"
#include "tests/tap.h"

static void is_texts(struct rig_member *member, const char *want, const char *what)
{
    struct pv_buf texts;
    pv_buf_init(&texts, SIZE_MAX);
    rig_texts(member, &texts);
    bool same = texts.p && strcmp((const char *)texts.p, want) == 0;
    tap_ok(same, "%s", what);
    if (!same) tap_note("got %s", texts.p ? (const char *)texts.p : "nothing");
    pv_buf_release(&texts);
}

static void is_err(enum pv_err got, enum pv_err want, const char *what)
{
    tap_ok(got == want, "%s", what);
    if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

static uint64_t unsent(struct rig_member *member)
{
    uint64_t count = UINT64_MAX;
    if (pv_store_write_count(member->store, &count)) return UINT64_MAX;
    return count;
}

struct pair { /* Ada's room with Bob in it */
    struct rig_server server;
    struct rig_device ada, bob;
    struct rig_member a, b;
};

static void pair_init(struct pair *p, enum pv_role role)
{
    struct pv_invite_link link;
    rig_server_init(&p->server, 1);
    is_err(rig_device_init(&p->ada, &p->server, 2), PV_OK, "Ada's person room is founded");
    is_err(rig_device_init(&p->bob, &p->server, 3), PV_OK, "Bob's too");
    is_err(rig_found(&p->a, &p->ada), PV_OK, "Ada founds a room");
    is_err(rig_invite(&p->a, role, 1, &link), PV_OK, "and makes an invite");
    is_err(rig_join(&p->b, &p->bob, &link), PV_OK, "by which Bob joins");
    is_err(rig_pull(&p->a), PV_OK, "Ada sees it");
}

static void pair_release(struct pair *p)
{
    rig_member_close(&p->a);
    rig_member_close(&p->b);
    rig_device_release(&p->ada);
    rig_device_release(&p->bob);
    rig_server_release(&p->server);
}

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

/* A rekey overtakes what Bob had signed: it is signed anew, once. */
static void test_overtaken(void)
{
    struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_push(&p.b), PV_OK, "Bob makes the rekey that his join left due");
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol appears");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 3, &link), PV_OK, "is invited");
    is_err(rig_join(&c, &carol, &link), PV_OK, "and joins");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    p.server.down = true;
    is_err(rig_say(&p.b, "signed in an old epoch"), PV_OK, "and writes, offline");
    p.server.down = false;
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(pv_room_remove(p.a.room, &carol.me.person), PV_OK, "Ada removes Carol");
    is_err(rig_push(&p.a), PV_OK, "with a rekey");
    is_err(rig_push(&p.b), PV_OK, "Bob sends");
    tap_is_int((long long)unsent(&p.b), 0, "his outbox is empty");
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_texts(&p.a, "signed in an old epoch\n", "and has his words once");
    is_err(rig_invite(&p.b, PV_ROLE_VIEWER, 1, &link), PV_OK, "Bob invites");
    rig_member_close(&c);
    is_err(rig_join(&c, &carol, &link), PV_OK, "and Carol is back with the same devices");
    is_texts(&c, "signed in an old epoch\n", "and reads what was said meanwhile, by links");
    rig_member_close(&c);
    rig_device_release(&carol);
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
    struct rig_member other = p.b;
    struct pv_room_options options = {.me = &p.bob.me, .person_room = p.bob.person, .random = &p.bob.random, .room_id = *pv_room_id(p.b.room)};
    is_err(pv_store_open(p.b.db, &other.store), PV_OK, "a second store");
    options.store = other.store;
    is_err(pv_room_open(&options, &other.room), PV_OK, "and room over the same database");
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
    pv_room_close(other.room);
    pv_store_close(other.store);
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

/* Flip one bit of one answer: a fresh copy ends in the true state or in an error, never in another state. */
struct flip {
    size_t answer, bit, seen;
    bool hit;
};

static void flip_bit(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer)
{
    struct flip *flip = server->tamper_context;
    (void)request;
    if (flip->seen++ != flip->answer || answer->n == 0) return;
    answer->p[flip->bit / 8 % answer->n] ^= (uint8_t)(1u << flip->bit % 8);
    flip->hit = true;
}

static void test_flipped_bits(void)
{
    struct pair p;
    struct pv_buf want, got;
    struct seeded seed = seeded_make(9);
    size_t wrong = 0, refused = 0, true_state = 0, hits = 0;
    pair_init(&p, PV_ROLE_EDITOR);
    for (int i = 0; i < 5; i++)
        if (rig_say(&p.a, "some words to be read") || rig_push(&p.a)) tap_ok(false, "message %d", i);
    pv_buf_init(&want, SIZE_MAX);
    pv_buf_init(&got, SIZE_MAX);
    rig_texts(&p.a, &want);
    p.server.tamper = flip_bit;
    for (size_t i = 0; i < 500; i++) {
        struct rig_member fresh;
        struct flip flip = {.answer = i % 3, .bit = (size_t)seeded_below(&seed, 1 << 20)};
        p.server.tamper_context = &flip;
        if (rig_member_open(&fresh, &p.ada, pv_room_id(p.a.room))) tap_ok(false, "open %zu", i);
        enum pv_err err = rig_pull(&fresh);
        rig_texts(&fresh, &got);
        bool same = pv_bytes_equal(pv_buf_bytes(&want), pv_buf_bytes(&got));
        hits += flip.hit;
        if (!err && same) true_state++;
        else if (err) refused++;
        else wrong++;
        if (!err && !same) tap_note("answer %zu bit %zu: no error, another state", flip.answer, flip.bit);
        rig_member_close(&fresh);
    }
    tap_ok(wrong == 0, "500 flipped bits: %zu refused, %zu without harm, %zu wrong", refused, true_state, wrong);
    tap_ok(hits > 300 && refused > hits / 2, "the bits were really flipped (%zu)", hits);
    p.server.tamper = NULL;
    pv_buf_release(&want);
    pv_buf_release(&got);
    pair_release(&p);
}

/* The server lets in what bears Bob's name and another's signature. */
static void test_forgery(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_pull(&p.a), PV_OK, "Ada is up to date");
    p.server.takes_forgeries = true;
    uint8_t *secret = p.bob.me.sign_sk.b;
    secret[0] ^= 1;
    is_err(rig_say(&p.b, "not Bob's"), PV_OK, "something is signed by another key than Bob's");
    enum pv_err err = rig_push(&p.b);
    tap_ok(pv_err_exit_status(err) == 4, "whoever sends it hears at once (%s)", pv_err_web_name(err));
    for (int i = 0; i < 2; i++) {
        err = rig_pull(&p.a);
        tap_ok(err == PV_ERR_BAD_SIG, "Ada is told that it does not hold, again and again (%s)", pv_err_web_name(err));
    }
    tap_ok(pv_room_evidence(p.a.room).n > 0, "with the evidence");
    is_err(rig_say(&p.a, "not sent"), PV_OK, "what she writes");
    err = rig_push(&p.a);
    tap_ok(err == PV_ERR_BAD_SIG, "is not sent into that log (%s)", pv_err_web_name(err));
    secret[0] ^= 1;
    pair_release(&p);
}

/* The server forgets the newest entries: whoever saw more notices. */
static void test_rollback(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "kept"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    struct pv_merkle_edge edge = room->edge;
    size_t count = room->count;
    struct pv_roster *before;
    is_err(pv_roster_copy(room->roster, &before), PV_OK, "the server's state now");
    is_err(rig_say(&p.a, "lost"), PV_OK, "Ada writes again");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    for (size_t i = count; i < room->count; i++) {
        pv_buf_release(&room->entries[i].entry);
        pv_buf_release(&room->entries[i].refs);
        pv_buf_release(&room->entries[i].body);
        pv_buf_release(&room->entries[i].beside);
    }
    room->count = count;
    room->edge = edge;
    pv_roster_free(room->roster);
    room->roster = before;
    is_err(rig_pull(&p.b), PV_OK, "Bob, who saw less, sees nothing odd");
    is_err(rig_pull(&p.a), PV_ERR_FORK, "Ada does");
    tap_ok(pv_room_alarm(p.a.room)[0] && pv_room_evidence(p.a.room).n, "with words and evidence");
    is_err(rig_say(&p.b, "another history"), PV_OK, "Bob writes on");
    is_err(rig_push(&p.b), PV_OK, "and sends");
    is_err(rig_push(&p.b), PV_OK, "twice");
    is_err(rig_pull(&p.a), PV_ERR_FORK, "Ada still refuses");
    is_texts(&p.a, "kept\nlost\n", "and keeps what she has");
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

/* A rekey without a wrap for Bob: he says so, someone makes another, and he reads what he was cut off from. */
static void test_bad_wrap(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_VIEWER);
    p.server.now_ms += 31ull * 24 * 3600 * 1000;
    p.server.hide_kem_keys = true;
    is_err(rig_say(&p.a, "cut off"), PV_OK, "Ada writes in an old epoch");
    is_err(rig_push(&p.a), PV_OK, "and so rekeys, without Bob's key, which the server hides");
    p.server.hide_kem_keys = false;
    is_err(rig_pull(&p.b), PV_OK, "Bob pulls");
    is_texts(&p.b, "", "and cannot read it");
    is_err(rig_push(&p.b), PV_OK, "his device says so");
    tap_is_int((long long)unsent(&p.b), 0, "once");
    long long epoch = (long long)pv_roster_epoch(pv_room_roster(p.a.room));
    is_err(rig_push(&p.a), PV_OK, "Ada's hears it");
    tap_is_int((long long)pv_roster_epoch(pv_room_roster(p.a.room)), epoch + 1, "and makes another rekey");
    is_err(rig_push(&p.a), PV_OK, "which is enough");
    tap_is_int((long long)pv_roster_epoch(pv_room_roster(p.a.room)), epoch + 1, "for it");
    is_err(rig_say(&p.a, "and on"), PV_OK, "she writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_err(rig_pull(&p.b), PV_OK, "Bob pulls");
    is_texts(&p.b, "cut off\nand on\n", "and reads all");
    pair_release(&p);
}

static struct rig_member *racer; /* sends in the moment before the second request of another's push */
static int requests_before_race;

static void race(bool entering)
{
    if (!entering || requests_before_race < 0 || requests_before_race-- > 0) return;
    is_err(rig_push(racer), PV_OK, "Ada is quicker by a moment");
}

/* Two members make the rekey that is due at one moment: one wins, and what the other writes is read by all. */
static void test_two_rekeys(void)
{
    struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_push(&p.b), PV_OK, "the rekey after the used-up invite");
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol appears");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 3, &link), PV_OK, "is invited");
    is_err(rig_join(&c, &carol, &link), PV_OK, "and joins");
    is_err(rig_pull(&p.a), PV_OK, "Ada");
    is_err(rig_pull(&p.b), PV_OK, "and Bob see it");
    p.server.down = true;
    is_err(pv_room_remove(p.a.room, &carol.me.person), PV_OK, "Ada removes Carol, with a rekey, offline");
    is_err(rig_say(&p.a, "Ada's, signed beside her rekey"), PV_OK, "and writes");
    is_err(pv_room_remove(p.b.room, &carol.me.person), PV_OK, "so does Bob");
    is_err(rig_say(&p.b, "Bob's, signed beside his"), PV_OK, "and writes");
    p.server.down = false;
    racer = &p.a;
    requests_before_race = 1;
    p.server.around = race;
    (void)!rig_push(&p.b); /* his removal lost its race, which he may be told */
    p.server.around = NULL;
    is_err(rig_push(&p.b), PV_OK, "Bob's words go out");
    tap_is_int((long long)unsent(&p.b), 0, "all of them");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_texts(&p.a, "Ada's, signed beside her rekey\nBob's, signed beside his\n", "and reads both");
    is_texts(&p.b, "Ada's, signed beside her rekey\nBob's, signed beside his\n", "as does Bob");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

/* A device signs a roster body of the test's making, and the server lets it in. `seen_bits`: what it saw is not this log. */
static void append_roster(struct rig_server *server, struct rig_room *room, const struct rig_device *device,
                          const struct pv_roster_body *body, struct pv_bytes beside, uint8_t seen_bits, const char *what)
{
    struct pv_buf entry, bundles, bytes;
    const struct pv_head *head = pv_roster_head(room->roster, &device->me.device);
    struct pv_header header = {.room = room->id, .author = device->me.device, .n = head->n + 1, .prev = head->leaf,
                               .seen_size = room->edge.size, .epoch = pv_roster_epoch(room->roster)};
    pv_merkle_edge_root(&room->edge, &header.seen_root);
    header.seen_root.b[0] ^= seen_bits;
    pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    pv_roster_body_put(&bytes, body);
    pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
    pv_body_hash(pv_buf_bytes(&bytes), &header.body_hash);
    enum pv_err err = pv_entry_make(&header, &device->me.sign_sk, &entry);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes("\x80", 1), pv_buf_bytes(&bytes), beside};
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, &bundle);
    is_err(err ? err : rig_append(server, room, pv_buf_bytes(&bundles)), PV_OK, what);
    pv_buf_release(&bytes);
    pv_buf_release(&entry);
    pv_buf_release(&bundles);
}

/* The server lets in an entry whose author saw a root that this log never had: whoever takes it in notices. */
static void test_seen_another_history(void)
{
    struct pair p;
    struct pv_roster_body body = {.type = PV_ROSTER_BAD_WRAP};
    pair_init(&p, PV_ROLE_EDITOR);
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    body.u.bad_wrap_epoch = pv_roster_epoch(room->roster);
    append_roster(&p.server, room, &p.bob, &body, pv_bytes("\x83\x80\x80\x80", 4), 1,
                  "Bob's device signs over a root of elsewhere, and the server does not look");
    is_err(rig_pull(&p.a), PV_ERR_FORK, "Ada does");
    tap_ok(strstr(pv_room_alarm(p.a.room), "saw another history") != NULL, "and says what it means");
    pair_release(&p);
}

/* Bob's rekey cuts off the secret before it, and a forget cuts there too: the next rekey does not link across. */
static void test_cut(void)
{
    struct pair p;
    struct pv_recipient *recipients = NULL;
    struct pv_bytes wraps[2] = {{0}};
    struct pv_kem_pk pk = {{1}};
    struct pv_buf beside;
    size_t count = 0;
    struct pv_roster_body rekey = {.type = PV_ROSTER_REKEY}, forget = {.type = PV_ROSTER_FORGET};
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "the rekey after the used-up invite");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    uint64_t cut = pv_roster_epoch(room->roster) + 1;
    rekey.u.rekey.epoch = cut;
    rekey.u.rekey.secret_hash.b[0] = 1;
    is_err(pv_roster_recipients(room->roster, &recipients, &count), PV_OK, "of two recipients");
    pv_recipients_digest(recipients, count, &rekey.u.rekey.recipients);
    free(recipients);
    is_err(pv_merkle_list_root(wraps, 2, &rekey.u.rekey.wraps_root), PV_OK, "who get nothing");
    pv_kem_hash(&pk, &rekey.u.rekey.kem_hash);
    pv_buf_init(&beside, PV_LIMIT_BATCH_BYTES);
    pv_buf_append(&beside, "\x83\x81", 2);
    pv_cbor_put_bytes(&beside, pk.b, sizeof pk.b);
    pv_buf_append(&beside, "\x80\x82\x40\x40", 4);
    append_roster(&p.server, room, &p.bob, &rekey, pv_buf_bytes(&beside), 0, "Bob makes a rekey without links");
    pv_buf_release(&beside);
    forget.u.ranges.ranges[0] = (struct pv_range){1, 2};
    forget.u.ranges.count = 1;
    forget.u.ranges.cut_epoch = cut;
    append_roster(&p.server, room, &p.ada, &forget, pv_bytes("\x83\x80\x80\x80", 4), 0, "Ada forgets up to it");
    tap_is_int((long long)pv_roster_cut(room->roster), (long long)cut, "the cut counts at once");
    is_err(rig_pull(&p.a), PV_OK, "her device sees it");
    is_err(pv_room_remove(p.a.room, &p.bob.me.person), PV_OK, "and removes Bob, with a rekey");
    is_err(rig_push(&p.a), PV_OK, "which goes out");
    tap_is_int((long long)pv_roster_epoch(room->roster), (long long)cut + 1, "and is accepted");
    pair_release(&p);
}

/* Two owners close one invite in the same moment: the later entry stands in the log, rejected, and is its newest. */
static void test_reopened_after_lost_race(void)
{
    static struct pair p;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 1, &link), PV_OK, "Ada makes another invite");
    is_err(rig_pull(&p.b), PV_OK, "which Bob sees");
    is_err(pv_room_close_invite(p.a.room, &link.gate), PV_OK, "Ada closes it");
    is_err(pv_room_close_invite(p.b.room, &link.gate), PV_OK, "and so does Bob");
    racer = &p.a;
    requests_before_race = 1;
    p.server.around = race;
    (void)!rig_push(&p.b); /* his lost its race, which he may be told */
    p.server.around = NULL;
    is_err(rig_pull(&p.a), PV_OK, "Ada takes in Bob's, which changes nothing");
    tap_ok(pv_roster_size(pv_room_roster(p.a.room)) > pv_roster_changed_at(pv_room_roster(p.a.room)) + 1, "and is the newest");
    is_err(rig_member_reopen(&p.a), PV_OK, "her room opens again");
    is_err(rig_say(&p.a, "after it"), PV_OK, "and she writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_err(rig_member_reopen(&p.b), PV_OK, "and so does Bob's");
    is_err(rig_pull(&p.b), PV_OK, "who fetches");
    is_texts(&p.b, "after it\n", "and reads");
    pair_release(&p);
}

/* The bodies of a page, left out. */
static void withhold_bodies(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer)
{
    struct pv_cbor in;
    struct pv_buf out;
    (void)server;
    if (!strstr(request->path, "/entries?")) return;
    pv_buf_init(&out, SIZE_MAX);
    pv_cbor_init(&in, pv_buf_bytes(answer));
    pv_cbor_get_array_of(&in, 3);
    pv_cbor_put_array(&out, 3);
    pv_cbor_put_uint(&out, pv_cbor_get_uint(&in, UINT64_MAX));
    size_t count = pv_cbor_get_array(&in, 1000);
    pv_cbor_put_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        struct pv_entry entry;
        pv_cbor_get_array_of(&in, 3);
        struct pv_bytes bytes = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES), refs = pv_cbor_get_item(&in), body = pv_cbor_get_item(&in);
        bool sealed = pv_entry_read(bytes, &entry) == PV_OK && pv_kind_is_sealed(entry.header.kind);
        pv_cbor_put_array(&out, 3);
        pv_cbor_put_bytes(&out, bytes.p, bytes.n);
        pv_buf_append(&out, refs.p, refs.n);
        if (sealed) pv_cbor_put_null(&out);
        else pv_buf_append(&out, body.p, body.n);
    }
    struct pv_bytes note = pv_cbor_get_item(&in);
    pv_buf_append(&out, note.p, note.n);
    pv_buf_clear(answer);
    pv_buf_append(answer, out.p, out.n);
    pv_buf_release(&out);
}

/* A server that takes words and gives only their entries back does not take them from who wrote them. */
static void test_own_body_withheld(void)
{
    static struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "mine"), PV_OK, "Ada writes");
    p.server.tamper = withhold_bodies;
    is_err(rig_push(&p.a), PV_OK, "and sends; the server gives back the entry alone");
    p.server.tamper = NULL;
    tap_ok(unsent(&p.a) == 0, "which settles it");
    is_texts(&p.a, "mine\n", "what she wrote is still here");
    is_err(rig_say(&p.a, "more"), PV_OK, "she writes on");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_texts(&p.a, "mine\nmore\n", "all in its order");
    pair_release(&p);
}

/* Removal, rekey and the rekey that mends it go out together, and come back in pages between which each is judged. */
static void test_pages_between_versions(void)
{
    static struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol's person room is founded");
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 2, &link), PV_OK, "Ada invites her");
    is_err(rig_join(&c, &carol, &link), PV_OK, "and she joins");
    is_err(rig_pull(&p.a), PV_OK, "which Ada sees");
    is_err(pv_room_close_invite(p.a.room, &link.gate), PV_OK, "she closes the invite, which asks for a rekey");
    is_err(rig_push(&p.a), PV_OK, "and makes it: now she has their keys at hand");
    is_err(rig_pull(&p.b), PV_OK, "and Bob");
    is_err(pv_room_remove(p.a.room, &carol.me.person), PV_OK, "Ada removes her, with a rekey for Bob");
    is_err(pv_room_leave(p.b.room), PV_OK, "but Bob leaves");
    is_err(rig_push(&p.b), PV_OK, "and says so first");
    is_err(rig_say(&p.a, "to myself"), PV_OK, "Ada writes");
    p.server.page_max = 1;
    is_err(rig_push(&p.a), PV_OK, "and sends all");
    p.server.page_max = 0;
    tap_ok(unsent(&p.a) == 0, "nothing stays behind");
    is_texts(&p.a, "to myself\n", "and she reads it");
    is_err(rig_say(&p.a, "again"), PV_OK, "she writes again");
    is_err(rig_push(&p.a), PV_OK, "which goes out, too");
    is_texts(&p.a, "to myself\nagain\n", "each once");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

/* A server that keeps half B, and whoever kept the link: they read what the invited could, until new keys are made. */
static void test_link_and_server(void)
{
    struct rig_server server;
    struct rig_device ada, bob, eve;
    struct rig_member a, b, e;
    struct pv_invite_link link;
    rig_server_init(&server, 1);
    is_err(rig_device_init(&ada, &server, 2), PV_OK, "Ada's person room is founded");
    is_err(rig_device_init(&bob, &server, 3), PV_OK, "Bob's");
    is_err(rig_device_init(&eve, &server, 4), PV_OK, "and Eve's, who overhears");
    is_err(rig_found(&a, &ada), PV_OK, "Ada founds a room");
    is_err(rig_say(&a, "before"), PV_OK, "writes");
    is_err(rig_invite(&a, PV_ROLE_EDITOR, 2, &link), PV_OK, "and makes an invite for two");
    is_err(rig_push(&a), PV_OK, "which goes out");
    is_err(rig_member_open(&e, &eve, pv_room_id(a.room)), PV_OK, "Eve has the link");
    is_err(pv_room_read_by_link(e.room, &link, &server.gates[server.gate_count - 1].b), PV_OK, "and half B, from the server");
    is_err(rig_pull(&e), PV_OK, "so she pulls");
    is_texts(&e, "before\n", "and reads");
    is_err(rig_join(&b, &bob, &link), PV_OK, "Bob joins by it");
    is_err(rig_pull(&a), PV_OK, "Ada sees him");
    is_err(pv_room_close_invite(a.room, &link.gate), PV_OK, "closes the invite, with a rekey");
    is_err(rig_say(&a, "after"), PV_OK, "and writes");
    is_err(rig_push(&a), PV_OK, "all of which goes out");
    is_err(rig_pull(&b), PV_OK, "Bob pulls");
    is_texts(&b, "before\nafter\n", "and reads all");
    is_err(rig_pull(&e), PV_OK, "Eve pulls, by link and half");
    is_texts(&e, "before\n", "and reads nothing that came after");
    rig_member_close(&a);
    rig_member_close(&b);
    rig_member_close(&e);
    rig_device_release(&ada);
    rig_device_release(&bob);
    rig_device_release(&eve);
    rig_server_release(&server);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_talk();
    test_offline();
    test_session_in_doubt();
    test_removal();
    test_viewer();
    test_overtaken();
    test_backlog();
    test_two_processes();
    test_pages();
    test_flipped_bits();
    test_forgery();
    test_rollback();
    test_quiet_week();
    test_old_epoch();
    test_bad_wrap();
    test_two_rekeys();
    test_seen_another_history();
    test_reopened_after_lost_race();
    test_pages_between_versions();
    test_own_body_withheld();
    test_cut();
    test_link_and_server();
    return tap_done();
}
