/* What every metadata store must do: forgets that wait, and dropping what is deleted, once and for good. */
#include "tests/conformance/meta_kit.h"

struct waiting {
	struct pv_meta_forget seen[4];
	size_t count;
};

static enum pv_err see(void *context, const struct pv_meta_forget *forget)
{
	struct waiting *waiting = context;
	if (waiting->count == 4) return PV_ERR_LIMIT;
	waiting->seen[waiting->count++] = *forget;
	return PV_OK;
}

static size_t count_waiting(uint64_t no)
{
	struct waiting waiting = {.count = 0};
	if (CALL(forgets, no, see, &waiting)) abort();
	return waiting.count;
}

struct bodies {
	unsigned there, dropped;
};

static enum pv_err see_body(void *context, const struct pv_meta_entry *entry)
{
	struct bodies *bodies = context;
	if (entry->forgotten && pv_refs_are_dropped(entry->refs)) bodies->dropped++;
	else if (!entry->forgotten) bodies->there++;
	return PV_OK;
}

static struct bodies bodies_of(uint64_t no)
{
	struct bodies bodies = {0};
	if (CALL(entries, no, 0, 16, true, see_body, &bodies)) abort();
	return bodies;
}

static bool has_blob(uint64_t no, uint64_t number)
{
	struct pv_id16 name = id_of("kept", number);
	struct pv_meta_blob blob;
	return CALL(blob, no, &name, &blob) == PV_OK;
}

/* A room of three entries: a genesis, two words, of which each refers to a blob of its own and to a common one. */
static uint64_t found(struct pv_merkle_edge *at, struct made *three, struct pv_hash *ret_room)
{
	struct pv_hash room = hash_of("forgetful", 1);
	struct pv_id16 refs[2][2] = {{id_of("kept", 1), id_of("kept", 9)}, {id_of("kept", 2), id_of("kept", 9)}};
	make_entry(at, 1, 1, PV_KIND_ROSTER, NULL, 0, "genesis", &three[0]);
	struct pv_meta_append append = append_of(room, 0, 0, &three[0].row, 1);
	gives(CALL(append, &append, 1), PV_OK, "a room is founded");
	for (uint64_t i = 1; i < 10; i += i == 2 ? 7 : 1) {
		struct pv_meta_blob blob = {id_of("kept", i), id_of("kept at", i), 7, hash_of("content", i), 0};
		gives(CALL(blob_put, append.no, &blob, NOW), PV_OK, "a blob comes");
	}
	uint64_t no = append.no;
	for (uint64_t i = 0; i < 2; i++) make_entry(at, 1, 2 + i, PV_KIND_TALK, refs[i], 2, i ? "second" : "first", &three[1 + i]);
	struct pv_meta_entry rows[2] = {three[1].row, three[2].row};
	append = append_of(room, no, 1, rows, 2);
	gives(CALL(append, &append, 1), PV_OK, "and grows by two");
	gives(append.ret_err, PV_OK, "with what they refer to");
	*ret_room = room;
	return no;
}

static void test_waiting(struct pv_hash room, uint64_t no, struct pv_merkle_edge *at, struct made *made_here)
{
	struct pv_meta_forget forget = {id_of("forget", 1), NOW + 50};
	struct pv_meta_room row;
	gives(CALL(room, &room, &row), PV_OK, "a room");
	check(!row.has_notice && row.dropping == 0, "has no notice at first, and nothing to drop");
	make_entry(at, 1, 4, PV_KIND_ROSTER, NULL, 0, "policy and forget", made_here);
	struct pv_meta_append append = append_of(room, no, 3, &made_here->row, 1);
	append.policy_changes = append.has_notice = true;
	append.notice_ms = 50;
	append.forgets = &forget;
	append.forget_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "a policy and a forget come");
	gives(CALL(room, &room, &row), PV_OK, "the room");
	check(row.has_notice && row.notice_ms == 50, "knows the notice");
	struct waiting waiting = {.count = 0};
	gives(CALL(forgets, no, see, &waiting), PV_OK, "the forget waits");
	check(waiting.count == 1 && pv_id16_equal(&waiting.seen[0].id, &forget.id) && waiting.seen[0].due_ms == NOW + 50, "until its time");
	check(count_waiting(no + 1) == 0, "in its room alone");
}

