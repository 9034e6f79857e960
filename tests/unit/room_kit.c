/* Persons, devices, rooms and signed entries from a seed. */
#include "tests/unit/room_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"

#define MUST(call) must(call, #call)

static void must(enum pv_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "room_kit: %s: %s\n", what, pv_err_text(err));
	abort();
}

struct pv_hash kit_hash(const char *what, uint64_t number)
{
	struct pv_sha256 sha;
	struct pv_hash hash;
	pv_hash_begin(&sha, "test");
	pv_sha256_put_text(&sha, what);
	pv_sha256_put_uint(&sha, number);
	pv_sha256_final(&sha, &hash);
	return hash;
}

struct pv_id16 kit_id16(const char *what, uint64_t number)
{
	struct pv_hash hash = kit_hash(what, number);
	struct pv_id16 id;
	memcpy(id.b, hash.b, sizeof id.b);
	return id;
}

void kit_sign_key(const char *what, uint64_t number, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk)
{
	struct pv_hash hash = kit_hash(what, number);
	struct pv_sign_seed seed;
	memcpy(seed.b, hash.b, sizeof seed.b);
	pv_sign_from_seed(&seed, ret_sk, ret_pk);
}

static void kem_key(const char *what, uint64_t number, struct pv_kem_seed *ret_seed, struct pv_kem_pk *ret_pk)
{
	struct pv_hash hash = kit_hash(what, number);
	memcpy(ret_seed->b, hash.b, sizeof ret_seed->b);
	pv_kem_from_seed(ret_seed, ret_pk);
}

void kit_device_make(uint64_t number, bool paper, struct kit_device *ret_device)
{
	struct kit_device device = {.paper = paper};
	kit_sign_key("device", number, &device.sk, &device.device.sign_pk);
	kem_key("device-kem", number, &device.kem_seed, &device.kem_pk);
	pv_kem_hash(&device.kem_pk, &device.device.kem_hash);
	pv_device_id(&device.device, &device.id);
	*ret_device = device;
}

static void certify(const struct pv_cert_context *context, const struct kit_device *device,
		    const struct kit_device *signer, struct pv_cert *ret_cert)
{
	*ret_cert = (struct pv_cert){.device = device->device, .paper = device->paper, .signer = signer->id};
	MUST(pv_cert_sign(context, &device->device, device->paper, &signer->id, &signer->sk, &ret_cert->sig));
	MUST(pv_cert_sign(context, &device->device, device->paper, &signer->id, &device->sk, &ret_cert->consent));
}

void kit_certify(const struct pv_hash *person, const struct kit_device *device, const struct kit_device *signer,
		 struct pv_cert *ret_cert)
{
	struct pv_cert_context context = {.person = *person};
	certify(&context, device, signer, ret_cert);
}

void kit_person_write_record(struct kit_person *person)
{
	pv_buf_clear(&person->record);
	pv_record_put(&person->record, pv_buf_bytes(&person->genesis_entry), pv_buf_bytes(&person->genesis_body),
		      person->certs, person->device_count - 2);
	MUST(person->record.err);
}

void kit_person_make(uint64_t number, struct kit_person *ret_person)
{
	struct kit_person *person = ret_person;
	struct kit_room room;
	struct pv_roster_body body;
	struct pv_kem_seed seed;
	memset(person, 0, sizeof *person);
	person->device_count = 2;
	pv_buf_init(&person->genesis_entry, PV_LIMIT_ENTRY_BYTES);
	pv_buf_init(&person->genesis_body, PV_LIMIT_BODY_BYTES);
	pv_buf_init(&person->record, PV_LIMIT_BODY_BYTES);
	kit_device_make(number * 64, false, &person->devices[0]);
	kit_device_make(number * 64 + 1, true, &person->devices[1]);
	struct pv_hash secret = kit_hash("person-secret", number);
	memcpy(person->secret.b, secret.b, sizeof secret.b);
	pv_epoch_kem_seed(&person->secret, &seed);
	pv_kem_from_seed(&seed, &person->kem_pk);
	pv_kem_hash(&person->kem_pk, &person->kem_hash);

	kit_room_init(&room, number);
	kit_genesis_person(&room, person, &body);
	pv_roster_body_put(&person->genesis_body, &body);
	MUST(person->genesis_body.err);
	struct pv_header header = kit_header(&room, &person->devices[0].id, PV_KIND_ROSTER);
	pv_body_hash(pv_buf_bytes(&person->genesis_body), &header.body_hash);
	MUST(pv_entry_make(&header, &person->devices[0].sk, &person->genesis_entry));
	pv_entry_room_id(pv_buf_bytes(&person->genesis_entry), &person->id);
	kit_room_release(&room);
	kit_person_write_record(person);
}

