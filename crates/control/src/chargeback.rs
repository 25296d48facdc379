//! Showback and chargeback: who bears which cost. Rules are one document of a tenant; what they make of a time is a
//! statement: a draft as often as one likes, and final once. A final statement never changes; it names the digest of the
//! one before it and the signed head of the ledger that it was reckoned from, so that changing one, or the ledger behind
//! it, is seen. What comes into the ledger after that is in the next. Asks nobody whether they may: whoever calls has.

mod late;
mod reckoning;
mod statement;
mod verifying;
mod view;

pub use reckoning::{ChargebackError, Reckoned, finalized, reckon, rules, statements, time_of};
pub use statement::{Body, FORMAT, LedgerHead, RulesDocument, Statement, number_id};
pub use verifying::{CheckedStatement, DEEP_MAX, Verified, verify};
pub use view::{NewStatement, StatementLine, StatementView, TargetLine, csv};
