/* For tests of core/sync: a room with two people in it, and cases about what they read, send and meet. */
#ifndef TESTS_UNIT_SYNC_PAIR_H
#define TESTS_UNIT_SYNC_PAIR_H

#include "tests/unit/sync_rig.h"

struct pair { /* Ada's room with Bob in it */
    struct rig_server server;
    struct rig_device ada, bob;
    struct rig_member a, b;
};

void pair_init(struct pair *p, enum pv_role role);
void pair_release(struct pair *p);

void is_err(enum pv_err got, enum pv_err want, const char *what);
/* The texts of all messages, each followed by a newline. */
void is_texts(struct rig_member *member, const char *want, const char *what);
/* What waits in the outbox; UINT64_MAX if that cannot be told. */
uint64_t unsent(struct rig_member *member);

#endif
