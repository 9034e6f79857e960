/* `privityd admin …`: what the operator does beside a running server, on the same stores. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/base/base64.h"
#include "core/base/json.h"
#include "server/backup.h"
#include "server/daemon.h"
#include "server/data.h"
#include "server/gc.h"
#include "server/process.h"
#include "server/session_cache.h"

enum { JSON_MAX = 256 * 1024 * 1024, HELP_BYTES_MAX = 4096 }; /* of accounts, 150 bytes each */

struct command {
    const char *name, *argument, *help;
    int (*run)(struct pv_server *server, const char *argument, bool json);
    /* Instead: works on files, may take a second argument, and has the stores open only if it reads them. */
    int (*run_files)(struct pv_server *server, const struct pv_config *config, const char *dir, const char *key_file);
    bool opens_none;
    bool makes_data; /* begins the data directory, where there is none */
};

static int fail(const char *what, enum pv_err err)
{
    fprintf(stderr, "privityd: %s: %s\n", what, pv_err_text(err));
    return pv_err_exit_status(err);
}

/* The object that was begun, as a line on standard output. */
static int end_json(struct pv_json *json)
{
    struct pv_buf *text = json->out;
    pv_json_end_object(json);
    enum pv_err err = text->err;
    if (!err) printf("%.*s\n", (int)text->n, (const char *)text->p);
    pv_buf_wipe(text);
    return err ? fail("nothing can be printed", err) : 0;
}

static void begin_json(struct pv_json *json, struct pv_buf *text)
{
    pv_buf_init(text, JSON_MAX);
    pv_json_init(json, text);
    pv_json_begin_object(json, NULL);
}

int pv_admin_print_counts(const struct pv_admin_count *counts, size_t n)
{
    struct pv_buf text;
    struct pv_json json;
    begin_json(&json, &text);
    for (size_t i = 0; i < n; i++) pv_json_u64(&json, counts[i].name, counts[i].value);
    return end_json(&json);
}

static int run_invite(struct pv_server *server, const char *argument, bool as_json)
{
    uint8_t code[32];
    struct pv_hash hash;
    struct pv_buf text;
    struct pv_json json;
    (void)argument;
    pv_random_fill(&server->random, code, sizeof code);
    pv_secret_hash("code", code, &hash);
    uint64_t expires_ms = pv_server_now_ms(server) + PV_CODE_MS;
    int status = 0;
    enum pv_err err = server->meta->ops->code_put(server->meta, &hash, expires_ms);
    if (!err && as_json) {
        begin_json(&json, &text);
        pv_json_base64url(&json, "code", pv_bytes(code, sizeof code));
        pv_json_u64(&json, "expires", expires_ms);
        status = end_json(&json);
    } else if (!err) {
        pv_buf_init(&text, 64);
        pv_base64_put(&text, PV_BASE64_URL, pv_bytes(code, sizeof code));
        printf("%.*s\n", (int)text.n, (const char *)text.p);
        pv_buf_wipe(&text);
    }
    pv_wipe(code, sizeof code);
    return err ? fail("no code was made", err) : status;
}

static enum pv_err print_account(void *context, const struct pv_meta_account *account)
{
    char person[65], day[16];
    struct tm utc;
    time_t created = (time_t)(account->created_ms / 1000);
    struct pv_json *json = context;
    if (json) {
        pv_json_begin_object(json, NULL);
        pv_json_hex(json, "id", PV_BYTES_OF(account->person));
        pv_json_u64(json, "created", account->created_ms);
        pv_json_u64(json, "bytes_lately", account->bytes);
        pv_json_bool(json, "suspended", account->suspended);
        pv_json_end_object(json);
        return json->out->err;
    }
    pv_hex_encode(account->person.b, sizeof account->person.b, person);
    gmtime_r(&created, &utc);
    strftime(day, sizeof day, "%Y-%m-%d", &utc);
    printf("%s  since %s  %llu bytes lately%s\n", person, day, (unsigned long long)account->bytes,
           account->suspended ? "  suspended" : "");
    return PV_OK;
}

