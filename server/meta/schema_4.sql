-- Version 4 knows of a restored room's newest head that stood beside the blobs, and of rooms that go on in another.
CREATE TABLE kept_heads (
    id BLOB PRIMARY KEY, -- the room's: it may have come after the backup
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    is_last INTEGER NOT NULL -- 1: nothing came after it
) WITHOUT ROWID;
CREATE TABLE successions (room INTEGER PRIMARY KEY, successor BLOB NOT NULL, signed BLOB NOT NULL);
