/* What no command does yet, on a home as `privity` has it: forgetting, its notice, holds.
 *
 *     forgetful ROOM forget FROM-TO…      half-open ranges of the log
 *     forgetful ROOM begin FROM-TO…       the same, kept here and not sent
 *     forgetful ROOM send                 what privity would send with its next command
 *     forgetful ROOM notice MILLISECONDS
 *     forgetful ROOM hold FROM-TO…
 *     forgetful ROOM lift
 *
 * Environment and exit statuses are those of `privity`; `lift` ends the one hold that `hold` of this tool makes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/system.h"
#include "core/sync/room_parts.h"
#include "tests/tools/on_home.h"

static const struct pv_id16 hold_id = {{'h', 'o', 'l', 'd'}};

static size_t read_ranges(char **words, int count, struct pv_range *ret_ranges)
{
	size_t n = 0;
	for (int i = 0; i < count && n < PV_LIMIT_RANGES; i++) {
		unsigned long long from, to;
		if (sscanf(words[i], "%llu-%llu", &from, &to) != 2) exit(2);
		ret_ranges[n++] = (struct pv_range){from, to};
	}
	return n;
}

static enum pv_err write_body(struct pv_room *room, const struct pv_roster_body *body)
{
	enum pv_err err = pv_room_begin(room);
	if (!err) err = pv_write_roster(room, body, pv_bytes(NULL, 0));
	if (err) pv_room_rollback(room);
	else err = pv_room_commit(room);
	return err;
}

static enum pv_err set_notice(struct pv_room *room, const char *text)
{
	struct pv_roster_body body = {.type = PV_ROSTER_POLICY};
	uint8_t memory[32];
	struct pv_buf value;
	pv_buf_init_fixed(&value, memory, sizeof memory);
	pv_cbor_put_array(&value, 2);
	pv_cbor_put_uint(&value, 1);
	pv_cbor_put_uint(&value, strtoull(text, NULL, 10));
	body.u.policy.replaces = *pv_roster_policy(pv_room_roster(room));
	body.u.policy.value = pv_buf_bytes(&value);
	return write_body(room, &body);
}

static enum pv_err hold(struct pv_room *room, char **words, int count)
{
	struct pv_roster_body body = {.type = PV_ROSTER_HOLD, .u.ranges.id = hold_id};
	body.u.ranges.count = read_ranges(words, count, body.u.ranges.ranges);
	return write_body(room, &body);
}

static enum pv_err forget(struct pv_room *room, char **words, int count)
{
	struct pv_range ranges[PV_LIMIT_RANGES];
	size_t n = read_ranges(words, count, ranges);
	return pv_room_forget(room, ranges, n);
}

static enum pv_err act(struct pv_session *session, int argc, char **argv, struct pv_report *report)
{
	const struct pv_roster_body lift = {.type = PV_ROSTER_LIFT, .u.lift = hold_id};
	struct pv_open_room *room = NULL;
	const char *what = argv[2];
	enum pv_err err = pv_cli_room(session, argv[1], &room, report);
	if (!err) err = pv_contact_pull(session, room, 0, report);
	if (err) return err;
	if (strcmp(what, "forget") == 0 || strcmp(what, "begin") == 0) err = forget(room->room, argv + 3, argc - 3);
	else if (strcmp(what, "notice") == 0 && argc > 3) err = set_notice(room->room, argv[3]);
	else if (strcmp(what, "hold") == 0) err = hold(room->room, argv + 3, argc - 3);
	else if (strcmp(what, "lift") == 0) err = write_body(room->room, &lift);
	else if (strcmp(what, "send") != 0) err = PV_ERR_USAGE;
	if (err) return pv_session_room_error(session, room, err, report);
	return strcmp(what, "begin") == 0 ? PV_OK : pv_contact_push(session, room, NULL, report);
}

int main(int argc, char **argv)
{
	return argc < 3 ? 2 : on_home("forgetful", act, argc, argv);
}
