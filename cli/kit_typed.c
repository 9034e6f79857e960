/* A recovery kit's code at the terminal: in as many lines as a person types, or pasted as a scanner read it. What is wrong
 * is asked for again from its group on: nobody types 66 characters twice. */
#include <stdio.h>
#include <string.h>

#include "cli/kit.h"

enum { LINE_BYTES = 512 };

/* The code in what came so far; false: a sheet, or what the page's square holds, that has not come to its code yet. */
static bool find_code(const struct pv_buf *text, struct pv_bytes *ret_code)
{
    static const char title[] = "Privity recovery kit";
    struct pv_bytes all = pv_buf_bytes(text), marked = pv_kit_sheet_line(all, "Code:");
    *ret_code = all;
    if (marked.p) *ret_code = pv_bytes(marked.p, all.n - (size_t)(marked.p - all.p));
    else if (pv_kit_sheet_line(all, "Server:").p || pv_kit_sheet_line(all, title).p) return false;
    return true;
}

static bool is_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static size_t count_digits(struct pv_bytes code)
{
    size_t count = 0;
    for (size_t i = 0; i < code.n; i++) count += is_digit(code.p[i]);
    return count;
}

/* Leave so many digits of the code. */
static void keep_digits(struct pv_buf *text, struct pv_bytes code, size_t count)
{
    size_t at = text->n - code.n;
    for (; count > 0 && at < text->n; at++) count -= is_digit(text->p[at]);
    pv_wipe(text->p + at, text->n - at);
    text->n = at;
    pv_buf_append(text, "\n", 1);
}

static void prompt(size_t digits, const char *more)
{
    size_t group = digits / PV_KIT_GROUP_CHARS + 1;
    if (digits == 0) fprintf(stderr, "The code%s: ", more);
    else if (group < PV_KIT_GROUPS) fprintf(stderr, "Groups %zu to %d%s: ", group, PV_KIT_GROUPS, more);
    else fprintf(stderr, "Group %zu%s: ", group, more);
}

/* Look at what a line added; true: there is no use in asking on. */
static bool is_done(struct pv_buf *text)
{
    struct pv_kit_secret kit;
    struct pv_bytes code;
    unsigned group = 0;

    if (text->err) return true;
    if (!find_code(text, &code)) {
        if (memcmp(text->p, "Server:", strlen("Server:")) == 0) prompt(0, ""); /* of the square; a sheet comes in many lines */
        return false;
    }
    enum pv_err err = pv_kit_decode(code, &kit, &group);
    size_t digits = count_digits(code);
    pv_wipe(&kit, sizeof kit);
    if (group && (err != PV_ERR_TRUNCATED || (size_t)group * PV_KIT_GROUP_CHARS <= digits)) { /* and not only unfinished */
        digits = (size_t)(group - 1) * PV_KIT_GROUP_CHARS;
        fprintf(stderr, "Group %u of the code is wrong: compare its six characters with the kit.\n", group);
        keep_digits(text, code, digits);
        prompt(digits, " again");
        return false;
    }
    if (err != PV_ERR_TRUNCATED) return true;
    prompt(digits, "");
    return false;
}

void pv_kit_read_typed(FILE *in, struct pv_buf *text)
{
    char line[LINE_BYTES];
    bool done = false;
    fputs("Type the code of your recovery kit (11 groups of six; several lines are fine): ", stderr);
    while (!done && fgets(line, sizeof line, in)) {
        pv_buf_append(text, line, strlen(line));
        done = is_done(text);
    }
    if (!done) fputc('\n', stderr);
    pv_wipe(line, sizeof line);
}
