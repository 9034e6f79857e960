/* `privity say`: a message into the outbox, then on its way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/changes.h"
#include "cli/common.h"
#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/system.h"

struct say {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_report *report;
    struct pv_buf text;
    struct pv_payload payload;
    struct pv_buf attachments; /* encoded files */
    struct pv_buf refs;        /* blob names, 16 bytes each */
    const struct pv_put *put;
    size_t attachment_count;
};

static enum pv_err read_text(const struct pv_args *args, struct say *say, bool has_attachments)
{
    struct pv_buf *text = &say->text;

    if (args->word_count > 1) {
        pv_buf_append(text, args->words[1], strlen(args->words[1]));
    } else if (!has_attachments || !isatty(STDIN_FILENO)) {
        uint8_t piece[4096];
        ssize_t got;
        while ((got = read(STDIN_FILENO, piece, sizeof piece)) != 0) {
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return pv_report(say->report, PV_ERR_IO, "cannot read the message: %s", strerror(errno));
            pv_buf_append(text, piece, (size_t)got);
        }
        if (text->n > 0 && text->p[text->n - 1] == '\n') text->n--;
    }
    if (text->err == PV_ERR_LIMIT || text->n > PV_LIMIT_MESSAGE_BYTES)
        return pv_report(say->report, PV_ERR_LIMIT, "a message is at most %d bytes long: put it as a file instead", PV_LIMIT_MESSAGE_BYTES);
    if (text->err != PV_OK) return text->err;
    if (text->n == 0 && !has_attachments) return pv_report(say->report, PV_ERR_USAGE, "the message is empty: nothing was sent");
    if (!pv_utf8_is_valid(text->p, text->n))
        return pv_report(say->report, PV_ERR_USAGE, "the message is not UTF-8: put it as a file instead");
    return PV_OK;
}

static enum pv_err take_reply(void *context, const struct pv_message *message)
{
    struct pv_payload *payload = context;
    payload->u.message.is_reply = true;
    payload->u.message.reply = (struct pv_write_ref){message->writer.device, message->id};
    return PV_OK;
}

static enum pv_err find_reply(struct say *say, const char *id)
{
    struct pv_query query;
    enum pv_err err = pv_cli_query(say->session, say->room, &query, say->report);
    if (err != PV_OK) return err;
    err = pv_cli_message_find(&query, id, take_reply, &say->payload);
    if (err == PV_ERR_NOT_FOUND || err == PV_ERR_MALFORMED)
        return pv_report(say->report, PV_ERR_USAGE, "there is no message %s in %s: see privity read", id, say->room->label);
    if (err == PV_ERR_CONFLICT) return pv_report(say->report, PV_ERR_USAGE, "%s is the begin of several messages' ids: give more of it", id);
    return pv_session_room_error(say->session, say->room, err, say->report);
}

/* ---- attachments */

static enum pv_err attached(void *context, size_t number, const struct pv_upload_result *result)
{
    struct say *say = context;
    const struct pv_put_source *source = &say->put->sources[number];
    const char *slash = strrchr(source->local, '/');
    struct pv_file file = {.size_bytes = result->size_bytes, .has_sha256 = result->has_sha256, .sha256 = result->sha256, .manifest = result->manifest};

    file.path = (struct pv_path){.part_count = 1, .parts = {pv_bytes_of_string(slash ? slash + 1 : source->local)}};
    pv_cli_file_times(&file, &source->stat);
    pv_file_put(&say->attachments, &file);
    pv_buf_append(&say->refs, result->refs.p, result->refs.n);
    say->attachment_count++;
    if (say->attachments.err == PV_OK && say->refs.err == PV_OK) return PV_OK;
    return pv_report(say->report, PV_ERR_LIMIT, "these attachments are too large for one message: put them as files instead");
}

static enum pv_err too_large(void *context, size_t number, struct pv_bytes refs)
{
    struct say *say = context;
    (void)refs;
    return pv_report(say->report, PV_ERR_LIMIT, "%s is too large to attach: put it as a file instead", say->put->sources[number].local);
}

static enum pv_err attach(struct say *say, const struct pv_args *args)
{
    struct pv_put_source sources[PV_LIMIT_ATTACHMENTS];
    struct pv_chunk_secret secret;
    struct pv_put put = {.session = say->session, .room = say->room, .secret = &secret, .sources = sources,
                         .done = attached, .keep = too_large, .context = say};
    struct pv_cli_progress progress;
    const char *path;
    enum pv_err err;

