/* What the holder of the log key signs, and what it does not. */
#include "server/keeper.h"

#include <string.h>

#include "core/room/body.h"
#include "tests/tap.h"

static struct pv_sign_pk log_pk;
static struct pv_keeper *keeper;

static struct pv_tree_head head(uint64_t size, uint8_t root)
{
	struct pv_tree_head made = {.size = size};
	memset(made.root.b, root, sizeof made.root.b);
	return made;
}

static struct pv_made_note made;

static enum pv_err ask(uint8_t room, struct pv_tree_head from, struct pv_tree_head to, uint64_t time_s)
{
	struct pv_ask_note asked = {.from = from, .to = to, .time_s = time_s, .name = "server.example"};
	memset(asked.room.b, room, sizeof asked.room.b);
	pv_keeper_note(keeper, &asked, &made);
	return made.err;
}

static void notes(void)
{
	struct pv_checkpoint checkpoint;
	struct pv_hash room;
	struct pv_tree_head none = head(0, 0), one = head(1, 1), two = head(2, 2), other = head(2, 9), three = head(3, 3);
	memset(room.b, 7, sizeof room.b);
	tap_ok(ask(7, none, one, 1000) == PV_OK, "a room's first checkpoint is signed");
	tap_ok(pv_checkpoint_open(pv_bytes(made.note, made.n), "server.example", &room, &log_pk, &checkpoint) == PV_OK &&
		       checkpoint.size == 1 && checkpoint.time_s == 1000 && made.time_s == 1000,
	       "and is what was asked for");
	tap_ok(ask(7, one, two, 1010) == PV_OK, "the next goes on from it");
	tap_ok(ask(7, one, other, 1020) == PV_OK, "the newest step may be taken back: a disk was full");
	tap_ok(ask(7, two, three, 1020) == PV_ERR_DENIED && made.n == 0, "but not gone on from then");
	tap_ok(ask(7, none, one, 1020) == PV_ERR_DENIED, "nothing starts anew");
	tap_ok(ask(7, other, three, 1020) == PV_OK, "what was signed last goes on");
	tap_ok(ask(7, one, two, 1020) == PV_ERR_DENIED, "what lies before it does not");
	tap_ok(ask(7, three, three, 1030) == PV_OK, "a checkpoint is renewed");
	tap_ok(ask(7, three, head(3, 4), 1030) == PV_ERR_DENIED, "with the same root only");
	tap_ok(ask(7, three, two, 1030) == PV_ERR_MALFORMED, "a tree does not shrink");
	tap_ok(ask(7, three, head(4, 4), 10) == PV_OK && made.time_s == 1030, "time does not go back: the latest is signed");
	tap_ok(ask(8, three, head(4, 4), 10) == PV_OK && made.time_s == 10, "another room has its own");
	tap_ok(ask(9, none, none, 1000) == PV_ERR_MALFORMED, "an empty tree is not signed");
	tap_ok(ask(9, head(0, 1), one, 1000) == PV_ERR_MALFORMED, "nor one after an empty one with a root");
	tap_ok(ask(9, none, one, UINT64_MAX) == PV_ERR_LIMIT && made.n == 0, "nor at a time that no clock shows");
}

static void names(void)
{
	static const char *const bad[] = {"", "two words", "a+b", "line\nline"};
	struct pv_ask_note asked = {.to = head(1, 1), .time_s = 1000};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(asked.room.b, (int)(0x20 + i), sizeof asked.room.b);
		strcpy(asked.name, bad[i]);
		pv_keeper_note(keeper, &asked, &made);
		tap_ok(made.err == PV_ERR_MALFORMED, "a server's name \"%s\" is not signed", i == 3 ? "of two lines" : bad[i]);
	}
	memset(asked.name, 'a', sizeof asked.name);
	pv_keeper_note(keeper, &asked, &made);
	tap_ok(made.err == PV_ERR_MALFORMED, "nor one without an end");
}

static struct pv_made_entry entry;

static enum pv_err ask_entry(const struct pv_ask_entry *asked)
{
	pv_keeper_entry(keeper, asked, &entry);
	return entry.err;
}

static void entries(void)
{
	struct pv_ask_entry asked = {.header = {.n = 1, .kind = PV_KIND_SERVER, .time_ms = 5, .seen_size = 1, .room = {{1}}}}, changed;
	struct pv_server_body content = {.type = PV_SERVER_EXPIRED, .u.expired = {.time_ms = 5, .is_invite = true}};
	struct pv_entry read;
	struct pv_buf body;
	pv_log_key_id(&log_pk, &asked.header.author);
	pv_buf_init_fixed(&body, asked.body, sizeof asked.body);
	pv_server_body_put(&body, &content);
	asked.n = body.n;
	tap_ok(ask_entry(&asked) == PV_OK, "an entry that a server writes is signed");
	tap_ok(pv_entry_read(pv_bytes(entry.entry, entry.n), &read) == PV_OK && pv_entry_verify(&read, &log_pk) == PV_OK,
	       "and holds");
	struct pv_hash hash;
	pv_body_hash(pv_bytes(asked.body, asked.n), &hash);
	tap_ok(pv_hash_equal(&hash, &read.header.body_hash), "over the body that was judged");
	static const uint64_t kinds[] = {PV_KIND_ROSTER, PV_KIND_SIGN, PV_KIND_TALK, PV_KIND_WORK, 5};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		changed = asked;
		changed.header.kind = kinds[i];
		tap_ok(ask_entry(&changed) == PV_ERR_DENIED && entry.n == 0, "none of kind %d", (int)kinds[i]);
	}
	changed = asked;
	changed.header.author.b[0] ^= 1;
	tap_ok(ask_entry(&changed) == PV_ERR_DENIED, "none by another author");
	changed = asked;
	memset(&changed.header.room, 0, sizeof changed.header.room);
	tap_ok(ask_entry(&changed) != PV_OK && entry.n == 0, "none of no room");
	changed = asked;
	changed.n = sizeof changed.body + 1;
	tap_ok(ask_entry(&changed) == PV_ERR_MALFORMED, "none whose body is larger than there is room for");
	changed = asked;
	changed.body[0] ^= 0xff;
	tap_ok(ask_entry(&changed) != PV_OK && entry.n == 0, "none whose body says nothing that a server says");
	changed = asked;
	changed.n--;
	tap_ok(ask_entry(&changed) != PV_OK && entry.n == 0, "none whose body is cut");
}

int main(void)
{
	struct pv_sign_seed seed = {{3}};
	struct pv_sign_sk sk;
	if (pv_crypto_init()) return 1;
	pv_sign_from_seed(&seed, &sk, &log_pk);
	if (pv_keeper_new(&sk, &log_pk, &keeper)) return 1;
	notes();
	names();
	entries();
	pv_keeper_free(keeper);
	return tap_done();
}
