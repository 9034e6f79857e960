/* The certificate and key that the operator gave. */
#ifndef PV_SERVER_TLS_FILES_H
#define PV_SERVER_TLS_FILES_H

#include "server/config.h"

/* Both can be read, are PEM, and belong together. `ret_why`: a sentence that names the file. Errors: IO, MALFORMED. */
PV_MUST_USE enum pv_err pv_tls_check(const char *cert, const char *key, char ret_why[static PV_CONFIG_WHY_MAX]);

#endif
