/* What is impossible or unsupported, chains and heads, who is known as an author, judging without folding. */
#include "tests/unit/roster_tap.h"

static struct kit_person anna, ben;
static struct kit_room room;
static struct kit_device *a, *b;

static void begin(const char *what)
{
	tap_note("%s", what);
	is(kit_found_client(&room, 1, &anna), PV_REASON_NONE, "a room is founded");
}

static void end(void)
{
	kit_room_release(&room);
}

/* Make an item, let the caller spoil it, judge it; nothing is folded. */
typedef void spoil(struct pv_log_item *item);

static int judge(const struct kit_device *author, uint64_t kind, struct pv_bytes body, spoil *spoil_it)
{
	struct kit_item item;
	enum pv_verdict verdict;
	enum pv_reason reason;
	struct pv_header header = kit_header(&room, &author->id, kind);
	if (pv_kind_is_sealed(kind))
		header.epoch = pv_roster_epoch(room.roster);
	kit_item_make(&room, &header, &author->sk, body, &item);
	if (spoil_it)
		spoil_it(&item.item);
	if (pv_roster_judge(room.roster, &item.item, &verdict, &reason))
		abort();
	kit_item_release(&item);
	return verdict == PV_IMPOSSIBLE || verdict == PV_UNSUPPORTED ? -1 - (int)verdict : (int)reason;
}

static void other_room(struct pv_log_item *item) { item->entry.header.room.b[0] ^= 1; }
static void zero_room(struct pv_log_item *item) { memset(item->entry.header.room.b, 0, 32); }
static void zero_n(struct pv_log_item *item) { item->entry.header.n = 0; }
static void seen_beyond(struct pv_log_item *item) { item->entry.header.seen_size = item->index + 1; }
static void seen_all(struct pv_log_item *item) { item->entry.header.seen_size = item->index; }
static void other_index(struct pv_log_item *item) { item->index++; }
static void with_commit(struct pv_log_item *item) { item->entry.header.commit.b[0] = 1; }
static void with_epoch(struct pv_log_item *item) { item->entry.header.epoch = 1; }
static void other_body_hash(struct pv_log_item *item) { item->entry.header.body_hash.b[0] ^= 1; }
static void no_body(struct pv_log_item *item) { item->body = pv_bytes(NULL, 0); }
static void other_author(struct pv_log_item *item) { item->entry.header.author.b[0] ^= 1; }
static void log_key_author(struct pv_log_item *item) { pv_log_key_id(&room.log_pk, &item->entry.header.author); }
static void second_n(struct pv_log_item *item) { item->entry.header.n = 2; }
static void as_sign(struct pv_log_item *item) { item->entry.header.kind = PV_KIND_SIGN; }
static void kind_5(struct pv_log_item *item) { item->entry.header.kind = 5; }

