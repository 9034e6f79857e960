/* Queries: what is listed, in which order, with what is unsent on top; JSON as the commands print it. */
#include "tests/unit/fold_rig.h"

#define PUT(author, write, ...) (!rig_put(&rig, author, write, __VA_ARGS__, false))
#define SAY(write, ...) (!rig_put(&rig, 0, write, __VA_ARGS__, true))

static struct pv_buf json;

/* The JSON made by `call`, as a string. */
#define JSON(call)                                                                                                   \
    (pv_buf_clear(&json), tap_ok((call) == PV_OK, "%s is written", #call), pv_buf_append_byte(&json, 0),              \
     (const char *)json.p)

static bool holds(const char *text, const char *part)
{
    bool found = strstr(text, part) != NULL;
    if (!found) tap_note("no %s in %s", part, text);
    return found;
}

static void test_filters(void)
{
    struct rig rig;
    char text[16];
    bool good = rig_open(&rig);
    for (unsigned i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "m%u", i);
        good = good && PUT(1 + i % 2, 1 + i, rig_message(text));
    }
    tap_ok(good, "ten messages are there");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){.limit = 3}), "m7|m8|m9", "the newest three, oldest first");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){.has_since = true, .since_ms = 7500}), "m8|m9", "since a time");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){.has_since = true, .since_ms = 2000, .limit = 2}), "m8|m9",
               "since a time, the newest two");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){.has_after = true, .after_index = 7}), "m8|m9",
               "after an entry");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){.has_before = true, .before_index = 4, .limit = 2}), "m2|m3",
               "before an entry, for pages");
    uint64_t count = 99;
    rig.me = rig_device(1);
    tap_ok(!pv_query_unread(&rig.query, &count) && count == 5, "what others wrote is unread");
    tap_ok(!pv_query_mark_read(&rig.query, 5) && !pv_query_unread(&rig.query, &count) && count == 2, "until it is read");
    tap_ok(!pv_query_mark_read(&rig.query, 1) && !pv_query_unread(&rig.query, &count) && count == 2,
           "the mark does not go back");
    for (unsigned i = 0; i < 2000 && good; i++) good = PUT(2, 100 + i, rig_message("many"));
    tap_ok(good && !pv_query_unread(&rig.query, &count) && count == PV_QUERY_UNREAD_MAX - 2,
           "of very many only so many are counted");
    rig_close(&rig);
}

static void test_by_id(void)
{
    struct rig rig;
    struct rig_line line = {.n = 0};
    rig_open(&rig);
    tap_ok(PUT(1, 0x1234, rig_message("a")) && PUT(1, 0x1235, rig_message("b")) && PUT(2, 0x1235, rig_message("c")),
           "messages are there");
    tap_is_int(pv_query_message(&rig.query, pv_bytes("1234", 4), rig_say_message, &line), PV_OK, "one is found by a prefix");
    tap_is_str(line.text, "a", "the right one");
    tap_is_int(pv_query_message(&rig.query, pv_bytes("1234AB", 6), rig_say_message, &line),
               PV_OK, "also in capitals");
    tap_is_int(pv_query_message(&rig.query, pv_bytes("12345", 5), rig_say_message, &line), PV_ERR_NOT_FOUND,
               "none is found by another");
    tap_is_int(pv_query_message(&rig.query, pv_bytes("1235ab", 6), rig_say_message, &line), PV_ERR_CONFLICT,
               "several are not guessed among");
    tap_is_int(pv_query_message(&rig.query, pv_bytes("123", 3), rig_say_message, &line), PV_ERR_MALFORMED, "three digits are too few");
    tap_is_int(pv_query_message(&rig.query, pv_bytes("12g4", 4), rig_say_message, &line), PV_ERR_MALFORMED, "a letter too far is no id");
    rig_close(&rig);
}

