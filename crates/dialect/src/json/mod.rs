//! A strict JSON reader over borrowed text that knows where everything stands, and a writer.
//!
//! Why not a general parser here: the gate must know the byte span of what it may replace, must see
//! repeated keys, and reads every body on the hot path. The reader accepts exactly what RFC 8259 allows
//! (a property test holds it against `serde_json`) and never builds a tree.

mod fields;
mod reader;
mod scan;
mod text;
mod writer;

pub(crate) use fields::{Fields, as_text, elements};
pub(crate) use reader::{Kind, Reader};
pub(crate) use text::Str;
pub(crate) use writer::{Writer, push_text};

/// Deepest nesting read when no tighter limit is given. Bounds the reader's own recursion.
pub(crate) const DEPTH_MAX: u32 = 128;
