/* Schedules: what is done in a world, step by step; made from a seed, played, and made shorter while they still break. */
#ifndef TESTS_SIMULATION_SCHEDULE_H
#define TESTS_SIMULATION_SCHEDULE_H

#include "tests/simulation/world.h"

enum { SIM_STEPS_MAX = 4096 };

/* X(name, words for people) */
#define SIM_STEP_TABLE(X)                                                                                          \
    X(REGISTER, "registers") X(FOUND, "founds a room") X(SAY, "says something") X(WORK, "changes something")       \
    X(PULL, "fetches") X(PUSH, "sends") X(INVITE, "invites") X(JOIN, "joins") X(REMOVE, "removes someone")         \
    X(ROLE, "changes a role") X(LEAVE, "leaves") X(CLOSE, "closes an invite") X(ADD, "adds a device")              \
    X(REVOKE, "revokes a device") X(ADD_KIT, "adds a recovery kit") X(RECOVER, "recovers by a kit")                \
    X(FORGET, "forgets something") X(HOLD, "holds something") X(LIFT, "lifts a hold")                              \
    X(NOTICE, "says how long what is forgotten waits")                                                             \
    X(CRAFT, "has its keys used by a thief") X(GO_ON, "goes on")                                                   \
    X(DUEL, "owners remove each other") X(BRING_BACK, "an owner brings back who is out")                           \
    X(OLD_LINK, "comes by an old link") X(FLOOD, "someone who is removed floods")                                  \
    X(KILL, "is killed") X(STRIKE, "will be killed as it writes") X(CRASH, "loses power")                          \
    X(DOOM, "will lose power as it writes") X(FILL, "runs out of space") X(SECOND, "starts another program")       \
    X(COPY, "has its home copied to another machine") X(LOSE, "is destroyed") X(SAVE, "keeps a copy of its home")  \
    X(ROLL_BACK, "gets its home back from the copy")                                                               \
    X(TIME, "time passes") X(LATE, "something held up arrives")                                                    \
    X(SERVER_KILL, "the server is killed") X(SERVER_CRASH, "the server loses power")                               \
    X(SERVER_DOOM, "the server will lose power as it writes") X(SERVER_FILL, "the server runs out of space")       \
    X(FORK, "the server splits") X(ROUTE, "is shown another server") X(BACKUP, "the server keeps a copy")          \
    X(RESTORE, "the server goes back to the copy")

enum sim_step_kind {
#define SIM_STEP_CODE(name, words) SIM_DO_##name,
    SIM_STEP_TABLE(SIM_STEP_CODE)
#undef SIM_STEP_CODE
    SIM_STEP_KINDS
};

struct sim_step {
    enum sim_step_kind kind;
    unsigned device, room;
    size_t number; /* in the schedule that it came from */
    uint64_t dice;
};

struct sim_schedule {
    uint64_t seed;
    struct sim_weather weather;
    struct sim_step steps[SIM_STEPS_MAX];
    size_t count;
};

void sim_schedule_make(uint64_t seed, size_t steps, struct sim_schedule *ret_schedule);
/* Play it to the end; the world holds what came of it. The caller releases the world. */
void sim_schedule_play(const struct sim_schedule *schedule, struct sim_world *world);
/* Leave out steps as long as the same property breaks. Returns how many plays it took. */
size_t sim_schedule_shrink(struct sim_schedule *schedule, const char *failure);
void sim_schedule_print(const struct sim_schedule *schedule);

/* ---- act.c: one step */
void sim_act(struct sim_world *world, const struct sim_step *step);
/* No faults any more: everyone comes back and catches up. */
void sim_calm(struct sim_world *world);

#endif
