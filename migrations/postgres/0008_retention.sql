-- Audit records whose time is over: what they said goes, their hashes stay, so that the log's tree still stands. Their
-- ids go as well: with them left, what was said could be guessed and held against the hash.

CREATE TABLE bartizan.audits_removed (
    tenant text NOT NULL,
    idx    bigint NOT NULL,
    leaf   bytea NOT NULL,
    PRIMARY KEY (tenant, idx)
);

-- threat: ANP-0007
-- threat: AGP-E1
ALTER TABLE bartizan.audits_removed ENABLE ROW LEVEL SECURITY;
ALTER TABLE bartizan.audits_removed FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON bartizan.audits_removed TO bartizan_app
    USING (tenant = current_setting('app.tenant', true))
    WITH CHECK (tenant = current_setting('app.tenant', true));

-- threat: AGP-R3
CREATE FUNCTION bartizan.refuse_loss() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bartizan.audits_removed
                   WHERE tenant = OLD.tenant AND idx = OLD.idx AND leaf = OLD.leaf) THEN
        RAISE EXCEPTION 'audits are append-only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END
$$;
CREATE FUNCTION bartizan.refuse_invention() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bartizan.audits
                   WHERE tenant = NEW.tenant AND idx = NEW.idx AND leaf = NEW.leaf) THEN
        RAISE EXCEPTION 'nothing but the hash of an audit record is kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER refuse_change ON bartizan.audits;
CREATE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON bartizan.audits
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change();
CREATE TRIGGER refuse_loss BEFORE DELETE ON bartizan.audits
    FOR EACH ROW EXECUTE FUNCTION bartizan.refuse_loss();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON bartizan.audits_removed
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse_change();
CREATE TRIGGER refuse_invention BEFORE INSERT ON bartizan.audits_removed
    FOR EACH ROW EXECUTE FUNCTION bartizan.refuse_invention();

GRANT SELECT, INSERT ON bartizan.audits_removed TO bartizan_app;
GRANT DELETE ON bartizan.audits TO bartizan_app;
