/* Writing heads beside the blobs, once a second for all rooms that grew, and reading them back for a restore. */
#include "server/heads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/log.h"

enum {
    FILE_MAX = 512 * 1024 * 1024,
    COMPACT_LEAST = 4 * 1024 * 1024,
    SLOTS_LEAST = 64
};

struct slot {
    uint64_t room_no; /* 0: free */
    size_t n;
    uint8_t *note; /* owned, PV_LIMIT_NOTE_BYTES */
};

struct pv_heads {
    struct pv_blobs *blobs;
    pthread_mutex_t lock;
    struct slot *slots; /* open addressing, a power of two, at most half full */
    size_t slot_count, used;
    bool lacks; /* one was left out */
    size_t size, compact_at; /* of the file; the flushing thread's alone */
};

/* ---- what grew */

static struct slot *find_slot(struct slot *slots, size_t count, uint64_t room_no)
{
    size_t i = (size_t)(room_no * 0x9e3779b97f4a7c15u) & (count - 1);
    while (slots[i].room_no && slots[i].room_no != room_no) i = (i + 1) & (count - 1);
    return &slots[i];
}

static bool make_room(struct pv_heads *heads)
{
    size_t count = heads->slot_count ? heads->slot_count * 2 : SLOTS_LEAST;
    if ((heads->used + 1) * 2 <= heads->slot_count) return true;
    struct slot *slots = calloc(count, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < heads->slot_count; i++)
        if (heads->slots[i].room_no) *find_slot(slots, count, heads->slots[i].room_no) = heads->slots[i];
    free(heads->slots);
    heads->slots = slots;
    heads->slot_count = count;
    return true;
}

static bool keep(struct pv_heads *heads, uint64_t room_no, struct pv_bytes note)
{
    if (room_no == 0 || note.n > PV_LIMIT_NOTE_BYTES || !make_room(heads)) return false;
    struct slot *slot = find_slot(heads->slots, heads->slot_count, room_no);
    if (!slot->room_no) {
        slot->note = malloc(PV_LIMIT_NOTE_BYTES);
        if (!slot->note) return false;
        slot->room_no = room_no;
        heads->used++;
    }
    memcpy(slot->note, note.p, note.n);
    slot->n = note.n;
    return true;
}

void pv_heads_grew(struct pv_heads *heads, uint64_t room_no, struct pv_bytes note)
{
    pthread_mutex_lock(&heads->lock);
    if (!keep(heads, room_no, note)) heads->lacks = true;
    pthread_mutex_unlock(&heads->lock);
}

static void free_slots(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) free(slots[i].note);
    free(slots);
}

/* What could not be written comes back, where nothing newer is. */
static void take_back(struct pv_heads *heads, const struct slot *slots, size_t count)
{
    pthread_mutex_lock(&heads->lock);
    for (size_t i = 0; i < count; i++) {
        if (!slots[i].room_no) continue;
        if (heads->slot_count && find_slot(heads->slots, heads->slot_count, slots[i].room_no)->room_no) continue;
        if (!keep(heads, slots[i].room_no, pv_bytes(slots[i].note, slots[i].n))) heads->lacks = true;
    }
    pthread_mutex_unlock(&heads->lock);
}

/* ---- the file */

static enum pv_err read_file(struct pv_blobs *blobs, struct pv_buf *bytes)
{
    pv_buf_init(bytes, FILE_MAX);
    return blobs->ops->heads_read(blobs, bytes);
}

static bool read_number(struct pv_bytes hex, struct pv_hash *ret_room)
{
    return hex.n == 2 * sizeof ret_room->b && pv_hex_decode((const char *)hex.p, hex.n, ret_room->b, sizeof ret_room->b) == PV_OK;
}

/* `<server name>/room/<hex>`, the first line. Errors: MALFORMED. */
static enum pv_err read_origin(struct pv_bytes note, char name[static PV_LIMIT_SERVER_NAME_BYTES + 1], struct pv_hash *ret_room)
{
    static const char mark[] = "/room/";
    const uint8_t *end = note.n ? memchr(note.p, '\n', note.n) : NULL;
    size_t line = end ? (size_t)(end - note.p) : 0, tail = strlen(mark) + 2 * sizeof ret_room->b;
    if (line <= tail || line - tail > PV_LIMIT_SERVER_NAME_BYTES || memcmp(end - tail, mark, strlen(mark)) != 0)
        return PV_ERR_MALFORMED;
    if (!read_number(pv_bytes(end - 2 * sizeof ret_room->b, 2 * sizeof ret_room->b), ret_room)) return PV_ERR_MALFORMED;
    memcpy(name, note.p, line - tail);
    name[line - tail] = '\0';
    return PV_OK;
}