void kit_person_release(struct kit_person *person)
{
	pv_buf_release(&person->genesis_entry);
	pv_buf_release(&person->genesis_body);
	pv_buf_release(&person->record);
}

static uint64_t device_number(const struct kit_person *person, size_t index)
{
	uint64_t number;
	memcpy(&number, person->id.b, sizeof number);
	return number + index;
}

size_t kit_person_certify(struct kit_person *person, size_t signer, bool paper)
{
	size_t index = person->device_count++;
	kit_device_make(device_number(person, index), paper, &person->devices[index]);
	kit_certify(&person->id, &person->devices[index], &person->devices[signer], &person->certs[index - 2]);
	kit_person_write_record(person);
	return index;
}

void kit_party(const struct kit_person *person, const size_t *devices, size_t count, struct pv_party *ret_party)
{
	*ret_party = (struct pv_party){.record = pv_buf_bytes(&person->record), .device_count = count,
				       .person_epoch = 0, .kem_hash = person->kem_hash};
	for (size_t i = 0; i < count; i++)
		ret_party->devices[i] = person->devices[devices[i]].id;
}

void kit_room_init(struct kit_room *room, uint64_t number)
{
	memset(room, 0, sizeof *room);
	room->number = number;
	room->time_ms = 1700000000000;
	kit_sign_key("log", number, &room->log_sk, &room->log_pk);
	MUST(pv_roster_new(&room->roster));
}

void kit_room_release(struct kit_room *room)
{
	for (size_t i = 0; i < room->tree.size; i++)
		kit_item_release(&room->log[i]);
	free(room->log);
	pv_roster_free(room->roster);
}

static void genesis(const struct kit_room *room, enum pv_room_kind kind, struct pv_roster_body *ret_body)
{
	static const char name[] = "privity.example";
	*ret_body = (struct pv_roster_body){.type = PV_ROSTER_GENESIS};
	struct pv_genesis *g = &ret_body->u.genesis;
	g->room_kind = kind;
	g->nonce = kit_id16("genesis-nonce", room->number);
	g->server_name = pv_bytes(name, sizeof name - 1);
	g->log_key = room->log_pk;
	g->secret_hash = kit_hash("genesis-secret", room->number);
}

void kit_genesis_person(const struct kit_room *room, const struct kit_person *person, struct pv_roster_body *ret_body)
{
	genesis(room, PV_ROOM_PERSON, ret_body);
	struct pv_genesis *g = &ret_body->u.genesis;
	struct pv_cert_context context = {.in_genesis = true, .genesis_nonce = g->nonce};
	g->kem_hash = person->kem_hash;
	pv_epoch_secret_hash(&person->secret, &g->secret_hash);
	certify(&context, &person->devices[0], &person->devices[0], &g->founders[0]);
	certify(&context, &person->devices[1], &person->devices[0], &g->founders[1]);
}

void kit_genesis_client(const struct kit_room *room, const struct kit_person *person, const size_t *devices,
			size_t count, struct pv_roster_body *ret_body)
{
	genesis(room, PV_ROOM_CLIENT, ret_body);
	kit_party(person, devices, count, &ret_body->u.genesis.founder);
}