static void test_impossible(void)
{
	struct pv_bytes leave = pv_bytes("\x81\x06", 2);
	struct pv_buf sign;
	pv_buf_init(&sign, PV_LIMIT_BODY_BYTES);
	struct pv_sign_body body = {.index = 0};
	pv_sign_body_put(&sign, &body);
	begin("impossible");
	is(judge(a, PV_KIND_ROSTER, leave, NULL), PV_REASON_NONE, "an entry as it should be");
	is(judge(a, PV_KIND_ROSTER, leave, seen_all), PV_REASON_NONE, "that has seen all before it");
	is(judge(a, PV_KIND_ROSTER, leave, other_room), IMPOSSIBLE, "another room");
	is(judge(a, PV_KIND_ROSTER, leave, zero_room), IMPOSSIBLE, "no room");
	is(judge(a, PV_KIND_ROSTER, leave, zero_n), IMPOSSIBLE, "n 0");
	is(judge(a, PV_KIND_ROSTER, leave, seen_beyond), IMPOSSIBLE, "seen beyond its index");
	is(judge(a, PV_KIND_ROSTER, leave, other_index), IMPOSSIBLE, "an index left out");
	is(judge(a, PV_KIND_ROSTER, leave, with_commit), IMPOSSIBLE, "a clear body with a commitment");
	is(judge(a, PV_KIND_SIGN, pv_buf_bytes(&sign), NULL), PV_REASON_NONE, "a sign");
	is(judge(a, PV_KIND_SIGN, pv_buf_bytes(&sign), with_epoch), IMPOSSIBLE, "a sign with an epoch");
	is(judge(a, PV_KIND_ROSTER, leave, other_body_hash), IMPOSSIBLE, "another body's hash");
	is(judge(a, PV_KIND_ROSTER, leave, no_body), IMPOSSIBLE, "a clear body that is missing");
	is(judge(a, PV_KIND_ROSTER, pv_bytes("\x82\x06\x00", 3), NULL), IMPOSSIBLE, "a malformed body");
	is(judge(a, PV_KIND_ROSTER, pv_bytes("\x81\x10", 2), NULL), UNSUPPORTED, "a newer roster type");
	is(judge(a, PV_KIND_ROSTER, leave, kind_5), UNSUPPORTED, "a newer kind");
	is(judge(a, PV_KIND_ROSTER, pv_bytes("\x81\x10", 2), other_author), UNSUPPORTED, "a newer type, before its author is asked for");
	is(judge(a, PV_KIND_ROSTER, pv_bytes("\x81\x10", 2), other_room), IMPOSSIBLE, "but not before its room");
	is(judge(a, PV_KIND_ROSTER, pv_bytes("\x81\x10", 2), other_body_hash), IMPOSSIBLE, "nor before its hash");
	is(judge(a, PV_KIND_ROSTER, pv_bytes("\x82\x10\x18", 3), NULL), IMPOSSIBLE, "nor if it is not one item");
	is(judge(a, PV_KIND_ROSTER, leave, other_author), IMPOSSIBLE, "an author whom nobody listed");
	is(judge(b, PV_KIND_ROSTER, leave, NULL), IMPOSSIBLE, "another such");
	is(judge(a, PV_KIND_ROSTER, leave, log_key_author), IMPOSSIBLE, "the log key as a member");
	is(judge(a, PV_KIND_SERVER, pv_bytes("\x82\x03\x50" "0123456789abcdef", 19), NULL), IMPOSSIBLE,
	   "a member as the server");
	is(judge(a, PV_KIND_TALK, pv_bytes("sealed", 6), NULL), PV_REASON_NONE, "a sealed body");
	is(judge(a, PV_KIND_TALK, pv_bytes("sealed", 6), no_body), PV_REASON_NONE, "that is not there");
	tap_is_int((long long)pv_roster_size(room.roster), 1, "nothing of this was folded");
	pv_buf_release(&sign);
	end();

	tap_note("before a genesis");
	kit_room_init(&room, 1);
	is(judge(a, PV_KIND_ROSTER, leave, NULL), IMPOSSIBLE, "anything else at index 0");
	struct pv_roster_body join;
	struct pv_buf bytes;
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	kit_join_body(&room, &ben, 1, &join);
	pv_roster_body_put(&bytes, &join);
	is(judge(b, PV_KIND_ROSTER, pv_buf_bytes(&bytes), NULL), IMPOSSIBLE, "also what lists its own author");
	pv_buf_clear(&bytes);
	struct pv_sign_body by_stranger = {.stranger = true, .record = pv_buf_bytes(&ben.record)}; /* whose document is all zeros */
	pv_sign_body_put(&bytes, &by_stranger);
	is(judge(b, PV_KIND_ROSTER, pv_buf_bytes(&bytes), as_sign), IMPOSSIBLE, "and a stranger's sign");
	struct pv_roster_body genesis;
	pv_buf_clear(&bytes);
	kit_genesis_person(&room, &anna, &genesis);
	pv_roster_body_put(&bytes, &genesis);
	is(judge(a, PV_KIND_ROSTER, pv_buf_bytes(&bytes), NULL), PV_REASON_NONE, "a genesis");
	is(judge(a, PV_KIND_ROSTER, pv_buf_bytes(&bytes), other_room), IMPOSSIBLE, "that names a room");
	is(judge(a, PV_KIND_ROSTER, pv_buf_bytes(&bytes), second_n), IMPOSSIBLE, "or is not its author's first");
	is(judge(a, PV_KIND_ROSTER, pv_buf_bytes(&bytes), with_epoch), IMPOSSIBLE, "or is of an epoch after it");
	is(judge(a, PV_KIND_ROSTER, pv_buf_bytes(&bytes), log_key_author), IMPOSSIBLE, "or by the log key that it names");
	pv_buf_release(&bytes);
	end();
}

static int append(const struct kit_device *author, struct pv_header header, struct pv_bytes body)
{
	struct kit_item item;
	enum pv_reason reason;
	kit_item_make(&room, &header, &author->sk, body, &item);
	enum pv_verdict verdict = kit_append(&room, &item, &reason);
	return verdict == PV_IMPOSSIBLE || verdict == PV_UNSUPPORTED ? -1 - (int)verdict : (int)reason;
}

