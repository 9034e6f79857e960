/* Evidence: each finding, what does not hold, and that no changed byte says something else. */
#include <stdlib.h>
#include <string.h>

#include "core/room/evidence.h"
#include "tests/tap.h"
#include "tests/unit/room_kit.h"

enum { LEAVES = 40 };

/* A log of leaves; some are real entries. Two of them differ from `fork` on. */
struct log {
    struct pv_hash hashes[2 * LEAVES];
    struct pv_merkle_edge edge;
};

static struct kit_room room;
static struct kit_person ada;
static char server_name[PV_LIMIT_SERVER_NAME_BYTES + 1];

static enum pv_err read_hashes(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    const struct log *log = context;
    if (at + count > pv_merkle_stored_count(log->edge.size)) return PV_ERR_NOT_FOUND;
    memcpy(ret_hashes, log->hashes + at, count * sizeof *ret_hashes);
    return PV_OK;
}

static void log_add(struct log *log, const struct pv_hash *leaf)
{
    struct pv_hash made[64];
    size_t count, at = (size_t)pv_merkle_stored_count(log->edge.size);
    pv_merkle_append(&log->edge, leaf, made, &count);
    memcpy(log->hashes + at, made, count * sizeof *made);
}

/* The genesis, then made-up leaves; another history from `fork` on. */
static void log_make(struct log *log, uint64_t size, uint64_t fork)
{
    log->edge.size = 0;
    log_add(log, &room.log[0].item.leaf);
    for (uint64_t i = 1; i < size; i++) {
        struct pv_hash leaf = kit_hash(i < fork ? "left" : "right", i);
        log_add(log, &leaf);
    }
}

static void put_note(struct log *log, uint64_t size, uint64_t time_s, struct pv_buf *note)
{
    struct pv_merkle_reader reader = {read_hashes, log};
    struct pv_checkpoint checkpoint = {.size = size, .time_s = time_s};
    pv_buf_init(note, PV_LIMIT_NOTE_BYTES);
    if (pv_merkle_root(&reader, size, &checkpoint.root) ||
        pv_checkpoint_make(server_name, &room.id, &checkpoint, &room.log_sk, &room.log_pk, note))
        abort();
}

static struct pv_evidence_file frame(enum pv_evidence_type type)
{
    struct pv_evidence_file file = {.told_ms = 5, .told = pv_bytes_of_string("it did not verify"), .room = room.id,
                                    .has_genesis = true, .type = type};
    file.genesis.entry = pv_buf_bytes(&room.log[0].entry_bytes);
    file.genesis.body = pv_buf_bytes(&room.log[0].body);
    return file;
}

static void set_path(struct log *log, uint64_t at, uint64_t size, struct pv_evidence_file *file)
{
    struct pv_merkle_reader reader = {read_hashes, log};
    file->has_path = true;
    if (read_hashes(log, pv_merkle_stored_index(0, at), 1, &file->path.leaf) ||
        pv_merkle_prove_inclusion(&reader, at, size, &file->path.proof))
        abort();
}

/* As a stranger: from bytes. */
static enum pv_err judge(const struct pv_evidence_file *file, struct pv_finding *ret_finding)
{
    static struct pv_evidence_file read;
    struct pv_buf bytes;
    pv_buf_init(&bytes, PV_LIMIT_EVIDENCE_BYTES);
    enum pv_err err = pv_evidence_put(&bytes, file);
    if (!err) err = pv_evidence_read(pv_buf_bytes(&bytes), &read);
    if (!err) err = pv_evidence_judge(&read, ret_finding);
    pv_buf_release(&bytes);
    return err;
}

static void is_finding(const struct pv_evidence_file *file, enum pv_finding_kind want, bool convicts, const char *what)
{
    struct pv_finding finding = {.kind = PV_FINDING_SHOWN};
    enum pv_err err = judge(file, &finding);
    tap_ok(!err && finding.kind == want && finding.convicts_server == convicts, "%s", what);
    if (err || finding.kind != want) tap_note("%s, %s", pv_err_web_name(err), pv_finding_name(finding.kind));
    if (!err && convicts)
        tap_ok(finding.is_vouched && strcmp(finding.server_name, server_name) == 0 &&
                   memcmp(finding.log_key.b, room.log_pk.b, sizeof room.log_pk.b) == 0,
               "  by the log's own key");
}

