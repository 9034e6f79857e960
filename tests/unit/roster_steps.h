/* A few known persons in one room: bytes choose entries, or are bodies or a snapshot, and the fold must keep its
 * invariants; it aborts where it does not. For the fuzz target and for random logs.
 *
 *   byte 0        bit 0: a person room; bit 1: begin with a snapshot, length in two bytes, that may be anything
 *   then entries  op, author, and as many bytes as the op takes; where bytes end, so does the log */
#ifndef TESTS_UNIT_ROSTER_STEPS_H
#define TESTS_UNIT_ROSTER_STEPS_H

#include "tests/unit/room_kit.h"

/* Once per process; and after the last play. */
void roster_steps_init(void);
void roster_steps_release(void);
/* Returns the log's length; adds to `accepted` what was, by type. */
size_t roster_steps_play(struct pv_bytes bytes, uint64_t accepted[static PV_ROSTER_FORGET + 1]);

#endif
