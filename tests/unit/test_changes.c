/* Changed devices of others: told before anything is sent, once, and more strongly of whom one verified; and who can say
 * that somebody is verified. */
#include "core/state/changes.h"

#include "tests/unit/sync_pair.h"

/* What was told, as a line: added, removed; k by kit, n all new, e new keys, v verified, ! repeated. */
struct ear {
    struct rig_member *member;
    struct pv_verifications verifications;
    char text[512];
    size_t n, calls;
    size_t entries; /* on the server, when it was last told */
    enum pv_err refuse;
};

static enum pv_err hear(void *context, const struct pv_change *change)
{
    struct ear *ear = context;
    ear->n += (size_t)snprintf(ear->text + ear->n, sizeof ear->text - ear->n, "%s+%zu-%zu%s%s%s%s%s", ear->n ? " " : "", change->added,
                               change->removed, change->by_kit ? "k" : "", change->all_new ? "n" : "", change->new_keys ? "e" : "",
                               change->verification ? "v" : "", change->told ? "!" : "");
    return PV_OK;
}

static struct pv_query own_of(const struct rig_device *device)
{
    return (struct pv_query){device->person_store, pv_room_roster(device->person), &device->me.device};
}

static struct pv_watch watch_of(const struct ear *ear)
{
    return (struct pv_watch){ear->member->store, pv_room_roster(ear->member->room), &ear->member->device->me.person, &ear->verifications};
}

/* As a client does it. */
static enum pv_err before_words(void *context, struct pv_room *room)
{
    struct ear *ear = context;
    const struct pv_watch watch = watch_of(ear);
    bool told = false;
    ear->calls++;
    ear->entries = rig_room_find(ear->member->device->server, pv_room_id(room))->count;
    enum pv_err err = pv_changes_are_told(&watch, &told);
    if (!err && !told) err = pv_changes_each(&watch, hear, ear);
    if (!err && !told) err = pv_changes_set_told(&watch);
    return err ? err : ear->refuse;
}

static void listen(struct ear *ear, struct rig_member *member)
{
    memset(ear, 0, sizeof *ear);
    ear->member = member;
    pv_room_on_words(member->room, before_words, ear);
}

/* What was told since this was last asked. */
static const char *heard(struct ear *ear)
{
    static char text[sizeof ear->text];
    memcpy(text, ear->text, sizeof text);
    ear->text[0] = '\0';
    ear->n = 0;
    return text;
}

static void load(struct ear *ear)
{
    const struct pv_query own = own_of(ear->member->device);
    pv_verifications_release(&ear->verifications);
    is_err(pv_verifications_load(&own, &ear->verifications), PV_OK, "who is verified, is read");
}

/* What stands to be told, without telling it. */
static const char *stands(struct ear *ear)
{
    const struct pv_watch watch = watch_of(ear);
    (void)heard(ear);
    if (pv_changes_each(&watch, hear, ear)) return "an error";
    return heard(ear);
}

static size_t entries_of(struct rig_member *member)
{
    return rig_room_find(member->device->server, pv_room_id(member->room))->count;
}

static enum pv_err say(struct rig_member *member, const char *text)
{
    enum pv_err err = rig_say(member, text);
    return err ? err : rig_push(member);
}

/* ---- told before, and once */

static void test_told(void)
{
    struct pair p;
    struct rig_device phone;
    struct ear ear;
    size_t before;
    pair_init(&p, PV_ROLE_EDITOR);
    listen(&ear, &p.a);
    is_err(say(&p.a, "one"), PV_OK, "Ada writes");
    tap_ok(ear.calls > 0, "and is asked first");
    tap_is_str(heard(&ear), "", "there is nothing to tell: she sees him for the first time");
    ear.calls = 0;
    is_err(rig_push(&p.a), PV_OK, "with nothing to send");
    tap_is_int((int)ear.calls, 0, "nobody is asked");

    is_err(rig_device_second(&phone, &p.bob, 9, false), PV_OK, "Bob adds a phone");
    is_err(rig_settle(&p.b), PV_OK, "also to the room");
    before = entries_of(&p.a);
    is_err(rig_say(&p.a, "two"), PV_OK, "Ada writes, and seals it before she heard of it");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    tap_is_str(heard(&ear), "+1-0", "she is told of one device more");
    tap_ok(ear.entries == before && entries_of(&p.a) > before, "before anything left");
    is_err(say(&p.a, "three"), PV_OK, "she writes again");
    tap_is_str(heard(&ear), "", "and is not told twice");
    is_err(rig_member_reopen(&p.a), PV_OK, "another command");
    listen(&ear, &p.a);
    is_err(say(&p.a, "four"), PV_OK, "writes");
    tap_is_str(heard(&ear), "", "nor by another command");

    ear.refuse = PV_ERR_DENIED;
    before = entries_of(&p.a);
    is_err(say(&p.a, "five"), PV_ERR_DENIED, "where the asked one refuses, the push ends");
    tap_ok(entries_of(&p.a) == before && unsent(&p.a) == 1, "nothing left, and the words stay");
    ear.refuse = PV_OK;
    is_err(rig_push(&p.a), PV_OK, "later they go");
    rig_device_release(&phone);
    pair_release(&p);
}

