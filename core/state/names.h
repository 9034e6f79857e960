/* Names of people, for the rows of a query: loaded once, then looked up. Internal to core/state. */
#ifndef PV_STATE_NAMES_H
#define PV_STATE_NAMES_H

#include "core/state/query.h"

struct pv_names {
    const struct pv_query *query;
    struct pv_name *rows; /* by person */
    size_t count;
};

/* `query` must outlive the names. */
PV_MUST_USE enum pv_err pv_names_load(const struct pv_query *query, struct pv_names *ret_names);
void pv_names_release(struct pv_names *names);
/* The person for whom a device acts or acted; itself where the roster does not know it. */
const struct pv_hash *pv_names_person(const struct pv_names *names, const struct pv_hash *device);
/* Empty: none. Borrowed from the names. */
struct pv_bytes pv_names_find(const struct pv_names *names, const struct pv_hash *person);
struct pv_writer pv_names_writer(const struct pv_names *names, const struct pv_hash *device);
/* The members of an object that tell who wrote it. */
void pv_writer_json(struct pv_json *json, const struct pv_writer *writer);

#endif
