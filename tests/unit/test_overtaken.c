/* What overtakes what is signed and not sent yet: rekeys, removals, other owners, in the same moment or while away; or a
 * copy of the same home. */
#include "core/state/payload.h"
#include "core/sync/successor.h"
#include "tests/unit/sync_pair.h"

/* A third one, by an invite of Ada's. */
static void carol_joins(struct pair *p, struct rig_device *carol, struct rig_member *ret_member, enum pv_role role, uint64_t uses,
                        struct pv_invite_link *ret_link)
{
    is_err(rig_device_init(carol, &p->server, 4), PV_OK, "Carol appears");
    is_err(rig_invite(&p->a, role, uses, ret_link), PV_OK, "is invited");
    is_err(rig_join(ret_member, carol, ret_link), PV_OK, "and joins");
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
    carol_joins(&p, &carol, &c, PV_ROLE_VIEWER, 3, &link);
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

static struct rig_member *racer; /* sends in the moment before the second request of another's push */
static int requests_before_race;

static void race(bool entering)
{
    if (!entering || requests_before_race < 0 || requests_before_race-- > 0) return;
    is_err(rig_push(racer), PV_OK, "another is quicker by a moment");
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
    carol_joins(&p, &carol, &c, PV_ROLE_VIEWER, 3, &link);
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

/* Ada removes two, offline, and Bob's rekey comes in before hers. A second one of hers, over the one that lost, would be accepted
 * and lead to no secret of Bob's epoch: whoever joins later would not read what was said in it. */
static void test_rekey_over_unsent(void)
{
    static struct pair p;
    struct rig_device carol, dora, erin;
    struct rig_member c, d, e;
    struct pv_invite_link link, other;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_push(&p.b), PV_OK, "the rekey after the used-up invite");
    carol_joins(&p, &carol, &c, PV_ROLE_VIEWER, 3, &link);
    is_err(rig_device_init(&dora, &p.server, 5), PV_OK, "Dora appears");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 2, &other), PV_OK, "is invited");
    is_err(rig_join(&d, &dora, &other), PV_OK, "and joins");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(pv_room_close_invite(p.a.room, &other.gate), PV_OK, "and closes that invite");
    is_err(rig_push(&p.a), PV_OK, "with a rekey: now she has all their keys at hand");
    is_err(rig_pull(&p.b), PV_OK, "Bob sees it");
    is_err(pv_room_remove(p.a.room, &carol.me.person), PV_OK, "Ada removes Carol");
    tap_is_int((long long)unsent(&p.a), 2, "with a rekey, unsent");
    is_err(pv_room_remove(p.a.room, &dora.me.person), PV_OK, "and Dora");
    is_err(pv_room_close_invite(p.b.room, &link.gate), PV_OK, "Bob closes the other invite");
    is_err(rig_say(&p.b, "between"), PV_OK, "and writes");
    racer = &p.b;
    requests_before_race = 1;
    p.server.around = race;
    (void)!rig_push(&p.a); /* her rekey lost its race */
    p.server.around = NULL;
    is_err(rig_push(&p.a), PV_OK, "Ada sends");
    tap_is_int((long long)unsent(&p.a), 0, "all of it");
    tap_ok(!pv_roster_principal(pv_room_roster(p.a.room), &carol.me.person) && !pv_roster_principal(pv_room_roster(p.a.room), &dora.me.person),
           "both are out");
    is_texts(&p.a, "between\n", "she reads what Bob said");
    is_err(rig_device_init(&erin, &p.server, 6), PV_OK, "Erin appears");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 1, &link), PV_OK, "is invited");
    is_err(rig_join(&e, &erin, &link), PV_OK, "joins");
    is_texts(&e, "between\n", "and reads it, too");
    rig_member_close(&c);
    rig_member_close(&d);
    rig_member_close(&e);
    rig_device_release(&carol);
    rig_device_release(&dora);
    rig_device_release(&erin);
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

/* Removal, rekey and the rekey that mends it go out together, and come back in pages between which each is judged. */
static void test_pages_between_versions(void)
{
    static struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_EDITOR);
    carol_joins(&p, &carol, &c, PV_ROLE_EDITOR, 2, &link);
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

