/* The set is a table by the first bytes of its members, which are as good as random. */
#include "tests/simulation/secrets.h"

#include <stdlib.h>
#include <string.h>

static unsigned beginning(const uint8_t *bytes)
{
    return bytes[0] | (unsigned)bytes[1] << 8;
}

/* Where it stands, or would. */
static size_t place_of(const struct sim_secrets *secrets, const uint8_t *bytes)
{
    size_t at;
    memcpy(&at, bytes, sizeof at);
    for (at &= SIM_SECRETS - 1; secrets->all[at].used; at = (at + 1) & (SIM_SECRETS - 1))
        if (memcmp(secrets->all[at].b, bytes, SIM_SECRET_BYTES) == 0) break;
    return at;
}

void sim_secrets_add(struct sim_secrets *secrets, const uint8_t bytes[static SIM_SECRET_BYTES])
{
    size_t at = place_of(secrets, bytes);
    if (secrets->all[at].used) return;
    if (++secrets->count == SIM_SECRETS) abort();
    secrets->all[at].used = true;
    memcpy(secrets->all[at].b, bytes, SIM_SECRET_BYTES);
    secrets->beginnings[beginning(bytes) >> 6] |= 1ull << (beginning(bytes) & 63);
}

bool sim_secrets_are_in(const struct sim_secrets *secrets, struct pv_bytes bytes)
{
    for (size_t i = 0; i + SIM_SECRET_BYTES <= bytes.n; i++) {
        unsigned begins = beginning(bytes.p + i);
        if (!(secrets->beginnings[begins >> 6] >> (begins & 63) & 1)) continue;
        if (secrets->all[place_of(secrets, bytes.p + i)].used) return true;
    }
    return false;
}
