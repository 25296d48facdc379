-- What machines show beside keys. A binding stands for one key: its digest says of which tenant's, where
-- that matters, so that none is here twice. Nonces are spent once, and forgotten when they are over. Neither raises the
-- directory's revision: bindings change with their keys only.

-- threat: AGP-S1
CREATE TABLE bartizan.bindings (
    digest bytea PRIMARY KEY,
    tenant text NOT NULL,
    key    text NOT NULL
);
CREATE INDEX bindings_by_key ON bartizan.bindings (tenant, key);

-- threat: ANP-0001
CREATE TABLE bartizan.nonces (
    tenant text NOT NULL,
    digest bytea NOT NULL,
    until  bigint NOT NULL,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX nonces_by_end ON bartizan.nonces (until);

-- threat: ANP-0007
-- threat: AGP-E1
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['bindings', 'nonces'] LOOP
        EXECUTE format('ALTER TABLE bartizan.%I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE bartizan.%I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON bartizan.%I TO bartizan_app '
                       'USING (tenant = current_setting(''app.tenant'', true)) '
                       'WITH CHECK (tenant = current_setting(''app.tenant'', true))', guarded);
    END LOOP;
END
$$;

GRANT SELECT, INSERT, DELETE ON bartizan.bindings TO bartizan_app;
GRANT SELECT, INSERT ON bartizan.nonces TO bartizan_app;

-- The node forgets nonces without reading them, as it sweeps records: nothing goes while the setting is not made.
CREATE POLICY node_forgets ON bartizan.nonces FOR DELETE TO bartizan_feed
    USING (until < nullif(current_setting('app.sweep_until', true), '')::bigint);
GRANT DELETE ON bartizan.nonces TO bartizan_feed;
