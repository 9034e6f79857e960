/* `privity devices` and `privity device revoke`. */
#include <stdlib.h>
#include <string.h>

#include "cli/devices.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"

/* ---- devices */

static void device_json(struct pv_session *session, const struct pv_person_device *device, struct pv_json *json)
{
    char name[PV_CLI_NAME_BYTES];
    pv_cli_person_name(session->person, &device->id, name);
    pv_json_begin_object(json, NULL);
    pv_out_json_hash(json, "id", &device->id);
    pv_out_json_string(json, "name", device->paper ? NULL : name);
    pv_json_bool(json, "current", pv_hash_equal(&device->id, &session->me.device));
    pv_json_bool(json, "paper", device->paper);
    pv_json_bool(json, "revoked", device->revoked);
    pv_json_u64(json, "added", device->added_ms);
    if (device->founding) pv_json_null(json, "added_by");
    else pv_out_json_hash(json, "added_by", &device->adder);
    pv_json_end_object(json);
}

static void device_line(struct pv_session *session, const struct pv_person_device *device)
{
    char name[PV_CLI_NAME_BYTES], adder[PV_CLI_NAME_BYTES] = "", id[17], when[PV_OUT_TIME_BYTES];
    const char *what = device->revoked ? "revoked" : pv_hash_equal(&device->id, &session->me.device) ? "this one" : "";

    pv_device_name(session, device, name);
    if (!device->founding) pv_cli_person_name(session->person, &device->adder, adder);
    pv_hex_encode(device->id.b, 8, id);
    pv_out_time(device->added_ms, when);
    pv_term_column(stdout, name, 20);
    pv_term_line(stdout, "%s  %-8s  %s%s%s", id, what, when, *adder ? ", added by " : "", adder);
}

static enum pv_err list_devices(struct pv_session *session, bool json, struct pv_report *report)
{
    struct pv_person_device *devices = NULL;
    struct pv_out out;
    size_t count = 0;
    enum pv_err err = pv_person_devices(session->person->room, &devices, &count);

    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    if (json) {
        pv_out_begin(&out);
        pv_json_begin_array(&out.json, "devices");
    }
    for (size_t i = 0; i < count; i++) {
        if (json) device_json(session, &devices[i], &out.json);
        else device_line(session, &devices[i]);
    }
    free(devices);
    if (!json) return PV_OK;
    pv_json_end_array(&out.json);
    return pv_out_end(&out, report);
}

enum pv_err pv_cmd_devices(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    enum pv_err err = pv_session_person(session, report);
    if (err == PV_OK) err = pv_cli_fetch(session, session->person, report);
    return err == PV_OK ? list_devices(session, args->json, report) : err;
}

/* ---- device revoke */

static bool is_named(const struct pv_revocation *revocation, const struct pv_hash *id)
{
    for (size_t i = 0; i < revocation->count; i++)
        if (pv_hash_equal(&revocation->devices[i], id)) return true;
    return false;
}

/* Kits answer to kits alone. What helps against one that somebody found? */
static enum pv_err say_kit_stays(struct pv_session *session, const struct pv_person_device *kit, struct pv_report *report)
{
    char adder[PV_CLI_NAME_BYTES];
    if (kit->founding)
        return pv_report(report, PV_ERR_DENIED, "the first recovery kit outranks all devices, and none of them can revoke it: where someone may have "
                         "found it, make a new person (privity join --as), invite it into your rooms, and leave them with this one; nothing was changed");
    pv_cli_person_name(session->person, &kit->adder, adder);
    return pv_report(report, PV_ERR_DENIED, "no device revokes a kit by itself: this one falls with the device that added it (%.64s), or where your first "
                     "kit replaces all devices (privity recover --revoke-others); nothing was changed", adder);
}

/* Who is named and still current; the others were revoked before, and only the walk is gone on with. */
static enum pv_err read_names(struct pv_session *session, const struct pv_args *args, struct pv_revocation *revocation,
                              struct pv_report *report)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < args->word_count && err == PV_OK; i++) {
        struct pv_person_device device;
        err = pv_device_find(session, args->words[i], false, &device, report);
        if (err == PV_ERR_NOT_FOUND) {
            err = pv_device_find(session, args->words[i], true, &device, report);
            if (err == PV_OK) continue; /* as are all that go by that name */
        }
        if (err != PV_OK) return err;
        if (pv_hash_equal(&device.id, &session->me.device))
            return pv_report(report, PV_ERR_USAGE,
                             "%s is this device: revoke it from another one; if it is your only one, run privity recover with your kit "
                             "on the new one, with --revoke-others", args->words[i]);
        if (device.paper) return say_kit_stays(session, &device, report);
        if (revocation->count == PV_LIMIT_TARGETS) return pv_report(report, PV_ERR_LIMIT, "too many devices at once");
        if (!is_named(revocation, &device.id)) revocation->devices[revocation->count++] = device.id;
    }
    return err;
}

static enum pv_err spare(struct pv_session *session, const struct pv_args *args, struct pv_revocation *revocation,
                         struct pv_report *report)
{
    struct pv_hash keep[PV_LIMIT_DEVICES_PRESENT];
    size_t count = 0;
    for (const char *text; (text = pv_args_get_nth(args, "keep", count)) != NULL;) {
        struct pv_person_device device;
        enum pv_err err = pv_device_find(session, text, false, &device, report);
        if (err != PV_OK) return err;
        if (is_named(revocation, &device.id))
            return pv_report(report, PV_ERR_USAGE, "%s is to be revoked and to be kept", text);
        if (count == PV_LIMIT_DEVICES_PRESENT) return pv_report(report, PV_ERR_LIMIT, "too many devices at once");
        keep[count++] = device.id;
    }
    return pv_session_room_error(session, session->person, pv_revocation_spare(session->person->room, keep, count, revocation), report);
}

