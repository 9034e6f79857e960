/* The person's list of rooms: who forgets it means to hide rooms from a later revocation, and does not. */
#include "tests/unit/sync_pair.h"

#include <string.h>

#include "core/state/query.h"
#include "core/sync/devices.h"
#include "core/sync/room_parts.h"
#include "tests/tap.h"

enum { MANY = 600, URL_BYTES = 300 };

struct phone_and_laptop {
    struct rig_server server;
    struct rig_device laptop, phone;
    struct rig_room *own;
};

static void home_init(struct phone_and_laptop *h)
{
    rig_server_init(&h->server, 1);
    is_err(rig_device_init(&h->laptop, &h->server, 2), PV_OK, "a laptop");
    is_err(rig_device_second(&h->phone, &h->laptop, 3, false), PV_OK, "adds a phone");
    h->own = rig_room_find(&h->server, &h->laptop.me.person);
}

static void home_release(struct phone_and_laptop *h)
{
    rig_device_release(&h->phone);
    rig_device_release(&h->laptop);
    rig_server_release(&h->server);
}

static struct pv_hash room_id(unsigned number)
{
    struct pv_hash id = {{'r', (uint8_t)(number >> 8), (uint8_t)number}};
    return id;
}

/* Rooms [from, to) into the laptop's list, in one entry. */
static enum pv_err list_rooms(struct phone_and_laptop *h, unsigned from, unsigned to, size_t url_bytes)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_ROOMS};
    struct pv_buf rows, encoded;
    char url[URL_BYTES + 1];
    memset(url, 'u', url_bytes);
    url[url_bytes] = '\0';
    pv_buf_init(&rows, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_init(&encoded, PV_LIMIT_PAYLOAD_BYTES);
    for (unsigned i = from; i < to; i++)
        pv_listed_room_put(&rows, &(struct pv_listed_room){.room = room_id(i), .has_place = true, .state = PV_ROOM_JOINED,
                                                           .server_url = pv_bytes_of_string(url), .local_name = pv_bytes_of_string("acme")});
    payload.u.rooms = (struct pv_encoded_list){to - from, pv_buf_bytes(&rows)};
    pv_random_fill(&h->laptop.random, payload.write_id.b, sizeof payload.write_id.b);
    pv_payload_put(&encoded, &payload);
    enum pv_err err = encoded.err ? encoded.err : pv_room_write(h->laptop.person, PV_KIND_TALK, pv_buf_bytes(&encoded), pv_bytes(NULL, 0));
    pv_buf_release(&rows);
    pv_buf_release(&encoded);
    return err ? err : rig_person_push(&h->laptop);
}

/* By a thief's program, which does nothing against it. */
static void forget(struct phone_and_laptop *h, uint64_t from, uint64_t to)
{
    struct pv_roster_body body = {.type = PV_ROSTER_FORGET, .u.ranges = {.id = {{'f', (uint8_t)from}}, .ranges = {{from, to}}, .count = 1}};
    append_roster(&h->server, h->own, &h->laptop, &body, pv_bytes("\x83\x80\x80\x80", 4), 0, "a thief with its keys forgets the list");
}

static void is_deleted(struct phone_and_laptop *h, uint64_t from)
{
    const struct pv_id16 id = {{'f', (uint8_t)from}};
    is_err(rig_deleted(&h->server, h->own, &id), PV_OK, "and the server deletes it");
}

static enum pv_err count_place(void *context, const struct pv_listed_room *row)
{
    size_t *count = context;
    *count += row->has_place && row->state == PV_ROOM_JOINED && row->local_name.n == 4;
    return PV_OK;
}

static void is_listed(struct rig_device *device, size_t want, const char *what)
{
    struct pv_query query = {.store = device->person_store, .roster = pv_room_roster(device->person)};
    size_t count = 0;
    is_err(pv_query_rooms(&query, count_place, &count), PV_OK, "the list is read");
    tap_is_int((long long)count, (long long)want, what);
}

