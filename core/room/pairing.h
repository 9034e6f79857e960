/* Adding a device by a short code: the code, and the four messages that the two devices leave for each other on the
 * server.  Source: FORMAT.md §11.3. */
#ifndef PV_ROOM_PAIRING_H
#define PV_ROOM_PAIRING_H

#include "core/base/limits.h"
#include "core/crypto/cpace.h"
#include "core/log/entry.h"

enum {
    PV_PAIRING_PLATES = 10000, /* mailboxes, 0 to 9999 */
    PV_PAIRING_SECRET_DIGITS = 7,
    PV_PAIRING_CODE_CHARS = 14 /* twelve digits and two dashes */
};

/* Shown on the device that adds, typed on the one that is added. Secret. */
struct pv_pairing_code {
    unsigned plate;                              /* of the mailbox; the server knows it */
    char secret[PV_PAIRING_SECRET_DIGITS + 1];   /* digits; the server does not know them */
};

void pv_pairing_code_make(unsigned plate, const struct pv_random *random, struct pv_pairing_code *ret_code);
void pv_pairing_code_encode(const struct pv_pairing_code *code, char ret_text[static PV_PAIRING_CODE_CHARS + 1]);
/* With any spaces and dashes between. Errors: TRUNCATED, LIMIT (too many digits), MALFORMED (another character, or a
 * digit is wrong). */
PV_MUST_USE enum pv_err pv_pairing_code_decode(struct pv_bytes text, struct pv_pairing_code *ret_code);

/* One device's side of an exchange. Secret: its holder wipes it. */
struct pv_pairing {
    struct pv_pairing_code code;
    char server_name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    uint8_t sid[16];
    struct pv_cpace cpace;
    uint8_t key[PV_CPACE_KEY_BYTES];
};

/* What the old device tells the new one: for whom, by whom, the newest note of the person's room, and what the person is
 * called (UTF-8). */
struct pv_pairing_offer {
    struct pv_hash person, signer;
    struct pv_bytes note, name;
};

/* What the new device tells the old one. */
struct pv_pairing_request {
    struct pv_device device;
    struct pv_kem_pk kem_pk;
    struct pv_sig consent;     /* of its certificate, for the offer's person and signer */
    struct pv_bytes name;      /* of the device, for its person; UTF-8 */
};

/* Message 1, by the new device. Errors: LIMIT; the buffer's. */
PV_MUST_USE enum pv_err pv_pairing_begin(struct pv_pairing *pairing, const struct pv_pairing_code *code,
                                         const char *server_name, const struct pv_random *random, struct pv_buf *message);
/* Message 2, by the old one. Errors: as reading message 1; MALFORMED also for a share that is no point. */
PV_MUST_USE enum pv_err pv_pairing_answer(struct pv_pairing *pairing, const struct pv_pairing_code *code,
                                          const char *server_name, const struct pv_random *random,
                                          struct pv_bytes message1, const struct pv_pairing_offer *offer,
                                          struct pv_buf *message);
/* Read message 2. Errors: BAD_MAC: the codes differ, or somebody stood between; reading's.
 *   ret_offer  its note and name lie in `memory` */
PV_MUST_USE enum pv_err pv_pairing_accept(struct pv_pairing *pairing, struct pv_bytes message2,
                                          struct pv_pairing_offer *ret_offer, struct pv_buf *memory);
/* Message 3 and its reading. Errors: BAD_MAC; reading's; LIMIT; MALFORMED: the KEM key is not the device's. */
PV_MUST_USE enum pv_err pv_pairing_request_put(const struct pv_pairing *pairing, const struct pv_pairing_request *request,
                                               struct pv_buf *message);
PV_MUST_USE enum pv_err pv_pairing_request_get(const struct pv_pairing *pairing, struct pv_bytes message3,
                                               struct pv_pairing_request *ret_request, struct pv_buf *memory);
/* Message 4: it is done, with a note that covers it. */
PV_MUST_USE enum pv_err pv_pairing_done_put(const struct pv_pairing *pairing, struct pv_bytes note, struct pv_buf *message);
PV_MUST_USE enum pv_err pv_pairing_done_get(const struct pv_pairing *pairing, struct pv_bytes message4,
                                            struct pv_bytes *ret_note, struct pv_buf *memory);

#endif
