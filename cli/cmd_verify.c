/* `privity verify`: the whole room once more, from nothing.
 *
 * A second, empty state in memory fetches the log from the server and goes through every check that a new device
 * would make: hashes, tree, checkpoints, author chains, signatures, verdicts, keys. Then what this device holds is
 * compared with it entry by entry, and every file and attachment is fetched and opened. */
#include <stdlib.h>
#include <string.h>

#include "cli/files.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/regain.h"
#include "cli/term.h"
#include "client/system.h"

enum { EXIST_BATCH = 1024, ENTRY_MEMORY = 1 << 20, FAULTS_NAMED = 20 };

struct verify {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_report *report;
    struct pv_open_room fresh; /* in memory */
    struct pv_cli_progress progress;
    struct pv_buf names;       /* blobs to ask for, 16 bytes each */
    uint64_t first_index;      /* of the entry that names the first of them */
    uint64_t entries, files, blobs, bytes, forgotten;
    struct pv_hash root;
    struct pv_report *faults;  /* FAULTS_NAMED of them, of fault_count that were found */
    size_t fault_count;
    bool lost_told;            /* what the server lost was named by files and versions */
};

/* What does not verify is noted, and the look goes on: whoever finds one fault wants to know all. */
static enum pv_err note(struct verify *verify, enum pv_err err)
{
    if (pv_err_exit_status(err) != 4 && err != PV_ERR_NO_KEY) return err;
    if (verify->report->err != err) return err;
    if (verify->fault_count < FAULTS_NAMED) verify->faults[verify->fault_count] = *verify->report;
    verify->fault_count++;
    *verify->report = (struct pv_report){.err = PV_OK};
    return PV_OK;
}

static enum pv_err open_fresh(struct verify *verify)
{
    struct pv_open_room *fresh = &verify->fresh;
    struct pv_room_options options = {.me = &verify->session->me, .random = &pv_system_random, .room_id = verify->room->id,
                                      .pin = pv_room_pin(verify->room->room)};
    enum pv_err err;

    fresh->id = verify->room->id;
    fresh->server = verify->room->server;
    snprintf(fresh->label, sizeof fresh->label, "%s", verify->room->label);
    if (sqlite3_open(":memory:", &fresh->db) != SQLITE_OK) return PV_ERR_NOMEM;
    err = pv_store_open(fresh->db, &fresh->store);
    if (err != PV_OK) return err;
    options.store = fresh->store;
    options.person_room = verify->session->person->room;
    return pv_room_open(&options, &fresh->room);
}

static void close_fresh(struct verify *verify)
{
    pv_room_close(verify->fresh.room);
    pv_store_close(verify->fresh.store);
    sqlite3_close(verify->fresh.db);
}

/* ---- this device's entries against the fresh ones */

static enum pv_err compare_entry(void *context, const struct pv_stored_entry *fresh)
{
    struct verify *verify = context;
    struct pv_stored_entry held;
    struct pv_buf memory;
    const char *what = NULL;
    enum pv_err err;

    pv_buf_init(&memory, ENTRY_MEMORY);
    err = pv_store_entry_get(verify->room->store, fresh->index, &memory, &held);
    if (err == PV_OK) {
        if (!pv_bytes_equal(held.entry, fresh->entry)) what = "is another one";
        else if (!pv_bytes_equal(held.refs, fresh->refs)) what = "names other blobs";
        else if (held.has_body && fresh->has_body && !pv_bytes_equal(held.body, fresh->body)) what = "has another body";
        else if (!held.has_verdict || held.verdict != fresh->verdict || held.reason != fresh->reason) what = "has another verdict";
    }
    pv_buf_wipe(&memory);
    if (what)
        err = note(verify, pv_report(verify->report, PV_ERR_BROKEN_CHAIN,
                                     "%s: entry %llu on this device %s than the log's: move the room's database away and run privity refresh",
                                     verify->room->label, (unsigned long long)fresh->index, what));
    return err;
}

