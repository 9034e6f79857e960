/* The stranger's side: each fact is checked for itself, with nothing but the file and the room's id. */
#include "tests/simulation/proofs.h"

#include <string.h>

#include "core/room/body.h"
#include "tests/simulation/world.h"

enum { PARTS = 10 };

static void parts_of(const struct sim_shown *shown, struct pv_bytes ret_parts[static PARTS])
{
    const struct pv_bytes parts[PARTS] = {shown->genesis, shown->genesis_body, shown->entry, shown->record, shown->place,
                                          shown->body, shown->key, shown->receipt, shown->receipt_record, shown->receipt_path};
    memcpy(ret_parts, parts, sizeof parts);
}

void sim_shown_put(struct pv_buf *buf, const struct sim_shown *shown)
{
    struct pv_bytes parts[PARTS];
    parts_of(shown, parts);
    pv_cbor_put_array(buf, PARTS);
    for (size_t i = 0; i < PARTS; i++) pv_cbor_put_bytes(buf, parts[i].p, parts[i].n);
}

static bool read_file(struct pv_bytes file, struct sim_shown *ret_shown)
{
    struct pv_bytes parts[PARTS];
    struct pv_cbor in;
    pv_cbor_init(&in, file);
    pv_cbor_get_array_of(&in, PARTS);
    for (size_t i = 0; i < PARTS; i++) parts[i] = pv_cbor_get_bytes(&in, PV_LIMIT_BODY_BYTES);
    *ret_shown = (struct sim_shown){parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7], parts[8], parts[9]};
    return pv_cbor_finish(&in) == PV_OK;
}

void sim_receipt_path_put(struct pv_buf *buf, uint64_t index, const struct pv_merkle_proof *path)
{
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, index);
    pv_cbor_put_array(buf, path->count);
    for (size_t i = 0; i < path->count; i++) pv_cbor_put_hash(buf, &path->hashes[i]);
}

static bool read_receipt_path(struct pv_bytes bytes, uint64_t *ret_index, struct pv_merkle_proof *ret_path)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    pv_cbor_get_array_of(&in, 2);
    *ret_index = pv_cbor_get_uint(&in, PV_LIMIT_N);
    ret_path->count = pv_cbor_get_array(&in, PV_LIMIT_PROOF_HASHES);
    for (size_t i = 0; i < ret_path->count && !in.err; i++) pv_cbor_get_hash(&in, &ret_path->hashes[i]);
    return pv_cbor_finish(&in) == PV_OK;
}

/* ---- one fact each */

/* The room is its genesis entry's hash, and that names the server and its key. */
static bool read_genesis(const struct sim_shown *shown, const struct pv_hash *room, struct pv_roster_body *ret_body)
{
    struct pv_entry genesis;
    struct pv_hash id, body_hash;
    pv_entry_room_id(shown->genesis, &id);
    pv_body_hash(shown->genesis_body, &body_hash);
    return pv_hash_equal(&id, room) && pv_entry_read(shown->genesis, &genesis) == PV_OK &&
           pv_hash_equal(&body_hash, &genesis.header.body_hash) && pv_roster_body_read(shown->genesis_body, ret_body) == PV_OK &&
           ret_body->type == PV_ROSTER_GENESIS;
}

static bool is_signed(const struct pv_entry *entry, struct pv_bytes record, struct pv_hash *ret_person)
{
    struct pv_person person;
    const struct pv_record_device *device = pv_record_verify(record, &person) ? NULL : pv_person_device(&person, &entry->header.author);
    if (!device || pv_entry_verify(entry, &device->device.sign_pk)) return false;
    *ret_person = person.id;
    return true;
}