static enum pv_err revoke(struct rig_device *by, const struct rig_device *device)
{
    struct pv_revocation revocation = {.devices = {device->me.device}, .count = 1};
    enum pv_err err = pv_revocation_spare(by->person, NULL, 0, &revocation);
    if (!err) err = pv_device_revoke(by->person, &revocation);
    return err ? err : rig_person_push(by);
}

static void test_replaced(void)
{
    struct pair p;
    struct rig_device phone, paper, fresh;
    struct rig_member by_phone, by_paper;
    struct ear ear;
    pair_init(&p, PV_ROLE_EDITOR);
    listen(&ear, &p.a);
    is_err(say(&p.a, "one"), PV_OK, "Ada writes");
    is_err(rig_device_second(&phone, &p.bob, 9, false), PV_OK, "Bob adds a phone");
    is_err(rig_member_open(&by_phone, &phone, pv_room_id(p.a.room)), PV_OK, "which opens the room");
    is_err(rig_settle(&p.b), PV_OK, "he is brought there");
    is_err(revoke(&phone, &p.bob), PV_OK, "and revokes the device before it");
    is_err(rig_settle(&by_phone), PV_OK, "in the room too");
    is_err(say(&p.a, "two"), PV_OK, "Ada writes");
    tap_is_str(heard(&ear), "+1-1n", "all his devices are other ones");

    is_err(rig_device_open(&paper, &p.server, &p.bob.paper, &p.bob.me.person, 20), PV_OK, "Bob loses the phone, and takes the kit");
    is_err(rig_person_pull(&paper), PV_OK, "which reads his room");
    is_err(rig_device_second(&fresh, &paper, 21, false), PV_OK, "and makes a new device");
    is_err(rig_member_open(&by_paper, &paper, pv_room_id(p.a.room)), PV_OK, "and opens the room");
    is_err(rig_settle(&by_paper), PV_OK, "and adds it there");
    is_err(say(&p.a, "three"), PV_OK, "Ada writes");
    tap_is_str(heard(&ear), "+1-0k", "a kit added a device");
    is_err(revoke(&fresh, &phone), PV_OK, "the phone is revoked");
    is_err(rig_person_pull(&paper), PV_OK, "the kit hears of it");
    is_err(rig_settle(&by_paper), PV_OK, "in the room too");
    is_err(say(&p.a, "four"), PV_OK, "Ada writes");
    tap_is_str(heard(&ear), "+0-1", "one is gone");
    rig_member_close(&by_phone);
    rig_member_close(&by_paper);
    rig_device_release(&phone);
    rig_device_release(&paper);
    rig_device_release(&fresh);
    pair_release(&p);
}

/* A device that was never here is revoked elsewhere: the person's key here is another one. */
static void test_new_keys(void)
{
    struct pair p;
    struct rig_device phone;
    struct ear ear;
    pair_init(&p, PV_ROLE_EDITOR);
    listen(&ear, &p.a);
    is_err(say(&p.a, "one"), PV_OK, "Ada writes");
    is_err(rig_device_second(&phone, &p.bob, 9, false), PV_OK, "Bob adds a phone");
    is_err(revoke(&p.bob, &phone), PV_OK, "and revokes it before it is in the room");
    is_err(rig_settle(&p.b), PV_OK, "which gets his new key");
    is_err(say(&p.a, "two"), PV_OK, "Ada writes");
    tap_is_str(heard(&ear), "+0-0e", "and is told of new keys");
    rig_device_release(&phone);
    pair_release(&p);
}

/* ---- verified */

static enum pv_err verify(struct rig_member *member, const struct pv_hash *person, bool stands_)
{
    enum pv_err err = rig_verify_into(member->device->person, member, person, stands_);
    return err ? err : rig_person_push(member->device);
}

