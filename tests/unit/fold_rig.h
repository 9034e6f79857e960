/* A room in memory whose log is made of payloads: what tests of the fold and of queries share. */
#ifndef TESTS_UNIT_FOLD_RIG_H
#define TESTS_UNIT_FOLD_RIG_H

#include <sqlite3.h>

#include "core/state/fold.h"
#include "core/state/payload.h"
#include "core/state/query.h"
#include "tests/tap.h"

struct rig {
    sqlite3 *db;
    struct pv_store *store;
    struct pv_hash me;
    struct pv_query query;
    uint64_t next; /* index */
};

/* Devices and write ids by small numbers. */
__attribute__((unused)) static struct pv_hash rig_device(unsigned number)
{
    struct pv_hash id = {{(uint8_t)(0xd0 + number), (uint8_t)number}};
    return id;
}

__attribute__((unused)) static struct pv_id16 rig_id(unsigned number)
{
    struct pv_id16 id = {{(uint8_t)(number >> 8), (uint8_t)number, 0xab}};
    return id;
}

__attribute__((unused)) static struct pv_write_ref rig_ref(unsigned author, unsigned write)
{
    return (struct pv_write_ref){rig_device(author), rig_id(write)};
}

__attribute__((unused)) static bool rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    rig->me = rig_device(0);
    if (sqlite3_open(":memory:", &rig->db) || pv_store_open(rig->db, &rig->store)) return false;
    rig->query = (struct pv_query){.store = rig->store, .me = &rig->me};
    return true;
}

__attribute__((unused)) static bool rig_close(struct rig *rig)
{
    pv_store_close(rig->store);
    return sqlite3_close(rig->db) == SQLITE_OK;
}

__attribute__((unused)) static enum pv_err rig_fold_bytes(struct rig *rig, unsigned author, uint64_t kind,
                                                          struct pv_bytes payload)
{
    struct pv_log_item item = {.index = rig->next++};
    item.entry.header.author = rig_device(author);
    item.entry.header.kind = kind;
    item.entry.header.time_ms = 1000 * item.index;
    return pv_fold_entry(rig->store, &item, PV_ACCEPTED, payload);
}

/* Fold a payload as the next entry, or put it into the outbox. */
__attribute__((unused)) static enum pv_err rig_put(struct rig *rig, unsigned author, unsigned write,
                                                   struct pv_payload payload, bool pending)
{
    struct pv_buf buf;
    enum pv_kind kind = PV_KIND_TALK;
    uint64_t id;
    pv_buf_init(&buf, 1 << 18);
    payload.write_id = rig_id(write);
    pv_payload_put(&buf, &payload);
    enum pv_err err = buf.err ? buf.err : pv_payload_kind((uint64_t)payload.type, &kind);
    struct pv_write outbox = {.write_id = payload.write_id, .kind = kind, .type = (uint64_t)payload.type,
                              .payload = pv_buf_bytes(&buf), .refs = pv_bytes("\x80", 1), .created_ms = 9000000};
    if (!err) err = pending ? pv_store_write_add(rig->store, &outbox, &id)
                            : rig_fold_bytes(rig, author, kind, pv_buf_bytes(&buf));
    pv_buf_release(&buf);
    return err;
}

__attribute__((unused)) static struct pv_file rig_file(const char *path, uint64_t size)
{
    /* One chunk for all, so that sizes stay small: an empty file has none. */
    static uint8_t memory[256];
    struct pv_buf buf;
    struct pv_chunk chunk = {.length_bytes = (uint32_t)size, .span_bytes = size};
    struct pv_file file = {.size_bytes = size, .mode = 0644, .mtime_seconds = 5};
    pv_buf_init_fixed(&buf, memory, sizeof memory);
    if (size) pv_chunk_put(&buf, &chunk, false);
    file.manifest = (struct pv_chunk_list){.count = size ? 1 : 0, .encoded = pv_buf_bytes(&buf)};
    if (buf.err || pv_path_from_text(pv_bytes_of_string(path), &file.path)) abort();
    return file;
}