static struct pv_head *find_head(struct kit_room *room, const struct pv_hash *author)
{
	for (size_t i = 0; i < room->head_count; i++)
		if (pv_hash_equal(&room->heads[i].author, author))
			return &room->heads[i].head;
	return NULL;
}

struct pv_header kit_header(const struct kit_room *room, const struct pv_hash *author, uint64_t kind)
{
	struct pv_header header = {.room = room->id, .author = *author, .n = 1, .kind = kind,
				   .time_ms = room->time_ms + room->tree.size};
	for (size_t i = 0; i < room->head_count; i++) {
		if (!pv_hash_equal(&room->heads[i].author, author))
			continue;
		header.n = room->heads[i].head.n + 1;
		header.prev = room->heads[i].head.leaf;
	}
	pv_merkle_empty_root(&header.seen_root);
	pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
	if (kind == PV_KIND_ROSTER && room->tree.size)
		header.epoch = pv_roster_epoch(room->roster);
	return header;
}

void kit_item_make(const struct kit_room *room, const struct pv_header *header, const struct pv_sign_sk *sk,
		   struct pv_bytes body, struct kit_item *ret_item)
{
	struct kit_item *item = ret_item;
	struct pv_header full = *header;
	memset(item, 0, sizeof *item);
	pv_buf_init(&item->entry_bytes, PV_LIMIT_ENTRY_BYTES);
	pv_buf_init(&item->body, SIZE_MAX);
	pv_buf_append(&item->body, body.p, body.n);
	pv_body_hash(body, &full.body_hash);
	MUST(pv_entry_make(&full, sk, &item->entry_bytes));
	MUST(pv_entry_read(pv_buf_bytes(&item->entry_bytes), &item->item.entry));
	pv_entry_leaf(pv_buf_bytes(&item->entry_bytes), &item->item.leaf);
	item->item.index = room->tree.size;
	item->item.body = pv_buf_bytes(&item->body);
}

void kit_item_release(struct kit_item *item)
{
	pv_buf_release(&item->entry_bytes);
	pv_buf_release(&item->body);
}

static void keep(struct kit_room *room, struct kit_item *item, bool linked)
{
	struct pv_hash stored[64];
	size_t count;
	if (room->tree.size == 0)
		pv_entry_room_id(pv_buf_bytes(&item->entry_bytes), &room->id);
	struct kit_item *log = realloc(room->log, ((size_t)room->tree.size + 1) * sizeof *log);
	if (!log)
		abort();
	room->log = log;
	room->log[room->tree.size] = *item;
	pv_merkle_append(&room->tree, &item->item.leaf, stored, &count);
	if (!linked)
		return;
	struct pv_head *head = find_head(room, &item->item.entry.header.author);
	if (!head) {
		if (room->head_count == KIT_HEADS)
			abort();
		room->heads[room->head_count].author = item->item.entry.header.author;
		head = &room->heads[room->head_count++].head;
	}
	*head = (struct pv_head){.n = item->item.entry.header.n, .leaf = item->item.leaf};
}

enum pv_verdict kit_append(struct kit_room *room, struct kit_item *item, enum pv_reason *ret_reason)
{
	enum pv_verdict verdict;
	enum pv_reason reason = PV_REASON_NONE;
	MUST(pv_roster_apply(room->roster, &item->item, &verdict, &reason));
	if (verdict == PV_ACCEPTED || verdict == PV_REJECTED)
		keep(room, item, reason != PV_REASON_STALE_CHAIN);
	else
		kit_item_release(item);
	if (ret_reason)
		*ret_reason = reason;
	return verdict;
}

static int append(struct kit_room *room, const struct pv_header *header, const struct pv_sign_sk *sk,
		  const struct pv_buf *body)
{
	struct kit_item item;
	enum pv_reason reason;
	MUST(body->err);
	kit_item_make(room, header, sk, pv_buf_bytes(body), &item);
	enum pv_verdict verdict = kit_append(room, &item, &reason);
	if (verdict == PV_IMPOSSIBLE || verdict == PV_UNSUPPORTED)
		return -1 - (int)verdict;
	return (int)reason;
}

