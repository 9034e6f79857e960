/* Recovery kits: reading what was kept, writing and showing what is new. */
#include "cli/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/term.h"
#include "client/home.h"

/* ---- reading */

static enum pv_err read_all(FILE *file, struct pv_buf *text)
{
    char chunk[512];
    size_t n;
    while (text->err == PV_OK && (n = fread(chunk, 1, sizeof chunk, file)) > 0) pv_buf_append(text, chunk, n);
    pv_wipe(chunk, sizeof chunk);
    return ferror(file) ? PV_ERR_IO : text->err;
}

/* A person types it, in as many lines as they like, until it is whole. */
static enum pv_err read_typed(struct pv_buf *text)
{
    struct pv_kit_secret kit;
    char line[512];
    unsigned group;
    enum pv_err err = PV_ERR_TRUNCATED;
    fputs("Type the code of your recovery kit (11 groups of six; several lines are fine): ", stderr);
    while (err == PV_ERR_TRUNCATED && fgets(line, sizeof line, stdin)) {
        pv_buf_append(text, line, strlen(line));
        err = text->err ? text->err : pv_kit_decode(pv_buf_bytes(text), &kit, &group);
    }
    pv_wipe(line, sizeof line);
    pv_wipe(&kit, sizeof kit);
    return text->err;
}

static enum pv_err read_text(const char *path, struct pv_buf *text, struct pv_report *report)
{
    bool is_stdin = !path || strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    enum pv_err err;

    if (!file)
        return pv_report(report, errno == ENOENT ? PV_ERR_NOT_FOUND : PV_ERR_IO, "cannot read the recovery kit %s: %s", path, strerror(errno));
    if (is_stdin && isatty(STDIN_FILENO)) {
        err = read_typed(text);
    } else {
        (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of it stays in a buffer */
        err = read_all(file, text);
    }
    if (!is_stdin) fclose(file);
    if (err == PV_ERR_IO) return pv_report(report, err, "cannot read the recovery kit");
    if (err == PV_ERR_LIMIT) return pv_report(report, err, "this is no recovery kit: it is too long (of a PDF, type or scan its code)");
    return err;
}

static enum pv_err say_wrong(enum pv_err err, unsigned group, struct pv_report *report)
{
    if (err == PV_ERR_NOMEM) return err;
    if (group) return pv_report(report, PV_ERR_MALFORMED, "group %u of the code is wrong: compare its six characters with the kit", group);
    if (err == PV_ERR_TRUNCATED) return pv_report(report, err, "the code is not whole: it has 11 groups of six characters");
    if (err == PV_ERR_LIMIT) return pv_report(report, err, "the code is too long: it has 11 groups of six characters");
    return pv_report(report, PV_ERR_MALFORMED, "this is no recovery kit's code: each group is right by itself, but they do not belong together");
}

/* What follows `mark` at the begin of a line. */
static struct pv_bytes find_line(struct pv_bytes text, const char *mark)
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

enum pv_err pv_kit_read(const char *path, struct pv_given_kit *ret_kit, struct pv_report *report)
{
    struct pv_given_kit kit = {.has_server = false};
    struct pv_buf text;
    unsigned group = 0;
    enum pv_err err;

    pv_buf_init(&text, PV_KIT_SHEET_BYTES);
    err = read_text(path, &text, report);
    if (err == PV_OK && text.n == 0) err = pv_report(report, PV_ERR_USAGE, "no recovery kit was given: its code on standard input, or --kit FILE");
    if (err == PV_OK) {
        err = pv_kit_sheet_read(pv_buf_bytes(&text), &kit.secret, &group);
        if (err != PV_OK) err = say_wrong(err, group, report);
    }
    if (err == PV_OK) {
        struct pv_bytes server = find_line(pv_buf_bytes(&text), "Server:"), name = find_line(pv_buf_bytes(&text), "Name:");
        kit.has_server = server.n && pv_server_url_read(server, &kit.server) == PV_OK;
        if (name.n < sizeof kit.name && pv_utf8_is_valid(name.p, name.n)) snprintf(kit.name, sizeof kit.name, "%.*s", (int)name.n, (const char *)name.p);
        *ret_kit = kit;
    }
    pv_wipe(&kit, sizeof kit);
    pv_buf_wipe(&text);
    return err;
}

/* ---- writing */

enum pv_err pv_kit_write(const char *path, const struct pv_kit_facts *facts, const struct pv_kit_secret *kit,
                         struct pv_report *report)
{
    struct pv_buf sheet;
    enum pv_err err = PV_OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return pv_report(report, errno == EEXIST ? PV_ERR_CONFLICT : PV_ERR_IO, "cannot write the recovery kit to %s: %s%s",
                         path, strerror(errno), errno == EEXIST ? "; nothing was made, give another name" : "");
    pv_buf_init(&sheet, PV_KIT_SHEET_BYTES);
    pv_kit_sheet_put(&sheet, facts, kit);
    if (err == PV_OK && (sheet.err != PV_OK || write(fd, sheet.p, sheet.n) != (ssize_t)sheet.n || fsync(fd) != 0))
        err = pv_report(report, pv_home_errno(errno), "cannot write the recovery kit to %s: %s", path, strerror(errno));
    if (close(fd) != 0 && err == PV_OK) err = pv_report(report, PV_ERR_IO, "cannot write the recovery kit to %s", path);
    if (err != PV_OK) unlink(path);
    pv_buf_wipe(&sheet);
    return err;
}

void pv_kit_show(const struct pv_kit_facts *facts, const struct pv_kit_secret *kit)
{
    struct pv_buf sheet;
    pv_buf_init(&sheet, PV_KIT_SHEET_BYTES);
    pv_kit_sheet_put(&sheet, facts, kit);
    fwrite(sheet.p, 1, sheet.n, stdout);
    putchar('\n');
    fflush(stdout);
    pv_buf_wipe(&sheet);
    if (!pv_out_is_terminal() || !isatty(STDIN_FILENO)) return;
    tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed ahead was not meant for this */
    fputs("This is shown once. Press Enter when it is printed or written down. ", stderr);
    for (int c = getchar(); c != '\n' && c != EOF;) c = getchar();
}
