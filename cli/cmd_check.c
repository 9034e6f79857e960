/* `privity check`: what a file of evidence shows, offline, to anyone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"
#include "core/room/evidence.h"

static enum pv_err read_file(const char *path, struct pv_buf *bytes, struct pv_report *report)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    char chunk[4096];
    size_t n;

    if (!file)
        return pv_report(report, errno == ENOENT ? PV_ERR_NOT_FOUND : PV_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    while (bytes->err == PV_OK && (n = fread(chunk, 1, sizeof chunk, file)) > 0) pv_buf_append(bytes, chunk, n);
    bool failed = ferror(file) != 0;
    int number = errno;
    if (!is_stdin) fclose(file);
    if (failed) return pv_report(report, PV_ERR_IO, "cannot read %s: %s", path, strerror(number));
    if (bytes->err == PV_ERR_LIMIT) return pv_report(report, PV_ERR_BROKEN_CHAIN, "%s: larger than any evidence", path);
    return bytes->err;
}

/* ---- in words */


static void say_notes(const struct pv_finding *f)
{
    char first[PV_OUT_TIME_BYTES], second[PV_OUT_TIME_BYTES];
    unsigned long long a = f->first.size, b = f->second.size;
    pv_out_time(f->first.time_s * 1000, first);
    pv_out_time(f->second.time_s * 1000, second);
    if (f->kind == PV_FINDING_TWO_HISTORIES) {
        pv_term_line(stdout, "The log's key signed two histories of this room: one of %llu entries at %s, and one of %llu at %s that does not continue it.",
                     a, first, b, second);
    } else if (f->kind == PV_FINDING_WENT_BACK) {
        pv_term_line(stdout, "The log's key signed a log of %llu entries at %s, and a smaller one of %llu later, at %s.", a, first, b, second);
        pv_term_line(stdout, "A server does that whose store was put back to an older state, on purpose or by accident.");
    } else {
        pv_term_line(stdout, "The log's key signed a log of %llu entries at %s, and one of %llu at %s. Both may be of one log: this file does not show that they are not.",
                     a, first, b, second);
    }
}

static void say_entry(const struct pv_finding *f)
{
    static const char *const says[] = {
        [PV_FINDING_MALFORMED] = "is no entry at all",
        [PV_FINDING_ROOM] = "is of another room",
        [PV_FINDING_SEEN_LATER] = "says that it has seen what came after it",
        [PV_FINDING_SEEN] = "has seen another history: those before it are not the ones that its author names",
        [PV_FINDING_SIGNATURE] = "was not signed by the author that it names",
        [PV_FINDING_BODY] = "has a body that is none",
    };
    pv_term_line(stdout, "The log's key signed a log whose entry %llu %s. A server must refuse such an entry.",
                 (unsigned long long)f->index, says[f->kind]);
}

static void say_author(const struct pv_finding *f)
{
    char device[65];
    pv_hex_encode(f->author.b, sizeof f->author.b, device);
    if (!f->is_signed) {
        pv_term_line(stdout, "That says nothing against the author named, device %s: somebody else made the entry.", device);
    } else if (f->kind == PV_FINDING_SEEN) {
        pv_term_line(stdout, "Device %s signed it: either it was shown that other history, or its claim is false. This file does not tell which.", device);
    } else if (f->convicts_author) {
        pv_term_line(stdout, "Device %s signed it, against the rules too.", device);
    } else {
        pv_term_line(stdout, "That says nothing against device %s, which signed the entry: whoever holds the log's key put it there.", device);
    }
}

static void say_key(const struct pv_finding *f)
{
    char key[65];
    pv_hex_encode(f->log_key.b, sizeof f->log_key.b, key);
    if (f->convicts_server)
        pv_term_line(stdout, "Convicts: whoever holds the log key %s, which this room's log calls %s.", key, f->server_name);
    else
        pv_term_line(stdout, "Convicts nobody yet. Log key: %s, which this room's log calls %s.", key, f->server_name);
    if (!f->is_vouched)
        pv_term_line(stdout, "That this became the room's key is said by an entry which the key before it did not sign.");
    pv_term_line(stdout, "Whose key that is this file cannot say: compare it with what others know of that server.");
}

static void say_shown(const struct pv_evidence_file *file)
{
    pv_term_line(stdout, "Somebody was shown %zu bytes that do not fit this room (%.*s). Nobody's signature stands under them.", file->shown.n,
                 (int)file->what.n, (const char *)file->what.p);
    pv_term_line(stdout, "Convicts nobody: whoever made this file could have made them up.");
}