int kit_roster(struct kit_room *room, const struct kit_device *author, const struct pv_roster_body *body)
{
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_BODY_BYTES);
	pv_roster_body_put(&buf, body);
	struct pv_header header = kit_header(room, &author->id, PV_KIND_ROSTER);
	int got = append(room, &header, &author->sk, &buf);
	pv_buf_release(&buf);
	return got;
}

int kit_sign(struct kit_room *room, const struct kit_device *author, const struct pv_sign_body *body)
{
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_BODY_BYTES);
	pv_sign_body_put(&buf, body);
	struct pv_header header = kit_header(room, &author->id, PV_KIND_SIGN);
	int got = append(room, &header, &author->sk, &buf);
	pv_buf_release(&buf);
	return got;
}

int kit_server(struct kit_room *room, const struct pv_server_body *body)
{
	struct pv_buf buf;
	struct pv_hash author;
	pv_buf_init(&buf, PV_LIMIT_BODY_BYTES);
	pv_server_body_put(&buf, body);
	pv_log_key_id(&room->log_pk, &author);
	struct pv_header header = kit_header(room, &author, PV_KIND_SERVER);
	int got = append(room, &header, &room->log_sk, &buf);
	pv_buf_release(&buf);
	return got;
}

int kit_sealed(struct kit_room *room, const struct kit_device *author, uint64_t kind, uint64_t epoch)
{
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_BODY_BYTES);
	struct pv_header header = kit_header(room, &author->id, kind);
	header.epoch = epoch;
	header.commit = kit_hash("commit", room->tree.size);
	pv_buf_append(&buf, header.commit.b, sizeof header.commit.b);
	int got = append(room, &header, &author->sk, &buf);
	pv_buf_release(&buf);
	return got;
}

int kit_found_client(struct kit_room *room, uint64_t number, const struct kit_person *founder)
{
	static const size_t both[] = {0, 1};
	struct pv_roster_body body;
	kit_room_init(room, number);
	kit_genesis_client(room, founder, both, 2, &body);
	return kit_roster(room, &founder->devices[0], &body);
}

int kit_found_person(struct kit_room *room, uint64_t number, const struct kit_person *person)
{
	struct pv_roster_body body;
	kit_room_init(room, number);
	kit_genesis_person(room, person, &body);
	return kit_roster(room, &person->devices[0], &body);
}

void kit_invite_body(uint64_t number, enum pv_role role, uint64_t uses, struct pv_roster_body *ret_body)
{
	struct pv_sign_sk sk;
	struct pv_kem_seed seed;
	struct pv_kem_pk kem_pk;
	*ret_body = (struct pv_roster_body){.type = PV_ROSTER_INVITE};
	struct pv_invite_body *invite = &ret_body->u.invite;
	invite->id = kit_id16("invite", number);
	invite->role = role;
	invite->uses = uses;
	kit_sign_key("a", number, &sk, &invite->a_key);
	kit_sign_key("join", number, &sk, &invite->join_key);
	kem_key("invite-kem", number, &seed, &kem_pk);
	pv_kem_hash(&kem_pk, &invite->kem_hash);
}

int kit_invite(struct kit_room *room, const struct kit_device *author, uint64_t number, enum pv_role role, uint64_t uses)
{
	struct pv_roster_body body;
	kit_invite_body(number, role, uses, &body);
	return kit_roster(room, author, &body);
}

void kit_join_body_sign(const struct kit_room *room, const struct kit_person *person, uint64_t number,
			struct pv_roster_body *body)
{
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	struct pv_join_body *join = &body->u.join;
	kit_sign_key("join", number, &sk, &pk);
	MUST(pv_join_sign(&sk, &room->id, &person->id, &join->party, &join->invite, &join->join_sig));
}