static void does_not_hold(const struct pv_evidence_file *file, const char *what)
{
    struct pv_finding finding;
    enum pv_err err = judge(file, &finding);
    tap_ok(err == PV_ERR_BROKEN_CHAIN || err == PV_ERR_BAD_SIG || err == PV_ERR_MALFORMED, "%s", what);
    if (!err) tap_note("%s", pv_finding_name(finding.kind));
}

static void test_notes(void)
{
    static struct log left, right;
    struct pv_evidence_file file = frame(PV_EVIDENCE_NOTES);
    struct pv_buf a, b;
    log_make(&left, 21, 100);
    log_make(&right, 30, 19);
    put_note(&left, 21, 1000, &a);
    put_note(&right, 21, 900, &b);
    file.note = pv_buf_bytes(&a);
    file.tree.note = pv_buf_bytes(&b);
    is_finding(&file, PV_FINDING_TWO_HISTORIES, true, "two roots of one size");
    file.tree.note = file.note;
    does_not_hold(&file, "a note against itself");
    pv_buf_release(&b);

    put_note(&left, 7, 1001, &b);
    file.tree.note = pv_buf_bytes(&b);
    is_finding(&file, PV_FINDING_WENT_BACK, true, "a smaller tree, later");
    pv_buf_release(&b);
    put_note(&left, 7, 1000, &b);
    file.tree.note = pv_buf_bytes(&b);
    is_finding(&file, PV_FINDING_OPEN, false, "a smaller tree of the same second convicts nobody");
    pv_buf_release(&b);

    put_note(&right, 30, 1100, &b);
    file.tree.note = pv_buf_bytes(&b);
    is_finding(&file, PV_FINDING_OPEN, false, "a larger tree alone convicts nobody");
    pv_buf_release(&a);
    for (uint64_t size = 19; size < 30; size++) {
        static struct log longer;
        log_make(&longer, 30, 100);
        put_note(&longer, size, 1000, &a);
        file.note = pv_buf_bytes(&a);
        set_path(&right, size, 30, &file);
        struct pv_finding finding;
        enum pv_err err = judge(&file, &finding);
        bool two = !err && finding.kind == PV_FINDING_TWO_HISTORIES && finding.convicts_server;
        tap_ok(size == 19 ? err == PV_ERR_BROKEN_CHAIN : two, "a path at %d shows whether it is another history", (int)size);
        pv_buf_release(&a);
    }
    put_note(&left, 16, 1000, &a);
    file.note = pv_buf_bytes(&a);
    set_path(&right, 16, 30, &file);
    does_not_hold(&file, "a larger tree that continues the note");
    file.path.leaf.b[3] ^= 1;
    does_not_hold(&file, "nor with a leaf that is not there");

    /* A part of a larger tree. */
    struct pv_merkle_reader reader = {read_hashes, &right};
    pv_buf_release(&a);
    put_note(&left, 21, 1000, &a);
    file.note = pv_buf_bytes(&a);
    file.tree.is_part = true;
    file.tree.size = 24;
    if (pv_merkle_root(&reader, 24, &file.tree.root) || pv_merkle_prove_consistency(&reader, 24, 30, &file.tree.consistency)) abort();
    set_path(&right, 21, 24, &file);
    is_finding(&file, PV_FINDING_TWO_HISTORIES, true, "a part of a larger tree, and a path in it");
    file.tree.root.b[0] ^= 1;
    does_not_hold(&file, "a part that is none");
    pv_buf_release(&a);
    pv_buf_release(&b);
}

