//! Floor 1: counts tokens of text, bounded in time. Never does I/O.
