/* `privity get`: files, folders and attachments out of a room, each whole and verified before it has its name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/save.h"

/* What this command has fetched, and where it lies. */
struct fetched {
    struct pv_save_identity identity;
    char *label; /* owned; in the room */
};

struct get {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_report *report;
    const char *directory;
    uint64_t version; /* 0: the newest */
    bool force;
    struct pv_out out; /* JSON, when `json` */
    bool json;
    struct fetched *fetched;
    size_t fetched_count;
    /* the one at hand */
    struct pv_save *save;
    struct pv_bytes target; /* place below the directory */
    struct pv_buf encoded;  /* the file's entry, copied out of the query */
    uint64_t number;
    struct pv_write_ref ref;
};

static enum pv_err take_bytes(void *context, struct pv_bytes bytes)
{
    struct get *get = context;
    return pv_save_write(get->save, bytes, get->report);
}

static void put_json(struct get *get, const struct pv_file *file, struct pv_bytes local)
{
    struct pv_json *json = &get->out.json;
    pv_json_begin_object(json, NULL);
    pv_out_json_id16(json, "id", &get->ref.write_id);
    pv_json_name(json, "path", local);
    pv_json_u64(json, "size", file->size_bytes);
    if (file->has_sha256)
        pv_out_json_hash(json, "sha256", &file->sha256);
    else
        pv_json_null(json, "sha256");
    if (get->number)
        pv_json_u64(json, "version", get->number);
    else
        pv_json_null(json, "version");
    pv_json_name(json, "to", pv_bytes_of_string(get->directory));
    pv_json_end_object(json);
}

/* Names that differ in the room may be one here: control characters are underscores, and what lies in several folders is
 * put into one. No file of this command's is put in the place of another. */
static enum pv_err check_own(const struct get *get, const struct pv_save *save, const char *label)
{
    struct pv_save_identity there;
    enum pv_err err = pv_save_identity(save, &there, get->report);
    if (err == PV_ERR_NOT_FOUND) return PV_OK;
    for (size_t i = 0; err == PV_OK && i < get->fetched_count; i++) {
        const struct fetched *before = &get->fetched[i];
        if (before->identity.device == there.device && before->identity.inode == there.inode)
            err = pv_report(get->report, PV_ERR_CONFLICT, "%s and %s would both be %s here: get each for itself into another directory (-o), or rename one in the room",
                            before->label, label, save->name);
    }
    return err;
}

static enum pv_err keep_fetched(struct get *get, const struct pv_save *save, const char *label)
{
    size_t n = get->fetched_count;
    if ((n & (n - 1)) == 0) {
        struct fetched *grown = realloc(get->fetched, (n ? 2 * n : 1) * sizeof *grown);
        if (!grown) return PV_ERR_NOMEM;
        get->fetched = grown;
    }
    enum pv_err err = pv_save_identity(save, &get->fetched[n].identity, get->report);
    if (err != PV_OK) return err;
    get->fetched[n].label = strdup(label);
    if (!get->fetched[n].label) return PV_ERR_NOMEM;
    get->fetched_count++;
    return PV_OK;
}

/* `local`: the target's place as it is called here. */
static void tell_other_name(const struct get *get, struct pv_bytes local, const char *label)
{
    if (!pv_bytes_equal(get->target, local)) pv_term_line(stderr, "privity: %s is %.*s here", label, (int)local.n, (const char *)local.p);
}

static enum pv_err tell_fetched(struct get *get, const struct pv_file *file, const char *label)
{
    struct pv_buf local;
    pv_buf_init(&local, 2 * PV_LIMIT_PATH_BYTES);
    enum pv_err err = pv_save_place(get->target, &local);
    if (err == PV_OK) tell_other_name(get, pv_buf_bytes(&local), label);
    if (err == PV_OK && get->json) put_json(get, file, pv_buf_bytes(&local));
    pv_buf_wipe(&local);
    return err;
}

/* Fetch `file` to the target's place. */
static enum pv_err fetch(struct get *get, const struct pv_file *file, const char *label)
{
    struct pv_save save = {.dir_fd = -1, .fd = -1};
    struct pv_get steps = {.session = get->session, .room = get->room, .file = file, .label = label, .bytes = take_bytes, .context = get};
    struct pv_cli_progress progress;
    bool exists = false, same = false;
    enum pv_err err = pv_save_begin(get->directory, get->target, &save, get->report);

