/* Forgetting, step by step: holds that stand in between, keys that are lacking, and a step that was cut is taken up again. */
#include "tests/unit/forget_pair.h"

/* ---- holds */

static void test_hold(void)
{
    struct pair p;
    bool is = true;
    pair_init(&p, PV_ROLE_VIEWER);
    is_err(rig_say(&p.a, "evidence"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.a, "chatter"), PV_OK, "and more");
    settle(&p);
    struct pv_range range = {at, at + 2};
    is_err(write_hold(&p.b, at, at + 1, false), PV_OK, "Bob, a viewer, holds the first");
    is_err(rig_pull(&p.a), PV_OK, "Ada sees it");
    is_err(pv_room_forget(p.a.room, &range, 1), PV_ERR_DENIED, "she cannot forget it");
    is_err(pv_room_forget(p.b.room, &range, 1), PV_ERR_DENIED, "nor may a viewer forget");
    is_err(write_hold(&p.b, 0, 0, true), PV_OK, "he lifts it");
    is_err(rig_pull(&p.a), PV_OK, "Ada sees it");
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "now she can");
    is_err(pv_room_forget(p.a.room, &range, 1), PV_ERR_CONFLICT, "not twice at once");
    is_err(rig_push(&p.a), PV_OK, "it is sent");
    is_err(pv_room_is_forgetting(p.a.room, &is), PV_OK, "and asked for");
    tap_ok(!is, "it is the server's now");
    struct pv_roster_body body = {.type = PV_ROSTER_HOLD};
    body.u.ranges.id = (struct pv_id16){{8}};
    body.u.ranges.ranges[0] = (struct pv_range){at, at + 1};
    body.u.ranges.count = 1;
    is_err(rig_pull(&p.b), PV_OK, "Bob sees it within the notice");
    enum pv_err err = pv_room_begin(p.b.room);
    if (!err) err = pv_write_roster(p.b.room, &body, pv_bytes(NULL, 0));
    is_err(err ? err : pv_room_commit(p.b.room), PV_OK, "and holds");
    is_err(rig_push(&p.b), PV_OK, "in time");
    tap_is_int(delete_all(&p), 0, "the server deletes nothing");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_texts(&p.b, "evidence\nchatter\n", "and all is there");
    pair_release(&p);
}

/* A hold that comes between the asking and the forget's own entry. */
static void test_hold_between(void)
{
    struct pair p;
    bool is = true;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "evidence"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    struct pv_range range = {at, at + 1};
    uint64_t epoch = pv_roster_epoch(room_of(&p)->roster);
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada would forget");
    is_err(write_hold(&p.b, at, at + 1, false), PV_OK, "Bob holds before she sends");
    is_err(rig_push(&p.a), PV_ERR_DENIED, "she is told");
    tap_is_int((long long)pv_roster_epoch(room_of(&p)->roster), (long long)epoch, "and no epoch was begun for nothing");
    is_err(pv_room_is_forgetting(p.a.room, &is), PV_OK, "and asks");
    tap_ok(!is, "it was given up");
    is_err(rig_push(&p.a), PV_OK, "what follows is sent as ever");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_texts(&p.b, "evidence\n", "nothing is lost");
    pair_release(&p);
}

