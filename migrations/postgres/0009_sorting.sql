-- Documents of a kind in the order of their making; in that of their names they have an index already.
CREATE INDEX records_by_created ON bartizan.records (tenant, kind, created, id);
