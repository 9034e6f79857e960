/* What an evidence file shows: each of its claims checked, with nothing but the file. */
#include <string.h>

#include "core/crypto/hash.h"
#include "core/room/body.h"
#include "core/room/evidence.h"

const char *pv_finding_name(enum pv_finding_kind kind)
{
    static const char *const names[] = {
        [PV_FINDING_TWO_HISTORIES] = "two_histories", [PV_FINDING_WENT_BACK] = "went_back",
        [PV_FINDING_MALFORMED] = "malformed",         [PV_FINDING_ROOM] = "room",
        [PV_FINDING_SEEN_LATER] = "seen_later",       [PV_FINDING_SEEN] = "seen",
        [PV_FINDING_SIGNATURE] = "signature",         [PV_FINDING_BODY] = "body",
        [PV_FINDING_OPEN] = "open",                   [PV_FINDING_SHOWN] = "shown",
    };
    return names[kind];
}

/* ---- whose log it is */

/* A name and key that the room's log had at some time; `is_vouched` as a finding has it. */
struct log_key {
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_sign_pk pk;
    bool is_vouched;
};

struct log_keys {
    struct log_key keys[1 + PV_LIMIT_EVIDENCE_CHANGES];
    size_t count;
};

static void add_key(struct log_keys *keys, struct pv_bytes name, const struct pv_sign_pk *pk, bool is_vouched)
{
    struct log_key *key = &keys->keys[keys->count++]; /* the reader of bodies lets no longer name in */
    memcpy(key->name, name.p, name.n);
    key->name[name.n] = '\0';
    key->pk = *pk;
    key->is_vouched = is_vouched;
}

/* An entry with a clear roster body that it names. */
static enum pv_err read_part(const struct pv_evidence_part *part, struct pv_entry *ret_entry, struct pv_roster_body *ret_body)
{
    struct pv_hash hash;
    enum pv_err err = pv_entry_read(part->entry, ret_entry);
    if (err) return err;
    pv_body_hash(part->body, &hash);
    if (ret_entry->header.kind != PV_KIND_ROSTER || !pv_hash_equal(&hash, &ret_entry->header.body_hash)) return PV_ERR_BROKEN_CHAIN;
    return pv_roster_body_read(part->body, ret_body);
}

static enum pv_err read_genesis(const struct pv_evidence_file *file, struct log_keys *keys)
{
    struct pv_roster_body body;
    struct pv_entry entry;
    struct pv_hash room;
    enum pv_err err = read_part(&file->genesis, &entry, &body);
    if (err) return err;
    pv_entry_room_id(file->genesis.entry, &room);
    if (body.type != PV_ROSTER_GENESIS || !pv_hash_equal(&room, &file->room)) return PV_ERR_BROKEN_CHAIN;
    add_key(keys, body.u.genesis.server_name, &body.u.genesis.log_key, true);
    return PV_OK;
}

static enum pv_err read_change(const struct pv_evidence_file *file, size_t i, struct log_keys *keys)
{
    const struct log_key *before = &keys->keys[keys->count - 1];
    struct pv_roster_body body;
    struct pv_entry entry;
    struct pv_hash value;
    bool is_vouched = before->is_vouched;
    enum pv_err err = read_part(&file->changes[i], &entry, &body);
    if (err) return err;
    pv_server_value_hash(pv_bytes_of_string(before->name), &before->pk, &value);
    if (body.type != PV_ROSTER_SERVER || !pv_hash_equal(&entry.header.room, &file->room) ||
        !pv_hash_equal(&body.u.server.replaces, &value))
        return PV_ERR_BROKEN_CHAIN;
    if (body.u.server.has_sig) {
        err = pv_server_change_verify(&before->pk, &file->room, &value, body.u.server.name, &body.u.server.log_key, &body.u.server.sig);
        if (err == PV_ERR_NOMEM) return err;
    }
    if (!body.u.server.has_sig || err) is_vouched = false; /* an owner's word then, and who is one this file does not show */
    add_key(keys, body.u.server.name, &body.u.server.log_key, is_vouched);
    return PV_OK;
}

static enum pv_err read_keys(const struct pv_evidence_file *file, struct log_keys *ret_keys)
{
    ret_keys->count = 0;
    enum pv_err err = file->has_genesis ? read_genesis(file, ret_keys) : file->change_count ? PV_ERR_MALFORMED : PV_OK;
    for (size_t i = 0; i < file->change_count && !err; i++) err = read_change(file, i, ret_keys);
    return err;
}

/* ---- trees */

