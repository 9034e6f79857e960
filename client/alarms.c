/* Alarms: kept in the room's database, acknowledged by a number beside them, their evidence under evidence/. */
#include "client/alarms.h"

#include <stdio.h>
#include <string.h>

#include "client/system.h"
#include "core/crypto/hash.h"
#include "core/room/evidence.h"

static void acknowledged_name(uint64_t row, char ret_name[static 48])
{
    snprintf(ret_name, 48, "client.acknowledged.%llu", (unsigned long long)row);
}

/* By what it says and shows: the same found twice has one name. */
static void alarm_id(struct pv_bytes text, struct pv_bytes evidence, char ret_id[static PV_ALARM_ID_CHARS + 1])
{
    struct pv_sha256 sha;
    struct pv_hash hash;
    pv_sha256_init(&sha);
    pv_sha256_put_bytes(&sha, text.p, text.n);
    pv_sha256_put_bytes(&sha, evidence.p, evidence.n);
    pv_sha256_final(&sha, &hash);
    pv_hex_encode(hash.b, PV_ALARM_ID_CHARS / 2, ret_id);
}

struct walk {
    const struct pv_open_room *room;
    pv_alarm_row *row;
    void *context;
};

static enum pv_err each_row(void *context, const struct pv_evidence *evidence)
{
    struct walk *walk = context;
    struct pv_alarm alarm = {.row = evidence->id, .time_ms = evidence->time_ms, .what = evidence->what,
                             .text = evidence->text, .evidence = evidence->bytes};
    char name[48], suffix[PV_ALARM_ID_CHARS + 2];
    acknowledged_name(evidence->id, name);
    enum pv_err err = pv_store_number_get(walk->room->store, name, 0, &alarm.acknowledged_ms);
    if (err != PV_OK) return err;
    alarm_id(alarm.text, alarm.evidence, alarm.id);
    snprintf(suffix, sizeof suffix, "-%s", alarm.id);
    if (alarm.evidence.n) pv_database_name("evidence", &walk->room->id, suffix, alarm.file);
    return walk->row(walk->context, &alarm);
}

enum pv_err pv_alarms_each(const struct pv_open_room *room, pv_alarm_row *row, void *context)
{
    struct walk walk = {room, row, context};
    return pv_store_evidence_each(room->store, each_row, &walk);
}

static enum pv_err count_row(void *context, const struct pv_alarm *alarm)
{
    if (!alarm->acknowledged_ms) ++*(uint64_t *)context;
    return PV_OK;
}

enum pv_err pv_alarms_waiting(const struct pv_open_room *room, uint64_t *ret_count)
{
    uint64_t count = 0;
    enum pv_err err = pv_alarms_each(room, count_row, &count);
    if (err == PV_OK) *ret_count = count;
    return err;
}

/* Does it convict anybody, checked as by a stranger? */
static bool convicts(struct pv_bytes evidence)
{
    struct pv_evidence_file file;
    struct pv_finding finding;
    return evidence.n && pv_evidence_read(evidence, &file) == PV_OK && pv_evidence_judge(&file, &finding) == PV_OK && finding.convicts_server;
}

/* One that waits with the same words, and shows as much. */
struct same {
    enum pv_err what;
    struct pv_bytes text;
    bool convicts;
    bool is_found;
    char file[PV_HOME_NAME_BYTES];
    struct pv_buf evidence;
};

static enum pv_err find_same(void *context, const struct pv_alarm *alarm)
{
    struct same *same = context;
    if (same->is_found || alarm->acknowledged_ms || alarm->what != same->what || !pv_bytes_equal(alarm->text, same->text)) return PV_OK;
    if (same->convicts && !convicts(alarm->evidence)) return PV_OK;
    same->is_found = true;
    memcpy(same->file, alarm->file, sizeof same->file);
    pv_buf_append(&same->evidence, alarm->evidence.p, alarm->evidence.n);
    return same->evidence.err;
}

static enum pv_err add(struct pv_open_room *room, enum pv_err what, struct pv_bytes text, struct pv_bytes bytes)
{
    struct pv_evidence evidence = {.time_ms = pv_system_now_ms(), .what = what, .text = text, .bytes = bytes};
    uint64_t id;
    enum pv_err err = pv_store_begin(room->store);
    if (err != PV_OK) return err;
    err = pv_store_evidence_add(room->store, &evidence, &id);
    if (err == PV_OK) err = pv_store_commit(room->store);
    if (err != PV_OK) pv_store_rollback(room->store);
    return err;
}

static enum pv_err write_file(struct pv_session *session, const char *name, struct pv_bytes evidence, struct pv_report *report)
{
    struct pv_report ignored = {.err = PV_OK};
    if (evidence.n == 0 || pv_home_check(&session->home, name, &ignored) == PV_OK) return PV_OK;
    return pv_home_write(&session->home, name, evidence, report);
}

enum pv_err pv_alarm_keep(struct pv_session *session, struct pv_open_room *room, enum pv_err what, struct pv_bytes text,
                          struct pv_bytes evidence, char ret_file[static PV_HOME_NAME_BYTES], struct pv_report *report)
{
    struct same same = {.what = what, .text = text, .convicts = convicts(evidence)};
    char id[PV_ALARM_ID_CHARS + 1], suffix[PV_ALARM_ID_CHARS + 2];
    uint64_t waiting = 0;
    enum pv_err err;

    pv_buf_init(&same.evidence, PV_LIMIT_EVIDENCE_BYTES);
    err = pv_alarms_each(room, find_same, &same);
    if (err == PV_OK && same.is_found) {
        err = write_file(session, same.file, pv_buf_bytes(&same.evidence), report);
        if (err == PV_OK) memcpy(ret_file, same.file, PV_HOME_NAME_BYTES);
        goto out;
    }
    if (err == PV_OK) err = pv_alarms_waiting(room, &waiting);
    /* A server may raise any number that convict nobody: what convicts it has a place of its own. */
    if (err == PV_OK && waiting >= (same.convicts ? 2 : 1) * PV_ALARMS_MAX) err = PV_ERR_LIMIT;
    if (err == PV_OK) err = add(room, what, text, evidence);
    if (err != PV_OK) goto out;
    alarm_id(text, evidence, id);
    snprintf(suffix, sizeof suffix, "-%s", id);
    ret_file[0] = '\0';
    if (evidence.n) pv_database_name("evidence", &room->id, suffix, ret_file);
    err = write_file(session, ret_file, evidence, report);
out:
    pv_buf_release(&same.evidence);
    return err;
}

enum pv_err pv_alarm_acknowledge(struct pv_open_room *room, uint64_t row)
{
    char name[48];
    acknowledged_name(row, name);
    return pv_store_number_set(room->store, name, pv_system_now_ms());
}
