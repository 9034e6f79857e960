/* Worked examples: what FORMAT-EXAMPLES.md prints, and the small made-up world that the examples come from.
 *
 * Everything derives from fixed seeds, so every run prints the same bytes. What fails ends the program: these are
 * the happy paths. */
#ifndef TESTS_VECTORS_EXAMPLE_H
#define TESTS_VECTORS_EXAMPLE_H

#include "core/log/entry.h"
#include "core/log/merkle.h"
#include "core/log/seal.h"
#include "core/room/body.h"
#include "core/room/epoch.h"
#include "core/room/gate.h"
#include "core/room/kit.h"
#include "core/room/roster.h"
#include "tests/seeded.h"

#define EX_SERVER_NAME "rooms.example"
#define EX_SERVER_URL "https://rooms.example"

/* ---- printing: Markdown, every example a fenced block named after ```hex or ```text */

void ex_section(const char *title);
void ex_say(const char *text);
/* A value that is no CBOR: raw bytes with the formula that gives them. */
void ex_bytes(const char *name, const char *formula, struct pv_bytes bytes);
void ex_hash(const char *name, const char *formula, const struct pv_hash *hash);
/* One CBOR item, a line each for its parts. `fields` names them: `[a b c[d e] f[*g]]`, where [*g] is a list of g. */
void ex_cbor(const char *name, const char *formula, struct pv_bytes item, const char *fields);
void ex_text(const char *name, const char *formula, struct pv_bytes text);
void ex_number(const char *name, const char *formula, uint64_t value);

/* ---- the world */

extern struct seeded ex_seeds;
void ex_fill(void *p, size_t n);
/* End the program if `err` is one. */
void ex_must(enum pv_err err, const char *what);

struct ex_device {
    struct pv_sign_seed sign_seed;
    struct pv_sign_sk sk;
    struct pv_kem_seed kem_seed;
    struct pv_kem_pk kem_pk;
    struct pv_device device;
    struct pv_hash id;
};
void ex_device_from_seeds(struct ex_device *device);
void ex_device_make(struct ex_device *device);

struct ex_epoch {
    uint64_t epoch;
    struct pv_epoch_secret secret;
    struct pv_hash secret_hash, kem_hash;
    struct pv_kem_seed kem_seed;
    struct pv_kem_pk kem_pk;
    struct pv_prk prk;
};
void ex_epoch_make(struct ex_epoch *epoch, uint64_t number);

enum { EX_ENTRIES = 40, EX_AUTHORS = 8 };

struct ex_entry {
    struct pv_header header;
    struct pv_buf entry, refs, body, beside;
    struct pv_hash leaf;
};

/* A log under construction, which is folded as it grows. */
struct ex_log {
    struct pv_hash room;
    struct ex_entry entries[EX_ENTRIES];
    size_t count;
    struct { struct pv_hash id, leaf; uint64_t n; } heads[EX_AUTHORS];
    size_t head_count;
    struct pv_hash stored[2 * EX_ENTRIES];
    uint64_t stored_count;
    struct pv_merkle_edge edge;
    struct pv_sign_seed log_seed;
    struct pv_sign_sk log_sk;
    struct pv_sign_pk log_pk;
    struct pv_hash log_id;
    uint64_t time_ms;
    struct pv_roster *roster;
};

void ex_log_init(struct ex_log *log, uint64_t time_ms);
void ex_log_free(struct ex_log *log);
struct pv_merkle_reader ex_log_reader(struct ex_log *log);

/* What an entry to be made consists of. `prk` seals `payload`, else `body` is clear. */
struct ex_draft {
    const struct pv_hash *author;
    const struct pv_sign_sk *sk;
    enum pv_kind kind;
    uint64_t epoch;
    struct pv_bytes body;
    const struct pv_prk *prk;
    struct pv_bytes payload;
    const struct pv_id16 *refs;
    size_t ref_count;
    const struct pv_kem_pk *const *kem_keys;
    size_t kem_key_count;
    struct pv_bytes links, wraps[4]; /* links: at most one */
    size_t wrap_count;
};
/* Append it; the fold must give it `want`. */
struct ex_entry *ex_log_append(struct ex_log *log, const struct ex_draft *draft, enum pv_verdict want);

struct ex_person {
    const char *name;
    struct ex_device first, paper;
    struct pv_kit_secret kit;
    struct pv_id16 nonce;
    struct ex_epoch epoch;
    struct ex_log log; /* the person room */
    struct pv_cert founders[2];
    struct pv_buf record;
};
void ex_person_make(struct ex_person *person, const char *name);
void ex_person_free(struct ex_person *person);
/* The person as a party, with first device and paper device. */
struct pv_party ex_party(const struct ex_person *person);

/* A wrap of `epoch` to a recipient, in `room`. */
void ex_wrap(const struct pv_hash *room, const struct ex_epoch *epoch, struct pv_bytes recipient,
             const struct pv_kem_pk *pk, const struct pv_hash *kem_hash, uint8_t ret_wrap[static PV_WRAP_BYTES]);

/* ---- the chapters */

struct ex_world {
    struct ex_person ana, ben;
    struct ex_log room; /* the client room */
    struct ex_epoch epochs[4];
    struct pv_half_a a;
    struct pv_half_b b;
    struct pv_id16 invite_id;
    struct pv_gate_key gate_key;
    struct pv_buf note;
    size_t message_index, put_index;
};
void ex_print_encoding(void);
void ex_print_people(struct ex_world *world);
void ex_print_room(struct ex_world *world);
void ex_print_tree(struct ex_world *world);
void ex_print_evidence(struct ex_world *world);
void ex_print_gate(struct ex_world *world);
void ex_print_payloads(struct ex_world *world);
void ex_print_files(void);
void ex_print_device(struct ex_world *world);
void ex_print_pairing(struct ex_world *world);
void ex_print_safety(struct ex_world *world);

#endif
