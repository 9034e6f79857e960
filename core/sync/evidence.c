/* Evidence of what a pull found: made while the log that shows it is at hand, before the transaction is rolled back.
 *
 * Every alarm has at least the bytes that it is about, which convict nobody. Where more can be shown, it takes their
 * place; each file is judged here as a stranger would before it does. */
#include <string.h>

#include "core/room/evidence.h"
#include "core/sync/room_parts.h"

/* ---- the frame */

struct frame {
    struct pv_evidence_file file;
    struct pv_buf memory;      /* bytes that `file` points into */
    struct pv_buf changes;
};

static void frame_release(struct frame *frame)
{
    pv_buf_release(&frame->memory);
    pv_buf_release(&frame->changes);
}

struct finding_changes {
    struct pv_room *room;
    struct frame *frame;
    struct { size_t entry, entry_n, body, body_n; } at[PV_LIMIT_EVIDENCE_CHANGES];
};

static enum pv_err find_change(void *context, const struct pv_stored_entry *header)
{
    struct finding_changes *f = context;
    struct pv_stored_entry stored;
    struct pv_roster_body body;
    struct pv_entry entry;
    struct pv_buf memory, *kept = &f->frame->changes;
    if (header->verdict != PV_ACCEPTED || pv_entry_read(header->entry, &entry) || entry.header.kind != PV_KIND_ROSTER) return PV_OK;
    pv_buf_init(&memory, PV_LIMIT_BATCH_BYTES);
    enum pv_err err = pv_store_entry_get(f->room->store, header->index, &memory, &stored);
    size_t i = f->frame->file.change_count;
    if (!err && pv_roster_body_read(stored.body, &body) == PV_OK && body.type == PV_ROSTER_SERVER) {
        if (i == PV_LIMIT_EVIDENCE_CHANGES) err = PV_ERR_LIMIT;
        else {
            f->at[i].entry = kept->n;
            f->at[i].entry_n = stored.entry.n;
            pv_buf_append(kept, stored.entry.p, stored.entry.n);
            f->at[i].body = kept->n;
            f->at[i].body_n = stored.body.n;
            pv_buf_append(kept, stored.body.p, stored.body.n);
            f->frame->file.change_count++;
        }
    }
    pv_buf_release(&memory);
    return err ? err : kept->err;
}

/* Only a log that has another name or key than its genesis gave it is looked through. */
static enum pv_err find_changes(struct pv_room *room, struct frame *frame)
{
    struct finding_changes f = {.room = room, .frame = frame};
    struct pv_roster_body body;
    enum pv_err err = pv_roster_body_read(frame->file.genesis.body, &body);
    if (err || body.type != PV_ROSTER_GENESIS || !pv_roster_is_born(room->roster)) return PV_OK;
    if (pv_bytes_equal(body.u.genesis.server_name, pv_roster_server_name(room->roster)) &&
        memcmp(body.u.genesis.log_key.b, pv_roster_log_key(room->roster)->b, sizeof body.u.genesis.log_key.b) == 0)
        return PV_OK;
    err = pv_store_header_each(room->store, 1, pv_roster_size(room->roster), find_change, &f);
    for (size_t i = 0; i < frame->file.change_count; i++) {
        frame->file.changes[i].entry = pv_bytes(frame->changes.p + f.at[i].entry, f.at[i].entry_n);
        frame->file.changes[i].body = pv_bytes(frame->changes.p + f.at[i].body, f.at[i].body_n);
    }
    return err;
}

static enum pv_err frame_init(struct pv_room *room, struct frame *frame)
{
    struct pv_stored_entry genesis;
    memset(&frame->file, 0, sizeof frame->file);
    frame->file.told_ms = room->now_ms;
    frame->file.told = pv_bytes_of_string(room->alarm);
    frame->file.room = room->id;
    pv_buf_init(&frame->memory, PV_LIMIT_BATCH_BYTES);
    pv_buf_init(&frame->changes, PV_LIMIT_EVIDENCE_BYTES);
    enum pv_err err = pv_store_entry_get(room->store, 0, &frame->memory, &genesis);
    if (err == PV_ERR_NOT_FOUND) return PV_OK;
    if (err || !genesis.has_body) return err;
    frame->file.has_genesis = true;
    frame->file.genesis.entry = genesis.entry;
    frame->file.genesis.body = genesis.body;
    return find_changes(room, frame);
}