static bool add_note(struct pv_heads_list *list, size_t *cap, struct pv_head_note note)
{
    if (list->count == *cap) {
        size_t more = *cap ? *cap * 2 : SLOTS_LEAST;
        struct pv_head_note *notes = realloc(list->notes, more * sizeof *notes);
        if (!notes) return false;
        list->notes = notes;
        *cap = more;
    }
    list->notes[list->count++] = note;
    return true;
}

/* Items as they stand; the last may be a beginning only. */
static enum pv_err read_items(struct pv_heads_list *list)
{
    struct pv_cbor in;
    size_t cap = 0;
    pv_cbor_init(&in, pv_buf_bytes(&list->bytes));
    while (in.p < in.end) {
        struct pv_head_note one = {.note = {NULL, 0}};
        char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
        list->damaged_at = (uint64_t)(in.p - list->bytes.p);
        list->is_all = false;
        if (pv_cbor_take_null(&in)) continue;
        one.note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
        if (in.err == PV_ERR_TRUNCATED) return PV_OK;
        if (in.err) return PV_ERR_CORRUPT;
        list->is_all = one.note.n == 0;
        if (one.note.n == 0) continue;
        if (read_origin(one.note, name, &one.room)) return PV_ERR_CORRUPT;
        if (!add_note(list, &cap, one)) return PV_ERR_NOMEM;
    }
    list->damaged_at = list->bytes.n;
    return PV_OK;
}

/* By room, and the later one after the earlier. */
static int compare_notes(const void *a, const void *b)
{
    const struct pv_head_note *x = a, *y = b;
    int order = memcmp(x->room.b, y->room.b, sizeof x->room.b);
    return order ? order : (x->note.p > y->note.p) - (x->note.p < y->note.p);
}

static void keep_last(struct pv_heads_list *list)
{
    size_t kept = 0;
    if (list->count) qsort(list->notes, list->count, sizeof *list->notes, compare_notes);
    for (size_t i = 0; i < list->count; i++)
        if (i + 1 == list->count || !pv_hash_equal(&list->notes[i].room, &list->notes[i + 1].room)) list->notes[kept++] = list->notes[i];
    list->count = kept;
}

static enum pv_err verify_notes(struct pv_heads_list *list, const struct pv_sign_pk *log_pk)
{
    for (size_t i = 0; i < list->count; i++) {
        struct pv_head_note *one = &list->notes[i];
        char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
        if (read_origin(one->note, name, &one->room) == PV_OK &&
            pv_checkpoint_open(one->note, name, &one->room, log_pk, &one->checkpoint) == PV_OK) continue;
        list->damaged_at = (uint64_t)(one->note.p - list->bytes.p);
        return PV_ERR_CORRUPT;
    }
    return PV_OK;
}

enum pv_err pv_heads_read(struct pv_blobs *blobs, const struct pv_sign_pk *log_pk, struct pv_heads_list *ret_list)
{
    *ret_list = (struct pv_heads_list){.notes = NULL};
    enum pv_err err = read_file(blobs, &ret_list->bytes);
    if (!err) err = read_items(ret_list);
    if (!err) keep_last(ret_list);
    return err ? err : verify_notes(ret_list, log_pk);
}

void pv_heads_list_release(struct pv_heads_list *list)
{
    pv_buf_release(&list->bytes);
    free(list->notes);
    list->notes = NULL;
    list->count = 0;
}

static enum pv_err replace(struct pv_heads *heads, struct pv_buf *whole, bool keeps_old)
{
    pv_cbor_put_null(whole); /* a server writes */
    enum pv_err err = whole->err ? whole->err : heads->blobs->ops->heads_replace(heads->blobs, pv_buf_bytes(whole), keeps_old);
    if (err) return err;
    heads->size = whole->n;
    heads->compact_at = 2 * whole->n + COMPACT_LEAST;
    return PV_OK;
}

