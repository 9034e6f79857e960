/* Every limit on what a peer controls, in one place; FORMAT.md §13 is this table. */
#ifndef PV_BASE_LIMITS_H
#define PV_BASE_LIMITS_H

enum {
    /* encoding */
    PV_LIMIT_NESTING = 8,
    /* entries */
    PV_LIMIT_ENTRY_BYTES = 512,              /* an encoded entry, header and signature */
    PV_LIMIT_BODY_BYTES = 96 * 1024,         /* a body, clear or sealed */
    PV_LIMIT_REFS = 1024,                    /* blobs that one entry keeps alive */
    PV_LIMIT_BESIDE_KEM_KEYS = 4,
    PV_LIMIT_LINKS = 16,
    PV_LIMIT_WRAPS = 16384,                  /* = members plus open invites */
    PV_LIMIT_BATCH_ENTRIES = 256,            /* entries in one append */
    PV_LIMIT_BATCH_BYTES = 24 * 1024 * 1024, /* one append, all parts */
    /* rooms */
    PV_LIMIT_DEVICES_LISTED = 16,            /* in one party */
    PV_LIMIT_DEVICES_PRESENT = 64,           /* of one person in a room */
    PV_LIMIT_CERTIFICATES = 16,              /* in one record or device_add */
    PV_LIMIT_TARGETS = 64,                   /* memberships or devices named by one removal */
    PV_LIMIT_RANGES = 64,
    PV_LIMIT_MEMBERS = 10000,
    PV_LIMIT_INVITES_OPEN = 4096,
    PV_LIMIT_INVITE_USES = 10000,
    PV_LIMIT_SIGNS_PER_USE = 4,
    PV_LIMIT_POLICY_BYTES = 4096,
    PV_LIMIT_SERVER_NAME_BYTES = 255,
    /* payloads */
    PV_LIMIT_PAYLOAD_BYTES = 80 * 1024,      /* before padding */
    PV_LIMIT_MESSAGE_BYTES = 32 * 1024,      /* a message's text */
    PV_LIMIT_NAME_BYTES = 256,               /* a profile's or a room's name */
    PV_LIMIT_PATH_PARTS = 32,
    PV_LIMIT_PATH_BYTES = 4096,              /* all parts together */
    PV_LIMIT_ATTACHMENTS = 16,
    PV_LIMIT_ROOMS_LISTED = 512,
    PV_LIMIT_KEYS = 1024,                    /* of entries, in one payload `keys` */
    PV_LIMIT_KEYS_SEEDS = 512,
    /* files and blobs */
    PV_LIMIT_CHUNK_MIN_BYTES = 256 * 1024,
    PV_LIMIT_CHUNK_AVG_BYTES = 1024 * 1024,
    PV_LIMIT_CHUNK_MAX_BYTES = 4 * 1024 * 1024,
    PV_LIMIT_BLOB_BYTES = 4 * 1024 * 1024 + 256 * 1024,
    PV_LIMIT_MANIFEST_INLINE_CHUNKS = 32,
    PV_LIMIT_MANIFEST_PAGE_CHUNKS = 32768,   /* beyond 32 chunks: pages of so many, each a sealed chunk */
    PV_LIMIT_MANIFEST_PAGES = 512,           /* 512 pages of 32768 chunks of the least size: 4 TiB */
    /* notes, gates, links */
    PV_LIMIT_NOTE_BYTES = 1280,
    PV_LIMIT_PROOF_HASHES = 64,
    PV_LIMIT_EVIDENCE_BYTES = 512 * 1024,    /* an evidence file */
    PV_LIMIT_EVIDENCE_CHANGES = 16,          /* of server or key, in one */
    PV_LIMIT_EVIDENCE_SHOWN_BYTES = 128 * 1024,
    PV_LIMIT_EVIDENCE_TOLD_BYTES = 512,      /* a device's words in one */
    PV_LIMIT_EVIDENCE_WHAT_BYTES = 32,       /* the error's name in one */
    PV_LIMIT_GATE_BYTES = 64 * 1024,
    PV_LIMIT_GATE_SHARES = 32,
    PV_LIMIT_GATE_SHARE_BYTES = 128,         /* one sealed share */
    PV_LIMIT_PREVIEW_BYTES = 4096,
    PV_LIMIT_LINK_BYTES = 8192,
    PV_LIMIT_URL_BYTES = 1024,
    PV_LIMIT_SUCCESSION_BYTES = 512 * 1024,  /* of a succession, sealed */
    PV_LIMIT_SUCCESSION_PLACES = 256,        /* members who get another role than the common link's */
    PV_LIMIT_PAIRING_BYTES = 4096,           /* one message of a pairing */
    PV_LIMIT_SAFETY_BYTES = 1024,            /* of what is typed or scanned, blanks included */
    /* a device at rest */
    PV_LIMIT_KIT_SHEET_BYTES = 4096,         /* with all that is said around the code */
    PV_LIMIT_PASSPHRASE_BYTES = 4096,
    PV_LIMIT_ARGON2_PASSES = 16,             /* a keystore's */
    PV_LIMIT_ARGON2_MEMORY_KIB = 1024 * 1024,
    PV_LIMIT_SECRETS_BYTES = 2048,           /* a device's own, encoded */
    PV_LIMIT_KEYSTORE_ROOMS = 1024,
    PV_LIMIT_KEYSTORE_BYTES = 2 * 1024 * 1024
};

#define PV_LIMIT_FILE_SHA256_BYTES (64ull << 20) /* up to here writers always take a file's SHA-256 */
#define PV_LIMIT_FILE_BYTES (1ull << 42)
#define PV_LIMIT_FILE_UNTOLD_BYTES (64ull << 20) /* of a local file that tells no size, as the kernel's own */
#define PV_LIMIT_N (1ull << 53)                  /* n, sizes, indexes, times: exact in JSON numbers */

#endif
