-- Audit records whose time is over: what they said goes, their hashes stay, so that the log's tree still stands. Their
-- ids go as well: with them left, what was said could be guessed and held against the hash.

CREATE TABLE audits_removed (
    log  INTEGER NOT NULL,
    idx  INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    PRIMARY KEY (log, idx)
) STRICT, WITHOUT ROWID;

-- threat: AGP-R3
CREATE TRIGGER removed_are_only_records BEFORE INSERT ON audits_removed
WHEN NOT EXISTS (SELECT 1 FROM audits WHERE log = NEW.log AND idx = NEW.idx AND leaf = NEW.leaf)
BEGIN SELECT RAISE(ABORT, 'nothing but the hash of an audit record is kept'); END;
CREATE TRIGGER removed_are_not_changed BEFORE UPDATE ON audits_removed
BEGIN SELECT RAISE(ABORT, 'hashes of audit records are append-only'); END;
CREATE TRIGGER removed_are_not_removed BEFORE DELETE ON audits_removed
BEGIN SELECT RAISE(ABORT, 'hashes of audit records are append-only'); END;
DROP TRIGGER audits_are_not_removed;
CREATE TRIGGER audits_are_not_removed BEFORE DELETE ON audits
WHEN NOT EXISTS (SELECT 1 FROM audits_removed WHERE log = OLD.log AND idx = OLD.idx AND leaf = OLD.leaf)
BEGIN SELECT RAISE(ABORT, 'audit records are append-only'); END;
