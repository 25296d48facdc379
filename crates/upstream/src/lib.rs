//! Floor 2: HTTP out, with egress rules, deadlines and pooling.
