-- Samples and published prompt templates of tenants: calls are answered by them, so a change of one raises the revision, and
-- every replica reads them again.
-- threat: ANP-0021

CREATE TRIGGER raise_revision_apps_new AFTER INSERT OR UPDATE ON bartizan.records
    FOR EACH ROW WHEN (NEW.kind IN ('sample', 'prompt_in_use')) EXECUTE FUNCTION bartizan.raise_revision();
CREATE TRIGGER raise_revision_apps_old AFTER DELETE ON bartizan.records
    FOR EACH ROW WHEN (OLD.kind IN ('sample', 'prompt_in_use')) EXECUTE FUNCTION bartizan.raise_revision();

-- Those of all tenants: drafts, and versions that are not in use, are no node's to read.
-- threat: AGP-E1
CREATE POLICY node_reads_apps ON bartizan.records FOR SELECT TO bartizan_feed
    USING (kind IN ('sample', 'prompt_in_use'));
