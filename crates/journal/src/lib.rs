//! Floor 2: the append-only local journal that survives kill -9.
