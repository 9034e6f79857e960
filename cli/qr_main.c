/* `privity-qr`: a text on standard input, the same as a QR code for a terminal on standard output.
 *
 * Two modules a character, one above the other. With the argument `colour` black stands on white whatever the terminal's
 * colours are; else light modules are drawn, as for a dark terminal. */
#include <qrencode.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { TEXT_MAX = 1024, QUIET = 2 };

static bool is_dark(const QRcode *qr, int x, int y)
{
    if (x < 0 || y < 0 || x >= qr->width || y >= qr->width) return false;
    return qr->data[y * qr->width + x] & 1;
}

static void put_line(const QRcode *qr, int y, bool colour)
{
    static const char *const halves[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}}; /* by what is drawn above and below */
    if (colour) fputs("\033[30;107m", stdout);
    for (int x = -QUIET; x < qr->width + QUIET; x++) {
        bool above = is_dark(qr, x, y) == colour, below = is_dark(qr, x, y + 1) == colour;
        if (!colour && y + 1 >= qr->width + QUIET) below = false; /* beyond the last row */
        fputs(halves[above][below], stdout);
    }
    fputs(colour ? "\033[0m\n" : "\n", stdout);
}

static int fail(const char *why)
{
    fprintf(stderr, "privity-qr: %s\n", why);
    return 1;
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = {0, 0};
    char text[TEXT_MAX + 1];
    bool colour = argc > 1 && strcmp(argv[1], "colour") == 0;

    (void)setrlimit(RLIMIT_CORE, &no_core);
    size_t n = fread(text, 1, sizeof text, stdin);
    if (ferror(stdin) || n == 0 || n == sizeof text || memchr(text, '\0', n)) return fail("the text is empty or too long");
    text[n] = '\0';
    QRcode *qr = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (!qr) return fail("the text cannot be a QR code");
    for (int y = -QUIET; y < qr->width + QUIET; y += 2) put_line(qr, y, colour);
    QRcode_free(qr);
    return fflush(stdout) ? 1 : 0;
}