static void test_chain(void)
{
	begin("chains");
	struct pv_bytes body = pv_bytes("sealed", 6);
	struct pv_header header = kit_header(&room, &a->id, PV_KIND_TALK), first = header;
	header.n += 5;
	is(append(a, header, body), PV_REASON_NONE, "n may leave gaps");
	tap_is_int((long long)pv_roster_head(room.roster, &a->id)->n, (long long)header.n, "the head is there");
	is(append(a, first, body), PV_REASON_STALE_CHAIN, "an older link");
	header = kit_header(&room, &a->id, PV_KIND_TALK);
	header.n--;
	is(append(a, header, body), PV_REASON_STALE_CHAIN, "the same n again");
	header.n += 3;
	header.prev.b[5] ^= 1;
	is(append(a, header, body), PV_REASON_STALE_CHAIN, "another prev");
	header = kit_header(&room, &a->id, PV_KIND_TALK);
	header.epoch = 7;
	is(append(a, header, body), PV_REASON_STALE_EPOCH, "a rejected entry that links");
	tap_is_int((long long)pv_roster_head(room.roster, &a->id)->n, (long long)header.n, "moves the head");
	tap_ok(!pv_roster_head(room.roster, &b->id), "who never wrote has none");
	tap_ok(kit_admit(&room, a, &ben, 1, EDITOR), "a member");
	is(kit_remove(&room, a, &ben), PV_REASON_NONE, "is removed");
	tap_ok(pv_roster_head(room.roster, &b->id) != NULL, "the head outlives membership");
	struct pv_hash server;
	struct pv_server_body release = {.type = PV_SERVER_RELEASE};
	pv_log_key_id(&room.log_pk, &server);
	is(kit_server(&room, &release), PV_REASON_NONE, "the server's first");
	tap_ok(pv_roster_head(room.roster, &server) != NULL, "has a head too");
	room.head_count--; /* as if it had never written */
	is(kit_server(&room, &release), PV_REASON_STALE_CHAIN, "and is held to it");
	end();
}

static void test_authors(void)
{
	begin("authors");
	struct pv_sign_pk key;
	struct kit_item item;
	struct pv_roster_body body;
	struct pv_buf bytes;
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	is(kit_invite(&room, a, 1, EDITOR, 1), PV_REASON_NONE, "an invite");
	kit_join_body(&room, &ben, 1, &body);
	pv_roster_body_put(&bytes, &body);
	struct pv_header header = kit_header(&room, &b->id, PV_KIND_ROSTER);
	kit_item_make(&room, &header, &b->sk, pv_buf_bytes(&bytes), &item);
	uint64_t here = item.item.index;

	tap_ok(pv_roster_author_key(room.roster, &a->id, 0) != NULL, "the founder is known from the genesis on");
	tap_ok(!pv_roster_author_key(room.roster, &b->id, here), "a joiner not before the join");
	tap_is_int(pv_roster_item_key(room.roster, &item.item, &key), PV_OK, "a join tells its own author's key");
	tap_is_bytes(key.b, 32, b->device.sign_pk.b, 32, "which is this");
	tap_ok(!pv_roster_author_key(room.roster, &b->id, here), "and leaves no trace");

	item.item.index += 5;
	tap_is_int(pv_roster_note(room.roster, &item.item), PV_OK, "a note, ahead of the fold");
	tap_ok(!pv_roster_author_key(room.roster, &b->id, here + 4), "holds from its index on");
	tap_ok(pv_roster_author_key(room.roster, &b->id, here + 5) != NULL, "from there");
	item.item.index -= 5;
	tap_is_int(pv_roster_note(room.roster, &item.item), PV_OK, "noted again, earlier");
	tap_ok(pv_roster_author_key(room.roster, &b->id, here) != NULL, "the earliest counts");
	is(judge(b, PV_KIND_ROSTER, pv_bytes("\x81\x06", 2), NULL), IMPOSSIBLE, "but a note makes no author");

	item.body.p[item.body.n - 1] ^= 1; /* the join signature; its hash below */
	pv_body_hash(pv_buf_bytes(&item.body), &item.item.entry.header.body_hash);
	enum pv_reason reason;
	(void)kit_append(&room, &item, &reason);
	is((int)reason, PV_REASON_JOIN_KEY, "a join that fails");
	is(judge(b, PV_KIND_ROSTER, pv_bytes("\x81\x06", 2), NULL), PV_REASON_NOT_MEMBER, "lists its devices all the same");

	struct kit_item nothing;
	header = kit_header(&room, &ben.devices[2].id, PV_KIND_TALK);
	header.author.b[0] ^= 1;
	kit_item_make(&room, &header, &a->sk, pv_bytes("x", 1), &nothing);
	tap_is_int(pv_roster_item_key(room.roster, &nothing.item, &key), PV_ERR_NOT_FOUND, "an unknown author has no key");
	kit_item_release(&nothing);
	pv_buf_release(&bytes);
	end();
}

