/* What the operator may set: one table serves command line, configuration file, help and completions. */
#ifndef PV_SERVER_CONFIG_H
#define PV_SERVER_CONFIG_H

#include "server/limits.h"
#include "server/log.h"
#include "server/peer.h"
#include "server/server.h"

enum {
    PV_CONFIG_TEXT_MAX = 1024,
    PV_CONFIG_WHY_MAX = 1536,
    PV_CONNECTIONS_ADDRESS = 256, /* connections of one address that is not loopback, if nothing is said */
    PV_CONNECTIONS_DEFAULT = 1000001
};

/* ON: as far as the kernel has it. */
enum pv_sandbox_mode { PV_SANDBOX_ON, PV_SANDBOX_OFF, PV_SANDBOX_REQUIRED };

struct pv_config {
    char listen[PV_CONFIG_TEXT_MAX];
    char public_url[PV_CONFIG_TEXT_MAX];
    char data[PV_CONFIG_TEXT_MAX];
    char meta[PV_CONFIG_TEXT_MAX];
    char blobs[PV_CONFIG_TEXT_MAX];
    char tls_cert[PV_CONFIG_TEXT_MAX];
    char tls_key[PV_CONFIG_TEXT_MAX];
    bool json; /* of admin commands: print JSON */
    char user[PV_CONFIG_TEXT_MAX]; /* to become after binding, when started as root */
    enum pv_sandbox_mode sandbox;
    enum pv_registration_mode registration;
    enum pv_log_level log_level;
    uint64_t threads;
    uint64_t connections;
    uint64_t head_s; /* for a request's head, however slowly it comes */
    uint64_t connections_address; /* PV_CONNECTIONS_DEFAULT: as the default says */
    struct pv_proxies proxies;
    struct pv_limits_config limits;
};

void pv_config_init(struct pv_config *config);
/* Is there an option of this name (without dashes) that files may have too? */
bool pv_config_knows(const char *name);
/* `ret_why`: a sentence on what is wrong. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_config_set(struct pv_config *config, const char *name, const char *value,
                                      char ret_why[static PV_CONFIG_WHY_MAX]);
/* Lines of `name = value`, # begins a comment. Errors: IO, USAGE. */
PV_MUST_USE enum pv_err pv_config_read(struct pv_config *config, const char *path,
                                       char ret_why[static PV_CONFIG_WHY_MAX]);
/* What depends on more than one option, and defaults that follow from others. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_config_finish(struct pv_config *config, char ret_why[static PV_CONFIG_WHY_MAX]);
/* One line an option, for --help. */
void pv_config_help(struct pv_buf *text);
/* What the table says of an option, for help and completions. */
struct pv_config_option {
    const char *name, *argument, *help; /* argument NULL: it takes none */
    const char *const *words;           /* what it may be; NULL: anything */
    bool is_file, is_dir;               /* it names one */
};
/* The i-th; false: there are no more. */
bool pv_config_option(size_t i, struct pv_config_option *ret_option);

/* "127.0.0.1:7440", "[::1]:7440", "localhost:7440" into host and port. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_config_split_listen(const char *listen, char ret_host[static 256], uint16_t *ret_port);

#endif