static enum pv_err compare(struct verify *verify)
{
    uint64_t held = 0;
    enum pv_err err = pv_store_size(verify->fresh.store, &verify->entries);
    if (err == PV_OK) err = pv_store_size(verify->room->store, &held);
    if (err == PV_OK && held > verify->entries) {
        err = note(verify, pv_report(verify->report, PV_ERR_FORK, "%s: this device holds %llu entries, the server shows %llu: it has lost some, or hides them",
                                     verify->room->label, (unsigned long long)held, (unsigned long long)verify->entries));
        held = verify->entries;
    }
    if (err == PV_OK) err = pv_store_entry_each(verify->fresh.store, 0, held, compare_entry, verify);
    return err;
}

static enum pv_err unreadable(void *context, uint64_t index, enum pv_err why)
{
    struct verify *verify = context;
    return note(verify, pv_report(verify->report, why == PV_ERR_NO_KEY ? PV_ERR_NO_KEY : PV_ERR_BROKEN_CHAIN, "%s: entry %llu cannot be read: %s",
                                  verify->room->label, (unsigned long long)index, pv_err_text(why)));
}

/* ---- blobs */

/* Does the server have each of verify->names? */
static enum pv_err ask_blobs(struct verify *verify)
{
    char room[65], name[33];
    struct pv_request request = {.method = PV_POST, .auth = PV_AUTH_SESSION, .max_response_bytes = 1 << 16};
    struct pv_response response;
    struct pv_buf body;
    struct pv_cbor in;
    size_t count = verify->names.n / sizeof(struct pv_id16);
    enum pv_err err;

    if (count == 0) return PV_OK;
    pv_buf_init(&body, 32 * EXIST_BATCH);
    pv_cbor_put_array(&body, count);
    for (size_t i = 0; i < count; i++) pv_cbor_put_bytes(&body, verify->names.p + 16 * i, 16);
    request.body = pv_buf_bytes(&body);
    pv_hex_encode(verify->room->id.b, 32, room);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/exist", room);
    err = body.err ? body.err : pv_contact_send(verify->session, verify->room, &request, NULL, &response, verify->report);
    if (err == PV_OK && response.status >= 400) err = pv_transport_refused(&response, verify->room->label, verify->report);
    if (err == PV_OK) {
        pv_cbor_init(&in, response.body);
        pv_cbor_get_array_of(&in, count);
        for (size_t i = 0; i < count && err == PV_OK; i++) {
            bool there = pv_cbor_get_bool(&in);
            if (in.err == PV_OK && !there && !verify->lost_told) {
                pv_hex_encode(verify->names.p + 16 * i, 16, name);
                err = note(verify, pv_report(verify->report, PV_ERR_BROKEN_CHAIN, "%s: the server does not have blob %s, which entry %llu or one after it names",
                                             verify->room->label, name, (unsigned long long)verify->first_index));
            }
        }
        if (err == PV_OK && pv_cbor_finish(&in) != PV_OK)
            err = pv_report(verify->report, PV_ERR_IO, "%s: the server's answer about blobs cannot be read", verify->room->label);
    }
    pv_buf_release(&body);
    pv_buf_clear(&verify->names);
    return err;
}

static enum pv_err collect_refs(void *context, const struct pv_stored_entry *stored)
{
    struct verify *verify = context;
    size_t count = 0;
    enum pv_err err = PV_OK;

    if (!stored->has_body && pv_roster_is_forgotten(pv_room_roster(verify->fresh.room), stored->index)) verify->forgotten++;
    if (stored->has_verdict && stored->verdict != PV_ACCEPTED) return PV_OK;
    if (pv_refs_check(stored->refs, &count) != PV_OK) return PV_OK;
    for (size_t i = 0; i < count && err == PV_OK; i++) {
        struct pv_id16 name;
        if (verify->names.n == 0) verify->first_index = stored->index;
        pv_refs_at(stored->refs, i, &name);
        pv_buf_append(&verify->names, name.b, sizeof name.b);
        verify->blobs++;
        if (verify->names.n / sizeof name == EXIST_BATCH) err = ask_blobs(verify);
    }
    return err == PV_OK ? verify->names.err : err;
}

/* What is lost, by the name and version that people know. */
static enum pv_err find_lost(struct verify *verify)
{
    struct pv_regain *regain = NULL;
    const struct pv_lost_version *lost;
    const char *label = verify->room->label;
    char what[64];
    enum pv_err err = pv_regain_new(verify->session, verify->room, &regain, verify->report);

