/* The roster where memory runs out at every allocation in turn: NOMEM, nothing leaked, the roster as it was, and the
 * same entry folded afterwards as if nothing had been. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include "tests/unit/room_kit.h"

static struct kit_person anna, ben, cleo;
static struct kit_room room;
static size_t changed, leaked, refused, wrong;

static void encode(const struct pv_roster *roster, struct pv_buf *buf)
{
    pv_buf_clear(buf);
    if (pv_roster_encode(roster, buf)) abort();
}

/* Anything but NOMEM while memory fails, or anything but OK while it does not, is wrong. Returns whether to go on. */
static bool saw(enum pv_err err, bool failed)
{
    if (err ? err != PV_ERR_NOMEM || !failed : false) wrong++;
    refused += err == PV_ERR_NOMEM;
    return err != PV_OK;
}

/* Some calls keep what they allocated for later (a table that has grown); so leaks are counted over a copy's whole life. */
static bool try_apply(const struct pv_log_item *item, const struct pv_roster *before, struct pv_bytes snapshot, size_t n,
                      struct pv_buf *scratch)
{
    struct pv_roster *copy;
    enum pv_verdict verdict = PV_IMPOSSIBLE, again;
    enum pv_reason reason, again_reason;
    fault_arm(SIZE_MAX);
    if (pv_roster_copy(before, &copy)) abort();
    long live = fault_live;
    fault_arm(n);
    fault_live = live;
    enum pv_err err = pv_roster_judge(copy, item, &again, &again_reason);
    if (!err) err = pv_roster_apply(copy, item, &verdict, &reason);
    bool failed = fault_fired;
    fault_left = SIZE_MAX;
    fault_fired = false;
    live = fault_live;
    fault_armed = false;
    if (err) {
        encode(copy, scratch);
        changed += !pv_bytes_equal(pv_buf_bytes(scratch), snapshot);
    }
    bool more = saw(err, failed);
    fault_arm(SIZE_MAX);
    fault_live = live;
    if (err && pv_roster_apply(copy, item, &verdict, &reason)) abort();
    pv_roster_free(copy);
    leaked += fault_live != 0;
    fault_armed = false;
    return more;
}

static void every_apply(void)
{
    struct pv_roster *roster;
    struct pv_buf snapshot, scratch;
    pv_buf_init(&snapshot, SIZE_MAX);
    pv_buf_init(&scratch, SIZE_MAX);
    if (pv_roster_new(&roster)) abort();
    for (size_t i = 0; i < room.tree.size; i++) {
        const struct pv_log_item *item = &room.log[i].item;
        enum pv_verdict verdict;
        enum pv_reason reason;
        encode(roster, &snapshot);
        for (size_t n = 0; try_apply(item, roster, pv_buf_bytes(&snapshot), n, &scratch); n++)
            if (n > 200) abort();
        if (pv_roster_apply(roster, item, &verdict, &reason)) abort();
    }
    encode(roster, &snapshot);
    encode(room.roster, &scratch);
    tap_ok(pv_bytes_equal(pv_buf_bytes(&snapshot), pv_buf_bytes(&scratch)), "the log folds as it did");
    pv_roster_free(roster);
    pv_buf_release(&snapshot);
    pv_buf_release(&scratch);
}

/* ---- the other calls that allocate */

static struct pv_buf whole;

static enum pv_err copy(void)
{
    struct pv_roster *other;
    enum pv_err err = pv_roster_copy(room.roster, &other);
    if (!err) pv_roster_free(other);
    return err;
}

static enum pv_err decode(void)
{
    struct pv_roster *other;
    enum pv_err err = pv_roster_decode(pv_buf_bytes(&whole), &other);
    if (!err) pv_roster_free(other);
    return err;
}

static enum pv_err encode_anew(void)
{
    struct pv_buf buf;
    pv_buf_init(&buf, SIZE_MAX);
    enum pv_err err = pv_roster_encode(room.roster, &buf);
    pv_buf_release(&buf);
    return err;
}

static enum pv_err recipients(void)
{
    struct pv_recipient *list;
    size_t count;
    enum pv_err err = pv_roster_recipients(room.roster, &list, &count);
    if (!err) free(list);
    return err;
}


static enum pv_err read_beside(void)
{
    struct pv_beside beside;
    enum pv_err err = pv_beside_read(pv_bytes("\x83\x80\x80\x82\x40\x40", 6), &beside);
    if (!err) pv_beside_release(&beside);
    return err;
}