static bool has_place(const struct sim_shown *shown, const struct pv_hash *room, const struct pv_genesis *genesis, uint64_t *ret_index,
                      uint64_t *ret_time_s)
{
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1] = "";
    struct pv_merkle_proof inclusion;
    struct pv_checkpoint tree;
    struct pv_bytes note;
    struct pv_hash leaf;
    memcpy(name, genesis->server_name.p, genesis->server_name.n);
    if (pv_proof_read(shown->place, ret_index, &inclusion, &note) || pv_checkpoint_open(note, name, room, &genesis->log_key, &tree)) return false;
    pv_entry_leaf(shown->entry, &leaf);
    *ret_time_s = tree.time_s;
    return pv_merkle_check_inclusion(&leaf, *ret_index, tree.size, inclusion.hashes, inclusion.count, &tree.root) == PV_OK;
}

/* A clear body says what it says; a sealed one by the key that its entry commits to. */
static bool has_text(const struct sim_shown *shown, const struct pv_header *header, struct sim_facts *facts)
{
    struct pv_entry_key key;
    struct pv_hash body_hash;
    struct pv_buf text;
    bool opens = !pv_kind_is_sealed(header->kind);
    pv_body_hash(shown->body, &body_hash);
    if (!shown->body.n || !pv_hash_equal(&body_hash, &header->body_hash)) return false;
    pv_buf_init(&text, PV_LIMIT_PAYLOAD_BYTES);
    if (opens) pv_buf_append(&text, shown->body.p, shown->body.n);
    if (!opens && shown->key.n == sizeof key.b) {
        memcpy(key.b, shown->key.p, sizeof key.b);
        opens = pv_body_open_with_key(&key, header, shown->body, &text) == PV_OK;
    }
    pv_sha256(pv_buf_bytes(&text), &facts->text);
    facts->message = sim_message_number(pv_buf_bytes(&text));
    pv_buf_release(&text);
    return opens;
}

/* Somebody signed that they had seen a tree; this entry stands in it. */
static bool has_receipt(const struct sim_shown *shown, const struct pv_hash *room, struct pv_hash *ret_receiver)
{
    struct pv_merkle_proof path;
    struct pv_entry receipt;
    struct pv_hash leaf;
    uint64_t index;
    if (pv_entry_read(shown->receipt, &receipt) || !pv_hash_equal(&receipt.header.room, room) ||
        !read_receipt_path(shown->receipt_path, &index, &path))
        return false;
    pv_entry_leaf(shown->entry, &leaf);
    return pv_merkle_check_inclusion(&leaf, index, receipt.header.seen_size, path.hashes, path.count, &receipt.header.seen_root) == PV_OK &&
           is_signed(&receipt, shown->receipt_record, ret_receiver);
}

bool sim_proof_check(struct pv_bytes file, const struct pv_hash *room, struct sim_facts *ret_facts)
{
    static struct pv_roster_body genesis;
    struct sim_shown shown;
    struct sim_facts facts = {.message = SIM_WRITES};
    struct pv_entry entry;
    if (!read_file(file, &shown) || !read_genesis(&shown, room, &genesis) || pv_entry_read(shown.entry, &entry) ||
        !pv_hash_equal(&entry.header.room, room))
        return false;
    facts.author = entry.header.author;
    facts.has_author = is_signed(&entry, shown.record, &facts.person);
    facts.has_place = facts.has_time = has_place(&shown, room, &genesis.u.genesis, &facts.index, &facts.time_s);
    facts.has_text = has_text(&shown, &entry.header, &facts);
    facts.has_receipt = has_receipt(&shown, room, &facts.receiver);
    *ret_facts = facts;
    return true;
}

bool sim_facts_are_among(const struct sim_facts *some, const struct sim_facts *all)
{
    bool author = !some->has_author || (all->has_author && pv_hash_equal(&some->author, &all->author) && pv_hash_equal(&some->person, &all->person));
    bool place = !some->has_place || (all->has_place && some->index == all->index);
    bool time = !some->has_time || (all->has_time && some->time_s == all->time_s);
    bool text = !some->has_text || (all->has_text && pv_hash_equal(&some->text, &all->text));
    bool receipt = !some->has_receipt || (all->has_receipt && pv_hash_equal(&some->receiver, &all->receiver));
    return author && place && time && text && receipt;
}
