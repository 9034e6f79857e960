/* A thief with a device's keys, who writes into its person's list of rooms that one was left, or is elsewhere.
 *
 *     mislist ROOM left
 *     mislist ROOM joined URL      URL: as it stands, an address or not
 *
 * Environment and exit statuses are those of `privity`. */
#include <stdio.h>
#include <string.h>

#include "tests/tools/on_home.h"

static enum pv_err act(struct pv_session *session, int argc, char **argv, struct pv_report *report)
{
	struct pv_known_room known;
	enum pv_err err = pv_directory_find(session, argv[1], &known, report);
	if (err) return err;
	known.state = strcmp(argv[2], "left") == 0 ? PV_ROOM_LEFT : PV_ROOM_JOINED;
	if (argc > 3) snprintf(known.server.text, sizeof known.server.text, "%s", argv[3]);
	return pv_directory_record(session, &known, report);
}

int main(int argc, char **argv)
{
	return argc < 3 ? 2 : on_home("mislist", act, argc, argv);
}
