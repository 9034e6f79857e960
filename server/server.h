/* What every resource of the server works with: the stores, the clock, the random source, who signs.
 *
 * Nothing here touches the operating system: main.c fills it for the daemon, a test or a simulation for itself. */
#ifndef PV_SERVER_SERVER_H
#define PV_SERVER_SERVER_H

#include <stdatomic.h>

#include "core/base/limits.h"
#include "core/crypto/hash.h"
#include "server/blob/blob.h"
#include "server/meta/meta.h"
#include "server/request.h"

#define PV_SERVER_VERSION "0.1.0"

enum {
    PV_SESSION_MS = 3600 * 1000,
    PV_NONCE_MS = 60 * 1000,
    PV_TICKET_MS = 15 * 60 * 1000,
    PV_PAIRING_MS = 10 * 60 * 1000,
    PV_CODE_MS = 7 * 24 * 3600 * 1000,
    PV_BLOB_KEEP_MS = 7 * 24 * 3600 * 1000, /* of one that nothing refers to */
    PV_HELD_BYTES = 256 * 1024 * 1024,      /* of bodies and answers held at once, all together */
    PV_HELD_SMALL_BYTES = 16 * 1024,        /* so little is not counted: who signs in or joins is never kept out by others */
    PV_NOTE_FRESH_S = 3600                  /* an older checkpoint is signed again when asked for */
};

/* Of a room that waits for the tail that its backup lacks; the reason is "restored". */
#define PV_DETAIL_RESTORED "the server was restored from a backup, and this room waits for its members to give back what came after it"

/* UNSET: open for a server that is reached at a loopback address only, else invite. */
enum pv_registration_mode { PV_REGISTER_OPEN, PV_REGISTER_INVITE, PV_REGISTER_CLOSED, PV_REGISTER_UNSET };

struct pv_clock {
    uint64_t (*now_ms)(void *context);
    void *context;
};

struct pv_server {
    struct pv_meta *meta;
    struct pv_blobs *blobs;
    struct pv_clock clock;
    struct pv_random random;
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_signer *signer; /* has the log key */
    struct pv_sign_pk log_pk;
    enum pv_registration_mode registration;
    struct pv_limits *limits;     /* NULL: none */
    struct pv_session_cache *sessions; /* NULL: none */
    struct pv_metrics *metrics;
    struct pv_committer *committer;
    struct pv_events *events;
    struct pv_heads *heads; /* NULL: none are kept */
    atomic_bool stopping;
};

static inline uint64_t pv_server_now_ms(const struct pv_server *server)
{
    return server->clock.now_ms(server->clock.context);
}

/* The hash under which a token, ticket or code is stored. */
void pv_secret_hash(const char *what, const uint8_t secret[static 32], struct pv_hash *ret_hash);
/* 43 characters of base64url to 32 bytes. Errors: as base64's. */
PV_MUST_USE enum pv_err pv_secret_read(const char *text, uint8_t ret_secret[static 32]);

/* What a resource does with a request that the router let through. */
typedef void pv_handler(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response);

pv_handler pv_health_get, pv_metrics_get, pv_server_get;
pv_handler pv_nonce_post, pv_session_post, pv_session_delete;
pv_handler pv_rooms_get, pv_rooms_post;
pv_handler pv_entries_post, pv_restore_post;
pv_handler pv_successor_put, pv_successor_get;
pv_handler pv_entries_get, pv_bodies_get, pv_head_get;
pv_handler pv_checkpoint_get, pv_inclusion_get, pv_consistency_get;
pv_handler pv_wrap_get, pv_links_get, pv_kem_post;
pv_handler pv_blob_put, pv_blob_get, pv_blobs_exist_post;
pv_handler pv_gate_put_handler, pv_gate_get, pv_gate_release_post, pv_gate_delete;
pv_handler pv_events_get;
pv_handler pv_pairings_post, pv_pairing_new_put, pv_pairing_old_put, pv_pairing_new_get, pv_pairing_old_get;

#endif
