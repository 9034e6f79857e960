/* Adding a device by a short code: how the old device (the host) and the new one (the guest) talk through the
 * server's mailbox.
 *
 * Each run of pv_pairing_task goes as far as it can without waiting for the other side. While the stage is one that
 * waits, the driver runs a new task every second or so, until the code's time is over:
 *
 *     host:  OPENING → WAITING (show the code) → ANSWERED → ASKED (add the device, then pv_pairing_confirm) → TELLING → DONE
 *     guest: OPENING → WAITING → OFFERED (consent, then pv_pairing_ask) → TELLING → ANSWERED → DONE
 */
#ifndef PV_SYNC_PAIRING_H
#define PV_SYNC_PAIRING_H

#include "core/room/pairing.h"
#include "core/sync/task.h"

enum pv_pairing_stage {
    PV_PAIRING_OPENING,
    PV_PAIRING_WAITING,  /* waits: for the other side's first message */
    PV_PAIRING_ANSWERED, /* waits: for its second */
    PV_PAIRING_OFFERED,  /* guest: pv_pairing_offered, then pv_pairing_ask */
    PV_PAIRING_ASKED,    /* host: pv_pairing_asked, then pv_pairing_confirm or pv_pairing_decline */
    PV_PAIRING_TELLING,  /* has something to send */
    PV_PAIRING_DONE
};

struct pv_pairing_talk; /* secret */

/* On the old device. `offer` is copied. Errors: NOMEM, LIMIT. */
PV_MUST_USE enum pv_err pv_pairing_host(const char *server_name, const struct pv_pairing_offer *offer,
                                        const struct pv_random *random, struct pv_pairing_talk **ret_talk);
/* On the new one, by the code that was typed. Errors: NOMEM, LIMIT. */
PV_MUST_USE enum pv_err pv_pairing_guest(const char *server_name, const struct pv_pairing_code *code,
                                         const struct pv_random *random, struct pv_pairing_talk **ret_talk);
/* Wipes it. */
void pv_pairing_free(struct pv_pairing_talk *talk);

/* The talk outlives the task. Errors of the task: DENIED: a wrong code, or refused by the other side; EXPIRED: the
 * code's time is over; the server's. */
PV_MUST_USE enum pv_err pv_pairing_task(struct pv_pairing_talk *talk, struct pv_task **ret_task);
enum pv_pairing_stage pv_pairing_stage(const struct pv_pairing_talk *talk);

/* Host: the code to show and when it ends, from WAITING on. */
const struct pv_pairing_code *pv_pairing_code(const struct pv_pairing_talk *talk, uint64_t *ret_expires_ms);
/* Host: who wants to be added, at ASKED; borrowed. */
const struct pv_pairing_request *pv_pairing_asked(const struct pv_pairing_talk *talk);
/* Host: the device is added; `note` covers that. Errors: the buffer's. */
PV_MUST_USE enum pv_err pv_pairing_confirm(struct pv_pairing_talk *talk, struct pv_bytes note);
void pv_pairing_decline(struct pv_pairing_talk *talk);

/* Guest: for whom, by whom, at OFFERED; borrowed. */
const struct pv_pairing_offer *pv_pairing_offered(const struct pv_pairing_talk *talk);
/* Guest: ask to be added. Errors: the buffer's. */
PV_MUST_USE enum pv_err pv_pairing_ask(struct pv_pairing_talk *talk, const struct pv_pairing_request *request);
/* Guest: the note, at DONE; borrowed. */
struct pv_bytes pv_pairing_note(const struct pv_pairing_talk *talk);

#endif