/* One that comes when the cut stands in the log: what was before must not stay cut off for those who come later. */
static void test_hold_after_cut(void)
{
    struct pair p;
    struct pv_invite_link link;
    struct rig_device eve;
    struct rig_member late;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "evidence"), PV_OK, "Ada says");
    uint64_t at = settle(&p), epoch = pv_roster_epoch(room_of(&p)->roster);
    struct pv_range range = {at, at + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada forgets");
    for (size_t k = 1; k < 20 && pv_roster_epoch(room_of(&p)->roster) == epoch; k++) {
        p.server.down_from = p.server.requests + k;
        (void)!rig_push(&p.a);
    }
    p.server.down_from = 0;
    is_err(rig_pull(&p.b), PV_OK, "Bob sees her cut");
    is_err(write_hold(&p.b, at, at + 1, false), PV_OK, "and holds");
    is_err(rig_push(&p.a), PV_ERR_DENIED, "she is told");
    is_err(rig_push(&p.a), PV_OK, "and goes on");
    tap_is_int((long long)pv_roster_epoch(room_of(&p)->roster), (long long)epoch + 2, "by an epoch that leads back");
    is_err(rig_push(&p.a), PV_OK, "once");
    tap_is_int((long long)pv_roster_epoch(room_of(&p)->roster), (long long)epoch + 2, "and no more");
    is_err(rig_device_init(&eve, &p.server, 5), PV_OK, "Eve comes");
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 1, &link), PV_OK, "is invited");
    is_err(rig_join(&late, &eve, &link), PV_OK, "and joins");
    is_texts(&late, "evidence\n", "she reads what was before");
    rig_member_close(&late);
    rig_device_release(&eve);
    pair_release(&p);
}

/* Two owners forget the same; the first is done when the second's turn comes. */
static void test_overlap(void)
{
    struct pair p;
    bool is = true;
    char want[80];
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_say(&p.a, "twice"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    struct pv_range range = {at, at + 1};
    is_err(rig_pull(&p.b), PV_OK, "Bob reads it");
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada would forget it");
    is_err(pv_room_forget(p.b.room, &range, 1), PV_OK, "so would he, another owner");
    is_err(rig_push(&p.a), PV_OK, "hers is sent");
    tap_is_int(delete_all(&p), 1, "and done");
    is_err(rig_push(&p.b), PV_ERR_DENIED, "his comes too late");
    snprintf(want, sizeof want, "is forgotten already, from entry %llu on", (unsigned long long)at);
    tap_ok(strstr(pv_room_alarm(p.b.room), want) != NULL, "which he is told, and of which entries");
    is_err(pv_room_is_forgetting(p.b.room, &is), PV_OK, "and asks");
    tap_ok(!is, "it was given up");
    is_err(rig_push(&p.b), PV_OK, "what follows is sent as ever");
    pair_release(&p);
}

/* Who is an owner no longer, in the middle of a forget, must not be kept from writing by it. */
static void test_demoted(void)
{
    struct pair p;
    bool is = true;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_say(&p.a, "stays after all"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    struct pv_range range = {at, at + 1};
    is_err(pv_room_forget(p.b.room, &range, 1), PV_OK, "Bob, an owner, would forget it");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(pv_room_set_role(p.a.room, &p.bob.me.person, PV_ROLE_VIEWER), PV_OK, "and makes him a viewer");
    is_err(rig_push(&p.a), PV_OK, "before he sends");
    is_err(rig_push(&p.b), PV_ERR_DENIED, "he is told");
    is_err(pv_room_is_forgetting(p.b.room, &is), PV_OK, "and asks");
    tap_ok(!is, "it was given up");
    is_err(rig_say(&p.b, "never mind"), PV_OK, "he writes");
    is_err(rig_push(&p.b), PV_OK, "and sends that as ever");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_texts(&p.a, "stays after all\nnever mind\n", "all is there");
    pair_release(&p);
}

/* An owner is one no more, and a viewer, when the cut is made and nothing else: nobody waits for the forget, and others make
 * the way back that the viewer may not make. */
static void test_demoted_after_cut(void)
{
    struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_say(&p.a, "stays after all"), PV_OK, "Ada says");
    uint64_t at = settle(&p), epoch = pv_roster_epoch(room_of(&p)->roster);
    struct pv_range range = {at, at + 1};
    is_err(pv_room_forget(p.b.room, &range, 1), PV_OK, "Bob, an owner, forgets it");
    for (size_t k = 1; k < 9 && pv_roster_epoch(room_of(&p)->roster) == epoch; k++) {
        p.server.down_from = p.server.requests + k;
        (void)!rig_push(&p.b);
        p.server.down_from = 0;
    }
    tap_is_int((long long)pv_roster_epoch(room_of(&p)->roster), (long long)epoch + 1, "only the cut comes through");
    is_err(rig_push(&p.a), PV_OK, "Ada looks");
    tap_is_int((long long)pv_roster_epoch(room_of(&p)->roster), (long long)epoch + 1, "and lets an owner's cut stand");
    is_err(pv_room_set_role(p.a.room, &p.bob.me.person, PV_ROLE_VIEWER), PV_OK, "she makes him a viewer");
    is_err(rig_push(&p.a), PV_OK, "sends that");
    is_err(rig_push(&p.a), PV_OK, "and looks again");
    tap_is_int((long long)pv_roster_epoch(room_of(&p)->roster), (long long)epoch + 2, "she makes an epoch that leads back");
    is_err(rig_push(&p.a), PV_OK, "once more");
    tap_is_int((long long)pv_roster_epoch(room_of(&p)->roster), (long long)epoch + 2, "once");
    is_err(rig_device_init(&carol, &p.server, 8), PV_OK, "Carol comes");
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 1, &link), PV_OK, "is invited");
    is_err(rig_join(&c, &carol, &link), PV_OK, "and joins");
    is_texts(&c, "stays after all\n", "she reads what was before the cut");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

