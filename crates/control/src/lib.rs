//! Floor 4: the control-plane listener.
