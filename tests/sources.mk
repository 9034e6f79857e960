# The C tests. A test is one file and one program; it prints TAP (tests/tap.h).
# Every list ends in a line with # alone, so that two branches can add to it without a conflict.

# Need only core: built natively (sanitized in `./dev test`) and as wasm.
UNIT_TESTS := \
	tests/unit/test_base64.c \
	tests/unit/test_bad_keys.c \
	tests/unit/test_bytes.c \
	tests/unit/test_cbor.c \
	tests/unit/test_changes.c \
	tests/unit/test_checkpoint.c \
	tests/unit/test_body.c \
	tests/unit/test_chunker.c \
	tests/unit/test_devices.c \
	tests/unit/test_person_epoch.c \
	tests/unit/test_cpace.c \
	tests/unit/test_epoch.c \
	tests/unit/test_evidence.c \
	tests/unit/test_gate.c \
	tests/unit/test_hash.c \
	tests/unit/test_invite_link.c \
	tests/unit/test_keys.c \
	tests/unit/test_lines.c \
	tests/unit/test_keystore.c \
	tests/unit/test_kit.c \
	tests/unit/test_manifest.c \
	tests/unit/test_pack.c \
	tests/unit/test_pairing.c \
	tests/unit/test_entry.c \
	tests/unit/test_merkle.c \
	tests/unit/test_seal.c \
	tests/unit/test_record.c \
	tests/unit/test_fold.c \
	tests/unit/test_forget.c \
	tests/unit/test_forget_steps.c \
	tests/unit/test_forget_meanwhile.c \
	tests/unit/test_json.c \
	tests/unit/test_query.c \
	tests/property/prop_fold.c \
	tests/property/prop_roster.c \
	tests/unit/test_room_list.c \
	tests/unit/test_roster_devices.c \
	tests/unit/test_roster_keeping.c \
	tests/unit/test_roster_limits.c \
	tests/unit/test_roster_members.c \
	tests/unit/test_roster_verdicts.c \
	tests/unit/test_sqlite.c \
	tests/unit/test_store.c \
	tests/unit/test_succession.c \
	tests/unit/test_safety.c \
	tests/unit/test_notes.c \
	tests/unit/test_overtaken.c \
	tests/unit/test_join_meanwhile.c \
	tests/unit/test_sync.c \
	tests/unit/test_sync_lies.c \
	tests/unit/test_tap.c \
	tests/unit/test_vouch.c \
	#

# Need more than core.
NATIVE_TESTS := \
	tests/fault/fault_begin.c \
	tests/fault/fault_changes.c \
	tests/fault/fault_devices.c \
	tests/fault/fault_file.c \
	tests/fault/fault_keys.c \
	tests/fault/fault_log.c \
	tests/fault/fault_roster.c \
	tests/fault/fault_server.c \
	tests/fault/fault_sync.c \
	tests/fault/fault_store.c \
	tests/unit/test_args.c \
	tests/unit/test_bulk.c \
	tests/unit/test_cipher.c \
	tests/unit/test_peer.c \
	tests/unit/test_store_file.c \
	tests/unit/test_term.c \
	tests/unit/test_transfer_steps.c \
	tests/unit/test_when.c \
	tests/vectors/test_files.c \
	#

# What needs bulk ciphers besides gets them from the host as wasm (tests/vectors/vectors_aes.c).
WASM_TESTS := $(UNIT_TESTS) \
	tests/unit/test_transfer_steps.c \
	#

# Helpers that tests share; TEST_WASM_SRC is the part that compiles for wasm.
TEST_SRC := \
	tests/unit/sync_rig.c \
	tests/unit/sync_rig_apart.c \
	tests/unit/sync_rig_people.c \
	tests/vectors/example_device.c \
	tests/vectors/example_evidence.c \
	tests/vectors/example_files.c \
	tests/vectors/example_gate.c \
	tests/vectors/example_pairing.c \
	tests/vectors/example_payloads.c \
	tests/vectors/example_people.c \
	tests/vectors/example_print.c \
	tests/vectors/example_room.c \
	tests/vectors/example_tree.c \
	tests/vectors/example_world.c \
	tests/vectors/vectors_aes.c \
	tests/vectors/vectors_json.c \
	tests/vectors/vectors_kem.c \
	tests/vectors/vectors_merkle.c \
	tests/vectors/vectors_wycheproof.c \
	tests/unit/room_kit.c \
	tests/unit/roster_steps.c \
	#
TEST_WASM_SRC := $(TEST_SRC)

