-- Entries whose time is over: what they said goes, their hashes stay, so that the log's tree still stands, and a mark by
-- which a request that comes again is known. The mark says nothing about the request: with its id left, what was said could
-- be guessed and held against the hash.
CREATE TABLE entries_removed (
    log  INTEGER NOT NULL,
    idx  INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (log, idx),
    UNIQUE (log, mark)
) STRICT, WITHOUT ROWID;

-- Entries from `removed` on are there; those before it were removed, and all of them ended before `removed_until`.
ALTER TABLE logs ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logs ADD COLUMN removed_until INTEGER NOT NULL DEFAULT 0;

-- Whoever reads hashes reads nothing else.
CREATE INDEX entries_leaves ON entries (log, idx, leaf);

-- threat: AGP-T4
CREATE TRIGGER removed_are_only_entries BEFORE INSERT ON entries_removed
WHEN NOT EXISTS (SELECT 1 FROM entries WHERE log = NEW.log AND idx = NEW.idx AND leaf = NEW.leaf)
BEGIN SELECT RAISE(ABORT, 'nothing but the hash of an entry is kept'); END;
CREATE TRIGGER removed_entries_are_not_changed BEFORE UPDATE ON entries_removed
BEGIN SELECT RAISE(ABORT, 'hashes of entries are append-only'); END;
CREATE TRIGGER removed_entries_are_not_removed BEFORE DELETE ON entries_removed
BEGIN SELECT RAISE(ABORT, 'hashes of entries are append-only'); END;
DROP TRIGGER entries_are_not_removed;
CREATE TRIGGER entries_are_not_removed BEFORE DELETE ON entries
WHEN NOT EXISTS (SELECT 1 FROM entries_removed WHERE log = OLD.log AND idx = OLD.idx AND leaf = OLD.leaf)
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
