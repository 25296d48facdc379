//! Floor 2: the port secrets are read through, its engines for environment, files and the sealed file.
//!
//! Values leave as [`domain::Secret`] and nothing else: no error, no log line and no `Debug` here holds one.
//! Nothing on a request's path reads through this port; what a request needs is in its snapshot.

mod by_scheme;
pub mod conformance;
mod environment;
mod files;
mod port;
mod remembering;
mod sealed;

pub use by_scheme::ByScheme;
pub use environment::Environment;
pub use files::Files;
pub use port::{SECRET_BYTES_MAX, SecretError, Secrets, Versioned, Why, taken_in};
pub use remembering::Remembering;
pub use sealed::{SealedError, SealedFile};
