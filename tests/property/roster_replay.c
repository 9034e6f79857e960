/* Plays symbolic room logs from standard input with real keys and signatures, and prints each entry's verdict and the
 * state after it. tests/property/roster_model.t compares both with what a model of the rules says.
 *
 * Names: persons 0 to 3; devices "person.number" (0 the first, 1 the first paper one, 4 a later paper one); invites,
 * documents, KEM keys, secrets, holds, forgets and values are numbers. One line an entry:
 *
 *   room client|person                       a new log; person 0 founds it
 *   AUTHOR EPOCH OP ARGUMENTS…               EPOCH is the header's; "-" stands for none
 *
 * At times the roster is replaced by a copy, or by what its snapshot decodes to: nothing may change by that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/roster_names.h"

enum { WORDS = 64 };

static uint64_t steps;

/* ---- words */

static struct kit_device *device_named(const char *name)
{
	int person, number;
	if (sscanf(name, "%d.%d", &person, &number) != 2 || person >= PERSONS || number >= DEVICES)
		abort();
	return &persons[person].devices[number];
}

static unsigned long number_of(const char *word)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);
	if (*end || end == word) {
		fprintf(stderr, "not a number: %s\n", word);
		abort();
	}
	return value;
}

static bool none(const char *word)
{
	return strcmp(word, "-") == 0;
}

static struct pv_hash value_of_policy(unsigned long number)
{
	struct pv_hash hash = {{0}};
	char text[32];
	snprintf(text, sizeof text, "%lu", number);
	if (number)
		pv_policy_value_hash(pv_bytes_of_string(text), &hash);
	return hash;
}

static void log_key_of(unsigned long number, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk)
{
	kit_sign_key("log", number, ret_sk, ret_pk);
}

static struct pv_hash value_of_server(unsigned long number)
{
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	struct pv_hash hash;
	log_key_of(number, &sk, &pk);
	pv_server_value_hash(pv_bytes_of_string("privity.example"), &pk, &hash);
	return hash;
}

/* ---- entries */

struct line {
	char *words[WORDS];
	size_t count;
};

static const char *word(const struct line *line, size_t i)
{
	if (i >= line->count) {
		fprintf(stderr, "too few words: %s\n", line->words[2]);
		abort();
	}
	return line->words[i];
}

static struct kit_person *person_at(const struct line *line, size_t i)
{
	return &persons[number_of(word(line, i)) % PERSONS];
}

static void copy_record(const struct kit_person *person, bool good, struct pv_buf *record)
{
	pv_buf_init(record, PV_LIMIT_BODY_BYTES);
	pv_buf_append(record, person->record.p, person->record.n);
	if (!good)
		record->p[record->n - 1] ^= 1; /* in the last certificate's consent */
}

static void fill_invite(const struct line *line, struct pv_roster_body *body)
{
	struct pv_invite_body *invite = &body->u.invite;
	struct pv_sign_sk sk;
	unsigned long id = number_of(word(line, 3));
	invite->id = kit_id16("invite", id);
	invite->role = (enum pv_role)number_of(word(line, 4));
	invite->uses = number_of(word(line, 5));
	invite->has_document = !none(word(line, 6));
	if (invite->has_document)
		invite->document = kit_hash("document", number_of(word(line, 6)));
	invite->has_until = !none(word(line, 7));
	if (invite->has_until)
		invite->until_ms = number_of(word(line, 7));
	invite->has_member_until = invite->has_until;
	invite->member_until_ms = invite->until_ms;
	kit_sign_key("a", id, &sk, &invite->a_key);
	kit_sign_key("join", id, &sk, &invite->join_key);
	invite->kem_hash = kit_hash("invite-kem", id);
}

