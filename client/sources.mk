# One device's I/O: what the command line, the mount and the tests share. The list ends in a line with # alone, so
# that two branches can add to it without a conflict.
CLIENT_SRC := \
	client/alarms.c \
	client/bulk.c \
	client/clock.c \
	client/changes.c \
	client/contact.c \
	client/database.c \
	client/devices.c \
	client/download.c \
	client/events.c \
	client/home.c \
	client/invites.c \
	client/keyring.c \
	client/keystore_file.c \
	client/login.c \
	client/paper.c \
	client/passphrase.c \
	client/report.c \
	client/save.c \
	client/session.c \
	client/sqlite_begin.c \
	client/system.c \
	client/transport.c \
	client/unsendable.c \
	client/upload.c \
	#