/* Keep it if it holds and shows more than what is kept; what fails here fails silently, for the alarm itself stands. */
static void keep(struct pv_room *room, struct frame *frame)
{
    struct pv_finding finding;
    struct pv_buf made;
    if (frame->file.type != PV_EVIDENCE_SHOWN && pv_evidence_judge(&frame->file, &finding)) return;
    pv_buf_init(&made, PV_LIMIT_EVIDENCE_BYTES);
    if (pv_evidence_put(&made, &frame->file) == PV_OK) {
        pv_buf_clear(&room->evidence);
        pv_buf_append(&room->evidence, made.p, made.n);
    }
    pv_buf_release(&made);
}

void pv_evidence_shown(struct pv_room *room, enum pv_err what, struct pv_bytes shown)
{
    struct frame frame;
    pv_buf_clear(&room->evidence);
    if (shown.n && shown.n <= PV_LIMIT_EVIDENCE_SHOWN_BYTES && frame_init(room, &frame) == PV_OK) {
        frame.file.type = PV_EVIDENCE_SHOWN;
        frame.file.what = pv_bytes_of_string(pv_err_web_name(what));
        frame.file.shown = shown;
        keep(room, &frame);
    }
    if (shown.n && shown.n <= PV_LIMIT_EVIDENCE_SHOWN_BYTES) frame_release(&frame);
}

/* ---- proofs from the log at hand */

static enum pv_err path_at(struct pv_room *room, uint64_t at, uint64_t size, struct pv_evidence_path *ret_path)
{
    struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
    enum pv_err err = reader.read(reader.context, pv_merkle_stored_index(0, at), 1, &ret_path->leaf);
    return err ? err : pv_merkle_prove_inclusion(&reader, at, size, &ret_path->proof);
}

static void set_tree(struct pv_room *room, struct pv_bytes note, const struct pv_merkle_proof *consistency,
                     struct pv_evidence_tree *tree)
{
    struct pv_checkpoint checkpoint;
    tree->note = note;
    tree->is_part = pv_checkpoint_peek(note, &checkpoint) == PV_OK && checkpoint.size != room->edge.size;
    if (!tree->is_part) return;
    tree->size = room->edge.size;
    pv_merkle_edge_root(&room->edge, &tree->root);
    tree->consistency = *consistency;
}

/* ---- two notes */

/* The newest note that this device has of the log that it holds. */
static enum pv_err held_note(struct pv_room *room, struct pv_buf *note, struct pv_checkpoint *ret_checkpoint)
{
    uint64_t size = 0, time_s = 0;
    enum pv_err err = pv_store_note_newest(room->store, &size, &time_s, note);
    if ((err == PV_ERR_NOT_FOUND || (!err && size < room->pinned.size)) && room->pin.n) {
        pv_buf_clear(note);
        pv_buf_append(note, room->pin.p, room->pin.n);
        err = note->err;
    }
    return err ? err : pv_checkpoint_peek(pv_buf_bytes(note), ret_checkpoint);
}