/* join INVITE PERSON DEVICES KEMNO KEM JOINKEY RECORD */
static void fill_join(const struct line *line, struct pv_roster_body *body, struct pv_buf *record)
{
	struct pv_join_body *join = &body->u.join;
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	unsigned long id = number_of(word(line, 3));
	const struct kit_person *person = person_at(line, 4);
	char devices[256], *at = devices;
	join->invite = kit_id16("invite", id);
	copy_record(person, *word(line, 9) == '1', record);
	join->party.record = pv_buf_bytes(record);
	snprintf(devices, sizeof devices, "%s", word(line, 5));
	for (char *name; (name = strsep(&at, ",")) != NULL;)
		join->party.devices[join->party.device_count++] = device_named(name)->id;
	join->party.person_epoch = number_of(word(line, 6));
	join->party.kem_hash = kit_hash("kem", number_of(word(line, 7)));
	kit_sign_key(*word(line, 8) == '1' ? "join" : "other", id, &sk, &pk);
	if (pv_join_sign(&sk, &room.id, &person->id, &join->party, &join->invite, &join->join_sig))
		abort();
}

static void fill_device_add(const struct line *line, const struct kit_device *author, struct pv_roster_body *body)
{
	struct pv_device_add_body *add = &body->u.device_add;
	bool person_room = pv_roster_room_kind(room.roster) == PV_ROOM_PERSON;
	struct pv_hash person = *pv_roster_room(room.roster);
	const struct pv_hash *owner = pv_roster_owner_of(room.roster, &author->id);
	if (!person_room && owner)
		person = *owner;
	add->cert_count = 1;
	kit_certify(&person, device_named(word(line, 3)), author, &add->certs[0]);
	if (*word(line, 4) != '1')
		add->certs[0].consent.b[0] ^= 1;
	add->has_wraps_root = person_room;
}

static void fill_device_remove(const struct line *line, struct pv_roster_body *body)
{
	struct pv_device_remove_body *removal = &body->u.device_remove;
	char devices[256], *at = devices;
	snprintf(devices, sizeof devices, "%s", word(line, 3));
	for (char *name; (name = strsep(&at, ",")) != NULL;)
		removal->devices[removal->device_count++] = device_named(name)->id;
	removal->since = number_of(word(line, 4));
	removal->has_kem = !none(word(line, 6));
	if (!removal->has_kem)
		return;
	removal->person_epoch = number_of(word(line, 5));
	removal->kem_hash = kit_hash("kem", number_of(word(line, 6)));
}

static int compare_recipients(const void *a, const void *b)
{
	return pv_bytes_compare(((const struct pv_recipient *)a)->id, ((const struct pv_recipient *)b)->id);
}

/* rekey EPOCH SECRET LINK RECIPIENTS…, each "p:NAME:KEM" or "i:NUMBER" */
static void fill_rekey(const struct line *line, struct pv_roster_body *body)
{
	struct pv_rekey_body *rekey = &body->u.rekey;
	struct pv_recipient recipients[WORDS];
	struct pv_id16 ids[WORDS];
	size_t count = 0;
	rekey->epoch = number_of(word(line, 3));
	rekey->secret_hash = kit_hash("secret", number_of(word(line, 4)));
	if (!none(word(line, 5)))
		rekey->links[rekey->link_count++].epoch = number_of(word(line, 5));
	for (size_t i = 6; i < line->count; i++) {
		char kind, name[16] = "", kem[16] = "";
		struct pv_recipient *to = &recipients[count];
		if (sscanf(word(line, i), "%c:%15[^:]:%15s", &kind, name, kem) < 2)
			abort();
		if (kind == 'i') {
			ids[count] = kit_id16("invite", number_of(name));
			*to = (struct pv_recipient){PV_BYTES_OF(ids[count]), kit_hash("invite-kem", number_of(name))};
		} else if (strchr(name, '.')) {
			const struct kit_device *device = device_named(name);
			*to = (struct pv_recipient){PV_BYTES_OF(device->id), device->device.kem_hash};
		} else {
			*to = (struct pv_recipient){PV_BYTES_OF(persons[number_of(name)].id),
						    kit_hash("kem", number_of(kem))};
		}
		count++;
	}
	qsort(recipients, count, sizeof recipients[0], compare_recipients);
	pv_recipients_digest(recipients, count, &rekey->recipients);
}

/* server OLD NEW: the old log key, if it is the one in force, signs. */
static void fill_server(const struct line *line, struct pv_roster_body *body)
{
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	unsigned long old = number_of(word(line, 3)), new = number_of(word(line, 4));
	log_key_of(old, &sk, &pk);
	body->u.server.replaces = value_of_server(old);
	body->u.server.name = pv_bytes_of_string("privity.example");
	body->u.server.has_sig = true;
	struct pv_sign_sk ignored;
	log_key_of(new, &ignored, &body->u.server.log_key);
	if (pv_server_change_sign(&sk, &room.id, &body->u.server.replaces, body->u.server.name, &body->u.server.log_key,
				  &body->u.server.sig))
		abort();
}

