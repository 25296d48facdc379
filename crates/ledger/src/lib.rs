//! Floor 1: money and evidence: prices, budgets, entries, Merkle logs, signed checkpoints, offline proofs.
//! Never does I/O, never reads a clock.

mod audit;
mod budget;
pub mod bundle;
mod catalog;
pub mod certificate;
mod compact;
mod digest;
mod entry;
pub mod exchange;
mod holding;
mod intent;
mod labels;
pub mod merkle;
pub mod note;
mod posting;
mod price;
pub mod receipt;
pub mod retention;
mod session;
mod stretch;
pub mod succession;
mod terms;
mod window;
pub mod witness;
pub mod zone;

pub use audit::{AuditActor, AuditOutcome, AuditRecord};
pub use budget::{Budget, BudgetScope, Charge, Lease, Spender, Standing, Window};
pub use catalog::{
    Capabilities, Catalog, CatalogError, Dated, ImportError, Imported, LeftOut, Listing, ModelFacts, Override,
};
pub use digest::Digest;
pub use entry::{ENTRY_BYTES_MAX, Entry, EntryError, Outcome, UsageSource};
pub use exchange::{Exchange, Keeping, Kept};
pub use holding::{Holding, Overrun, Short, lease_size};
pub use intent::Intent;
pub use labels::{
    LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX, Label, Labels, NotLabels,
    is_name as is_label_name,
};
pub use posting::{Posting, Tokens};
pub use price::rerate;
pub use price::{
    Dollars, Fixed, LongPrompt, MARK_UP_BASIS_POINTS_MAX, Most, NotSheet, Part, Price, Rates,
    SHEET_LINES_MAX, SHEET_NAME_BYTES_MAX, Scale, Sheet, SheetLine, TokenClass, UNIT_CLASSES, Untold,
    sheet_version, split_version,
};
pub use session::{PerSession, SESSION_BYTES_MAX, is_session, is_session_window, session_window};
pub use stretch::{
    Between, INCREASES_MAX, Increase, ROLLING_BUCKETS, ROLLING_MINUTES_MAX, Rolling, Rollover, Shut,
};
pub use terms::{MARKS_MAX, NotTerms, ONLY_BYTES_MAX, Only, Pause, REASON_BYTES_MAX, Spend, Terms, Unit};
