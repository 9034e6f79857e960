/* Schedules from seeds; playing and shrinking them. */
#include "tests/simulation/schedule.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const words[] = {
#define SIM_STEP_WORDS(name, text) text,
    SIM_STEP_TABLE(SIM_STEP_WORDS)
#undef SIM_STEP_WORDS
};

struct weight {
    enum sim_step_kind kind;
    unsigned weight;
};

static const struct weight life[] = {
    {SIM_DO_SAY, 30}, {SIM_DO_WORK, 6},   {SIM_DO_PULL, 24},   {SIM_DO_PUSH, 14}, {SIM_DO_INVITE, 10}, {SIM_DO_JOIN, 16},
    {SIM_DO_REMOVE, 6}, {SIM_DO_ROLE, 8}, {SIM_DO_LEAVE, 2},   {SIM_DO_CLOSE, 3}, {SIM_DO_GO_ON, 20},  {SIM_DO_REGISTER, 2},
    {SIM_DO_FOUND, 1},  {SIM_DO_TIME, 8}, {SIM_DO_LATE, 6},    {SIM_DO_ADD, 5},  {SIM_DO_REVOKE, 6},
    {SIM_DO_RECOVER, 1}, {SIM_DO_ADD_KIT, 1},
};
static const struct weight crashes[] = {
    {SIM_DO_KILL, 4},   {SIM_DO_STRIKE, 3}, {SIM_DO_CRASH, 4},        {SIM_DO_DOOM, 6},         {SIM_DO_FILL, 3},
    {SIM_DO_SECOND, 5}, {SIM_DO_COPY, 1},   {SIM_DO_LOSE, 1},         {SIM_DO_SAVE, 2},         {SIM_DO_ROLL_BACK, 2},
    {SIM_DO_SERVER_KILL, 2},                {SIM_DO_SERVER_CRASH, 2}, {SIM_DO_SERVER_DOOM, 4},  {SIM_DO_SERVER_FILL, 2},
};
static const struct weight feuds[] = {
    {SIM_DO_DUEL, 4}, {SIM_DO_BRING_BACK, 6}, {SIM_DO_OLD_LINK, 6}, {SIM_DO_FLOOD, 2}, {SIM_DO_REMOVE, 6}, {SIM_DO_ROLE, 4},
};
static const struct weight forgets[] = {
    {SIM_DO_FORGET, 16}, {SIM_DO_HOLD, 2}, {SIM_DO_LIFT, 3}, {SIM_DO_NOTICE, 3}, {SIM_DO_WORK, 16}, {SIM_DO_TIME, 8},
};
static const struct weight restores[] = {{SIM_DO_BACKUP, 4}, {SIM_DO_RESTORE, 3}};
static const struct weight thefts[] = {{SIM_DO_CRAFT, 16}, {SIM_DO_ADD_KIT, 4}, {SIM_DO_RECOVER, 2}};
static const struct weight hostilities[] = {
    {SIM_DO_FORK, 2}, {SIM_DO_ROUTE, 10}, {SIM_DO_BACKUP, 4}, {SIM_DO_RESTORE, 3},
};

static enum sim_step_kind pick(struct seeded *dice, const struct sim_weather *weather)
{
    enum { SETS = 7 };
    struct {
        const struct weight *all;
        size_t count;
        bool in_force;
    } sets[] = {{life, sizeof life / sizeof *life, true},
                {thefts, sizeof thefts / sizeof *thefts, weather->thieves},
                {feuds, sizeof feuds / sizeof *feuds, weather->feuds},
                {forgets, sizeof forgets / sizeof *forgets, weather->forgets},
                {restores, sizeof restores / sizeof *restores, weather->restores},
                {crashes, sizeof crashes / sizeof *crashes, weather->crashes},
                {hostilities, sizeof hostilities / sizeof *hostilities, weather->hostile && !weather->lies}};
    unsigned total = 0;
    for (size_t s = 0; s < SETS; s++)
        for (size_t i = 0; sets[s].in_force && i < sets[s].count; i++) total += sets[s].all[i].weight;
    uint64_t at = seeded_below(dice, total);
    for (size_t s = 0; s < SETS; s++)
        for (size_t i = 0; sets[s].in_force && i < sets[s].count; i++) {
            if (at < sets[s].all[i].weight) return sets[s].all[i].kind;
            at -= sets[s].all[i].weight;
        }
    abort();
}

static struct sim_weather weather_of(uint64_t seed, struct seeded *dice)
{
    struct seeded other = seeded_make(seed ^ 0xf0469e7); /* not of the same dice: who forgets nothing plays as before */
    struct sim_weather weather = {.crashes = seeded_below(dice, 3) != 0};
    static const unsigned net[] = {0, 10, 40, 90};
    uint64_t kind = seeded_below(dice, 8);
    weather.net_faults = net[seeded_below(dice, 4)];
    weather.clocks = (unsigned)seeded_below(dice, 3);
    weather.thieves = seeded_below(dice, 3) == 0;
    weather.hostile = kind >= 4;
    weather.lies = kind >= 6;
    weather.restores = !weather.hostile && seeded_below(dice, 4) == 0;
    weather.feuds = seeded_below(dice, 3) == 0;
    weather.forgets = seeded_below(&other, 5) < 2;
    return weather;
}

