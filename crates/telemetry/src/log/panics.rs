//! Panics go the way of every other line, so the scrubber sees their messages too.

use std::panic;

/// Replaces the hook that prints to standard error.
pub(super) fn log_instead_of_printing() {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("(no message)");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic: {message}");
    }));
}
