# privityd's sources. http.c alone knows libmicrohttpd.
SERVER_MAIN := server/main.c

SERVER_SRC := \
	server/acceptor.c \
	server/admin.c \
	server/append.c \
	server/backup.c \
	server/backup_dir.c \
	server/backup_restore.c \
	server/backup_verify.c \
	server/batch.c \
	server/bars.c \
	server/beside.c \
	server/blob/fs.c \
	server/blob/memory.c \
	server/blobs.c \
	server/check.c \
	server/committer.c \
	server/completion.c \
	server/config.c \
	server/connections.c \
	server/daemon.c \
	server/data.c \
	server/entries.c \
	server/events.c \
	server/gates.c \
	server/gc.c \
	server/heads.c \
	server/health.c \
	server/http.c \
	server/http_guard.c \
	server/json_text.c \
	server/keeper.c \
	server/limits.c \
	server/listen.c \
	server/log.c \
	server/meta/sqlite.c \
	server/meta/sqlite_append.c \
	server/meta/sqlite_forget.c \
	server/meta/sqlite_backup.c \
	server/meta/sqlite_hold.c \
	server/meta/sqlite_log.c \
	server/meta/sqlite_pairing.c \
	server/meta/sqlite_soft.c \
	server/metrics.c \
	server/notify.c \
	server/peer.c \
	server/process.c \
	server/pairings.c \
	server/proofs.c \
	server/request.c \
	server/restore.c \
	server/room_cache.c \
	server/rooms.c \
	server/router.c \
	server/sandbox.c \
	server/sandbox_calls.c \
	server/sandbox_files.c \
	server/session.c \
	server/session_cache.c \
	server/signer.c \
	server/successors.c \
	server/survivors.c \
	server/tls_files.c \
	server/unpaid.c \
	server/work.c \
	server/work_forget.c \
	server/work_judge.c \
	server/work_restore.c \
	#

EMBED += server/meta/schema.sql server/meta/schema_2.sql server/meta/schema_3.sql server/meta/schema_4.sql server/meta/schema_5.sql server/meta/schema_6.sql