static void test_pending(void)
{
    struct rig rig;
    uint64_t count = 0;
    rig_open(&rig);
    tap_ok(PUT(1, 1, rig_message("sent")) && PUT(1, 2, rig_file_put("f", 1, 0, 0)) && PUT(1, 3, rig_file_put("g", 1, 0, 0)),
           "some of it is sent");
    tap_ok(SAY(4, rig_message("unsent words")) && SAY(5, rig_file_put("f", 2, 1, 2)) && SAY(6, rig_file_put("h", 3, 0, 0)) &&
               SAY(7, rig_file_remove(1, 3)), "some of it is not");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "sent|unsent words?", "an unsent message shows as pending");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){.without_pending = true}), "sent", "unless it is unwanted");
    tap_is_str(rig_files(&rig, ""), "f:2x2? h:1x3?", "so do unsent files, and a removal");
    tap_is_str(rig_search(&rig, "words"), "unsent words?", "what is unsent is found");
    tap_is_str(rig_search(&rig, "f"), "f:2x2?", "by its name too");

    tap_is_int(pv_store_begin(rig.store), PV_OK, "inside a transaction");
    tap_ok(PUT(1, 8, rig_message("more")), "with something written");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "sent|more|unsent words?", "the same is seen");
    tap_is_str(rig_search(&rig, "m"), "more", "and found");
    tap_is_int(pv_store_commit(rig.store), PV_OK, "and the transaction commits");
    rig.query.me = NULL;
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "sent|more", "nothing pending has reached the state");
    tap_is_str(rig_files(&rig, ""), "f:1x1 g:1x1", "nor the files");
    tap_is_str(rig_search(&rig, "unsent"), "", "nor the index");
    rig.query.me = &rig.me;

    tap_ok(PUT(0, 4, rig_message("unsent words")), "the log shows the write while it is still in the outbox");
    tap_is_str(rig_messages(&rig, (struct pv_message_filter){0}), "sent|more|unsent words", "it shows once");
    tap_ok(!pv_store_write_count(rig.store, &count) && count == 4, "the outbox is as it was");
    tap_is_str(JSON(pv_query_unsent_json(&rig.query, &json)),
               "{\"unsent\":[{\"id\":\"0004ab00000000000000000000000000\",\"kind\":2,\"type\":2,\"created\":9000000,\"sealed\":false},"
               "{\"id\":\"0005ab00000000000000000000000000\",\"kind\":3,\"type\":16,\"created\":9000000,\"sealed\":false},"
               "{\"id\":\"0006ab00000000000000000000000000\",\"kind\":3,\"type\":16,\"created\":9000000,\"sealed\":false},"
               "{\"id\":\"0007ab00000000000000000000000000\",\"kind\":3,\"type\":18,\"created\":9000000,\"sealed\":false}]}",
               "and is listed");
    rig_close(&rig);
}

static void test_message_json(void)
{
    struct rig rig;
    struct pv_buf attachments;
    struct pv_payload payload = rig_message("say \"hi\"\n\x01 \xe2\x80\xae");
    struct pv_file file = rig_file("dir/a.pdf", 3);
    pv_buf_init(&attachments, 4096);
    pv_file_put(&attachments, &file);
    payload.u.message.is_reply = true;
    payload.u.message.reply = rig_ref(2, 9);
    payload.u.message.attachments = (struct pv_encoded_list){1, pv_buf_bytes(&attachments)};
    rig_open(&rig);
    bool good = PUT(1, 1, payload) && SAY(2, rig_profile("me"));
    tap_ok(good, "a message with all that it can have");
    tap_is_str(JSON(pv_query_messages_json(&rig.query, &(struct pv_message_filter){0}, &json)),
               "{\"messages\":[{\"id\":\"0001ab00000000000000000000000000\",\"index\":0,\"pending\":false,\"crossed\":false,\"time\":0,"
               "\"author\":\"d101000000000000000000000000000000000000000000000000000000000000\",\"author_name\":null,"
               "\"device\":\"d101000000000000000000000000000000000000000000000000000000000000\","
               "\"text\":\"say \\\"hi\\\"\\n\\u0001 \xe2\x80\xae\",\"reply\":\"0009ab00000000000000000000000000\","
               "\"attachments\":[{\"id\":\"0001ab00000000000000000000000000.1\",\"name\":\"a.pdf\",\"size\":3,"
               "\"mode\":\"0644\",\"modified\":5000,\"sha256\":null}]}]}", "is written in full");
    tap_ok(SAY(3, rig_message("x")) && holds(JSON(pv_query_messages_json(&rig.query, &(struct pv_message_filter){.limit = 1}, &json)),
           "\"index\":null,\"pending\":true,\"crossed\":false,\"time\":9000000") && holds((char *)json.p, "\"author_name\":\"me\""),
           "a pending one has no index yet, and its writer's name");
    tap_is_str(rig_search(&rig, "a.pdf"), "say \"hi\"\n\x01 \xe2\x80\xae", "an attachment's name is found");
    pv_buf_release(&attachments);
    rig_close(&rig);
}

