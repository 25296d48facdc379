-- What tenants have set up for themselves, sinks and schedules, is worked on by every node: a change of it raises the
-- revision, and every replica reads it again.
-- threat: AGP-R3

CREATE TRIGGER raise_revision_own_new AFTER INSERT OR UPDATE ON bartizan.records
    FOR EACH ROW WHEN (NEW.kind IN ('own_sink', 'own_schedule')) EXECUTE FUNCTION bartizan.raise_revision();
CREATE TRIGGER raise_revision_own_old AFTER DELETE ON bartizan.records
    FOR EACH ROW WHEN (OLD.kind IN ('own_sink', 'own_schedule')) EXECUTE FUNCTION bartizan.raise_revision();
