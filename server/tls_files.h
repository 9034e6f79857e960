/* The certificate and key that the operator gave. */
#ifndef PV_SERVER_TLS_FILES_H
#define PV_SERVER_TLS_FILES_H

#include "server/config.h"

/* Both can be read, are PEM, and belong together. `ret_why`: a sentence that names the file. Errors: IO, MALFORMED. */
PV_MUST_USE enum pv_err pv_tls_check(const char *cert, const char *key, char ret_why[static PV_CONFIG_WHY_MAX]);

/* Their text, both or neither. */
struct pv_tls_files {
    char *cert, *key; /* NULL: no TLS */
};

/* Check and read what the configuration names. Errors: IO, MALFORMED, NOMEM. */
PV_MUST_USE enum pv_err pv_tls_files_read(struct pv_tls_files *files, const struct pv_config *config,
                                          char ret_why[static PV_CONFIG_WHY_MAX]);
/* Wipes the key. */
void pv_tls_files_release(struct pv_tls_files *files);

#endif
