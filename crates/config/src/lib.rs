//! Floor 1: bartizan.yaml, strictly read. Never opens a socket.
