//! Logs: events formatted as lines, scrubbed, and written by one thread. Never blocks the one who logs.

mod decode;
mod fields;
mod literals;
mod panics;
mod scrub;
mod sink;

pub use scrub::Scrubber;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::TelemetryError;
use sink::{LineMaker, Writer};

/// How a line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// For people.
    Text,
}

/// How to log.
pub struct LogOptions {
    /// How a line looks.
    pub format: LogFormat,
    /// `info`, or directives as `info,hyper=warn`.
    pub level: String,
    /// Where lines go.
    pub sink: Box<dyn std::io::Write + Send>,
}

impl LogOptions {
    /// Lines to standard error.
    pub fn stderr(format: LogFormat, level: impl Into<String>) -> Self {
        Self {
            format,
            level: level.into(),
            sink: Box::new(std::io::stderr()),
        }
    }
}

impl std::fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogOptions")
            .field("format", &self.format)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

/// Keeps logging alive; dropping it writes what is still queued.
pub struct LogGuard {
    scrubber: Scrubber,
    level: reload::Handle<EnvFilter, Registry>,
    dropped: Arc<AtomicU64>,
    _writer: Writer,
}

impl LogGuard {
    /// The one scrubber, to register secrets with as they become known.
    pub const fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Changes the level from now on.
    pub fn set_level(&self, level: &str) -> Result<(), TelemetryError> {
        let filter = filter(level)?;
        self.level
            .reload(filter)
            .map_err(|error| TelemetryError::Setup("change the log level", error.to_string()))
    }

    /// Lines that were dropped because the sink was slower than the log.
    pub fn dropped_lines(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for LogGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogGuard").finish_non_exhaustive()
    }
}

/// Sets up logging for the whole process, panics included. Once.
// threat: AGP-I1
// threat: AGP-CRED-3.1
pub fn init(options: LogOptions) -> Result<LogGuard, TelemetryError> {
    let (dispatch, guard) = build(options)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::AlreadySet)?;
    panics::log_instead_of_printing();
    Ok(guard)
}

/// As [`init`], for one's own dispatcher.
pub fn build(options: LogOptions) -> Result<(Dispatch, LogGuard), TelemetryError> {
    let (filter, level) = reload::Layer::new(filter(&options.level)?);
    let scrubber = Scrubber::new();
    let dropped = Arc::new(AtomicU64::new(0));
    let (lines, writer) = sink::start(options.sink, scrubber.clone(), dropped.clone())
        .map_err(|error| TelemetryError::Setup("start the log thread", error.to_string()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let dispatch = match options.format {
        LogFormat::Json => Dispatch::new(registry.with(json_layer(lines))),
        LogFormat::Text => Dispatch::new(registry.with(fmt::layer().with_ansi(false).with_writer(lines))),
    };
    Ok((
        dispatch,
        LogGuard {
            scrubber,
            level,
            dropped,
            _writer: writer,
        },
    ))
}

fn json_layer<S>(lines: LineMaker) -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(lines)
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let clipped = || TelemetryError::Level(level.chars().take(64).collect());
    let known = |part: &str| {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        level.parse::<tracing::level_filters::LevelFilter>().is_ok()
    };
    // The filter itself takes any word for a target; a mistyped level would silence the log.
    if !level.split(',').all(|part| known(part.trim())) {
        return Err(clipped());
    }
    EnvFilter::builder().parse(level).map_err(|_| clipped())
}
