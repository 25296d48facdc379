-- The first schema. Money is in nano-dollars, times are milliseconds since 1970.
--
-- Every table with a column `tenant` has row-level security, forced on its owner too. bartizan_app sees the
-- rows of the tenant in `app.tenant`; bartizan_feed does what concerns a whole node: it loads the directory
-- and keeps leases, and cannot see an entry.

GRANT USAGE ON SCHEMA bartizan TO bartizan_app, bartizan_feed;
GRANT SELECT ON bartizan.schema_migrations TO bartizan_feed;

-- One row: rises with every change of the directory.
CREATE TABLE bartizan.directory_revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision bigint NOT NULL
);
INSERT INTO bartizan.directory_revision (revision) VALUES (0);

CREATE TABLE bartizan.tenants (
    tenant text PRIMARY KEY,
    name   text NOT NULL UNIQUE,
    limits text NOT NULL
);

CREATE TABLE bartizan.teams (
    team   text PRIMARY KEY,
    tenant text NOT NULL REFERENCES bartizan.tenants (tenant),
    name   text NOT NULL,
    limits text NOT NULL,
    UNIQUE (tenant, name),
    UNIQUE (tenant, team)
);

CREATE TABLE bartizan.keys (
    key      text PRIMARY KEY,
    tenant   text NOT NULL,
    team     text NOT NULL,
    digest   bytea NOT NULL UNIQUE,
    state    text NOT NULL,
    created  bigint NOT NULL,
    document text NOT NULL,
    FOREIGN KEY (tenant, team) REFERENCES bartizan.teams (tenant, team)
);
CREATE INDEX keys_by_tenant ON bartizan.keys (tenant, created, key);

CREATE TABLE bartizan.budgets (
    budget      text PRIMARY KEY,
    tenant      text NOT NULL REFERENCES bartizan.tenants (tenant),
    name        text NOT NULL,
    limit_nanos bigint NOT NULL,
    scope       text NOT NULL,
    period      text NOT NULL,
    UNIQUE (tenant, budget)
);

-- leased is the sum of the remainders of live leases, unexplained that of expired ones. last_grant is what
-- the latest growth granted, so that one statement can decide, book and tell.
CREATE TABLE bartizan.budget_windows (
    tenant       text NOT NULL,
    budget       text NOT NULL,
    window_start bigint NOT NULL,
    spent        bigint NOT NULL DEFAULT 0,
    leased       bigint NOT NULL DEFAULT 0 CHECK (leased >= 0),
    unexplained  bigint NOT NULL DEFAULT 0 CHECK (unexplained >= 0),
    last_grant   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, budget, window_start),
    FOREIGN KEY (tenant, budget) REFERENCES bartizan.budgets (tenant, budget) ON DELETE CASCADE
);

CREATE TABLE bartizan.leases (
    tenant       text NOT NULL,
    budget       text NOT NULL,
    window_start bigint NOT NULL,
    node         text NOT NULL,
    amount       bigint NOT NULL,
    used         bigint NOT NULL CHECK (used BETWEEN 0 AND amount),
    expires      bigint NOT NULL,
    expired      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, budget, window_start, node),
    FOREIGN KEY (tenant, budget, window_start)
        REFERENCES bartizan.budget_windows (tenant, budget, window_start) ON DELETE CASCADE
);
CREATE INDEX leases_by_node ON bartizan.leases (node);
CREATE INDEX leases_that_may_expire ON bartizan.leases (expires) WHERE NOT expired AND amount > used;

-- Evidence outlives what it is about: entries refer to nothing.
CREATE TABLE bartizan.entries (
    tenant        text NOT NULL,
    idx           bigint NOT NULL,
    request       text NOT NULL,
    finished      bigint NOT NULL,
    key           text NOT NULL,
    team          text NOT NULL,
    model         text,
    outcome       text NOT NULL,
    prompt_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_nanos    bigint NOT NULL,
    leaf          bytea NOT NULL,
    bytes         bytea NOT NULL,
    PRIMARY KEY (tenant, idx),
    UNIQUE (tenant, request)
);
CREATE INDEX entries_by_time ON bartizan.entries (tenant, finished);

