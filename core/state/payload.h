/* The payloads of sealed entries as structs, with one reader and one writer.  Source: FORMAT.md §10.
 *
 * Slices in a read payload are borrowed from the bytes read. */
#ifndef PV_STATE_PAYLOAD_H
#define PV_STATE_PAYLOAD_H

#include "core/file/manifest.h"
#include "core/log/seal.h"

enum pv_payload_type {
    PV_PAYLOAD_PROFILE = 1,
    PV_PAYLOAD_MESSAGE = 2,
    PV_PAYLOAD_FILE_PUT = 16,
    PV_PAYLOAD_FILE_MOVE = 17,
    PV_PAYLOAD_FILE_REMOVE = 18,
    PV_PAYLOAD_CHUNKING = 19,
    PV_PAYLOAD_FILE_BLOBS = 20,
    PV_PAYLOAD_KEYS = 21,
    PV_PAYLOAD_ROOMS = 32,
    PV_PAYLOAD_VERIFIED = 33
};

/* What a payload names an earlier write by. */
struct pv_write_ref {
    struct pv_hash author; /* device id */
    struct pv_id16 write_id;
};

/* Boundaries of chunks in this room derive from it. Secret. */
struct pv_chunking_secret {
    uint8_t b[32];
};

enum pv_room_state { PV_ROOM_INTENDED = 0, PV_ROOM_JOINED = 1, PV_ROOM_LEFT = 2 };

/* One room in a person's list; each half may be left out. */
struct pv_listed_room {
    struct pv_hash room;
    bool has_place;
    struct pv_bytes server_url; /* UTF-8, at most PV_LIMIT_URL_BYTES */
    struct pv_bytes local_name; /* UTF-8, at most PV_LIMIT_NAME_BYTES */
    enum pv_room_state state;
    bool has_head;
    uint64_t head_size;
    struct pv_hash head_root;
    uint64_t index; /* of the entry that the place is from: in rows of a query */
};

/* How a safety number was compared: by the person, who says so, or by the program with what was typed or scanned. */
enum pv_verified_how { PV_VERIFIED_COMPARED = 0, PV_VERIFIED_NUMBER = 1, PV_VERIFIED_CODE = 2 };

/* The key of one entry that stays when the secrets of its epoch are erased. Secret. */
struct pv_kept_key {
    uint64_t index;
    struct pv_entry_key key;
};

/* The KEM seed of an epoch of a person's own room that stays like that. Secret. */
struct pv_kept_seed {
    uint64_t epoch;
    struct pv_kem_seed seed;
};

/* Several `file`, listed rooms, kept keys or device ids, encoded one after the other and checked by the reader. */
struct pv_encoded_list {
    size_t count;
    struct pv_bytes encoded;
};

struct pv_payload {
    enum pv_payload_type type;
    struct pv_id16 write_id;
    union {
        struct pv_bytes profile_name; /* UTF-8, 1 to PV_LIMIT_NAME_BYTES */
        struct {
            struct pv_bytes text; /* UTF-8, at most PV_LIMIT_MESSAGE_BYTES */
            bool is_reply;
            struct pv_write_ref reply;
            struct pv_encoded_list attachments; /* `file`s, at most PV_LIMIT_ATTACHMENTS */
        } message;
        struct {
            bool has_replaces;
            struct pv_write_ref replaces;
            struct pv_file file;
            struct pv_bytes encoded; /* the file as read; ignored when writing */
        } file_put;
        struct {
            struct pv_write_ref version;
            struct pv_path path;
        } file_move;
        struct pv_write_ref file_remove;
        struct pv_chunking_secret chunking;
        struct pv_id16 file_blobs; /* write id of the put that follows, by the same author */
        struct {
            struct pv_encoded_list keys;  /* kept keys, at most PV_LIMIT_KEYS, indexes rising */
            struct pv_encoded_list seeds; /* kept seeds, at most PV_LIMIT_KEYS_SEEDS, epochs rising */
        } keys;
        struct pv_encoded_list rooms; /* listed rooms, 1 to PV_LIMIT_ROOMS_LISTED */
        struct {
            struct pv_hash person;
            bool stands;         /* false: withdrawn, and nothing follows */
            enum pv_verified_how how;
            uint64_t time_ms;    /* of a checkpoint */
            struct pv_encoded_list devices; /* the person's at that time, rising; at most PV_LIMIT_DEVICES_PRESENT */
        } verified;
    } u;
};

/* Append the encoding; the buffer fails with LIMIT or MALFORMED for what no reader would take. */
void pv_payload_put(struct pv_buf *buf, const struct pv_payload *payload);
/* Errors: a reader's; UNSUPPORTED for an unknown type. */
PV_MUST_USE enum pv_err pv_payload_read(struct pv_bytes bytes, struct pv_payload *ret_payload);
/* Type and write id of any payload, a later version's too. Errors: a reader's. */
PV_MUST_USE enum pv_err pv_payload_peek(struct pv_bytes bytes, uint64_t *ret_type, struct pv_id16 *ret_write_id);
/* The kind of entry that a type belongs into. Errors: UNSUPPORTED. */
PV_MUST_USE enum pv_err pv_payload_kind(uint64_t type, enum pv_kind *ret_kind);

/* Walk a list that was read; false at the end. */
bool pv_encoded_file_next(struct pv_encoded_list *list, struct pv_file *ret_file);
bool pv_listed_room_next(struct pv_encoded_list *list, struct pv_listed_room *ret_room);
bool pv_kept_key_next(struct pv_encoded_list *list, struct pv_kept_key *ret_key);
bool pv_kept_seed_next(struct pv_encoded_list *list, struct pv_kept_seed *ret_seed);
bool pv_encoded_device_next(struct pv_encoded_list *list, struct pv_hash *ret_device);
/* Append one, for collecting a list. */
void pv_listed_room_put(struct pv_buf *buf, const struct pv_listed_room *room);
void pv_kept_key_put(struct pv_buf *buf, const struct pv_kept_key *key);
void pv_kept_seed_put(struct pv_buf *buf, const struct pv_kept_seed *seed);

#endif