static enum pv_err say_version(void *context, const struct pv_version_row *version)
{
    char *all = context;
    size_t n = strlen(all);
    (void)snprintf(all + n, 64 - n, "%llu.%llu ", (unsigned long long)version->index, (unsigned long long)version->number);
    return PV_OK;
}

static void test_file_json(void)
{
    struct rig rig;
    rig_open(&rig);
    tap_ok(PUT(1, 1, rig_file_put("docs/a", 1, 0, 0)) && PUT(1, 2, rig_file_put("docs/deep/b", 2, 0, 0)) &&
               PUT(1, 3, rig_file_put("docs/deep/c", 3, 0, 0)) && PUT(1, 4, rig_file_put("docs-old", 4, 0, 0)) &&
               PUT(1, 5, rig_file_put("bad \xff\\", 5, 0, 0)) && PUT(1, 6, rig_file_put("docs/a", 6, 1, 1)),
           "files in folders");
    tap_is_str(rig_files(&rig, "docs"), "docs/a:2x6 docs/deep/b:1x2 docs/deep/c:1x3", "a folder's files, all the way down");
    tap_is_str(rig_files(&rig, "/docs/deep/"), "docs/deep/b:1x2 docs/deep/c:1x3", "slashes around do not matter");
    tap_is_str(rig_files(&rig, "doc"), "", "half a name is no folder");
    const char *text = JSON(pv_query_files_json(&rig.query, pv_bytes("", 0), false, &json));
    tap_ok(holds(text, "{\"files\":[{\"id\":\"0005ab00000000000000000000000000\",\"type\":\"file\",\"path\":\"bad \\\\xff\\\\\\\\\","
                       "\"path_bytes\":\"YmFkIP9c\",\"name\":\"bad \\\\xff\\\\\\\\\",\"name_bytes\":\"YmFkIP9c\""),
           "a name that is no text is escaped, and given in bytes");
    tap_ok(holds(text, "{\"id\":\"docs/\",\"type\":\"folder\",\"path\":\"docs\",\"name\":\"docs\",\"files\":3,\"size\":11,"
                       "\"time\":5000,\"pending\":false}"), "a folder is told with what it holds");
    tap_ok(!strstr(text, "deep"), "and not what is in it");
    text = JSON(pv_query_files_json(&rig.query, pv_bytes("docs", 4), false, &json));
    tap_ok(holds(text, "\"id\":\"docs/deep/\",\"type\":\"folder\",\"path\":\"docs/deep\",\"name\":\"deep\",\"files\":2"),
           "inside of it the next level");
    tap_ok(holds(text, "\"path\":\"docs/a\",\"name\":\"a\",\"size\":6,\"mode\":\"0644\",\"modified\":5000,\"sha256\":null,"
                       "\"version\":2,\"version_id\":\"0006ab00000000000000000000000000\",\"index\":5,\"pending\":false,"
                       "\"conflict\":false,\"removed\":false,\"time\":5000"), "and its files in full");
    tap_ok(!strstr(JSON(pv_query_files_json(&rig.query, pv_bytes("", 0), true, &json)), "folder"), "all files, no folders");

    text = JSON(pv_query_versions_json(&rig.query, pv_bytes("docs/a", 6), &json));
    tap_ok(holds(text, "{\"versions\":[{\"id\":\"0001ab00000000000000000000000000\",\"version\":1,\"index\":0") &&
               holds(text, "{\"id\":\"0006ab00000000000000000000000000\",\"version\":2,\"index\":5"), "versions, oldest first");
    struct rig_line line = {.n = 0};
    tap_is_int(pv_query_file(&rig.query, pv_bytes("docs", 4), true, rig_say_file, &line), PV_ERR_NOT_FOUND, "a folder is no file");
    tap_is_int(pv_query_file(&rig.query, pv_bytes("a/../b", 6), true, rig_say_file, &line), PV_ERR_MALFORMED, "nor is what is no path");
    tap_is_int(pv_query_versions_json(&rig.query, pv_bytes("nope", 4), &json), PV_ERR_NOT_FOUND, "no versions of nothing");
    tap_ok(PUT(1, 7, rig_file_remove(1, 6)), "a file is removed");
    tap_is_int(pv_query_file(&rig.query, pv_bytes("docs/a", 6), false, rig_say_file, &line), PV_ERR_NOT_FOUND, "and is not there");
    tap_is_int(pv_query_file(&rig.query, pv_bytes("docs/a", 6), true, rig_say_file, &line), PV_OK, "unless removed ones count");
    tap_is_str(line.text, "docs/a:2x6-", "then it says so");
    char all[64] = "";
    tap_is_int(pv_query_every_version(&rig.query, say_version, all), PV_OK, "all versions are told");
    tap_is_str(all, "0.1 5.2 1.1 2.1 3.1 4.1 ", "a removed file's too, each with its number");
    tap_ok(holds(JSON(pv_query_file_json(&rig.query, pv_bytes("docs-old", 8), false, &json)), "\"size\":4"), "one file alone");
    rig_close(&rig);
}

