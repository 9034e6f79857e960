-- What schema 2 adds: run for a new database after schema.sql, and for one that stands at schema 1.

-- Persons whose safety number was compared, of the person's own room. Made by the fold.
CREATE TABLE verified (
    person BLOB PRIMARY KEY,
    idx INTEGER NOT NULL,
    author INTEGER NOT NULL,
    time INTEGER NOT NULL,
    how INTEGER NOT NULL,
    devices BLOB NOT NULL             -- their devices at that time, ids joined
) STRICT, WITHOUT ROWID;

-- What this device has told its person of other members' devices (core/state/changes.h). No part of the fold.
CREATE TABLE told (
    person BLOB PRIMARY KEY,
    epoch INTEGER NOT NULL,           -- of the person's KEM key
    devices BLOB NOT NULL,            -- ids joined
    unseen INTEGER NOT NULL           -- 1: told in passing, of someone verified
) STRICT, WITHOUT ROWID;
