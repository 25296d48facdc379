//! What leaves towards others, against servers of theirs.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code")]

mod s3;
