/* The safety number of two persons: what they read to each other, and the code that one shows for the other to scan, to
 * find out that no server and no link has put anybody between them.
 *
 * It names the two person ids and nothing else. An id is the hash of a genesis that holds the person's first device and
 * first recovery kit, and all other devices are certified from there: so the number stands as long as the two persons
 * do, and devices that change are told apart (core/state/changes.h).  Source: FORMAT.md §11.4. */
#ifndef PV_ROOM_SAFETY_H
#define PV_ROOM_SAFETY_H

#include "core/base/bytes.h"
#include "core/base/limits.h"

enum {
    PV_SAFETY_GROUPS = 12,
    PV_SAFETY_GROUP_DIGITS = 5,
    PV_SAFETY_DIGITS = PV_SAFETY_GROUPS * PV_SAFETY_GROUP_DIGITS,
    PV_SAFETY_NUMBER_CHARS = PV_SAFETY_DIGITS + PV_SAFETY_GROUPS - 1, /* with a blank between groups */
    PV_SAFETY_CODE_CHARS = 146
};

/* The groups, joined by blanks, with a NUL. The same whichever of the two comes first. */
void pv_safety_number(const struct pv_hash *one, const struct pv_hash *other, char ret_text[static PV_SAFETY_NUMBER_CHARS + 1]);
/* What `me` shows to `other`, in characters that a QR code packs well, with a NUL. */
void pv_safety_code(const struct pv_hash *me, const struct pv_hash *other, char ret_text[static PV_SAFETY_CODE_CHARS + 1]);

enum pv_safety_given { PV_SAFETY_GIVEN_NUMBER, PV_SAFETY_GIVEN_CODE };

/* Compare what `other` said, or showed, with what it has to be.
 *   ret_given        written where it is well-formed: also with BROKEN_CHAIN and CONFLICT
 *   ret_wrong_group  the only group (1 to 12) of a number that differs: perhaps misheard; else 0. Always written
 * Errors: BROKEN_CHAIN (it is of other persons), CONFLICT (the code that `me` shows, not the other's), TRUNCATED (too few
 * digits), LIMIT (too many), MALFORMED (neither a number nor a code), UNSUPPORTED (a code of a newer version). */
PV_MUST_USE enum pv_err pv_safety_check(const struct pv_hash *me, const struct pv_hash *other, struct pv_bytes text,
                                        enum pv_safety_given *ret_given, unsigned *ret_wrong_group);

#endif
