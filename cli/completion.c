/* Completions for bash, zsh and fish, from the table. Room names come from the device itself, without asking for a
 * passphrase: where the keys are locked there are none. */
#include <string.h>

#include "cli/command.h"

static const char rooms_call[] = "PRIVITY_PASSPHRASE_FD= PRIVITY_PASSPHRASE_FILE=/dev/null privity rooms --offline 2>/dev/null";

static void put_first_words(FILE *stream)
{
    const char *before = "";
    for (size_t i = 0; i < pv_command_count; i++) {
        size_t n = strcspn(pv_commands[i].name, " ");
        fprintf(stream, "%s%.*s", before, (int)n, pv_commands[i].name);
        before = " ";
    }
}

static void put_option_names(FILE *stream, const struct pv_option *options)
{
    for (; options && options->name; options++) fprintf(stream, "--%s ", options->name);
}

/* ---- bash */

static void put_bash_reply(FILE *stream, enum pv_complete what)
{
    switch (what) {
    case PV_COMPLETE_ROOM: fputs("_privity_rooms", stream); break;
    case PV_COMPLETE_FILE: fputs("mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")", stream); break;
    case PV_COMPLETE_DIRECTORY: fputs("mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")", stream); break;
    case PV_COMPLETE_ROLE: fputs("mapfile -t COMPREPLY < <(compgen -W 'owner editor viewer' -- \"$cur\")", stream); break;
    case PV_COMPLETE_NONE: fputs(":", stream); break;
    }
}

static void put_bash_command(FILE *stream, const struct pv_command *command)
{
    const char *space = strchr(command->name, ' ');
    fprintf(stream, "    %.*s)\n        options='", (int)strcspn(command->name, " "), command->name);
    put_option_names(stream, command->options);
    put_option_names(stream, pv_common_options);
    fputs("'\n        case $prev in\n", stream);
    for (const struct pv_option *option = command->options; option && option->name; option++) {
        if (!option->arg) continue;
        fprintf(stream, "        --%s) ", option->name);
        put_bash_reply(stream, option->complete);
        fputs("; return ;;\n", stream);
    }
    fputs("        esac\n        case $((COMP_CWORD - 1)) in\n", stream);
    if (space) {
        fprintf(stream, "        1) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\") ;;\n", space + 1);
    } else {
        for (int i = 0; i < 2; i++) {
            fprintf(stream, "        %d) ", i + 1);
            put_bash_reply(stream, command->words[i]);
            fputs(" ;;\n", stream);
        }
        fputs("        *) ", stream);
        put_bash_reply(stream, command->words[2]);
        fputs(" ;;\n", stream);
    }
    fputs("        esac\n        ;;\n", stream);
}

/* Others choose rooms' names, and `compgen -W` runs what `$(…)` it finds in its words: names are compared as they are, and
 * quoted for the command line, which readline alone does not do with each. */
static void put_bash_rooms(FILE *stream)
{
    fprintf(stream, "_privity_rooms() {\n    local room word\n    COMPREPLY=()\n    compopt +o filenames 2>/dev/null\n"
                    "    while IFS= read -r room; do\n        printf -v word %%q \"$room\"\n"
                    "        [[ $room == \"$cur\"* || $word == \"$cur\"* ]] && COMPREPLY+=(\"$word\")\n    done < <(%s)\n}\n", rooms_call);
}

static void put_bash(FILE *stream)
{
    fputs("# bash completion for privity\n", stream);
    put_bash_rooms(stream);
    fputs("_privity() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} options=''\n"
          "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        mapfile -t COMPREPLY < <(compgen -W '",
          stream);
    put_first_words(stream);
    fputs("' -- \"$cur\")\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n", stream);
    for (size_t i = 0; i < pv_command_count; i++) put_bash_command(stream, &pv_commands[i]);
    fputs("    esac\n    if [[ $cur == -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n    fi\n}\n"
          "complete -o filenames -F _privity privity\n",
          stream);
}

/* ---- zsh */

/* In single quotes, with what _arguments reads as its own escaped. */
static void put_zsh_text(FILE *stream, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stream);
        else {
            if (strchr(":[]\\", *text)) fputc('\\', stream);
            fputc(*text, stream);
        }
    }
}

static const char *zsh_action(enum pv_complete what)
{
    switch (what) {
    case PV_COMPLETE_ROOM: return "_privity_rooms";
    case PV_COMPLETE_FILE: return "_files";
    case PV_COMPLETE_DIRECTORY: return "_files -/";
    case PV_COMPLETE_ROLE: return "(owner editor viewer)";
    case PV_COMPLETE_NONE: break;
    }
    return " ";
}

