/* Whose signature holds: an entry's own, or a later one of the same author that links to it; nobody else's. */
#include "core/sync/vouch.h"
#include "tests/unit/roster_tap.h"

static struct kit_person anna, ben;
static struct kit_room room;
static struct kit_item items[8];
static struct pv_log_item log_items[8];
static size_t count;

/* A message that links to the author's newest item among `items`, or to what the caller says. */
static void message(const struct kit_device *author, const struct pv_hash *prev, bool signed_well)
{
	struct pv_header header = kit_header(&room, &author->id, PV_KIND_TALK);
	header.prev = *prev;
	header.n += count;
	kit_item_make(&room, &header, &author->sk, pv_bytes("sealed", 6), &items[count]);
	log_items[count] = items[count].item;
	log_items[count].index = room.tree.size + count;
	if (!signed_well)
		log_items[count].entry.sig.b[0] ^= 1; /* the leaf stays: as if the log held this entry */
	count++;
}

static void check(const char *what, const char *want)
{
	bool holds[8];
	char got[9] = "";
	if (pv_vouch(room.roster, log_items, count, holds))
		abort();
	for (size_t i = 0; i < count; i++) {
		got[i] = holds[i] ? '+' : '-';
		kit_item_release(&items[i]);
	}
	tap_is_str(got, want, what);
	count = 0;
}

int main(void)
{
	if (pv_crypto_init())
		return 1;
	kit_person_make(1, &anna);
	kit_person_make(2, &ben);
	is(kit_found_client(&room, 1, &anna), PV_REASON_NONE, "a room is founded");
	const struct kit_device *a = &anna.devices[0], *b = &ben.devices[0];
	tap_ok(kit_admit(&room, a, &ben, 1, EDITOR), "a second member");
	struct pv_hash head_a = pv_roster_head(room.roster, &a->id)->leaf, head_b = pv_roster_head(room.roster, &b->id)->leaf;

	message(a, &head_a, true);
	message(b, &head_b, true);
	check("each by its own", "++");
	message(a, &head_a, false);
	message(a, &log_items[0].leaf, false);
	message(a, &log_items[1].leaf, true);
	check("one signature for all before it", "+++");
	message(a, &head_a, true);
	message(a, &log_items[0].leaf, false);
	check("a bad one with nothing after it", "+-");
	message(a, &head_a, false);
	message(b, &log_items[0].leaf, true);
	check("another author's link vouches for nothing", "-+");
	message(a, &head_a, false);
	message(b, &log_items[0].leaf, true);
	message(a, &log_items[0].leaf, true);
	check("nor does it stand in the way", "+++");
	message(a, &head_a, false);
	message(a, &head_a, true);
	check("nor does a sibling", "-+");
	kit_room_release(&room);
	kit_person_release(&anna);
	kit_person_release(&ben);
	return tap_done();
}
