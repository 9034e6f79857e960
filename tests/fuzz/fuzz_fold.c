/* Whatever payloads members seal, the fold takes them, every query answers, and a payload that reads encodes to the
 * bytes that it was read from.
 *
 * Input: records of kind (1 byte), author (1), length (2), payload. */
#include <stdlib.h>
#include <string.h>

#include "core/state/fold.h"
#include "core/state/query.h"
#include "core/state/verified.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3 *db;
static struct pv_store *store;
static struct pv_buf out;

static void must(enum pv_err err)
{
    if (err) abort();
}

static enum pv_err see_room(void *context, const struct pv_listed_room *room)
{
    (void)context;
    (void)room;
    return PV_OK;
}

static void try_payload(struct pv_bytes bytes)
{
    struct pv_payload payload;
    uint64_t type = 0;
    struct pv_id16 write_id;
    enum pv_kind kind;
    if (pv_payload_read(bytes, &payload)) return;
    must(pv_payload_peek(bytes, &type, &write_id));
    must(pv_payload_kind(type, &kind));
    pv_buf_clear(&out);
    pv_payload_put(&out, &payload);
    if (out.err || !pv_bytes_equal(pv_buf_bytes(&out), bytes)) abort();
}

static void fold_record(uint64_t index, uint8_t kind, uint8_t author, struct pv_bytes payload)
{
    struct pv_log_item item = {.index = index};
    item.entry.header.kind = kind % 5u;
    item.entry.header.author.b[0] = author % 4u;
    item.entry.header.time_ms = (uint64_t)author << 40;
    must(pv_fold_entry(store, &item, PV_ACCEPTED, payload));
}

static void ask(const struct pv_query *query)
{
    struct pv_message_filter filter = {.limit = 20};
    struct pv_search search = {.words = pv_bytes("a", 1), .limit = 20};
    pv_buf_clear(&out);
    must(pv_query_messages_json(query, &filter, &out));
    must(pv_query_files_json(query, pv_bytes("", 0), false, &out));
    must(pv_query_files_json(query, pv_bytes("a", 1), true, &out));
    must(pv_query_search_json(query, &search, &out));
    must(pv_query_rooms(query, see_room, NULL));
    struct pv_verifications verifications = {0};
    must(pv_verifications_load(query, &verifications));
    pv_verifications_release(&verifications);
    if (!pv_utf8_is_valid(out.p, out.n)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store) {
        if (sqlite3_open(":memory:", &db)) abort();
        must(pv_store_open(db, &store));
        pv_buf_init(&out, 1 << 24);
    }
    struct pv_query query = {.store = store};
    must(pv_store_begin(store));
    for (uint64_t index = 0; size >= 4; index++) {
        size_t n = (size_t)data[2] << 8 | data[3];
        struct pv_bytes payload = pv_bytes(data + 4, n < size - 4 ? n : size - 4);
        try_payload(payload);
        fold_record(index, data[0], data[1], payload);
        data += 4 + payload.n;
        size -= 4 + payload.n;
    }
    ask(&query);
    pv_store_rollback(store);
    return 0;
}
