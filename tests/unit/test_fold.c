/* What each payload does to a room's state, above all where two people were at it at once. */
#include "core/state/verified.h"
#include "tests/unit/fold_rig.h"

#define PUT(author, write, ...) (!rig_put(&rig, author, write, __VA_ARGS__, false))

static void test_messages(void)
{
    struct rig rig;
    struct pv_buf bytes;
    uint8_t big[PV_LIMIT_MESSAGE_BYTES + 1];
    bool good = rig_open(&rig) && PUT(1, 1, rig_message("one")) && PUT(2, 2, rig_message("two"));
    tap_ok(good, "messages are folded");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "one|two", "in the order of the log");
    tap_ok(PUT(1, 1, rig_message("again")), "the same write comes a second time");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "one|two", "and is ignored");
    tap_ok(PUT(2, 1, rig_message("mine")), "another author's write may have the same id");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "one|two|mine", "and counts");

    struct pv_log_item item = {.index = rig.next++};
    item.entry.header.kind = PV_KIND_TALK;
    good = !pv_fold_entry(rig.store, &item, PV_REJECTED, pv_bytes("?", 1));
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "one|two|mine", "a rejected entry has no effect");

    memset(big, 'x', sizeof big);
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    payload.u.message.text = pv_bytes(big, sizeof big - 1);
    pv_buf_init(&bytes, 1 << 17);
    pv_payload_put(&bytes, &payload);
    tap_is_int(bytes.err, PV_OK, "a message may be as long as the limit");
    pv_buf_clear(&bytes);
    payload.u.message.text.n++;
    pv_payload_put(&bytes, &payload);
    tap_is_int(bytes.err, PV_ERR_LIMIT, "a longer one is not written");
    pv_buf_clear(&bytes);
    bytes.err = PV_OK;
    payload.u.message.text = pv_bytes("", 0);
    pv_payload_put(&bytes, &payload);
    tap_is_int(bytes.err, PV_OK, "one may be empty");
    payload.u.message.text = pv_bytes("\xff", 1);
    pv_payload_put(&bytes, &payload);
    tap_is_int(bytes.err, PV_ERR_MALFORMED, "but not other than text");
    pv_buf_release(&bytes);
    rig_close(&rig);
}

static enum pv_err say_unreadable(void *context, uint64_t index, enum pv_err why)
{
    rig_say(context, " %llu:%s", (unsigned long long)index, pv_err_web_name(why));
    return PV_OK;
}

