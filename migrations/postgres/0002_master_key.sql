-- One row, written by the first node: what its master key is known by. A node with another key would refuse
-- every virtual key of this store without knowing why. Nobody may change it: there is no grant to.
CREATE TABLE bartizan.master_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mark     text NOT NULL
);
GRANT SELECT, INSERT ON bartizan.master_key TO bartizan_feed;
