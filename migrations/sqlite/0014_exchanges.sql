-- What tenants keep of their calls' exchanges: a row for each call, sealed under the tenant's content key. It is added and
-- removed, never changed.
CREATE TABLE exchanges (
    tenant        TEXT NOT NULL,
    id            TEXT NOT NULL,
    started       INTEGER NOT NULL,
    key           TEXT NOT NULL,
    model         TEXT,
    kept          TEXT NOT NULL,
    status        INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    answer_bytes  INTEGER NOT NULL,
    sealed        BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX exchanges_by_time ON exchanges (tenant, started, id);

-- threat: ANP-0012
CREATE TRIGGER exchanges_are_not_changed BEFORE UPDATE ON exchanges
BEGIN SELECT RAISE(ABORT, 'exchanges are append-only'); END;

-- Which of it each tenant keeps, and for how long. Data planes hear of every change of a tenant.
ALTER TABLE tenants ADD COLUMN history TEXT NOT NULL DEFAULT '{}';
