/* privityd: the command line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/completion.h"
#include "server/daemon.h"

enum { WORDS_MAX = 8, HELP_MAX = 16 * 1024 };

struct command_line {
    struct pv_config config;
    bool help, version, check;
    const char *completion; /* for which shell */
    char *words[WORDS_MAX]; /* what is no option */
    int word_count;
};

static int print_help(void)
{
    struct pv_buf text;
    static const char head[] =
        "usage: privityd [OPTION…]              serve\n"
        "       privityd [OPTION…] --check-config\n"
        "       privityd [OPTION…] admin COMMAND\n\n";
    pv_buf_init(&text, HELP_MAX);
    pv_config_help(&text);
    pv_buf_append_byte(&text, '\n');
    pv_admin_help(&text);
    printf("%s%.*s\nThe manual page is docs/man/privityd.8, after a build in build/share/man; completions are beside it.\n", head,
           (int)text.n, (const char *)text.p);
    pv_buf_release(&text);
    return 0;
}

static int wrong_usage(const char *why);

static int print_completion(const char *shell)
{
    struct pv_buf text;
    pv_buf_init(&text, HELP_MAX);
    enum pv_err err = pv_completion_put(&text, shell);
    if (!err) printf("%.*s", (int)text.n, (const char *)text.p);
    pv_buf_release(&text);
    return err ? wrong_usage("completions are for bash, zsh and fish") : 0;
}

static int wrong_usage(const char *why)
{
    fprintf(stderr, "privityd: %s; see privityd --help\n", why);
    return 2;
}

/* Take one option, "--name=value" or "--name value"; returns how many arguments it took, 0 after an error. */
static int take_option(struct command_line *line, char **argv, int left, bool files, char why[static PV_CONFIG_WHY_MAX])
{
    char name[64];
    const char *text = argv[0] + 2, *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : strlen(text);
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), text);
    bool *flag = strcmp(name, "help") == 0 ? &line->help
        : strcmp(name, "version") == 0     ? &line->version
        : strcmp(name, "json") == 0         ? &line->config.json
        : strcmp(name, "check-config") == 0 ? &line->check : NULL;
    if (flag && !equals) {
        *flag = true;
        return 1;
    }
    bool is_file = strcmp(name, "config") == 0, is_completion = strcmp(name, "completion") == 0;
    if (flag || (!is_file && !is_completion && !pv_config_knows(name))) {
        snprintf(why, PV_CONFIG_WHY_MAX, "there is no option --%s", name);
        return 0;
    }
    if (!equals && left < 2) {
        snprintf(why, PV_CONFIG_WHY_MAX, "--%s wants a value", name);
        return 0;
    }
    const char *value = equals ? equals + 1 : argv[1];
    enum pv_err err = PV_OK;
    if (is_completion) line->completion = value;
    if (is_file && files) err = pv_config_read(&line->config, value, why);
    if (!is_file && !is_completion && !files) err = pv_config_set(&line->config, name, value, why);
    return err ? 0 : equals ? 1 : 2;
}

/* Files first, so that the command line overrides them wherever it names them. */
static bool parse(struct command_line *line, int argc, char **argv, bool files, char why[static PV_CONFIG_WHY_MAX])
{
    line->word_count = 0;
    for (int i = 1; i < argc;) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (line->word_count == WORDS_MAX) {
                snprintf(why, PV_CONFIG_WHY_MAX, "too many arguments");
                return false;
            }
            line->words[line->word_count++] = argv[i++];
            continue;
        }
        int took = take_option(line, argv + i, argc - i, files, why);
        if (!took) return false;
        i += took;
    }
    return true;
}

/* What is closed would be the next file that is opened, and be written into: held by what takes nothing. */
static bool hold_standard_files(void)
{
    int fd;
    do fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* Whatever is no command serves. */
static bool is_command(const struct command_line *line)
{
    return line->help || line->completion || line->version || line->check || line->word_count;
}

static int run(struct command_line *line)
{
    char why[PV_CONFIG_WHY_MAX];
    if (line->help) return print_help();
    if (line->completion) return print_completion(line->completion);
    if (line->version) return printf("privityd %s\n", PV_SERVER_VERSION) < 0;
    if (pv_config_finish(&line->config, why)) return wrong_usage(why);
    if (pv_crypto_init()) {
        fprintf(stderr, "privityd: the system gives no randomness\n");
        return 1;
    }
    if (line->config.json && (line->check || !line->word_count)) return wrong_usage("--json goes with an admin command");
    if (line->check) return pv_check_config(&line->config);
    if (line->word_count && strcmp(line->words[0], "admin") == 0)
        return pv_admin_run(&line->config, line->word_count - 1, line->words + 1);
    return line->word_count ? wrong_usage("there is no such command") : pv_daemon_run(&line->config);
}

/* A result that nobody gets is none. */
static int end_output(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    fprintf(stderr, "privityd: the result cannot be written to standard output: %s\n",
            errno ? strerrordesc_np(errno) : pv_err_text(PV_ERR_IO));
    return status ? status : pv_err_exit_status(PV_ERR_IO);
}

int main(int argc, char **argv)
{
    char why[PV_CONFIG_WHY_MAX];
    static struct command_line line;
    if (!hold_standard_files()) return 1;
    pv_config_init(&line.config);
    if (!parse(&line, argc, argv, true, why) || !parse(&line, argc, argv, false, why)) return wrong_usage(why);
    int status = run(&line);
    return is_command(&line) ? end_output(status) : status;
}
