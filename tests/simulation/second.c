/* Further processes on one device, and homes that were copied to another machine: the same keys, used from two places. */
#include "tests/simulation/world.h"

static struct sim_device *free_slot(struct sim_world *world, bool copied)
{
    unsigned from = copied ? 0 : SIM_COPIES, to = copied ? SIM_COPIES : SIM_SECONDS;
    for (unsigned i = from; i < to; i++)
        if (!world->seconds[i].there) return &world->seconds[i];
    return NULL;
}

struct sim_device *sim_second_make(struct sim_world *world, struct sim_device *device, bool copied)
{
    struct sim_device *second = free_slot(world, copied);
    if (!second || device->paper || device->lost) return NULL;
    struct sim_history held[SIM_ROOMS];
    memcpy(held, second->held, sizeof held);
    *second = (struct sim_device){.number = device->number, .person = device->person, .there = true, .named = true,
                                  .adder = device->adder, .disk = device->disk, .saved = -1, .me = device->me,
                                  .shaken_step = SIZE_MAX, .clock_ms = device->clock_ms, .host = device->host,
                                  .rolled_back = device->rolled_back, .home = device->home};
    second->slot = SIM_DEVICES + (unsigned)(second - world->seconds);
    if (copied) {
        second->disk = sim_disk_copy(device->disk);
        second->home = second->slot;
    } else {
        second->process = second->slot;
    }
    memcpy(second->held, held, sizeof held);
    for (unsigned r = 0; r < SIM_ROOMS; r++) second->held[r].count = 0;
    second->random = seeded_random(&second->dice);
    sim_device_shake(world, second);
    return second;
}

struct sim_device *sim_second_of(struct sim_world *world, struct sim_device *device)
{
    struct sim_device *all[1 + SIM_SECONDS] = {device};
    size_t count = 1;
    for (unsigned i = 0; i < SIM_SECONDS; i++)
        if (world->seconds[i].there && world->seconds[i].number == device->number) all[count++] = &world->seconds[i];
    return all[count > 1 ? sim_below(world, count) : 0];
}
