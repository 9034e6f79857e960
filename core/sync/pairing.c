/* Both sides of a pairing as tasks over the server's mailbox. An empty message means no. */
#include "core/sync/pairing.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/sync/task_parts.h"

enum { ANSWER_MAX = PV_LIMIT_PAIRING_BYTES + 16 };

struct pv_pairing_talk {
    bool host;
    enum pv_pairing_stage stage;
    struct pv_random random;
    char server_name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_pairing_code code;
    struct pv_pairing pairing;
    uint64_t expires_ms;
    struct pv_buf out;    /* the message to send at TELLING, empty for no */
    struct pv_buf memory; /* what `offer`, `request` or `note` borrow from */
    struct pv_pairing_offer offer;
    struct pv_pairing_request request;
    struct pv_bytes note;
    uint8_t offer_note[PV_LIMIT_NOTE_BYTES], offer_name[PV_LIMIT_NAME_BYTES];
};

typedef enum pv_err taker(struct pv_task *task, struct pv_bytes message);

struct pairing_task {
    struct pv_task task;
    struct pv_pairing_talk *talk;
    taker *take; /* what becomes of the other side's message, once it is there */
};

static pv_task_step go_on;

static struct pv_pairing_talk *talk_of(struct pv_task *task)
{
    return ((struct pairing_task *)task)->talk;
}

/* ---- requests */

/* Leave task->body in this side's mailbox. */
static enum pv_err leave(struct pv_task *task, unsigned i, pv_task_step *then)
{
    const struct pv_pairing_talk *talk = talk_of(task);
    enum pv_err err = pv_task_ask(task, PV_PUT, talk->host ? PV_AUTH_SESSION : PV_AUTH_NONE, ANSWER_MAX, then,
                                  "/v1/pairings/%u/%s/%u", talk->code.plate, talk->host ? "old" : "new", i);
    task->takes_problems = true;
    return err;
}


static enum pv_err problem(struct pv_task *task, const struct pv_response *response)
{
    if (response->problem == PV_ERR_NOT_FOUND && talk_of(task)->host)
        return pv_task_error(task, PV_ERR_EXPIRED, "the code's ten minutes are over: no device was added; begin anew with a new code");
    if (response->problem == PV_ERR_NOT_FOUND)
        return pv_task_error(task, PV_ERR_EXPIRED, "no device is being added under this code: compare it with what the other device shows; if digits were mistyped, that device "
                             "still waits, else its ten minutes are over: begin anew");
    if (response->problem == PV_ERR_CONFLICT)
        return pv_task_error(task, PV_ERR_DENIED, "this code was used before, and each is good for one try: begin anew with a new code");
    return pv_task_problem(task, response);
}

static enum pv_err looked(struct pv_task *task, const struct pv_response *response)
{
    struct pv_bytes message = pv_bytes(NULL, 0);
    struct pv_cbor in;
    if (response->status >= 400) return problem(task, response);
    pv_cbor_init(&in, response->body);
    bool there = !pv_cbor_take_null(&in);
    if (there) message = pv_cbor_get_bytes(&in, PV_LIMIT_PAIRING_BYTES);
    if (pv_cbor_finish(&in)) return pv_task_error(task, PV_ERR_IO, "the server's answer is not of the expected form");
    return there ? ((struct pairing_task *)task)->take(task, message) : pv_task_finish(task);
}

/* Is the other side's message there? Then `take` gets it; else the task is done for now. */
static enum pv_err look(struct pv_task *task, unsigned i, taker *take)
{
    const struct pv_pairing_talk *talk = talk_of(task);
    ((struct pairing_task *)task)->take = take;
    enum pv_err err = pv_task_ask(task, PV_GET, PV_AUTH_NONE, ANSWER_MAX, looked, "/v1/pairings/%u/%s/%u", talk->code.plate,
                                  talk->host ? "new" : "old", i);
    task->takes_problems = true;
    return err;
}

/* What the other side sent does not open. */
static enum pv_err refuse(struct pv_task *task, enum pv_err err)
{
    if (err == PV_ERR_NOMEM) return err;
    return pv_task_error(task, PV_ERR_DENIED, "the codes of the two devices differ, or somebody stood between: "
                                              "nothing was added; begin anew with a new code");
}

static enum pv_err advance(struct pv_task *task, const struct pv_response *response, enum pv_pairing_stage stage)
{
    if (response && response->status >= 400) return problem(task, response);
    talk_of(task)->stage = stage;
    return go_on(task, NULL);
}

/* ---- the host */

