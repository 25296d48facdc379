//! Floor 1: inspects text, whole or streamed, and says permit, redact or block. Never does I/O.
