/* `privity read`: messages, and with --follow those to come until the room is locked. */
#include <time.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"
#include "cli/when.h"
#include "client/system.h"

enum {
    NEWEST = 100,
    TICK_MS = 400,       /* a lock is noticed within a second */
    POLL_MS = 30000,     /* hints may be lost; so the room is asked now and then */
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 30000
};

struct follow {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_report *report;
    struct pv_events *events;
    uint64_t next_index; /* first that was not printed */
    uint64_t ask_at_ms, connect_at_ms, retry_ms;
    bool json;
};

static enum pv_err read_filter(const struct pv_args *args, struct pv_message_filter *filter, struct pv_report *report)
{
    const char *since = pv_args_get(args, "since");
    if (since) {
        filter->has_since = true;
        if (pv_when_past(since, pv_system_now_ms(), &filter->since_ms) != PV_OK)
            return pv_report(report, PV_ERR_USAGE, "--since %s is no time: " PV_WHEN_FORMS, since);
    }
    return pv_args_number(args, "limit", PV_LIMIT_N, since ? 0 : NEWEST, &filter->limit, report);
}

static enum pv_err print_line(void *context, const struct pv_message *message)
{
    struct pv_buf text;
    struct pv_json json;
    enum pv_err err;

    (void)context;
    pv_buf_init(&text, PV_OUT_JSON_MAX);
    pv_json_init(&json, &text);
    pv_message_json(&json, message);
    err = text.err ? text.err : pv_out_json(pv_buf_bytes(&text));
    pv_buf_wipe(&text);
    return err;
}

static enum pv_err print_all(const struct pv_query *query, const struct pv_message_filter *filter, bool json)
{
    struct pv_buf text;
    enum pv_err err;

    if (!json) return pv_query_messages(query, filter, pv_cli_message_print, NULL);
    pv_buf_init(&text, PV_OUT_JSON_MAX);
    err = pv_query_messages_json(query, filter, &text);
    if (err == PV_OK) err = pv_out_json(pv_buf_bytes(&text));
    pv_buf_wipe(&text);
    return err;
}

/* ---- following */

static enum pv_err print_row(void *context, const struct pv_message *message)
{
    struct follow *follow = context;
    enum pv_err err = follow->json ? print_line(NULL, message) : pv_cli_message_print(NULL, message);
    if (message->index >= follow->next_index) follow->next_index = message->index + 1;
    return err;
}

static enum pv_err print_new(struct follow *follow)
{
    struct pv_message_filter filter = {.has_after = follow->next_index > 0, .after_index = follow->next_index - 1, .without_pending = true};
    struct pv_query query;
    enum pv_err err = pv_cli_query(follow->session, follow->room, &query, follow->report);
    if (err != PV_OK) return err;
    err = pv_query_messages(&query, &filter, print_row, follow);
    if (err == PV_OK) err = pv_out_finish(follow->report);
    return pv_session_room_error(follow->session, follow->room, err, follow->report);
}

static enum pv_err fetch(struct follow *follow, uint64_t now_ms)
{
    enum pv_err err;
    follow->ask_at_ms = now_ms + POLL_MS;
    if (follow->session->offline) return PV_OK;
    err = pv_contact_pull(follow->session, follow->room, 0, follow->report);
    if (err == PV_OK) err = pv_cli_follow(follow->session, follow->room, follow->report);
    if (err == PV_ERR_OFFLINE || err == PV_ERR_RATE || err == PV_ERR_BUSY) return PV_OK; /* tried again soon */
    return err;
}