static void fill_ranges(const struct line *line, size_t at, struct pv_roster_body *body)
{
	for (size_t i = at; i < line->count; i++) {
		struct pv_range *range = &body->u.ranges.ranges[body->u.ranges.count++];
		range->from = number_of(word(line, i));
		range->to = range->from + 1;
		while (i + 1 < line->count && number_of(word(line, i + 1)) == range->to) {
			range->to++;
			i++;
		}
	}
}

static const struct {
	const char *name;
	enum pv_roster_type type;
} roster_ops[] = {
	{"genesis", PV_ROSTER_GENESIS},       {"invite", PV_ROSTER_INVITE},
	{"close_invite", PV_ROSTER_CLOSE_INVITE}, {"join", PV_ROSTER_JOIN},
	{"role", PV_ROSTER_ROLE},             {"remove", PV_ROSTER_REMOVE},
	{"leave", PV_ROSTER_LEAVE},           {"device_add", PV_ROSTER_DEVICE_ADD},
	{"device_remove", PV_ROSTER_DEVICE_REMOVE}, {"rekey", PV_ROSTER_REKEY},
	{"bad_wrap", PV_ROSTER_BAD_WRAP},     {"policy", PV_ROSTER_POLICY},
	{"server", PV_ROSTER_SERVER},         {"hold", PV_ROSTER_HOLD},
	{"lift", PV_ROSTER_LIFT},             {"forget", PV_ROSTER_FORGET},
};

static void fill_roster(const struct line *line, const struct kit_device *author, struct pv_roster_body *body,
			struct pv_buf *scratch)
{
	static const size_t founders[] = {0, 1};
	char text[32];
	switch (body->type) {
	case PV_ROSTER_GENESIS: kit_genesis_client(&room, &persons[0], founders, 2, body); break;
	case PV_ROSTER_INVITE: fill_invite(line, body); break;
	case PV_ROSTER_CLOSE_INVITE: body->u.close_invite = kit_id16("invite", number_of(word(line, 3))); break;
	case PV_ROSTER_JOIN: fill_join(line, body, scratch); break;
	case PV_ROSTER_ROLE:
		body->u.role.person = person_at(line, 3)->id;
		body->u.role.join_index = number_of(word(line, 4));
		body->u.role.from = (enum pv_role)number_of(word(line, 5));
		body->u.role.to = (enum pv_role)number_of(word(line, 6));
		break;
	case PV_ROSTER_REMOVE:
		for (size_t i = 3; i < line->count; i += 2)
			body->u.remove.targets[body->u.remove.count++] =
				(struct pv_membership){person_at(line, i)->id, number_of(word(line, i + 1))};
		break;
	case PV_ROSTER_LEAVE: break;
	case PV_ROSTER_DEVICE_ADD: fill_device_add(line, author, body); break;
	case PV_ROSTER_DEVICE_REMOVE: fill_device_remove(line, body); break;
	case PV_ROSTER_REKEY: fill_rekey(line, body); break;
	case PV_ROSTER_BAD_WRAP: body->u.bad_wrap_epoch = number_of(word(line, 3)); break;
	case PV_ROSTER_POLICY:
		body->u.policy.replaces = value_of_policy(number_of(word(line, 3)));
		snprintf(text, sizeof text, "%lu", number_of(word(line, 4)));
		pv_buf_init(scratch, 32);
		pv_buf_append(scratch, text, strlen(text));
		body->u.policy.value = pv_buf_bytes(scratch);
		break;
	case PV_ROSTER_SERVER: fill_server(line, body); break;
	case PV_ROSTER_HOLD:
		body->u.ranges.id = kit_id16("hold", number_of(word(line, 3)));
		fill_ranges(line, 4, body);
		break;
	case PV_ROSTER_LIFT: body->u.lift = kit_id16("hold", number_of(word(line, 3))); break;
	case PV_ROSTER_FORGET:
		body->u.ranges.id = kit_id16("forget", number_of(word(line, 3)));
		body->u.ranges.cut_epoch = number_of(word(line, 4));
		fill_ranges(line, 5, body);
		break;
	}
}

