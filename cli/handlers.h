/* One handler a command; the table in commands.c names them. */
#ifndef PV_CLI_HANDLERS_H
#define PV_CLI_HANDLERS_H

#include "cli/command.h"

#define PV_CLI_HANDLER(name) \
    enum pv_err name(struct pv_session *session, const struct pv_args *args, struct pv_report *report)

PV_CLI_HANDLER(pv_cmd_check);
PV_CLI_HANDLER(pv_cmd_device_add);
PV_CLI_HANDLER(pv_cmd_device_join);
PV_CLI_HANDLER(pv_cmd_device_revoke);
PV_CLI_HANDLER(pv_cmd_devices);
PV_CLI_HANDLER(pv_cmd_get);
PV_CLI_HANDLER(pv_cmd_help);
PV_CLI_HANDLER(pv_cmd_init);
PV_CLI_HANDLER(pv_cmd_invite);
PV_CLI_HANDLER(pv_cmd_join);
PV_CLI_HANDLER(pv_cmd_leave);
PV_CLI_HANDLER(pv_cmd_lock);
PV_CLI_HANDLER(pv_cmd_log);
PV_CLI_HANDLER(pv_cmd_ls);
PV_CLI_HANDLER(pv_cmd_members);
PV_CLI_HANDLER(pv_cmd_mv);
PV_CLI_HANDLER(pv_cmd_passphrase);
PV_CLI_HANDLER(pv_cmd_put);
PV_CLI_HANDLER(pv_cmd_read);
PV_CLI_HANDLER(pv_cmd_recover);
PV_CLI_HANDLER(pv_cmd_recovery_add_kit);
PV_CLI_HANDLER(pv_cmd_recovery_test);
PV_CLI_HANDLER(pv_cmd_refresh);
PV_CLI_HANDLER(pv_cmd_remove);
PV_CLI_HANDLER(pv_cmd_rm);
PV_CLI_HANDLER(pv_cmd_role);
PV_CLI_HANDLER(pv_cmd_room_new);
PV_CLI_HANDLER(pv_cmd_rooms);
PV_CLI_HANDLER(pv_cmd_safety);
PV_CLI_HANDLER(pv_cmd_say);
PV_CLI_HANDLER(pv_cmd_search);
PV_CLI_HANDLER(pv_cmd_status);
PV_CLI_HANDLER(pv_cmd_unlock);
PV_CLI_HANDLER(pv_cmd_repair);
PV_CLI_HANDLER(pv_cmd_verify);
PV_CLI_HANDLER(pv_cmd_versions);
PV_CLI_HANDLER(pv_cmd_whoami);

#endif
