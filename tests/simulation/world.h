/* One simulated world: who is in it, the machines, the time, and what the simulation itself knows to be true.
 *
 * Everything that happens follows from a seed and a list of steps. A step brings its own dice, so that a schedule
 * still means the same when steps are taken out of it. */
#ifndef TESTS_SIMULATION_WORLD_H
#define TESTS_SIMULATION_WORLD_H

#include <sqlite3.h>

#include "core/sync/room.h"
#include "tests/seeded.h"
#include "tests/server/server_rig_only.h"
#include "tests/simulation/disk.h"

enum {
    SIM_PERSONS = 4,
    SIM_COMPUTERS = 3 * SIM_PERSONS, /* the first of each, then the second of each, … */
    SIM_KITS = SIM_COMPUTERS,        /* then recovery kits: the first of each, and one more that is added */
    SIM_DEVICES = SIM_KITS + 2 * SIM_PERSONS,
    SIM_COPIES = 2,    /* homes copied to another machine, in one world */
    SIM_PROCESSES = 3, /* beside the first of each device, at once */
    SIM_SECONDS = SIM_COPIES + SIM_PROCESSES,
    SIM_CLIENT_ROOMS = 2,
    SIM_ROOMS = SIM_CLIENT_ROOMS + SIM_PERSONS, /* then each person's own */
    SIM_HOSTS = 3,                              /* a hostile server may be several, under one key */
    SIM_HELD = 8,
    SIM_LINKS = 24,
    SIM_WRITES = 256,
    SIM_SETTLED = 13 /* steps before the weather begins */
};

#define SIM_CANARY "privity-canary"

/* ---- the server: a process on a machine of its own. The first is the server; others are copies of its disk that a
 * hostile operator runs beside it. */
struct sim_host {
    bool there, up;
    unsigned disk;
    struct srv srv;
    struct pv_blobs *blobs; /* outlives restarts */
};

/* ---- the network: a request that a device gave up, and that may arrive later */
struct sim_held {
    bool there;
    unsigned host;
    enum pv_method method;
    char path[256], authorization[96], ticket[64];
    struct pv_buf body;
};

struct sim_link {
    bool there;
    unsigned room, maker, guest; /* persons */
    struct pv_invite_link link;
    struct pv_hash kem_hash;
    uint64_t made_view; /* entries that its maker had judged */
    enum pv_role role; /* where `uses` is not 0: else the dice say both */
    uint64_t uses;
    bool absent[SIM_PERSONS]; /* who was not in, as far as its maker knew, who may not have sent all yet */
    bool gone[SIM_DEVICES];   /* which it knew to have been put out, likewise */
    size_t made_step;
};

/* ---- devices */

struct sim_copy { /* one room on one device */
    sqlite3 *db;
    struct pv_store *store;
    struct pv_room *room;
};

enum sim_flow_kind { SIM_IDLE, SIM_PULL, SIM_PUSH, SIM_INVITE, SIM_JOIN };
/* Which of its tasks a command is at. */
enum sim_flow_at {
    SIM_AT_START,
    SIM_AT_GATE,
    SIM_AT_RELEASE,
    SIM_AT_LINK_PULL,
    SIM_AT_FOLLOW, /* looks into the own room */
    SIM_AT_RECORD, /* sends the own room's list */
    SIM_AT_PUSH,
    SIM_AT_HELP, /* does in the own room what stands in the way */
    SIM_AT_PULL,
    SIM_AT_PULL_OWN,
    SIM_AT_END
};

/* What a command is doing: tasks one after the other, one request at a time. */
struct sim_flow {
    enum sim_flow_kind kind;
    enum sim_flow_at at;
    unsigned room, link, rounds;
    struct pv_task *task;
    bool sends; /* the task holds the lock of the room `sends_to` */
    unsigned sends_to;
    bool has_gate;
    struct pv_buf gate_request;
    struct pv_half_b half_b;
    size_t turns; /* the world's when it began */
};

