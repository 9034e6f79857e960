# The `privity` command. The list ends in a line with # alone, so that two branches can add to it without a conflict.
CLI_SRC := \
	cli/args.c \
	cli/changes.c \
	cli/cmd_check.c \
	cli/cmd_device_add.c \
	cli/cmd_device_join.c \
	cli/cmd_devices.c \
	cli/cmd_get.c \
	cli/cmd_init.c \
	cli/cmd_invite.c \
	cli/cmd_join.c \
	cli/cmd_lock.c \
	cli/cmd_log.c \
	cli/cmd_ls.c \
	cli/cmd_mv.c \
	cli/cmd_put.c \
	cli/cmd_read.c \
	cli/cmd_recover.c \
	cli/cmd_recovery.c \
	cli/cmd_room_new.c \
	cli/cmd_rooms.c \
	cli/cmd_roster.c \
	cli/cmd_say.c \
	cli/cmd_repair.c \
	cli/cmd_safety.c \
	cli/cmd_search.c \
	cli/cmd_status.c \
	cli/cmd_verify.c \
	cli/commands.c \
	cli/common.c \
	cli/completion.c \
	cli/devices.c \
	cli/directory.c \
	cli/files.c \
	cli/helper.c \
	cli/help.c \
	cli/kit.c \
	cli/kit_typed.c \
	cli/manual.c \
	cli/messages.c \
	cli/output.c \
	cli/pairing.c \
	cli/person.c \
	cli/progress.c \
	cli/regain.c \
	cli/successor.c \
	cli/term.c \
	cli/when.c \
	#

CLI_MAIN := cli/main.c

# A program of its own, so that no other command loads what draws: build/bin/privity-kit-pdf.
CLI_KIT_SRC := \
	cli/kit_pdf.c \
	cli/kit_pdf_main.c \
	client/system.c \
	#

# Another, which shows a QR code on a terminal: build/bin/privity-qr.
CLI_QR_SRC := \
	cli/qr_main.c \
	#
