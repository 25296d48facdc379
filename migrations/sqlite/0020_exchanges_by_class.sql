-- What each kept exchange carries: how long it is kept depends on it. Of those of before nothing was written down: they count as
-- the gravest.
-- threat: ANP-0020

ALTER TABLE exchanges ADD COLUMN data_class TEXT NOT NULL DEFAULT 'restricted';
CREATE INDEX exchanges_by_class ON exchanges (tenant, data_class, started, id);