static int run_accounts(struct pv_server *server, const char *argument, bool as_json)
{
    struct pv_buf text;
    struct pv_json json;
    (void)argument;
    if (as_json) {
        begin_json(&json, &text);
        pv_json_begin_array(&json, "accounts");
    }
    enum pv_err err = server->meta->ops->accounts(server->meta, print_account, as_json ? &json : NULL);
    if (!as_json) return err ? fail("the accounts cannot be read", err) : 0;
    if (err) {
        pv_buf_release(&text);
        return fail("the accounts cannot be read", err);
    }
    pv_json_end_array(&json);
    return end_json(&json);
}

struct search {
    const char *prefix;
    struct pv_hash found;
    unsigned count;
};

static enum pv_err match_account(void *context, const struct pv_meta_account *account)
{
    struct search *search = context;
    char person[65];
    pv_hex_encode(account->person.b, sizeof account->person.b, person);
    if (strncmp(person, search->prefix, strlen(search->prefix)) != 0) return PV_OK;
    search->found = account->person;
    search->count++;
    return PV_OK;
}

static int run_suspend(struct pv_server *server, const char *argument, bool as_json)
{
    struct pv_buf text;
    struct pv_json json;
    struct search search = {.prefix = argument};
    enum pv_err err = server->meta->ops->accounts(server->meta, match_account, &search);
    if (err) return fail("the accounts cannot be read", err);
    if (search.count != 1) {
        fprintf(stderr, "privityd: %s account's id begins with %s\n", search.count ? "more than one" : "no", argument);
        return 1;
    }
    err = server->meta->ops->suspend(server->meta, &search.found, true);
    if (err) return fail("the account was not suspended", err);
    /* Beside a running server, which knows a session for so long: it holds once this command has ended. */
    nanosleep(&(struct timespec){PV_SESSION_CACHE_MS / 1000, PV_SESSION_CACHE_MS % 1000 * 1000000}, NULL);
    PV_LOG(PV_LOG_INFO, "account suspended", PV_LOG_TEXT("person", pv_log_id(search.found.b).text));
    if (!as_json) return 0;
    begin_json(&json, &text);
    pv_json_hex(&json, "id", PV_BYTES_OF(search.found));
    pv_json_bool(&json, "suspended", true);
    return end_json(&json);
}

