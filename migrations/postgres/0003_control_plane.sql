-- What the control plane keeps: a tenant's state, documents, and who did what. Neither documents nor audit
-- records raise the directory's revision: no data plane answers from them.

ALTER TABLE bartizan.tenants ADD COLUMN state text NOT NULL DEFAULT 'active';

-- Some belong to the platform, which is no tenant: they refer to nothing. Pages go by ids, in the order of
-- their bytes, whatever language the database speaks.
CREATE TABLE bartizan.records (
    tenant   text NOT NULL,
    kind     text NOT NULL,
    id       text COLLATE "C" NOT NULL,
    parent   text COLLATE "C",
    name     text COLLATE "C",
    created  bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE UNIQUE INDEX records_by_name ON bartizan.records (tenant, kind, name) WHERE name IS NOT NULL;
CREATE INDEX records_by_parent ON bartizan.records (tenant, kind, parent, id);
-- A session is found by its digest before its tenant is known.
-- threat: CTX-T3
CREATE UNIQUE INDEX sessions_by_digest ON bartizan.records (name) WHERE kind = 'session' AND name IS NOT NULL;
CREATE INDEX records_by_age ON bartizan.records (kind, created);

CREATE TABLE bartizan.audit_logs (
    tenant text PRIMARY KEY,
    size   bigint NOT NULL
);

CREATE TABLE bartizan.audits (
    tenant text NOT NULL,
    idx    bigint NOT NULL,
    id     text NOT NULL,
    at     bigint NOT NULL,
    actor  text,
    act    text NOT NULL,
    target text,
    leaf   bytea NOT NULL,
    bytes  bytea NOT NULL,
    PRIMARY KEY (tenant, idx),
    UNIQUE (tenant, id)
);
CREATE INDEX audits_by_time ON bartizan.audits (tenant, at, idx);
CREATE INDEX audits_by_act ON bartizan.audits (tenant, act, idx);
CREATE INDEX audits_by_actor ON bartizan.audits (tenant, actor, idx) WHERE actor IS NOT NULL;
CREATE INDEX audits_by_target ON bartizan.audits (tenant, target, idx) WHERE target IS NOT NULL;

CREATE TABLE bartizan.audit_checkpoints (
    tenant text NOT NULL,
    size   bigint NOT NULL,
    signed bigint NOT NULL,
    note   text NOT NULL,
    PRIMARY KEY (tenant, size)
);

-- threat: AGP-R3
CREATE OR REPLACE FUNCTION bartizan.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are append-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON bartizan.audits
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change();

-- threat: ANP-0007
-- threat: AGP-E1
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['records', 'audit_logs', 'audits', 'audit_checkpoints'] LOOP
        EXECUTE format('ALTER TABLE bartizan.%I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE bartizan.%I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON bartizan.%I TO bartizan_app '
                       'USING (tenant = current_setting(''app.tenant'', true)) '
                       'WITH CHECK (tenant = current_setting(''app.tenant'', true))', guarded);
    END LOOP;
END
$$;

GRANT UPDATE (name, limits, state) ON bartizan.tenants TO bartizan_app;
GRANT UPDATE (name, limits) ON bartizan.teams TO bartizan_app;
GRANT SELECT, INSERT, DELETE, UPDATE (parent, name, created, document) ON bartizan.records TO bartizan_app;
GRANT SELECT, INSERT, UPDATE (size) ON bartizan.audit_logs TO bartizan_app;
GRANT SELECT, INSERT ON bartizan.audits, bartizan.audit_checkpoints TO bartizan_app;

-- The node finds sessions by their digests. It removes what comes and goes by itself without reading it: a
-- DELETE that names no column is held against this policy alone, which takes kind and age from settings and
-- lets nothing go while those are not made.
-- threat: AGP-E1
CREATE POLICY node_finds_sessions ON bartizan.records FOR SELECT TO bartizan_feed USING (kind = 'session');
CREATE POLICY node_sweeps ON bartizan.records FOR DELETE TO bartizan_feed
    USING (kind IN ('session', 'replay')
           AND kind = current_setting('app.sweep_kind', true)
           AND created < nullif(current_setting('app.sweep_until', true), '')::bigint);
GRANT SELECT, DELETE ON bartizan.records TO bartizan_feed;
