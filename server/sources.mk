# privityd's sources. http.c alone knows libmicrohttpd.
SERVER_SRC := \
	server/blob/fs.c \
	server/blob/memory.c \
	server/meta/sqlite.c \
	server/meta/sqlite_append.c \
	server/meta/sqlite_hold.c \
	server/meta/sqlite_log.c \
	server/meta/sqlite_soft.c \
	#

EMBED += server/meta/schema.sql
