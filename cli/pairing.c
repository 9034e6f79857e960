/* Waiting for the other device of a pairing. */
#include "cli/pairing.h"

#include <time.h>

#include "client/system.h"

static void pause_a_second(void)
{
    struct timespec second = {.tv_sec = 1};
    (void)nanosleep(&second, NULL); /* an interruption only shortens it */
}

enum pv_err pv_pairing_go_on(struct pv_pairing_talk *talk, pv_pairing_run *run, void *context, uint64_t until_ms,
                             struct pv_report *report)
{
    for (;;) {
        enum pv_err err = run(context, talk, report);
        if (err != PV_OK) return err;
        enum pv_pairing_stage stage = pv_pairing_stage(talk);
        if (stage != PV_PAIRING_WAITING && stage != PV_PAIRING_ANSWERED) return PV_OK;
        if (until_ms && pv_system_now_ms() > until_ms)
            return pv_report(report, PV_ERR_EXPIRED, "no device used the code in time: nothing was added; run privity device add again");
        pause_a_second();
    }
}
