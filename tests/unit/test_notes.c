/* What a device asks of a log and its note: who signed it, that it is of this tree and goes on from the one that was pinned,
 * and that every entry can stand where it does. */
#include "tests/unit/sync_pair.h"

static struct pair p;

/* How far the log is that the device pinned; 0: nothing is pinned. */
static uint64_t pinned_size(struct rig_member *member)
{
    struct pv_checkpoint pinned = {.size = 0};
    struct pv_bytes pin = pv_room_pin(member->room);
    if (pin.n && pv_checkpoint_peek(pin, &pinned)) tap_ok(false, "a pin that reads");
    return pinned.size;
}

static uint64_t judged_size(const struct rig_member *member)
{
    return pv_roster_size(pv_room_roster(member->room));
}

static void is_alarm(struct rig_member *member, enum pv_err want, const char *words, const char *what)
{
    enum pv_err err = rig_pull(member);
    bool right = err == want && strstr(pv_room_alarm(member->room), words);
    tap_ok(right, "%s", what);
    if (!right) tap_note("got %s: %s", pv_err_web_name(err), pv_room_alarm(member->room));
}

static void ready(void)
{
    pair_init(&p, PV_ROLE_EDITOR);
    is_err(rig_push(&p.a), PV_OK, "the rekey after the used-up invite");
    is_err(rig_pull(&p.b), PV_OK, "which Bob sees");
}

/* ---- the note */

static void spoil_note(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
    (void)server;
    if (!strstr(request->path, "/entries?")) return;
    uint8_t *at = page->p + page->n - 12; /* in the last signature */
    *at = *at == 'A' ? 'B' : 'A';
}

static void spoil_consistency(struct rig_server *server, const struct pv_request *request, struct pv_buf *proof)
{
    (void)server;
    if (strstr(request->path, "/consistency?")) proof->p[proof->n - 1] ^= 1;
}

static void test_note(void)
{
    struct rig_member fresh;
    ready();
    is_err(rig_member_open(&fresh, &p.ada, pv_room_id(p.a.room)), PV_OK, "a device with nothing of the room");
    p.server.tamper = spoil_note;
    is_alarm(&fresh, PV_ERR_BAD_SIG, "not signed by this room's log key", "takes no note that another signed");
    p.server.page_max = 1;
    p.server.tamper = spoil_consistency;
    is_alarm(&fresh, PV_ERR_FORK, "not the beginning of the server's checkpoint", "nor a page that is not the beginning of its tree");
    tap_is_int((long long)judged_size(&fresh), 0, "and keeps nothing of either");
    p.server.tamper = NULL;
    p.server.down_from = p.server.requests + 2; /* the page and its proof */
    is_err(rig_pull(&fresh), PV_ERR_OFFLINE, "a page comes, and then the network is down");
    tap_is_int((long long)judged_size(&fresh), 1, "it is kept");
    tap_ok(pinned_size(&fresh) <= 1, "but its note is not pinned, which is of what did not come");
    p.server.down_from = 0;
    p.server.page_max = 0;
    is_err(rig_pull(&fresh), PV_OK, "the rest comes");
    tap_is_int((long long)pinned_size(&fresh), (long long)judged_size(&p.a), "and all of it is pinned");
    rig_member_close(&fresh);
    pair_release(&p);
}

/* ---- the pin, which outlives the database */

static void test_pin(void)
{
    struct rig_member again;
    struct pv_merkle_edge other;
    struct pv_hash leaf = {{7}}, hashes[64];
    struct pv_buf note;
    size_t count;
    ready();
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    struct pv_room_options options = {.me = &p.ada.me, .person_room = p.ada.person, .random = &p.ada.random, .room_id = room->id};
    struct pv_checkpoint seen = {.size = room->edge.size + 1, .time_s = p.server.now_ms / 1000};
    other = room->edge;
    pv_merkle_append(&other, &leaf, hashes, &count);
    pv_merkle_edge_root(&other, &seen.root);
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    is_err(pv_checkpoint_make(p.server.info.name, &room->id, &seen, &p.server.log_sk, &p.server.info.log_key, &note), PV_OK,
           "the server once showed Ada an entry more");
    is_err(rig_say(&p.b, "in its place") ? PV_ERR_IO : rig_push(&p.b), PV_OK, "where the log now has another");
    is_err(rig_member_open(&again, &p.ada, &room->id), PV_OK, "her database is gone");
    pv_room_close(again.room);
    options.store = again.store;
    options.pin = pv_buf_bytes(&note);
    is_err(pv_room_open(&options, &again.room), PV_OK, "but not what she had pinned of it");
    is_alarm(&again, PV_ERR_FORK, "does not continue the one that was seen here before", "so she sees that the log does not go on from there");
    rig_member_close(&again);
    pv_buf_release(&note);
    pair_release(&p);
}

