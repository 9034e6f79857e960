/* Devices: their home on a simulated disk, the program that has it open, and its end at any moment. */
#include <stdio.h>
#include <stdlib.h>

#include "core/log/checkpoint.h"
#include "core/state/payload.h"
#include "core/sync/devices.h"
#include "tests/simulation/world.h"

static const char template_name[] = "room";

static sqlite3 *open_database(unsigned disk, const char *file)
{
    char path[SIM_FILE_NAME + 8] = ":memory:";
    sqlite3 *db = NULL;
    if (file) sim_disk_path(disk, file, path);
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc == SQLITE_OK) return db;
    sqlite3_close(db);
    return NULL;
}

/* Making tables takes longer than most steps: mostly a new database is a copy of one that was made before. */
static void make_template(void)
{
    if (sim_disk_has(SIM_TEMPLATES, template_name)) return;
    for (int again = 0; again < 2; again++) { /* the second time turns its log on */
        struct pv_store *store;
        sqlite3 *db = open_database(SIM_TEMPLATES, template_name);
        if (!db || pv_store_open(db, &store)) abort();
        pv_store_close(store);
        /* Of smaller pages: there is less to copy, and more that a crash can take apart. */
        if (!again && sqlite3_exec(db, "PRAGMA page_size = 2048; VACUUM", NULL, NULL, NULL)) abort();
        sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        sqlite3_close(db);
    }
}