/* A history as someone holds it: after each entry, a hash over all up to it. */
struct sim_history {
    struct pv_hash *leaves, *prefix;
    size_t count, cap;
};

struct sim_device {
    unsigned number, person;
    unsigned slot;    /* among all programs: the first ones of devices, then `seconds` */
    unsigned process; /* among those that share the disk; 0: the first */
    unsigned home;    /* the slot of the program that its home began with: copied homes are others */
    bool there, up;
    bool paper; /* a kit: its rooms lie in memory, for as long as a command runs */
    bool moved; /* it took along into a successor what nobody else had */
    bool lost;  /* it was destroyed, and never comes back */
    bool named; /* its keys are made: a log may list it */
    unsigned adder;   /* the device that certified it; itself for the first */
    bool rolled_back; /* its home once went back: what it had kept may be gone */
    unsigned disk;
    int saved; /* a copy of the disk, by its number; -1: none */
    struct pv_identity me;
    struct seeded dice;
    struct pv_random random;
    size_t shaken_step; /* when its dice were last made anew */
    unsigned shaken_times;
    struct sim_copy copies[SIM_ROOMS];
    int64_t clock_ms; /* ahead of the world */
    char token[64], ticket[64];
    struct sim_flow flow;
    unsigned host; /* which it reaches */
    struct sim_history held[SIM_ROOMS]; /* judged by it, as the simulation saw it last */
};

/* A restored room that goes on in another. */
struct sim_succession {
    bool begun, named;  /* founded; its owner's word is with the server */
    bool ended;         /* its links have: somebody was removed there */
    unsigned founder;   /* a slot */
    bool may[SIM_PERSONS]; /* who was in, as far as the founder knew, or when following */
    bool led[SIM_DEVICES]; /* which were shown a link */
};

/* ---- how bad it gets */
struct sim_weather {
    bool thieves;        /* someone uses members' keys beside them */
    bool hostile;        /* the server goes back, forks, … */
    bool lies;           /* … and gives false answers */
    bool crashes;        /* machines go down */
    bool restores;       /* the server is put back from a backup, and says so */
    bool feuds;          /* members fight */
    bool forgets;        /* files and names come and go, and some of all is forgotten */
    unsigned net_faults; /* of 256 requests, those that meet a fault */
    unsigned clocks;     /* of 4 devices, those whose clock is off by days */
};

struct sim_ledger;

struct sim_world {
    uint64_t seed;
    struct sim_weather weather;
    uint64_t now_ms;
    struct seeded dice; /* of the present step */
    size_t step;
    unsigned calm; /* above 0: no faults any more */
    struct sim_host hosts[SIM_HOSTS];
    uint64_t hold_count; /* holds that anyone made */
    size_t turns; /* how often the server showed someone another history */
    bool two_faced; /* its key signed, or may have signed, more than one */
    int backup; /* a copy of the server's disk, -1: none */
    struct sim_held held[SIM_HELD];
    struct sim_succession succession;
    struct sim_link links[SIM_LINKS];
    size_t link_count;
    struct sim_device devices[SIM_DEVICES];
    struct sim_device seconds[SIM_SECONDS]; /* copied homes, then further processes of devices */
    bool has_room[SIM_ROOMS];
    struct pv_hash room_ids[SIM_ROOMS];
    struct pv_server_info server;
    struct pv_sign_sk log_sk;
    struct sim_device *actor; /* whose code runs; NULL: the server's */
    bool serving;             /* it is the server's, which works on a request */
    struct sim_ledger *ledger;
    size_t requests, answers_ok, alarms, entries;
    /* the outcome */
    bool failed, tracing;
    char failure[400];
    struct pv_sha256 trace;
};

void sim_world_init(struct sim_world *world, uint64_t seed, const struct sim_weather *weather);
void sim_world_release(struct sim_world *world);

