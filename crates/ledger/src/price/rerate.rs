//! Correcting what calls cost that are in the ledger: by one more entry that holds the difference. The entry that it
//! corrects stays as it is, byte for byte.

use std::sync::Arc;

use domain::{Money, RequestId, UnixMillis, Usage};

use super::Price;
use crate::merkle::sha256;
use crate::{Entry, Outcome, UsageSource};

/// What an entry's cost comes to with all that was corrected of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Corrected {
    /// How often it was.
    pub times: u64,
    /// By how much, together.
    pub by: Money,
}

impl Corrected {
    /// With one more.
    #[must_use]
    pub const fn and(self, correction: &Entry) -> Self {
        Self {
            times: self.times.saturating_add(1),
            by: self.by.plus(correction.cost),
        }
    }
}

/// Whether an entry's cost was reckoned from what it used, so that it can be reckoned again. Not what was refused or
/// answered from the cache, which cost nothing, nor what was billed at its bound, of which nobody knows what it used.
pub fn is_rateable(entry: &Entry) -> bool {
    let was_counted = matches!(
        entry.usage_source,
        UsageSource::Provider | UsageSource::Estimated | UsageSource::Reported
    );
    was_counted && entry.adjusts.is_none() && !entry.cached && entry.target.is_some()
}

/// The entry that makes `original`, corrected so before, cost what it costs by `price`; nothing where it does already.
/// What is made twice of the same is the same entry, so a ledger has it once.
// threat: AGP-R2
pub fn correction(
    original: &Entry,
    before: Corrected,
    (price, version): (&Price, &Arc<str>),
    at: UnixMillis,
) -> Option<Entry> {
    let now = original.cost.plus(before.by);
    // What a call did not count cannot be priced afterwards.
    if price.told(&original.usage.units).is_err() {
        return None;
    }
    let difference = price.cost(&original.usage).minus(now);
    if difference == Money::ZERO {
        return None;
    }
    Some(Entry {
        id: correction_id(original.id, before.times),
        finished: at,
        outcome: Outcome::Adjusted,
        attempts: 0,
        usage: Usage {
            tier: original.usage.tier,
            ..Usage::default()
        },
        usage_source: UsageSource::None,
        cost: difference,
        price_version: version.clone(),
        charges: Vec::new(),
        policies: Vec::new(),
        findings: Vec::new(),
        request_digest: None,
        response_digest: None,
        credential: None,
        signature_digest: None,
        token_charges: Vec::new(),
        exchange: None,
        adjusts: Some(original.id),
        data_class: None,
        ..original.clone()
    })
}

/// The id of an entry's next correction, after so many: whoever makes it, and however often.
fn correction_id(original: RequestId, times: u64) -> RequestId {
    let digest = sha256(&[
        b"bartizan/correction/1",
        original.text().as_bytes(),
        &times.to_be_bytes(),
    ]);
    let half = digest.iter().take(16);
    RequestId::from_u128(half.fold(0, |id, byte| id << 8 | u128::from(*byte)))
}

#[cfg(test)]
mod tests {
    use domain::TenantId;
    use proptest::prelude::*;

    use super::*;
    use crate::{Charge, Digest};

    fn price(input: i64, output: i64) -> Price {
        Price::per_million(Money::from_nanos(input), Money::from_nanos(output))
    }

    fn entry(cost: i64) -> Entry {
        Entry {
            target: Some("main/large".into()),
            model: Some("large".into()),
            usage: Usage {
                input: 1_000,
                output: 10,
                ..Usage::default()
            },
            cost: Money::from_nanos(cost),
            charges: vec![Charge {
                budget: domain::BudgetId::from_u128(1),
                window_start: UnixMillis(0),
                amount: Money::from_nanos(cost),
            }],
            request_digest: Some(Digest([1; 32])),
            ..Entry::sample(RequestId::from_u128(7), TenantId::from_u128(2))
        }
    }

    #[test]
    fn agp_r2_a_correction_is_the_signed_difference_and_nothing_else() {
        let (original, version): (_, Arc<str>) = (entry(5_000_000), "new+2".into());
        let dearer = price(6_000_000_000, 15_000_000_000);
        let made = correction(
            &original,
            Corrected::default(),
            (&dearer, &version),
            UnixMillis(99),
        );
        let made = made.unwrap();
        assert_eq!(made.cost, Money::from_nanos(6_000_000 + 150_000 - 5_000_000));
        assert_eq!((made.adjusts, made.finished), (Some(original.id), UnixMillis(99)));
        assert_eq!((made.usage.total(), made.charges.len()), (0, 0));
        assert_eq!(
            (&*made.price_version, &made.outcome),
            ("new+2", &Outcome::Adjusted)
        );
        assert_eq!(
            (made.team, made.key, &made.target),
            (original.team, original.key, &original.target)
        );
        let read = Entry::from_bytes(&made.to_bytes()).unwrap();
        assert_eq!(read, made);
        // Of what is as it should be, there is none; of what was corrected before, the rest.
        let corrected = Corrected::default().and(&made);
        let again = |price: &Price| correction(&original, corrected, (price, &version), UnixMillis(100));
        assert_eq!(again(&dearer), None);
        let back = again(&price(5_000_000_000, 0)).unwrap();
        assert_eq!(back.cost, Money::from_nanos(-1_150_000));
        assert_ne!(back.id, made.id);
    }

    #[test]
    fn what_nobody_counted_is_not_rated_again() {
        assert!(is_rateable(&entry(1)));
        let not = |change: fn(&mut Entry)| {
            let mut entry = entry(1);
            change(&mut entry);
            !is_rateable(&entry)
        };
        assert!(not(|entry| entry.usage_source = UsageSource::Bound));
        assert!(not(|entry| entry.usage_source = UsageSource::None));
        assert!(not(|entry| entry.cached = true));
        assert!(not(|entry| entry.target = None));
        assert!(not(|entry| entry.adjusts = Some(entry.id)));
    }

    proptest! {
        /// However often prices change: the entry and its corrections sum to what the last price makes of it, and each
        /// correction has an id of its own.
        #[test]
        fn agp_r2_whatever_was_corrected_before_all_of_it_sums_to_the_last_price(
            first in 0i64..1 << 40, prices in proptest::collection::vec((0i64..1 << 40, 0i64..1 << 40), 1..8),
        ) {
            let (original, version): (_, Arc<str>) = (entry(first), "v".into());
            let (mut corrected, mut ids) = (Corrected::default(), vec![original.id]);
            for (input, output) in prices {
                let price = price(input, output);
                if let Some(made) = correction(&original, corrected, (&price, &version), UnixMillis(0)) {
                    prop_assert!(!ids.contains(&made.id));
                    ids.push(made.id);
                    corrected = corrected.and(&made);
                }
                prop_assert_eq!(original.cost.plus(corrected.by), price.cost(&original.usage));
            }
        }
    }
}