__attribute__((unused)) static struct pv_payload rig_message(const char *text)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    payload.u.message.text = pv_bytes_of_string(text);
    return payload;
}

__attribute__((unused)) static struct pv_payload rig_profile(const char *name)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_PROFILE};
    payload.u.profile_name = pv_bytes_of_string(name);
    return payload;
}

/* A put; with `replaces_write` above 0 over that version. */
__attribute__((unused)) static struct pv_payload rig_file_put(const char *path, uint64_t size, unsigned replaces_author,
                                                              unsigned replaces_write)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_PUT};
    payload.u.file_put.has_replaces = replaces_write != 0;
    payload.u.file_put.replaces = rig_ref(replaces_author, replaces_write);
    payload.u.file_put.file = rig_file(path, size);
    return payload;
}

__attribute__((unused)) static struct pv_payload rig_file_move(unsigned author, unsigned write, const char *path)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_MOVE};
    payload.u.file_move.version = rig_ref(author, write);
    if (pv_path_from_text(pv_bytes_of_string(path), &payload.u.file_move.path)) abort();
    return payload;
}

__attribute__((unused)) static struct pv_payload rig_file_remove(unsigned author, unsigned write)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_FILE_REMOVE};
    payload.u.file_remove = rig_ref(author, write);
    return payload;
}

/* What a list holds, as one line: easy to compare and to read. */
struct rig_line {
    char text[4096];
    size_t n;
};

__attribute__((unused, format(printf, 2, 3))) static void rig_say(struct rig_line *line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line->text + line->n, sizeof line->text - line->n, fmt, ap);
    va_end(ap);
    line->n += (size_t)n;
}

/* path, version count × size; ! for a conflict, ? for pending, - for removed */
__attribute__((unused)) static enum pv_err rig_say_file(void *context, const struct pv_file_row *file)
{
    struct rig_line *line = context;
    rig_say(line, "%s%.*s:%llux%llu%s%s%s", line->n ? " " : "", (int)file->path.n, (const char *)file->path.p,
            (unsigned long long)file->version_count, (unsigned long long)file->file.size_bytes,
            file->conflict ? "!" : "", file->pending ? "?" : "", file->removed ? "-" : "");
    return PV_OK;
}

__attribute__((unused)) static enum pv_err rig_say_message(void *context, const struct pv_message *message)
{
    struct rig_line *line = context;
    rig_say(line, "%s%.*s%s", line->n ? "|" : "", (int)message->text.n, (const char *)message->text.p,
            message->pending ? "?" : "");
    return PV_OK;
}

__attribute__((unused)) static const char *rig_files(struct rig *rig, const char *folder)
{
    static struct rig_line line;
    memset(&line, 0, sizeof line);
    enum pv_err err = pv_query_files(&rig->query, pv_bytes_of_string(folder), rig_say_file, &line);
    if (err) rig_say(&line, " error: %s", pv_err_text(err));
    return line.text;
}

__attribute__((unused)) static const char *rig_messages(struct rig *rig, struct pv_message_filter filter)
{
    static struct rig_line line;
    memset(&line, 0, sizeof line);
    enum pv_err err = pv_query_messages(&rig->query, &filter, rig_say_message, &line);
    if (err) rig_say(&line, " error: %s", pv_err_text(err));
    return line.text;
}

__attribute__((unused)) static const char *rig_search(struct rig *rig, const char *words)
{
    static struct rig_line line;
    struct pv_search search = {.words = pv_bytes_of_string(words)};
    memset(&line, 0, sizeof line);
    enum pv_err err = pv_query_search(&rig->query, &search, rig_say_message, rig_say_file, &line);
    if (err) rig_say(&line, " error: %s", pv_err_text(err));
    return line.text;
}

#endif