    if (err == PV_OK) err = pv_save_exists(&save, file, &exists, &same, get->report);
    if (err == PV_OK && exists && !same) err = check_own(get, &save, label);
    if (err == PV_OK && exists && !same && !get->force)
        err = pv_report(get->report, PV_ERR_CONFLICT, "%s is here already and differs: move it away, or give --force", save.name);
    if (err == PV_OK && !same) err = pv_save_fits(&save, file, get->report);
    if (err == PV_OK && !same) {
        get->save = &save;
        steps.progress = pv_cli_progress_begin(&progress, "getting");
        err = pv_transfer_get(&steps, get->report);
        pv_cli_progress_end(&progress);
        if (err == PV_OK) err = pv_save_finish(&save, file, get->session->user_umask, get->force, get->report);
    }
    if (err == PV_OK) err = keep_fetched(get, &save, label);
    pv_save_release(&save);
    return err == PV_OK ? tell_fetched(get, file, label) : err;
}

/* ---- the version asked for */

static enum pv_err take_version(void *context, const struct pv_version_row *row)
{
    struct get *get = context;
    if (get->version && row->number != get->version) return PV_OK;
    pv_buf_clear(&get->encoded);
    pv_file_put(&get->encoded, &row->file);
    get->number = row->number;
    get->ref = row->ref;
    return get->encoded.err;
}

static enum pv_err fetch_place(struct get *get, struct pv_bytes place, const char *label)
{
    struct pv_query query;
    struct pv_file file;
    struct pv_cbor in;
    enum pv_err err = pv_cli_query(get->session, get->room, &query, get->report);

    if (err != PV_OK) return err;
    pv_buf_clear(&get->encoded);
    err = pv_query_versions(&query, place, take_version, get);
    if (err != PV_OK && err != PV_ERR_NOT_FOUND) return pv_session_room_error(get->session, get->room, err, get->report);
    if (err == PV_ERR_NOT_FOUND) return pv_report(get->report, err, "%s has no file %s%s", get->room->label, label, pv_cli_forgotten(get->room));
    if (get->encoded.n == 0)
        return pv_report(get->report, PV_ERR_NOT_FOUND, "%s has no version %llu: see privity versions%s", label, (unsigned long long)get->version,
                         pv_cli_forgotten(get->room));
    pv_cbor_init(&in, pv_buf_bytes(&get->encoded));
    pv_file_get(&in, &file);
    err = pv_cbor_finish(&in);
    return err == PV_OK ? fetch(get, &file, label) : pv_session_room_error(get->session, get->room, PV_ERR_CORRUPT, get->report);
}

/* ---- attachments: all of a message, which is named by its id */

static enum pv_err take_attachments(void *context, const struct pv_message *message)
{
    struct pv_buf *encoded = context;
    pv_buf_append(encoded, message->attachments.encoded.p, message->attachments.encoded.n);
    return encoded->err;
}

static enum pv_err fetch_attachments(struct get *get, const char *id)
{
    struct pv_query query;
    struct pv_cbor in;
    struct pv_buf list;
    enum pv_err err = pv_cli_query(get->session, get->room, &query, get->report);

    if (err != PV_OK) return err;
    pv_buf_init(&list, PV_LIMIT_PAYLOAD_BYTES);
    err = pv_cli_message_find(&query, id, take_attachments, &list);
    if (err == PV_ERR_CONFLICT) {
        pv_buf_wipe(&list);
        return pv_report(get->report, PV_ERR_USAGE, "%s is the begin of several messages' ids: give all of it, as privity read --json shows it", id);
    }
    pv_cbor_init(&in, pv_buf_bytes(&list));
    if (err == PV_OK && list.n == 0) err = PV_ERR_NOT_FOUND;
    while (err == PV_OK && in.p < in.end) {
        struct pv_file file;
        struct pv_buf name;
        pv_buf_init(&name, 2 * PV_LIMIT_PATH_BYTES);
        pv_file_get(&in, &file);
        if (in.err != PV_OK) break;
        pv_path_put_text(&name, &file.path);
        get->target = pv_cli_last_name(pv_buf_bytes(&name));
        get->number = 0;
        pv_buf_append_byte(&name, '\0');
        err = name.err ? name.err : fetch(get, &file, (const char *)get->target.p);
        pv_buf_wipe(&name);
    }
    pv_buf_wipe(&list);
    return err;
}

static enum pv_err has_attachments(void *context, const struct pv_message *message)
{
    *(bool *)context = message->attachments.count > 0;
    return PV_OK;
}

