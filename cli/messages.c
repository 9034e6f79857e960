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