static uint64_t count_of(struct rig *rig, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    uint64_t count = UINT64_MAX;
    if (sqlite3_prepare_v2(rig->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        count = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

static void test_strange_payloads(void)
{
    /* [99, write id, [1]]; [2, write id] without the rest; a byte that begins nothing */
    static const char unknown[] = "\x83\x18\x63\x50" "0123456789abcdef" "\x81\x01";
    static const char short_one[] = "\x82\x02\x50" "fedcba9876543210";
    struct rig rig;
    struct rig_line line = {.n = 0};
    rig_open(&rig);
    tap_is_int(rig_fold_bytes(&rig, 1, PV_KIND_TALK, pv_bytes(unknown, sizeof unknown - 1)), PV_OK,
               "a payload of an unknown type folds");
    tap_is_int((int)count_of(&rig, "SELECT type FROM unfolded WHERE idx = 0"), 99, "and is kept for a later version");
    tap_is_int(rig_fold_bytes(&rig, 1, PV_KIND_TALK, pv_bytes(short_one, sizeof short_one - 1)), PV_OK,
               "a payload without its fields folds");
    tap_is_int(rig_fold_bytes(&rig, 1, PV_KIND_WORK, pv_bytes("\xff", 1)), PV_OK, "so does one that is no CBOR");
    tap_is_int(rig_fold_bytes(&rig, 1, PV_KIND_WORK, pv_bytes("", 0)), PV_OK, "and one of nothing");
    tap_is_int(pv_fold_unreadable(rig.store, rig.next++, PV_ERR_BAD_MAC), PV_OK, "one that does not open is noted");
    pv_query_unreadable(&rig.query, say_unreadable, &line) ? abort() : (void)0;
    tap_is_str(line.text, " 1:malformed 2:noncanonical 3:truncated 4:bad-mac", "all of them are told as unreadable");

    struct pv_buf buf;
    struct pv_payload payload = rig_message("in the wrong kind");
    pv_buf_init(&buf, 4096);
    payload.write_id = rig_id(7);
    pv_payload_put(&buf, &payload);
    tap_is_int(rig_fold_bytes(&rig, 1, PV_KIND_WORK, pv_buf_bytes(&buf)), PV_OK, "a message in an entry for files folds");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "", "without effect");
    tap_is_int(rig_fold_bytes(&rig, 1, PV_KIND_TALK, pv_buf_bytes(&buf)), PV_OK, "its write id is used up");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "", "as it would be for those who know more types");
    pv_buf_release(&buf);
    rig_close(&rig);
}

static void test_files(void)
{
    struct rig rig;
    rig_open(&rig);
    tap_ok(PUT(1, 1, rig_file_put("a/b.txt", 1, 0, 0)) && PUT(2, 2, rig_file_put("a/b.txt", 2, 1, 1)),
           "a file is put, and put over");
    tap_is_str(rig_files(&rig, ""), "a/b.txt:2x2", "it has two versions");
    tap_ok(PUT(1, 3, rig_file_put("a/b.txt", 3, 1, 1)), "someone else put over the first one, too late");
    tap_is_str(rig_files(&rig, ""), "a/b.txt:2x2 a/b.txt:1x3!", "both stay visible, the loser is marked");
    tap_ok(PUT(1, 4, rig_file_move(1, 3, "a/b (mine).txt")), "the loser is given a name of its own");
    tap_is_str(rig_files(&rig, ""), "a/b (mine).txt:1x3 a/b.txt:2x2", "and is none any more");
    tap_ok(PUT(2, 5, rig_file_remove(1, 1)), "a removal that names an old version");
    tap_is_str(rig_files(&rig, "a"), "a/b (mine).txt:1x3 a/b.txt:2x2", "loses against the newer one");
    tap_ok(PUT(2, 6, rig_file_move(1, 1, "c.txt")), "a move that names an old version");
    tap_is_str(rig_files(&rig, ""), "a/b (mine).txt:1x3 c.txt:2x2", "takes the newer one along");
    tap_ok(PUT(1, 7, rig_file_put("a/b.txt", 4, 2, 2)), "a put that did not see the move");
    tap_is_str(rig_files(&rig, ""), "a/b (mine).txt:1x3 c.txt:3x4", "goes where the file is now");
    tap_ok(PUT(2, 8, rig_file_remove(1, 7)), "the newest version is removed");
    tap_is_str(rig_files(&rig, ""), "a/b (mine).txt:1x3", "and the file is gone");
    tap_ok(PUT(1, 9, rig_file_put("c.txt", 5, 1, 7)), "a put over what was removed meanwhile");
    tap_is_str(rig_files(&rig, ""), "a/b (mine).txt:1x3 c.txt:1x5", "brings the content back");
    tap_ok(PUT(1, 10, rig_file_move(1, 7, "d.txt")) && PUT(1, 11, rig_file_remove(1, 7)), "what is removed moves no more");
    tap_is_str(rig_files(&rig, ""), "a/b (mine).txt:1x3 c.txt:1x5", "nor goes twice");
    rig_close(&rig);
}

static void test_paths(void)
{
    struct rig rig;
    rig_open(&rig);
    tap_ok(PUT(1, 1, rig_file_put("x", 1, 0, 0)) && PUT(2, 2, rig_file_put("x", 2, 0, 0)), "two files at one path");
    tap_is_str(rig_files(&rig, ""), "x:1x1 x:1x2!", "both are there, the later one is marked");
    tap_ok(PUT(1, 3, rig_file_put("y", 3, 0, 0)) && PUT(2, 4, rig_file_move(1, 3, "x")), "a third moves there");
    tap_is_str(rig_files(&rig, ""), "x:1x1 x:1x2! x:1x3!", "and is behind them");
    tap_ok(PUT(2, 5, rig_file_move(1, 1, "x")), "a move to where it is");
    tap_is_str(rig_files(&rig, ""), "x:1x1 x:1x2! x:1x3!", "changes nothing");
    tap_ok(PUT(1, 6, rig_file_remove(1, 1)), "the first one goes");
    tap_is_str(rig_files(&rig, ""), "x:1x2 x:1x3!", "and the next one holds the path");
    tap_ok(PUT(1, 7, rig_file_put("x", 7, 1, 55)), "a put over something unknown");
    tap_is_str(rig_files(&rig, ""), "x:1x2 x:1x3! x:1x7!", "founds a file");
    tap_ok(PUT(1, 8, rig_file_put("x", 8, 2, 3)), "an author's id belongs to the name of a version");
    tap_is_str(rig_files(&rig, ""), "x:1x2 x:1x3! x:1x7! x:1x8!", "another author's is another version");
    tap_ok(PUT(1, 9, rig_message("m")) && PUT(1, 10, rig_file_remove(1, 9)), "what names a message");
    tap_is_str(rig_files(&rig, ""), "x:1x2 x:1x3! x:1x7! x:1x8!", "names no version");
    rig_close(&rig);
}

static enum pv_err say_room(void *context, const struct pv_listed_room *room)
{
    rig_say(context, "[%02x %.*s %.*s %d %lld]", room->room.b[0], (int)room->server_url.n,
            (const char *)room->server_url.p, (int)room->local_name.n, (const char *)room->local_name.p,
            (int)room->state, room->has_head ? (long long)room->head_size : -1LL);
    return PV_OK;
}

/* ---- who was verified */

static struct pv_payload verified(unsigned person, enum pv_verified_how how, uint64_t time_ms, struct pv_buf *buf, size_t count)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_VERIFIED, .u.verified = {.person = rig_device(person), .how = how, .time_ms = time_ms}};
    pv_buf_clear(buf);
    for (size_t i = 0; i < count; i++) {
        struct pv_hash device = {{(uint8_t)i, 0x11}};
        pv_cbor_put_hash(buf, &device);
    }
    payload.u.verified.stands = time_ms != 0;
    payload.u.verified.devices = (struct pv_encoded_list){count, pv_buf_bytes(buf)};
    return payload;
}

