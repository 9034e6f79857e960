/* Completions for bash, zsh and fish. */
#include "server/completion.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/daemon.h"

__attribute__((format(printf, 2, 3))) static void put(struct pv_buf *text, const char *format, ...)
{
    char part[512];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(part, sizeof part, format, ap);
    va_end(ap);
    if (n > 0) pv_buf_append(text, part, (size_t)n < sizeof part ? (size_t)n : sizeof part - 1);
}

/* Inside single quotes of the shell; `special` are escaped besides. */
static void put_quoted(struct pv_buf *text, const char *said, const char *quote, const char *special)
{
    for (; *said; said++) {
        if (*said == '\'') {
            put(text, "%s", quote);
            continue;
        }
        if (strchr(special, *said)) pv_buf_append_byte(text, '\\');
        pv_buf_append_byte(text, (uint8_t)*said);
    }
}

static void put_words(struct pv_buf *text, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) put(text, "%s%s", i ? " " : "", words[i]);
}

static void put_commands(struct pv_buf *text)
{
    const char *name, *help;
    for (size_t i = 0; pv_admin_command(i, &name, &help); i++) put(text, "%s%s", i ? " " : "", name);
}

/* ---- bash */

static void put_bash(struct pv_buf *text)
{
    struct pv_config_option option;
    put(text, "# bash completion for privityd\n_privityd() {\n"
              "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n    COMPREPLY=()\n"
              "    case $prev in\n");
    for (size_t i = 0; pv_config_option(i, &option); i++) {
        if (!option.argument) continue;
        put(text, "    --%s) ", option.name);
        if (option.words) {
            put(text, "mapfile -t COMPREPLY < <(compgen -W '");
            put_words(text, option.words);
            put(text, "' -- \"$cur\"); ");
        } else if (option.is_file || option.is_dir) {
            put(text, "mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\"); ", option.is_dir ? 'd' : 'f');
        }
        put(text, "return ;;\n");
    }
    put(text, "    admin) mapfile -t COMPREPLY < <(compgen -W '");
    put_commands(text);
    put(text, "' -- \"$cur\"); return ;;\n    esac\n    mapfile -t COMPREPLY < <(compgen -W 'admin");
    for (size_t i = 0; pv_config_option(i, &option); i++) put(text, " --%s", option.name);
    put(text, "' -- \"$cur\")\n}\ncomplete -o filenames -F _privityd privityd\n");
}

/* ---- zsh */

static void put_zsh(struct pv_buf *text)
{
    struct pv_config_option option;
    const char *name, *help;
    put(text, "#compdef privityd\n_privityd_words() {\n    local -a commands\n    if [[ $words[CURRENT-1] == admin ]]; then\n"
              "        commands=(\n");
    for (size_t i = 0; pv_admin_command(i, &name, &help); i++) {
        put(text, "            '%s:", name);
        put_quoted(text, help, "'\\''", ":\\");
        put(text, "'\n");
    }
    put(text, "        )\n    else\n        commands=('admin:what the operator does beside a running server')\n    fi\n"
              "    _describe command commands\n}\n_arguments");
    for (size_t i = 0; pv_config_option(i, &option); i++) {
        put(text, " \\\n    '*--%s[", option.name);
        put_quoted(text, option.help, "'\\''", ":[]\\");
        put(text, "]");
        if (option.argument) {
            put(text, ":");
            put_quoted(text, option.argument, "'\\''", ":[]\\");
            put(text, ":");
            if (option.words) {
                put(text, "(");
                put_words(text, option.words);
                put(text, ")");
            } else {
                put(text, "%s", option.is_dir ? "_files -/" : option.is_file ? "_files" : " ");
            }
        }
        put(text, "'");
    }
    put(text, " \\\n    '*::: :_privityd_words'\n");
}

/* ---- fish */

static void put_fish(struct pv_buf *text)
{
    struct pv_config_option option;
    const char *name, *help;
    put(text, "# fish completion for privityd\ncomplete -c privityd -f\n");
    for (size_t i = 0; pv_config_option(i, &option); i++) {
        put(text, "complete -c privityd -l %s", option.name);
        if (option.argument) put(text, " -r");
        if (option.words) {
            put(text, " -a '");
            put_words(text, option.words);
            put(text, "'");
        } else if (option.argument) {
            put(text, "%s", option.is_dir ? " -a '(__fish_complete_directories)'" : option.is_file ? " -F" : "");
        }
        put(text, " -d '");
        put_quoted(text, option.help, "\\'", "\\");
        put(text, "'\n");
    }
    put(text, "complete -c privityd -n __fish_use_subcommand -a admin -d 'what the operator does beside a running server'\n");
    for (size_t i = 0; pv_admin_command(i, &name, &help); i++) {
        put(text, "complete -c privityd -n '__fish_seen_subcommand_from admin' -a %s -d '", name);
        put_quoted(text, help, "\\'", "\\");
        put(text, "'\n");
    }
}

enum pv_err pv_completion_put(struct pv_buf *text, const char *shell)
{
    if (strcmp(shell, "bash") == 0) put_bash(text);
    else if (strcmp(shell, "zsh") == 0) put_zsh(text);
    else if (strcmp(shell, "fish") == 0) put_fish(text);
    else return PV_ERR_USAGE;
    return text->err;
}