/* ---- cut at any step */

static void test_cut_off(void)
{
    size_t done = 0, most = 0;
    for (size_t k = 0; k < 40; k++) {
        struct pair p;
        pair_init(&p, PV_ROLE_EDITOR);
        struct pv_write_ref gone = put(&p.b, "gone.txt", 0644, NULL);
        settle(&p);
        remove_file(&p.b, gone);
        uint64_t at = settle(&p);
        struct pv_range range = {at, at + 1};
        long long epoch = (long long)pv_roster_epoch(room_of(&p)->roster);
        is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada forgets a removal");
        p.server.down_from = p.server.requests + k;
        enum pv_err err = k ? rig_push(&p.a) : PV_ERR_OFFLINE;
        p.server.down_from = 0;
        if (!err) done++;
        is_err(rig_member_reopen(&p.a), PV_OK, "a new process");
        if (err) is_err(rig_push(&p.a), PV_OK, "goes on where it was cut");
        size_t count = 0, keys = 0;
        struct rig_room *room = room_of(&p);
        count = pv_roster_forget_count(room->roster);
        tap_ok(count == 1, "after %zu answers: forgotten once", k);
        tap_is_int((long long)pv_roster_epoch(room->roster), epoch + 1, "by one rekey");
        is_err(rig_pull(&p.b), PV_OK, "Bob looks");
        keys = (size_t)number(p.b.db, "SELECT count(DISTINCT source) FROM entry_key");
        tap_ok(keys == 1, "one list of keys");
        tap_is_int(delete_all(&p), 1, "the server deletes");
        is_err(rig_pull(&p.a), PV_OK, "Ada looks");
        is_err(rig_pull(&p.b), PV_OK, "Bob looks");
        is_same(p.a.db, p.b.db, "both are in one state");
        is_files(&p.b, "", "and the file did not come back");
        pair_release(&p);
        most = k;
        if (done) break;
    }
    tap_ok(done == 1 && most > 6, "it was cut at each of its %zu requests", most);
}

