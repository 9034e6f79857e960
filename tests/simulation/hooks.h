/* Looking over the core's shoulder, by the linker (--wrap): who sealed what for whom, and results worth remembering.
 *
 * Many simulated devices check the same signatures and open the same keys in one process; what was computed once is
 * not computed again. Nothing of this is in the programs that are shipped. */
#ifndef TESTS_SIMULATION_HOOKS_H
#define TESTS_SIMULATION_HOOKS_H

#include "core/room/epoch.h"
#include "core/state/store.h"

struct sim_watch {
    /* A secret was wrapped for a KEM key; a secret was sealed under a newer one. */
    void (*wrapped)(void *context, const struct pv_wrap_context *wrap, const struct pv_kem_pk *pk);
    void (*linked)(void *context, const struct pv_link_context *link);
    /* Any use of a key and nonce to seal, as hashes of (key, nonce) and of what was sealed. */
    void (*sealed)(void *context, const struct pv_hash *key_and_nonce, const struct pv_hash *content);
    /* 32 bytes that nobody may have but whom they belong to: a seed, an epoch's secret, a key that something is sealed with. */
    void (*secret)(void *context, const uint8_t bytes[static 32]);
    /* A version was signed and stands in an outbox. */
    void (*versioned)(void *context, struct pv_store *store, const struct pv_sealed_write *version);
    void *context;
};

/* NULL: nobody watches. */
void sim_watch(const struct sim_watch *watch);
/* How often something was asked for in this process, and how often it had to be computed. */
struct sim_costs {
    uint64_t checks, checks_computed; /* of signatures */
    uint64_t signings, signings_computed;
    uint64_t kems, kems_computed;     /* key pairs, and secrets under them */
};
const struct sim_costs *sim_costs(void);

#endif
