/* The server of this process: stores, key and threads, from a configuration. */
#ifndef PV_SERVER_DAEMON_H
#define PV_SERVER_DAEMON_H

#include "server/config.h"
#include "server/server.h"

/* Open the stores of the configuration, for the daemon or an administrator's command. `ret_why`: a sentence. */
PV_MUST_USE enum pv_err pv_daemon_open_stores(struct pv_server *server, const struct pv_config *config,
                                              char ret_why[static PV_CONFIG_WHY_MAX]);
void pv_daemon_close_stores(struct pv_server *server);
/* Clock and randomness of the operating system. */
void pv_daemon_init(struct pv_server *server);

/* Say, line by line, whether pv_daemon_run would start, changing nothing (check.c). Returns the exit status. */
int pv_check_config(const struct pv_config *config);
/* Serve until a signal says to stop. Returns the exit status. */
int pv_daemon_run(const struct pv_config *config);
/* `privityd admin …`; argv[0] is the command. Returns the exit status. */
struct pv_admin_count {
    const char *name;
    uint64_t value;
};
/* As one JSON object on standard output; returns the exit status. */
int pv_admin_print_counts(const struct pv_admin_count *counts, size_t n);
int pv_admin_run(const struct pv_config *config, int argc, char **argv);
void pv_admin_help(struct pv_buf *text);
/* The i-th command; false: there are no more. */
bool pv_admin_command(size_t i, const char **ret_name, const char **ret_help);

#endif
