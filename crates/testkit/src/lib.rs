//! Tests only: scripted providers, throw-away servers, the gate as a child process.
//!
//! Nothing here is part of the product: every function may panic with a sentence that
//! says what the test machine lacks or what the gate did not do in time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test tool: a broken assumption should stop the test with its line"
)]

pub mod client;
pub mod faulty;
pub mod gate;
pub mod gzip;
pub mod openbao;
pub mod postgres;
pub mod provider;
pub mod s3;

pub use client::{Answer, Client};
pub use faulty::{Fault, FaultyProxy};
pub use gate::{Gate, GateBuilder};
pub use openbao::OpenBao;
pub use provider::{Cut, Received, Reply, ScriptedProvider};
pub use s3::{Mood, S3Server};
