/* A device's work on a room where memory runs out at every allocation in turn: an error, nothing lost, nothing twice. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include <stdio.h>

#include "tests/unit/sync_rig.h"

static size_t said;
static struct pv_buf want;

/* What is tried under failing memory, and then again with enough of it until it stands. */
struct trial {
    const char *name;
    enum pv_err (*prepare)(struct rig_member *a, struct rig_member *b); /* unharmed, before each try; may be NULL */
    enum pv_err (*act)(struct rig_member *a, struct rig_member *b);
};

static enum pv_err say(struct rig_member *a, struct rig_member *b)
{
    char text[32];
    (void)b;
    (void)snprintf(text, sizeof text, "message %zu", said);
    enum pv_err err = rig_say(a, text);
    if (!err) { /* counted by what stands, not by what was tried */
        bool armed = fault_armed;
        fault_armed = false;
        said++;
        pv_buf_append(&want, text, strlen(text));
        pv_buf_append_byte(&want, '\n');
        fault_armed = armed;
    }
    return err;
}

static enum pv_err push(struct rig_member *a, struct rig_member *b)
{
    (void)b;
    return rig_push(a);
}

static enum pv_err say_and_push(struct rig_member *a, struct rig_member *b)
{
    enum pv_err err = say(a, b);
    return err ? err : rig_push(a);
}

static enum pv_err pull(struct rig_member *a, struct rig_member *b)
{
    (void)a;
    return rig_pull(b);
}

static enum pv_err reopen(struct rig_member *a, struct rig_member *b)
{
    (void)b;
    return rig_member_reopen(a);
}

static enum pv_err rekey(struct rig_member *a, struct rig_member *b)
{
    struct pv_invite_link link;
    (void)b;
    return rig_invite(a, PV_ROLE_VIEWER, 1, &link);
}

static const struct trial trials[] = {
    {"say", NULL, say},
    {"push", say, push},
    {"pull", say_and_push, pull},
    {"invite", NULL, rekey},
};

/* Every allocation at first, then every seventh: later ones are like those before them. */
static size_t next(size_t n)
{
    return n < 120 ? n + 1 : n + 7;
}

static bool run_trial(const struct trial *trial, struct rig_member *a, struct rig_member *b)
{
    size_t runs = 0, failed = 0;
    for (size_t n = 0; n < 20000; n = next(n)) {
        if (trial->prepare && trial->prepare(a, b)) return tap_ok(false, "%s: preparing", trial->name);
        fault_arm(n);
        enum pv_err err = trial->act(a, b);
        bool fired = fault_disarm();
        runs++;
        failed += err != PV_OK;
        if (err && err != PV_ERR_NOMEM) return tap_ok(false, "%s: allocation %zu: %s", trial->name, n, pv_err_web_name(err));
        if (err && !fired) return tap_ok(false, "%s: failed with memory enough", trial->name);
        if (err && (err = trial->act(a, b))) return tap_ok(false, "%s: allocation %zu, then again: %s", trial->name, n, pv_err_web_name(err));
        if (!fired) return tap_ok(failed > 10, "%s: %zu runs, %zu of them failed and then succeeded", trial->name, runs, failed);
    }
    return tap_ok(false, "%s: never had memory enough", trial->name);
}

static void test_cold(struct rig_member *a)
{
    struct rig_member fresh;
    struct pv_buf got;
    size_t failed = 0;
    pv_buf_init(&got, SIZE_MAX);
    for (size_t n = 0;; n = next(n)) {
        if (rig_member_open(&fresh, a->device, pv_room_id(a->room))) break;
        fault_arm(n);
        enum pv_err err = rig_pull(&fresh);
        bool fired = fault_disarm();
        failed += err != PV_OK;
        enum pv_err again = err ? rig_pull(&fresh) : PV_OK;
        if ((err && err != PV_ERR_NOMEM) || again) {
            tap_ok(false, "a cold open, allocation %zu: %s, then %s", n, pv_err_web_name(err), pv_err_web_name(again));
            break;
        }
        rig_texts(&fresh, &got);
        rig_member_close(&fresh);
        if (got.n != want.n + 1 || memcmp(got.p, want.p, want.n) != 0) {
            tap_ok(false, "a cold open, allocation %zu: another state", n);
            break;
        }
        if (fired) continue;
        tap_ok(failed > 10, "a cold open: %zu failed and then succeeded", failed);
        break;
    }
    pv_buf_release(&got);
}

int main(void)
{
    struct rig_server server;
    struct rig_device ada, bob;
    struct rig_member a, b;
    struct pv_invite_link link;
    struct pv_buf got;
    pv_buf_init(&want, SIZE_MAX);
    pv_buf_init(&got, SIZE_MAX);
    tap_is_int(pv_crypto_init(), PV_OK, "crypto");
    rig_server_init(&server, 1);
    server.around = fault_elsewhere;
    tap_is_int(rig_device_init(&ada, &server, 2), PV_OK, "Ada");
    tap_is_int(rig_device_init(&bob, &server, 3), PV_OK, "Bob");
    tap_is_int(rig_found(&a, &ada), PV_OK, "a room");
    tap_is_int(rig_invite(&a, PV_ROLE_EDITOR, 1, &link), PV_OK, "an invite");
    tap_is_int(rig_join(&b, &bob, &link), PV_OK, "Bob joins");
    tap_is_int(rig_pull(&a), PV_OK, "Ada sees it");
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) run_trial(&trials[i], &a, &b);
    tap_is_int(rig_push(&a), PV_OK, "Ada sends the rest");
    tap_is_int(rig_pull(&b), PV_OK, "Bob pulls it");
    rig_texts(&b, &got);
    tap_ok(got.n == want.n + 1 && memcmp(got.p, want.p, want.n) == 0, "and has each of %zu messages once, in order", said);
    test_cold(&a);
    tap_is_int(reopen(&a, &b), PV_OK, "the room opens again");
    rig_member_close(&a);
    rig_member_close(&b);
    rig_device_release(&ada);
    rig_device_release(&bob);
    rig_server_release(&server);
    pv_buf_release(&want);
    pv_buf_release(&got);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
