/* What is printed to a person: hostile text made harmless, in this one place.
 *
 * Neutralised are control characters, invalid UTF-8, line and paragraph separators, bidirectional marks and
 * overrides, invisible tags and joiners: each is shown as what it is (\n, \x1b, \u{202e}). */
#ifndef PV_CLI_TERM_H
#define PV_CLI_TERM_H

#include <stdio.h>

#include "core/base/bytes.h"

enum pv_term_mode {
    PV_TERM_LINE, /* names, paths, one-line texts: newlines and tabs are escaped too */
    PV_TERM_TEXT  /* a message: newlines stay, each followed by `indent`, so that no line can pose as another's */
};

/* Append `text` neutralised. `indent` may be NULL. */
void pv_term_put(struct pv_buf *out, struct pv_bytes text, enum pv_term_mode mode, const char *indent);
/* The same to a stream. */
void pv_term_print(FILE *stream, struct pv_bytes text, enum pv_term_mode mode, const char *indent);
/* printf whose result is neutralised as one line; a newline follows. */
__attribute__((format(printf, 2, 3))) void pv_term_line(FILE *stream, const char *fmt, ...);

/* `text` as UTF-8 that any JSON reader takes: what is not UTF-8 becomes U+FFFD. */
void pv_term_put_utf8(struct pv_buf *out, struct pv_bytes text);
/* JSON text made safe to show: dangerous characters, which stand only inside strings, become \uXXXX. */
void pv_term_put_json(struct pv_buf *out, struct pv_bytes json);

/* May `stream` be coloured? A terminal, no NO_COLOR, TERM not dumb. */
bool pv_term_has_colour(FILE *stream);
/* Columns that neutralised `text` takes on a terminal: wide letters two, marks above others none. */
size_t pv_term_width(struct pv_bytes text);
/* `text` as one line, neutralised, in a column of `columns` with two blanks after it. */
void pv_term_column(FILE *stream, const char *text, size_t columns);
/* A name for a command that people may copy: quoted for the shell where it has to be. */
enum { PV_TERM_WORD_BYTES = 1032 };
const char *pv_term_word(const char *name, char memory[static PV_TERM_WORD_BYTES]);

#endif
