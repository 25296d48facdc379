-- One row, written by the first node: what its master key is known by. A node with another key would refuse
-- every virtual key of this store without knowing why.
CREATE TABLE master_key (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    mark     TEXT NOT NULL
) STRICT;
CREATE TRIGGER master_key_is_not_changed BEFORE UPDATE ON master_key
BEGIN SELECT RAISE(ABORT, 'the master key of a store is not changed'); END;
