/* Names of what takes part in symbolic logs, and a room's state said in them. */
#include "tests/property/roster_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kit_person persons[PERSONS];
struct kit_room room;

enum { NUMBERS = 4096 };
static struct pv_hash kem_hashes[NUMBERS];
static struct pv_id16 invite_ids[NUMBERS];

void names_make(void)
{
	for (int p = 0; p < PERSONS; p++) {
		kit_person_make((uint64_t)p + 1, &persons[p]);
		kit_person_certify(&persons[p], 0, false);
		kit_person_certify(&persons[p], 2, false);
		kit_person_certify(&persons[p], 0, true);
		kit_person_certify(&persons[p], 3, false);
	}
	for (unsigned i = 0; i < NUMBERS; i++) {
		kem_hashes[i] = kit_hash("kem", i);
		invite_ids[i] = kit_id16("invite", i);
	}
}

void names_release(void)
{
	for (int p = 0; p < PERSONS; p++)
		kit_person_release(&persons[p]);
}

/* The name of a device, person, KEM key or invite; the buffer is the caller's. */
static const char *device_name(const struct pv_hash *id, char text[static 32])
{
	for (int p = 0; p < PERSONS; p++)
		for (int d = 0; d < DEVICES; d++)
			if (pv_hash_equal(id, &persons[p].devices[d].id)) {
				snprintf(text, 32, "%d.%d", p, d);
				return text;
			}
	return "?";
}

static const char *principal_name(const struct pv_hash *id, char text[static 32])
{
	for (int p = 0; p < PERSONS; p++)
		if (pv_hash_equal(id, &persons[p].id)) {
			snprintf(text, 32, "%d", p);
			return text;
		}
	return device_name(id, text);
}

static const char *kem_name(const struct pv_hash *hash, char text[static 32])
{
	for (unsigned i = 0; i < NUMBERS; i++)
		if (pv_hash_equal(hash, &kem_hashes[i])) {
			snprintf(text, 32, "%u", i);
			return text;
		}
	for (int p = 0; p < PERSONS; p++)
		for (int d = 0; d < DEVICES; d++)
			if (pv_hash_equal(hash, &persons[p].devices[d].device.kem_hash)) {
				snprintf(text, 32, "%d.%d", p, d);
				return text;
			}
	return "?";
}

static const char *invite_name(const struct pv_id16 *id, char text[static 32])
{
	for (unsigned i = 0; i < NUMBERS; i++)
		if (pv_id16_equal(id, &invite_ids[i])) {
			snprintf(text, 32, "%u", i);
			return text;
		}
	return "?";
}

/* ---- what it prints */

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct facts {
	char *text[256];
	size_t count;
};

static void add_fact(struct facts *facts, const char *text)
{
	facts->text[facts->count++] = strdup(text);
}

static void print_facts(struct facts *facts, const char *what)
{
	qsort(facts->text, facts->count, sizeof facts->text[0], compare_text);
	printf(" | %s", what);
	for (size_t i = 0; i < facts->count; i++) {
		printf(" %s", facts->text[i]);
		free(facts->text[i]);
	}
	facts->count = 0;
}

static void print_members(struct facts *facts)
{
	size_t count;
	char text[160], a[32], b[32], c[32], d[32], since[24] = "-";
	const struct pv_principal *principals = pv_roster_principals(room.roster, &count);
	for (size_t i = 0; i < count; i++) {
		const struct pv_principal *p = &principals[i];
		snprintf(since, sizeof since, p->role == PV_ROLE_OWNER ? "%llu" : "-", (unsigned long long)p->since);
		snprintf(text, sizeof text, "%s:%d:%s:%llu:%s:%llu:%s:%s", principal_name(&p->id, a), p->role, since,
			 (unsigned long long)p->join_index, p->via_invite ? invite_name(&p->invite, b) : "-",
			 (unsigned long long)p->person_epoch, kem_name(&p->kem_hash, c), device_name(&p->setter, d));
		add_fact(facts, text);
	}
	print_facts(facts, "members");
	const struct pv_room_device *devices = pv_roster_devices(room.roster, &count);
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof text, "%s:%s:%llu:%s:%d", device_name(&devices[i].id, a),
			 principal_name(&devices[i].principal, b), (unsigned long long)devices[i].index,
			 devices[i].has_adder ? device_name(&devices[i].adder, c) : "-", devices[i].paper);
		add_fact(facts, text);
	}
	print_facts(facts, "devices");
}

static void print_rest(struct facts *facts)
{
	size_t count;
	char text[160], a[32], b[32];
	const struct pv_invite *invites = pv_roster_invites(room.roster, &count);
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof text, "%s:%d:%llu:%s:%d:%d", invite_name(&invites[i].body.id, a),
			 invites[i].body.role, (unsigned long long)invites[i].uses_left,
			 principal_name(&invites[i].maker, b), invites[i].open, invites[i].opened);
		add_fact(facts, text);
	}
	print_facts(facts, "invites");
	bool person_room = pv_roster_room_kind(room.roster) == PV_ROOM_PERSON;
	for (int p = 0; p < (person_room ? 1 : PERSONS); p++)
		for (int d = 0; d < PERSONS * DEVICES; d++) {
			const struct pv_hash *id = &persons[d / DEVICES].devices[d % DEVICES].id;
			if (!pv_roster_is_barred(room.roster, &persons[p].id, id))
				continue;
			snprintf(text, sizeof text, "%d:%s", p, device_name(id, a));
			add_fact(facts, text);
		}
	print_facts(facts, "bars");
}

void print_state(const char *verdict)
{
	struct facts facts = {.count = 0};
	printf("%s | epoch %llu due %d", verdict, (unsigned long long)pv_roster_epoch(room.roster),
	       pv_roster_rekey_due(room.roster));
	print_members(&facts);
	print_rest(&facts);
	putchar('\n');
}
