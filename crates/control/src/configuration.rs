//! A tenant's whole configuration as one document, and what must be done to make it so.
//!
//! Things refer to each other by name, so a document of one instance can be applied to another. [`plan`] is pure:
//! two documents in, steps out. What a step does, and whom it asks, is in [`make`]; nobody does here what they may
//! not do singly.

mod check;
pub mod document;
pub mod make;
pub mod plan;
pub mod things;
pub mod world;

pub use check::in_one_spelling;
pub use things::{Kind, Part, Things, put_together};

use crate::problem::{Code, Problem};

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer into the document.
    pub pointer: String,
    /// A sentence for whoever wrote it.
    pub detail: String,
}

impl Fault {
    fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::new(Code::Invalid, fault.detail).at(fault.pointer)
    }
}