static void print_lines(const struct pv_evidence_file *file, const struct pv_finding *f)
{
    char room[65], told[PV_OUT_TIME_BYTES];
    pv_hex_encode(file->room.b, sizeof file->room.b, room);
    pv_out_time(file->told_ms, told);
    pv_term_line(stdout, "Room %s", room);
    if (file->type == PV_EVIDENCE_NOTES) say_notes(f);
    else if (file->type == PV_EVIDENCE_ENTRY) say_entry(f);
    else say_shown(file);
    if (f->has_author) say_author(f);
    if (file->type != PV_EVIDENCE_SHOWN) say_key(f);
    pv_term_line(stdout, "Noted at %s by the device that made this file, in words that prove nothing: %.*s", told, (int)file->told.n,
                 (const char *)file->told.p);
}

/* ---- as JSON */

static void put_convicted(struct pv_json *json, const char *role, const char *key, struct pv_bytes id, const char *name)
{
    pv_json_begin_object(json, NULL);
    pv_json_string(json, "role", role);
    pv_json_hex(json, key, id);
    if (name) pv_json_string(json, "name", name);
    pv_json_end_object(json);
}

static void put_tree(struct pv_json *json, const char *key, const struct pv_checkpoint *tree)
{
    pv_json_begin_object(json, key);
    pv_json_u64(json, "size", tree->size);
    pv_out_json_hash(json, "root", &tree->root);
    pv_json_u64(json, "time", tree->time_s * 1000);
    pv_json_end_object(json);
}

static enum pv_err print_json(const struct pv_evidence_file *file, const struct pv_finding *f, struct pv_report *report)
{
    struct pv_out out;
    pv_out_begin(&out);
    pv_json_string(&out.json, "kind", "evidence");
    pv_out_json_hash(&out.json, "id", &file->room);
    pv_json_string(&out.json, "finding", pv_finding_name(f->kind));
    pv_json_begin_array(&out.json, "convicts");
    if (f->convicts_server) put_convicted(&out.json, "server", "log_key", PV_BYTES_OF(f->log_key), f->server_name);
    if (f->convicts_author) put_convicted(&out.json, "device", "device", PV_BYTES_OF(f->author), NULL);
    pv_json_end_array(&out.json);
    pv_json_bool(&out.json, "key_vouched", f->is_vouched);
    if (file->type == PV_EVIDENCE_NOTES) put_tree(&out.json, "first", &f->first);
    if (file->type != PV_EVIDENCE_SHOWN) put_tree(&out.json, "second", &f->second);
    if (file->type == PV_EVIDENCE_ENTRY) pv_json_u64(&out.json, "index", f->index);
    if (f->has_author) pv_out_json_hash(&out.json, "author", &f->author);
    pv_json_u64(&out.json, "told_time", file->told_ms);
    pv_json_text(&out.json, "told", file->told);
    return pv_out_end(&out, report);
}

static enum pv_err check_evidence(const char *path, struct pv_bytes bytes, bool json, struct pv_report *report)
{
    struct pv_evidence_file file;
    struct pv_finding finding;
    enum pv_err err = pv_evidence_read(bytes, &file);

    if (err == PV_OK) err = pv_evidence_judge(&file, &finding);
    if (err == PV_ERR_UNSUPPORTED) return pv_report(report, err, "%s was made by a newer privity: update this one", path);
    if (err == PV_ERR_NOMEM) return err;
    if (err != PV_OK)
        return pv_report(report, pv_err_exit_status(err) == 4 ? err : PV_ERR_BROKEN_CHAIN,
                         "%s does not hold: it is damaged, or shows something else than it claims (%s)", path, pv_err_text(err));
    if (json) return print_json(&file, &finding, report);
    print_lines(&file, &finding);
    return PV_OK;
}

enum pv_err pv_cmd_check(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    const char *path = args->words[0];
    struct pv_buf bytes;
    enum pv_err err;

    (void)session;
    pv_buf_init(&bytes, PV_LIMIT_EVIDENCE_BYTES);
    err = read_file(path, &bytes, report);
    if (err == PV_OK && pv_evidence_is(pv_buf_bytes(&bytes)))
        err = check_evidence(path, pv_buf_bytes(&bytes), args->json, report);
    else if (err == PV_OK)
        err = pv_report(report, PV_ERR_BROKEN_CHAIN, "%s is no file that privity check knows, or its beginning is damaged", path);
    pv_buf_release(&bytes);
    return err;
}