/* Only the last of each room, without what a power cut left. */
static enum pv_err compact(struct pv_heads *heads)
{
    struct pv_heads_list list = {.notes = NULL};
    struct pv_buf whole;
    pv_buf_init(&whole, FILE_MAX);
    enum pv_err err = read_file(heads->blobs, &list.bytes);
    if (!err) err = read_items(&list);
    if (!err) keep_last(&list);
    for (size_t i = 0; i < list.count && !err; i++) pv_cbor_put_bytes(&whole, list.notes[i].note.p, list.notes[i].note.n);
    if (!err) err = replace(heads, &whole, false);
    pv_buf_release(&whole);
    pv_heads_list_release(&list);
    return err;
}

static enum pv_err put_note(void *context, const struct pv_meta_room *room, struct pv_bytes note)
{
    struct pv_buf *whole = context;
    (void)room;
    pv_cbor_put_bytes(whole, note.p, note.n);
    return whole->err;
}

/* There are none, or other things than a server writes: anew, from the metadata. */
static enum pv_err rebuild(struct pv_heads *heads, struct pv_meta *meta, bool keeps_old)
{
    struct pv_buf whole;
    pv_buf_init(&whole, FILE_MAX);
    enum pv_err err = meta->ops->each_note(meta, put_note, &whole);
    if (!err) err = replace(heads, &whole, keeps_old);
    pv_buf_release(&whole);
    return err;
}

/* ---- a server's */

enum pv_err pv_heads_new(struct pv_meta *meta, struct pv_blobs *blobs, struct pv_heads **ret_heads)
{
    struct pv_heads *heads = calloc(1, sizeof *heads);
    if (!heads) return PV_ERR_NOMEM;
    heads->blobs = blobs;
    pthread_mutex_init(&heads->lock, NULL);
    enum pv_err err = compact(heads);
    if (err == PV_ERR_CORRUPT) PV_LOG(PV_LOG_WARN, "the heads beside the blobs are damaged; they are kept, and written anew from the metadata");
    if (err == PV_ERR_CORRUPT || err == PV_ERR_NOT_FOUND) err = rebuild(heads, meta, err == PV_ERR_CORRUPT);
    if (err) pv_heads_free(heads);
    else *ret_heads = heads;
    return err;
}

void pv_heads_free(struct pv_heads *heads)
{
    if (!heads) return;
    free_slots(heads->slots, heads->slot_count);
    pthread_mutex_destroy(&heads->lock);
    free(heads);
}

static enum pv_err add(struct pv_heads *heads, struct pv_bytes bytes)
{
    enum pv_err err = heads->size > heads->compact_at ? compact(heads) : PV_OK;
    if (!err) err = heads->blobs->ops->heads_add(heads->blobs, bytes);
    if (!err) heads->size += bytes.n;
    else heads->compact_at = 0; /* half of it may stand there: the next one makes the file whole first */
    return err;
}

static enum pv_err flush(struct pv_heads *heads, bool ends)
{
    struct pv_buf bytes;
    pthread_mutex_lock(&heads->lock);
    struct slot *slots = heads->slots;
    size_t count = heads->slot_count, used = heads->used;
    heads->slots = NULL;
    heads->slot_count = heads->used = 0;
    ends = ends && !heads->lacks;
    pthread_mutex_unlock(&heads->lock);
    pv_buf_init(&bytes, FILE_MAX);
    for (size_t i = 0; i < count; i++)
        if (slots[i].room_no) pv_cbor_put_bytes(&bytes, slots[i].note, slots[i].n);
    if (ends) pv_cbor_put_bytes(&bytes, NULL, 0);
    enum pv_err err = bytes.err;
    if (!err && (used || ends)) err = add(heads, pv_buf_bytes(&bytes));
    if (err) take_back(heads, slots, count);
    pv_buf_release(&bytes);
    free_slots(slots, count);
    return err;
}

enum pv_err pv_heads_flush(struct pv_heads *heads)
{
    return flush(heads, false);
}

enum pv_err pv_heads_end(struct pv_heads *heads)
{
    return flush(heads, true);
}
