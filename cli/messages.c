/* Messages on a terminal: a line about it, then its text set in, so that no text can pose as another's line. */
#include "cli/messages.h"

#include <string.h>

#include "cli/output.h"
#include "cli/term.h"

enum { ID_SHOWN = 4 };

static void print_attachments(const struct pv_message *message)
{
    struct pv_encoded_list list = message->attachments;
    struct pv_file file;
    while (pv_encoded_file_next(&list, &file)) {
        char size[PV_OUT_SIZE_BYTES];
        struct pv_buf path;
        pv_buf_init(&path, 2 * PV_LIMIT_PATH_BYTES);
        pv_path_put_text(&path, &file.path);
        pv_out_size(file.size_bytes, size);
        fputs("  + ", stdout);
        pv_term_print(stdout, pv_buf_bytes(&path), PV_TERM_LINE, NULL);
        printf(" (%s)\n", size);
        pv_buf_wipe(&path);
    }
}

enum pv_err pv_cli_message_print(void *context, const struct pv_message *message)
{
    char when[PV_OUT_TIME_BYTES], id[2 * ID_SHOWN + 1], device[17];

    (void)context;
    pv_out_time(message->time_ms, when);
    pv_hex_encode(message->id.b, ID_SHOWN, id);
    pv_hex_encode(message->writer.person.b, 8, device);
    printf("%s%s  %s%s", pv_out_dim(), when, pv_out_plain(), pv_out_bold());
    pv_term_print(stdout, message->writer.name.n ? message->writer.name : pv_bytes_of_string(device), PV_TERM_LINE, NULL);
    printf("%s%s  %s%s%s\n", pv_out_plain(), pv_out_dim(), id,
           message->pending ? "  not sent yet" : message->crossed ? "  crossed a removal" : "", pv_out_plain());
    if (message->is_reply) {
        char reply[2 * ID_SHOWN + 1];
        pv_hex_encode(message->reply.write_id.b, ID_SHOWN, reply);
        printf("  %s> %s%s\n", pv_out_dim(), reply, pv_out_plain());
    }
    if (message->text.n) {
        fputs("  ", stdout);
        pv_term_print(stdout, message->text, PV_TERM_TEXT, "  ");
        putchar('\n');
    }
    print_attachments(message);
    return PV_OK;
}

struct first {
    struct pv_id16 id;
    pv_message_row *row;
    void *context;
    bool found;
};

static enum pv_err take_first(void *context, const struct pv_message *message)
{
    struct first *first = context;
    if (first->found || !pv_bytes_equal(PV_BYTES_OF(message->id), PV_BYTES_OF(first->id))) return PV_OK;
    first->found = true;
    return first->row(first->context, message);
}

enum pv_err pv_cli_message_find(const struct pv_query *query, const char *id, pv_message_row *row, void *context)
{
    struct first first = {.row = row, .context = context};
    const struct pv_message_filter all = {.limit = 0};
    size_t digits = strlen(id);
    enum pv_err err = pv_query_message(query, pv_bytes_of_string(id), row, context);

    if (err != PV_ERR_CONFLICT || digits != 2 * sizeof first.id.b) return err;
    err = pv_hex_decode(id, digits, first.id.b, sizeof first.id.b);
    return err == PV_OK ? pv_query_messages(query, &all, take_first, &first) : err;
}