static size_t put_name(struct pv_session *session, const struct pv_hash *device, bool paper, char *list, size_t size, size_t n)
{
    char name[PV_CLI_NAME_BYTES], id[17];
    if (n + 64 >= size) return n;
    pv_cli_person_name(session->person, device, name);
    pv_hex_encode(device->b, 8, id);
    return n + (size_t)snprintf(list + n, size - n, "%s%.32s (%s)", n ? ", " : "", paper ? "a further kit" : name, id);
}

/* What the named ones led to stays where it came before what is kept; where that is only this device, nobody chose it. */
static enum pv_err list_staying(struct pv_session *session, const struct pv_revocation *revocation, char *ret_list, size_t size)
{
    const struct pv_roster *roster = pv_room_roster(session->person->room);
    struct pv_device_remove_body all = {.device_count = revocation->count}, these;
    size_t count, n = 0;
    const struct pv_room_device *devices = pv_roster_devices(roster, &count);
    enum pv_err err = PV_OK;

    *ret_list = '\0';
    memcpy(all.devices, revocation->devices, revocation->count * sizeof *all.devices);
    these = all;
    these.since = revocation->since;
    for (size_t i = 0; i < count && err == PV_OK; i++) {
        bool led = false, goes = false;
        if (pv_hash_equal(&devices[i].id, &session->me.device)) continue;
        err = pv_roster_sweeps(roster, &all, &session->me.person, &devices[i].id, 1, &led);
        if (err == PV_OK) err = pv_roster_sweeps(roster, &these, &session->me.person, &devices[i].id, 1, &goes);
        if (err == PV_OK && led && !goes) n = put_name(session, &devices[i].id, devices[i].paper, ret_list, size, n);
    }
    return err;
}

/* What the named ones added goes too. Nobody should learn that afterwards. */
static enum pv_err check_sweep(struct pv_session *session, const struct pv_args *args, const struct pv_revocation *revocation,
                               struct pv_report *report)
{
    struct pv_hash gone[PV_LIMIT_DEVICES_PRESENT];
    char list[600] = "";
    size_t count = 0, n = 0;
    enum pv_err err = pv_revocation_preview(session->person->room, revocation, gone, &count);

    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    for (size_t i = 0; i < count; i++) {
        const struct pv_room_device *device = pv_roster_device(pv_room_roster(session->person->room), &gone[i]);
        if (!is_named(revocation, &gone[i])) n = put_name(session, &gone[i], device && device->paper, list, sizeof list, n);
    }
    if (!*list || pv_args_get(args, "with-added")) return PV_OK;
    if (pv_args_get(args, "keep"))
        return pv_report(report, PV_ERR_USAGE,
                         "what is revoked has added others after what you keep: %s; give --with-added to revoke these too; nothing was changed", list);
    return pv_report(report, PV_ERR_USAGE,
                     "what is revoked has added others: %s; give --with-added to revoke these too, or --keep DEVICE for the last that you "
                     "trust; nothing was changed", list);
}

static enum pv_err print_revoked(const struct pv_walk *walk, bool json, struct pv_report *report)
{
    struct pv_out out;
    if (!json) {
        pv_walk_print(walk);
        return PV_OK;
    }
    pv_out_begin(&out);
    pv_walk_json(walk, &out.json);
    return pv_out_end(&out, report);
}

/* It may have lost against another change of one's own devices. */
static enum pv_err check_gone(struct pv_session *session, const struct pv_revocation *revocation, struct pv_report *report)
{
    for (size_t i = 0; i < revocation->count; i++)
        if (pv_roster_device(pv_room_roster(session->person->room), &revocation->devices[i]))
            return pv_report(report, PV_ERR_CONFLICT, "your devices changed at the same moment, and nothing was revoked: run the same command once more");
    return PV_OK;
}

enum pv_err pv_cmd_device_revoke(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_revocation revocation = {.count = 0};
    struct pv_walk walk = {.rooms = NULL};
    char staying[600] = "";
    enum pv_err err = pv_session_person(session, report);

    if (err == PV_OK) err = pv_cli_registered(session, report);
    if (err == PV_OK) err = pv_cli_fetch(session, session->person, report);
    if (err == PV_OK) err = read_names(session, args, &revocation, report);
    if (err == PV_OK && revocation.count) {
        err = spare(session, args, &revocation, report);
        if (err == PV_OK) err = check_sweep(session, args, &revocation, report);
        if (err == PV_OK && !pv_args_get(args, "keep")) err = list_staying(session, &revocation, staying, sizeof staying);
        if (err == PV_OK) err = pv_session_room_error(session, session->person, pv_device_revoke(session->person->room, &revocation), report);
    }
    /* The own room first; without it, nothing is done elsewhere. */
    if (err == PV_OK) err = pv_cli_send(session, session->person, report);
    if (err == PV_OK) err = check_gone(session, &revocation, report);
    if (err != PV_OK) return err;
    if (!args->json) pv_term_line(stdout, revocation.count ? "Revoked in your own room; its keys have changed."
                                                           : "Revoked already; what still waits for that is gone on with.");
    if (*staying)
        pv_term_line(stderr, "privity: %s came by what you revoked, before this device did, and still acts for you: revoke by name what you do not know",
                     staying);
    err = pv_walk_rooms(session, NULL, &walk, report);
    if (err == PV_OK) err = print_revoked(&walk, args->json, report);
    if (err == PV_OK) err = pv_walk_result(&walk, report);
    pv_walk_release(&walk);
    return err;
}