void kit_join_body(const struct kit_room *room, const struct kit_person *person, uint64_t number,
		   struct pv_roster_body *ret_body)
{
	size_t all[KIT_DEVICES];
	for (size_t i = 0; i < person->device_count; i++)
		all[i] = i;
	*ret_body = (struct pv_roster_body){.type = PV_ROSTER_JOIN};
	ret_body->u.join.invite = kit_id16("invite", number);
	kit_party(person, all, person->device_count, &ret_body->u.join.party);
	kit_join_body_sign(room, person, number, ret_body);
}

int kit_join(struct kit_room *room, const struct kit_person *person, uint64_t number)
{
	struct pv_roster_body body;
	kit_join_body(room, person, number, &body);
	return kit_roster(room, &person->devices[0], &body);
}

void kit_rekey_body(const struct kit_room *room, struct pv_roster_body *ret_body)
{
	struct pv_recipient *recipients;
	size_t count;
	*ret_body = (struct pv_roster_body){.type = PV_ROSTER_REKEY};
	struct pv_rekey_body *rekey = &ret_body->u.rekey;
	rekey->epoch = pv_roster_epoch(room->roster) + 1;
	rekey->secret_hash = kit_hash("rekey-secret", rekey->epoch);
	rekey->kem_hash = kit_hash("rekey-kem", rekey->epoch);
	MUST(pv_roster_recipients(room->roster, &recipients, &count));
	pv_recipients_digest(recipients, count, &rekey->recipients);
	free(recipients);
}

int kit_rekey(struct kit_room *room, const struct kit_device *author)
{
	struct pv_roster_body body;
	kit_rekey_body(room, &body);
	return kit_roster(room, author, &body);
}

bool kit_admit(struct kit_room *room, const struct kit_device *owner, const struct kit_person *person, uint64_t number,
	       enum pv_role role)
{
	return kit_invite(room, owner, number, role, 1) == PV_REASON_NONE &&
	       kit_join(room, person, number) == PV_REASON_NONE && kit_rekey(room, owner) == PV_REASON_NONE;
}

/* Of the present membership; 0 where there is none. */
static const struct pv_principal *membership(const struct kit_room *room, const struct kit_person *person)
{
	static const struct pv_principal none;
	const struct pv_principal *principal = pv_roster_principal(room->roster, &person->id);
	return principal ? principal : &none;
}

int kit_remove(struct kit_room *room, const struct kit_device *author, const struct kit_person *target)
{
	struct pv_roster_body body = {.type = PV_ROSTER_REMOVE};
	body.u.remove.count = 1;
	body.u.remove.targets[0] = (struct pv_membership){target->id, membership(room, target)->join_index};
	return kit_roster(room, author, &body);
}

int kit_role(struct kit_room *room, const struct kit_device *author, const struct kit_person *target, enum pv_role to)
{
	struct pv_roster_body body = {.type = PV_ROSTER_ROLE};
	body.u.role.person = target->id;
	body.u.role.join_index = membership(room, target)->join_index;
	body.u.role.from = membership(room, target)->role;
	body.u.role.to = to;
	return kit_roster(room, author, &body);
}

int kit_device_add(struct kit_room *room, const struct kit_device *author, const struct pv_hash *person,
		   const struct kit_device *device)
{
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_ADD};
	body.u.device_add.cert_count = 1;
	kit_certify(person, device, author, &body.u.device_add.certs[0]);
	body.u.device_add.has_wraps_root = pv_roster_room_kind(room->roster) == PV_ROOM_PERSON;
	return kit_roster(room, author, &body);
}

int kit_device_remove(struct kit_room *room, const struct kit_device *author, const struct kit_device *device,
		      uint64_t since)
{
	struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_REMOVE};
	body.u.device_remove.device_count = 1;
	body.u.device_remove.devices[0] = device->id;
	body.u.device_remove.since = since;
	return kit_roster(room, author, &body);
}
