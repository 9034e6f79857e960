/* Reading of a command line by the table: options anywhere, `--` ends them, `--name=value`, letters together. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

const struct pv_option pv_common_options[] = {
    {.name = "json", .help = "print JSON, one object"},
    {.name = "offline", .help = "do not ask the server: use what is here"},
    {.name = "help", .letter = 'h', .help = "print this help"},
    {.name = NULL},
};

struct parser {
    int argc, at;
    char **argv;
    struct pv_args *args;
    struct pv_report *report;
};

static const struct pv_option *find_in(const struct pv_option *options, const char *name, size_t n, char letter)
{
    for (; options && options->name; options++)
        if (name ? strlen(options->name) == n && strncmp(options->name, name, n) == 0 : letter && options->letter == letter)
            return options;
    return NULL;
}

static const struct pv_option *find_option(const struct pv_args *args, const char *name, size_t n, char letter)
{
    const struct pv_option *option = args->command ? find_in(args->command->options, name, n, letter) : NULL;
    return option ? option : find_in(pv_common_options, name, n, letter);
}

static enum pv_err take_value(struct parser *parser, const struct pv_option *option, const char *text)
{
    struct pv_args *args = parser->args;
    if (option == &pv_common_options[0])
        args->json = true;
    else if (option == &pv_common_options[1])
        args->offline = true;
    else if (option == &pv_common_options[2])
        args->help = true;
    else if (args->value_count == PV_ARGS_VALUES_MAX)
        return pv_report(parser->report, PV_ERR_USAGE, "too many values for --%s", option->name);
    else
        args->values[args->value_count++] = (struct pv_args_value){option, text};
    return PV_OK;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* `option` stands at parser->at - 1; its value is `attached` or the words that follow. */
static enum pv_err take_option(struct parser *parser, const struct pv_option *option, const char *attached)
{
    enum pv_err err;
    if (!option->arg) {
        if (attached) return pv_report(parser->report, PV_ERR_USAGE, "--%s takes no value", option->name);
        return take_value(parser, option, "");
    }
    if (attached) return take_value(parser, option, attached);
    if (parser->at == parser->argc || strcmp(parser->argv[parser->at], "--") == 0)
        return pv_report(parser->report, PV_ERR_USAGE, "--%s needs a value: %s", option->name, option->arg);
    err = take_value(parser, option, parser->argv[parser->at++]);
    while (err == PV_OK && option->many && parser->at < parser->argc && !is_option(parser->argv[parser->at]))
        err = take_value(parser, option, parser->argv[parser->at++]);
    return err;
}

static enum pv_err unknown_option(const struct parser *parser, const char *word)
{
    const struct pv_command *command = parser->args->command;
    return pv_report(parser->report, PV_ERR_USAGE, "unknown option %s: see privity %s%s--help", word,
                     command ? command->name : "", command ? " " : "");
}

static enum pv_err take_letters(struct parser *parser, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        const struct pv_option *option = find_option(parser->args, NULL, 0, *p);
        enum pv_err err;
        if (!option) return unknown_option(parser, word);
        if (option->arg) return take_option(parser, option, p[1] ? p + 1 : NULL);
        err = take_option(parser, option, NULL);
        if (err != PV_OK) return err;
    }
    return PV_OK;
}

static enum pv_err take_word(struct parser *parser, const char *word)
{
    struct pv_args *args = parser->args;
    if (args->word_count == PV_ARGS_POSITIONAL_MAX)
        return pv_report(parser->report, PV_ERR_USAGE, "too many words on the command line");
    args->words[args->word_count++] = word;
    return PV_OK;
}

/* The command is the first words that name one: two where two do. */
static void find_command(struct parser *parser)
{
    const char *first = parser->argv[parser->at], *second = parser->at + 1 < parser->argc ? parser->argv[parser->at + 1] : "";
    const struct pv_command *found = NULL;
    int used = 0;
    for (size_t i = 0; i < pv_command_count; i++) {
        const char *name = pv_commands[i].name, *space = strchr(name, ' ');
        if (!space && strcmp(name, first) == 0 && !found) {
            found = &pv_commands[i];
            used = 1;
        } else if (space && strncmp(name, first, (size_t)(space - name)) == 0 && first[space - name] == '\0' &&
                   strcmp(space + 1, second) == 0) {
            found = &pv_commands[i];
            used = 2;
        }
    }
    parser->args->command = found;
    parser->at += used;
}