/* What happened: part of the trace, by whose hash two runs are compared. */
void sim_tell(struct sim_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A property does not hold; the first counts. */
void sim_fail(struct sim_world *world, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Below `bound`, by the dice of this step. */
uint64_t sim_below(struct sim_world *world, uint64_t bound);
static inline bool sim_chance(struct sim_world *world, unsigned of_256)
{
    return sim_below(world, 256) < of_256;
}
/* A letter and number for people to read: "a", "b" for persons, "R0", "Pa" for rooms. */
const char *sim_room_name(unsigned room);

/* ---- host.c */
bool sim_host_boot(struct sim_world *world, struct sim_host *host);
/* The program dies; the machine with it, if it crashes. */
void sim_host_works(const struct sim_host *host); /* it is at work now; NULL: no more */
void sim_host_stop(struct sim_world *world, struct sim_host *host, bool crash);
void sim_host_release(struct sim_host *host);
/* Does the room still wait for what a restored server lost? */
bool sim_host_waits(struct sim_world *world, unsigned room);
/* What a hostile operator keeps: another server over a copy of this one's disk. NULL: there are enough. */
struct sim_host *sim_host_fork(struct sim_world *world, struct sim_host *host);

/* ---- network.c */
struct sim_answer {
    unsigned status;
    enum pv_err problem;
    char reason[32];
    struct pv_buf body;
};
/* Make the request for the device; with a session if it wants one. False: no answer came. */
bool sim_ask(struct sim_world *world, struct sim_device *device, const struct pv_request *request,
             struct sim_answer *ret_answer);
/* The same for someone whom nobody knows, without a session, and in fair weather. */
bool sim_ask_unknown(struct sim_world *world, struct sim_host *host, const struct pv_request *request, struct sim_answer *ret_answer);
void sim_deliver_held(struct sim_world *world, unsigned slot);
/* Deadlines that the server looks at each second. */
void sim_host_tick(struct sim_world *world, struct sim_host *host);

/* ---- liar.c: change an answer as a hostile server would */
void sim_lie(struct sim_world *world, struct sim_device *device, struct sim_host *host, const struct pv_request *request,
             struct sim_answer *answer);

/* An honest page of fewer entries, as a server may give. */
void sim_shorten(struct sim_world *world, const struct pv_request *request, struct sim_answer *answer);

/* ---- device.c */
void sim_device_init(struct sim_world *world, struct sim_device *device, unsigned number, unsigned person);
void sim_device_release(struct sim_world *world, struct sim_device *device);
/* Its person's own room. */
static inline unsigned sim_own_room(const struct sim_device *device)
{
    return SIM_CLIENT_ROOMS + device->person;
}
/* A further device of the person, which `old` adds. Errors: LIMIT (there are enough), the core's. */
enum pv_err sim_device_add(struct sim_world *world, struct sim_device *old);
/* Where a further device of the person would be; SIM_COMPUTERS: nowhere. */
unsigned sim_free_place(struct sim_world *world, unsigned person);
/* Put the room into the own one's list, unless it stands there. */
enum pv_err sim_device_record(struct sim_world *world, struct sim_device *device, unsigned room);
/* Open the rooms that the own one lists and this device lacks. */
enum pv_err sim_device_follow_list(struct sim_world *world, struct sim_device *device);
/* Every program there is: devices' first ones, then `seconds`. */
static inline struct sim_device *sim_program(struct sim_world *world, unsigned slot)
{
    return slot < SIM_DEVICES ? &world->devices[slot] : &world->seconds[slot - SIM_DEVICES];
}
enum { SIM_PROGRAMS = SIM_DEVICES + SIM_SECONDS };
/* Does another program that runs have this one's disk? */
bool sim_device_shares(struct sim_world *world, const struct sim_device *device);
/* Start the program: open what the disk has. */
bool sim_device_start(struct sim_world *world, struct sim_device *device);
/* It dies; by a crash its machine, with every other program there. */
void sim_device_stop(struct sim_world *world, struct sim_device *device, bool crash);
/* It dies, and every other program of its machine. */
void sim_machine_stop(struct sim_world *world, struct sim_device *device);
/* Close all that it has open. */
void sim_device_close(struct sim_device *device);
/* If its disk has died, it goes down and starts again. True: it did. */
bool sim_device_revive(struct sim_world *world, struct sim_device *device);
/* An empty copy of the room; one that is there already is left as it is. */
enum pv_err sim_copy_open(struct sim_world *world, struct sim_device *device, unsigned room);
/* The room's database alone, as it lies on that disk; NULL: it cannot be opened. */
sqlite3 *sim_copy_database(unsigned disk, unsigned room);
enum pv_err sim_adopt(struct sim_world *world, struct sim_device *device, unsigned room, struct pv_new_room *founded);
/* New dice for what it draws in this step. */
void sim_device_shake(const struct sim_world *world, struct sim_device *device);
uint64_t sim_device_now(const struct sim_world *world, const struct sim_device *device);
void sim_device_save_pin(struct sim_device *device, unsigned room);
struct sim_device *sim_device_of_store(struct sim_world *world, const struct pv_store *store, unsigned *ret_room);

/* ---- second.c: further processes, and copied homes */
struct sim_device *sim_second_make(struct sim_world *world, struct sim_device *device, bool copied);
/* One of the device's programs that run, by the dice: itself, or another on its disk or on a copy. */
struct sim_device *sim_second_of(struct sim_world *world, struct sim_device *device);

/* ---- kit.c: recovery kits, and what is done with them */
void sim_kits_init(struct sim_world *world);
/* All that was printed on a kit is at hand, and a new computer; true: that one was added. */
bool sim_recover(struct sim_world *world, struct sim_device *kit, bool revoke_others);
/* By the kit, the person's rooms go on that wait on a restored server. */
void sim_repair_by_kit(struct sim_world *world, struct sim_device *kit);
/* With the device's keys, a kit is added; they may be a thief's. */
void sim_add_kit(struct sim_world *world, struct sim_device *device);
void sim_lose(struct sim_world *world, struct sim_device *device);

/* ---- stranger.c: someone who has every link and nothing else */
/* After a step, by its dice: at times one is tried. */
void sim_stranger_comes(struct sim_world *world, uint64_t dice);
/* In the end: some are tried. */
void sim_stranger_tries_more(struct sim_world *world);

/* ---- cold.c */
/* Each room, read from nothing by a member, is what those who followed it have. */
void sim_cold_readers(struct sim_world *world);

/* ---- flow.c */
/* Begin a command; an unfinished one is broken off. */
void sim_flow_begin(struct sim_world *world, struct sim_device *device, enum sim_flow_kind kind, unsigned room,
                    unsigned link);
/* At most `requests` of it. */
void sim_flow_go(struct sim_world *world, struct sim_device *device, unsigned requests);
void sim_flow_drop(struct sim_device *device);

/* ---- craft.c: an entry by the device's keys that its program did not make */
void sim_craft(struct sim_world *world, struct sim_device *device, unsigned room);

/* ---- ledger.c, and the properties over it */
struct sim_ledger *sim_ledger_new(struct sim_world *world);
void sim_ledger_free(struct sim_ledger *ledger);
/* The server answered something, or came back: look at its logs. `lost`: what nobody was told of may be gone. */
void sim_ledger_observe(struct sim_world *world, struct sim_host *host, bool lost);
/* The server went back to an older disk: what it has now is its log. */
void sim_ledger_forget(struct sim_world *world, struct sim_host *host);
/* A device did something: look at what it holds. `anew`: all of it. */
void sim_ledger_look(struct sim_world *world, struct sim_device *device, bool anew);
/* An entry was made apart from the device's program. */
void sim_ledger_crafted(struct sim_world *world, const struct sim_device *device, unsigned room, const struct pv_hash *leaf);
/* A message was taken by the device; returns its number, or SIM_WRITES: no more are counted. */
size_t sim_ledger_write(struct sim_world *world, struct sim_device *device, unsigned room);
/* Its author took it along into another room. */
void sim_ledger_moved(struct sim_world *world, size_t write, unsigned room);
/* SIM_WRITES: it is none that was counted. */
size_t sim_message_number(struct pv_bytes text);
void sim_ledger_written(struct sim_world *world, size_t write, bool kept);
/* An honest program is to have these of what its device holds forgotten: whether they go is open. */
void sim_ledger_asked(struct sim_world *world, struct sim_device *device, unsigned room, const struct pv_range *ranges, size_t count);
/* A thief's forget may cut the room at any epoch, and lists no keys of what stays: all that stands there may go. */
void sim_ledger_asked_by_thief(struct sim_world *world, unsigned room);
/* A command that fetches ended well: what is forgotten has to be gone from the device, with its keys. */
void sim_ledger_followed(struct sim_world *world, struct sim_device *device, unsigned room);
/* How many the server's logs have. */
size_t sim_ledger_forgets(const struct sim_world *world);
/* Nothing happens any more but that what waits is forgotten: see what files stand, unless that was seen already. */
void sim_ledger_before_forgetting(struct sim_world *world);
/* A body that the server dropped, as it was; false: it is none. */
bool sim_ledger_dropped(const struct sim_world *world, unsigned room, const struct pv_hash *leaf, struct pv_bytes *ret_body,
                        struct pv_bytes *ret_refs);
/* Is what the device has of the room what the other has, who read all of it anew? */
void sim_ledger_same(struct sim_world *world, const struct sim_device *device, const struct sim_device *cold, unsigned room);
/* Does it have all of the room that the server shows, and is it in? */
bool sim_ledger_is_caught_up(struct sim_world *world, const struct sim_device *device, unsigned room);
void sim_ledger_drew(struct sim_world *world, struct sim_device *device, unsigned link);
/* Someone with nothing but links got the half of one. */
void sim_ledger_stranger_drew(struct sim_world *world, unsigned link);
/* Does the server's log have the link's invite as open? */
bool sim_ledger_is_open(const struct sim_world *world, const struct sim_host *host, unsigned link);
/* The server answered a request for a half. */
void sim_ledger_released(struct sim_world *world, const struct sim_host *host, const char *path);
/* The server was sent this. */
void sim_ledger_sent(struct sim_world *world, struct pv_bytes body);
/* What a command says with exit status 4 comes with evidence. */
void sim_ledger_alarmed(struct sim_world *world, const struct sim_device *device, unsigned room);
/* A step is over. */
void sim_ledger_stepped(struct sim_world *world);
void sim_ledger_invited(struct sim_world *world, struct sim_device *device, unsigned link);
/* A command of the device ended well: what it was shown continues what it held. */
void sim_ledger_up_to_date(struct sim_world *world, struct sim_device *device, unsigned room);
/* Did a restored server go on without some of what the device holds? Then an alarm is right. */
bool sim_ledger_lost(struct sim_world *world, const struct sim_device *device, unsigned room);
/* Are all that the device kept still there? */
void sim_ledger_kept(struct sim_world *world, struct sim_device *device);
/* Does the server's log of the room list the device? */
bool sim_ledger_has(struct sim_world *world, const struct sim_device *device, unsigned room);
bool sim_ledger_has_person(const struct sim_world *world, unsigned person, unsigned room);
/* Did a restore lose that the person revoked the device? A room still bars it, and lists a key that came with that and that
 * nobody has any more: the own room's would let the device read on. */
bool sim_ledger_revocation_lost(const struct sim_world *world, unsigned person, const struct pv_hash *device);
/* Does the server's log of the person's own room bar it? One that is not there may have been added as the power went. */
bool sim_ledger_bars(struct sim_world *world, const struct sim_device *device);
/* Can the person's devices still open their own room? Not if a thief made its last keys. */
bool sim_ledger_opens(struct sim_world *world, unsigned person);
/* Both removed the other, and both were told that it is done. */
void sim_ledger_fought(struct sim_world *world, const struct sim_device *a, const struct sim_device *b, unsigned room);
/* After the calm: everything that can only be said at the end. */
void sim_ledger_finish(struct sim_world *world);

#endif