static void put_zsh_options(FILE *stream, const struct pv_option *options)
{
    for (; options && options->name; options++) {
        fprintf(stream, " \\\n            '%s--%s[", options->many ? "*" : "", options->name);
        put_zsh_text(stream, options->help);
        fputc(']', stream);
        if (options->arg) {
            fputc(':', stream);
            put_zsh_text(stream, options->arg);
            fprintf(stream, ":%s", zsh_action(options->complete));
        }
        fputc('\'', stream);
    }
}

static void put_zsh_command(FILE *stream, const struct pv_command *command)
{
    const char *space = strchr(command->name, ' ');
    fprintf(stream, "    %.*s)\n        _arguments -s", (int)strcspn(command->name, " "), command->name);
    put_zsh_options(stream, command->options);
    put_zsh_options(stream, pv_common_options);
    if (space)
        fprintf(stream, " \\\n            '1:what:(%s)'", space + 1);
    else
        for (int i = 0; i < 3 && command->max_words > 0; i++)
            fprintf(stream, " \\\n            '%c: :%s'", "12*"[i], zsh_action(command->words[i]));
    fputs("\n        ;;\n", stream);
}

static void put_zsh(FILE *stream)
{
    fprintf(stream,
            "#compdef privity\n_privity_rooms() {\n    local -a rooms\n    rooms=(${(f)\"$(%s)\"})\n    compadd -a rooms\n}\n"
            "_privity() {\n    local -a commands\n    commands=(\n",
            rooms_call);
    for (size_t i = 0; i < pv_command_count; i++) {
        fprintf(stream, "        '%.*s:", (int)strcspn(pv_commands[i].name, " "), pv_commands[i].name);
        put_zsh_text(stream, pv_commands[i].summary);
        fputs("'\n", stream);
    }
    fputs("    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n    fi\n"
          "    shift words\n    ((CURRENT--))\n    case $words[1] in\n",
          stream);
    for (size_t i = 0; i < pv_command_count; i++) put_zsh_command(stream, &pv_commands[i]);
    fputs("    esac\n}\n_privity \"$@\"\n", stream);
}

/* ---- fish */

static void put_fish_text(FILE *stream, const char *text)
{
    for (; *text; text++) {
        if (strchr("'\\", *text)) fputc('\\', stream);
        fputc(*text, stream);
    }
}

static void put_fish_action(FILE *stream, enum pv_complete what)
{
    switch (what) {
    case PV_COMPLETE_ROOM: fputs(" -f -a '(__privity_rooms)'", stream); break;
    case PV_COMPLETE_FILE: fputs(" -F", stream); break;
    case PV_COMPLETE_DIRECTORY: fputs(" -f -a '(__fish_complete_directories)'", stream); break;
    case PV_COMPLETE_ROLE: fputs(" -f -a 'owner editor viewer'", stream); break;
    case PV_COMPLETE_NONE: break;
    }
}

static void put_fish_options(FILE *stream, const char *condition, const struct pv_option *options)
{
    for (; options && options->name; options++) {
        fprintf(stream, "complete -c privity%s -l %s", condition, options->name);
        if (options->letter) fprintf(stream, " -s %c", options->letter);
        if (options->arg) {
            fputs(" -r", stream);
            put_fish_action(stream, options->complete);
        }
        fputs(" -d '", stream);
        put_fish_text(stream, options->help);
        fputs("'\n", stream);
    }
}

static void put_fish(FILE *stream)
{
    fprintf(stream, "# fish completion for privity\nfunction __privity_rooms\n    env %s\nend\ncomplete -c privity -f\n", rooms_call);
    put_fish_options(stream, "", pv_common_options);
    for (size_t i = 0; i < pv_command_count; i++) {
        const struct pv_command *command = &pv_commands[i];
        char condition[96];
        int n = (int)strcspn(command->name, " ");
        fprintf(stream, "complete -c privity -n __fish_use_subcommand -a %.*s -d '", n, command->name);
        put_fish_text(stream, command->summary);
        fputs("'\n", stream);
        snprintf(condition, sizeof condition, " -n '__fish_seen_subcommand_from %.*s'", n, command->name);
        put_fish_options(stream, condition, command->options);
        if (command->name[n])
            fprintf(stream, "complete -c privity%s -f -a %s\n", condition, command->name + n + 1);
        else
            for (int word = 0; word < 2; word++)
                if (command->words[word] != PV_COMPLETE_NONE && (word == 0 || command->words[word] != command->words[0])) {
                    fprintf(stream, "complete -c privity%s", condition);
                    put_fish_action(stream, command->words[word]);
                    fputc('\n', stream);
                }
    }
}

enum pv_err pv_completion_print(FILE *stream, const char *shell, struct pv_report *report)
{
    if (strcmp(shell, "bash") == 0)
        put_bash(stream);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(stream);
    else if (strcmp(shell, "fish") == 0)
        put_fish(stream);
    else
        return pv_report(report, PV_ERR_USAGE, "no completions for %s: write bash, zsh or fish", shell);
    return PV_OK;
}
