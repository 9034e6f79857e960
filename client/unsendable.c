/* Finding writes whose blobs are gone, and giving them up. */
#include "client/unsendable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/state/payload.h"

enum { ASK_AT_ONCE = 1024, ANSWER_MAX = 1 << 16 };

struct ref {
    struct pv_id16 blob;
    uint64_t write;
    bool is_gone;
};

struct finding {
    struct ref *refs;
    size_t count, cap;
    struct pv_id16 *puts; /* of lists of blobs that are given up: their files are, too */
    size_t put_count;
    bool *is_gone; /* by place in the outbox */
    size_t writes, at, gone;
    struct pv_session *session;
    struct pv_open_room *room;
};

static enum pv_err take_refs(void *context, const struct pv_write *write)
{
    struct finding *f = context;
    size_t count = 0;
    f->writes++;
    if (!pv_kind_is_sealed(write->kind) || pv_refs_check(write->refs, &count) != PV_OK) return PV_OK;
    for (size_t i = 0; i < count; i++) {
        if (f->count == f->cap) {
            size_t cap = f->cap ? 2 * f->cap : 64;
            struct ref *refs = realloc(f->refs, cap * sizeof *refs);
            if (!refs) return PV_ERR_NOMEM;
            f->refs = refs;
            f->cap = cap;
        }
        f->refs[f->count] = (struct ref){.write = write->id};
        pv_refs_at(write->refs, i, &f->refs[f->count++].blob);
    }
    return PV_OK;
}

/* What waits in the outbox itself will be there before its entry. */
static enum pv_err is_here(void *context, const struct pv_id16 *name, uint64_t size_bytes)
{
    struct finding *f = context;
    size_t kept = 0;
    (void)size_bytes;
    for (size_t i = 0; i < f->count; i++)
        if (!pv_id16_equal(&f->refs[i].blob, name)) f->refs[kept++] = f->refs[i];
    f->count = kept;
    return PV_OK;
}

static enum pv_err ask(struct finding *f, struct ref *refs, size_t count, struct pv_report *report)
{
    char room[65];
    struct pv_request request = {.method = PV_POST, .auth = PV_AUTH_SESSION, .max_response_bytes = ANSWER_MAX};
    struct pv_response response;
    struct pv_buf body;
    struct pv_cbor in;

    pv_buf_init(&body, 32 * ASK_AT_ONCE);
    pv_cbor_put_array(&body, count);
    for (size_t i = 0; i < count; i++) pv_cbor_put_id16(&body, &refs[i].blob);
    request.body = pv_buf_bytes(&body);
    pv_hex_encode(f->room->id.b, sizeof f->room->id.b, room);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/exist", room);
    enum pv_err err = body.err ? body.err : pv_contact_send(f->session, f->room, &request, NULL, &response, report);
    if (err == PV_OK && response.status >= 400) err = pv_transport_refused(&response, f->room->label, report);
    if (err == PV_OK) {
        pv_cbor_init(&in, response.body);
        pv_cbor_get_array_of(&in, count);
        for (size_t i = 0; i < count && in.err == PV_OK; i++) refs[i].is_gone = !pv_cbor_get_bool(&in) && in.err == PV_OK;
        if (pv_cbor_finish(&in) != PV_OK)
            err = pv_report(report, PV_ERR_IO, "%s: the server's answer about blobs cannot be read", f->room->label);
    }
    pv_buf_release(&body);
    return err;
}

static bool names_put(const struct finding *f, const struct pv_id16 *write_id)
{
    for (size_t i = 0; i < f->put_count; i++)
        if (pv_id16_equal(&f->puts[i], write_id)) return true;
    return false;
}

