/* What tools on a home as `privity` has it do alike: the session, and how they end. */
#ifndef TESTS_TOOLS_ON_HOME_H
#define TESTS_TOOLS_ON_HOME_H

#include <stdio.h>

#include "cli/common.h"

typedef enum pv_err on_home_act(struct pv_session *session, int argc, char **argv, struct pv_report *report);

/* The tool's main: `act` with the home opened. Returns the exit status. */
static int on_home(const char *name, on_home_act *act, int argc, char **argv)
{
	static struct pv_session session = {.home.dir_fd = -1};
	static struct pv_report report;
	enum pv_err err = pv_crypto_init();
	pv_session_init(&session);
	if (!err) err = pv_session_open(&session, &report);
	if (!err) err = act(&session, argc, argv, &report);
	if (err) {
		(void)pv_report_default(&report, err, "failed");
		fprintf(stderr, "%s: %s\n", name, report.text);
	}
	pv_session_close(&session);
	return pv_err_exit_status(err);
}

#endif
