//! Floor 1: runs an operator's own guard, a WebAssembly module, in an interpreter with fuel and memory bounds. Never does
//! I/O.
//!
//! It stands on floor 1 because it is an engine: a module's bytes, a text and bounds in, findings out. What it implements is a port of
//! `guard`, whose values it speaks in; that is its one edge within the floor.
//!
//! - [`WasmExtension::load`] reads a module and refuses what cannot be one; [`guard::Extension`] is what it then is.
//! - [`WasmExtension::try_on`] also says what a text cost, for who writes one.
//! - [`abi`] is what a module exports, and what it answers.
//!
//! What holds: a module sees the text of one call, its direction and origin, and nothing else. It imports nothing, so there is
//! no clock, no randomness, no file and no socket to ask. Each text gets an instance of its own, with memory as the module's
//! file says it begins, so nothing of one text is there for the next. The same text always gets the same answer, fuel included.

pub mod abi;
mod extension;
mod load;

pub use extension::{Tried, WasmExtension};
pub use load::{FUEL_BASE, LoadError, MODULE_BYTES_MAX};
