-- The server's embedded store, version 1. Times are milliseconds unless said; `room` is rooms.no.
CREATE TABLE rooms (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    note_time INTEGER NOT NULL, -- seconds
    next_until INTEGER          -- earliest deadline in the roster
);
CREATE INDEX rooms_by_deadline ON rooms (next_until) WHERE next_until IS NOT NULL;
-- A fold of the first `size` entries; apart from rooms, whose row changes with every commit.
CREATE TABLE rosters (room INTEGER PRIMARY KEY, size INTEGER NOT NULL, roster BLOB NOT NULL);
CREATE TABLE entries (
    place INTEGER PRIMARY KEY,  -- room * 2^40 + index
    author INTEGER NOT NULL,    -- 8 bytes of the author's id mixed with the room
    n INTEGER NOT NULL,
    verdict INTEGER NOT NULL,   -- verdict + 256 * reason
    tree BLOB NOT NULL,         -- the stored hashes that this leaf completes
    entry BLOB NOT NULL,
    refs BLOB NOT NULL,
    body BLOB                   -- NULL: forgotten
);
CREATE INDEX entries_by_author ON entries (author, n);
CREATE TABLE besides (
    place INTEGER PRIMARY KEY,
    links BLOB NOT NULL,        -- encoded array
    count INTEGER NOT NULL,     -- of wraps
    leaves BLOB NOT NULL,       -- stored hashes of the tree over wraps
    wraps BLOB NOT NULL         -- slots of one byte (1: present) and 1168 bytes
);
CREATE TABLE kem_keys (room INTEGER NOT NULL, hash BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (room, hash));
CREATE TABLE members (
    device BLOB NOT NULL, room INTEGER NOT NULL, access INTEGER NOT NULL, PRIMARY KEY (device, room)
) WITHOUT ROWID;
CREATE TABLE accounts (person BLOB PRIMARY KEY, created INTEGER NOT NULL, suspended INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE nonces (nonce BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
    token BLOB PRIMARY KEY, device BLOB NOT NULL, sign_pk BLOB NOT NULL, kem_hash BLOB NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_device ON sessions (device);
CREATE TABLE tickets (ticket BLOB PRIMARY KEY, room INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE codes (code BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (
    what TEXT NOT NULL, key BLOB NOT NULL, window INTEGER NOT NULL, sum INTEGER NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (what, key, window)
) WITHOUT ROWID;
CREATE TABLE blobs (
    room INTEGER NOT NULL, name BLOB NOT NULL, locator BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,
    sha256 BLOB NOT NULL, refs INTEGER NOT NULL, since INTEGER NOT NULL, -- of being unreferenced, or of its arrival
    PRIMARY KEY (room, name)
);
CREATE INDEX blobs_unreferenced ON blobs (since) WHERE refs = 0;
CREATE TABLE gates (
    id BLOB PRIMARY KEY, room INTEGER NOT NULL, version INTEGER NOT NULL, signed BLOB NOT NULL,
    half BLOB, refs BLOB NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE releases (
    gate BLOB NOT NULL, request BLOB NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (gate, request)
) WITHOUT ROWID;
