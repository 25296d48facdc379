-- Samples and published prompt templates of tenants: calls are answered by them, so a change of one raises the revision, and
-- every replica reads them again.
-- threat: ANP-0021

CREATE TRIGGER apps_inserted AFTER INSERT ON records WHEN NEW.kind IN ('sample', 'prompt_in_use')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER apps_updated AFTER UPDATE ON records WHEN NEW.kind IN ('sample', 'prompt_in_use')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER apps_deleted AFTER DELETE ON records WHEN OLD.kind IN ('sample', 'prompt_in_use')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