void pv_evidence_notes(struct pv_room *room, struct pv_bytes note)
{
    struct pv_checkpoint held, shown;
    struct frame frame;
    struct pv_buf held_bytes;
    pv_buf_init(&held_bytes, PV_LIMIT_NOTE_BYTES);
    room->forked_at = 0;
    if (pv_checkpoint_peek(note, &shown) == PV_OK && held_note(room, &held_bytes, &held) == PV_OK) {
        if (frame_init(room, &frame) == PV_OK) {
            frame.file.type = PV_EVIDENCE_NOTES;
            frame.file.note = pv_buf_bytes(&held_bytes);
            frame.file.tree.note = note;
            keep(room, &frame);
            if (shown.size < held.size && held.size == room->edge.size) { /* it may be of another history besides */
                frame.file.note = note;
                frame.file.tree.note = pv_buf_bytes(&held_bytes);
                frame.file.has_path = path_at(room, shown.size, held.size, &frame.file.path) == PV_OK;
                if (frame.file.has_path) keep(room, &frame);
            }
        }
        frame_release(&frame);
        if (shown.size > held.size) {
            room->forked_at = held.size;
            pv_buf_clear(&room->fork_note);
            pv_buf_append(&room->fork_note, note.p, note.n);
        }
    }
    pv_buf_release(&held_bytes);
}

void pv_evidence_fork_path(struct pv_room *room, const struct pv_hash *leaf, const struct pv_merkle_proof *proof)
{
    struct pv_checkpoint held;
    struct pv_buf held_bytes;
    struct frame frame;
    pv_buf_init(&held_bytes, PV_LIMIT_NOTE_BYTES);
    if (held_note(room, &held_bytes, &held) == PV_OK && held.size == room->forked_at) {
        if (frame_init(room, &frame) == PV_OK) {
            frame.file.type = PV_EVIDENCE_NOTES;
            frame.file.note = pv_buf_bytes(&held_bytes);
            frame.file.tree.note = pv_buf_bytes(&room->fork_note);
            frame.file.has_path = true;
            frame.file.path.leaf = *leaf;
            frame.file.path.proof = *proof;
            keep(room, &frame);
        }
        frame_release(&frame);
    }
    pv_buf_release(&held_bytes);
}

void pv_evidence_other_log(struct pv_room *room, struct pv_bytes other, struct pv_bytes note,
                           const struct pv_merkle_proof *consistency)
{
    struct pv_checkpoint checkpoint;
    struct frame frame;
    if (pv_checkpoint_peek(other, &checkpoint)) return;
    if (frame_init(room, &frame) == PV_OK) {
        frame.file.type = PV_EVIDENCE_NOTES;
        frame.file.note = other;
        set_tree(room, note, consistency, &frame.file.tree);
        frame.file.has_path =
            checkpoint.size < room->edge.size && path_at(room, checkpoint.size, room->edge.size, &frame.file.path) == PV_OK;
        keep(room, &frame);
    }
    frame_release(&frame);
}

/* ---- an entry */

void pv_evidence_entry(struct pv_room *room, uint64_t index, struct pv_bytes entry, bool has_body, struct pv_bytes body,
                       struct pv_bytes note, const struct pv_merkle_proof *consistency)
{
    struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
    const struct pv_room_device *device = NULL;
    struct pv_entry read;
    struct frame frame;
    enum pv_err err = frame_init(room, &frame);
    struct pv_evidence_file *file = &frame.file;
    file->type = PV_EVIDENCE_ENTRY;
    set_tree(room, note, consistency, &file->tree);
    file->index = index;
    file->entry = entry;
    if (!err) err = pv_merkle_prove_inclusion(&reader, index, room->edge.size, &file->inclusion);
    if (!err && pv_entry_read(entry, &read) == PV_OK) {
        device = pv_roster_device(room->roster, &read.header.author);
        /* A body that is not the signed one is an answer's, and shows nothing. */
        struct pv_hash hash;
        if (has_body && !pv_kind_is_sealed(read.header.kind)) {
            pv_body_hash(body, &hash);
            file->has_body = pv_hash_equal(&hash, &read.header.body_hash);
        }
        if (file->has_body) file->body = body;
        file->has_path = read.header.seen_size <= index && read.header.seen_size < room->edge.size &&
                         path_at(room, read.header.seen_size, room->edge.size, &file->path) == PV_OK;
    }
    if (device) {
        file->has_device = true;
        file->device = device->device;
    }
    if (!err) keep(room, &frame);
    frame_release(&frame);
}