static void every(const char *what, enum pv_err (*run)(void))
{
    size_t n = 0;
    bool more = true;
    refused = wrong = leaked = 0;
    for (; more && n < 2000; n++) {
        fault_arm(n);
        enum pv_err err = run();
        bool failed = fault_disarm();
        leaked += fault_live != 0;
        more = saw(err, failed);
    }
    tap_ok(!more && refused > 0 && !wrong && !leaked, "%s: %zu failures, each NOMEM, nothing leaked", what, refused);
}

/* A log in which every kind of change happens. */
static void live(void)
{
    const struct kit_device *a = &anna.devices[0], *b = &ben.devices[0];
    struct pv_sign_body sign = {.index = 0};
    struct pv_roster_body body = {.type = PV_ROSTER_HOLD};
    struct pv_server_body server = {.type = PV_SERVER_RELEASE};
    int got = kit_found_client(&room, 1, &anna);
    got |= kit_invite(&room, a, 1, PV_ROLE_OWNER, 2);
    server.u.release.gate = kit_id16("invite", 1);
    got |= kit_server(&room, &server);
    got |= kit_join(&room, &ben, 1) | kit_join(&room, &cleo, 1) | kit_rekey(&room, a);
    got |= kit_role(&room, a, &cleo, PV_ROLE_VIEWER);
    got |= kit_sealed(&room, b, PV_KIND_WORK, 1) | kit_sign(&room, b, &sign);
    body.u.ranges.count = 1;
    body.u.ranges.ranges[0] = (struct pv_range){1, 2};
    got |= kit_roster(&room, b, &body);
    body.type = PV_ROSTER_FORGET;
    body.u.ranges.ranges[0] = (struct pv_range){3, 4};
    got |= kit_roster(&room, a, &body);
    server = (struct pv_server_body){.type = PV_SERVER_DELETED};
    got |= kit_server(&room, &server);
    body = (struct pv_roster_body){.type = PV_ROSTER_LIFT};
    got |= kit_roster(&room, b, &body);
    body = (struct pv_roster_body){.type = PV_ROSTER_POLICY};
    got |= kit_roster(&room, a, &body);
    body = (struct pv_roster_body){.type = PV_ROSTER_BAD_WRAP};
    body.u.bad_wrap_epoch = 1;
    got |= kit_roster(&room, b, &body);
    body = (struct pv_roster_body){.type = PV_ROSTER_SERVER};
    body.u.server.name = pv_bytes_of_string("privity.example");
    body.u.server.log_key = room.log_pk;
    pv_server_value_hash(body.u.server.name, &room.log_pk, &body.u.server.replaces);
    body.u.server.has_sig = true;
    if (pv_server_change_sign(&room.log_sk, &room.id, &body.u.server.replaces, body.u.server.name, &room.log_pk,
                              &body.u.server.sig))
        abort();
    got |= kit_roster(&room, b, &body);
    got |= kit_device_remove(&room, b, &ben.devices[2], 0);
    got |= kit_rekey(&room, a) | kit_invite(&room, b, 2, PV_ROLE_EDITOR, 1) | kit_remove(&room, a, &cleo);
    body = (struct pv_roster_body){.type = PV_ROSTER_LEAVE};
    got |= kit_roster(&room, b, &body);
    tap_is_int(got, PV_REASON_NONE, "a log of every kind of change");
    tap_ok(kit_join(&room, &ben, 2) == PV_REASON_INVITE, "and a refusal");
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    kit_person_make(1, &anna);
    kit_person_make(2, &ben);
    kit_person_make(3, &cleo);
    kit_person_certify(&ben, 0, false);
    kit_person_certify(&ben, 0, false);
    live();
    every_apply();
    tap_ok(refused > room.tree.size, "%zu failures while folding %zu entries", refused, (size_t)room.tree.size);
    tap_is_int((long long)wrong, 0, "each is NOMEM");
    tap_is_int((long long)changed, 0, "none changes the roster");
    tap_is_int((long long)leaked, 0, "none leaks");
    pv_buf_init(&whole, SIZE_MAX);
    encode(room.roster, &whole);
    every("a copy", copy);
    every("a snapshot written", encode_anew);
    every("a snapshot read", decode);
    every("recipients", recipients);
    every("what lies beside", read_beside);
    pv_buf_release(&whole);
    kit_person_release(&anna);
    kit_person_release(&ben);
    kit_person_release(&cleo);
    kit_room_release(&room);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
