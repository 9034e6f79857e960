/* Examples for FORMAT.md §3 (bundle) and §8: the tree, its proofs, a checkpoint. */
#include "core/log/checkpoint.h"
#include "tests/vectors/example.h"

static void print_bundle(const struct ex_entry *made)
{
    struct pv_buf buf;
    struct pv_bundle bundle = {.entry = pv_buf_bytes(&made->entry), .refs = pv_buf_bytes(&made->refs),
                               .body = pv_buf_bytes(&made->body), .beside = pv_buf_bytes(&made->beside)};
    pv_buf_init(&buf, 1 << 17);
    pv_bundle_put(&buf, &bundle);
    ex_cbor("bundle", "the file's entry as it travels: [entry(bytes), refs, body(bytes), beside]", pv_buf_bytes(&buf),
            "[entry refs[*blob] body beside[kem_keys links wraps]]");
    pv_buf_release(&buf);
}

static void print_consistency(struct ex_log *log, const struct pv_merkle_reader *reader, uint64_t old_size)
{
    struct pv_merkle_proof proof;
    struct pv_hash root;
    struct pv_buf joined;
    ex_must(pv_merkle_root(reader, old_size, &root), "a root");
    ex_must(pv_merkle_prove_consistency(reader, old_size, log->count, &proof), "a consistency proof");
    pv_buf_init(&joined, 4096);
    for (size_t i = 0; i < proof.count; i++) pv_buf_append(&joined, proof.hashes[i].b, 32);
    ex_number("tree.old_size", NULL, old_size);
    ex_hash("tree.old_root", "root of the first old_size entries", &root);
    ex_bytes("tree.consistency", "the hashes of the consistency proof, joined", pv_buf_bytes(&joined));
    pv_buf_release(&joined);
}

void ex_print_tree(struct ex_world *world)
{
    struct ex_log *log = &world->room;
    struct pv_merkle_reader reader = ex_log_reader(log);
    struct pv_merkle_proof inclusion;
    struct pv_buf proof;
    struct pv_checkpoint checkpoint = {.size = log->count, .time_s = log->time_ms / 1000};
    ex_section("§3 A bundle; §8 tree, checkpoint, proofs");
    print_bundle(&log->entries[world->put_index]);
    pv_merkle_edge_root(&log->edge, &checkpoint.root);
    ex_number("tree.size", NULL, checkpoint.size);
    ex_hash("tree.root", "RFC 6962 root over the leaves above", &checkpoint.root);
    print_consistency(log, &reader, 11);
    ex_bytes("tree.log_key", "the key in force after the last entry (the `server` entry brought it)", PV_BYTES_OF(log->log_pk));
    pv_buf_init(&world->note, PV_LIMIT_NOTE_BYTES);
    ex_must(pv_checkpoint_make(EX_SERVER_NAME, &log->room, &checkpoint, &log->log_sk, &log->log_pk, &world->note),
            "a checkpoint");
    ex_text("tree.checkpoint", "signed note", pv_buf_bytes(&world->note));
    ex_must(pv_merkle_prove_inclusion(&reader, world->message_index, log->count, &inclusion), "a proof");
    pv_buf_init(&proof, 8192);
    ex_must(pv_proof_make(world->message_index, &inclusion, pv_buf_bytes(&world->note), &proof), "a proof");
    ex_text("tree.proof", "tlog-proof of Ben's message", pv_buf_bytes(&proof));
    pv_buf_release(&proof);
}