static void add(struct sim_schedule *schedule, struct seeded *dice, enum sim_step_kind kind, unsigned device, unsigned room)
{
    struct sim_step *step = &schedule->steps[schedule->count];
    *step = (struct sim_step){.kind = kind, .device = device, .room = room, .number = schedule->count};
    seeded_fill(dice, &step->dice, sizeof step->dice);
    schedule->count++;
}

void sim_schedule_make(uint64_t seed, size_t steps, struct sim_schedule *ret_schedule)
{
    struct seeded dice = seeded_make(seed ^ 0x51a7e5eedull << 20);
    ret_schedule->seed = seed;
    ret_schedule->weather = weather_of(seed, &dice);
    ret_schedule->count = 0;
    if (steps > SIM_STEPS_MAX) steps = SIM_STEPS_MAX;
    for (unsigned d = 0; d < SIM_PERSONS && ret_schedule->count < steps; d++) add(ret_schedule, &dice, SIM_DO_REGISTER, d, 0);
    static const struct weight settling[] = {{SIM_DO_FOUND, 0},  {SIM_DO_INVITE, 0}, {SIM_DO_JOIN, 1},   {SIM_DO_JOIN, 2},
                                             {SIM_DO_JOIN, 3},   {SIM_DO_INVITE, 0}, {SIM_DO_JOIN, 1},   {SIM_DO_JOIN, 2},
                                             {SIM_DO_JOIN, 3}};
    for (size_t i = 0; i < sizeof settling / sizeof *settling && ret_schedule->count < steps; i++)
        add(ret_schedule, &dice, settling[i].kind, settling[i].weight, 0); /* the weight is a device here */
    while (ret_schedule->count < steps) {
        enum sim_step_kind kind = pick(&dice, &ret_schedule->weather);
        unsigned device = (unsigned)seeded_below(&dice, SIM_COMPUTERS + SIM_PERSONS) % SIM_COMPUTERS; /* first ones more often */
        unsigned room = seeded_below(&dice, 4) ? 0 : (unsigned)seeded_below(&dice, SIM_CLIENT_ROOMS);
        add(ret_schedule, &dice, kind, device, room);
    }
}

void sim_schedule_play(const struct sim_schedule *schedule, struct sim_world *world)
{
    sim_world_init(world, schedule->seed, &schedule->weather);
    for (size_t i = 0; i < schedule->count && !world->failed; i++) {
        sim_act(world, &schedule->steps[i]);
        sim_stranger_comes(world, schedule->steps[i].dice);
        sim_ledger_stepped(world);
    }
    if (!world->failed) sim_calm(world);
    if (!world->failed) sim_ledger_finish(world);
}

/* ---- shrinking */

/* The property's name, up to the colon. */
static bool same_property(const char *a, const char *b)
{
    size_t n = strcspn(a, ":");
    return strcspn(b, ":") == n && strncmp(a, b, n) == 0;
}

static bool still_breaks(const struct sim_schedule *schedule, const char *failure)
{
    static struct sim_world world;
    world.tracing = false;
    sim_schedule_play(schedule, &world);
    bool breaks = world.failed && same_property(world.failure, failure);
    sim_world_release(&world);
    return breaks;
}

size_t sim_schedule_shrink(struct sim_schedule *schedule, const char *failure)
{
    static struct sim_schedule shorter;
    size_t plays = 0;
    for (size_t n = schedule->count / 2; n; n /= 2) {
        for (size_t i = 0; i < schedule->count;) {
            size_t gone = i + n <= schedule->count ? n : schedule->count - i;
            shorter = *schedule;
            memmove(shorter.steps + i, shorter.steps + i + gone, (shorter.count - i - gone) * sizeof *shorter.steps);
            shorter.count -= gone;
            plays++;
            if (still_breaks(&shorter, failure)) *schedule = shorter;
            else i += n;
        }
    }
    return plays;
}

void sim_schedule_print(const struct sim_schedule *schedule)
{
    for (size_t i = 0; i < schedule->count; i++) {
        const struct sim_step *step = &schedule->steps[i];
        if (step->kind < SIM_DO_TIME || step->kind == SIM_DO_ROUTE)
            printf("#   %4zu  device %u %s (%s)\n", step->number, step->device, words[step->kind], sim_room_name(step->room));
        else printf("#   %4zu  %s\n", step->number, words[step->kind]);
    }
    printf("#   --seed %llu --only ", (unsigned long long)schedule->seed);
    for (size_t i = 0; i < schedule->count; i++) printf("%s%zu", i ? "," : "", schedule->steps[i].number);
    printf("\n");
}
