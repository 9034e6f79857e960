/* The recovery kit: a secret as a code that people can type, the paper device that it makes, and the sheet to keep.
 * Source: FORMAT.md §2, §11. */
#ifndef PV_ROOM_KIT_H
#define PV_ROOM_KIT_H

#include "core/base/limits.h"
#include "core/crypto/keys.h"

enum {
    PV_KIT_GROUPS = 11,
    PV_KIT_GROUP_CHARS = 6,                                           /* five of data, one of checksum */
    PV_KIT_CODE_CHARS = PV_KIT_GROUPS * (PV_KIT_GROUP_CHARS + 1) - 1, /* with the dashes */
    PV_KIT_SHEET_BYTES = PV_LIMIT_KIT_SHEET_BYTES
};

struct pv_kit_secret { uint8_t b[32]; };

/* The code, groups joined by dashes, with a NUL. Secret. */
void pv_kit_encode(const struct pv_kit_secret *kit, char ret_code[static PV_KIT_CODE_CHARS + 1]);
/* Read a typed code: any case, O for 0, I and L for 1, any spaces, dashes, dots and line ends between.
 *   ret_group  always written: the first group (1 to 11) that is wrong, 0 where no one group is to blame
 * Errors: TRUNCATED (characters are missing), LIMIT (too many), MALFORMED. */
PV_MUST_USE enum pv_err pv_kit_decode(struct pv_bytes text, struct pv_kit_secret *ret_kit, unsigned *ret_group);

/* The seeds of the paper device. */
void pv_kit_paper_seeds(const struct pv_kit_secret *kit, struct pv_sign_seed *ret_sign, struct pv_kem_seed *ret_kem);

/* What the sheet says besides the code. Control characters in `name` become spaces. */
struct pv_kit_facts {
    struct pv_bytes name; /* the person's, UTF-8 */
    struct pv_hash person;
    const char *server_url;
    bool further;     /* not the person's first */
    const char *mark; /* how it is told from others, and when it was made; NULL: unsaid */
};
/* Append the sheet: text to print or to keep. Secret. */
void pv_kit_sheet_put(struct pv_buf *text, const struct pv_kit_facts *facts, const struct pv_kit_secret *kit);
/* What follows `mark` ("Name:", "Person:", "Server:", "Kit:") in its line of a sheet, blanks around it left out; empty where there
 * is no such line. */
struct pv_bytes pv_kit_sheet_line(struct pv_bytes text, const char *mark);
/* Read the code out of a sheet, or out of a text that is the code alone. As pv_kit_decode; LIMIT also for a text over
 * PV_KIT_SHEET_BYTES. */
PV_MUST_USE enum pv_err pv_kit_sheet_read(struct pv_bytes text, struct pv_kit_secret *ret_kit, unsigned *ret_group);

#endif
