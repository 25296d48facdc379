-- One row: how often the key that signs the logs was replaced, and who is replacing it just now. Whoever keeps a signed
-- head looks at it in the same transaction, so that none comes in under a key that was replaced meanwhile.
-- threat: AGP-R1
CREATE TABLE log_keys (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch      INTEGER NOT NULL CHECK (epoch >= 0),
    hold       TEXT,
    hold_until INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO log_keys (only_row, epoch) VALUES (1, 0);
