/* This device's clock where its person said that it runs ahead: corrected for everything that is signed or judged by it,
 * and by no more than servers' signed times allow. */
#include "client/session.h"
#include "client/system.h"

enum { SLACK_MS = 3600000 };
static const char clock_ahead[] = "client.clock_ahead";

uint64_t pv_session_now_ms(const struct pv_session *session)
{
    uint64_t now_ms = pv_system_now_ms();
    return now_ms > session->clock_ahead_ms ? now_ms - session->clock_ahead_ms : 0;
}

enum pv_err pv_clock_load(struct pv_session *session)
{
    return pv_store_number_get(session->person->store, clock_ahead, 0, &session->clock_ahead_ms);
}

enum pv_err pv_clock_accept(struct pv_session *session, uint64_t ahead_ms)
{
    enum pv_err err = pv_store_number_set(session->person->store, clock_ahead, ahead_ms);
    if (err == PV_OK) session->clock_ahead_ms = ahead_ms;
    return err;
}

enum pv_err pv_clock_heard(struct pv_session *session, const struct pv_open_room *room)
{
    struct pv_buf note;
    uint64_t size = 0, time_s = 0, now_ms = pv_system_now_ms();
    enum pv_err err;

    if (!session->clock_ahead_ms || !session->person) return PV_OK;
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    err = pv_store_note_newest(room->store, &size, &time_s, &note);
    pv_buf_release(&note);
    if (err == PV_ERR_NOT_FOUND) return PV_OK;
    if (err != PV_OK || time_s * 1000 <= pv_session_now_ms(session) + SLACK_MS) return err;
    return pv_clock_accept(session, now_ms > time_s * 1000 ? now_ms - time_s * 1000 : 0);
}
