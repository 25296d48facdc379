//! Floor 3: the PostgreSQL storage engine, with row-level security.