static void test_frame(void)
{
    static struct log left, right;
    struct pv_evidence_file file = frame(PV_EVIDENCE_NOTES);
    struct pv_finding finding;
    struct pv_buf a, b, bytes;
    log_make(&left, 5, 100);
    log_make(&right, 5, 2);
    put_note(&left, 5, 10, &a);
    put_note(&right, 5, 11, &b);
    file.note = pv_buf_bytes(&a);
    file.tree.note = pv_buf_bytes(&b);
    is_finding(&file, PV_FINDING_TWO_HISTORIES, true, "a whole file");
    file.room.b[0] ^= 1;
    does_not_hold(&file, "another room's id");
    file.room = room.id;
    file.genesis.body = file.genesis.entry;
    does_not_hold(&file, "another body");
    file = frame(PV_EVIDENCE_NOTES);
    file.note = pv_buf_bytes(&a);
    file.tree.note = pv_buf_bytes(&b);
    file.changes[0] = file.genesis;
    file.change_count = 1;
    does_not_hold(&file, "a change that is none");
    file.change_count = 0;

    struct pv_sign_sk sk = room.log_sk;
    kit_sign_key("another", 1, &room.log_sk, &(struct pv_sign_pk){{0}});
    struct pv_buf foreign;
    put_note(&right, 5, 11, &foreign);
    room.log_sk = sk;
    file.tree.note = pv_buf_bytes(&foreign);
    does_not_hold(&file, "a note by another key");
    file.tree.note = pv_buf_bytes(&b);

    pv_buf_init(&bytes, PV_LIMIT_EVIDENCE_BYTES);
    tap_ok(!pv_evidence_put(&bytes, &file) && pv_evidence_is(pv_buf_bytes(&bytes)), "it is known by its begin");
    size_t wrong = 0;
    for (size_t at = 0; at < bytes.n; at++) {
        bytes.p[at] ^= (uint8_t)(1u << at % 8);
        static struct pv_evidence_file read;
        bool holds = !pv_evidence_read(pv_buf_bytes(&bytes), &read) && !pv_evidence_judge(&read, &finding);
        bool told = holds && (read.told_ms != file.told_ms || !pv_bytes_equal(read.told, file.told));
        /* The genesis's own signature is asked of nobody: the room id covers the entry. */
        if (holds && !told) wrong++;
        bytes.p[at] ^= (uint8_t)(1u << at % 8);
    }
    tap_is_int((long long)wrong, 0, "of all changed bits only those of the maker's words go unnoticed");
    for (size_t n = 0; n < bytes.n; n++) {
        static struct pv_evidence_file read;
        if (pv_evidence_read(pv_bytes(bytes.p, n), &read) == PV_OK) wrong++;
    }
    tap_is_int((long long)wrong, 0, "and no beginning of it reads");
    pv_buf_release(&bytes);
    pv_buf_release(&foreign);
    pv_buf_release(&a);
    pv_buf_release(&b);
}

/* A log of `at` leaves, then this entry, then one more; `seen_at`: the path there. */
static void entry_file(struct log *log, uint64_t at, struct pv_bytes entry, struct pv_buf *note, struct pv_evidence_file *ret_file)
{
    struct pv_merkle_reader reader = {read_hashes, log};
    struct pv_hash leaf;
    log_make(log, at, 100);
    pv_entry_leaf(entry, &leaf);
    log_add(log, &leaf);
    leaf = kit_hash("behind", 1);
    log_add(log, &leaf);
    put_note(log, log->edge.size, 1000, note);
    *ret_file = frame(PV_EVIDENCE_ENTRY);
    ret_file->tree.note = pv_buf_bytes(note);
    ret_file->index = at;
    ret_file->entry = entry;
    if (pv_merkle_prove_inclusion(&reader, at, log->edge.size, &ret_file->inclusion)) abort();
}

static struct pv_header header_at(struct log *log, uint64_t seen)
{
    struct pv_merkle_reader reader = {read_hashes, log};
    struct pv_header header = kit_header(&room, &ada.devices[0].id, PV_KIND_SIGN);
    header.seen_size = seen;
    log_make(log, seen + 1, 100);
    if (pv_merkle_root(&reader, seen, &header.seen_root)) abort();
    return header;
}

