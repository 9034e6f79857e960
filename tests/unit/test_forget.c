/* Forgetting: what goes, what stays as it is, and who ends where. */
#include "tests/unit/forget_pair.h"

/* ---- messages */

static void test_message(void)
{
    struct pair p;
    struct pv_invite_link link;
    struct rig_device eve;
    struct rig_member late;
    struct pv_buf value;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.b, "before"), PV_OK, "Bob says");
    settle(&p);
    is_err(rig_say(&p.b, "canary-seven-lives"), PV_OK, "Bob says what he should not");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.a, "after"), PV_OK, "Ada says");
    settle(&p);
    tap_ok(holds(p.a.db, "canary-seven-lives") && holds(p.b.db, "canary-seven-lives"), "the words are in both databases");
    is_err(pv_store_value_set(p.b.store, PV_STORE_CHUNKS "of-a-file", pv_bytes_of_string("canary-of-a-chunk")), PV_OK, "Bob knows a chunk");
    is_err(pv_store_value_set(p.b.store, "chunk", pv_bytes_of_string("other")), PV_OK, "and something else");
    forget(&p, at, at + 1);
    is_texts(&p.a, "before\nafter\n", "what was meant is gone, the rest is there");
    tap_ok(!holds(p.a.db, "canary-seven-lives"), "no page of Ada's database has the words");
    tap_ok(!holds(p.b.db, "canary-seven-lives"), "nor one of Bob's");
    tap_ok(!holds(p.b.db, "canary-of-a-chunk"), "nor has his what opens a chunk that was stored");
    pv_buf_init(&value, 16);
    is_err(pv_store_value_get(p.b.store, "chunk", &value), PV_OK, "while the rest is there");
    pv_buf_release(&value);
    is_err(rig_device_init(&eve, &p.server, 5), PV_OK, "Eve comes");
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 1, &link), PV_OK, "is invited");
    is_err(rig_join(&late, &eve, &link), PV_OK, "and joins");
    is_texts(&late, "before\nafter\n", "she reads what stayed, by the keys that were kept");
    is_err(rig_say(&late, "hello"), PV_OK, "and writes");
    is_err(rig_push(&late), PV_OK, "as ever");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_texts(&p.b, "before\nafter\nhello\n", "and reads it");
    rig_member_close(&late);
    rig_device_release(&eve);
    pair_release(&p);
}

static void test_asking(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "one"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.a, "two"), PV_OK, "and more");
    uint64_t last = settle(&p);
    struct pv_range empty = {at, at}, beyond = {last, last + 2}, clear = {0, 1};
    struct pv_range turned[] = {{last, last + 1}, {at, at + 1}}, touching[] = {{at, at + 1}, {at + 1, at + 2}};
    is_err(pv_room_forget(p.a.room, &empty, 1), PV_ERR_USAGE, "an empty range is none");
    is_err(pv_room_forget(p.a.room, &beyond, 1), PV_ERR_USAGE, "nor is what is yet to come");
    is_err(pv_room_forget(p.a.room, turned, 2), PV_ERR_USAGE, "ranges rise");
    is_err(pv_room_forget(p.a.room, touching, 2), PV_ERR_USAGE, "and do not touch");
    is_err(pv_room_forget(p.a.room, &clear, 1), PV_ERR_DENIED, "where only the roster's own entries are, there is nothing to forget");
    is_err(rig_push(&p.a), PV_OK, "nothing of it is sent");
    tap_is_int((long long)room_of(&p)->count, (long long)last + 1, "the log is as long as it was");
    pair_release(&p);
}

/* A second forget while the first one's notice runs: what waits goes along, unless somebody holds it. */
static void test_pending(bool held)
{
    struct pair p;
    struct pv_forget_info second;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "first"), PV_OK, "Ada says");
    uint64_t first = settle(&p);
    is_err(rig_say(&p.b, "stays"), PV_OK, "Bob says");
    settle(&p);
    is_err(rig_say(&p.a, "second"), PV_OK, "Ada says");
    uint64_t later = settle(&p);
    struct pv_range range = {first, first + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada forgets");
    is_err(rig_push(&p.a), PV_OK, "and sends it; the notice runs");
    is_err(rig_pull(&p.b), PV_OK, "Bob sees it");
    if (held) is_err(write_hold(&p.b, first, first + 1, false), PV_OK, "and holds it");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    range = (struct pv_range){later, later + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "she forgets more");
    is_err(rig_push(&p.a), PV_OK, "and sends it");
    tap_is_int((long long)pv_roster_forget_count(room_of(&p)->roster), 2, "two are asked for");
    pv_roster_forget_at(room_of(&p)->roster, 1, &second);
    bool along = second.ranges[0].from <= first && first < second.ranges[0].to;
    tap_ok(along != held, held ? "the second leaves out what is held" : "the second has what waits for the first");
    tap_is_int(delete_all(&p), held ? 1 : 2, "the server deletes what it may");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_texts(&p.b, held ? "first\nstays\n" : "stays\n", "Bob reads what is left");
    is_same(p.a.db, p.b.db, "as Ada does");
    pair_release(&p);
}

