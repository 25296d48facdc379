//! Floor 3: the embedded storage engine.