/* person, device that wrote it, how, time, devices; ? where it is not sent */
static const char *say_verified(struct rig *rig)
{
    static struct rig_line line;
    struct pv_verifications list = {0};
    memset(&line, 0, sizeof line);
    enum pv_err err = pv_verifications_load(&rig->query, &list);
    if (err) rig_say(&line, "error: %s", pv_err_text(err));
    for (size_t i = 0; i < list.count; i++) {
        const struct pv_verification *row = &list.rows[i];
        rig_say(&line, "%s%u by %u, %s at %llu of %zu%s", i ? "; " : "", row->person.b[1], row->device.b[1], pv_verified_how_name(row->how),
                (unsigned long long)row->time_ms, row->device_count, row->index >= PV_QUERY_PENDING_BASE ? "?" : "");
    }
    pv_verifications_release(&list);
    return line.text;
}

static void test_verified(void)
{
    struct rig rig;
    struct pv_buf buf;
    struct pv_verifications list = {0};
    const struct pv_verification *found;
    pv_buf_init(&buf, 1 << 14);
    rig_open(&rig);
    tap_is_str(say_verified(&rig), "", "at first nobody is verified");
    tap_ok(PUT(1, 1, verified(7, PV_VERIFIED_NUMBER, 5000, &buf, 2)) && PUT(2, 2, verified(5, PV_VERIFIED_CODE, 6000, &buf, 0)), "two are");
    tap_is_str(say_verified(&rig), "5 by 2, code at 6000 of 0; 7 by 1, number at 5000 of 2", "by whom, how and when");
    tap_ok(PUT(2, 3, verified(7, PV_VERIFIED_COMPARED, 4000, &buf, PV_LIMIT_DEVICES_PRESENT)), "one is verified by another device");
    tap_is_str(say_verified(&rig), "5 by 2, code at 6000 of 0; 7 by 2, compared at 4000 of 64", "the log's last word counts, whatever its time");
    tap_ok(!rig_put(&rig, 0, 4, verified(5, PV_VERIFIED_NUMBER, 0, &buf, 0), true), "a withdrawal is not sent yet");
    tap_is_str(say_verified(&rig), "7 by 2, compared at 4000 of 64", "and shows as done");
    tap_ok(!rig_put(&rig, 0, 5, verified(9, PV_VERIFIED_NUMBER, 7000, &buf, 1), true), "so does a verification");
    tap_is_str(say_verified(&rig), "7 by 2, compared at 4000 of 64; 9 by 0, number at 7000 of 1?", "on top");
    tap_ok(PUT(1, 6, verified(7, PV_VERIFIED_NUMBER, 0, &buf, 0)) && PUT(1, 7, verified(7, PV_VERIFIED_NUMBER, 0, &buf, 0)), "one is withdrawn, twice");
    tap_is_int(pv_verifications_load(&rig.query, &list), PV_OK, "the list is loaded");
    found = pv_verifications_find(&list, &(struct pv_hash){.b = {0xd9, 9}});
    tap_ok(found && pv_verification_has_device(found, &(struct pv_hash){.b = {0, 0x11}}) &&
               !pv_verification_has_device(found, &(struct pv_hash){.b = {1, 0x11}}) && found->device_revoked, "who is in it, is found, with devices");
    tap_ok(!pv_verifications_find(&list, &(struct pv_hash){.b = {0xd7, 7}}), "who is not, is not");
    pv_verifications_release(&list);
    tap_ok(!pv_fold_reset(rig.store) && strcmp(say_verified(&rig), "9 by 0, number at 7000 of 1?") == 0, "folding anew begins with none");

    struct pv_payload payload = verified(7, PV_VERIFIED_CODE, 1, &buf, PV_LIMIT_DEVICES_PRESENT + 1);
    struct pv_buf out;
    pv_buf_init(&out, 1 << 14);
    pv_payload_put(&out, &payload);
    tap_is_int(out.err, PV_ERR_LIMIT, "more devices than a person has are refused");
    pv_buf_release(&out);
    payload = verified(7, PV_VERIFIED_CODE, 1, &buf, 2);
    memcpy(buf.p + buf.n / 2, buf.p, buf.n / 2);
    pv_payload_put(&out, &payload);
    tap_is_int(out.err, PV_ERR_MALFORMED, "so is one twice");
    pv_buf_release(&out);
    rig_close(&rig);
    pv_buf_release(&buf);
}

