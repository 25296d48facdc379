//! One suite for every engine: what the ports promise, case by case, each on a fresh store.
//!
//! An engine's test calls [`run`] with a maker of fresh stores; the cases that failed are named at the end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test suite: a broken promise ends the case"
)]

mod acts;
mod audits;
mod batches;
mod charges;
mod directory;
mod ends;
mod exchanges;
mod fixtures;
mod isolation;
mod kept;
mod leases;
mod log;
mod machines;
mod proofs;
mod records;
mod registry;
mod sessions;
mod signing;
mod usage;
mod windows;

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::Store;

/// How long one case may take on the slowest engine.
const CASE_SECONDS_MAX: u64 = 120;

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One promise and the code that tests it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What is promised, as a snake-case sentence; threat ids come first.
    pub name: &'static str,
    /// Panics if the store does not keep it. The store must be fresh.
    pub run: fn(Arc<dyn Store>) -> Run,
}

macro_rules! cases {
    ($($module:ident :: $name:ident,)*) => {
        /// All cases.
        pub fn cases() -> Vec<Case> {
            vec![$(Case { name: stringify!($name), run: |store| Box::pin($module::$name(store)) },)*]
        }
    };
}

cases! {
    signing::agp_r1_nobody_keeps_a_head_while_the_key_is_replaced_or_under_another,
    signing::agp_r1_replicas_follow_the_key_and_one_of_many_replaces_it,
    directory::what_is_created_is_loaded,
    directory::the_revision_rises_with_every_change_and_only_then,
    directory::agp_e1_documents_that_calls_are_answered_by_are_read_over_all_tenants,
    directory::taken_ids_and_names_conflict,
    directory::the_first_master_key_is_kept,
    directory::a_key_needs_a_team_of_its_tenant,
    directory::replace_key_is_compare_and_swap,
    directory::one_of_many_concurrent_replacements_wins,
    directory::put_budget_replaces_limit_and_name_only,
    directory::terms_are_replaced_but_not_what_is_counted,
    directory::a_budget_is_replaced_as_it_was_read_or_not_at_all,
    directory::many_replicas_may_put_the_same_budget_at_once,
    leases::a_lease_grows_to_the_exact_limit_and_not_past_it,
    leases::a_wish_is_granted_in_part,
    leases::exhausted_tells_what_is_held_elsewhere,
    leases::no_budget_no_lease,
    leases::agp_d1_concurrent_growth_never_exceeds_the_limit,
    leases::a_lowered_limit_grants_nothing_more,
    leases::windows_are_counted_apart,
    leases::shrinking_stops_at_what_is_used,
    leases::an_expired_lease_is_unexplained_and_still_counted,
    leases::renewing_brings_an_expired_lease_back,
    leases::growing_brings_an_expired_lease_back,
    leases::closing_frees_remainders_and_returns_the_leases,
    leases::deleting_a_budget_ends_its_leases,
    windows::agp_d1_a_rolling_window_counts_every_bucket_that_can_lie_in_it,
    windows::what_is_held_in_an_old_bucket_counts_until_it_is_given_back,
    windows::agp_d1_concurrent_growth_in_many_buckets_never_exceeds_the_limit,
    windows::what_was_not_spent_is_carried_into_the_next_window_once,
    windows::agp_d1_what_is_held_at_the_turn_is_not_carried_and_settles_late,
    windows::agp_d1_a_window_is_opened_once_however_many_open_it,
    windows::an_increase_holds_until_its_time_and_takes_nothing_away_after,
    windows::agp_d1_outside_of_its_time_a_budget_lends_nothing,
    windows::windows_never_change,
    charges::a_charge_moves_leased_to_spent_once,
    charges::a_charge_above_the_lease_is_spent_all_the_same,
    charges::a_charge_on_an_expired_lease_explains_it,
    charges::a_charge_without_lease_is_spent,
    charges::a_charge_on_an_unknown_budget_is_ignored,
    charges::a_negative_charge_gives_nothing_back,
    charges::enormous_charges_saturate,
    sessions::agp_d1_a_session_takes_no_more_than_its_ceiling_over_all_nodes_and_days,
    sessions::agp_d1_one_entry_charges_a_budget_and_a_session_of_it,
    sessions::silent_sessions_are_forgotten_and_nothing_else_is,
    sessions::agp_e1_sessions_of_one_name_are_each_tenants_own,
    charges::a_mark_that_is_reached_is_due_until_it_is_told_once,
    charges::agp_e1_marks_are_told_by_their_own_tenant,
    charges::anp_0004_nodes_that_race_and_die_never_exceed_the_limit,
    log::entries_come_back_byte_for_byte_in_order,
    log::shipping_twice_changes_nothing,
    log::overlapping_batches_add_only_what_is_new,
    log::concurrent_shippers_leave_dense_indices,
    batches::batches_of_every_size_are_appended_whole,
    batches::batches_of_every_size_may_be_shipped_again,
    batches::what_a_batch_has_twice_is_appended_once,
    batches::a_batch_may_overlap_an_earlier_one_anywhere,
    batches::agp_e1_two_tenants_may_ship_the_same_requests,
    log::leaf_hashes_are_rfc_6962_leaves,
    proofs::agp_r1_proofs_through_a_long_log_hold_while_it_grows,
    log::ranges_are_clipped_to_the_log,
    log::nonsense_from_a_caller_blocks_no_shipper,
    log::a_checkpoint_is_never_replaced_by_another,
    ends::entries_are_read_in_the_order_of_their_ends,
    ends::a_reading_by_time_sees_one_tenant_and_no_more_than_it_asked_for,
    kept::agp_t4_removed_entries_leave_their_hashes_and_the_sums,
    kept::agp_t4_entries_go_from_the_beginning_on_and_not_silently,
    usage::usage_sums_by_every_group,
    usage::usage_counts_only_the_window_asked_for,
    usage::usage_of_enormous_counts_saturates,
    usage::usage_is_told_apart_by_tags_labels_and_where_it_went,
    usage::the_rest_is_what_the_top_is_not,
    usage::agp_r2_roll_ups_are_the_sums_over_the_entries,
    records::records_come_back_as_they_were,
    records::ids_and_names_of_records_are_unique_within_kind_and_tenant,
    records::a_record_is_replaced_and_removed_only_as_it_was_read,
    records::pages_of_records_are_in_order_and_complete,
    records::ids_are_in_the_order_of_their_bytes,
    records::pages_in_every_order_are_the_whole_sorted,
    records::what_comes_and_goes_between_pages_doubles_and_hides_nothing_else,
    records::what_cannot_be_stored_is_not_found,
    audits::agp_r3_acts_upon_nonsense_are_recorded_all_the_same,
    registry::agp_r3_changes_and_their_audit_record_are_made_together_or_not_at_all,
    registry::agp_r3_acts_that_are_done_together_leave_a_record_each,
    registry::tenants_and_teams_are_replaced_only_as_they_were_read,
    registry::the_platform_makes_and_changes_tenants_and_nothing_in_them,
    registry::acts_upon_the_same_things_in_any_order_are_all_done,
    audits::audit_records_are_found_by_what_they_say,
    audits::agp_r3_audit_logs_are_merkle_logs_of_their_own,
    audits::concurrent_acts_leave_a_dense_audit_log,
    audits::agp_r3_removed_records_leave_their_hashes_and_a_record,
    audits::agp_r3_records_go_from_the_beginning_on_all_or_none,
    records::ctx_t3_a_session_is_found_by_its_digest_alone,
    records::ctx_t3_a_service_token_is_found_by_its_digest_and_is_no_session,
    records::sweeping_removes_old_records_of_one_kind,
    machines::anp_0001_a_nonce_is_spent_once_by_however_many_at_once,
    machines::nonces_are_forgotten_when_they_are_over_and_not_before,
    machines::agp_s1_a_binding_stands_for_one_key,
    exchanges::anp_0012_an_exchange_is_kept_once_and_never_replaced,
    exchanges::exchanges_are_found_newest_first_and_page_by_page,
    exchanges::anp_0010_exchanges_go_when_they_are_over_the_oldest_first,
    exchanges::anp_0020_exchanges_go_by_what_they_carry_and_what_is_less_grave_stays,
    exchanges::agp_e1_exchanges_never_reach_another_tenant,
    registry::agp_e1_records_and_audits_never_reach_another_tenant,
    isolation::anp_0007_directory_calls_never_reach_another_tenant,
    isolation::anp_0007_budget_calls_never_reach_another_tenant,
    isolation::agp_e1_log_calls_never_reach_another_tenant,
    isolation::agp_e1_values_of_another_tenant_are_not_taken_in,
    isolation::agp_e1_charges_never_reach_another_tenants_budget,
}

/// Runs every case on a store of its own.
///
/// # Panics
/// If any case fails, after all have run, naming those that did.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Store>) {
    let mut failures = Vec::new();
    for case in cases() {
        if let Err(why) = outcome(case, make().await).await {
            failures.push(format!("{}: {why}", case.name));
        }
    }
    assert!(
        failures.is_empty(),
        "{} cases failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

async fn outcome(case: Case, store: Arc<dyn Store>) -> Result<(), String> {
    let task = tokio::spawn(async move {
        tokio::time::timeout(Duration::from_secs(CASE_SECONDS_MAX), (case.run)(store)).await
    });
    match task.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(format!("still running after {CASE_SECONDS_MAX} s")),
        Err(error) => Err(error
            .try_into_panic()
            .map_or_else(|error| error.to_string(), said)),
    }
}

/// What a panic said.
fn said(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}
