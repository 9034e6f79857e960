/* Answers as a hostile server would give them: older ones, with parts missing, forged, swapped, under a new signature. */
#include <stdio.h>
#include <stdlib.h>

#include "core/log/checkpoint.h"
#include "tests/simulation/world.h"

enum { PAGE_MAX = 512 };

struct page {
    uint64_t from;
    struct pv_bytes entry[PAGE_MAX], refs[PAGE_MAX], body[PAGE_MAX];
    bool has_body[PAGE_MAX];
    size_t count;
    struct pv_bytes note;
};

static bool page_read(struct pv_bytes answer, struct page *page)
{
    struct pv_cbor in;
    pv_cbor_init(&in, answer);
    pv_cbor_get_array_of(&in, 3);
    page->from = pv_cbor_get_uint(&in, PV_LIMIT_N);
    page->count = pv_cbor_get_array(&in, PAGE_MAX);
    for (size_t i = 0; i < page->count && !in.err; i++) {
        pv_cbor_get_array_of(&in, 3);
        page->entry[i] = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES);
        page->refs[i] = pv_cbor_get_item(&in);
        page->has_body[i] = !pv_cbor_take_null(&in);
        if (page->has_body[i]) page->body[i] = pv_cbor_get_bytes(&in, PV_LIMIT_BODY_BYTES);
    }
    if (!in.err && !pv_cbor_take_null(&in)) page->note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
    return pv_cbor_finish(&in) == PV_OK && page->count;
}

static void page_write(const struct page *page, struct pv_bytes note, struct pv_buf *answer)
{
    struct pv_buf out;
    pv_buf_init(&out, SIZE_MAX);
    pv_cbor_put_array(&out, 3);
    pv_cbor_put_uint(&out, page->from);
    pv_cbor_put_array(&out, page->count);
    for (size_t i = 0; i < page->count; i++) {
        pv_cbor_put_array(&out, 3);
        pv_cbor_put_bytes(&out, page->entry[i].p, page->entry[i].n);
        pv_buf_append(&out, page->refs[i].p, page->refs[i].n);
        if (page->has_body[i]) pv_cbor_put_bytes(&out, page->body[i].p, page->body[i].n);
        else pv_cbor_put_null(&out);
    }
    pv_cbor_put_bytes(&out, note.p, note.n);
    pv_buf_clear(answer);
    pv_buf_append(answer, out.p, out.n);
    pv_buf_release(&out);
}

static void swap(struct page *page, size_t a, size_t b)
{
    struct page old = {.count = 0};
    old.entry[0] = page->entry[a], old.refs[0] = page->refs[a], old.body[0] = page->body[a], old.has_body[0] = page->has_body[a];
    page->entry[a] = page->entry[b], page->refs[a] = page->refs[b], page->body[a] = page->body[b], page->has_body[a] = page->has_body[b];
    page->entry[b] = old.entry[0], page->refs[b] = old.refs[0], page->body[b] = old.body[0], page->has_body[b] = old.has_body[0];
}

static void drop(struct page *page, size_t at)
{
    for (size_t i = at; i + 1 < page->count; i++) swap(page, i, i + 1);
    page->count--;
}

/* The tree over what the device holds and the page, signed with the server's key. */
static void sign_page(struct sim_world *world, const struct sim_device *device, unsigned room, const struct page *page,
                      struct pv_buf *note)
{
    struct pv_merkle_edge edge = {.size = 0};
    struct pv_checkpoint checkpoint = {.time_s = world->now_ms / 1000};
    struct pv_hash unused[64], leaf;
    size_t unused_count;
    for (uint64_t i = 0; i < page->from && pv_store_leaf(device->copies[room].store, i, &leaf) == PV_OK; i++)
        pv_merkle_append(&edge, &leaf, unused, &unused_count);
    for (size_t i = 0; i < page->count; i++) {
        pv_entry_leaf(page->entry[i], &leaf);
        pv_merkle_append(&edge, &leaf, unused, &unused_count);
    }
    world->two_faced = true;
    checkpoint.size = edge.size;
    pv_merkle_edge_root(&edge, &checkpoint.root);
    if (pv_checkpoint_make(world->server.name, &world->room_ids[room], &checkpoint, &world->log_sk, &world->server.log_key, note))
        abort();
}