/* A list of up to two rooms. */
static struct pv_payload rooms(struct pv_buf *buf, const struct pv_listed_room *list, size_t count)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_ROOMS};
    pv_buf_clear(buf);
    for (size_t i = 0; i < count; i++) pv_listed_room_put(buf, &list[i]);
    payload.u.rooms = (struct pv_encoded_list){count, pv_buf_bytes(buf)};
    return payload;
}

static void test_rooms(void)
{
    struct rig rig;
    struct rig_line line = {.n = 0};
    struct pv_buf buf;
    struct pv_listed_room list[2] = {
        {.room = {{1}}, .has_place = true, .server_url = pv_bytes("https://s", 9), .local_name = pv_bytes("work", 4)},
        {.room = {{2}}, .has_place = true, .server_url = pv_bytes("https://s", 9), .local_name = pv_bytes("art", 3),
         .state = PV_ROOM_JOINED, .has_head = true, .head_size = 7}};
    pv_buf_init(&buf, 4096);
    rig_open(&rig);
    tap_ok(PUT(1, 1, rooms(&buf, list, 2)), "two rooms are listed");
    struct pv_listed_room heads[2] = {{.room = {{1}}, .has_head = true, .head_size = 5},
                                      {.room = {{2}}, .has_head = true, .head_size = 6}};
    tap_ok(PUT(1, 2, rooms(&buf, heads, 2)) && PUT(2, 3, rooms(&buf, heads, 2)), "two devices tell how far they saw them");
    list[0].state = PV_ROOM_LEFT;
    tap_ok(PUT(2, 4, rooms(&buf, list, 1)), "one is left");
    tap_is_int(pv_query_rooms(&rig.query, say_room, &line), PV_OK, "the list is read");
    tap_is_str(line.text, "[02 https://s art 1 7][01 https://s work 2 5]", "by name, each with its largest head");
    memset(&line, 0, sizeof line);
    tap_is_int(pv_query_room_heads(&rig.query, &(struct pv_hash){{2}}, say_room, &line), PV_OK, "one room's heads are read");
    tap_is_str(line.text, "[02   0 7][02   0 6]", "each device's");
    pv_buf_clear(&buf);
    pv_payload_put(&buf, &(struct pv_payload){.type = PV_PAYLOAD_ROOMS});
    tap_is_int(buf.err, PV_ERR_MALFORMED, "an empty list is not written");
    pv_buf_release(&buf);
    rig_close(&rig);
}