static enum pv_err host_opened(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pairing_talk *talk = talk_of(task);
    struct pv_cbor in;
    pv_cbor_init(&in, response->body);
    pv_cbor_get_array_of(&in, 2);
    unsigned plate = (unsigned)pv_cbor_get_uint(&in, PV_PAIRING_PLATES - 1);
    talk->expires_ms = pv_cbor_get_uint(&in, PV_LIMIT_N);
    if (pv_cbor_finish(&in)) return pv_task_error(task, PV_ERR_IO, "the server's answer is not of the expected form");
    pv_pairing_code_make(plate, &talk->random, &talk->code);
    return advance(task, NULL, PV_PAIRING_WAITING);
}

static enum pv_err host_answered(struct pv_task *task, const struct pv_response *response)
{
    return advance(task, response, PV_PAIRING_ANSWERED);
}

static enum pv_err host_met(struct pv_task *task, struct pv_bytes message)
{
    struct pv_pairing_talk *talk = talk_of(task);
    enum pv_err err = pv_pairing_answer(&talk->pairing, &talk->code, talk->server_name, &talk->random, message, &talk->offer, &task->body);
    return err ? refuse(task, err) : leave(task, 1, host_answered);
}

static enum pv_err host_asked(struct pv_task *task, struct pv_bytes message)
{
    struct pv_pairing_talk *talk = talk_of(task);
    enum pv_err err = pv_pairing_request_get(&talk->pairing, message, &talk->request, &talk->memory);
    if (err) return refuse(task, err);
    return advance(task, NULL, PV_PAIRING_ASKED);
}

static enum pv_err told(struct pv_task *task, const struct pv_response *response)
{
    return advance(task, response, talk_of(task)->host ? PV_PAIRING_DONE : PV_PAIRING_ANSWERED);
}

static enum pv_err host_go_on(struct pv_task *task, struct pv_pairing_talk *talk)
{
    switch (talk->stage) {
    case PV_PAIRING_OPENING: return pv_task_ask(task, PV_POST, PV_AUTH_SESSION, ANSWER_MAX, host_opened, "/v1/pairings");
    case PV_PAIRING_WAITING: return look(task, 1, host_met);
    case PV_PAIRING_ANSWERED: return look(task, 2, host_asked);
    case PV_PAIRING_TELLING:
        pv_buf_append(&task->body, talk->out.p, talk->out.n);
        return leave(task, 2, told);
    case PV_PAIRING_OFFERED:
    case PV_PAIRING_ASKED:
    case PV_PAIRING_DONE: break;
    }
    return pv_task_finish(task);
}

/* ---- the guest */

static enum pv_err guest_begun(struct pv_task *task, const struct pv_response *response)
{
    return advance(task, response, PV_PAIRING_WAITING);
}

static enum pv_err guest_refused(struct pv_task *task, const struct pv_response *response)
{
    (void)response; /* told or not, it is over */
    return refuse(task, PV_ERR_BAD_MAC);
}

static enum pv_err guest_offered(struct pv_task *task, struct pv_bytes message)
{
    struct pv_pairing_talk *talk = talk_of(task);
    enum pv_err err = pv_pairing_accept(&talk->pairing, message, &talk->offer, &talk->memory);
    if (err == PV_ERR_NOMEM) return err;
    if (err) return leave(task, 2, guest_refused);
    return advance(task, NULL, PV_PAIRING_OFFERED);
}

static enum pv_err guest_done(struct pv_task *task, struct pv_bytes message)
{
    struct pv_pairing_talk *talk = talk_of(task);
    if (message.n == 0) return pv_task_error(task, PV_ERR_DENIED, "the other device did not add this one");
    enum pv_err err = pv_pairing_done_get(&talk->pairing, message, &talk->note, &talk->memory);
    if (err) return refuse(task, err);
    return advance(task, NULL, PV_PAIRING_DONE);
}

static enum pv_err guest_begin(struct pv_task *task, struct pv_pairing_talk *talk)
{
    enum pv_err err = pv_pairing_begin(&talk->pairing, &talk->code, talk->server_name, &talk->random, &task->body);
    return err ? err : leave(task, 1, guest_begun);
}

static enum pv_err guest_go_on(struct pv_task *task, struct pv_pairing_talk *talk)
{
    switch (talk->stage) {
    case PV_PAIRING_OPENING: return guest_begin(task, talk);
    case PV_PAIRING_WAITING: return look(task, 1, guest_offered);
    case PV_PAIRING_TELLING:
        pv_buf_append(&task->body, talk->out.p, talk->out.n);
        return leave(task, 2, told);
    case PV_PAIRING_ANSWERED: return look(task, 2, guest_done);
    case PV_PAIRING_OFFERED:
    case PV_PAIRING_ASKED:
    case PV_PAIRING_DONE: break;
    }
    return pv_task_finish(task);
}