/* sign DOCUMENT STANCE INDEX INVITE PERSON RECORD AKEY; INVITE "-": no stranger's part */
static void fill_sign(const struct line *line, const struct pv_header *header, struct pv_sign_body *body,
		      struct pv_buf *record)
{
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	*body = (struct pv_sign_body){.document = kit_hash("document", number_of(word(line, 3))),
				      .stance = (enum pv_stance)number_of(word(line, 4)),
				      .index = number_of(word(line, 5)), .stranger = !none(word(line, 6))};
	if (!body->stranger)
		return;
	unsigned long id = number_of(word(line, 6));
	copy_record(person_at(line, 7), *word(line, 8) == '1', record);
	body->record = pv_buf_bytes(record);
	body->invite = kit_id16("invite", id);
	struct pv_stranger_context context = {.room = room.id, .invite = body->invite, .author = header->author,
					      .n = header->n, .document = body->document};
	kit_sign_key(*word(line, 9) == '1' ? "a" : "other", id, &sk, &pk);
	if (pv_stranger_sign(&sk, &context, &body->a_sig))
		abort();
}

static void fill_server_body(const struct line *line, struct pv_server_body *body)
{
	const char *op = word(line, 2);
	if (strcmp(op, "release") == 0) {
		*body = (struct pv_server_body){.type = PV_SERVER_RELEASE};
		body->u.release.gate = kit_id16("invite", number_of(word(line, 3)));
	} else if (strcmp(op, "deleted") == 0) {
		*body = (struct pv_server_body){.type = PV_SERVER_DELETED};
		body->u.deleted_forget = kit_id16("forget", number_of(word(line, 3)));
	} else { /* expired TIME i NUMBER, expired TIME m PERSON JOIN */
		*body = (struct pv_server_body){.type = PV_SERVER_EXPIRED};
		body->u.expired.time_ms = number_of(word(line, 3));
		body->u.expired.is_invite = *word(line, 4) == 'i';
		if (body->u.expired.is_invite)
			body->u.expired.invite = kit_id16("invite", number_of(word(line, 5)));
		else
			body->u.expired.membership =
				(struct pv_membership){person_at(line, 5)->id, number_of(word(line, 6))};
	}
}

/* ---- playing */

/* Replace the roster by what should be the same one. */
static void shake(void)
{
	struct pv_buf once, twice;
	struct pv_roster *other;
	pv_buf_init(&once, SIZE_MAX);
	pv_buf_init(&twice, SIZE_MAX);
	if (steps % 2) {
		if (pv_roster_copy(room.roster, &other))
			abort();
	} else if (pv_roster_encode(room.roster, &once) || pv_roster_decode(pv_buf_bytes(&once), &other)) {
		printf("the snapshot of step %llu does not decode\n", (unsigned long long)steps);
		exit(1);
	}
	pv_buf_clear(&once);
	if (pv_roster_encode(room.roster, &once) || pv_roster_encode(other, &twice))
		abort();
	if (!pv_bytes_equal(pv_buf_bytes(&once), pv_buf_bytes(&twice))) {
		printf("the snapshot of step %llu changes\n", (unsigned long long)steps);
		exit(1);
	}
	pv_roster_free(room.roster);
	room.roster = other;
	pv_buf_release(&once);
	pv_buf_release(&twice);
}

static void play(const struct pv_header *header, const struct pv_sign_sk *sk, const struct pv_buf *body)
{
	struct kit_item item;
	enum pv_verdict judged, verdict;
	enum pv_reason judged_reason, reason;
	if (body->err)
		abort();
	kit_item_make(&room, header, sk, pv_buf_bytes(body), &item);
	if (pv_roster_judge(room.roster, &item.item, &judged, &judged_reason))
		abort();
	verdict = kit_append(&room, &item, &reason);
	if (verdict != judged || reason != judged_reason)
		print_state("judged otherwise");
	else if (verdict == PV_IMPOSSIBLE)
		print_state("impossible");
	else
		print_state(verdict == PV_ACCEPTED ? "accepted" : pv_reason_name(reason));
	if (++steps % 5 == 0)
		shake();
}

