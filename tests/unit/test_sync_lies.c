/* Rooms on a server that changes, forges, forgets or withholds, and beside members whose entries it should not let in. */
#include "core/room/evidence.h"
#include "tests/unit/sync_pair.h"

#include <stdlib.h>

#include "core/log/checkpoint.h"
#include "core/sync/vouch.h"
#include "tests/tap.h"

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
    tap_note("500 flipped bits: %zu refused, %zu without harm, %zu wrong", refused, true_state, wrong);
    tap_ok(wrong == 0, "no bit flipped in an answer led to another state");
    tap_ok(hits > 300 && refused > hits / 2, "the bits were really flipped (%zu)", hits);
    p.server.tamper = NULL;
    pv_buf_release(&want);
    pv_buf_release(&got);
    pair_release(&p);
}

/* What a stranger finds in the evidence of the last alarm; -1: it does not hold. */
static int finding_of(const struct pv_room *room, struct pv_finding *ret_finding)
{
    static struct pv_evidence_file file;
    if (pv_evidence_read(pv_room_evidence(room), &file) || pv_evidence_judge(&file, ret_finding)) return -1;
    return (int)ret_finding->kind;
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
    struct pv_finding finding = {.has_author = false};
    tap_is_int(finding_of(p.a.room, &finding), PV_FINDING_SIGNATURE, "with the evidence");
    tap_ok(finding.convicts_server && finding.has_author && !finding.is_signed, "which is against the server, not against Bob");
    is_err(rig_say(&p.a, "not sent"), PV_OK, "what she writes");
    err = rig_push(&p.a);
    tap_ok(err == PV_ERR_BAD_SIG, "is not sent into that log (%s)", pv_err_web_name(err));
    secret[0] ^= 1;
    pair_release(&p);
}

/* How far the server's log was once. */
struct log_mark {
    struct rig_room *room;
    struct pv_merkle_edge edge;
    size_t count;
    uint64_t signed_ms;
    struct pv_roster *roster;
};

static struct log_mark mark_log(struct pair *p)
{
    struct rig_room *room = rig_room_find(&p->server, pv_room_id(p->a.room));
    struct log_mark mark = {.room = room, .edge = room->edge, .count = room->count, .signed_ms = room->signed_ms};
    is_err(pv_roster_copy(room->roster, &mark.roster), PV_OK, "the server's state now");
    return mark;
}

/* The log is again what it was at the mark, signed as it was then; once for each mark. */
static void go_back(const struct log_mark *mark)
{
    struct rig_room *room = mark->room;
    for (size_t i = mark->count; i < room->count; i++) {
        pv_buf_release(&room->entries[i].entry);
        pv_buf_release(&room->entries[i].refs);
        pv_buf_release(&room->entries[i].body);
        pv_buf_release(&room->entries[i].beside);
    }
    room->count = mark->count;
    room->edge = mark->edge;
    room->signed_ms = mark->signed_ms;
    pv_roster_free(room->roster);
    room->roster = mark->roster;
}

/* The server forgets the newest entries: whoever saw more notices. */
static void test_rollback(void)
{
    struct pair p;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "kept"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    struct log_mark before = mark_log(&p);
    is_err(rig_say(&p.a, "lost"), PV_OK, "Ada writes again");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    go_back(&before);
    is_err(rig_pull(&p.b), PV_OK, "Bob, who saw less, sees nothing odd");
    is_err(rig_pull(&p.a), PV_ERR_FORK, "Ada does");
    struct pv_finding finding = {.has_author = false};
    tap_ok(pv_room_alarm(p.a.room)[0] && finding_of(p.a.room, &finding) == PV_FINDING_OPEN && !finding.convicts_server,
           "with words, and evidence that an older note alone convicts nobody");
    p.server.now_ms += 5000;
    before.room->signed_ms = p.server.now_ms;
    is_err(rig_pull(&p.a), PV_ERR_FORK, "the server signs its smaller log anew");
    tap_ok(finding_of(p.a.room, &finding) == PV_FINDING_WENT_BACK && finding.convicts_server, "and that does");
    is_err(rig_say(&p.b, "another history"), PV_OK, "Bob writes on");
    is_err(rig_push(&p.b), PV_OK, "and sends");
    is_err(rig_push(&p.b), PV_OK, "twice");
    is_err(rig_pull(&p.a), PV_ERR_FORK, "Ada still refuses");
    tap_ok(finding_of(p.a.room, &finding) == PV_FINDING_TWO_HISTORIES && finding.convicts_server, "and can show that there are two histories");
    is_texts(&p.a, "kept\nlost\n", "and keeps what she has");
    pair_release(&p);
}

static struct pv_buf kept_note;
static bool shown_once;