struct signed_now {
    size_t count;
    uint64_t seen_size;
};

static enum pv_err see_signed(void *context, const struct pv_sealed_write *sealed)
{
    struct signed_now *now = context;
    struct pv_entry entry;
    if (pv_entry_read(sealed->entry, &entry)) return PV_ERR_CORRUPT;
    now->count++;
    now->seen_size = entry.header.seen_size;
    return PV_OK;
}

/* The pin is a file of its own: what is damaged there is no log that was seen, and nothing is sealed on the strength of it. */
static void test_wrong_pin(void)
{
    struct pv_checkpoint other;
    struct signed_now now = {0};
    struct pv_buf note;
    ready();
    struct pv_room_options options = {.me = &p.bob.me, .person_room = p.bob.person, .random = &p.bob.random, .store = p.b.store,
                                      .room_id = *pv_room_id(p.b.room)};
    is_err(pv_checkpoint_peek(pv_room_pin(p.b.room), &other), PV_OK, "what Bob has pinned");
    other.root.b[0] ^= 1;
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    is_err(pv_checkpoint_make(p.server.info.name, &options.room_id, &other, &p.server.log_sk, &p.server.info.log_key, &note), PV_OK,
           "is of another tree now");
    pv_room_close(p.b.room);
    options.pin = pv_buf_bytes(&note);
    is_err(pv_room_open(&options, &p.b.room), PV_OK, "his room opens");
    is_err(rig_say(&p.b, "on what was seen"), PV_OK, "he writes");
    is_err(pv_store_sealed_each(p.b.store, see_signed, &now), PV_OK, "which is kept");
    tap_is_int((long long)now.count, 0, "but not sealed");
    is_err(pv_room_leave(p.b.room), PV_OK, "he leaves");
    is_err(pv_store_sealed_each(p.b.store, see_signed, &now), PV_OK, "which is signed");
    tap_ok(now.count == 1 && now.seen_size == 0, "without a word of that tree");
    pv_buf_release(&note);
    pair_release(&p);
}

/* A room's id is its genesis's hash: another one is another room's, whatever the server signs it for. */
static void test_another_genesis(void)
{
    struct rig_member alone, fresh;
    ready();
    is_err(rig_found(&alone, &p.ada), PV_OK, "Ada founds another room");
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(alone.room));
    room->id.b[0] ^= 1;
    is_err(rig_member_open(&fresh, &p.ada, &room->id), PV_OK, "a room of another id");
    is_alarm(&fresh, PV_ERR_BROKEN_CHAIN, "another room's genesis", "does not begin with its genesis");
    rig_member_close(&alone);
    rig_member_close(&fresh);
    pair_release(&p);
}

/* ---- entries that an honest server takes from nobody */

static const struct pv_bytes no_refs = {(const uint8_t *)"\x80", 1};

/* What of `header` is not set is as it should be. */
static void append_raw(const struct rig_device *device, struct pv_header header, const char *what)
{
    struct rig_room *room = rig_room_find(&p.server, pv_room_id(p.a.room));
    const struct pv_head *head = pv_roster_head(room->roster, &device->me.device);
    bool as_server = header.kind == PV_KIND_SERVER;
    struct pv_bytes body = as_server ? pv_bytes("\x82\x03\x50" "0123456789abcdef", 19) : pv_bytes("sealed", 6);
    struct pv_buf entry, bundles;
    if (pv_hash_is_zero(&header.room)) header.room = room->id;
    header.author = device->me.device;
    header.n = head ? head->n + 1 : 1;
    if (head) header.prev = head->leaf;
    header.time_ms = p.server.now_ms;
    if (!header.seen_size) {
        header.seen_size = room->edge.size;
        pv_merkle_edge_root(&room->edge, &header.seen_root);
    }
    if (!as_server) header.epoch = pv_roster_epoch(room->roster);
    if (pv_hash_is_zero(&header.refs_hash)) pv_refs_hash(no_refs, &header.refs_hash);
    if (pv_hash_is_zero(&header.body_hash)) pv_body_hash(body, &header.body_hash);
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_entry_make(&header, &device->me.sign_sk, &entry);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), no_refs, body, pv_bytes("\x83\x80\x80\x80", 4)};
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, &bundle);
    p.server.takes_forgeries = true;
    is_err(err ? err : rig_append(&p.server, room, pv_buf_bytes(&bundles)), PV_OK, what);
    pv_buf_release(&entry);
    pv_buf_release(&bundles);
}

