/* A thief with a device's keys, who takes another device of the same person out of one room, and bars it there.
 *
 *     takeout ROOM DEVICE
 *
 * Environment and exit statuses are those of `privity`. */
#include "cli/devices.h"
#include "core/sync/room_parts.h"
#include "tests/tools/on_home.h"

static enum pv_err act(struct pv_session *session, int argc, char **argv, struct pv_report *report)
{
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE};
	struct pv_open_room *room = NULL;
	struct pv_person_device device;
	(void)argc;
	enum pv_err err = pv_session_person(session, report);
	if (!err) err = pv_device_find(session, argv[2], false, &device, report);
	if (!err) err = pv_cli_room(session, argv[1], &room, report);
	if (!err) err = pv_cli_fetch(session, room, report);
	if (err) return err;
	body.u.device_remove.devices[0] = device.id;
	body.u.device_remove.device_count = 1;
	body.u.device_remove.since = pv_roster_size(pv_room_roster(room->room));
	err = pv_room_begin(room->room);
	if (!err) err = pv_write_roster(room->room, &body, pv_bytes(NULL, 0));
	if (!err) err = pv_room_commit(room->room);
	return err ? pv_session_room_error(session, room, err, report) : pv_cli_send(session, room, report);
}

int main(int argc, char **argv)
{
	return argc != 3 ? 2 : on_home("takeout", act, argc, argv);
}
