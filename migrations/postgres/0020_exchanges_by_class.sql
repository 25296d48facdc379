-- What each kept exchange carries: how long it is kept depends on it. Of those of before nothing was written down: they count as
-- the gravest.
-- threat: ANP-0020

ALTER TABLE bartizan.exchanges ADD COLUMN data_class text COLLATE "C" NOT NULL DEFAULT 'restricted';
CREATE INDEX exchanges_by_class ON bartizan.exchanges (tenant, data_class, started, id);