/* A byte of what an entry or body holds. */
static struct pv_bytes flipped(struct sim_world *world, struct pv_bytes bytes, struct pv_buf *memory)
{
    pv_buf_clear(memory);
    pv_buf_append(memory, bytes.p, bytes.n);
    if (bytes.n) memory->p[sim_below(world, bytes.n)] ^= (uint8_t)(1 + sim_below(world, 255));
    return pv_buf_bytes(memory);
}

/* Bodies that were dropped for good, as if they were not. */
static void show_dropped(const struct sim_world *world, unsigned room, struct page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        struct pv_hash leaf;
        if (page->has_body[i]) continue;
        pv_entry_leaf(page->entry[i], &leaf);
        page->has_body[i] = sim_ledger_dropped(world, room, &leaf, &page->body[i], &page->refs[i]);
    }
}

static void lie_about_page(struct sim_world *world, const struct sim_device *device, unsigned room, struct pv_buf *answer)
{
    static struct page page;
    struct pv_buf note, memory;
    page.note = pv_bytes(NULL, 0);
    if (!page_read(pv_buf_bytes(answer), &page)) return;
    size_t at = (size_t)sim_below(world, page.count), lie = (size_t)sim_below(world, world->weather.forgets ? 9 : 8);
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    pv_buf_init(&memory, SIZE_MAX);
    static const char *const names[] = {"drops", "swaps", "repeats", "forges", "gives a wrong body of", "withholds the body of", "cuts after", "signs itself",
                                        "shows what was forgotten, also beside"};
    sim_tell(world, "  … the server %s entry %zu of the page from %llu", names[lie], at, (unsigned long long)page.from);
    if (lie == 0) drop(&page, at);
    if (lie == 1) swap(&page, at, (size_t)sim_below(world, page.count));
    if (lie == 2 && page.count < PAGE_MAX) {
        size_t last = page.count++;
        page.entry[last] = page.entry[at], page.refs[last] = page.refs[at];
        page.body[last] = page.body[at], page.has_body[last] = page.has_body[at];
    }
    if (lie == 3) page.entry[at] = flipped(world, page.entry[at], &memory);
    if (lie == 4) page.body[at] = flipped(world, page.body[at], &memory);
    if (lie == 5) page.has_body[at] = false;
    if (lie == 6) page.count = at + 1;
    if (lie == 8) show_dropped(world, room, &page);
    bool anew = page.from + page.count > 0 && sim_chance(world, 200);
    if (anew) sign_page(world, device, room, &page, &note);
    page_write(&page, anew ? pv_buf_bytes(&note) : page.note, answer);
    pv_buf_release(&note);
    pv_buf_release(&memory);
}

void sim_shorten(struct sim_world *world, const struct pv_request *request, struct sim_answer *answer)
{
    static struct page page;
    page.note = pv_bytes(NULL, 0);
    if (answer->status != 200 || !strstr(request->path, "/entries?") || !page_read(pv_buf_bytes(&answer->body), &page)) return;
    page.count = 1 + (size_t)sim_below(world, page.count);
    page_write(&page, page.note, &answer->body);
}

static unsigned room_named(const struct sim_world *world, const char *path)
{
    struct pv_hash id;
    if (strncmp(path, "/v1/rooms/", 10) != 0 || strlen(path) < 74 || pv_hex_decode(path + 10, 64, id.b, sizeof id.b)) return SIM_ROOMS;
    for (unsigned r = 0; r < SIM_ROOMS; r++)
        if (world->has_room[r] && pv_hash_equal(&world->room_ids[r], &id)) return r;
    return SIM_ROOMS;
}

void sim_lie(struct sim_world *world, struct sim_device *device, struct sim_host *host, const struct pv_request *request,
             struct sim_answer *answer)
{
    unsigned room = room_named(world, request->path);
    (void)host;
    if (answer->status != 200 || room == SIM_ROOMS) return;
    if (strstr(request->path, "/entries?")) {
        lie_about_page(world, device, room, &answer->body);
        return;
    }
    unsigned lie = (unsigned)sim_below(world, 3);
    sim_tell(world, "  … the server lies about %.40s (%u)", request->path + 74, lie);
    if (lie == 0) { /* withholds */
        answer->status = 404;
        answer->problem = PV_ERR_NOT_FOUND;
    } else if (lie == 1 && answer->body.n) {
        answer->body.p[sim_below(world, answer->body.n)] ^= (uint8_t)(1 + sim_below(world, 255));
    } else {
        answer->body.n = answer->body.n ? (size_t)sim_below(world, answer->body.n) : 0;
    }
}
