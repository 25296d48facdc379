//! Floor 1: wire formats of callers and providers, and translation between them. Never does I/O.
