/* Keys that are not the log's: rekeys whose wraps, links or names lead elsewhere, and a server that gives other ones. */
#include "tests/unit/sync_pair.h"

#include <stdlib.h>

#include "core/sync/room_parts.h"

/* Rekeys without a wrap for Bob: he says so of the newest, someone makes another, and he reads what he was cut off from. */
static void test_bad_wrap(size_t rekeys)
{
    struct pair p;
    pair_init(&p, PV_ROLE_VIEWER);
    p.server.hide_kem_keys = true;
    for (size_t i = 0; i < rekeys; i++) {
        p.server.now_ms += 31ull * 24 * 3600 * 1000;
        is_err(rig_say(&p.a, "cut off"), PV_OK, "Ada writes in an old epoch");
        is_err(rig_push(&p.a), PV_OK, "and so rekeys, without Bob's key, which the server hides");
    }
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
    is_texts(&p.b, rekeys == 1 ? "cut off\nand on\n" : "cut off\ncut off\nand on\n", "and reads all");
    pair_release(&p);
}

/* A rekey whose wraps Bob and Carol do not get: what one of them makes in answer to the other cuts off what both lack, and Ada,
 * who has it, links it again, once. */
static void test_two_without(void)
{
    static struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol appears");
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 2, &link), PV_OK, "is invited");
    is_err(rig_join(&c, &carol, &link), PV_OK, "and joins");
    p.server.now_ms += 31ull * 24 * 3600 * 1000;
    is_err(rig_say(&p.a, "cut off"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "in a new epoch");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    size_t epochs;
    const struct pv_epoch_info *newest = pv_roster_epochs(room->roster, &epochs) + epochs - 1;
    room->entries[newest->index].beside_dropped = true; /* the server loses its wraps */
    is_err(rig_push(&p.b), PV_OK, "Bob's device says that it lacks a wrap");
    is_err(rig_push(&c), PV_OK, "Carol's makes another epoch, without what it lacks itself");
    is_err(rig_say(&c, "and on"), PV_OK, "she writes");
    is_err(rig_push(&c), PV_OK, "and sends");
    is_texts(&c, "and on\n", "and reads no more than that");
    for (int i = 0; i < 2; i++) {
        is_err(rig_push(&p.a), PV_OK, "Ada's comes");
        is_err(rig_push(&p.b), PV_OK, "and Bob's");
        is_err(rig_push(&c), PV_OK, "and Carol's");
    }
    is_texts(&p.b, "cut off\nand on\n", "Bob reads all");
    is_texts(&c, "cut off\nand on\n", "and Carol");
    uint64_t size = pv_roster_size(pv_room_roster(p.a.room));
    is_err(rig_push(&p.a), PV_OK, "Ada comes again");
    tap_ok(pv_roster_size(pv_room_roster(p.a.room)) == size, "and makes no more of it");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

/* Bob's device lacks the present secret, and has to make the next: it says so first, and what it cuts off is linked again. */
static void test_said_first(void)
{
    static struct pair p;
    struct rig_device carol, dora;
    struct rig_member c, d;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_OWNER);
    bool there = rig_device_init(&carol, &p.server, 4) == PV_OK && rig_device_init(&dora, &p.server, 5) == PV_OK &&
                 rig_invite(&p.a, PV_ROLE_VIEWER, 1, &link) == PV_OK && rig_join(&c, &carol, &link) == PV_OK;
    tap_ok(there, "Carol joins, too");
    p.server.now_ms += 31ull * 24 * 3600 * 1000;
    is_err(rig_say(&p.a, "cut off"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "in a new epoch");
    is_err(rig_pull(&p.b), PV_OK, "Bob sees it");
    bool lost = sqlite3_exec(p.b.db, "DELETE FROM epoch WHERE epoch = (SELECT max(epoch) FROM epoch)", NULL, NULL, NULL) == SQLITE_OK &&
                sqlite3_exec(p.b.db, "DELETE FROM value WHERE name GLOB 'sync.wrap.*'", NULL, NULL, NULL) == SQLITE_OK;
    tap_ok(lost, "and loses its secret");
    uint64_t epoch = pv_roster_epoch(pv_room_roster(p.b.room));
    is_err(pv_room_remove(p.b.room, &carol.me.person), PV_OK, "he removes Carol");
    is_err(rig_push(&p.b), PV_OK, "with a rekey");
    for (int i = 0; i < 2; i++) {
        is_err(rig_push(&p.a), PV_OK, "Ada's comes");
        is_err(rig_push(&p.b), PV_OK, "and Bob's");
    }
    tap_ok(pv_roster_epoch(pv_room_roster(p.b.room)) == epoch + 2, "Ada makes another, once");
    is_err(rig_invite(&p.b, PV_ROLE_VIEWER, 1, &link), PV_OK, "Bob makes a link");
    is_err(rig_join(&d, &dora, &link), PV_OK, "by which Dora joins");
    is_err(rig_pull(&d), PV_OK, "she pulls");
    is_texts(&d, "cut off\n", "and reads all");
    rig_member_close(&c);
    rig_member_close(&d);
    rig_device_release(&carol);
    rig_device_release(&dora);
    pair_release(&p);
}

/* Who has the present secret may only read by now, and answers no complaint: who lacks it waits for no viewer. */
static void test_only_a_viewer_has_it(void)
{
    static struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_pull(&p.b), PV_OK, "Bob pulls");
    p.server.now_ms += 31ull * 24 * 3600 * 1000;
    is_err(rig_say(&p.b, "his"), PV_OK, "Bob writes");
    is_err(rig_push(&p.b), PV_OK, "in a new epoch");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    size_t epochs;
    const struct pv_epoch_info *newest = pv_roster_epochs(room->roster, &epochs) + epochs - 1;
    room->entries[newest->index].beside_dropped = true; /* the server loses its wraps */
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_err(pv_room_set_role(p.a.room, &p.bob.me.person, PV_ROLE_VIEWER), PV_OK, "and lets Bob only read");
    is_err(rig_push(&p.a), PV_OK, "her device sends that, and that it lacks a wrap");
    is_err(rig_push(&p.b), PV_OK, "Bob's may not answer");
    is_err(rig_say(&p.a, "and on"), PV_OK, "she writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_err(rig_push(&p.a), PV_OK, "all of it");
    tap_is_int((long long)unsent(&p.a), 0, "in an epoch of her own");
    is_err(rig_pull(&p.b), PV_OK, "Bob pulls");
    is_texts(&p.b, "his\nand on\n", "and reads it");
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

enum lie { WRAPS_ANOTHER, NAMES_ANOTHER_KEM_KEY };

static bool find_kem_key(struct pair *p, const struct pv_hash *hash, struct pv_kem_pk *ret_pk)
{
    struct rig_member *both[] = {&p->a, &p->b};
    for (size_t i = 0; i < 2; i++) {
        struct pv_kem_seed seed;
        if (pv_store_kem_key_get(both[i]->store, hash, ret_pk) == PV_OK) return true;
        if (pv_keys_my_kem_seed(both[i]->room, hash, &seed)) continue;
        pv_kem_from_seed(&seed, ret_pk);
        return true;
    }
    return false;
}

/* Bob makes a rekey by hand: the secret in its wraps is not the one, or has not the KEM key, that its entry names. Nobody
 * seals with it: Ada's device says that she has no key, and another rekey follows. */
static void test_other_secret(enum lie lie)
{
    static const struct pv_epoch_secret one = {{1}}, two = {{2}};
    static const uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES] = {3};
    static struct pair p;
    struct pv_roster_body body = {.type = PV_ROSTER_REKEY};
    struct pv_rekey_body *rekey = &body.u.rekey;
    struct pv_recipient *recipients = NULL;
    struct pv_kem_seed seed;
    struct pv_kem_pk pk, recipient_pk;
    uint8_t wraps[2][PV_WRAP_BYTES];
    struct pv_bytes wrap_bytes[2] = {pv_bytes(wraps[0], PV_WRAP_BYTES), pv_bytes(wraps[1], PV_WRAP_BYTES)}, kem_key = PV_BYTES_OF(pk);
    struct pv_buf beside;
    size_t count = 0;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "before"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "after the rekey that the used-up invite asks for");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    rekey->epoch = pv_roster_epoch(room->roster) + 1;
    pv_epoch_secret_hash(lie == WRAPS_ANOTHER ? &one : &two, &rekey->secret_hash);
    pv_epoch_kem_seed(lie == WRAPS_ANOTHER ? &two : &one, &seed);
    pv_kem_from_seed(&seed, &pk);
    pv_kem_hash(&pk, &rekey->kem_hash);
    is_err(pv_roster_recipients(room->roster, &recipients, &count), PV_OK, "of two recipients");
    pv_recipients_digest(recipients, count, &rekey->recipients);
    for (size_t i = 0; i < 2; i++) {
        struct pv_wrap_context context = {room->id, rekey->epoch, rekey->secret_hash, recipients[i].id, recipients[i].kem_hash};
        tap_ok(find_kem_key(&p, &recipients[i].kem_hash, &recipient_pk) && !pv_wrap_make(&context, &recipient_pk, enc_seed, &two, wraps[i]),
               "a wrap for each");
    }
    free(recipients);
    is_err(pv_merkle_list_root(wrap_bytes, 2, &rekey->wraps_root), PV_OK, "who each get a wrap");
    pv_buf_init(&beside, PV_LIMIT_BATCH_BYTES);
    pv_beside_put(&beside, &kem_key, 1, NULL, 0, wrap_bytes, 2);
    append_roster(&p.server, room, &p.bob, &body, pv_buf_bytes(&beside), 0,
                  lie == WRAPS_ANOTHER ? "of another secret than the entry names" : "of a secret with another KEM key than it names");
    pv_buf_release(&beside);
    size_t had = room->count;
    p.server.down_from = p.server.requests + 100; /* who asks for that wrap again and again is stopped */
    is_err(rig_pull(&p.a), PV_OK, "Ada pulls");
    is_err(rig_push(&p.a), PV_OK, "and her device");
    tap_is_int((long long)room->count, (long long)had + 1, "says that she lacks the key");
    is_err(rig_push(&p.b), PV_OK, "Bob's makes another");
    is_err(rig_say(&p.a, "and on"), PV_OK, "with which Ada");
    is_err(rig_push(&p.a), PV_OK, "writes on");
    is_err(rig_pull(&p.b), PV_OK, "and Bob");
    is_texts(&p.b, "before\nand on\n", "reads");
    p.server.down_from = 0;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    is_err(rig_device_init(&carol, &p.server, 4), PV_OK, "Carol comes,");
    is_err(rig_invite(&p.a, PV_ROLE_VIEWER, 1, &link), PV_OK, "invited by Ada,");
    is_err(rig_join(&c, &carol, &link), PV_OK, "and joins");
    is_texts(&c, "before\nand on\n", "from the good keys links lead her past the bad ones");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

static void flip_links(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer)
{
    (void)server;
    if (strstr(request->path, "/links")) answer->p[answer->n - 1] ^= 1;
}

/* A device that needs the secrets of before is given other links than their rekey names. */
static void test_other_links(void)
{
    static struct pair p;
    struct rig_member fresh;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "the rekey after the used-up invite");
    is_err(rig_member_open(&fresh, &p.ada, pv_room_id(p.a.room)), PV_OK, "a device with nothing of the room");
    p.server.tamper = flip_links;
    is_err(rig_pull(&fresh), PV_ERR_BROKEN_CHAIN, "is not given the links that a rekey names");
    tap_ok(strstr(pv_room_alarm(fresh.room), "other links") != NULL, "and says so");
    p.server.tamper = NULL;
    rig_member_close(&fresh);
    pair_release(&p);
}

/* The server has lost what lay beside its entries: whoever comes by a link is told what to do. */
static void test_nothing_for_a_link(void)
{
    static struct pair p;
    struct rig_device carol;
    struct rig_member c;
    struct pv_invite_link link;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_invite(&p.a, PV_ROLE_EDITOR, 1, &link), PV_OK, "an invite for Carol");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    for (uint64_t i = 0; i < room->edge.size; i++) room->entries[i].beside_dropped = true;
    is_err(rig_device_init(&carol, &p.server, 8), PV_OK, "who has a person's room");
    is_err(rig_join(&c, &carol, &link), PV_ERR_NO_KEY, "she cannot join");
    tap_ok(strstr(pv_room_alarm(c.room), "ask for another link") != NULL, "and is told what to do");
    rig_member_close(&c);
    rig_device_release(&carol);
    pair_release(&p);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_nothing_for_a_link();
    test_bad_wrap(1);
    test_bad_wrap(2);
    test_cut();
    test_two_without();
    test_said_first();
    test_only_a_viewer_has_it();
    test_other_secret(WRAPS_ANOTHER);
    test_other_secret(NAMES_ANOTHER_KEM_KEY);
    test_other_links();
    return tap_done();
}
