/* Recovery kits: reading what was kept, writing and showing what is new. */
#include "cli/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/helper.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/home.h"
#include "client/paper.h"
#include "client/system.h"

/* ---- reading */

static enum pv_err read_all(FILE *file, struct pv_buf *text)
{
    char chunk[512];
    size_t n;
    while (text->err == PV_OK && (n = fread(chunk, 1, sizeof chunk, file)) > 0) pv_buf_append(text, chunk, n);
    pv_wipe(chunk, sizeof chunk);
    return ferror(file) ? PV_ERR_IO : text->err;
}

static enum pv_err read_text(const char *path, struct pv_buf *text, struct pv_report *report)
{
    bool is_stdin = !path || strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    enum pv_err err;

    if (!file)
        return pv_report(report, errno == ENOENT ? PV_ERR_NOT_FOUND : PV_ERR_IO, "cannot read the recovery kit %s: %s", path, strerror(errno));
    if (is_stdin && isatty(STDIN_FILENO)) {
        pv_kit_read_typed(stdin, text);
        err = text->err;
    } else {
        (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of it stays in a buffer */
        err = read_all(file, text);
    }
    int number = errno;
    if (!is_stdin) fclose(file);
    if (err == PV_ERR_IO)
        return pv_report(report, err, "cannot read the recovery kit %s: %s", is_stdin ? "on standard input" : path, strerror(number));
    if (text->n >= 5 && memcmp(text->p, "%PDF-", 5) == 0)
        return pv_report(report, PV_ERR_MALFORMED, "the recovery kit is a PDF, which is for paper: leave --kit out and type its code, or scan it");
    if (err == PV_ERR_LIMIT) return pv_report(report, err, "this is no recovery kit: it is too long");
    return err;
}

static enum pv_err say_wrong(enum pv_err err, unsigned group, struct pv_report *report)
{
    if (err == PV_ERR_NOMEM) return err;
    if (group) return pv_report(report, PV_ERR_MALFORMED, "group %u of the code is wrong: compare its six characters with the kit", group);
    if (err == PV_ERR_TRUNCATED) return pv_report(report, err, "the code is not whole: it has 11 groups of six characters, and no letter I, L, O or U");
    if (err == PV_ERR_LIMIT) return pv_report(report, err, "the code is too long: it has 11 groups of six characters");
    return pv_report(report, PV_ERR_MALFORMED, "this is no recovery kit's code: each group is right by itself, but they do not belong together");
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
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\f') text.p[i] = '\n'; /* the end of a page, where its text was taken out of a PDF */
    if (err == PV_OK) {
        err = pv_kit_sheet_read(pv_buf_bytes(&text), &kit.secret, &group);
        if (err != PV_OK) err = say_wrong(err, group, report);
    }
    if (err == PV_OK) {
        struct pv_bytes server = pv_kit_sheet_line(pv_buf_bytes(&text), "Server:"), name = pv_kit_sheet_line(pv_buf_bytes(&text), "Name:");
        kit.has_server = server.n && pv_server_url_read(server, &kit.server) == PV_OK;
        if (name.n < sizeof kit.name && pv_utf8_is_valid(name.p, name.n)) snprintf(kit.name, sizeof kit.name, "%.*s", (int)name.n, (const char *)name.p);
        *ret_kit = kit;
    }
    pv_wipe(&kit, sizeof kit);
    pv_buf_wipe(&text);
    return err;
}

/* ---- writing */

static bool is_pdf(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcasecmp(path + n - 4, ".pdf") == 0;
}

/* The sheet as a person gets it: with the id by which `devices` lists the kit, and the day. */
static void put_sheet(struct pv_buf *sheet, const struct pv_kit_facts *facts, const struct pv_kit_secret *kit)
{
    struct pv_kit_facts marked = *facts;
    char mark[16 + sizeof ", made " + PV_OUT_TIME_BYTES], id[17], when[PV_OUT_TIME_BYTES];
    struct pv_identity paper;
    pv_paper_identity(kit, &paper);
    pv_hex_encode(paper.device.b, 8, id);
    pv_wipe(&paper, sizeof paper);
    pv_out_time(pv_system_now_ms(), when);
    snprintf(mark, sizeof mark, "%s, made %.10s", id, when);
    marked.mark = mark;
    pv_kit_sheet_put(sheet, &marked, kit);
}

/* The text, or the page drawn from it. */
static enum pv_err write_to(int fd, const char *path, const struct pv_kit_facts *facts, const struct pv_kit_secret *kit,
                            struct pv_report *report)
{
    struct pv_buf sheet;
    enum pv_err err;

    pv_buf_init(&sheet, PV_KIT_SHEET_BYTES);
    put_sheet(&sheet, facts, kit);
    err = sheet.err;
    if (err == PV_OK && is_pdf(path)) err = pv_helper_run("privity-kit-pdf", NULL, pv_buf_bytes(&sheet), fd,
                                                          "the recovery kit could not be drawn; give a name that ends in .txt", report);
    else if (err == PV_OK && write(fd, sheet.p, sheet.n) != (ssize_t)sheet.n) err = PV_ERR_IO;
    if (err == PV_OK && fsync(fd) != 0) err = PV_ERR_IO;
    pv_buf_wipe(&sheet);
    if (err == PV_ERR_IO) return pv_report(report, pv_home_errno(errno), "cannot write the recovery kit to %s: %s", path, strerror(errno));
    return err;
}

enum pv_err pv_kit_write(const char *path, const struct pv_kit_facts *facts, const struct pv_kit_secret *kit,
                         struct pv_report *report)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum pv_err err;

    if (fd < 0)
        return pv_report(report, errno == EEXIST ? PV_ERR_CONFLICT : PV_ERR_IO, "cannot write the recovery kit to %s: %s%s",
                         path, strerror(errno), errno == EEXIST ? "; nothing was made, give another name" : "");
    err = write_to(fd, path, facts, kit, report);
    if (close(fd) != 0 && err == PV_OK) err = pv_report(report, PV_ERR_IO, "cannot write the recovery kit to %s", path);
    if (err != PV_OK) unlink(path);
    return err;
}

void pv_kit_show(const struct pv_kit_facts *facts, const struct pv_kit_secret *kit)
{
    struct pv_buf sheet;
    pv_buf_init(&sheet, PV_KIT_SHEET_BYTES);
    put_sheet(&sheet, facts, kit);
    fwrite(sheet.p, 1, sheet.n, stdout);
    putchar('\n');
    fflush(stdout);
    pv_buf_wipe(&sheet);
    if (!pv_out_is_terminal() || !isatty(STDIN_FILENO)) return;
    tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed ahead was not meant for this */
    fputs("This is shown once. Press Enter when it is printed or written down. ", stderr);
    for (int c = getchar(); c != '\n' && c != EOF;) c = getchar();
}
