//! Temporary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "test code")]
#[path = "../it/money_budget.rs"]
mod money_budget;
#[path = "../it/money_faults.rs"]
mod money_faults;
#[path = "../it/money_kill.rs"]
mod money_kill;
#[path = "../it/money_leaving.rs"]
mod money_leaving;
#[path = "../it/money_scene.rs"]
mod money_scene;