static void test_entries(void)
{
    static struct log log;
    struct pv_evidence_file file;
    struct pv_finding finding;
    struct kit_item item;
    struct pv_buf note;
    static const uint8_t nothing[] = {0x80};
    struct pv_header header = header_at(&log, 9);

    kit_item_make(&room, &header, &ada.devices[0].sk, pv_bytes(nothing, 1), &item);
    entry_file(&log, 12, pv_buf_bytes(&item.entry_bytes), &note, &file);
    does_not_hold(&file, "an entry in which nothing is wrong as far as the file tells");
    file.has_device = true;
    file.device = ada.devices[0].device;
    set_path(&log, 9, 14, &file);
    does_not_hold(&file, "nor with its author and what it saw");
    file.has_body = true;
    file.body = pv_bytes(nothing, 1);
    is_finding(&file, PV_FINDING_BODY, true, "a body that is none");
    tap_ok(!judge(&file, &finding) && finding.has_author && finding.is_signed && finding.convicts_author, "which its author signed");
    file.has_body = false;
    item.entry_bytes.p[item.entry_bytes.n - 1] ^= 1;
    pv_buf_release(&note);
    entry_file(&log, 12, pv_buf_bytes(&item.entry_bytes), &note, &file);
    does_not_hold(&file, "a wrong signature, as long as the author's key is not there");
    file.has_device = true;
    file.device = ada.devices[0].device;
    is_finding(&file, PV_FINDING_SIGNATURE, true, "and with it");
    tap_ok(!judge(&file, &finding) && finding.has_author && !finding.is_signed, "which says nothing against the author");
    file.device = ada.devices[1].device;
    does_not_hold(&file, "another device than its author");
    pv_buf_release(&note);
    kit_item_release(&item);

    header.seen_root.b[4] ^= 1;
    kit_item_make(&room, &header, &ada.devices[0].sk, pv_bytes(nothing, 1), &item);
    entry_file(&log, 12, pv_buf_bytes(&item.entry_bytes), &note, &file);
    file.has_device = true;
    file.device = ada.devices[0].device;
    set_path(&log, 9, 14, &file);
    is_finding(&file, PV_FINDING_SEEN, true, "another history seen");
    tap_ok(!judge(&file, &finding) && finding.is_signed && !finding.convicts_author && finding.seen_size == 9,
           "by a device that signed it, which may have been shown it");
    set_path(&log, 10, 14, &file);
    does_not_hold(&file, "a path at another place");
    pv_buf_release(&note);
    kit_item_release(&item);

    header.seen_size = 13;
    kit_item_make(&room, &header, &ada.devices[0].sk, pv_bytes(nothing, 1), &item);
    entry_file(&log, 12, pv_buf_bytes(&item.entry_bytes), &note, &file);
    file.has_device = true;
    file.device = ada.devices[0].device;
    is_finding(&file, PV_FINDING_SEEN_LATER, true, "what comes after it seen");
    tap_ok(!judge(&file, &finding) && finding.is_signed && !finding.convicts_author, "which says nothing against its author: it may have stood later");
    pv_buf_release(&note);
    kit_item_release(&item);

    header = header_at(&log, 9);
    header.room.b[0] ^= 1;
    kit_item_make(&room, &header, &ada.devices[0].sk, pv_bytes(nothing, 1), &item);
    entry_file(&log, 12, pv_buf_bytes(&item.entry_bytes), &note, &file);
    file.has_device = true;
    file.device = ada.devices[0].device;
    is_finding(&file, PV_FINDING_ROOM, true, "another room's entry");
    tap_ok(!judge(&file, &finding) && finding.is_signed && !finding.convicts_author, "nor against its author, who wrote it there");
    file.index = 11;
    does_not_hold(&file, "at another place");
    pv_buf_release(&note);
    kit_item_release(&item);

    entry_file(&log, 12, pv_bytes_of_string("no entry"), &note, &file);
    is_finding(&file, PV_FINDING_MALFORMED, true, "no entry at all");
    file.entry = pv_bytes_of_string("no entrY");
    does_not_hold(&file, "bytes that are not in the tree");
    pv_buf_release(&note);
}

static void test_shown(void)
{
    struct pv_evidence_file file = frame(PV_EVIDENCE_SHOWN);
    struct pv_buf bytes;
    file.what = pv_bytes_of_string("fork");
    file.shown = pv_bytes_of_string("what somebody says");
    is_finding(&file, PV_FINDING_SHOWN, false, "what was shown convicts nobody");
    file.has_genesis = false;
    is_finding(&file, PV_FINDING_SHOWN, false, "nor without the room's beginning");
    file.type = PV_EVIDENCE_NOTES;
    pv_buf_init(&bytes, 4096);
    tap_is_int(pv_evidence_put(&bytes, &file), PV_ERR_MALFORMED, "other claims need it");
    pv_buf_release(&bytes);
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    kit_person_make(1, &ada);
    tap_is_int(kit_found_client(&room, 1, &ada), PV_REASON_NONE, "a room");
    struct pv_bytes name = pv_roster_server_name(room.roster);
    memcpy(server_name, name.p, name.n);
    test_notes();
    test_frame();
    test_entries();
    test_shown();
    kit_room_release(&room);
    kit_person_release(&ada);
    return tap_done();
}
