/* Making and ending a world; telling what happens in it. */
#include "tests/simulation/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void hash_text(struct sim_world *world, const char *text)
{
    pv_sha256_update(&world->trace, text, strlen(text) + 1);
}

void sim_tell(struct sim_world *world, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hash_text(world, text);
    if (world->tracing) printf("%4zu  %s\n", world->step, text);
}

void sim_fail(struct sim_world *world, const char *property, const char *format, ...)
{
    char text[320];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sim_tell(world, "BROKEN %s: %s", property, text);
    if (world->failed) return;
    world->failed = true;
    snprintf(world->failure, sizeof world->failure, "%s: %s (step %zu)", property, text, world->step);
}

uint64_t sim_below(struct sim_world *world, uint64_t bound)
{
    return seeded_below(&world->dice, bound);
}

const char *sim_room_name(unsigned room)
{
    static const char *const names[SIM_ROOMS] = {"R0", "R1", "Pa", "Pb", "Pc", "Pd"};
    return names[room];
}

/* The same key in every world, so that what was signed once is known. */
static void make_server_keys(struct sim_world *world)
{
    struct pv_sign_seed key;
    struct seeded seed = seeded_make(UINT64_MAX);
    snprintf(world->server.name, sizeof world->server.name, "sim.example");
    seeded_fill(&seed, key.b, sizeof key.b);
    pv_sign_from_seed(&key, &world->log_sk, &world->server.log_key);
}

void sim_world_init(struct sim_world *world, uint64_t seed, const struct sim_weather *weather)
{
    bool tracing = world->tracing;
    *world = (struct sim_world){.seed = seed, .weather = *weather, .now_ms = 1700000000000, .tracing = tracing, .backup = -1};
    world->dice = seeded_make(seed);
    pv_sha256_init(&world->trace);
    sim_disk_reset();
    make_server_keys(world);
    world->ledger = sim_ledger_new(world);
    struct sim_host *host = &world->hosts[0];
    host->there = true;
    host->disk = sim_disk_new();
    if (!sim_host_boot(world, host)) abort();
    for (unsigned i = 0; i < SIM_PERSONS; i++) {
        sim_device_init(world, &world->devices[i], i, i);
        if (weather->clocks && sim_below(world, 4) < weather->clocks)
            world->devices[i].clock_ms = ((int64_t)sim_below(world, 5) - 2) * 24 * 3600 * 1000;
    }
    sim_kits_init(world);
}

void sim_world_release(struct sim_world *world)
{
    for (unsigned i = 0; i < SIM_PROGRAMS; i++) sim_device_release(world, sim_program(world, i));
    for (unsigned i = 0; i < SIM_HOSTS; i++) sim_host_release(&world->hosts[i]);
    for (unsigned i = 0; i < SIM_HELD; i++)
        if (world->held[i].there) pv_buf_release(&world->held[i].body);
    sim_ledger_free(world->ledger);
}