static void test_profile_and_chunking(void)
{
    struct rig rig;
    struct pv_buf name;
    struct pv_hash device = rig_device(1), other = rig_device(2);
    struct pv_chunking_secret secret;
    struct pv_payload chunking = {.type = PV_PAYLOAD_CHUNKING};
    pv_buf_init(&name, 300);
    rig_open(&rig);
    tap_is_int(pv_query_name(&rig.query, &device, &name), PV_ERR_NOT_FOUND, "nobody has a name at first");
    tap_ok(PUT(1, 1, rig_profile("Ann")) && PUT(2, 2, rig_profile("Bob")) && PUT(1, 3, rig_profile("Ann B.")),
           "names are given");
    tap_ok(!pv_query_name(&rig.query, &device, &name) && pv_bytes_equal(pv_buf_bytes(&name), pv_bytes("Ann B.", 6)),
           "the newest one counts");
    tap_ok(!pv_query_name(&rig.query, &other, &name) && pv_bytes_equal(pv_buf_bytes(&name), pv_bytes("Bob", 3)),
           "each has its own");
    pv_buf_clear(&name);
    pv_payload_put(&name, &(struct pv_payload){.type = PV_PAYLOAD_PROFILE});
    tap_is_int(name.err, PV_ERR_MALFORMED, "an empty name is not written");

    tap_is_int(pv_query_chunking(&rig.query, &secret), PV_ERR_NOT_FOUND, "there is no chunking secret at first");
    chunking.u.chunking.b[0] = 1;
    bool good = PUT(1, 4, chunking);
    chunking.u.chunking.b[0] = 2;
    tap_ok(good && PUT(2, 5, chunking), "two are written");
    tap_ok(!pv_query_chunking(&rig.query, &secret) && secret.b[0] == 1, "the first is in force");
    pv_buf_release(&name);
    rig_close(&rig);
}

