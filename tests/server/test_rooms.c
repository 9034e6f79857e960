/* Two people and a room through the server's resources: founding, inviting, joining, writing, removal. */
#include "tests/server/server_rig.h"

#include <stdio.h>

#include "tests/tap.h"

static void is_err(enum pv_err got, enum pv_err want, const char *what)
{
	tap_ok(got == want, "%s", what);
	if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

static void is_texts(struct rig_member *member, const char *want, const char *what)
{
	struct pv_buf texts;
	pv_buf_init(&texts, SIZE_MAX);
	rig_texts(member, &texts);
	bool same = texts.p && strcmp((const char *)texts.p, want) == 0;
	tap_ok(same, "%s", what);
	if (!same) tap_note("got %s", texts.p ? (const char *)texts.p : "nothing");
	pv_buf_release(&texts);
}

int main(void)
{
	static struct srv srv;
	static struct srv_person ada, bob;
	static struct rig_member a, b;
	struct pv_invite_link link;
	if (pv_crypto_init()) return 1;
	srv_init(&srv, 1);
	is_err(srv_person_init(&ada, &srv, 2, NULL), PV_OK, "Ada registers");
	is_err(srv_person_init(&bob, &srv, 3, NULL), PV_OK, "Bob registers");
	is_err(rig_found(&a, &ada.device), PV_OK, "Ada founds a room");
	is_err(rig_invite(&a, PV_ROLE_EDITOR, 1, &link), PV_OK, "and makes an invite");
	is_err(rig_join(&b, &bob.device, &link), PV_OK, "by which Bob joins");
	is_err(rig_pull(&a), PV_OK, "Ada sees it");
	is_err(rig_say(&a, "hello"), PV_OK, "Ada writes");
	is_err(rig_push(&a), PV_OK, "and sends");
	is_err(rig_say(&b, "hello back"), PV_OK, "Bob writes");
	is_err(rig_push(&b), PV_OK, "and sends");
	is_err(rig_pull(&a), PV_OK, "Ada fetches");
	is_texts(&a, "hello\nhello back\n", "Ada reads both");
	is_texts(&b, "hello\nhello back\n", "Bob reads both");
	srv_restart(&srv);
	is_err(rig_say(&a, "again"), PV_OK, "after a restart Ada writes");
	is_err(rig_push(&a), PV_OK, "and sends");
	is_err(rig_pull(&b), PV_OK, "Bob fetches");
	is_texts(&b, "hello\nhello back\nagain\n", "and reads it");
	rig_member_close(&a);
	rig_member_close(&b);
	srv_person_release(&ada);
	srv_person_release(&bob);
	srv_release(&srv);
	return tap_done();
}
