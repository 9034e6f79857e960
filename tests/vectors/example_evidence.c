/* Examples for FORMAT.md §8.1: evidence of two histories, of an entry that must not be there, and of what was shown. */
#include <string.h>

#include "core/room/evidence.h"
#include "tests/vectors/example.h"

#define TREE_FIELDS "tree[checkpoint part]"
#define FRAME_FIELDS "[magic version told[time words] room genesis[entry body] changes[*change[entry body]] claim"

static struct pv_evidence_part part_of(const struct ex_entry *made)
{
    return (struct pv_evidence_part){pv_buf_bytes(&made->entry), pv_buf_bytes(&made->body)};
}

static void make_frame(const struct ex_log *log, const char *told, struct pv_evidence_file *ret_file)
{
    memset(ret_file, 0, sizeof *ret_file);
    ret_file->told_ms = log->time_ms;
    ret_file->told = pv_bytes_of_string(told);
    ret_file->room = log->room;
    ret_file->has_genesis = true;
    ret_file->genesis = part_of(&log->entries[0]);
    for (size_t i = 1; i < log->count; i++) {
        struct pv_roster_body body;
        const struct ex_entry *made = &log->entries[i];
        if (made->header.kind == PV_KIND_ROSTER && pv_roster_body_read(pv_buf_bytes(&made->body), &body) == PV_OK &&
            body.type == PV_ROSTER_SERVER)
            ret_file->changes[ret_file->change_count++] = part_of(made);
    }
}

static void print(const char *name, const char *formula, const struct pv_evidence_file *file, enum pv_finding_kind want, const char *fields)
{
    struct pv_finding finding;
    struct pv_buf buf;
    pv_buf_init(&buf, PV_LIMIT_EVIDENCE_BYTES);
    ex_must(pv_evidence_put(&buf, file), name);
    ex_must(pv_evidence_judge(file, &finding), name);
    if (finding.kind != want) ex_must(PV_ERR_CORRUPT, name);
    ex_cbor(name, formula, pv_buf_bytes(&buf), fields);
    pv_buf_release(&buf);
}

static void print_notes(const struct ex_world *world, struct ex_log *log)
{
    enum { OLD = 11 };
    struct pv_merkle_reader reader = ex_log_reader(log);
    struct pv_checkpoint other = {.size = OLD, .time_s = log->time_ms / 1000 - 60};
    struct pv_evidence_file file;
    struct pv_buf note;
    make_frame(log, "the log does not continue the one that was seen here before", &file);
    file.type = PV_EVIDENCE_NOTES;
    ex_fill(&other.root, sizeof other.root);
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    ex_must(pv_checkpoint_make(EX_SERVER_NAME, &log->room, &other, &log->log_sk, &log->log_pk, &note), "another checkpoint");
    file.note = pv_buf_bytes(&note);
    file.tree.note = pv_buf_bytes(&world->note);
    file.has_path = true;
    file.path.leaf = log->entries[OLD].leaf;
    ex_must(pv_merkle_prove_inclusion(&reader, OLD, log->count, &file.path.proof), "a path");
    print("evidence.notes", "two_histories: a checkpoint of 11 entries with a made-up root, and the one of `tree.checkpoint`", &file,
          PV_FINDING_TWO_HISTORIES, FRAME_FIELDS "[type checkpoint " TREE_FIELDS " path[leaf hashes]]]");
    pv_buf_release(&note);
}

/* The log, and behind it Ben's message once more with another signature, under a checkpoint over both. */
static void print_entry(const struct ex_world *world, struct ex_log *log)
{
    struct pv_merkle_edge edge = log->edge;
    struct pv_hash leaf, made[64], stored[2 * EX_ENTRIES];
    struct pv_checkpoint checkpoint = {.size = log->count + 1, .time_s = log->time_ms / 1000 + 60};
    struct pv_evidence_file file;
    struct pv_buf entry, note;
    struct pv_hash kept[2 * EX_ENTRIES];
    size_t count;
    const uint64_t stored_count = log->stored_count;
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    const struct pv_buf *message = &log->entries[world->message_index].entry;
    pv_buf_append(&entry, message->p, message->n);
    entry.p[entry.n - 1] ^= 1;
    pv_entry_leaf(pv_buf_bytes(&entry), &leaf);
    pv_merkle_append(&edge, &leaf, made, &count);
    memcpy(kept, log->stored, sizeof kept);
    memcpy(stored, log->stored, sizeof stored);
    memcpy(stored + stored_count, made, count * sizeof *made);
    memcpy(log->stored, stored, sizeof stored);
    log->stored_count += count;
    struct pv_merkle_reader reader = ex_log_reader(log);
    pv_merkle_edge_root(&edge, &checkpoint.root);
    ex_must(pv_checkpoint_make(EX_SERVER_NAME, &log->room, &checkpoint, &log->log_sk, &log->log_pk, &note), "a checkpoint");
    make_frame(log, "the signature of an entry does not hold", &file);
    file.type = PV_EVIDENCE_ENTRY;
    file.tree.note = pv_buf_bytes(&note);
    file.index = log->count;
    ex_must(pv_merkle_prove_inclusion(&reader, file.index, file.index + 1, &file.inclusion), "an inclusion");
    file.entry = pv_buf_bytes(&entry);
    file.has_device = true;
    file.device = world->ben.first.device;
    print("evidence.entry", "signature: Ben's message once more, at the end, with another signature", &file, PV_FINDING_SIGNATURE,
          FRAME_FIELDS "[type " TREE_FIELDS " index inclusion entry device[version sign_pk kem_hash] body path]]");
    memcpy(log->stored, kept, sizeof kept);
    log->stored_count = stored_count;
    pv_buf_release(&entry);
    pv_buf_release(&note);
}

void ex_print_evidence(struct ex_world *world)
{
    struct pv_evidence_file shown = {.told_ms = 1760000000000, .told = pv_bytes_of_string("the log has no valid beginning"),
                                     .room = world->room.room, .type = PV_EVIDENCE_SHOWN,
                                     .what = pv_bytes_of_string("broken-chain"), .shown = pv_bytes("\1\2\3", 3)};
    ex_section("§8.1 Evidence");
    print_notes(world, &world->room);
    print_entry(world, &world->room);
    print("evidence.shown", "shown, before the room's genesis was there", &shown, PV_FINDING_SHOWN,
          "[magic version told[time words] room genesis changes claim[type what bytes]]");
}
