//! Passwords of people: which are fit to be set, how they are kept, and how an attempt is judged.
//! Never keeps a password, and never says how far off an attempt was.
//!
//! What is compared is the exact bytes that were sent. Unicode normalisation is left out on purpose: its
//! tables change from version to version, and a password must verify for as long as its hash is kept. The
//! price: an accented letter typed as one character is not the same letter typed as two.
//!
//! **What it costs.** One hash or one [`verify`] fills 19 MiB of memory and takes some 140 million
//! instructions; judging a new password takes 20 to 300 milliseconds of a core, by what is in it. Callers
//! run both off the async threads (`spawn_blocking`) and bound how many run at once: sixteen hashes are
//! 304 MiB.

mod fitness;
mod hash;

pub use fitness::{CHARS_MAX, CHARS_MIN, NewPassword, Unfit};
pub use hash::{HashError, NotAHash, PasswordHash, Verdict, verify};
