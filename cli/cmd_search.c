/* `privity search`: words in messages and paths, in one room or in all that are unlocked. */
#include <string.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/term.h"

enum { NEWEST = 100 };

struct search {
    struct pv_session *session;
    struct pv_report *report;
    struct pv_search what;
    struct pv_buf words;
    bool json, many;
    struct pv_buf messages, files; /* JSON arrays' contents */
    const char *room;
};

/* Where several rooms are searched. Its name may be another's choice. */
static void say_room(const struct search *search)
{
    if (!search->many) return;
    fputs(pv_out_dim(), stdout);
    pv_term_print(stdout, pv_bytes_of_string(search->room), PV_TERM_LINE, NULL);
    fputs(pv_out_plain(), stdout);
    putchar(' ');
}

static enum pv_err message_row(void *context, const struct pv_message *message)
{
    struct search *search = context;
    struct pv_json json;
    if (!search->json) {
        say_room(search);
        return pv_cli_message_print(NULL, message);
    }
    if (search->messages.n) pv_buf_append_byte(&search->messages, ',');
    pv_json_init(&json, &search->messages);
    pv_message_json(&json, message);
    /* the same object with the room's name in it */
    if (search->messages.err == PV_OK && search->messages.n > 0) {
        search->messages.n--;
        json.comma = true;
        pv_out_json_string(&json, "room", search->room);
        pv_buf_append_byte(&search->messages, '}');
    }
    return search->messages.err;
}

static enum pv_err file_row(void *context, const struct pv_file_row *file)
{
    struct search *search = context;
    struct pv_json json;
    if (!search->json) {
        say_room(search);
        pv_term_print(stdout, file->path, PV_TERM_LINE, NULL);
        putchar('\n');
        return PV_OK;
    }
    if (search->files.n) pv_buf_append_byte(&search->files, ',');
    pv_json_init(&json, &search->files);
    pv_json_begin_object(&json, NULL);
    pv_out_json_id16(&json, "id", &file->id);
    pv_json_name(&json, "path", file->path);
    pv_json_u64(&json, "size", file->file.size_bytes);
    pv_json_u64(&json, "time", file->time_ms);
    pv_out_json_string(&json, "room", search->room);
    pv_json_end_object(&json);
    return search->files.err;
}

static enum pv_err search_room(struct search *search, struct pv_open_room *room)
{
    struct pv_query query;
    enum pv_err err = pv_cli_query(search->session, room, &query, search->report);
    if (err != PV_OK) return err;
    search->room = room->label;
    err = pv_query_search(&query, &search->what, message_row, file_row, search);
    if (err == PV_ERR_MALFORMED) return pv_report(search->report, PV_ERR_USAGE, "there is no word to search for");
    return pv_session_room_error(search->session, room, err, search->report);
}

static enum pv_err search_all(struct search *search)
{
    struct pv_directory directory = {NULL, 0};
    enum pv_err err = pv_directory_list(search->session, &directory, search->report);

    search->many = true;
    for (size_t i = 0; err == PV_OK && i < directory.count; i++) {
        const struct pv_known_room *known = &directory.rooms[i];
        struct pv_open_room *room = NULL;
        if (!pv_session_is_unlocked(search->session, &known->id)) {
            if (!search->session->quiet) pv_term_line(stderr, "privity: %s is locked and was not searched", known->name);
            continue;
        }
        err = pv_session_room_new(search->session, &known->id, known->name, &known->server, &room, search->report);
        if (err == PV_OK) err = search_room(search, room);
        if (err == PV_OK) pv_session_room_close(search->session, room);
    }
    pv_directory_release(&directory);
    return err;
}

/* Is the first word a room, with words after it? */
static bool first_is_room(struct pv_session *session, const struct pv_args *args, struct pv_known_room *ret_known)
{
    struct pv_report ignored;
    return args->word_count > 1 && pv_directory_find(session, args->words[0], ret_known, &ignored) == PV_OK;
}

static enum pv_err print_json(struct search *search)
{
    struct pv_buf text;
    enum pv_err err;
    pv_buf_init(&text, PV_OUT_JSON_MAX);
    pv_buf_append(&text, "{\"messages\":[", 13);
    pv_buf_append(&text, search->messages.p, search->messages.n);
    pv_buf_append(&text, "],\"files\":[", 11);
    pv_buf_append(&text, search->files.p, search->files.n);
    pv_buf_append(&text, "]}", 2);
    err = text.err ? text.err : pv_out_json(pv_buf_bytes(&text));
    pv_buf_wipe(&text);
    return err;
}

enum pv_err pv_cmd_search(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct search search = {.session = session, .report = report, .json = args->json};
    struct pv_known_room known;
    struct pv_open_room *room = NULL;
    bool one = false;
    enum pv_err err = pv_args_number(args, "limit", PV_LIMIT_N, NEWEST, &search.what.limit, report);

    pv_buf_init(&search.words, PV_LIMIT_MESSAGE_BYTES);
    pv_buf_init(&search.messages, PV_OUT_JSON_MAX / 2);
    pv_buf_init(&search.files, PV_OUT_JSON_MAX / 2);
    if (err == PV_OK) one = first_is_room(session, args, &known);
    for (size_t i = one ? 1 : 0; i < args->word_count; i++) {
        pv_buf_append(&search.words, args->words[i], strlen(args->words[i]));
        pv_buf_append_byte(&search.words, ' ');
    }
    search.what.words = pv_buf_bytes(&search.words);
    if (err == PV_OK && !pv_utf8_is_valid(search.words.p, search.words.n)) err = pv_report(report, PV_ERR_USAGE, "the words are not UTF-8");
    if (err == PV_OK && one) {
        err = pv_cli_room_fetched(session, args->words[0], &room, report);
        if (err == PV_OK) err = search_room(&search, room);
    } else if (err == PV_OK) {
        err = search_all(&search);
    }
    if (err == PV_OK && args->json) err = print_json(&search);
    pv_buf_wipe(&search.words);
    pv_buf_wipe(&search.messages);
    pv_buf_wipe(&search.files);
    return err;
}