/* The whole state in the middle of a log, written, read, and gone on from: the same to the byte as never stopped. */
static void test_snapshot(void)
{
	struct pv_buf one, two;
	struct pv_roster *replay, *decoded;
	size_t different = 0;
	begin("snapshots");
	tap_ok(kit_admit(&room, a, &ben, 1, OWNER), "a member");
	is(kit_invite(&room, b, 2, EDITOR, 3), PV_REASON_NONE, "an invite");
	is(kit_device_remove(&room, b, &ben.devices[2], 0), PV_REASON_NONE, "a bar");
	struct pv_roster_body body = {.type = PV_ROSTER_BAD_WRAP};
	body.u.bad_wrap_epoch = pv_roster_epoch(room.roster);
	is(kit_roster(&room, b, &body), PV_REASON_NONE, "a complaint");
	body = (struct pv_roster_body){.type = PV_ROSTER_HOLD};
	body.u.ranges.count = 2;
	body.u.ranges.ranges[0] = (struct pv_range){1, 2};
	body.u.ranges.ranges[1] = (struct pv_range){4, 9};
	is(kit_roster(&room, b, &body), PV_REASON_NONE, "a hold");
	body.type = PV_ROSTER_FORGET;
	body.u.ranges.ranges[0] = (struct pv_range){2, 3};
	body.u.ranges.count = 1;
	is(kit_roster(&room, a, &body), PV_REASON_NONE, "a forget");
	struct pv_sign_body sign = {.index = 3};
	is(kit_sign(&room, a, &sign), PV_REASON_NONE, "a sign");
	is(kit_rekey(&room, a), PV_REASON_NONE, "a rekey");
	pv_buf_init(&one, SIZE_MAX);
	pv_buf_init(&two, SIZE_MAX);
	if (pv_roster_encode(room.roster, &one))
		abort();
	for (size_t stop = 0; stop < room.tree.size; stop++) {
		if (pv_roster_new(&replay))
			abort();
		for (size_t i = 0; i < room.tree.size; i++) {
			enum pv_verdict verdict;
			enum pv_reason reason;
			if (i == stop) {
				pv_buf_clear(&two);
				if (pv_roster_encode(replay, &two) || pv_roster_decode(pv_buf_bytes(&two), &decoded)) {
					tap_ok(false, "the snapshot at %zu reads", i);
					decoded = NULL;
				}
				pv_roster_free(replay);
				replay = decoded;
			}
			if (!replay || pv_roster_apply(replay, &room.log[i].item, &verdict, &reason) ||
			    verdict != PV_ACCEPTED)
				abort();
		}
		pv_buf_clear(&two);
		if (pv_roster_encode(replay, &two))
			abort();
		different += !pv_bytes_equal(pv_buf_bytes(&one), pv_buf_bytes(&two));
		pv_roster_free(replay);
	}
	tap_is_int((long long)different, 0, "stopped anywhere, the same state in the end");

	size_t read = 0, strange = 0;
	for (size_t n = 0; n < one.n; n++)
		if (pv_roster_decode(pv_bytes(one.p, n), &decoded) == PV_OK) {
			read++;
			pv_roster_free(decoded);
		}
	tap_is_int((long long)read, 0, "no truncated snapshot reads");
	for (size_t bit = 0; bit < one.n * 8; bit += 3) {
		one.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (pv_roster_decode(pv_buf_bytes(&one), &decoded) == PV_OK) {
			pv_buf_clear(&two);
			strange += pv_roster_encode(decoded, &two) || !pv_bytes_equal(pv_buf_bytes(&one), pv_buf_bytes(&two));
			pv_roster_free(decoded);
		}
		one.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	tap_is_int((long long)strange, 0, "one with a flipped bit is refused, or means just what it says");
	tap_is_int(pv_roster_decode(pv_bytes("\x97\x02", 2), &decoded), PV_ERR_UNSUPPORTED, "another version is refused");
	pv_buf_release(&one);
	pv_buf_release(&two);
	end();
}

static void test_names(void)
{
	tap_is_str(pv_reason_name(PV_REASON_STALE_CHAIN), "stale_chain", "reasons have names");
	tap_is_str(pv_reason_name(PV_REASON_NO_FORGET), "no_forget", "to the last");
	tap_is_str(pv_reason_name((enum pv_reason)1000), "unknown", "and no more");
}

int main(void)
{
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &anna);
	kit_person_make(2, &ben);
	kit_person_certify(&ben, 0, false);
	a = &anna.devices[0];
	b = &ben.devices[0];
	test_impossible();
	test_chain();
	test_authors();
	test_snapshot();
	test_names();
	kit_person_release(&anna);
	kit_person_release(&ben);
	return tap_done();
}
