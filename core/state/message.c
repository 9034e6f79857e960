/* Messages: one row each, in the order of the log. */
#include <string.h>

#include "core/state/feature.h"

enum pv_err pv_message_fold(struct pv_store *store, const struct pv_folding *folding)
{
    const struct pv_payload *payload = folding->payload;
    uint8_t reply[32 + 16];
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO message (idx, author, time, write_id, reply, text, attachments)"
                                            " VALUES (?, ?, ?, ?, ?, ?, ?)");
    pv_sql_bind_u64(&sql, folding->index);
    pv_sql_bind_u64(&sql, folding->author);
    pv_sql_bind_u64(&sql, folding->time_ms);
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(payload->write_id));
    if (payload->u.message.is_reply) {
        memcpy(reply, payload->u.message.reply.author.b, 32);
        memcpy(reply + 32, payload->u.message.reply.write_id.b, 16);
        pv_sql_bind_bytes(&sql, pv_bytes(reply, sizeof reply));
    } else {
        pv_sql_bind_null(&sql);
    }
    pv_sql_bind_text(&sql, payload->u.message.text);
    if (payload->u.message.attachments.count) pv_sql_bind_bytes(&sql, payload->u.message.attachments.encoded);
    else pv_sql_bind_null(&sql);
    return pv_sql_run(&sql);
}