static void test_reset(void)
{
    struct rig rig;
    bool outdated = true;
    uint64_t size = 1;
    rig_open(&rig);
    tap_ok(!pv_fold_is_outdated(rig.store, &outdated) && !outdated, "a new room is folded by this version");
    bool good = PUT(1, 1, rig_message("hello")) && PUT(1, 2, rig_file_put("f", 1, 0, 0));
    tap_ok(good && !strcmp(rig_search(&rig, "hello"), "hello"), "something is there and found");
    tap_ok(!pv_store_set_folded_size(rig.store, 2) && !pv_fold_reset(rig.store), "the fold is reset");
    tap_ok(!pv_store_folded_size(rig.store, &size) && size == 0, "nothing is folded now");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "", "no message is left");
    tap_is_str(rig_files(&rig, ""), "", "no file");
    tap_is_str(rig_search(&rig, "hello"), "", "and nothing is found");
    rig.next = 0;
    good = PUT(1, 1, rig_message("hello")) && PUT(1, 2, rig_file_put("f", 1, 0, 0));
    tap_ok(good && !strcmp(rig_search(&rig, "hello"), "hello"), "folded anew it is all there again");
    rig_close(&rig);
}

/* What waits for a key is folded anew, with all else, once the key is there. */
static void test_late_key(void)
{
    struct rig rig;
    struct rig_line line = {.n = 0};
    bool outdated = true;
    rig_open(&rig);
    tap_ok(PUT(1, 1, rig_message("m")) && !pv_fold_no_key(rig.store, rig.next++, 3) && !pv_store_set_folded_size(rig.store, 2),
           "an entry waits for a key");
    tap_ok(!pv_query_unreadable(&rig.query, say_unreadable, &line) && !strcmp(line.text, " 1:no-key"), "and is told");
    tap_ok(!pv_fold_key_came(rig.store, 2) && !pv_fold_is_outdated(rig.store, &outdated) && !outdated,
           "another key changes nothing");
    tap_ok(!pv_fold_key_came(rig.store, 3) && !pv_fold_is_outdated(rig.store, &outdated) && outdated,
           "with its own, all is to be folded anew");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "m", "until then it stays as it is");
    tap_ok(!pv_fold_reset(rig.store) && !pv_fold_is_outdated(rig.store, &outdated) && !outdated, "a reset begins that");
    rig_close(&rig);
}

/* Write ids are looked up in memory until they are settled: both must know every one of them. */
static void test_settling(void)
{
    struct rig rig;
    enum { MANY = 3000 };
    bool good = rig_open(&rig) && !pv_store_begin(rig.store);
    for (unsigned i = 1; i <= MANY && good; i++) good = PUT(1, i, i % 2 ? rig_message("m") : rig_file_put("f", 1, 0, 0));
    tap_ok(good && !pv_store_commit(rig.store), "many writes are folded");
    tap_is_int((int)count_of(&rig, "SELECT count(*) FROM written"), 0, "none is in the table yet");
    tap_ok(PUT(1, 77, rig_message("again")) && PUT(1, MANY, rig_message("again")), "two of them come again");
    tap_is_int((int)count_of(&rig, "SELECT count(*) FROM message"), MANY / 2, "and are ignored");
    tap_is_int(pv_fold_index_words(rig.store, 0), PV_OK, "then they settle");
    tap_is_int((int)count_of(&rig, "SELECT count(*) FROM written"), MANY, "all of them");
    tap_ok(PUT(1, 77, rig_message("again")) && PUT(2, 77, rig_message("another's")), "one of them comes again, and another's");
    tap_is_int((int)count_of(&rig, "SELECT count(*) FROM message"), MANY / 2 + 1, "which alone counts");
    tap_ok(PUT(1, MANY + 1, rig_file_put("f", 2, 1, 2)) && PUT(1, MANY + 2, rig_file_remove(1, MANY + 1)),
           "a settled version and a fresh one are named");
    tap_is_int((int)count_of(&rig, "SELECT count(*) FROM file WHERE removed IS NOT NULL"), 1, "and found");
    rig_close(&rig);
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    test_messages();
    test_strange_payloads();
    test_files();
    test_paths();
    test_rooms();
    test_verified();
    test_profile_and_chunking();
    test_reset();
    test_late_key();
    test_settling();
    return tap_done();
}