static void test_dropping(struct pv_hash room, uint64_t no, struct pv_merkle_edge *at, struct made *made_here)
{
	struct pv_id16 done = id_of("forget", 1), locators[4];
	struct pv_hash rooms[4];
	struct pv_meta_room row;
	uint64_t first = 1, both[2] = {1, 2};
	size_t count = 9;
	make_entry(at, 2, 1, PV_KIND_SERVER, NULL, 0, "deleted", made_here);
	struct pv_meta_append append = append_of(room, no, 4, &made_here->row, 1);
	append.deleted = &done;
	append.deleted_count = 1;
	gives(CALL(undropped, 4, rooms, &count), PV_OK, "before it is deleted");
	check(count == 0, "nothing is to be dropped");
	gives(CALL(append, &append, 1), PV_OK, "it is deleted");
	check(count_waiting(no) == 0, "and waits no more");
	gives(CALL(undropped, 4, rooms, &count), PV_OK, "the room");
	check(count == 1 && pv_hash_equal(&rooms[0], &room), "has something to drop");
	check(bodies_of(no).there == 5, "and has it yet");
	gives(CALL(drop, no, &first, 1, 0, 2), PV_OK, "a first entry is dropped");
	gives(CALL(room, &room, &row), PV_OK, "the room");
	check(row.dropping == 3, "knows from where to go on");
	gives(CALL(drop, no, both, 2, 5, 5), PV_OK, "then both, as after a crash");
	check(bodies_of(no).dropped == 2 && bodies_of(no).there == 3, "their bodies and refs are gone, the others are not");
	gives(CALL(blob_collect, 1, 4, locators, &count), PV_OK, "blobs that nothing refers to");
	check(count == 3 && !has_blob(no, 1) && !has_blob(no, 2) && !has_blob(no, 9), "go at once, one that both had, too");
	gives(CALL(dropped, no), PV_OK, "all is dropped");
	gives(CALL(undropped, 4, rooms, &count), PV_OK, "and then");
	check(count == 0, "nothing is left to do");
	gives(CALL(room, &room, &row), PV_OK, "the room");
	check(row.size == 5 && row.has_notice, "is what it was");
}

/* A blob that another entry still refers to stays. */
static void test_shared(struct pv_hash room, uint64_t no, struct pv_merkle_edge *at, struct made *made_here)
{
	struct pv_meta_blob blob = {id_of("kept", 5), id_of("kept at", 5), 7, hash_of("content", 5), 0};
	struct pv_id16 locators[4];
	uint64_t index = 5;
	size_t count;
	gives(CALL(blob_put, no, &blob, NOW), PV_OK, "a blob comes");
	for (uint64_t i = 0; i < 2; i++) make_entry(at, 1, 5 + i, PV_KIND_TALK, &blob.name, 1, "word", &made_here[i]);
	struct pv_meta_entry rows[2] = {made_here[0].row, made_here[1].row};
	struct pv_meta_append append = append_of(room, no, 5, rows, 2);
	gives(CALL(append, &append, 1), PV_OK, "two entries refer to it");
	gives(CALL(drop, no, &index, 1, 0, 6), PV_OK, "one is dropped");
	gives(CALL(blob_collect, 1, 4, locators, &count), PV_OK, "the blob");
	check(count == 0 && has_blob(no, 5), "stays for the other");
	gives(CALL(dropped, no), PV_OK, "done");
}

void meta_suite_forget(void)
{
	struct pv_merkle_edge at = {0};
	struct made here[7];
	struct pv_hash room;
	uint64_t no = found(&at, here, &room);
	test_waiting(room, no, &at, &here[3]);
	test_dropping(room, no, &at, &here[4]);
	test_shared(room, no, &at, &here[5]);
	for (int i = 0; i < 7; i++) free_made(&here[i]);
}