    for (size_t i = 0; err == PV_OK && (lost = pv_regain_lost(regain, i)); i++) {
        snprintf(what, sizeof what, "the attachment");
        if (lost->number) snprintf(what, sizeof what, "version %llu of", (unsigned long long)lost->number);
        err = note(verify, pv_report(verify->report, PV_ERR_BROKEN_CHAIN, "%s: the server does not have what entry %llu names, %s %.200s by %.60s; see privity repair %s",
                                     label, (unsigned long long)lost->index, what, lost->name, lost->writer, label));
        verify->lost_told = true;
    }
    if (err == PV_OK && verify->lost_told && pv_regain_lost_else(regain))
        err = note(verify, pv_report(verify->report, PV_ERR_BROKEN_CHAIN, "%s: the server does not have %llu blobs either that only removed files or unreadable "
                                     "entries name", label, (unsigned long long)pv_regain_lost_else(regain)));
    pv_regain_free(regain);
    return err;
}

/* ---- contents */

static enum pv_err count_bytes(void *context, struct pv_bytes bytes)
{
    struct verify *verify = context;
    verify->bytes += bytes.n;
    return PV_OK;
}

static enum pv_err open_file(struct verify *verify, const struct pv_file *file)
{
    struct pv_get get = {.session = verify->session, .room = verify->room, .file = file, .bytes = count_bytes, .context = verify};
    struct pv_buf label;
    enum pv_err err;

    pv_buf_init(&label, 4 * PV_LIMIT_PATH_BYTES);
    pv_path_put_text(&label, &file->path);
    pv_buf_append_byte(&label, '\0');
    if (label.err != PV_OK) return label.err;
    get.label = (const char *)label.p;
    get.progress = pv_cli_progress_begin(&verify->progress, "verifying");
    err = pv_transfer_get(&get, verify->report);
    pv_cli_progress_end(&verify->progress);
    pv_buf_wipe(&label);
    verify->files++;
    if (err == PV_ERR_NOT_FOUND && verify->lost_told) return PV_OK; /* named already */
    if (err == PV_ERR_NOT_FOUND) err = verify->report->err = PV_ERR_BROKEN_CHAIN; /* the same words, another weight */
    return note(verify, err);
}

static enum pv_err version_row(void *context, const struct pv_version_row *row)
{
    return open_file(context, &row->file);
}

static enum pv_err message_row(void *context, const struct pv_message *message)
{
    struct pv_encoded_list list = message->attachments;
    struct pv_file file;
    enum pv_err err = PV_OK;
    while (err == PV_OK && pv_encoded_file_next(&list, &file)) err = open_file(context, &file);
    return err;
}

/* Those of removed files, too, which can still be fetched, and of files that stand beside another at one path. */
static enum pv_err open_all(struct verify *verify)
{
    const struct pv_message_filter everything = {.limit = 0};
    const struct pv_query query = {verify->fresh.store, pv_room_roster(verify->fresh.room), NULL};
    enum pv_err err = pv_query_messages(&query, &everything, message_row, verify);
    return err == PV_OK ? pv_query_every_version(&query, version_row, verify) : err;
}

static enum pv_err check_all(struct verify *verify)
{
    enum pv_err err = open_fresh(verify);
    if (err == PV_OK) err = pv_contact_pull(verify->session, &verify->fresh, 0, verify->report);
    if (err != PV_OK) return err;
    err = compare(verify);
    if (err == PV_OK) {
        const struct pv_query query = {verify->fresh.store, pv_room_roster(verify->fresh.room), NULL};
        err = pv_query_unreadable(&query, unreadable, verify);
    }
    if (err == PV_OK) err = find_lost(verify);
    if (err == PV_OK) err = pv_store_header_each(verify->fresh.store, 0, verify->entries, collect_refs, verify);
    if (err == PV_OK) err = ask_blobs(verify);
    if (err == PV_OK) err = open_all(verify);
    if (err == PV_OK && verify->entries > 0) {
        struct pv_merkle_reader reader = pv_store_merkle_reader(verify->fresh.store);
        err = pv_merkle_root(&reader, verify->entries, &verify->root);
    }
    return err;
}

