/* What the simulation knows, apart from everyone in it.  Private to ledger*.c. */
#ifndef TESTS_SIMULATION_LEDGER_PARTS_H
#define TESTS_SIMULATION_LEDGER_PARTS_H

#include "core/room/body.h"
#include "tests/simulation/hooks.h"
#include "tests/simulation/secrets.h"
#include "tests/simulation/world.h"

enum { SIM_NODES = 1024, SIM_EDGES = 4096, SIM_SEALS = 1024, SIM_USES = 1 << 13, SIM_OUTS = 256, SIM_DRAWN = 64, SIM_SERVED = 512, SIM_ADDS = 96 };

/* An entry of a server's log, with the verdict that folding it here gave. */
struct sim_entry {
    struct pv_hash author;
    uint64_t kind, type, epoch;
    uint64_t after_ms; /* it came after this time */
    enum pv_verdict verdict;
    struct pv_hash secret; /* of a rekey */
    struct pv_bytes body, refs; /* of a sealed one, where things are forgotten; owned */
};

/* A link, as a log has it. */
struct sim_opening {
    bool known, open;
    uint64_t uses, until_ms, ended; /* the entry by which it ended */
};

struct sim_log {
    struct sim_history history;
    struct sim_entry *entries;
    struct pv_roster *roster;
    uint64_t looked_ms; /* it was seen last, with a server that lived */
    bool present[SIM_DEVICES]; /* by what entries mean, not by the roster */
    struct {
        uint64_t index;
        unsigned adder, device;
    } adds[SIM_ADDS];
    size_t add_count;
    struct sim_opening openings[SIM_LINKS];
    unsigned came_by[SIM_PERSONS]; /* a link */
};

/* A version that a device signed, and what it knew then. */
struct sim_seal {
    struct pv_hash leaf;
    bool crafted;
    unsigned device, room;
    uint64_t kind, epoch, view, seen, own_view; /* entries judged, here and in the person's own room */
    size_t step;
    struct pv_hash view_prefix, seen_prefix, own_prefix, secret;
    struct pv_id16 write_id; /* of a sealed one */
    size_t message;          /* its number; SIM_WRITES: it is none */
    bool asked;              /* somebody asked that it be forgotten */
};

/* A device went out of a room, by itself or with its whole person. */
struct sim_out {
    unsigned host, room, device;
    bool whole;
    uint64_t index;
    size_t step; /* when it was signed */
};

struct sim_drawn {
    unsigned device, link;
};

/* The two halves of a link's key, the link's and the server's, and what they open together: nodes. */
struct sim_gate {
    bool made;
    uint16_t a, b, kem;
};

struct sim_ledger {
    struct sim_world *world;
    struct sim_watch watch;
    struct sim_log logs[SIM_HOSTS][SIM_ROOMS];
    struct sim_seal seals[SIM_SEALS];
    size_t seal_count;
    struct pv_hash served[SIM_SERVED]; /* entries that the server made */
    size_t served_count;
    struct sim_out outs[SIM_OUTS];
    size_t out_count;
    /* who can open what: from a key or secret to the secrets that it opens */
    struct pv_hash nodes[SIM_NODES];
    size_t node_count;
    struct {
        uint16_t from, to;
    } edges[SIM_EDGES];
    size_t edge_count, edges_checked;
    bool has[SIM_DEVICES][SIM_NODES];
    struct sim_drawn drawn[SIM_DRAWN];
    size_t drawn_count;
    struct sim_gate gates[SIM_LINKS];
    bool stranger_drew[SIM_LINKS]; /* halves that someone got who has links and nothing else */
    struct sim_secrets secrets;    /* what no server may have */
    /* each use of a key and nonce */
    struct {
        bool used;
        struct pv_hash key_and_nonce, content;
    } uses[SIM_USES];
    size_t use_count;
    struct {
        unsigned home, room;
        bool kept, asked;
    } writes[SIM_WRITES];
    size_t write_count;
    struct pv_buf standing[SIM_CLIENT_ROOMS]; /* files, before what waits is forgotten, */
    unsigned standing_of[SIM_CLIENT_ROOMS];   /* as this program has them: a restore may have left others without keys */
    uint64_t planned[SIM_CLIENT_ROOMS];       /* the first entry that those who asked for it need not have known */
    bool crafted[SIM_ROOMS]; /* something stands in the room that no program made */
};

