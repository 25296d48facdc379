-- What a budget says beside whose, how much and how long, as JSON; without any it is `{}`.
ALTER TABLE budgets ADD COLUMN terms TEXT NOT NULL DEFAULT '{}';

-- The highest mark (a percentage of the limit) that what was spent has reached, and the highest that was told.
ALTER TABLE budget_windows ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;
ALTER TABLE budget_windows ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX budget_windows_to_tell ON budget_windows (tenant, budget, window_start) WHERE told < reached;