/* The same in memory, for who has no disk: by rollback instead of a log, which memory has not. */
static sqlite3 *open_in_memory(void)
{
    enum { WRITE_VERSION = 18, READ_VERSION = 19 };
    sqlite3 *db = open_database(0, NULL);
    struct pv_buf image;
    pv_buf_init(&image, SIZE_MAX);
    sim_disk_get(SIM_TEMPLATES, template_name, &image);
    unsigned char *copy = db ? sqlite3_malloc64(image.n) : NULL;
    if (!copy) abort();
    memcpy(copy, image.p, image.n);
    copy[WRITE_VERSION] = copy[READ_VERSION] = 1;
    int rc = sqlite3_deserialize(db, "main", copy, (sqlite3_int64)image.n, (sqlite3_int64)image.n,
                                 SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    pv_buf_release(&image);
    if (rc == SQLITE_OK) return db;
    sqlite3_close(db);
    return NULL;
}

static struct pv_identity identity_from(struct seeded *seed)
{
    struct pv_sign_seed sign;
    struct pv_kem_seed kem;
    struct pv_identity id;
    seeded_fill(seed, sign.b, sizeof sign.b);
    seeded_fill(seed, kem.b, sizeof kem.b);
    pv_identity_derive(&sign, &kem, &id);
    return id;
}

uint64_t sim_device_now(const struct sim_world *world, const struct sim_device *device)
{
    return (uint64_t)((int64_t)world->now_ms + device->clock_ms);
}

/* Not by the world's seed: a key that is made at the same step of many worlds is the same one, and remembered. */
void sim_device_shake(const struct sim_world *world, struct sim_device *device)
{
    enum { TIMES = 16 };
    device->shaken_times = device->shaken_step == world->step ? (device->shaken_times + 1) % TIMES : 0;
    device->shaken_step = world->step;
    device->dice = seeded_make((world->step * TIMES + device->shaken_times) * SIM_PROGRAMS + device->slot + 1);
}

struct sim_device *sim_device_of_store(struct sim_world *world, const struct pv_store *store, unsigned *ret_room)
{
    for (unsigned i = 0; store && i < SIM_PROGRAMS; i++)
        for (unsigned r = 0; r < SIM_ROOMS; r++)
            if (sim_program(world, i)->copies[r].store == store) {
                *ret_room = r;
                return sim_program(world, i);
            }
    return NULL;
}

/* ---- copies of rooms */

static void copy_close(struct sim_copy *copy)
{
    pv_room_close(copy->room);
    pv_store_close(copy->store);
    sqlite3_close(copy->db);
    *copy = (struct sim_copy){.db = NULL};
}

static void names(unsigned room, char ret_file[static 8], char ret_pin[static 8])
{
    snprintf(ret_file, 8, "r%u", room % 16);
    snprintf(ret_pin, 8, "p%u", room % 16);
}

sqlite3 *sim_copy_database(unsigned disk, unsigned room)
{
    char file[8], pin_file[8];
    names(room, file, pin_file);
    return open_database(disk, file);
}

enum pv_err sim_copy_open(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct sim_copy *copy = &device->copies[room];
    char file[8], pin_file[8];
    struct pv_buf pin;
    if (copy->room) return PV_OK;
    names(room, file, pin_file);
    sim_disk_open_as(0);
    make_template();
    if (!device->paper && !sim_disk_has(device->disk, file) && !sim_chance(world, 16))
        sim_disk_clone_file(device->disk, file, SIM_TEMPLATES, template_name);
    sim_disk_open_as(device->process);
    copy->db = device->paper ? open_in_memory() : open_database(device->disk, file);
    if (!copy->db) return PV_ERR_IO;
    pv_buf_init(&pin, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = pv_store_open(copy->db, &copy->store);
    sim_disk_get(device->disk, pin_file, &pin);
    struct pv_room_options options = {.store = copy->store, .me = &device->me, .random = &device->random,
                                      .room_id = world->room_ids[room], .pin = pv_buf_bytes(&pin)};
    if (room < SIM_CLIENT_ROOMS) options.person_room = device->copies[sim_own_room(device)].room;
    if (!err) err = pv_room_open(&options, &copy->room);
    if (!err) pv_room_set_time(copy->room, sim_device_now(world, device));
    pv_buf_release(&pin);
    if (err) copy_close(copy);
    return err;
}

static bool is_older(struct pv_bytes note, struct pv_bytes other)
{
    struct pv_checkpoint a, b;
    return pv_checkpoint_peek(note, &a) == PV_OK && pv_checkpoint_peek(other, &b) == PV_OK &&
           (a.size < b.size || (a.size == b.size && a.time_s < b.time_s));
}

void sim_device_save_pin(struct sim_device *device, unsigned room)
{
    char file[8], pin_file[8];
    struct pv_bytes pin = device->copies[room].room ? pv_room_pin(device->copies[room].room) : pv_bytes(NULL, 0);
    struct pv_buf held;
    if (!pin.n || device->paper) return;
    names(room, file, pin_file);
    pv_buf_init(&held, PV_LIMIT_NOTE_BYTES);
    sim_disk_get(device->disk, pin_file, &held);
    if (!held.n || (!pv_bytes_equal(pv_buf_bytes(&held), pin) && is_older(pv_buf_bytes(&held), pin))) (void)sim_disk_put(device->disk, pin_file, pin);
    pv_buf_release(&held);
}

/* ---- the program */

bool sim_device_start(struct sim_world *world, struct sim_device *device)
{
    unsigned own = SIM_CLIENT_ROOMS + device->person;
    if (device->up || device->lost) return device->up;
    for (unsigned i = 0; i < SIM_ROOMS; i++) {
        unsigned room = (own + i) % SIM_ROOMS; /* one's own first */
        char file[8], pin[8];
        names(room, file, pin);
        if (!world->has_room[room] || !sim_disk_has(device->disk, file)) continue;
        enum pv_err err = sim_copy_open(world, device, room);
        if (!err) continue;
        if (!sim_disk_is_dead(device->disk) && !sim_disk_is_full(device->disk))
            sim_fail(world, "P2", "device %u does not open %s: %s", device->number, sim_room_name(room), pv_err_web_name(err));
        return false;
    }
    device->up = true;
    sim_ledger_look(world, device, true);
    sim_ledger_kept(world, device);
    return true;
}

bool sim_device_shares(struct sim_world *world, const struct sim_device *device)
{
    for (unsigned i = 0; i < SIM_PROGRAMS; i++) {
        const struct sim_device *other = sim_program(world, i);
        if (other != device && other->there && other->up && other->disk == device->disk && !other->paper) return true;
    }
    return false;
}

void sim_device_close(struct sim_device *device)
{
    sim_flow_drop(device);
    for (unsigned i = 0; i < SIM_ROOMS; i++) copy_close(&device->copies[i]);
    device->token[0] = device->ticket[0] = 0;
    device->up = false;
    if (device->process) device->there = false; /* only the first is started anew */
}

void sim_machine_stop(struct sim_world *world, struct sim_device *device)
{
    unsigned disk = device->disk;
    sim_disk_kill(disk);
    for (unsigned i = 0; i < SIM_PROGRAMS; i++) {
        struct sim_device *other = sim_program(world, i);
        if (other == device || (other->there && other->disk == disk && !other->paper)) sim_device_close(other);
    }
}

void sim_device_stop(struct sim_world *world, struct sim_device *device, bool crash)
{
    if (!crash && sim_device_shares(world, device)) {
        sim_disk_kill_process(device->disk, device->process);
        sim_device_close(device);
        return;
    }
    sim_machine_stop(world, device);
    if (crash) sim_disk_crash(device->disk, &world->dice);
}

bool sim_device_revive(struct sim_world *world, struct sim_device *device)
{
    if (!sim_disk_is_dead(device->disk)) return false;
    bool powered = sim_disk_keeps_power(device->disk);
    sim_tell(world, "device %u %s while it writes", device->number, powered ? "is killed" : "loses power");
    /* What SQLite finds again of a commit that was cut before its sync, it shows: a power cut right after that may take
     * it back. Nobody was told of it, so that is not looked for. */
    if (powered) {
        sim_machine_stop(world, device);
        sim_disk_settle(device->disk);
    } else {
        sim_device_stop(world, device, true);
    }
    if (!device->process) (void)sim_device_start(world, device);
    return true;
}

enum pv_err sim_adopt(struct sim_world *world, struct sim_device *device, unsigned room, struct pv_new_room *founded)
{
    world->room_ids[room] = founded->room_id;
    world->has_room[room] = true;
    enum pv_err err = sim_copy_open(world, device, room);
    if (!err) err = pv_room_adopt_genesis(device->copies[room].room, founded);
    pv_new_room_release(founded);
    return err;
}

/* A person is the same in every world: most of what founding one costs is remembered. */
static void found_person(struct sim_world *world, struct sim_device *device)
{
    struct seeded seed = seeded_make(1000 + device->person);
    struct pv_random random = seeded_random(&seed);
    struct pv_new_room founded;
    device->me = identity_from(&seed);
    struct pv_identity paper = identity_from(&seed);
    world->devices[SIM_KITS + device->person].me = paper;
    enum pv_err err = pv_found_person_room(&device->me, &paper, &world->server, &random, 1700000000000, &founded);
    if (!err) err = sim_adopt(world, device, SIM_CLIENT_ROOMS + device->person, &founded);
    if (err) abort();
}

static void machine_init(struct sim_world *world, struct sim_device *device, unsigned number, unsigned person)
{
    *device = (struct sim_device){.number = number, .person = person, .slot = number, .home = number, .there = true, .named = true, .up = true, .adder = number, .saved = -1,
                                  .shaken_step = SIZE_MAX};
    sim_device_shake(world, device);
    device->random = seeded_random(&device->dice);
    device->disk = sim_disk_new();
}

void sim_device_init(struct sim_world *world, struct sim_device *device, unsigned number, unsigned person)
{
    machine_init(world, device, number, person);
    world->actor = device;
    found_person(world, device);
    world->actor = NULL;
}

/* One may have been added as the power went, and revoked: no device that is new has its keys. */
unsigned sim_free_place(struct sim_world *world, unsigned person)
{
    unsigned number = person;
    while (number < SIM_COMPUTERS && (world->devices[number].there || sim_ledger_bars(world, &world->devices[number]))) number += SIM_PERSONS;
    return number < SIM_COMPUTERS ? number : SIM_COMPUTERS;
}

enum pv_err sim_device_add(struct sim_world *world, struct sim_device *old)
{
    unsigned number = sim_free_place(world, old->person);
    if (number == SIM_COMPUTERS) return PV_ERR_LIMIT;
    struct seeded seed = seeded_make(2000 + number);
    struct pv_identity me = identity_from(&seed);
    struct pv_new_device handed;
    enum pv_err err = pv_device_consent(&me, false, &old->me.person, &old->me.device, &handed);
    world->devices[number].named = true; /* the log may come to list it, even if this ends as the power does */
    world->devices[number].adder = old->number;
    world->devices[number].me = me;
    if (!err) err = pv_device_add(old->copies[sim_own_room(old)].room, &handed);
    if (err) return err;
    struct sim_device *device = &world->devices[number];
    machine_init(world, device, number, old->person);
    device->me = me;
    device->me.person = old->me.person;
    device->adder = old->number;
    device->host = old->host;
    return sim_copy_open(world, device, sim_own_room(device));
}

enum pv_err sim_device_record(struct sim_world *world, struct sim_device *device, unsigned room)
{
    struct pv_room *own = device->copies[sim_own_room(device)].room;
    struct pv_listed_room listed = {.room = world->room_ids[room], .has_place = true, .state = PV_ROOM_INTENDED,
                                    .server_url = pv_bytes_of_string("http://sim.example"),
                                    .local_name = pv_bytes_of_string("a room")};
    struct pv_payload payload = {.type = PV_PAYLOAD_ROOMS, .u.rooms.count = 1};
    struct pv_buf list, buf;
    bool recorded = false;
    enum pv_err err = pv_room_is_recorded(own, &world->room_ids[room], &recorded);
    if (err || recorded) return err;
    pv_buf_init(&list, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_listed_room_put(&list, &listed);
    payload.u.rooms.encoded = pv_buf_bytes(&list);
    pv_random_fill(&device->random, payload.write_id.b, sizeof payload.write_id.b);
    pv_payload_put(&buf, &payload);
    err = buf.err ? buf.err : pv_room_write(own, PV_KIND_TALK, pv_buf_bytes(&buf), pv_bytes(NULL, 0));
    pv_buf_release(&list);
    pv_buf_release(&buf);
    return err;
}

enum pv_err sim_device_follow_list(struct sim_world *world, struct sim_device *device)
{
    enum pv_err err = PV_OK;
    for (unsigned r = 0; r < SIM_CLIENT_ROOMS && !err; r++) {
        bool recorded = false;
        if (!world->has_room[r] || device->copies[r].room) continue;
        err = pv_room_is_recorded(device->copies[sim_own_room(device)].room, &world->room_ids[r], &recorded);
        if (!err && recorded) err = sim_copy_open(world, device, r);
    }
    return err;
}

void sim_device_release(struct sim_world *world, struct sim_device *device)
{
    if (device->there && !device->paper) sim_machine_stop(world, device);
    for (unsigned r = 0; r < SIM_ROOMS; r++) {
        free(device->held[r].leaves);
        free(device->held[r].prefix);
    }
}
