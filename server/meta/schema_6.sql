-- Version 6 counts who refers to blobs that a restored room's tail names and that have no row: they may survive, or come back.
CREATE TABLE lost_refs (
    room INTEGER NOT NULL,
    name BLOB NOT NULL,
    refs INTEGER NOT NULL,
    PRIMARY KEY (room, name)
) WITHOUT ROWID;