static void test_entries(void)
{
    struct rig_device eve;
    ready();
    append_raw(&p.bob, (struct pv_header){.kind = PV_KIND_TALK, .seen_size = 1000}, "Bob says that he has seen more than there is");
    is_alarm(&p.a, PV_ERR_BROKEN_CHAIN, "it saw what came after it", "which accuses the server that took it");
    pair_release(&p);

    ready();
    append_raw(&p.bob, (struct pv_header){.kind = PV_KIND_SERVER}, "Bob speaks as the server");
    is_alarm(&p.a, PV_ERR_BROKEN_CHAIN, "no rule lets it in", "which accuses it, too");
    tap_is_int((long long)pinned_size(&p.a), (long long)judged_size(&p.a), "nothing of that is pinned");
    pair_release(&p);

    ready();
    is_err(rig_device_init(&eve, &p.server, 4), PV_OK, "Eve appears");
    append_raw(&eve, (struct pv_header){.kind = PV_KIND_TALK}, "and writes where nobody let her in");
    is_alarm(&p.a, PV_ERR_BROKEN_CHAIN, "its author was never listed", "as does that");
    rig_device_release(&eve);
    pair_release(&p);
}

/* Entries and what belongs to them, which are not of each other. */
static void test_parts(void)
{
    static const struct pv_hash other = {{7}};
    ready();
    append_raw(&p.bob, (struct pv_header){.kind = PV_KIND_TALK, .room = other}, "an entry of another room");
    is_alarm(&p.a, PV_ERR_BROKEN_CHAIN, "another room's", "stands in this one's log for nobody");
    pair_release(&p);

    ready();
    append_raw(&p.bob, (struct pv_header){.kind = PV_KIND_TALK, .refs_hash = other}, "blobs that an entry does not name");
    is_alarm(&p.a, PV_ERR_BROKEN_CHAIN, "refs", "are not its own");
    pair_release(&p);

    ready();
    append_raw(&p.bob, (struct pv_header){.kind = PV_KIND_TALK, .body_hash = other}, "nor is a body");
    is_alarm(&p.a, PV_ERR_BROKEN_CHAIN, "its body is not the one that was signed", "that it does not name");
    pair_release(&p);
}

static bool is_newest(const struct pv_entry *entry, bool is_last)
{
    (void)entry;
    return is_last;
}

static void keep_clear_bodies_back(struct rig_server *server, const struct pv_request *request, struct pv_buf *page)
{
    (void)server;
    if (strstr(request->path, "/entries?")) rig_page_withhold(page, is_newest);
}

/* What changes the members is not a body that may be missing: it would be nothing, and nobody be told. */
static void test_clear_body(void)
{
    struct rig_member fresh;
    ready();
    is_err(rig_member_open(&fresh, &p.ada, pv_room_id(p.a.room)), PV_OK, "a device with nothing of the room");
    p.server.tamper = keep_clear_bodies_back;
    is_alarm(&fresh, PV_ERR_BROKEN_CHAIN, "a clear body is missing", "is not given the newest change of its members");
    p.server.tamper = NULL;
    rig_member_close(&fresh);
    pair_release(&p);
}

/* A signature that does not hold: what lies before it is judged, and that far goes the pin. */
static void test_pinned_as_judged(void)
{
    ready();
    uint64_t before = pinned_size(&p.a);
    p.server.takes_forgeries = true;
    p.bob.me.sign_sk.b[0] ^= 1;
    is_err(rig_say(&p.b, "not Bob's"), PV_OK, "something is signed by another key than Bob's");
    (void)!rig_push(&p.b);
    p.bob.me.sign_sk.b[0] ^= 1;
    is_alarm(&p.a, PV_ERR_BAD_SIG, "does not hold", "which Ada is told");
    tap_is_int((long long)pinned_size(&p.a), (long long)before, "and does not pin");
    pair_release(&p);
}

int main(void)
{
    is_err(pv_crypto_init(), PV_OK, "crypto");
    test_note();
    test_pin();
    test_wrong_pin();
    test_another_genesis();
    test_entries();
    test_parts();
    test_clear_body();
    test_pinned_as_judged();
    return tap_done();
}
