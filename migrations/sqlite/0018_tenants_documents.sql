-- Documents of tenants that calls are answered by, how a tenant guards its own calls and where it lets their content go:
-- a change of one raises the revision, and every replica reads them again.
-- threat: ANP-0017

CREATE TRIGGER answered_by_inserted AFTER INSERT ON records WHEN NEW.kind IN ('tenant_guards', 'consents')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER answered_by_updated AFTER UPDATE ON records WHEN NEW.kind IN ('tenant_guards', 'consents')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
CREATE TRIGGER answered_by_deleted AFTER DELETE ON records WHEN OLD.kind IN ('tenant_guards', 'consents')
BEGIN UPDATE directory_revision SET revision = revision + 1; END;