static void test_search(void)
{
    struct rig rig;
    rig_open(&rig);
    tap_ok(PUT(1, 1, rig_message("Der Entwurf f\xc3\xbcr Logo und Farben")) && PUT(1, 2, rig_message("invoice: 30 days")) &&
               PUT(1, 3, rig_file_put("Invoices/2026 march.pdf", 1, 0, 0)) && PUT(1, 4, rig_file_put("x", 1, 0, 0)),
           "something to find");
    tap_is_str(rig_search(&rig, "FUR logo"), "Der Entwurf f\xc3\xbcr Logo und Farben", "case and accents do not matter");
    tap_is_str(rig_search(&rig, "invo"), "invoice: 30 days Invoices/2026 march.pdf:1x1", "beginnings of words count");
    tap_is_str(rig_search(&rig, "logo invoice"), "", "every word must be there");
    tap_is_str(rig_search(&rig, "\"invoice\" OR* NEAR("), "", "the index's own language means nothing");
    tap_is_str(rig_search(&rig, "invoice \"\" -- :"), "invoice: 30 days Invoices/2026 march.pdf:1x1", "signs alone are no words");
    tap_is_str(rig_search(&rig, "2026 march.p"), "Invoices/2026 march.pdf:1x1", "the last part of a name, too");
    tap_is_str(rig_search(&rig, "mar.pdf"), "", "but not a part before it");
    tap_is_str(rig_search(&rig, "days\xe2\x80\x94invoice"), "invoice: 30 days", "a sign of another script parts words as well");
    tap_ok(strstr(rig_search(&rig, " \t"), "error"), "no word is an error");
    tap_ok(strstr(rig_search(&rig, "\xff"), "error"), "so is what is no text");
    tap_ok(PUT(1, 5, rig_file_move(1, 3, "Bills/march.pdf")) && PUT(1, 6, rig_file_remove(1, 4)), "a file moves, another goes");
    tap_is_str(rig_search(&rig, "march"), "Bills/march.pdf:1x1", "it is found once, where it is");
    tap_is_str(rig_search(&rig, "invoices"), "", "not by where it was");
    tap_is_str(rig_search(&rig, "x"), "", "what is gone is not found");
    tap_is_str(JSON(pv_query_search_json(&rig.query, &(struct pv_search){.words = pv_bytes("nothing", 7)}, &json)),
               "{\"messages\":[],\"files\":[]}", "nothing found is two empty lists");
    tap_ok(!pv_fold_index_is_behind(rig.store), "the index is up to date by now");
    rig_close(&rig);
}

static enum pv_err nested(void *context, const struct pv_message *message)
{
    struct rig *rig = context;
    uint64_t count;
    (void)message;
    return strcmp(rig_files(rig, ""), "f:1x1?") || pv_query_unread(&rig->query, &count) ? PV_ERR_USAGE : PV_OK;
}

static void test_nesting(void)
{
    struct rig rig;
    struct pv_message_filter filter = {0};
    rig_open(&rig);
    tap_ok(PUT(1, 1, rig_message("m")) && SAY(2, rig_file_put("f", 1, 0, 0)), "something sent and something not");
    tap_is_int(pv_query_messages(&rig.query, &filter, nested, &rig), PV_OK, "a callback may ask further");
    tap_ok(!pv_store_in_transaction(rig.store), "and no transaction stays open");
    rig_close(&rig);
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    pv_buf_init(&json, 1 << 20);
    test_filters();
    test_by_id();
    test_pending();
    test_message_json();
    test_file_json();
    test_search();
    test_nesting();
    pv_buf_release(&json);
    return tap_done();
}
