/* Passphrases: read byte by byte so that no library buffer keeps a copy, wiped by their holder. */
#include "client/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void pv_passphrase_wipe(struct pv_passphrase *passphrase)
{
    pv_wipe(passphrase, sizeof *passphrase);
}

/* One line from `fd`; what follows it stays unread. */
static enum pv_err read_line(int fd, const char *what, struct pv_passphrase *ret_line, struct pv_report *report)
{
    struct pv_passphrase line = {.n = 0};
    enum pv_err err = PV_OK;

    for (;;) {
        uint8_t byte;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) err = pv_report(report, PV_ERR_IO, "cannot read %s: %s", what, strerror(errno));
        if (got <= 0 || byte == '\n') break;
        if (line.n == sizeof line.text) {
            err = pv_report(report, PV_ERR_LIMIT, "%s is longer than %d bytes", what, PV_PASSPHRASE_MAX);
            break;
        }
        line.text[line.n++] = byte;
    }
    if (line.n > 0 && line.text[line.n - 1] == '\r') line.n--;
    if (err == PV_OK) *ret_line = line;
    pv_wipe(&line, sizeof line);
    return err;
}

enum pv_err pv_secret_read_file(const char *path, const char *what, struct pv_passphrase *ret_line,
                                struct pv_report *report)
{
    enum pv_err err;
    int fd;

    if (strcmp(path, "-") == 0) return read_line(STDIN_FILENO, what, ret_line, report);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pv_report(report, PV_ERR_IO, "cannot open %s, the file with %s: %s", path, what, strerror(errno));
    err = read_line(fd, what, ret_line, report);
    close(fd);
    return err;
}

/* ---- the terminal */

static struct termios shown; /* restored when a signal ends us while echo is off */
static volatile sig_atomic_t hidden_fd = -1;

static void restore(int number)
{
    if (hidden_fd >= 0) tcsetattr(hidden_fd, TCSANOW, &shown);
    signal(number, SIG_DFL);
    raise(number);
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    while (n > 0) {
        ssize_t wrote = write(fd, text, n);
        if (wrote <= 0) return;
        text += wrote;
        n -= (size_t)wrote;
    }
}

static enum pv_err ask_once(int fd, const char *prompt, struct pv_passphrase *ret_line, struct pv_report *report)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = restore}, before[4];
    struct termios quiet;
    enum pv_err err;

    if (tcgetattr(fd, &shown) != 0) return pv_report(report, PV_ERR_IO, "the terminal cannot hide what is typed");
    quiet = shown;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    hidden_fd = fd;
    for (int i = 0; i < 4; i++) sigaction(ending[i], &action, &before[i]);
    tcsetattr(fd, TCSAFLUSH, &quiet);
    say(fd, prompt);
    err = read_line(fd, "the passphrase", ret_line, report);
    tcsetattr(fd, TCSANOW, &shown);
    hidden_fd = -1;
    for (int i = 0; i < 4; i++) sigaction(ending[i], &before[i], NULL);
    say(fd, "\n");
    return err;
}

/* Length is all that is asked for: rules on characters make passphrases that are hard to remember, not to guess. */
static void warn_if_short(const struct pv_passphrase *passphrase)
{
    size_t count = 0;
    for (size_t i = 0; i < passphrase->n; i++) count += (passphrase->text[i] & 0xc0) != 0x80; /* each that begins a character */
    if (count > 0 && count < PV_PASSPHRASE_SHORT)
        fputs("privity: this passphrase is short: who gets at this device's disk can guess it; five words chosen by chance "
              "are easy to remember and hard to guess\n", stderr);
}

/* Where a passphrase may come from besides the terminal. */
struct source {
    const char *fd_variable, *file_variable;
};
static const struct source usual = {"PRIVITY_PASSPHRASE_FD", "PRIVITY_PASSPHRASE_FILE"};
static const struct source replacing = {"PRIVITY_NEW_PASSPHRASE_FD", "PRIVITY_NEW_PASSPHRASE_FILE"};

static enum pv_err ask_terminal(const struct source *source, bool confirm, struct pv_passphrase *ret_passphrase, struct pv_report *report)
{
    struct pv_passphrase first = {.n = 0}, second = {.n = 0};
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    enum pv_err err;

    if (fd < 0)
        return pv_report(report, PV_ERR_USAGE, "%s and there is no terminal to ask on: set %s%s",
                         confirm ? "a passphrase has to be chosen" : "the passphrase is needed", source->file_variable, confirm ? "" : ", or run `privity unlock` first");
    err = ask_once(fd, confirm ? "New passphrase for this device: " : "Passphrase of this device: ", &first, report);
    if (err == PV_OK && confirm) {
        warn_if_short(&first);
        err = ask_once(fd, "The same again: ", &second, report);
        if (err == PV_OK && !pv_bytes_equal(pv_passphrase_bytes(&first), pv_passphrase_bytes(&second)))
            err = pv_report(report, PV_ERR_USAGE, "the two passphrases differ: nothing was made, try again");
    }
    close(fd);
    if (err == PV_OK) *ret_passphrase = first;
    pv_passphrase_wipe(&first);
    pv_passphrase_wipe(&second);
    return err;
}

static enum pv_err ask(const struct source *source, bool confirm, struct pv_passphrase *ret_passphrase, struct pv_report *report)
{
    const char *fd_text = getenv(source->fd_variable), *path = getenv(source->file_variable);
    struct pv_passphrase taken = {.n = 0};
    bool from_file = true;
    enum pv_err err;

    if (fd_text && *fd_text) {
        char *end;
        long fd = strtol(fd_text, &end, 10);
        if (*end || fd < 0 || fd > 1 << 20)
            return pv_report(report, PV_ERR_USAGE, "%s is not a file descriptor's number", source->fd_variable);
        err = read_line((int)fd, "the passphrase", &taken, report);
    } else if (path && *path) {
        err = pv_secret_read_file(path, "the passphrase", &taken, report);
    } else {
        err = ask_terminal(source, confirm, &taken, report);
        from_file = false;
    }
    if (err == PV_OK && taken.n == 0) err = pv_report(report, PV_ERR_USAGE, "the passphrase is empty");
    if (err == PV_OK && confirm && from_file) warn_if_short(&taken);
    if (err == PV_OK) *ret_passphrase = taken;
    pv_passphrase_wipe(&taken);
    return err;
}

enum pv_err pv_passphrase_ask(bool confirm, struct pv_passphrase *ret_passphrase, struct pv_report *report)
{
    return ask(&usual, confirm, ret_passphrase, report);
}

enum pv_err pv_passphrase_ask_new(struct pv_passphrase *ret_passphrase, struct pv_report *report)
{
    return ask(&replacing, true, ret_passphrase, report);
}
