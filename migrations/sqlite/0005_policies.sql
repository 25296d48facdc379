-- Which policies are in force is a record that data planes answer by: a change of it raises the directory's
-- revision, and every replica reads it again.
-- threat: ANP-0002

CREATE TRIGGER policies_inserted AFTER INSERT ON records WHEN NEW.kind = 'policy_standing'
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER policies_updated AFTER UPDATE ON records WHEN NEW.kind = 'policy_standing'
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER policies_deleted AFTER DELETE ON records WHEN OLD.kind = 'policy_standing'
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
