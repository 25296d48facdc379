-- Entries that last. They lie in parts by month, and a part whose time is over is dropped as a whole. What proofs need stays
-- in a narrow table: the hash of each entry, and a mark by which a request that comes again is known. The mark says nothing
-- about the request: with its id left, what was said could be guessed and held against the hash.
--
-- An entry is filed under the latest end that its log has seen with it, so that a log's entries lie in parts in the order of
-- their places, and what is dropped is always its beginning.

-- The owner carries rows over: row security would show it none.
ALTER TABLE bartizan.entries NO FORCE ROW LEVEL SECURITY;
ALTER TABLE bartizan.logs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE bartizan.entries RENAME TO entries_before;
DROP INDEX bartizan.entries_by_end;

CREATE TABLE bartizan.entry_leaves (
    tenant text NOT NULL,
    idx    bigint NOT NULL,
    leaf   bytea NOT NULL,
    mark   bytea NOT NULL
);

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
    bytes         bytea NOT NULL,
    filed         bigint NOT NULL,
    CONSTRAINT entries_in_order PRIMARY KEY (tenant, idx, filed)
) PARTITION BY RANGE (filed);
CREATE INDEX entries_by_end ON bartizan.entries (tenant, finished, idx);

-- Entries from `removed` on are there; those before it were removed, and all of them ended before `removed_until`.
ALTER TABLE bartizan.logs ADD COLUMN filed bigint NOT NULL DEFAULT 0;
ALTER TABLE bartizan.logs ADD COLUMN removed bigint NOT NULL DEFAULT 0;
ALTER TABLE bartizan.logs ADD COLUMN removed_until bigint NOT NULL DEFAULT 0;
ALTER TABLE bartizan.logs ADD CHECK (removed BETWEEN 0 AND size);

-- Parts are made and dropped under the owner's rights: the gate's roles own no table. The owner sees into them, and into
-- how far logs were removed, only while it does that.
CREATE POLICY keeper_looks ON bartizan.logs FOR SELECT TO CURRENT_USER
    USING (current_setting('bartizan.looks_after', true) = 'entries');

-- The part for what is filed at this time, made if there is none.
CREATE FUNCTION bartizan.make_entries_part(filed bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp := date_trunc('month', to_timestamp(filed / 1000) AT TIME ZONE 'UTC');
    part  text := to_char(month, '"entries_"YYYY"_"MM');
    first bigint := extract(epoch FROM month)::bigint * 1000;
    past  bigint := extract(epoch FROM month + interval '1 month')::bigint * 1000;
BEGIN
    IF filed < 0 OR filed >= 7258118400000 THEN
        RAISE EXCEPTION 'no entry is filed at %', filed;
    END IF;
    IF to_regclass('bartizan.' || part) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7089075319254741345);
    -- What was looked up before the lock is remembered by this session: only making it tells.
    BEGIN
        EXECUTE format('CREATE TABLE bartizan.%I (LIKE bartizan.entries INCLUDING ALL)', part);
    EXCEPTION WHEN duplicate_table THEN
        RETURN; -- another replica was faster, and is done: it let go of the lock
    END;
    EXECUTE format('ALTER TABLE bartizan.%I ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE bartizan.%I FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('CREATE POLICY keeper_looks ON bartizan.%I FOR SELECT TO CURRENT_USER '
                   'USING (current_setting(''bartizan.looks_after'', true) = ''entries'')', part);
    EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON bartizan.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change()', part);
    -- Unlike `PARTITION OF`, this lets others read and write meanwhile.
    EXECUTE format('ALTER TABLE bartizan.entries ATTACH PARTITION bartizan.%I FOR VALUES FROM (%L) TO (%L)',
                   part, first, past);
END
$$;

-- Whether all that a part holds is recorded as removed.
CREATE FUNCTION bartizan.is_removed(part regclass) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sees   boolean;
    is_any boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', part) INTO sees;
    -- Whoever does not see what is there says nothing about it.
    IF pg_relation_size(part) > 0 AND NOT (sees AND EXISTS (SELECT FROM bartizan.logs)) THEN
        RAISE EXCEPTION 'what is in % cannot be seen by %', part, current_user;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM bartizan.logs AS l CROSS JOIN LATERAL '
                   '(SELECT max(idx) AS idx FROM %s AS p WHERE p.tenant = l.tenant) AS last '
                   'WHERE last.idx >= l.removed)', part) INTO is_any;
    RETURN NOT is_any;