# The server's.
TEST_SRC += \
	tests/conformance/meta_forget.c \
	tests/conformance/meta_gates.c \
	tests/conformance/meta_kit.c \
	tests/conformance/meta_logs.c \
	tests/conformance/meta_people.c \
	tests/property/roster_names.c \
	tests/simulation/act.c \
	tests/simulation/calm.c \
	tests/simulation/cold.c \
	tests/simulation/craft.c \
	tests/simulation/device.c \
	tests/simulation/disk.c \
	tests/simulation/disk_vfs.c \
	tests/simulation/export.c \
	tests/simulation/feud.c \
	tests/simulation/flow.c \
	tests/simulation/forget.c \
	tests/simulation/hooks.c \
	tests/simulation/host.c \
	tests/simulation/kit.c \
	tests/simulation/ledger.c \
	tests/simulation/ledger_forget.c \
	tests/simulation/ledger_gates.c \
	tests/simulation/ledger_keys.c \
	tests/simulation/ledger_members.c \
	tests/simulation/ledger_proofs.c \
	tests/simulation/ledger_state.c \
	tests/simulation/ledger_writes.c \
	tests/simulation/liar.c \
	tests/simulation/machine.c \
	tests/simulation/network.c \
	tests/simulation/proofs.c \
	tests/simulation/schedule.c \
	tests/simulation/second.c \
	tests/simulation/secrets.c \
	tests/simulation/stranger.c \
	tests/simulation/successor.c \
	tests/simulation/world.c \
	tests/simulation/write.c \
	tests/server/http_client.c \
	tests/server/server_rig.c \
	tests/server/server_rig_only.c \
	#
NATIVE_TESTS += \
	tests/conformance/test_blobs.c \
	tests/conformance/test_meta.c \
	tests/server/test_access.c \
	tests/server/test_appends.c \
	tests/simulation/test_disk.c \
	tests/server/test_go_on.c \
	tests/server/test_keeper.c \
	tests/server/test_sandbox.c \
	tests/server/test_forget.c \
	tests/server/test_gates.c \
	tests/server/test_pairings.c \
	tests/server/test_resources.c \
	tests/server/test_restore.c \
	tests/server/test_restore_at_once.c \
	tests/server/test_restore_keys.c \
	tests/server/test_restore_links.c \
	tests/server/test_restore_lost.c \
	tests/server/test_rooms.c \
	tests/server/test_successor.c \
	tests/server/test_unpaid.c \
	#

# libFuzzer targets: tests/fuzz/fuzz_NAME.c with its corpus in tests/fuzz/corpus/NAME.
FUZZ_TARGETS := \
	tests/fuzz/fuzz_append_body.c \
	tests/fuzz/fuzz_request.c \
	tests/fuzz/fuzz_body.c \
	tests/fuzz/fuzz_cbor.c \
	tests/fuzz/fuzz_checkpoint.c \
	tests/fuzz/fuzz_entry.c \
	tests/fuzz/fuzz_evidence.c \
	tests/fuzz/fuzz_download.c \
	tests/fuzz/fuzz_file.c \
	tests/fuzz/fuzz_fold.c \
	tests/fuzz/fuzz_manifest.c \
	tests/fuzz/fuzz_gate.c \
	tests/fuzz/fuzz_heads.c \
	tests/fuzz/fuzz_invite_link.c \
	tests/fuzz/fuzz_keystore.c \
	tests/fuzz/fuzz_kit.c \
	tests/fuzz/fuzz_pairing.c \
	tests/fuzz/fuzz_payload_open.c \
	tests/fuzz/fuzz_proof.c \
	tests/fuzz/fuzz_record.c \
	tests/fuzz/fuzz_release.c \
	tests/fuzz/fuzz_roster.c \
	tests/fuzz/fuzz_succession.c \
	tests/fuzz/fuzz_safety.c \
	#

# What runs them without a fuzzer, on their corpora, spoiled by plan: one program each, spoil_NAME.
SPOIL_MAIN := tests/fuzz/spoil.c

# Programs that tests in other languages drive.
TEST_TOOLS := \
	tests/tools/append_load.c \
	tests/tools/crowd.c \
	tests/tools/forgetful.c \
	tests/tools/mislist.c \
	tests/tools/misname.c \
	tests/tools/siege_accounts.c \
	tests/tools/takeout.c \
	tests/tools/viewers.c \
	tests/property/roster_replay.c \
	tests/simulation/simulate.c \
	tests/stories/7_thousand_viewers.c \
	tests/vectors/format_examples.c \
	#

# The simulation looks over the core's shoulder there (tests/simulation/hooks.c).
SIMULATION_WRAPS := crypto_sign_verify_detached crypto_sign_detached crypto_sign_seed_keypair crypto_kem_xwing_seed_keypair crypto_kem_xwing_enc_deterministic \
	crypto_kem_xwing_dec crypto_aead_xchacha20poly1305_ietf_encrypt pv_wrap_make pv_link_make pv_store_sealed_add pv_log

# Built and preloaded by the tests that need them.
PRELOADED := \
	tests/fault/preload_malloc.c \
	tests/tools/preload_clock.c \
	tests/tools/preload_source.c \
	#

# The program that runs foreign vectors, build/bin/pv-vectors, and programs that are wanted as wasm but are no tests.
VECTORS_MAIN := tests/vectors/pv_vectors.c
WASM_TOOLS := $(VECTORS_MAIN) tests/vectors/format_examples.c