/* A rekey overtakes words that stand behind a change of a role, which still holds, and now asks for a rekey of its own. */
static void test_kept_before_overtaken(void)
{
    static struct pair p;
    struct rig_device carol, dave;
    struct rig_member c, d;
    struct pv_invite_link hers, his;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol appears");
    is_err(rig_device_init(&dave, &p.server, 5), PV_OK, "and Dave");
    is_err(rig_invite(&p.b, PV_ROLE_VIEWER, 2, &his), PV_OK, "Bob makes an invite");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 1, &hers), PV_OK, "and Ada one");
    is_err(pv_room_set_role(p.a.room, &p.bob.me.person, PV_ROLE_VIEWER), PV_OK, "Ada makes Bob a viewer, which closes his, unsent");
    is_err(rig_say(&p.a, "behind it"), PV_OK, "and writes, unsent");
    is_err(rig_join(&c, &carol, &his), PV_OK, "Carol joins by Bob's invite, which is open for one more");
    is_err(rig_join(&d, &dave, &hers), PV_OK, "Dave by Ada's, which is used up, with a rekey");
    is_err(rig_push(&p.a), PV_OK, "Ada sends");
    tap_ok(unsent(&p.a) == 0, "nothing stays behind");
    is_err(rig_pull(&p.b), PV_OK, "Bob fetches");
    is_texts(&p.b, "behind it\n", "and reads it");
    tap_is_int(pv_roster_principal(pv_room_roster(p.b.room), &p.bob.me.person)->role, PV_ROLE_VIEWER, "as a viewer");
    rig_member_close(&c);
    rig_member_close(&d);
    rig_device_release(&carol);
    rig_device_release(&dave);
    pair_release(&p);
}

/* A thief of Ada's keys spends a number of hers on an entry that fits nowhere. */
static void spend(struct pair *p, uint64_t ahead)
{
    struct rig_room *room = rig_room_find(&p->server, pv_room_id(p->a.room));
    const struct pv_head *head = pv_roster_head(room->roster, &p->ada.me.device);
    struct pv_header header = {.room = room->id, .author = p->ada.me.device, .n = head->n + ahead, .prev = {{9}}, .kind = PV_KIND_TALK,
                               .epoch = pv_roster_epoch(room->roster)};
    struct pv_buf entry, bundles;
    static const uint8_t junk[128];
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    pv_merkle_empty_root(&header.seen_root);
    pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
    pv_body_hash(pv_bytes(junk, sizeof junk), &header.body_hash);
    enum pv_err err = pv_entry_make(&header, &p->ada.me.sign_sk, &entry);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes("\x80", 1), pv_bytes(junk, sizeof junk), pv_bytes("\x83\x80\x80\x80", 4)};
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, &bundle);
    size_t count = room->count;
    is_err(err ? err : rig_append(&p->server, room, pv_buf_bytes(&bundles)), PV_OK, "a thief writes in Ada's name");
    tap_ok(room->count == count + 1 && pv_roster_head(room->roster, &p->ada.me.device)->n == head->n, "in vain, but the number is spent");
    pv_buf_release(&entry);
    pv_buf_release(&bundles);
}

/* A thief of Ada's keys says something under the last number that there is: nothing of hers can follow, but she reads on. */
static void test_last_number(void)
{
    static struct pair p;
    struct rig_member thief;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "Ada makes the rekey that is due");
    is_err(rig_member_open(&thief, &p.ada, pv_room_id(p.a.room)), PV_OK, "a thief with her keys");
    is_err(rig_pull(&thief), PV_OK, "reads");
    struct pv_head head;
    is_err(pv_store_head_get(thief.store, &head), PV_OK, "and goes on from her last entry");
    head.n = PV_LIMIT_N - 1;
    is_err(pv_store_head_set(thief.store, &head), PV_OK, "under the last number");
    is_err(rig_say(&thief, "the last of Ada"), PV_OK, "writes");
    is_err(rig_push(&thief), PV_OK, "and sends");
    is_err(rig_say(&p.a, "mine"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "her device reads what came first");
    tap_is_int((long long)unsent(&p.a), 1, "and her words wait");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_err(rig_say(&p.b, "from Bob"), PV_OK, "Bob writes");
    is_err(rig_push(&p.b), PV_OK, "Bob sends");
    is_err(rig_push(&p.a), PV_OK, "Ada looks");
    is_texts(&p.a, "the last of Ada\nfrom Bob\n", "and reads what he says");
    is_err(rig_say(&p.a, "again"), PV_ERR_LIMIT, "when she writes on, she is told why it cannot go out");
    rig_member_close(&thief);
    pair_release(&p);
}