    while ((path = pv_args_get_nth(args, "attach", put.source_count))) {
        if (put.source_count == PV_LIMIT_ATTACHMENTS)
            return pv_report(say->report, PV_ERR_LIMIT, "a message takes at most %d attachments", PV_LIMIT_ATTACHMENTS);
        sources[put.source_count++].local = path;
    }
    say->put = &put;
    err = pv_cli_chunk_secret(say->session, say->room, &secret, say->report);
    if (err == PV_OK) {
        put.progress = pv_cli_progress_begin(&progress, "attaching");
        err = pv_transfer_put(&put, say->report);
        pv_cli_progress_end(&progress);
    }
    say->put = NULL;
    pv_wipe(&secret, sizeof secret);
    say->put = NULL;
    return err;
}

/* ---- writing */

static enum pv_err write_message(struct say *say)
{
    struct pv_buf refs;
    enum pv_err err;

    pv_buf_init(&refs, 32 * PV_LIMIT_REFS);
    if (say->refs.n) err = pv_cli_refs(pv_buf_bytes(&say->refs), &refs);
    else err = PV_OK;
    say->payload.u.message.text = pv_buf_bytes(&say->text);
    say->payload.u.message.attachments = (struct pv_encoded_list){say->attachment_count, pv_buf_bytes(&say->attachments)};
    pv_random_fill(&pv_system_random, say->payload.write_id.b, sizeof say->payload.write_id.b);
    if (err == PV_OK) err = pv_cli_write(say->session, say->room, &say->payload, pv_buf_bytes(&refs), say->report);
    if (err == PV_ERR_LIMIT)
        err = pv_report(say->report, err, "text and attachments are too large for one message: put them as files instead");
    pv_buf_release(&refs);
    return err;
}

static enum pv_err print_row(void *context, const struct pv_message *message)
{
    struct pv_out *out = context;
    pv_message_json_members(&out->json, message);
    return out->text.err;
}

/* The message as `read --json` shows it, and whom it went to that was not there before. */
static enum pv_err print_message(struct say *say)
{
    char id[33];
    struct pv_out out;
    struct pv_query query;
    enum pv_err err = pv_cli_query(say->session, say->room, &query, say->report);

    if (err != PV_OK) return err;
    pv_out_begin(&out);
    pv_hex_encode(say->payload.write_id.b, sizeof say->payload.write_id.b, id);
    err = pv_query_message(&query, pv_bytes_of_string(id), print_row, &out);
    if (err == PV_OK) {
        pv_cli_told_json(say->session, say->room, &out.json);
        return pv_out_end(&out, say->report);
    }
    pv_buf_wipe(&out.text);
    return pv_session_room_error(say->session, say->room, err, say->report);
}

enum pv_err pv_cmd_say(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct say say = {.session = session, .report = report, .payload = {.type = PV_PAYLOAD_MESSAGE}};
    const char *reply = pv_args_get(args, "reply");
    bool has_attachments = pv_args_get(args, "attach") != NULL;
    enum pv_err err, printed = PV_OK;

    pv_buf_init(&say.text, PV_LIMIT_MESSAGE_BYTES + 2);
    pv_buf_init(&say.attachments, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_init(&say.refs, sizeof(struct pv_id16) * PV_LIMIT_REFS);
    err = read_text(args, &say, has_attachments);
    if (err == PV_OK) err = pv_cli_room(session, args->words[0], &say.room, report);
    if (err == PV_OK && reply) err = find_reply(&say, reply);
    if (err == PV_OK && has_attachments) err = attach(&say, args);
    if (err == PV_OK) err = write_message(&say);
    if (err == PV_OK) {
        err = pv_cli_send(session, say.room, report);
        if (say.room->goes_on) say.room = say.room->goes_on;
        if (args->json && (err == PV_OK || err == PV_ERR_OFFLINE)) printed = print_message(&say);
    }
    pv_buf_wipe(&say.text);
    pv_buf_wipe(&say.attachments);
    pv_buf_wipe(&say.refs);
    return err == PV_OK ? printed : err;
}
