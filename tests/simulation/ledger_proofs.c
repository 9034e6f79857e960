/* What a device can prove to a stranger of entries that it holds, and that this is true, discloses nothing else, and
 * says nothing other when a bit of it is changed; and whom the evidence of alarms convicts. */
#include <stdlib.h>

#include "core/room/evidence.h"
#include "core/state/kept_keys.h"
#include "tests/simulation/ledger_parts.h"
#include "tests/simulation/proofs.h"

enum { TRIES = 8, PROOFS = 3, CERTS = 64 };

/* A room as one device holds it, at hand to make proofs of. */
struct prover {
    struct sim_ledger *ledger;
    struct sim_device *device;
    unsigned room;
    struct pv_store *store;
    struct pv_entry *entries;
    size_t count;
    struct pv_buf genesis, genesis_body;
    struct pv_buf records[SIM_PERSONS + 1]; /* as entries brought them: each person's newest */
    struct pv_cert certs[CERTS];            /* of devices that came later */
    size_t cert_count;
};

/* ---- reading the room */

static void put(struct pv_buf *buf, struct pv_bytes bytes)
{
    pv_buf_clear(buf);
    pv_buf_append(buf, bytes.p, bytes.n);
}

static void take_record(struct prover *p, struct pv_bytes record)
{
    struct pv_person person;
    if (pv_record_read(record, &person) == PV_OK) put(&p->records[sim_person_named(p->ledger->world, &person.id)], record);
}

/* Of a person's own room, the genesis is their record's beginning. */
static void take_roster(struct prover *p, const struct pv_stored_entry *stored)
{
    static struct pv_roster_body body;
    if (pv_roster_body_read(stored->body, &body)) return;
    if (body.type == PV_ROSTER_GENESIS) {
        put(&p->genesis, stored->entry);
        put(&p->genesis_body, stored->body);
        struct pv_buf record;
        pv_buf_init(&record, PV_LIMIT_BODY_BYTES);
        if (p->room >= SIM_CLIENT_ROOMS) pv_record_put(&record, stored->entry, stored->body, NULL, 0);
        take_record(p, p->room < SIM_CLIENT_ROOMS ? body.u.genesis.founder.record : pv_buf_bytes(&record));
        pv_buf_release(&record);
    }
    if (body.type == PV_ROSTER_JOIN) take_record(p, body.u.join.party.record);
    for (size_t i = 0; body.type == PV_ROSTER_DEVICE_ADD && i < body.u.device_add.cert_count && p->cert_count < CERTS; i++)
        p->certs[p->cert_count++] = body.u.device_add.certs[i];
}

static enum pv_err take_entry(void *context, const struct pv_stored_entry *header)
{
    struct prover *p = context;
    struct pv_stored_entry stored;
    struct pv_buf memory;
    if (pv_entry_read(header->entry, &p->entries[p->count])) return PV_ERR_CORRUPT;
    if (p->entries[p->count++].header.kind != PV_KIND_ROSTER || header->verdict != PV_ACCEPTED) return PV_OK;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_entry_get(p->store, header->index, &memory, &stored);
    if (!err) take_roster(p, &stored);
    pv_buf_release(&memory);
    return err;
}

static bool open_room(struct sim_ledger *ledger, struct sim_device *device, unsigned room, struct prover *p)
{
    size_t size = device->held[room].count;
    *p = (struct prover){.ledger = ledger, .device = device, .room = room, .store = device->copies[room].store};
    pv_buf_init(&p->genesis, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&p->genesis_body, PV_LIMIT_BODY_BYTES);
    for (unsigned i = 0; i <= SIM_PERSONS; i++) pv_buf_init(&p->records[i], PV_LIMIT_BODY_BYTES);
    p->entries = malloc((size + 1) * sizeof *p->entries);
    if (!p->entries) abort();
    return pv_store_header_each(p->store, 0, size, take_entry, p) == PV_OK && p->genesis.n;
}

static void close_room(struct prover *p)
{
    pv_buf_release(&p->genesis);
    pv_buf_release(&p->genesis_body);
    for (unsigned i = 0; i <= SIM_PERSONS; i++) pv_buf_release(&p->records[i]);
    free(p->entries);
}

/* ---- what is shown */