END
$$;

-- Drops one part that ended a month ago at least and of which every entry is recorded as removed. Whether there was one.
-- threat: AGP-T4
CREATE FUNCTION bartizan.drop_removed_entries() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    young   text := to_char(now() AT TIME ZONE 'UTC' - interval '1 month', '"entries_"YYYY"_"MM');
    part    regclass;
    dropped boolean := false;
BEGIN
    PERFORM set_config('bartizan.looks_after', 'entries', true);
    FOR part IN
        SELECT c.oid FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'bartizan.entries'::regclass AND c.relname COLLATE "C" < young COLLATE "C"
        ORDER BY c.relname
    LOOP
        CONTINUE WHEN NOT bartizan.is_removed(part);
        LOCK TABLE bartizan.entries IN ACCESS EXCLUSIVE MODE;
        -- Nobody adds to it any more; somebody may have, before.
        CONTINUE WHEN NOT bartizan.is_removed(part);
        EXECUTE format('DROP TABLE %s', part);
        dropped := true;
        EXIT;
    END LOOP;
    PERFORM set_config('bartizan.looks_after', '', true);
    RETURN dropped;
END
$$;
REVOKE ALL ON FUNCTION bartizan.make_entries_part(bigint), bartizan.is_removed(regclass),
    bartizan.drop_removed_entries() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bartizan.make_entries_part(bigint), bartizan.drop_removed_entries() TO bartizan_feed;

-- What is there is carried over.
CREATE TABLE bartizan.places AS
    SELECT tenant, idx, least(greatest(max(finished) OVER (PARTITION BY tenant ORDER BY idx), 0), 7258118399999) AS filed
    FROM bartizan.entries_before;
DO $$
DECLARE
    month timestamp;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', to_timestamp(filed / 1000) AT TIME ZONE 'UTC') FROM bartizan.places LOOP
        PERFORM bartizan.make_entries_part(extract(epoch FROM month)::bigint * 1000);
    END LOOP;
END
$$;
INSERT INTO bartizan.entries
    SELECT b.tenant, b.idx, request, finished, key, team, model, outcome, prompt_tokens, output_tokens, cost_nanos, bytes,
           filed
    FROM bartizan.entries_before AS b JOIN bartizan.places AS p ON p.tenant = b.tenant AND p.idx = b.idx;
INSERT INTO bartizan.entry_leaves
    SELECT tenant, idx, leaf,
           CASE WHEN request ~ '^req_[0-9a-f]{32}$'
                THEN substr(decode(substr(request, 5), 'hex'), 1, 4)
                     || substr(sha256('\x00'::bytea || decode(substr(request, 5), 'hex')), 1, 12)
                ELSE substr(sha256(convert_to(request, 'UTF8')), 1, 16) END
    FROM bartizan.entries_before;
UPDATE bartizan.logs AS l SET filed = p.filed
    FROM (SELECT tenant, max(filed) AS filed FROM bartizan.places GROUP BY tenant) AS p WHERE p.tenant = l.tenant;
DO $$
BEGIN
    IF (SELECT count(*) FROM bartizan.entries) <> (SELECT coalesce(sum(size), 0) FROM bartizan.logs)
        OR (SELECT count(*) FROM bartizan.entry_leaves) <> (SELECT count(*) FROM bartizan.entries) THEN
        RAISE EXCEPTION 'not all entries could be carried over: their number is not the one that logs have';
    END IF;
END
$$;
DROP TABLE bartizan.entries_before, bartizan.places;
ALTER TABLE bartizan.entry_leaves ADD PRIMARY KEY (tenant, idx);
ALTER TABLE bartizan.entry_leaves ADD UNIQUE (tenant, mark);

-- threat: AGP-T4
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON bartizan.entries
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON bartizan.entry_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change();

-- threat: ANP-0007
-- threat: AGP-E1
ALTER TABLE bartizan.logs FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['entries', 'entry_leaves'] LOOP
        EXECUTE format('ALTER TABLE bartizan.%I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE bartizan.%I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON bartizan.%I TO bartizan_app '
                       'USING (tenant = current_setting(''app.tenant'', true)) '
                       'WITH CHECK (tenant = current_setting(''app.tenant'', true))', guarded);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON bartizan.entries, bartizan.entry_leaves TO bartizan_app;
