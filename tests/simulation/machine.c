/* What befalls machines: programs that die, power and disks that fail, homes that are copied, lost or put back, and what
 * an operator does to the server. */
#include "tests/simulation/act_parts.h"

#include "server/meta/meta.h"

static void save_home(struct sim_device *device)
{
    if (device->saved >= 0) sim_disk_free((unsigned)device->saved);
    device->saved = (int)sim_disk_copy(device->disk);
}

static void roll_back(struct sim_world *world, struct sim_device *device)
{
    if (device->saved < 0) return;
    sim_machine_stop(world, device);
    sim_disk_become(device->disk, (unsigned)device->saved);
    device->rolled_back = true;
    for (unsigned r = 0; r < SIM_ROOMS; r++) device->held[r].count = 0;
}

void sim_restart_server(struct sim_world *world, struct sim_host *host)
{
    if (!host->there || host->up) return;
    if (sim_host_boot(world, host)) sim_ledger_observe(world, host, true);
}

/* To a restored server a device's word holds for all its homes: copied ones and restores do not go together. */
static void start_second(struct sim_world *world, struct sim_device *device, bool copied)
{
    if (copied && world->weather.restores) return;
    struct sim_device *second = sim_second_make(world, device, copied);
    if (!second) return;
    sim_tell(world, "  program %u of device %u%s", second->slot, second->number, copied ? ", on another machine" : "");
    if (!sim_device_start(world, second)) (void)sim_device_revive(world, second);
}

/* Mostly one of several. */
static void lose(struct sim_world *world, struct sim_device *device)
{
    bool others = false;
    for (unsigned d = device->person; d < SIM_COMPUTERS; d += SIM_PERSONS)
        others = others || (&world->devices[d] != device && world->devices[d].there && !world->devices[d].lost);
    if (others || sim_chance(world, 100)) sim_lose(world, device);
}

/* From the copy; an honest operator says so to the server, which then wants back what came after it. */
static void put_back(struct sim_world *world, struct sim_host *host)
{
    world->two_faced = true;
    sim_host_stop(world, host, false);
    sim_disk_clear(host->disk);
    sim_disk_become(host->disk, (unsigned)world->backup);
    if (!sim_host_boot(world, host)) return;
    struct pv_meta *meta = host->srv.server.meta;
    if (!world->weather.hostile && meta->ops->mark_restored(meta, world->now_ms))
        sim_fail(world, "life", "the server that was put back cannot be marked so");
    sim_ledger_forget(world, host);
}

static void operator_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    struct sim_host *host = &world->hosts[device->host];
    world->turns++;
    if (step->kind == SIM_DO_FORK && host->up) {
        struct sim_host *other = sim_host_fork(world, host);
        if (!other) return;
        sim_ledger_observe(world, other, true);
        device->host = (unsigned)(other - world->hosts);
        device->token[0] = 0;
    } else if (step->kind == SIM_DO_ROUTE) {
        unsigned to = (unsigned)sim_below(world, SIM_HOSTS);
        if (!world->hosts[to].there) return;
        device->host = to;
        device->token[0] = 0;
    } else if (step->kind == SIM_DO_BACKUP) {
        if (world->backup >= 0) sim_disk_free((unsigned)world->backup);
        world->backup = (int)sim_disk_copy(world->hosts[0].disk);
    } else if (step->kind == SIM_DO_RESTORE && world->backup >= 0) {
        put_back(world, &world->hosts[0]);
    }
}

void sim_machine_step(struct sim_world *world, const struct sim_step *step, struct sim_device *device)
{
    struct sim_host *host = &world->hosts[0];
    struct sim_device *program = device;
    device = sim_program(world, device->home); /* what befalls the machine is told of its first program */
    switch ((int)step->kind) {
    case SIM_DO_KILL: sim_device_stop(world, program, false); break;
    case SIM_DO_CRASH: sim_device_stop(world, device, true); break;
    case SIM_DO_STRIKE: sim_disk_strike(device->disk, 1 + (unsigned)sim_below(world, 40)); break;
    case SIM_DO_DOOM: sim_disk_doom(device->disk, 1 + (unsigned)sim_below(world, 40)); break;
    case SIM_DO_FILL: sim_disk_fill(device->disk, (unsigned)sim_below(world, 12)); break;
    case SIM_DO_SECOND: start_second(world, device, false); break;
    case SIM_DO_COPY: start_second(world, device, true); break;
    case SIM_DO_LOSE: lose(world, device); break;
    case SIM_DO_SAVE: save_home(device); break;
    case SIM_DO_ROLL_BACK: roll_back(world, device); break;
    case SIM_DO_SERVER_KILL: sim_host_stop(world, host, false); break;
    case SIM_DO_SERVER_CRASH: sim_host_stop(world, host, true); break;
    case SIM_DO_SERVER_DOOM: sim_disk_doom(host->disk, 1 + (unsigned)sim_below(world, 30)); break;
    case SIM_DO_SERVER_FILL: sim_disk_fill(host->disk, (unsigned)sim_below(world, 12)); break;
    default: operator_step(world, step, device);
    }
}

void sim_pass_time(struct sim_world *world)
{
    static const uint64_t spans_ms[] = {1000, 60 * 1000, 3600 * 1000, 6 * 3600 * 1000, 26ull * 3600 * 1000, 31ull * 24 * 3600 * 1000};
    uint64_t span = sim_chance(world, 20) ? 5 : sim_below(world, 5);
    world->now_ms += spans_ms[span];
    for (unsigned i = 0; i < SIM_PROGRAMS; i++)
        if (sim_program(world, i)->there && sim_chance(world, 160)) sim_disk_clear(sim_program(world, i)->disk); /* somebody tidied up */
    if (sim_chance(world, 160)) sim_disk_clear(world->hosts[0].disk);
    for (unsigned h = 0; h < SIM_HOSTS; h++)
        if (world->hosts[h].up) {
            sim_host_tick(world, &world->hosts[h]);
            if (sim_disk_is_dead(world->hosts[h].disk)) sim_host_stop(world, &world->hosts[h], true);
            else sim_ledger_observe(world, &world->hosts[h], false);
        }
}
