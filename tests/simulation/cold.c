/* Readers who begin with nothing but a device's keys: they have to come to the state that its program has. */
#include <stdlib.h>

#include "tests/simulation/world.h"

enum { ALL = 1000 };

static bool fetch(struct sim_world *world, struct sim_device *cold, unsigned room)
{
    size_t well = world->answers_ok;
    if (sim_copy_open(world, cold, room)) return false;
    sim_flow_begin(world, cold, SIM_PULL, room, 0);
    sim_flow_go(world, cold, ALL);
    return world->answers_ok > well && !world->failed;
}

/* Its rooms lie in memory. */
static void read_anew(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    struct sim_device *cold = calloc(1, sizeof *cold);
    unsigned own = sim_own_room(device);
    if (!cold) abort();
    *cold = (struct sim_device){.number = device->number, .person = device->person, .slot = device->slot, .home = device->home, .there = true,
                                .up = true, .paper = true, .named = true, .adder = device->adder, .me = device->me, .saved = -1,
                                .host = device->host, .shaken_step = SIZE_MAX};
    cold->random = seeded_random(&cold->dice);
    sim_device_shake(world, cold);
    bool read = fetch(world, cold, own) && (room == own || fetch(world, cold, room));
    if (!read) sim_fail(world, "life", "device %u cannot read %s from nothing", device->number, sim_room_name(room));
    else sim_ledger_same(world, device, cold, room);
    sim_device_close(cold);
    for (unsigned r = 0; r < SIM_ROOMS; r++) {
        free(cold->held[r].leaves);
        free(cold->held[r].prefix);
    }
    free(cold);
}

void sim_cold_readers(struct sim_world *world)
{
    for (unsigned r = 0; r < SIM_ROOMS; r++) {
        bool read = false;
        unsigned first = (unsigned)sim_below(world, SIM_PROGRAMS);
        for (unsigned i = 0; i < SIM_PROGRAMS && !read && !world->failed; i++) {
            const struct sim_device *device = sim_program(world, (first + i) % SIM_PROGRAMS);
            read = device->there && !device->paper && sim_ledger_is_caught_up(world, device, r);
            if (read) read_anew(world, device, r);
        }
    }
}
