/* Command lines: read as the table says, or refused with a line that says why. */
#include "cli/command.h"
#include "tests/tap.h"

static struct pv_args args;
static struct pv_report report;

/* `line` is split at blanks. */
static enum pv_err parse(const char *line)
{
    static char text[512];
    static char *argv[64];
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    argv[0] = text;
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
    argv[argc] = NULL;
    report = (struct pv_report){.err = PV_OK};
    return pv_args_parse(argc, argv, &args, &report);
}

static void refused(const char *line, const char *part)
{
    bool good = parse(line) == PV_ERR_USAGE && strstr(report.text, part) != NULL;
    tap_ok(good, "\"%s\" is refused: %s", line, part);
    if (!good) tap_note("said: %s", report.text);
}

static void test_table(void)
{
    bool good = true;
    for (size_t i = 0; i < pv_command_count; i++) {
        const struct pv_command *command = &pv_commands[i];
        good = good && command->name && command->synopsis && command->summary && command->run &&
               command->min_words <= command->max_words;
        for (const struct pv_option *a = command->options; a && a->name; a++) {
            good = good && a->help;
            for (const struct pv_option *b = pv_common_options; b->name; b++) good = good && strcmp(a->name, b->name) != 0;
        }
    }
    tap_ok(good, "every command of the table is whole, and none shadows a common option");
}

int main(void)
{
    test_table();
    tap_is_int(parse("say acme hello"), PV_OK, "a command with words");
    tap_is_str(args.command->name, "say", "is found");
    tap_is_int((long long)args.word_count, 2, "its words are counted");
    tap_is_int(parse("room new acme --as Ada"), PV_OK, "a command of two words");
    tap_is_str(args.command->name, "room new", "is found");
    tap_is_str(args.words[0], "acme", "with what follows");
    tap_is_str(pv_args_get(&args, "as"), "Ada", "and its option");
    tap_is_int(parse("ls -lR acme"), PV_OK, "letters together");
    tap_ok(pv_args_get(&args, "long") && pv_args_get(&args, "recursive"), "are both taken");
    tap_is_int(parse("get acme a b -o/tmp --version=2 --json"), PV_OK, "attached values");
    tap_is_str(pv_args_get(&args, "output"), "/tmp", "of a letter");
    tap_is_str(pv_args_get(&args, "version"), "2", "of a name");
    tap_ok(args.json, "and a common option");
    tap_is_int(parse("--offline read acme"), PV_OK, "common options before the command");
    tap_ok(args.offline && strcmp(args.command->name, "read") == 0, "are taken");
    tap_is_int(parse("say acme hello --attach a b --reply 12ab c"), PV_ERR_USAGE, "one value a plain option: c is a word too many");
    tap_is_int(parse("say acme hello --attach a b --reply 12ab"), PV_OK, "an option that takes many");
    tap_is_str(pv_args_get_nth(&args, "attach", 1), "b", "has them all");
    tap_ok(!pv_args_get_nth(&args, "attach", 2), "and no more");
    tap_is_int(parse("say acme -- --json"), PV_OK, "after -- all are words");
    tap_ok(!args.json && strcmp(args.words[1], "--json") == 0, "even what looks like an option");
    tap_is_int(parse("join -"), PV_OK, "a dash is a word");
    tap_is_int(parse("read --help"), PV_OK, "help needs no words");
    tap_is_int(parse("read acme --limit 5"), PV_OK, "a number");
    uint64_t number = 0;
    tap_is_int(pv_args_number(&args, "limit", 10, 1, &number, &report), PV_OK, "is read");
    tap_is_int((long long)number, 5, "as it is");
    tap_is_int(pv_args_number(&args, "limit", 4, 1, &number, &report), PV_ERR_USAGE, "over its maximum it is refused");
    refused("agreement list", "unknown command");
    refused("room", "unknown command room; there is room new: see privity room new --help");
    refused("room old acme", "unknown command room old; there is room new: see privity room new --help");
    tap_is_int(parse("room --help"), PV_OK, "help on half a command");
    tap_ok(args.help && strcmp(args.command->name, "room new") == 0, "is that of the whole");
    refused("read", "privity read ROOM");
    refused("read acme acme", "too many words");
    refused("read acme --nope", "unknown option --nope");
    refused("read acme -z", "unknown option -z");
    refused("read acme --limit", "--limit needs a value");
    refused("read acme --follow=1", "takes no value");
    refused("invite acme --role --", "--role needs a value");
    return tap_done();
}
