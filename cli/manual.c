/* The manual page, in man(7)'s language, from the table. */
#include <string.h>

#include "cli/command.h"

static void put(FILE *stream, const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", stream);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stream);
        else if (*text == '-')
            fputs("\\-", stream);
        else if (strncmp(text, "…", 3) == 0) {
            fputs("\\&...", stream);
            text += 2;
        } else
            fputc(*text, stream);
    }
}

static void put_paragraph(FILE *stream, const char *text)
{
    fputs(".PP\n", stream);
    put(stream, text);
    fputc('\n', stream);
}

static void put_options(FILE *stream, const struct pv_option *options)
{
    for (; options && options->name; options++) {
        fputs(".TP\n\\fB", stream);
        if (options->letter) fprintf(stream, "\\-%c\\fR, \\fB", options->letter);
        fputs("\\-\\-", stream);
        put(stream, options->name);
        fputs("\\fR", stream);
        if (options->arg) {
            fputs(" \\fI", stream);
            put(stream, options->arg);
            fputs("\\fR", stream);
        }
        fputc('\n', stream);
        put(stream, options->help);
        fputc('\n', stream);
    }
}

static void put_command(FILE *stream, const struct pv_command *command)
{
    fputs(".SS privity ", stream);
    put(stream, command->name);
    fputc(' ', stream);
    put(stream, command->synopsis);
    fputs("\n", stream);
    fputc(command->summary[0] - 'a' + 'A', stream);
    put(stream, command->summary + 1);
    fputs(".\n", stream);
    for (const char *const *text = command->text; text && *text; text++) put_paragraph(stream, *text);
    put_options(stream, command->options);
    if (command->json) put_paragraph(stream, "JSON:");
    for (const char *const *field = command->json; field && *field; field += 2) {
        fputs(".TP\n\\fB", stream);
        put(stream, field[0]);
        fputs("\\fR\n", stream);
        put(stream, field[1]);
        fputc('\n', stream);
    }
}

static const struct {
    const char *name, *meaning;
} statuses[] = {
    {"0", "done"},
    {"1", "failed; one line on standard error says what, why, and what to do"},
    {"2", "wrong usage"},
    {"3", "denied: role, gate or session"},
    {"4", "integrity: something does not verify; the line names it and where the evidence was saved"},
    {"5", "offline: kept on this device, will be sent"},
},
  variables[] = {
      {"PRIVITY_HOME", "where this device's data lies; default $XDG_DATA_HOME/privity, else ~/.local/share/privity"},
      {"PRIVITY_SERVER", "the server for `init`, `recover` and `device join`, where --server is not given"},
      {"PRIVITY_PASSPHRASE_FILE", "a file whose first line is the passphrase"},
      {"PRIVITY_PASSPHRASE_FD", "the number of an open file to read it from"},
      {"PRIVITY_NEW_PASSPHRASE_FILE", "for `passphrase`: a file whose first line is the new one"},
      {"PRIVITY_NEW_PASSPHRASE_FD", "for `passphrase`: the number of an open file to read it from, after the old one if that is the same file"},
      {"PRIVITY_UNLOCK_MINUTES", "how long unlocked keys stay in the kernel's keyring, 1 to 43200; default 480"},
      {"PRIVITY_NO_KEYRING", "if set, use no keyring: the passphrase is asked for each time"},
      {"PRIVITY_CA_FILE", "a file with the certificates that servers are checked against, in place of the system's; else SSL_CERT_FILE"},
      {"NO_COLOR", "if set, print without colours"},
};

void pv_manual_print(FILE *stream)
{
    fputs(".TH PRIVITY 1\n.SH NAME\nprivity \\- sealed rooms for two sides of a contract\n"
          ".SH SYNOPSIS\n.B privity\n.I command\n[\\fIoption\\fR \\&...]\n.SH DESCRIPTION\n"
          "Each client relationship is a sealed room: messages and files that the server cannot read, in a log that "
          "both sides can check.\n.PP\n"
          "A \\fIROOM\\fR is named by its name on this device or by a unique begin of its id; a \\fIMEMBER\\fR by name "
          "or begin of an id. Commands that read ask the server first, two seconds at most, and go on with what is here.\n"
          ".SH OPTIONS\n",
          stream);
    put_options(stream, pv_common_options);
    fputs(".SH COMMANDS\n", stream);
    for (size_t i = 0; i < pv_command_count; i++) put_command(stream, &pv_commands[i]);
    fputs(".SH JSON\nA list is an object with one field named by its plural. Every object has \\fBid\\fR. Times are "
          "milliseconds since 1970 UTC.\n.SH EXIT STATUS\n",
          stream);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        fprintf(stream, ".TP\n.B %s\n", statuses[i].name);
        put(stream, statuses[i].meaning);
        fputc('\n', stream);
    }
    fputs(".SH ENVIRONMENT\n", stream);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        fprintf(stream, ".TP\n.B %s\n", variables[i].name);
        put(stream, variables[i].meaning);
        fputc('\n', stream);
    }
}
