/* A thief with a device's keys, who writes into its person's list of rooms that one was left, or is elsewhere.
 *
 *     mislist ROOM left
 *     mislist ROOM joined URL      URL: as it stands, an address or not
 *     mislist false COUNT          so many more, where there are none
 *
 * Environment and exit statuses are those of `privity`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/system.h"
#include "tests/tools/on_home.h"

/* By names that come before others. */
static enum pv_err list_false(struct pv_session *session, size_t count, struct pv_report *report)
{
	struct pv_known_room rooms[128];
	enum pv_err err = PV_OK;
	size_t made = 0;
	while (made < count && !err) {
		size_t n = 0;
		for (; n < 128 && made < count; n++, made++) {
			rooms[n] = (struct pv_known_room){.state = PV_ROOM_JOINED, .server = session->secrets.server};
			pv_random_fill(&pv_system_random, rooms[n].id.b, sizeof rooms[n].id.b);
			snprintf(rooms[n].name, sizeof rooms[n].name, "!%zu", made);
		}
		err = pv_directory_record_all(session, rooms, n, report);
	}
	return err;
}

static enum pv_err act(struct pv_session *session, int argc, char **argv, struct pv_report *report)
{
	struct pv_known_room known;
	if (strcmp(argv[1], "false") == 0) return list_false(session, strtoul(argv[2], NULL, 10), report);
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