/* Bob's device signs that entry; what it would write is not in its outbox. */
static void sign_entry(struct pair *p, uint64_t index)
{
    struct rig_room *room = room_of(p);
    struct pv_buf entry, bundles, body;
    const struct pv_head *head = pv_roster_head(room->roster, &p->bob.me.device);
    struct pv_sign_body sign = {.index = index};
    struct pv_header header = {.room = room->id, .author = p->bob.me.device, .n = head->n + 1, .prev = head->leaf, .kind = PV_KIND_SIGN,
                               .seen_size = room->edge.size};
    pv_merkle_edge_root(&room->edge, &header.seen_root);
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    pv_sign_body_put(&body, &sign);
    pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
    pv_body_hash(pv_buf_bytes(&body), &header.body_hash);
    enum pv_err err = pv_entry_make(&header, &p->bob.me.sign_sk, &entry);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes("\x80", 1), pv_buf_bytes(&body), pv_bytes("\x83\x80\x80\x80", 4)};
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, &bundle);
    is_err(err ? err : rig_append(&p->server, room, pv_buf_bytes(&bundles)), PV_OK, "Bob signs");
    pv_buf_release(&body);
    pv_buf_release(&entry);
    pv_buf_release(&bundles);
    is_err(rig_pull(&p->b), PV_OK, "and sees it");
    is_err(rig_pull(&p->a), PV_OK, "as Ada does");
}

/* What somebody signed stays, in the midst of what goes; so does what the room itself stands on. */
static void test_what_stays(void)
{
    struct pair p;
    struct pv_payload chunking = {.type = PV_PAYLOAD_CHUNKING, .u.chunking = {{1, 2, 3}}};
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(write_payload(&p.a, &chunking, NULL), PV_OK, "a secret for the room's files");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.a, "before"), PV_OK, "Ada says");
    settle(&p);
    is_err(rig_say(&p.a, "signed"), PV_OK, "and this");
    uint64_t signed_at = settle(&p);
    is_err(rig_say(&p.a, "behind"), PV_OK, "and more");
    uint64_t last = settle(&p);
    sign_entry(&p, signed_at);
    forget(&p, at, last + 1);
    is_texts(&p.b, "signed\n", "all but what is signed is gone");
    tap_is_int(number(p.b.db, "SELECT count(*) FROM chunking"), 1, "and but for the files' secret");
    struct pv_range range = {signed_at, signed_at + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_ERR_DENIED, "by itself it cannot be asked for either");
    pair_release(&p);
}

/* A clear entry between two that go, which somebody holds: ranges go around it. */
static void test_between(void)
{
    struct pair p;
    struct pv_invite_link link;
    struct pv_forget_info info;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "one"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 1, &link), PV_OK, "and makes an invite");
    is_err(rig_say(&p.a, "two"), PV_OK, "and says more");
    settle(&p);
    is_err(write_hold(&p.b, at + 1, at + 2, false), PV_OK, "Bob holds the invite's entry");
    is_err(rig_pull(&p.a), PV_OK, "Ada sees it");
    struct pv_range range = {at, at + 3};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "she forgets what is around it");
    is_err(rig_push(&p.a), PV_OK, "and sends it");
    tap_ok(pv_roster_forget_count(room_of(&p)->roster) == 1, "it stands in the log");
    pv_roster_forget_at(room_of(&p)->roster, 0, &info);
    tap_is_int((long long)info.range_count, 2, "in two ranges");
    pair_release(&p);
}

/* The blobs' own entry goes with the file that it is of, and not alone. */
static void test_blobs(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct pv_write_ref file = put(&p.b, "large.bin", 0644, NULL);
    uint64_t at = settle(&p);
    struct pv_payload blobs = {.type = PV_PAYLOAD_FILE_BLOBS, .u.file_blobs = file.write_id};
    is_err(write_payload(&p.b, &blobs, NULL), PV_OK, "more blobs of it than one entry names");
    settle(&p);
    struct pv_range range = {at + 1, at + 2};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_ERR_DENIED, "alone they stay with their file");
    forget(&p, at, at + 1);
    is_files(&p.b, "", "the file is gone");
    tap_is_int(number(p.b.db, "SELECT count(*) FROM entry WHERE body IS NULL"), 2, "and the other entry with it");
    pair_release(&p);
}

