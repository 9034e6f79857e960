/* An owner who means ill: the successor that `privity repair ROOM --successor` names next is a room that stands already.
 *
 *     misname ROOM OTHER
 *
 * Environment and exit statuses are those of `privity`. */
#include "tests/tools/on_home.h"

static enum pv_err act(struct pv_session *session, int argc, char **argv, struct pv_report *report)
{
	struct pv_open_room *room = NULL, *other = NULL;
	(void)argc;
	enum pv_err err = pv_cli_room(session, argv[1], &room, report);
	if (!err) err = pv_cli_room(session, argv[2], &other, report);
	return err ? err : pv_store_value_set(room->store, "client.successor", PV_BYTES_OF(other->id));
}

int main(int argc, char **argv)
{
	return argc != 3 ? 2 : on_home("misname", act, argc, argv);
}
