/* A set of secrets of 32 bytes, to be looked for in whatever somebody got hold of. */
#ifndef TESTS_SIMULATION_SECRETS_H
#define TESTS_SIMULATION_SECRETS_H

#include "core/base/bytes.h"

enum { SIM_SECRETS = 1 << 13, SIM_SECRET_BYTES = 32 };

/* All zero: empty. */
struct sim_secrets {
    uint64_t beginnings[1 << 10]; /* a bit for each first two bytes that one has */
    struct {
        bool used;
        uint8_t b[SIM_SECRET_BYTES];
    } all[SIM_SECRETS];
    size_t count;
};

void sim_secrets_add(struct sim_secrets *secrets, const uint8_t bytes[static SIM_SECRET_BYTES]);
/* Do they hold one of the set, wherever it begins? */
bool sim_secrets_are_in(const struct sim_secrets *secrets, struct pv_bytes bytes);

#endif
