/* The server's logs for tests/simulation/model.t. */
#ifndef TESTS_SIMULATION_EXPORT_H
#define TESTS_SIMULATION_EXPORT_H

#include "tests/simulation/world.h"

/* Print each room's log, an entry a line. */
void sim_export(struct sim_world *world);

#endif
