/* Random logs: whatever is written, an owner stays while there are members, judging tells what folding does, a snapshot
 * anywhere changes nothing, and the whole log at once gives the same state. */
#include "tests/seeded.h"
#include "tests/tap.h"
#include "tests/unit/roster_steps.h"

enum { LOGS = 250, BYTES = 400, OFTEN = 5 };

int main(void)
{
	uint64_t accepted[PV_ROSTER_FORGET + 1] = {0};
	size_t entries = 0, seldom = 0;
	uint8_t bytes[BYTES];
	roster_steps_init();
	for (uint64_t seed = 0; seed < LOGS; seed++) {
		struct seeded s = seeded_make(seed);
		seeded_fill(&s, bytes, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] %= 26; /* small numbers meet each other more often */
		bytes[0] = seed % 5 == 0;
		entries += roster_steps_play(pv_bytes(bytes, sizeof bytes), accepted);
	}
	roster_steps_release();
	tap_ok(entries > 20 * LOGS, "%zu entries in %d logs keep the invariants", entries, LOGS);
	for (int type = PV_ROSTER_INVITE; type <= PV_ROSTER_FORGET; type++) {
		if (accepted[type] < OFTEN)
			tap_note("type %d was accepted only %llu times", type, (unsigned long long)accepted[type]);
		seldom += accepted[type] < OFTEN;
	}
	tap_is_int((long long)seldom, 0, "every type was accepted five times and more");
	return tap_done();
}