CREATE TABLE bartizan.logs (
    tenant text PRIMARY KEY,
    size   bigint NOT NULL
);

CREATE TABLE bartizan.checkpoints (
    tenant text NOT NULL,
    size   bigint NOT NULL,
    signed bigint NOT NULL,
    note   text NOT NULL,
    PRIMARY KEY (tenant, size)
);

-- What may still be leased. Each step stays within 64 bits, however far a budget was overspent.
CREATE FUNCTION bartizan.room(limit_nanos bigint, spent bigint, leased bigint, unexplained bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(greatest(greatest(greatest(limit_nanos, 0) - spent, 0) - leased, 0) - unexplained, 0)
$$;

-- The revision is raised by triggers, under the owner's rights: no write can forget to, and no role that
-- writes the directory can set it.
CREATE FUNCTION bartizan.raise_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE bartizan.directory_revision SET revision = revision + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER raise_revision AFTER INSERT OR UPDATE OR DELETE ON bartizan.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.raise_revision();
CREATE TRIGGER raise_revision AFTER INSERT OR UPDATE OR DELETE ON bartizan.teams
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.raise_revision();
CREATE TRIGGER raise_revision AFTER INSERT OR UPDATE OR DELETE ON bartizan.keys
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.raise_revision();
CREATE TRIGGER raise_revision AFTER INSERT OR UPDATE OR DELETE ON bartizan.budgets
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.raise_revision();

-- threat: AGP-T4
CREATE FUNCTION bartizan.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries are append-only';
END
$$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON bartizan.entries
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change();

-- threat: ANP-0007
-- threat: AGP-E1
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['tenants', 'teams', 'keys', 'budgets', 'budget_windows', 'leases', 'entries',
                                   'logs', 'checkpoints'] LOOP
        EXECUTE format('ALTER TABLE bartizan.%I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE bartizan.%I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON bartizan.%I TO bartizan_app '
                       'USING (tenant = current_setting(''app.tenant'', true)) '
                       'WITH CHECK (tenant = current_setting(''app.tenant'', true))', guarded);
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON bartizan.tenants, bartizan.teams, bartizan.entries, bartizan.checkpoints TO bartizan_app;
GRANT SELECT, INSERT, UPDATE ON bartizan.keys, bartizan.budget_windows, bartizan.leases, bartizan.logs TO bartizan_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON bartizan.budgets TO bartizan_app;

CREATE POLICY node_reads ON bartizan.tenants FOR SELECT TO bartizan_feed USING (true);
CREATE POLICY node_reads ON bartizan.teams FOR SELECT TO bartizan_feed USING (true);
CREATE POLICY node_reads ON bartizan.keys FOR SELECT TO bartizan_feed USING (true);
CREATE POLICY node_reads ON bartizan.budgets FOR SELECT TO bartizan_feed USING (true);
CREATE POLICY node_reads ON bartizan.budget_windows FOR SELECT TO bartizan_feed USING (true);
CREATE POLICY node_counts ON bartizan.budget_windows FOR UPDATE TO bartizan_feed USING (true) WITH CHECK (true);
CREATE POLICY node_reads ON bartizan.leases FOR SELECT TO bartizan_feed USING (true);
CREATE POLICY node_renews ON bartizan.leases FOR UPDATE TO bartizan_feed USING (true) WITH CHECK (true);
CREATE POLICY node_closes ON bartizan.leases FOR DELETE TO bartizan_feed USING (true);
GRANT SELECT ON bartizan.directory_revision, bartizan.tenants, bartizan.teams, bartizan.keys, bartizan.budgets
    TO bartizan_feed;
GRANT SELECT, UPDATE ON bartizan.budget_windows TO bartizan_feed;
GRANT SELECT, UPDATE, DELETE ON bartizan.leases TO bartizan_feed;
