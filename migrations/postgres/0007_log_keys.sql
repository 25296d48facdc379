-- One row: how often the key that signs the logs was replaced, and who is replacing it just now. Whoever keeps a signed
-- head holds this row, so that none comes in under a key that was replaced meanwhile.
-- threat: AGP-R1
CREATE TABLE bartizan.log_keys (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch      bigint NOT NULL CHECK (epoch >= 0),
    hold       text,
    hold_until bigint NOT NULL DEFAULT 0
);
INSERT INTO bartizan.log_keys (epoch) VALUES (0);
GRANT SELECT, UPDATE ON bartizan.log_keys TO bartizan_app, bartizan_feed;
