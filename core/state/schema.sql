-- One room on one device. Kept whole by core/state; FORMAT.md says what the folded tables mean.
-- Writers add rows in the order of the log, so big tables grow at their end; keys that are random stay small.

CREATE TABLE value (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

-- The log.
CREATE TABLE author (no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE entry (
    idx INTEGER PRIMARY KEY,
    author INTEGER NOT NULL,
    n INTEGER NOT NULL,
    entry BLOB NOT NULL,
    refs BLOB NOT NULL,
    body BLOB                     -- NULL: not here
) STRICT;
-- Only what is not accepted; an entry below the folded size without a row here is.
CREATE TABLE verdict (idx INTEGER PRIMARY KEY, verdict INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
-- 64 stored hashes of the Merkle tree a row.
CREATE TABLE hashes (page INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;

CREATE TABLE roster (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, snapshot BLOB NOT NULL) STRICT;
CREATE TABLE epoch (epoch INTEGER PRIMARY KEY, secret BLOB NOT NULL) STRICT;
CREATE TABLE kem_key (hash BLOB PRIMARY KEY, pk BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE note (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    time INTEGER NOT NULL,
    note BLOB NOT NULL
) STRICT;
CREATE INDEX note_by_size ON note (size, time);
CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    what TEXT NOT NULL,
    text TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- The outbox.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    write_id BLOB NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    type INTEGER NOT NULL,
    payload BLOB NOT NULL,
    refs BLOB NOT NULL,
    beside BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE sealed (
    n INTEGER PRIMARY KEY,
    write INTEGER NOT NULL,
    prev BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    entry BLOB NOT NULL,
    refs BLOB NOT NULL,
    body BLOB NOT NULL,
    beside BLOB NOT NULL,
    abandoned INTEGER NOT NULL
) STRICT;
CREATE INDEX sealed_by_write ON sealed (write);
CREATE INDEX sealed_by_leaf ON sealed (leaf);
CREATE TABLE blob (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- What the fold makes of sealed entries: dropped and made anew by pv_fold_reset.
-- Accepted writes by their write id; messages and versions from pv.settled on are still missing (written.h).
CREATE TABLE written (
    write_id BLOB NOT NULL,
    author INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (write_id, author)
) STRICT, WITHOUT ROWID;
CREATE TABLE unreadable (
    idx INTEGER PRIMARY KEY,
    why TEXT NOT NULL,
    epoch INTEGER                 -- whose key is missing, where it is that
) STRICT;
CREATE TABLE unfolded (idx INTEGER PRIMARY KEY, type INTEGER NOT NULL) STRICT;
CREATE TABLE profile (author INTEGER PRIMARY KEY, idx INTEGER NOT NULL, name TEXT NOT NULL) STRICT;
CREATE TABLE message (
    idx INTEGER PRIMARY KEY,
    author INTEGER NOT NULL,
    time INTEGER NOT NULL,
    write_id BLOB NOT NULL,
    reply BLOB,                       -- author(32) and write id(16)
    text TEXT NOT NULL,
    attachments BLOB                  -- its `file`s, one after the other
) STRICT;
CREATE INDEX message_by_time ON message (time);
CREATE TABLE file (
    idx INTEGER PRIMARY KEY,          -- of the put that founded it
    path BLOB NOT NULL,               -- parts joined by slashes
    placed INTEGER NOT NULL,          -- index of what put it at this path
    head INTEGER NOT NULL,            -- its newest version
    removed INTEGER,                  -- index of what removed it
    lost_to INTEGER                   -- the file whose version its put meant to replace, and came too late
) STRICT;
CREATE INDEX file_by_path ON file (path, placed);
CREATE INDEX file_by_placed ON file (placed);
CREATE TABLE version (
    idx INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    author INTEGER NOT NULL,
    time INTEGER NOT NULL,
    write_id BLOB NOT NULL,
    size INTEGER NOT NULL,
    encoded BLOB NOT NULL             -- the payload's `file`
) STRICT;
CREATE INDEX version_by_file ON version (file);
CREATE TABLE chunking (idx INTEGER PRIMARY KEY, secret BLOB NOT NULL) STRICT;
CREATE TABLE room (
    room BLOB PRIMARY KEY,
    idx INTEGER NOT NULL,
    url TEXT NOT NULL,
    name TEXT NOT NULL,
    state INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE room_head (
    room BLOB NOT NULL,
    author INTEGER NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    PRIMARY KEY (room, author)
) STRICT, WITHOUT ROWID;

-- Words of messages (by idx) and of file paths (by placed); the texts stand in their own tables. No positions: every
-- word must occur, wherever. core/state/words.c names the same tokenizer.
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', columnsize = 0, detail = none,
    tokenize = 'unicode61 remove_diacritics 2');