/* An invite of somebody else comes first, so that her cut, which does not know of it, is refused: another is made. */
static void test_lost_cut(void)
{
    struct pair p;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_say(&p.a, "to be forgotten"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    struct pv_range range = {at, at + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada forgets");
    for (size_t k = 1; k < 20 && !unsent(&p.a); k++) {
        p.server.down_from = p.server.requests + k;
        (void)!rig_push(&p.a);
    }
    p.server.down_from = 0;
    size_t before = room_of(&p)->count;
    tap_ok(unsent(&p.a) == 1 && before == at + 1, "her cut is signed, and she is offline");
    is_err(rig_invite(&p.b, PV_ROLE_EDITOR, 1, &link), PV_OK, "Bob invites somebody");
    is_err(rig_push(&p.b), PV_OK, "which is in the log");
    is_err(rig_push(&p.a), PV_OK, "Ada goes on");
    tap_is_int((long long)pv_roster_forget_count(room_of(&p)->roster), 1, "it is forgotten all the same");
    struct pv_forget_info info;
    pv_roster_forget_at(room_of(&p)->roster, 0, &info);
    tap_is_int((long long)info.cut, (long long)pv_roster_epoch(room_of(&p)->roster), "with a cut that stands");
    tap_is_int(delete_all(&p), 1, "the server deletes");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_texts(&p.b, "", "it is gone");
    is_same(p.a.db, p.b.db, "both are in one state");
    pair_release(&p);
}

/* A rekey of somebody else, with links, comes between the cut and the forget: another cut is made. */
static void test_other_rekey(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "to be forgotten"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.b, "stays"), PV_OK, "Bob says");
    settle(&p);
    struct pv_range range = {at, at + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada forgets");
    uint64_t epoch = pv_roster_epoch(room_of(&p)->roster);
    for (size_t k = 1; k < 20 && pv_roster_epoch(room_of(&p)->roster) == epoch; k++) {
        p.server.down_from = p.server.requests + k;
        (void)!rig_push(&p.a);
    }
    p.server.down_from = 0;
    tap_ok(pv_roster_epoch(room_of(&p)->roster) == epoch + 1, "her cut is in the log, and she is offline");
    is_err(rig_pull(&p.b), PV_OK, "Bob sees it");
    enum pv_err err = pv_room_begin(p.b.room);
    if (!err) err = pv_rekey_make(p.b.room, false);
    is_err(err ? err : pv_room_commit(p.b.room), PV_OK, "and makes a new epoch, linked to all");
    is_err(rig_push(&p.b), PV_OK, "which is in the log");
    is_err(rig_push(&p.a), PV_OK, "Ada goes on");
    struct rig_room *room = room_of(&p);
    tap_is_int((long long)pv_roster_forget_count(room->roster), 1, "it is forgotten once");
    tap_ok(pv_roster_cut(room->roster) == epoch + 3, "with a cut after Bob's");
    tap_is_int(delete_all(&p), 1, "the server deletes");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_same(p.a.db, p.b.db, "both are in one state");
    is_texts(&p.b, "stays\n", "in which only that is gone");
    tap_is_int(number(p.b.db, "SELECT min(epoch) FROM epoch"), (long long)epoch + 3, "no older secret is left");
    pair_release(&p);
}

/* Ada's client is altered. */
static void cut_without_keys(struct pair *p)
{
    enum pv_err err = pv_room_begin(p->a.room);
    if (!err) err = pv_rekey_make(p->a.room, true);
    is_err(err ? err : pv_room_commit(p->a.room), PV_OK, "Ada's altered client cuts");
    is_err(rig_push(&p->a), PV_OK, "and sends that");
}

static void forget_without_keys(struct pair *p, uint64_t from)
{
    struct pv_roster_body body = {.type = PV_ROSTER_FORGET};
    seeded_fill(&p->ada.seed, body.u.ranges.id.b, sizeof body.u.ranges.id.b);
    body.u.ranges.ranges[0] = (struct pv_range){from, from + 1};
    body.u.ranges.count = 1;
    body.u.ranges.cut_epoch = pv_roster_epoch(pv_room_roster(p->a.room));
    enum pv_err err = pv_room_begin(p->a.room);
    if (!err) err = pv_write_roster(p->a.room, &body, pv_bytes(NULL, 0));
    is_err(err ? err : pv_room_commit(p->a.room), PV_OK, "then forgets without any keys");
    is_err(rig_push(&p->a), PV_OK, "and sends it");
    tap_is_int(delete_all(p), 1, "the server deletes");
    is_err(rig_pull(&p->b), PV_OK, "Bob looks");
}

/* An owner whose client lists no keys must not make others lose what stays. */
static void test_no_keys(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.b, "stays"), PV_OK, "Bob says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.a, "to be forgotten"), PV_OK, "Ada says");
    settle(&p);
    cut_without_keys(&p);
    forget_without_keys(&p, at + 1);
    is_texts(&p.b, "stays\n", "what was not forgotten he still reads");
    tap_ok(number(p.b.db, "SELECT min(epoch) FROM epoch") < (long long)pv_roster_cut(pv_room_roster(p.b.room)), "by the secret that he keeps for it");
    is_err(rig_say(&p.a, "more"), PV_OK, "Ada writes");
    settle(&p);
    uint64_t more = (uint64_t)number(p.a.db, "SELECT idx FROM message WHERE text = 'more'");
    forget(&p, more, more + 1);
    is_texts(&p.b, "stays\n", "and when another forget lists the keys, all is as it should be");
    pair_release(&p);
}

