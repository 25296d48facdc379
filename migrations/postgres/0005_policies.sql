-- Which policies are in force is a record that data planes answer by: a change of it raises the directory's
-- revision, and every replica reads it again.
-- threat: ANP-0002

CREATE TRIGGER raise_revision_new AFTER INSERT OR UPDATE ON bartizan.records
    FOR EACH ROW WHEN (NEW.kind = 'policy_standing') EXECUTE FUNCTION bartizan.raise_revision();
CREATE TRIGGER raise_revision_old AFTER DELETE ON bartizan.records
    FOR EACH ROW WHEN (OLD.kind = 'policy_standing') EXECUTE FUNCTION bartizan.raise_revision();
