-- What machines show beside keys. A binding stands for one key: its digest says of which tenant's, where
-- that matters, so that none is here twice. Nonces are spent once, and forgotten when they are over.

-- threat: AGP-S1
CREATE TABLE bindings (
    digest BLOB PRIMARY KEY,
    tenant TEXT NOT NULL,
    key    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_by_key ON bindings (key);

-- threat: ANP-0001
CREATE TABLE nonces (
    tenant TEXT NOT NULL,
    digest BLOB NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_end ON nonces (until);
