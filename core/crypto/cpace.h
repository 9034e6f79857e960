/* CPace: two sides that share a short code agree on a key; whoever only guesses gets one guess an exchange.
 *
 * CPACE-RISTR255-SHA512 of draft-irtf-cfrg-cpace, initiator and responder, with its strings and transcript.
 * Proof: Abdalla, Haase, Hesse, "Security analysis of CPace", ASIACRYPT 2021. */
#ifndef PV_CRYPTO_CPACE_H
#define PV_CRYPTO_CPACE_H

#include "core/base/bytes.h"

enum { PV_CPACE_SHARE_BYTES = 32, PV_CPACE_KEY_BYTES = 64, PV_CPACE_RANDOM_BYTES = 64, PV_CPACE_PART_MAX = 4096 };

struct pv_cpace_share { uint8_t b[PV_CPACE_SHARE_BYTES]; };

/* What both sides must agree on; each part is at most PV_CPACE_PART_MAX bytes. */
struct pv_cpace_input {
    struct pv_bytes password; /* PRS; secret */
    struct pv_bytes channel;  /* CI: whom the channel connects */
    struct pv_bytes sid;      /* fresh for each exchange */
};

/* One side of an exchange. Secret: its holder wipes it. */
struct pv_cpace {
    uint8_t scalar[32];
    struct pv_cpace_share share; /* to be sent */
};

/* The first message of a side. `random`: uniform bytes, used for nothing else. Errors: LIMIT. */
PV_MUST_USE enum pv_err pv_cpace_start(const struct pv_cpace_input *input,
                                       const uint8_t random[static PV_CPACE_RANDOM_BYTES], struct pv_cpace *ret_cpace);

/* The two messages in the order in which they were sent; ad: what each sent with its share. */
struct pv_cpace_transcript {
    struct pv_cpace_share initiator, responder;
    struct pv_bytes initiator_ad, responder_ad;
};

/* The key, the same on both sides if all that they put in was the same. A wrong code gives another key, no error:
 * the caller has the other side prove that it holds the key.
 * Errors: MALFORMED where the peer's share is no point or the neutral one; LIMIT. */
PV_MUST_USE enum pv_err pv_cpace_key(const struct pv_cpace *cpace, struct pv_bytes sid, bool initiator,
                                     const struct pv_cpace_transcript *transcript,
                                     uint8_t ret_key[static PV_CPACE_KEY_BYTES]);

#endif
