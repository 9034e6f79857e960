/* The server's logs as lines, for a second opinion: entry, clear body, verdict, and the state that follows. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/simulation/export.h"

struct exporting {
    struct pv_roster *roster;
    uint64_t index;
};

static void put_hex(struct pv_bytes bytes)
{
    for (size_t i = 0; i < bytes.n; i++) printf("%02x", bytes.p[i]);
    if (!bytes.n) printf("-");
}

static void put_state(const struct pv_roster *roster)
{
    size_t count;
    printf("epoch %llu due %d", (unsigned long long)pv_roster_epoch(roster), pv_roster_rekey_due(roster));
    const struct pv_principal *principals = pv_roster_principals(roster, &count);
    printf(" | members");
    for (size_t i = 0; i < count; i++) {
        printf(" ");
        put_hex(PV_BYTES_OF(principals[i].id));
        printf(":%d:%llu:", (int)principals[i].role, (unsigned long long)principals[i].join_index);
        put_hex(PV_BYTES_OF(principals[i].kem_hash));
    }
    const struct pv_room_device *devices = pv_roster_devices(roster, &count);
    printf(" | devices");
    for (size_t i = 0; i < count; i++) {
        printf(" ");
        put_hex(PV_BYTES_OF(devices[i].id));
    }
    const struct pv_invite *invites = pv_roster_invites(roster, &count);
    printf(" | invites");
    for (size_t i = 0; i < count; i++) {
        printf(" ");
        put_hex(PV_BYTES_OF(invites[i].body.id));
        printf(":%llu:%d:%d", (unsigned long long)invites[i].uses_left, invites[i].open, invites[i].opened);
    }
    printf("\n");
}

static enum pv_err export_entry(void *context, const struct pv_meta_entry *stored)
{
    struct exporting *e = context;
    struct pv_log_item item = {.index = e->index++, .body = stored->body};
    enum pv_verdict verdict;
    enum pv_reason reason = PV_REASON_NONE;
    if (pv_entry_read(stored->entry, &item.entry)) return PV_ERR_CORRUPT;
    pv_entry_leaf(stored->entry, &item.leaf);
    bool sealed = pv_kind_is_sealed(item.entry.header.kind);
    if (sealed) item.body = pv_bytes(NULL, 0);
    if (pv_roster_note(e->roster, &item) || pv_roster_apply(e->roster, &item, &verdict, &reason)) abort();
    put_hex(stored->entry);
    printf(" ");
    put_hex(item.body);
    printf(" %s | ", verdict == PV_ACCEPTED ? "accepted" : pv_reason_name(reason));
    put_state(e->roster);
    return PV_OK;
}

void sim_export(struct sim_world *world)
{
    struct sim_host *host = &world->hosts[0];
    struct pv_meta_room row;
    for (unsigned r = 0; r < SIM_ROOMS && host->up; r++) {
        struct pv_meta *meta = host->srv.server.meta;
        struct exporting e = {.index = 0};
        if (!world->has_room[r] || meta->ops->room(meta, &world->room_ids[r], &row)) continue;
        if (pv_roster_new(&e.roster)) abort();
        printf("log seed %llu %s\n", (unsigned long long)world->seed, sim_room_name(r));
        if (meta->ops->entries(meta, row.no, 0, row.size, false, export_entry, &e)) abort();
        pv_roster_free(e.roster);
    }
}
