-- Entries in the order of their ends, each with its place: read by time in pages, none of which looks at what another did.
CREATE INDEX entries_by_end ON bartizan.entries (tenant, finished, idx);
DROP INDEX IF EXISTS bartizan.entries_by_time;