static bool take_cert(struct pv_person *person, const struct pv_cert *cert)
{
    struct pv_hash id;
    pv_device_id(&cert->device, &id);
    if (pv_person_device(person, &id) || !pv_person_device(person, &cert->signer)) return false;
    person->devices[person->device_count].id = id;
    person->devices[person->device_count++].device = cert->device;
    return true;
}

/* A record that leads to the author: the one that an entry brought, and what was certified since. */
static bool record_of(const struct prover *p, const struct pv_hash *author, struct pv_buf *ret_record)
{
    unsigned device = sim_device_named(p->ledger->world, author);
    struct pv_bytes base = device < SIM_DEVICES ? pv_buf_bytes(&p->records[device % SIM_PERSONS]) : pv_bytes(NULL, 0);
    struct pv_cert certs[PV_LIMIT_CERTIFICATES];
    struct pv_person person;
    struct pv_cbor in;
    if (!base.n || pv_record_read(base, &person)) return false;
    pv_cbor_init(&in, base);
    pv_cbor_get_array_of(&in, 3);
    struct pv_bytes genesis = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES), body = pv_cbor_get_bytes(&in, PV_LIMIT_BODY_BYTES);
    size_t count = pv_cbor_get_array(&in, PV_LIMIT_CERTIFICATES);
    for (size_t i = 0; i < count && !in.err; i++) pv_cert_get(&in, &certs[i]);
    for (size_t i = 0; i < p->cert_count && count < PV_LIMIT_CERTIFICATES; i++)
        if (take_cert(&person, &p->certs[i])) certs[count++] = p->certs[i];
    pv_record_put(ret_record, genesis, body, certs, count);
    return !in.err && !ret_record->err && pv_person_device(&person, author);
}

struct finding_note {
    uint64_t index, most, size;
    struct pv_buf note;
};

/* The first checkpoint that has it: the server's earliest word. */
static enum pv_err take_note(void *context, uint64_t size, uint64_t time_s, struct pv_bytes note)
{
    struct finding_note *f = context;
    (void)time_s;
    if (size <= f->index || size > f->most || (f->size && size >= f->size)) return PV_OK;
    f->size = size;
    put(&f->note, note);
    return PV_OK;
}

static bool place_of(const struct prover *p, uint64_t index, struct pv_buf *ret_place)
{
    struct finding_note f = {.index = index, .most = p->count};
    struct pv_merkle_reader reader = pv_store_merkle_reader(p->store);
    struct pv_merkle_proof inclusion;
    struct pv_checkpoint tree;
    struct pv_hash root;
    pv_buf_init(&f.note, PV_LIMIT_NOTE_BYTES);
    bool has = pv_store_note_each(p->store, take_note, &f) == PV_OK && f.size && pv_checkpoint_peek(pv_buf_bytes(&f.note), &tree) == PV_OK &&
               pv_merkle_root(&reader, f.size, &root) == PV_OK && pv_hash_equal(&root, &tree.root) && /* else kept against the server */
               pv_merkle_prove_inclusion(&reader, index, f.size, &inclusion) == PV_OK &&
               pv_proof_make(index, &inclusion, pv_buf_bytes(&f.note), ret_place) == PV_OK;
    pv_buf_release(&f.note);
    return has;
}

static bool key_of(const struct prover *p, uint64_t index, struct pv_bytes body, struct pv_entry_key *ret_key)
{
    const struct pv_header *header = &p->entries[index].header;
    struct pv_epoch_secret secret;
    struct pv_seal_nonce nonce;
    struct pv_prk prk;
    struct pv_hash commit;
    if (!pv_kind_is_sealed(header->kind) || body.n < sizeof nonce.b) return false;
    if (pv_kept_key_get(p->store, index, ret_key) == PV_OK) return true;
    if (pv_store_epoch_get(p->store, header->epoch, &secret)) return false;
    memcpy(nonce.b, body.p, sizeof nonce.b);
    pv_epoch_prk(&secret, &prk);
    pv_entry_key_derive(&prk, header, &nonce, ret_key);
    pv_entry_key_commit(ret_key, &commit);
    return pv_hash_equal(&commit, &header->commit);
}

