-- What tenants keep of their calls' exchanges: a row for each call, sealed under the tenant's content key. It is added and
-- removed, never changed.
CREATE TABLE bartizan.exchanges (
    tenant        text NOT NULL,
    id            text COLLATE "C" NOT NULL,
    started       bigint NOT NULL,
    key           text NOT NULL,
    model         text COLLATE "C",
    kept          text NOT NULL,
    status        integer NOT NULL,
    request_bytes bigint NOT NULL,
    answer_bytes  bigint NOT NULL,
    sealed        bytea NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX exchanges_by_time ON bartizan.exchanges (tenant, started, id);

-- threat: ANP-0012
CREATE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON bartizan.exchanges
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change();

-- threat: ANP-0007
-- threat: AGP-E1
ALTER TABLE bartizan.exchanges ENABLE ROW LEVEL SECURITY;
ALTER TABLE bartizan.exchanges FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON bartizan.exchanges TO bartizan_app
    USING (tenant = current_setting('app.tenant', true))
    WITH CHECK (tenant = current_setting('app.tenant', true));
GRANT SELECT, INSERT, DELETE ON bartizan.exchanges TO bartizan_app;

-- Which of it each tenant keeps, and for how long. Data planes hear of every change of a tenant.
ALTER TABLE bartizan.tenants ADD COLUMN history text NOT NULL DEFAULT '{}';
GRANT UPDATE (history) ON bartizan.tenants TO bartizan_app;
