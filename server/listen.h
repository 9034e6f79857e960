/* The socket that the server listens on. */
#ifndef PV_SERVER_LISTEN_H
#define PV_SERVER_LISTEN_H

#include "server/config.h"

/* Bind the address of the configuration; the port taken is told, so that the server can name itself before it
 * answers. `ret_why`: a sentence. Errors: USAGE (no such address), CONFLICT (in use), IO. */
PV_MUST_USE enum pv_err pv_listen_open(const struct pv_config *config, int *ret_socket, uint16_t *ret_port,
                                       char ret_why[static PV_CONFIG_WHY_MAX]);

#endif
