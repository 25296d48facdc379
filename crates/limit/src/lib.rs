//! Floor 1: rates, concurrency and circuit breaking. Never reads a clock.
