//! Floor 2: scrubbed logs, metrics and traces.
//!
//! - Logs: [`log::init`] puts one [`Scrubber`] before the only sink. What a line says of credentials is replaced there,
//!   whoever wrote it.
//! - Metrics: [`metrics::Metrics`] holds everything `/metrics` shows, behind handles that cost an atomic add.
//! - Traces: [`trace::Tracer`] sends one span a call over OTLP/HTTP; off unless configured.
//!
//! Nothing here ever holds a prompt, an answer or a header of a caller.

pub mod log;
pub mod metrics;
pub mod trace;

pub use log::Scrubber;
pub use metrics::Metrics;
pub use trace::Tracer;

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A log level nobody knows.
    #[error(
        "`{0}` is not a log level: expected `error`, `warn`, `info`, `debug`, `trace` or `target=level` pairs"
    )]
    Level(String),
    /// Logs were set up before.
    #[error("logs are already set up")]
    AlreadySet,
    /// The collector's address cannot be used.
    #[error("`{0}` is not an address of a collector: expected `http://` or `https://`, host and port")]
    Endpoint(String),
    /// A header for the collector that HTTP does not allow. Its value is not repeated.
    #[error("header `{0}` for the collector is not valid")]
    Header(String),
    /// A library or the system refused.
    #[error("cannot {0}: {1}")]
    Setup(&'static str, String),
}
