//! Tests only: scripted providers, throw-away servers, the gate as a child process.
