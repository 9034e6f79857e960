-- Version 3 knows of restores from a backup: which rooms wait for their lost tail, and what is known of it.
ALTER TABLE rooms ADD COLUMN restored INTEGER NOT NULL DEFAULT 0; -- 1: read-only until its tail is given back
CREATE TABLE restores (time INTEGER NOT NULL);
CREATE TABLE known_heads (room INTEGER PRIMARY KEY, size INTEGER NOT NULL, note BLOB NOT NULL);
-- Who has shown, in a restored room, how far it had come.
CREATE TABLE shown_heads (room INTEGER NOT NULL, device BLOB NOT NULL, PRIMARY KEY (room, device)) WITHOUT ROWID;
