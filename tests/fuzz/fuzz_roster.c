/* Logs, bodies and snapshots against the fold's invariants: tests/unit/roster_steps.h tells what the bytes mean. */
#include "tests/unit/roster_steps.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    roster_steps_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t accepted[PV_ROSTER_FORGET + 1] = {0};
    (void)roster_steps_play(pv_bytes(data, size), accepted);
    return 0;
}
