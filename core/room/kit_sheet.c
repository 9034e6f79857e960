/* The sheet that a recovery kit is printed on or kept as.  Source: FORMAT.md §11. */
#include <string.h>

#include "core/room/kit.h"

static const char intro[] =
    "Privity recovery kit\n"
    "\n"
    "Whoever holds this code can act as the person named here and read every room of theirs.\n"
    "With it that person comes back when all devices are lost";
static const char first_rank[] = "; it outranks every other device.\n";
static const char further_rank[] = ".\nIt stands below the first kit, and falls with the device that added it.\n";
static const char keep[] =
    "Print it or write it down, and keep it where you keep a passport, not on a computer.\n"
    "\n"
    "To use it on a new device: install Privity (whoever runs the server can say from where), run\n"
    "    privity recover --name DEVICE --revoke-others --server ";
static const char use[] =
    "\n"
    "and type the code. The option --revoke-others takes out all other devices: without it, one that was\n"
    "lost would go on acting for this person. Then put this back: it goes on working. To see that it does,\n"
    "any day, on a device in use: privity recovery test\n"
    "\n"
    "If it is lost, add another (privity recovery add-kit). If it may have been found by someone, nothing\n"
    "takes its power away: make a new person, invite it to your rooms, and leave with the old one.\n"
    "\n";
static const char code_mark[] = "Code:";

enum { GROUPS_A_LINE = 4 };

static void put_text(struct pv_buf *buf, const char *s)
{
    pv_buf_append(buf, s, strlen(s));
}

/* A name on one line whatever it holds, so that it cannot pass for another line of the sheet. */
static void put_name(struct pv_buf *buf, struct pv_bytes name)
{
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        /* U+0080 to U+009F are control characters too, as are the separators of lines and paragraphs. */
        bool c1 = c == 0xc2 && i + 1 < name.n && name.p[i + 1] < 0xa0;
        bool separator = c == 0xe2 && i + 2 < name.n && name.p[i + 1] == 0x80 && (name.p[i + 2] & 0xfe) == 0xa8;
        if (c1) i += 1;
        if (separator) i += 2;
        pv_buf_append_byte(buf, c < 0x20 || c == 0x7f || c1 || separator ? ' ' : c);
    }
}

static void put_code(struct pv_buf *buf, const struct pv_kit_secret *kit)
{
    char code[PV_KIT_CODE_CHARS + 1];
    pv_kit_encode(kit, code);
    for (size_t group = 0; group < PV_KIT_GROUPS; group++) {
        put_text(buf, group % GROUPS_A_LINE == 0 ? "\n    " : "  ");
        pv_buf_append(buf, code + group * (PV_KIT_GROUP_CHARS + 1), PV_KIT_GROUP_CHARS);
    }
    put_text(buf, "\n");
    pv_wipe(code, sizeof code);
}

void pv_kit_sheet_put(struct pv_buf *text, const struct pv_kit_facts *facts, const struct pv_kit_secret *kit)
{
    char person[sizeof facts->person.b * 2 + 1];
    pv_hex_encode(facts->person.b, sizeof facts->person.b, person);
    put_text(text, intro);
    put_text(text, facts->further ? further_rank : first_rank);
    put_text(text, keep);
    put_text(text, facts->server_url);
    put_text(text, use);
    put_text(text, "Name:   ");
    put_name(text, facts->name);
    put_text(text, "\nPerson: ");
    put_text(text, person);
    put_text(text, "\nServer: ");
    put_text(text, facts->server_url);
    if (facts->mark) {
        put_text(text, facts->further ? "\nKit:    further, " : "\nKit:    first, ");
        put_text(text, facts->mark);
    }
    put_text(text, "\n\n");
    put_text(text, code_mark);
    put_text(text, "\n");
    put_code(text, kit);
}

/* What follows the line "Code:"; all of the text where there is none. */
static struct pv_bytes find_code(struct pv_bytes text)
{
    size_t n = strlen(code_mark);
    for (size_t i = 0; i + n <= text.n; i++) {
        if ((i == 0 || text.p[i - 1] == '\n') && memcmp(text.p + i, code_mark, n) == 0)
            return pv_bytes(text.p + i + n, text.n - i - n);
    }
    return text;
}

enum pv_err pv_kit_sheet_read(struct pv_bytes text, struct pv_kit_secret *ret_kit, unsigned *ret_group)
{
    *ret_group = 0;
    if (text.n > PV_KIT_SHEET_BYTES) return PV_ERR_LIMIT;
    return pv_kit_decode(find_code(text), ret_kit, ret_group);
}

struct pv_bytes pv_kit_sheet_line(struct pv_bytes text, const char *mark)
{
    size_t n = strlen(mark);
    for (size_t i = 0; i + n <= text.n; i++) {
        if ((i > 0 && text.p[i - 1] != '\n') || memcmp(text.p + i, mark, n) != 0) continue;
        const uint8_t *p = text.p + i + n, *end = memchr(p, '\n', text.n - i - n);
        size_t length = end ? (size_t)(end - p) : text.n - i - n;
        while (length && (*p == ' ' || *p == '\t')) p++, length--;
        while (length && (p[length - 1] == '\r' || p[length - 1] == ' ')) length--;
        return pv_bytes(p, length);
    }
    return pv_bytes(NULL, 0);
}
