-- What the control plane keeps: a tenant's state, documents, and who did what. Neither documents nor audit
-- records raise the directory's revision: no data plane answers from them.

ALTER TABLE tenants ADD COLUMN state TEXT NOT NULL DEFAULT 'active';

-- Some belong to the platform, which is no tenant: they refer to nothing.
CREATE TABLE records (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    parent   TEXT,
    name     TEXT,
    created  INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX records_by_name ON records (tenant, kind, name) WHERE name IS NOT NULL;
CREATE INDEX records_by_parent ON records (tenant, kind, parent, id);
-- A session is found by its digest before its tenant is known.
-- threat: CTX-T3
CREATE UNIQUE INDEX sessions_by_digest ON records (name) WHERE kind = 'session' AND name IS NOT NULL;
CREATE INDEX records_by_age ON records (kind, created);

CREATE TABLE audit_logs (
    log    INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL UNIQUE,
    size   INTEGER NOT NULL
) STRICT;

CREATE TABLE audits (
    log    INTEGER NOT NULL,
    idx    INTEGER NOT NULL,
    id     BLOB NOT NULL,
    at     INTEGER NOT NULL,
    actor  TEXT,
    act    TEXT NOT NULL,
    target TEXT,
    leaf   BLOB NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (log, idx),
    UNIQUE (log, id)
) STRICT;
CREATE INDEX audits_by_time ON audits (log, at, idx);
CREATE INDEX audits_by_act ON audits (log, act, idx);
CREATE INDEX audits_by_actor ON audits (log, actor, idx) WHERE actor IS NOT NULL;
CREATE INDEX audits_by_target ON audits (log, target, idx) WHERE target IS NOT NULL;

CREATE TABLE audit_checkpoints (
    tenant TEXT NOT NULL,
    size   INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    note   TEXT NOT NULL,
    PRIMARY KEY (tenant, size)
) STRICT, WITHOUT ROWID;

-- threat: AGP-R3
CREATE TRIGGER audits_are_not_changed BEFORE UPDATE ON audits
BEGIN SELECT RAISE(ABORT, 'audit records are append-only'); END;
CREATE TRIGGER audits_are_not_removed BEFORE DELETE ON audits
BEGIN SELECT RAISE(ABORT, 'audit records are append-only'); END;
