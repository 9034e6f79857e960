-- Schema 3 keeps single keys where an epoch's secret was erased: those that a `keys` entry gave.
CREATE TABLE entry_key (idx INTEGER PRIMARY KEY, source INTEGER NOT NULL, key BLOB NOT NULL) STRICT;
CREATE TABLE epoch_seed (
    epoch INTEGER NOT NULL,
    source INTEGER NOT NULL,          -- index of the entry that gave it
    seed BLOB NOT NULL,
    PRIMARY KEY (epoch, source)
) STRICT, WITHOUT ROWID;
INSERT OR REPLACE INTO value (name, value)
    SELECT 'pv.fold', 0 WHERE EXISTS (SELECT 1 FROM unfolded WHERE type = 21);