/* The room may have ended, or been left, by this program or by another: by its name it is the successor then. */
static enum pv_err go_over(struct follow *follow, uint64_t now_ms)
{
    struct pv_open_room *room = follow->room;
    if (room->goes_on) {
        follow->room = room->goes_on;
        follow->next_index = 0;
        follow->ask_at_ms = follow->connect_at_ms = now_ms;
        pv_events_close(follow->events);
        follow->events = NULL;
        return PV_OK;
    }
    if (pv_contact_gone(room) == PV_GONE_LEFT)
        return pv_report(follow->report, PV_ERR_DENIED, "%s: you left this room; what is on this device can be read without --follow", room->label);
    if (!pv_cli_has_ended(room, NULL)) return PV_OK;
    return pv_report(follow->report, PV_ERR_DENIED, "%s has ended, and goes on in its successor: see privity rooms", room->label);
}

static void connect_again(struct follow *follow, uint64_t now_ms)
{
    struct pv_transport *transport = NULL;
    if (follow->session->offline || follow->events || now_ms < follow->connect_at_ms) return;
    follow->connect_at_ms = now_ms + follow->retry_ms;
    follow->retry_ms = follow->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : follow->retry_ms * 2;
    if (pv_contact_login(follow->session, follow->room, &transport, follow->report) != PV_OK) return;
    if (pv_events_open(transport, &follow->events, follow->report) != PV_OK) follow->events = NULL;
    follow->ask_at_ms = now_ms; /* what came while nobody listened */
}

/* Wait for a tick or a hint. */
static void wait(struct follow *follow, uint64_t now_ms)
{
    const struct timespec tick = {0, TICK_MS * 1000000L};
    bool hint = false;
    if (!follow->events) {
        nanosleep(&tick, NULL);
        return;
    }
    if (pv_events_wait(follow->events, TICK_MS, &hint) != PV_OK) {
        pv_events_close(follow->events);
        follow->events = NULL;
        nanosleep(&tick, NULL);
        return;
    }
    if (!hint) return;
    follow->retry_ms = RETRY_MIN_MS;
    follow->ask_at_ms = now_ms;
}

static enum pv_err follow_room(struct follow *follow)
{
    for (;;) {
        uint64_t now_ms = pv_system_ticks_ms();
        enum pv_err err = PV_OK;

        if (pv_session_was_locked(follow->session, follow->room))
            return pv_report(follow->report, PV_ERR_LOCKED, "%s was locked: nothing of it is held any more", follow->room->label);
        connect_again(follow, now_ms);
        if (now_ms >= follow->ask_at_ms) err = fetch(follow, now_ms);
        if (err == PV_OK) err = go_over(follow, now_ms);
        if (err == PV_OK) err = print_new(follow); /* our own pull's, or what another command fetched */
        if (err != PV_OK) return err;
        wait(follow, now_ms);
    }
}

static enum pv_err begin_following(struct pv_session *session, struct pv_open_room *room, const struct pv_query *query,
                                   struct pv_message_filter *filter, bool json, struct pv_report *report)
{
    struct follow follow = {.session = session, .room = room, .report = report, .retry_ms = RETRY_MIN_MS, .json = json};
    uint64_t size = 0;
    enum pv_err err = pv_store_folded_size(room->store, &size);

    filter->without_pending = true;
    follow.ask_at_ms = pv_system_ticks_ms() + POLL_MS;
    if (err == PV_OK) err = pv_query_messages(query, filter, print_row, &follow);
    if (err == PV_OK) err = pv_out_finish(report);
    if (follow.next_index < size) follow.next_index = size;
    if (err == PV_OK) err = follow_room(&follow);
    pv_events_close(follow.events);
    return err;
}

enum pv_err pv_cmd_read(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_message_filter filter = {.limit = NEWEST};
    struct pv_open_room *room = NULL;
    struct pv_query query;
    enum pv_err err = read_filter(args, &filter, report);

    if (err == PV_OK) err = pv_cli_room_fetched(session, args->words[0], &room, report);
    if (err == PV_OK) err = pv_cli_query(session, room, &query, report);
    if (err != PV_OK) return err;
    err = pv_args_get(args, "follow") ? begin_following(session, room, &query, &filter, args->json, report)
                                      : print_all(&query, &filter, args->json);
    if (err != PV_OK && report->err != err) err = pv_session_room_error(session, room, err, report);
    return err;
}