/* A list of blobs comes before the file that needs it. */
static enum pv_err judge(void *context, const struct pv_write *write)
{
    struct finding *f = context;
    struct pv_payload payload;
    bool gone = pv_kind_is_sealed(write->kind) && names_put(f, &write->write_id);
    size_t at = f->at++;
    if (at >= f->writes) return PV_OK; /* came meanwhile */
    for (size_t i = 0; i < f->count && !gone; i++) gone = f->refs[i].is_gone && f->refs[i].write == write->id;
    if (gone && pv_kind_is_sealed(write->kind) && write->type == PV_PAYLOAD_FILE_BLOBS && pv_payload_read(write->payload, &payload) == PV_OK) {
        struct pv_id16 *puts = realloc(f->puts, (f->put_count + 1) * sizeof *puts);
        if (!puts) return PV_ERR_NOMEM;
        f->puts = puts;
        f->puts[f->put_count++] = payload.u.file_blobs;
    }
    f->is_gone[at] = gone;
    f->gone += gone;
    return PV_OK;
}

static enum pv_err tell(void *context, const struct pv_write *write)
{
    struct finding *f = context;
    size_t at = f->at++;
    if (at < f->writes && f->is_gone[at] && f->session->give_up) f->session->give_up(f->session, f->room, write->payload);
    return PV_OK;
}

struct ids {
    const struct finding *finding;
    uint64_t *ids;
    size_t at, count;
};

static enum pv_err take_id(void *context, const struct pv_write *write)
{
    struct ids *ids = context;
    size_t at = ids->at++;
    if (at < ids->finding->writes && ids->finding->is_gone[at]) ids->ids[ids->count++] = write->id;
    return PV_OK;
}

/* The others are signed anew, above every number used before. */
static enum pv_err drop(struct finding *f)
{
    struct pv_store *store = f->room->store;
    const struct pv_head *known = pv_roster_head(pv_room_roster(f->room->room), &f->session->me.device);
    struct ids ids = {.finding = f, .ids = calloc(f->gone + 1, sizeof *ids.ids)};
    struct pv_head head = {.n = 0}, own;
    enum pv_err err = ids.ids ? pv_store_begin(store) : PV_ERR_NOMEM;

    if (err != PV_OK) {
        free(ids.ids);
        return err;
    }
    if (known) head = *known;
    err = pv_store_head_get(store, &own);
    if (err == PV_OK) err = pv_store_sealed_abandon(store, head.n + 1);
    if (err == PV_OK && own.n > head.n) head.n = own.n;
    if (err == PV_OK) err = pv_store_write_each(store, take_id, &ids);
    for (size_t i = 0; i < ids.count && err == PV_OK; i++) err = pv_store_write_drop(store, ids.ids[i]);
    if (err == PV_OK) err = pv_store_head_set(store, &head);
    if (err == PV_OK) err = pv_store_commit(store);
    if (err != PV_OK) pv_store_rollback(store);
    free(ids.ids);
    return err;
}

static enum pv_err give_up(struct finding *f, bool *ret_some, struct pv_report *report)
{
    struct pv_store *store = f->room->store;
    enum pv_err err = pv_store_write_each(store, take_refs, f);
    if (err == PV_OK) err = pv_store_blob_each(store, is_here, f);
    for (size_t i = 0; i < f->count && err == PV_OK; i += ASK_AT_ONCE)
        err = ask(f, f->refs + i, f->count - i < ASK_AT_ONCE ? f->count - i : ASK_AT_ONCE, report);
    f->is_gone = err == PV_OK ? calloc(f->writes + 1, sizeof *f->is_gone) : NULL;
    if (err == PV_OK && !f->is_gone) err = PV_ERR_NOMEM;
    if (err == PV_OK) err = pv_store_write_each(store, judge, f);
    *ret_some = err == PV_OK && f->gone > 0;
    if (*ret_some) f->session->gave_up = true;
    if (err != PV_OK || !f->gone) return err;
    f->at = 0;
    err = pv_store_write_each(store, tell, f); /* told first: a command that is cut in between tells twice rather than never */
    return err == PV_OK ? drop(f) : err;
}

enum pv_err pv_unsendable_give_up(struct pv_session *session, struct pv_open_room *room, bool *ret_some, struct pv_report *report)
{
    struct finding f = {.session = session, .room = room};
    enum pv_err err = give_up(&f, ret_some, report);
    free(f.refs);
    free(f.puts);
    free(f.is_gone);
    return err;
}