/* Keys of an older list go with the next cut, or with that list itself: not before there are newer ones. */
static void test_no_newer_keys(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.b, "stays"), PV_OK, "Bob says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.b, "goes later"), PV_OK, "and says");
    settle(&p);
    is_err(rig_say(&p.a, "goes first"), PV_OK, "Ada says");
    settle(&p);
    forget(&p, at + 2, at + 3);
    tap_is_int(number(p.b.db, "SELECT count(*) FROM entry_key"), 2, "by a list Bob has the keys of what stays");
    uint64_t list = (uint64_t)number(p.b.db, "SELECT max(source) FROM entry_key");
    forget_without_keys(&p, list);
    is_texts(&p.b, "stays\ngoes later\n", "which he keeps where that list is forgotten");
    cut_without_keys(&p);
    forget_without_keys(&p, at + 1);
    is_texts(&p.b, "stays\n", "and where the next cut comes without one");
    tap_is_int(number(p.b.db, "SELECT sum(idx) FROM entry_key"), (long long)at, "but none of what is forgotten itself");
    pair_release(&p);
}

/* A member gives keys that are not the entries' own: nobody keeps them. */
static void test_wrong_keys(void)
{
    struct pair p;
    struct pv_payload payload = {.type = PV_PAYLOAD_KEYS};
    struct pv_kept_key key = {.key = {{1, 2, 3}}};
    struct pv_buf keys;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "stays"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    pv_buf_init(&keys, SIZE_MAX);
    for (key.index = 0; key.index <= at; key.index++) pv_kept_key_put(&keys, &key);
    key.index = 100000; /* of nothing that is there */
    pv_kept_key_put(&keys, &key);
    payload.u.keys.keys = (struct pv_encoded_list){(size_t)at + 2, pv_buf_bytes(&keys)};
    is_err(write_payload(&p.b, &payload, NULL), PV_OK, "Bob lists keys that he made up");
    settle(&p);
    tap_is_int(number(p.a.db, "SELECT count(*) FROM entry_key"), 0, "Ada keeps none of them");
    tap_is_int(number(p.a.db, "SELECT count(*) FROM unreadable"), 0, "and reads on");
    is_err(rig_say(&p.a, "to be forgotten"), PV_OK, "Ada says more");
    uint64_t last = settle(&p);
    forget(&p, last, last + 1);
    is_texts(&p.b, "stays\n", "and the true ones count");
    pv_buf_release(&keys);
    pair_release(&p);
}