/* ---- histories (ledger.c) */
void sim_history_add(struct sim_history *history, const struct pv_hash *leaf);
/* The hash over the first `size`; zero for none. */
struct pv_hash sim_history_at(const struct sim_history *history, uint64_t size);

const struct sim_seal *sim_seal_of(const struct sim_ledger *ledger, const struct pv_hash *leaf);

/* ---- who can open what (ledger_keys.c) */
void sim_keys_init(struct sim_ledger *ledger);
void sim_keys_epoch(struct sim_ledger *ledger, const struct pv_hash *secret, const struct pv_hash *kem_hash);
void sim_keys_check(struct sim_ledger *ledger);
/* What someone opens who has links and what a server gave for them, and nothing else. */
void sim_keys_check_stranger(struct sim_ledger *ledger);
uint16_t sim_keys_node(struct sim_ledger *ledger, const struct pv_hash *name);
void sim_keys_edge(struct sim_ledger *ledger, const struct pv_hash *from, const struct pv_hash *to);
/* Add all that those reached lead to. */
void sim_keys_spread(const struct sim_ledger *ledger, bool reached[static SIM_NODES]);

/* ---- who is in (ledger_members.c) */
struct sim_observing { /* a server's log of a room, as it grows */
    struct sim_ledger *ledger;
    struct sim_log *log;
    unsigned host, room;
    bool again; /* compare with what was seen before */
    uint64_t at;
};
/* SIM_PERSONS, SIM_DEVICES: none of that name. */
unsigned sim_person_named(const struct sim_world *world, const struct pv_hash *id);
unsigned sim_device_named(const struct sim_world *world, const struct pv_hash *id);
/* What a roster entry's clear body does, and with which verdict. */
void sim_members_change(struct sim_observing *o, struct sim_entry *entry, struct pv_bytes bytes, uint64_t index, const struct pv_hash *leaf);
/* Does the roster say the same? */
void sim_members_check(const struct sim_observing *o);

/* ---- gates (ledger_gates.c) */
void sim_gates_init(struct sim_ledger *ledger);
/* A link was made, and what is to be sent to the server for its gate. */
void sim_gates_made(struct sim_ledger *ledger, unsigned link, struct pv_bytes gate_request);
/* An accepted entry: does it end links? */
void sim_gates_change(struct sim_observing *o, const struct pv_roster_body *body, uint64_t index);
void sim_gates_expire(struct sim_observing *o, struct pv_bytes bytes, uint64_t index);
/* Neither half alone opens anything. */
void sim_gates_check(struct sim_ledger *ledger);
void sim_gates_finish(struct sim_ledger *ledger);

/* ---- what can be proved to strangers (ledger_proofs.c) */
void sim_proofs_check(struct sim_ledger *ledger);

/* ---- what was written (ledger_writes.c) */
void sim_writes_finish(struct sim_ledger *ledger);
/* Does the device have all of the server's log, and is it in? */
bool sim_is_member(const struct sim_ledger *ledger, const struct sim_device *device, unsigned room);

/* ---- what is forgotten (ledger_forget.c) */
/* A version was signed: what of the write has to be known later. */
void sim_forget_note(struct sim_device *device, unsigned room, uint64_t write, struct sim_seal *seal);
void sim_forget_finish(struct sim_ledger *ledger);
void sim_forget_release(struct sim_ledger *ledger);

/* ---- what a room is, as text (ledger_state.c) */
void sim_state_text(const struct sim_device *device, unsigned room, struct pv_buf *ret_text);
/* Files that stand: newest version, what placed it there, all versions, path; a line each. */
void sim_state_files(const struct sim_device *device, unsigned room, struct pv_buf *ret_text);

#endif