/* A note under any key that the log ever had; of two notes, the finding names the newer key. */
static enum pv_err open_note(const struct pv_evidence_file *file, const struct log_keys *keys, struct pv_bytes note,
                             struct pv_checkpoint *ret_checkpoint, struct pv_finding *finding)
{
    enum pv_err err = PV_ERR_BAD_SIG;
    for (size_t i = keys->count; i-- > 0;) {
        const struct log_key *key = &keys->keys[i];
        enum pv_err opened = pv_checkpoint_open(note, key->name, &file->room, &key->pk, ret_checkpoint);
        if (opened) {
            if (opened != PV_ERR_BROKEN_CHAIN) err = opened;
            continue;
        }
        if (!finding->convicts_server) { /* the first note opened */
            finding->log_key = key->pk;
            memcpy(finding->server_name, key->name, sizeof finding->server_name);
            finding->is_vouched = key->is_vouched;
        } else {
            finding->is_vouched = finding->is_vouched && key->is_vouched;
        }
        finding->convicts_server = true;
        return PV_OK;
    }
    return err;
}

static enum pv_err open_tree(const struct pv_evidence_file *file, const struct log_keys *keys, struct pv_checkpoint *ret_tree,
                             struct pv_finding *finding)
{
    const struct pv_evidence_tree *tree = &file->tree;
    struct pv_checkpoint whole;
    enum pv_err err = open_note(file, keys, tree->note, &whole, finding);
    if (err) return err;
    *ret_tree = whole;
    if (!tree->is_part) return PV_OK;
    if (tree->size == 0) return PV_ERR_MALFORMED;
    ret_tree->size = tree->size;
    ret_tree->root = tree->root;
    return pv_merkle_check_consistency(tree->size, whole.size, tree->consistency.hashes, tree->consistency.count, &tree->root,
                                       &whole.root);
}

/* The root of the first `at` leaves of a tree, by the path of the leaf that follows them. */
static enum pv_err root_before(const struct pv_checkpoint *tree, uint64_t at, const struct pv_evidence_path *path,
                               struct pv_hash *ret_root)
{
    enum pv_err err = pv_merkle_check_inclusion(&path->leaf, at, tree->size, path->proof.hashes, path->proof.count, &tree->root);
    return err ? err : pv_merkle_root_before(at, tree->size, path->proof.hashes, path->proof.count, ret_root);
}

/* ---- two notes */

static enum pv_err judge_notes(const struct pv_evidence_file *file, const struct log_keys *keys, struct pv_finding *finding)
{
    struct pv_checkpoint *first = &finding->first, *second = &finding->second;
    struct pv_hash root;
    enum pv_err err = open_tree(file, keys, second, finding);
    if (!err) err = open_note(file, keys, file->note, first, finding);
    if (err) return err;
    finding->kind = PV_FINDING_OPEN;
    if (file->has_path) {
        err = root_before(second, first->size, &file->path, &root);
        if (err) return err;
        if (pv_hash_equal(&root, &first->root)) return PV_ERR_BROKEN_CHAIN; /* it continues the other: no contradiction */
        finding->kind = PV_FINDING_TWO_HISTORIES;
    } else if (first->size == second->size) {
        if (pv_hash_equal(&first->root, &second->root)) return PV_ERR_BROKEN_CHAIN;
        finding->kind = PV_FINDING_TWO_HISTORIES;
    } else if (!file->tree.is_part && second->size < first->size && second->time_s > first->time_s) {
        finding->kind = PV_FINDING_WENT_BACK;
    }
    finding->convicts_server = finding->kind != PV_FINDING_OPEN;
    return PV_OK;
}

/* ---- an entry that must not be there */

/* The author's key, where the file names it: a device is its id's, a log key its own. Errors: NOT_FOUND, BROKEN_CHAIN. */
static enum pv_err author_key(const struct pv_evidence_file *file, const struct log_keys *keys, const struct pv_header *header,
                              struct pv_sign_pk *ret_pk)
{
    struct pv_hash id;
    if (file->has_device) {
        pv_device_id(&file->device, &id);
        if (!pv_hash_equal(&id, &header->author)) return PV_ERR_BROKEN_CHAIN;
        *ret_pk = file->device.sign_pk;
        return PV_OK;
    }
    for (size_t i = 0; i < keys->count; i++) {
        pv_log_key_id(&keys->keys[i].pk, &id);
        if (!pv_hash_equal(&id, &header->author)) continue;
        *ret_pk = keys->keys[i].pk;
        return PV_OK;
    }
    return PV_ERR_NOT_FOUND;
}

