/* Waiting for the other device of a pairing. */
#include "cli/pairing.h"

#include <time.h>

#include "cli/output.h"
#include "cli/term.h"
#include "client/system.h"

enum { FIRST_SAID_MS = 10000, SAID_EACH_MS = 60000 };

static void pause_a_second(void)
{
    struct timespec second = {.tv_sec = 1};
    (void)nanosleep(&second, NULL); /* an interruption only shortens it */
}

/* A mistyped code may never reach the server, or another mailbox: who waits is told what was heard so far. */
static void say_waiting(const struct pv_pairing_talk *talk, enum pv_pairing_stage stage)
{
    char until[PV_OUT_TIME_BYTES];
    uint64_t expires_ms = 0;

    (void)pv_pairing_code(talk, &expires_ms);
    if (!expires_ms) { /* the new device */
        pv_term_line(stderr, "privity: still waiting for the other device");
        return;
    }
    pv_out_time(expires_ms, until);
    if (stage == PV_PAIRING_WAITING)
        pv_term_line(stderr, "privity: still waiting: no device has used the code so far; if it was mistyped there, type it again, until %s", until);
    else
        pv_term_line(stderr, "privity: still waiting: a device has used the code, and has not gone on so far; the code ends at %s", until);
}

enum pv_err pv_pairing_go_on(struct pv_pairing_talk *talk, pv_pairing_run *run, void *context, uint64_t until_ms,
                             struct pv_report *report)
{
    uint64_t say_ms = pv_system_now_ms() + FIRST_SAID_MS;

    for (;;) {
        enum pv_err err = run(context, talk, report);
        if (err != PV_OK) return err;
        enum pv_pairing_stage stage = pv_pairing_stage(talk);
        if (stage != PV_PAIRING_WAITING && stage != PV_PAIRING_ANSWERED) return PV_OK;
        if (until_ms && pv_system_now_ms() > until_ms)
            return pv_report(report, PV_ERR_EXPIRED, "no device used the code in time: nothing was added; run privity device add again");
        if (pv_system_now_ms() >= say_ms) {
            say_waiting(talk, stage);
            say_ms = pv_system_now_ms() + SAID_EACH_MS;
        }
        pause_a_second();
    }
}