/* In the person's own room the keys that open the wraps of other rooms stay. */
static void test_person(void)
{
    struct pair p;
    struct rig_member own = {.room = NULL}, fresh;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "in the room"), PV_OK, "Ada says");
    settle(&p);
    own = (struct rig_member){.device = &p.ada, .db = p.ada.person_db, .store = p.ada.person_store, .room = p.ada.person};
    call(&own, "a name to be forgotten");
    is_err(rig_person_push(&p.ada), PV_OK, "and writes in her own room");
    struct rig_room *room = rig_room_find(&p.server, &p.ada.me.person);
    struct pv_range range = {room->count - 1, room->count};
    is_err(pv_room_forget(p.ada.person, &range, 1), PV_OK, "where she forgets");
    uint64_t epoch = pv_roster_epoch(room->roster);
    for (size_t k = 1; k < 20 && pv_roster_epoch(room->roster) == epoch; k++) {
        p.server.down_from = p.server.requests + k;
        (void)!rig_person_push(&p.ada);
    }
    p.server.down_from = 0;
    struct pv_kept_seed made_up = {.epoch = 0, .seed = {{9}}};
    struct pv_payload payload = {.type = PV_PAYLOAD_KEYS};
    struct pv_buf seeds;
    pv_buf_init(&seeds, SIZE_MAX);
    pv_kept_seed_put(&seeds, &made_up);
    payload.u.keys.seeds = (struct pv_encoded_list){1, pv_buf_bytes(&seeds)};
    is_err(write_payload(&own, &payload, NULL), PV_OK, "a list with another seed comes before the true one");
    pv_buf_release(&seeds);
    is_err(rig_person_push(&p.ada), PV_OK, "and sends it");
    struct pv_forget_info info;
    tap_is_int((long long)pv_roster_forget_count(room->roster), 1, "it is in the log");
    pv_roster_forget_at(room->roster, 0, &info);
    is_err(rig_deleted(&p.server, room, &info.id), PV_OK, "the server deletes");
    is_err(rig_person_pull(&p.ada), PV_OK, "she sees it");
    tap_is_int(number(own.db, "SELECT count(*) FROM epoch WHERE epoch < 1"), 0, "her first secret is gone");
    tap_is_int(number(own.db, "SELECT count(DISTINCT epoch) FROM epoch_seed"), 1, "but for the key that opens what others wrapped to her");
    is_err(rig_member_open(&fresh, &p.ada, pv_room_id(p.a.room)), PV_OK, "a new copy of the client room");
    is_err(rig_pull(&fresh), PV_OK, "is read from nothing");
    is_texts(&fresh, "in the room\n", "by a wrap to that key");
    rig_member_close(&fresh);
    pair_release(&p);
}

/* One that lists no seeds must not make the person's devices lose what opens other rooms' wraps. */
static void test_no_seeds(void)
{
    struct pair p;
    struct pv_roster_body body = {.type = PV_ROSTER_FORGET};
    pair_init(&p, PV_ROLE_EDITOR);
    struct rig_member own = {.device = &p.ada, .db = p.ada.person_db, .store = p.ada.person_store, .room = p.ada.person};
    call(&own, "a name to be forgotten");
    is_err(rig_person_push(&p.ada), PV_OK, "Ada writes in her own room");
    struct rig_room *room = rig_room_find(&p.server, &p.ada.me.person);
    body.u.ranges.ranges[0] = (struct pv_range){room->count - 1, room->count};
    body.u.ranges.count = 1;
    enum pv_err err = pv_room_begin(p.ada.person);
    if (!err) err = pv_rekey_make(p.ada.person, true);
    is_err(err ? err : pv_room_commit(p.ada.person), PV_OK, "her altered client cuts");
    is_err(rig_person_push(&p.ada), PV_OK, "and sends that");
    body.u.ranges.cut_epoch = pv_roster_epoch(room->roster);
    err = pv_room_begin(p.ada.person);
    if (!err) err = pv_write_roster(p.ada.person, &body, pv_bytes(NULL, 0));
    is_err(err ? err : pv_room_commit(p.ada.person), PV_OK, "then forgets without listing anything");
    is_err(rig_person_push(&p.ada), PV_OK, "and sends it");
    is_err(rig_deleted(&p.server, room, &body.u.ranges.id), PV_OK, "the server deletes");
    is_err(rig_person_pull(&p.ada), PV_OK, "she sees it");
    tap_is_int(number(own.db, "SELECT count(*) FROM epoch WHERE epoch = 0"), 1, "the secret stays, from which the key for her rooms' wraps comes");
    pair_release(&p);
}

