-- Roll-ups: what calls used and cost, by the hour and by everything that reports tell them apart by. A series is that
-- everything, as JSON, named by its digest.
CREATE TABLE bartizan.usage_series (
    tenant text NOT NULL,
    series bytea NOT NULL,
    said   text NOT NULL,
    PRIMARY KEY (tenant, series)
);

-- Hours count from 1970. The parts of an hour beside `requests` are tokens, and nano-dollars.
CREATE TABLE bartizan.usage_hours (
    tenant           text NOT NULL,
    hour             bigint NOT NULL,
    series           bytea NOT NULL,
    requests         bigint NOT NULL,
    input            bigint NOT NULL,
    output           bigint NOT NULL,
    cache_read       bigint NOT NULL,
    cache_write      bigint NOT NULL,
    cache_write_long bigint NOT NULL,
    reasoning        bigint NOT NULL,
    audio_input      bigint NOT NULL,
    audio_output     bigint NOT NULL,
    cost_nanos       bigint NOT NULL,
    PRIMARY KEY (tenant, hour, series)
);

-- How many of a log's entries are in its roll-ups. Those from before this are made up for while the gate runs.
ALTER TABLE bartizan.logs ADD COLUMN rolled bigint NOT NULL DEFAULT 0;

-- threat: ANP-0007
-- threat: AGP-E1
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['usage_series', 'usage_hours'] LOOP
        EXECUTE format('ALTER TABLE bartizan.%I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE bartizan.%I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON bartizan.%I TO bartizan_app '
                       'USING (tenant = current_setting(''app.tenant'', true)) '
                       'WITH CHECK (tenant = current_setting(''app.tenant'', true))', guarded);
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON bartizan.usage_series TO bartizan_app;
GRANT SELECT, INSERT, UPDATE ON bartizan.usage_hours TO bartizan_app;
