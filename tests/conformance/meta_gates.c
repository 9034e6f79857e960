/* What every metadata store must do: blobs and what refers to them, gates and their releases. */
#include "tests/conformance/meta_kit.h"

static void test_blobs(void)
{
	struct pv_meta_blob blob = {id_of("blob", 1), id_of("locator", 1), 77, hash_of("content", 1), 0}, got;
	struct pv_meta_blob twin = {id_of("blob", 1), id_of("locator", 2), 77, hash_of("content", 2), 0};
	struct pv_hash room = hash_of("room", 1);
	struct pv_id16 locators[4];
	size_t count;
	bool known;
	gives(CALL(blob, room_no, &blob.name, &got), PV_ERR_NOT_FOUND, "a blob that is not there is not found");
	gives(CALL(blob_put, room_no, &blob, NOW), PV_OK, "it comes");
	gives(CALL(blob_put, room_no, &twin, NOW), PV_ERR_CONFLICT, "its name is taken");
	gives(CALL(blob, room_no, &blob.name, &got), PV_OK, "it is found");
	check(got.size_bytes == 77 && pv_id16_equal(&got.locator, &blob.locator) && pv_hash_equal(&got.sha256, &blob.sha256),
	      "as written");
	gives(CALL(blob, room_no + 1, &blob.name, &got), PV_ERR_NOT_FOUND, "not in another room");
	gives(CALL(blob_known, &blob.locator, &known), PV_OK, "its locator");
	check(known, "is known");
	gives(CALL(blob_known, &twin.locator, &known), PV_OK, "the twin's");
	check(!known, "is not");
	struct pv_merkle_edge saved = edge;
	make_entry(&edge, 1, 11, PV_KIND_TALK, &twin.locator, 1, "refers", &made[5]);
	struct pv_meta_append append = append_of(room, room_no, 5, &made[5].row, 1);
	gives(CALL(append, &append, 1), PV_OK, "an entry that refers to what is not there");
	gives(append.ret_err, PV_ERR_NOT_FOUND, "is not taken");
	free_made(&made[5]);
	edge = saved;
	make_entry(&edge, 1, 11, PV_KIND_TALK, &blob.name, 1, "refers", &made[5]);
	append = append_of(room, room_no, 5, &made[5].row, 1);
	gives(CALL(append, &append, 1), PV_OK, "one that refers to what is there");
	gives(append.ret_err, PV_OK, "is");
	twin.name = id_of("blob", 2);
	gives(CALL(blob_put, room_no, &twin, NOW), PV_OK, "another blob");
	gives(CALL(blob_collect, NOW, 4, locators, &count), PV_OK, "is not collected");
	check(count == 0, "at once");
	gives(CALL(blob_collect, NOW + 1, 4, locators, &count), PV_OK, "but later");
	check(count == 1 && pv_id16_equal(&locators[0], &twin.locator), "while the one referred to stays");
	gives(CALL(blob, room_no, &twin.name, &got), PV_ERR_NOT_FOUND, "it is gone");
}

/* An owner of another room made an invite there with this gate's id, and closes it. */
static void test_foreign_close(const struct pv_id16 *id, const struct pv_meta_closed *closed)
{
	struct pv_meta_room other;
	struct pv_meta_gate gate;
	struct pv_buf bytes;
	struct pv_hash room = hash_of("room", 2);
	pv_buf_init(&bytes, 4096);
	gives(CALL(room, &room, &other), PV_OK, "another room");
	struct pv_meta_append append = append_of(room, other.no, other.size, NULL, 0);
	append.closed = closed;
	append.closed_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "whose invite of the same id closes");
	gives(append.ret_err, PV_OK, "as it may");
	gives(CALL(gate_close, id, other.no, "revoked"), PV_OK, "and is closed by its name");
	gives(CALL(gate, id, &gate, &bytes), PV_OK, "finds the gate");
	check(gate.has_half && !*gate.reason, "as it was");
	pv_buf_release(&bytes);
}

