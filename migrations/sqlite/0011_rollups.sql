-- Roll-ups: what calls used and cost, by the hour and by everything that reports tell them apart by. A series is that
-- everything, as JSON, named by its digest.
CREATE TABLE usage_series (
    log    INTEGER NOT NULL,
    series BLOB NOT NULL,
    said   TEXT NOT NULL,
    PRIMARY KEY (log, series)
) STRICT, WITHOUT ROWID;

-- Hours count from 1970. The parts of an hour beside `requests` are tokens, and nano-dollars.
CREATE TABLE usage_hours (
    log              INTEGER NOT NULL,
    hour             INTEGER NOT NULL,
    series           BLOB NOT NULL,
    requests         INTEGER NOT NULL,
    input            INTEGER NOT NULL,
    output           INTEGER NOT NULL,
    cache_read       INTEGER NOT NULL,
    cache_write      INTEGER NOT NULL,
    cache_write_long INTEGER NOT NULL,
    reasoning        INTEGER NOT NULL,
    audio_input      INTEGER NOT NULL,
    audio_output     INTEGER NOT NULL,
    cost_nanos       INTEGER NOT NULL,
    PRIMARY KEY (log, hour, series)
) STRICT, WITHOUT ROWID;

-- How many of a log's entries are in its roll-ups. Those from before this are made up for while the gate runs.
ALTER TABLE logs ADD COLUMN rolled INTEGER NOT NULL DEFAULT 0;