/* What the phone, which was there, leaves to a tablet that comes after. */
static void is_left_to_newcomer(struct phone_and_laptop *h, size_t want, const char *what)
{
    struct rig_device tablet;
    is_err(rig_device_second(&tablet, &h->phone, 9, false), PV_OK, "a tablet comes after");
    is_listed(&tablet, want, what);
    rig_device_release(&tablet);
}

static void test_while_it_waits(void)
{
    struct phone_and_laptop h;
    home_init(&h);
    uint64_t from = h.own->edge.size;
    is_err(list_rooms(&h, 0, 3, 20), PV_OK, "three rooms are listed");
    is_err(rig_person_pull(&h.phone), PV_OK, "which the phone sees");
    forget(&h, from, from + 1);
    uint64_t before = h.own->edge.size;
    is_err(rig_person_push(&h.phone), PV_OK, "the phone looks");
    tap_is_int((long long)h.own->edge.size, (long long)before + 1, "and lists them anew, in one entry");
    is_err(rig_person_push(&h.phone), PV_OK, "it looks again");
    tap_is_int((long long)h.own->edge.size, (long long)before + 1, "once is enough");
    is_deleted(&h, from);
    is_left_to_newcomer(&h, 3, "and finds the three");
    home_release(&h);
}

static void test_after_it_is_done(void)
{
    struct phone_and_laptop h;
    home_init(&h);
    uint64_t from = h.own->edge.size;
    is_err(list_rooms(&h, 0, 3, 20), PV_OK, "three rooms are listed");
    is_err(list_rooms(&h, 2, 4, 20), PV_OK, "the third again, and a fourth");
    is_err(rig_person_pull(&h.phone), PV_OK, "which the phone sees, and goes offline");
    forget(&h, from, from + 1);
    is_deleted(&h, from);
    is_err(rig_person_push(&h.phone), PV_OK, "it comes back");
    is_listed(&h.phone, 4, "with all four");
    is_left_to_newcomer(&h, 4, "and finds them");
    home_release(&h);
}

static void test_many(void)
{
    struct phone_and_laptop h;
    home_init(&h);
    uint64_t from = h.own->edge.size;
    for (unsigned i = 0; i < MANY; i += MANY / 4) is_err(list_rooms(&h, i, i + MANY / 4, URL_BYTES), PV_OK, "rooms are listed");
    is_err(rig_person_pull(&h.phone), PV_OK, "which the phone sees");
    forget(&h, from, h.own->edge.size);
    is_err(rig_person_push(&h.phone), PV_OK, "the phone looks");
    is_deleted(&h, from);
    is_left_to_newcomer(&h, MANY, "and finds all, of more than one payload takes");
    home_release(&h);
}

static void test_revoked(void)
{
    struct phone_and_laptop h;
    home_init(&h);
    const struct pv_revocation phone = {.devices = {h.phone.me.device}, .count = 1};
    uint64_t from = h.own->edge.size;
    is_err(list_rooms(&h, 0, 3, 20), PV_OK, "three rooms are listed");
    is_err(rig_person_pull(&h.phone), PV_OK, "which the phone sees");
    is_err(pv_device_revoke(h.laptop.person, &phone), PV_OK, "it is revoked");
    is_err(rig_person_push(&h.laptop), PV_OK, "and that sent");
    forget(&h, from, from + 1);
    uint64_t before = h.own->edge.size, waiting = 0;
    (void)rig_person_push(&h.phone);
    is_err(pv_store_write_count(h.phone.person_store, &waiting), PV_OK, "its outbox is read");
    tap_is_int((long long)waiting, 0, "a device that is out has nothing to say");
    tap_is_int((long long)h.own->edge.size, (long long)before, "and says nothing");
    home_release(&h);
}

int main(void)
{
    test_while_it_waits();
    test_after_it_is_done();
    test_many();
    test_revoked();
    return tap_done();
}
