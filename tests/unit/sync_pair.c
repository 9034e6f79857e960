/* Two people in one room, and what is said of them as TAP. */
#include "tests/unit/sync_pair.h"

#include "tests/tap.h"

void is_texts(struct rig_member *member, const char *want, const char *what)
{
    struct pv_buf texts;
    pv_buf_init(&texts, SIZE_MAX);
    rig_texts(member, &texts);
    bool same = texts.p && strcmp((const char *)texts.p, want) == 0;
    tap_ok(same, "%s", what);
    if (!same) tap_note("got %s", texts.p ? (const char *)texts.p : "nothing");
    pv_buf_release(&texts);
}

void is_err(enum pv_err got, enum pv_err want, const char *what)
{
    tap_ok(got == want, "%s", what);
    if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

uint64_t unsent(struct rig_member *member)
{
    uint64_t count = UINT64_MAX;
    if (pv_store_write_count(member->store, &count)) return UINT64_MAX;
    return count;
}

void pair_init(struct pair *p, enum pv_role role)
{
    struct pv_invite_link link;
    rig_server_init(&p->server, 1);
    is_err(rig_device_init(&p->ada, &p->server, 2), PV_OK, "Ada's person room is founded");
    is_err(rig_device_init(&p->bob, &p->server, 3), PV_OK, "Bob's too");
    is_err(rig_found(&p->a, &p->ada), PV_OK, "Ada founds a room");
    is_err(rig_invite(&p->a, role, 1, &link), PV_OK, "and makes an invite");
    is_err(rig_join(&p->b, &p->bob, &link), PV_OK, "by which Bob joins");
    is_err(rig_pull(&p->a), PV_OK, "Ada sees it");
}

void pair_release(struct pair *p)
{
    rig_member_close(&p->a);
    rig_member_close(&p->b);
    rig_device_release(&p->ada);
    rig_device_release(&p->bob);
    rig_server_release(&p->server);
}
