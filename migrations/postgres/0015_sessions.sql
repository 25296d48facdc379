-- When a node last asked for a session's window, by its clock: windows of sessions are no times (they begin below
-- -4611686018427387904), and go when nobody has asked for them for long.
ALTER TABLE bartizan.budget_windows ADD COLUMN touched bigint NOT NULL DEFAULT 0;
CREATE INDEX budget_windows_of_sessions ON bartizan.budget_windows (touched)
    WHERE window_start < -4611686018427387904;

-- The node forgets them as it forgets nonces: nothing goes while the setting is not made, nor where anything is held.
-- threat: AGP-D1
CREATE POLICY node_forgets ON bartizan.budget_windows FOR DELETE TO bartizan_feed
    USING (window_start < -4611686018427387904 AND leased = 0 AND unexplained = 0
           AND touched < nullif(current_setting('app.sweep_until', true), '')::bigint);
GRANT DELETE ON bartizan.budget_windows TO bartizan_feed;
