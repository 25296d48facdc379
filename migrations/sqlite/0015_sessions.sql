-- When a node last asked for a session's window, by its clock: windows of sessions are no times (they begin below
-- -4611686018427387904), and go when nobody has asked for them for long.
ALTER TABLE budget_windows ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
CREATE INDEX budget_windows_of_sessions ON budget_windows (touched) WHERE window_start < -4611686018427387904;
