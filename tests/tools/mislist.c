/* A thief with a device's keys, who writes into its person's list of rooms that one was left, or is elsewhere.
 *
 *     mislist ROOM left
 *     mislist ROOM joined URL      URL: as it stands, an address or not
 *
 * Environment and exit statuses are those of `privity`. */
#include <stdio.h>
#include <string.h>

#include "cli/directory.h"

static enum pv_err act(struct pv_session *session, int argc, char **argv, struct pv_report *report)
{
	struct pv_known_room known;
	enum pv_err err = pv_session_open(session, report);
	if (!err) err = pv_directory_find(session, argv[1], &known, report);
	if (err) return err;
	known.state = strcmp(argv[2], "left") == 0 ? PV_ROOM_LEFT : PV_ROOM_JOINED;
	if (argc > 3) snprintf(known.server.text, sizeof known.server.text, "%s", argv[3]);
	return pv_directory_record(session, &known, report);
}

int main(int argc, char **argv)
{
	static struct pv_session session = {.home.dir_fd = -1};
	static struct pv_report report;
	if (argc < 3) return 2;
	enum pv_err err = pv_crypto_init();
	pv_session_init(&session);
	if (!err) err = act(&session, argc, argv, &report);
	if (err) {
		(void)pv_report_default(&report, err, "failed");
		fprintf(stderr, "mislist: %s\n", report.text);
	}
	pv_session_close(&session);
	return pv_err_exit_status(err);
}