/* The server has lost what leads to older keys: who came since lacks them, and others have them. */
static void test_lacking_key(void)
{
    struct pair p;
    struct pv_invite_link link;
    struct rig_device eve;
    struct rig_member late;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "before"), PV_OK, "Ada says");
    settle(&p);
    enum pv_err err = pv_room_begin(p.a.room);
    if (!err) err = pv_rekey_make(p.a.room, false);
    is_err(err ? err : pv_room_commit(p.a.room), PV_OK, "she makes new keys");
    settle(&p);
    is_err(rig_say(&p.a, "after"), PV_OK, "and goes on");
    settle(&p);
    for (size_t i = 0; i < room_of(&p)->count; i++) room_of(&p)->entries[i].beside_dropped = true;
    is_err(rig_device_init(&eve, &p.server, 5), PV_OK, "Eve comes");
    is_err(rig_invite(&p.a, PV_ROLE_OWNER, 1, &link), PV_OK, "is invited as an owner");
    is_err(rig_join(&late, &eve, &link), PV_OK, "and joins");
    tap_ok(number(late.db, "SELECT count(*) FROM unreadable") > 0, "she cannot read all that was before");
    struct pv_range range = {.from = (uint64_t)number(p.a.db, "SELECT idx FROM message WHERE text = 'after'")};
    range.to = range.from + 1;
    is_err(pv_room_forget(late.room, &range, 1), PV_ERR_NO_KEY, "so she does not forget: its key would be lost to all");
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada can");
    rig_member_close(&late);
    rig_device_release(&eve);
    pair_release(&p);
}

/* The same write twice in the log counts once: without the first, the second must not come to count. */
static void test_again(void)
{
    struct pair p;
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    struct pv_buf buf;
    pair_init(&p, PV_ROLE_EDITOR);
    payload.u.message.text = pv_bytes_of_string("said twice");
    is_err(write_payload(&p.a, &payload, NULL), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&buf, &payload);
    is_err(pv_room_write(p.a.room, PV_KIND_TALK, pv_buf_bytes(&buf), pv_bytes(NULL, 0)), PV_OK, "the same once more");
    pv_buf_release(&buf);
    settle(&p);
    is_texts(&p.b, "said twice\n", "which counts once");
    forget(&p, at, at + 1);
    is_texts(&p.b, "", "and is gone with the first");
    tap_is_int(number(p.b.db, "SELECT body IS NULL FROM entry WHERE idx = (SELECT max(idx) FROM entry WHERE body IS NULL)"), 1,
               "bodies are gone");
    tap_is_int(number(p.b.db, "SELECT count(*) FROM entry WHERE body IS NULL"), 2, "of both");
    pair_release(&p);
}

static void test_name(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    call(&p.b, "Robert");
    settle(&p);
    call(&p.b, "Bob");
    uint64_t at = settle(&p);
    forget(&p, at, at + 1);
    tap_is_int(number(p.a.db, "SELECT count(*) FROM profile"), 0, "of a name that is forgotten no older one comes back");
    call(&p.b, "B.");
    settle(&p);
    tap_is_int(number(p.a.db, "SELECT count(*) FROM profile WHERE name = 'B.'"), 1, "a new one can be taken");
    pair_release(&p);
}

/* ---- files */

static void test_removal(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct pv_write_ref gone = put(&p.b, "gone.txt", 0644, NULL);
    (void)put(&p.a, "stays.txt", 0600, NULL);
    settle(&p);
    remove_file(&p.b, gone);
    uint64_t at = settle(&p);
    is_files(&p.a, "stays.txt:1 ", "Bob removed a file");
    forget(&p, at, at + 1);
    is_files(&p.a, "stays.txt:1 ", "an rm is forgotten, and the file does not come back");
    pair_release(&p);
}

static void test_edit(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct pv_write_ref v1 = put(&p.b, "plan.txt", 0644, NULL);
    settle(&p);
    struct pv_write_ref v2 = put(&p.b, "plan.txt", 0600, &v1);
    uint64_t second = settle(&p);
    (void)put(&p.a, "other.txt", 0644, NULL);
    settle(&p);
    forget(&p, second, second + 1);
    is_files(&p.a, "other.txt:1 ", "with its newest version a file is gone: the one before does not come back");
    struct pv_write_ref w1 = put(&p.a, "list.txt", 0644, NULL);
    settle(&p);
    struct pv_write_ref w2 = put(&p.b, "list.txt", 0600, &w1);
    uint64_t middle = settle(&p);
    (void)put(&p.a, "list.txt", 0640, &w2);
    settle(&p);
    is_files(&p.b, "list.txt:3 other.txt:1 ", "a file of three versions");
    forget(&p, middle, middle + 1);
    tap_is_int(number(p.b.db, "SELECT count(*) FROM file WHERE CAST(path AS TEXT) = 'list.txt' AND removed IS NULL"), 1, "without its second stands once");
    tap_is_int(number(p.b.db, "SELECT count(*) FROM file f JOIN version v ON v.idx = f.head WHERE CAST(f.path AS TEXT) = 'list.txt'"
                              " AND f.removed IS NULL AND f.head = (SELECT max(idx) FROM version)"), 1, "at its newest version");
    (void)v2;
    pair_release(&p);
}

