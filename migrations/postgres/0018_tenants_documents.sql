-- Documents of tenants that calls are answered by, how a tenant guards its own calls and where it lets their content go:
-- a change of one raises the revision, and every replica reads them again.
-- threat: ANP-0017

CREATE TRIGGER raise_revision_answered_by_new AFTER INSERT OR UPDATE ON bartizan.records
    FOR EACH ROW WHEN (NEW.kind IN ('tenant_guards', 'consents')) EXECUTE FUNCTION bartizan.raise_revision();
CREATE TRIGGER raise_revision_answered_by_old AFTER DELETE ON bartizan.records
    FOR EACH ROW WHEN (OLD.kind IN ('tenant_guards', 'consents')) EXECUTE FUNCTION bartizan.raise_revision();

-- One a tenant: the node reads all of them at once, and no other document of theirs.
-- threat: AGP-E1
CREATE POLICY node_reads_what_it_answers_by ON bartizan.records FOR SELECT TO bartizan_feed
    USING (kind IN ('tenant_guards', 'consents'));
