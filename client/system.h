/* The system's clock and randomness, as the core takes them. */
#ifndef PV_CLIENT_SYSTEM_H
#define PV_CLIENT_SYSTEM_H

#include "core/crypto/keys.h"

extern const struct pv_random pv_system_random;

/* Milliseconds since 1970 UTC. */
uint64_t pv_system_now_ms(void);
/* Milliseconds of a clock that never jumps. */
uint64_t pv_system_ticks_ms(void);
/* No core dumps, no ptrace by others of this user, and no swap, as far as the limit on locked memory lets it: secrets
 * are about to be in memory. Where little may be locked, these are the stack and the `n` bytes of `statics`. */
void pv_system_harden(const void *statics, size_t n);

#endif