static int run_stats(struct pv_server *server, const char *argument, bool as_json)
{
    struct pv_meta_stats stats;
    (void)argument;
    enum pv_err err = server->meta->ops->stats(server->meta, &stats);
    if (err) return fail("the store cannot be read", err);
    const struct pv_admin_count rows[] = {
        {"accounts", stats.accounts}, {"rooms", stats.rooms}, {"entries", stats.entries},
        {"devices", stats.devices},   {"blobs", stats.blobs}, {"blob_bytes", stats.blob_bytes},
        {"gates", stats.gates},       {"sessions", stats.sessions}, {"store_bytes", stats.store_bytes}};
    if (as_json) return pv_admin_print_counts(rows, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("%-12s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
    return 0;
}

static int run_gc(struct pv_server *server, const char *argument, bool as_json)
{
    struct pv_gc_result result;
    (void)argument;
    enum pv_err err = pv_gc(server, &result);
    if (err) return fail("collecting stopped early", err);
    const struct pv_admin_count counts[] = {{"blobs", result.collected}, {"stray_files", result.swept}};
    if (as_json) return pv_admin_print_counts(counts, 2);
    printf("%llu blobs that nothing refers to, %llu stray files\n", (unsigned long long)result.collected,
           (unsigned long long)result.swept);
    return 0;
}

static int run_verify_backup(struct pv_server *server, const struct pv_config *config, const char *dir, const char *key_file)
{
    (void)server;
    (void)key_file;
    return pv_backup_verify(dir, config->json);
}

static const struct command commands[] = {
    {.name = "invite", .help = "print a code with which one person may register, good for a week", .run = run_invite},
    {.name = "accounts", .help = "list the accounts", .run = run_accounts},
    {.name = "suspend", .argument = "ID", .help = "end an account's sessions and let it open no more", .run = run_suspend},
    {.name = "stats", .help = "count what the stores hold", .run = run_stats},
    {.name = "gc", .help = "remove blobs that nothing has referred to for seven days", .run = run_gc},
    {.name = "backup", .argument = "DIR [KEYFILE]", .run_files = pv_backup_take,
     .help = "bring a backup up to date, beside a running server; KEYFILE takes the log key"},
    {.name = "verify-backup", .argument = "DIR", .help = "read a backup and see that it is whole", .run_files = run_verify_backup,
     .opens_none = true},
    {.name = "restore", .argument = "DIR [KEYFILE]", .run_files = pv_backup_restore, .opens_none = true, .makes_data = true,
     .help = "put a backup back where no metadata is"},
    {.name = "restore-meta", .argument = "DIR [KEYFILE]", .run_files = pv_backup_restore_meta, .opens_none = true, .makes_data = true,
     .help = "the same beside the blob store that served last, which knows how far rooms had come"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

bool pv_admin_command(size_t i, const char **ret_name, const char **ret_help)
{
    if (i >= COMMANDS) return false;
    *ret_name = commands[i].name;
    *ret_help = commands[i].help;
    return true;
}

void pv_admin_help(struct pv_buf *text)
{
    char line[160];
    for (size_t i = 0; i < COMMANDS; i++) {
        int n = snprintf(line, sizeof line, "  admin %-13s %-13s %s\n", commands[i].name,
                         commands[i].argument ? commands[i].argument : "", commands[i].help);
        if (n > 0) pv_buf_append(text, line, (size_t)n);
    }
}

/* A store that stands. Where there is none, a command would make an empty one: its counts and codes would be of no
 * server, and it would stand in a restore's way. What cannot be seen is for the opening to name. */
static enum pv_err find_stores(const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    const char *const paths[] = {config->data, config->meta + strlen("sqlite:"), config->blobs + strlen("fs:")};
    static const char *const names[] = {"data directory", "metadata store", "blob store"};
    static const char *const advice[] = {
        "is --data right? admin restore puts a backup back, and a server that is started makes an empty one",
        "are --data and --meta right? admin restore puts a backup back, and a server that is started makes an empty one",
        "is it mounted, and --blobs right? a server that is started makes an empty one"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct stat status;
        bool there = stat(paths[i], &status) == 0;
        if (there ? !S_ISREG(status.st_mode) || status.st_size > 0 : errno != ENOENT) continue;
        snprintf(why, PV_CONFIG_WHY_MAX, "there is no %s at %.512s: %s", names[i], paths[i], advice[i]);
        return PV_ERR_NOT_FOUND;
    }
    return PV_OK;
}

int pv_admin_run(const struct pv_config *config, int argc, char **argv)
{
    char why[PV_CONFIG_WHY_MAX];
    struct pv_server server;
    const struct command *command = NULL;
    for (size_t i = 0; i < COMMANDS && argc > 0; i++)
        if (strcmp(commands[i].name, argv[0]) == 0) command = &commands[i];
    if (argc == 0) {
        struct pv_buf text;
        pv_buf_init(&text, HELP_BYTES_MAX);
        pv_admin_help(&text);
        fprintf(stderr, "privityd: admin needs a command:\n%.*s", (int)text.n, (const char *)text.p);
        pv_buf_release(&text);
        return 2;
    }
    int least = command && command->argument ? 2 : 1, most = command && command->argument && strchr(command->argument, '[') ? 3 : least;
    if (!command || argc < least || argc > most) {
        if (command && command->argument)
            fprintf(stderr, "privityd: usage: privityd [OPTION…] admin %s %s\n", command->name, command->argument);
        else if (command)
            fprintf(stderr, "privityd: admin %s takes no argument; see privityd --help\n", command->name);
        else
            fprintf(stderr, "privityd: there is no command admin %s; see privityd --help\n", argv[0]);
        return 2;
    }
    pv_daemon_init(&server);
    struct pv_user user;
    pv_process_harden();
    enum pv_err err = pv_user_find(config, &user, why);
    /* Under a directory that is root's, as the server does it. Where we stay who we are, restoring makes it, later. */
    if (!err && command->makes_data && user.is_named) err = pv_user_make_dir(&user, config->data, why);
    if (!err) err = pv_user_become(&user, why); /* what it writes is the server's to read */
    if (!err && !command->opens_none) err = find_stores(config, why);
    if (!err && !command->opens_none) err = pv_data_open(config->data, why);
    if (!err && !command->opens_none) err = pv_daemon_open_stores(&server, config, why);
    if (err) {
        fprintf(stderr, "privityd: %s\n", why);
        return 1;
    }
    int status = command->run ? command->run(&server, argc > 1 ? argv[1] : NULL, config->json)
                              : command->run_files(&server, config, argv[1], argc > 2 ? argv[2] : NULL);
    pv_daemon_close_stores(&server);
    return status;
}