static void play_line(const struct line *line)
{
	const char *op = word(line, 2);
	const struct kit_device *author = none(word(line, 0)) ? NULL : device_named(word(line, 0));
	struct pv_buf body, scratch;
	struct pv_header header;
	struct pv_hash log_id;
	const struct pv_sign_sk *sk = author ? &author->sk : &room.log_sk;
	uint64_t kind = PV_KIND_SERVER;
	pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
	pv_buf_init(&scratch, PV_LIMIT_BODY_BYTES);
	bool stale = strncmp(op, "stale_", 6) == 0;
	if (stale)
		op += 6;
	pv_log_key_id(&room.log_pk, &log_id);
	if (author)
		kind = strcmp(op, "sign") == 0 ? PV_KIND_SIGN
		       : strcmp(op, "talk") == 0 ? PV_KIND_TALK
		       : strcmp(op, "work") == 0 ? PV_KIND_WORK
						 : PV_KIND_ROSTER;
	header = kit_header(&room, author ? &author->id : &log_id, kind);
	if (stale)
		header.prev.b[0] ^= 1;
	if (kind == PV_KIND_ROSTER || pv_kind_is_sealed(kind))
		header.epoch = number_of(word(line, 1));
	if (kind == PV_KIND_ROSTER) {
		struct pv_roster_body roster = {.type = PV_ROSTER_GENESIS};
		size_t i = 0;
		while (i < sizeof roster_ops / sizeof roster_ops[0] && strcmp(roster_ops[i].name, op) != 0)
			i++;
		if (i == sizeof roster_ops / sizeof roster_ops[0]) {
			fprintf(stderr, "unknown: %s\n", op);
			abort();
		}
		roster.type = roster_ops[i].type;
		fill_roster(line, author, &roster, &scratch);
		pv_roster_body_put(&body, &roster);
	} else if (kind == PV_KIND_SIGN) {
		struct pv_sign_body sign;
		fill_sign(line, &header, &sign, &scratch);
		pv_sign_body_put(&body, &sign);
	} else if (kind == PV_KIND_SERVER) {
		struct pv_server_body server;
		fill_server_body(line, &server);
		pv_server_body_put(&body, &server);
	}
	play(&header, sk, &body);
	bool same_key = memcmp(pv_roster_log_key(room.roster)->b, room.log_pk.b, sizeof room.log_pk.b) == 0;
	if (kind == PV_KIND_ROSTER && strcmp(op, "server") == 0 && !same_key)
		log_key_of(number_of(word(line, 4)), &room.log_sk, &room.log_pk);
	pv_buf_release(&body);
	pv_buf_release(&scratch);
}

static void begin_room(bool person_room)
{
	static const size_t founders[] = {0, 1};
	struct pv_roster_body body;
	struct pv_buf bytes;
	if (room.roster)
		kit_room_release(&room);
	kit_room_init(&room, 0);
	if (person_room)
		kit_genesis_person(&room, &persons[0], &body);
	else
		kit_genesis_client(&room, &persons[0], founders, 2, &body);
	body.u.genesis.secret_hash = kit_hash("secret", 0);
	if (!person_room)
		body.u.genesis.founder.kem_hash = kit_hash("kem", 0);
	pv_buf_init(&bytes, PV_LIMIT_BODY_BYTES);
	pv_roster_body_put(&bytes, &body);
	struct pv_header header = kit_header(&room, &persons[0].devices[0].id, PV_KIND_ROSTER);
	play(&header, &persons[0].devices[0].sk, &bytes);
	pv_buf_release(&bytes);
}

int main(void)
{
	static char text[4096];
	if (pv_crypto_init())
		return 1;
	names_make();
	while (fgets(text, sizeof text, stdin)) {
		struct line line = {.count = 0};
		char *at = text;
		text[strcspn(text, "\n")] = '\0';
		for (char *w; line.count < WORDS && (w = strsep(&at, " ")) != NULL;)
			line.words[line.count++] = w;
		if (strcmp(line.words[0], "room") == 0)
			begin_room(strcmp(word(&line, 1), "person") == 0);
		else
			play_line(&line);
	}
	if (room.roster)
		kit_room_release(&room);
	names_release();
	return 0;
}
