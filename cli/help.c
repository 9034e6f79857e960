/* `--help`: the overview and each command's own, from the table. */
#include <string.h>

#include "cli/handlers.h"

enum { COLUMNS = 78 };

/* Words of `text`, broken at COLUMNS, each line after `indent` blanks; the first is already begun at `at`. */
static void print_wrapped(FILE *stream, const char *text, int indent, int at)
{
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (at > indent && at + 1 + n > COLUMNS) {
            fprintf(stream, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', stream);
            at++;
        }
        fprintf(stream, "%.*s", n, text);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', stream);
}

static void print_option(FILE *stream, const struct pv_option *option)
{
    int at = option->letter ? fprintf(stream, "  -%c, --%s", option->letter, option->name)
                            : fprintf(stream, "      --%s", option->name);
    if (option->arg) {
        at += fprintf(stream, " %s", option->arg);
        for (const char *p = option->arg; *p; p++) at -= ((unsigned char)*p & 0xC0) == 0x80; /* columns, not bytes */
    }
    if (at < 26)
        fprintf(stream, "%*s", 26 - at, "");
    else
        fprintf(stream, "\n%26s", "");
    print_wrapped(stream, option->help, 26, 26);
}

static void print_options(FILE *stream, const struct pv_option *options)
{
    for (; options && options->name; options++) print_option(stream, options);
}

static void print_overview(FILE *stream)
{
    fputs("usage: privity COMMAND …\n\nSealed rooms for two sides of a contract: messages and files that the server cannot read.\n\n", stream);
    int width = 0;
    for (size_t i = 0; i < pv_command_count; i++)
        if ((int)strlen(pv_commands[i].name) > width) width = (int)strlen(pv_commands[i].name);
    for (size_t i = 0; i < pv_command_count; i++)
        fprintf(stream, "  %-*s  %s\n", width, pv_commands[i].name, pv_commands[i].summary);
    fputs("\nEverywhere:\n", stream);
    print_options(stream, pv_common_options);
    fputs("\nA ROOM is its name here or the begin of its id; a MEMBER a name or the begin of an id.\n"
          "See privity COMMAND --help, and man privity. Besides:\n\n"
          "  privity --version\n"
          "  privity help --man                 the manual page; as ~/.local/share/man/man1/privity.1, man finds it\n"
          "  privity help --completion SHELL    completions for bash, zsh or fish; bash finds them as\n"
          "                                     ~/.local/share/bash-completion/completions/privity\n",
          stream);
}

void pv_help_print(FILE *stream, const struct pv_command *command)
{
    if (!command) {
        print_overview(stream);
        return;
    }
    fprintf(stream, "usage: privity %s%s%s\n\n", command->name, *command->synopsis ? " " : "", command->synopsis);
    fputc(command->summary[0] - 'a' + 'A', stream);
    fprintf(stream, "%s.\n", command->summary + 1);
    for (const char *const *text = command->text; text && *text; text++) {
        fputc('\n', stream);
        print_wrapped(stream, *text, 0, 0);
    }
    fputs("\nOptions:\n", stream);
    print_options(stream, command->options);
    print_options(stream, pv_common_options);
    if (command->json) fputs("\nJSON fields:\n", stream);
    for (const char *const *field = command->json; field && *field; field += 2) {
        int at = fprintf(stream, "  %s", field[0]);
        fprintf(stream, at < 26 ? "%*s" : "\n%*s", at < 26 ? 26 - at : 26, "");
        print_wrapped(stream, field[1], 26, 26);
    }
}

static const struct pv_command *find(const struct pv_args *args)
{
    for (size_t i = 0; i < pv_command_count; i++) {
        const char *name = pv_commands[i].name, *space = strchr(name, ' ');
        size_t n = space ? (size_t)(space - name) : strlen(name);
        if (strlen(args->words[0]) == n && strncmp(args->words[0], name, n) == 0 &&
            (args->word_count == 1 || (space && strcmp(space + 1, args->words[1]) == 0)))
            return &pv_commands[i];
    }
    return NULL;
}

enum pv_err pv_cmd_help(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    const struct pv_command *command = NULL;
    const char *shell = pv_args_get(args, "completion");

    (void)session;
    if (pv_args_get(args, "man")) {
        pv_manual_print(stdout);
        return PV_OK;
    }
    if (shell) return pv_completion_print(stdout, shell, report);
    if (args->word_count > 0 && !(command = find(args)))
        return pv_report(report, PV_ERR_USAGE, "unknown command %s: see privity --help", args->words[0]);
    pv_help_print(stdout, command);
    return PV_OK;
}
