-- Version 2 of the store adds pairings: mailboxes of four messages each.
CREATE TABLE pairings (plate INTEGER PRIMARY KEY, device BLOB NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE pairing_messages (
    plate INTEGER NOT NULL, slot INTEGER NOT NULL, message BLOB NOT NULL, PRIMARY KEY (plate, slot)
) WITHOUT ROWID;
CREATE TRIGGER pairing_ends AFTER DELETE ON pairings BEGIN
    DELETE FROM pairing_messages WHERE plate = old.plate;
END;
