/* The system's clock and randomness, as the core takes them. */
#ifndef PV_CLIENT_SYSTEM_H
#define PV_CLIENT_SYSTEM_H

#include "core/crypto/keys.h"

extern const struct pv_random pv_system_random;

/* Milliseconds since 1970 UTC. */
uint64_t pv_system_now_ms(void);
/* Milliseconds of a clock that never jumps. */
uint64_t pv_system_ticks_ms(void);
/* No core dumps, no ptrace by others of this user: secrets are about to be in memory. */
void pv_system_harden(void);

#endif
