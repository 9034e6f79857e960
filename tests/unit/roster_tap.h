/* One TAP case for a verdict: what kit_roster and its like returned against what they should have. */
#ifndef TESTS_UNIT_ROSTER_TAP_H
#define TESTS_UNIT_ROSTER_TAP_H

#include "tests/tap.h"
#include "tests/unit/room_kit.h"

enum { IMPOSSIBLE = -1 - PV_IMPOSSIBLE, UNSUPPORTED = -1 - PV_UNSUPPORTED };

static const enum pv_role VIEWER = PV_ROLE_VIEWER, EDITOR = PV_ROLE_EDITOR, OWNER = PV_ROLE_OWNER;

static const char *verdict_name(int got)
{
	if (got == IMPOSSIBLE)
		return "impossible";
	if (got == UNSUPPORTED)
		return "unsupported";
	return got == PV_REASON_NONE ? "accepted" : pv_reason_name((enum pv_reason)got);
}

__attribute__((unused)) static bool is(int got, int want, const char *what)
{
	(void)VIEWER, (void)EDITOR, (void)OWNER;
	tap_ok(got == want, "%s: %s", what, verdict_name(want));
	if (got != want)
		tap_note("got %s", verdict_name(got));
	return got == want;
}

#endif