static void keep_note(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer)
{
    (void)server;
    if (strstr(request->path, "/checkpoint")) pv_buf_append(&kept_note, answer->p, answer->n);
}

static void show_note(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer)
{
    if (!strstr(request->path, "/checkpoint")) return;
    server->rooms[server->room_count - 1].signed_ms = 0; /* nor do the entries bring a newer one */
    pv_buf_clear(answer);
    pv_buf_append(answer, kept_note.p, kept_note.n);
    if (shown_once) server->tamper = NULL;
}

/* The server gives all entries, and always a note of fewer when it is asked for its newest: it might have been restored in
 * between, but then the entries would tell. `anew`: it signed that note after the one that Ada has, and
 * shows it but once. */
static void test_smaller_note(bool anew)
{
    static struct pair p;
    uint64_t ahead_ms = anew ? 1800ull * 1000 : 0;
    pair_init(&p, PV_ROLE_EDITOR);
    pv_buf_init(&kept_note, PV_LIMIT_NOTE_BYTES);
    is_err(rig_push(&p.a), PV_OK, "Ada makes the rekey that is due");
    is_err(rig_pull(&p.b), PV_OK, "Bob looks");
    p.server.now_ms += 2ull * 3600 * 1000 + ahead_ms;
    p.server.tamper = keep_note;
    is_err(rig_pull(&p.b), PV_OK, "and, when that is old, asks for a newer note");
    tap_ok(kept_note.n > 0, "which he gets");
    p.server.tamper = NULL;
    p.server.now_ms -= ahead_ms;
    is_err(rig_say(&p.a, "more"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    p.server.now_ms += 3ull * 3600 * 1000;
    p.server.tamper = show_note;
    shown_once = anew;
    is_err(rig_pull(&p.a), PV_ERR_FORK, "the note from before that, shown to her, is an alarm");
    struct pv_finding finding = {.has_author = false};
    tap_ok(finding_of(p.a.room, &finding) == (anew ? PV_FINDING_WENT_BACK : PV_FINDING_OPEN) && finding.convicts_server == anew,
           anew ? "and convicts the server, which signed it anew" : "and kept, though whoever has it may show it");
    p.server.tamper = NULL;
    is_err(rig_pull(&p.a), PV_OK, "the newest one is none");
    pv_buf_release(&kept_note);
    pair_release(&p);
}

/* Ada's other program saw the log grow, so this one holds it too: the old note that it once pinned shows a log that went
 * back. */
static void test_rollback_to_pin(void)
{
    struct pair p;
    struct rig_member other;
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_say(&p.a, "kept"), PV_OK, "Ada writes");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    is_err(rig_member_beside(&other, &p.a), PV_OK, "another program of hers");
    is_err(rig_pull(&other), PV_OK, "sees that");
    struct log_mark before = mark_log(&p);
    is_err(rig_say(&p.a, "lost"), PV_OK, "Ada writes again");
    is_err(rig_push(&p.a), PV_OK, "and sends");
    go_back(&before);
    is_err(rig_pull(&other), PV_ERR_FORK, "the other program, which had looked at this very log before, sees that more was held");
    is_err(rig_push(&other), PV_ERR_FORK, "also when it sends");
    rig_member_close(&other);
    pair_release(&p);
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
    struct pv_finding finding = {.has_author = false};
    tap_ok(finding_of(p.a.room, &finding) == PV_FINDING_SEEN && finding.convicts_server && finding.is_signed &&
               pv_hash_equal(&finding.author, &p.bob.me.device), "and can show it, and whose device says so");
    pair_release(&p);
}

static bool is_sealed(const struct pv_entry *entry, bool is_last)
{
    (void)is_last;
    return pv_kind_is_sealed(entry->header.kind);
}

static void withhold_bodies(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer)
{
    (void)server;
    if (strstr(request->path, "/entries?")) rig_page_withhold(answer, is_sealed);
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

/* Before any contact: a joiner knows by the link how far the inviter's log was, and which one it is. */
static void test_link_of_another_history(void)
{
    struct rig_server server;
    struct rig_device ada, bob, eve;
    struct rig_member a, b, e;
    struct pv_invite_link link, other;
    rig_server_init(&server, 1);
    is_err(rig_device_init(&ada, &server, 2), PV_OK, "Ada's person room is founded");
    is_err(rig_device_init(&bob, &server, 3), PV_OK, "Bob's");
    is_err(rig_device_init(&eve, &server, 4), PV_OK, "and Eve's");
    is_err(rig_found(&a, &ada), PV_OK, "Ada founds a room");
    is_err(rig_say(&a, "seen"), PV_OK, "writes");
    is_err(rig_push(&a), PV_OK, "and sends");
    is_err(rig_pull(&a), PV_OK, "and has the newest note");
    is_err(rig_invite(&a, PV_ROLE_EDITOR, 3, &link), PV_OK, "which goes into a link");
    tap_ok(link.has_note && link.note.checkpoint.size > 1, "the link says how far she had come");
    other = link;
    other.note.checkpoint.root.b[0] ^= 1;
    is_err(rig_join(&b, &bob, &other), PV_ERR_FORK, "shown another log than the inviter saw, nobody joins");
    tap_ok(strstr(pv_room_alarm(b.room), "not the one that your inviter saw") != NULL, "and is told so");
    rig_member_close(&b);
    other = link;
    other.note.checkpoint.size = pv_roster_size(pv_room_roster(a.room)) + 9;
    is_err(rig_join(&e, &eve, &other), PV_ERR_FORK, "nor does who is shown less than that");
    tap_ok(strstr(pv_room_alarm(e.room), "hides part of the log") != NULL, "which is told, too");
    rig_member_close(&e);
    other = link;
    other.inviter = eve.me.person;
    is_err(rig_join(&e, &eve, &other), PV_ERR_BROKEN_CHAIN, "nor by a link that names another maker than the log");
    rig_member_close(&e);
    other = link;
    other.a.b[0] ^= 1;
    is_err(rig_join(&e, &eve, &other), PV_ERR_BROKEN_CHAIN, "nor by one whose keys are not the invite's");
    rig_member_close(&e);
    is_err(rig_join(&b, &bob, &link), PV_OK, "by the link as it was one does");
    is_err(rig_pull(&a), PV_OK, "Ada sees it");
    is_err(pv_room_close_invite(a.room, &link.gate), PV_OK, "and closes the invite");
    is_err(rig_push(&a), PV_OK, "which goes out");
    is_err(rig_join(&e, &eve, &link), PV_ERR_EXPIRED, "then the link has ended, though its half is still to be had");
    rig_member_close(&e);
    rig_member_close(&a);
    rig_member_close(&b);
    rig_device_release(&ada);
    rig_device_release(&bob);
    rig_device_release(&eve);
    rig_server_release(&server);
}

/* A server that says that it was restored, and each time it is asked that it lacks what it had just been given. */
struct taker {
    struct pv_bytes note;
    uint64_t size;
    size_t asked, given;
};

static unsigned take_for_ever(void *context, const struct pv_request *request, struct pv_buf *answer, const char **why)
{
    struct taker *taker = context;
    *why = "";
    if (taker->asked++ > 100) return 0;
    bool gives = strstr(request->path, "/restore") != NULL;
    if (!gives && !strstr(request->path, "/entries?")) return 404;
    taker->given += gives;
    pv_cbor_put_array(answer, gives ? 3 : 4);
    pv_cbor_put_uint(answer, taker->size + 1);
    if (gives) {
        pv_cbor_put_uint(answer, taker->size + 9);
        pv_cbor_put_bool(answer, true);
        return 200;
    }
    pv_buf_clear(answer);
    pv_cbor_put_array(answer, 4);
    pv_cbor_put_uint(answer, taker->size + 3);
    pv_cbor_put_array(answer, 0);
    pv_cbor_put_bytes(answer, taker->note.p, taker->note.n);
    pv_cbor_put_uint(answer, taker->size + 9);
    return 200;
}

static void test_endless_restore(void)
{
    struct pair p;
    struct taker taker = {.asked = 0};
    struct pv_buf note;
    pair_init(&p, PV_ROLE_EDITOR);
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    is_err(rig_pull(&p.a), PV_OK, "Ada is up to date");
    struct pv_bytes pin = pv_room_pin(p.a.room);
    pv_buf_append(&note, pin.p, pin.n);
    taker.note = pv_buf_bytes(&note);
    taker.size = pv_roster_size(pv_room_roster(p.a.room));
    for (int i = 0; i < 3; i++)
        if (rig_say(&p.a, "more") || rig_push(&p.a)) tap_ok(false, "message %d", i);
    p.server.serve = take_for_ever;
    p.server.serve_context = &taker;
    is_err(rig_pull(&p.a), PV_OK, "a server lacks again and again what it was given");
    tap_ok(taker.given >= 2 && taker.given < 10, "it is given so often, and no more (%zu)", taker.given);
    pv_buf_release(&note);
    pair_release(&p);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_flipped_bits();
    test_forgery();
    test_rollback();
    test_smaller_note(false);
    test_smaller_note(true);
    test_rollback_to_pin();
    test_seen_another_history();
    test_own_body_withheld();
    test_link_and_server();
    test_link_of_another_history();
    test_endless_restore();
    return tap_done();
}