/* An entry by another person, whose author says that they had seen this one, or if `early`, had not yet. */
static bool receipt_of(const struct prover *p, uint64_t index, bool early, uint64_t *ret_index)
{
    unsigned author = sim_device_named(p->ledger->world, &p->entries[index].header.author);
    for (uint64_t i = early ? 1 : index + 1; i < p->count; i++) {
        const struct pv_header *header = &p->entries[i].header;
        unsigned other = sim_device_named(p->ledger->world, &header->author);
        bool seen = header->seen_size > index;
        if (other < SIM_DEVICES && other % SIM_PERSONS != author % SIM_PERSONS && seen != early) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* ---- what is checked */

struct proof {
    struct pv_buf memory, record, place, receipt, receipt_record, path, file;
    struct pv_stored_entry stored;
    struct pv_entry_key key;
    uint64_t receipt_index;
    struct sim_shown shown;
};

static void proof_init(struct proof *proof)
{
    *proof = (struct proof){.receipt_index = 0};
    struct pv_buf *all[] = {&proof->memory, &proof->record, &proof->place, &proof->receipt, &proof->receipt_record, &proof->path, &proof->file};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pv_buf_init(all[i], PV_LIMIT_BATCH_BYTES);
}

static void proof_release(struct proof *proof)
{
    struct pv_buf *all[] = {&proof->memory, &proof->record, &proof->place, &proof->receipt, &proof->receipt_record, &proof->path, &proof->file};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pv_buf_release(all[i]);
}

/* False: an entry's author certified nowhere here, or a body that is gone. */
static bool make_proof(const struct prover *p, uint64_t index, struct proof *proof)
{
    if (pv_store_entry_get(p->store, index, &proof->memory, &proof->stored) || !record_of(p, &proof->stored.author, &proof->record)) return false;
    proof->shown = (struct sim_shown){.genesis = pv_buf_bytes(&p->genesis), .genesis_body = pv_buf_bytes(&p->genesis_body),
                                      .entry = proof->stored.entry, .record = pv_buf_bytes(&proof->record)};
    if (place_of(p, index, &proof->place)) proof->shown.place = pv_buf_bytes(&proof->place);
    return true;
}

static void show_text(const struct prover *p, uint64_t index, struct proof *proof)
{
    if (!proof->stored.has_body) return;
    if (key_of(p, index, proof->stored.body, &proof->key)) proof->shown.key = PV_BYTES_OF(proof->key);
    else if (pv_kind_is_sealed(p->entries[index].header.kind)) return;
    proof->shown.body = proof->stored.body;
}

/* `early`: somebody else's entry that says nothing of this one, with the path to where this one came to stand. */
static void show_receipt(const struct prover *p, uint64_t index, bool early, struct proof *proof)
{
    struct pv_merkle_reader reader = pv_store_merkle_reader(p->store);
    struct pv_stored_entry stored;
    struct pv_merkle_proof path;
    pv_buf_clear(&proof->receipt_record);
    pv_buf_clear(&proof->path);
    if (!receipt_of(p, index, early, &proof->receipt_index)) return;
    const struct pv_header *header = &p->entries[proof->receipt_index].header;
    if (!record_of(p, &header->author, &proof->receipt_record) ||
        pv_merkle_prove_inclusion(&reader, index, early ? p->count : header->seen_size, &path) ||
        pv_store_entry_get(p->store, proof->receipt_index, &proof->receipt, &stored))
        return;
    sim_receipt_path_put(&proof->path, index, &path);
    proof->shown.receipt = stored.entry;
    proof->shown.receipt_record = pv_buf_bytes(&proof->receipt_record);
    proof->shown.receipt_path = pv_buf_bytes(&proof->path);
}

static bool check(const struct prover *p, struct proof *proof, struct sim_facts *ret_facts)
{
    pv_buf_clear(&proof->file);
    sim_shown_put(&proof->file, &proof->shown);
    *ret_facts = (struct sim_facts){.index = 0};
    return sim_proof_check(pv_buf_bytes(&proof->file), &p->ledger->world->room_ids[p->room], ret_facts);
}

static void check_true(const struct prover *p, uint64_t index, const struct proof *proof, const struct sim_facts *facts, const struct sim_seal *seal)
{
    struct sim_world *world = p->ledger->world;
    const struct sim_log *log = &p->ledger->logs[0][p->room];
    /* Then what the device has of the log is what the ledger has, or its beginning. */
    bool calm = !world->weather.hostile && !world->weather.restores;
    const struct pv_hash *person = &world->room_ids[SIM_CLIENT_ROOMS + seal->device % SIM_PERSONS];
    const char *what = NULL;
    if (!facts->has_author || !pv_hash_equal(&facts->author, &world->devices[seal->device].me.device) || !pv_hash_equal(&facts->person, person)) what = "author";
    else if (calm && p->count == log->history.count && !facts->has_place) what = "place, which it has";
    else if (facts->has_place != (proof->shown.place.n > 0) || (facts->has_place && facts->index != index)) what = "place";
    else if (facts->has_time && facts->time_s > world->now_ms / 1000) what = "time, which is to come";
    else if (calm && facts->has_time && index < log->history.count && facts->time_s < log->entries[index].after_ms / 1000) what = "time, which was before";
    else if (facts->has_text != (proof->shown.body.n > 0)) what = "text";
    else if (facts->has_text && facts->message != seal->message) what = "text, which is another's";
    if (what) sim_fail(world, "P7", "of entry %llu of %s, device %u proves a wrong %s", (unsigned long long)index, sim_room_name(p->room), p->device->number, what);
}

static void check_receipts(const struct prover *p, uint64_t index, struct proof *proof)
{
    struct sim_world *world = p->ledger->world;
    struct sim_facts facts;
    (void)check(p, proof, &facts);
    bool claimed = facts.has_receipt;
    show_receipt(p, index, true, proof);
    (void)check(p, proof, &facts);
    claimed = claimed || facts.has_receipt;
    proof->shown.receipt = proof->shown.receipt_record = proof->shown.receipt_path = pv_bytes(NULL, 0);
    show_receipt(p, index, false, proof);
    (void)check(p, proof, &facts);
    const struct pv_header *receipt = &p->entries[proof->receipt_index].header;
    unsigned other = sim_device_named(world, &receipt->author);
    if (claimed) sim_fail(world, "P7", "that entry %llu of %s was received is shown without a receipt", (unsigned long long)index, sim_room_name(p->room));
    else if (facts.has_receipt != (proof->shown.receipt.n > 0) ||
             (facts.has_receipt && !pv_hash_equal(&facts.receiver, &world->room_ids[SIM_CLIENT_ROOMS + other % SIM_PERSONS])))
        sim_fail(world, "P7", "that entry %llu of %s was received is not shown by entry %llu", (unsigned long long)index, sim_room_name(p->room),
                 (unsigned long long)proof->receipt_index);
}

/* No key of anything else, no words in clear; and the key that is shown opens nothing else. */
static void check_discloses(const struct prover *p, uint64_t index, struct proof *proof)
{
    struct sim_world *world = p->ledger->world;
    const struct pv_hash *leaves = p->device->held[p->room].leaves;
    struct pv_bytes key = proof->shown.key;
    struct sim_facts facts;
    struct pv_hash commit;
    bool more = false;
    proof->shown.key = pv_bytes(NULL, 0);
    (void)check(p, proof, &facts);
    if (key.n) {
        pv_entry_key_commit(&proof->key, &commit);
        for (size_t i = 0; i < p->count; i++) /* a hostile server may have it twice */
            more = more || (!pv_hash_equal(&leaves[i], &leaves[index]) && pv_hash_equal(&commit, &p->entries[i].header.commit));
        if (facts.has_text) sim_fail(world, "P7", "entry %llu of %s is read without its key", (unsigned long long)index, sim_room_name(p->room));
    }
    more = more || sim_secrets_are_in(&p->ledger->secrets, pv_buf_bytes(&proof->file)) || memmem(proof->file.p, proof->file.n, SIM_CANARY, strlen(SIM_CANARY));
    if (more) sim_fail(world, "P7", "a proof of entry %llu of %s discloses more", (unsigned long long)index, sim_room_name(p->room));
    proof->shown.key = key;
}

static void check_spoiled(const struct prover *p, uint64_t index, struct proof *proof)
{
    struct sim_world *world = p->ledger->world;
    struct sim_facts facts, spoiled = {.index = 0};
    if (!check(p, proof, &facts)) return;
    size_t at = (size_t)sim_below(world, proof->file.n);
    proof->file.p[at] ^= (uint8_t)(1u << sim_below(world, 8));
    (void)sim_proof_check(pv_buf_bytes(&proof->file), &world->room_ids[p->room], &spoiled);
    if (!sim_facts_are_among(&spoiled, &facts) || sim_facts_are_among(&facts, &spoiled))
        sim_fail(world, "P7", "a proof of entry %llu of %s with another byte %zu holds", (unsigned long long)index, sim_room_name(p->room), at);
}

static void prove(const struct prover *p, uint64_t index, const struct sim_seal *seal)
{
    struct sim_world *world = p->ledger->world;
    struct proof proof;
    struct sim_facts facts;
    proof_init(&proof);
    if (!make_proof(p, index, &proof)) {
        sim_fail(world, "P7", "device %u cannot show who wrote entry %llu of %s", p->device->number, (unsigned long long)index, sim_room_name(p->room));
    } else {
        show_text(p, index, &proof);
        if (!check(p, &proof, &facts)) sim_fail(world, "P7", "a proof of entry %llu of %s does not read", (unsigned long long)index, sim_room_name(p->room));
        else check_true(p, index, &proof, &facts, seal);
        if (!world->failed) check_receipts(p, index, &proof);
        if (!world->failed) check_discloses(p, index, &proof);
        if (!world->failed) check_spoiled(p, index, &proof);
    }
    proof_release(&proof);
}

static struct sim_device *prover_of(struct sim_world *world, unsigned room)
{
    unsigned first = (unsigned)sim_below(world, SIM_PROGRAMS);
    for (unsigned i = 0; i < SIM_PROGRAMS; i++) {
        struct sim_device *device = sim_program(world, (first + i) % SIM_PROGRAMS);
        bool up = device->there && device->up && !device->paper && !sim_disk_is_dead(device->disk);
        if (up && device->copies[room].room && device->held[room].count > 1) return device;
    }
    return NULL;
}

/* Of one room, some entries that honest programs wrote and that counted. */
void sim_proofs_check(struct sim_ledger *ledger)
{
    struct sim_world *world = ledger->world;
    unsigned room = sim_below(world, 4) ? (unsigned)sim_below(world, SIM_CLIENT_ROOMS) : (unsigned)sim_below(world, SIM_ROOMS);
    struct sim_device *device = prover_of(world, room);
    struct prover p;
    if (!device) return;
    bool opened = open_room(ledger, device, room, &p);
    for (unsigned tries = 0, proofs = 0; opened && tries < TRIES && proofs < PROOFS && !world->failed; tries++) {
        uint64_t index = 1 + sim_below(world, p.count - 1);
        const struct sim_seal *seal = sim_seal_of(ledger, &device->held[room].leaves[index]);
        struct pv_stored_entry stored;
        struct pv_buf memory;
        if (!seal || seal->crafted) continue;
        pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
        bool counts = pv_store_entry_get(p.store, index, &memory, &stored) == PV_OK && stored.verdict == PV_ACCEPTED;
        pv_buf_release(&memory);
        if (!counts) continue;
        prove(&p, index, seal);
        proofs++;
    }
    close_room(&p);
}

/* ---- evidence */

void sim_ledger_alarmed(struct sim_world *world, const struct sim_device *device, unsigned room)
{
    static struct pv_evidence_file file;
    struct pv_bytes bytes = device->copies[room].room ? pv_room_evidence(device->copies[room].room) : pv_bytes(NULL, 0);
    struct pv_finding finding;
    if (!bytes.n) return;
    if (pv_evidence_read(bytes, &file) || pv_evidence_judge(&file, &finding)) {
        sim_fail(world, "P7", "the evidence of device %u about %s does not hold", device->number, sim_room_name(room));
        return;
    }
    sim_tell(world, "  evidence: %s", pv_finding_name(finding.kind));
    if (finding.convicts_server && !world->two_faced)
        sim_fail(world, "P7", "evidence about %s convicts a server that signed one history: %s", sim_room_name(room), pv_finding_name(finding.kind));
    if (finding.convicts_author)
        sim_fail(world, "P7", "evidence about %s convicts a device that signed nothing wrong: %s", sim_room_name(room), pv_finding_name(finding.kind));
}