static void test_verified(void)
{
    struct pair p;
    struct rig_device phone;
    struct ear ear;
    pair_init(&p, PV_ROLE_EDITOR);
    listen(&ear, &p.a);
    is_err(say(&p.a, "one"), PV_OK, "Ada writes");
    is_err(verify(&p.a, &p.bob.me.person, true), PV_OK, "and verifies Bob");
    load(&ear);
    tap_is_int((int)ear.verifications.count, 1, "one is verified");
    is_err(rig_device_second(&phone, &p.bob, 9, false), PV_OK, "Bob adds a phone");
    is_err(rig_settle(&p.b), PV_OK, "also to the room");
    is_err(say(&p.a, "two"), PV_OK, "Ada writes");
    tap_is_str(heard(&ear), "+1-0v", "she is told of one device more of somebody verified");
    is_err(say(&p.a, "three"), PV_OK, "and again");
    tap_is_str(heard(&ear), "", "is told once");
    tap_is_str(stands(&ear), "+1-0v!", "but it stands to be looked at");
    const struct pv_change change = pv_change_since_verified(pv_room_roster(p.a.room), &ear.verifications.rows[0]);
    tap_ok(change.added == 1 && change.removed == 0 && !change.all_new, "is one device more");
    const struct pv_watch watch = watch_of(&ear);
    is_err(pv_changes_set_seen(&watch, &p.bob.me.person), PV_OK, "she looks");
    tap_is_str(stands(&ear), "", "and it is gone");
    is_err(revoke(&p.bob, &phone), PV_OK, "Bob revokes the phone");
    is_err(rig_settle(&p.b), PV_OK, "in the room too");
    is_err(say(&p.a, "four"), PV_OK, "Ada writes");
    tap_is_str(heard(&ear), "+0-1v", "and is told");
    tap_is_str(stands(&ear), "", "but all is as it was when she verified him");

    is_err(verify(&p.a, &p.bob.me.person, false), PV_OK, "she withdraws it");
    load(&ear);
    tap_is_int((int)ear.verifications.count, 0, "nobody is verified");
    pv_verifications_release(&ear.verifications);
    rig_device_release(&phone);
    pair_release(&p);
}

/* A second device of Ada's: what it never told, it compares with what was verified. */
static void test_second_device(void)
{
    struct pair p;
    struct rig_device phone, tablet;
    struct rig_member by_phone;
    struct ear ear;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(verify(&p.a, &p.bob.me.person, true), PV_OK, "Ada verifies Bob");
    is_err(rig_device_second(&phone, &p.ada, 8, false), PV_OK, "and adds a phone");
    is_err(rig_settle(&p.a), PV_OK, "also to the room");
    is_err(rig_device_second(&tablet, &p.bob, 9, false), PV_OK, "Bob adds a tablet");
    is_err(rig_settle(&p.b), PV_OK, "also to the room");
    is_err(rig_member_open(&by_phone, &phone, pv_room_id(p.a.room)), PV_OK, "the phone opens the room");
    is_err(rig_settle(&by_phone), PV_OK, "and fetches it");
    listen(&ear, &by_phone);
    load(&ear);
    tap_ok(ear.verifications.count == 1 && pv_hash_equal(&ear.verifications.rows[0].device, &p.ada.me.device) &&
               ear.verifications.rows[0].device_count == 2 && ear.verifications.rows[0].time_ms == 5000 &&
               !ear.verifications.rows[0].device_revoked, "it knows that Bob is verified, by which device, when, and with what");
    is_err(say(&by_phone, "hello"), PV_OK, "it writes");
    tap_is_str(heard(&ear), "+1-0v", "and tells what came since he was verified, though it never saw him before");

    is_err(revoke(&phone, &p.ada), PV_OK, "the first device is revoked");
    load(&ear);
    tap_ok(ear.verifications.count == 1 && ear.verifications.rows[0].device_revoked, "that it was the one is told");
    is_err(rig_settle(&by_phone), PV_OK, "in the room too");
    is_err(verify(&by_phone, &p.bob.me.person, true), PV_OK, "the phone verifies him anew");
    load(&ear);
    tap_ok(ear.verifications.count == 1 && pv_hash_equal(&ear.verifications.rows[0].device, &phone.me.device) &&
               ear.verifications.rows[0].device_count == 3, "which counts, with three devices");
    tap_is_str(stands(&ear), "", "and nothing is left to look at");
    pv_verifications_release(&ear.verifications);
    rig_member_close(&by_phone);
    rig_device_release(&phone);
    rig_device_release(&tablet);
    pair_release(&p);
}

/* What is written anywhere else verifies nobody. */
static void test_forged(void)
{
    struct pair p;
    struct ear ear;
    struct pv_verifications list = {0};
    pair_init(&p, PV_ROLE_OWNER);
    is_err(rig_verify_into(p.b.room, &p.b, &p.ada.me.person, true), PV_OK, "Bob writes into the room that Ada is verified");
    is_err(rig_verify_into(p.b.room, &p.b, &p.bob.me.person, true), PV_OK, "and that he is");
    is_err(rig_push(&p.b), PV_OK, "and sends it");
    is_err(rig_pull(&p.a), PV_OK, "Ada takes it in");
    is_err(rig_person_pull(&p.ada), PV_OK, "and fetches her own room");
    listen(&ear, &p.a);
    load(&ear);
    tap_is_int((int)ear.verifications.count, 0, "nobody is verified for her");
    const struct pv_query not_own = {p.a.store, pv_room_roster(p.a.room), NULL};
    is_err(pv_verifications_load(&not_own, &list), PV_OK, "a room with others");
    tap_is_int((int)list.count, 0, "says nothing, if it is asked by mistake");
    pair_release(&p);
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    test_told();
    test_replaced();
    test_new_keys();
    test_verified();
    test_second_device();
    test_forged();
    return tap_done();
}
