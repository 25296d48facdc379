-- What was carried into a window out of the one before, less what was carried out of it into the next.
ALTER TABLE budget_windows ADD COLUMN carried integer NOT NULL DEFAULT 0;
