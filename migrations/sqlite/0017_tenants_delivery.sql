-- What tenants have set up for themselves, sinks and schedules, is worked on by every node: a change of it raises the
-- revision, and every replica reads it again.
-- threat: AGP-R3

CREATE TRIGGER own_inserted AFTER INSERT ON records WHEN NEW.kind IN ('own_sink', 'own_schedule')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER own_updated AFTER UPDATE ON records WHEN NEW.kind IN ('own_sink', 'own_schedule')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER own_deleted AFTER DELETE ON records WHEN OLD.kind IN ('own_sink', 'own_schedule')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