/* Whoever puts files could put one by the name of another's message, and have it fetched in place of what came with that. */
static enum pv_err check_one_meaning(struct get *get, const char *word)
{
    bool attached = false;
    struct pv_query query;
    enum pv_err err = pv_cli_query(get->session, get->room, &query, get->report), found;

    if (err != PV_OK) return err;
    found = pv_cli_message_find(&query, word, has_attachments, &attached);
    if (found != PV_ERR_CONFLICT && !attached) return PV_OK;
    return pv_report(get->report, PV_ERR_USAGE, "%s is a file or folder and a message's id, too: for the file write /%s, for the message more of its id, as "
                     "privity read --json shows it", word, word);
}

/* ---- places */

static enum pv_err get_word(struct get *get, const char *word)
{
    struct pv_cli_files files = {NULL, 0};
    struct pv_bytes place_bytes;
    struct pv_buf place;
    bool is_folder = false;
    enum pv_err err;

    pv_buf_init(&place, 2 * PV_LIMIT_PATH_BYTES);
    err = pv_cli_place(word, true, &place, get->report);
    if (err != PV_OK) goto out;
    place_bytes = pv_buf_bytes(&place);
    err = pv_cli_files_at(get->session, get->room, place_bytes, &is_folder, &files, get->report);
    if (err == PV_OK) err = check_one_meaning(get, word);
    if (err == PV_ERR_NOT_FOUND && get->version && place.n) {
        /* a file that was removed still has its versions */
        get->target = pv_cli_last_name(place_bytes);
        err = fetch_place(get, place_bytes, word);
    } else if (err == PV_ERR_NOT_FOUND) {
        struct pv_report said = *get->report;
        enum pv_err attached = fetch_attachments(get, word);
        if (attached == PV_ERR_NOT_FOUND || attached == PV_ERR_MALFORMED)
            *get->report = said;
        else
            err = attached;
    }
    if (err == PV_OK && is_folder && files.count > 0 && get->version)
        err = pv_report(get->report, PV_ERR_USAGE, "%s is a folder: --version is for one file", word);
    for (size_t i = 0; err == PV_OK && i < files.count; i++) {
        struct pv_bytes path = pv_bytes_of_string(files.files[i].path), kept = pv_cli_last_name(place_bytes);
        size_t skip = is_folder ? place.n - kept.n : path.n - pv_cli_last_name(path).n;
        get->target = pv_bytes(path.p + skip, path.n - skip);
        err = fetch_place(get, path, files.files[i].path);
    }
out:
    pv_cli_files_release(&files);
    pv_buf_wipe(&place);
    return err;
}

static enum pv_err make_directory(const char *directory, struct pv_report *report)
{
    if (mkdir(directory, 0777) == 0 || errno == EEXIST) return PV_OK;
    return pv_report(report, PV_ERR_IO, "cannot make %s: %s", directory, strerror(errno));
}

enum pv_err pv_cmd_get(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    const char *output = pv_args_get(args, "output");
    struct get get = {.session = session, .report = report, .directory = output ? output : ".",
                      .force = pv_args_get(args, "force") != NULL, .json = args->json};
    enum pv_err err = pv_args_number(args, "version", PV_LIMIT_N, 0, &get.version, report);
    mode_t ours;

    pv_buf_init(&get.encoded, PV_LIMIT_PAYLOAD_BYTES);
    if (err == PV_OK && get.version == 0 && pv_args_get(args, "version"))
        err = pv_report(report, PV_ERR_USAGE, "--version 0: versions count from 1");
    session->quiet = true;
    if (err == PV_OK) err = pv_cli_room_fetched(session, args->words[0], &get.room, report);
    ours = umask((mode_t)session->user_umask); /* what is fetched is the user's own */
    if (err == PV_OK && output) err = make_directory(output, report);
    if (args->json) {
        pv_out_begin(&get.out);
        pv_json_begin_array(&get.out.json, "files");
    }
    for (size_t i = 1; err == PV_OK && i < args->word_count; i++) err = get_word(&get, args->words[i]);
    umask(ours);
    if (args->json) {
        pv_json_end_array(&get.out.json);
        if (err == PV_OK) err = pv_out_end(&get.out, report);
        else pv_buf_wipe(&get.out.text);
    } else if (err == PV_OK && pv_out_is_terminal()) {
        pv_term_line(stdout, "%zu fetched to %s", get.fetched_count, strcmp(get.directory, ".") == 0 ? "this folder" : get.directory);
    }
    for (size_t i = 0; i < get.fetched_count; i++) free(get.fetched[i].label);
    free(get.fetched);
    pv_buf_wipe(&get.encoded);
    return err;
}
