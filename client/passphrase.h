/* The passphrase that seals this device's keystore, from a script's file or from the terminal. */
#ifndef PV_CLIENT_PASSPHRASE_H
#define PV_CLIENT_PASSPHRASE_H

#include "client/report.h"
#include "core/base/bytes.h"

enum {
    PV_PASSPHRASE_MAX = 1024,
    PV_PASSPHRASE_SHORT = 10 /* characters; a new one below is taken, with a warning */
};

/* A secret line of text, without its newline. pv_passphrase_wipe when done. */
struct pv_passphrase {
    uint8_t text[PV_PASSPHRASE_MAX];
    size_t n;
};

static inline struct pv_bytes pv_passphrase_bytes(const struct pv_passphrase *passphrase)
{
    return pv_bytes(passphrase->text, passphrase->n);
}

/* PRIVITY_PASSPHRASE_FD, then PRIVITY_PASSPHRASE_FILE, then the terminal with echo off. The first line counts.
 *   confirm  a new passphrase: ask twice on the terminal, and warn on standard error of a short one
 * An empty one is refused either way.
 * Errors: USAGE (nowhere to ask, empty, the two differ), LIMIT, IO. */
PV_MUST_USE enum pv_err pv_passphrase_ask(bool confirm, struct pv_passphrase *ret_passphrase, struct pv_report *report);
/* One to take the place of another: PRIVITY_NEW_PASSPHRASE_FD, then PRIVITY_NEW_PASSPHRASE_FILE, then the terminal, twice.
 * The descriptor may be the one that the old one came from, as its next line. Errors: the same. */
PV_MUST_USE enum pv_err pv_passphrase_ask_new(struct pv_passphrase *ret_passphrase, struct pv_report *report);
/* The first line of a file with a secret (a registration code, a kit). "-" reads standard input. */
PV_MUST_USE enum pv_err pv_secret_read_file(const char *path, const char *what, struct pv_passphrase *ret_line,
                                            struct pv_report *report);
void pv_passphrase_wipe(struct pv_passphrase *passphrase);

#endif
