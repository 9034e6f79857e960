/* The one table of commands: parsing, --help, man pages and completions all come from it. */
#ifndef PV_CLI_COMMAND_H
#define PV_CLI_COMMAND_H

#include <stdio.h>

#include "client/report.h"
#include "core/base/bytes.h"

enum { PV_ARGS_POSITIONAL_MAX = 1024, PV_ARGS_VALUES_MAX = 1024, PV_COMMAND_OPTIONS_MAX = 16 };

/* What a word stands for, so that shells can complete it. */
enum pv_complete { PV_COMPLETE_NONE, PV_COMPLETE_ROOM, PV_COMPLETE_FILE, PV_COMPLETE_DIRECTORY, PV_COMPLETE_ROLE };

struct pv_option {
    const char *name;           /* without the dashes */
    char letter;                /* 0: none */
    const char *arg;            /* what help calls its value; NULL: a flag */
    bool many;                  /* takes all words up to the next option, and may be repeated */
    enum pv_complete complete;
    const char *help;
};

struct pv_args;
struct pv_session;

struct pv_command {
    const char *name;           /* one word, or two ("room new") */
    const char *synopsis;       /* what follows the name */
    const char *summary;        /* one line */
    const char *const *text;    /* paragraphs, NULL at the end */
    const struct pv_option *options; /* ended by one without a name; --json, --offline, --help are everywhere */
    const char *const *json;    /* documentation of the JSON fields: "field", "meaning", …, NULL */
    size_t min_words, max_words;
    enum pv_complete words[3];  /* of the first words; the last one for all that follow */
    bool local;                 /* needs no home, or opens it itself */
    enum pv_err (*run)(struct pv_session *session, const struct pv_args *args, struct pv_report *report);
};

extern const struct pv_command pv_commands[];
extern const size_t pv_command_count;
extern const struct pv_option pv_common_options[];

struct pv_args_value {
    const struct pv_option *option;
    const char *text;
};

struct pv_args {
    const struct pv_command *command; /* NULL: none named */
    const char *words[PV_ARGS_POSITIONAL_MAX];
    size_t word_count;
    struct pv_args_value values[PV_ARGS_VALUES_MAX];
    size_t value_count;
    bool help, version, json, offline;
};

/* Read a command line. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_args_parse(int argc, char **argv, struct pv_args *ret_args, struct pv_report *report);
/* The last value of an option; NULL if it was not given. A flag's value is "". */
const char *pv_args_get(const struct pv_args *args, const char *name);
/* The i-th value of an option that may be repeated; NULL beyond the last. */
const char *pv_args_get_nth(const struct pv_args *args, const char *name, size_t i);
/* A number from 0 to `max`; `otherwise` if it was not given. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_args_number(const struct pv_args *args, const char *name, uint64_t max, uint64_t otherwise,
                                       uint64_t *ret_number, struct pv_report *report);

/* help.c: `command` NULL for the overview. */
void pv_help_print(FILE *stream, const struct pv_command *command);
/* manual.c, completion.c: `privity help --man` and `--completion bash|zsh|fish`. */
void pv_manual_print(FILE *stream);
PV_MUST_USE enum pv_err pv_completion_print(FILE *stream, const char *shell, struct pv_report *report);

#endif
