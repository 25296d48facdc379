-- The embedded engine's first schema. Money is in nano-dollars, times are milliseconds since 1970.

-- One row: rises with every change of the directory.
CREATE TABLE directory_revision (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO directory_revision (only_row, revision) VALUES (1, 0);

CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    limits TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE teams (
    team   TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    name   TEXT NOT NULL,
    limits TEXT NOT NULL,
    UNIQUE (tenant, name),
    UNIQUE (tenant, team)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    key      TEXT PRIMARY KEY,
    tenant   TEXT NOT NULL,
    team     TEXT NOT NULL,
    digest   BLOB NOT NULL UNIQUE,
    state    TEXT NOT NULL,
    created  INTEGER NOT NULL,
    document TEXT NOT NULL,
    FOREIGN KEY (tenant, team) REFERENCES teams (tenant, team)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_tenant ON keys (tenant, created, key);

CREATE TABLE budgets (
    budget      TEXT PRIMARY KEY,
    tenant      TEXT NOT NULL REFERENCES tenants (tenant),
    name        TEXT NOT NULL,
    limit_nanos INTEGER NOT NULL,
    scope       TEXT NOT NULL,
    period      TEXT NOT NULL,
    UNIQUE (tenant, budget)
) STRICT, WITHOUT ROWID;

-- leased is the sum of the remainders of live leases, unexplained that of expired ones.
CREATE TABLE budget_windows (
    tenant       TEXT NOT NULL,
    budget       TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    spent        INTEGER NOT NULL DEFAULT 0,
    leased       INTEGER NOT NULL DEFAULT 0 CHECK (leased >= 0),
    unexplained  INTEGER NOT NULL DEFAULT 0 CHECK (unexplained >= 0),
    PRIMARY KEY (tenant, budget, window_start),
    FOREIGN KEY (tenant, budget) REFERENCES budgets (tenant, budget) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    tenant       TEXT NOT NULL,
    budget       TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    node         TEXT NOT NULL,
    amount       INTEGER NOT NULL,
    used         INTEGER NOT NULL CHECK (used BETWEEN 0 AND amount),
    expires      INTEGER NOT NULL,
    expired      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, budget, window_start, node),
    FOREIGN KEY (tenant, budget, window_start)
        REFERENCES budget_windows (tenant, budget, window_start) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_by_node ON leases (node);
CREATE INDEX leases_that_may_expire ON leases (expires) WHERE expired = 0 AND amount > used;

-- A log's number stands for its tenant in every entry, because three indexes repeat it.
CREATE TABLE logs (
    log    INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL UNIQUE,
    size   INTEGER NOT NULL
) STRICT;

-- Evidence outlives what it is about: entries refer to nothing. Ids are their 16 bytes.
CREATE TABLE entries (
    log           INTEGER NOT NULL,
    idx           INTEGER NOT NULL,
    request       BLOB NOT NULL,
    finished      INTEGER NOT NULL,
    key           BLOB NOT NULL,
    team          BLOB NOT NULL,
    model         TEXT,
    outcome       TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_nanos    INTEGER NOT NULL,
    leaf          BLOB NOT NULL,
    bytes         BLOB NOT NULL,
    PRIMARY KEY (log, idx),
    UNIQUE (log, request)
) STRICT;
CREATE INDEX entries_by_time ON entries (log, finished);

CREATE TABLE checkpoints (
    tenant TEXT NOT NULL,
    size   INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    note   TEXT NOT NULL,
    PRIMARY KEY (tenant, size)
) STRICT, WITHOUT ROWID;

-- threat: AGP-T4
CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER entries_are_not_removed BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;

CREATE TRIGGER tenants_inserted AFTER INSERT ON tenants
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER teams_inserted AFTER INSERT ON teams
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER keys_inserted AFTER INSERT ON keys
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER budgets_inserted AFTER INSERT ON budgets
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER tenants_updated AFTER UPDATE ON tenants
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER teams_updated AFTER UPDATE ON teams
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER keys_updated AFTER UPDATE ON keys
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER budgets_updated AFTER UPDATE ON budgets
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER tenants_deleted AFTER DELETE ON tenants
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER teams_deleted AFTER DELETE ON teams
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER keys_deleted AFTER DELETE ON keys
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER budgets_deleted AFTER DELETE ON budgets
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
