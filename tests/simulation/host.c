/* The real server over a simulated disk: starting it, ending it, copying it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/log.h"
#include "server/meta/sqlite_store.h"
#include "server/signer.h"
#include "tests/simulation/world.h"

static const char template_name[] = "server";

static void make_template(void)
{
    char path[SIM_FILE_NAME + 8], why[PV_META_WHY_MAX];
    struct pv_meta *meta;
    if (sim_disk_has(SIM_TEMPLATES, template_name)) return;
    sim_disk_open_as(0);
    sim_disk_path(SIM_TEMPLATES, template_name, path);
    if (pv_sqlite_open_over(path, 1, &meta, why)) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    meta->ops->close(meta);
}

/* Which server is at work now, on a request or by itself. */
static const struct sim_host *at_work;

void sim_host_works(const struct sim_host *host)
{
    at_work = host;
}

/* What the server tells its operator of a disk that is full or lost its power by plan is no news here; all else is heard. */
__typeof__(pv_log) __real_pv_log, __wrap_pv_log;
void __wrap_pv_log(enum pv_log_level level, const char *event, const struct pv_log_field *fields)
{
    const char *code = "";
    for (const struct pv_log_field *field = fields; field->name; field++)
        if (field->text && strcmp(field->name, "code") == 0) code = field->text;
    bool is_full = at_work && sim_disk_is_full(at_work->disk) && strcmp(code, pv_err_web_name(PV_ERR_FULL)) == 0;
    bool is_dead = at_work && sim_disk_is_dead(at_work->disk) && strcmp(code, pv_err_web_name(PV_ERR_IO)) == 0;
    if (!is_full && !is_dead) __real_pv_log(level, event, fields);
}

static uint64_t host_now(void *context)
{
    return ((struct srv *)context)->now_ms;
}

bool sim_host_boot(struct sim_world *world, struct sim_host *host)
{
    char path[SIM_FILE_NAME + 8], why[PV_META_WHY_MAX] = "";
    struct pv_server *server = &host->srv.server;
    make_template();
    pv_log_set_level(PV_LOG_ERROR);
    host->srv = (struct srv){.seed = seeded_make(world->seed ^ (world->step << 20)), .now_ms = world->now_ms};
    server->random = seeded_random(&host->srv.seed);
    server->clock = (struct pv_clock){host_now, &host->srv};
    server->metrics = &host->srv.metrics;
    snprintf(server->name, sizeof server->name, "%s", world->server.name);
    server->log_pk = world->server.log_key;
    if (!host->blobs && pv_blobs_memory_open(&host->blobs)) abort();
    server->blobs = host->blobs;
    if (!sim_disk_has(host->disk, "meta")) sim_disk_clone_file(host->disk, "meta", SIM_TEMPLATES, template_name);
    sim_disk_open_as(0);
    sim_disk_path(host->disk, "meta", path);
    enum pv_err err = pv_sqlite_open_over(path, 1, &server->meta, why);
    if (err && sim_disk_is_dead(host->disk)) { /* the power went as it started */
        sim_host_stop(world, host, !sim_disk_keeps_power(host->disk));
        return sim_host_boot(world, host);
    }
    if (err) {
        sim_fail(world, "P2", "the server does not start again: %s %s", pv_err_web_name(err), why);
        return false;
    }
    if (pv_signer_new_here(&world->log_sk, &server->log_pk, &server->signer) ||
        pv_committer_new(server, &server->committer) || pv_events_new(&server->events))
        abort();
    host->up = true;
    return true;
}

void sim_host_stop(struct sim_world *world, struct sim_host *host, bool crash)
{
    sim_disk_kill(host->disk);
    if (host->up) {
        pv_committer_free(host->srv.server.committer);
        pv_events_free(host->srv.server.events);
        pv_signer_free(host->srv.server.signer);
        host->srv.server.meta->ops->close(host->srv.server.meta);
    }
    host->up = false;
    if (crash) sim_disk_crash(host->disk, &world->dice);
}

void sim_host_release(struct sim_host *host)
{
    if (!host->there) return;
    sim_disk_kill(host->disk);
    if (host->up) {
        pv_committer_free(host->srv.server.committer);
        pv_events_free(host->srv.server.events);
        pv_signer_free(host->srv.server.signer);
        host->srv.server.meta->ops->close(host->srv.server.meta);
    }
    if (host->blobs) host->blobs->ops->close(host->blobs);
    host->there = host->up = false;
}

bool sim_host_waits(struct sim_world *world, unsigned room)
{
    struct pv_meta *meta = world->hosts[0].srv.server.meta;
    struct pv_meta_room row;
    return world->has_room[room] && world->hosts[0].up && meta->ops->room(meta, &world->room_ids[room], &row) == PV_OK && row.restored;
}

struct sim_host *sim_host_fork(struct sim_world *world, struct sim_host *host)
{
    for (unsigned i = 1; i < SIM_HOSTS; i++) {
        struct sim_host *other = &world->hosts[i];
        if (other->there) continue;
        *other = (struct sim_host){.there = true, .disk = sim_disk_copy(host->disk)};
        world->two_faced = true;
        return sim_host_boot(world, other) ? other : NULL;
    }
    return NULL;
}

void sim_host_tick(struct sim_world *world, struct sim_host *host)
{
    if (!host->up) return;
    host->srv.now_ms = world->now_ms;
    sim_host_works(host);
    srv_tick(&host->srv);
    sim_host_works(NULL);
}