/* A body that the server lost before, or withheld, is none that was forgotten, until it says so. */
static void test_withheld(void)
{
    struct pair p;
    struct rig_member cold;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "one"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.a, "two"), PV_OK, "and more");
    settle(&p);
    struct rig_room *room = room_of(&p);
    struct rig_entry *entry = &room->entries[at];
    entry->dropped = true;
    is_err(rig_member_open(&cold, &p.bob, pv_room_id(p.a.room)), PV_OK, "a new copy");
    is_err(rig_pull(&cold), PV_OK, "of a log that lacks a body");
    is_texts(&cold, "two\n", "has the rest");
    tap_is_int(number(cold.db, "SELECT count(*) FROM unreadable"), 1, "and says that one is missing");
    struct pv_range range = {at, at + 1}, both = {at + 1, at + 2};
    struct rig_member lacking;
    is_err(rig_member_open(&lacking, &p.ada, pv_room_id(p.a.room)), PV_OK, "a new copy of Ada's");
    is_err(rig_pull(&lacking), PV_OK, "lacks it, too");
    is_err(pv_room_forget(lacking.room, &both, 1), PV_ERR_NOT_FOUND, "and forgets nothing: it could not keep that one's key");
    rig_member_close(&lacking);
    is_err(pv_room_forget(p.a.room, &both, 1), PV_OK, "who has it can forget another");
    tap_ok(pv_room_forget(cold.room, &range, 1) == PV_ERR_DENIED, "Bob is no owner");
    is_err(rig_push(&p.a), PV_OK, "it is sent");
    tap_is_int(delete_all(&p), 1, "the server deletes");
    is_err(rig_pull(&cold), PV_OK, "the copy follows");
    tap_is_int(number(cold.db, "SELECT count(*) FROM unreadable"), 1, "what is missing is still said");
    is_texts(&cold, "", "what is forgotten is gone");
    is_err(rig_pull(&p.a), PV_OK, "Ada too");
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "then the missing one is forgotten");
    is_err(rig_push(&p.a), PV_OK, "which is sent");
    struct pv_invite_link link;
    struct rig_device eve;
    struct rig_member late;
    is_err(rig_device_init(&eve, &p.server, 5), PV_OK, "Eve comes before it is deleted");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 1, &link), PV_OK, "is invited");
    is_err(rig_join(&late, &eve, &link), PV_OK, "and joins");
    tap_ok(number(late.db, "SELECT count(*) FROM unreadable") > 0, "to her a body is missing as yet");
    tap_is_int(delete_all(&p), 1, "and done");
    is_err(rig_pull(&cold), PV_OK, "the copy follows");
    tap_is_int(number(cold.db, "SELECT count(*) FROM unreadable"), 0, "and misses nothing any more");
    is_err(rig_pull(&late), PV_OK, "so does Eve, who had neither the body nor older secrets");
    tap_is_int(number(late.db, "SELECT count(*) FROM unreadable"), 0, "and misses nothing either");
    rig_member_close(&late);
    rig_device_release(&eve);
    rig_member_close(&cold);
    pair_release(&p);
}

/* A missing body is the first that is ever forgotten: nothing else goes, and nobody who came since had anything of it. */
static void test_missing_first(void)
{
    struct pair p;
    struct pv_invite_link link;
    struct rig_device eve;
    struct rig_member late;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "one"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    room_of(&p)->entries[at].dropped = true;
    struct pv_range range = {at, at + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "what the server has lost is forgotten");
    is_err(rig_push(&p.a), PV_OK, "and sent");
    is_err(rig_device_init(&eve, &p.server, 5), PV_OK, "Eve comes before it is deleted");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 1, &link), PV_OK, "is invited");
    is_err(rig_join(&late, &eve, &link), PV_OK, "and joins");
    tap_is_int(number(late.db, "SELECT count(*) FROM unreadable"), 1, "to her a body is missing");
    tap_is_int(delete_all(&p), 1, "the server says that it is forgotten");
    is_err(rig_pull(&late), PV_OK, "she sees that");
    tap_is_int(number(late.db, "SELECT count(*) FROM unreadable"), 0, "and misses nothing");
    rig_member_close(&late);
    rig_device_release(&eve);
    pair_release(&p);
}

int main(void)
{
    test_hold();
    test_hold_between();
    test_hold_after_cut();
    test_overlap();
    test_demoted();
    test_demoted_after_cut();
    test_cut_off();
    test_lost_cut();
    test_other_rekey();
    test_no_keys();
    test_no_newer_keys();
    test_wrong_keys();
    test_person();
    test_no_seeds();
    test_withheld();
    test_missing_first();
    return tap_done();
}
