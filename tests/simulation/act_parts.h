/* What the kinds of steps share.  Private to act.c, write.c, forget.c, successor.c, machine.c, feud.c and calm.c. */
#ifndef TESTS_SIMULATION_ACT_PARTS_H
#define TESTS_SIMULATION_ACT_PARTS_H

#include "tests/simulation/schedule.h"

enum { SIM_ALL = 1000 };

const char *sim_step_name(enum sim_step_kind kind);

/* ---- act.c: what people do */

/* A command; mostly to its end, at times only a little way. */
void sim_run(struct sim_world *world, struct sim_device *device, enum sim_flow_kind kind, unsigned room, unsigned link);
/* What may go wrong with a local change. */
void sim_local(struct sim_world *world, const struct sim_device *device, enum pv_err err, const char *what);
void sim_found(struct sim_world *world, struct sim_device *device, unsigned room);
void sim_invite(struct sim_world *world, struct sim_device *device, unsigned room, unsigned guest);
/* A device that runs and may change who is in, by what it knows, of another person; NULL: there is none. */
struct sim_device *sim_some_owner(struct sim_world *world, unsigned room, unsigned except_person);

/* ---- write.c */
void sim_say(struct sim_world *world, struct sim_device *device, unsigned room, bool is_work);

/* ---- forget.c */
void sim_forget_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device);

/* ---- successor.c */
/* In the calm: where a room cannot be given back, an owner founds its successor, and others follow. */
void sim_go_over(struct sim_world *world, struct sim_device *device, unsigned round);
/* Is there a place for its successor? Only for that of the first room, and where nobody founded the second before. */
bool sim_may_go_over(struct sim_world *world, unsigned room);

/* ---- machine.c: what befalls machines */
void sim_machine_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device);
void sim_pass_time(struct sim_world *world);
/* Start the server again, where it is down. */
void sim_restart_server(struct sim_world *world, struct sim_host *host);

/* ---- feud.c: members who fight */
void sim_feud_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device);

#endif
