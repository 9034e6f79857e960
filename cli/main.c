/* The `privity` command: read the command line, run one command, say what went wrong in one line. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/changes.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/session.h"
#include "client/system.h"

#define VERSION "0.1.0"

/* Without 0, 1 and 2 open, a file of ours could take their place. */
static void hold_standard_files(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(1);
}

static enum pv_err run(const struct pv_args *args, struct pv_session *session, struct pv_report *report)
{
    enum pv_err err = pv_crypto_init();
    if (err != PV_OK) return pv_report(report, err, "the system's source of randomness does not work");
    session->offline = args->offline;
    if (!args->command->local) err = pv_session_open(session, report);
    if (err == PV_OK) err = args->command->run(session, args, report);
    return err;
}

/* Being offline is status 5 only when something was kept that will be sent. */
static int exit_status(const struct pv_report *report, enum pv_err err, bool kept)
{
    if (report->exit_status) return report->exit_status;
    if (err == PV_ERR_OFFLINE && !kept) return 1;
    return pv_err_exit_status(err);
}

int main(int argc, char **argv)
{
    static struct pv_args args; /* large, and used once */
    static struct pv_session session = {.home.dir_fd = -1};
    static struct pv_report report;
    enum pv_err err, finished;
    mode_t user_umask;
    int status;

    hold_standard_files();
    signal(SIGPIPE, SIG_IGN);
    user_umask = umask(077);
    setlocale(LC_TIME, "");
    setlocale(LC_CTYPE, "");
    pv_system_harden(&session, sizeof session);
    err = pv_args_parse(argc, argv, &args, &report);
    if (err == PV_OK && args.version) {
        puts("privity " VERSION);
    } else if (err == PV_OK && (args.help || !args.command)) {
        pv_help_print(args.help ? stdout : stderr, args.command);
        if (!args.help) return 2;
    } else if (err == PV_OK) {
        pv_session_init(&session);
        session.user_umask = user_umask;
        session.tell = pv_cli_tell_change;
        session.give_up = pv_cli_tell_given_up;
        err = run(&args, &session, &report);
    }
    finished = pv_out_finish(&report);
    if (err == PV_OK) err = finished;
    if (session.away[0] && err != PV_ERR_OFFLINE) pv_term_line(stderr, "privity: %s; going by what is here", session.away);
    if (err != PV_OK) {
        (void)pv_report_default(&report, err, "failed");
        pv_term_line(stderr, "privity: %s", report.text);
    }
    if (err == PV_OK && session.gave_up && !report.exit_status) report.exit_status = 1;
    status = err == PV_OK ? report.exit_status : exit_status(&report, err, session.kept);
    pv_session_close(&session);
    return status;
}
