/* What is written between a forget and the server's `deleted`: it could not be reckoned with when that was planned. */
#include <limits.h>

#include "core/state/fold.h"
#include "tests/unit/forget_pair.h"

static void begin(struct pair *p, uint64_t from, uint64_t to)
{
    struct pv_range range = {from, to};
    is_err(pv_room_forget(p->a.room, &range, 1), PV_OK, "Ada forgets");
    is_err(rig_push(&p->a), PV_OK, "and sends it");
}

static void end(struct pair *p)
{
    tap_is_int(delete_all(p), 1, "the server deletes");
    is_err(rig_pull(&p->a), PV_OK, "Ada looks");
    is_err(rig_pull(&p->b), PV_OK, "Bob too");
    is_same(p->a.db, p->b.db, "both have the same state");
}

/* Bob's home was copied with words unsent. One copy sends them and they are to be forgotten, then the other comes. */
static void test_copied_home(void)
{
    struct pair p;
    struct rig_member copy;
    struct pv_payload words = {.type = PV_PAYLOAD_MESSAGE, .write_id = {{7}}, .u.message.text = pv_bytes_of_string("canary-of-a-copy")};
    struct pv_buf payload;
    pv_buf_init(&payload, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&payload, &words);
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "Ada makes the rekey that is due");
    is_err(rig_pull(&p.b), PV_OK, "Bob sees it");
    is_err(rig_member_open(&copy, &p.bob, pv_room_id(p.a.room)), PV_OK, "a copy of Bob's home");
    is_err(rig_pull(&copy), PV_OK, "as well");
    pv_room_set_time(p.b.room, p.server.now_ms);
    pv_room_set_time(copy.room, p.server.now_ms);
    is_err(pv_room_write(p.b.room, PV_KIND_TALK, pv_buf_bytes(&payload), pv_bytes(NULL, 0)), PV_OK, "words wait in the one");
    is_err(pv_room_write(copy.room, PV_KIND_TALK, pv_buf_bytes(&payload), pv_bytes(NULL, 0)), PV_OK, "and in the other");
    uint64_t at = settle(&p);
    begin(&p, at, at + 1);
    is_err(rig_push(&copy), PV_OK, "the copy comes back");
    tap_is_int((long long)unsent(&copy), 0, "and has nothing to send");
    end(&p);
    is_texts(&p.b, "", "what was said once is gone");
    is_err(rig_pull(&copy), PV_OK, "the copy looks");
    is_texts(&copy, "", "and has it no more");
    tap_ok(!holds(copy.db, "canary-of-a-copy"), "in no page of its database");
    rig_member_close(&copy);
    pv_buf_release(&payload);
    pair_release(&p);
}

static struct pair *racing;
static int requests_before_race;

static void race(bool entering)
{
    if (!entering || requests_before_race < 0 || requests_before_race-- > 0) return;
    is_err(rig_push(&racing->a), PV_OK, "Ada is quicker by a moment");
}

/* What Bob sent is in the log behind what is forgotten, and his connection breaks when he has just read that. */
static void test_cut_pull(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    uint64_t at = settle(&p) + 1;
    is_err(rig_say(&p.a, "gone"), PV_OK, "Ada says");
    is_err(rig_say(&p.b, "kept"), PV_OK, "Bob says");
    racing = &p;
    requests_before_race = 1;
    p.server.around = race;
    p.server.down_from = p.server.requests + 4; /* his page, her two, his append */
    tap_ok(rig_push(&p.b) != PV_OK && unsent(&p.b) == 1, "and sends, but nobody tells him that it came");
    p.server.around = NULL;
    p.server.down_from = 0;
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_texts(&p.a, "gone\nkept\n", "and reads both");
    begin(&p, at, at + 1);
    tap_is_int(delete_all(&p), 1, "the server deletes");
    p.server.down_from = p.server.requests + 1;
    tap_ok(rig_pull(&p.b) != PV_OK, "Bob reads the log, and no more");
    tap_is_int((long long)unsent(&p.b), 0, "where his words are");
    is_texts(&p.b, "kept\n", "and he reads them");
    p.server.down_from = 0;
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(rig_pull(&p.b), PV_OK, "and Bob");
    is_err(rig_pull(&p.b), PV_OK, "once more");
    is_texts(&p.b, "kept\n", "he reads what he did");
    is_same(p.a.db, p.b.db, "and both have the same state");
    pair_release(&p);
}

/* Take the steps that are left of a pull, each as short as can be: how often is it to be read after the worst of them? */
static long long least_read(struct rig_member *member)
{
    long long least = LLONG_MAX;
    bool more = true;
    for (size_t steps = 0; more && steps < 256; steps++) {
        if (pv_open_pending(member->room, 1, &more)) return -1;
        long long now = number(member->db, "SELECT count(*) FROM message WHERE CAST(text AS TEXT) = 'kept'");
        if (now < least) least = now;
    }
    return more ? -1 : least;
}

/* Any step may be the last for long: the power fails, or the disk stays full. */
static void test_each_step(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.b, "gone"), PV_OK, "Bob says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.b, "kept"), PV_OK, "and more");
    settle(&p);
    begin(&p, at, at + 1);
    tap_is_int(delete_all(&p), 1, "the server deletes");
    p.server.down_from = p.server.requests + 1;
    tap_ok(rig_pull(&p.b) != PV_OK, "Bob reads the log, and no more");
    p.server.down_from = 0;
    is_texts(&p.b, "gone\nkept\n", "so that nothing is erased yet");
    tap_is_int(least_read(&p.b), 1, "what stays can be read after each step of erasing");
    is_texts(&p.b, "kept\n", "and the rest goes");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(rig_pull(&p.b), PV_OK, "and Bob again");
    is_err(pv_fold_outdate(p.b.store), PV_OK, "all is to be folded anew");
    tap_is_int(least_read(&p.b), 1, "and can be read after each step of that");
    is_same(p.a.db, p.b.db, "both have the same state");
    pair_release(&p);
}

/* A move that names a version which goes does nothing any more; one that names the newest stands. */
static void test_move(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct pv_write_ref v1 = put(&p.b, "plan.txt", 0644, NULL);
    uint64_t at = settle(&p);
    (void)put(&p.b, "plan.txt", 0600, &v1);
    struct pv_write_ref w1 = put(&p.b, "list.txt", 0644, NULL);
    settle(&p);
    begin(&p, at, at + 1);
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    move_file(&p.b, v1, "lost.txt");
    move_file(&p.b, w1, "final.txt");
    settle(&p);
    is_files(&p.a, "final.txt:1 lost.txt:2 ", "Bob moved two files while it waits");
    end(&p);
    is_files(&p.a, "final.txt:1 plan.txt:1 ", "the one stands where its newest version was put, the other where he moved it");
    pair_release(&p);
}

/* An edit of what goes stands as a file of its own; a removal of what goes leaves nothing behind. */
static void test_edit(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct pv_write_ref v1 = put(&p.b, "plan.txt", 0644, NULL);
    uint64_t at = settle(&p);
    struct pv_write_ref w1 = put(&p.b, "list.txt", 0644, NULL);
    settle(&p);
    begin(&p, at, at + 2);
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    (void)put(&p.b, "plan.txt", 0600, &v1);
    remove_file(&p.b, w1);
    settle(&p);
    is_files(&p.a, "plan.txt:2 ", "Bob edits one file and removes another while it waits");
    end(&p);
    is_files(&p.a, "plan.txt:1 ", "his edit stands, and nothing else");
    pair_release(&p);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_copied_home();
    test_cut_pull();
    test_each_step();
    test_move();
    test_edit();
    return tap_done();
}