static void put_faults(const struct verify *verify, struct pv_json *json)
{
    size_t named = verify->fault_count < FAULTS_NAMED ? verify->fault_count : FAULTS_NAMED;
    pv_json_begin_array(json, "faults");
    for (size_t i = 0; i < named; i++) {
        pv_json_begin_object(json, NULL);
        pv_json_text(json, "text", pv_bytes_of_string(verify->faults[i].text));
        pv_json_string(json, "what", pv_err_web_name(verify->faults[i].err));
        pv_json_end_object(json);
    }
    pv_json_end_array(json);
    pv_json_u64(json, "faults_more", verify->fault_count - named);
}

/* One fault is the error itself; of several, each is a line, and the error how many there are. */
static enum pv_err say_faults(const struct verify *verify, struct pv_report *report)
{
    size_t named = verify->fault_count < FAULTS_NAMED ? verify->fault_count : FAULTS_NAMED, worst = 0;
    if (named == 0) return PV_OK;
    for (size_t i = named; i-- > 0;)
        if (pv_err_exit_status(verify->faults[i].err) == 4) worst = i;
    if (verify->fault_count == 1) {
        *report = verify->faults[0];
        return report->err;
    }
    for (size_t i = 0; i < named; i++) pv_term_line(stderr, "privity: %s", verify->faults[i].text);
    if (named == verify->fault_count)
        return pv_report(report, verify->faults[worst].err, "%s: %zu faults were found", verify->room->label, named);
    return pv_report(report, verify->faults[worst].err, "%s: %zu faults were found, of which the first %zu are named", verify->room->label, verify->fault_count,
                     named);
}

static enum pv_err print_result(const struct verify *verify, bool json, struct pv_report *report)
{
    char root[65], size[PV_OUT_SIZE_BYTES];
    struct pv_out out;
    if (json) {
        pv_out_begin(&out);
        pv_out_json_hash(&out.json, "id", &verify->room->id);
        pv_json_u64(&out.json, "entries", verify->entries);
        pv_out_json_hash(&out.json, "root", &verify->root);
        pv_json_u64(&out.json, "files", verify->files);
        pv_json_u64(&out.json, "blobs", verify->blobs);
        pv_json_u64(&out.json, "bytes", verify->bytes);
        pv_json_u64(&out.json, "forgotten", verify->forgotten);
        put_faults(verify, &out.json);
        return pv_out_end(&out, report);
    }
    if (verify->fault_count) return PV_OK;
    pv_hex_encode(verify->root.b, 32, root);
    pv_out_size(verify->bytes, size);
    pv_term_line(stdout, "%s: %llu entries, their signatures, chains and tree are right; %llu file version%s of %s open%s.", verify->room->label,
                 (unsigned long long)verify->entries, (unsigned long long)verify->files, verify->files == 1 ? "" : "s", size,
                 verify->files == 1 ? "s" : "");
    if (verify->forgotten)
        pv_term_line(stdout, "%llu of the entries %s forgotten: %s in the log as %s, without what %s held.", (unsigned long long)verify->forgotten,
                     verify->forgotten == 1 ? "was" : "were", verify->forgotten == 1 ? "it stands" : "they stand",
                     verify->forgotten == 1 ? "a header" : "headers", verify->forgotten == 1 ? "it" : "they");
    pv_term_line(stdout, "root %s", root);
    return PV_OK;
}

enum pv_err pv_cmd_verify(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct verify verify = {.session = session, .report = report};
    enum pv_err err = pv_cli_room(session, args->words[0], &verify.room, report);

    if (err == PV_OK) err = pv_contact_pull(session, verify.room, 0, report);
    if (err != PV_OK) return err;
    verify.faults = calloc(FAULTS_NAMED, sizeof *verify.faults);
    if (!verify.faults) return PV_ERR_NOMEM;
    pv_buf_init(&verify.names, sizeof(struct pv_id16) * EXIST_BATCH);
    err = check_all(&verify);
    if (err == PV_OK)
        err = print_result(&verify, args->json, report);
    else if (report->err != err)
        err = pv_session_room_error(session, verify.room, err, report);
    if (err == PV_OK) {
        err = say_faults(&verify, report);
    } else if (verify.fault_count) { /* cut short, and not for nothing */
        struct pv_report cut = *report;
        if (say_faults(&verify, report) != PV_OK) pv_term_line(stderr, "privity: %s", report->text);
        *report = cut;
        report->exit_status = 4;
    }
    close_fresh(&verify);
    pv_buf_release(&verify.names);
    free(verify.faults);
    return err;
}
