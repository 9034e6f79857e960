/* Blobs that the server has lost: which versions of which files they leave unreadable, and giving them back from files
 * at hand. A sealed chunk follows from its plaintext, key and place, which the entry tells: so whoever has the plaintext
 * makes the very bytes that were lost, and needs not to have kept them. */
#ifndef PV_CLI_REGAIN_H
#define PV_CLI_REGAIN_H

#include "cli/common.h"

struct pv_lost_version {
    char *name;          /* path in the room, or of an attachment */
    uint64_t number;     /* of the version; 0: an attachment */
    uint64_t index;      /* of its entry */
    uint64_t size_bytes;
    uint64_t time_ms;
    char writer[PV_CLI_NAME_BYTES];
    uint64_t missing;    /* blobs that the server lacks */
    bool paged;          /* its list of chunks is in a blob too: if that is lost, it is to be put anew */
    bool was_found;      /* among the given files */
};

struct pv_regain;

/* Ask the server for every blob of every version. `ret_regain` is the caller's to free, also after an error; NULL is
 * nothing. Errors: OFFLINE, the room's. */
PV_MUST_USE enum pv_err pv_regain_new(struct pv_session *session, struct pv_open_room *room, struct pv_regain **ret_regain,
                                      struct pv_report *report);
void pv_regain_free(struct pv_regain *regain);
/* Give back what can be made of this local file. Errors: NOT_FOUND, IO (the file), the server's. */
PV_MUST_USE enum pv_err pv_regain_look(struct pv_regain *regain, const char *path, struct pv_report *report);
PV_MUST_USE enum pv_err pv_regain_send(struct pv_regain *regain, uint64_t *ret_sent, struct pv_report *report);
/* Those with missing blobs, in the order of their entries; NULL at the end. */
const struct pv_lost_version *pv_regain_lost(const struct pv_regain *regain, size_t i);
/* Blobs that only removed files and unreadable entries name. */
uint64_t pv_regain_lost_else(const struct pv_regain *regain);
/* One line on standard output for each. */
void pv_regain_print(const struct pv_regain *regain, const struct pv_open_room *room);

#endif
