/* What the suites over a metadata store share: the store under test, names for things, and entries in real encodings. */
#ifndef TESTS_CONFORMANCE_META_KIT_H
#define TESTS_CONFORMANCE_META_KIT_H

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "server/meta/meta.h"

enum { NOW = 1000000 };

/* The store under test. */
extern const char *store_name;
extern struct pv_meta *meta;
#define CALL(call, ...) meta->ops->call(meta, ##__VA_ARGS__)

struct made {
	struct pv_buf entry, refs;
	struct pv_meta_entry row;
	struct pv_hash hashes[64];
};

/* The room that the suites build together, one after the other. */
extern struct pv_merkle_edge edge;
extern struct made made[6];
extern uint64_t room_no;

/* One case; only the kit prints, so that it counts for all suites. */
void check(bool good, const char *what);
void gives(enum pv_err got, enum pv_err want, const char *what);

struct pv_hash hash_of(const char *what, uint64_t number);
struct pv_id16 id_of(const char *what, uint64_t number);
struct pv_meta_session session_for(uint64_t number);

/* The next entry of the log whose edge it is. */
void make_entry(struct pv_merkle_edge *at, uint64_t author, uint64_t n, uint64_t kind, const struct pv_id16 *refs,
		size_t ref_count, const char *body, struct made *ret_made);
void free_made(struct made *one);
struct pv_meta_append append_of(struct pv_hash room, uint64_t no, uint64_t size, struct pv_meta_entry *rows, size_t count);
/* Keys that all suites sign with. */
void meta_kit_init(void);
/* Prints the plan; returns the program's exit status. */
int meta_kit_done(void);

/* The suites, in the order in which they build on each other. */
void meta_suite_logs(void);
void meta_suite_people(void);
void meta_suite_gates(void);
void meta_suite_forget(void);

#endif
