/* Acting as a paper device: a recovery kit's keys, in memory alone, for as long as one command runs.
 *
 * It signs in as itself, finds its person's room at the server, and may open the person's other rooms; nothing of it
 * is written to this device. */
#ifndef PV_CLIENT_PAPER_H
#define PV_CLIENT_PAPER_H

#include <sqlite3.h>

#include "client/transport.h"
#include "core/room/kit.h"
#include "core/room/server_url.h"
#include "core/sync/devices.h"

/* A room in memory, as the paper device sees it. */
struct pv_paper_room {
    sqlite3 *db;
    struct pv_store *store;
    struct pv_room *room;
};

struct pv_paper {
    struct pv_identity me;             /* secret */
    struct pv_server_url server;       /* of the person's own room */
    struct pv_transport *transport;    /* signed in there */
    struct pv_server_url other_server; /* of the room that was asked for last, if another one */
    struct pv_transport *other;
    struct pv_paper_room person;
    struct pv_hash *listed;            /* pv_paper_is_in: what `listed_by` said */
    size_t listed_count;
    const struct pv_transport *listed_by;
};

/* Only the keys: what a kit says of itself. */
void pv_paper_identity(const struct pv_kit_secret *kit, struct pv_identity *ret_me);
/* Is `server` there, and by that address? Errors: OFFLINE, CONFLICT; the line says that nothing was made, and what to do. */
PV_MUST_USE enum pv_err pv_paper_reach(const struct pv_server_url *server, struct pv_report *report);
/* Sign in at `server`, find the person's room that lists this kit, and fetch it; `goes_on`: and say, where that server was
 * restored, that the room goes on with what it has. Release also after a failure.
 * Errors: NOT_FOUND (no person there has this kit, or not any more), OFFLINE, what does not verify. */
PV_MUST_USE enum pv_err pv_paper_open(const struct pv_kit_secret *kit, const struct pv_server_url *server, bool goes_on,
                                      struct pv_paper *ret_paper, struct pv_report *report);
void pv_paper_release(struct pv_paper *paper);
/* Does the kit open the person's newest keys? Those that a restored server has lost it `makes` anew, and sends. Errors:
 * NO_KEY, with what to do. */
PV_MUST_USE enum pv_err pv_paper_keys(struct pv_paper *paper, bool makes, struct pv_report *report);
/* Send what waits in the person's own room, and fetch it. */
PV_MUST_USE enum pv_err pv_paper_push_person(struct pv_paper *paper, struct pv_report *report);
/* How a room of the person stands. */
struct pv_paper_mended {
    struct pv_devices_report devices;
    bool restored; /* its server was restored from a backup, and takes nothing in it yet */
};
/* Fetch another room of the person, bring it after the own one, and say how it stands then; `goes_on` as of pv_paper_open.
 * Errors: DENIED (the kit is no device of that room), OFFLINE, what does not verify. */
PV_MUST_USE enum pv_err pv_paper_mend(struct pv_paper *paper, const struct pv_hash *room, const struct pv_server_url *server,
                                      bool goes_on, struct pv_paper_mended *ret_mended, struct pv_report *report);
/* Is this kit a device of a room, by its server's word? */
PV_MUST_USE enum pv_err pv_paper_is_in(struct pv_paper *paper, const struct pv_hash *room, const struct pv_server_url *server,
                                       bool *ret_is, struct pv_report *report);

#endif
