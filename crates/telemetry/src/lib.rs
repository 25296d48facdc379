//! Floor 2: scrubbed logs, metrics and traces.
