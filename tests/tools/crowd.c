/* A thief with a device's keys, who adds devices to its person until the rules let in no more.
 *
 *     crowd
 *
 * Environment and exit statuses are those of `privity`. */
#include "client/system.h"
#include "core/sync/devices.h"
#include "tests/tools/on_home.h"

static enum pv_err add_one(struct pv_session *session, struct pv_report *report)
{
	struct pv_sign_seed sign;
	struct pv_kem_seed kem;
	struct pv_identity me;
	struct pv_new_device device;
	pv_random_fill(&pv_system_random, sign.b, sizeof sign.b);
	pv_random_fill(&pv_system_random, kem.b, sizeof kem.b);
	pv_identity_derive(&sign, &kem, &me);
	enum pv_err err = pv_device_consent(&me, false, &session->me.person, &session->me.device, &device);
	if (!err) err = pv_device_add(session->person->room, &device);
	return err ? pv_session_room_error(session, session->person, err, report) : PV_OK;
}

static enum pv_err act(struct pv_session *session, int argc, char **argv, struct pv_report *report)
{
	size_t count = 0;
	(void)argc;
	(void)argv;
	enum pv_err err = pv_session_person(session, report);
	if (!err) err = pv_cli_fetch(session, session->person, report);
	if (!err) (void)pv_roster_devices(pv_room_roster(session->person->room), &count);
	for (; count < PV_LIMIT_DEVICES_PRESENT && !err; count++) err = add_one(session, report);
	return err ? err : pv_cli_send(session, session->person, report);
}

int main(int argc, char **argv)
{
	return on_home("crowd", act, argc, argv);
}