static void test_gates(void)
{
	struct pv_id16 id = id_of("gate", 1), blob = id_of("blob", 1), other = id_of("gate", 2);
	struct pv_hash request = hash_of("request", 1), ticket = hash_of("ticket", 1), room = hash_of("room", 1);
	struct pv_bytes none = pv_bytes("\x80", 1);
	struct pv_meta_release release = {.gate = id, .version = 2, .max_releases = 1, .request = request, .ticket = ticket,
					  .time_ms = NOW, .ticket_until_ms = NOW + 10};
	struct pv_meta_closed closed = {id, "spent"};
	struct pv_meta_gate gate;
	struct pv_buf bytes, refs;
	uint8_t half[32] = {1, 2, 3};
	uint64_t ticket_room = 0;
	bool released;
	pv_buf_init(&bytes, 4096);
	pv_buf_init(&refs, 4096);
	pv_refs_put(&refs, &blob, 1);
	gives(CALL(gate, &id, &gate, &bytes), PV_ERR_NOT_FOUND, "a gate that is not there is not found");
	gives(CALL(gate_put, &id, room_no, 2, pv_bytes_of_string("two"), half, none), PV_ERR_CONFLICT, "it begins with version 1");
	gives(CALL(gate_put, &id, room_no, 1, pv_bytes_of_string("one"), half, none), PV_OK, "so");
	gives(CALL(gate_put, &id, room_no, 1, pv_bytes_of_string("one"), half, none), PV_ERR_CONFLICT, "once");
	gives(CALL(gate_put, &id, room_no, 2, pv_bytes_of_string("two"), NULL, pv_buf_bytes(&refs)), PV_OK, "version 2 keeps the half");
	gives(CALL(gate_put, &id, room_no + 1, 3, pv_bytes_of_string("x"), NULL, none), PV_ERR_CONFLICT, "and stays in its room");
	gives(CALL(gate, &id, &gate, &bytes), PV_OK, "it is found");
	check(gate.version == 2 && gate.has_half && memcmp(gate.half_b, half, 32) == 0 && gate.room.no == room_no &&
	      pv_hash_equal(&gate.room.id, &room) && gate.releases == 0 && bytes.n == 3, "as written");
	struct pv_meta_append append = append_of(room, room_no, 6, NULL, 0);
	append.releases = &release;
	append.release_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "a release");
	gives(append.ret_err, PV_OK, "is counted");
	gives(CALL(released, &id, &request, &released), PV_OK, "and");
	check(released, "known");
	gives(CALL(ticket, &ticket, NOW, &ticket_room), PV_OK, "its ticket lives");
	check(ticket_room == room_no, "for the room");
	release.request = hash_of("request", 2);
	release.ticket = hash_of("ticket", 2);
	gives(CALL(append, &append, 1), PV_OK, "one more than the most");
	gives(append.ret_err, PV_ERR_EXPIRED, "is refused");
	release.max_releases = UINT64_MAX;
	release.version = 1;
	gives(CALL(append, &append, 1), PV_OK, "one of an old version");
	gives(append.ret_err, PV_ERR_EXPIRED, "too");
	append.release_count = 0;
	append.closed = &closed;
	append.closed_count = 1;
	test_foreign_close(&id, &closed);
	gives(CALL(append, &append, 1), PV_OK, "it closes");
	pv_buf_clear(&bytes);
	gives(CALL(gate, &id, &gate, &bytes), PV_OK, "and");
	check(!gate.has_half && strcmp(gate.reason, "spent") == 0 && gate.releases == 1, "its half is erased");
	release.version = 2;
	append.closed_count = 0;
	append.release_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "then nothing");
	gives(append.ret_err, PV_ERR_EXPIRED, "is released");
	gives(CALL(gate_close, &id, room_no, "revoked"), PV_OK, "closing it again");
	pv_buf_clear(&bytes);
	gives(CALL(gate, &id, &gate, &bytes), PV_OK, "keeps");
	check(strcmp(gate.reason, "spent") == 0, "the first reason");
	gives(CALL(gate, &other, &gate, &bytes), PV_ERR_NOT_FOUND, "another gate is none");
	pv_buf_release(&bytes);
	pv_buf_release(&refs);
}

void meta_suite_gates(void)
{
	test_blobs();
	test_gates();
}
