/* `privity log`: the entries of the log, with their verdicts. */
#include <string.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"
#include "core/base/cbor.h"
#include "core/state/crossing.h"

struct log {
    struct pv_session *session;
    struct pv_open_room *room;
    struct pv_json *json; /* NULL: lines */
    /* the author of the entry before, who is often that of the next */
    struct pv_hash device, person;
    char name[PV_CLI_NAME_BYTES];
    struct pv_crossings crossings;
};

static const char *const kinds[] = {"roster", "sign", "talk", "work", "server"};
static const char *const roster_types[] = {"genesis", "invite", "close_invite", "join", "role", "remove", "leave", "device_add",
                                           "device_remove", "rekey", "bad_wrap", "policy", "server", "hold", "lift", "forget"};
static const char *const server_types[] = {"release", "received", "expired", "deleted"};
static const char *const verdicts[] = {"accepted", "rejected", "impossible", "unsupported"};

/* What a clear body does: its first number, by name. */
static const char *type_name(const struct pv_header *header, const struct pv_stored_entry *entry)
{
    const char *const *names = header->kind == PV_KIND_ROSTER ? roster_types : header->kind == PV_KIND_SERVER ? server_types : NULL;
    size_t count = header->kind == PV_KIND_ROSTER ? sizeof roster_types / sizeof *roster_types : sizeof server_types / sizeof *server_types;
    struct pv_cbor in;
    uint64_t type;

    if (!names || !entry->has_body) return NULL;
    pv_cbor_init(&in, entry->body);
    (void)pv_cbor_get_array(&in, 64);
    type = pv_cbor_get_uint(&in, PV_LIMIT_N);
    return in.err == PV_OK && type < count ? names[type] : NULL;
}

/* Sealed while another's removal of someone was on its way. */
static bool is_crossed(const struct log *log, const struct pv_header *header, const struct pv_stored_entry *stored)
{
    return pv_kind_is_sealed(header->kind) && stored->has_verdict && stored->verdict == PV_ACCEPTED &&
           pv_crossings_find(&log->crossings, stored->index, &header->author);
}

static bool is_forgotten(const struct log *log, const struct pv_header *header, const struct pv_stored_entry *stored)
{
    return pv_kind_is_sealed(header->kind) && pv_roster_is_forgotten(pv_room_roster(log->room->room), stored->index);
}

static enum pv_err print_entry(void *context, const struct pv_stored_entry *stored)
{
    struct log *log = context;
    char when[PV_OUT_TIME_BYTES], id[17];
    struct pv_entry entry;
    struct pv_hash leaf, person;
    const char *type, *name = "the server";
    enum pv_err err = pv_entry_read(stored->entry, &entry);

    if (err != PV_OK) return PV_ERR_CORRUPT;
    pv_entry_leaf(stored->entry, &leaf);
    person = entry.header.author;
    if (entry.header.kind != PV_KIND_SERVER) {
        if (!pv_hash_equal(&log->device, &person)) {
            log->device = person;
            pv_cli_person_of(log->room, &log->device, &log->person);
            pv_cli_person_name(log->room, &log->person, log->name);
        }
        person = log->person;
        name = log->name;
    }
    type = type_name(&entry.header, stored);
    if (!log->json) {
        pv_out_time(entry.header.time_ms, when);
        pv_hex_encode(leaf.b, 8, id);
        pv_term_line(stdout, "%6llu  %s  %s  %s %s  %s%s%s %s%s%s", (unsigned long long)stored->index, when, id, kinds[entry.header.kind],
                     type ? type : "", name, stored->has_verdict && stored->verdict != PV_ACCEPTED ? "  " : "",
                     stored->has_verdict && stored->verdict != PV_ACCEPTED ? verdicts[stored->verdict] : "",
                     stored->has_verdict && stored->verdict == PV_REJECTED ? pv_reason_name(stored->reason) : "",
                     is_crossed(log, &entry.header, stored) ? "  crossed a removal" : "",
                     is_forgotten(log, &entry.header, stored) ? "  forgotten" : "");
        return PV_OK;
    }
    pv_json_begin_object(log->json, NULL);
    pv_out_json_hash(log->json, "id", &leaf);
    pv_json_u64(log->json, "index", stored->index);
    pv_out_json_string(log->json, "kind", kinds[entry.header.kind]);
    pv_out_json_string(log->json, "type", type);
    pv_out_json_hash(log->json, "author", &person);
    pv_out_json_string(log->json, "author_name", name);
    pv_out_json_hash(log->json, "device", &entry.header.author);
    pv_json_u64(log->json, "time", entry.header.time_ms);
    pv_out_json_string(log->json, "verdict", stored->has_verdict ? verdicts[stored->verdict] : NULL);
    pv_out_json_string(log->json, "reason", stored->has_verdict && stored->verdict == PV_REJECTED ? pv_reason_name(stored->reason) : NULL);
    pv_json_bool(log->json, "crossed", is_crossed(log, &entry.header, stored));
    pv_json_bool(log->json, "forgotten", is_forgotten(log, &entry.header, stored));
    pv_json_end_object(log->json);
    return PV_OK;
}

enum pv_err pv_cmd_log(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct log log = {.session = session};
    struct pv_out out;
    uint64_t since = 0, size = 0;
    enum pv_err err = pv_args_number(args, "since", PV_LIMIT_N, 0, &since, report);

    if (err == PV_OK) err = pv_cli_room_fetched(session, args->words[0], &log.room, report);
    if (err != PV_OK) return err;
    err = pv_crossings_load(log.room->store, &log.crossings);
    if (err != PV_OK) return pv_session_room_error(session, log.room, err, report);
    if (args->json) {
        pv_out_begin(&out);
        pv_json_begin_array(&out.json, "entries");
        log.json = &out.json;
    }
    err = pv_store_size(log.room->store, &size);
    if (err == PV_OK) err = pv_store_entry_each(log.room->store, since, size, print_entry, &log);
    if (err == PV_OK && args->json) {
        pv_json_end_array(&out.json);
        err = pv_out_end(&out, report);
    } else if (args->json) {
        pv_buf_wipe(&out.text);
    }
    pv_crossings_release(&log.crossings);
    return pv_session_room_error(session, log.room, err, report);
}
