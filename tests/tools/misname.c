/* An owner who means ill: the successor that `privity repair ROOM --successor` names next is a room that stands already.
 *
 *     misname ROOM OTHER
 *
 * Environment and exit statuses are those of `privity`. */
#include <stdio.h>

#include "cli/common.h"

static enum pv_err act(struct pv_session *session, char **argv, struct pv_report *report)
{
	struct pv_open_room *room = NULL, *other = NULL;
	enum pv_err err = pv_session_open(session, report);
	if (!err) err = pv_cli_room(session, argv[1], &room, report);
	if (!err) err = pv_cli_room(session, argv[2], &other, report);
	return err ? err : pv_store_value_set(room->store, "client.successor", PV_BYTES_OF(other->id));
}

int main(int argc, char **argv)
{
	static struct pv_session session = {.home.dir_fd = -1};
	static struct pv_report report;
	if (argc != 3) return 2;
	enum pv_err err = pv_crypto_init();
	pv_session_init(&session);
	if (!err) err = act(&session, argv, &report);
	if (err) {
		(void)pv_report_default(&report, err, "failed");
		fprintf(stderr, "misname: %s\n", report.text);
	}
	pv_session_close(&session);
	return pv_err_exit_status(err);
}