static enum pv_err go_on(struct pv_task *task, const struct pv_response *response)
{
    struct pv_pairing_talk *talk = talk_of(task);
    (void)response;
    return talk->host ? host_go_on(task, talk) : guest_go_on(task, talk);
}

enum pv_err pv_pairing_task(struct pv_pairing_talk *talk, struct pv_task **ret_task)
{
    struct pairing_task *task = calloc(1, sizeof *task);
    if (!task) return PV_ERR_NOMEM;
    pv_task_init(&task->task, go_on, NULL);
    task->talk = talk;
    *ret_task = &task->task;
    return PV_OK;
}

/* ---- the talk */

static enum pv_err talk_new(bool host, const char *server_name, const struct pv_random *random,
                            struct pv_pairing_talk **ret_talk)
{
    if (strlen(server_name) > PV_LIMIT_SERVER_NAME_BYTES) return PV_ERR_LIMIT;
    struct pv_pairing_talk *talk = calloc(1, sizeof *talk);
    if (!talk) return PV_ERR_NOMEM;
    talk->host = host;
    talk->random = *random;
    memcpy(talk->server_name, server_name, strlen(server_name));
    pv_buf_init(&talk->out, PV_LIMIT_PAIRING_BYTES);
    pv_buf_init(&talk->memory, PV_LIMIT_PAIRING_BYTES);
    *ret_talk = talk;
    return PV_OK;
}

enum pv_err pv_pairing_host(const char *server_name, const struct pv_pairing_offer *offer, const struct pv_random *random,
                            struct pv_pairing_talk **ret_talk)
{
    if (offer->note.n > PV_LIMIT_NOTE_BYTES || offer->name.n > PV_LIMIT_NAME_BYTES) return PV_ERR_LIMIT;
    enum pv_err err = talk_new(true, server_name, random, ret_talk);
    if (err) return err;
    struct pv_pairing_talk *talk = *ret_talk;
    talk->offer = *offer;
    if (offer->note.n) memcpy(talk->offer_note, offer->note.p, offer->note.n);
    if (offer->name.n) memcpy(talk->offer_name, offer->name.p, offer->name.n);
    talk->offer.note = pv_bytes(talk->offer_note, offer->note.n);
    talk->offer.name = pv_bytes(talk->offer_name, offer->name.n);
    return PV_OK;
}

enum pv_err pv_pairing_guest(const char *server_name, const struct pv_pairing_code *code, const struct pv_random *random,
                             struct pv_pairing_talk **ret_talk)
{
    enum pv_err err = talk_new(false, server_name, random, ret_talk);
    if (!err) (*ret_talk)->code = *code;
    return err;
}

void pv_pairing_free(struct pv_pairing_talk *talk)
{
    if (!talk) return;
    pv_buf_wipe(&talk->out);
    pv_buf_wipe(&talk->memory);
    pv_wipe(talk, sizeof *talk);
    free(talk);
}

enum pv_pairing_stage pv_pairing_stage(const struct pv_pairing_talk *talk)
{
    return talk->stage;
}

const struct pv_pairing_code *pv_pairing_code(const struct pv_pairing_talk *talk, uint64_t *ret_expires_ms)
{
    *ret_expires_ms = talk->expires_ms;
    return talk->stage == PV_PAIRING_OPENING ? NULL : &talk->code;
}

const struct pv_pairing_request *pv_pairing_asked(const struct pv_pairing_talk *talk)
{
    return talk->host && talk->stage == PV_PAIRING_ASKED ? &talk->request : NULL;
}

enum pv_err pv_pairing_confirm(struct pv_pairing_talk *talk, struct pv_bytes note)
{
    pv_buf_clear(&talk->out);
    enum pv_err err = pv_pairing_done_put(&talk->pairing, note, &talk->out);
    if (!err) talk->stage = PV_PAIRING_TELLING;
    return err;
}

void pv_pairing_decline(struct pv_pairing_talk *talk)
{
    pv_buf_clear(&talk->out);
    talk->stage = PV_PAIRING_TELLING;
}

const struct pv_pairing_offer *pv_pairing_offered(const struct pv_pairing_talk *talk)
{
    return !talk->host && talk->stage == PV_PAIRING_OFFERED ? &talk->offer : NULL;
}

enum pv_err pv_pairing_ask(struct pv_pairing_talk *talk, const struct pv_pairing_request *request)
{
    pv_buf_clear(&talk->out);
    enum pv_err err = pv_pairing_request_put(&talk->pairing, request, &talk->out);
    if (!err) talk->stage = PV_PAIRING_TELLING;
    return err;
}

struct pv_bytes pv_pairing_note(const struct pv_pairing_talk *talk)
{
    return talk->note;
}