static void test_spent_numbers(void)
{
    static struct pair p;
    struct rig_member copy;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "Ada makes the rekey that is due");
    is_err(rig_say(&p.a, "one"), PV_OK, "she has signed words");
    spend(&p, 1);
    is_err(rig_push(&p.a), PV_OK, "and sends them");
    tap_is_int((long long)unsent(&p.a), 0, "under another number");
    spend(&p, 2);
    is_err(rig_pull(&p.a), PV_OK, "she sees one that is to come");
    is_err(rig_say(&p.a, "two"), PV_OK, "writes");
    is_err(rig_say(&p.a, "three"), PV_OK, "and writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    tap_is_int((long long)unsent(&p.a), 0, "and passes it over");
    spend(&p, 1);
    is_err(rig_member_open(&copy, &p.ada, pv_room_id(p.a.room)), PV_OK, "a home that reads from nothing");
    is_err(rig_pull(&copy), PV_OK, "sees it as well");
    is_err(rig_say(&copy, "four"), PV_OK, "writes");
    is_err(rig_push(&copy), PV_OK, "and sends");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_texts(&p.b, "one\ntwo\nthree\nfour\n", "and reads all, each once");
    rig_member_close(&copy);
    pair_release(&p);
}

static enum pv_err write_bytes(struct rig_member *member, struct pv_buf *payload)
{
    pv_room_set_time(member->room, member->device->server->now_ms);
    return pv_room_write(member->room, PV_KIND_TALK, pv_buf_bytes(payload), pv_bytes(NULL, 0));
}

/* Bob's home was copied with words unsent, and both copies send them: they are in the log once. The second time they would
 * do nothing, but stand there as what comes back when the first is forgotten. */
static void test_copied_home(bool sealed)
{
    static struct pair p;
    struct rig_member copy;
    struct pv_payload words = {.type = PV_PAYLOAD_MESSAGE, .write_id = {{7}}, .u.message.text = pv_bytes_of_string("said once")};
    struct pv_buf payload;
    pv_buf_init(&payload, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&payload, &words);
    pair_init(&p, PV_ROLE_EDITOR);
    if (sealed) is_err(rig_push(&p.a), PV_OK, "Ada makes the rekey that is due");
    is_err(rig_member_open(&copy, &p.bob, pv_room_id(p.a.room)), PV_OK, "a copy of Bob's home");
    is_err(rig_pull(&copy), PV_OK, "reads");
    is_err(rig_pull(&p.b), PV_OK, "as Bob does");
    is_err(write_bytes(&p.b, &payload), PV_OK, "his words wait there");
    is_err(write_bytes(&copy, &payload), PV_OK, "and in the copy");
    is_err(rig_push(&p.b), PV_OK, "Bob sends them");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    size_t count = room->count;
    is_err(rig_push(&copy), PV_OK, "so does the copy");
    tap_is_int((long long)room->count, (long long)count, "what is in the log is not sent again");
    tap_is_int((long long)unsent(&copy), 0, "and waits no more");
    is_err(rig_say(&copy, "and more"), PV_OK, "the copy writes on");
    is_err(rig_push(&copy), PV_OK, "and sends");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_texts(&p.a, "said once\nand more\n", "and reads all, each once");
    rig_member_close(&copy);
    pv_buf_release(&payload);
    pair_release(&p);
}

static enum pv_err count_word(void *context, enum pv_kind kind, struct pv_bytes payload)
{
    (void)kind;
    (void)payload;
    ++*(unsigned *)context;
    return PV_OK;
}

