# libprivity's sources: pure C, native and wasm32 alike.
CORE_SRC := \
	core/base/base64.c \
	core/base/bytes.c \
	core/base/cbor.c \
	core/base/err.c \
	core/base/json.c \
	core/base/lines.c \
	core/crypto/hash.c \
	core/crypto/keys.c \
	core/crypto/parts.c \
	core/file/chunker.c \
	core/file/download.c \
	core/file/manifest.c \
	core/file/pack.c \
	core/file/path.c \
	core/file/upload.c \
	core/file/upload_place.c \
	core/log/checkpoint.c \
	core/log/entry.c \
	core/log/merkle.c \
	core/log/proof.c \
	core/log/seal.c \
	core/sync/certs.c \
	core/sync/devices.c \
	core/sync/found.c \
	core/sync/intake.c \
	core/sync/keys.c \
	core/sync/members.c \
	core/sync/mend.c \
	core/sync/mend_plan.c \
	core/sync/open.c \
	core/sync/outbox.c \
	core/sync/pull.c \
	core/sync/push.c \
	core/sync/reason_text.c \
	core/sync/rekey.c \
	core/sync/room.c \
	core/sync/session.c \
	core/sync/task.c \
	core/sync/vouch.c \
	core/room/beside.c \
	core/room/body.c \
	core/room/body_sign.c \
	core/room/body_write.c \
	core/room/record.c \
	core/room/roster.c \
	core/room/roster_authors.c \
	core/room/roster_devices.c \
	core/room/roster_join.c \
	core/room/roster_keeping.c \
	core/room/roster_kinds.c \
	core/room/roster_map.c \
	core/room/roster_members.c \
	core/room/roster_restore.c \
	core/room/roster_rules.c \
	core/room/roster_snapshot.c \
	core/room/roster_state.c \
	core/room/roster_sweep.c \
	core/room/roster_tell.c \
	core/room/epoch.c \
	core/room/gate.c \
	core/room/gate_keys.c \
	core/room/invite_link.c \
	core/room/keystore.c \
	core/room/keystore_file.c \
	core/room/kit.c \
	core/room/kit_sheet.c \
	core/room/release.c \
	core/room/server_url.c \
	core/state/chunking.c \
	core/state/file.c \
	core/state/fold.c \
	core/state/message.c \
	core/state/names.c \
	core/state/overlay.c \
	core/state/payload.c \
	core/state/profile.c \
	core/state/query_files.c \
	core/state/query_messages.c \
	core/state/query_room.c \
	core/state/query_rows.c \
	core/state/query_search.c \
	core/state/rooms.c \
	core/state/sql.c \
	core/state/store.c \
	core/state/store_keys.c \
	core/state/store_log.c \
	core/state/store_outbox.c \
	core/state/words.c \
	core/state/written.c \
	#

# What a wasm build needs in place of an operating system.
CORE_WASM_SRC := core/state/wasm_vfs.c

# Text files to compile in.
EMBED += core/state/schema.sql
