/* Persons, devices, rooms and signed entries from a seed, for tests of rooms, server and sync.
 *
 * All keys are real and derive from numbers, so a test that fails fails again. Running out of memory aborts. */
#ifndef TESTS_UNIT_ROOM_KIT_H
#define TESTS_UNIT_ROOM_KIT_H

#include "core/log/merkle.h"
#include "core/room/body.h"
#include "core/room/epoch.h"
#include "core/room/roster.h"

enum { KIT_DEVICES = 2 + PV_LIMIT_CERTIFICATES, KIT_HEADS = 256 };

struct kit_device {
	struct pv_sign_sk sk;
	struct pv_kem_seed kem_seed;
	struct pv_kem_pk kem_pk;
	struct pv_device device;
	struct pv_hash id;
	bool paper;
};

/* The same number gives the same device. */
void kit_device_make(uint64_t number, bool paper, struct kit_device *ret_device);

/* A person: devices[0] the first, devices[1] the first paper device, then whatever kit_person_certify added. */
struct kit_person {
	struct kit_device devices[KIT_DEVICES];
	size_t device_count;
	struct pv_cert certs[PV_LIMIT_CERTIFICATES]; /* of devices[2] and on */
	struct pv_buf genesis_entry, genesis_body, record;
	struct pv_hash id;
	struct pv_kem_pk kem_pk; /* of epoch 0 of the person room */
	struct pv_hash kem_hash;
	struct pv_epoch_secret secret;
};

/* Device numbers are `number` * 64 and on. */
void kit_person_make(uint64_t number, struct kit_person *ret_person);
void kit_person_release(struct kit_person *person);
/* Certify a new device by devices[signer] and list it in the record; returns its index. */
size_t kit_person_certify(struct kit_person *person, size_t signer, bool paper);
/* Write the record anew, after a test has changed certificates. */
void kit_person_write_record(struct kit_person *person);
void kit_certify(const struct pv_hash *person, const struct kit_device *device, const struct kit_device *signer,
		 struct pv_cert *ret_cert);

/* `person` with the devices of the given indexes. */
void kit_party(const struct kit_person *person, const size_t *devices, size_t count, struct pv_party *ret_party);

/* A random-looking name. */
struct pv_hash kit_hash(const char *what, uint64_t number);
struct pv_id16 kit_id16(const char *what, uint64_t number);
void kit_sign_key(const char *what, uint64_t number, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk);

/* ---- a room's log in the making */

struct kit_item {
	struct pv_buf entry_bytes, body;
	struct pv_log_item item; /* its body lies in `body` */
};

struct kit_room {
	uint64_t number;
	struct pv_hash id;
	struct pv_sign_sk log_sk;
	struct pv_sign_pk log_pk;
	struct pv_merkle_edge tree;
	struct {
		struct pv_hash author;
		struct pv_head head;
	} heads[KIT_HEADS]; /* of what was appended and linked */
	size_t head_count;
	struct pv_roster *roster;
	struct kit_item *log; /* all that was appended, tree.size of them */
	uint64_t time_ms;
};

/* An empty room: its first entry makes it. */
void kit_room_init(struct kit_room *room, uint64_t number);
void kit_room_release(struct kit_room *room);
void kit_genesis_person(const struct kit_room *room, const struct kit_person *person, struct pv_roster_body *ret_body);
/* Founder: the person's devices of the given indexes. */
void kit_genesis_client(const struct kit_room *room, const struct kit_person *person, const size_t *devices,
			size_t count, struct pv_roster_body *ret_body);

/* A header by `author` that links to its head: a caller may change it before kit_item_make. */
struct pv_header kit_header(const struct kit_room *room, const struct pv_hash *author, uint64_t kind);
/* Sign; `body` is copied. */
void kit_item_make(const struct kit_room *room, const struct pv_header *header, const struct pv_sign_sk *sk,
		   struct pv_bytes body, struct kit_item *ret_item);
void kit_item_release(struct kit_item *item);

/* Fold the item; unless impossible or unsupported it becomes part of the log, else it is released.
 * Returns the verdict; the reason too if it is asked for. */
enum pv_verdict kit_append(struct kit_room *room, struct kit_item *item, enum pv_reason *ret_reason);

/* Make, sign, fold: accepted gives PV_REASON_NONE, rejected its reason, anything else -1 - verdict. */
int kit_roster(struct kit_room *room, const struct kit_device *author, const struct pv_roster_body *body);
int kit_sign(struct kit_room *room, const struct kit_device *author, const struct pv_sign_body *body);
int kit_server(struct kit_room *room, const struct pv_server_body *body);
/* A sealed entry of kind 2 or 3 for an epoch. */
int kit_sealed(struct kit_room *room, const struct kit_device *author, uint64_t kind, uint64_t epoch);

/* ---- the usual entries; they answer as kit_roster does */

/* A client room founded by the person's first two devices, or a person room. */
int kit_found_client(struct kit_room *room, uint64_t number, const struct kit_person *founder);
int kit_found_person(struct kit_room *room, uint64_t number, const struct kit_person *person);
/* An invite's keys derive from its number. */
void kit_invite_body(uint64_t number, enum pv_role role, uint64_t uses, struct pv_roster_body *ret_body);
int kit_invite(struct kit_room *room, const struct kit_device *author, uint64_t number, enum pv_role role, uint64_t uses);
/* All of the person's devices, signed by the invite's join key. */
void kit_join_body(const struct kit_room *room, const struct kit_person *person, uint64_t number,
		   struct pv_roster_body *ret_body);
void kit_join_body_sign(const struct kit_room *room, const struct kit_person *person, uint64_t number,
			struct pv_roster_body *body);
int kit_join(struct kit_room *room, const struct kit_person *person, uint64_t number);
/* Fills recipients from the roster's state; epoch and secret follow the current one. */
void kit_rekey_body(const struct kit_room *room, struct pv_roster_body *ret_body);
int kit_rekey(struct kit_room *room, const struct kit_device *author);
/* Invite for one use, join, rekey: false unless all were accepted. */
bool kit_admit(struct kit_room *room, const struct kit_device *owner, const struct kit_person *person, uint64_t number,
	       enum pv_role role);
int kit_remove(struct kit_room *room, const struct kit_device *author, const struct kit_person *target);
int kit_role(struct kit_room *room, const struct kit_device *author, const struct kit_person *target, enum pv_role to);
int kit_device_add(struct kit_room *room, const struct kit_device *author, const struct pv_hash *person,
		   const struct kit_device *device);
int kit_device_remove(struct kit_room *room, const struct kit_device *author, const struct kit_device *device,
		      uint64_t since);

#endif