static unsigned own_words(struct rig_member *member)
{
    unsigned count = 0;
    is_err(pv_room_own_words(member->room, 0, count_word, &count), PV_OK, "own words are looked for");
    return count;
}

/* What would go over into a successor: each word of the device once, though the log has versions that came too late; and
 * nobody else's. */
static void test_own_words(void)
{
    static struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_EDITOR);
    carol_joins(&p, &carol, &c, PV_ROLE_EDITOR, 1, &link);
    is_err(rig_say(&p.a, "hers"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_err(rig_pull(&p.b), PV_OK, "Bob reads it");
    is_err(pv_room_remove(p.a.room, &carol.me.person), PV_OK, "Ada removes Carol");
    is_err(rig_say(&p.b, "mine"), PV_OK, "as Bob writes");
    uint64_t size = pv_roster_size(pv_room_roster(p.b.room));
    racer = &p.a;
    requests_before_race = 1;
    p.server.around = race;
    is_err(rig_push(&p.b), PV_OK, "he sends it, and sends it again under the new key");
    p.server.around = NULL;
    tap_ok(pv_roster_size(pv_room_roster(p.b.room)) == size + 4, "beside a removal and a rekey, the log has it twice");
    is_texts(&p.b, "hers\nmine\n", "but it was said once");
    tap_is_int(own_words(&p.b), 1, "once it is his");
    tap_is_int(own_words(&p.a), 1, "as her own is Ada's");
    tap_is_int(own_words(&c), 0, "and none is Carol's");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

static enum pv_err put_first(void *context, const struct pv_sealed_write *sealed)
{
    struct pv_bundle bundle = {sealed->entry, sealed->refs, sealed->body, sealed->beside};
    pv_cbor_put_array(context, 1);
    pv_bundle_put(context, &bundle);
    return PV_ERR_CONFLICT; /* ends the walk */
}

/* Bob gives up two versions that a rekey overtook, and then the first of them, which was on its way, comes in. */
static void test_first_comes_late(void)
{
    struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    struct pv_buf sent;
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_push(&p.b), PV_OK, "Bob makes the rekey that his join left due");
    carol_joins(&p, &carol, &c, PV_ROLE_VIEWER, 3, &link);
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    is_err(rig_say(&p.b, "one"), PV_OK, "and signs something");
    is_err(rig_say(&p.b, "two"), PV_OK, "and more");
    pv_buf_init(&sent, PV_LIMIT_BATCH_BYTES);
    is_err(pv_store_sealed_each(p.b.store, put_first, &sent), PV_ERR_CONFLICT, "the first is on its way");
    is_err(rig_pull(&p.a), PV_OK, "Ada looks");
    is_err(pv_room_remove(p.a.room, &carol.me.person), PV_OK, "removes Carol");
    is_err(rig_push(&p.a), PV_OK, "and makes new keys");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks, and gives up both");
    is_err(rig_append(&p.server, rig_room_find(&p.server, pv_room_id(p.a.room)), pv_buf_bytes(&sent)), PV_OK, "the first comes in");
    is_err(rig_pull(&p.b), PV_OK, "he sees it");
    is_err(pv_room_set_role(p.b.room, &p.ada.me.person, PV_ROLE_EDITOR), PV_ERR_DENIED, "what the rules refuse is refused as ever");
    is_err(rig_invite(&p.b, PV_ROLE_VIEWER, 1, &link), PV_OK, "he goes on from there");
    is_err(rig_push(&p.b), PV_OK, "with the rest");
    tap_is_int((long long)unsent(&p.b), 0, "and all is sent");
    is_texts(&p.b, "one\ntwo\n", "each once");
    pv_buf_release(&sent);
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_overtaken();
    test_first_comes_late();
    test_two_rekeys();
    test_rekey_over_unsent();
    test_reopened_after_lost_race();
    test_pages_between_versions();
    test_kept_before_overtaken();
    test_spent_numbers();
    test_last_number();
    test_own_words();
    test_copied_home(true);
    test_copied_home(false);
    return tap_done();
}