static enum pv_err find_author(const struct pv_evidence_file *file, const struct log_keys *keys, const struct pv_entry *entry,
                               struct pv_finding *finding)
{
    struct pv_sign_pk pk;
    enum pv_err err = author_key(file, keys, &entry->header, &pk);
    if (err == PV_ERR_NOT_FOUND) return PV_OK;
    if (err) return err;
    err = pv_entry_verify(entry, &pk);
    if (err == PV_ERR_NOMEM) return err;
    finding->has_author = true;
    finding->author = entry->header.author;
    finding->is_signed = err == PV_OK;
    return PV_OK;
}

/* Is the clear body, which the entry names, none of its kind? Errors: BROKEN_CHAIN (another body), NOMEM. */
static enum pv_err body_is_wrong(const struct pv_header *header, struct pv_bytes body, bool *ret_is_wrong)
{
    union { struct pv_roster_body roster; struct pv_sign_body sign; struct pv_server_body server; } read;
    struct pv_hash hash;
    enum pv_err err = PV_OK;
    pv_body_hash(body, &hash);
    if (!pv_hash_equal(&hash, &header->body_hash)) return PV_ERR_BROKEN_CHAIN;
    if (header->kind == PV_KIND_ROSTER) err = pv_roster_body_read(body, &read.roster);
    else if (header->kind == PV_KIND_SIGN) err = pv_sign_body_read(body, &read.sign);
    else if (header->kind == PV_KIND_SERVER) err = pv_server_body_read(body, &read.server);
    if (err == PV_ERR_NOMEM) return err;
    *ret_is_wrong = err && err != PV_ERR_UNSUPPORTED;
    return PV_OK;
}

/* The first thing in it that an honest server lets in nowhere. Errors: BROKEN_CHAIN (nothing). */
static enum pv_err find_wrong(const struct pv_evidence_file *file, const struct pv_entry *entry, struct pv_finding *finding)
{
    const struct pv_header *h = &entry->header;
    const struct pv_hash none = {{0}};
    bool is_wrong = false;
    struct pv_hash root;
    enum pv_err err;
    finding->seen_size = h->seen_size;
    if (!pv_hash_equal(&h->room, file->index ? &file->room : &none) ||
        (file->index == 0 && !pv_bytes_equal(file->entry, file->genesis.entry))) {
        finding->kind = PV_FINDING_ROOM;
        return PV_OK;
    }
    if (h->seen_size > file->index) {
        finding->kind = PV_FINDING_SEEN_LATER;
        return PV_OK;
    }
    if (file->has_path) {
        err = root_before(&finding->second, h->seen_size, &file->path, &root);
        if (err) return err;
        finding->kind = PV_FINDING_SEEN;
        if (!pv_hash_equal(&root, &h->seen_root)) return PV_OK;
    }
    finding->kind = PV_FINDING_SIGNATURE;
    if (finding->has_author && !finding->is_signed) return PV_OK;
    err = file->has_body ? body_is_wrong(h, file->body, &is_wrong) : PV_OK;
    if (err) return err;
    finding->kind = PV_FINDING_BODY;
    return is_wrong ? PV_OK : PV_ERR_BROKEN_CHAIN;
}

static enum pv_err judge_entry(const struct pv_evidence_file *file, const struct log_keys *keys, struct pv_finding *finding)
{
    struct pv_entry entry;
    struct pv_hash leaf;
    enum pv_err err = open_tree(file, keys, &finding->second, finding);
    if (err) return err;
    pv_entry_leaf(file->entry, &leaf);
    finding->index = file->index;
    err = pv_merkle_check_inclusion(&leaf, file->index, finding->second.size, file->inclusion.hashes, file->inclusion.count,
                                    &finding->second.root);
    if (err) return err;
    err = pv_entry_read(file->entry, &entry);
    if (err == PV_ERR_NOMEM || err == PV_ERR_UNSUPPORTED) return err;
    finding->kind = PV_FINDING_MALFORMED;
    if (err) return PV_OK;
    err = find_author(file, keys, &entry, finding);
    return err ? err : find_wrong(file, &entry, finding);
}

enum pv_err pv_evidence_judge(const struct pv_evidence_file *file, struct pv_finding *ret_finding)
{
    struct log_keys keys;
    struct pv_finding finding = {.kind = PV_FINDING_SHOWN};
    enum pv_err err = read_keys(file, &keys);
    if (!err && file->type == PV_EVIDENCE_NOTES) err = judge_notes(file, &keys, &finding);
    if (!err && file->type == PV_EVIDENCE_ENTRY) err = judge_entry(file, &keys, &finding);
    /* Where an entry stands is not its author's doing, and who has seen another history may have been shown it. */
    finding.convicts_author = finding.is_signed && finding.kind == PV_FINDING_BODY;
    if (!err) *ret_finding = finding;
    return err;
}