static bool begins_with(const struct pv_command *command, const char *word)
{
    size_t n = strlen(word);
    return strncmp(command->name, word, n) == 0 && command->name[n] == ' ';
}

/* The first command of two words that begins with `word`. */
static const struct pv_command *find_half(const char *word)
{
    for (size_t i = 0; i < pv_command_count; i++)
        if (begins_with(&pv_commands[i], word)) return &pv_commands[i];
    return NULL;
}

/* All of them, with commas between. */
static void list_halves(const char *word, char *ret_text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < pv_command_count && n < size; i++)
        if (begins_with(&pv_commands[i], word))
            n += (size_t)snprintf(ret_text + n, size - n, "%s%s", n ? ", " : "", pv_commands[i].name);
}

static enum pv_err unknown_command(struct parser *parser)
{
    const char *word = parser->argv[parser->at];
    const struct pv_command *half = find_half(word);
    const char *second = parser->at + 1 < parser->argc ? parser->argv[parser->at + 1] : "";

    if (half && (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0)) {
        parser->args->command = half;
        parser->at++;
        return PV_OK;
    }
    if (half) {
        char all[160] = "";
        list_halves(word, all, sizeof all);
        return pv_report(parser->report, PV_ERR_USAGE, "unknown command %s%s%s; there is %s: see privity %s --help", word,
                         *second ? " " : "", second, all, half->name);
    }
    return pv_report(parser->report, PV_ERR_USAGE, "unknown command %s: see privity --help", word);
}

static enum pv_err check_words(const struct pv_args *args, struct pv_report *report)
{
    const struct pv_command *command = args->command;
    if (args->help || !command) return PV_OK;
    if (args->word_count < command->min_words || args->word_count > command->max_words)
        return pv_report(report, PV_ERR_USAGE, "%s; write: privity %s%s%s",
                         args->word_count < command->min_words ? "something is missing" : "too many words", command->name,
                         *command->synopsis ? " " : "", command->synopsis);
    return PV_OK;
}

enum pv_err pv_args_parse(int argc, char **argv, struct pv_args *ret_args, struct pv_report *report)
{
    struct parser parser = {.argc = argc, .at = 1, .argv = argv, .args = ret_args, .report = report};
    bool ended = false;
    enum pv_err err = PV_OK;

    *ret_args = (struct pv_args){.command = NULL};
    while (err == PV_OK && parser.at < argc) {
        const char *word = argv[parser.at];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            parser.at++;
        } else if (!ended && strncmp(word, "--", 2) == 0) {
            size_t n = strcspn(word + 2, "=");
            const struct pv_option *option = find_option(ret_args, word + 2, n, 0);
            parser.at++;
            if (!ret_args->command && strcmp(word, "--version") == 0)
                ret_args->version = true;
            else
                err = option ? take_option(&parser, option, word[2 + n] ? word + 3 + n : NULL) : unknown_option(&parser, word);
        } else if (!ended && is_option(word)) {
            parser.at++;
            err = take_letters(&parser, word);
        } else if (!ret_args->command) {
            find_command(&parser);
            if (!ret_args->command) err = unknown_command(&parser);
        } else {
            parser.at++;
            err = take_word(&parser, word);
        }
    }
    return err == PV_OK ? check_words(ret_args, report) : err;
}

const char *pv_args_get_nth(const struct pv_args *args, const char *name, size_t i)
{
    for (size_t at = 0; at < args->value_count; at++)
        if (strcmp(args->values[at].option->name, name) == 0 && i-- == 0) return args->values[at].text;
    return NULL;
}

const char *pv_args_get(const struct pv_args *args, const char *name)
{
    for (size_t at = args->value_count; at > 0; at--)
        if (strcmp(args->values[at - 1].option->name, name) == 0) return args->values[at - 1].text;
    return NULL;
}

enum pv_err pv_args_number(const struct pv_args *args, const char *name, uint64_t max, uint64_t otherwise,
                           uint64_t *ret_number, struct pv_report *report)
{
    const char *text = pv_args_get(args, name);
    unsigned long long value;
    char *end;

    if (!text) {
        *ret_number = otherwise;
        return PV_OK;
    }
    value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || strlen(text) > 18 || value > max)
        return pv_report(report, PV_ERR_USAGE, "--%s %s: write a number from 0 to %llu", name, text, (unsigned long long)max);
    *ret_number = value;
    return PV_OK;
}
