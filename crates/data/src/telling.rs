//! What of calls somebody must hear of: the first call of a window that a budget refused, a model without a price, a
//! provider that is rested after failures. Each is remembered here and told once; whoever writes it makes that true over
//! all replicas. Never decides anything, and no call waits for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{AuditId, TenantId, Threat, UnixMillis};
use ledger::{AuditActor, AuditOutcome, AuditRecord, Unit};
use limit::Turned;
use serde_json::json;

use crate::book::Cell;
use crate::gate::Gate;
use crate::refusal::{Code, Refusal};
use crate::settings::{Model, Target, Unpriced};
use crate::ticket::Ticket;

/// Models without a price that are told of in a day: who could name any model would otherwise fill logs.
const UNPRICED_MAX: usize = 1_024;
const DAY_MS: i64 = 86_400_000;

/// Which models without a price were told of today.
#[derive(Debug, Default)]
pub struct Unpricedness(Mutex<Today>);

/// A day, counted since 1970, and who asked for what on it.
type Today = (i64, HashSet<(TenantId, Arc<str>)>);

/// Whether somebody is to be told.
enum Note {
    New,
    Known,
    NoRoom,
}

impl Unpricedness {
    fn note(&self, place: (TenantId, Arc<str>), now: UnixMillis) -> Note {
        // Whole after every step, also where one panicked.
        let mut today = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now.0.div_euclid(DAY_MS);
        if today.0 != day {
            *today = (day, HashSet::new());
        }
        match (today.1.contains(&place), today.1.len() < UNPRICED_MAX) {
            (true, _) => Note::Known,
            (false, false) => Note::NoRoom,
            (false, true) => {
                today.1.insert(place);
                Note::New
            }
        }
    }

    fn forget(&self, place: &(TenantId, Arc<str>)) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .remove(place);
    }
}

/// What a refused call tells of.
pub fn refused(gate: &Gate, ticket: &Ticket, refusal: &Refusal) {
    if let Some(cell) = &refusal.exhausted {
        exhausted(gate, ticket, cell);
    } else if refusal.code == Code::ModelUnpriced
        && let Some(model) = &ticket.model
    {
        unpriced(gate, ticket, model);
    }
}

/// The first call that a budget refused in a window.
// threat: AGP-D1
fn exhausted(gate: &Gate, ticket: &Ticket, cell: &Cell) {
    let Some((budget, window_start)) = cell.first_refusal() else {
        return;
    };
    let (limit, start) = (budget.limit.nanos(), window_start.0);
    let wanted = ticket.bound.counted_in(cell.unit()).nanos();
    let key = ticket.key.principal.key.to_string();
    let after = match cell.unit() {
        Unit::Money => json!({
            "name": budget.name, "window_start": start, "limit_nanos": limit, "wanted_nanos": wanted, "key": key,
        }),
        Unit::Tokens => json!({
            "name": budget.name, "window_start": start, "limit_tokens": limit, "wanted_tokens": wanted, "key": key,
        }),
    };
    let record = AuditRecord {
        target: Some(budget.id.to_string()),
        outcome: AuditOutcome::Refused(Code::BudgetExhausted.as_str().to_owned()),
        threat: Some(Threat::AgpD1),
        after: Some(after),
        ..gate_says("budgets", budget.tenant, "budgets.exhausted")
    };
    if !gate.raise(record) {
        cell.forget_refusal();
    }
}

/// A call for a model without a price, where such calls are let through.
pub fn admitted(gate: &Gate, ticket: &Ticket, model: &Model) {
    let is_priced = |target: &Arc<Target>| ticket.key.prices(target).at(ticket.started).is_some();
    if ticket.settings.unpriced == Unpriced::AllowFree && !model.targets.iter().all(is_priced) {
        unpriced(gate, ticket, &model.name);
    }
}

// threat: AGP-D1
fn unpriced(gate: &Gate, ticket: &Ticket, model: &Arc<str>) {
    let (tenant, is_free) = (
        ticket.key.principal.tenant,
        ticket.settings.unpriced == Unpriced::AllowFree,
    );
    let place = (tenant, model.clone());
    match gate.unpriced.note(place.clone(), ticket.started) {
        Note::Known => return,
        Note::NoRoom => {
            gate.metrics.gauges().alarms_dropped.inc();
            return;
        }
        Note::New => {}
    }
    let outcome = match is_free {
        true => AuditOutcome::Done,
        false => AuditOutcome::Refused(Code::ModelUnpriced.as_str().to_owned()),
    };
    let record = AuditRecord {
        target: Some(model.chars().take(200).collect()),
        outcome,
        threat: Some(Threat::AgpD1),
        after: Some(json!({"key": ticket.key.principal.key.to_string(), "let_through": is_free})),
        ..gate_says("prices", tenant, "models.unpriced")
    };
    if !gate.raise(record) {
        gate.unpriced.forget(&place);
    }
}

/// A target is rested after failures, or called again. Those who run the instance hear of it.
// threat: ANP-0019
pub fn turned(gate: &Gate, target: &Target, turned: Turned) {
    let act = match turned {
        Turned::Opened => "provider.breaker_opened",
        Turned::Closed => "provider.breaker_closed",
    };
    let record = AuditRecord {
        target: Some(target.label.to_string()),
        after: Some(json!({"provider": &*target.provider.name, "node": gate.node.to_string()})),
        ..gate_says("breakers", TenantId::PLATFORM, act)
    };
    gate.raise(record);
}

fn gate_says(task: &str, tenant: TenantId, act: &str) -> AuditRecord {
    let actor = AuditActor::Gate(task.to_owned());
    AuditRecord::done((AuditId::generate(), tenant), UnixMillis::now(), actor, act)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_d2_a_model_is_told_of_once_a_day_and_not_more_than_there_is_room_for() {
        let (told, noon) = (Unpricedness::default(), UnixMillis(DAY_MS / 2));
        let place = |n: usize| (TenantId::from_u128(1), Arc::from(format!("m{n}")));
        assert!(matches!(told.note(place(0), noon), Note::New));
        assert!(matches!(told.note(place(0), noon), Note::Known));
        let elsewhere = (TenantId::from_u128(2), Arc::from("m0"));
        assert!(matches!(told.note(elsewhere, noon), Note::New), "of each tenant");
        for n in 1..UNPRICED_MAX - 1 {
            assert!(matches!(told.note(place(n), noon), Note::New));
        }
        assert!(matches!(told.note(place(UNPRICED_MAX), noon), Note::NoRoom));
        told.forget(&place(0));
        assert!(
            matches!(told.note(place(0), noon), Note::New),
            "what found no way is told later"
        );
        let tomorrow = noon.plus(std::time::Duration::from_secs(86_400));
        assert!(matches!(told.note(place(0), tomorrow), Note::New));
    }
}
