# The `privity` command. The list ends in a line with # alone, so that two branches can add to it without a conflict.
CLI_SRC := \
	cli/args.c \
	cli/commands.c \
	cli/completion.c \
	cli/help.c \
	cli/manual.c \
	cli/output.c \
	cli/term.c \
	cli/when.c \
	#

CLI_MAIN := cli/main.c
