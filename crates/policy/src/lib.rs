//! Floor 1: Cedar policies decide who may call what. Never does I/O.