static void test_rename(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct pv_write_ref v1 = put(&p.b, "draft.txt", 0644, NULL);
    settle(&p);
    move_file(&p.b, v1, "final.txt");
    uint64_t at = settle(&p);
    struct pv_write_ref v2 = put(&p.a, "final.txt", 0600, &v1);
    settle(&p);
    is_files(&p.b, "final.txt:2 ", "a file that was renamed");
    forget(&p, at, at + 1);
    is_files(&p.b, "final.txt:2 ", "keeps its new name when the renaming is forgotten");
    move_file(&p.a, v2, "sent.txt");
    settle(&p);
    is_files(&p.b, "sent.txt:2 ", "and can be renamed again");
    pair_release(&p);
}

/* Two files at one path: the one that stood there first holds it, also when what brought it there is forgotten. */
static void test_holder(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    struct pv_write_ref first = put(&p.a, "elsewhere.txt", 0600, NULL);
    settle(&p);
    move_file(&p.a, first, "same.txt");
    uint64_t at = settle(&p);
    (void)put(&p.b, "same.txt", 0644, NULL);
    settle(&p);
    is_files(&p.b, "same.txt:1 same.txt:1 ", "two files at one path");
    long long head = number(p.b.db, "SELECT head FROM file WHERE CAST(path AS TEXT) = 'same.txt' AND removed IS NULL ORDER BY placed LIMIT 1");
    forget(&p, at, at + 1);
    tap_ok(head > 0 && number(p.b.db, "SELECT head FROM file WHERE CAST(path AS TEXT) = 'same.txt' AND removed IS NULL ORDER BY placed LIMIT 1") == head,
           "the same one holds it");
    is_files(&p.b, "same.txt:1 same.txt:1 ", "and both are there");
    pair_release(&p);
}

/* ---- twice, and beside others */

static void test_twice(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    for (int i = 0; i < 6; i++) {
        char text[16];
        snprintf(text, sizeof text, "word %d", i);
        is_err(rig_say(i % 2 ? &p.a : &p.b, text), PV_OK, text);
        settle(&p);
    }
    uint64_t last = settle(&p);
    forget(&p, last - 1, last);
    is_texts(&p.b, "word 0\nword 1\nword 2\nword 3\nword 5\n", "one is gone");
    forget(&p, last - 4, last - 2);
    is_texts(&p.b, "word 0\nword 3\nword 5\n", "then two more, and no other");
    tap_is_int(number(p.b.db, "SELECT count(DISTINCT source) FROM entry_key"), 1, "all kept keys are of the newest list");
    uint64_t source = (uint64_t)number(p.b.db, "SELECT min(source) FROM entry_key");
    tap_ok(source > last + 4, "which is not the first one");
    tap_is_int(number(p.b.db, "SELECT count(*) FROM entry WHERE body IS NULL"), 4, "the first list, too, is forgotten");
    pair_release(&p);
}

static void test_unsent(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "to be forgotten"), PV_OK, "Ada says");
    uint64_t at = settle(&p);
    is_err(rig_say(&p.b, "sealed long ago"), PV_OK, "Bob writes, and is offline");
    struct pv_range range = {at, at + 1};
    is_err(pv_room_forget(p.a.room, &range, 1), PV_OK, "Ada forgets");
    is_err(rig_push(&p.a), PV_OK, "and sends it");
    tap_is_int(delete_all(&p), 1, "the server deletes");
    is_err(rig_pull(&p.b), PV_OK, "Bob comes back");
    tap_ok(number(p.b.db, "SELECT min(epoch) FROM epoch") == (long long)pv_roster_cut(pv_room_roster(p.b.room)), "has no secret from before the cut");
    is_err(rig_push(&p.b), PV_OK, "and sends");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_texts(&p.a, "sealed long ago\n", "what he wrote is there, once");
    tap_is_int((long long)unsent(&p.b), 0, "nothing waits");
    is_same(p.a.db, p.b.db, "both are in one state");
    pair_release(&p);
}
int main(void)
{
    test_message();
    test_asking();
    test_pending(false);
    test_pending(true);
    test_what_stays();
    test_between();
    test_blobs();
    test_lacking_key();
    test_again();
    test_name();
    test_removal();
    test_edit();
    test_rename();
    test_holder();
    test_twice();
    test_unsent();
    return tap_done();
}
