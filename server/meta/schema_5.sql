-- Version 5 knows of forgetting: each room's notice by its policy, forgets that wait for it, and from where on bodies of
-- entries that are said to be deleted have yet to be dropped.
ALTER TABLE rooms ADD COLUMN notice INTEGER; -- milliseconds; NULL: the policy names none
ALTER TABLE rooms ADD COLUMN dropping INTEGER NOT NULL DEFAULT 0; -- index + 1; 0: all is dropped
CREATE INDEX rooms_dropping ON rooms (no) WHERE dropping > 0;
CREATE TABLE forgets (room INTEGER NOT NULL, id BLOB NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (room, id)) WITHOUT ROWID;
